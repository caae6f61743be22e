"""Score tests of a streamed generalised linear model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from statsmodels_ooc._statsmodels import ScoreTestResult, robust_score_test
from statsmodels_ooc.engine.alongside import beside, total
from statsmodels_ooc.reductions.base import FloatArray

__all__ = ["ScoreSums", "score_sums", "score_test"]


@dataclass(frozen=True)
class ScoreSums:
    """Sums over the rows of a design of p columns.

    Attributes
    ----------
    score : ndarray, (p,)
        The gradient of the log-likelihood.
    information : ndarray, (p, p)
        Minus its Hessian, observed or expected.
    squares : ndarray, (p, p)
        The outer products of the scores of the rows.
    rows : int
        Rows.
    """

    score: FloatArray
    information: FloatArray
    squares: FloatArray
    rows: int

    @property
    def empirical(self) -> FloatArray:
        """The rows times the covariance of their scores, (p, p)."""
        centred = self.squares - np.outer(self.score, self.score) / self.rows
        return centred * (self.rows / (self.rows - 1))


def score_sums(model: Any, params: Any, exog_extra: Any = None, observed: bool = True) -> ScoreSums:
    """The sums of a score test, from one reading of the rows.

    Parameters
    ----------
    model : GLM
        The streamed model.
    params : array_like, (k,)
        The parameters.
    exog_extra : array_like, (n, q), optional
        Further columns of the design, with parameters of zero.
    observed : bool
        Whether the information is the observed one.
    """
    k = model.spec.k
    rows = model._row("scored_observed" if observed else "scored", params, width=k + 2)
    q = 0
    if exog_extra is not None:
        rows = beside(rows, exog_extra, "exog_extra")
        q = rows.shape[1] - k - 2
    p = k + q
    sums = total(_Products(k), rows, p * (2 * p + 1)).reshape(p, 2 * p + 1)
    scale = model._scale_of(model._at(params))
    return ScoreSums(
        sums[:, 0] / scale,
        sums[:, 1 : p + 1] / scale,
        sums[:, p + 1 :] / scale**2,
        int(rows.shape[0]),
    )


@dataclass(frozen=True)
class _Products:
    """Rows ``[X | score | information | extra]`` to the sums of a score test."""

    k: int

    def __call__(self, rows: FloatArray) -> FloatArray:
        x = np.delete(rows, [self.k, self.k + 1], axis=1)
        score, information = rows[:, self.k], rows[:, self.k + 1]
        parts = [x.T @ score[:, None], x.T @ (x * information[:, None])]
        scores = x * score[:, None]
        return np.hstack([*parts, scores.T @ scores]).ravel()


def score_test(
    results: Any,
    exog_extra: Any,
    params_constrained: Any,
    hypothesis: str,
    cov_type: str | None,
    k_constraints: int | None,
    observed: bool,
) -> Any:
    """`GLMResults.score_test` of streamed results."""
    if hypothesis not in ("joint", "separate"):
        raise ValueError(f"hypothesis must be 'joint' or 'separate', not {hypothesis!r}")
    kind = (results.cov_type if cov_type is None else cov_type).upper()
    if kind not in ("NONROBUST", "HC0"):
        raise NotImplementedError('Only cov_type "nonrobust" and "HC0" are available.')
    params = results.params if params_constrained is None else params_constrained
    with _degrees_of_freedom(results, k_constraints):
        sums = score_sums(results.model, np.asarray(params), exog_extra, observed)
    restriction, count = _restriction(results, exog_extra, len(sums.score), k_constraints)
    if kind == "HC0":
        if restriction is None:
            raise ValueError("cov_type='HC0' needs exog_extra, or results of fit_constrained")
        inverse = np.linalg.inv(sums.information)
        return robust_score_test(sums.score, restriction, inverse, sums.empirical)
    return _joint(sums, count) if hypothesis == "joint" else _separate(sums)


@contextmanager
def _degrees_of_freedom(results: Any, k_constraints: int | None) -> Iterator[None]:
    """Estimate the scale with the degrees of freedom of the restricted model."""
    model = results.model
    before = model.df_resid
    model.df_resid = results.df_resid + (k_constraints or 0)
    try:
        yield
    finally:
        model.df_resid = before


def _restriction(
    results: Any, exog_extra: Any, p: int, k_constraints: int | None
) -> tuple[FloatArray | None, int]:
    """The matrix of the restrictions, where it is known, and how many there are."""
    constraints = getattr(results, "constraints", None)
    if exog_extra is not None:
        if constraints is not None:
            raise NotImplementedError(
                "if exog_extra is not None, then self should not be a constrained fit result"
            )
        added = p - len(results.params)
        return np.eye(p)[p - added :], added
    if constraints is not None:
        matrix = constraints[0] if isinstance(constraints, tuple) else constraints.coefs
        return np.asarray(matrix), len(matrix)
    if k_constraints is None:
        raise ValueError("if exog_extra is None, then k_constraints needs to be given")
    return None, k_constraints


def _joint(sums: ScoreSums, count: int) -> Any:
    statistic = sums.score @ np.linalg.solve(sums.information, sums.score[:, None])
    return ScoreTestResult(
        statistic=statistic,
        pvalue=stats.chi2.sf(statistic, count),
        k_constraint=count,
        distribution="chi2",
    )


def _separate(sums: ScoreSums) -> Any:
    statistic = sums.score / np.sqrt(np.diag(sums.information))
    return ScoreTestResult(
        statistic=statistic, pvalue=2 * stats.norm.sf(np.abs(statistic)), distribution="norm"
    )
