"""Elastic net and ridge over many penalties, from what a fit knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import number_between, numbers_not_negative, share, whole_number
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.solvers.criteria import Criterion
from statsmodels_ooc.solvers.penalized_path import Path, largest_alpha, penalized_path

_LEAST_L1 = 1e-3  # with which the largest penalty of a ridge path is found


@dataclass(frozen=True)
class RegularizationPath:
    """Parameters of penalised fits by penalty.

    Attributes
    ----------
    params : DataFrame, (a, k)
        A row for each alpha, the largest first.
    table : DataFrame, (a, 5)
        By alpha the degrees of freedom ``df``, the sum of squared residuals ``ssr``, ``rsquared``,
        and ``aic`` and ``bic`` at these degrees of freedom.
    L1_wt : float
        The share of the L1 penalty.
    """

    params: pd.DataFrame
    table: pd.DataFrame
    L1_wt: float

    def __repr__(self) -> str:
        return f"{self._headline}\n{self.table}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._headline)}</p>{self.table.to_html()}"

    @property
    def _headline(self) -> str:
        kind = {0.0: "ridge", 1.0: "lasso"}.get(self.L1_wt, f"elastic net, L1_wt={self.L1_wt:g},")
        return f"{kind} path of {self.params.shape[1]} parameters, {len(self.params)} penalties"


def regularization_path(
    results: Any,
    alphas: Any,
    L1_wt: float,
    factors: Any,
    *,
    standardize: bool,
    n_alphas: int,
    eps: float,
) -> RegularizationPath:
    """Penalised fits over a grid; see `HasPath.regularization_path`."""
    L1_wt = number_between("L1_wt", L1_wt, 0, 1, "from 0, ridge, to 1, lasso")
    likelihood = results.model.likelihood
    facts, r = likelihood.facts, likelihood.factor
    names = list(results.model.exog_names)
    sizes = _factors(factors, names)
    spread = np.linalg.norm(r[1:, 1:-1], axis=0) / abs(r[0, 0]) if standardize else np.ones(1)
    unit = facts.total_weight / facts.rows  # as statsmodels measures the penalties of WLS
    l1, l2 = unit * L1_wt * sizes * spread, unit * (1 - L1_wt) * sizes * spread**2
    with one_blas_thread():
        if alphas is None:
            grid = _grid(r, facts.rows, unit * sizes * spread, L1_wt, n_alphas, eps)
        else:
            grid = _checked(alphas)
        found = _with_zero(results, r, grid, l1, l2)
    index = pd.Index(grid, name="alpha")
    return RegularizationPath(
        pd.DataFrame(found.params, index, names), _table(results, found, index), float(L1_wt)
    )


def _with_zero(
    results: Any, r: FloatArray, alphas: FloatArray, l1: FloatArray, l2: FloatArray
) -> Path:
    """The path; without a penalty it ends at least squares themselves."""
    fit, some = results.model.likelihood.fit(), alphas > 0
    params = np.tile(fit.params, (len(alphas), 1))
    df = np.full(len(alphas), float(fit.rank))
    if some.any() and (l1.any() or l2.any()):
        found = penalized_path(r, fit.rows, alphas[some], l1, l2)
        params[some], df[some] = found.params, found.df
    return Path(params, df)


def _factors(given: Any, names: list[str]) -> FloatArray:
    """One factor for each column, (k,), by its name where names are given."""
    if isinstance(given, Mapping | pd.Series):
        unknown = [name for name in given.keys() if name not in names]  # noqa: SIM118
        if unknown:
            raise OptionError(f"factors: the design has no column {unknown[0]!r}, but {names}")
        given = [given.get(name, 1.0) for name in names]
    factors = np.ones(len(names)) if given is None else numbers_not_negative("factors", given)
    if factors.shape != (len(names),):
        raise OptionError(
            f"factors are {len(names)} numbers, 0 for a column without a penalty, not an array of "
            f"shape {factors.shape}"
        )
    return factors


def _checked(alphas: Any) -> FloatArray:
    grid = np.atleast_1d(numbers_not_negative("alphas", alphas))
    if grid.ndim != 1 or not len(grid):
        raise OptionError(f"alphas are numbers, one at the least, not an array of {grid.shape}")
    return np.sort(grid)[::-1]


def _grid(
    r: FloatArray, rows: int, sizes: FloatArray, L1_wt: float, n_alphas: int, eps: float
) -> FloatArray:
    """Penalties from the smallest that leaves nothing down to a share of it."""
    n_alphas = whole_number("n_alphas", n_alphas, 1)
    eps = share("eps", eps)
    top = largest_alpha(r, rows, sizes) / max(L1_wt, _LEAST_L1)
    grid: FloatArray = np.geomspace(top, eps * top, n_alphas) if top > 0 else np.zeros(1)
    return grid


def _table(results: Any, path: Path, index: pd.Index[Any]) -> pd.DataFrame:
    facts = results.model.likelihood.facts
    fit, k_constant = results.model.likelihood.fit(), int(results.k_constant)
    tss = float(results.centered_tss if k_constant else results.uncentered_tss)
    table = pd.DataFrame({"df": path.df}, index)
    table["ssr"] = [fit.ssr_at(params) for params in path.params]
    table["rsquared"] = 1 - table["ssr"] / tss if tss > 0 else np.nan
    for name in ("aic", "bic"):
        judge = Criterion(name, facts.rows, 1.0, fit.rank, tss, k_constant, facts.log_weights)
        pairs = zip(table["ssr"], path.df, strict=True)
        table[name] = [judge.value(ssr, df) for ssr, df in pairs]
    return table


class HasPath:
    """A mixin for results of linear models that stream: penalised fits over many penalties."""

    def regularization_path(
        self,
        alphas: Any = None,
        L1_wt: float = 1.0,
        *,
        factors: Any = None,
        standardize: bool = False,
        n_alphas: int = 100,
        eps: float = 1e-3,
    ) -> RegularizationPath:
        r"""Elastic net, lasso or ridge over a grid of penalties; no pass.

        Parameters
        ----------
        alphas : array_like, optional
            The penalties; by default `n_alphas` of them, evenly on a logarithmic scale, from the
            smallest that leaves no penalised column to `eps` of it. Of ridge that of an L1 share
            of 0.001 is the largest.
        L1_wt : float
            The share of the L1 penalty: 1 for the lasso, 0 for ridge.
        factors : array_like, (k,), optional
            What `alpha` is multiplied by for each column, 0 for one without a penalty. By default
            all are 1, as in statsmodels, that of the intercept too.
        standardize : bool
            Whether the penalties are those of columns divided by their standard deviations, so
            that units take no part. A constant has none, and no penalty.
        n_alphas, eps : int, float
            Of the default grid.

        Returns
        -------
        RegularizationPath
            With ``params``, a row for each alpha, the largest first, and ``table``.

        Raises
        ------
        OptionError
            A penalty, a share or a factor is none.

        Notes
        -----
        At each alpha, with the factors f and the L1 share w,

        .. math:: \min_b \frac{1}{2n} \lVert y - X b \rVert^2
           + \alpha \sum_j f_j \left( w |b_j| + \frac{1 - w}{2} b_j^2 \right),

        which is what ``fit_regularized(alpha=alpha, L1_wt=w)`` minimises, WLS with rows and
        response times the root of the weights, and alpha times the mean weight. Factors of 0 for
        the intercept give scikit-learn's ``Lasso(alpha)`` and ``ElasticNet(alpha, l1_ratio=w)``,
        and its ``Ridge(n * alpha)`` for w = 0; ``standardize=True`` the lasso of R's ``glmnet``
        at ``lambda = alpha``, whose ridge part is divided by the standard deviation of y.
        Solutions of the lasso are exact, and their zeros zero.

        References
        ----------
        Friedman, Hastie, Tibshirani (2010). Regularization paths for generalized linear models
        via coordinate descent. J. Statistical Software 33(1).

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> import statsmodels_ooc.formula.api as smof
        >>> rng = np.random.default_rng(0)
        >>> frame = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcy"))
        >>> frame["y"] += frame["a"] - frame["c"]
        >>> res = smof.ols("y ~ a + b + c", smo.as_source(frame)).fit()
        >>> path = res.regularization_path([0.5, 0.1], standardize=True)
        >>> (path.params != 0).sum(axis=1).to_dict()
        {0.5: 3, 0.1: 3}
        """
        return regularization_path(
            self,
            alphas,
            L1_wt,
            factors,
            standardize=standardize,
            n_alphas=n_alphas,
            eps=eps,
        )
