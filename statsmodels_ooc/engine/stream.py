"""A source seen through a design: every pass over the rows goes through here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed

from statsmodels_ooc.engine.makers import BlockMaker
from statsmodels_ooc.engine.passes import PassRecord, run_pass
from statsmodels_ooc.engine.rowarray import RowArray
from statsmodels_ooc.engine.sizes import check_memory, sizes_for
from statsmodels_ooc.engine.tasks import Collect, Seen, bound, check_unchanged
from statsmodels_ooc.reductions.audit import Fingerprint
from statsmodels_ooc.reductions.base import FloatArray, Reduction
from statsmodels_ooc.sources.base import ForgottenSource, Source

__all__ = ["Stream"]


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
    solving : int
        Matrices, (k, k), that are held beside the states when they are solved: a factor, its
        inverse, the covariance of a linear fit; more where there are steps.
    """

    source: Source
    spec: BlockMaker
    passes: list[PassRecord] = field(default_factory=list)
    _seen: list[Seen] | None = field(default=None, repr=False)
    solving: int = 8

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
        check_memory(self.spec, self.solving, self.source.rows)
        *states, fingerprint = run_pass(
            name, self.source, self.spec, (*reductions, Fingerprint()), self.passes
        )
        self._check_unchanged(name, fingerprint.of(len(self.source.partitions)))
        return tuple(states)

    def _check_unchanged(self, name: str, now: list[Seen]) -> None:
        if self._seen is None:
            self._seen = now
            return
        for partition, was, is_ in zip(self.source.partitions, self._seen, now, strict=True):
            check_unchanged(partition.label, f"the pass {name!r}", was, is_)

    def __deepcopy__(self, memo: dict[int, Any]) -> Stream:
        return Stream(self.source, self.spec, list(self.passes), self._seen, self.solving)

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
    def seen(self) -> list[Seen]:
        """Of each partition: rows read, rows kept, and a checksum of those."""
        if self._seen is None:
            self.fold("count")
        assert self._seen is not None
        return self._seen

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
        collect = Collect(self.spec, function, sizes_for(self.spec), tail)
        pieces = [
            da.from_delayed(
                delayed(collect)(bound(partition, self.spec.columns), i, seen),
                (seen[1], *tail),
                dtype=np.float64,
            )
            for i, (partition, seen) in enumerate(
                zip(self.source.partitions, self.seen, strict=True)
            )
        ]
        whole = da.concatenate(pieces) if pieces else da.zeros((0, *tail))
        return RowArray(  # type: ignore[no-untyped-call]
            whole.dask, whole.name, whole.chunks, dtype=whole.dtype
        )
