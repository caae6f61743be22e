"""Which columns have values between their extremes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Additive


@dataclass(frozen=True)
class Between(Additive[NDArray[np.bool_]]):
    """Whether a column has values other than its smallest and its largest, (k,)."""

    low: FloatArray
    high: FloatArray

    def init(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.low), dtype=np.bool_)

    def update(self, state: NDArray[np.bool_], block: Block) -> NDArray[np.bool_]:
        design = block.dense()
        state |= ((design != self.low) & (design != self.high)).any(axis=0)
        return state
