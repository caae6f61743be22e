"""One read of a slow source into local files, so that later passes are cheap."""

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
from statsmodels_ooc.sources.ipc import IpcSource
from statsmodels_ooc.sources.spooling import (
    COPIED_ROWS,
    SpooledSource,
    has_room,
    removed_on_failure,
    spool,
)
from statsmodels_ooc.sources.temporary import TemporaryFolder


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

    Raises
    ------
    MemoryLimitError
        What is read of a partition at a time would not fit; raised before the first read.

    Returns
    -------
    Source
        The copy, under the name and the labels of the original; the original itself
        where it is fast, unless ``smo.options.cache`` is "disk", where the option is False,
        where tasks run in other processes, or where the temporary directory has no room.
    """
    asked = options.cache
    wanted = source.slow if asked == "auto" else asked == "disk" and source.is_recipe
    if not (wanted and columns and runs_in_threads() and has_room(source)):
        return source
    names = tuple(columns)
    spec = WholeFrames(names, frozenset(), width=len(names), block_rows=COPIED_ROWS)
    plan = planned(spec, 0, source, ())
    check_memory(plan, spec, source)
    began = time.perf_counter()
    folder = TemporaryFolder()
    with removed_on_failure(folder), progress("spool", source.rows) as meter:
        graph = TaskGraph()
        copy = graph.calls_of(_Copy(spec, plan.sizes, source.dtypes, meter, folder))
        keys = [copy(bound(part, columns), i) for i, part in enumerate(source.partitions)]
        copies = compute(*graph.values(keys))
    repeats = sum(read.repeats for _, read in copies)
    rows = sum(read.rows for _, read in copies)
    told = began, rows, source.nbytes, len(copies)
    ledger.record("spool", *told, repeats=repeats, memory=plan.nbytes)
    return SpooledSource(source, [copy for copy, _ in copies])


@dataclass(frozen=True)
class _Copy:
    """The task: copy a partition."""

    spec: WholeFrames
    sizes: Sizes
    dtypes: Mapping[str, Any]
    meter: str
    folder: TemporaryFolder

    def __call__(self, value: Any, index: int) -> tuple[IpcSource, Read]:
        partition, read = released(value), Read()
        open_ = partial(partition.frames, self.spec.columns, self.sizes.frame_rows)
        frames = Rereading(read, partition.label, open_, meter=self.meter)
        with at_work(self.meter), reading(partition, self.spec, self.sizes), frames:
            copy = spool(self._pieces(frames), partition.label, self.folder, f"part-{index}")
        return copy, read

    def _pieces(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """The frames, and an empty one first, so that no rows still have columns."""
        yield pd.DataFrame({name: pd.Series(dtype=self.dtypes[name]) for name in self.spec.columns})
        for frame in frames:
            yield frame
            tick(self.meter, len(frame))
