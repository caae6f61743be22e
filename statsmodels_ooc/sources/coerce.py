"""Anything that can be read in chunks, as a source."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads

from statsmodels_ooc.errors import OptionError, SourceError
from statsmodels_ooc.sources import csv, ipc, parquet
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.dask_frame import DaskFrameSource
from statsmodels_ooc.sources.dataset import from_dataset
from statsmodels_ooc.sources.files import is_path, list_files
from statsmodels_ooc.sources.iterables import from_iterable
from statsmodels_ooc.sources.memory import ArrowTableSource, FrameSource
from statsmodels_ooc.sources.spool import TemporaryFolder, spool, spooled_file

__all__ = ["as_source", "is_chunked"]

_ACCEPTED = (
    "a path, list of paths, glob, directory or URL of Parquet, CSV or Arrow files; a pandas "
    "DataFrame or a list of them; a pyarrow Table, Dataset or RecordBatchReader; a polars "
    "DataFrame or LazyFrame; a dask DataFrame; an iterator of DataFrames, or a function that "
    "returns one"
)


def as_source(x: Any, **options: Any) -> Source:
    """Open whatever holds rows as a source.

    Parameters
    ----------
    x : object
        A source (returned as it is); a path, list of paths, glob, directory or
        fsspec URL of Parquet, CSV, Feather or Arrow IPC files; a pandas DataFrame or
        a list of them; a pyarrow Table, Dataset or RecordBatchReader; a polars
        DataFrame or LazyFrame; a dask DataFrame; an iterator of DataFrames, or a
        function that returns one.
    **options
        For paths those of `read_parquet`, `read_csv` or `read_ipc`; for tables in
        memory ``chunk_rows``.

    Returns
    -------
    Source
        The rows, in partitions.

    Raises
    ------
    TypeError
        For anything else, with a list of what is accepted.
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
    try:
        return opener(x, **options)
    except TypeError as error:
        if options and "keyword argument" in str(error):
            raise OptionError(f"{type(x).__name__}: {error}") from None
        raise


def is_chunked(x: Any) -> bool:
    """Whether ``x`` is read in chunks when a model is given it.

    False for pandas, NumPy and lists of numbers, which take statsmodels' own road.
    """
    if isinstance(x, (pd.DataFrame, pd.Series)):
        return False
    if isinstance(x, (list, tuple)):
        return is_path(x) or _is_frames(x)
    if isinstance(x, (Source, pa.Table, pa.RecordBatchReader, pads.Dataset)) or is_path(x):
        return True
    if _is_dask(x) or _is_polars(x, "DataFrame", "LazyFrame"):
        return True
    return _is_stream(x)


def _opener(x: Any) -> Callable[..., Source]:
    if isinstance(x, Source):
        return _same
    if is_path(x):
        return _open_path
    if isinstance(x, pd.DataFrame):
        return _open_frame
    if isinstance(x, (list, tuple)) and _is_frames(x):
        return FrameSource
    if isinstance(x, pa.Table):
        return ArrowTableSource
    if isinstance(x, pa.RecordBatch):
        return _open_batch
    if isinstance(x, pads.Dataset):
        return from_dataset
    if _is_polars(x, "LazyFrame"):
        return _open_lazy
    if _is_polars(x, "DataFrame"):
        return _open_polars
    if _is_dask(x):
        return _open_dask
    if isinstance(x, pa.RecordBatchReader):
        return _open_reader
    if _is_stream(x):
        return from_iterable
    raise TypeError(f"{_described(x)} is not a source of rows; accepted are {_ACCEPTED}")


def _described(x: Any) -> str:
    kind = f"{type(x).__module__}.{type(x).__qualname__}"
    return kind.removeprefix("builtins.")


def _same(x: Source) -> Source:
    return x


def _open_frame(x: pd.DataFrame, chunk_rows: int | None = None) -> Source:
    return FrameSource([x], chunk_rows)


def _open_batch(x: pa.RecordBatch, chunk_rows: int | None = None) -> Source:
    return ArrowTableSource(pa.Table.from_batches([x]), chunk_rows)


def _open_polars(x: Any, chunk_rows: int | None = None) -> Source:
    return ArrowTableSource(x.to_arrow(), chunk_rows)


def _open_reader(x: pa.RecordBatchReader) -> Source:
    return spool(x, "RecordBatchReader")


def _open_dask(x: Any) -> Source:
    if not hasattr(x, "columns"):
        raise TypeError(
            f"{_described(x)} has no column names here: use a dask DataFrame, or "
            "statsmodels_ooc.sources.dask_array.from_arrays"
        )
    return DaskFrameSource(x)


def _open_lazy(x: Any) -> Source:
    folder = TemporaryFolder()
    path = os.path.join(folder.path, "part-0.arrow")
    x.sink_ipc(path)
    return ipc.IpcSource([spooled_file(path, folder)], "LazyFrame")


_FORMATS: Mapping[str, tuple[tuple[str, ...], Callable[..., Source]]] = {
    "Parquet": (parquet.SUFFIXES, parquet.read_parquet),
    "CSV": (csv.SUFFIXES, csv.read_csv),
    "Arrow": (ipc.SUFFIXES, ipc.read_ipc),
}


def _open_path(x: Any, **options: Any) -> Source:
    known = tuple(suffix for suffixes, _ in _FORMATS.values() for suffix in suffixes)
    found: dict[str, str] = {}
    files, _ = list_files(x, known, options.get("storage_options"))
    for file in files:
        found.setdefault(_format_of(file.path), file.path)
    if len(found) > 1:
        what = ", ".join(f"{kind} ({path})" for kind, path in found.items())
        raise SourceError(
            f"the files are of more than one format: {what}",
            hint="give a glob such as '*.parquet'",
        )
    return _FORMATS[next(iter(found))][1](x, **options)


def _format_of(path: str) -> str:
    for kind, (suffixes, _) in _FORMATS.items():
        if path.lower().endswith(suffixes):
            return kind
    known = ", ".join(suffix for suffixes, _ in _FORMATS.values() for suffix in suffixes)
    raise SourceError(
        f"{path}: nothing is known of the format {Path(path).suffix or 'without a suffix'!r}",
        hint=f"rename it to one of {known}, or call read_parquet, read_csv or read_ipc",
    )


def _is_frames(x: Any) -> bool:
    return bool(x) and all(isinstance(item, pd.DataFrame) for item in x)


def _is_polars(x: Any, *names: str) -> bool:
    kind = type(x)
    return kind.__module__.partition(".")[0] == "polars" and kind.__name__ in names


def _is_dask(x: Any) -> bool:
    return type(x).__module__.partition(".")[0] == "dask" and hasattr(x, "__dask_graph__")


def _is_stream(x: Any) -> bool:
    """A function, an iterator, or an iterable that is no container of numbers."""
    if isinstance(x, Iterator):
        return True
    if isinstance(x, (Sized, Mapping)) or hasattr(x, "__array__") or isinstance(x, type):
        return False
    return callable(x) or isinstance(x, Iterable)
