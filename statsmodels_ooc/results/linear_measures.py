"""Closed forms of the influence of rows on least squares."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.families.elementwise import quiet
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.largest import Scores
from statsmodels_ooc.reductions.leverage import LeverageOne
from statsmodels_ooc.results.measures import Looked, RowMeasures

_FEW = 1e-6  # of a sum of squares: of a smaller difference fewer than nine digits are right


@dataclass(frozen=True)
class LinearMeasures(RowMeasures):
    """The measures of rows ``(x, y)``, which weights have whitened.

    Attributes
    ----------
    beta : ndarray, (k,)
        The parameters.
    axes : Axes
        With a root of the normalised covariance ``N = (X'X)^+``, (k, r).
    ones : LeverageOne
        What tells rows of leverage one.
    ssr, df_resid : float
        Residual sum of squares and its degrees of freedom.
    k_vars : int
        By how many coefficients Cook's distance is divided.
    exact : tuple of (int, int, float)
        Partitions and rows that are most of `ssr`, and what is left of it without them.

    Notes
    -----
    With the residual e and the leverage ``h = x'Nx``, leaving the row out changes the
    parameters by ``N x e / (1 - h)`` and the residual sum of squares by ``e**2 / (1 - h)``,
    and divides the determinant of ``X'X`` by ``1 / (1 - h)``; the rest follows. Where hardly
    anything is left of the sum of squares, its difference has no digits: it is NaN, unless
    `exact` has what is left.

    References
    ----------
    Belsley, Kuh, Welsch (1980). Regression diagnostics. Wiley, chapter 2.
    """

    beta: FloatArray
    axes: Axes
    ones: LeverageOne
    ssr: float
    df_resid: float
    k_vars: int
    exact: tuple[tuple[int, int, float], ...] = ()

    width = 3
    leverage = 1
    wide_names = ("dfbeta", "dfbetas", "params_not_obsi")

    @property
    def k(self) -> int:
        return len(self.beta)

    @property
    def key(self) -> Hashable:
        return ("linear", self.beta.tobytes(), self.axes.root.tobytes(), self.ssr, self.exact)

    @property
    def scale(self) -> float:
        """The residual variance."""
        return float(np.divide(self.ssr, self.df_resid))

    def look(self, block: Block, *, changes: bool = False) -> Looked:
        e = block.endog - self.axes.fitted(block, self.beta)
        g = self.axes.rows(block)
        if block.weights is not None:
            root = np.sqrt(block.weights)
            e, g = e * root, g * root[:, None]
        h = np.square(g).sum(axis=1)
        alone = self.ones.among(g, h)
        e, h = np.where(alone, 0.0, e), np.where(alone, 1.0, h)
        base = np.column_stack((e, h, self._rest(block, e, h, alone)))
        if not changes:
            return Looked(base, None, alone)
        influence = np.dot(g, self.axes.root.T)
        changed = influence * (e / (1 - h))[:, None]
        determined = self.ones.determined(influence[alone])
        changed[alone] = np.where(determined, np.nan, 0.0)
        return Looked(base, changed, alone)

    def column(self, name: str, base: FloatArray) -> FloatArray:
        return COLUMNS[name](self, *base.T)

    def lost(self, base: FloatArray) -> BoolArray:
        return np.isnan(base[:, 2])

    def _rest(self, block: Block, e: FloatArray, h: FloatArray, alone: BoolArray) -> FloatArray:
        """What is left of the residual sum of squares without the row, (b,)."""
        lost = np.divide(e**2, 1 - h, out=np.zeros_like(e), where=~alone)
        rest: FloatArray = self.ssr - lost
        if self.df_resid > 1:
            rest[rest < _FEW * self.ssr] = np.nan
        for partition, row, left in self.exact:
            if partition == block.partition:
                rest[block.row_numbers == row] = left
        return rest

    def wide(self, name: str, base: FloatArray, changes: FloatArray) -> FloatArray:
        if name == "params_not_obsi":
            return self.beta - changes
        if name == "dfbeta":
            return changes.copy()
        sizes = np.sqrt(np.square(self.axes.root).sum(axis=1))
        scaled: FloatArray = changes / np.sqrt(self.column("sigma2_not_obsi", base))[:, None]
        scaled /= sizes
        return scaled

    def left_out(self, e: FloatArray, h: FloatArray, rest: FloatArray) -> FloatArray:
        """The residual variance without the row, (b,); NaN where nothing tells it.

        A row of leverage one takes a coefficient with it, and no residual.
        """
        df = self.df_resid - (h < 1.0)
        variance: FloatArray = np.where(df > 0, rest, np.nan) / df
        return variance

    def determinant(self) -> float:
        """That of N; zero where the rank is short."""
        root = self.axes.root
        if root.shape[0] > root.shape[1]:
            return 0.0
        return float(np.exp(2 * np.linalg.slogdet(root)[1]))


def _studentised(variance: FloatArray | float, e: FloatArray, h: FloatArray) -> FloatArray:
    return e / np.sqrt(variance) / np.sqrt(1 - h)


def _internal(m: LinearMeasures, e: FloatArray, h: FloatArray, rest: FloatArray) -> FloatArray:
    return _studentised(m.scale, e, h)


def _external(m: LinearMeasures, e: FloatArray, h: FloatArray, rest: FloatArray) -> FloatArray:
    return _studentised(m.left_out(e, h, rest), e, h)


def _cooks(m: LinearMeasures, e: FloatArray, h: FloatArray, rest: FloatArray) -> FloatArray:
    return _internal(m, e, h, rest) ** 2 / m.k_vars * (h / (1 - h))


def _cooks_p(m: LinearMeasures, e: FloatArray, h: FloatArray, rest: FloatArray) -> FloatArray:
    p: FloatArray = stats.f.sf(_cooks(m, e, h, rest), m.k_vars, m.df_resid)
    return p


def _cov_ratio(m: LinearMeasures, e: FloatArray, h: FloatArray, rest: FloatArray) -> FloatArray:
    rank = m.axes.root.shape[1]
    ratio: FloatArray = (m.left_out(e, h, rest) / m.scale) ** rank / (1 - h)
    return ratio


def _determinants(m: LinearMeasures, e: FloatArray, h: FloatArray, rest: FloatArray) -> FloatArray:
    determinants: FloatArray = m.left_out(e, h, rest) ** m.k * m.determinant() / (1 - h)
    return determinants


Column = Callable[[LinearMeasures, FloatArray, FloatArray, FloatArray], FloatArray]
COLUMNS: dict[str, Column] = {
    "resid": lambda m, e, h, rest: e.copy(),
    "hat_diag": lambda m, e, h, rest: h.copy(),
    "resid_press": lambda m, e, h, rest: e / (1 - h),
    "influence": lambda m, e, h, rest: e * h / (1 - h),
    "hat_diag_factor": lambda m, e, h, rest: h / (1 - h),
    "standard_resid": _internal,
    "student_resid": _external,
    "cooks_d": _cooks,
    "cooks_p": _cooks_p,
    "dffits_internal": lambda m, e, h, rest: _internal(m, e, h, rest) * np.sqrt(h / (1 - h)),
    "dffits": lambda m, e, h, rest: _external(m, e, h, rest) * np.sqrt(h / (1 - h)),
    "sigma2_not_obsi": LinearMeasures.left_out,
    "cov_ratio": _cov_ratio,
    "det_cov_params_not_obsi": _determinants,
    "resid_var": lambda m, e, h, rest: m.scale * (1 - h),
    "resid_std": lambda m, e, h, rest: np.sqrt(m.scale * (1 - h)),
}


@dataclass(frozen=True)
class Hiding:
    """Rank rows by whether they are most of the residual sum of squares; keep their changes."""

    measures: LinearMeasures

    @property
    def width(self) -> int:
        """One number for each coefficient."""
        return self.measures.k

    def scores(self, block: Block) -> Scores:
        """One for such rows, else zero."""
        with quiet():
            base, _, alone = self.measures.look(block)
        return Scores(self.measures.lost(base).astype(np.float64), alone)

    def kept(self, block: Block) -> FloatArray:
        """The changes of the parameters by leaving the rows out, (b, k)."""
        return self.measures.of("dfbeta", block)
