"""What a pass costs a row: nanoseconds of one core by columns, family, levels and kernels.

The page "How fast, how much memory" multiplies these. Each number is the processor time of the
dearest pass over all rows, on one thread, over the rows; reading the same columns with pyarrow
alone stands beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import arguments, print_header
from tasks import Task

COLUMNS = 100
LEVELS = (10, 100, 1_000)


def draw(rng: np.random.Generator, b: int) -> pa.Table:
    """Normal columns, factors, and responses of three families."""
    x = rng.standard_normal((COLUMNS, b))
    eta = 0.1 * x[:5].sum(axis=0)
    factors = {f"g{m}": rng.integers(0, m, b).astype(str) for m in LEVELS}
    return pa.table(
        {
            "y": eta + rng.standard_normal(b),
            "hit": (rng.random(b) < 1 / (1 + np.exp(-eta))).astype(np.int8),
            "count": rng.poisson(np.exp(eta)),
            **{f"x{j}": x[j] for j in range(COLUMNS)},
            **factors,
        }
    )


TASK = Task("constants", 2_000_000, 500_000, draw)


def cases() -> Iterator[tuple[str, str, str, str | None]]:
    """What is told of a fit: words, response, right-hand side, family."""
    for k in (5, 10, 20, 50, 100):
        terms = " + ".join(f"x{j}" for j in range(k))
        yield f"OLS, {k} columns", "y", terms, None
        if k in (5, 20):
            yield f"logistic, {k} columns", "hit", terms, "Binomial"
            yield f"Poisson, {k} columns", "count", terms, "Poisson"
    for m in LEVELS:
        yield f"OLS, 5 columns and {m:,} levels", "y", f"x0 + x1 + x2 + x3 + x4 + C(g{m})", None


def reading(path: Path, columns: list[str]) -> float:
    """Processor seconds to read some columns on one thread."""
    began = time.process_time()
    for batch in pq.ParquetFile(path).iter_batches(131_072, columns=columns, use_threads=False):
        assert batch.num_columns == len(columns)
    return time.process_time() - began


def fitting(path: Path, formula: str, family: str | None) -> tuple[float, int]:
    """Processor seconds of the passes over all rows, and how many these are."""
    import statsmodels.api as sm

    import statsmodels_ooc.formula.api as smof

    began = time.process_time()
    if family is None:
        fit = smof.ols(formula, str(path)).fit()
    else:
        fit = smof.glm(formula, str(path), family=getattr(sm.families, family)()).fit()
    seconds = time.process_time() - began
    rows = pq.read_metadata(path).num_rows
    return seconds, sum(record.rows == rows for record in fit.passes)


def main() -> None:
    import dask

    import statsmodels_ooc.api as smo

    options = arguments(__doc__, TASK.rows)
    path = TASK.file(options.data, options.rows)
    print_header("Nanoseconds of one core for a row and a pass", {"statsmodels_ooc", "numba"})
    print(f"{'':<34}{'read':>8}{'numpy':>8}{'numba':>8}{'passes':>8}")
    for words, response, terms, family in cases():
        names = [response, *(t.removeprefix("C(").removesuffix(")") for t in terms.split(" + "))]
        per_row = 1e9 / options.rows
        read = min([reading(path, names) for _ in range(1 + options.repeat)][1:]) * per_row
        found, passes = [], 0
        for kernels in ("numpy", "numba"):
            one = dask.config.set(scheduler="threads", num_workers=1)
            with one, smo.options.set(kernels=kernels):
                runs = [
                    fitting(path, f"{response} ~ {terms}", family)
                    for _ in range(1 + options.repeat)
                ]
            passes = runs[0][1]
            found.append(min(seconds for seconds, _ in runs[1:]) * per_row / passes)
        print(f"{words:<34}{read:>8.0f}{found[0]:>8.0f}{found[1]:>8.0f}{passes:>8}", flush=True)


if __name__ == "__main__":
    main()
