"""Weighted least squares from a triangular factor, and that factor from moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, solve_triangular

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.reductions.least_squares import MomentsState, triangularize
from statsmodels_ooc.solvers.dependence import (
    Dependence,
    lengths,
    noise,
    null_space,
    resolve,
    scaled_rank,
)


@dataclass(frozen=True)
class LinearFit:
    """What least squares found, for n rows and k columns.

    Everything here comes from R of ``sqrt(w) * [X | y]``, which stays in `r_exog`,
    `effects` and `rho`: those k + 1 rows are a data set with the same answers.

    Attributes
    ----------
    params : ndarray, (k,)
        The coefficients; of minimum norm where the rank is short.
    root : ndarray, (k, rank)
        A root of the normalised covariance, ``(X'WX)^+ == root @ root.T``.
    basic_root : ndarray, (k, rank)
        The same for parameters that are zero in the dependent columns: nothing cancels in
        their fitted values.
    r_exog : ndarray, (k, k)
        Upper triangular factor of the whitened design.
    effects : ndarray, (k,)
        ``Q'y`` for the same factorisation, the first k entries.
    rho : float
        The last entry of the same column. At full rank the norm of the part of y that
        no column reaches.
    ssr : float
        Sum of squared whitened residuals at `params`.
    singular_values : ndarray, (k,)
        Of the whitened design, descending.
    rows : int
        How many rows went into it.
    rank : int
        How many columns are independent.
    dependence : Dependence or None
        Which columns follow from which others; None at full rank.
    centre : ndarray, (k,)
        Means of the columns that lie farther from zero than they spread, zero for others.
    centered_tss, uncentered_tss : float
        Weighted total sums of squares.
    """

    params: FloatArray
    root: FloatArray
    basic_root: FloatArray
    r_exog: FloatArray
    effects: FloatArray
    rho: float
    ssr: float
    singular_values: FloatArray
    rows: int
    rank: int
    dependence: Dependence | None
    centre: FloatArray
    centered_tss: float
    uncentered_tss: float

    @property
    def normalized_cov_params(self) -> FloatArray:
        """``(X'WX)^+``, (k, k)."""
        return self.root @ self.root.T

    @property
    def column_rounding(self) -> FloatArray:
        """How far rounding may have moved the columns of R: each by its own length, (k,)."""
        moved: FloatArray = noise(self.rows, len(self.params)) * lengths(self.r_exog)
        return moved

    def ssr_at(self, params: FloatArray) -> float:
        """Sum of squared whitened residuals at any parameters, (k,)."""
        gap = self.r_exog @ (self.params - params)  # orthogonal to the residuals
        return float(gap @ gap) + self.ssr

    def gradient_at(self, params: FloatArray) -> FloatArray:
        """``X'W(y - X params)`` at any parameters, (k,)."""
        gradient: FloatArray = self.r_exog.T @ (self.r_exog @ (self.params - params))
        return gradient

    def shortest(self, params: FloatArray) -> FloatArray:
        """Of all parameters with the fitted values of these those of minimum norm, (k,)."""
        if self.dependence is None:
            return params
        return self.dependence.shortest(params)


def solve(r: FloatArray, rows: int) -> LinearFit:
    """Least squares from R of ``sqrt(w) * [1 | X | y]``.

    Parameters
    ----------
    r : ndarray, (k + 2, k + 2)
        Upper triangular.
    rows : int
        How many rows went into it.

    Returns
    -------
    LinearFit
        With the solution of minimum norm where the rank is short.

    Notes
    -----
    1. The rank is that of the columns brought to one length, so that no unit of
       measurement takes part in it: singular values above `noise` count.
    2. Where it is short, as many columns are left out as follow from the others.
    3. The triangular system of the others is solved, which is more accurate than a
       pseudoinverse. A constant column comes first: the others then stand in it with
       their deviations from the mean, and keep the digits of these.
    4. What the columns left out share of the solution makes it the shortest.
    5. The residuals are what the same system leaves of y.
    """
    k = r.shape[0] - 2
    rx = _positive(triangularize(r[:, 1:]))
    r_exog = rx[:k, :k]
    rank = scaled_rank(r_exog, rows)
    dependence, columns = None, np.arange(k)
    if rank < k:
        null, tolerance = null_space(r_exog, rows)
        sizes = lengths(r_exog)
        dependence = resolve(null, tolerance, sizes)
        columns = dependence.independent
    columns = _constant_first(r, columns)
    scaled, units = _scaled(r)
    system = _positive(triangularize(scaled[:, [*(columns + 1), k + 1]]))
    params = np.zeros(k)
    if rank:
        params[columns] = solve_triangular(system[:rank, :rank], system[:rank, rank])
    params /= units
    root = basic_root = _inverse(system[:rank, :rank], columns, units)
    if dependence is not None:
        params, root = dependence.shortest(params), dependence.shortest(root)
        clearest = _constant_first(r, resolve(null, tolerance, sizes, "clearest").independent)
        factor = triangularize(scaled[:, [*(clearest + 1), k + 1]])
        basic_root = _inverse(factor[:rank, :rank], clearest, units)
    centred = _ones_first(r, columns, rows)
    rest = system if centred is None else triangularize(r[:, [*centred, k + 1]])
    ssr = float(rest[rank, rank] ** 2)
    return LinearFit(
        params=params,
        root=root,
        basic_root=basic_root,
        r_exog=np.ascontiguousarray(r_exog),
        effects=np.ascontiguousarray(rx[:k, k]),
        rho=float(np.sqrt(ssr)) if rank == k else float(rx[k, k]),
        ssr=ssr,
        singular_values=np.linalg.svd(r_exog, compute_uv=False).astype(np.float64),
        rows=rows,
        rank=rank,
        dependence=dependence,
        centre=_centre(r),
        centered_tss=float(r[1:, -1] @ r[1:, -1]),
        uncentered_tss=float(rx[:, k] @ rx[:, k]),
    )


def _scaled(r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The factor with columns of lengths about one, so that none underflows, and the units.

    They are powers of two: not a bit changes.
    """
    units = np.ldexp(1.0, np.clip(np.frexp(lengths(r[:, 1:-1]))[1], -1000, 1000))
    scaled = r.copy(order="F")
    scaled[:, 1:-1] /= units
    return scaled, units


def _inverse(system: FloatArray, columns: NDArray[np.intp], units: FloatArray) -> FloatArray:
    """The inverse of a triangular factor in the rows of its columns, zero in others, (k, m)."""
    root = np.zeros((len(units), len(columns)))
    if len(columns):
        root[columns] = np.triu(lapack.dtrtri(system)[0])
    with np.errstate(over="ignore"):  # of weights that are next to nothing
        root /= units[:, None]
    return root


def _centre(r: FloatArray) -> FloatArray:
    """Means of the columns that lie farther from zero than they spread, (k,)."""
    far = np.abs(r[0, 1:-1]) > np.linalg.norm(r[1:, 1:-1], axis=0)
    centre: FloatArray = np.divide(r[0, 1:-1], r[0, 0], out=np.zeros(len(far)), where=far)
    return centre


def _positive(r: FloatArray) -> FloatArray:
    """The factor with a positive diagonal, which is unique at full rank."""
    return r * np.where(np.diag(r) < 0, -1.0, 1.0)[:, None]


def _constant_first(r: FloatArray, columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """The columns, a constant one moved to the front."""
    varies = r[1:, columns + 1].any(axis=0)
    return np.concatenate((columns[~varies], columns[varies]))


def _ones_first(r: FloatArray, columns: NDArray[np.intp], rows: int) -> list[int] | None:
    """Columns of R with the span of some of the design's, the column of ones before them.

    None where that column is not in the span, or is the first of them already.
    """
    m = len(columns)
    if m == 0 or not r[1:, columns[0] + 1].any():
        return None
    factor = triangularize(r[:, [*(columns + 1), 0]])
    ones = factor[:, m]
    if abs(ones[m]) > noise(rows, m) * np.linalg.norm(ones):
        return None
    basis = factor[:m, :m]
    shares = np.abs(solve_triangular(basis, ones[:m])) * lengths(basis)
    return [0, *np.delete(columns, shares.argmax()) + 1]


_EPS = float(np.finfo(np.float64).eps)


def factor_moments(state: MomentsState, *, centred: bool = True) -> FloatArray | None:
    """R of ``sqrt(w) * [1 | X | y]`` from moments, None where they cannot give it.

    Parameters
    ----------
    state : MomentsState
        Of ``[X | y]``.
    centred : bool
        Whether the factor is found from the centred moments, as a design with an
        intercept wants it. Those of a design without one can be singular, a full set
        of dummies, where the design itself is not.

    Returns
    -------
    ndarray, (k + 2, k + 2), or None
        Upper triangular; None where the moments, scaled to unit diagonal, are singular.
    """
    if not centred:
        return _factor_raw(state)
    p = len(state.mean) + 1
    r = np.zeros((p, p))
    r[0, 0] = np.sqrt(state.total)
    r[0, 1:] = r[0, 0] * state.mean
    factor = _cholesky(_centred(state))
    if factor is None:
        return None
    r[1:, 1:] = factor
    return r


def correct_digits(state: MomentsState, *, centred: bool = True) -> float:
    """How many digits a fit from these moments has, at the least; negative for none.

    Parameters
    ----------
    state : MomentsState
        Of ``[X | y]``.
    centred : bool
        As for `factor_moments`.

    Returns
    -------
    float
        Correct digits of the sum of squared residuals, of the standard errors, and of
        the coefficients, a coefficient below its standard error measured in that.

    Notes
    -----
    With p columns, the scaled cross products of ``[X | y]`` lose the square of the
    condition number times ``4 sqrt(p)``, their rounding. Where they are centred, large
    means cost, too: what a mean rounds off is measured in the column's spread, and in
    the residuals' for the response. Both factors are bounds on what random designs were
    measured to lose.
    """
    products = _centred(state) if centred else _raw(state)
    scaled, moving, norms = _at_unit_diagonal(products)
    if len(moving) == 0:
        return float(-np.log10(_EPS))
    eigenvalues = np.linalg.eigvalsh(scaled)
    if eigenvalues[0] <= 0:
        return -float(np.inf)
    loss = 4 * np.sqrt(len(moving)) * eigenvalues[-1] / eigenvalues[0]
    if centred:
        means = np.abs(state.mean[moving]) * np.sqrt(state.total) / norms[moving]
        if moving[-1] == len(norms) - 1:  # the share of y's spread that no column reaches
            means[-1] *= np.sqrt(np.abs(np.linalg.inv(scaled)[-1, -1]))
        loss += 8 * means.max()
    return float(-np.log10(_EPS * loss))


def _factor_raw(state: MomentsState) -> FloatArray | None:
    """R from cross products about zero: that of ``[X | 1 | y]``, put in order."""
    k = len(state.mean) - 1
    raw = _raw(state)
    factor = _cholesky(raw[:k, :k])
    if factor is None:
        return None
    p = k + 2
    others = np.zeros((k, 2))  # against X: the column of ones, and y
    others[:, 0], others[:, 1] = state.total * state.mean[:k], raw[:k, k]
    kept = np.diag(factor) > 0
    reached = np.zeros((k, 2))
    reached[kept] = solve_triangular(factor[np.ix_(kept, kept)], others[kept], trans="T")
    ones_y = state.total * state.mean[k]
    rest = np.array([[state.total, ones_y], [ones_y, raw[k, k]]]) - reached.T @ reached
    r = np.zeros((p, p))
    r[:k, :k], r[:k, k:] = factor, reached
    r[k, k] = np.sqrt(max(rest[0, 0], 0.0))
    if r[k, k] > np.sqrt(_EPS * state.total):
        r[k, k + 1] = rest[0, 1] / r[k, k]
    else:  # ones are in the span of X
        r[k, k] = 0.0
    r[k + 1, k + 1] = np.sqrt(max(rest[1, 1] - r[k, k + 1] ** 2, 0.0))
    return triangularize(r[:, [k, *range(k), k + 1]])


def _centred(state: MomentsState) -> FloatArray:
    """Cross products about the means, zero for columns that are constant up to rounding."""
    spread = np.sqrt(np.diag(state.comoment))
    rounding = noise(state.rows, 1) * np.abs(state.mean) * np.sqrt(state.total)
    moving = spread > rounding
    products: FloatArray = state.comoment * np.outer(moving, moving)
    return products


def _raw(state: MomentsState) -> FloatArray:
    """Cross products about zero."""
    products: FloatArray = state.comoment + state.total * np.outer(state.mean, state.mean)
    return products


def _cholesky(products: FloatArray) -> FloatArray | None:
    """Upper triangular factor of cross products; columns of zeros need none."""
    scaled, moving, norms = _at_unit_diagonal(products)
    factor, info = lapack.dpotrf(scaled, lower=0) if len(moving) else (scaled, 0)
    if info != 0:
        return None
    r = np.zeros(products.shape)
    r[np.ix_(moving, moving)] = np.triu(factor) * norms[moving]
    return r


def _at_unit_diagonal(products: FloatArray) -> tuple[FloatArray, NDArray[np.intp], FloatArray]:
    """Cross products at unit diagonal, of which columns, and the norms of all."""
    norms = np.sqrt(np.diag(products))
    moving = np.flatnonzero(norms > 0)
    scaled = products[np.ix_(moving, moving)] / np.outer(norms[moving], norms[moving])
    return scaled, moving, norms


DIGITS = 9.0  # that a Gram matrix must promise; R keeps twice as many


def factor_of_gram(state: MomentsState, *, centred: bool = True) -> tuple[float, FloatArray | None]:
    """How many digits a fit from a Gram matrix has at the least, and R where they are enough.

    Parameters
    ----------
    state : MomentsState
        The Gram matrix, shifted.
    centred : bool
        As for `factor_moments`.

    Returns
    -------
    digits : float
        Not below zero.
    r : ndarray, (k + 2, k + 2), or None
        The factor of ``sqrt(w) * [1 | X | y]``; None where fewer than `DIGITS` are right.
    """
    digits = max(correct_digits(state, centred=centred), 0.0)
    factor = factor_moments(state, centred=centred) if digits >= DIGITS else None
    return (0.0 if digits >= DIGITS and factor is None else digits), factor
