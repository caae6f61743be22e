"""Passes: reductions folded over the partitions of a source, with dask."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import dask
import dask.array as da
import dask.threaded
import numpy as np
import pandas as pd
from dask.delayed import Delayed, delayed
from dask.system import CPU_COUNT
from threadpoolctl import ThreadpoolController
from tqdm.auto import tqdm

from statsmodels_ooc.errors import (
    EmptyDataError,
    MemoryLimitError,
    OutOfCoreError,
    SourceChangedError,
)
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.audit import Fingerprint
from statsmodels_ooc.reductions.base import FloatArray, Reduction
from statsmodels_ooc.sources.base import ForgottenSource, Partition, Source

__all__ = ["BlockMaker", "PassRecord", "RowArray", "Stream", "scan_frames"]

_FRAME_ROWS = 131_072
_BLOCK_BYTES = 2**20  # of a design block: it stays in a core's second-level cache
_BLOCK_ROWS = 8_192


class BlockMaker(Protocol):
    """What a pass needs of a design: which columns to read, and blocks of a frame."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def encoded(self) -> frozenset[str]: ...

    @property
    def k(self) -> int: ...

    def blocks(
        self, frame: pd.DataFrame, partition: int, label: str, start: int, block_rows: int
    ) -> Iterable[Any]: ...


@dataclass(frozen=True)
class PassRecord:
    """One read of the data.

    Attributes
    ----------
    name : str
        What it was for.
    rows : int
        Rows read.
    seconds : float
        Wall time.
    nbytes : int or None
        Stored bytes of the source, all of its columns, where they are known.
    partitions : int
        Partitions read.
    """

    name: str
    rows: int
    seconds: float
    nbytes: int | None
    partitions: int


@dataclass
class Stream:
    """A source seen through a design: every pass over the rows goes through here.

    Attributes
    ----------
    source : Source
        The data.
    spec : BlockMaker
        The design.
    passes : list of PassRecord
        The passes so far, in order.
    """

    source: Source
    spec: BlockMaker
    passes: list[PassRecord] = field(default_factory=list)
    _seen: list[tuple[int, int, int]] | None = field(default=None, repr=False)

    def fold(self, name: str, *reductions: Reduction[Any]) -> tuple[Any, ...]:
        """Fold several reductions over the rows in one pass.

        Parameters
        ----------
        name : str
            What the pass is for, shown in `passes` and in the progress.
        *reductions : Reduction
            What to fold.

        Returns
        -------
        tuple
            The state of each reduction.

        Raises
        ------
        MemoryLimitError
            The states would not fit; raised before the first read.
        SourceChangedError
            This pass did not see the rows that an earlier one saw.
        """
        _check_memory(self.spec.k)
        *states, fingerprint = _run(
            name, self.source, self.spec, (*reductions, Fingerprint()), self.passes
        )
        self._check_unchanged(name, fingerprint.partitions)
        return tuple(states)

    def _check_unchanged(self, name: str, now: list[tuple[int, int, int]]) -> None:
        if self._seen is None:
            self._seen = now
            return
        for partition, was, is_ in zip(self.source.partitions, self._seen, now, strict=False):
            if was != is_:
                what = (
                    f"{was[0]:,} rows then, {is_[0]:,} now"
                    if was[0] != is_[0]
                    else "as many rows, with other values"
                )
                raise SourceChangedError(
                    f"{self.source.name} changed before the pass {name!r}: {partition.label} "
                    f"gave {what}",
                    hint="every pass must see the same rows; copy changing data to a file first",
                )

    def forget(self) -> None:
        """Let go of the rows."""
        self.source = ForgottenSource(self.source)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if not self.source.is_recipe:
            state["source"] = ForgottenSource(self.source)
            state["_seen"] = None
        return state

    @property
    def counts(self) -> tuple[int, ...]:
        """Rows of each partition that the design keeps."""
        if self._seen is None:
            self.fold("count")
        assert self._seen is not None
        return tuple(kept for _, kept, _ in self._seen)

    def rows(self, function: Callable[[Any], FloatArray], width: int | None = None) -> RowArray:
        """A lazy, row-aligned answer: what a function gives for every block.

        Parameters
        ----------
        function : callable
            Block of b rows to an array (b,) or (b, width); picklable.
        width : int, optional
            The number of columns, None for one-dimensional answers.

        Returns
        -------
        RowArray, (n,) or (n, width)
            With one chunk a partition.
        """
        tail = () if width is None else (width,)
        collect = _Collect(self.spec, function, _sizes(self.spec), tail)
        pieces = [
            da.from_delayed(
                delayed(collect)(_bound(partition), i), (count, *tail), dtype=np.float64
            )
            for i, (partition, count) in enumerate(
                zip(self.source.partitions, self.counts, strict=True)
            )
        ]
        whole = da.concatenate(pieces) if pieces else da.zeros((0, *tail))
        return RowArray(whole.dask, whole.name, whole.chunks, dtype=whole.dtype)


