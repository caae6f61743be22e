"""Anything that can be read in chunks, as a source."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import partial
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.dask_kinds import is_lazy
from statsmodels_ooc.sources.foreign import advice, is_arrow_like, reader
from statsmodels_ooc.sources.stored_arrays import is_of
from statsmodels_ooc.sources.told_options import options_of, unknown_option

_ACCEPTED = (
    "a path, list of paths, glob, directory or URL of Parquet, CSV, Arrow or HDF5 files; a "
    "pandas DataFrame or a list of them; a pyarrow Table, Dataset or RecordBatchReader; a polars "
    "DataFrame or LazyFrame; a dask DataFrame; a table that gives its rows as Arrow batches, such "
    "as a duckdb relation; an iterator of DataFrames, or a function that returns one"
)


def as_source(x: Any, **options: Any) -> Source:
    """Open whatever holds rows as a source.

    Parameters
    ----------
    x : object
        A source (returned as it is); a path, list of paths, glob, directory or
        fsspec URL of Parquet, CSV, Feather, Arrow IPC or HDF5 files; a pandas DataFrame or
        a list of them; a pyarrow Table, Dataset, Scanner, ParquetFile or
        RecordBatchReader; a polars DataFrame or LazyFrame; a dask DataFrame; whatever
        else speaks Arrow's stream protocol (duckdb relations, ibis tables, narwhals
        frames); Delta and Iceberg tables; Hugging Face datasets; an iterator of
        DataFrames (of pandas, polars or Arrow), or a function that returns one.
    **options
        For paths those of `read_parquet`, `read_csv`, `read_ipc`, `read_hdf` or `read_delta`; for
        tables in memory ``chunk_rows``; for a dask DataFrame ``ordered``, whether the order of
        its partitions means something (by default where dask knows their divisions).

    Returns
    -------
    Source
        The rows, in partitions.

    Raises
    ------
    TypeError
        For anything else, with what to write instead, or a list of what is accepted.
    OptionError
        For an option that does not belong to this kind of source.

    Examples
    --------
    >>> import pandas as pd
    >>> from statsmodels_ooc.sources.coerce import as_source
    >>> source = as_source(pd.DataFrame({"y": range(10)}), chunk_rows=4)
    >>> [partition.rows for partition in source.partitions]
    [4, 4, 2]
    """
    opener = _opener(x)
    if opener is None:
        raise _no_source(x)
    open_: Callable[..., Source] = resolve_name(opener) if isinstance(opener, str) else opener
    try:
        return open_(x, **options)
    except TypeError as error:
        known = options_of(open_)
        unknown = next((name for name in options if name not in known), None)
        if unknown is None or "keyword argument" not in str(error):
            raise
        raise unknown_option(f"a {type(x).__name__} as a source", unknown, known) from None


def is_chunked(x: Any) -> bool:
    """Whether ``x`` is read in chunks when a model is given it.

    False for pandas, NumPy and lists of numbers, which take statsmodels' own road.
    """
    return not isinstance(x, (pd.DataFrame, pd.Series)) and _opener(x) is not None


def is_in_memory(x: Any) -> bool:
    """Whether a formula's names can be looked up in ``x``, as statsmodels does."""
    if isinstance(x, pd.DataFrame):
        return True
    return isinstance(x, (Mapping, np.ndarray)) and not is_chunked(x) and advice(x) is None


def _opener(x: Any) -> str | Callable[..., Source] | None:
    return next((opener for is_kind, opener in OPENERS if is_kind(x)), None)


def _no_source(x: Any) -> TypeError:
    line = advice(x)
    hint = "" if line is None else f"\nHint: give {line}"
    return TypeError(f"{_described(x)} is not a source of rows; accepted are {_ACCEPTED}{hint}")


def _described(x: Any) -> str:
    kind = f"{type(x).__module__}.{type(x).__qualname__}"
    return kind.removeprefix("builtins.")


def _is_path(x: object) -> bool:
    """Whether ``x`` is a path, or a list of nothing but paths."""
    if isinstance(x, (list, tuple)):
        return bool(x) and all(isinstance(item, (str, os.PathLike)) for item in x)
    return isinstance(x, (str, os.PathLike))


def _is_polars(name: str, x: Any) -> bool:
    kind = type(x)
    return kind.__module__.partition(".")[0] == "polars" and kind.__name__ == name


def _is_iceberg(x: Any) -> bool:
    return any(is_of("pyiceberg.table", name, x) for name in ("Table", "DataScan"))


def _is_list_of_frames(x: Any) -> bool:
    return (
        isinstance(x, list | tuple)
        and bool(x)
        and all(isinstance(item, pd.DataFrame) for item in x)
    )


def _is_list_of_tables(x: Any) -> bool:
    return (
        isinstance(x, list | tuple)
        and bool(x)
        and all(is_arrow_like(item) or isinstance(item, pd.DataFrame) for item in x)
    )


def _is_foreign(x: Any) -> bool:
    return not isinstance(x, list | tuple) and reader(x) is not None


def _is_dask_frame(x: Any) -> bool:
    """Whether it has columns; a Delayed gives another one for every name."""
    return is_lazy(x) and isinstance(getattr(x, "columns", None), pd.Index) and x.ndim == 2


def _is_stream(x: Any) -> bool:
    """A function, an iterator, or an iterable that is no container of numbers."""
    if advice(x) is not None:
        return False
    if isinstance(x, Iterator):
        return True
    if isinstance(x, (Sized, Mapping)) or hasattr(x, "__array__") or isinstance(x, type):
        return False
    return callable(x) or isinstance(x, Iterable)


def _same(x: Source) -> Source:
    return x


OPENERS: list[tuple[Callable[[Any], bool], str | Callable[..., Source]]] = [
    (lambda x: isinstance(x, Source), _same),
    (_is_path, "statsmodels_ooc.sources.paths:open_path"),
    (lambda x: isinstance(x, pd.DataFrame), "statsmodels_ooc.sources.tables:open_frame"),
    (_is_list_of_frames, "statsmodels_ooc.sources.memory:FrameSource"),
    (_is_list_of_tables, "statsmodels_ooc.sources.iterables:from_iterable"),
    (partial(is_of, "pyarrow", "Table"), "statsmodels_ooc.sources.memory:ArrowTableSource"),
    (partial(is_of, "pyarrow", "RecordBatch"), "statsmodels_ooc.sources.tables:open_batch"),
    (partial(is_of, "pyarrow.dataset", "Dataset"), "statsmodels_ooc.sources.dataset:from_dataset"),
    (partial(_is_polars, "LazyFrame"), "statsmodels_ooc.sources.tables:open_lazy"),
    (partial(_is_polars, "DataFrame"), "statsmodels_ooc.sources.tables:open_polars"),
    (partial(is_of, "deltalake", "DeltaTable"), "statsmodels_ooc.sources.delta:read_delta"),
    (_is_iceberg, "statsmodels_ooc.sources.iceberg:read_iceberg"),
    (_is_dask_frame, "statsmodels_ooc.sources.dask_frame:DaskFrameSource"),
    (_is_foreign, "statsmodels_ooc.sources.tables:open_foreign"),
    (_is_stream, "statsmodels_ooc.sources.iterables:from_iterable"),
]
"""What a kind of data is opened by, a callable or "module:name", which is loaded when such data
comes: the first that says that it is of its kind.
"""
