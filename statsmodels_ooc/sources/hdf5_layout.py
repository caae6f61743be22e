"""What arrays and tables of HDF5 hold, in columns: their names, types and values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from statsmodels_ooc.errors import ParseError, SchemaError
from statsmodels_ooc.sources.schema import DECLARED

_ENOUGH_ROWS, _ENOUGH_BYTES = 131_072, 2**26  # of a partition
_TEXT = pa.large_string()
_POINTER = 48  # bytes of a text of variable length, with what points to it
_UNITS = ("s", "ms", "us", "ns")  # of times that pandas and Arrow have
_TRUTH = {"FALSE": 0, "TRUE": 1}  # how h5py writes truth values


def ranges_of_chunks(
    rows: int, chunk_rows: int, width: int, most: int | None = None
) -> Iterator[tuple[int, int]]:
    """Rows of ``width`` bytes in pieces of whole chunks, of ``most`` rows or up to a chunk more.

    Examples
    --------
    >>> from statsmodels_ooc.sources.hdf5_layout import ranges_of_chunks
    >>> list(ranges_of_chunks(10, chunk_rows=3, width=8, most=4))
    [(0, 6), (6, 10)]
    """
    most = _ENOUGH_ROWS if most is None else most
    enough = max(1, min(most, _ENOUGH_BYTES // max(width, 1)))
    step = -(-enough // chunk_rows) * chunk_rows
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


@dataclass(frozen=True)
class Kind:
    """The type of a value.

    Attributes
    ----------
    type : DataType or None
        How Arrow has it; None where it is no number, text, time or truth value.
    what : str
        What it is, for messages.
    words : tuple of (str, int), optional
        Of an enumeration its names and their numbers.
    nbytes : int
        What a value takes.
    """

    type: pa.DataType | None
    what: str
    nbytes: int
    words: tuple[tuple[str, int], ...] | None = None


@dataclass(frozen=True)
class Field:
    """Where the values of a column are.

    Attributes
    ----------
    name : str
        The column.
    node : str
        The path of the array or table.
    inside : tuple of str
        The fields that lead to it, outermost first; none in an array of plain values.
    at : int or None
        Its place among several values of a row.
    kind : Kind
        What the values are.
    """

    name: str
    node: str
    inside: tuple[str, ...]
    at: int | None
    kind: Kind

    @property
    def arrow(self) -> pa.Field:
        """The column as a schema has it; nothing where it cannot be read."""
        kind = pa.null() if self.kind.type is None else self.kind.type
        noted = {DECLARED: b""} if pa.types.is_dictionary(kind) else None
        return pa.field(self.name, kind, nullable=self.kind.type is None, metadata=noted)


@dataclass(frozen=True)
class Stored:
    """An array or a table of a file.

    Attributes
    ----------
    path : str
        Where it is.
    shape : tuple of int
        Rows first.
    chunk_rows : int
        How many rows HDF5 reads at a time.
    fields : tuple of Field
        Of an array of two dimensions one for each column.
    row_bytes : int
        What a row takes, all of its columns together.
    """

    path: str
    shape: tuple[int, ...]
    chunk_rows: int
    fields: tuple[Field, ...]
    row_bytes: int


@dataclass(frozen=True)
class Layout:
    """A table of a file, of one or several arrays of the same length."""

    key: str
    rows: int
    chunk_rows: int
    fields: tuple[Field, ...]
    widths: tuple[tuple[str, int], ...]  # bytes of a row of each array


KindOf = Callable[[tuple[str, ...], np.dtype[Any]], Kind | None]
"""What the library says of a type that NumPy's does not tell: an enumeration, text."""


def stored_array(
    path: str,
    shape: Sequence[int],
    chunks: Sequence[int] | None,
    dtype: np.dtype[Any],
    kind_of: KindOf,
) -> Stored:
    """What an array or a table of a file holds."""
    name = path.rpartition("/")[2] or "x"
    base, inner = (dtype.base, dtype.shape)
    if len(shape) > 1 or inner:
        width = math.prod((*shape[1:], *inner))
        found = (
            [] if base.names else [_one(name, path, (), at, base, kind_of) for at in range(width)]
        )
    else:
        found = list(_fields(path, "", (), base, kind_of, name))
    return Stored(
        path,
        tuple(map(int, (*shape, *inner))),
        max(int(chunks[0]), 1) if chunks else 1,
        tuple(found),
        sum(field.kind.nbytes for field in found),
    )


def _fields(
    node: str,
    prefix: str,
    inside: tuple[str, ...],
    dtype: np.dtype[Any],
    kind_of: KindOf,
    name: str,
) -> Iterator[Field]:
    """The columns of a type, which may have fields, and these in turn."""
    base, shape = dtype.base, dtype.shape
    if base.fields is not None and not shape:
        for part in base.names or ():
            called = f"{prefix}{part}"
            below, within = base.fields[part][0], (*inside, part)
            yield from _fields(node, f"{called}/", within, below, kind_of, called)
    elif shape:
        for at in range(math.prod(shape)):
            yield _one(f"{name}_", node, inside, at, base, kind_of)
    else:
        yield _one(name, node, inside, None, base, kind_of)


def _one(
    name: str,
    node: str,
    inside: tuple[str, ...],
    at: int | None,
    dtype: np.dtype[Any],
    kind_of: KindOf,
) -> Field:
    kind = kind_of(inside, dtype) or plain_kind(dtype)
    return Field(name if at is None else f"{name}{at}", node, inside, at, kind)


