"""One read of a slow source into local files or memory, so that later passes are cheap."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from statsmodels_ooc.engine.ledger import Ledger, Read
from statsmodels_ooc.engine.passes import compute, runs_in_threads
from statsmodels_ooc.engine.plan import check_memory, planned
from statsmodels_ooc.engine.progress import at_work, progress, tick
from statsmodels_ooc.engine.rereading import Rereading
from statsmodels_ooc.engine.sizes import Sizes, WholeFrames, reading
from statsmodels_ooc.engine.tasks import TaskGraph, bound, released
from statsmodels_ooc.options import options
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.copies import Copies, FolderCopies, MemoryCopies, copied_bytes
from statsmodels_ooc.sources.ipc import IpcSource
from statsmodels_ooc.sources.spooling import (
    COPIED_ROWS,
    SpooledSource,
    has_room,
    removed_on_failure,
    spool,
)


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
        where it is fast, unless ``smo.options.cache`` is "disk" or "memory", where the option
        is False, where tasks run in other processes, or where the temporary directory has no
        room.

    Raises
    ------
    MemoryLimitError
        What is read of a partition at a time would not fit; raised before the first read. Or
        the copy is to be in memory, and takes more than half of ``smo.options.memory_limit``.
    """
    asked = options.cache
    wanted = source.slow if asked == "auto" else asked and source.is_recipe
    if not (wanted and columns and runs_in_threads()):
        return source
    if asked != "memory" and not has_room(source):
        return source
    names = tuple(columns)
    spec = WholeFrames(names, frozenset(), width=len(names), block_rows=COPIED_ROWS)
    plan = planned(spec, 0, source, ())
    check_memory(plan, spec, source)
    began = time.perf_counter()
    copies = _in_memory(source) if asked == "memory" else FolderCopies()
    with removed_on_failure(copies), progress("spool", source.rows) as meter:
        graph = TaskGraph()
        copy = graph.calls_of(_Copy(spec, plan.sizes, source.dtypes, meter, copies))
        keys = [copy(bound(part, columns), i) for i, part in enumerate(source.partitions)]
        parts = compute(*graph.values(keys))
    repeats = sum(read.repeats for _, read in parts)
    rows = sum(read.rows for _, read in parts)
    told = began, rows, source.nbytes, len(parts)
    ledger.record("spool", *told, repeats=repeats, memory=plan.nbytes)
    return SpooledSource(source, [part for part, _ in parts])


def _in_memory(source: Source) -> MemoryCopies:
    """Half of the limit is for copies, those of other sources among them."""
    return MemoryCopies(max(options.memory_limit // 2 - copied_bytes(), 0), source.name)


@dataclass(frozen=True)
class _Copy:
    """The task: copy a partition."""

    spec: WholeFrames
    sizes: Sizes
    dtypes: Mapping[str, Any]
    meter: str
    copies: Copies

    def __call__(self, value: Any, index: int) -> tuple[IpcSource, Read]:
        partition, read = released(value), Read()
        open_ = partial(partition.frames, self.spec.columns, self.sizes.frame_rows)
        frames = Rereading(read, partition.label, open_, meter=self.meter)
        with at_work(self.meter), reading(partition, self.spec, self.sizes), frames:
            copy = spool(self._pieces(frames), partition.label, self.copies, f"part-{index}")
        return copy, read

    def _pieces(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """The frames, and an empty one first, so that no rows still have columns."""
        yield pd.DataFrame({name: pd.Series(dtype=self.dtypes[name]) for name in self.spec.columns})
        for frame in frames:
            yield frame
            tick(self.meter, len(frame))
