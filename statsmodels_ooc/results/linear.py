"""Results of streamed linear models: the familiar classes, without the rows."""

from __future__ import annotations

from typing import Any

import statsmodels.regression.linear_model as lm

from statsmodels_ooc.results.lazy import require_design
from statsmodels_ooc.results.streamed import StreamedResults

__all__ = ["OLSResults", "RegressionResults"]


class RegressionResults(StreamedResults, lm.RegressionResults):  # type: ignore[misc]
    """Results of a streamed WLS; see statsmodels' `RegressionResults`."""


class OLSResults(StreamedResults, lm.OLSResults):  # type: ignore[misc]
    """Results of a streamed OLS; see statsmodels' `OLSResults`."""

    def get_influence(self) -> Any:
        """Influence measures of every row, of a design smaller than ``array_limit``."""
        require_design(self.model, "get_influence: measures for every row are not built")
        return super().get_influence()

    def outlier_test(self, *args: Any, **kwargs: Any) -> Any:
        """Test of every row, of a design smaller than ``array_limit``; see statsmodels."""
        require_design(self.model, "outlier_test: studentised residuals are not built")
        return super().outlier_test(*args, **kwargs)

    def el_test(self, *args: Any, **kwargs: Any) -> Any:
        """Empirical likelihood, of a design smaller than ``array_limit``; see statsmodels."""
        require_design(
            self.model,
            "el_test solves for a weight of every row, thousands of passes over the data",
        )
        return super().el_test(*args, **kwargs)

    def conf_int_el(self, *args: Any, **kwargs: Any) -> Any:
        """Empirical likelihood, of a design smaller than ``array_limit``; see statsmodels."""
        require_design(
            self.model,
            "conf_int_el solves for a weight of every row, thousands of passes over the data",
        )
        return super().conf_int_el(*args, **kwargs)
