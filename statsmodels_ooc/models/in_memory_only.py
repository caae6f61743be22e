"""Methods of statsmodels that need all rows at once, and say so where there are too many."""

from __future__ import annotations

from typing import Any

__all__ = ["InMemoryOnly"]


class InMemoryOnly:
    """A method that stays the parent's for data in memory and refuses to stream.

    Parameters
    ----------
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

    def __init__(self, instead: str) -> None:
        self.instead = instead

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    def __get__(self, model: Any, kind: type | None = None) -> Any:
        if model is None:
            return self
        return self._refuse if model.streams else getattr(super(self.owner, model), self.name)

    def _refuse(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            f"{self.name} works on rows in memory; out of memory {self.instead}"
        )
