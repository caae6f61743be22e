"""Values of databases as Arrow arrays of the types that they have, and as frames."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.chunk import Chunk
from statsmodels_ooc.sources.columns import (
    DOUBLE_DIGITS,
    Column,
    delivered_type,
    is_number,
    is_text,
    joined,
)
from statsmodels_ooc.sources.frames import chunks_of, reader_bytes
from statsmodels_ooc.sources.values import as_found

Meaning = Literal["value", "number", "truth", "moment"]

_MOST_DIGITS = 76  # of Arrow's decimals
_INT64_DIGITS = 18  # that every 64-bit integer has room for
_FIRST_DAY, _LAST_DAY = -2_440_588, 106_751_991  # since 1970, of the years -4712 and 294247
_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class SqlColumn:
    """A column of a query.

    Attributes
    ----------
    column : Column
        How it is delivered.
    meaning : str
        What its values stand for: "number" for text that is a number, "truth" for 0 and 1
        and "moment" for text that is a date, where the column was declared as such; else
        "value", themselves.
    cast : str
        The type to which the database casts it first; empty where it does not.
    """

    column: Column
    meaning: Meaning = "value"
    cast: str = ""

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def dtype(self) -> Any:
        """The pandas dtype in every frame, as far as the first values tell."""
        return self.column.dtype

    @property
    def levels(self) -> Levels | None:
        """None: a database declares no levels."""
        return None


# --- Python's values ---


def batch_of(rows: Sequence[Sequence[Any]], names: Sequence[str], place: str) -> pa.RecordBatch:
    """Rows of a driver as a record batch; without a name, a column that says how many."""
    if not names:
        return pa.record_batch([pa.nulls(len(rows))], ["rows"])
    columns = list(zip(*rows, strict=True))
    arrays = [array_of(column, name, place) for column, name in zip(columns, names, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, list(names))


def array_of(values: Sequence[Any], name: str, place: str) -> pa.Array:
    """Python's values as an Arrow array of the type that holds each of them exactly.

    Raises
    ------
    SchemaError
        There is none, as for numbers and text, or for fractions and whole numbers that no
        double is.

    Examples
    --------
    >>> from statsmodels_ooc.sources.sql_values import array_of
    >>> array_of([2**60 + 1, None], "x", "t").to_pylist()
    [1152921504606846977, None]
    >>> array_of([1, 2.5, None], "x", "t").type
    DataType(double)
    """
    found = _at_once(values)
    if found is not None and not isinstance(found.type, pa.UuidType):
        return found
    first = next((value for value in values if value is not None), None)
    if isinstance(first, Decimal):
        return _decimals(values)
    if not isinstance(first, str | bytes | int | float):
        return pa.array([None if value is None else str(value) for value in values])
    column = pd.Series(list(values), dtype=object)
    found = as_found(column)
    if found.dtype.kind == "f":
        _check_exact(values, name, place)
    if found.dtype == object and pd.api.types.infer_dtype(found, skipna=True) == "integer":
        found = column.map(Decimal, na_action="ignore")
    try:
        return pa.array(found, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        raise _mixed(values, name, place) from None


def _at_once(values: Sequence[Any]) -> pa.Array | None:
    """What Arrow makes of values by itself; None where it has no type for them."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None


def _decimals(values: Sequence[Any]) -> pa.Array:
    """Decimals, of which some are NaN or infinite, or have more digits than Arrow's."""
    whole = [None if value is None or Decimal(value).is_nan() else value for value in values]
    found = _at_once(whole)
    if found is None:
        found = pa.array([None if value is None else float(value) for value in values])
    return found


def _check_exact(values: Sequence[Any], name: str, place: str) -> None:
    """Refuse whole numbers beside fractions, where they would be other numbers as doubles."""
    for at, value in enumerate(values):
        if isinstance(value, int) and int(float(value)) != value:
            raise SchemaError(
                f"column {name!r} of {place} has the whole number {value} (row {at:,}) among "
                "fractions, and as doubles whole numbers beyond 2**53 are not told apart",
                hint=f"CAST({name} AS TEXT) in the query keeps labels apart, CAST({name} AS REAL) "
                "makes doubles of all",
            )


