"""Linear hypotheses about parameters, of whatever statsmodels takes for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from patsy import DesignInfo, LinearConstraint, PatsyError

from statsmodels_ooc.checks import shown
from statsmodels_ooc.errors import DesignError

_LISTED = 20  # parameters in a message


def linear_hypotheses(given: Any, names: Sequence[str]) -> LinearConstraint:
    """``L @ params == q``, as patsy's ``coefs`` and ``constants``.

    Parameters
    ----------
    given : array_like, str, list of str, dict, or tuple
        L; equations such as ``"a = b, c + d = 1"``; a dict of names and values; or ``(L, q)``.
    names : sequence of str, length k
        Of the parameters.

    Returns
    -------
    patsy.LinearConstraint
        Its ``coefs``, (m, k), and ``constants``, (m, 1), are finite.

    Raises
    ------
    DesignError
        `given` tells no hypothesis about parameters of these names, or numbers that are not
        finite.
    """
    names = list(names)
    try:
        found = DesignInfo(names).linear_constraint(given)
    except (PatsyError, ValueError, TypeError, IndexError) as error:
        raise DesignError(_reason(given, len(names), error), hint=_hint(names)) from error
    finite = np.isfinite(np.column_stack((found.coefs, found.constants))).all(axis=1)
    if not finite.all():
        raise DesignError(f"restriction {finite.argmin()} has numbers that are not finite")
    return found


def _reason(given: Any, k: int, error: Exception) -> str:
    """What is wrong, in words of what was given."""
    if given is None or (isinstance(given, str | dict | list | tuple) and not len(given)):
        return f"{given!r} tells no hypothesis"
    if isinstance(error, PatsyError) or isinstance(given, str | dict):
        return f"{given!r} tells no hypothesis about the parameters: {error}"
    matrix, *values = given if isinstance(given, tuple) else (given,)
    shapes = " with values of shape ".join(str(np.shape(part)) for part in (matrix, *values))
    return f"a hypothesis of shape {shapes} does not fit {k} parameters: {error}"


def _hint(names: list[str]) -> str:
    return (
        f"it is a matrix with a column for each parameter, or equations such as "
        f"'{names[0]} = 0'; the parameters are {shown(names, _LISTED)}"
    )
