"""Imports and fits of 10,000 rows, beside statsmodels.

Imports are of fresh processes; the bound that tests/test_imports.py holds without a clock is on
what is loaded. Fits are of one Parquet file, from its path to coefficients and standard errors;
statsmodels fits what `pandas.read_parquet` has read. Both take turns, in one process, after two
turns that warm them up. Seconds are the processor's, of all threads, and medians.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from tasks import T1_FORMULA

import statsmodels_ooc.formula.api as smof

IMPORTS = (  # the package, what it is compared with
    ("statsmodels_ooc.formula.api", "statsmodels.formula.api"),
    ("statsmodels_ooc.api", "statsmodels.api"),
)
DESIGNS = {
    "T1": T1_FORMULA.removeprefix("y ~ "),
    "a + b + c": "a + b + c",
    "a + b + text": "a + b + text",
}


def write(path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    a, b, c, d, noise = rng.standard_normal((5, rows))
    cat1 = rng.integers(0, 5, rows)
    text = np.array(["one", "two", "three", "four", "five", "six"])[rng.integers(0, 6, rows)]
    y = a + b * d + cat1 + noise
    columns = {"y": y, "z": (y > 1).astype(np.int8), "a": a, "b": b, "c": c, "d": d}
    pd.DataFrame({**columns, "cat1": cat1, "text": text}).to_parquet(path)


def imported(module: str) -> float:
    """Processor seconds of a process that imports a module."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def fitted(fit: Callable[[], Any]) -> float:
    began = time.process_time()
    results = fit().fit()
    assert np.isfinite(results.params).all()
    assert np.isfinite(results.bse).all()
    return time.process_time() - began


def in_turn(ours: Callable[[], float], theirs: Callable[[], float], repeat: int, warm: int) -> Any:
    """Medians of two clocks that take turns."""
    times = [(ours(), theirs()) for _ in range(warm + repeat)][warm:]
    return [statistics.median(one) for one in zip(*times, strict=True)]


def report(name: str, ours: float, theirs: float) -> None:
    print(f"{name:<42}{1e3 * ours:>10.1f}{1e3 * theirs:>13.1f}{ours / theirs:>7.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=15, help="turns of the fits")
    parser.add_argument("--processes", type=int, default=5, help="turns of the imports")
    told = parser.parse_args()
    print(f"{'':<42}{'here ms':>10}{'statsmodels':>13}{'ratio':>7}")
    for here, there in IMPORTS:
        times = in_turn(
            lambda here=here: imported(here),
            lambda there=there: imported(there),
            told.processes,
            warm=1,
        )
        report(f"import {here}", *times)
    with tempfile.TemporaryDirectory() as folder:
        path, family = Path(folder, "rows.parquet"), sm.families.Binomial()
        write(path, told.rows)
        for name, design in DESIGNS.items():
            times = in_turn(
                lambda design=design: fitted(lambda: smof.ols(f"y ~ {design}", path)),
                lambda design=design: fitted(
                    lambda: smf.ols(f"y ~ {design}", pd.read_parquet(path))
                ),
                told.repeat,
                warm=2,
            )
            report(f"OLS, {name}", *times)
        for name, design in DESIGNS.items():
            times = in_turn(
                lambda design=design: fitted(
                    lambda: smof.glm(f"z ~ {design}", path, family=family)
                ),
                lambda design=design: fitted(
                    lambda: smf.glm(f"z ~ {design}", pd.read_parquet(path), family=family)
                ),
                told.repeat,
                warm=2,
            )
            report(f"GLM, Binomial, {name}", *times)


if __name__ == "__main__":
    main()
