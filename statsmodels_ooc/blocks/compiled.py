"""A design whose columns and codes are made and multiplied in machine code, slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import NONE, FloatArray, doubles
from statsmodels_ooc.blocks.block import SPREAD, OneArray
from statsmodels_ooc.blocks.columns import ColumnPlan, Filler, Piece, Scratch, fill_columns
from statsmodels_ooc.blocks.split import Layout, Split, centre_bins
from statsmodels_ooc.compiled import cells as cell_loops
from statsmodels_ooc.compiled import columns as loops
from statsmodels_ooc.compiled.program import Program, Scores, Sums, Totals
from statsmodels_ooc.compiled.scoring import scorer


class Recipe:
    """The program of a layout, for variables that come block by block.

    Parameters
    ----------
    layout : Layout
        Which columns are written, and which are bins of coded terms.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        parts = [piece for plan in layout.plans for piece in plan]
        contrasts = [_weights(piece) for piece in parts]
        firsts = np.cumsum([0, *map(len, contrasts)])
        self._variables = [(p.value, p.column if p.contrast is None else None) for p in parts]
        self._pieces = np.zeros((len(parts), 4), np.int64)
        self._pieces[:, 2] = [p.level for p in parts]
        self._pieces[:, 3] = firsts[:-1]
        self._starts = np.cumsum([0, *map(len, layout.plans)])
        self._weights = np.concatenate([NONE, *contrasts])
        terms = layout.terms
        self._of_terms = [factor for term in terms for factor in term.factors]
        self._factors = np.zeros((len(self._of_terms), 3), np.int64)
        self._factors[:, 2] = [size for term in terms for size in term.levels]
        self._terms = np.zeros((len(terms) + 1, 3), np.int64)
        self._terms[1:, 0] = np.cumsum([len(term.factors) for term in terms])
        self._terms[1:, 1] = np.cumsum([len(term.table) for term in terms])
        self._terms[:, 2] = layout.starts
        tables = [term.table.astype(np.int64) for term in terms]
        self._tables = np.concatenate([np.empty(0, np.int64), *tables])

    def design(self, spec: Filler, rows: Any, piece: slice, scratch: Scratch) -> Compiled:
        """The design of some rows; see `Filled`."""
        return Compiled(spec, rows, piece, scratch, self)

    def program(self, values: Sequence[NDArray[Any]], first: int) -> Program:
        """The program for these variables from one of their rows on.

        The variables have to live as long as it is used, and be as `settled` makes them.
        """
        pieces, factors = self._pieces.copy(), self._factors.copy()
        starts = [_start(value, first) for value in values]
        for at, (value, column) in enumerate(self._variables):
            address, size, stride = starts[value]
            if column is None:
                pieces[at, :2] = address, size
            else:
                pieces[at, 0] = address + column * stride
        for at, value in enumerate(self._of_terms):
            factors[at, :2] = starts[value][:2]
        return Program(pieces, self._starts, self._weights, factors, self._terms, self._tables)


def _weights(piece: Piece) -> FloatArray:
    """What each level contributes, where that is not 1 for one of them."""
    return NONE if piece.contrast is None or piece.level >= 0 else piece.contrast


def _start(value: NDArray[Any], first: int) -> tuple[int, int, int]:
    """Address of a row of a variable, bytes of a value, and bytes from column to column."""
    address: int = value.__array_interface__["data"][0]
    stride = value.strides[0] if value.ndim > 1 else 0
    return address + first * value.itemsize, value.itemsize, stride


