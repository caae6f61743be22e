"""Generalized linear models, of data in memory or of data that does not fit into it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import statsmodels.api as sm
from patsy import EvalEnvironment

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.families.kernels import SCALE_OF_ONE, checked_family, kernel_of, max_endog
from statsmodels_ooc.likelihoods.glm import GLMLikelihood
from statsmodels_ooc.likelihoods.opening import check_missing, open_formula, warn_of_levels
from statsmodels_ooc.models.arguments import chosen_start, warn_of_unknown
from statsmodels_ooc.models.door import Door, refuse_sources, refused
from statsmodels_ooc.models.glm_fits import GLMFits
from statsmodels_ooc.models.glm_values import GLMAnswers, GLMValues
from statsmodels_ooc.models.streamed import StreamedModel, column_stream
from statsmodels_ooc.sources.dask_array import from_arrays

_EXTRAS = ("offset", "exposure", "freq_weights", "var_weights")


class GLM(Door, sm.GLM):  # type: ignore[misc]
    """Generalized linear model, as `statsmodels.genmod.generalized_linear_model.GLM`.

    Parameters
    ----------
    endog : array_like or dask Array, Series, DataFrame, (n,) or (n, 2)
        The response; for a Binomial family also successes and failures. Dask
        collections stream, whatever is in memory already takes statsmodels' own road.
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

    def __init__(
        self,
        endog: Any,
        exog: Any,
        family: Any = None,
        offset: Any = None,
        exposure: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        missing: str = "none",
        **kwargs: Any,
    ) -> None:
        extras = (offset, exposure, freq_weights, var_weights)
        if self.becomes_streamed(endog, exog, *extras):
            streamed: Any = self
            streamed.open_arrays(endog, exog, family, extras, missing, **kwargs)
            return
        if type(self) is GLM:
            warn_of_unknown(self, kwargs, ["n_trials"])
        refuse_sources(endog, exog)
        super().__init__(endog, exog, family, *extras, missing, **kwargs)

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
        start, start_params = chosen_start(start, start_params)
        options = (maxiter, method, tol, scale, cov_type, cov_kwds, use_t)
        return super().fit(start_params, *options, full_output, disp, max_start_irls, **kwargs)


