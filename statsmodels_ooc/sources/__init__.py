"""Where rows come from: re-iterable, ordered tables in partitions."""

from statsmodels_ooc.sources.base import Levels, Partition, Source
from statsmodels_ooc.sources.coerce import as_source, is_chunked
from statsmodels_ooc.sources.csv import read_csv
from statsmodels_ooc.sources.dask_array import from_arrays
from statsmodels_ooc.sources.ipc import read_ipc
from statsmodels_ooc.sources.iterables import from_iterable
from statsmodels_ooc.sources.parquet import read_parquet
from statsmodels_ooc.sources.spooling import spool

__all__ = [
    "Levels",
    "Partition",
    "Source",
    "as_source",
    "from_arrays",
    "from_iterable",
    "is_chunked",
    "read_csv",
    "read_ipc",
    "read_parquet",
    "spool",
]
