"""How near the columns of a linear model are to depending on one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.solvers.collinearity import (
    collinearity,
    generalized_inflation,
    variance_inflation,
)


class HasCollinearity:
    """A mixin for results of linear models that stream: what collinearity costs."""

    model: Any
    linear_fit: Any

    def vif(self) -> pd.Series:
        """Variance inflation factors; no pass.

        Returns
        -------
        Series, (k,)
            By column; infinite for columns that follow from others. For OLS those of
            statsmodels' ``variance_inflation_factor`` with ``standardize=False``, which differ
            from its default in that of the constant and where columns span one. For WLS means
            and squares are weighted; statsmodels finds no constant among weighted columns.

        Notes
        -----
        ``1 / (1 - R_j**2)`` of column j regressed on the others, about its mean where these span
        a constant. That of a constant column tells how far the others are from zero, and is
        seldom of interest.

        References
        ----------
        Marquardt (1970). Generalized inverses, ridge regression, biased linear estimation, and
        nonlinear estimation. Technometrics 12, 591-612.

        Examples
        --------
        >>> import pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> import statsmodels_ooc.formula.api as smof
        >>> frame = pd.DataFrame({"x": [0.0, 1, 2, 3, 4], "z": [1.0, 0, 2, 1, 3]})
        >>> frame["y"] = [1.0, 3.0, 2.0, 5.0, 4.0]
        >>> res = smof.ols("y ~ x + z", smo.as_source(frame)).fit()
        >>> res.vif().round(3).to_dict()
        {'Intercept': 3.296, 'x': 1.926, 'z': 1.926}
        """
        likelihood = self.model.likelihood
        has_constant, at = likelihood.constant
        with one_blas_thread():
            found = variance_inflation(
                likelihood.factor, likelihood.facts.rows, at, has_constant=bool(has_constant)
            )
        return pd.Series(found, list(self.model.exog_names), name="vif")

    def gvif(self) -> pd.DataFrame:
        """Generalised variance inflation factors of the terms; no pass.

        Returns
        -------
        DataFrame, (t, 3)
            By term its columns ``df``, ``gvif``, and ``gvif ** (1 / (2 df))``, which compares
            with the root of a variance inflation factor. A constant is no term.

        Raises
        ------
        DesignError
            Columns follow from others, so that regions of confidence have no volume.

        References
        ----------
        Fox, Monette (1992). Generalized collinearity diagnostics. JASA 87, 178-183.
        """
        fit, likelihood = self.linear_fit, self.model.likelihood
        if fit.rank < len(fit.params):
            raise DesignError(
                f"the rank of the design is {fit.rank} of {len(fit.params)} columns: what follows "
                "from others has an infinite variance",
                hint="vif() names the columns, collinearity() what they take part in",
            )
        at = likelihood.constant[1]
        terms = [term for term in self.model.term_spans if not term.is_constant]
        columns = [j for j in range(len(fit.params)) if j != at]
        places = {j: place for place, j in enumerate(columns)}
        own = [[places[j] for j in np.flatnonzero(t.own.any(axis=1)).tolist()] for t in terms]
        factor = likelihood.factor[:, 1:-1] if at is None else likelihood.factor[1:, 1:-1]
        with one_blas_thread():
            found = generalized_inflation(factor[:, columns], own)
        df = np.array([len(each) for each in own])
        table = {"df": df, "gvif": found, "gvif ** (1 / (2 df))": found ** (1 / (2 * df))}
        return pd.DataFrame(table, [term.name for term in terms])

    def collinearity(self) -> pd.DataFrame:
        """Condition indices and variance proportions of Belsley, Kuh and Welsch; no pass.

        Returns
        -------
        DataFrame, (k, k + 1)
            A row for each component: its ``condition_index``, and by column of the design what
            part of the variance of the coefficient belongs to it.

        Notes
        -----
        The columns are scaled to unit length and not centred, the constant is one of them:
        where its proportion is high, columns lie far from zero. An index above 30 to which two
        or more columns give more than half of their variances tells a dependence that costs
        digits. For WLS the columns are those times the roots of the weights.

        References
        ----------
        Belsley, Kuh, Welsch (1980). Regression Diagnostics. Wiley, chapter 3.
        Belsley (1991). Conditioning Diagnostics. Wiley.

        Examples
        --------
        >>> import pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> import statsmodels_ooc.formula.api as smof
        >>> frame = pd.DataFrame({"x": [0.0, 1, 2, 3, 4], "z": [1.0, 0, 2, 1, 3]})
        >>> frame["y"] = [1.0, 3.0, 2.0, 5.0, 4.0]
        >>> res = smof.ols("y ~ x + z", smo.as_source(frame)).fit()
        >>> res.collinearity().round(2).loc[3].to_dict()
        {'condition_index': 5.07, 'Intercept': 0.0, 'x': 0.87, 'z': 0.82}
        """
        fit = self.linear_fit
        with one_blas_thread():
            found = collinearity(fit.r_exog, fit.rows)
        index = pd.RangeIndex(1, len(found.indices) + 1, name="component")
        table = pd.DataFrame(found.proportions, index, list(self.model.exog_names))
        table.insert(0, "condition_index", found.indices)
        return table
