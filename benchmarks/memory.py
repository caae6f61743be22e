"""Peak memory by rows, by columns and by threads: it follows memory_limit, not the data.

Every number is the peak of a fresh process, in MiB, imports included.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import t1_ols
import t2_logistic
import t3_poisson
from closed_form import from_series
from harness import Contender, Estimates, Measurement, Run, arguments, measure, print_header, report
from t4_wide import WIDE
from tasks import T1, T2, T3, T4, wide_formula, wide_names, wide_task

LIMIT = "512 MiB"
LIMITS = ("64 MiB", "128 MiB", "256 MiB", "512 MiB", "1 GiB")
FEW = 10_000  # rows, whose peak is that of what is imported
MILLION = 1_000_000
THREADS = (1, 2, 4, 8, 16)
COLUMNS = (10, 50, 100, 200)
MANY_COLUMNS = 500  # with --with-slow: four gigabytes
COLUMN_THREADS = (1, 2, 8)
COLUMN_ROWS = 1_048_576  # eight row groups
PACKAGES = ("statsmodels_ooc", "dask")
FITS = {"t1": t1_ols.ours, "t2": t2_logistic.ours, "t3": t3_poisson.ours, "t4": WIDE.ours}
TASKS = {"t1": T1, "t2": T2, "t3": T3, "t4": T4}


# --- in the process that is measured ------------------------------------------------------


def wide(columns: int, threads: int) -> Run:
    """OLS on as many columns."""
    import dask

    import statsmodels_ooc.formula.api as smof

    def run(path: Path) -> Estimates:
        with dask.config.set(scheduler="threads", num_workers=threads):
            result = smof.ols(wide_formula(columns), data=str(path)).fit()
            names = ["Intercept", *wide_names(columns)]
            return from_series(result.params, result.bse, names)

    return run


def limited(make: Callable[[int], Run], limit: str, threads: int) -> Run:
    """The same under a limit."""
    import statsmodels_ooc.api as smo

    run = make(threads)
    smo.options.memory_limit = limit
    return run


def contender(name: str) -> Contender:
    """What a name such as "t4, 16 threads, 512 MiB" stands for."""
    kind, threads, *rest = name.split(", ")
    make = FITS.get(kind) or partial(wide, int(kind.removeprefix("wide")))
    made = partial(limited, make, *rest) if rest else make
    return Contender(name, made, int(threads.split()[0]), packages=PACKAGES)


# --- the tables ---------------------------------------------------------------------------


def peak(kind: str, threads: int, path: Path, limit: str = "") -> Measurement:
    name = f"{kind}, {threads} threads" + (f", {limit}" if limit else "")
    found = measure(contender(name), __file__, path, repeat=1)
    if found.failure:
        sys.exit(f"{name}: {found.failure}")
    return found


def print_peaks(title: str, heads: Iterable[str], rows: Iterable[tuple[str, list[float]]]) -> None:
    print(f"{title:<28}" + "".join(f"{head:>12}" for head in heads))
    for label, peaks in rows:
        print(f"{label:<28}" + "".join(f"{one:>12,.0f}" for one in peaks), flush=True)
    print()


def by_rows(options: argparse.Namespace) -> None:
    """T1, two threads: from a million rows on, or an eighth of few."""
    least = min(MILLION, options.rows // 8)
    counts = [options.rows >> i for i in range(20) if options.rows >> i >= least][::-1]
    rows, peaks = [], []
    for count in counts:
        found = peak("t1", 2, T1.file(options.data, count))
        peaks.append(found.peak_mib)
        matrix = count * 13 * 8 / 2**20  # the design matrix and the response alone
        rows.append((f"{count:,}", [found.peak_mib, matrix]))
    print_peaks("rows, two threads", ("peak", "in memory"), rows)
    print(f"last peak over first: {peaks[-1] / peaks[0]:.2f}")
    print("(a million rows are one row group: with one of them, one worker has no work)\n")


def by_columns(options: argparse.Namespace) -> None:
    """Columns of doubles in row groups of 131,072 rows, by threads."""
    columns = (*COLUMNS, MANY_COLUMNS) if options.with_slow else COLUMNS
    rows = [
        (
            f"{count} columns",
            [
                peak(f"wide{count}", threads, path).peak_mib
                for path in [wide_task(count).file(options.data, min(options.rows, COLUMN_ROWS))]
                for threads in COLUMN_THREADS
            ],
        )
        for count in columns
    ]
    print_peaks("columns, threads:", map(str, COLUMN_THREADS), rows)


def by_threads(options: argparse.Namespace) -> None:
    """All tasks, by threads; T4 under a limit, too."""
    rows = []
    for name, task in TASKS.items():
        path = task.file(options.data, min(options.rows, task.rows))
        rows.append((name.upper(), [peak(name, threads, path).peak_mib for threads in THREADS]))
    under = [peak("t4", threads, path, LIMIT).peak_mib for threads in THREADS]
    print_peaks("task, threads:", map(str, THREADS), [*rows, (f"T4, limit {LIMIT}", under)])


def by_limits(options: argparse.Namespace) -> None:
    """T1 and T2, two threads, by memory_limit: the peak, less that of what is imported."""
    rows = []
    for kind in ("t1", "t2"):
        few, task = TASKS[kind].file(options.data, FEW), TASKS[kind]
        path = task.file(options.data, min(options.rows, task.rows))
        base = peak(kind, 2, few).peak_mib
        peaks = [peak(kind, 2, path, limit).peak_mib - base for limit in LIMITS]
        rows.append((kind.upper(), peaks))
    print_peaks("beside imports, limit:", LIMITS, rows)


def main() -> None:
    options = arguments(__doc__, rows=8 * MILLION)
    if options.contender:
        report(contender(options.contender), options.file, options.repeat)
        return
    print_header("Peak resident memory, MiB", set(PACKAGES))
    by_rows(options)
    by_columns(options)
    by_threads(options)
    by_limits(options)


if __name__ == "__main__":
    main()
