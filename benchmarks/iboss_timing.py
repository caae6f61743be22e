"""IBOSS: seconds to select rows of a Parquet file and fit them, beside fits of all rows.

Logistic regression, n rows and p columns, from the path of the file to standard errors: D-
and T-optimal and uniform subdata of 1,000 rows, all rows out of memory, all rows with
statsmodels in memory. The second table compares passes: the dearest of a selection with the
passes of the fit of the same model.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
from closed_form import from_series
from harness import (
    Contender,
    Estimates,
    Measurement,
    Run,
    Streamed,
    arguments,
    cores,
    measure,
    print_header,
    report,
)
from tasks import SEED, Task

GRID = ((100_000, 10), (1_000_000, 10), (10_000_000, 10), (100_000, 50), (1_000_000, 50))
LARGEST_IN_MEMORY = 2e8  # values of the design: statsmodels keeps several copies
ROW_GROUP = 1_000_000
K = 1_000
SLOPE = 0.1


def task(p: int) -> Task:
    """Correlated normal columns and a binary response, as in the article's first case."""

    def draw(rng: np.random.Generator, b: int) -> pa.Table:
        x = np.sqrt(0.5) * (rng.standard_normal((b, 1)) + rng.standard_normal((b, p)))
        y = rng.random(b) < 1 / (1 + np.exp(-SLOPE * x.sum(axis=1)))
        return pa.table({"y": y.astype(np.int64)} | {name: x[:, j] for j, name in names(p)})

    return Task(f"iboss-{p}", GRID[0][0], ROW_GROUP, draw)


def names(p: int) -> Iterator[tuple[int, str]]:
    return enumerate(f"x{j}" for j in range(p))


def formula(path: Path) -> str:
    p = int(path.stem.split("-")[1])
    return "y ~ " + " + ".join(name for _, name in names(p))


# --- contenders -------------------------------------------------------------------------


def estimates(result) -> Estimates:
    return from_series(result.params, result.bse, list(result.params.index))


def passes_of(found) -> list[tuple[str, int, float]]:
    return [(record.name, record.rows, record.seconds) for record in found.passes]


def selected(criterion: str, is_logit: bool = True):
    def make(threads: int) -> Run:
        import dask
        import statsmodels.api as sm

        import statsmodels_ooc.api as smo

        def run(path: Path) -> Streamed:
            family = sm.families.Binomial() if is_logit else None
            with dask.config.set(scheduler="threads", num_workers=threads):
                sub = smo.IBOSS(K, criterion, family=family).select(formula(path), str(path))
            result = sub.fit()
            return Streamed(estimates(result), passes_of(sub))

        return run

    return make


def out_of_core(is_logit: bool = True):
    def make(threads: int) -> Run:
        import dask
        import statsmodels.api as sm

        import statsmodels_ooc.formula.api as smof

        def run(path: Path) -> Streamed:
            with dask.config.set(scheduler="threads", num_workers=threads):
                if is_logit:
                    model = smof.glm(formula(path), str(path), family=sm.families.Binomial())
                else:
                    model = smof.ols(formula(path), str(path))
                result = model.fit()
            return Streamed(estimates(result), passes_of(result))

        return run

    return make


def in_memory(threads: int) -> Run:
    import pandas as pd
    import statsmodels.api as sm

    def run(path: Path):
        frame = pd.read_parquet(path)
        exog = sm.add_constant(frame.drop(columns="y"))
        result = sm.GLM(frame["y"], exog, family=sm.families.Binomial()).fit()
        return estimates(result)

    return run


OWN = ("statsmodels_ooc", "dask")
FULL, FULL_LINEAR = "all rows, out of memory", "OLS of all rows"
IN_MEMORY = "all rows, statsmodels"
SELECTIONS = {"D": FULL, "T": FULL, "uniform": FULL, "D, linear": FULL_LINEAR}
CONTENDERS = [
    *(Contender(name, selected(name), cores(), packages=OWN) for name in ("D", "T", "uniform")),
    Contender(FULL, out_of_core(), cores(), packages=OWN),
    Contender(IN_MEMORY, in_memory, cores(), slow=True, packages=("statsmodels", "pandas")),
    Contender("D, linear", selected("D", is_logit=False), cores(), packages=OWN),
    Contender(FULL_LINEAR, out_of_core(is_logit=False), cores(), packages=OWN),
]


# --- tables -----------------------------------------------------------------------------


def full_passes(found: Measurement, rows: int) -> list[float]:
    return [seconds for _, read, seconds in found.passes if read == rows]


def print_seconds(cells: dict[tuple[int, int], dict[str, Measurement]]) -> None:
    shown = [c.name for c in CONTENDERS if "linear" not in c.name and "OLS" not in c.name]
    print("Seconds from the file to standard errors (peak MiB)\n")
    print(f"{'n':>12}{'p':>5}" + "".join(f"{name:>26}" for name in shown))
    for (n, p), found in cells.items():
        texts = [
            found[name].failure[:24] or f"{found[name].seconds:.2f} ({found[name].peak_mib:,.0f})"
            for name in shown
        ]
        print(f"{n:>12,}{p:>5}" + "".join(f"{text:>26}" for text in texts))


def print_passes(cells: dict[tuple[int, int], dict[str, Measurement]]) -> None:
    print("\nDearest pass of a selection over the median pass of the fit of all rows (passes)\n")
    print(f"{'n':>12}{'p':>5}" + "".join(f"{name:>26}" for name in SELECTIONS))
    for (n, p), found in cells.items():
        texts = []
        for name, peer in SELECTIONS.items():
            own, others = full_passes(found[name], n), full_passes(found[peer], n)
            ratio = max(own) / median(others) if own and others else float("nan")
            texts.append(f"{ratio:.2f} ({len(own)} to {len(others)})")
        print(f"{n:>12,}{p:>5}" + "".join(f"{text:>26}" for text in texts))


def main() -> None:
    options = arguments(__doc__, max(n for n, _ in GRID))
    if options.contender:
        by_name = {contender.name: contender for contender in CONTENDERS}
        report(by_name[options.contender], options.file, options.repeat)
        return
    print_header(f"IBOSS, k = {K:,}, seed {SEED}", {p for c in CONTENDERS for p in c.packages})
    cells: dict[tuple[int, int], dict[str, Measurement]] = {}
    for n, p in GRID:
        if n > options.rows:
            continue
        path = task(p).file(options.data, n)
        cells[n, p] = {}
        for contender in CONTENDERS:
            if contender.slow and (not options.with_slow or n * p > LARGEST_IN_MEMORY):
                cells[n, p][contender.name] = Measurement(np.nan, np.nan, failure="not run")
                continue
            print(f"   {n:,} x {p}: {contender.name} ...", file=sys.stderr, flush=True)
            cells[n, p][contender.name] = measure(contender, __file__, path, options.repeat)
    print_seconds(cells)
    print_passes(cells)


if __name__ == "__main__":
    main()
