"""One read of a slow source into local files, so that later passes are cheap."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from statsmodels_ooc.engine.ledger import Ledger
from statsmodels_ooc.engine.passes import compute, runs_in_threads
from statsmodels_ooc.engine.tasks import TaskGraph, bound, progress, released, tick
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.spooling import SpooledSource, has_room, spool_partition


def spool_slow(source: Source, columns: Sequence[str], ledger: Ledger) -> Source:
    """Copy the columns that will be read, where reading them again would be slow.

    Parameters
    ----------
    source : Source
        The data.
    columns : sequence of str
        The columns that later passes read.
    ledger : Ledger
        Gets the record of this one, named "spool".

    Returns
    -------
    Source
        The copy, under the name and the labels of the original; the original itself
        where it is fast, where tasks run in other processes, or where the temporary
        directory has no room.
    """
    if not (source.slow and columns and runs_in_threads() and has_room(source)):
        return source
    began = time.perf_counter()
    with progress("spool", source.rows) as meter:
        graph = TaskGraph()
        copy = graph.calls_of(_Copy(tuple(columns), source.dtypes, meter))
        keys = [copy(bound(partition, columns)) for partition in source.partitions]
        copies = compute(*graph.values(keys))
    ledger.record("spool", began, sum(copy.rows for copy in copies), source.nbytes, len(copies))
    return SpooledSource(source, copies)


@dataclass(frozen=True)
class _Copy:
    """The task: copy a partition."""

    columns: tuple[str, ...]
    dtypes: Mapping[str, Any]
    meter: str

    def __call__(self, value: Any) -> Any:
        return spool_partition(
            released(value), self.columns, self.dtypes, partial(tick, self.meter)
        )
