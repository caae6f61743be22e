"""Answers for all rows of a source, those that a design leaves out among them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import reduce
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.beside import Beside, chunks_of
from statsmodels_ooc.engine.ledger import Ledger, Read, changed, note_lazy_read
from statsmodels_ooc.engine.passes import compute
from statsmodels_ooc.engine.progress import at_work, progress, tick
from statsmodels_ooc.engine.rereading import numbered_frames
from statsmodels_ooc.engine.rowarray import KeptRows, RowArray, used_rows
from statsmodels_ooc.engine.sizes import BlockSpec, Sizes, reading, sizes_for, writes_out
from statsmodels_ooc.engine.tasks import TaskGraph, blocks_of, bound, one_blas_thread, released
from statsmodels_ooc.errors import EmptyDataError, UnseenLevelError
from statsmodels_ooc.reductions.lost import LostRows, LostRowsState
from statsmodels_ooc.sources.base import NO_ROWS, Source

_LOST = LostRows()


@dataclass(frozen=True)
class AllRows:
    """An answer for every row of a source.

    Attributes
    ----------
    values : ndarray, (n,) or (n, q)
        In the order of the source; NaN for rows that the design leaves out.
    kept : ndarray of bool, (n,)
        Which rows the design sees.
    labels : Index, (n,)
        Those of the source's own index, or else the numbers of the rows.
    """

    values: FloatArray
    kept: NDArray[np.bool_]
    labels: pd.Index[Any]


@dataclass(frozen=True)
class _Piece:
    """The answer for the rows of a partition."""

    values: FloatArray
    kept: NDArray[np.bool_]
    rows: KeptRows
    read: Read
    lost: LostRowsState


@dataclass(frozen=True)
class FramedRows:
    """A frame of a partition, and what a design makes of it.

    Attributes
    ----------
    frame : DataFrame, (m, ...)
        The rows.
    numbers : ndarray of int, (m,), or None
        Their numbers among all rows of the partition, where a subset chose them; None where
        these are all.
    start, whole_start : int
        How many rows of the partition came before: chosen ones, and all.
    rows : int
        How many rows of the partition the frame stands for.
    blocks : iterator of Block
        The rows that the design sees, and what it says of those that it does not.
    """

    frame: pd.DataFrame
    numbers: NDArray[np.intp] | None
    start: int
    whole_start: int
    rows: int
    blocks: Iterator[Any]


def framed_rows(
    partition: Any,
    index: int,
    spec: BlockSpec,
    sizes: Sizes,
    beside: Beside,
    read: Read,
    meter: str | None,
) -> Generator[FramedRows]:
    """The frames of a partition with their blocks, one after the other, noted as they pass."""
    start = whole = 0
    with numbered_frames(partition, spec, sizes, read, meter) as frames:
        for frame, rows, chosen in frames:
            frame = frame.set_axis(pd.Index(frame.columns.to_list(), dtype=object), axis=1)
            blocks = beside.put(blocks_of(spec, frame, index, partition.label, start, sizes))
            numbers = None if chosen is None else whole + chosen
            yield FramedRows(frame, numbers, start, whole, rows, blocks)
            start, whole = start + len(frame), whole + rows


@dataclass(frozen=True)
class GatherAll:
    """The task of an answer for all rows of a partition."""

    spec: BlockSpec
    function: Callable[[Any], FloatArray]
    sizes: Sizes
    tail: tuple[int, ...]
    meter: str | None = None
    beside: tuple[str, ...] = ()
    most: int | None = None  # rows of which values are held

    def __call__(self, bound: Any, index: int, *chunks: NDArray[Any]) -> _Piece:
        partition, read, lost = released(bound), Read(), _LOST.init()
        beside = Beside(self.beside, chunks, partition.label)
        values: list[FloatArray] = [np.empty((0, *self.tail))]
        kept: list[NDArray[np.bool_]] = [np.empty(0, dtype=np.bool_)]
        numbers: list[NDArray[np.intp]] = []
        rows = 0
        how = (self.spec, self.sizes, beside, read, self.meter)
        with (
            at_work(self.meter),
            reading(partition, self.spec, self.sizes),
            one_blas_thread(),
            closing(framed_rows(partition, index, *how)) as frames,
        ):
            for framed in frames:
                values.append(np.full((len(framed.frame), *self.tail), np.nan))
                kept.append(np.zeros(len(framed.frame), dtype=np.bool_))
                for block in framed.blocks:
                    lost = _LOST.update(lost, block)
                    at = block.row_numbers - framed.start
                    values[-1][at] = self.function(block)
                    kept[-1][at] = True
                if framed.numbers is not None:
                    numbers.append(framed.numbers)
                rows += framed.rows
                if self.most is not None and read.rows > self.most:
                    values, kept, numbers = values[:1], kept[:1], numbers[:0]
                tick(self.meter, len(framed.frame))
        chosen = np.concatenate(numbers) if numbers else None
        labels = None if self.meter is None else partition.labels
        if labels is not None and chosen is not None:
            labels = labels.take(chosen)
        about = KeptRows(None, read.rows, chosen, rows, labels)
        return _Piece(np.concatenate(values), np.concatenate(kept), about, read, lost)


@dataclass(frozen=True)
class CollectAll:
    """The task of a lazy answer for all rows of a partition."""

    gather: GatherAll
    ledger: str

    def __call__(self, bound: Any, index: int, rows: int, *chunks: NDArray[Any]) -> FloatArray:
        began = time.perf_counter()
        piece, label = self.gather(bound, index, *chunks), released(bound).label
        check_levels(piece.lost, {index: label})
        if len(piece.values) != rows:
            raise changed(label, "a lazy answer", rows, len(piece.values))
        note_lazy_read(self.ledger, index, rows, time.perf_counter() - began)
        return piece.values


def check_levels(lost: LostRowsState, labels: Mapping[int, str]) -> None:
    """Refuse rows of levels that the design did not learn.

    Parameters
    ----------
    lost : LostRowsState
        What was lost.
    labels : mapping
        The partitions, by number.

    Raises
    ------
    UnseenLevelError
        It counts them, and says where the first one stands.
    """
    if lost.first is None:
        return
    first = lost.first
    counts = ", ".join(f"{count:,} in {name!r}" for name, count in lost.unseen.items())
    raise UnseenLevelError(
        f"rows have levels that the design did not learn: {counts}; the first is {first.level!r} "
        f"of {first.variable!r} at row {first.row} of {labels[first.partition]}",
        hint="res.write_rows(path, [...], data=...) answers for the other rows, and says which "
        "rows have no answer, and why",
    )


def gather_all(
    name: str,
    source: Source,
    spec: BlockSpec,
    function: Callable[[Any], FloatArray],
    width: int | None,
    ledger: Ledger,
    beside: Mapping[str, Any],
    most: int | None = None,
) -> AllRows | list[int]:
    """What a function gives for all rows, in memory; one pass, recorded.

    Parameters
    ----------
    name : str
        What the pass is for.
    source, spec, ledger
        The data, what makes blocks of them, and the passes so far.
    function, width
        As for `StreamedRows.read`.
    beside : mapping
        What is put beside the rows that the design keeps.
    most : int, optional
        How many rows there may be, where nobody knows.

    Returns
    -------
    AllRows or list of int
        The rows of each partition, where one of them has more than its share of `most`.

    Raises
    ------
    EmptyDataError
        There are no rows.
    UnseenLevelError
        A level was not learned.
    """
    partitions = source.partitions
    if not partitions:
        raise EmptyDataError(source.no_rows, hint=NO_ROWS)
    began = time.perf_counter()
    with progress(name, source.rows) as meter:
        graph = TaskGraph()
        share = None if most is None else most // len(partitions)
        call = graph.calls_of(_task(spec, function, width, meter, beside, share))
        chunks = chunks_of(beside, len(partitions))
        keys = [call(bound(p, spec.columns), i, *chunks[i]) for i, p in enumerate(partitions)]
        with one_blas_thread():
            pieces: Sequence[_Piece] = compute(*graph.values(keys))
    ledger.check(f"the pass {name!r}", source, dict(enumerate(piece.read for piece in pieces)))
    rows, repeats = (sum(getattr(one.read, of) for one in pieces) for of in ("rows", "repeats"))
    ledger.record(name, began, rows, source.nbytes, len(partitions), repeats=repeats)
    if not rows:
        raise EmptyDataError(source.no_rows, hint=NO_ROWS)
    lost = reduce(_LOST.merge, (piece.lost for piece in pieces))
    check_levels(lost, {i: partition.label for i, partition in enumerate(partitions)})
    if any(len(piece.values) < piece.read.rows for piece in pieces):
        return [piece.read.rows for piece in pieces]
    labels = used_rows([piece.rows for piece in pieces]).labels
    values = np.concatenate([piece.values for piece in pieces])
    return AllRows(values, np.concatenate([piece.kept for piece in pieces]), labels)


def lazy_all(
    source: Source,
    spec: BlockSpec,
    function: Callable[[Any], FloatArray],
    width: int | None,
    counts: Sequence[int],
    ledger: Ledger,
    beside: Mapping[str, Any],
) -> RowArray:
    """What a function gives for all rows, lazily, with one chunk a partition.

    Parameters
    ----------
    counts : sequence of int
        Rows of each partition.
    source, spec, function, width, ledger, beside
        As for `gather_all`.
    """
    gather = _task(spec, function, width, None, beside)
    graph = TaskGraph()
    call = graph.calls_of(CollectAll(gather, ledger.token))
    chunks = chunks_of(beside, len(counts))
    keys = [
        call(bound(partition, spec.columns), i, counts[i], *chunks[i])
        for i, partition in enumerate(source.partitions)
    ]
    pieces = [
        da.from_delayed(value, (rows, *gather.tail), dtype=np.float64)
        for value, rows in zip(graph.values(keys), counts, strict=True)
    ]
    whole = da.concatenate(pieces) if pieces else da.zeros((0, *gather.tail))
    return RowArray(  # type: ignore[no-untyped-call]
        whole.dask, whole.name, whole.chunks, dtype=whole.dtype
    )


def _task(
    spec: BlockSpec,
    function: Callable[[Any], FloatArray],
    width: int | None,
    meter: str | None,
    beside: Mapping[str, Any],
    most: int | None = None,
) -> GatherAll:
    tail = () if width is None else (width,)
    return GatherAll(
        spec,
        function,
        sizes_for(spec, dense=writes_out(function)),
        tail,
        meter,
        tuple(beside),
        most,
    )
