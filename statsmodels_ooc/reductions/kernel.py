"""Sums of products of scores with those of rows before, weighted by a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.blocks.keys import Keys
from statsmodels_ooc.errors import DesignError, MemoryLimitError, MissingDataError
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.sandwich import RowScores

_TILES = 64, 256  # rows of a tile


@dataclass(slots=True)
class KernelState:
    """Sums over the rows so far, and the scores at both ends that rows to come may meet."""

    meat: FloatArray  # (r, r), of pairs of rows
    head: FloatArray  # the first scores of the first run, at most as many as there are lags, (m, r)
    tail: FloatArray  # the last scores of the last run
    rows: int = 0
    runs: int = 0
    longest: int = 0  # run that is complete
    ends: tuple[Any, Any] | None = None  # what stands beside the first and the last row
    lengths: tuple[int, int] = (0, 0)  # of the first and of the last run
    labels: list[Keys] = field(default_factory=list)  # of the runs


@dataclass(frozen=True)
class KernelMeat(Reduction[KernelState]):
    """Fold ``sum_t sum_s w(|t - s|) u_t u_s'`` over rows of one run, at most L rows apart.

    Parameters
    ----------
    scores : RowScores
        The scores of the rows by their linear predictors; of a row that is f times in the
        data, over the root of f.
    axes : Axes
        In which the rows are measured, (r,): ``u_t`` is the score times the row.
    weights : ndarray, (L + 1,)
        Of the kernel, by lag.
    groups : str or None
        The name under which labels stand beside the rows, as keys: rows of one run have equal
        ones.
    time : str or None
        The name under which times stand beside the rows: within a run they do not go back.
        Without either, all rows are one run.
    is_counted : bool
        Whether a one is added to the scores of a row, (r + 1,).
    most_runs : int or None
        So many runs there may be of which the labels are kept.

    Raises
    ------
    MemoryLimitError
        There are more.

    Notes
    -----
    ``S = sum_t (u_t f_t' + f_t u_t')``, where ``f_t = w_0 u_t / 2 + sum_l w_l u_{t-l}`` is a
    band matrix times the scores. Of rows before a block the last L scores are kept, whatever
    the lengths of blocks and partitions.

    References
    ----------
    Newey, West (1987). A simple, positive semi-definite, heteroskedasticity and autocorrelation
    consistent covariance matrix. Econometrica 55, 703-708.
    """

    scores: RowScores
    axes: Axes
    weights: FloatArray
    groups: str | None = None
    time: str | None = None
    is_counted: bool = False
    most_runs: int | None = None

    @property
    def lags(self) -> int:
        """How many rows apart two may be, L."""
        return len(self.weights) - 1

    def init(self) -> KernelState:
        r = self._width
        return KernelState(np.zeros((r, r)), np.zeros((0, r)), np.zeros((0, r)))

    def update(self, state: KernelState, block: Block) -> KernelState:
        block = counted_rows(self.scores, block)
        if len(block.endog) == 0:
            return state
        u = row_scores(self.scores, self.axes, block)
        if self.is_counted:
            u = np.column_stack([u, np.ones(len(u))])
        return self.merge(state, self._of(u, block))

    def _of(self, u: FloatArray, block: Block) -> KernelState:
        """The state of the scores of a block, (b, r)."""
        b = len(u)
        keys = None if self.groups is None else block.extras.beside[self.groups]
        time = None if self.time is None else checked_times(block, self.time)
        values = keys if time is None else time
        starts = run_starts(keys, time, b)
        lengths = np.diff(starts, append=b)
        first, last = int(lengths[0]), int(lengths[-1])
        runs = np.repeat(np.arange(len(starts)), lengths)
        return KernelState(
            band_products(u, self.weights, runs),
            u[: min(first, self.lags)].copy(),
            u[b - min(last, self.lags) :].copy(),
            b,
            len(starts),
            int(lengths.max()),
            None if values is None else (values[0], values[-1]),
            (first, last),
            [] if keys is None else [keys[starts]],
        )

    def merge(self, left: KernelState, right: KernelState) -> KernelState:
        if right.rows == 0:
            return left
        if left.rows == 0:
            return right
        merged = KernelState(
            left.meat + right.meat,
            left.head,
            right.tail,
            left.rows + right.rows,
            left.runs + right.runs,
            max(left.longest, right.longest),
            _ends(left, right),
            (left.lengths[0], right.lengths[1]),
            left.labels + right.labels,
        )
        if self._goes_on(left, right):
            self._join(merged, left, right)
        if self.most_runs is not None and merged.labels and merged.runs > self.most_runs:
            raise MemoryLimitError(
                f"there are more than {self.most_runs:,} groups, whose labels are kept to see "
                "whether rows of one come back",
                hint="time=... in place of groups=... keeps none; smo.options.memory_limit = "
                "'8 GiB' raises the limit",
            )
        return merged

    def _goes_on(self, left: KernelState, right: KernelState) -> bool:
        """Whether the last run of the left goes on on the right."""
        if left.ends is None or right.ends is None:
            return True
        before, after = left.ends[1], right.ends[0]
        if self.time is None:
            return bool(before == after)
        with in_order():
            return not after < before

    def _join(self, merged: KernelState, left: KernelState, right: KernelState) -> None:
        """Make the last run of the left and the first of the right one."""
        lags, size = self.lags, left.lengths[1] + right.lengths[0]
        merged.meat = merged.meat + across(left.tail, right.head, self.weights)
        merged.runs -= 1
        merged.longest = max(merged.longest, size)
        first, last = left.lengths[0], right.lengths[1]
        if left.runs == 1:
            first = size
            merged.head = np.concatenate([left.head, right.head])[:lags]
        if right.runs == 1:
            last = size
            whole = np.concatenate([left.tail, right.tail])
            merged.tail = whole[max(len(whole) - lags, 0) :]
        merged.lengths = first, last
        if right.labels:
            merged.labels = [*left.labels, right.labels[0][1:], *right.labels[1:]]

    def nbytes(self) -> int:
        return 8 * self._width * (self._width + 2 * self.lags)

    @property
    def _width(self) -> int:
        return int(self.axes.root.shape[1]) + self.is_counted


def row_scores(scores: RowScores, axes: Axes, block: Block) -> FloatArray:
    """The scores of the rows of a block, (b, r); that of f rows over the root of f."""
    of_rows, counts = scores.of(block), scores.counts(block)
    if counts is not None:
        of_rows = of_rows / np.sqrt(np.where(counts > 0, counts, 1.0))
    return axes.rows(block) * of_rows[:, None]


def counted_rows(scores: RowScores, block: Block) -> Block:
    """The rows of a block without those of frequency zero, which are none."""
    counts = scores.counts(block)
    if counts is None or counts.all():
        return block
    return block.some(np.flatnonzero(counts))


def checked_times(block: Block, name: str) -> NDArray[Any]:
    """The times beside the rows of a block, (b,).

    Raises
    ------
    MissingDataError
        One is missing.
    DesignError
        They are of several types, which have no order.
    """
    times = block.extras.beside[name]
    missing = np.array([_is_none(t) for t in times]) if times.dtype == object else times != times
    if missing.any():
        row = block.row(int(np.argmax(missing)))
        raise MissingDataError(
            f"missing time at row {row} of partition {block.partition}",
            hint="leave such rows out of the model by subset=...",
        )
    with in_order():
        _ = times[1:] < times[:-1]
    return times


def _is_none(time: Any) -> bool:
    """Whether it is None, not equal to itself, or will not say."""
    try:
        return time is None or bool(time != time)
    except TypeError:
        return True


@contextmanager
def in_order() -> Iterator[None]:
    """Refuse times that cannot be compared.

    Raises
    ------
    DesignError
        They are of several types, or of one that has no order.
    """
    try:
        yield
    except TypeError as error:
        raise DesignError(
            f"times have no order: {error}", hint="give numbers, dates or text, of one type"
        ) from error


def _ends(left: KernelState, right: KernelState) -> tuple[Any, Any] | None:
    if left.ends is None or right.ends is None:
        return None
    return left.ends[0], right.ends[1]


def run_starts(groups: NDArray[Any] | None, time: NDArray[Any] | None, b: int) -> NDArray[np.intp]:
    """Where runs start among b rows: with another group, or where time goes back."""
    if time is not None:
        new = time[1:] < time[:-1]
    elif groups is not None:
        high, low = groups["high"], groups["low"]
        new = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    else:
        new = np.zeros(b - 1, dtype=np.bool_)
    return np.concatenate([[0], np.flatnonzero(new) + 1])


def band_products(u: FloatArray, weights: FloatArray, runs: NDArray[np.intp]) -> FloatArray:
    """``sum_t sum_s w(|t - s|) u_t u_s'`` over rows of one run, (r, r).

    Parameters
    ----------
    u : ndarray, (b, r)
        The scores.
    weights : ndarray, (L + 1,)
        Of the kernel, by lag.
    runs : ndarray of int, (b,)
        Which run each row belongs to, in order.
    """
    b, lags = len(u), min(len(weights), len(u)) - 1
    m = int(np.clip(lags, *_TILES))
    used = weights[: lags + 1].copy()
    used[0] /= 2
    ahead = np.arange(m)[:, None] - np.arange(m)[None, :]  # of rows of two tiles, within them
    bands = []
    for apart in range(0, lags + m, m):
        lag = ahead + apart
        bands.append(np.where((lag >= 0) & (lag <= lags), used[np.clip(lag, 0, lags)], 0.0))
    filtered = np.zeros_like(u)
    for start in range(0, b, m):
        here = slice(start, min(start + m, b))
        for tile, band in enumerate(bands[: start // m + 1]):
            before = slice(start - tile * m, min(start - tile * m + m, b))
            if runs[before.stop - 1] < runs[start]:
                break
            part = band[: here.stop - start, : before.stop - before.start]
            if runs[before.start] != runs[here.stop - 1]:
                part = part * (runs[here, None] == runs[None, before])
            filtered[here] += part @ u[before]
    half = u.T @ filtered
    return np.asarray(half + half.T)


def across(tail: FloatArray, head: FloatArray, weights: FloatArray) -> FloatArray:
    """The products of rows at the end of a part, (p, r), with those that follow, (q, r)."""
    p, q, m = len(tail), len(head), _TILES[1]
    padded = np.append(weights, 0.0)
    half = np.zeros((head.shape[1], tail.shape[1]))
    for i in range(0, q, m):
        for j in range(0, p, m):
            rows, before = np.arange(i, min(i + m, q)), p - np.arange(j, min(j + m, p))
            if rows[0] + before[-1] < len(weights):  # the nearest of them
                lag = np.minimum(rows[:, None] + before[None, :], len(weights))
                half += head[i : i + m].T @ (padded[lag] @ tail[j : j + m])
    return np.asarray(half + half.T)
