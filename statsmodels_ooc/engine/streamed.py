"""A source seen through a design: every pass over the rows goes through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.beside import aligned
from statsmodels_ooc.engine.ledger import Ledger, Passes
from statsmodels_ooc.engine.passes import calls_on, gather_rows, run_pass
from statsmodels_ooc.engine.plan import check_memory, check_room, planned
from statsmodels_ooc.engine.rowarray import IntArray, RowArray, UsedRows, few_labels, used_rows
from statsmodels_ooc.engine.rows import MemoryRows
from statsmodels_ooc.engine.sampling import sample_rows
from statsmodels_ooc.engine.sizes import (
    ANSWER_COPIES,
    BlockSpec,
    sizes_for,
    writes_out,
)
from statsmodels_ooc.engine.tasks import Collect, Seen, TaskGraph, check_unchanged
from statsmodels_ooc.errors import RowOrderError
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.facts import Fingerprint
from statsmodels_ooc.reductions.least_squares import Triangle
from statsmodels_ooc.sources.base import ForgottenSource, Source
from statsmodels_ooc.sources.sealing import Sealed
from statsmodels_ooc.sources.subset import ChosenPartition


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
    found : list of Seen or None
        What the first pass has seen of each partition, where there was one.
    counted : list of int or None
        Rows of each partition, where a pass has counted what the source does not tell.
    solving : int
        Matrices, (k, k), that are held beside the states when they are solved: a factor, its
        inverse, the covariance of a linear fit; more where there are steps.
    """

    source: Source
    spec: BlockSpec
    ledger: Ledger = field(default_factory=Ledger)
    original: Source | None = field(default=None, repr=False)
    found: list[Seen] | None = field(default=None, repr=False)
    _used: UsedRows | None = field(default=None, repr=False)
    solving: int = 8
    _given: dict[str, Any] = field(default_factory=dict, repr=False)
    counted: list[int] | None = field(default=None, repr=False)

    @property
    def passes(self) -> Passes:
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
        *states, fingerprint = run_pass(
            name,
            self.source,
            self.spec,
            (*reductions, Fingerprint(bool(self.spec.encoded))),
            self.ledger,
            solving=self.solving,
            compared=self.found is not None,
            beside=self._given,
        )
        self._check_unchanged(name, fingerprint.of(len(self.source.partitions)))
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
        more = {
            name: aligned(values, counts, name.partition("#")[0]) for name, values in given.items()
        }
        return replace(self, _given={**self._given, **more})

    def numbered(self, name: str) -> StreamedRows:
        """The same rows, with their number among those that the design keeps beside each."""
        counts = tuple(kept for _, kept, _ in self.seen)
        return self.beside(**{name: da.arange(sum(counts), chunks=(counts,), dtype=np.float64)})

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
        """About so many rows, spread evenly over the partitions; a record, no whole pass.

        Raises
        ------
        MemoryLimitError
            There is no room for a pass over all of them, which comes next.
        """
        next_ = planned(self.spec, self.solving, self.source, (Triangle(self.spec.k),))
        check_memory(next_, self.spec, self.source)
        return sample_rows(self.source, self.spec, rows, self.ledger)

    def _check_unchanged(self, name: str, now: list[Seen]) -> None:
        if self.found is None:
            self.found = now
            return
        for partition, was, is_ in zip(self.source.partitions, self.found, now, strict=True):
            check_unchanged(partition.label, f"the pass {name!r}", was, is_)

    def __deepcopy__(self, memo: dict[int, Any]) -> StreamedRows:
        return replace(self, ledger=self.ledger.copy())

    def forget(self) -> None:
        """Let go of the rows."""
        self.source, self.original = ForgottenSource(self.whole_source), None
        self._used = None

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_used": None}  # as long as the data
        if self.original is not None and self.original.is_recipe:
            state.update(source=self.original, original=None)
        elif not self.source.is_recipe:
            state["source"] = ForgottenSource(self.whole_source)
            state["original"] = state["found"] = None
            state["ledger"] = Ledger(self.passes)
        if not isinstance(state["source"], ForgottenSource):
            state["source"] = Sealed(state["source"])
        return state

    @property
    def seen(self) -> list[Seen]:
        """Of each partition: rows read, rows kept, and a checksum of those."""
        if self.found is None:
            self.fold("count")
        assert self.found is not None
        return self.found

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

    def place_of(self, position: int) -> tuple[int, int]:
        """The partition of one of the rows that are left, and its number among those read of it."""
        partition, left = 0, position
        for _, kept, _ in self.seen:
            if left < kept:
                break
            partition, left = partition + 1, left - kept
        numbers = self.used.kept[partition][1]
        return partition, left if numbers is None else int(numbers[left])

    def labels_of(self, partitions: IntArray, rows: IntArray) -> pd.Index[Any]:
        """The labels of a few rows, (c,).

        Parameters
        ----------
        partitions, rows : ndarray of int, (c,)
            Numbers of partitions, and of rows among those read of them.

        Returns
        -------
        Index, (c,)
            The source's own, or the numbers of the rows in the source. Where a subset chose
            the rows, or dask has their labels, these take a pass unless `used` is known; above
            ``array_limit`` the rows are numbered among those that were read.
        """
        source, counts = self.source.partitions, [read for read, _, _ in self.seen]
        hidden = isinstance(source[0], ChosenPartition) or source[0].bind() is not None
        if self._used is not None or (hidden and 8 * self.kept <= options.array_limit):
            return self.used.labels_of(partitions, rows)
        own = {} if hidden else {p: source[p].labels for p in set(partitions.tolist())}
        return few_labels(counts, own, partitions, rows)

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
        check_room(name, 8 * self.kept * (ANSWER_COPIES * columns + numbers))
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


def _nothing(block: Any) -> FloatArray:
    """No column of a block, (b, 0)."""
    return np.empty((len(block.endog), 0))


def without_rows(rows: StreamedRows) -> StreamedRows:
    """What is known of rows, without them."""
    bare = replace(rows, _given={})
    bare.forget()
    return bare
