"""What a model of some columns is judged by, as a function of its sum of squares and its rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from statsmodels_ooc.arrays import FloatArray

CRITERIA = ("aic", "aicc", "bic", "hqic", "rsquared_adj", "cp")


@dataclass(frozen=True)
class Criterion:
    """A criterion of linear models on the same n rows, as statsmodels counts it.

    Attributes
    ----------
    name : str
        One of `CRITERIA`.
    n : float
        Rows.
    ssr, rank : float, int
        Of the largest model, which leaves residuals.
    tss, k_constant : float, int
        Total sum of squares, about the mean where there is a constant.
    log_weights : float
        Sum of the logarithms of the weights.

    Notes
    -----
    With the sum of squared residuals s of a model of rank k, for the Gaussian likelihood L with
    the scale profiled out:

    - aic is ``-2 log L + 2 k``, bic ``+ k log n``, hqic ``+ 2 k log log n``, aicc
      ``+ 2 k n / (n - k - 1)``;
    - cp is Mallows' ``s / scale - n + 2 k`` at the scale of the largest model;
    - rsquared_adj is ``1 - (s / (n - k)) / (tss / (n - k_constant))``, which is to be large.

    References
    ----------
    Burnham, Anderson (2002). Model Selection and Multimodel Inference. Springer.
    Mallows (1973). Some comments on Cp. Technometrics 15, 661-675.
    """

    name: str
    n: float
    ssr: float
    rank: int
    tss: float
    k_constant: int
    log_weights: float = 0.0

    def loss(self, ssr: Any, rank: Any) -> FloatArray:
        """What orders models like the criterion, to be small; it rises with both arguments.

        A model without a column is none.
        """
        s, k = np.asarray(ssr, dtype=np.float64), np.asarray(rank, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: FloatArray = np.where(k > 0, self._loss(s, k), np.inf)
        return found

    def _loss(self, s: FloatArray, k: FloatArray) -> Any:
        n = self.n
        if self.name == "cp":
            return s / self.ssr * (n - self.rank) + 2 * k
        fit = n * np.log(s / self.ssr)
        match self.name:
            case "aic":
                return fit + 2 * k
            case "bic":
                return fit + np.log(n) * k
            case "hqic":
                return fit + 2 * np.log(np.log(n)) * k
            case "aicc":
                left = n - k - 1
                return np.where(left > 0, fit + 2 * k * n / np.where(left > 0, left, 1), np.inf)
        return fit - n * np.log(n - k)

    def value(self, ssr: float, rank: int) -> float:
        """The criterion."""
        n, loss = self.n, float(self.loss(ssr, rank))
        if self.name == "cp":
            return loss - n
        if self.name == "rsquared_adj":
            with np.errstate(divide="ignore", invalid="ignore"):
                spread = np.float64(self.tss) / (n - self.k_constant)
                return float(1 - (ssr / (n - rank)) / spread)
        constant = n * (np.log(self.ssr) + 1 + np.log(2 * np.pi / n)) - self.log_weights
        return float(loss + constant)
