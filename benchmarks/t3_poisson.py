"""T3: Poisson regression with exposure and a factor of 50 levels, to standard errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from closed_form import from_series
from harness import Contender, Estimates, Measurement, Run, Streamed, arguments, cores, main
from t2_logistic import irls, streamed, use_threads
from tasks import T3, T3_COLUMNS, T3_FORMULA, T3_LEVELS

NAMES = ["Intercept", *(f"g[T.{level}]" for level in T3_LEVELS[1:]), "x1", "x2"]
BATCH = 131_072


def read_row_groups(threads: int) -> Run:
    import pyarrow.parquet as pq

    def run(path: Path) -> None:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            file.read_row_group(group, columns=T3_COLUMNS, use_threads=False)

    return run


def read_batches(threads: int) -> Run:
    import pyarrow.parquet as pq

    def run(path: Path) -> None:
        batches = pq.ParquetFile(path, pre_buffer=False).iter_batches(
            BATCH, columns=T3_COLUMNS, use_threads=False
        )
        for _ in batches:
            pass

    return run


def ours(threads: int) -> Run:
    import statsmodels.api as sm

    import statsmodels_ooc.formula.api as smof

    settings = use_threads(threads)

    def run(path: Path) -> Streamed:
        with settings():
            model = smof.glm(
                T3_FORMULA, data=str(path), family=sm.families.Poisson(), exposure="exposure"
            )
            return streamed(model.fit(), NAMES)

    return run


def numpy_batches(path: Path) -> Iterator[tuple[np.ndarray, ...]]:
    """Batches of y, x1, x2, the codes of g and exposure."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    levels = pa.array(T3_LEVELS)
    for batch in pq.ParquetFile(path).iter_batches(BATCH, columns=T3_COLUMNS):
        y, x1, x2, exposure = (batch[name].to_numpy() for name in ("y", "x1", "x2", "exposure"))
        position = pc.index_in(batch["g"].dictionary, levels).to_numpy()
        yield y, x1, x2, position[batch["g"].indices.to_numpy()], exposure


def numpy_chunks(threads: int) -> Run:
    """The loop that a careful user writes: a batch, its 52 columns, X'WX."""
    levels = np.arange(1, len(T3_LEVELS))

    def run(path: Path) -> Estimates:
        def sums(beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            information, score = 0.0, 0.0
            for y, x1, x2, codes, exposure in numpy_batches(path):
                x = np.column_stack([np.ones(len(y)), codes[:, None] == levels, x1, x2])
                mean = exposure * np.exp(x @ beta)
                information = information + x.T @ (x * mean[:, None])
                score = score + x.T @ (y - mean)
            return information, score

        return irls(sums, NAMES)

    return run


def numpy_codes(threads: int) -> Run:
    """The same without columns of zeros: sums per level of g, by hand."""
    m = len(T3_LEVELS)

    def run(path: Path) -> Estimates:
        def sums(beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            information, score = np.zeros((m + 2, m + 2)), np.zeros(m + 2)
            effects = np.append(0.0, beta[1:m])
            for y, x1, x2, codes, exposure in numpy_batches(path):
                eta = beta[0] + effects[codes] + beta[-2] * x1 + beta[-1] * x2
                mean = exposure * np.exp(eta)
                residual = y - mean
                information[range(m), range(m)] += np.bincount(codes, mean, m)
                for column, x in ((-2, x1), (-1, x2)):
                    information[:m, column] += np.bincount(codes, mean * x, m)
                    score[column] += residual @ x
                information[-2, -2] += mean @ x1**2
                information[-1, -1] += mean @ x2**2
                information[-2, -1] += (mean * x1) @ x2
                score[:m] += np.bincount(codes, residual, m)
            # Level 0 is the reference, the intercept is the sum over all levels.
            score[0] = score[:m].sum()
            information[0, -2:] = information[:m, -2:].sum(axis=0)
            information[0, :m] = information.diagonal()[:m]
            information[0, 0] = information[0, :m].sum()
            upper = np.triu(information)
            return upper + np.triu(information, 1).T, score

        return irls(sums, NAMES)

    return run


def glum_regressor(threads: int) -> Run:
    import glum
    import pandas as pd

    def run(path: Path) -> Estimates:
        frame = pd.read_parquet(path)
        x, y, offset = frame[["g", "x1", "x2"]], frame["y"], np.log(frame["exposure"])
        model = glum.GeneralizedLinearRegressor(
            family="poisson", alpha=0, drop_first=True, gradient_tol=1e-9
        )
        model.fit(x, y, offset=offset)
        table = model.coef_table(x, y, offset=offset, robust=False, dispersion=1)
        return from_series(table["coef"], table["se"], NAMES)

    return run


def reading(measurements: dict[str, Measurement]) -> tuple[str, float]:
    read = min(measurements[name].seconds for name in ("read row groups", "read batches"))
    return "reading the columns once, one thread", read


ALL = cores()
OWN = ("statsmodels_ooc", "dask")
CONTENDERS = [
    Contender("read row groups", read_row_groups, 1, baseline=True, packages=("pyarrow",)),
    Contender("read batches", read_batches, 1, baseline=True, packages=("pyarrow",)),
    Contender("statsmodels_ooc, 1 thread", ours, 1, packages=OWN),
    Contender("statsmodels_ooc, 2 threads", ours, 2, packages=OWN),
    Contender("NumPy codes, 1 thread", numpy_codes, 1, packages=("numpy",)),
    Contender("NumPy chunks, 1 thread", numpy_chunks, 1, slow=True, packages=("numpy",)),
    Contender("glum", glum_regressor, ALL, slow=True, packages=("glum", "tabmat")),
]

if __name__ == "__main__":
    options = arguments(__doc__, T3.rows)
    main("T3 Poisson, 52 columns", __file__, CONTENDERS, options, T3.file, reading)
