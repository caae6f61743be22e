"""Outlier tests: externally studentised residuals, corrected for how many there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.families.elementwise import quiet
from statsmodels_ooc.reductions.largest import Scores
from statsmodels_ooc.results.measures import RowMeasures
from statsmodels_ooc.results.streamed_influence import StreamedInfluence
from statsmodels_ooc.results.top_influence import largest_rows

_MOST = 100_000  # outliers that are held


@dataclass(frozen=True)
class ByResidual:
    """Rank rows by the size of their externally studentised residuals, and keep those."""

    measures: RowMeasures
    width: int = 1

    def scores(self, block: Block) -> Scores:
        """The sizes; of rows that have lost their digits above all others."""
        with quiet():
            base, _, alone = self.measures.look(block)
            sizes = np.abs(self.measures.column("student_resid", base))
        lost = self.measures.lost(base)
        return Scores(np.where(lost, np.inf, sizes), alone, lost)

    def kept(self, block: Block) -> FloatArray:
        """The residuals of a few rows, (b, 1)."""
        return self.measures.of("student_resid", block)[:, None]


def outlier_table(
    resid: FloatArray,
    df: float,
    labels: Any,
    method: str,
    alpha: float,
    order: bool,
    cutoff: float | None,
) -> Any:
    """The table of statsmodels' `outlier_test`, from residuals in memory, (n,).

    Parameters
    ----------
    resid : ndarray, (n,)
        Externally studentised residuals; NaN where there is nothing to test.
    df : float
        Their degrees of freedom.
    labels : array_like, (n,), or None
        Their names, without which the table is an array.
    method, alpha, order, cutoff
        As `HasInfluence.outlier_test`.
    """
    if order:
        largest = np.abs(resid).argsort()[::-1]
        tested = ~np.isnan(resid[largest])
        largest = np.concatenate((largest[tested], largest[~tested]))
        resid = resid[largest]
        labels = None if labels is None else np.asarray(labels)[largest]
    p = two_sided(resid, df)
    corrected, tested = np.full(len(p), np.nan), ~np.isnan(p)
    corrected[tested] = multipletests(p[tested], alpha=alpha, method=method)[1]
    return _table(resid, p, corrected, labels, method, cutoff)


def two_sided(resid: FloatArray, df: float) -> FloatArray:
    """p-values of residuals, (n,)."""
    p: FloatArray = stats.t.sf(np.abs(resid), df) * 2
    return p


def _table(
    resid: FloatArray,
    p: FloatArray,
    corrected: FloatArray,
    labels: Any,
    method: str,
    cutoff: float | None,
) -> Any:
    data = np.column_stack((resid, p, corrected))
    shown = np.ones(len(p), dtype=np.bool_) if cutoff is None else corrected < cutoff
    if labels is None:
        return data[shown]
    names = ["student_resid", "unadj_p", method + "(p)"]
    return pd.DataFrame(data[shown], columns=names, index=np.asarray(labels)[shown])


# --- from the smallest p-values alone


def _bonferroni(p: FloatArray, tests: int) -> FloatArray:
    return p * tests


def _sidak(p: FloatArray, tests: int) -> FloatArray:
    corrected: FloatArray = -np.expm1(tests * np.log1p(-p))
    return corrected


def _stepped(one: Callable[[FloatArray, Any], FloatArray]) -> Callable[..., FloatArray]:
    """Holm's way down: the i-th smallest is corrected for the tests that are left."""

    def corrected(p: FloatArray, tests: int) -> FloatArray:
        found: FloatArray = np.maximum.accumulate(one(p, tests - np.arange(len(p))))
        return found

    return corrected


# Of each: from the smallest p-values, in order, (c,), and the number of tests.
_STEPS_DOWN: dict[tuple[str, ...], Callable[..., FloatArray]] = {
    ("b", "bonf", "bonferroni"): _bonferroni,
    ("s", "sidak"): _sidak,
    ("h", "holm"): _stepped(_bonferroni),
    ("hs", "holm-sidak"): _stepped(_sidak),
}


def streamed_outliers(
    influence: StreamedInfluence,
    df: float,
    labels: Any,
    method: str,
    alpha: float,
    order: bool,
    cutoff: float | None,
) -> Any:
    """The rows of the table that `cutoff` lets through; one pass.

    Raises
    ------
    MemoryLimitError
        The answer needs all residuals, or there are too many outliers.
    """
    correct = next((c for names, c in _STEPS_DOWN.items() if method.lower() in names), None)
    if correct is None or cutoff is None or labels is not None:
        raise _needs_all(influence.nobs, method, correct is None, labels is not None)
    n = influence.nobs
    # Corrected for no fewer tests than are left when all that may be held are outliers.
    most = _MOST if n > 2 * _MOST else n
    all_pass = most == n or cutoff > 1
    floor = None
    if not all_pass:  # Sidak's, which lets through no fewer than the others
        lowest = -np.expm1(np.log1p(-cutoff) / (n - most)) if cutoff < 1 else 1.0
        floor = float(stats.t.isf(lowest / 2, df))
    found = largest_rows(
        influence, "outlier test", lambda: ByResidual(influence.measures), most, floor=floor
    )
    if found.above > most:
        raise MemoryLimitError(
            f"outlier_test: more than {most:,} of {n:,} rows may be outliers at cutoff={cutoff}",
            hint="lower the cutoff; res.top_influence(m, by='student_resid') has the m largest",
        )
    tested = ~np.isnan(found.values[:, 0])
    resid = found.values[tested, 0]
    p = two_sided(resid, df)
    corrected = np.minimum(correct(p, found.seen - found.alone - found.lost), 1.0)
    partitions, rows = found.partitions[tested], found.rows[tested]
    names = influence.open_rows().labels_of(partitions, rows)
    if not order:
        places = np.lexsort((rows, partitions))
        resid, p, corrected = resid[places], p[places], corrected[places]
        names = names[places]
    return _table(resid, p, corrected, names, method, cutoff)


def _needs_all(n: int, method: str, needs_all: bool, has_labels: bool) -> MemoryLimitError:
    """Why a table above ``array_limit`` is refused, and what is not."""
    what = "labels for all rows need" if has_labels else "a table of all rows needs"
    if needs_all:
        what = f"method={method!r} needs"
    return MemoryLimitError(
        f"outlier_test: {what} {n:,} residuals in memory",
        hint="method='bonf', 'sidak', 'holm' or 'holm-sidak' with cutoff=0.05 keeps the outliers "
        "alone; smo.options.array_limit = '1 GiB' raises the limit",
    )
