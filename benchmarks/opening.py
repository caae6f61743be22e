"""Opening and fitting beside reading: thousands of unused columns, hundreds of files.

Each line compares the fit of ``y ~ x`` with `pandas` reading these two columns of the same
files, and for Parquet with reading every footer once.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import statsmodels_ooc.formula.api as smof

ROWS = 200
CASES = (  # suffix, files, unused columns
    ("parquet", 1, 1_000),
    ("parquet", 1, 4_000),
    ("parquet", 1, 20_000),
    ("parquet", 100, 300),
    ("parquet", 600, 30),
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the small cases only")
    quick = parser.parse_args().quick
    print(
        f"{'':>8}{'files':>7}{'unused':>9}{'footers s':>11}{'pandas s':>10}{'fit s':>8}{'ratio':>7}"
    )
    for suffix, files, unused in CASES:
        if quick and files * unused > 10_000:
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, suffix, files, unused)
            paths = [folder / file for file in sorted(os.listdir(folder))]
            if suffix == "csv":
                footers = 0.0
                pandas = seconds(lambda paths=paths: pd.read_csv(paths[0], usecols=["y", "x"]))
            else:
                footers = seconds(lambda paths=paths: [pq.read_metadata(path) for path in paths])
                pandas = seconds(lambda folder=folder: pd.read_parquet(folder, columns=["y", "x"]))
            fit = seconds(lambda folder=folder: smof.ols("y ~ x", folder).fit())
        print(
            f"{suffix:>8}{files:>7,}{unused:>9,}{footers:>11.2f}{pandas:>10.2f}{fit:>8.2f}"
            f"{fit / pandas:>7.1f}"
        )


if __name__ == "__main__":
    main()
