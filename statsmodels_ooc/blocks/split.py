"""A design whose terms of many levels stay codes: they never become columns of zeros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.columns import (
    CodedTerm,
    ColumnPlan,
    Filled,
    Filler,
    Scratch,
    coded_terms,
    fill_columns,
    term_codes,
)

LEAST_COLUMNS = 6  # benchmarks/split.py: one term of fewer columns is cheaper written out


@dataclass(frozen=True)
class Layout:
    """Which columns of a design are written, and which are bins of coded terms.

    A term has a bin for each of its columns, and a last one for the rows where all of
    them are zero: the bins of a term share out the rows.
    """

    plans: tuple[ColumnPlan, ...]  # the d columns that are written
    written: NDArray[np.intp]  # where they stand in the design, (d,)
    terms: tuple[CodedTerm, ...]
    starts: NDArray[np.intp]  # the first bin of each term, and the number of all, (terms + 1,)
    place: NDArray[np.intp]  # where a column is among the written columns and the bins, (k,)

    @property
    def bins(self) -> int:
        """The number of all bins."""
        return int(self.starts[-1])

    def spread(self, beta: FloatArray) -> FloatArray:
        """Coefficients of the design as those of the written columns and of the bins."""
        out = np.zeros(len(self.plans) + self.bins)
        out[self.place] = beta
        return out

    def codes(self, values: Sequence[NDArray[Any]], rows: slice) -> NDArray[np.int32]:
        """The bins of some rows, (b, terms)."""
        codes = [term_codes(term, values, rows) for term in self.terms]
        out = np.empty((len(codes[0]), len(codes)), dtype=np.int32)
        for column, code, start in zip(out.T, codes, self.starts.tolist(), strict=False):
            np.add(code, np.int32(start), out=column)
        return out


def split_columns(plans: Sequence[ColumnPlan], least: int = LEAST_COLUMNS) -> Layout:
    """Learn the layout of a design; terms of fewer than ``least`` indicators are written."""
    terms = coded_terms(plans, least)
    coded = [column for term in terms for column in term.columns.tolist()]
    written = np.setdiff1d(np.arange(len(plans)), np.array(coded, dtype=np.intp))
    starts = np.cumsum([0, *(len(term.columns) + 1 for term in terms)])
    place = np.empty(len(plans), dtype=np.intp)
    place[written] = np.arange(len(written))
    for term, start in zip(terms, starts.tolist(), strict=False):
        place[term.columns] = len(written) + start + np.arange(len(term.columns))
    return Layout(tuple(plans[j] for j in written), written, terms, starts, place)


class Split(Filled):
    """The design of some rows as columns and codes.

    Parameters
    ----------
    spec, rows, piece, scratch
        As for `Filled`, whose memory the columns share.
    layout : Layout
        Which columns stay codes.
    """

    __slots__ = ("_bins", "_codes", "_written", "layout")

    def __init__(
        self, spec: Filler, rows: Any, piece: slice, scratch: Scratch, layout: Layout
    ) -> None:
        super().__init__(spec, rows, piece, scratch)
        self.layout = layout
        self._written: FloatArray | None = None
        self._codes: NDArray[np.int32] | None = None
        self._bins: Any = None

    def dense(self) -> FloatArray:
        if not self.is_filled:
            self._written = None
        return super().dense()

    def written(self) -> FloatArray:
        """The columns that are not coded, (b, d), column-major."""
        if self._written is None and self.is_filled:
            self._written = self.memory.T[self.layout.written].T
        elif self._written is None:
            self._written = self.place(len(self.layout.plans))
            fill_columns(self.layout.plans, self.rows.values, self.piece, self._written)
        return self._written

    def codes(self) -> NDArray[np.int32]:
        """The bin of each term that a row is in, (b, terms)."""
        if self._codes is None:
            self._codes = self.layout.codes(self.rows.values, self.piece)
        return self._codes

    def bins(self) -> Any:
        """Indicators of the bins, sparse, (bins, b)."""
        if self._bins is None:
            self._bins = _indicators(self.codes(), self.layout.bins)
        return self._bins

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        written, codes = self.written(), self.codes()
        counts = np.bincount(codes.ravel(), minlength=self.layout.bins)
        low = np.concatenate([written.min(axis=0), counts == len(codes)])
        high = np.concatenate([written.max(axis=0), counts > 0])
        return low[self.layout.place], high[self.layout.place]

    def matvec(self, beta: FloatArray) -> FloatArray:
        d, beta = len(self.layout.plans), self.layout.spread(beta)
        out: FloatArray = np.dot(self.written(), beta[:d])
        for code in self.codes().T:
            out += beta[d:].take(code)
        return out

    def rmatvec(self, v: FloatArray) -> FloatArray:
        return np.concatenate([np.dot(self.written().T, v), self.bins() @ v])[self.layout.place]

    def sandwich(self, w: FloatArray) -> FloatArray:
        place = self.layout.place
        return self._products(self.written(), w)[np.ix_(place, place)]

    def comoment(
        self, w: FloatArray | None, mean: FloatArray, endog: FloatArray | None = None
    ) -> FloatArray:
        written, place = self.written(), self.layout.place
        b, d = written.shape
        z = np.empty((b, d + (endog is not None)), order="F")
        np.subtract(written, mean[self.layout.written], out=z[:, :d])
        if endog is not None:
            np.subtract(endog, mean[-1], out=z[:, d])
            place = np.append(place + (place >= d), d)
        products = self._products(z, np.ones(b) if w is None else w)
        centre_bins(products, self.layout.starts)
        return products[np.ix_(place, place)]

    def _products(self, z: FloatArray, w: FloatArray) -> FloatArray:
        """``[z | bins]' diag(w) [z | bins]``, (q + bins, q + bins), for z of q columns."""
        starts, q = self.layout.starts, z.shape[1]
        weighted = np.empty(z.shape)  # row-major, as SciPy multiplies
        for j in range(q):
            np.multiply(z[:, j], w, out=weighted[:, j])
        square = np.dot(z.T, weighted)
        out = np.zeros((q + self.layout.bins,) * 2)
        out[:q, :q] = (square + square.T) / 2
        out[q:, :q] = self.bins() @ weighted
        out[:q, q:] = out[q:, :q].T
        bins = out[q:, q:]
        np.fill_diagonal(bins, self.bins() @ w)
        for (i, j), table in zip(
            combinations(range(len(starts) - 1), 2), _two_way(self.codes(), starts, w), strict=True
        ):
            bins[starts[i] : starts[i + 1], starts[j] : starts[j + 1]] = table
            bins[starts[j] : starts[j + 1], starts[i] : starts[i + 1]] = table.T
        return out


