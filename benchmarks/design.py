"""Building blocks of the design against patsy, one thread, frame in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from harness import arguments, print_header
from patsy import EvalEnvironment, build_design_matrices, dmatrices
from tasks import T1, T1_COLUMNS, T1_FORMULA
from threadpoolctl import threadpool_limits

import statsmodels_ooc.api as smo
from statsmodels_ooc.design.formula import FormulaSpec, learn_formula

BLOCK = 8192
FRAME = 131_072


def frames(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for first in range(0, len(table), FRAME):
        yield table.iloc[first : first + FRAME]


def no_scan(*args: object) -> object:
    raise AssertionError("the formula declares the levels: nothing is left to scan")


def patsy_builder(table: pd.DataFrame) -> Callable[[], None]:
    """patsy's own builder on frames as a file gives them."""
    infos = [side.design_info for side in dmatrices(T1_FORMULA, table[:1000])]

    def run() -> None:
        for frame in frames(table):
            build_design_matrices(infos, frame)

    return run


def learn(table: pd.DataFrame) -> FormulaSpec:
    return learn_formula(
        T1_FORMULA,
        smo.as_source(table),
        env=EvalEnvironment.capture(),
        scan=no_scan,
        memory_limit=2**30,
    )


def own_builder(table: pd.DataFrame) -> Callable[[], None]:
    spec = learn(table)

    def run() -> None:
        for frame in frames(table):
            for _ in spec.blocks(frame, 0, "frame", 0, BLOCK):
                pass

    return run


def gram(table: pd.DataFrame) -> Callable[[], None]:
    block = np.asfortranarray(np.random.default_rng(0).standard_normal((BLOCK, 13)))

    def run() -> None:
        total = np.zeros((13, 13))
        for _ in range(-(-len(table) // BLOCK)):
            total += block.T @ block

    return run


def agree(table: pd.DataFrame) -> bool:
    """Whether the two builders give the same numbers on the first rows."""
    _, theirs = dmatrices(T1_FORMULA, table[:BLOCK])
    block = next(learn(table).blocks(table[:BLOCK], 0, "frame", 0, BLOCK))
    return np.array_equal(np.asarray(theirs), block.dense())


def fastest(run: Callable[[], None], repeat: int) -> float:
    seconds = []
    for _ in range(repeat):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def main() -> None:
    options = arguments(__doc__, rows=2_000_000)
    path = T1.file(options.data, options.rows)
    table = pq.read_table(path, columns=T1_COLUMNS).to_pandas()
    print_header(
        f"Design of T1, {options.rows:,} rows, 12 columns",
        {"statsmodels_ooc", "patsy", "pandas", "numpy"},
    )
    with threadpool_limits(1):
        seconds = {
            "Gram of ready blocks": fastest(gram(table), options.repeat),
            "patsy.build_design_matrices": fastest(patsy_builder(table), 1),
            "statsmodels_ooc blocks": fastest(own_builder(table), options.repeat),
        }
    slowest = seconds["patsy.build_design_matrices"]
    print(f"{'':<32}{'seconds':>10}{'times faster than patsy':>26}")
    for name, found in seconds.items():
        print(f"{name:<32}{found:>10.3f}{slowest / found:>26.1f}")
    print(f"\nsame matrix as patsy: {agree(table)}")


if __name__ == "__main__":
    main()
