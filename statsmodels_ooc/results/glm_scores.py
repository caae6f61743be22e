"""Score tests of a streamed generalised linear model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from statsmodels_ooc._statsmodels import ScoreTestResult, robust_score_test
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import DesignError, EstimabilityWarning, OptionError, warn_caller
from statsmodels_ooc.likelihoods.base import rows_beside
from statsmodels_ooc.likelihoods.glm import GLMLikelihood
from statsmodels_ooc.reductions.score_test import ScoreTestSums, ScoreTestSumsState
from statsmodels_ooc.solvers.dependence import independent_of_those_before
from statsmodels_ooc.solvers.estimable import estimable_part
from statsmodels_ooc.solvers.point import ScaleRule


def score_sums(
    likelihood: GLMLikelihood,
    params: FloatArray,
    rule: ScaleRule,
    exog_extra: Any = None,
    observed: bool = True,
    df_resid: float | None = None,
) -> ScoreTestSumsState:
    """The sums of a score test, from one reading of the rows.

    Parameters
    ----------
    likelihood : GLMLikelihood
        Of all rows.
    params : ndarray, (k,)
        The parameters.
    rule : ScaleRule
        How the scale comes about.
    exog_extra : array_like, (n, q), optional
        Further columns of the design, with parameters of zero.
    observed : bool
        Whether the information is the observed one.
    df_resid : float, optional
        What the scale is estimated with, where it is; the model's by default.
    """
    _ = likelihood.facts  # bad rows are refused first
    rows, extra = likelihood.stream, 0
    names: tuple[str, ...] = ()
    if exog_extra is not None:
        beside = _extra_columns(exog_extra)
        rows, names = rows_beside(rows, **beside), tuple(beside)
        extra = sum(_width(values) for values in beside.values())
    asked = ScoreTestSums(likelihood.kernel, params, observed, extra, names)
    (sums,) = rows.fold("score test", asked)
    scale = likelihood.scale(rule, lambda: sums, df_resid)
    found: ScoreTestSumsState = sums.at(scale)
    return found


def _extra_columns(exog_extra: Any) -> dict[str, Any]:
    """What is put beside the rows: columns and expressions one by one, or an array."""
    codes = [exog_extra] if isinstance(exog_extra, str) else exog_extra
    if isinstance(codes, list | tuple) and codes and all(isinstance(c, str) for c in codes):
        return {f"exog_extra {i}": code for i, code in enumerate(codes)}
    values = codes if hasattr(codes, "shape") else np.asarray(codes)
    if len(values.shape) not in (1, 2):
        raise OptionError(f"exog_extra has shape {values.shape}; it is (n,) or (n, q), or columns")
    return {"exog_extra": values}


def _width(values: Any) -> int:
    """How many columns there are of a name, an expression or an array."""
    shape: tuple[int, ...] = () if isinstance(values, str) else values.shape
    return shape[1] if len(shape) == 2 else 1


def independent_sums(
    likelihood: GLMLikelihood, params: FloatArray, sums: ScoreTestSumsState
) -> tuple[ScoreTestSumsState, NDArray[np.bool_]]:
    """The sums of columns that are no combinations of those before, and which these are, (p,).

    A joint statistic depends on what the columns span, and on nothing else of them.

    Raises
    ------
    DesignError
        Sums of products cannot tell the columns of the design apart.

    Warns
    -----
    EstimabilityWarning
        A column to be tested is a combination of others.
    """
    k = likelihood.spec.k
    kept = independent_of_those_before(sums.information)
    known = np.count_nonzero(kept[:k])
    if known < likelihood.rank and known < likelihood.at(params).fit.rank:
        raise DesignError(
            "a score test sums products of columns, and these do not tell the columns of the "
            "design apart: once they have one length, one of them is within 1e-6 of others",
            hint="subtract the means of columns that lie far from zero",
        )
    extra = len(kept) - k
    lost = np.flatnonzero(~kept[k:])
    if len(lost):
        warn_caller(
            f"exog_extra: {len(lost)} of {extra} columns, the first of them column {lost[0]}, "
            "are combinations of the design's and of those before them; the test has "
            f"{extra - len(lost)} degrees of freedom",
            EstimabilityWarning,
        )
    return sums.of(kept), kept


def joint_statistic(sums: ScoreTestSumsState) -> FloatArray:
    """``s' inv(I) s``, (1,)."""
    statistic: FloatArray = sums.score @ np.linalg.solve(sums.information, sums.score[:, None])
    return statistic


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
    likelihood: GLMLikelihood = results.model.likelihood
    given = results.params if params_constrained is None else params_constrained
    params = np.asarray(given, dtype=np.float64)
    df_resid = results.df_resid + (k_constraints or 0)
    sums = score_sums(likelihood, params, results.glm_fit.rule, exog_extra, observed, df_resid)
    restriction, count = _restriction(results, exog_extra, len(sums.score), k_constraints)
    if hypothesis == "separate" and kind != "HC0":
        return _separate(sums)
    sums, kept = independent_sums(likelihood, params, sums)
    if exog_extra is not None:
        count = int(np.count_nonzero(kept[likelihood.spec.k :]))
    elif restriction is not None:
        restriction = _estimable(likelihood, params, restriction)
        count = len(restriction)
    if kind == "HC0":
        if restriction is None:
            raise ValueError("cov_type='HC0' needs exog_extra, or results of fit_constrained")
        restriction = restriction[:, kept]
        restriction = restriction[restriction.any(axis=1)]
        inverse = np.linalg.inv(sums.information)
        return robust_score_test(sums.score, restriction, inverse, sums.empirical)
    statistic = joint_statistic(sums)
    return ScoreTestResult(
        statistic=statistic,
        pvalue=stats.chi2.sf(statistic, count),
        k_constraint=count,
        distribution="chi2",
    )


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


def _estimable(
    likelihood: GLMLikelihood, params: FloatArray, restriction: FloatArray
) -> FloatArray:
    """The part of the restrictions that the rows of the design determine."""
    part = estimable_part(likelihood.at(params).fit, restriction)
    if part.df < part.asked:
        warn_caller(
            f"{part.asked - part.df} of {part.asked} independent restrictions cannot be "
            f"estimated; the test has {part.df} degrees of freedom",
            EstimabilityWarning,
        )
    return part.matrix if part.df < len(restriction) else restriction


def _separate(sums: ScoreTestSumsState) -> Any:
    statistic = sums.score / np.sqrt(np.diag(sums.information))
    return ScoreTestResult(
        statistic=statistic, pvalue=2 * stats.norm.sf(np.abs(statistic)), distribution="norm"
    )
