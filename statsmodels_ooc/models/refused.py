"""Methods of statsmodels that need all rows at once, and say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["refused"]


def refused(name: str, instead: str) -> Callable[..., Any]:
    """A method that refuses to stream.

    Parameters
    ----------
    name : str
        The method of statsmodels that it stands for.
    instead : str
        What to use in its place.

    Examples
    --------
    >>> import pandas as pd
    >>> import statsmodels_ooc.api as smo
    >>> frame = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0], "x": [0.0, 1.0, 2.0, 3.0]})
    >>> smo.OLS.from_formula("y ~ x", smo.as_source(frame))._fit_collinear()
    Traceback (most recent call last):
        ...
    NotImplementedError: _fit_collinear works on rows in memory; out of memory ...
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{name} works on rows in memory; out of memory {instead}")

    method.__name__ = name
    method.__doc__ = "Not available out of memory."
    return method
