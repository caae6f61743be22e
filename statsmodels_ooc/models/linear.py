"""OLS and WLS, of data in memory or of data that does not fit into it."""

from __future__ import annotations

from typing import Any

import numpy as np
import statsmodels.regression.linear_model as lm

from statsmodels_ooc.models.door import Door, refuse_sources
from statsmodels_ooc.models.keywords import refuse_checkpoint, warn_of_unknown, warn_of_weights
from statsmodels_ooc.sources.dask_kinds import is_lazy
from statsmodels_ooc.sources.stored_arrays import opened_arrays


class LinearDoor(Door):
    """What OLS and WLS share."""

    def fit(
        self,
        method: str = "pinv",
        cov_type: str = "nonrobust",
        cov_kwds: dict[str, Any] | None = None,
        use_t: bool | None = None,
        *,
        checkpoint: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Fit the model.

        Parameters
        ----------
        method : {"pinv", "qr", "auto", "gram"}
            How the rows are folded and what is made of the result. "pinv", the
            default, and "auto" choose between a triangular factor (TSQR) and a Gram
            matrix, which is cheaper for many columns and is used where it gives at
            least nine correct digits; a short rank gives the minimum-norm solution
            and a `SingularMatrixWarning` that names the columns. "qr" always folds
            the triangular factor and refuses a singular design. "gram" refuses where
            "auto" would not trust it.
        cov_type : str
            The covariance estimator: "nonrobust", or one of those that :doc:`/standard_errors`
            lists. The robust ones take one more pass.
        cov_kwds : dict, optional
            Keywords of the covariance estimator.
        use_t : bool, optional
            Whether tests use Student's t; by default for "nonrobust" only.
        checkpoint : str or os.PathLike, optional
            A folder in which passes keep what they have folded, by partition. A fit that was
            killed and is made again with the same data, formula, options and arguments goes
            on from there, and ends with the same bits. Only for data outside memory.
        **kwargs
            Set on the results of WLS, as statsmodels does.

        Returns
        -------
        RegressionResultsWrapper
            Also an instance of the `OLSResults` or `RegressionResults` inside.

        Raises
        ------
        LinAlgError
            The design is singular and `method` is "qr".
        PrecisionError
            `method` is "gram" and the Gram matrix is too ill-conditioned.
        EmptyDataError, MissingDataError, DesignError
            No row is left, a value is not finite, or there are no more rows than
            columns.

        Notes
        -----
        One pass over the data, two where a Gram matrix turns out not to be good
        enough. Fitting again costs no pass.

        Examples
        --------
        >>> import pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> frame = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0], "x": [0.0, 1.0, 2.0, 3.0]})
        >>> res = smo.OLS.from_formula("y ~ x", smo.as_source(frame)).fit()
        >>> res.params.round(3).to_dict()
        {'Intercept': 1.1, 'x': 1.1}
        """
        refuse_checkpoint(checkpoint)
        return super().fit(  # type: ignore[misc]
            "pinv" if method == "auto" else method, cov_type, cov_kwds, use_t, **kwargs
        )


def _is_one(weights: Any) -> bool:
    """Whether weights are left out: those that are all the same are none."""
    return not is_lazy(weights) and np.ndim(weights) == 0 and weights in (None, 1.0)


class WLS(LinearDoor, lm.WLS):  # type: ignore[misc]
    """Weighted least squares, as `statsmodels.regression.linear_model.WLS`.

    Parameters
    ----------
    endog : array_like or dask Array, Series, (n,), or DesignStore
        The response; a store, of `design_store`, has the design as well. Dask collections
        stream, whatever is in memory already takes statsmodels' own road.
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

    streamed_class = "statsmodels_ooc.models.streamed_linear:StreamedWLS"

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        weights: Any = 1.0,
        missing: str = "none",
        hasconst: bool | None = None,
        **kwargs: Any,
    ) -> None:
        streamed: Any = self
        if self.becomes_stored(endog, exog):
            warn_of_unknown(self, kwargs)
            streamed.open_design(endog, None if _is_one(weights) else weights, hasconst)
            return
        endog, exog, weights = opened_arrays(endog, exog, weights)
        if not self.becomes_streamed(endog, exog, weights):
            if type(self) is WLS:
                warn_of_unknown(self, kwargs)
            refuse_sources(endog, exog)
            super().__init__(endog, exog, weights, missing, hasconst, **kwargs)
            return
        if type(self).door is WLS:
            warn_of_unknown(self, kwargs)
        streamed.open_arrays(endog, exog, None if _is_one(weights) else weights, missing, hasconst)


class OLS(LinearDoor, lm.OLS):  # type: ignore[misc]
    """Ordinary least squares, as `statsmodels.regression.linear_model.OLS`.

    Parameters
    ----------
    endog : array_like or dask Array, Series, (n,), or DesignStore
        The response; a store, of `design_store`, has the design as well. Dask collections
        stream, whatever is in memory already takes statsmodels' own road.
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

    streamed_class = "statsmodels_ooc.models.streamed_linear:StreamedOLS"

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        missing: str = "none",
        hasconst: bool | None = None,
        **kwargs: Any,
    ) -> None:
        streamed: Any = self
        if self.becomes_stored(endog, exog):
            warn_of_unknown(self, kwargs)
            streamed.open_design(endog, None, hasconst)
            return
        endog, exog = opened_arrays(endog, exog)
        if not self.becomes_streamed(endog, exog):
            refuse_sources(endog, exog)
            super().__init__(endog, exog, missing, hasconst, **kwargs)
            if type(self) is OLS:
                warn_of_unknown(self, kwargs, ["offset"])
            return
        if kwargs.pop("weights", None) is not None:
            warn_of_weights()
        if kwargs.get("offset") is not None:
            raise NotImplementedError(
                "OLS out of memory has no offset, which statsmodels' elastic net wants: "
                "fit_regularized penalises; elsewhere subtract the offset from endog"
            )
        warn_of_unknown(self, kwargs)
        streamed.open_arrays(endog, exog, None, missing, hasconst)
