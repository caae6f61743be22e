"""Arrow batches to pandas frames, without a copy where the layout allows it; damage is named."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from statsmodels_ooc.errors import OutOfCoreError, ParseError, SchemaError
from statsmodels_ooc.options import options
from statsmodels_ooc.sources.chunk import Chunk
from statsmodels_ooc.sources.columns import Column, nearest_doubles
from statsmodels_ooc.sources.listing import system_errors

_FRAME_BYTES = 2**26  # so that frames follow from the columns, whatever the machine has
_FRAMES = 32  # that memory must hold, workers times what reading one takes


def reader_bytes() -> int:
    """Bytes of a frame: of the settings, never of the number of workers."""
    return int(min(_FRAME_BYTES, options.memory_limit // _FRAMES))


def release_unused() -> None:
    """Give memory back that Arrow keeps for this thread to use again."""
    pa.default_memory_pool().release_unused()


def rows_within(max_rows: int, row_bytes: float, columns: int) -> int:
    """How many rows a frame may have whose columns may be text.

    The most were chosen for columns of eight bytes; ``row_bytes`` is what a row takes.
    """
    if row_bytes <= 16 * columns:  # twice what was counted: numbers and short text
        return max_rows
    return max(1, min(max_rows, int(reader_bytes() // row_bytes)))


def frames_of(
    batches: Iterable[pa.RecordBatch],
    columns: Sequence[Column],
    max_rows: int,
    encoded: Collection[str],
) -> Iterator[pd.DataFrame]:
    """The frames of `chunks_of`."""
    labels = pd.Index([column.name for column in columns])
    for chunk in chunks_of(batches, columns, max_rows, encoded, labels):
        yield chunk.frame


def chunks_of(
    batches: Iterable[pa.RecordBatch],
    columns: Sequence[Column],
    max_rows: int,
    encoded: Collection[str],
    labels: pd.Index[Any],
) -> Iterator[Chunk]:
    """Chunks of at most ``max_rows`` rows of batches that have just these columns.

    Where the rows are heavy with text there are fewer.
    """
    known: KnownWords = {}
    for batch in batches:
        rows = rows_within(max_rows, batch.nbytes / max(batch.num_rows, 1), batch.num_columns)
        for start in range(0, batch.num_rows, rows):
            piece = batch if batch.num_rows <= rows else batch.slice(start, rows)
            # without a column the batch has one that was read for its length
            arrays = [
                _delivered(array, column, column.name in encoded, known)
                for array, column in zip(piece.columns, columns, strict=bool(columns))
            ]
            yield Chunk(labels, arrays, piece.num_rows)


def series_of(array: pa.Array, column: Column) -> pd.Series:
    """One column of Arrow data, as it is delivered."""
    chunk = Chunk(pd.Index([column.name]), [_delivered(array, column, False, {})], len(array))
    return chunk.frame[column.name]


KnownWords = dict[str, tuple[pa.Array, pd.CategoricalDtype]]
"""Of columns that came encoded, the dictionary of the frame before, and what pandas made of it."""


def _delivered(array: pa.Array, column: Column, encoded: bool, known: KnownWords) -> Any:
    """The values of a column as pandas takes them."""
    if encoded and column.category is None and pa.types.is_dictionary(array.type):
        return _encoded(array, column, known)
    if array.type is not column.type:
        array = _cast(array, column, encoded)
    kind = array.type
    if column.category is not None:
        return _categorical(array, column)
    is_whole = pa.types.is_integer(kind)
    if (is_whole or pa.types.is_boolean(kind)) and (column.nullable is True or array.null_count):
        return Column(column.name, kind).masked.__from_arrow__(array)
    if is_whole or pa.types.is_floating(kind):
        return array.to_numpy(zero_copy_only=False)
    if pa.types.is_decimal(kind):
        return pd.Series(array, dtype=pd.ArrowDtype(kind))
    return array.to_pandas(date_as_object=False)


def _encoded(array: pa.Array, column: Column, known: KnownWords) -> Any:
    """Codes of the words of a dictionary, which mostly is that of the frame before."""
    words, dtype = known.get(column.name, (None, None))
    if dtype is None or not array.dictionary.equals(words):
        found = _cast(array, column, True).to_pandas(date_as_object=False)
        if len(found.cat.categories) == len(array.dictionary):  # its words are distinct
            known[column.name] = array.dictionary, found.dtype
        return found
    indices = array.indices
    if array.null_count:
        indices = indices.cast(pa.int32()).fill_null(-1)
    codes = indices.to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)


def _cast(array: pa.Array, column: Column, encoded: bool) -> pa.Array:
    """The array in the column's type; whole numbers as they are where doubles are inexact."""
    if array.type == column.type:
        return array
    if isinstance(array, pa.ExtensionArray):
        array = array.cast(pa.bool_()) if isinstance(array.type, pa.Bool8Type) else array.storage
    if pa.types.is_dictionary(array.type):
        if encoded or column.category is not None:
            return _clean_dictionary(array)
        array = _decoded(array)
    if pa.types.is_decimal(array.type) and pa.types.is_floating(column.type):
        return nearest_doubles(array)
    if array.null_count == len(array):
        return pa.nulls(len(array), column.type)
    try:
        return array.cast(column.type)
    except pa.ArrowInvalid as error:
        if pa.types.is_integer(array.type) and pa.types.is_floating(column.type):
            return array
        raise SchemaError(
            f"column {column.name!r} is {array.type} here and {column.type} as a whole, which "
            f"cannot hold all of its values: {error}",
            hint="convert the column to one type in all pieces",
        ) from error


