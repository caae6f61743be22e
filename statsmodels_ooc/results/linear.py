"""Results of streamed linear models: the familiar classes, without the rows."""

from __future__ import annotations

from typing import Any

import statsmodels.regression.linear_model as lm

from statsmodels_ooc.results.streamed import StreamedResults

__all__ = ["OLSResults", "RegressionResults"]


class RegressionResults(StreamedResults, lm.RegressionResults):  # type: ignore[misc]
    """Results of a streamed WLS; see statsmodels' `RegressionResults`."""


class OLSResults(StreamedResults, lm.OLSResults):  # type: ignore[misc]
    """Results of a streamed OLS; see statsmodels' `OLSResults`."""

    def get_influence(self) -> Any:
        """Not available out of memory yet."""
        raise NotImplementedError("get_influence: measures for every row are not built")

    def outlier_test(self, *args: Any, **kwargs: Any) -> Any:
        """Not available out of memory yet."""
        raise NotImplementedError("outlier_test: studentised residuals are not built")

    def el_test(self, *args: Any, **kwargs: Any) -> Any:
        """Not available out of memory: empirical likelihood weighs every row anew."""
        raise NotImplementedError(
            "el_test solves for a weight of every row, thousands of passes over the data"
        )

    def conf_int_el(self, *args: Any, **kwargs: Any) -> Any:
        """Not available out of memory: empirical likelihood weighs every row anew."""
        raise NotImplementedError(
            "conf_int_el solves for a weight of every row, thousands of passes over the data"
        )
