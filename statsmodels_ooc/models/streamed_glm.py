"""Generalized linear models of data that stays outside memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from patsy import EvalEnvironment
from statsmodels.genmod import families

from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.families.kernels import SCALE_OF_ONE, checked_family, kernel_of, max_endog
from statsmodels_ooc.likelihoods.glm import GLMLikelihood
from statsmodels_ooc.likelihoods.opening import check_missing, open_formula, warn_of_levels
from statsmodels_ooc.likelihoods.stored import open_stored
from statsmodels_ooc.models.door import refused
from statsmodels_ooc.models.glm import GLM
from statsmodels_ooc.models.glm_fits import GLMFits
from statsmodels_ooc.models.glm_values import GLMAnswers, GLMValues
from statsmodels_ooc.models.keywords import warn_of_unknown
from statsmodels_ooc.models.streamed import StreamedModel, column_stream
from statsmodels_ooc.sources.dask_array import from_arrays
from statsmodels_ooc.sources.stored_design import StoredDesign

_EXTRAS = ("offset", "exposure", "freq_weights", "var_weights")


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
        trials = kwargs.pop("n_trials", None) if isinstance(family, families.Binomial) else None
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

    def open_design(
        self,
        store: StoredDesign,
        family: Any,
        extras: tuple[Any, ...],
        hasconst: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Take a design that was written out, with what stands beside its rows or other values."""
        warn_of_unknown(self, kwargs)
        given = _given(*extras)
        family = checked_family(family, "exposure" in given)
        stream, spec = open_stored(store, _EXTRAS, given, trials=max_endog(family) > 1)
        warn_of_levels(spec, family)
        named = {role: role for role in spec.stored_extras if role != "trials"}
        self._set_up(stream, spec, family, named, hasconst, spec.formula, True)

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
            starts_from_mean=not isinstance(family, families.Binomial),
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
        if not isinstance(self.family, families.Binomial) or np.all(n_trials == 1):
            del weights["n_trials"]
        discrete = isinstance(self.family, SCALE_OF_ONE)
        return self.family.get_distribution(mu, 1.0 if discrete else scale, **weights)

    def initialize(self) -> None:
        """Not available out of memory: it is run by statsmodels' own constructor."""
        raise NotImplementedError("initialize sets up arrays as long as the data")


def _given(*extras: Any) -> dict[str, Any]:
    """What goes with the rows, by role, in the order of statsmodels' arguments."""
    return {role: value for role, value in zip(_EXTRAS, extras, strict=True) if value is not None}
