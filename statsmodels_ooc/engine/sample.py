"""Blocks of a sample of the rows, kept in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from dask.delayed import delayed

from statsmodels_ooc.engine.makers import BlockMaker
from statsmodels_ooc.engine.passes import PassRecord, compute
from statsmodels_ooc.engine.sizes import Sizes, sizes_for
from statsmodels_ooc.engine.tasks import bound, released
from statsmodels_ooc.sources.base import Source

__all__ = ["sample_blocks"]

_PARTITIONS = 16  # over which the sample is spread
_STRIDE = 4  # at most so many rows are read for one that is taken


def sample_blocks(
    source: Source, spec: BlockMaker, rows: int, passes: list[PassRecord]
) -> list[Any]:
    """About so many rows, spread evenly over the partitions, as blocks.

    Of each of up to 16 partitions, evenly spaced, the first rows are read, up to four
    times as many as are taken, and taken at even strides. Partitions with fewer rows than
    their share are taken whole: many small ones give fewer rows than wanted.

    Parameters
    ----------
    source : Source
        The data.
    spec : BlockMaker
        The design.
    rows : int
        How many rows are wanted.
    passes : list of PassRecord
        Gets one more record, with the rows that were read.

    Returns
    -------
    list of Block
        Each with memory of its own.
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
    read = sum(piece[0] for piece in pieces)
    seconds = time.perf_counter() - began
    passes.append(PassRecord("pilot", read, seconds, None, len(chosen)))
    return [block for _, blocks in pieces for block in blocks]


def _read(
    partition: Any, spec: BlockMaker, index: int, share: int, sizes: Sizes
) -> tuple[int, list[Any]]:
    """Rows read, and the blocks of those that were taken."""
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
            break
    return read, blocks


def _frames(reader: Any, spec: BlockMaker, max_rows: int) -> Iterator[tuple[int, Any]]:
    start = 0
    for frame in reader.frames(spec.columns, max_rows, spec.encoded):
        yield start, frame
        start += len(frame)
