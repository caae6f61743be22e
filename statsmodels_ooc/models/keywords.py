"""What doors are told by keyword: where to start, and what means nothing to them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Collection, Mapping
from typing import Any

from statsmodels.tools.sm_exceptions import ValueWarning

from statsmodels_ooc._statsmodels import is_keyword
from statsmodels_ooc.errors import OptionError, warn_caller


def chosen_start(start: Any, start_params: Any) -> tuple[str, Any]:
    """Where to start: a way to find out, and parameters, where some are given."""
    start = "pilot" if start is None else start
    if not isinstance(start, str):
        return "pilot", start if start_params is None else start_params
    if start not in ("pilot", "statsmodels"):
        raise OptionError(
            f"start={start!r}; it is 'pilot', 'statsmodels' or an array of parameters"
        )
    if start != "pilot" and start_params is not None:
        raise OptionError(f"start={start!r} and start_params are two starts; leave one out")
    return start, start_params


def refuse_checkpoint(checkpoint: Any) -> None:
    """Refuse to keep what a fit of data in memory has folded: nothing is."""
    if checkpoint is not None:
        raise OptionError(
            "checkpoint= keeps the passes over data that stays outside memory, and these data are "
            "in memory",
            hint="leave it out, or wrap the data: smo.as_source(frame)",
        )


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


_OF_FITS = ("method", "cov_type", "cov_kwds", "use_t")
_OF_OTHER_FITS = ("disp", "maxiter", "full_output", "callback", "start_params")


def warn_of_unknown_in_fit(kwargs: Mapping[str, Any]) -> None:
    """Warn of keywords that mean nothing to ``fit`` of a linear model, at the caller's line.

    Those that ``fit`` of other models has, and which change no numbers here, may be there.
    """
    unknown = [name for name in kwargs if name not in _OF_OTHER_FITS]
    if unknown:
        hints = {_hint(name, _OF_FITS): None for name in unknown}
        more = "".join(hints) or "; keywords of a covariance belong in cov_kwds={...}"
        warn_caller(f"unknown kwargs {unknown!r}{more}", ValueWarning)


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
