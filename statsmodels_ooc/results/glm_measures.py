"""Closed forms of the influence of rows on a generalised linear model: one step of scoring."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, linear_predictor, prior_weights
from statsmodels_ooc.families.elementwise import quiet, times
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.leverage import LeverageOne
from statsmodels_ooc.results.glm_rows import GLMRow, InformationAxes
from statsmodels_ooc.results.measures import Looked, RowMeasures


@dataclass(frozen=True)
class GLMMeasures(RowMeasures):
    """The measures of rows, at the parameters of a fit.

    Attributes
    ----------
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,)
        The parameters.
    axes : InformationAxes
        Of the information, observed or expected.
    cov : ndarray, (r, r)
        The covariance of the parameters, ``root @ cov @ root.T`` for the root of the axes.
    bse : ndarray, (k,)
        Standard errors.
    scale, df_resid : float
        The scale, and residual degrees of freedom.
    ones : LeverageOne
        What tells rows of leverage one.
    free : int
        How many parameters are estimated: by so many Cook's distance is divided.

    Notes
    -----
    With the weight w of a row in the information, ``N`` the inverse of the sum ``X'WX``, the
    leverage ``h = w x'Nx`` and Pearson's residual e, one step of scoring changes the parameters
    by ``N x sqrt(f w) e / (1 - h)`` where the row is left out, all f of it where it has a
    frequency f; the rest follows.

    References
    ----------
    Pregibon (1981). Logistic regression diagnostics. Annals of Statistics 9, 705-724.
    """

    kernel: Kernel
    beta: FloatArray
    axes: InformationAxes
    cov: FloatArray
    bse: FloatArray
    scale: float
    df_resid: float
    ones: LeverageOne
    free: int

    width = 6
    leverage = 1
    wide_names = ("d_params", "dfbetas", "params_one")

    @property
    def k(self) -> int:
        return len(self.beta)

    @property
    def key(self) -> Hashable:
        beta, axes, cov = self.beta.tobytes(), self.axes.inverse.tobytes(), self.cov.tobytes()
        return ("glm", self.axes.observed, beta, axes, cov, self.scale)

    def look(self, block: Block, *, changes: bool = False) -> Looked:
        eta = linear_predictor(block, self.beta)
        mean = self.kernel.mean(eta)
        w = self.axes.weights(self.kernel, block, eta, mean)
        variance = times(1 / mean.variance, prior_weights(block, ("trials", "var_weights")))
        e = np.sqrt(variance) * (block.endog - mean.mu)
        g = self.axes.axes.rows(block)
        turned = np.dot(g, self.axes.inverse)
        v = (turned * g).sum(axis=1)
        h = w * v
        alone = self.ones.among(g * np.sqrt(w)[:, None], h)
        e, h = np.where(alone, 0.0, e), np.where(alone, 1.0, h)
        spread = (np.dot(g, self.cov) * g).sum(axis=1)
        pull = np.sqrt(times(w, block.extras.freq_weights)) * e
        base = np.column_stack((e, h, pull, v, spread, mean.slope))
        if not changes:
            return Looked(base, None, alone)
        influence = np.dot(turned, self.axes.axes.root.T)
        changed = influence * (pull / (1 - h))[:, None]
        determined = self.ones.determined(influence[alone] * np.sqrt(w[alone])[:, None])
        changed[alone] = np.where(determined, np.nan, 0.0)
        return Looked(base, changed, alone)

    def column(self, name: str, base: FloatArray) -> FloatArray:
        return COLUMNS[name](self, *base.T)

    def wide(self, name: str, base: FloatArray, changes: FloatArray) -> FloatArray:
        if name == "params_one":
            return self.beta - changes
        if name == "d_params":
            return changes.copy()
        moves = self.bse > 0  # what constraints fix does not
        return np.divide(changes, self.bse, out=np.zeros_like(changes), where=moves)


def _studentised(m: GLMMeasures, e: Any, h: Any, *_: Any) -> FloatArray:
    studentised: FloatArray = e / np.sqrt(m.scale) / np.sqrt(1 - h)
    return studentised


def _d_linpred(m: GLMMeasures, e: Any, h: Any, pull: Any, v: Any, *_: Any) -> FloatArray:
    moved: FloatArray = v * pull / (1 - h)
    return moved


def _cooks(m: GLMMeasures, e: Any, h: Any, pull: Any, v: Any, *_: Any) -> FloatArray:
    distances: FloatArray = _d_linpred(m, e, h, pull, v) * pull / (1 - h) / (m.free * m.scale)
    return distances


def _cooks_p(m: GLMMeasures, *base: Any) -> FloatArray:
    p: FloatArray = stats.f.sf(_cooks(m, *base), m.free, m.df_resid)
    return p


def _d_linpred_scaled(
    m: GLMMeasures, e: Any, h: Any, pull: Any, v: Any, spread: Any, *_: Any
) -> FloatArray:
    moved: FloatArray = _d_linpred(m, e, h, pull, v) / np.sqrt(spread)
    return moved


# Of Pearson's residuals e, leverages h, roots of the weights times residuals, x'Nx, variances of
# x'beta, and dmu/deta.
COLUMNS: dict[str, Callable[..., FloatArray]] = {
    "resid": lambda m, e, *_: e / np.sqrt(m.scale),
    "hat_diag": lambda m, e, h, *_: h.copy(),
    "standard_resid": _studentised,
    "cooks_d": _cooks,
    "cooks_p": _cooks_p,
    "d_linpred": _d_linpred,
    "d_linpred_scaled": _d_linpred_scaled,
    "d_fittedvalues": lambda m, *base: base[-1] * _d_linpred(m, *base),
    "dffits_internal": lambda m, *base: np.sign(base[-1]) * _d_linpred_scaled(m, *base),
}


@dataclass(frozen=True)
class ScoreResidual:
    """Scores of rows over the roots of their information, (b,), studentised."""

    score: GLMRow
    information: GLMRow
    measures: GLMMeasures

    def __call__(self, block: Block) -> FloatArray:
        with quiet():
            h = self.measures.of("hat_diag", block)
            return self.score(block) / np.sqrt(self.information(block)) / np.sqrt(1 - h)


@dataclass(frozen=True)
class ScoreForm:
    """Scores of rows by the information of all rows, (b,) together or (b, q) one by one.

    Attributes
    ----------
    score : GLMRow
        The scores, (b, k).
    columns : ndarray of int, (q,)
        Those that are looked at.
    information : ndarray, (q, q)
        Of all rows.
    joint : bool
        Whether as a quadratic form.
    measures : GLMMeasures or None
        Whose leverages studentise them, if any do.
    """

    score: GLMRow
    columns: Any
    information: FloatArray
    joint: bool
    measures: GLMMeasures | None

    def __call__(self, block: Block) -> FloatArray:
        scores = self.score(block)[:, self.columns]
        with quiet():
            found: FloatArray
            if self.joint:
                found = (scores * np.linalg.solve(self.information, scores.T).T).sum(axis=1)
            else:
                found = scores / np.sqrt(np.diag(self.information))
            if self.measures is None:
                return found
            rest = np.sqrt(1 - self.measures.of("hat_diag", block))
            found /= rest if self.joint else rest[:, None]
            return found


@dataclass(frozen=True)
class WeightedByInformation:
    """Response, (b,), or design, (b, k), times the root of the information at a scale."""

    measures: GLMMeasures
    scale: float
    is_design: bool

    def __call__(self, block: Block) -> FloatArray:
        m, eta = self.measures, linear_predictor(block, self.measures.beta)
        with quiet():
            root = np.sqrt(m.axes.weights(m.kernel, block, eta, m.kernel.mean(eta)) / self.scale)
        return block.dense() * root[:, None] if self.is_design else block.endog * root


def covariance_in(axes: Axes, results: Any) -> FloatArray:
    """The covariance of the parameters in some axes: ``root @ cov @ root.T`` is theirs, (r, r)."""
    back, own = np.linalg.pinv(axes.root), results.glm_fit.root
    if hasattr(results, "cov_params_default") or own is None:
        found: FloatArray = back @ np.asarray(results.cov_params()) @ back.T
        return found
    is_same = own.shape == axes.root.shape and np.array_equal(own, axes.root)
    turned = np.eye(own.shape[1]) if is_same else back @ own
    return float(results.scale) * (turned @ turned.T)
