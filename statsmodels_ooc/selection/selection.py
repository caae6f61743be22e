"""Selected rows: a source for every model, a frame to look at, and how they came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.genmod import families

from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import PassRecord, Stream
from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.selection.efficiency import InformationSums, log_det
from statsmodels_ooc.selection.ordering import IntArray
from statsmodels_ooc.selection.pilot import INTERCEPT, Pilot, block_of
from statsmodels_ooc.selection.scoring import Psi
from statsmodels_ooc.selection.survey import Survey
from statsmodels_ooc.sources.base import Levels, Partition, Source
from statsmodels_ooc.sources.memory import FrameSource

__all__ = ["Selection"]


class Selection(Source):
    """The rows that `IBOSS` selected; made by `IBOSS.select`.

    Attributes
    ----------
    frame : DataFrame
        The raw rows, in the order of the data, under their row numbers in the source: the
        columns of the formula, and those that were kept.
    index : ndarray of int64
        The same rows' numbers, sorted, among the rows that a model of all data uses: those
        that are left when rows with missing values are dropped.
    steps : DataFrame
        Column and side that took each row.
    pilot : Pilot or None
        What told how informative rows are; None where all are equally so.
    n, k : int
        Rows there were, and rows that were selected, without those of the pilot.
    warnings : list of str
        What was warned of.
    settings : IBOSS
        What was asked for.
    """

    def __init__(
        self,
        *,
        frame: pd.DataFrame,
        index: IntArray,
        steps: pd.DataFrame,
        pilot: Pilot | None,
        n: int,
        k: int,
        settings: Any,
        formula: Any,
        family: Any,
        stream: Stream,
        spec: DesignSpec,
        columns: tuple[int, ...],
        psi: Psi,
        survey: Survey,
        warnings: list[str],
    ) -> None:
        self.frame = frame
        self.index = index
        self.steps = steps
        self.pilot = pilot
        self.n = n
        self.k = k
        self.settings = settings
        self.formula = formula
        self.family = family
        self.warnings = warnings
        self._stream = stream
        self._spec = spec
        self._columns = columns
        self._psi = psi
        self._survey = survey
        self._efficiency: float | None = None

    # --- a source

    @cached_property
    def _source(self) -> FrameSource:
        return FrameSource([self.frame])

    @property
    def name(self) -> str:
        """What the rows are."""
        return f"{len(self.index):,} rows of {self._stream.source.name}"

    @property
    def dtypes(self) -> Mapping[str, Any]:
        """Column name to pandas dtype."""
        return self._source.dtypes

    @property
    def partitions(self) -> Sequence[Partition]:
        """Slices of the frame."""
        return self._source.partitions

    @property
    def is_recipe(self) -> bool:
        """False: a pickle holds the rows."""
        return False

    def levels(self, column: str) -> Levels | None:
        """All categories of a Categorical column."""
        return self._source.levels(column)

    # --- how they came about

    @property
    def passes(self) -> list[PassRecord]:
        """Every pass over the data so far: name, rows, seconds, bytes."""
        return self._stream.passes

    # --- what they are for

    def fit(self, **kwargs: Any) -> Any:
        """Fit the selected rows in memory: ordinary results of statsmodels.

        Levels and stateful transforms are those of all rows, so that the parameters are
        those of a fit of all rows, and ``predict`` takes new data.

        Parameters
        ----------
        **kwargs
            For ``fit`` of `sm.OLS`, `sm.WLS` or `sm.GLM`.

        Returns
        -------
        RegressionResults or GLMResults
            Standard errors are conditional on the rows' covariates. R-squared, the
            log-likelihood and the information criteria are those of the selected rows,
            which are extreme, and not comparable with those of all rows.
        """
        block = block_of(self._spec, self.frame)
        rows = self.frame.index
        exog = pd.DataFrame(block.dense().copy(), rows, list(self._spec.exog_names))
        endog: Any = pd.Series(block.endog, rows, name=self._spec.endog_name)
        learned = {"formula": self.formula, "model_spec": getattr(self._spec, "design_info", None)}
        extras = dict(block.extras)
        if self.family is None:
            if "weights" in extras:
                return sm.WLS(endog, exog, weights=extras["weights"], **learned).fit(**kwargs)
            return sm.OLS(endog, exog, **learned).fit(**kwargs)
        if "exposure" in extras:
            extras["exposure"] = np.exp(extras["exposure"])
        trials = extras.pop("trials", None)
        if trials is not None and isinstance(self.family, families.Binomial):
            counts = np.column_stack((block.endog * trials, (1 - block.endog) * trials))
            endog = pd.DataFrame(counts, rows, list(self._spec.endog_names))
        return sm.GLM(endog, exog, family=self.family, **extras, **learned).fit(**kwargs)

    def adjusted_intercept(self) -> float:
        """The intercept of a linear model from all rows' means and the selected rows' slopes.

        ``mean(y) - mean(x)' b``: extreme rows tell slopes well, and the intercept badly.

        Raises
        ------
        OptionError
            The model is not linear, or has no intercept.

        References
        ----------
        Wang, Yang, Stufken (2019), section 4.
        """
        if self.family is not None or INTERCEPT not in self._spec.exog_names:
            raise OptionError("only linear models with an intercept have an adjusted one")
        assert self._survey.moments is not None
        means = self._survey.moments.mean()
        slopes = self.fit().params.drop(INTERCEPT)
        at = [self._spec.exog_names.index(name) for name in slopes.index]
        return float(means[-1] - means[at] @ slopes.to_numpy())

    def efficiency(self) -> float:
        """D-efficiency of the selected rows against as many average ones; one more pass.

        ``(det(M_sub / k) / det(M_full / n)) ** (1 / q)`` for the information matrices M of
        the q columns that are not constant and the intercept, at the pilot's parameters.
        Above one: the rows say more than a random sample of the same size.

        Returns
        -------
        float
            NaN where an information matrix is singular.
        """
        if self._efficiency is None:
            constants = self._survey.constants[:1]
            columns = tuple(sorted((*self._columns, *constants)))
            sums = InformationSums(self._psi, columns)
            (whole,) = self._stream.fold("efficiency", sums)
            part = sums.update(sums.init(), block_of(self._spec, self.frame))
            gain = log_det(part / len(self.index)) - log_det(whole / self.n)
            self._efficiency = float(np.exp(gain / len(columns)))
        return self._efficiency

    def __repr__(self) -> str:
        kind = self.settings.criterion
        kind = "uniform" if kind == "uniform" else f"{kind}-optimal"
        more = len(self.index) - self.k
        pilot = f" and {more:,} of the pilot" if more else ""
        return (
            f"<Selection of {self.k:,}{pilot} of {self.n:,} rows, {kind}: {str(self.formula)!r} "
            f"on {self._stream.source.name}>"
        )
