"""Influence of the rows on a fit of a generalised linear model: one step of leaving a row out."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats.outliers_influence import GLMInfluence as InMemoryInfluence

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, linear_predictor, prior_weights
from statsmodels_ooc.engine import RowFunction, row_answer, row_method
from statsmodels_ooc.families.elementwise import quiet, times
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.leverage import LeverageOne
from statsmodels_ooc.results.glm_rows import GLMRow, InformationAxes
from statsmodels_ooc.results.measures import Looked, RowMeasures, StreamedInfluence, measure
from statsmodels_ooc.results.top_influence import HasTopInfluence


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


class GLMInfluence(StreamedInfluence, InMemoryInfluence):  # type: ignore[misc]
    """Influence of the rows on a fit of a GLM, as statsmodels' `GLMInfluence`.

    Parameters
    ----------
    results : GLMResults
        Of a model that streams.
    observed : bool
        Whether the leverages are those of the observed information, or of the expected.

    Warns
    -----
    LeverageWarning
        A row determines coefficients alone: its studentised residual, Cook's distance and
        changes of these coefficients are NaN.

    Notes
    -----
    ``d_fittedvalues_scaled`` has the standard errors of the means of the rows themselves;
    statsmodels leaves offset and exposure out of these. Leaving out a row of frequency f leaves
    out all f; in statsmodels ``d_params`` lacks a factor ``sqrt(f)``, and Cook's distance f.
    Parameters that constraints fix do not change.
    Rows of which the observed information
    is negative have NaN where its root is needed.
    """

    table_columns = ("cooks_d", "standard_resid", "hat_diag", "dffits_internal")

    def __init__(self, results: Any, observed: bool = True) -> None:
        super().__init__(results)
        self.observed = observed
        self.k_params = np.size(results.params)
        self.scale = results.scale

    @cached_property
    def measures(self) -> GLMMeasures:
        """The closed forms; the observed information takes a pass, unless it is known."""
        results = self.results
        root = results.glm_fit.root if self.results.scored.free < self.k_vars else None
        axes = results.information_axes(self.observed, root)
        return GLMMeasures(
            results.model.likelihood.kernel,
            np.asarray(results.params, dtype=np.float64),
            axes,
            covariance_in(axes.axes, results),
            np.asarray(results.bse),
            float(results.scale),
            float(results.df_resid),
            results.scored.ones(axes.axes.root),
            results.scored.free,
        )

    @property
    def cov_params(self) -> Any:
        """The covariance of the parameters, (k, k)."""
        return self.results.cov_params()

    @cached_property
    def hessian(self) -> Any:
        """The Hessian of the log-likelihood, (k, k)."""
        return self.results.model.hessian(self.results.params)

    @property
    def score_obs(self) -> Any:
        """The scores of the rows, (n, k)."""
        return self.results.model.score_obs(self.results.params)

    def _whitened(self, width: int | None) -> RowFunction:
        scale = float(self.results.scale)
        return RowFunction(Whitened(self.measures, scale, width is not None), width)

    @row_answer
    def endog(self) -> RowFunction:
        """The response times the root of the information, (n,)."""
        return self._whitened(None)

    @row_answer
    def exog(self) -> RowFunction:
        """The design times the root of the information, (n, k)."""
        return self._whitened(self.k_vars)

    resid = measure("Pearson's residuals over the root of the scale, (n,).", "resid")
    hat_matrix_diag = measure("The leverages ``h = w x'(X'WX)^-1 x``, (n,).", "hat_diag")
    hat_matrix_exog_diag = measure("The same, (n,).", "hat_diag")
    resid_studentized = measure("``resid / sqrt(1 - h)``, (n,).", "standard_resid")
    cooks_distance = measure("Cook's distances and p-values, (n,) each.", "cooks_d", "cooks_p")
    d_params = measure("Changes of the parameters by leaving the row out, (n, k).", "d_params")
    dfbetas = measure("The same in standard errors, (n, k).", "dfbetas")
    params_one = measure("The parameters without the row, by one step, (n, k).", "params_one")
    d_linpred = measure("Changes of the row's linear predictor, (n,).", "d_linpred")
    d_linpred_scaled = measure("The same in its standard errors, (n,).", "d_linpred_scaled")
    d_fittedvalues = measure("Changes of the row's mean, (n,).", "d_fittedvalues")
    d_fittedvalues_scaled = measure("The same in its standard errors, (n,).", "dffits_internal")

    @row_method
    def resid_score_factor(self) -> Any:
        """Scores by the linear predictor over the roots of their information, (n,)."""
        kernel, beta = self.measures.kernel, self.measures.beta
        scale = float(self.results.scale)
        score = GLMRow("score_factor", kernel, beta, scale)
        information = GLMRow("observed_information", kernel, beta, scale)
        return RowFunction(ScoreResidual(score, information, self.measures))

    @row_method
    def resid_score(self, joint: bool = True, index: Any = None, studentize: bool = False) -> Any:
        """Scores of the rows, as in a score test.

        Parameters
        ----------
        joint : bool
            Whether one quadratic form for each row, (n,), or a column for each parameter.
        index : array_like of int, optional
            The parameters that are looked at.
        studentize : bool
            Whether they are divided by ``sqrt(1 - h)``.
        """
        columns = np.arange(self.k_vars)[slice(None) if index is None else np.asarray(index)]
        information = -np.asarray(self.hessian)[np.ix_(columns, columns)]
        scale = float(self.results.scale)
        score = GLMRow("score_obs", self.measures.kernel, self.measures.beta, scale)
        measures = self.measures if studentize else None
        asked = ScoreForm(score, columns, information, joint, measures)
        return RowFunction(asked, None if joint else len(columns))


@dataclass(frozen=True)
class Whitened:
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


class HasGLMInfluence(HasTopInfluence):
    """A mixin for results of a GLM: which rows matter most."""

    @row_answer
    def _influence(self) -> Any:
        return {}  # by whether the information is the observed one

    def get_influence(self, observed: bool = True) -> GLMInfluence:
        """Influence measures of every row.

        Parameters
        ----------
        observed : bool
            Whether the leverages are those of the observed information, or of the expected.

        Returns
        -------
        GLMInfluence
            As statsmodels'; what it has read is kept.
        """
        kept: dict[bool, GLMInfluence] = self._influence
        if observed not in kept:
            kept[observed] = GLMInfluence(self, observed)
        return kept[observed]
