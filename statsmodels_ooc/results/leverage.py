"""What is said of rows that determine coefficients alone."""

from __future__ import annotations

from collections.abc import Sequence

from statsmodels_ooc.reductions.sandwich import WhiteMeatState
from statsmodels_ooc.sources.base import Source

__all__ = ["leverage_message"]

_NAMED = 5  # coefficients; more would not be read


def leverage_message(meat: WhiteMeatState, names: Sequence[str], source: Source) -> str | None:
    """The text of a `LeverageWarning`, None where no row has leverage one.

    Parameters
    ----------
    meat : WhiteMeatState
        The sums of k columns.
    names : sequence of str
        Names of the k columns.
    source : Source
        The data.
    """
    if meat.first is None:
        return None
    where = f"row {meat.first.row} of {source.partitions[meat.first.partition].label}"
    more = f" ({meat.count:,} rows do, the first named)" if meat.count > 1 else ""
    return (
        f"{where} has leverage one{more}: alone it determines {_listed(meat, names)}, and it says "
        "nothing about other coefficients. HC2 and HC3 leave it out; the robust standard errors "
        "of what it determines lack its scatter and are not usable"
    )


def _listed(meat: WhiteMeatState, names: Sequence[str]) -> str:
    chosen = [repr(name) for name, known in zip(names, meat.determined, strict=True) if known]
    left = len(chosen) - _NAMED
    return ", ".join(chosen[:_NAMED]) + (f" and {left:,} more" if left > 0 else "")
