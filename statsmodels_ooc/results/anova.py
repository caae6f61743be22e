"""Analysis of variance that counts ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.linear_model import (
    RegressionModel,
    RegressionResults,
    RegressionResultsWrapper,
)
from statsmodels.stats.anova import anova_lm as by_columns

from statsmodels_ooc._statsmodels import Term, terms_of
from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import DesignError, OptionError
from statsmodels_ooc.reductions.least_squares import triangularize
from statsmodels_ooc.results.constrained import Constrained
from statsmodels_ooc.results.linear import StreamedResults
from statsmodels_ooc.results.nested import require_same_rows
from statsmodels_ooc.solvers.estimable import estimable_part, uncorrelated_part
from statsmodels_ooc.solvers.least_squares import LinearFit, solve
from statsmodels_ooc.solvers.submodels import Gain, gain

_TYPES = {1: 1, 2: 2, 3: 3, "I": 1, "II": 2, "III": 3}
_ROBUST = (None, "hc0", "hc1", "hc2", "hc3")


class _Fitted(NamedTuple):
    """One model, its triangular factor, and its terms in the order of their columns."""

    results: Any
    fit: LinearFit
    terms: list[Term]

    @property
    def variance(self) -> float:
        return float(self.results.ssr / self.results.df_resid)

    def gain(self, base: Sequence[int], added: Sequence[int]) -> Gain:
        """What columns add to a model of others."""
        return gain(self.fit, base, added)

    def robust_gain(self, added: Sequence[int], higher: Sequence[int], cov: FloatArray) -> Gain:
        """The same by a Wald test, after what the columns have in common with higher terms."""
        matrix = self._estimable([*added, *higher])
        if higher:
            matrix = uncorrelated_part(matrix, self._estimable(higher), cov)
        if len(matrix) == 0:
            return Gain(0.0, 0)
        found = self.results.f_test(matrix, cov_p=cov)
        df = int(found.df_num)
        return Gain(float(found.fvalue) * df * self.variance, df)

    def _estimable(self, columns: Sequence[int]) -> FloatArray:
        zero = np.eye(len(self.fit.params))[list(columns)]
        return estimable_part(self.fit, zero).matrix

    def table(self, found: dict[str, Gain]) -> pd.DataFrame:
        """Sums of squares, F and its p-value, a row for each term and one for the residuals."""
        results = self.results
        table = pd.DataFrame(found.values(), list(found), ["sum_sq", "df"], dtype=float)
        table["F"] = table["sum_sq"] / table["df"].where(table["df"] > 0) / self.variance
        table["PR(>F)"] = stats.f.sf(table["F"], table["df"], results.df_resid)
        table.loc["Residual"] = [results.ssr, results.df_resid, np.nan, np.nan]
        return table


def anova_lm(
    *results: Any,
    scale: float | None = None,
    test: str = "F",
    typ: int | str = 1,
    robust: str | None = None,
) -> pd.DataFrame:
    r"""Analysis of variance of one linear model, or of several nested ones.

    Statsmodels' table, with degrees of freedom that are differences of ranks: empty
    cells, nested factors and columns that follow from others do not count.

    Parameters
    ----------
    *results : RegressionResults
        Of OLS or WLS with a formula, out of memory or in it; several from the smallest
        to the largest.
    scale : float, optional
        Variance for the comparison of several models; by default that of the last. For
        one model it is not used, as in statsmodels.
    test : {"F"}
        The test. Statsmodels has no numbers for its other ones.
    typ : {1, 2, 3, "I", "II", "III"}
        Type of the sums of squares.
    robust : {None, "hc0", "hc1", "hc2", "hc3"}
        For types 2 and 3: tests with a covariance that is robust to heteroscedasticity.

    Returns
    -------
    DataFrame
        A row for each term and one for the residuals, or a row for each model.

    Raises
    ------
    OptionError
        An option has a value that is not allowed, or that would not be used.
    DesignError
        The model has no formula, or is not linear.

    Warns
    -----
    LeverageWarning
        "hc2" and "hc3" leave out rows of leverage one.

    Notes
    -----
    Full-rank models are handed to statsmodels. Otherwise, for a term t,

    .. math:: \mathrm{SS}_t = \mathrm{SSR}(B) - \mathrm{SSR}(B \cup t), \qquad
       \mathrm{df}_t = \operatorname{rank}(B \cup t) - \operatorname{rank}(B),

    where B are the columns of the terms before t (type 1), of the terms that do not
    contain t (type 2), or of all others (type 3, which depends on the coding, and with
    empty cells on which cells are empty). They are read from the triangular factor of
    the fit, without a pass over the data. A term that adds nothing has 0 degrees of
    freedom and no F. Robust tests are Wald tests of the estimable part of the
    hypothesis, with as many degrees of freedom, and ``sum_sq`` is what their F stands
    for.

    References
    ----------
    Searle (1987). Linear Models for Unbalanced Data, chapters 4, 5 and 9.

    Examples
    --------
    A table of 3 times 2 cells, one of them empty: one degree of freedom is left for the
    interaction.

    >>> import warnings
    >>> import pandas as pd
    >>> import statsmodels_ooc.api as smo
    >>> import statsmodels_ooc.formula.api as smof
    >>> cells = pd.DataFrame({"a": list("uuvvwwuuvv"), "b": list("ppppppqqqq")})
    >>> cells["y"] = [3.0, 4.0, 6.0, 5.0, 7.0, 8.0, 2.0, 3.0, 9.0, 8.0]
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # of the short rank
    ...     res = smof.ols("y ~ a * b", smo.as_source(cells)).fit()
    >>> print(smo.anova_lm(res).round(3).to_string(na_rep=""))
               df  sum_sq  mean_sq     F  PR(>F)
    a         2.0    42.0     21.0  42.0   0.001
    b         1.0     2.0      2.0   4.0   0.102
    a:b       1.0     8.0      8.0  16.0   0.010
    Residual  5.0     2.5      0.5
    """
    kind = _checked(results, test, typ, robust)
    terms = _terms(results[0]) if len(results) == 1 else []
    require_same_rows(*results)
    if len(results) > 1 or results[0].model.rank == len(results[0].params):
        given = (
            one.without_arrays() if isinstance(one, StreamedResults) else one for one in results
        )
        table: pd.DataFrame = by_columns(*given, scale=scale, test=test, typ=kind, robust=robust)
        return table
    fitted = _Fitted(results[0], _fit_of(results[0]), terms)
    return _sequential(fitted) if kind == 1 else _partial(fitted, kind, robust)


def _checked(results: tuple[Any, ...], test: str, typ: int | str, robust: str | None) -> int:
    """The type; refuses what would not be used."""
    if not results or not all(_is_linear(one) for one in results):
        raise DesignError(
            "anova_lm takes results of OLS or WLS",
            hint="wald_test_terms tests the terms of generalised linear models",
        )
    if len(results) == 1 and isinstance(results[0], Constrained):
        raise DesignError(
            "the terms of a fit subject to constraints have no sums of squares of their own",
            hint="anova_lm(constrained, unconstrained) compares the fits",
        )
    if typ not in list(_TYPES):
        raise OptionError(f"typ={typ!r}; it is one of {', '.join(map(repr, _TYPES))}")
    if test != "F":
        raise OptionError(f"test={test!r}; available is 'F'")
    if robust is not None and str(robust).lower() not in _ROBUST:
        raise OptionError(f"robust={robust!r}; it is one of {', '.join(map(repr, _ROBUST))}")
    if _TYPES[typ] != 1 and len(results) > 1:
        raise OptionError(f"typ={typ!r} is for one model; several are compared in their order")
    if robust is not None and _TYPES[typ] == 1:
        raise OptionError(
            f"robust={robust!r} is for types 2 and 3 of one model; sums of squares that are "
            "added one after the other have no robust covariance"
        )
    return _TYPES[typ]


def _is_linear(results: Any) -> bool:
    # The wrapper of a generalised linear model is one of a linear model, too.
    kinds = (RegressionResults, RegressionResultsWrapper)
    return isinstance(results, kinds) and isinstance(results.model, RegressionModel)


def _terms(results: Any) -> list[Term]:
    spec = getattr(results.model.data, "model_spec", None)
    if spec is None:
        raise DesignError(
            "analysis of variance needs the terms of a formula, and the model has none"
        )
    return terms_of(spec)


def _fit_of(results: Any) -> LinearFit:
    """What least squares found; of results in memory, once more from the rows."""
    if isinstance(results, StreamedResults):
        return results.linear_fit
    model, k = results.model, len(results.params)
    rows = np.column_stack((np.ones(len(model.wexog)), model.wexog, model.wendog))
    return solve(triangularize(np.vstack((rows, np.zeros((k + 2, k + 2))))), len(rows))


def _sequential(fitted: _Fitted) -> pd.DataFrame:
    """The table of type 1."""
    found: dict[str, Gain] = {}
    before: list[int] = []
    for term in fitted.terms:
        if not term.is_intercept:
            found[term.name] = fitted.gain(before, term.columns)
        before += term.columns
    table = fitted.table(found)
    table["mean_sq"] = table["sum_sq"] / table["df"].where(table["df"] > 0)
    return table[["df", "sum_sq", "mean_sq", *table.columns[2:4]]]


def _partial(fitted: _Fitted, kind: int, robust: str | None) -> pd.DataFrame:
    """The tables of types 2 and 3."""
    cov = None if robust is None else np.asarray(getattr(fitted.results, f"cov_{robust.upper()}"))
    found: dict[str, Gain] = {}
    for term in fitted.terms:
        if kind == 2 and term.is_intercept:
            continue
        higher = [other for other in fitted.terms if kind == 2 and term.factors < other.factors]
        base = [other for other in fitted.terms if other is not term and other not in higher]
        found[term.name] = (
            fitted.gain(_columns(base), term.columns)
            if cov is None
            else fitted.robust_gain(term.columns, _columns(higher), cov)
        )
    return fitted.table(found)


def _columns(terms: Iterable[Term]) -> list[int]:
    return [column for term in terms for column in term.columns]