def settled(values: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
    """The variables with values next to one another, as machine code reads them."""
    return tuple(
        value if value.strides[-1:] == (value.itemsize,) else np.ascontiguousarray(value)
        for value in values
    )


class Compiled(Split):
    """The design of some rows, written nowhere: each product makes its columns anew.

    Parameters
    ----------
    spec, rows, piece, scratch
        As for `Filled`, for whoever wants all columns.
    recipe : Recipe
        How the columns are made.
    """

    __slots__ = ("_columns", "_program", "_sums_of_columns", "_values")

    def __init__(
        self, spec: Filler, rows: Any, piece: slice, scratch: Scratch, recipe: Recipe
    ) -> None:
        super().__init__(spec, rows, piece, scratch, recipe.layout)
        self._values = settled(rows.values)  # the program knows their addresses
        self._program = recipe.program(self._values, piece.start)
        self._sums_of_columns: FloatArray | None = None
        self._columns: tuple[FloatArray, ...] | None = None

    def columns(self) -> tuple[FloatArray, ...]:
        if self.layout.terms or self.is_filled:
            return super().columns()
        if self._columns is None:
            plans = self.layout.plans
            self._columns = tuple(self._column(j, plan) for j, plan in enumerate(plans))
        return self._columns

    def _column(self, j: int, plan: ColumnPlan) -> FloatArray:
        """A variable as it is, a one for all rows, or what `dense` would write."""
        if not plan:
            return np.broadcast_to(1.0, len(self))
        if len(plan) == 1 and plan[0].contrast is None:
            return np.atleast_2d(self._values[plan[0].value])[plan[0].column, self.piece]
        fill_columns((plan,), self._values, self.piece, self.memory[:, j : j + 1])
        return self.memory[:, j]

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        if self._extremes is None:
            self._look()
        return OneArray.extremes(self)  # NaN stays

    def sums(self) -> FloatArray:
        if self._sums_of_columns is None:
            self._look()
        return OneArray.sums(self) if self._sums_of_columns is None else self._sums_of_columns

    def _look(self) -> None:
        """Find sums and extremes at once, unless a value is not finite."""
        extremes, sums = _no_extremes(self.layout), np.zeros(len(self.layout.plans))
        if loops.extremes(self._program, len(self), sums, *extremes):
            self._note(*extremes)
            both: FloatArray = np.append(sums, extremes[-1])
            self._sums_of_columns = both[self.layout.place]

    def _note(self, low: FloatArray, high: FloatArray, counts: NDArray[np.int64]) -> None:
        """Take the extremes of the columns, (d,) each, and the rows in each bin."""
        low = np.append(low, counts == len(self))
        high = np.append(high, counts > 0)
        self._extremes = low[self.layout.place], high[self.layout.place]

    def matvec(self, beta: FloatArray) -> FloatArray:
        out = np.zeros(len(self))
        loops.linear(self._program, self.layout.spread(beta), out)
        return out

    def rmatvec(self, v: FloatArray) -> FloatArray:
        out = np.zeros(len(self.layout.plans) + self.layout.bins)
        loops.score(self._program, doubles(v), out)
        return out[self.layout.place]

    def comoment(
        self, w: FloatArray | None, mean: FloatArray, endog: FloatArray | None = None
    ) -> FloatArray:
        return OneArray.comoment(self, w, mean, endog)

    def sandwich(self, w: FloatArray) -> FloatArray:
        shift, place = np.zeros(len(self.layout.plans)), self.layout.place
        above, below = np.maximum(w, 0.0), np.maximum(-w, 0.0)
        out = self._square(self._sums(NONE, above, shift), shift)
        if below.any():  # the loops take roots of weights
            out -= self._square(self._sums(NONE, below, shift), shift)
        return out[np.ix_(place, place)]

    def moments(
        self, w: FloatArray | None, endog: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        y, weights = doubles(endog), doubles(w)
        shift = np.full(len(self.layout.plans) + len(y[:1]), np.nan)
        sums = self._sums(y, weights, shift)
        if _has_cancelled(sums):  # the first rows are far from the others
            sums = self._sums(y, weights, shift + _means(sums))
        return self._about_means(sums)

    def scored(
        self,
        rule: FloatArray,
        beta: FloatArray,
        y: FloatArray,
        offset: FloatArray | None,
        prior: FloatArray | None,
    ) -> ScoredBlock | None:
        """All that a step of scoring needs, in one sweep.

        Parameters
        ----------
        rule : ndarray, (7,)
            How rows are scored, a `program.Rule`.
        beta : ndarray, (k,)
            The parameters.
        y : ndarray, (b,)
            The responses.
        offset, prior : ndarray, (b,), or None
            What is added to the linear predictor, and prior weights.

        Returns
        -------
        ScoredBlock or None
            None where a row is out of the range of the loops, all weights are zero, or products
            overflow.
        """
        scores = _UNSCORED._replace(
            scorer=scorer(),
            rule=rule,
            beta=self.layout.spread(beta),
            offset=doubles(offset),
            y=doubles(y),
            prior=doubles(prior),
        )
        found = self._swept(scores, np.full(len(self.layout.plans), np.nan))
        if found is not None and _has_cancelled(found[1]):
            found = self._swept(scores, found[1].shift + _means(found[1]))
        if found is None:
            return None
        done, sums = found
        weight, score = float(sums.gram[-1, -1]), done.score[self.layout.place]
        return ScoredBlock(done.totals, score, weight, *self._about_means(sums))

    def _swept(self, scores: Scores, shift: FloatArray) -> tuple[Scores, Sums] | None:
        """Scores and products about a shift; see `scored` for None."""
        new = scores._replace(totals=np.array(Totals()), score=np.zeros(len(scores.beta)))
        sums = _nothing(self.layout, shift)
        is_sure = loops.products(self._program, len(self), NONE, NONE, new, sums)
        squares = sums.gram.diagonal()
        if not is_sure or squares[-1] == 0 or not np.isfinite(squares).all():
            return None
        self._note(sums.low, sums.high, sums.counts)
        return new, sums

    def _sums(self, y: FloatArray, w: FloatArray, shift: FloatArray) -> Sums:
        """Sums about a shift; where that is NaN, it becomes the means of the first rows."""
        sums = _nothing(self.layout, shift)
        loops.products(self._program, len(self), y, w, _UNSCORED, sums)
        if np.isfinite(sums.gram.diagonal()).all():
            self._note(sums.low, sums.high, sums.counts)
        return sums

    def _about_means(self, sums: Sums) -> tuple[FloatArray, FloatArray]:
        """Means, and products about them, in the order of the design; the response is last."""
        layout, d, moved = self.layout, len(self.layout.plans), _means(sums)
        out = self._square(sums, moved)
        if layout.bins:
            centre_bins(out, layout.starts)
        place = layout.place
        if len(moved) > d:
            place = np.append(place + (place >= d), d)
        means = np.append(sums.shift + moved, sums.by_bin[:, -1] / sums.gram[-1, -1])
        return means[place], out[np.ix_(place, place)]

    def _square(self, sums: Sums, means: FloatArray) -> FloatArray:
        """Products of the columns, about their means, and of the bins: (q - 1 + bins,) square."""
        starts, q = self.layout.starts, len(means)
        weights = sums.by_bin[:, -1]
        out = np.zeros((q + self.layout.bins,) * 2)
        out[:q, :q] = sums.gram[:-1, :-1] - sums.gram[-1, -1] * np.outer(means, means)
        squares = out.diagonal()[:q]
        if (squares < 0).any():  # by rounding, where one row has all of the weight
            np.fill_diagonal(out[:q, :q], np.maximum(squares, 0.0))
        if not self.layout.bins:
            return out
        out[q:, :q] = sums.by_bin[:, :-1] - np.outer(weights, means)
        out[:q, q:] = out[q:, :q].T
        bins = out[q:, q:]
        np.fill_diagonal(bins, weights)
        for pair, (i, j) in enumerate(combinations(range(len(starts) - 1), 2)):
            rows, columns = slice(*starts[i : i + 2]), slice(*starts[j : j + 2])
            table = sums.tables[sums.ends[pair] : sums.ends[pair + 1]]
            bins[rows, columns] = table.reshape(bins[rows, columns].shape)
            bins[columns, rows] = bins[rows, columns].T
        return out


class ScoredBlock(NamedTuple):
    """What a step of scoring needs of a block."""

    totals: FloatArray  # `program.Totals`
    score: FloatArray  # X's, (k,)
    weight: float  # the sum of the expected information
    means: FloatArray  # of the columns, weighted, (k,)
    comoment: FloatArray  # products of the columns about their means, weighted, (k, k)


_UNSCORED = Scores(0, *[NONE] * 7)


def _nothing(layout: Layout, shift: FloatArray) -> Sums:
    """Sums about a shift of no rows; where it is NaN, it becomes the means of the first rows."""
    q = len(shift) + 1
    sizes = np.diff(layout.starts).tolist()
    ends = np.array([0, *accumulate(a * b for a, b in combinations(sizes, 2))])
    return Sums(
        shift,
        np.zeros((q, q)),
        np.zeros((layout.bins, q)),
        np.zeros(ends[-1]),
        ends,
        *_no_extremes(layout),
    )


def _no_extremes(layout: Layout) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """The extremes of columns and the rows in bins, of no rows."""
    d = len(layout.plans)
    return np.full(d, np.inf), np.full(d, -np.inf), np.zeros(layout.bins, np.int64)


def _means(sums: Sums) -> FloatArray:
    """Of the columns, less the shift, (q - 1,)."""
    means: FloatArray = sums.gram[-1, :-1] / sums.gram[-1, -1]
    return means


def _has_cancelled(sums: Sums) -> bool:
    """Whether most of the squares of a column are those of its mean."""
    squares, totals = sums.gram.diagonal()[:-1], sums.gram[-1]
    return bool((squares - totals[:-1] * _means(sums) < SPREAD * squares).any())


def add_to_cells(
    keys: Sequence[NDArray[Any]],
    sizes: Sequence[int],
    y: FloatArray,
    w: FloatArray | None,
    weights: FloatArray,
    products: FloatArray,
) -> None:
    """Add weights, and weights times responses, to the cells that rows are in.

    Parameters
    ----------
    keys : sequence of ndarray of int, (n,) each
        The codes that make a cell, the last one varying fastest.
    sizes : sequence of int
        The number of codes of each.
    y : ndarray, (n,)
        Responses.
    w : ndarray, (n,), or None
        Weights, None for ones.
    weights, products : ndarray, (g,)
        Get the sums.
    """
    cell = np.zeros(len(y), np.intp)
    for codes, size in zip(keys, sizes, strict=True):
        cell_loops.mix(codes, size, cell)
    cell_loops.add(cell, doubles(y), doubles(w), weights, products)