def plain_kind(dtype: np.dtype[Any]) -> Kind:
    """What NumPy's type says of values."""
    size = dtype.itemsize
    if dtype.kind == "S":
        return text_kind(size)
    if dtype.kind in "mM":
        unit = np.datetime_data(dtype)[0]
        unit = unit if unit in _UNITS else "s" if unit in ("W", "D", "h", "m") else ""
        make = pa.timestamp if dtype.kind == "M" else pa.duration
        return Kind(make(unit) if unit else None, str(dtype), size)
    if dtype.kind == "f" and size > 8:
        return Kind(pa.float64(), str(dtype), size)
    if dtype.kind in "biuf":
        return Kind(pa.from_numpy_dtype(dtype.newbyteorder("=")), str(dtype), size)
    return Kind(None, str(dtype), max(size, 1))


def text_kind(nbytes: int | None = None) -> Kind:
    """Text of so many bytes, or of any."""
    return Kind(_TEXT, "text", _POINTER if nbytes is None else max(nbytes, 1))


def enum_kind(words: Sequence[tuple[str, int]], nbytes: int) -> Kind:
    """Names that stand for numbers, in the order of the numbers; truth values as h5py has them."""
    if dict(words) == _TRUTH:
        return Kind(pa.bool_(), "bool", nbytes)
    named: dict[int, str] = {}
    for word, value in sorted(words, key=lambda pair: pair[1]):
        named.setdefault(int(value), str(word))
    pairs = tuple((word, value) for value, word in named.items())
    return Kind(pa.dictionary(pa.int32(), _TEXT), "an enumeration", nbytes, pairs)


def renamed(fields: Sequence[Field], names: Sequence[str]) -> tuple[Field, ...]:
    """The same columns under other names."""
    return tuple(replace(field, name=name) for field, name in zip(fields, names, strict=True))


def values_of(rows: NDArray[Any], field: Field, first: int) -> NDArray[Any]:
    """The values of a column, (b,), of rows of its array of which it read from a column on."""
    for name in field.inside:
        rows = rows[name]
    if field.at is not None:
        rows = rows.reshape(len(rows), -1)[:, field.at - first]
    return rows


def arrow_of(
    values: NDArray[Any], field: Field, encoding: str, place: str, before: int
) -> pa.Array:
    """Values of a column as Arrow has them.

    Parameters
    ----------
    values : ndarray, (b,)
        As HDF5 has them.
    field : Field
        The column.
    encoding : str
        Of text.
    place : str
        The file and the table, for messages.
    before : int
        The number of the first row, for messages.

    Raises
    ------
    ParseError
        Text is not of this encoding.
    SchemaError
        A number is none of the enumeration.
    """
    kind, stored = field.kind, field.kind.type
    assert stored is not None
    if kind.words is not None:
        return _named(values, field, kind.words, place, before)
    if stored == _TEXT:
        return _decoded(values, field, encoding, place, before)
    if stored == pa.bool_():
        return pa.array(values.astype(np.bool_))
    if values.dtype.kind in "mM":
        return pa.array(values.astype(f"{values.dtype.kind}8[{stored.unit}]"), stored)
    return pa.array(np.ascontiguousarray(values, stored.to_pandas_dtype()))


def _named(
    values: NDArray[Any],
    field: Field,
    words: Sequence[tuple[str, int]],
    place: str,
    before: int,
) -> pa.Array:
    numbers = np.array([number for _, number in words])
    codes = np.searchsorted(numbers, values).clip(max=len(numbers) - 1)
    strange = numbers[codes] != values
    if strange.any():
        at = int(np.argmax(strange))
        raise SchemaError(
            f"column {field.name!r} is {values[at]} in row {before + at} of {place}, which is "
            f"none of the numbers of its enumeration: {dict(words)}",
            hint="mend the value, or write the column as plain numbers",
        )
    names = pa.array([word for word, _ in words], _TEXT)
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), names)


def _decoded(
    values: NDArray[Any], field: Field, encoding: str, place: str, before: int
) -> pa.Array:
    """Text, each word of which is decoded once."""
    found = _bytes(values).dictionary_encode()
    words = []
    for number, word in enumerate(found.dictionary.to_pylist()):
        try:
            words.append(word.rstrip(b"\0").decode(encoding))
        except UnicodeDecodeError as error:
            at = int(np.argmax(found.indices.to_numpy() == number))
            raise ParseError(
                f"column {field.name!r} is {word!r} in row {before + at} of {place}, which is no "
                f"text in {encoding}: {error.reason}",
                hint="read_hdf(..., encoding='latin-1') reads text of another encoding",
            ) from None
    return pa.DictionaryArray.from_arrays(found.indices, pa.array(words, _TEXT))


def _bytes(values: NDArray[Any]) -> pa.Array:
    """Bytes of a fixed or a variable length as Arrow has them, zeros inside kept."""
    if values.dtype.kind != "S":
        texts = [v.encode() if isinstance(v, str) else bytes(v) for v in values.tolist()]
        return pa.array(texts, pa.large_binary())
    width = values.dtype.itemsize
    if not width or not len(values):
        return pa.array([b""] * len(values), pa.large_binary())
    buffers = [None, pa.py_buffer(np.ascontiguousarray(values))]
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(values), buffers)
    return fixed.cast(pa.large_binary())
