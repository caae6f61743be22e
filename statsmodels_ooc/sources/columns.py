"""Columns of a source, each with one type over all its files; sources that know theirs."""

from __future__ import annotations

import difflib
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.base import Levels, Lookup, Partition, Recipe, Source, dtypes_of

_MASKED = {
    **{pa.int8(): "Int8", pa.int16(): "Int16", pa.int32(): "Int32", pa.int64(): "Int64"},
    **{pa.uint8(): "UInt8", pa.uint16(): "UInt16", pa.uint32(): "UInt32", pa.uint64(): "UInt64"},
}


_INT64_DIGITS = 18  # decimal digits that every 64-bit integer has room for


_DECIMAL128_DIGITS, _DECIMAL256_DIGITS = 38, 76


pa.array(pd.array([], pd.PeriodDtype("D")))  # has pandas tell Arrow of its periods and intervals


@dataclass(frozen=True)
class Column:
    """How one column of Arrow data is delivered in every frame.

    Attributes
    ----------
    name : str
        The column's name.
    type : pyarrow.DataType
        What the data is cast to before it becomes pandas.
    nullable : bool or None
        Whether nulls occur somewhere in the source; None where only reading can tell,
        and each frame is delivered as found.
    category : pandas.CategoricalDtype, optional
        The declared levels; the column is then delivered as this dtype.
    place : int
        About where it stands among the columns of its file, to be looked for there first.
    """

    name: str
    type: pa.DataType
    nullable: bool | None = True
    category: pd.CategoricalDtype | None = None
    place: int = 0

    @property
    def dtype(self) -> Any:
        """The pandas dtype of the column in every frame."""
        if self.category is not None:
            return self.category
        if self.nullable and self.masked is not None:
            return self.masked
        if pa.types.is_decimal(self.type):
            return pd.ArrowDtype(self.type)
        return pa.array([], self.type).to_pandas().dtype

    @property
    def is_number(self) -> bool:
        """Whether NumPy has the values as Arrow has them, where none is missing."""
        kind = self.type
        found = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        return found and self.category is None

    @property
    def masked(self) -> Any:
        """The dtype that holds whole numbers or truth values, and missing ones; else None."""
        if pa.types.is_boolean(self.type):
            return pd.BooleanDtype()
        if pa.types.is_integer(self.type):
            return pd.api.types.pandas_dtype(_MASKED[self.type])
        return None

    @cached_property
    def words(self) -> pa.Array | None:
        """The declared levels as Arrow has them."""
        if self.category is None:
            return None
        kind = self.type.value_type if pa.types.is_dictionary(self.type) else self.type
        return pa.array(self.category.categories).cast(kind)

    @property
    def levels(self) -> Levels | None:
        """The declared levels."""
        if self.category is None:
            return None
        return Levels(tuple(self.category.categories.tolist()), is_categorical=True)


def delivered_type(kind: pa.DataType) -> pa.DataType:
    """The type that ``kind`` is cast to: what pandas holds without loss of meaning.

    Decimals are doubles while these tell them apart, whole ones integers; beyond that they
    stay decimals.
    """
    if pa.types.is_dictionary(kind):
        return delivered_type(kind.value_type)
    if pa.types.is_decimal(kind):
        return _delivered_decimal(kind)
    if pa.types.is_null(kind):
        return pa.float64()
    if pa.types.is_date32(kind):
        return pa.timestamp("s")
    if pa.types.is_date64(kind):
        return pa.timestamp("ms")
    if isinstance(kind, pa.Bool8Type):
        return pa.bool_()
    if isinstance(kind, pa.BaseExtensionType) and not _is_pandas(kind):
        return delivered_type(kind.storage_type)
    return kind


def _delivered_decimal(kind: pa.DataType) -> pa.DataType:
    if kind.precision <= DOUBLE_DIGITS:
        return pa.float64()
    if _fits_int64(kind):
        return pa.int64()
    return _decimal(kind.precision, kind.scale, kind.bit_width)


