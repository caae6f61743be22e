"""The tasks of dask's graph: their calls, rows that are collected, progress, one BLAS thread."""

from __future__ import annotations

import operator
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph
from dask.typing import Key
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.beside import Beside
from statsmodels_ooc.engine.ledger import Read, changed, check_read, note_lazy_read
from statsmodels_ooc.engine.progress import at_work, tick
from statsmodels_ooc.engine.rereading import numbered_frames
from statsmodels_ooc.engine.rowarray import KeptRows
from statsmodels_ooc.engine.settings import as_set_here
from statsmodels_ooc.engine.sizes import BlockSpec, Sizes, reading
from statsmodels_ooc.errors import OutOfCoreError
from statsmodels_ooc.forks import Lock, in_children
from statsmodels_ooc.reductions.facts import Fingerprint
from statsmodels_ooc.sources.base import Partition
from statsmodels_ooc.sources.chunk import Chunk
from statsmodels_ooc.sources.files import contents_are_compared


class TaskGraph:
    """Calls of a few tasks on one another's values, which stand for them by their keys.

    `dask.delayed` would make a graph for every call, and search its arguments for values
    of dask.
    """

    def __init__(self) -> None:
        self._name = uuid.uuid4().hex
        self._tasks: dict[Key, Any] = {}
        self._outside: list[Any] = []  # of Delayed

    def calls_of(self, task: Callable[..., Any]) -> Callable[..., str]:
        """What notes a call of a task and gives its key; the task itself travels once.

        The arguments are keys of other calls, a `Delayed` each, or what dask leaves alone.
        """
        name = f"{type(task).__name__.strip('_').lower()}-{self._name}"
        self._tasks[name] = as_set_here(task)
        numbers = count()

        def call(*arguments: Any) -> str:
            key = f"{name}-{next(numbers)}"
            self._tasks[key] = (operator.call, name, *map(self._known, arguments))
            return key

        return call

    def _known(self, argument: Any) -> Any:
        if not isinstance(argument, Delayed):
            return argument
        self._outside.append(argument)
        return argument.key

    def values(self, keys: Sequence[str]) -> list[Delayed]:
        """The values of some calls; what is called later is in none of them."""
        graph = HighLevelGraph.from_collections(self._name, dict(self._tasks), self._outside)
        return [Delayed(key, graph, layer=self._name) for key in keys]


Seen = tuple[int, int, int]  # of a partition: rows read, rows kept, checksum


@dataclass(frozen=True)
class Collect:
    """The task of a lazy answer: what a function gives for the rows of a partition."""

    spec: BlockSpec
    function: Callable[[Any], FloatArray]
    sizes: Sizes
    tail: tuple[int, ...]
    ledger: str
    beside: tuple[str, ...] = ()

    def __call__(
        self, bound: Any, index: int, seen: Seen, before: Read, *chunks: NDArray[Any]
    ) -> FloatArray:
        began = time.perf_counter()
        values, rows = self.gather(bound, index, seen, before, chunks)
        note_lazy_read(self.ledger, index, rows.read, time.perf_counter() - began)
        return values

    def gather(
        self,
        bound: Any,
        index: int,
        seen: Seen,
        before: Read,
        chunks: Sequence[NDArray[Any]],
        meter: str | None = None,
    ) -> tuple[FloatArray, KeptRows]:
        """What the function gives for the rows, and which rows these are."""
        partition, found = released(bound), Read()
        beside = Beside(self.beside, chunks, partition.label)
        values = np.empty((seen[1], *self.tail), order="F")  # as statsmodels' own designs
        kept = None if seen[1] == seen[0] else np.empty(seen[1], dtype=np.intp)
        numbers = kept  # the same where a subset does not choose
        fingerprint = Fingerprint(bool(self.spec.encoded))
        state = fingerprint.init()
        read = rows = filled = 0  # before the frame: rows that were chosen, and all
        spec, sizes = self.spec, self.sizes
        with (
            at_work(meter),
            reading(partition, spec, sizes),
            one_blas_thread(),
            contents_are_compared(),
            numbered_frames(partition, spec, sizes, found, meter) as frames,
        ):
            for frame, frame_rows, chosen in frames:
                if chosen is not None and numbers is kept:
                    numbers = np.empty(seen[1], dtype=np.intp)
                blocks = blocks_of(spec, frame, index, partition.label, read, sizes)
                for block in beside.put(blocks):
                    state = fingerprint.update(state, block)
                    here = slice(filled, filled + len(block.endog))
                    filled = here.stop
                    if filled > seen[1]:
                        continue  # refused below
                    values[here] = self.function(block)
                    if kept is not None:
                        kept[here] = block.row_numbers
                    if chosen is not None and numbers is not None:
                        numbers[here] = rows + chosen[block.row_numbers - read]
                read += len(frame)
                rows += frame_rows
                tick(meter, len(frame))
            labels = None if meter is None else partition.labels  # a lazy answer has none
        reader = "a lazy answer"
        check_read(partition.label, reader, before, found)
        check_unchanged(partition.label, reader, seen, state.entry(index))
        if labels is not None and numbers is not None:
            labels = labels.take(numbers)
        return values, KeptRows(kept, read, numbers, rows, labels, found.repeats)


