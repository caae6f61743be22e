"""Scores of the rows of a block, in one pass over data that stays outside memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.blocks.weights import prior_weights
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.selection.criteria import Criterion, scores
from statsmodels_ooc.selection.information import information, row_predictor

__all__ = ["Informative", "Psi", "Uniform"]

_WEIGHTS = ("weights", "freq_weights", "var_weights", "trials")


@dataclass(frozen=True)
class Psi:
    """The information of the rows of a block.

    Parameters
    ----------
    kernel : Kernel or None
        The family and its link; None where every row has the same information.
    beta : ndarray, (k,), or None
        The parameters at which it is computed.
    """

    kernel: Kernel | None = None
    beta: FloatArray | None = None

    def __call__(self, block: Block) -> FloatArray | None:
        """Information times weights, (b,); None where it is one in all rows.

        NaN in rows that have an impossible mean, or infinite information.
        """
        weights = prior_weights(block, _WEIGHTS)
        if self.kernel is None or self.beta is None:
            return weights
        psi = information(self.kernel, row_predictor(block, self.beta))
        if weights is not None:
            psi *= weights
            psi[np.isinf(psi)] = np.nan
        return psi


@dataclass(frozen=True)
class Informative:
    """Scores of D- and T-optimality.

    Parameters
    ----------
    criterion : {"D", "T"}
        Which of them.
    columns : tuple of int
        The columns of the design that take part, p of them.
    psi : Psi
        The information of the rows.
    mean, scale : ndarray, (p,), or None
        See `scores`.
    """

    criterion: Criterion
    columns: tuple[int, ...]
    psi: Psi
    mean: FloatArray | None = None
    scale: FloatArray | None = None

    def __call__(self, block: Block) -> tuple[Iterator[FloatArray], NDArray[np.bool_] | None]:
        psi, design = self.psi(block), block.dense()
        columns = [design[:, j] for j in self.columns]
        outside = None if psi is None else np.isnan(psi)
        if outside is not None and not outside.any():
            outside = None
        return scores(self.criterion, columns, psi, self.mean, self.scale), outside


@dataclass(frozen=True)
class Uniform:
    """No row scores more than another: ties decide."""

    def __call__(self, block: Block) -> tuple[Iterator[FloatArray], NDArray[np.bool_] | None]:
        return iter((np.zeros(len(block.endog)),)), None
