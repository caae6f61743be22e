"""Opening and fitting beside reading: thousands of unused columns, thousands of files.

Each line compares the fit of ``y ~ x`` with `pandas` reading these two columns of the same
files, and for Parquet also opening them with reading every footer once; these two are the
processor's seconds, of all threads, medians of five.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

ROWS = 200
CASES = (  # suffix, files, unused columns
    ("parquet", 1, 1_000),
    ("parquet", 1, 5_000),
    ("parquet", 1, 20_000),
    ("parquet", 100, 300),
    ("parquet", 600, 30),
    ("parquet", 2_000, 10),
    ("csv", 1, 10_000),
    ("csv", 1, 100_000),
)


def write(folder: Path, suffix: str, files: int, unused: int) -> None:
    rng = np.random.default_rng(0)
    for number in range(files):
        used = {"y": rng.normal(size=ROWS), "x": rng.normal(size=ROWS)}
        table = pa.table(used | {f"c{j}": np.zeros(ROWS, "int8") for j in range(unused)})
        path = folder / f"{number}.{suffix}"
        if suffix == "csv":
            table.to_pandas().to_csv(path, index=False)
        else:
            pq.write_table(table, path)


def seconds(function: Callable[[], Any]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def opening(folder: Path, paths: list[Path], repeat: int = 5) -> tuple[float, float]:
    """Median processor seconds of reading all footers, and of opening the folder, in turn."""
    footers, opened = [], []
    for turn in range(repeat + 1):
        for path in paths:
            os.utime(path)  # footers of a file that has not changed are kept
        began = time.process_time()
        for path in paths:
            pq.read_metadata(path)
        between = time.process_time()
        smo.as_source(folder)
        if turn:  # the first warms up
            footers.append(between - began)
            opened.append(time.process_time() - between)
    return statistics.median(footers), statistics.median(opened)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the small cases only")
    quick = parser.parse_args().quick
    print(
        f"{'':>8}{'files':>7}{'unused':>9}{'footers s':>11}{'opened s':>10}{'ratio':>7}"
        f"{'pandas s':>10}{'fit s':>8}{'ratio':>7}"
    )
    for suffix, files, unused in CASES:
        if quick and files * unused > 10_000:
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, suffix, files, unused)
            paths = [folder / file for file in sorted(os.listdir(folder))]
            if suffix == "csv":
                beside = f"{'':>28}"
                pandas = seconds(lambda paths=paths: pd.read_csv(paths[0], usecols=["y", "x"]))
            else:
                footers, opened = opening(folder, paths)
                beside = f"{footers:>11.3f}{opened:>10.3f}{opened / footers:>7.1f}"
                pandas = seconds(lambda folder=folder: pd.read_parquet(folder, columns=["y", "x"]))
            fit = seconds(lambda folder=folder: smof.ols("y ~ x", folder).fit())
        print(
            f"{suffix:>8}{files:>7,}{unused:>9,}{beside}{pandas:>10.2f}{fit:>8.2f}"
            f"{fit / pandas:>7.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
