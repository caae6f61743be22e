"""Generalized linear models, of data in memory or of data that does not fit into it."""

from __future__ import annotations

from typing import Any

import statsmodels.genmod.generalized_linear_model as glm

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.models.door import Door, refuse_sources
from statsmodels_ooc.models.keywords import chosen_start, refuse_checkpoint, warn_of_unknown
from statsmodels_ooc.sources.stored_arrays import opened_arrays


class GLM(Door, glm.GLM):  # type: ignore[misc]
    """Generalized linear model, as `statsmodels.genmod.generalized_linear_model.GLM`.

    Parameters
    ----------
    endog : array_like or dask Array, Series, DataFrame, (n,) or (n, 2), or DesignStore
        The response; for a Binomial family also successes and failures. A store, of
        `design_store`, has the design as well. Dask collections stream, whatever is in
        memory already takes statsmodels' own road.
    exog : array_like or dask Array, DataFrame, (n, k)
        The design. No constant is added.
    family : statsmodels.genmod.families.Family, optional
        The family and its link; Gaussian by default.
    offset : array_like or dask Array, Series, (n,), optional
        Added to the linear predictor.
    exposure : array_like or dask Array, Series, (n,), optional
        Its logarithm is added to the linear predictor; for the log link only.
    freq_weights : array_like or dask Array, Series, (n,), optional
        How many times a row counts.
    var_weights : array_like or dask Array, Series, (n,), optional
        Proportional to the inverse variances.
    missing : {"none", "drop", "raise"}
        What happens to rows with missing values. Out of memory "none" refuses them.
    **kwargs
        As statsmodels.

    See Also
    --------
    GLM.from_formula : A formula and a file, or anything else that `as_source` takes;
        offset, exposure and weights are then columns' names or expressions.

    Examples
    --------
    >>> import pandas as pd
    >>> import statsmodels.api as sm
    >>> import statsmodels_ooc.api as smo
    >>> frame = pd.DataFrame({"y": [0, 1, 2, 4, 9], "x": [0.0, 1.0, 2.0, 3.0, 4.0]})
    >>> model = smo.GLM.from_formula("y ~ x", smo.as_source(frame), family=sm.families.Poisson())
    >>> model.fit().params.round(4).to_dict()
    {'Intercept': -1.1237, 'x': 0.8359}
    """

    streamed_class = "statsmodels_ooc.models.streamed_glm:StreamedGLM"

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        family: Any = None,
        offset: Any = None,
        exposure: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        missing: str = "none",
        **kwargs: Any,
    ) -> None:
        streamed: Any = self
        if self.becomes_stored(endog, exog):
            extras = (offset, exposure, freq_weights, var_weights)
            streamed.open_design(endog, family, extras, **kwargs)
            return
        given = (endog, exog, offset, exposure, freq_weights, var_weights)
        endog, exog, *opened = opened_arrays(*given)
        if self.becomes_streamed(endog, exog, *opened):
            streamed.open_arrays(endog, exog, family, tuple(opened), missing, **kwargs)
            return
        if type(self) is GLM:
            warn_of_unknown(self, kwargs, ["n_trials"])
        refuse_sources(endog, exog)
        super().__init__(endog, exog, family, *opened, missing, **kwargs)

    def fit(
        self,
        start_params: Any = None,
        maxiter: int = 100,
        method: str = "IRLS",
        tol: float = 1e-8,
        scale: str | float | None = None,
        cov_type: str = "nonrobust",
        cov_kwds: dict[str, Any] | None = None,
        use_t: bool | None = None,
        full_output: bool = True,
        disp: bool = False,
        max_start_irls: int = 3,
        *,
        start: str | FloatArray | None = "pilot",
        compress: bool = True,
        checkpoint: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Fit the model.

        Parameters
        ----------
        start_params : array_like, (k,), optional
            Where to start.
        maxiter : int
            Most iterations. None of them, 0, evaluates the start.
        method : str
            "IRLS", or a method of statsmodels' optimizers such as "newton", "bfgs" and
            "lbfgs", of which every evaluation is a pass.
        tol : float
            How still the deviance must stand.
        scale : {"X2", "dev"} or float, optional
            How the scale is estimated, or its value; as for statsmodels.
        cov_type : str
            The covariance estimator: "nonrobust", "eim", or one of those that
            :doc:`/standard_errors` lists. The robust ones take one more pass.
        cov_kwds : dict, optional
            Keywords of the covariance estimator.
        use_t : bool, optional
            Whether tests use Student's t; they do not by default.
        full_output, disp, max_start_irls
            As for statsmodels, where `method` is not "IRLS".
        start : {"pilot", "statsmodels"} or array_like, (k,)
            "pilot" fits a sample of the rows first, starts there and corrects the steps by
            it, so that two to five passes will do; "statsmodels" starts from the responses,
            and takes the same iterations as statsmodels.
        compress : bool
            Fold the data once into its distinct rows, where there are few, and iterate on
            those in memory; from the start "pilot" only.
        checkpoint : str or os.PathLike, optional
            A folder in which passes keep what they have folded, by partition. A fit that was
            killed and is made again with the same data, formula, options and arguments goes
            on from there, and ends with the same bits. Only for data outside memory.
        **kwargs
            ``atol``, ``rtol`` and ``tol_criterion`` ("deviance" or "params") for IRLS, and
            the options of the other methods.

        Returns
        -------
        GLMResultsWrapper
            Also an instance of the `GLMResults` inside.

        Raises
        ------
        EmptyDataError, MissingDataError, DesignError
            No row is left, a value is not finite, the family cannot have a response, there
            are no more rows than columns, or the start gives means that the family cannot
            have.

        Warns
        -----
        ConvergenceWarning
            The iterations did not converge; it tells the norm of the score.
        PerfectSeparationWarning
            The responses are predicted perfectly.

        Notes
        -----
        k steps of IRLS take k + 1 passes: one pass at some parameters gives the deviance
        there and the normal equations of the next step. Where the score says that the
        deviance will not move any more, the last step is taken without another pass.

        Examples
        --------
        >>> import pandas as pd
        >>> import statsmodels.api as sm
        >>> import statsmodels_ooc.api as smo
        >>> frame = pd.DataFrame({"y": [0, 1, 2, 4, 9], "x": [0.0, 1.0, 2.0, 3.0, 4.0]})
        >>> data = smo.as_source(frame)
        >>> res = smo.GLM.from_formula("y ~ x", data, family=sm.families.Poisson()).fit()
        >>> round(float(res.deviance), 4), res.converged
        (0.7704, True)
        """
        refuse_checkpoint(checkpoint)
        start, start_params = chosen_start(start, start_params)
        options = (maxiter, method, tol, scale, cov_type, cov_kwds, use_t)
        return super().fit(start_params, *options, full_output, disp, max_start_irls, **kwargs)
