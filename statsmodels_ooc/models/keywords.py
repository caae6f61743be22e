"""Keywords that mean nothing, and what they may have been meant for."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Collection, Mapping
from typing import Any

from statsmodels.tools.sm_exceptions import ValueWarning

from statsmodels_ooc._statsmodels import is_keyword
from statsmodels_ooc.errors import warn_caller

__all__ = ["warn_of_unknown", "warn_of_weights"]

_OF_FORMULAS = ("subset", "drop_cols", "eval_env", "sep", "delimiter")


def warn_of_unknown(model: Any, kwargs: Mapping[str, Any], extra: Collection[str] = ()) -> None:
    """Warn of keywords that mean nothing, as statsmodels does, at the caller's line.

    Where "formula" is among them, those of `from_formula` are known as well.
    """
    unknown = [name for name in kwargs if not is_keyword(model, name, extra)]
    if unknown:
        known = [*inspect.signature(type(model)).parameters, *extra]
        known = [name for name in known if name not in unknown]
        if "formula" in kwargs:
            known += _OF_FORMULAS
        hints = {_hint(name, known): None for name in unknown}
        warn_caller(f"unknown kwargs {unknown!r}{''.join(hints)}", ValueWarning)


def warn_of_weights() -> None:
    """Warn of the weights that OLS does not take, as statsmodels does."""
    warn_caller("Weights are not supported in OLS and will be ignored", ValueWarning)


def _hint(name: str, known: Collection[str]) -> str:
    """What an unknown keyword may have been meant for."""
    near = difflib.get_close_matches(name, known, n=1)
    if not near:
        return ""
    if near[0] in ("sep", "delimiter"):
        return '; of a file it is said by smo.read_csv(path, delimiter=";")'
    return f"; did you mean {near[0]}=?"
