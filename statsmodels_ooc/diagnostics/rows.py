"""What auxiliary regressions make of the rows of a model, b at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, Dense, Extras
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.reductions.auxiliary import Series, auxiliary_block


def residuals(block: Block, params: FloatArray) -> FloatArray:
    """``y - X params``, (b,)."""
    return block.endog - block.matvec(params)


def without_weights(block: Block, design: FloatArray, endog: FloatArray) -> Block:
    """A block of another design, (b, q), and response, (b,), whose rows count alike."""
    unweighted = replace(block, extras=Extras(beside=block.extras.beside))
    return auxiliary_block(unweighted, design, endog)


@dataclass(frozen=True)
class Plain:
    """The rows themselves, without weights."""

    def __call__(self, block: Block) -> Block:
        return without_weights(block, block.dense(), block.endog)


@dataclass(frozen=True)
class SquaredResiduals:
    """Squared residuals on the design, on what stands beside the rows, or on squares.

    Parameters
    ----------
    params : ndarray, (k,)
        The parameters.
    beside : tuple of str
        What stands beside the rows and is the design then; the design itself by default.
    ones : bool
        Whether a column of ones comes first.
    squared : bool
        Whether the columns are squared.
    """

    params: FloatArray
    beside: tuple[str, ...] = ()
    ones: bool = False
    squared: bool = False

    def __call__(self, block: Block) -> Block:
        design = self._beside(block) if self.beside else block.dense()
        if self.squared:
            design = np.square(design)
        return without_weights(block, design, residuals(block, self.params) ** 2)

    def _beside(self, block: Block) -> FloatArray:
        columns = [np.ones((len(block.endog), 1))] if self.ones else []
        for name in self.beside:
            values = np.asarray(block.extras.beside[name])
            if values.dtype.kind not in "biuf":
                raise DesignError(
                    f"exog_het is of type {values.dtype}, and its columns are numbers",
                    hint="a factor is several columns: (g == 'a') * 1.0 is one of them",
                )
            columns.append(values.reshape(len(block.endog), -1).astype(np.float64))
        return np.hstack(columns)


@dataclass(frozen=True)
class Standard:
    """Columns measured from a centre in units of their own, the constant as one.

    With a constant among them, products of such columns span what products of the
    columns themselves do, and keep the digits that large means would take.

    Parameters
    ----------
    centre, unit : ndarray, (k,)
        Of the columns; zero and the constant's value for the constant.
    """

    centre: FloatArray
    unit: FloatArray

    def of(self, block: Block) -> FloatArray:
        """The columns, (b, k)."""
        return (block.dense() - self.centre) / self.unit

    def products(self, block: Block) -> FloatArray:
        """Products of all pairs of columns, (b, k (k + 1) / 2)."""
        columns = self.of(block)
        left, right = np.triu_indices(columns.shape[1])
        return columns[:, left] * columns[:, right]


@dataclass(frozen=True)
class WhiteRows:
    """Squared residuals on the products of all pairs of columns, White's regression."""

    params: FloatArray
    columns: Standard

    def __call__(self, block: Block) -> Block:
        squares = residuals(block, self.params) ** 2
        return without_weights(block, self.columns.products(block), squares)


@dataclass(frozen=True)
class SpecWhiteRows:
    """``(p - mean(p)) (e**2 - mean(e**2))`` for the products p of pairs of columns.

    The response is the second factor.

    Parameters
    ----------
    params : ndarray, (k,)
        The parameters.
    columns : Standard
        In which columns are measured.
    means : ndarray, (k (k + 1) / 2,)
        Of the products.
    mean_square : float
        Of the residuals.
    """

    params: FloatArray
    columns: Standard
    means: FloatArray
    mean_square: float

    def __call__(self, block: Block) -> Block:
        gaps = residuals(block, self.params) ** 2 - self.mean_square
        rows = (self.columns.products(block) - self.means) * gaps[:, None]
        return without_weights(block, rows, gaps)


@dataclass(frozen=True)
class Within:
    """The rows for which what stands beside them is at least one number and below another.

    Parameters
    ----------
    name : str
        What stands beside the rows.
    start, stop : float
        The numbers.
    weighted : bool
        Whether weights of the model count.
    """

    name: str
    start: float
    stop: float
    weighted: bool = False

    def __call__(self, block: Block) -> Block:
        beside = block.extras.beside[self.name]
        chosen = np.flatnonzero((beside >= self.start) & (beside < self.stop))
        weights = block.weights if self.weighted else None
        return Block(
            block.endog[chosen],
            Dense(np.asfortranarray(block.dense()[chosen])),
            Extras(weights=None if weights is None else weights[chosen]),
            block.partition,
            block.start,
        )


@dataclass(frozen=True)
class Repeated:
    """The rows, each as often as a number beside it says, by its weight."""

    name: str
    weighted: bool = False

    def __call__(self, block: Block) -> Block:
        counts = block.extras.beside[self.name].astype(np.float64)
        if self.weighted and block.weights is not None:
            counts = counts * block.weights
        return replace(block, extras=Extras(weights=counts))


@dataclass(frozen=True)
class LaggedResiduals:
    """Residuals or their squares, with the design or a column of ones beside their lags.

    Parameters
    ----------
    params : ndarray, (k,)
        The parameters.
    power : int
        1 or 2.
    design, ones : bool
        What stands beside the lags.
    """

    params: FloatArray
    power: int = 1
    design: bool = False
    ones: bool = False

    def __call__(self, block: Block) -> Series:
        values = residuals(block, self.params)
        if self.power == 2:
            values = values**2
        parts = [block.dense()] if self.design else []
        if self.ones:
            parts.append(np.ones((len(values), 1)))
        return Series(values, np.hstack(parts) if parts else np.empty((len(values), 0)))


@dataclass(frozen=True)
class ColumnsOf:
    """Some columns of the design, (b, c)."""

    at: tuple[int, ...]

    def __call__(self, block: Block) -> FloatArray:
        return block.dense()[:, list(self.at)]
