"""How many bytes the texts of a Parquet row take in memory."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from statsmodels_ooc.sources.columns import is_text
from statsmodels_ooc.sources.parquet_footer import leaf_of

__all__ = ["holds_text", "text_bytes"]

_LOOKED_AT = 256  # rows


def holds_text(kind: pa.DataType) -> bool:
    """Whether values of a type have no fixed size."""
    if pa.types.is_dictionary(kind):
        return holds_text(kind.value_type)
    return is_text(kind) or bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def text_bytes(file: pq.ParquetFile, groups: Sequence[int], columns: Sequence[str]) -> float:
    """About how many bytes some columns of text take in a row, before it is read.

    The footer tells the stored bytes, which are those in memory unless texts are words of a
    dictionary: of these the first rows tell the length.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile
        The open file.
    groups : sequence of int
        The row groups that will be read.
    columns : sequence of str
        The columns of text.
    """
    first = next(
        file.iter_batches(
            batch_size=_LOOKED_AT, row_groups=groups[:1], columns=columns, use_threads=False
        ),
        None,
    )
    seen = 0.0 if first is None else sum(_mean_bytes(column) for column in first.columns)
    return max(seen, *(_stored_bytes(file.metadata, group, columns) for group in groups))


def _mean_bytes(column: pa.Array) -> float:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary
    return float(column.nbytes / max(len(column), 1))


def _stored_bytes(known: pq.FileMetaData, group: int, columns: Sequence[str]) -> float:
    at = [leaf_of(known, name, known.num_columns) for name in columns]
    chunks = [known.row_group(group).column(leaf) for leaf in at if leaf is not None]
    stored = sum(chunk.total_uncompressed_size for chunk in chunks)
    return float(stored / max(known.row_group(group).num_rows, 1))
