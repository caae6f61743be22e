"""A source seen through a design: every pass over the rows goes through here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask.delayed import delayed

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.beside import aligned
from statsmodels_ooc.engine.ledger import Ledger, PassRecord, Read
from statsmodels_ooc.engine.passes import calls_on, compute, gather_rows, run_pass
from statsmodels_ooc.engine.rowarray import RowArray, UsedRows, used_rows
from statsmodels_ooc.engine.rows import MemoryRows
from statsmodels_ooc.engine.sizes import (
    BlockSpec,
    Sizes,
    check_memory,
    check_room,
    sizes_for,
    writes_out,
)
from statsmodels_ooc.engine.tasks import Collect, Seen, TaskGraph, bound, check_unchanged, released
from statsmodels_ooc.engine.whole import AllRows, gather_all, lazy_all
from statsmodels_ooc.errors import RowOrderError
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.facts import Fingerprint
from statsmodels_ooc.sources.base import ForgottenSource, Source

_ANSWER_COPIES = 2  # of an answer in memory: of its partitions, and the whole


@dataclass
class StreamedRows:
    """A source seen through a design: every pass over the rows goes through here.

    Attributes
    ----------
    source : Source
        The data.
    spec : BlockSpec
        The design.
    ledger : Ledger
        The passes over the source so far, and what they read.
    original : Source or None
        Where `source` is a local copy of some columns: what was copied.
    solving : int
        Matrices, (k, k), that are held beside the states when they are solved: a factor, its
        inverse, the covariance of a linear fit; more where there are steps.
    """

    source: Source
    spec: BlockSpec
    ledger: Ledger = field(default_factory=Ledger)
    original: Source | None = field(default=None, repr=False)
    _seen: list[Seen] | None = field(default=None, repr=False)
    _used: UsedRows | None = field(default=None, repr=False)
    solving: int = 8
    _given: dict[str, Any] = field(default_factory=dict, repr=False)
    _counts: list[int] | None = field(default=None, repr=False)  # rows of each partition

    @property
    def passes(self) -> list[PassRecord]:
        """The passes so far, in order."""
        return self.ledger.passes

    @property
    def given(self) -> Mapping[str, Any]:
        """What was put beside the rows, by name: dask arrays with a chunk for each partition."""
        return self._given

    @property
    def whole_source(self) -> Source:
        """The data with all its columns."""
        return self.source if self.original is None else self.original

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
        check_memory(self.spec, self.solving, self.source.rows, reductions)
        *states, fingerprint = run_pass(
            name,
            self.source,
            self.spec,
            (*reductions, Fingerprint(bool(self.spec.encoded))),
            self.ledger,
            compared=self._seen is not None,
            beside=self._given,
        )
        self._check_unchanged(name, fingerprint.of(len(self.source.partitions)))
        notes = (one.note(state) for one, state in zip(reductions, states, strict=True))
        self.ledger.note("; ".join(note for note in notes if note))
        return tuple(states)

    def beside(self, **given: Any) -> StreamedRows:
        """The same rows, with more beside each: `Extras.beside` of the blocks has it by name.

        Parameters
        ----------
        **given : array_like or dask Array, (n,) or (n, q)
            Values, in the order of the rows that the design keeps.

        Raises
        ------
        DesignError
            There are not as many values as rows.
        """
        counts = [kept for _, kept, _ in self.seen]
        more = {name: aligned(values, counts, name) for name, values in given.items()}
        return replace(self, _given={**self._given, **more})

    def require_order(self, what: str) -> None:
        """Refuse what depends on the order of rows, where that means nothing.

        Raises
        ------
        RowOrderError
            It says why.
        """
        why = self.whole_source.unordered
        if why is not None:
            raise RowOrderError(f"{what} needs rows in order: {why}")

    def sample(self, rows: int) -> MemoryRows:
        """About so many rows, spread evenly over the partitions; a record, no whole pass."""
        return sample_rows(self.source, self.spec, rows, self.ledger)

    def _check_unchanged(self, name: str, now: list[Seen]) -> None:
        if self._seen is None:
            self._seen = now
            return
        for partition, was, is_ in zip(self.source.partitions, self._seen, now, strict=True):
            check_unchanged(partition.label, f"the pass {name!r}", was, is_)

    def __deepcopy__(self, memo: dict[int, Any]) -> StreamedRows:
        return replace(self, ledger=self.ledger.copy())

    def forget(self) -> None:
        """Let go of the rows."""
        self.source, self.original = ForgottenSource(self.source), None
        self._used = None

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_used": None}  # as long as the data
        if self.original is not None and self.original.is_recipe:
            state.update(source=self.original, original=None)
        elif not self.source.is_recipe:
            state["source"] = ForgottenSource(self.source)
            state["original"] = state["_seen"] = None
            state["ledger"] = Ledger(self.passes)
        return state

    @property
    def seen(self) -> list[Seen]:
        """Of each partition: rows read, rows kept, and a checksum of those."""
        if self._seen is None:
            self.fold("count")
        assert self._seen is not None
        return self._seen

    @property
    def kept(self) -> int:
        """The number of rows that are left after dropping."""
        return sum(rows for _, rows, _ in self.seen)

    @property
    def used(self) -> UsedRows:
        """Which rows these are; a pass, unless rows have been read before."""
        if self._used is None:
            self.read("row labels", _nothing, 0)
        assert self._used is not None
        return self._used

    def read(
        self, name: str, function: Callable[[Any], FloatArray], width: int | None = None
    ) -> FloatArray:
        """What a function gives for every row, in memory: one pass.

        Parameters
        ----------
        name : str
            What is read, shown in `passes`.
        function : callable
            Block of b rows to an array (b,) or (b, width); picklable.
        width : int, optional
            The number of columns, None for one-dimensional answers.

        Returns
        -------
        ndarray, (n,) or (n, width)
            In the order of the source.

        Raises
        ------
        MemoryLimitError
            It would not fit; raised before the first read.
        SourceChangedError
            This pass did not see the rows that an earlier one saw.
        """
        collect = self._collect(function, width)
        numbers = 0 if self.source.rows == self.kept else 2  # beside the values
        columns = 1 if width is None else width
        check_room(name, 8 * self.kept * (_ANSWER_COPIES * columns + numbers))
        pieces, kept = gather_rows(name, self.source, collect, self.seen, self.ledger, self._given)
        whole = _joined(pieces, (self.kept, *collect.tail))
        if self._used is None:
            self._used = used_rows(kept)
        return whole

    def lazy(self, function: Callable[[Any], FloatArray], width: int | None = None) -> RowArray:
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
        collect = self._collect(function, width)
        graph, tail = TaskGraph(), collect.tail
        call = graph.calls_of(collect)
        keys = calls_on(self.source, call, collect, self.seen, self.ledger, self._given)
        pieces = [
            da.from_delayed(value, (seen[1], *tail), dtype=np.float64)
            for value, seen in zip(graph.values(keys), self.seen, strict=True)
        ]
        whole = da.concatenate(pieces) if pieces else da.zeros((0, *tail))
        found = RowArray(  # type: ignore[no-untyped-call]
            whole.dask, whole.name, whole.chunks, dtype=whole.dtype
        )
        found.origin = (self, function)
        return found

    def read_small(
        self, name: str, function: Callable[[Any], FloatArray], width: int | None = None
    ) -> AllRows | None:
        """What a function gives for all rows, those left out as well: one pass.

        Parameters
        ----------
        name, function, width
            As for `read`.

        Returns
        -------
        AllRows or None
            None where it is larger than ``array_limit``: `lazy_all` has it then. Of a source
            that does not tell its number of rows that takes a pass to find out.

        Raises
        ------
        EmptyDataError, UnseenLevelError
            There are no rows; a level was not learned.
        """
        most, rows = options.array_limit // (8 * (width or 1)), _told(self.source) or self._counts
        if rows is not None and sum(rows) > most:
            return None
        columns = 1 if width is None else width
        check_room(name, 8 * sum(rows or ()) * (_ANSWER_COPIES * columns + 1))
        arguments = (name, self.source, self.spec, function, width, self.ledger, self._given)
        found = gather_all(*arguments, most if rows is None else None)
        if isinstance(found, AllRows):
            return found
        self._counts = found
        if sum(found) > most:
            return None
        again = gather_all(*arguments, None)  # one partition has most of the rows
        assert isinstance(again, AllRows)
        return again

    def lazy_all(self, function: Callable[[Any], FloatArray], width: int | None = None) -> RowArray:
        """What a function gives for all rows, those left out as well, as a lazy answer.

        Parameters
        ----------
        function, width
            As for `lazy`.
        """
        rows = _told(self.source) or self._counts
        counts = [read for read, _, _ in self.seen] if rows is None else rows
        return lazy_all(self.source, self.spec, function, width, counts, self.ledger, self._given)

    def _collect(self, function: Callable[[Any], FloatArray], width: int | None) -> Collect:
        tail = () if width is None else (width,)
        sizes = sizes_for(self.spec, dense=writes_out(function))
        return Collect(self.spec, function, sizes, tail, self.ledger.token, tuple(self._given))


def _joined(pieces: list[FloatArray], shape: tuple[int, ...]) -> FloatArray:
    """The answer for all rows; the list is emptied, so that a piece goes once it is copied."""
    if len(pieces) == 1:
        return pieces.pop()
    whole = np.empty(shape, order="F")  # as statsmodels' own designs
    stop = len(whole)
    while pieces:
        piece = pieces.pop()
        whole[stop - len(piece) : stop] = piece
        stop -= len(piece)
    return whole


def _told(source: Source) -> list[int] | None:
    """The rows of each partition, where a source tells them."""
    told = [partition.rows for partition in source.partitions]
    known = [rows for rows in told if rows is not None]
    return known if len(known) == len(told) else None


def _nothing(block: Any) -> FloatArray:
    """No column of a block, (b, 0)."""
    return np.empty((len(block.endog), 0))


_PARTITIONS = 16  # over which the sample is spread
_STRIDE = 4  # at most so many rows are read for one that is taken


def sample_rows(source: Source, spec: BlockSpec, rows: int, ledger: Ledger) -> MemoryRows:
    """About so many rows, spread evenly over the partitions.

    Of each of up to 16 partitions, evenly spaced, the first rows are read, up to four
    times as many as are taken, and taken at even strides. Partitions with fewer rows than
    their share are taken whole: many small ones give fewer rows than wanted.

    Parameters
    ----------
    source : Source
        The data.
    spec : BlockSpec
        The design.
    rows : int
        How many rows are wanted.
    ledger : Ledger
        Gets one more record, with the rows that were read.

    Returns
    -------
    MemoryRows
        Their blocks have memory of their own; none is empty.

    Raises
    ------
    SourceChangedError
        A partition that was read to its end had another number of rows before.
    """
    began = time.perf_counter()
    count = len(source.partitions)
    chosen = sorted({int(i) for i in np.linspace(0, count - 1, min(count, _PARTITIONS))})
    share = -(-rows // max(len(chosen), 1))
    sizes = sizes_for(spec)
    tasks = [
        delayed(_read)(bound(source.partitions[i], spec.columns), spec, i, share, sizes)
        for i in chosen
    ]
    pieces = list(compute(*tasks))
    read = sum(piece.rows for piece in pieces)
    ended = {i: Read(piece.rows) for i, piece in zip(chosen, pieces, strict=True) if piece.ended}
    ledger.check("the pilot", source, ended)
    ledger.record("pilot", began, read, None, len(chosen))
    blocks = [block for piece in pieces for block in piece.blocks if len(block.endog)]
    return MemoryRows(lambda: blocks, sum(len(block.endog) for block in blocks))


class _Piece(NamedTuple):
    """Rows read of a partition, whether these are all, and blocks of those that were taken."""

    rows: int
    ended: bool
    blocks: list[Any]


def _read(partition: Any, spec: BlockSpec, index: int, share: int, sizes: Sizes) -> _Piece:
    reader = released(partition)
    rows = reader.rows
    stride = _STRIDE if rows is None else max(1, min(_STRIDE, rows // max(share, 1)))
    blocks: list[Any] = []
    read = taken = 0
    for start, frame in _frames(reader, spec, min(stride * sizes.block_rows, sizes.frame_rows)):
        kept = frame.iloc[::stride][: share - taken].copy()  # the rest of the frame may go
        blocks += spec.blocks(kept, index, reader.label, start, max(len(kept), 1))
        read += len(frame)
        taken += len(kept)
        if taken >= share:
            return _Piece(read, False, blocks)
    return _Piece(read, True, blocks)


def _frames(reader: Any, spec: BlockSpec, max_rows: int) -> Iterator[tuple[int, Any]]:
    start = 0
    for frame in reader.frames(spec.columns, max_rows, spec.encoded):
        yield start, frame
        start += len(frame)
