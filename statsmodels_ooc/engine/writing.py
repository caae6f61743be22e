"""Rows and what is known of them, written to files: complete, or not at all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.beside import Beside, chunks_of
from statsmodels_ooc.engine.ledger import Read
from statsmodels_ooc.engine.passes import compute
from statsmodels_ooc.engine.progress import at_work, progress, tick
from statsmodels_ooc.engine.sizes import BlockSpec, Sizes, reading, sizes_for, writes_out
from statsmodels_ooc.engine.streamed import StreamedRows
from statsmodels_ooc.engine.tasks import TaskGraph, bound, one_blas_thread, released
from statsmodels_ooc.engine.whole import FramedRows, framed_rows
from statsmodels_ooc.engine.written import Part, Target, parquet_writer, write_errors
from statsmodels_ooc.errors import EmptyDataError, SchemaError, WriteError
from statsmodels_ooc.reductions.lost import LostRows, LostRowsState
from statsmodels_ooc.sources.base import NO_ROWS, Source
from statsmodels_ooc.sources.chunk import Chunk
from statsmodels_ooc.sources.files import contents_are_compared

_LOST = LostRows()
ROW, IN_SAMPLE, WHY = "row", "in_sample", "dropped_because"
RESERVED = (ROW, IN_SAMPLE, WHY)
"""The columns that every file has."""


@dataclass(frozen=True)
class RowColumns:
    """Columns of a file that are worked out of the rows.

    Attributes
    ----------
    names : tuple of str
        What they are called.
    function : callable
        Block of b rows to an array, (b,) for one name or (b, q); picklable.
    """

    names: tuple[str, ...]
    function: Callable[[Any], FloatArray]


@dataclass(frozen=True)
class WrittenRows:
    """What was written.

    Attributes
    ----------
    path : str
        The file, or the folder.
    rows : int
        How many rows it has.
    in_sample : int
        Those that have an answer.
    dropped : dict
        The others by why; a row may count for several reasons.
    """

    path: str
    rows: int
    in_sample: int
    dropped: Mapping[str, int]

    def __str__(self) -> str:
        lost = "".join(f"; {count:,}: {why}" for why, count in self.dropped.items())
        return f"{self.path}: {self.rows:,} rows, {self.in_sample:,} in the sample{lost}"


@dataclass(frozen=True)
class _Keeping:
    """A design whose frames have more columns, as the source has them."""

    inner: BlockSpec
    keep: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.inner.columns, *self.keep)))

    @property
    def encoded(self) -> frozenset[str]:
        return self.inner.encoded - set(self.keep)

    @property
    def k(self) -> int:
        return self.inner.k

    @property
    def width(self) -> int:
        return self.inner.width

    @property
    def widest(self) -> str:
        return self.inner.widest

    @property
    def block_rows(self) -> int:
        return self.inner.block_rows

    def compiled(self) -> _Keeping:
        return self

    def blocks(
        self,
        frame: Chunk | pd.DataFrame,
        partition: int,
        label: str,
        start: int,
        block_rows: int,
    ) -> Iterable[Any]:
        return self.inner.blocks(frame, partition, label, start, block_rows)


def write_rows(
    rows: StreamedRows,
    path: str | os.PathLike[str],
    columns: Sequence[RowColumns],
    keep: Sequence[str],
    *,
    order: Sequence[str] | None = None,
    overwrite: bool = False,
    also_read: Sequence[Source] = (),
) -> WrittenRows:
    """Write a row for every row of a source; one pass.

    Parameters
    ----------
    rows : StreamedRows
        The rows.
    path : path_like
        ``.parquet`` or ``.csv`` for one file; a folder of Parquet files otherwise, one for each
        partition.
    columns : sequence of RowColumns
        What is worked out of the rows.
    keep : sequence of str
        Columns of the source that come along.
    order : sequence of str, optional
        The order of the columns that are worked out; that of `columns` by default.
    overwrite : bool
        Whether what is there may be replaced.
    also_read : sequence of Source
        Data that may not be replaced either.

    Returns
    -------
    WrittenRows
        How many rows there are, and why some have no answers.

    Raises
    ------
    WriteError
        There is something of this name, or it cannot be written.
    SchemaError
        The values of a column have no common type.
    SourceChangedError
        This pass did not see the rows that an earlier one saw.

    Notes
    -----
    Tasks write the partitions to files in a hidden folder beside `path`, which a cluster's workers
    have to share; these are joined in order and take the name when all are complete. Whatever ends
    the pass before that, the folder goes.
    """
    target = Target.of(path, overwrite)
    source = rows.source if set(keep) <= set(rows.source.columns) else rows.whole_source
    partitions = source.partitions
    if not partitions:
        raise EmptyDataError(source.no_rows, hint=NO_ROWS)
    for one in (rows.whole_source, *also_read):
        _require_other(target, one)
    began = time.perf_counter()
    with target.opened() as folder, progress("write_rows", source.rows) as meter:
        spec = _Keeping(rows.spec, tuple(keep))
        names = tuple(name for one in columns for name in one.names)
        sizes = sizes_for(spec, dense=any(writes_out(one.function) for one in columns))
        how = (names if order is None else tuple(order), sizes, folder, meter)
        task = _Write(spec, tuple(columns), *how, tuple(rows.given))
        graph = TaskGraph()
        call, chunks = graph.calls_of(task), chunks_of(rows.given, len(partitions))
        keys = [
            call(bound(partition, spec.columns), i, start, *chunks[i])
            for i, (partition, start) in enumerate(zip(partitions, _starts(source), strict=True))
        ]
        with one_blas_thread():
            done: Sequence[_Done] = compute(*graph.values(keys))
        rows.ledger.check(
            "the pass 'write_rows'", source, {i: one.read for i, one in enumerate(done)}
        )
        read, repeats = (sum(getattr(one.read, of) for one in done) for of in ("rows", "repeats"))
        how_much = read, source.nbytes, len(partitions)
        rows.ledger.record("write_rows", began, *how_much, repeats=repeats)
        if not read:
            raise EmptyDataError(source.no_rows, hint=NO_ROWS)
        target.finish(folder, [one.part for one in done], ROW)
    lost = reduce(_LOST.merge, (one.lost for one in done))
    return WrittenRows(target.path, read, lost.kept, _reasons(lost))


def _require_other(target: Target, source: Source) -> None:
    """Refuse to replace what is read.

    Raises
    ------
    WriteError
        The target is a file of the source, or a folder with one.
    """
    path = os.path.realpath(target.path)
    for partition in source.partitions:
        file = getattr(getattr(partition, "inner", partition), "file", None)
        read = None if file is None else os.path.realpath(str(file))
        if read is not None and (read == path or read.startswith(path + os.sep)):
            raise WriteError(
                f"{target.path} would replace {read}, which is read", hint="give another name"
            )


def _starts(source: Source) -> list[int | None]:
    """How many rows come before each partition, where the source tells."""
    starts: list[int | None] = [0]
    for partition in source.partitions:
        known = starts[-1] is not None and partition.rows is not None
        starts.append(starts[-1] + partition.rows if known else None)  # type: ignore[operator]
    return starts[:-1]


def _reasons(lost: LostRowsState) -> dict[str, int]:
    missing = {f"missing value of {name}": count for name, count in lost.missing.items()}
    return missing | {f"unseen level of {name}": count for name, count in lost.unseen.items()}


@dataclass(frozen=True)
class _Done:
    """A partition that was written."""

    part: Part
    read: Read
    lost: LostRowsState


@dataclass(frozen=True)
class _Write:
    """The task that writes a partition; a new file begins where the type of a column changes."""

    spec: _Keeping
    columns: tuple[RowColumns, ...]
    order: tuple[str, ...]
    sizes: Sizes
    folder: str
    meter: str
    beside: tuple[str, ...]

    def __call__(self, bound: Any, index: int, start: int | None, *chunks: NDArray[Any]) -> _Done:
        partition, read, lost = released(bound), Read(), _LOST.init()
        beside = Beside(self.beside, chunks, partition.label)
        files = _Files(self.folder, index)
        whole = 0
        how = (self.spec, self.sizes, beside, read, self.meter)
        with (
            at_work(self.meter),
            reading(partition, self.spec, self.sizes),
            one_blas_thread(),
            contents_are_compared(),
            files,
            closing(framed_rows(partition, index, *how)) as frames,
        ):
            for framed in frames:
                answers = _Answers(self.columns, self.order, framed)
                for block in framed.blocks:
                    lost = _LOST.update(lost, block)
                    answers.take(block)
                kept = _kept(framed.frame, self.spec.keep, partition.label)
                files.write(answers.table(kept, start or 0))
                whole = framed.whole_start + framed.rows
                tick(self.meter, len(framed.frame))
        return _Done(Part(tuple(files.paths), start, whole, partition.label), read, lost)


class _Answers:
    """What a file says of the rows of a frame."""

    def __init__(
        self, columns: Sequence[RowColumns], order: Sequence[str], framed: FramedRows
    ) -> None:
        self._columns, self._framed = columns, framed
        m = len(framed.frame)
        self._values = {name: np.full(m, np.nan) for name in order}
        self._in_sample = np.zeros(m, dtype=np.bool_)
        self._why: dict[int, list[str]] = {}

    def take(self, block: Any) -> None:
        """Note what the functions give for the rows of a block, and which rows it has lost."""
        at = block.row_numbers - self._framed.start
        for one in self._columns:
            shape = len(at), len(one.names)
            found = np.asarray(one.function(block), dtype=np.float64).reshape(shape)
            for name, values in zip(one.names, found.T, strict=True):
                self._values[name][at] = values
        self._in_sample[at] = True
        for lost in block.lost:
            rows = (lost.rows - self._framed.start).tolist()
            if lost.levels is None:
                reasons = [f"missing value of {lost.variable}"] * len(rows)
            else:
                reasons = [f"unseen level {level!r} of {lost.variable}" for level in lost.levels]
            for row, reason in zip(rows, reasons, strict=True):
                self._why.setdefault(row, []).append(reason)

    def table(self, kept: Mapping[str, pa.Array], start: int) -> pa.Table:
        """The rows, with their numbers counted from some start."""
        framed = self._framed
        numbers = framed.numbers
        if numbers is None:
            numbers = np.arange(framed.whole_start, framed.whole_start + framed.rows)
        why = pa.nulls(len(numbers), pa.large_string())
        if self._why:
            why = pa.array(
                ["; ".join(self._why[i]) if i in self._why else None for i in range(len(numbers))],
                pa.large_string(),
            )
        return pa.table(
            {
                ROW: pa.array(start + numbers.astype(np.int64)),
                **kept,
                **{name: pa.array(values) for name, values in self._values.items()},
                IN_SAMPLE: pa.array(self._in_sample),
                WHY: why,
            }
        )


def _kept(frame: pd.DataFrame, keep: Sequence[str], label: str) -> dict[str, pa.Array]:
    """Columns of the source as Arrow has them; categories as their values."""
    found = {}
    for name in keep:
        try:
            array = pa.array(frame[name], from_pandas=True)
        except (pa.ArrowException, OverflowError) as error:
            raise SchemaError(
                f"column {name!r} of {label} has values that no column of a file holds: {error}",
                hint="leave it out of keep=, or make text of it first",
            ) from None
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        found[str(name)] = array
    return found


class _Files:
    """The files of a partition, one after the other."""

    def __init__(self, folder: str, index: int) -> None:
        if not os.path.isdir(folder):
            raise WriteError(
                f"the folder {folder} is not there",
                hint="the workers of a cluster write into a folder that all of them share",
            )
        self.paths: list[str] = []
        self._stem = os.path.join(folder, f"rows-{index:06d}")
        self._open = ExitStack()
        self._writer: Any = None

    def write(self, table: pa.Table) -> None:
        """Write some rows."""
        with write_errors(self._stem):
            if self._writer is None or self._writer.schema != table.schema:
                self._close()
                self.paths.append(f"{self._stem}-{len(self.paths)}.parquet")
                writer = parquet_writer(self.paths[-1], table.schema)
                self._writer = self._open.enter_context(writer)
            self._writer.write_table(table)

    def _close(self) -> None:
        self._writer = None
        self._open.close()

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *error: object) -> None:
        with write_errors(self._stem):
            self._close()
