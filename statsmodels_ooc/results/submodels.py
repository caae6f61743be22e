"""Smaller models from the triangular factor of a linear one, which nothing is read for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


class HasSubmodels:
    """A mixin for results of linear models that stream: those of smaller models."""

    model: Any

    def submodel(
        self,
        terms: str | Collection[str] | None = None,
        *,
        drop: str | Collection[str] | None = None,
        cov_type: str = "nonrobust",
        cov_kwds: dict[str, Any] | None = None,
        use_t: bool | None = None,
    ) -> Any:
        """Results of the model of some of the terms, on the same rows; no pass.

        Parameters
        ----------
        terms : str or collection of str, optional
            The right-hand side of a formula whose terms are made of those of the model,
            ``"a + C(g)"``, or names of terms, ``["Intercept", "a"]``.
        drop : str or collection of str, optional
            Names of terms or columns to leave out instead.
        cov_type, cov_kwds, use_t
            As for ``fit``; robust covariances take a pass, over the smaller design.

        Returns
        -------
        RegressionResultsWrapper
            As ``fit`` of the smaller formula gives it, with the `passes` of this one.

        Raises
        ------
        DesignError
            A name is unknown, no column is left, or a term is not made of those of the model.

        Notes
        -----
        The rows stay those of this model: one that is left out here, for a missing value of
        a variable that the smaller model does not have, is left out there, so that both
        compare. R of ``[1 | X | y]`` has the cross products of the rows; its columns,
        combined as the smaller formula wants, are triangularised again.

        References
        ----------
        Golub, Van Loan (2013). Matrix Computations, 4th ed., section 6.5.3.

        Examples
        --------
        >>> import pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> import statsmodels_ooc.formula.api as smof
        >>> frame = pd.DataFrame({"x": [0.0, 1, 2, 3, 4], "z": [1.0, 0, 2, 1, 1]})
        >>> frame["y"] = [1.0, 3.0, 2.0, 5.0, 4.0]
        >>> res = smof.ols("y ~ x + z", smo.as_source(frame)).fit()
        >>> res.submodel(drop=["z"]).params.round(3).to_dict()
        {'Intercept': 1.4, 'x': 0.8}
        >>> [record.name for record in res.passes]
        ['fit']
        """
        smaller = self.model.submodel(terms, drop=drop)
        return smaller.fit(cov_type=cov_type, cov_kwds=cov_kwds, use_t=use_t)
