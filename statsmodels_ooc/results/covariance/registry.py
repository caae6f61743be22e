"""Which robust covariances there are, and how results get one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import number_between
from statsmodels_ooc.errors import CovarianceWarning, OptionError, warn_caller
from statsmodels_ooc.families.elementwise import quiet
from statsmodels_ooc.results.covariance.base import Covariance, ScoredFit
from statsmodels_ooc.results.covariance.cluster import Cluster, Jackknife
from statsmodels_ooc.results.covariance.glm import GLMScored, GLMWhite
from statsmodels_ooc.results.covariance.hac import HAC
from statsmodels_ooc.results.covariance.hac_groupsum import PeriodHAC
from statsmodels_ooc.results.covariance.hac_panel import PanelHAC
from statsmodels_ooc.results.covariance.linear import FixedScale, LinearScored, White

_HC = ("HC0", "HC1", "HC2", "HC3")
_LARGEST = np.finfo(np.float64).max
_SHORT = 30  # characters of a keyword
LINEAR: list[Covariance[LinearScored]] = [
    FixedScale(),
    *map(White, _HC),
    Cluster(),
    Jackknife("cluster-crv3"),
    Jackknife("cluster-jk"),
    HAC(),
    PanelHAC(),
    PeriodHAC(),
]
GLM: list[Covariance[GLMScored]] = [
    *map(GLMWhite, _HC),
    Cluster(),
    HAC(),
    PanelHAC(),
    PeriodHAC(),
]

_ALIASES = {"nw panel": "hac panel", "nw groupsum": "hac groupsum"}


def checked(
    registry: Sequence[Covariance[Any]], cov_type: str, cov_kwds: Mapping[str, Any] | None
) -> tuple[Covariance[Any] | None, Any]:
    """A covariance and its options; None for "nonrobust".

    Raises
    ------
    TypeError
        It is one of linear models alone.
    ValueError
        There is no such covariance.
    OptionError
        It has no such keyword, or lacks one.
    """
    if cov_type == "nonrobust":
        _warn_of_unused(cov_kwds)
        return None, None
    entry = _entry(registry, cov_type)
    if entry is not None:
        return entry, _options(entry, cov_kwds or {})
    listed = ", ".join(("nonrobust", *(entry.name for entry in registry)))
    if is_known(LINEAR, cov_type):
        raise TypeError(
            f"cov_type={cov_type!r} is one of OLS and WLS alone; available are {listed}"
        )
    meant = _meant(cov_type)
    raise ValueError(f"cov_type {cov_type!r} not recognized{meant}; available are {listed}")


_ELSEWHERE = {
    "hac-groupsum": ("dk", "driscoll kraay", "xtscc"),
    "HAC": ("newey west", "neweywest", "nw", "newey"),
    "cluster": ("cl", "crv1", "group", "groups", "vce"),
    "HC1": ("white", "robust", "hetero", "sandwich"),
}  # what other programs call them


def _meant(cov_type: Any) -> str:
    """Which covariance an unknown name may be meant for."""
    told = _plain(str(cov_type))
    names = {_plain(entry.name): entry.name for entry in LINEAR}
    names |= {other: name for name, others in _ELSEWHERE.items() for other in others}
    near = get_close_matches(told, names, n=1, cutoff=0.75)
    return f"; did you mean {names[near[0]]!r}?" if near else ""


def is_known(registry: Sequence[Covariance[Any]], cov_type: Any) -> bool:
    """Whether there is a robust covariance of this name."""
    return _entry(registry, cov_type) is not None


def _entry(registry: Sequence[Covariance[Any]], cov_type: Any) -> Covariance[Any] | None:
    name = _plain(str(cov_type))
    name = _ALIASES.get(name, name)
    return next((entry for entry in registry if _plain(entry.name) == name), None)


def _warn_of_unused(cov_kwds: Any) -> None:
    unused = [] if not isinstance(cov_kwds, Mapping) else [n for n in cov_kwds if n not in _SHARED]
    if unused:
        warn_caller(
            f"cov_kwds has {', '.join(map(repr, unused))}, and cov_type='nonrobust' takes no "
            "keywords: is a cov_type missing?",
            CovarianceWarning,
        )


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").replace("-", " ")


def _options(entry: Covariance[Any], keywords: Mapping[str, Any]) -> Any:
    """The keywords as the covariance's options."""
    if not isinstance(keywords, Mapping):
        raise OptionError(f"cov_kwds={keywords!r}; it is a dict of keywords of {entry.name!r}")
    factor = keywords.get("scaling_factor")
    if factor is not None:
        number_between("scaling_factor", factor, -_LARGEST, _LARGEST, "not infinite")
    keywords = {name: value for name, value in keywords.items() if name not in _SHARED}
    known = {option.name: option for option in fields(entry.Options)}
    unknown = [name for name in keywords if name not in known]
    if unknown:
        raise OptionError(
            f"cov_type={entry.name!r} has no keyword {', '.join(map(repr, unknown))}; it has "
            f"{', '.join((*known, *_SHARED))}"
        )
    lacking = [n for n, o in known.items() if o.default is MISSING and n not in keywords]
    if lacking:
        chosen = "; maxlags=None chooses it by the number of rows" if "maxlags" in lacking else ""
        raise OptionError(f"cov_type={entry.name!r} needs {', '.join(lacking)} in cov_kwds{chosen}")
    return entry.Options(**keywords)


