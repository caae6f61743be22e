"""What a design of short rank determines of a hypothesis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.solvers.dependence import lengths, null_space
from statsmodels_ooc.solvers.least_squares import LinearFit

_EPS = float(np.finfo(np.float64).eps)
_ROUNDED = 1e-13  # sine of an angle that is zero, at least
_CONTRADICTION = 1e-9  # of the hypothesis' values; what rounding may leave of equal ones


@dataclass(frozen=True)
class Estimable:
    """The part of the hypothesis ``L b = q`` that the rows of a design determine."""

    matrix: FloatArray  # combinations of rows of L, and of the design, independent, (d, k)
    values: FloatArray  # the same combinations of q, (d,)
    asked: int  # how many independent rows L has
    consistent: bool  # whether rows of L that say the same want the same values

    @property
    def df(self) -> int:
        """How many independent combinations are determined."""
        return len(self.matrix)


def estimable_part(
    fit: LinearFit, hypothesis: FloatArray, values: FloatArray | None = None
) -> Estimable:
    """The estimable part of a hypothesis.

    Parameters
    ----------
    fit : LinearFit
        Of k columns, the rank short or not.
    hypothesis : ndarray, (j, k)
        ``L``.
    values : ndarray, (j,), optional
        ``q``, zeros by default.

    Notes
    -----
    ``l'b`` is estimable where l is a combination of rows of the design. What of L is, is
    the intersection of two spaces of rows: the combinations of an orthonormal basis of
    those of L whose distance from the rows of the design is zero. Coefficients are
    measured so that all columns have one length.

    References
    ----------
    Searle (1971). Linear Models, sections 5.4 and 5.5.
    """
    sizes, null, tolerance = _undetermined(fit)
    q = np.zeros(len(hypothesis)) if values is None else values
    scaled = hypothesis / sizes
    norms = np.linalg.norm(scaled, axis=1)
    norms = np.where(norms > 0, norms, 1.0)
    scaled, q = scaled / norms[:, None], q / norms
    u, s, vt = np.linalg.svd(scaled)
    asked = int(np.count_nonzero(s > s.max(initial=0.0) * 8 * max(scaled.shape) * _EPS))
    same = u[:, asked:].T
    allowed = _CONTRADICTION * (np.abs(same) @ np.abs(q))
    own, wanted = vt[:asked], (u[:, :asked].T @ q) / s[:asked]
    turned, sines, _ = np.linalg.svd(own @ null @ null.T)
    known = turned[:, sines <= tolerance].T
    return Estimable(
        matrix=(known @ own) * sizes,
        values=known @ wanted,
        asked=asked,
        consistent=bool((np.abs(same @ q) <= allowed).all()),
    )


def estimable_rows(fit: LinearFit, hypothesis: FloatArray) -> NDArray[np.bool_]:
    """Which rows of a hypothesis (j, k) are estimable, (j,)."""
    sizes, null, tolerance = _undetermined(fit)
    scaled = hypothesis / sizes
    distance = np.linalg.norm(scaled @ null, axis=1)
    known: NDArray[np.bool_] = distance <= tolerance * np.linalg.norm(scaled, axis=1)
    return known


def _undetermined(fit: LinearFit) -> tuple[FloatArray, FloatArray, float]:
    """Lengths of the columns, (k,), what no row tells, and the sine that rounding leaves of zero.

    What no row tells is (k, k - rank), orthonormal, for columns of one length.
    """
    null, tolerance = null_space(fit.r_exog, fit.rows)
    return lengths(fit.r_exog), null, max(tolerance, _ROUNDED)


def uncorrelated_part(larger: FloatArray, smaller: FloatArray, cov: FloatArray) -> FloatArray:
    """Combinations of estimates that others do not correlate with.

    Parameters
    ----------
    larger : ndarray, (d, k)
        Independent combinations of the coefficients.
    smaller : ndarray, (c, k)
        Independent ones among those that `larger` spans.
    cov : ndarray, (k, k)
        Covariance of the coefficients.

    Returns
    -------
    ndarray, (d - c, k)
    """
    turned, _, _ = np.linalg.svd(larger @ cov @ smaller.T)
    rest: FloatArray = turned[:, len(smaller) :].T @ larger
    return rest
