"""A block: consecutive rows of the design, made and dropped inside one task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray

SPREAD = 0.25  # of the squares about zero: with so much about the mean nothing cancels


@dataclass(frozen=True, slots=True)
class Where:
    """Where a frame stands, for blocks and for messages."""

    partition: int
    label: str  # of the partition, such as "a.parquet, row group 3"
    start: int  # number in the partition of the frame's first row

    def __str__(self) -> str:
        return self.label

    def row(self, i: int) -> str:
        """Row ``i`` of the frame, in words."""
        return f"row {self.start + i} of {self.label}"


class Design(Protocol):
    """The design of a block of b rows and k columns, however it is held."""

    def dense(self) -> FloatArray:
        """The design as one column-major array, (b, k)."""
        ...

    def columns(self) -> tuple[FloatArray, ...]:
        """The columns of the design, (b,) each, which may be the variables themselves."""
        ...

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        """Smallest and largest value of every column, (k,) each; there are rows."""
        ...

    def sums(self) -> FloatArray:
        """Sums of the columns, (k,)."""
        ...

    def keys(self) -> tuple[NDArray[Any], ...]:
        """The variables that the columns are made of, (b,) each."""
        ...

    def matvec(self, beta: FloatArray) -> FloatArray:
        """``X beta``, (b,)."""
        ...

    def rmatvec(self, v: FloatArray) -> FloatArray:
        """``X'v``, (k,)."""
        ...

    def sandwich(self, w: FloatArray) -> FloatArray:
        """``X' diag(w) X``, (k, k)."""
        ...

    def comoment(
        self, w: FloatArray | None, mean: FloatArray, endog: FloatArray | None = None
    ) -> FloatArray:
        """``(Z - 1 mean')' diag(w) (Z - 1 mean')`` for the weighted means of Z.

        Z is the design, (k, k), or the design and the response, (k + 1, k + 1).
        """
        ...

    def moments(
        self, w: FloatArray | None, endog: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """The weighted means of Z, and `comoment` about them; some weight is above zero."""
        ...


class OneArray:
    """A design whose verbs work on one array, column-major, which `dense` gives."""

    __slots__ = ("_extremes",)

    def __init__(self) -> None:
        self._extremes: tuple[FloatArray, FloatArray] | None = None

    def __len__(self) -> int:
        """The number of rows."""
        raise NotImplementedError

    def dense(self) -> FloatArray:
        raise NotImplementedError

    def keys(self) -> tuple[NDArray[Any], ...]:
        raise NotImplementedError

    def columns(self) -> tuple[FloatArray, ...]:
        return tuple(self.dense().T)

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        if self._extremes is None:  # several reductions of a pass ask for them
            design = self.dense()
            self._extremes = design.min(axis=0), design.max(axis=0)
        return self._extremes

    def sums(self) -> FloatArray:
        return self.rmatvec(np.ones(len(self)))

    def matvec(self, beta: FloatArray) -> FloatArray:
        # np.dot lets go of the GIL; for one matrix np.matmul does not.
        eta: FloatArray = np.dot(self.dense(), beta)
        return eta

    def rmatvec(self, v: FloatArray) -> FloatArray:
        product: FloatArray = np.dot(self.dense().T, v)
        return product

    def sandwich(self, w: FloatArray) -> FloatArray:
        design = self.dense()
        products: FloatArray = np.dot(design.T, design * w[:, None])
        return products

    def comoment(
        self, w: FloatArray | None, mean: FloatArray, endog: FloatArray | None = None
    ) -> FloatArray:
        design = self.dense()
        b, k = design.shape
        z = np.empty((b, len(mean)), order="F")
        if endog is None and w is not None:
            np.multiply(design, np.sqrt(w)[:, None], out=z)
            raw: FloatArray = np.dot(z.T, z)
            apart: FloatArray = raw - w.sum() * np.outer(mean, mean)
            if (apart.diagonal() >= SPREAD * raw.diagonal()).all():
                return apart
        np.subtract(design, mean[:k], out=z[:, :k])
        if endog is not None:
            np.subtract(endog, mean[k], out=z[:, k])
        if w is not None:
            z *= np.sqrt(w)[:, None]
        products: FloatArray = np.dot(z.T, z)
        return products

    def moments(
        self, w: FloatArray | None, endog: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        weights = np.ones(len(self)) if w is None else w
        mean = self.rmatvec(weights)
        if endog is not None:
            mean = np.append(mean, weights @ endog)
        mean /= weights.sum()
        return mean, self.comoment(w, mean, endog)


class Dense(OneArray):
    """A design held as one array, column-major, (b, k)."""

    __slots__ = ("array",)

    def __init__(self, array: FloatArray) -> None:
        super().__init__()
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def dense(self) -> FloatArray:
        return self.array

    def keys(self) -> tuple[NDArray[Any], ...]:
        return tuple(self.array.T)


@dataclass(frozen=True, slots=True)
class Extras:
    """What goes with the rows of a block, (b,) each; None where there is nothing.

    Attributes
    ----------
    weights : ndarray, (b,), or None
        Of weighted least squares.
    freq_weights, var_weights : ndarray, (b,), or None
        Of a generalised linear model: how many times a row counts, and what its
        variance is divided by.
    trials : ndarray, (b,), or None
        Of a binomial response that is a proportion.
    offset : ndarray, (b,), or None
        What is added to the linear predictor.
    exposure : ndarray, (b,), or None
        The logarithm of the exposure, which is added to the linear predictor, too.
    beside : mapping
        Whatever else was put beside the rows, (b,) or (b, q) each, by name.
    """

    weights: FloatArray | None = None
    freq_weights: FloatArray | None = None
    var_weights: FloatArray | None = None
    trials: FloatArray | None = None
    offset: FloatArray | None = None
    exposure: FloatArray | None = None
    beside: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Extras:
        """From what there is, by name."""
        return cls(**given)

    def given(self) -> dict[str, FloatArray]:
        """What belongs to the model, by name."""
        values = {name: getattr(self, name) for name in _OF_MODELS}
        return {name: value for name, value in values.items() if value is not None}

    def piece(self, rows: slice | NDArray[np.intp]) -> Extras:
        """The same for some of the rows."""
        beside = {name: values[rows] for name, values in self.beside.items()}
        return Extras.of({n: v[rows] for n, v in self.given().items()} | {"beside": beside})


_OF_MODELS = ("weights", "freq_weights", "var_weights", "trials", "offset", "exposure")


@dataclass(frozen=True, slots=True)
class CellSums:
    """What rows differ in that are equal in the design, where a row of a block is all of them.

    Of a cell of rows with responses y, prior weights a (the product of freq_weights,
    var_weights and trials) and ``c = freq_weights (var_weights trials)**2``, the response is
    the mean ``m = sum a y / sum a``, and the only weight is ``var_weights = sum a``. So

    - ``sum a (y - mu)**2 = weight (m - mu)**2 + spread``,
    - ``sum c (y - mu)**2 = squares (m - mu)**2 + 2 lean (m - mu) + squares_spread``.

    Attributes
    ----------
    weight : ndarray, (b,)
        Sum of a.
    spread : ndarray, (b,)
        Sum of ``a (y - m)**2``, which is >= 0.
    squares, lean, squares_spread : ndarray, (b,), or None
        Sums of c, ``c (y - m)`` and ``c (y - m)**2``; None where c is a: then they would be
        weight, zero and spread.
    """

    weight: FloatArray
    spread: FloatArray
    squares: FloatArray | None = None
    lean: FloatArray | None = None
    squares_spread: FloatArray | None = None

    def piece(self, rows: slice) -> CellSums:
        """The same for some of the cells."""
        sums = [getattr(self, field.name) for field in fields(self)]
        some: list[Any] = [None if each is None else each[rows] for each in sums]
        return CellSums(*some)

    def squared_gaps(self, gap: FloatArray) -> FloatArray:
        """Sums of ``c (y - mu)**2`` from the gaps ``m - mu``, (b,) each."""
        if self.squares is None or self.lean is None or self.squares_spread is None:
            return self.weight * gap**2 + self.spread
        return self.squares * gap**2 + 2 * self.lean * gap + self.squares_spread


class Lost(NamedTuple):
    """Rows that a design leaves out, for one variable.

    Attributes
    ----------
    variable : str
        The variable.
    rows : ndarray of int, (m,)
        Numbers of the rows in the partition.
    levels : tuple or None
        What these rows have that is no level of the variable; None where they have no value.
    """

    variable: str
    rows: NDArray[np.intp]
    levels: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """b rows of a design with k columns.

    The arrays may share memory that the next block overwrites: whoever keeps rows
    copies them.

    Attributes
    ----------
    endog : ndarray, (b,)
        The response.
    design : Design
        The design, (b, k).
    extras : Extras
        What goes with the rows, (b,) each.
    partition : int
        Number of the partition that the rows come from.
    start : int
        Number in the partition of the first row, when no row was dropped.
    kept : ndarray of int, (b,), or None
        Numbers in the partition of the rows, where some were dropped.
    rows_read : int
        Rows of the source that this block accounts for, dropped ones included.
    missing : dict
        Dropped rows by the name of the variable that was missing.
    cells : CellSums or None
        Where a row stands for several of the data, what these differ in.
    lost : tuple of Lost
        The dropped rows that this block accounts for, one by one.
    """

    endog: FloatArray
    design: Design
    extras: Extras = field(default_factory=Extras)
    partition: int = 0
    start: int = 0
    kept: NDArray[np.intp] | None = None
    rows_read: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    cells: CellSums | None = None
    lost: tuple[Lost, ...] = ()

    @property
    def weights(self) -> FloatArray | None:
        """The weights, (b,); None for unit weights."""
        return self.extras.weights

    def row(self, i: int) -> int:
        """Number in the partition of row ``i`` of the block."""
        return self.start + i if self.kept is None else int(self.kept[i])

    @property
    def row_numbers(self) -> NDArray[np.intp]:
        """Numbers in the partition of the rows, (b,)."""
        if self.kept is not None:
            return self.kept
        return np.arange(self.start, self.start + len(self.endog))

    def numbers(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Numbers in the partition of some rows, by their positions."""
        return rows + self.start if self.kept is None else self.kept[rows]

    def dense(self) -> FloatArray:
        """The design as one column-major array, (b, k)."""
        return self.design.dense()

    def matvec(self, beta: FloatArray) -> FloatArray:
        """``X beta``, (b,)."""
        return self.design.matvec(beta)

    def some(self, rows: NDArray[np.intp]) -> Block:
        """Some of the rows, by their positions, in memory of their own; none of them a cell."""
        return Block(
            endog=self.endog[rows],
            design=Dense(np.asfortranarray(self.dense()[rows])),
            extras=self.extras.piece(rows),
            partition=self.partition,
            start=self.start,
            kept=self.numbers(rows),
        )


def row_weights(block: Block) -> FloatArray:
    """The weights of least squares, (b,); ones where there are none."""
    return np.ones(len(block.endog)) if block.weights is None else block.weights


def prior_weights(
    block: Block, roles: Sequence[str] = ("freq_weights", "var_weights", "trials")
) -> FloatArray | None:
    """The product of the weights in some roles, (b,); None where there are none of them."""
    product: FloatArray | None = None
    for role in roles:
        factor = getattr(block.extras, role)
        if factor is not None:
            product = factor if product is None else product * factor
    return product


def total_offset(block: Block) -> FloatArray | None:
    """Offset and logarithm of the exposure, (b,); None where there is neither."""
    offset, exposure = block.extras.offset, block.extras.exposure
    if offset is None or exposure is None:
        return exposure if offset is None else offset
    return offset + exposure


def linear_predictor(block: Block, beta: FloatArray) -> FloatArray:
    """``X beta`` and the offset, (b,)."""
    eta, offset = block.design.matvec(beta), total_offset(block)
    if offset is not None:
        eta += offset
    return eta
