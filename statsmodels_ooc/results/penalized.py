"""Results of penalised fits, which are their parameters and what follows of them for rows."""

from __future__ import annotations

from typing import Any

from statsmodels.base.elastic_net import RegularizedResults

from statsmodels_ooc.engine import row_answer
from statsmodels_ooc.results.lazy import HasRows
from statsmodels_ooc.results.writing import WritesRows


class PenalizedResults(HasRows, WritesRows, RegularizedResults):  # type: ignore[misc]
    """Results of a streamed model with a penalty; see statsmodels' `RegularizedResults`."""

    @row_answer
    def fittedvalues(self) -> Any:
        """The means at the parameters, (n,)."""
        return self.ask_model()