def _mixed(values: Sequence[Any], name: str, place: str) -> SchemaError:
    kinds: dict[str, int] = {}
    for at, value in enumerate(values):
        if value is not None:
            kinds.setdefault(type(value).__name__, at)
    what = ", ".join(f"{kind} (row {at:,})" for kind, at in list(kinds.items())[:3])
    return SchemaError(
        f"column {name!r} of {place} has values of several types: {what}", hint=_hint(name)
    )


def _hint(name: str) -> str:
    return f"make one type of them in the query, such as CAST({name} AS TEXT)"


# --- what arrays stand for ---


def meant(array: pa.Array, column: SqlColumn, place: str) -> pa.Array:
    """What an array stands for, in a type that pandas knows.

    Raises
    ------
    SchemaError
        A value is not what its column was declared as, or a date is none, such as
        'infinity'.
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    kind = array.type
    if column.meaning == "number" and is_text(kind):
        return numbers_of_text(array)
    if column.meaning == "truth" and pa.types.is_integer(kind):
        return _truths(array, column.name, place)
    if column.meaning == "moment" and is_text(kind):
        return _moments(array, column.name, place)
    if pa.types.is_timestamp(kind) or pa.types.is_date32(kind):
        _check_moments(array, column.name, place)
        return array.cast(pa.timestamp(kind.unit, "UTC")) if getattr(kind, "tz", None) else array
    return array


def numbers_of_text(array: pa.Array) -> pa.Array:
    """Numbers that are written out: doubles where these tell them apart, else exact ones.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from statsmodels_ooc.sources.sql_values import numbers_of_text
    >>> numbers_of_text(pa.array(["0.35", "nan"])).to_pylist()
    [0.35, nan]
    >>> numbers_of_text(pa.array(["12345678901234567890.5"])).type
    Decimal128Type(decimal128(21, 1))
    """
    doubles = array.cast(pa.float64())
    if _most(_digits(array)) <= DOUBLE_DIGITS:
        return doubles
    finite = pc.is_finite(doubles)
    if pc.any(pc.is_inf(doubles)).as_py():
        return doubles
    plain = pc.if_else(finite, array, None)
    whole, _, part = (_most(one) for one in _halves(plain))
    if not part and whole <= _INT64_DIGITS:
        return plain.cast(pa.int64())
    if whole + part > _MOST_DIGITS:
        return doubles
    digits = max(whole + part, 1)
    kind = pa.decimal128 if digits <= 38 else pa.decimal256
    return plain.cast(kind(digits, part))


def _halves(array: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """How many digits stand before and behind the point, the point between them."""
    bare = pc.replace_substring_regex(array, r"^[-+]?0*", "")
    point = pc.find_substring(bare, ".")
    length = pc.utf8_length(bare)
    whole = pc.if_else(pc.less(point, 0), length, point)
    part = pc.if_else(pc.less(point, 0), 0, pc.subtract(pc.subtract(length, point), 1))
    return whole, point, part


def _digits(array: pa.Array) -> pa.Array:
    """How many digits a number has from the first that is not zero."""
    bare = pc.replace_substring_regex(array, r"[.]", "")
    return pc.utf8_length(pc.replace_substring_regex(bare, r"^[-+]?0*", ""))


def _most(lengths: pa.Array) -> int:
    return int(pc.max(lengths).as_py() or 0)


def _truths(array: pa.Array, name: str, place: str) -> pa.Array:
    least, most = pc.min_max(array).as_py().values()
    if least is not None and (least < 0 or most > 1):
        raise SchemaError(
            f"column {name!r} of {place} is declared as BOOLEAN, but has the value "
            f"{least if least < 0 else most}",
            hint=f"make a number of it in the query: CAST({name} AS INTEGER)",
        )
    return array.cast(pa.bool_())


def _moments(array: pa.Array, name: str, place: str) -> pa.Array:
    try:
        return array.cast(pa.timestamp("us"))
    except pa.ArrowInvalid as error:
        raise SchemaError(
            f"column {name!r} of {place} is declared as a date or a time, but has other text: "
            f"{error}",
            hint=f"make text of it in the query: CAST({name} AS TEXT)",
        ) from None


def _check_moments(array: pa.Array, name: str, place: str) -> None:
    """Refuse what databases have for infinity: Arrow has dates for it that are none."""
    kind = array.type
    if pa.types.is_date32(kind):
        days, limits = array.cast(pa.int32()), (_FIRST_DAY, _LAST_DAY)
    elif kind.unit == "us":
        days, limits = array.cast(pa.int64()), (_FIRST_DAY * _DAY, _LAST_DAY * _DAY)
    else:
        return
    least, most = pc.min_max(days).as_py().values()
    if least is not None and (least < limits[0] or most > limits[1]):
        raise SchemaError(
            f"column {name!r} of {place} has a date that no calendar has, such as 'infinity'",
            hint=f"leave its row out, or write NULLIF({name}, 'infinity') in the query",
        )


# --- frames ---


def gathered(batches: Iterable[pa.RecordBatch], max_rows: int) -> Iterator[pa.RecordBatch]:
    """Small batches put together, until they have ``max_rows`` rows or are heavy."""
    waiting: list[pa.RecordBatch] = []
    rows, size, most = 0, 0, reader_bytes() // 2
    for batch in batches:
        types = [array.type for array in batch.columns]
        other = bool(waiting) and types != [array.type for array in waiting[0].columns]
        if waiting and (other or rows + batch.num_rows > max_rows or size + batch.nbytes > most):
            yield _together(waiting)
            waiting, rows, size = [], 0, 0
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
    if waiting:
        yield _together(waiting)


def _together(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    found: pa.RecordBatch = table.to_batches()[0]
    return found


def sql_chunks(
    batches: Iterable[pa.RecordBatch],
    columns: Sequence[SqlColumn],
    max_rows: int,
    encoded: Collection[str],
    place: str,
) -> Iterator[Chunk]:
    """Chunks of at most ``max_rows`` rows of batches that have just these columns.

    Raises
    ------
    SchemaError
        A column is of another kind of data than its first values were.
    """
    labels = pd.Index([column.name for column in columns])
    before = 0
    for batch in gathered(batches, max_rows):
        arrays, told = [], []
        for array, column in zip(batch.columns, columns, strict=bool(columns)):
            found = meant(array, column, place)
            told.append(_fitting(found, column.column, f"{place}, rows from {before:,}"))
            arrays.append(found)
        rows = pa.RecordBatch.from_arrays(arrays, [c.name for c in told]) if told else batch
        yield from chunks_of([rows], told, max_rows, encoded, labels)
        before += batch.num_rows


def _fitting(array: pa.Array, column: Column, place: str) -> Column:
    """How a piece of a column is delivered, of which the first values had a type."""
    if array.null_count == len(array):
        return column
    kind = delivered_type(array.type)
    if joined(kind, column.type) is None:
        raise SchemaError(
            f"column {column.name!r} is {column.type} in its first rows but {kind} in {place}",
            hint=_hint(column.name),
        )
    if is_number(kind) and pa.types.is_floating(column.type) and not pa.types.is_decimal(kind):
        return column
    return replace(column, type=kind)


def sql_column(
    name: str, kind: pa.DataType, meaning: Meaning = "value", cast: str = ""
) -> SqlColumn:
    """A column whose values come in a type."""
    if meaning == "number":
        kind = pa.float64()
    elif isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if getattr(kind, "tz", None):
        kind = pa.timestamp(kind.unit, "UTC")
    return SqlColumn(Column(name, delivered_type(kind), None), meaning, cast)
