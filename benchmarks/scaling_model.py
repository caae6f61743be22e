"""What a pass costs as a function of rows, columns, workers and partitions: fitted to runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls


@dataclass(frozen=True)
class Run:
    """A measured fit: n rows, k columns, threads; processor seconds of a pass, and the peak."""

    n: int
    k: int
    workers: int
    core: float
    peak_mib: float


@dataclass(frozen=True)
class Time:
    """Seconds of a pass: ``a + (r + b k + c k**2) n / workers``.

    Attributes
    ----------
    a : float
        Seconds of a pass, whatever it reads.
    r, b, c : float
        Seconds of one core for a row, for a row and column, and for a row and pair of columns.
    """

    a: float
    r: float
    b: float
    c: float

    def seconds(self, n: float, k: int, workers: int) -> float:
        return float(_time_terms(n, k, workers) @ (self.a, self.r, self.b, self.c))


@dataclass(frozen=True)
class Memory:
    """Peak in MiB: ``base + workers * (frames + column * k) + state * k**2``."""

    base: float
    frames: float
    column: float
    state: float

    def mib(self, k: int, workers: int) -> float:
        known = (self.base, self.frames, self.column, self.state)
        return float(_memory_terms(k, workers) @ known)


def _time_terms(n: float, k: int, workers: int) -> np.ndarray:
    share = n / workers
    return np.array([1.0, share, k * share, k**2 * share])


def _memory_terms(k: int, workers: int) -> np.ndarray:
    return np.array([1.0, workers, workers * k, k**2])


def fit_time(runs: Sequence[Run]) -> Time:
    """Coefficients that are not negative, by least squares of relative errors.

    Processor seconds are those of one worker; machines are shared, and seconds of the clock are
    not.
    """
    return Time(*_fitted([_time_terms(r.n, r.k, 1) for r in runs], runs, "core"))


def fit_memory(runs: Sequence[Run]) -> Memory:
    """Coefficients that are not negative, by least squares of relative errors."""
    return Memory(*_fitted([_memory_terms(r.k, r.workers) for r in runs], runs, "peak_mib"))


def _fitted(terms: list[np.ndarray], runs: Sequence[Run], of: str) -> list[float]:
    """The terms may differ by ten orders of magnitude: each is solved for in units of its own."""
    measured = np.array([getattr(run, of) for run in runs])
    matrix = np.array(terms) / measured[:, None]
    units = matrix.max(axis=0)
    found, _ = nnls(matrix / units, np.ones(len(runs)))
    return list(map(float, found / units))


@dataclass(frozen=True)
class Cluster:
    """What is assumed of a cluster.

    Attributes
    ----------
    workers : int
        Cores, each as fast as one of those that were measured.
    storage : float
        Bytes a second that all workers together read.
    rows : int
        Rows of a partition.
    task : float
        Seconds of the scheduler for a partition: to fold it, and to merge it once.
    network : float
        Bytes a second between two workers.
    merge : float
        Seconds to merge two states, for each pair of columns.
    """

    workers: int
    storage: float
    rows: int
    task: float
    network: float
    merge: float

    def seconds(self, time: Time, n: float, k: int, stored: float) -> tuple[float, str]:
        """Seconds of a pass over n rows of so many stored bytes, and what bounds it.

        Workers, storage and scheduler work at the same time, so that the slowest tells; the
        last merges follow one another.
        """
        partitions = math.ceil(n / self.rows)
        bounds = {
            "workers": time.seconds(n, k, self.workers),
            "storage": n * stored / self.storage,
            "scheduler": partitions * self.task,
        }
        slowest = max(bounds, key=lambda name: bounds[name])
        levels = math.ceil(math.log2(max(partitions, 2)))
        return bounds[slowest] + levels * self._merge(k), slowest

    def _merge(self, k: int) -> float:
        return self.merge * k**2 + 8 * (k + 2) ** 2 / self.network