def _indicators(codes: NDArray[np.int32], bins: int) -> Any:
    """Indicators of codes, sparse, (bins, b): SciPy multiplies them without the GIL."""
    b, terms = codes.shape
    starts = np.arange(0, b * terms + 1, max(terms, 1), dtype=np.int32)
    return sparse.csc_array((np.ones(b * terms), codes.ravel(), starts), shape=(bins, b))


def _two_way(codes: NDArray[np.int32], starts: NDArray[np.intp], w: FloatArray) -> list[FloatArray]:
    """Sums of w by the bins of any two terms."""
    sizes = np.diff(starts).tolist()
    pairs = list(combinations(range(len(sizes)), 2))
    if not pairs:
        return []
    ends = np.cumsum([0, *(sizes[i] * sizes[j] for i, j in pairs)]).tolist()
    joint = np.empty((len(codes), len(pairs)), dtype=np.int32)
    for column, first, (i, j) in zip(joint.T, ends, pairs, strict=False):
        np.multiply(codes[:, i], np.int32(sizes[j]), out=column)
        column += codes[:, j]
        column += np.int32(first - starts[i] * sizes[j] - starts[j])
    sums = _indicators(joint, ends[-1]) @ w
    return [
        sums[first:last].reshape(sizes[i], sizes[j])
        for first, last, (i, j) in zip(ends, ends[1:], pairs, strict=False)
    ]


def centre_bins(products: FloatArray, starts: NDArray[np.intp]) -> None:
    """Make sums of products with bins those of deviations from the bins' means, in place.

    The deviations of a term's bins add up to zero. A bin with more than half of the
    weight gets its sums from the others of its term, for its own have lost digits.

    The products are (q + bins, q + bins), and what comes before the bins is centred already; for
    starts see `Layout`.
    """
    q = len(products) - starts[-1]
    sums = products.diagonal()[q:].copy()
    total = sums[: starts[1]].sum()
    if total == 0:
        return
    root = sums / np.sqrt(total)
    products[q:, q:] -= np.outer(root, root)
    products[q:, :q] -= np.outer(sums / total, products[q : q + starts[1], :q].sum(axis=0))
    products[:q, q:] = products[q:, :q].T
    heavy = np.flatnonzero(sums > total / 2)
    if len(heavy):
        _balance(products, heavy, starts)


def _balance(products: FloatArray, heavy: NDArray[np.intp], starts: NDArray[np.intp]) -> None:
    """Replace the sums of heavy bins by minus those of the other bins of their terms."""
    q, term = len(products) - starts[-1], np.searchsorted(starts, heavy, side="right") - 1
    at = q + heavy
    products[at] = products[:, at] = 0
    rest = np.add.reduceat(products[q:], starts[:-1], axis=0)[term]
    corner = np.add.reduceat(rest[:, q:], starts[:-1], axis=1)[:, term]
    products[at], products[:, at] = -rest, -rest.T
    products[np.ix_(at, at)] = (corner + corner.T) / 2
