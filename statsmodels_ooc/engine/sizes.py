"""Sizes of frames and blocks, and what fits into memory."""

from __future__ import annotations

from dataclasses import dataclass

import dask.config
import numpy as np
from dask.system import CPU_COUNT

from statsmodels_ooc.engine.makers import BlockMaker
from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.options import options

__all__ = ["Sizes", "check_memory", "sizes_for", "states_alive"]

_FRAME_ROWS = 65_536
_FRAME_BYTES = 2**26  # so that frames follow from the columns, whatever the machine has
_FRAMES = 32  # that memory must hold, workers times what reading one takes
_BLOCK_BYTES = 2**22  # of a design block: it stays in the cache


@dataclass(frozen=True)
class Sizes:
    """Rows of a frame and of a block."""

    frame_rows: int
    block_rows: int


def sizes_for(spec: BlockMaker) -> Sizes:
    """Sizes that follow from the design and the settings, never from the workers."""
    width = max(spec.width + 2, len(spec.columns), 1)
    fitting = _BLOCK_BYTES // (8 * width)
    most = spec.block_rows
    block = options.block_rows or int(np.clip(fitting, min(4 * width, most), most))
    row_bytes = 8 * max(len(spec.columns), 1)
    share = min(_FRAME_BYTES, options.memory_limit // _FRAMES) // row_bytes
    frame = options.frame_rows or int(np.clip(share, 1_024, _FRAME_ROWS))
    return Sizes(frame, block)


def states_alive() -> int:
    """How many states of a reduction may be in memory at once: of the workers, and merged ones."""
    workers: int = dask.config.get("num_workers", None) or CPU_COUNT
    return workers + 6


def check_memory(spec: BlockMaker) -> None:
    """Refuse a design whose sums of squares and products cannot fit."""
    need = 8 * (spec.k + 2) ** 2 * states_alive()
    if need > options.memory_limit:
        raise MemoryLimitError(
            f"{spec.k:,} columns{spec.widest} need about {need:,} bytes for their cross products, "
            f"more than memory_limit = {options.memory_limit:,}",
            hint="text, dates and C(...) are factors with a column for each level: is one of them "
            "meant to be a number? smo.options.memory_limit = '8 GiB' raises the limit",
        )
