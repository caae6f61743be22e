"""Selected rows: a source for every model, a frame to look at, and how they came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.formula import FormulaSpec
from statsmodels_ooc.engine import Passes, StreamedRows
from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.families.kernels import kernel_of
from statsmodels_ooc.selection.efficiency import InformationSums, log_det
from statsmodels_ooc.selection.histograms import Plane
from statsmodels_ooc.selection.indices import fit_model, model_of
from statsmodels_ooc.selection.ordering import IntArray
from statsmodels_ooc.selection.pilot import INTERCEPT, Pilot, block_of
from statsmodels_ooc.selection.plot import Pairs, plot
from statsmodels_ooc.selection.scorers import Psi, is_constant
from statsmodels_ooc.selection.summary import SelectionSummary, html, summarize, told
from statsmodels_ooc.selection.survey import Survey
from statsmodels_ooc.sources.base import Levels, Partition, Source
from statsmodels_ooc.sources.memory import FrameSource


@dataclass(kw_only=True, eq=False, repr=False)
class Selection(Source):
    """The rows that `IBOSS` selected; made by `IBOSS.select`.

    Attributes
    ----------
    frame : DataFrame
        The raw rows, in the order of the data, under their row numbers in the source (among
        the rows of ``subset``, where there is one): the columns of the formula, and those
        that were kept. Of a DataFrame these are positions, for ``iloc``.
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
    stream, spec : StreamedRows, FormulaSpec
        All rows, and their design.
    survey : Survey
        What is known of all rows.
    psi : Psi
        How informative rows are.
    fitted : ndarray, (k,), or None
        Parameters of a generalised linear model of the selected rows, where they are good.
    lost : bool
        Whether the selected rows cannot tell all parameters.
    known_efficiency : float or None
        What `efficiency` found, once it was asked.
    histograms : dict
        What `plot` has counted so far, by the columns along and up.
    """

    frame: pd.DataFrame
    index: IntArray
    steps: pd.DataFrame
    pilot: Pilot | None
    n: int
    k: int
    warnings: list[str]
    settings: Any
    formula: Any
    family: Any
    stream: StreamedRows
    spec: FormulaSpec
    survey: Survey
    psi: Psi
    fitted: FloatArray | None
    lost: bool
    known_efficiency: float | None = None
    histograms: dict[Plane, IntArray] = field(default_factory=dict)

    # --- a source

    @cached_property
    def _source(self) -> FrameSource:
        return FrameSource([self.frame])

    @property
    def name(self) -> str:
        """What the rows are."""
        return f"{len(self.index):,} rows of {self.stream.source.name}"

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
    def passes(self) -> Passes:
        """Every pass over the data so far: name, rows, seconds, bytes."""
        return self.stream.passes

    def summary(self) -> SelectionSummary:
        """What was done: rows, columns, pilot, passes, warnings; reads nothing.

        Returns
        -------
        SelectionSummary
            Prints in the look of statsmodels' summaries; ``as_text``, ``as_html``,
            ``as_latex`` and ``as_csv`` as there.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> frame = pd.DataFrame({"x": np.arange(100.0)})
        >>> frame["y"] = 1 + 2 * frame["x"]
        >>> print(smo.IBOSS(k=7).select("y ~ x", frame).summary())
                                      Selection of Rows
        ==============================================================================
        Formula:           y ~ x
        Source:            DataFrame
        Criterion:         D-optimal
        Model:             linear
        ...
        """
        return summarize(self)

    def plot(
        self,
        pairs: Pairs | None = None,
        *,
        gridsize: int = 40,
        ax: Any = None,
        fig: Any = None,
    ) -> Any:
        """Selected rows against all rows: points on hexagons that count the rows.

        One more pass counts the rows for all pairs that are new; to plot a pair again
        reads nothing.

        Parameters
        ----------
        pairs : (str, str) or sequence of such, optional
            What is plotted along and up each panel: columns of the design or the response,
            by name. The first two columns that vary, dummies last, or the only one and the
            response, where it is left out.
        gridsize : int
            Hexagons along each panel, from 2 to 60.
        ax : Axes or sequence of Axes, optional
            Where to draw, one for each pair.
        fig : Figure, optional
            The figure to which axes are added; a new one of pyplot where both are left out.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        MissingExtraError
            There is no matplotlib.
        ColumnNotFoundError
            A name is neither that of a column of the design nor that of the response.
        OptionError
            A pair has not two names, gridsize is out of range, or axes are too few or many.

        Notes
        -----
        Every row counts once, whatever its weight. The hexagons sum up the counts of a
        fine grid of cells between the extremes of the columns, so that the picture takes
        the same memory for any number of rows.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> from matplotlib.figure import Figure
        >>> rng = np.random.default_rng(0)
        >>> frame = pd.DataFrame(rng.standard_t(3, (5_000, 3)), columns=["x1", "x2", "y"])
        >>> sub = smo.IBOSS(k=100).select("y ~ x1 + x2", frame)
        >>> fig = sub.plot([("x1", "x2"), ("x1", "y")], fig=Figure())
        >>> fig.axes[0].get_xlabel(), fig.axes[0].get_ylabel()
        ('x1', 'x2')
        """
        return plot(self, pairs, gridsize, ax, fig)

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

        Warns
        -----
        SelectionWarning
            Statsmodels' IRLS, which keeps means away from their bounds, ended elsewhere
            than at the maximum; its Newton method was asked instead.

        Raises
        ------
        PrecisionError
            That ended elsewhere, too.
        """
        model = model_of(self.spec, self.frame, self.formula, self.family)
        return fit_model(model, self.fitted, kwargs)

    def adjusted_intercept(self) -> float:
        """The intercept of a linear model from all rows' means and the selected rows' slopes.

        ``mean(y) - mean(x)' b``: extreme rows tell slopes well, and the intercept badly.

        Returns
        -------
        float
            NaN where the selected rows cannot tell all slopes. Means are unweighted.

        Raises
        ------
        OptionError
            The model is not linear, or has no intercept; leave `family` out for a linear one.

        References
        ----------
        Wang, Yang, Stufken (2019), section 4.
        """
        if self.family is not None or INTERCEPT not in self.spec.exog_names:
            raise OptionError("only linear models without a family, with an intercept, have one")
        means = self.survey.averages
        assert means is not None
        if self.lost:
            return float("nan")
        slopes = self.fit().params.drop(INTERCEPT)
        at = [self.spec.exog_names.index(name) for name in slopes.index]
        return float(means[-1] - means[at] @ slopes.to_numpy())

    def efficiency(self) -> float:
        """D-efficiency of the selected rows against as many average ones; one more pass.

        ``(det(M_sub / k) / det(M_full / n)) ** (1 / q)`` for the information matrices M of
        the q columns that are not constant and the intercept, at the pilot's parameters, or
        where there are none at those of `fit`. Above one: the rows say more than a random
        sample of the same size.

        Returns
        -------
        float
            NaN where an information matrix is singular, or where it depends on parameters
            and nobody knows any.
        """
        if self.known_efficiency is None:
            left_out = self.survey.left_out
            columns = tuple(j for j in range(self.spec.k) if j not in left_out)
            psi = self.psi
            if psi.beta is None and self.family is not None and not is_constant(self.family):
                if self.fitted is None:
                    return float("nan")
                psi = Psi(kernel_of(self.family), self.fitted)
            sums = InformationSums(psi, columns)
            (whole,) = self.stream.fold("efficiency", sums)
            part = sums.update(sums.init(), block_of(self.spec, self.frame))
            gain = log_det(part / len(self.index)) - log_det(whole / self.n)
            self.known_efficiency = float(np.exp(gain / len(columns)))
        return self.known_efficiency

    def __repr__(self) -> str:
        kind = told(self.settings.criterion)
        more = len(self.index) - self.k
        pilot = f" and {more:,} of the pilot" if more else ""
        return (
            f"<Selection of {self.k:,}{pilot} of {self.n:,} rows, {kind}: {str(self.formula)!r} "
            f"on {self.stream.source.name}>"
        )

    def _repr_html_(self) -> str:
        return html(self)
