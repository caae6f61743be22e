"""Rows that no fit can be made of are refused by what a pass found of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.genmod import families

from statsmodels_ooc.design.formula import FormulaSpec
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.errors import (
    DesignError,
    EmptyDataError,
    MissingDataError,
    ResponseWarning,
    warn_caller,
)
from statsmodels_ooc.reductions.facts import RowFactsState
from statsmodels_ooc.reductions.responses import Impossible
from statsmodels_ooc.sources.base import Source

__all__ = ["check_facts", "check_responses", "warn_of_levels"]

_LARGEST = 1e140  # sums of squares beyond it may overflow


def check_facts(facts: RowFactsState, spec: DesignSpec, source: Source, least: int) -> None:
    """Refuse no rows, values that are not finite or whose squares overflow, too few rows.

    Parameters
    ----------
    facts, spec, source
        What the rows were, the design and the data.
    least : int
        How many rows there must be.

    Raises
    ------
    EmptyDataError, MissingDataError, DesignError
        As said.
    """
    k, name = spec.k, source.name
    if facts.rows_read == 0:
        raise EmptyDataError(source.no_rows)
    if facts.rows == 0:
        lost = ", ".join(f"{n:,} in {c!r}" for c, n in facts.missing.items())
        raise EmptyDataError(
            f"no row of the {facts.rows_read:,} in {name} is left"
            + (f"; missing values: {lost}" if lost else "")
        )
    bad = facts.not_finite
    if bad is not None:
        what = spec.endog_name if bad.column == k else spec.exog_names[bad.column]
        side = "endog" if bad.column == k else "exog"
        label = source.partitions[bad.partition].label
        raise MissingDataError(
            f"{side} contains inf or nans: {what!r} is {bad.value} at row {bad.row} of {label}",
            hint="missing='drop' leaves out NaN; infinities must be mended in the data",
        )
    sizes = np.maximum(np.abs(facts.low), np.abs(facts.high))
    if sizes.max() > _LARGEST:
        names = (*spec.exog_names, spec.endog_name)
        raise DesignError(
            f"{names[int(sizes.argmax())]!r} in {name} reaches {sizes.max():.3g}, and its "
            "square overflows",
            hint="measure it in a larger unit",
        )
    if facts.rows < least:
        raise _too_few(facts.rows, spec)


def _too_few(rows: int, spec: DesignSpec) -> DesignError:
    """Name the factor that most of the columns come from, if there is one."""
    return DesignError(
        f"{rows:,} rows cannot determine {spec.k:,} columns{spec.widest} and the scale",
        hint="a fit needs more rows than columns"
        + (
            ". Text, dates and categories have a column for each level: is one of them meant to be "
            "a number? In a text file a mark for missing values or between thousands makes text "
            "of numbers: read_csv has na_values= and thousands=. An identifier belongs out of the "
            "formula"
            if spec.widest
            else ""
        ),
    )


def check_responses(bad: Impossible | None, family: Any, spec: DesignSpec, source: Source) -> None:
    """Refuse a response that the family cannot have.

    Raises
    ------
    DesignError
        There is one, where it says.
    """
    if bad is not None:
        raise DesignError(
            f"{spec.endog_name!r} is {bad.value:.15g} at row {bad.row} of "
            f"{source.partitions[bad.partition].label}, which the {type(family).__name__} family "
            "cannot have"
        )


def warn_of_levels(spec: FormulaSpec, family: Any) -> None:
    """Say which level a binomial model takes for success, where nobody wrote it down.

    Parameters
    ----------
    spec : FormulaSpec
        The learned formula.
    family : Family or None
        Only a Binomial one has two values.
    """
    response = spec.response
    if response is None or not isinstance(family, families.Binomial):
        return
    code, (first, other) = response
    warn_caller(
        f"the binomial response {code!r} is categorical: P({code} = {first}) is modelled, that "
        f"of the first of its levels, as in statsmodels. For P({code} = {other}) write "
        f"{response.reversed} ~ ..., or {response.in_order} ~ ... to say that this is meant.",
        ResponseWarning,
    )
