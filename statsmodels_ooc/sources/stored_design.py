"""A design that was written out: what models and selections ask of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from statsmodels_ooc.sources.base import Source


class StoredDesign(Source):
    """The rows of a design, with all that was learned of its formula.

    Attributes
    ----------
    endog_columns : tuple of str
        The response; of successes and failures the share of the former, and the trials.
    exog_columns : tuple of str
        The k columns of the design.
    extra_columns : dict
        Weights, offset and the like, by role.
    rows_read : int
        Rows of the data, with those that were dropped.
    """

    endog_columns: tuple[str, ...]
    exog_columns: tuple[str, ...]
    extra_columns: Mapping[str, str]
    rows_read: int

    @property
    @abstractmethod
    def learned(self) -> Any:
        """The formula as it was learned: a `FormulaSpec`."""

    @property
    @abstractmethod
    def arrays(self) -> Mapping[str, Any]:
        """The response, the design and the extras as dask arrays with the same chunks."""
