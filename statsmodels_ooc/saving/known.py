"""What a saved result may be made of: classes and names of a fixed list, none of which acts."""

from __future__ import annotations

import importlib
import types
from operator import attrgetter
from typing import Any

import numpy as np
from scipy.stats import rv_continuous

from statsmodels_ooc.errors import SavedResultError

_OF_THIS_PACKAGE = tuple(
    f"statsmodels_ooc.{place}"
    for place in (
        "_statsmodels",
        "blocks.",
        "design.",
        "engine.ledger",
        "engine.streamed",
        "families.",
        "likelihoods.",
        "models.",
        "reductions.",
        "results.",
        "solvers.",
    )
)
_CLASSES = {
    "collections": {"OrderedDict"},
    "patsy.contrasts": {"ContrastMatrix", "Diff", "Helmert", "Poly", "Sum", "Treatment"},
    "patsy.desc": {"ModelDesc", "Term"},
    "patsy.design_info": {"DesignInfo", "FactorInfo", "SubtermInfo"},
    "patsy.eval": {"EvalEnvironment", "EvalFactor"},
    "patsy.mgcv_cubic_splines": {"CC", "CR", "TE"},
    "patsy.origin": {"Origin"},
    "patsy.splines": {"BS"},
    "patsy.state": {"Center", "Standardize"},
    "patsy.user_util": {"LookupFactor"},
    "statsmodels.base._constraints": {"LinearConstraints"},
    "statsmodels.base.elastic_net": {"RegularizedResultsWrapper"},
    "statsmodels_ooc.sources.base": {"ForgottenSource"},
}
_ALL_CLASSES_OF = tuple(
    f"statsmodels.genmod.families.{module}" for module in ("family", "links", "varfuncs")
)
_FUNCTIONS = {
    "patsy.builtins": {
        *("C", "I", "Q", "bs", "cc", "center", "cr", "scale", "standardize", "te"),
    },
    "statsmodels.stats.sandwich_covariance": {"weights_bartlett", "weights_uniform"},
    "statsmodels_ooc.models.travelling": {"bare"},
}
_CALLED = {  # what makes objects of arguments; other names stand for themselves alone
    "collections:OrderedDict",
    *(
        f"statsmodels_ooc.{name}"
        for name in (
            "_statsmodels:StreamedGLMWrapper",
            "_statsmodels:StreamedWrapper",
            "design.beside:BesideSpec",
            "design.learned:FormulaSpec",
            "design.stored:StoredSpec",
            "engine.ledger:Read",
            "models.travelling:bare",
            "reductions.dictionary:Dictionary",
            "reductions.least_squares:TriangleState",
        )
    ),
}
_DISTRIBUTIONS = "scipy.stats"
_MODULES = ("math", "numpy", "pandas", "scipy", "scipy.special", "scipy.stats")
_WITH_UFUNCS = ("numpy", "scipy.special")


def name_of(thing: Any) -> str | None:
    """The name of a class, function or module that saved results may have; None of others.

    Examples
    --------
    >>> import numpy as np
    >>> from statsmodels_ooc.saving.known import name_of
    >>> name_of(np), name_of(np.log), name_of(print)
    ('numpy', 'numpy:log', None)
    """
    if isinstance(thing, types.ModuleType):
        return thing.__name__ if thing.__name__ in _MODULES else None
    for name in _candidates(thing):
        if _is_known(name) and _is_same(found(name), thing):
            return name
    return None


def _is_same(one: Any, thing: Any) -> bool:
    """Whether it is the thing, or the distribution of which the thing is a copy."""
    if not isinstance(thing, rv_continuous):
        return one is thing
    facts = attrgetter("name", "a", "b", "badvalue", "xtol", "shapes")
    return type(one) is type(thing) and repr(facts(one)) == repr(facts(thing))


def _candidates(thing: Any) -> list[str]:
    own = getattr(thing, "__name__", "")
    if isinstance(thing, np.ufunc):
        return [f"{module}:{own}" for module in _WITH_UFUNCS]
    home = getattr(thing, "__module__", None)
    if isinstance(thing, rv_continuous):
        return [f"{_DISTRIBUTIONS}:{thing.name}"]
    names = [f"{home}:{getattr(thing, '__qualname__', own)}"]
    names += [f"patsy.builtins:{name}" for name in sorted(_FUNCTIONS["patsy.builtins"])]
    return names


def found(name: str) -> Any:
    """The class, function or module of a name.

    Raises
    ------
    SavedResultError
        Saved results have none of this name.
    """
    if name in _MODULES:
        return importlib.import_module(name)
    if not _is_known(name):
        raise SavedResultError(f"{name} is nothing that saved results are made of")
    module, _, attribute = name.partition(":")
    one = getattr(importlib.import_module(module), attribute, None)
    if not _is_of_its_kind(one, module, attribute):
        raise SavedResultError(f"{name} is nothing that saved results are made of")
    return one


def called(name: str) -> Any:
    """What makes an object of arguments, by its name.

    Raises
    ------
    SavedResultError
        Saved results call nothing of this name.

    Examples
    --------
    >>> from statsmodels_ooc.saving.known import called
    >>> called("collections:OrderedDict")()
    OrderedDict()
    """
    if name not in _CALLED:
        raise SavedResultError(f"{name} is nothing that makes parts of saved results")
    return found(name)


def _is_known(name: str) -> bool:
    module, _, attribute = name.partition(":")
    if not attribute.isidentifier():
        return False
    listed = _CLASSES.get(module, set()) | _FUNCTIONS.get(module, set())
    own = (*_OF_THIS_PACKAGE, *_ALL_CLASSES_OF)
    by_kind = (*_WITH_UFUNCS, _DISTRIBUTIONS)
    return attribute in listed or module in by_kind or f"{module}.".startswith(own)


def _is_of_its_kind(one: Any, module: str, attribute: str) -> bool:
    """Whether it is what the list means by its name, and not what a module has imported."""
    if attribute in _CLASSES.get(module, set()) | _FUNCTIONS.get(module, set()):
        return callable(one)
    if module in _WITH_UFUNCS:
        return isinstance(one, np.ufunc)
    if module == _DISTRIBUTIONS:
        return isinstance(one, rv_continuous)
    is_class = isinstance(one, type) and not issubclass(one, BaseException)
    return is_class and one.__module__ == module
