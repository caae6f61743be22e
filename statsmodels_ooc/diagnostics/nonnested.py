"""Which of two models of one response, none of them within the other, is the better one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, stats
from statsmodels.stats import diagnostic as sd
from statsmodels.stats.diagnostic import NonNestedTestResult, ResultsStore

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.diagnostics.robust import CLASSIC, check_covariance, covariance, meat_of, wald
from statsmodels_ooc.diagnostics.rows import BothDesigns, ChosenColumns, WholeRows
from statsmodels_ooc.diagnostics.subject import Subject, subject
from statsmodels_ooc.diagnostics.tuples import changing_tuple
from statsmodels_ooc.reductions.auxiliary import Auxiliary
from statsmodels_ooc.reductions.gap import Gap
from statsmodels_ooc.reductions.least_squares import Triangle, triangularize
from statsmodels_ooc.reductions.sandwich import WhiteMeatState
from statsmodels_ooc.solvers.auxiliary import Regression, ratio, regress
from statsmodels_ooc.solvers.dependence import noise, scaled_rank


def compare_cox(
    results_x: Any, results_z: Any, store: bool = False, *, result_object: bool | None = None
) -> Any:
    r"""Cox's test of one model against another that does not contain it: one pass.

    Parameters
    ----------
    results_x, results_z : RegressionResults
        Of two models of the same rows, both streamed or both in memory; the first is tested.
    store : bool
        Whether the answer holds what it was made of, as `res_store`.
    result_object : bool, optional
        Whether to give a named tuple; a plain one is statsmodels' default, which warns.

    Returns
    -------
    statistic, pvalue : float
        Normal under the hypothesis that the first model is right, and its p-value.
    res_store : ResultsStore
        With `store`.

    Raises
    ------
    DesignError
        The models have not as many rows.
    ValueError
        They have other responses or weights, or one contains the other.

    Notes
    -----
    With the fitted values :math:`X\hat\beta`, their residuals u when regressed on Z, and the
    residuals v of u regressed on X,

    .. math:: q = \frac{n}{2} \log\frac{s_Z^2}{s_X^2 + u'u / n}
       \Big/ \sqrt{s_X^2\, v'v / (s_X^2 + u'u / n)^2}.

    All follows from one triangular factor of ``[X | Z | y]``, which one pass over the rows of both
    models gives. Rows of WLS have their weights in all sums, where statsmodels has them in two
    of four. The order of rows plays no part.

    References
    ----------
    Greene (2002). Econometric Analysis, 5th ed., section 8.3.4.
    """
    both = _opened(results_x, results_z, "compare_cox", weighted=True)
    if both is None:
        return sd.compare_cox(results_x, results_z, store, result_object=result_object)
    both.refuse_nested("Cox comparison")
    n = both.x.nobs
    variance_x, variance_z = (float(res.ssr) / n for res in (results_x, results_z))
    fitted = both.columns_x @ both.x.params
    rest = fitted - _projected(fitted, both.columns_z, n)
    again = rest - _projected(rest, both.columns_x, n)
    variance_zx = variance_x + float(rest @ rest) / n
    c01 = n / 2 * (np.log(variance_z) - np.log(variance_zx))
    v01 = variance_x * float(again @ again) / variance_zx**2
    q = ratio(c01, np.sqrt(v01))
    pvalue = float(2 * stats.norm.sf(abs(q)))
    kept = None
    if store:
        kept = ResultsStore()
        kept.c01, kept.v01, kept.q, kept.pvalue, kept.dist = c01, v01, q, pvalue, stats.norm
    found = NonNestedTestResult(q, pvalue, kept)
    return changing_tuple("compare_cox", found, 2, store, result_object)


def compare_j(
    results_x: Any, results_z: Any, store: bool = False, *, result_object: bool | None = None
) -> Any:
    r"""Davidson and MacKinnon's J test: whether the first model adds to the second; one pass.

    Parameters
    ----------
    results_x, results_z : RegressionResults
        Of two models of the same rows, both streamed or both in memory.
    store : bool
        Whether the answer holds the auxiliary regression, as `res_zx` of `res_store`.
    result_object : bool, optional
        Whether to give a named tuple; a plain one is statsmodels' default, which warns.

    Returns
    -------
    statistic, pvalue : float
        Student's t of the first model's fitted values beside the second, and its p-value.
    res_store : ResultsStore
        With `store`.

    Raises
    ------
    DesignError
        The models have not as many rows.
    ValueError
        They have other responses, or one contains the other.

    Notes
    -----
    :math:`y = \alpha X\hat\beta + Z\gamma + u`, and the hypothesis is that :math:`\alpha = 0`. The
    regression has no weights, as in statsmodels. The order of rows plays no part.

    References
    ----------
    Davidson, MacKinnon (1981). Several tests for model specification in the presence of
    alternative hypotheses. Econometrica 49, 781-793.
    """
    both = _opened(results_x, results_z, "compare_j")
    if both is None:
        return sd.compare_j(results_x, results_z, store, result_object=result_object)
    both.refuse_nested("J comparison")
    fitted = both.columns_x @ both.x.params
    fit = both.regression(np.column_stack((fitted, both.columns_z)))
    t = float(fit.tvalues[0])
    pvalue, kept = float(fit.pvalues[0]), None
    if store:
        kept = ResultsStore()
        kept.res_zx, kept.dist, kept.teststat, kept.pvalue = fit, stats.t(fit.df_resid), t, pvalue
    found = NonNestedTestResult(t, pvalue, kept)
    return changing_tuple("compare_j", found, 2, store, result_object)


def compare_encompassing(
    results_x: Any, results_z: Any, cov_type: str = CLASSIC, cov_kwds: Any = None
) -> pd.DataFrame:
    r"""Davidson and MacKinnon's encompassing test, both ways: one pass.

    Two with a robust covariance.

    Parameters
    ----------
    results_x, results_z : RegressionResults
        Of two models of the same rows, both streamed or both in memory.
    cov_type : {"nonrobust", "HC0", "HC1", "HC2", "HC3"}
        Of the regression on the columns of both.
    cov_kwds : dict, optional
        None of these takes any.

    Returns
    -------
    DataFrame
        For x and z: the F statistic of the hypothesis that the other model's columns add nothing
        to this one, its p-value, and its degrees of freedom.

    Raises
    ------
    DesignError
        The models have not as many rows.
    NotImplementedError
        Another covariance.
    ValueError
        They have other responses, or one contains the other.

    Notes
    -----
    .. math:: y = X\beta + Z_1\gamma + u, \qquad H_0: \gamma = 0,

    with columns :math:`Z_1` of Z that X does not span. The regression has no weights, as in
    statsmodels. The order of rows plays no part.

    References
    ----------
    Davidson, MacKinnon (1993). Estimation and Inference in Econometrics, section 11.3.
    """
    both = _opened(results_x, results_z, "compare_encompassing")
    if both is None:
        table: pd.DataFrame = sd.compare_encompassing(results_x, results_z, cov_type, cov_kwds)
        return table
    check_covariance("compare_encompassing", cov_type, cov_kwds)
    both.refuse_nested("Testing encompassing")
    k = both.x.k
    ways = [_encompassing(both, 0, k), _encompassing(both, k, 0)]
    if cov_type == CLASSIC:
        found = [way.f_test() for way in ways]
    else:
        meats = both.x.once(lambda: _meats(both, ways), *both.options, "meats")
        found = [way.wald(cov_type, meat) for way, meat in zip(ways, meats, strict=True)]
    columns = ["stat", "pvalue", "df_num", "df_denom"]
    return pd.DataFrame([list(row) for row in found], index=["x", "z"], columns=columns)


@dataclass(frozen=True)
class Both:
    """Two models of the same rows, and the triangular factor of both designs.

    Attributes
    ----------
    x, z : Subject
        The models.
    r : ndarray, (k + q + 2, k + q + 2)
        R of ``[1 | X | Z | y]``, whose rows are a data set with the same products.
    rows : StreamedRows
        Those of the first, with the others beside them.
    map : BothDesigns
        What makes rows of both designs of them.
    options : tuple
        By which what they tell is known.
    """

    x: Subject
    z: Subject
    r: FloatArray
    map: BothDesigns
    rows: Any
    options: tuple[Any, ...]

    @property
    def columns_x(self) -> FloatArray:
        """Those of X in the coordinates of R."""
        return self.r[:, 1 : self.x.k + 1]

    @property
    def columns_z(self) -> FloatArray:
        """Those of Z."""
        return self.r[:, self.x.k + 1 : -1]

    def refuse_nested(self, test: str) -> None:
        """Refuse models one of which contains the other.

        Raises
        ------
        ValueError
            One does.
        """
        n = self.x.nobs
        ranks = [scaled_rank(part, n) for part in (self.columns_x, self.columns_z)]
        if scaled_rank(self.r[:, 1:-1], n) == max(ranks):
            raise ValueError(
                f"The exog in results_x and in results_z are nested. {test} requires that models "
                "are non-nested."
            )

    def regression(self, columns: FloatArray) -> Regression:
        """The response on combinations of the columns, given in the coordinates of R."""
        rows = np.column_stack((self.r[:, 0], columns, self.r[:, -1]))
        missing = max(rows.shape[1] - len(rows), 0)
        return regress(
            triangularize(np.vstack((rows, np.zeros((missing, rows.shape[1]))))), self.x.nobs
        )


def _opened(results_x: Any, results_z: Any, name: str, *, weighted: bool = False) -> Both | None:
    """Both models, read together; None where both are in memory.

    Raises
    ------
    NotImplementedError
        One is in memory and the other is not.
    ValueError
        The responses differ, or the weights where these count.
    """
    x, z = subject(results_x, name), subject(results_z, name)
    if x is None and z is None:
        return None
    if x is None or z is None:
        raise NotImplementedError(
            f"{name} reads the rows of both models together, and those of one are in memory; wrap "
            "the data of both in smo.as_source"
        )
    other = z.rows().lazy(WholeRows(), z.k + 2)
    rows, p = x.rows(other=other), x.k + z.k
    both = BothDesigns(weighted)
    # Products of all columns, and checksums of the rows, tell designs apart.
    seen = tuple(tuple(part) for part in z.rows().seen)
    options = (tuple(z.names), z.fit.r_exog.tobytes(), z.fit.effects.tobytes(), seen, weighted)

    def read() -> tuple[Any, Any]:
        triangle, gap = rows.fold(name, Auxiliary(both, Triangle(p), p), Gap("other"))
        return triangle.r, gap

    r, gap = x.once(read, *options)
    if not gap.response <= _SAME * gap.size:
        raise ValueError("endogenous variables in models are not the same")
    if weighted and not gap.weight <= _SAME * gap.weights:
        raise ValueError(f"the weights of the models are not the same, and {name} needs one kind")
    return Both(x, z, r, both, rows, options)


_SAME = 1e-8  # of the largest response: what statsmodels calls the same


def _projected(values: FloatArray, columns: FloatArray, n: int) -> FloatArray:
    """The part of some values that columns span, (p,)."""
    basis = _basis(columns, n)
    part: FloatArray = basis @ (basis.T @ values)
    return part


def _basis(columns: FloatArray, n: int) -> FloatArray:
    sizes = np.linalg.norm(columns, axis=0)
    u, s, _ = np.linalg.svd(columns / np.where(sizes > 0, sizes, 1.0), full_matrices=False)
    kept = s > s.max(initial=0.0) * noise(n, columns.shape[1])
    basis: FloatArray = u[:, kept]
    return basis


@dataclass(frozen=True)
class Encompassing:
    """The regression on the columns of one model and what the other has besides.

    Attributes
    ----------
    fit : Regression
        The regression.
    chosen : ndarray of int
        Its columns among those of both.
    tested : range
        Those that come from the other model, by their numbers in the regression.
    """

    fit: Regression
    chosen: NDArray[np.intp]
    tested: range

    def f_test(self) -> tuple[float, float, int, int]:
        """F, its p-value, degrees of freedom."""
        return self._row(*self.fit.f_test(self.tested))

    def wald(self, cov_type: str, meat: WhiteMeatState) -> tuple[float, float, int, int]:
        """The same by a robust covariance."""
        cov = covariance(self.fit, cov_type, lambda asked: meat)
        chi2, df = wald(self.fit.params, cov, self.tested)
        return self._row(ratio(chi2, df), df)

    def _row(self, f: float, df: int) -> tuple[float, float, int, int]:
        return f, float(stats.f.sf(f, df, self.fit.df_resid)), df, self.fit.df_resid


def _encompassing(both: Both, own: int, others: int) -> Encompassing:
    """Of the model whose columns start at one number, and the other, at another."""
    n, k, whole = both.x.nobs, both.x.k, both.r[:, 1:-1]
    count = {0: k, k: whole.shape[1] - k}
    first = own + _independent(whole[:, own : own + count[own]], n)
    base, rest = whole[:, first], whole[:, others : others + count[others]]
    beyond = rest - base @ linalg.lstsq(base, rest)[0]
    added = others + _independent(beyond, n, np.linalg.norm(rest, axis=0))
    chosen = np.concatenate((first, added))
    return Encompassing(both.regression(whole[:, chosen]), chosen, range(len(first), len(chosen)))


def _meats(both: Both, ways: list[Encompassing]) -> list[WhiteMeatState]:
    """What robust covariances of both regressions need, read together."""
    folds = [
        Auxiliary(
            ChosenColumns(both.map, tuple(way.chosen.tolist())), meat_of(way.fit), len(way.chosen)
        )
        for way in ways
    ]
    return list(both.rows.fold(both.x.name, *folds))


def _independent(columns: FloatArray, n: int, sizes: FloatArray | None = None) -> NDArray[np.intp]:
    """Columns that the others follow from, the clearest ones, in their order.

    What is left of a column counts by the size that it had before.
    """
    sizes = np.linalg.norm(columns, axis=0) if sizes is None else sizes
    scaled = columns / np.where(sizes > 0, sizes, 1.0)
    r, order = linalg.qr(scaled, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(r))
    kept = diagonal > max(1.0, diagonal.max(initial=0.0)) * noise(n, columns.shape[1]) * 8
    return np.sort(order[: len(diagonal)][kept])
