"""The best models of some terms, of all that there are: branch and bound on sums of squares."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.solvers.criteria import Criterion
from statsmodels_ooc.solvers.stepwise import steps
from statsmodels_ooc.solvers.term_blocks import Fitted, TermBlocks, inverse_products

_SQUARES = 1e6  # condition of columns, of which the inverse products keep digits
_AT_ONCE = 2  # terms that models may still take, which are looked at together
_NEARLY_ONE = 1e-6  # one less the squared correlation of two columns
_CLOSE = 1e-7  # of criteria: nearer to each other than that, two models are as good


class Found(NamedTuple):
    """A model: which terms, (p,), and what it is judged by."""

    chosen: BoolArray
    fit: Fitted
    loss: float


@dataclass
class _Best:
    """The best models so far.

    Attributes
    ----------
    count : int
        How many are wanted.
    most : int
        Most terms of a model.
    looked_at : int
        Models of which the sum of squares was found.
    """

    count: int
    most: int
    looked_at: int = 0
    _heap: list[tuple[float, bytes, Fitted]] = field(default_factory=list)
    _known: set[bytes] = field(default_factory=set)

    @property
    def worst(self) -> float:
        """What a model must be better than."""
        return -self._heap[0][0] if len(self._heap) == self.count else np.inf

    def offer(self, chosen: BoolArray, fit: Fitted, loss: float) -> None:
        """A model that may be one of the best."""
        key = chosen.tobytes()
        if chosen.sum() > self.most or fit.rank == 0 or not loss < self.worst or key in self._known:
            return
        item = (-loss, key, fit)
        if len(self._heap) < self.count:
            heapq.heappush(self._heap, item)
        else:
            self._known.discard(heapq.heapreplace(self._heap, item)[1])
        self._known.add(key)

    def models(self) -> list[tuple[BoolArray, Fitted]]:
        """The best, in no order."""
        return [(np.frombuffer(key, dtype=bool), fit) for _, key, fit in self._heap]


@dataclass(frozen=True)
class _Node:
    """Models between a set of terms and a larger one, whose fit is known.

    Attributes
    ----------
    present, fixed : ndarray of bool, (p,)
        The terms of the larger model, and those that all of them have.
    fit : Fitted
        Of the larger one.
    inverse, beta : ndarray, (q, q) and (q,)
        ``(X'X)^-1`` and the coefficients of the larger one, zero for terms that it lacks.
    rise : ndarray, (p,)
        What its sum of squares rises by where one term is left out.
    """

    present: BoolArray
    fixed: BoolArray
    fit: Fitted
    inverse: FloatArray
    beta: FloatArray
    rise: FloatArray


def best_subsets(
    blocks: TermBlocks, criterion: Criterion, *, count: int = 1, most: int | None = None
) -> tuple[list[Found], int]:
    """The best models of some of p terms, of all ``2**p``.

    Parameters
    ----------
    blocks : TermBlocks
        The terms.
    criterion : Criterion
        What is small for good models, at any rank for the one of the smallest sum of squares.
    count : int
        How many models are wanted.
    most : int, optional
        Most terms of a model; any number by default.

    Returns
    -------
    found : list of Found
        The best first.
    looked_at : int
        Of how many models the sum of squares was found.

    Notes
    -----
    A node are the models between two sets of terms. What leaves out terms D of the larger one
    raises its sum of squares by ``b_D' (V_DD)^-1 b_D``, for its coefficients b and their
    normalised covariance V. That is no less than the rise ``d_j`` for any single j of D, nor
    than their sum over D divided by the largest eigenvalue of V, its blocks brought to the
    identity: of nearly orthogonal terms it is hardly less than the rise itself. A node whose
    criterion, at these bounds and at any rank, is no better than what has been found, is left.
    Where a model may take but one or two more columns, all pairs are looked at together. The terms
    that matter most are tried first, and stepwise selection finds what is to be beaten.
    Where columns follow from others, or nearly so, there is no V that has digits, and only the
    sum of squares of the larger model bounds.

    References
    ----------
    Furnival, Wilson (1974). Regressions by leaps and bounds. Technometrics 16, 499-511.
    Gatu, Kontoghiorghes (2006). Branch-and-bound algorithms for computing the best-subset
    regression models. J. Computational and Graphical Statistics 15, 139-156.
    """
    p = blocks.count
    best = _Best(count, p if most is None else most)
    whole, none = np.ones(p, dtype=bool), np.zeros(p, dtype=bool)
    for start in (none, whole) if best.most == p else (none,):
        for step in steps(blocks, criterion, start, "both", most=best.most):
            best.offer(step.chosen, step.fit, float(criterion.loss(*step.fit)))
    if blocks.condition < _SQUARES:
        _FullRank(blocks, criterion, best).run()
    else:
        _AnyRank(blocks, criterion, best).run()
    found = []
    for chosen, _ in best.models():
        fit = blocks.fit(chosen)  # without what a long way of differences has rounded
        found.append(Found(chosen, fit, float(criterion.loss(*fit))))
    found.sort(key=lambda model: (model.loss, int(model.chosen.sum()), tuple(~model.chosen)))
    return found, best.looked_at


@dataclass
class _FullRank:
    """A search where no column follows from others."""

    blocks: TermBlocks
    criterion: Criterion
    best: _Best

    def run(self) -> None:
        """Look wherever there may be a better model."""
        blocks, q = self.blocks, len(self.blocks.of)
        present = np.ones(blocks.count, dtype=bool)
        inverse = inverse_products(blocks.columns) if q else np.zeros((0, 0))
        beta = inverse @ (blocks.columns.T @ blocks.y)
        fit = blocks.fit(present)
        rise = self._rises(inverse, beta, present)
        self._visit(_Node(present, ~present, fit, inverse, beta, rise))

    def _visit(self, node: _Node) -> None:
        self.best.looked_at += 1
        self.best.offer(node.present, node.fit, float(self.criterion.loss(*node.fit)))
        needs = self.blocks.needs
        while True:
            free = node.present & ~node.fixed
            if not free.any() or not self._may_be_better(node, free):
                return
            left = self.best.most - int(node.fixed.sum())
            if left <= _AT_ONCE and self._are_alone(free, node.fixed):
                self._look_at_all(node.fixed, free)
                return
            j = int(np.argmax(np.where(free, node.rise, -1.0)))
            gone = needs[:, j] & node.present
            if not (gone & node.fixed).any():
                self._visit(self._without(node, gone))
            node = replace(node, fixed=node.fixed | needs[j])
            if node.fixed.sum() > self.best.most:
                return

    def _are_alone(self, free: BoolArray, fixed: BoolArray) -> bool:
        """Whether each of the free terms is one column, and needs none of the others."""
        needed = self.blocks.needs[free] & ~fixed
        return bool((self.blocks.sizes[free] == 1).all() and (needed.sum(axis=1) == 1).all())

    def _look_at_all(self, fixed: BoolArray, free: BoolArray) -> None:
        """The models of some terms, and of none, one or two of others beside them."""
        blocks, places = self.blocks, np.flatnonzero(free)
        before = blocks.base + int(blocks.sizes[fixed].sum())
        ssr, first, second = _with_up_to_two(blocks, fixed, free)
        self.best.looked_at += len(ssr)
        losses = self.criterion.loss(ssr, before + (first >= 0) + (second >= 0))
        for i in np.argsort(losses, kind="stable"):
            if not losses[i] < self.best.worst:
                return
            chosen = fixed.copy()
            chosen[[places[j] for j in (first[i], second[i]) if j >= 0]] = True
            if chosen.sum() > self.best.most:
                continue
            fit = blocks.fit(chosen)  # the others were found by differences
            self.best.offer(chosen, fit, float(self.criterion.loss(*fit)))

    def _without(self, node: _Node, gone: BoolArray) -> _Node:
        """The node of the same models without some terms."""
        at = np.flatnonzero(gone[self.blocks.of])
        v, b = node.inverse, node.beta
        beside = v[:, at]
        factor = cho_factor(v[np.ix_(at, at)])
        shares = cho_solve(factor, b[at])
        inverse = v - beside @ cho_solve(factor, beside.T)
        beta = b - beside @ shares
        inverse[at], inverse[:, at], beta[at] = 0.0, 0.0, 0.0
        fit = Fitted(node.fit.ssr + float(b[at] @ shares), node.fit.rank - len(at))
        present = node.present & ~gone
        return _Node(present, node.fixed, fit, inverse, beta, self._rises(inverse, beta, present))

    def _rises(self, inverse: FloatArray, beta: FloatArray, present: BoolArray) -> FloatArray:
        """What the sum of squares rises by without each of the terms, (p,)."""
        rise = np.zeros(self.blocks.count)
        if len(beta) == len(rise):
            return np.divide(beta**2, np.diag(inverse), out=rise, where=present)
        for j, at in self._places(present):
            rise[j] = beta[at] @ np.linalg.solve(inverse[at, at], beta[at])
        return rise

    def _places(self, terms: BoolArray) -> Iterator[tuple[int, slice]]:
        """Terms and where their columns stand."""
        ends = np.cumsum(self.blocks.sizes)
        for j in np.flatnonzero(terms):
            yield int(j), slice(int(ends[j] - self.blocks.sizes[j]), int(ends[j]))

    def _may_be_better(self, node: _Node, free: BoolArray) -> bool:
        """Whether a model without some of the free terms may be better than the worst kept."""
        rise, sizes = node.rise[free], self.blocks.sizes[free]
        bounds = _Bounds(rise, sizes, int(node.present.sum()) - self.best.most)
        if not self._is_better(node, bounds, bounds.by_one()):
            return False
        root = self._largest_eigenvalue(node.inverse, free)
        return self._is_better(node, bounds, np.maximum(bounds.by_one(), bounds.by_sum() / root))

    def _is_better(self, node: _Node, bounds: _Bounds, rise: FloatArray) -> bool:
        rank = node.fit.rank - bounds.lost
        losses = self.criterion.loss(node.fit.ssr + rise, rank)[bounds.few :]
        return bool(losses.min(initial=np.inf) < self.best.worst - _CLOSE)

    def _largest_eigenvalue(self, inverse: FloatArray, free: BoolArray) -> float:
        """Of the inverse products of free terms, each block of which is made the identity."""
        at = np.flatnonzero(free[self.blocks.of])
        products = inverse[np.ix_(at, at)]
        if len(at) == free.sum():
            sizes = np.sqrt(np.diag(products))
            products = products / sizes / sizes[:, None]
        else:
            start = 0
            for j, _ in self._places(free):
                block = slice(start, start + int(self.blocks.sizes[j]))
                root = np.linalg.cholesky(products[block, block])
                products[block] = solve_triangular(root, products[block], lower=True)
                products[:, block] = solve_triangular(root, products[:, block].T, lower=True).T
                start = block.stop
        return max(float(np.linalg.eigvalsh(products)[-1]), 1.0)


def _with_up_to_two(
    blocks: TermBlocks, fixed: BoolArray, free: BoolArray
) -> tuple[FloatArray, NDArray[np.intp], NDArray[np.intp]]:
    """Sums of squares with none, one and two of f free columns, and with which, (c,) each.

    A column that is not there is -1. Of two columns that are nearly one, the sum is zero: no
    bound.
    """
    q, _ = np.linalg.qr(blocks.columns[:, fixed[blocks.of]])
    rest = np.column_stack((blocks.columns[:, free[blocks.of]], blocks.y))
    for _ in range(2):
        rest -= q @ (q.T @ rest)
    x, y = rest[:, :-1], rest[:, -1]
    x = x / np.sqrt(np.square(x).sum(axis=0))
    slopes, products, f = x.T @ y, x.T @ x, x.shape[1]
    i, j = np.triu_indices(f, 1)
    shared = products[i, j]
    apart = 1 - shared**2
    both = slopes[i] ** 2 + slopes[j] ** 2 - 2 * shared * slopes[i] * slopes[j]
    explained = np.where(apart > _NEARLY_ONE, both / np.maximum(apart, _NEARLY_ONE), np.inf)
    whole = float(y @ y)
    ssr = np.maximum(whole - np.concatenate(([0.0], slopes**2, explained)), 0.0)
    first = np.concatenate(([-1], np.arange(f), i))
    second = np.concatenate((np.full(1 + f, -1), j))
    return ssr, first, second


@dataclass(frozen=True)
class _Bounds:
    """The least that a sum of squares rises by, by how many columns are left out.

    Attributes
    ----------
    rise : ndarray, (f,)
        For each of the terms that may go.
    sizes : ndarray of int, (f,)
        Their columns.
    least : int
        Terms that have to go.
    """

    rise: FloatArray
    sizes: NDArray[np.intp]
    least: int

    @property
    def lost(self) -> NDArray[np.intp]:
        """Columns that are left out: from one to all."""
        return np.arange(1, int(self.sizes.sum()) + 1, dtype=np.intp)

    @property
    def few(self) -> int:
        """How many of these are too few, because more terms have to go."""
        if self.least <= 0:
            return 0
        smallest = np.sort(self.sizes)[: self.least]
        return int(smallest.sum()) - 1 if len(smallest) == self.least else len(self.lost)

    def by_one(self) -> FloatArray:
        """By the largest of them, if these are the smallest: as many terms as it takes."""
        reached = np.cumsum(np.sort(self.sizes)[::-1])
        terms = np.searchsorted(reached, self.lost)
        terms = np.maximum(terms, min(self.least, len(self.rise)) - 1)
        return np.sort(self.rise)[terms]

    def by_sum(self) -> FloatArray:
        """By their sum, of parts of terms too, those of the smallest share a column first."""
        order = np.argsort(self.rise / self.sizes)
        columns = np.append(0, np.cumsum(self.sizes[order]))
        sums = np.append(0.0, np.cumsum(self.rise[order]))
        found: FloatArray = np.interp(self.lost, columns, sums)
        if self.least > 0:
            found = np.maximum(found, np.sort(self.rise)[: self.least].sum())
        return found


@dataclass
class _AnyRank:
    """A search where columns may follow from others."""

    blocks: TermBlocks
    criterion: Criterion
    best: _Best

    @cached_property
    def order(self) -> list[int]:
        """The terms, those that explain most on their own first."""
        blocks = self.blocks
        return sorted(range(blocks.count), key=lambda j: blocks.fit(blocks.needs[j]).ssr)

    def run(self) -> None:
        """Look wherever there may be a better model."""
        p = self.blocks.count
        whole = np.ones(p, dtype=bool)
        self._visit(whole, ~whole, self.blocks.fit(whole))

    def _visit(self, present: BoolArray, fixed: BoolArray, fit: Fitted) -> None:
        self.best.looked_at += 1
        self.best.offer(present, fit, float(self.criterion.loss(*fit)))
        for j in self.order:
            if not present[j] or fixed[j]:
                continue
            least = self.criterion.loss(fit.ssr, max(self.blocks.fit(fixed).rank, 1))
            if not float(least) < self.best.worst - _CLOSE or fixed.sum() > self.best.most:
                return
            gone = self.blocks.needs[:, j] & present
            if not (gone & fixed).any():
                rest = present & ~gone
                self._visit(rest, fixed, self.blocks.fit(rest))
            fixed = fixed | self.blocks.needs[j]