def _clean_dictionary(array: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same values over a dictionary without nulls and doubles, as pandas needs."""
    words = array.dictionary
    if words.null_count or len(words.unique()) != len(words):
        return _decoded(array).dictionary_encode()
    return array


def _decoded(array: pa.DictionaryArray) -> pa.Array:
    """The values, polars' views of text copied: Arrow cannot take from these."""
    words = array.dictionary
    if pa.types.is_string_view(words.type):
        words = words.cast(pa.large_string())
    return pa.DictionaryArray.from_arrays(array.indices, words).dictionary_decode()


def _categorical(array: pa.Array, column: Column) -> pd.Categorical:
    category = column.category
    assert category is not None
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    indices = array.indices
    if array.null_count:
        indices = indices.cast(pa.int32()).fill_null(-1)
    codes = indices.to_numpy(zero_copy_only=False)
    if array.dictionary.equals(column.words):
        return pd.Categorical.from_codes(codes, dtype=category, validate=False)
    lookup = category.categories.get_indexer(pd.Index(array.dictionary.to_pandas()))
    if not np.array_equal(lookup, np.arange(len(lookup))):
        codes = np.append(lookup, -1)[codes]
        unknown = (codes < 0) & array.is_valid().to_numpy(zero_copy_only=False)
        if unknown.any():
            value = array[int(np.flatnonzero(unknown)[0])].as_py()
            raise SchemaError(
                f"column {column.name!r} has the value {value!r}, which is not among its "
                f"{len(category.categories)} declared categories",
                hint="declare every category, or read the column as str",
            )
    return pd.Categorical.from_codes(codes, dtype=category, validate=False)


def union(dictionaries: Iterable[pa.Array]) -> list[Any]:
    """The values of all dictionaries in first-seen order, missing excluded."""
    seen: dict[Any, None] = {}
    for dictionary in dictionaries:
        seen.update(dict.fromkeys(dictionary.to_pylist()))
    seen.pop(None, None)
    return list(seen)


def categories_of(kind: pa.DataType, values: Sequence[Any]) -> pd.CategoricalDtype:
    """The categorical dtype of an Arrow dictionary type with these values."""
    words = pa.array(values, kind.value_type)
    return pd.CategoricalDtype(pd.Index(words.to_pandas()), ordered=bool(kind.ordered))


def check_zone(kind: pa.DataType, place: str) -> None:
    """Refuse times in a zone that does not exist.

    Raises
    ------
    ParseError
        They are.
    """
    if pa.types.is_timestamp(kind):
        with foreign_bytes(place, f"columns of type {kind}"):
            pa.array([], kind).to_pandas()


@contextmanager
def foreign_bytes(place: str, what: str) -> Iterator[None]:
    """Name the file from whose bytes Arrow or pandas can make nothing.

    Damage shows anywhere: as an error of Arrow, a name that is not text, a time zone that
    does not exist, more memory than there is.

    Raises
    ------
    ParseError
        Instead of any error that is not of this package.
    """
    try:
        with system_errors(place):
            yield
    except OutOfCoreError:
        raise
    except Exception as error:
        raise _damaged(place, what, error) from error


def _damaged(place: str, what: str, error: Exception) -> ParseError:
    return ParseError(
        f"{place} cannot be read as {what}: {type(error).__name__}: {error}",
        hint="memory has run out, or the file is damaged and asks for more than there is"
        if isinstance(error, MemoryError)
        else "the file may be truncated, damaged, still being written, or of another format",
    )
