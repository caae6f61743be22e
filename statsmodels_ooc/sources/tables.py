"""Tables in memory and of other libraries, as sources."""

from __future__ import annotations

import os
import re
from typing import Any

import pandas as pd
import pyarrow as pa

from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.copies import spooled_file
from statsmodels_ooc.sources.foreign import arrow_table, reader, without_long_integers
from statsmodels_ooc.sources.ipc import IpcSource
from statsmodels_ooc.sources.memory import ArrowTableSource, FrameSource
from statsmodels_ooc.sources.spooling import spool
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


_REORDERED = (
    "polars promises no order of the rows of a join, of groups or of unique rows; .sort(...) at "
    "the end of the query gives one, smo.as_source(query, ordered=True) says that there is one"
)
_SORTS = re.compile(r"^\s*SORT BY", re.MULTILINE)
_REORDERS = re.compile(
    r"^\s*(?:\w+ JOIN\b|NESTED LOOP JOIN|(?:AGGREGATE|UNIQUE|UNION)\[maintain_order: false)",
    re.MULTILINE,
)


class QuerySource(IpcSource):
    """The rows of a query of polars, as it gave them once."""

    reason: str | None = None

    @property
    def unordered(self) -> str | None:
        return self.reason


def _is_ordered(plan: str) -> bool:
    """Whether polars keeps the order of rows; the last step of a plan stands first."""
    sorts, reorders = _SORTS.search(plan), _REORDERS.search(plan)
    return reorders is None or (sorts is not None and sorts.start() < reorders.start())


def open_lazy(x: Any, ordered: bool | None = None) -> Source:
    """A polars LazyFrame, whose query polars itself writes to a temporary file.

    The file has the rows in one order for all passes; whether that order means anything, the
    query says, or ``ordered``.
    """
    if ordered is None:
        ordered = _is_ordered(x.explain())
    folder = TemporaryFolder()
    path = os.path.join(folder.path, "part-0.arrow")
    try:
        with spool_errors(folder.path):
            without_long_integers(x).sink_ipc(path)
    except BaseException:
        folder.remove()  # a traceback may keep it alive
        raise
    source = QuerySource([spooled_file(path, folder)], "LazyFrame")
    source.reason = None if ordered else _REORDERED
    return source