_SHARED = ("scaling_factor", "use_t")


def set_covariance(
    results: Any,
    registry: Sequence[Covariance[Any]],
    fit: ScoredFit,
    cov_type: str,
    cov_kwds: Mapping[str, Any],
    use_t: bool | None,
) -> None:
    """Give results a robust covariance for everything that is asked of them afterwards.

    Parameters
    ----------
    results : results
        They get what statsmodels' `get_robustcov_results` sets.
    registry : sequence of Covariance
        `LINEAR` or `GLM`.
    fit : ScoredFit
        What the covariance asks.
    cov_type, cov_kwds, use_t
        As statsmodels.
    """
    entry, options = checked(registry, cov_type, cov_kwds)
    if entry is None:
        raise ValueError("cov_type 'nonrobust' is no robust covariance")
    _note_het_scale(results, entry)
    robust = entry.of(fit, options)
    cov = _scaled(robust.cov, cov_kwds)
    use_t = cov_kwds.get("use_t") if use_t is None else use_t
    results.use_t = results.use_t if use_t is None else use_t
    results.cov_type = entry.name
    results.cov_estimator = entry, options
    results.cov_kwds = {
        "use_t": results.use_t,
        "adjust_df": "df_resid_inference" in robust.attributes,
        **robust.told,
        "description": robust.description,
    }
    factor = cov_kwds.get("scaling_factor")
    if registry is GLM or factor is not None:  # as statsmodels
        results.cov_kwds["scaling_factor"] = factor
    for name, value in robust.attributes.items():
        setattr(results, name, value)
    results.cov_params_default = cov


def _listed(kinds: Any) -> Iterable[Any]:
    """What may be one name or one pair, too."""
    match kinds:
        case str() | (str(), Mapping()):
            return [kinds]
        case Iterable():
            return kinds
    raise OptionError(f"{kinds!r} is no list of covariances, such as ['HC1', 'HC3']")


def _shown(keywords: Mapping[str, Any]) -> str:
    """Keywords for the head of a column; of values for all rows the name alone."""
    short = {n: v for n, v in keywords.items() if isinstance(v, str | float | int | list | tuple)}
    told = {n: repr(v) if len(repr(v)) <= _SHORT else "..." for n, v in short.items()}
    return ", ".join(f"{name}={told.get(name, '...')}" for name in keywords)


