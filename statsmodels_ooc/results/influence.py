"""Influence and outliers of least squares: closed forms of leaving one row out."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from statsmodels.iolib.table import SimpleTable, default_html_fmt
from statsmodels.iolib.tableformatting import fmt_base
from statsmodels.stats.outliers_influence import OLSInfluence as InMemoryInfluence

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.checks import number_between, one_for_each, share
from statsmodels_ooc.engine import row_answer
from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.families.elementwise import quiet
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.reductions.largest import LargestRows
from statsmodels_ooc.reductions.left_out import SumsWithout
from statsmodels_ooc.results.linear_measures import Hiding, LinearMeasures
from statsmodels_ooc.results.outliers import outlier_table, streamed_outliers
from statsmodels_ooc.results.streamed_influence import StreamedInfluence, measure
from statsmodels_ooc.results.top_influence import HasTopInfluence


def _threshold(influence: OLSInfluence) -> float:
    """Above which statsmodels calls a DFFITS large."""
    return float(2 * np.sqrt(influence.k_vars / influence.nobs))


class OLSInfluence(StreamedInfluence, InMemoryInfluence):  # type: ignore[misc]
    """Influence of the rows on a least-squares fit, as statsmodels' `OLSInfluence`.

    Nothing is fitted again: leaving a row out has closed forms. Rows of WLS are whitened, so
    that all is what leaving the row out of the weighted fit gives.

    Parameters
    ----------
    results : OLSResults or RegressionResults
        Of a model that streams.

    Warns
    -----
    LeverageWarning
        A row determines coefficients alone. Its studentised residuals, Cook's distance, DFFITS,
        PRESS residual and changes of these coefficients are zero over zero, NaN; its covariance
        ratio is infinite.
    """

    table_columns = (
        *("cooks_d", "standard_resid", "hat_diag", "dffits_internal", "student_resid", "dffits"),
    )

    table_data: Any = None  # what `summary_table` has shown

    def __init__(self, results: Any) -> None:
        super().__init__(results)
        self.k_vars = results.scored.free

    @cached_property
    def measures(self) -> LinearMeasures:
        """The closed forms."""
        results, scored = self.results, self.results.scored
        return LinearMeasures(
            np.asarray(results.params),
            scored.axes,
            scored.ones,
            float(results.ssr),
            float(results.df_resid),
            self.k_vars,
        )

    def refine(self) -> bool:
        """Sum what the residuals of all other rows leave, for rows that are most of the sum.

        Two passes, the first time: to find these rows, and to sum.
        """
        if self.has_refined:
            return False
        self.has_refined = True
        measures, most = self.measures, 4 * (self.measures.k + 1)
        ask = self.results.model.likelihood.ask
        key, hiding = ("hiding rows", measures.key), LargestRows(Hiding(measures), most, 0.5)
        (found,) = ask(Question("rows that hide others", key, hiding))
        if found.above > most:
            return False
        where = found.partitions, found.rows
        left = SumsWithout(measures.beta - found.values, measures.axes, *where)
        (sums,) = ask(Question("sums without them", ("sums without", measures.key), left))
        exact = zip(*(v.tolist() for v in (*where, sums)), strict=True)
        self.__dict__["measures"] = replace(measures, exact=tuple(exact))
        return True

    def settle(self, base: FloatArray) -> None:
        exact = {(partition, row): left for partition, row, left in self.measures.exact}
        rows = self.open_rows()
        for position in np.flatnonzero(self.measures.lost(base)):
            place = rows.place_of(int(position))
            base[position, 2] = exact.get(place, np.nan)

    @property
    def scale(self) -> float:
        """The residual variance, ``ssr / df_resid``."""
        return np.float64(self.measures.scale)

    @property
    def endog(self) -> Any:
        """The whitened response, (n,)."""
        return self.results.model.wendog

    @property
    def exog(self) -> Any:
        """The whitened design, (n, k)."""
        return self.results.model.wexog

    resid = measure("The whitened residuals, (n,).", "resid")
    hat_matrix_diag = measure("The leverages ``h = x'(X'X)^+ x``, (n,).", "hat_diag")
    resid_press = measure("Residuals from fits without the row, ``e / (1 - h)``.", "resid_press")
    influence = measure("What a row moves its own fitted value, ``e h / (1 - h)``.", "influence")
    hat_diag_factor = measure("``h / (1 - h)``, (n,).", "hat_diag_factor")
    resid_studentized = measure("``e / (s sqrt(1 - h))``, (n,).", "standard_resid")
    resid_studentized_internal = measure("``e / (s sqrt(1 - h))``, (n,).", "standard_resid")
    resid_studentized_external = measure(
        "The same by the residual variance without the row, (n,).", "student_resid"
    )
    cooks_distance = measure("Cook's distances and p-values, (n,) each.", "cooks_d", "cooks_p")
    dffits_internal = measure(
        "Scaled changes of the fitted values, (n,), and a threshold.", "dffits_internal", _threshold
    )
    dffits = measure(
        "The same by the residual variance without the row, (n,), and a threshold.",
        *("dffits", _threshold),
    )
    dfbeta = measure("Changes of the parameters by leaving the row out, (n, k).", "dfbeta")
    dfbetas = measure("The same in standard errors without the row, (n, k).", "dfbetas")
    params_not_obsi = measure("The parameters without the row, (n, k).", "params_not_obsi")
    sigma2_not_obsi = measure("The residual variance without the row, (n,).", "sigma2_not_obsi")
    det_cov_params_not_obsi = measure(
        "Determinants of the covariance without the row, (n,).", "det_cov_params_not_obsi"
    )
    cov_ratio = measure(
        "The same over that of all rows, at the rank of the design, (n,).", "cov_ratio"
    )
    resid_var = measure("Variances of the residuals, ``s**2 (1 - h)``, (n,).", "resid_var")
    resid_std = measure("Standard deviations of the residuals, (n,).", "resid_std")

    @cached_property
    def ess_press(self) -> Any:
        """The sum of the squared PRESS residuals."""
        return np.float64((self.resid_press**2).sum())

    def get_resid_studentized_external(self, sigma: Any = None) -> Any:
        """Residuals over ``sigma sqrt(1 - h)``, (n,).

        Parameters
        ----------
        sigma : float or array_like, (n,), optional
            Standard deviations of the errors; by default that of the fit.
        """
        sigma = np.sqrt(self.scale) if sigma is None else sigma
        with quiet():
            return self.resid / sigma / np.sqrt(1 - self.hat_matrix_diag)

    def summary_table(self, float_fmt: str = "%6.3f") -> Any:
        """A table of the measures, as statsmodels; below ``array_limit``.

        Parameters
        ----------
        float_fmt : str
            Format of the numbers.
        """
        self.require_rows("summary_table")
        columns = {
            "obs": np.arange(self.nobs),
            "endog": self.endog,
            "fitted\nvalue": self.endog - self.resid,
            "Cook's\nd": self.cooks_distance[0],
            "student.\nresidual": self.resid_studentized_internal,
            "hat diag": self.hat_matrix_diag,
            "dffits \ninternal": self.dffits_internal[0],
            "ext.stud.\nresidual": self.resid_studentized_external,
            "dffits": self.dffits[0],
        }
        self.table_data = np.column_stack(list(columns.values()))
        formats = ["%4d"] + [float_fmt] * (len(columns) - 1)
        return SimpleTable(
            self.table_data,
            headers=list(columns),
            txt_fmt={**deepcopy(fmt_base), "data_fmts": formats},
            html_fmt=deepcopy(default_html_fmt),
        )


class HasInfluence(HasTopInfluence):
    """A mixin for results of least squares: which rows matter most, and which are outliers."""

    df_resid: float
    model: Any

    @row_answer
    def _influence(self) -> Any:
        return OLSInfluence(self)

    def get_influence(self) -> OLSInfluence:
        """Influence and outlier measures of every row.

        Returns
        -------
        OLSInfluence
            As statsmodels'; what it has read is kept.
        """
        influence: OLSInfluence = self._influence
        return influence

    def outlier_test(
        self,
        method: str = "bonf",
        alpha: float = 0.05,
        labels: Any = None,
        order: bool = False,
        cutoff: float | None = None,
    ) -> Any:
        """Test every row for being an outlier, by its externally studentised residual.

        Parameters
        ----------
        method : str
            How p-values are corrected for the number of rows: "bonf", "sidak", "holm",
            "holm-sidak", or another one of statsmodels' `multipletests`.
        alpha : float
            Familywise error rate, for the methods that look at it.
        labels : array_like, (n,), optional
            The index of the table; by default the labels of the rows.
        order : bool
            Whether the largest residuals come first.
        cutoff : float, optional
            Only rows whose corrected p-value is below it are in the table.

        Returns
        -------
        DataFrame or ndarray
            "student_resid", "unadj_p" and the corrected p-value, as statsmodels. A row of
            leverage one has no residual to be tested, and does not count among the tests.

        Raises
        ------
        OptionError
            There are not as many labels as rows, or a number or the method is none.
        MemoryLimitError
            The residuals of all rows are larger than ``smo.options.array_limit``, and there is
            no `cutoff`, or the method needs all p-values.

        Notes
        -----
        One pass. Above ``array_limit`` only the rows are kept that `cutoff` lets through.
        """
        if not isinstance(method, str):
            raise OptionError(f"method={method!r}; it is a name of statsmodels' multipletests")
        alpha = share("alpha", alpha)
        if cutoff is not None:
            cutoff = number_between("cutoff", cutoff, 0, np.inf, "0 or more")
        influence = self.get_influence()
        df = float(self.df_resid) - 1
        if influence.fits(1):
            resid = influence.resid_studentized_external  # read first: it tells the labels, too
            names = self.model.data.row_labels
            if labels is not None:
                names = one_for_each("labels", labels, len(resid))
            return outlier_table(resid, df, names, method, alpha, order, cutoff)
        return streamed_outliers(influence, df, labels, method, alpha, order, cutoff)
