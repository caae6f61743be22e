"""Results of streamed linear models: the familiar classes, without the rows."""

from __future__ import annotations

import statsmodels.regression.linear_model as lm

from statsmodels_ooc.results.lazy import WithDesign
from statsmodels_ooc.results.streamed import StreamedResults

__all__ = ["OLSResults", "RegressionResults"]


class RegressionResults(StreamedResults, lm.RegressionResults):  # type: ignore[misc]
    """Results of a streamed WLS; see statsmodels' `RegressionResults`."""


class OLSResults(StreamedResults, lm.OLSResults):  # type: ignore[misc]
    """Results of a streamed OLS; see statsmodels' `OLSResults`."""

    get_influence = WithDesign("measures for every row are not built")
    outlier_test = WithDesign("studentised residuals are not built")
    el_test = WithDesign("it solves for a weight of every row, thousands of passes over the data")
    conf_int_el = WithDesign(
        "it solves for a weight of every row, thousands of passes over the data"
    )
