"""Labels of any kind as keys of 128 bits: equal labels have equal keys, and only they do.

Of text "only they" holds but for one pair of labels in 2**128. Numbers are equal whatever their
type below 2**63, decimals and doubles where the decimal has no more digits than doubles tell apart;
times are equal whatever their unit.
"""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.blocks.keys import KEY, Keys, mixed
from statsmodels_ooc.errors import MissingDataError
from statsmodels_ooc.sources.columns import DOUBLE_DIGITS

_TEXT = ("statsmodels-ooc:", "two-way-siphash:")  # of siphash, each 16 bytes
_INTEGER, _LARGE, _REAL, _TIME, _SPAN = range(1, 6)  # kinds of keys that are no hashes
_WORD = 2.0**63
_WORD_DIGITS = 20  # decimal digits of 64 bits


@dataclass(frozen=True, eq=False)
class Labels:
    """What stands beside rows as labels, of which only equality counts.

    Attributes
    ----------
    of : str or array_like or dask Array, (n,)
        A column's name, an expression in columns, or a label for each row.
    """

    of: Any

    def keys(self) -> Any:
        """The keys of labels that are given, (n,), of dask where they are.

        Raises
        ------
        MissingDataError
            A label is missing.
        """
        labels = self.of
        if hasattr(labels, "to_dask_array"):
            if not isinstance(getattr(labels, "dtype", None), np.dtype):
                labels = labels.astype(object)
            labels = labels.to_dask_array(lengths=True)
        if hasattr(labels, "map_blocks"):
            return labels.map_blocks(_keys_of_given, dtype=KEY)
        return _keys_of_given(labels)


def _keys_of_given(labels: Any) -> Keys:
    column = pd.Series(labels)
    missing = column.isna().to_numpy()
    if missing.any():
        raise MissingDataError(
            f"missing value of groups at position {int(np.argmax(missing))}",
            hint="leave such rows out of the model by subset=...",
        )
    return keys_of(column)


def keys_of(labels: pd.Series | NDArray[Any]) -> Keys:
    """The keys of labels, none of which is missing.

    Parameters
    ----------
    labels : Series or ndarray, (n,)
        Numbers, times, text, or any objects, of which those that print alike are equal.

    Returns
    -------
    ndarray of `KEY`, (n,)
        Numbers and times have keys of their own; of text, and of what else there is, the keys
        are two hashes of 64 bits (SipHash).
    """
    if isinstance(labels, pd.Series):
        if isinstance(labels.dtype, pd.CategoricalDtype):
            return keys_of(labels.cat.categories.to_series())[labels.cat.codes]
        labels = _plain(labels)
    if labels.dtype.kind in "biuf":
        return _keys_of_numbers(labels)
    if labels.dtype.kind in "mM":
        return _keys_of_times(labels)
    return _keys_of_objects(labels.astype(object))


def is_ordered(dtype: Any) -> bool:
    """Whether values are categories in an order of their own."""
    return isinstance(dtype, pd.CategoricalDtype) and bool(dtype.ordered)


def in_their_order(values: pd.Series) -> pd.Series:
    """Values that compare as they are meant to: ordered categories by number, instants in UTC."""
    if is_ordered(values.dtype):
        codes = values.cat.codes.astype(np.float64)
        return codes.where(codes >= 0)
    return _in_utc(values)


def _in_utc(values: pd.Series) -> pd.Series:
    """Times of a zone as those of UTC, without a zone."""
    if getattr(values.dtype, "tz", None) is None and not _has_arrow_zone(values.dtype):
        return values
    found: pd.Series = values.dt.tz_convert("UTC").dt.tz_localize(None)
    return found


def _has_arrow_zone(dtype: Any) -> bool:
    if not isinstance(dtype, pd.ArrowDtype) or dtype.kind != "M":
        return False
    return getattr(dtype.pyarrow_dtype, "tz", None) is not None


def _plain(labels: pd.Series) -> NDArray[Any]:
    """The labels in an array of NumPy's own types."""
    labels = _in_utc(labels)
    dtype = labels.dtype
    if isinstance(dtype, np.dtype) or dtype.kind in "mM":
        return labels.to_numpy()
    if dtype.kind in "biu" and not isinstance(dtype, pd.ArrowDtype):
        return labels.to_numpy(dtype.type)
    return labels.astype(object).to_numpy()


def _keys(words: NDArray[np.uint64], kinds: Any) -> Keys:
    keys = np.empty(len(words), dtype=KEY)
    keys["high"] = mixed(words)
    keys["low"] = kinds
    return keys


