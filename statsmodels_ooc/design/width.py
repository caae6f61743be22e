"""How many columns a design will have, counted before anything is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from statsmodels_ooc import _patsy
from statsmodels_ooc._patsy import EvalFactor, Term
from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.options import options

_HINT = (
    "text, dates and C(...) are factors with a column for each level: is one of them meant to be "
    "a number, or an identifier? smo.options.memory_limit = '8 GiB' raises the limit"
)
_COPIES = 6  # of a factor's contrasts, levels times columns: Poly makes them, the plan keeps one


def level_limit(memory_limit: int) -> int:
    """More levels than this of one factor cannot be learned within so many bytes."""
    return int((memory_limit / (8 * _COPIES)) ** 0.5)


def too_many_levels(name: str, most: int) -> MemoryLimitError:
    """The error of a factor with more levels than `level_limit`."""
    need = _bytes(most + 1)
    return MemoryLimitError(
        f"{name!r} has more than {most:,} levels: a design with that many columns needs about "
        f"{need:,} bytes or more, more than memory_limit = {options.memory_limit:,}",
        hint=_HINT,
        needed=need,
    )


def _bytes(k: int) -> int:
    return 8 * _COPIES * k**2


def check_width(
    sides: Sequence[Sequence[Term]],
    widths: Mapping[EvalFactor, int],
    levels: Mapping[EvalFactor, tuple[tuple[Any, ...], Any]],
    names: Mapping[EvalFactor, str],
    memory_limit: int,
) -> None:
    """Refuse a design that cannot fit, before its contrasts are made.

    Parameters
    ----------
    sides : sequence of sequences of Term
        The terms of the response, of the design, and of whatever stands beside it.
    widths : mapping
        Numerical factor to its number of columns.
    levels : mapping
        Categorical factor to (levels, contrast).
    names : mapping
        The factors that are nothing but a column, to its name.
    memory_limit : int
        Bytes that learning may take.

    Raises
    ------
    MemoryLimitError
        The message names the columns whose levels they are.
    """
    for terms in sides:
        columns = _patsy.planned_columns(terms, widths, levels)
        k = sum(columns.values())
        if k <= level_limit(memory_limit):
            continue
        counts = {factor: len(values) for factor, (values, _) in levels.items()}
        need = _bytes(k)
        raise MemoryLimitError(
            f"{k:,} columns{widest_term(columns, counts, names)} need about {need:,} bytes, more "
            f"than memory_limit = {memory_limit:,}",
            hint=_HINT,
            needed=need,
        )


def widest_term(
    columns: Mapping[Term, int], levels: Mapping[EvalFactor, int], names: Mapping[EvalFactor, str]
) -> str:
    """The term with the most columns and the levels that make them, for a message.

    Empty where no term of several columns has levels. Factors that are nothing but a column
    go by its name.
    """
    wide = [term for term, width in columns.items() if width > 1]
    coded = [term for term in wide if any(factor in levels for factor in term.factors)]
    if not coded:
        return ""
    widest = max(coded, key=lambda term: columns[term])
    having = " and ".join(
        f"{names.get(factor, factor.name())!r} has {levels[factor]:,} levels"
        for factor in widest.factors
        if factor in levels
    )
    return f" ({columns[widest]:,} of them for {widest.name()!r}, where {having})"
