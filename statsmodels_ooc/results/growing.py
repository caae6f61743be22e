"""Results that go on when there are more rows."""

from __future__ import annotations

from typing import Any

from statsmodels_ooc.errors import OptionError

_WITHOUT_DATA = ("nonrobust", "HC0", "HC1", "HC2", "HC3")


class Grows:
    """A mixin of results that take more rows."""

    model: Any
    params: Any
    cov_type: str
    use_t: bool
    _iterates = False  # whether a fit of more rows reads all of them

    def update(
        self,
        data: Any,
        *,
        cov_type: str | None = None,
        cov_kwds: dict[str, Any] | None = None,
        **fit_kwds: Any,
    ) -> Any:
        """The results of these rows and of more.

        Parameters
        ----------
        data : path, Source, DataFrame, ...
            The new rows: whatever `as_source` takes, with the columns of the formula. The
            design stays as it was learned: a level that the old rows did not have is an error,
            and ``center`` and the like keep the numbers of the old rows.
        cov_type : str, optional
            As for ``fit``; by default that of these results.
        cov_kwds : dict, optional
            Keywords of the covariance.
        **fit_kwds
            Further arguments of ``fit``: ``method``, ``tol`` and the like are not remembered.

        Returns
        -------
        results
            As from one fit of all rows with this design; these results stay as they are.

        Raises
        ------
        UnseenLevelError, SourceError, DesignError
            The new rows do not suit the design; of arrays no new rows can be found.
        TypeError
            These results are constrained, or chosen by a penalty.
        OptionError
            A checkpoint is asked for of OLS or WLS.
        ValueError
            The covariance of these results has keywords about the old rows; give new ones.

        Notes
        -----
        OLS and WLS read the new rows only, in one pass: triangular factors of old and new rows
        are stacked and factored again, which is exact. Robust covariances depend on the
        residuals at the new parameters, and read all rows. A generalized linear model starts at
        the old parameters and reads all rows, in fewer passes than from anew.

        Examples
        --------
        >>> import pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> old = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0], "x": [0.0, 1.0, 2.0, 3.0]})
        >>> new = pd.DataFrame({"y": [2.0, 4.0], "x": [1.0, 3.0]})
        >>> res = smo.OLS.from_formula("y ~ x", smo.as_source(old)).fit()
        >>> int(res.update(new).nobs), int(res.nobs)
        (6, 4)
        """
        self.check_free("update")
        if fit_kwds.get("checkpoint") is not None and not self._iterates:
            raise OptionError(
                "update reads the new rows before the fit begins, so that a checkpoint would "
                "hold none of them",
                hint="fit all rows with checkpoint=, or update without",
            )
        if cov_type is None:
            if self.cov_type not in _WITHOUT_DATA:
                raise ValueError(
                    f"the {self.cov_type!r} covariance of these results is about the old rows; "
                    "give cov_type and cov_kwds for all rows"
                )
            cov_type = self.cov_type
            fit_kwds = {"use_t": self.use_t, **fit_kwds}
        told = {**self._told(), "cov_type": cov_type, "cov_kwds": cov_kwds, **fit_kwds}
        return self.model.grown(data).fit(**told)

    def _told(self) -> dict[str, Any]:
        """Arguments of a fit of more rows: where it starts, and how its scale comes about."""
        return {}

    def check_free(self, what: str) -> None:
        """Refuse results that are constrained, or chosen by a penalty.

        Raises
        ------
        TypeError
            They are.
        """
        if self._is_held():
            raise TypeError(
                f"{what} works on a fit without constraints and penalties; fit all rows by "
                "fit_constrained or fit_regularized instead"
            )

    def _is_held(self) -> bool:
        """Whether constraints or a penalty took parameters, as the models that did so say."""
        return bool(getattr(self, "k_constr", 0) or getattr(self, "regularized", False))
