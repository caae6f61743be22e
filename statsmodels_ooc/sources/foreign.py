"""Tables of other libraries: how their rows are read, or what to write instead."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from statsmodels_ooc.sources.dask_kinds import is_lazy

_BATCH_ROWS = 65_536

_READERS: Mapping[tuple[str, str], Callable[[Any], Iterable[Any]]] = {
    ("datasets", "Dataset"): lambda x: x.with_format("arrow").iter(_BATCH_ROWS),
    ("datasets", "IterableDataset"): lambda x: x.with_format("arrow").iter(_BATCH_ROWS),
    ("pandas", "TableIterator"): iter,  # closes its file at the end: it is read once
    ("pyarrow", "ParquetFile"): lambda x: x.iter_batches(_BATCH_ROWS, use_threads=False),
    ("pyarrow", "RecordBatchReader"): iter,
    ("pyarrow", "Scanner"): lambda x: x.to_reader(),
}

_SQL = "smo.read_sql(query, connection)"
_INSTEAD: Mapping[str, Mapping[str, str]] = {
    "_duckdb": {"DuckDBPyConnection": _SQL},
    "adbc_driver_manager": {"Connection": _SQL, "Cursor": _SQL},
    "dask": {
        "Array": "dd.from_dask_array(array, columns=[...]), or smo.OLS(endog, exog)",
        "Bag": "bag.to_dataframe()",
        "Delayed": "dd.from_delayed([...])",
        "Series": "series.to_frame()",
    },
    "datasets": {"DatasetDict": "datasets['train']", "IterableDatasetDict": "datasets['train']"},
    "duckdb": {"DuckDBPyConnection": _SQL},
    "h5py": {
        "Dataset": "smo.read_hdf(path, dataset.name), after file.close()",
        "File": "smo.read_hdf(path), after file.close()",
        "Group": "smo.read_hdf(path, group.name), after file.close()",
    },
    "modin": {"DataFrame": "frame.modin.to_pandas()"},
    "narwhals": {"LazyFrame": "frame.to_native()", "Series": "series.to_frame()"},
    "pandas": {
        "DataFrameGroupBy": "the DataFrame before it was grouped",
        "ExcelFile": "file.parse()",
        "HDFStore": "smo.read_hdf(store.filename, key), after store.close()",
        "Series": "series.to_frame()",
    },
    "polars": {
        "GroupBy": "the DataFrame before it was grouped",
        "LazyGroupBy": "the LazyFrame before it was grouped",
        "Series": "series.to_frame()",
    },
    "psycopg": {"Connection": _SQL, "Cursor": _SQL},
    "psycopg2": {"connection": _SQL, "cursor": _SQL},
    "pyarrow": {
        "ParquetDataset": "dataset.files",
        "ParquetFileFragment": "fragment.path",
        "FileFragment": "fragment.path",
    },
    "pyspark": {"DataFrame": "'folder' after frame.write.parquet('folder')"},
    "tables": {
        "File": "smo.read_hdf(file.filename, key), after file.close()",
        "Group": "smo.read_hdf(path, key), after file.close()",
        "Leaf": "smo.read_hdf(path, key), after file.close()",
    },
    "sqlalchemy": {"Connection": _SQL, "CursorResult": _SQL, "Engine": _SQL},
    "sqlite3": {"Connection": _SQL, "Cursor": _SQL},
}

_CONVERSIONS = (  # the ones that need not hold all rows come first
    "to_pyarrow_batches",
    "to_batches",
    "to_dask_dataframe",
    "to_arrow",
    "to_arrow_table",
    "toArrow",
    "to_pandas",
    "toPandas",
)


def reader(x: Any) -> Callable[[Any], Iterable[Any]] | None:
    """What gives the record batches or frames of another library's table, once.

    Parameters
    ----------
    x : object
        Anything.

    Returns
    -------
    callable or None
        From ``x`` to an iterable, which may do the query. None where ``x`` is not known:
        neither by its class nor by Arrow's PyCapsule protocol (``__arrow_c_stream__``),
        which duckdb relations, ibis tables and narwhals frames have.
    """
    for kind in type(x).__mro__:
        known = _READERS.get((_root(kind), kind.__name__))
        if known is not None:
            return known
    return _stream if is_arrow_like(x) else None


def is_arrow_like(x: Any) -> bool:
    """Whether it is a table, not a column, that gives its rows by Arrow's protocol."""
    if isinstance(x, type) or not hasattr(x, "__arrow_c_stream__"):
        return False
    return hasattr(x, "columns") or not hasattr(x, "__array__")


def arrow_table(x: Any) -> pa.Table:
    """The rows of what `is_arrow_like`, with text that every reader knows."""
    return without_long_integers(x).to_arrow() if _root(type(x)) == "polars" else pa.table(x)


def without_long_integers(x: Any) -> Any:
    """A polars frame with decimals for the 128-bit integers that Arrow does not have."""
    long = [name for name, kind in x.collect_schema().items() if str(kind).endswith("Int128")]
    if not long:
        return x
    import polars

    return x.with_columns(polars.col(long).cast(polars.Decimal(38, 0)))


def _stream(x: Any) -> Iterable[Any]:
    batches: Iterable[Any] = pa.RecordBatchReader.from_stream(x)
    return batches


def advice(x: Any) -> str | None:
    """What to write for ``data`` where it cannot be ``x``; None where nothing is known.

    Examples
    --------
    >>> import sqlite3
    >>> from statsmodels_ooc.sources.foreign import advice
    >>> advice(sqlite3.connect(":memory:"))
    'smo.read_sql(query, connection)'
    """
    for kind in type(x).__mro__:
        known = _INSTEAD.get(_root(kind), {}).get(kind.__name__)
        if known is not None:
            return known
    if isinstance(x, io.IOBase):
        path = getattr(x, "name", None)
        return f"{path!r}, its path" if isinstance(path, str) else "the path of the file"
    if isinstance(x, np.ndarray):
        return None if x.dtype.names else "pd.DataFrame(array, columns=[...])"
    if isinstance(x, Mapping):
        return _of_mapping(x)
    if isinstance(x, type) or not (hasattr(x, "columns") or hasattr(x, "__dataframe__")):
        return None
    found = next((name for name in _CONVERSIONS if callable(getattr(x, name, None))), None)
    if found is not None:
        return f"x.{found}()"
    return "pyarrow.interchange.from_dataframe(x)" if hasattr(x, "__dataframe__") else None


def _of_mapping(x: Mapping[Any, Any]) -> str | None:
    if is_lazy(x):
        return "x.to_dask_dataframe()"  # xarray's
    if type(x) is dict and is_lazy(*x.values()):
        return "a dask DataFrame of these columns, such as dd.concat([...], axis=1)"
    return None


def _root(kind: type) -> str:
    return kind.__module__.partition(".")[0]
