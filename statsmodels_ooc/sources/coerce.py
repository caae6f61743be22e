"""Anything that can be read in chunks, as a source."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads

from statsmodels_ooc.errors import OptionError, SourceError
from statsmodels_ooc.sources import csv, ipc, parquet
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.dask_array import is_lazy
from statsmodels_ooc.sources.dask_frame import DaskFrameSource
from statsmodels_ooc.sources.dataset import from_dataset
from statsmodels_ooc.sources.files import is_path, list_files
from statsmodels_ooc.sources.foreign import (
    advice,
    arrow_table,
    is_arrow_like,
    reader,
    without_long_integers,
)
from statsmodels_ooc.sources.iterables import from_iterable
from statsmodels_ooc.sources.memory import ArrowTableSource, FrameSource
from statsmodels_ooc.sources.spooling import spool, spooled_file
from statsmodels_ooc.sources.temporary import TemporaryFolder, spool_errors

_ACCEPTED = (
    "a path, list of paths, glob, directory or URL of Parquet, CSV or Arrow files; a pandas "
    "DataFrame or a list of them; a pyarrow Table, Dataset or RecordBatchReader; a polars "
    "DataFrame or LazyFrame; a dask DataFrame; a table that gives its rows as Arrow batches, such "
    "as a duckdb relation; an iterator of DataFrames, or a function that returns one"
)


def as_source(x: Any, **options: Any) -> Source:
    """Open whatever holds rows as a source.

    Parameters
    ----------
    x : object
        A source (returned as it is); a path, list of paths, glob, directory or
        fsspec URL of Parquet, CSV, Feather or Arrow IPC files; a pandas DataFrame or
        a list of them; a pyarrow Table, Dataset, Scanner, ParquetFile or
        RecordBatchReader; a polars DataFrame or LazyFrame; a dask DataFrame; whatever
        else speaks Arrow's stream protocol (duckdb relations, ibis tables, narwhals
        frames), Delta and Iceberg tables and Hugging Face datasets; an iterator of
        DataFrames (of pandas, polars or Arrow), or a function that returns one.
    **options
        For paths those of `read_parquet`, `read_csv` or `read_ipc`; for tables in
        memory ``chunk_rows``; for a dask DataFrame ``ordered``, whether the order of its
        partitions means something (by default where dask knows their divisions).

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
    return not isinstance(x, (pd.DataFrame, pd.Series)) and _opener(x) is not None


def is_in_memory(x: Any) -> bool:
    """Whether a formula's names can be looked up in ``x``, as statsmodels does."""
    if isinstance(x, pd.DataFrame):
        return True
    return isinstance(x, (Mapping, np.ndarray)) and not is_chunked(x) and advice(x) is None


def _opener(x: Any) -> Callable[..., Source] | None:
    return next((opener for is_kind, opener in OPENERS if is_kind(x)), None)


def _no_source(x: Any) -> TypeError:
    line = advice(x)
    hint = "" if line is None else f"\nHint: give {line}"
    return TypeError(f"{_described(x)} is not a source of rows; accepted are {_ACCEPTED}{hint}")


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
    return ArrowTableSource(arrow_table(x), chunk_rows)


def _open_foreign(x: Any) -> Source:
    batches = reader(x)
    assert batches is not None
    return spool(batches(x), type(x).__name__)


def _open_lazy(x: Any) -> Source:
    folder = TemporaryFolder()
    path = os.path.join(folder.path, "part-0.arrow")
    try:
        with spool_errors(folder.path):
            without_long_integers(x).sink_ipc(path)
    except BaseException:
        folder.remove()  # a traceback may keep it alive
        raise
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
    suffix = Path(path).suffix.lower()
    known = ", ".join(suffix for suffixes, _ in _FORMATS.values() for suffix in suffixes)
    raise SourceError(
        f"{path}: nothing is known of the format {suffix or 'without a suffix'!r}; known are "
        f"{known}",
        hint=_READ_BY.get(suffix, _BY_FORMAT),
    )


_BY_FORMAT = (
    "read_csv, read_parquet and read_ipc open files of any name: smo.read_csv(path), for one"
)
_READ_BY = {
    ".db": "pd.read_sql(query, connection, chunksize=100_000) gives its rows in pieces",
    ".dta": "pd.read_stata(path, chunksize=100_000) gives its rows in pieces",
    ".duckdb": "duckdb.connect(path).sql(query) gives its rows",
    ".h5": "pd.read_hdf(path, key, chunksize=100_000) gives its rows in pieces",
    ".hdf5": "pd.read_hdf(path, key, chunksize=100_000) gives its rows in pieces",
    ".json": "pd.read_json(path) holds it in memory",
    ".jsonl": "pd.read_json(path, lines=True, chunksize=100_000) gives its rows in pieces",
    ".ndjson": "pd.read_json(path, lines=True, chunksize=100_000) gives its rows in pieces",
    ".orc": "pyarrow.dataset.dataset(path, format='orc') is a source",
    ".sas7bdat": "pd.read_sas(path, chunksize=100_000) gives its rows in pieces",
    ".sav": "pd.read_spss(path) holds it in memory",
    ".sqlite": "pd.read_sql(query, connection, chunksize=100_000) gives its rows in pieces",
    ".xls": "pd.read_excel(path) holds it in memory",
    ".xlsx": "pd.read_excel(path) holds it in memory",
    ".xpt": "pd.read_sas(path, chunksize=100_000) gives its rows in pieces",
}


def _is_polars(name: str, x: Any) -> bool:
    kind = type(x)
    return kind.__module__.partition(".")[0] == "polars" and kind.__name__ == name


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda x: isinstance(x, kind)


def _is_list_of_frames(x: Any) -> bool:
    return isinstance(x, list | tuple) and bool(x) and all(map(_is(pd.DataFrame), x))


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


OPENERS: list[tuple[Callable[[Any], bool], Callable[..., Source]]] = [
    (_is(Source), _same),
    (is_path, _open_path),
    (_is(pd.DataFrame), _open_frame),
    (_is_list_of_frames, FrameSource),
    (_is_list_of_tables, from_iterable),
    (_is(pa.Table), ArrowTableSource),
    (_is(pa.RecordBatch), _open_batch),
    (_is(pads.Dataset), from_dataset),
    (partial(_is_polars, "LazyFrame"), _open_lazy),
    (partial(_is_polars, "DataFrame"), _open_polars),
    (_is_dask_frame, DaskFrameSource),
    (_is_foreign, _open_foreign),
    (_is_stream, from_iterable),
]
"""What a kind of data is opened by: the first that says that it is of its kind."""