def _fits_int64(kind: pa.DataType) -> bool:
    return bool(kind.scale <= 0 and kind.precision - kind.scale <= _INT64_DIGITS)


def _decimal(precision: int, scale: int, bits: int = 128) -> pa.DataType:
    is_long = bits > 128 or precision > _DECIMAL128_DIGITS
    return (pa.decimal256 if is_long else pa.decimal128)(precision, scale)


def _is_pandas(kind: pa.DataType) -> bool:
    """Whether pandas has an array for an Arrow extension type, as for periods and intervals."""
    try:
        return hasattr(kind.to_pandas_dtype(), "__from_arrow__")
    except NotImplementedError:
        return False


def common_type(types: Iterable[tuple[str, pa.DataType]], column: str, hint: str) -> pa.DataType:
    """One Arrow type for a column whose files, each with its type, may widen it.

    Raises
    ------
    SchemaError
        When two types are different kinds of data: it names both files.
    """
    found: dict[pa.DataType, str] = {}
    for place, kind in types:
        found.setdefault(kind, place)
    (result, first), *others = found.items()
    for kind, place in others:
        both = joined(result, kind)
        if both is None:
            raise SchemaError(
                f"column {column!r} is {result} in {first} but {kind} in {place}", hint=hint
            )
        result = both
    return result


