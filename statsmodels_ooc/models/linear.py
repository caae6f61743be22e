"""OLS and WLS on data that does not fit into memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import statsmodels.api as sm

from statsmodels_ooc.models.in_memory_only import InMemoryOnly
from statsmodels_ooc.models.streamed import refuse_sources
from statsmodels_ooc.models.streamed_linear import StreamedLinear
from statsmodels_ooc.results.linear import OLSResults
from statsmodels_ooc.solvers import gaussian
from statsmodels_ooc.sources.dask_array import is_lazy

__all__ = ["OLS", "WLS"]


class WLS(StreamedLinear, sm.WLS):  # type: ignore[misc]
    """Weighted least squares, as `statsmodels.regression.linear_model.WLS`.

    Parameters
    ----------
    endog : array_like or dask Array, Series, (n,)
        The response. Dask collections stream, whatever is in memory already takes
        statsmodels' own road.
    exog : array_like or dask Array, DataFrame, (n, k)
        The design. No constant is added.
    weights : array_like or dask Array, Series, (n,), optional
        Proportional to the inverse variances.
    missing : {"none", "drop", "raise"}
        What happens to rows with missing values. Out of memory "none" refuses them.
    hasconst : bool, optional
        Whether the design holds a constant; found out by default.
    **kwargs
        As statsmodels.

    See Also
    --------
    WLS.from_formula : A formula and a file, or anything else that `as_source` takes;
        ``weights`` is then a column's name or an expression.

    Examples
    --------
    >>> import pandas as pd
    >>> import statsmodels_ooc.api as smo
    >>> frame = pd.DataFrame(
    ...     {"y": [1.0, 3.0, 2.0, 5.0], "x": [0.0, 1.0, 2.0, 3.0], "w": [1.0, 2.0, 2.0, 1.0]}
    ... )
    >>> res = smo.WLS.from_formula("y ~ x", smo.as_source(frame), weights="w").fit()
    >>> res.params.round(3).to_dict()
    {'Intercept': 1.303, 'x': 0.909}
    """

    _cloned = ("weights",)

    def __init__(
        self,
        endog: Any,
        exog: Any,
        weights: Any = 1.0,
        missing: str = "none",
        hasconst: bool | None = None,
        **kwargs: Any,
    ) -> None:
        if type(self) is WLS:
            self._warn_of_unknown(kwargs)
        if is_lazy(endog, exog, weights):
            if not is_lazy(weights) and np.ndim(weights) == 0 and float(weights) == 1.0:
                weights = None
            self._start_arrays(endog, exog, weights, missing, hasconst)
        else:
            refuse_sources(endog, exog)
            super().__init__(endog, exog, weights, missing, hasconst, **kwargs)

    def loglike(self, params: Any) -> Any:
        """The Gaussian log-likelihood, the scale profiled out."""
        if self._stream is None:
            return super().loglike(params)
        ssr, facts = self.likelihood.fit().ssr_at(np.asarray(params)), self.likelihood.facts
        return np.float64(gaussian.concentrated_loglike(ssr, facts.rows, facts.log_weights))


class OLS(StreamedLinear, sm.OLS):  # type: ignore[misc]
    """Ordinary least squares, as `statsmodels.regression.linear_model.OLS`.

    Parameters
    ----------
    endog : array_like or dask Array, Series, (n,)
        The response. Dask collections stream, whatever is in memory already takes
        statsmodels' own road.
    exog : array_like or dask Array, DataFrame, (n, k)
        The design. No constant is added.
    missing : {"none", "drop", "raise"}
        What happens to rows with missing values. Out of memory "none" refuses them.
    hasconst : bool, optional
        Whether the design holds a constant; found out by default.
    **kwargs
        As statsmodels.

    See Also
    --------
    OLS.from_formula : A formula and a file, or anything else that `as_source` takes.

    Examples
    --------
    >>> import dask.array as da
    >>> import statsmodels_ooc.api as smo
    >>> x = da.arange(10.0, chunks=4)
    >>> res = smo.OLS(2 + 3 * x, da.stack([da.ones_like(x), x], axis=1)).fit()
    >>> res.params.round(6)
    array([2., 3.])
    """

    results_kind = OLSResults
    _setup_score_hess = InMemoryOnly("score and hessian need no setting up")
    _sqrt_lasso = InMemoryOnly("it is fit_regularized('sqrt_lasso', alpha)")

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        missing: str = "none",
        hasconst: bool | None = None,
        **kwargs: Any,
    ) -> None:
        if is_lazy(endog, exog):
            if kwargs.pop("weights", None) is not None:
                self._warn_of_weights()
            if kwargs.get("offset") is not None:
                raise NotImplementedError(
                    "OLS out of memory has no offset, which statsmodels' elastic net wants: "
                    "fit_regularized penalises; elsewhere subtract the offset from endog"
                )
            self._warn_of_unknown(kwargs)
            self._start_arrays(endog, exog, None, missing, hasconst)
            return
        refuse_sources(endog, exog)
        super().__init__(endog, exog, missing, hasconst, **kwargs)
        if type(self) is OLS:
            self._warn_of_unknown(kwargs, ["offset"])

    def loglike(self, params: Any, scale: float | None = None) -> Any:
        """The Gaussian log-likelihood; the scale profiled out where it is None."""
        if self._stream is None:
            return super().loglike(params, scale)
        ssr = self.likelihood.fit().ssr_at(np.asarray(params))
        if scale is None:
            return np.float64(gaussian.concentrated_loglike(ssr, self.nobs))
        return np.float64(gaussian.loglike(ssr, self.nobs, scale))

    def score(self, params: Any, scale: float | None = None) -> Any:
        """The gradient of `loglike`, (k,)."""
        if self._stream is None:
            return super().score(params, scale)
        return gaussian.score(self.likelihood.fit(), np.asarray(params), self.nobs, scale)

    def hessian(self, params: Any, scale: float | None = None) -> Any:
        """The Hessian of `loglike`, (k, k)."""
        if self._stream is None:
            return super().hessian(params, scale)
        return gaussian.hessian(self.likelihood.fit(), np.asarray(params), self.nobs, scale)

    def _fit_ridge(self, alpha: Any) -> Any:
        if self._stream is None:
            return super()._fit_ridge(alpha)
        return self.fit_regularized("elastic_net", alpha, L1_wt=0.0)
