"""Information matrices of all rows and of some."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.reductions.base import Additive
from statsmodels_ooc.selection.scorers import Psi


@dataclass(frozen=True)
class InformationSums(Additive[FloatArray]):
    """Fold the rows into ``X' diag(psi) X`` of q columns, for the information psi of the rows."""

    psi: Psi
    columns: tuple[int, ...]

    def init(self) -> FloatArray:
        return np.zeros((len(self.columns), len(self.columns)))

    def update(self, state: FloatArray, block: Block) -> FloatArray:
        psi = self.psi(block)
        weights = np.ones(len(block.endog)) if psi is None else np.nan_to_num(psi, nan=0.0)
        products = block.design.sandwich(weights)
        chosen = list(self.columns)
        return state + products[np.ix_(chosen, chosen)]

    def nbytes(self) -> int:
        return 8 * len(self.columns) ** 2


def log_det(information: FloatArray) -> float:
    """The logarithm of a determinant, NaN where the matrix is singular to working accuracy."""
    size = np.sqrt(information.diagonal())
    if not (np.isfinite(size).all() and (size > 0).all()):
        return float("nan")
    correlation = information / np.outer(size, size)
    if np.linalg.cond(correlation) > 1 / np.finfo(np.float64).eps:
        return float("nan")
    sign, value = np.linalg.slogdet(correlation)
    return float(value + 2 * np.log(size).sum()) if sign > 0 else float("nan")