@dataclass(frozen=True)
class Gather:
    """The task of an answer that is read at once: values, and which rows they are about."""

    collect: Collect
    meter: str

    def __call__(
        self, bound: Any, index: int, seen: Seen, before: Read, *chunks: NDArray[Any]
    ) -> tuple[FloatArray, KeptRows]:
        return self.collect.gather(bound, index, seen, before, chunks, self.meter)


def check_unchanged(label: str, reader: str, was: Seen, now: Seen) -> None:
    """Refuse a partition of which a design makes another thing than in an earlier pass."""
    if was != now:
        raise changed(label, reader, was[0], now[0])


def blocks_of(
    spec: BlockSpec, frame: Chunk | pd.DataFrame, index: int, label: str, start: int, sizes: Sizes
) -> Iterator[Any]:
    """The blocks of a frame; errors that do not know where they are get told."""
    try:
        yield from spec.blocks(frame, index, label, start, sizes.block_rows)
    except Exception as error:
        if not isinstance(error, OutOfCoreError):
            error.add_note(f"in {label}, rows {start} to {start + len(frame) - 1}")
        raise


def bound(partition: Partition, columns: Sequence[str]) -> Any:
    """A partition of which these columns will be read, or the dask value that becomes it."""
    read = partition.narrowed(columns)
    delayed = read.bind()
    return _Held(read) if delayed is None else delayed


class _Held:
    """A partition that dask does not search for dask values, field by field."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition


def released(value: Any) -> Partition:
    """The partition that `bound` let dask carry."""
    partition: Partition = value.partition if isinstance(value, _Held) else value
    return partition


_blas_lock = Lock()
_blas_users: list[Any] = []


def _begin_anew() -> None:
    """In a child, nobody is inside: the threads that were are not there."""
    limiters = [limiter for limiter in _blas_users if limiter is not None]
    _blas_users.clear()
    for limiter in limiters:
        limiter.restore_original_limits()


in_children(_begin_anew)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _take_control() -> None:
    """Let this thread set OpenBLAS's limit, which threadpoolctl leaves to one thread."""
    for library in _blas().lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread while anyone in this process is inside.

    Parallelism comes from the partitions, and a sum that BLAS splits between threads
    would have other bits on another machine.
    """
    with _blas_lock:
        # The first to come sets the limit; the last to go lifts it.
        if _blas_users:
            _blas_users.append(None)
        else:
            _take_control()
            _blas_users.append(_blas().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _blas_lock:
            limiter = _blas_users.pop()
            if limiter is not None:
                _take_control()
                limiter.restore_original_limits()
                _take_control()