def _keys_of_numbers(values: NDArray[Any]) -> Keys:
    """Whole numbers by their value, whatever their type; others by their double."""
    if values.dtype.kind == "u":
        return _keys(values.astype(np.uint64), np.where(values >= _WORD, _LARGE, _INTEGER))
    if values.dtype.kind in "bi":
        return _keys(values.astype(np.int64).view(np.uint64), _INTEGER)
    doubles = values.astype(np.float64)
    is_whole = (np.floor(doubles) == doubles) & (np.abs(doubles) < _WORD)
    words = doubles.view(np.int64).copy()
    words[is_whole] = doubles[is_whole].astype(np.int64)
    return _keys(words.view(np.uint64), np.where(is_whole, _INTEGER, _REAL))


def _keys_of_times(values: NDArray[Any]) -> Keys:
    """Times and spans of time by their seconds and nanoseconds, whatever their unit."""
    kind = values.dtype.kind
    seconds = values.astype(f"{kind}8[s]")
    rest = (values - seconds).astype("m8[ns]").astype(np.int64).astype(np.uint64)
    tag = np.uint64(_TIME if kind == "M" else _SPAN)
    return _keys(seconds.astype(np.int64).view(np.uint64), (rest << np.uint64(3)) | tag)


def _keys_of_time(value: np.datetime64) -> Keys:
    return _keys_of_times(np.array([value]))  # in its own unit: years far away have no nanoseconds


def _keys_of_objects(values: NDArray[Any]) -> Keys:
    if pd.api.types.infer_dtype(values, skipna=False) == "string":
        return _keys_of_text(values)
    keys = np.empty(len(values), dtype=KEY)
    kinds = np.array([_kind(value) for value in values])
    for kind, (convert, find) in _KINDS.items():
        some = np.flatnonzero(kinds == kind)
        if len(some):
            converted = np.empty(len(some), dtype=object)
            converted[:] = [convert(value) for value in values[some]]
            keys[some] = find(converted)
    return keys


def _keys_of_text(values: NDArray[Any]) -> Keys:
    keys = np.empty(len(values), dtype=KEY)
    for word, hash_key in zip(("high", "low"), _TEXT, strict=True):
        keys[word] = pd.util.hash_array(values, hash_key=hash_key, categorize=False)
    return keys


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, Decimal):
        return _kind_of_decimal(value)
    if isinstance(value, bool | np.bool_ | numbers.Integral):
        return "integer" if -(2**63) <= int(value) < 2**64 else "other"
    if isinstance(value, float | np.floating):
        return "real"
    if isinstance(value, datetime.datetime | np.datetime64):
        return "time"
    return "other"


def _kind_of_decimal(value: Decimal) -> str:
    """The kind of the plainest number that is equal: other files or chunks may have that."""
    if not value.is_finite():
        return "real"
    if value == value.to_integral_value():
        return _kind(int(value)) if value.adjusted() < _WORD_DIGITS else "other"
    return "real" if len(_normalized(value).as_tuple().digits) <= DOUBLE_DIGITS else "other"


def _integers(values: NDArray[Any]) -> Keys:
    keys = np.empty(len(values), dtype=KEY)
    is_large = values >= 2**63
    keys[~is_large] = _keys_of_numbers(values[~is_large].astype(np.int64))
    keys[is_large] = _keys_of_numbers(values[is_large].astype(np.uint64))
    return keys


def _words(value: Any) -> str:
    """What tells an object of no other kind from others."""
    if isinstance(value, numbers.Integral):
        value = Decimal(int(value))
    if isinstance(value, Decimal):
        value = _normalized(value)
    return f"\0{type(value).__name__} {value!r}"


def _normalized(value: Decimal) -> Decimal:
    """The same for equal decimals, of any number of digits."""
    if not value:
        return Decimal(0)
    exact = Context(prec=len(value.as_tuple().digits), Emin=MIN_EMIN, Emax=MAX_EMAX)
    return value.normalize(exact)


def _instant(value: Any) -> Any:
    stamp = pd.Timestamp(value)
    return (
        stamp if stamp.tz is None else stamp.tz_convert("UTC").tz_localize(None)
    ).to_datetime64()


_KINDS: dict[str, tuple[Callable[[Any], Any], Callable[[NDArray[Any]], Keys]]] = {
    "text": (str, _keys_of_text),
    "integer": (int, _integers),
    "real": (float, lambda values: _keys_of_numbers(values.astype(np.float64))),
    "time": (_instant, lambda values: np.concatenate([_keys_of_time(v) for v in values])),
    "other": (_words, _keys_of_text),
}