def _kind(given: Any) -> tuple[str, Mapping[str, Any]]:
    """A ``cov_type`` and its keywords."""
    if isinstance(given, str):
        return given, {}
    match given:
        case (str(kind), Mapping() as keywords):
            return kind, keywords
    raise OptionError(f"{given!r} is neither a cov_type nor a pair (cov_type, cov_kwds)")


def _note_het_scale(results: Any, entry: Covariance[Any]) -> None:
    """Note what `het_scale` of linear results is about."""
    if entry.name in _HC and hasattr(results, "het_kind"):
        results.het_kind = entry.name
        results.__dict__.pop("het_scale", None)


def _scaled(cov: FloatArray, cov_kwds: Mapping[str, Any]) -> FloatArray:
    factor = cov_kwds.get("scaling_factor")
    return cov if factor is None else cov * factor


def _property(name: str) -> property:
    def cov(self: HasCovariances) -> FloatArray:
        return self.covariance(name)

    return property(cov, doc=f"Heteroscedasticity-robust covariance {name}, (k, k).")


class HasCovariances:
    """A mixin for results: any covariance of the parameters, and statsmodels' attributes."""

    registry: ClassVar[Sequence[Covariance[Any]]]
    model: Any
    normalized_cov_params: Any
    scale: Any

    @property
    def scored(self) -> Any:
        """The `ScoredFit` that robust covariances ask."""
        raise NotImplementedError

    def covariance(self, cov_type: str, **cov_kwds: Any) -> FloatArray:
        """A covariance of the parameters, (k, k), beside that of the results.

        Parameters
        ----------
        cov_type : str
            As for `fit`.
        **cov_kwds
            Keywords of the covariance estimator.
        """
        entry, options = checked(self.registry, cov_type, cov_kwds)
        if entry is None and self.normalized_cov_params is None:
            raise ValueError("the fit has no covariance of its parameters")
        if entry is None:
            return _scaled(np.asarray(self.normalized_cov_params * self.scale), cov_kwds)
        _note_het_scale(self, entry)
        return _scaled(entry.of(self.scored, options).cov, cov_kwds)

    def standard_errors(self, kinds: Iterable[str | tuple[str, Mapping[str, Any]]]) -> pd.DataFrame:
        """Standard errors by several covariances, side by side; one pass.

        Parameters
        ----------
        kinds : iterable of str or (str, dict)
            As for `covariances`.

        Returns
        -------
        DataFrame, (k, number of kinds)
            A row for each coefficient.
        """
        asked = [_kind(kind) for kind in _listed(kinds)]
        names = [name if not how else f"{name} {_shown(how)}" for name, how in asked]
        with quiet():
            found = [np.sqrt(np.diag(cov)) for cov in self.covariances(asked)]
        columns = dict(enumerate(found))
        return pd.DataFrame(columns, self.model.exog_names).set_axis(names, axis=1)

    def covariances(self, kinds: Iterable[str | tuple[str, Mapping[str, Any]]]) -> list[FloatArray]:
        """Several covariances of the parameters, (k, k) each, in one pass.

        Parameters
        ----------
        kinds : iterable of str or (str, dict)
            For each the ``cov_type``, with its keywords where it takes some, such as
            ``["HC1", "HC3", ("cluster", {"groups": "firm"})]``.

        Returns
        -------
        list of ndarray, (k, k)
            In the order of `kinds`.
        """
        asked = [_kind(kind) for kind in _listed(kinds)]
        chosen = [(*checked(self.registry, kind, keywords), keywords) for kind, keywords in asked]
        fit = self.scored
        fit.ask(
            *(q for entry, options, _ in chosen if entry for q in entry.questions(fit, options))
        )
        return [
            _scaled(entry.of(fit, options).cov, keywords)
            if entry
            else self.covariance("nonrobust", **keywords)
            for entry, options, keywords in chosen
        ]

    cov_HC0, cov_HC1, cov_HC2, cov_HC3 = map(_property, _HC)
