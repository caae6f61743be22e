"""What auxiliary regressions make of the rows of a model, b at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, Dense, Extras, row_weights
from statsmodels_ooc.blocks.given import numbers_beside
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.reductions.auxiliary import Series, auxiliary_block
from statsmodels_ooc.reductions.axes import exactly


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
        columns += [numbers_beside(block, name, "exog_het") for name in self.beside]
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


@dataclass(frozen=True)
class Centred:
    """Columns and response measured from some point, without weights."""

    centre: FloatArray
    origin: float

    def __call__(self, block: Block) -> Block:
        return without_weights(block, block.dense() - self.centre, block.endog - self.origin)


@dataclass(frozen=True)
class Directions:
    """Directions of columns, measured from a point: ``X A - origin``, (b, m).

    Parameters
    ----------
    at : ndarray, (k, m)
        A.
    origin : ndarray, (m,)
        The point.
    centre : ndarray, (k,)
        Means of columns far from zero, so that fewer digits cancel.
    """

    at: FloatArray
    origin: FloatArray
    centre: FloatArray

    @cached_property
    def moved(self) -> FloatArray:
        """Where the centre is, (m,)."""
        return np.asarray(exactly(self.centre, self.at) - self.origin)

    def of(self, block: Block) -> FloatArray:
        """The combinations, (b, m)."""
        if not self.centre.any():
            return block.dense() @ self.at - self.origin
        found: FloatArray = (block.dense() - self.centre) @ self.at + self.moved
        return found


@dataclass(frozen=True)
class WithPowers:
    """The design and powers of scores on it; the response, or the residuals at parameters."""

    scores: Directions
    powers: tuple[int, ...]
    params: FloatArray | None = None

    def __call__(self, block: Block) -> Block:
        scores = self.scores.of(block)
        design = np.hstack([block.dense(), *(scores**power for power in self.powers)])
        endog = block.endog if self.params is None else residuals(block, self.params)
        return without_weights(block, design, endog)


@dataclass(frozen=True)
class WithTransformed:
    """Residuals on the design, and what a function makes of c of its columns: c others."""

    params: FloatArray
    at: tuple[int, ...]
    function: Callable[[FloatArray], FloatArray]

    def __call__(self, block: Block) -> Block:
        columns = block.dense()[:, list(self.at)]
        made = np.asarray(self.function(columns.copy()), dtype=np.float64)
        if made.shape != columns.shape:
            raise DesignError(
                f"func gives an array of shape {made.shape} of one of shape {columns.shape}",
                hint="it works row by row, and gives as many columns as it gets",
            )
        if not np.isfinite(made).all():
            row = int(np.flatnonzero(~np.isfinite(made).all(axis=1))[0])
            raise DesignError(
                f"func gives {made[row].tolist()} of {columns[row].tolist()}, the columns of a row",
                hint="the transformed columns are numbers; a logarithm needs positive ones",
            )
        design = np.hstack((block.dense(), made))
        return without_weights(block, design, residuals(block, self.params))


@dataclass(frozen=True)
class Distances:
    """Squared distances of rows from a point, ``|(x - point)' A|**2``, (b,).

    They are summed column by column: equal rows have equal distances wherever they stand.
    """

    point: FloatArray
    at: FloatArray

    def __call__(self, block: Block) -> FloatArray:
        gaps = block.dense() - self.point
        found = np.zeros(len(block.endog))
        for column in self.at.T:
            along = np.zeros(len(block.endog))
            for gap, share in zip(gaps.T, column, strict=True):
                along += gap * share
            found += along**2
        return found


@dataclass(frozen=True)
class WholeRows:
    """The design, the response and the weights, (b, k + 2)."""

    def __call__(self, block: Block) -> FloatArray:
        weights = row_weights(block)
        return np.column_stack((block.dense(), block.endog, weights))


def block_of(rows: FloatArray) -> Block:
    """A block of whole rows, (b, k + 2)."""
    design = Dense(np.asfortranarray(rows[:, :-2]))
    return Block(rows[:, -2], design, Extras(weights=rows[:, -1]))


@dataclass(frozen=True)
class BothDesigns:
    """The design, and that of another model in the whole rows beside, (b, k + q)."""

    weighted: bool = False
    name: str = "other"

    def __call__(self, block: Block) -> Block:
        design = np.hstack((block.dense(), block.extras.beside[self.name][:, :-2]))
        if not self.weighted:
            return without_weights(block, design, block.endog)
        return auxiliary_block(block, design, block.endog)


@dataclass(frozen=True)
class ChosenColumns:
    """Some columns of the designs of two models, (b, c)."""

    both: BothDesigns
    at: tuple[int, ...]

    def __call__(self, block: Block) -> Block:
        whole = self.both(block)
        return auxiliary_block(whole, whole.dense()[:, list(self.at)], whole.endog)