def joined(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """The type that holds the values of both, None for different kinds of data.

    Doubles win over other numbers; whole numbers and decimals stay exact while Arrow has
    digits enough.
    """
    if left == right or pa.types.is_null(right):
        return left
    if pa.types.is_null(left):
        return right
    if pa.types.is_dictionary(left) or pa.types.is_dictionary(right):
        return _join_dictionaries(left, right)
    if is_number(left) and is_number(right):
        return _join_numbers(left, right)
    if is_text(left) and is_text(right):
        return pa.large_string()
    if _is_moment(left) and _is_moment(right):
        return _join_moments(left, right)
    return None


def _join_dictionaries(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    both = pa.types.is_dictionary(left) and pa.types.is_dictionary(right)
    values = joined(
        left.value_type if pa.types.is_dictionary(left) else left,
        right.value_type if pa.types.is_dictionary(right) else right,
    )
    if values is None or not both:
        return values
    return pa.dictionary(pa.int64(), values, ordered=left.ordered and right.ordered)


def _join_numbers(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    if pa.types.is_floating(left) or pa.types.is_floating(right):
        return pa.float64()
    if pa.types.is_integer(left) and pa.types.is_integer(right):
        return pa.from_numpy_dtype(np.result_type(left.to_pandas_dtype(), right.to_pandas_dtype()))
    (whole, scale), (other_whole, other_scale) = map(_digits, (left, right))
    scale = max(scale, other_scale)
    precision = max(whole, other_whole) + scale
    return _decimal(precision, scale) if precision <= _DECIMAL256_DIGITS else pa.float64()


def _digits(kind: pa.DataType) -> tuple[int, int]:
    """How many digits before and behind the point a number needs."""
    if pa.types.is_decimal(kind):
        return kind.precision - kind.scale, max(kind.scale, 0)
    limits = np.iinfo(kind.to_pandas_dtype())
    return len(str(limits.max)), 0


def _join_moments(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """A timestamp of the finer unit; None where one has a time zone that the other lacks."""
    units = ["s", "ms", "us", "ns"]
    first, second = delivered_type(left), delivered_type(right)
    if first.tz != second.tz:
        return None
    return pa.timestamp(max(first.unit, second.unit, key=units.index), first.tz)


def is_number(kind: pa.DataType) -> bool:
    """Whether values of a type are integers, floats or decimals."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    """Whether values of a type are text."""
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def select(known: Mapping[str, Any], wanted: Sequence[str], place: str) -> list[Any]:
    """What is known of the columns wanted, in the order wanted.

    Raises
    ------
    SchemaError
        For a column that the source does not have, with near matches.
    """
    missing = [name for name in wanted if name not in known]
    if missing:
        near = difflib.get_close_matches(
            str(missing[0]), [str(name) for name in known], n=3, cutoff=0.5
        )
        names = ", ".join(map(repr, near or list(known)[:10]))
        names += ", …" if not near and len(known) > 10 else ""
        raise SchemaError(
            f"{place} has no column {missing[0]!r}",
            hint=f"did you mean {names}?" if near else f"its columns are {names}",
        )
    if isinstance(known, Lookup):
        return known.several(wanted)
    return [known[name] for name in wanted]


def picked(known: Mapping[str, Any], wanted: Sequence[str], place: str) -> dict[str, Any]:
    """What is known of the columns wanted, by name; see `select`."""
    return dict(zip(wanted, select(known, wanted, place), strict=True))


def check_unique(names: Sequence[Any], place: str) -> None:
    """Refuse a table in which two columns share a name."""
    counts = Counter(names)
    twice = next((name for name in names if counts[name] > 1), None)
    if twice is not None:
        raise SchemaError(
            f"{place} has more than one column {twice!r}",
            hint="give every column a name of its own",
        )


class ListedSource(Source):
    """A source that is told what it is; the categories of a Categorical are its levels."""

    def __init__(
        self, name: str, dtypes: Mapping[Any, Any], partitions: Sequence[Partition]
    ) -> None:
        self._name, self._dtypes, self._partitions = name, dtypes, partitions

    @property
    def name(self) -> str:
        return self._name

    @property
    def dtypes(self) -> Mapping[Any, Any]:
        return self._dtypes

    @property
    def partitions(self) -> Sequence[Any]:
        return self._partitions

    def levels(self, column: str) -> Levels | None:
        dtype = select(self.dtypes, [column], self.name)[0]
        if not isinstance(dtype, pd.CategoricalDtype) or dtype.categories is None:
            return None
        return Levels(tuple(dtype.categories.tolist()), is_categorical=True)


class ColumnSource(ListedSource):
    """A source whose columns are looked up when they are asked for.

    What is known of each is its dtype, and its levels where they are declared.
    """

    def __init__(
        self, name: str, columns: Lookup[Any], partitions: Sequence[Partition] = ()
    ) -> None:
        super().__init__(name, dtypes_of(columns), partitions)
        self.known = columns

    def levels(self, column: str) -> Levels | None:
        levels: Levels | None = select(self.known, [column], self.name)[0].levels
        return levels


class Narrow(Recipe):
    """A partition that may know columns, and takes only those along that are read."""

    columns: Mapping[Any, Any] | None

    def narrowed(self, columns: Sequence[str]) -> Self:
        if self.columns is None:
            return self
        partition: Any = self  # a frozen dataclass with a label
        narrowed: Self = replace(partition, columns=picked(self.columns, columns, partition.label))
        return narrowed


DOUBLE_DIGITS = 15  # decimal digits that every double tells apart
_EXACT_POWER = 22  # up to which powers of ten are doubles


def nearest_doubles(array: pa.Array) -> pa.Array:
    """The doubles that are written as the decimals are, which Arrow's own cast often misses.

    Notes
    -----
    Digits and power of ten are exact doubles where there are few digits, and one division
    rounds correctly. Text is read correctly rounded whatever its length.

    Examples
    --------
    >>> import decimal
    >>> import pyarrow as pa
    >>> from statsmodels_ooc.sources.columns import nearest_doubles
    >>> cents = pa.array([decimal.Decimal("0.35")])
    >>> cents.cast(pa.float64())[0].as_py(), nearest_doubles(cents)[0].as_py()
    (0.35000000000000003, 0.35)
    """
    kind = array.type
    few = kind.precision <= DOUBLE_DIGITS and 0 <= kind.scale <= _EXACT_POWER
    if not (few and pa.types.is_decimal128(kind) and sys.byteorder == "little"):
        return array.cast(pa.string()).cast(pa.float64())
    words = np.frombuffer(array.buffers()[1], np.int64)  # two for each value, low one first
    digits = words[2 * array.offset : 2 * (array.offset + len(array)) : 2]
    absent = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    return pa.array(digits / 10.0**kind.scale, mask=absent)
