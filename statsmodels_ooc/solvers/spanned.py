"""A design whose parameters are confined to a span."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.reductions.triangle import triangularize
from statsmodels_ooc.solvers.dependence import above_noise, lengths
from statsmodels_ooc.solvers.least_squares import LinearFit

__all__ = ["Spanned", "spanned"]


@dataclass(frozen=True)
class Spanned:
    """What the design determines of parameters ``T z``, for a span T of q columns.

    Attributes
    ----------
    root : ndarray, (k, rank)
        A root of the normalised covariance of the parameters, the shortest ones where
        several have the same fitted values.
    null : ndarray, (k, q - rank)
        Orthonormal directions in the span that no fitted value depends on.
    """

    root: FloatArray
    null: FloatArray

    @property
    def rank(self) -> int:
        """How many directions of the span the design determines."""
        return int(self.root.shape[1])

    def shortest(self, params: FloatArray) -> FloatArray:
        """Of the parameters with these fitted values those of minimum norm, (k,)."""
        return params - self.null @ (self.null.T @ params)


def spanned(fit: LinearFit, span: FloatArray) -> Spanned:
    """What a design determines of parameters in a span; its rank is that at one length.

    Parameters
    ----------
    fit : LinearFit
        Of k columns.
    span : ndarray, (k, q)
        Independent columns.
    """
    factor = triangularize(fit.r_exog @ span)
    sizes = lengths(factor)
    _, values, vt = np.linalg.svd(factor / sizes)
    rank = above_noise(values, fit.rows)
    turned = span @ (vt.T / sizes[:, None])
    null, _ = np.linalg.qr(turned[:, rank:])
    root = turned[:, :rank] / values[:rank]
    return Spanned(root - null @ (null.T @ root), null)
