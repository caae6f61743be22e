"""Some rows of every part of the data, to start from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from statsmodels_ooc.engine.ledger import Ledger, Read
from statsmodels_ooc.engine.passes import compute
from statsmodels_ooc.engine.rereading import Rereading
from statsmodels_ooc.engine.rows import MemoryRows
from statsmodels_ooc.engine.sizes import BlockSpec, Sizes, reading, sizes_for
from statsmodels_ooc.engine.tasks import TaskGraph, bound, released
from statsmodels_ooc.sources.base import Source

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
    graph = TaskGraph()
    call = graph.calls_of(_Sample(spec, share, sizes_for(spec)))
    keys = [call(bound(source.partitions[i], spec.columns), i) for i in chosen]
    pieces = list(compute(*graph.values(keys)))
    rows_read, repeats = (sum(getattr(p.read, of) for p in pieces) for of in ("rows", "repeats"))
    pairs = zip(chosen, pieces, strict=True)
    ended = {i: Read(piece.read.rows) for i, piece in pairs if piece.ended}
    ledger.check("the pilot", source, ended)
    ledger.record("pilot", began, rows_read, None, len(chosen), repeats=repeats)
    blocks = [block for piece in pieces for block in piece.blocks if len(block.endog)]
    return MemoryRows(lambda: blocks, sum(len(block.endog) for block in blocks))


class _Piece(NamedTuple):
    """What was read of a partition, whether it is all, and blocks of the rows that were taken."""

    read: Read
    ended: bool
    blocks: list[Any]


@dataclass(frozen=True)
class _Sample:
    """The task of a sample: a share of the rows of a partition, as blocks."""

    spec: BlockSpec
    share: int
    sizes: Sizes

    def __call__(self, partition: Any, index: int) -> _Piece:
        reader = released(partition)
        with reading(reader, self.spec, self.sizes):
            return self._first_rows(reader, index)

    def _first_rows(self, reader: Any, index: int) -> _Piece:
        rows, spec, share = reader.rows, self.spec, self.share
        stride = _STRIDE if rows is None else max(1, min(_STRIDE, rows // max(share, 1)))
        most = min(stride * self.sizes.block_rows, self.sizes.frame_rows)
        blocks: list[Any] = []
        read, start, taken = Read(), 0, 0
        open_ = partial(reader.frames, spec.columns, most, spec.encoded)
        with Rereading(read, reader.label, open_, spec.encoded) as frames:
            for frame in frames:
                kept = frame.iloc[::stride][: share - taken].copy()  # the rest of it may go
                blocks += spec.blocks(kept, index, reader.label, start, max(len(kept), 1))
                start += len(frame)
                taken += len(kept)
                if taken >= share:
                    return _Piece(read, False, blocks)
        return _Piece(read, True, blocks)
