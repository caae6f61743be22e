"""Which passes a least-squares fit makes, and what they found."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import Stream
from statsmodels_ooc.engine.blas import one_blas_thread
from statsmodels_ooc.errors import DesignError, EmptyDataError, MissingDataError, PrecisionError
from statsmodels_ooc.reductions.audit import RowAudit, RowAuditState
from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.moments import Moments
from statsmodels_ooc.reductions.triangle import Triangle
from statsmodels_ooc.solvers.constant import find_constant
from statsmodels_ooc.solvers.least_squares import LinearFit, solve
from statsmodels_ooc.solvers.moments import correct_digits, factor_moments

__all__ = ["METHODS", "LeastSquares"]

METHODS = ("pinv", "qr", "auto", "gram")

_MANY_COLUMNS = 40  # from here on a Gram matrix is several times cheaper than TSQR
_LARGEST = 1e140  # sums of squares beyond it may overflow
_DIGITS = 9.0  # what a Gram matrix must be able to give


@dataclass
class LeastSquares:
    """The fits of one model, each from as few passes as its numbers allow.

    Parameters
    ----------
    stream : Stream
        The rows.
    spec : DesignSpec
        The design.
    hasconst : bool or None
        The user's word on whether the design holds a constant.
    """

    stream: Stream
    spec: DesignSpec
    hasconst: bool | None
    _audit: RowAuditState | None = None
    _digits: float | None = None
    _factors: dict[str, FloatArray] = field(default_factory=dict)
    _fits: dict[str, LinearFit] = field(default_factory=dict)

    def fit(self, method: str = "pinv") -> LinearFit:
        """Solve by one of `METHODS`; what is known already is not read again."""
        if method not in self._fits:
            solver = "qr" if method == "qr" else "pinv"
            factor = self._factor(method)
            with one_blas_thread():  # the same bits on every machine
                self._fits[method] = solve(factor, self.audit.rows, method=solver)
        return self._fits[method]

    @property
    def audit(self) -> RowAuditState:
        """What the rows were."""
        if self._audit is None:
            self.fit()
        assert self._audit is not None
        return self._audit

    @cached_property
    def constant(self) -> tuple[int, int | None]:
        """`k_constant` and `const_idx`."""
        self.fit()
        return find_constant(self.audit, self._factor("pinv"), self.hasconst)

    def _factor(self, method: str) -> FloatArray:
        """R of ``sqrt(w) * [1 | X | y]``, (k + 2, k + 2)."""
        if method == "gram":
            return self._gram_or_refuse()
        if method != "qr" and "qr" not in self._factors and self._gram_will_do():
            return self._factors["gram"]
        if "qr" not in self._factors:
            self._factors["qr"] = self._fold(Triangle(self.spec.k)).r
        return self._factors["qr"]

    def _gram_will_do(self) -> bool:
        """Whether moments are much cheaper than TSQR, and as good."""
        # Without an intercept the centred moments of a full set of dummies are singular.
        known = "gram" in self._factors
        many = known or (self.spec.k >= _MANY_COLUMNS and self.spec.has_intercept)
        return many and self._gram_digits() >= _DIGITS

    def _gram_or_refuse(self) -> FloatArray:
        digits = self._gram_digits()
        if digits < _DIGITS:
            raise PrecisionError(
                f"method='gram': the Gram matrix gives {digits:.1f} correct digits at the "
                f"worst, fewer than {_DIGITS:.0f}",
                hint="method='qr' keeps twice as many; 'auto' uses it where it must",
            )
        return self._factors["gram"]

    def _gram_digits(self) -> float:
        if self._digits is None:
            state = self._fold(Moments(self.spec.k))
            factor = factor_moments(state)
            self._digits = 0.0 if factor is None else max(correct_digits(state), 0.0)
            if factor is not None:
                self._factors["gram"] = factor
        return self._digits

    def _fold(self, reduction: Any) -> Any:
        """One pass; the first one audits the rows as well."""
        if self._audit is not None:
            (state,) = self.stream.fold("fit", reduction)
            return state
        state, audit = self.stream.fold("fit", reduction, RowAudit(self.spec.k))
        self._check(audit)
        self._audit = audit
        return state

    def _check(self, audit: RowAuditState) -> None:
        """Refuse rows that no fit can be made of."""
        k, name = self.spec.k, self.stream.source.name
        if audit.rows == 0:
            lost = ", ".join(f"{n:,} in {c!r}" for c, n in audit.missing.items())
            raise EmptyDataError(
                f"no row of the {audit.rows_read:,} in {name} is left"
                + (f"; missing values: {lost}" if lost else "")
            )
        bad = audit.not_finite
        if bad is not None:
            what = self.spec.endog_name if bad.column == k else self.spec.exog_names[bad.column]
            side = "endog" if bad.column == k else "exog"
            label = self.stream.source.partitions[bad.partition].label
            raise MissingDataError(
                f"{side} contains inf or nans: {what!r} is {bad.value} at row {bad.row} of {label}",
                hint="missing='drop' leaves out NaN; infinities must be mended in the data",
            )
        sizes = np.maximum(np.abs(audit.low), np.abs(audit.high))
        if sizes.max() > _LARGEST:
            names = (*self.spec.exog_names, self.spec.endog_name)
            raise DesignError(
                f"{names[int(sizes.argmax())]!r} in {name} reaches {sizes.max():.3g}, and its "
                "square overflows",
                hint="measure it in a larger unit",
            )
        if audit.total_weight == 0:
            raise DesignError(f"the weights of all {audit.rows:,} rows of {name} are zero")
        if audit.rows <= k:
            raise DesignError(
                f"{audit.rows:,} rows cannot determine {k:,} columns and the scale",
                hint="least squares needs more rows than columns",
            )
