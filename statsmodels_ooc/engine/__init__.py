"""Passes over the rows: reductions folded over the partitions of a source, with dask."""

from statsmodels_ooc.engine.all_rows import read_small
from statsmodels_ooc.engine.designs import DesignRows, design_rows
from statsmodels_ooc.engine.frames import lazy_frame
from statsmodels_ooc.engine.joined import joined_rows
from statsmodels_ooc.engine.lazy import (
    LazyAnswers,
    NewRowFunction,
    OwnRowFunction,
    RowFunction,
    kept_answers,
    row_answer,
    row_method,
)
from statsmodels_ooc.engine.ledger import Ledger, Passes, PassRecord
from statsmodels_ooc.engine.passes import read_frames, scan_frames
from statsmodels_ooc.engine.plan import check_reading
from statsmodels_ooc.engine.rowarray import RowArray, UsedRows
from statsmodels_ooc.engine.rows import MemoryRows, Rows
from statsmodels_ooc.engine.spooling import spool_slow
from statsmodels_ooc.engine.streamed import StreamedRows
from statsmodels_ooc.engine.whole import AllRows, check_levels
from statsmodels_ooc.engine.writing import RowColumns, WrittenRows, write_rows

__all__ = [
    "AllRows",
    "DesignRows",
    "LazyAnswers",
    "Ledger",
    "MemoryRows",
    "NewRowFunction",
    "OwnRowFunction",
    "PassRecord",
    "Passes",
    "RowArray",
    "RowColumns",
    "RowFunction",
    "Rows",
    "StreamedRows",
    "UsedRows",
    "WrittenRows",
    "check_levels",
    "check_reading",
    "design_rows",
    "joined_rows",
    "kept_answers",
    "lazy_frame",
    "read_frames",
    "read_small",
    "row_answer",
    "row_method",
    "scan_frames",
    "spool_slow",
    "write_rows",
]
