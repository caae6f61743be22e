"""Parameters that satisfy linear constraints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.solvers.least_squares import LinearFit
from statsmodels_ooc.solvers.submodels import Spanned, spanned


@dataclass(frozen=True)
class Solutions:
    """All solutions of m constraints, as parameters of columns of one length.

    Attributes
    ----------
    span : ndarray, (k, k - m)
        What the differences of solutions are combinations of; orthonormal once its rows
        are multiplied by the lengths.
    shift : ndarray, (k,)
        One solution, the shortest in those units.
    lengths : ndarray, (k,)
        Of the columns.
    """

    span: FloatArray
    shift: FloatArray
    lengths: FloatArray

    def nearest(self, params: FloatArray) -> FloatArray:
        """The nearest parameters that satisfy the constraints, by fitted values."""
        orthonormal = self.span * self.lengths[:, None]
        nearest: FloatArray = self.shift + self.span @ (orthonormal.T @ (self.lengths * params))
        return nearest


def solutions(coefs: FloatArray, constants: FloatArray, lengths: FloatArray) -> Solutions:
    """The solutions of ``coefs @ params == constants``.

    Parameters
    ----------
    coefs, constants : ndarray, (m, k) and (m,)
        The constraints.
    lengths : ndarray, (k,)
        Of the columns that the parameters belong to.

    Raises
    ------
    DesignError
        They contradict one another, one follows from others, or nothing is left to estimate.
    """
    rows, k = coefs.shape
    coefs = coefs / lengths
    norms = np.linalg.norm(coefs, axis=1)
    norms = np.where(norms > 0, norms, 1.0)
    coefs, constants = coefs / norms[:, None], constants / norms
    u, values, vt = np.linalg.svd(coefs)
    counted = values > values.max(initial=0.0) * max(rows, k) * np.finfo(np.float64).eps
    if counted.sum() < rows:
        raise DesignError(
            f"possibly inconsistent constraints: only {counted.sum()} of {rows} are independent",
            hint="leave out those that follow from the others or contradict them",
        )
    if rows == k:
        raise DesignError(f"{rows} constraints leave none of {k} parameters to estimate")
    shift: FloatArray = vt[:rows].T @ ((u.T @ constants) / values)
    return Solutions(vt[rows:].T / lengths[:, None], shift / lengths, lengths)


def restricted(fit: LinearFit, feasible: Solutions) -> tuple[FloatArray, Spanned]:
    """Least squares among the solutions of constraints.

    Parameters
    ----------
    fit : LinearFit
        Without them.
    feasible : Solutions
        For columns of k.

    Returns
    -------
    params : ndarray, (k,)
        The shortest where several have the same fitted values.
    determined : Spanned
        What the rows tell of the span of the solutions; ``root @ root.T`` is the covariance
        of the parameters at scale one.

    Notes
    -----
    From R of the design, for solutions ``b = b_0 + Z z``: the columns of ``R root``, a root of
    ``Z (Z'R'RZ)^+ Z'``, are orthonormal, and b is b_0 plus the root times the projection of
    ``R (b_fit - b_0)`` on them. It is the familiar
    ``b_fit - (X'X)^-1 C' (C (X'X)^-1 C')^-1 (C b_fit - q)``, without an inverse of X'X.

    References
    ----------
    Lawson, Hanson (1995). Solving Least Squares Problems. SIAM, chapter 20.
    Greene (2018). Econometric Analysis, 8th ed., section 5.5.
    """
    determined = spanned(fit, feasible.span)
    basis = fit.r_exog @ determined.root
    params = feasible.nearest(fit.params)
    for _ in range(2):  # the second time for what the first has rounded
        gap = basis.T @ (fit.r_exog @ (fit.params - params))
        params = params + determined.root @ gap
    return determined.shortest(params), determined