def scan_frames(
    name: str,
    source: Source,
    columns: Sequence[str],
    encoded: Collection[str],
    reduction: Any,
    passes: list[PassRecord],
) -> Any:
    """Fold one reduction over the frames of a source, not over blocks."""
    maker = _Frames(tuple(columns), frozenset(encoded))
    (state,) = _run(name, source, maker, (reduction,), passes)
    return state


@dataclass(frozen=True)
class _Frames:
    """A design that leaves frames as they are."""

    columns: tuple[str, ...]
    encoded: frozenset[str]
    k: int = 0

    def blocks(
        self,
        frame: pd.DataFrame,
        partition: int,  # noqa: ARG002
        label: str,  # noqa: ARG002
        start: int,  # noqa: ARG002
        block_rows: int,  # noqa: ARG002
    ) -> Iterable[Any]:
        return (frame,)


@dataclass(frozen=True)
class _Sizes:
    """Rows of a frame and of a block."""

    frame_rows: int
    block_rows: int


def _sizes(spec: BlockMaker) -> _Sizes:
    """Sizes that follow from the design and the settings, never from the workers."""
    width = max(spec.k + 2, len(spec.columns), 1)
    fitting = _BLOCK_BYTES // (8 * width)
    block = options.block_rows or int(np.clip(fitting, min(4 * width, _BLOCK_ROWS), _BLOCK_ROWS))
    share = options.memory_limit // (64 * 8 * max(len(spec.columns), 1))
    frame = options.frame_rows or int(np.clip(share, 1_024, _FRAME_ROWS))
    return _Sizes(frame, block)


def _check_memory(k: int) -> None:
    """Refuse a design whose sums of squares and products cannot fit."""
    workers = dask.config.get("num_workers", None) or CPU_COUNT
    need = 8 * (k + 2) ** 2 * (workers + 6)
    if need > options.memory_limit:
        raise MemoryLimitError(
            f"{k:,} columns need about {need:,} bytes for their cross products, more than "
            f"memory_limit = {options.memory_limit:,}",
            hint="smo.options.memory_limit = '8 GiB' raises the limit, where there is memory",
        )


@dataclass(frozen=True)
class _Fold:
    """The task of a pass: fold a partition into one state a reduction."""

    spec: BlockMaker
    reductions: tuple[Reduction[Any], ...]
    sizes: _Sizes
    meter: str

    def __call__(self, bound: Any, index: int) -> tuple[int, list[Any]]:
        partition = _released(bound)
        states = [reduction.init() for reduction in self.reductions]
        start = 0
        with _one_blas_thread():
            for frame in partition.frames(
                self.spec.columns, self.sizes.frame_rows, self.spec.encoded
            ):
                for block in _blocks(self.spec, frame, index, partition.label, start, self.sizes):
                    for i, reduction in enumerate(self.reductions):
                        states[i] = reduction.update(states[i], block)
                start += len(frame)
                _tick(self.meter, len(frame))
        return start, states


@dataclass(frozen=True)
class _Collect:
    """The task of a lazy answer: what a function gives for the rows of a partition."""

    spec: BlockMaker
    function: Callable[[Any], FloatArray]
    sizes: _Sizes
    tail: tuple[int, ...]

    def __call__(self, bound: Any, index: int) -> FloatArray:
        partition = _released(bound)
        pieces = [np.empty((0, *self.tail))]
        start = 0
        with _one_blas_thread():
            for frame in partition.frames(
                self.spec.columns, self.sizes.frame_rows, self.spec.encoded
            ):
                for block in _blocks(self.spec, frame, index, partition.label, start, self.sizes):
                    pieces.append(np.array(self.function(block), dtype=np.float64))
                start += len(frame)
        return np.concatenate(pieces)


def _blocks(
    spec: BlockMaker, frame: pd.DataFrame, index: int, label: str, start: int, sizes: _Sizes
) -> Iterator[Any]:
    """The blocks of a frame; errors that do not know where they are get told."""
    try:
        yield from spec.blocks(frame, index, label, start, sizes.block_rows)
    except Exception as error:
        if not isinstance(error, OutOfCoreError):
            error.add_note(f"in {label}, rows {start} to {start + len(frame) - 1}")
        raise