class StreamedGLM(GLMFits, GLMValues, GLMAnswers, StreamedModel, GLM):
    """A GLM on data that stays outside memory."""

    likelihood: GLMLikelihood
    _check_inputs = refused("_check_inputs", "the constructor checks its arguments by itself")
    _setup_binomial = refused(
        "_setup_binomial", "successes and failures are two columns of the response"
    )
    _fit_irls = refused("_fit_irls", "it is fit(method='IRLS')")
    _fit_gradient = refused("_fit_gradient", "it is fit(method='newton')")
    _update_history = refused("_update_history", "a fit tells its fit_history")

    def open_arrays(
        self,
        endog: Any,
        exog: Any,
        family: Any,
        extras: tuple[Any, ...],
        missing: str,
        hasconst: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Take dask collections in place of what the constructor of statsmodels takes."""
        trials = kwargs.pop("n_trials", None) if isinstance(family, sm.families.Binomial) else None
        warn_of_unknown(self, kwargs)
        given = _given(*extras)
        family = checked_family(family, "exposure" in given)
        if trials is not None:  # of proportions: what a clone is given
            successes = endog * trials
            endog = np.stack([successes, trials - successes], axis=1)
        check_missing(missing)
        source = from_arrays(endog, exog, max_endog=max_endog(family), **given)
        columns = {role: source.extra_columns[role] for role in given}
        stream, spec = column_stream(source, columns, missing)  # type: ignore[arg-type]
        names = {role: getattr(value, "name", None) for role, value in given.items()}
        named = {
            role: name if isinstance(name, str) and not hasattr(given[role], "chunks") else role
            for role, name in names.items()
        }
        self._set_up(stream, spec, family, named, hasconst, None, source.is_frame_like)

    def _open_formula(
        self,
        formula: Any,
        data: Any,
        subset: Any,
        drop_cols: Any,
        env: EvalEnvironment,
        family: Any = None,
        offset: Any = None,
        exposure: Any = None,
        freq_weights: Any = None,
        var_weights: Any = None,
        missing: str = "drop",
        hasconst: bool | None = None,
        **kwargs: Any,
    ) -> None:
        warn_of_unknown(self, {**kwargs, "formula": formula})
        family = checked_family(family, exposure is not None)
        given = _given(offset, exposure, freq_weights, var_weights)
        stream, spec = open_formula(
            formula,
            data,
            env=env,
            missing=missing,
            subset=subset,
            drop_cols=drop_cols,
            extras=given,
            max_endog=max_endog(family),
        )
        warn_of_levels(spec, family)
        self._set_up(stream, spec, family, given, hasconst, formula, True)

    def _set_up(
        self,
        stream: StreamedRows,
        spec: Any,
        family: Any,
        extras: Mapping[str, str],
        hasconst: bool | None,
        formula: Any,
        is_frame_like: bool,
    ) -> None:
        """Set what statsmodels' constructor would have set."""
        if spec.k == 0:
            raise DesignError("the design has no column", hint="'y ~ 1' has a constant")
        likelihood = GLMLikelihood(
            stream,
            spec,
            kernel_of(family),
            roles=frozenset(extras),
            starts_from_mean=not isinstance(family, sm.families.Binomial),
            hasconst=hasconst,
        )
        self.set_up(stream, spec, likelihood, hasconst, formula, is_frame_like=is_frame_like)
        self.family = family
        self.scaletype: str | float | None = None
        for role in _EXTRAS:
            setattr(self, f"_{role}_name", extras.get(role))
            setattr(self, f"_has_{role}", role in extras)
        self._init_keys += ["family", *_EXTRAS]
        if len(spec.endog_names) == 2:
            self._init_keys.append("n_trials")

    # --- what only a pass can tell

    # Of the types that statsmodels gives: counts are integers, unless weights make them sums.

    @cached_property
    def nobs(self) -> int:
        return int(self.likelihood.facts.rows)

    @cached_property
    def df_model(self) -> np.int64:
        return np.int64(self.likelihood.rank - 1)

    @cached_property
    def wnobs(self) -> Any:
        freq = self.likelihood.responses.freq
        return np.float64(freq) if "freq_weights" in self.likelihood.roles else int(freq)

    @cached_property
    def df_resid(self) -> Any:
        return self.wnobs - self.df_model - 1

    def get_distribution(
        self,
        params: Any,
        scale: float | None = None,
        exog: Any = None,
        exposure: Any = None,
        offset: Any = None,
        var_weights: Any = 1.0,
        n_trials: Any = 1.0,
    ) -> Any:
        """The predictive distribution at some parameters; see `GLMResults.get_distribution`."""
        weights = {"var_weights": var_weights, "n_trials": n_trials}
        if exog is not None:
            return super().get_distribution(params, scale, exog, exposure, offset, **weights)
        mu = np.asarray(self.predict(params, None, exposure, offset))
        if not isinstance(self.family, sm.families.Binomial) or np.all(n_trials == 1):
            del weights["n_trials"]
        discrete = isinstance(self.family, SCALE_OF_ONE)
        return self.family.get_distribution(mu, 1.0 if discrete else scale, **weights)

    def initialize(self) -> None:
        """Not available out of memory: it is run by statsmodels' own constructor."""
        raise NotImplementedError("initialize sets up arrays as long as the data")


GLM.streamed_class = StreamedGLM


def _given(*extras: Any) -> dict[str, Any]:
    """What goes with the rows, by role, in the order of statsmodels' arguments."""
    return {role: value for role, value in zip(_EXTRAS, extras, strict=True) if value is not None}
