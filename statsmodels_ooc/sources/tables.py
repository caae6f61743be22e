"""Tables in memory and of other libraries, as sources."""

from __future__ import annotations

import os
from typing import Any

import pandas as pd
import pyarrow as pa

from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.foreign import arrow_table, reader, without_long_integers
from statsmodels_ooc.sources.ipc import IpcSource
from statsmodels_ooc.sources.memory import ArrowTableSource, FrameSource
from statsmodels_ooc.sources.spooling import spool, spooled_file
from statsmodels_ooc.sources.temporary import TemporaryFolder, spool_errors


def open_frame(x: pd.DataFrame, chunk_rows: int | None = None) -> Source:
    """A pandas DataFrame."""
    return FrameSource([x], chunk_rows)


def open_batch(x: pa.RecordBatch, chunk_rows: int | None = None) -> Source:
    """An Arrow batch."""
    return ArrowTableSource(pa.Table.from_batches([x]), chunk_rows)


def open_polars(x: Any, chunk_rows: int | None = None) -> Source:
    """A polars DataFrame."""
    return ArrowTableSource(arrow_table(x), chunk_rows)


def open_foreign(x: Any) -> Source:
    """What gives its rows once, written to a temporary file."""
    batches = reader(x)
    assert batches is not None
    return spool(batches(x), type(x).__name__)


def open_lazy(x: Any) -> Source:
    """A polars LazyFrame, whose query polars itself writes to a temporary file."""
    folder = TemporaryFolder()
    path = os.path.join(folder.path, "part-0.arrow")
    try:
        with spool_errors(folder.path):
            without_long_integers(x).sink_ipc(path)
    except BaseException:
        folder.remove()  # a traceback may keep it alive
        raise
    return IpcSource([spooled_file(path, folder)], "LazyFrame")
