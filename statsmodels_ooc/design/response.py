"""Responses that are categories: which of them the first column of the design counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from statsmodels_ooc.errors import DesignError

_NAMED = 5  # columns; more would not be read


class CategoricalResponse(NamedTuple):
    """A response of two levels whose order nobody wrote down.

    Attributes
    ----------
    code : str
        The factor as the formula has it; the column alone where it is C() of one.
    levels : tuple of two
        The level of the first column, which a Binomial family takes for success, and the
        other one.
    """

    code: str
    levels: tuple[Any, ...]

    @property
    def in_order(self) -> str:
        """What to write for the first level in the order in which it is."""
        return _with_levels(self.code, self.levels)

    @property
    def reversed(self) -> str:
        """What to write for the other level to come first."""
        return _with_levels(self.code, self.levels[::-1])


def check_endog(names: Sequence[str], levels: Sequence[Any] | None, code: str, most: int) -> None:
    """Refuse a response that is not one column, or two where they count trials.

    Parameters
    ----------
    names : sequence of str
        The columns.
    levels : sequence or None
        Of a categorical response.
    code : str
        The response as the formula has it.
    most : int
        How many columns it may have.

    Raises
    ------
    DesignError
        There are more, none, or the response is the same everywhere.
    """
    k = len(names)
    if levels is not None and len(levels) == 1:
        raise DesignError(
            f"the response {code!r} is categorical and has one level, {levels[0]!r}: there is "
            "nothing to model"
        )
    if 1 <= k <= most:
        return
    several = "endog has evaluated to an array with multiple columns"
    if levels is None:
        allowed = "one column" if most == 1 else "one column, or two that count trials"
        raise DesignError(f"{several}, {', '.join(names[:_NAMED])}; a response is {allowed}")
    if most > 1:
        hint = (
            f"a binomial response has two levels, {code!r} has {len(levels)}; make it a number: "
            "1 for success, 0 for failure"
        )
    else:
        hint = f"make it a number, such as I(1 * ({code} == {_plain(levels[-1])!r}))"
        if set(levels) <= {False, True}:
            hint = f"make it a number, such as I(1 * {code})"
    raise DesignError(f"{several}: {code!r} is bool, text or a category", hint=hint)


def _with_levels(code: str, levels: Sequence[Any]) -> str:
    return f"C({code}, levels={[_plain(level) for level in levels]!r})"


def _plain(level: Any) -> Any:
    return level.item() if hasattr(level, "item") else level