@dataclass(frozen=True)
class _Merge:
    """The inner node of the tree: the states of neighbours, left before right."""

    reductions: tuple[Reduction[Any], ...]

    def __call__(
        self, left: tuple[int, list[Any]], right: tuple[int, list[Any]]
    ) -> tuple[int, list[Any]]:
        merged = [
            reduction.merge(a, b)
            for reduction, a, b in zip(self.reductions, left[1], right[1], strict=True)
        ]
        return left[0] + right[0], merged


def _run(
    name: str,
    source: Source,
    spec: BlockMaker,
    reductions: tuple[Reduction[Any], ...],
    passes: list[PassRecord],
) -> list[Any]:
    """Run one pass, record it, and return the states."""
    partitions = source.partitions
    if not partitions:
        raise EmptyDataError(f"{source.name} has no rows")
    began = time.perf_counter()
    with _progress(name, source.rows) as meter:
        fold = _shared(_Fold(spec, reductions, _sizes(spec), meter))
        merge = _shared(_Merge(reductions))
        leaves = [fold(_bound(partition), i) for i, partition in enumerate(partitions)]
        with _one_blas_thread():
            ((rows, states),) = dask.compute(_tree(leaves, merge), **_scheduler())
    seconds = time.perf_counter() - began
    passes.append(PassRecord(name, rows, seconds, source.nbytes, len(partitions)))
    return list(states)


def _scheduler() -> dict[str, Any]:
    """Dask's own choice; it imports distributed to find out, which nobody may have done."""
    chosen = dask.config.get("scheduler", None) is not None
    return {} if chosen or "distributed" in sys.modules else {"scheduler": dask.threaded.get}


def _shared(task: Callable[..., Any]) -> Callable[..., Delayed]:
    """A task whose parameters travel once, not with every call."""
    return delayed(task, name=f"{type(task).__name__.strip('_').lower()}-{uuid.uuid4().hex}")


def _bound(partition: Partition) -> Any:
    """The partition, or the dask value that becomes it."""
    inner = getattr(partition, "inner", None)
    if inner is not None and hasattr(inner, "bind"):
        return delayed(partition.wrap)(inner.bind())  # type: ignore[attr-defined]
    bind = getattr(partition, "bind", None)
    return _Held(partition) if bind is None else bind()


class _Held:
    """A partition that dask does not search for dask values, field by field."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition


def _released(value: Any) -> Partition:
    partition: Partition = value.partition if isinstance(value, _Held) else value
    return partition


def _tree(nodes: Sequence[Delayed], merge: Callable[[Any, Any], Delayed]) -> Delayed:
    """Merge neighbours until one is left: the shape depends on their number alone."""
    level = list(nodes)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [merge(left, right) for left, right in pairs] + odd
    return level[0]


# --- one BLAS thread for each of dask's ------------------------------------------

_blas_lock = threading.Lock()
_blas_users: list[Any] = []


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
def _one_blas_thread() -> Iterator[None]:
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


# --- progress -----------------------------------------------------------------

_meters: dict[str, Any] = {}


@contextmanager
def _progress(name: str, rows: int | None) -> Iterator[str]:
    """Show a bar for a pass that lasts; silent where there is no terminal."""
    shown = options.progress
    token = uuid.uuid4().hex
    bar = tqdm(
        desc=name,
        total=rows,
        unit=" rows",
        unit_scale=True,
        delay=0 if shown else 1.0,
        disable=None if shown is None else not shown,
        leave=bool(shown),
    )
    _meters[token] = bar
    try:
        yield token
    finally:
        del _meters[token]
        bar.close()


def _tick(meter: str, rows: int) -> None:
    """Advance the bar of this process; a worker elsewhere has none."""
    bar = _meters.get(meter)
    if bar is not None:
        bar.update(rows)


# --- lazy answers -----------------------------------------------------------------


class RowArray(da.Array):  # type: ignore[misc]
    """A row-aligned answer as a dask array that does not become NumPy by accident.

    Below ``smo.options.array_limit`` it turns into NumPy whenever something asks for
    an array; above, ``.compute()`` does so on purpose.
    """

    def __array__(self, dtype: Any = None, copy: bool | None = None, **kwargs: Any) -> Any:
        if self.nbytes > options.array_limit:
            raise MemoryLimitError(
                f"a row-level array of shape {self.shape} and {self.nbytes:,.0f} bytes would be "
                f"turned into NumPy; array_limit is {options.array_limit:,}",
                hint="use .compute() to do so on purpose, or work with the dask array: "
                "slices, reductions and to_parquet stay out of memory",
            )
        return super().__array__(dtype, copy=copy, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return (RowArray, (self.dask, self.name, self.chunks, self.dtype))
