"""Answers for all rows, those left out as well: in memory while they are small, lazy above."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.plan import check_room
from statsmodels_ooc.engine.rowarray import RowArray
from statsmodels_ooc.engine.sizes import ANSWER_COPIES
from statsmodels_ooc.engine.streamed import StreamedRows
from statsmodels_ooc.engine.whole import AllRows, gather_all, lazy_all
from statsmodels_ooc.options import options


def read_small(
    rows: StreamedRows,
    name: str,
    function: Callable[[Any], FloatArray],
    width: int | None = None,
) -> AllRows | None:
    """What a function gives for all rows, those left out as well: one pass.

    Parameters
    ----------
    rows : StreamedRows
        The rows.
    name, function, width
        As for `StreamedRows.read`.

    Returns
    -------
    AllRows or None
        None where it is larger than ``array_limit``: `read_lazily` has it then. Of a source
        that does not tell its number of rows that takes a pass to find out.

    Raises
    ------
    EmptyDataError, UnseenLevelError
        There are no rows; a level was not learned.
    """
    most, known = options.array_limit // (8 * (width or 1)), _known(rows)
    if known is not None and sum(known) > most:
        return None
    columns = 1 if width is None else width
    check_room(name, 8 * sum(known or ()) * (ANSWER_COPIES * columns + 1))
    arguments = (name, rows.source, rows.spec, function, width, rows.ledger, rows.given)
    found = gather_all(*arguments, most if known is None else None)
    if isinstance(found, AllRows):
        return found
    rows.counted = found
    if sum(found) > most:
        return None
    again = gather_all(*arguments, None)  # one partition has most of the rows
    assert isinstance(again, AllRows)
    return again


def read_lazily(
    rows: StreamedRows, function: Callable[[Any], FloatArray], width: int | None = None
) -> RowArray:
    """What a function gives for all rows, those left out as well, as a lazy answer.

    Parameters
    ----------
    rows : StreamedRows
        The rows.
    function, width
        As for `StreamedRows.lazy`.
    """
    known = _known(rows)
    counts = [read for read, _, _ in rows.seen] if known is None else known
    return lazy_all(rows.source, rows.spec, function, width, counts, rows.ledger, rows.given)


def _known(rows: StreamedRows) -> list[int] | None:
    """The rows of each partition, where the source tells them or they have been counted."""
    told = [partition.rows for partition in rows.source.partitions]
    known = [count for count in told if count is not None]
    return known if len(known) == len(told) else rows.counted
