"""Arrow batches to pandas frames, without a copy where the layout allows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.columns import Column
from statsmodels_ooc.sources.decimals import nearest_doubles
from statsmodels_ooc.sources.shares import rows_within

__all__ = ["categories_of", "frame_of", "frames_of", "series_of", "union"]


def frames_of(
    batches: Iterable[pa.RecordBatch],
    columns: Sequence[Column],
    max_rows: int,
    encoded: Collection[str],
) -> Iterator[pd.DataFrame]:
    """Frames of at most ``max_rows`` rows of batches that have just these columns.

    Where the rows are heavy with text there are fewer.
    """
    labels = pd.Index([column.name for column in columns])
    for batch in batches:
        rows = rows_within(max_rows, batch.nbytes / max(batch.num_rows, 1), batch.num_columns)
        for start in range(0, batch.num_rows, rows):
            piece = batch if batch.num_rows <= rows else batch.slice(start, rows)
            yield frame_of(piece, columns, encoded, labels)


def frame_of(
    batch: pa.RecordBatch,
    columns: Sequence[Column],
    encoded: Collection[str],
    labels: pd.Index[Any],
) -> pd.DataFrame:
    """One frame, each column as its `Column` says."""
    index = pd.RangeIndex(batch.num_rows)
    if not columns:
        return pd.DataFrame(index=index)  # of a batch that was read for its length
    found = [
        _delivered(array, column, column.name in encoded)
        for array, column in zip(batch.columns, columns, strict=True)
    ]
    frame = pd.DataFrame(dict(enumerate(found)), index=index, copy=False)
    frame.columns = labels
    return frame


def series_of(array: pa.Array, column: Column) -> pd.Series:
    """One column of Arrow data, as it is delivered."""
    batch = pa.RecordBatch.from_arrays([array], [column.name])
    return frame_of(batch, [column], (), pd.Index([column.name]))[column.name]


def _delivered(array: pa.Array, column: Column, encoded: bool) -> Any:
    """The values of a column as pandas takes them."""
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
