"""Checks of what a caller gives, and names for the messages that refuse it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from numbers import Integral
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import OptionError

ABOVE_ZERO = np.nextafter(0.0, 1.0), np.finfo(np.float64).max


def whole_number(name: str, value: Any, least: int) -> int:
    """An int that is `least` or more.

    Raises
    ------
    OptionError
        `value` is something else.
    """
    if not isinstance(value, Integral) or _is_flag(value) or value < least:
        raise OptionError(f"{name}={value!r}; it is a whole number, {least} or more")
    return int(value)


def number_between(name: str, value: Any, low: float, high: float, meaning: str = "") -> float:
    """A float of an interval with its ends; what the ends mean may be told.

    Raises
    ------
    OptionError
        `value` is something else.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    is_number = isinstance(value, float | Integral | np.floating) and not _is_flag(value)
    if not (is_number and low <= value <= high):
        told = meaning or f"{low:g} to {high:g}"
        raise OptionError(f"{name}={value!r}; it is a number, {told}")
    return float(value)


def share(name: str, value: Any) -> float:
    """A float between zero and one, neither of them.

    Raises
    ------
    OptionError
        `value` is something else.
    """
    ends = np.nextafter(0.0, 1.0), np.nextafter(1.0, 0.0)
    return number_between(name, value, *ends, "above 0 and below 1")


def numbers_not_negative(name: str, value: Any) -> FloatArray:
    """Finite doubles that are zero or more, of any shape.

    Raises
    ------
    OptionError
        `value` has something else.
    """
    try:
        found: FloatArray = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name} are numbers, not {value!r}") from error
    if not (np.isfinite(found) & (found >= 0)).all():
        raise OptionError(f"{name} are finite numbers that are not negative, not {value!r}")
    return found


def flag(name: str, value: Any) -> bool | None:
    """True or False, also as 1 and 0; None is neither.

    Raises
    ------
    OptionError
        `value` is something else.
    """
    if value is None:
        return None
    if not (_is_flag(value) or (isinstance(value, Integral) and value in (0, 1))):
        raise OptionError(f"{name}={value!r}; it is True or False")
    return bool(value)


def one_for_each(name: str, values: Any, rows: int) -> Any:
    """Values, of which there are as many as rows.

    Raises
    ------
    OptionError
        There are more or fewer.
    """
    count = len(values) if hasattr(values, "__len__") else 1
    if count != rows:
        raise OptionError(f"{name} has {count:,} values, and there are {rows:,} rows")
    return values


def meant(name: Any, known: Iterable[str]) -> str:
    """Which of some names an unknown one may be meant for, as a question before a list."""
    near = get_close_matches(str(name), list(known), n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def shown(names: Sequence[str], most: int) -> str:
    """The first of some names, quoted, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)
