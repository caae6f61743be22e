"""T5: logistic regression on six factors, 46 columns, from Parquet to standard errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from closed_form import from_series
from harness import Contender, Estimates, Measurement, Run, Streamed, arguments, cores, main
from t2_logistic import expit, irls, streamed, use_threads
from tasks import T5, T5_FORMULA, T5_LEVELS, T5_NAMES

NAMES = ["Intercept"]
NAMES += [f"{name}[T.{level}]" for name, levels in T5_LEVELS.items() for level in levels[1:]]
BATCH = 131_072


def ours(threads: int) -> Run:
    import statsmodels.api as sm

    import statsmodels_ooc.formula.api as smof

    settings = use_threads(threads)

    def run(path: Path) -> Streamed:
        with settings():
            family = sm.families.Binomial()
            return streamed(smof.glm(T5_FORMULA, data=str(path), family=family).fit(), NAMES)

    return run


def design(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Columns of zeros and ones from the codes of the six factors."""
    n = len(columns[T5_NAMES[0]])
    dummies = [columns[name][:, None] == np.arange(1, len(T5_LEVELS[name])) for name in T5_NAMES]
    return np.column_stack([np.ones(n), *dummies])


def duckdb_cells(threads: int) -> Run:
    """SQL counts the distinct combinations of levels, NumPy fits those."""
    import duckdb
    import pyarrow as pa
    import pyarrow.compute as pc

    factors = ", ".join(T5_NAMES)
    select = f"SELECT {factors}, count(*) AS n, sum(y)::DOUBLE AS y"

    def run(path: Path) -> Estimates:
        with duckdb.connect(config={"threads": threads}) as connection:
            query = f"{select} FROM read_parquet('{path}') GROUP BY {factors}"
            cells = connection.sql(query).to_arrow_table()
        codes = {
            name: pc.index_in(cells[name], pa.array(levels)).to_numpy()
            for name, levels in T5_LEVELS.items()
        }
        x, n, y = design(codes), cells["n"].to_numpy(), cells["y"].to_numpy()

        def sums(beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            mean = expit(x @ beta)
            return x.T @ (x * (n * mean * (1 - mean))[:, None]), x.T @ (y - n * mean)

        return irls(sums, NAMES)

    return run


def numpy_chunks(threads: int) -> Run:
    """The loop that a careful user writes: a batch, its 46 columns, X'WX."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    def codes(factor: pa.DictionaryArray, levels: list[str]) -> np.ndarray:
        position = pc.index_in(factor.dictionary, pa.array(levels)).to_numpy()
        return position[factor.indices.to_numpy()]

    def run(path: Path) -> Estimates:
        def sums(beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            information, score = 0.0, 0.0
            for batch in pq.ParquetFile(path).iter_batches(BATCH, columns=["y", *T5_NAMES]):
                x = design({name: codes(batch[name], T5_LEVELS[name]) for name in T5_NAMES})
                mean = expit(x @ beta)
                information = information + x.T @ (x * (mean * (1 - mean))[:, None])
                score = score + x.T @ (batch["y"].to_numpy() - mean)
            return information, score

        return irls(sums, NAMES)

    return run


def glum_regressor(threads: int) -> Run:
    import glum
    import pandas as pd

    def run(path: Path) -> Estimates:
        frame = pd.read_parquet(path)
        x, y = frame[T5_NAMES], frame["y"]
        model = glum.GeneralizedLinearRegressor(
            family="binomial", alpha=0, drop_first=True, gradient_tol=1e-9
        )
        table = model.fit(x, y).coef_table(x, y, robust=False, dispersion=1)
        return from_series(table["coef"], table["se"], NAMES)

    return run


def rival(measurements: dict[str, Measurement]) -> tuple[str, float]:
    return CELLS, measurements[CELLS].seconds


ALL = cores()
OWN = ("statsmodels_ooc", "dask")
CELLS = "DuckDB group by + IRLS"
CONTENDERS = [
    Contender(CELLS, duckdb_cells, ALL, baseline=True, packages=("duckdb", "pyarrow")),
    Contender(f"{CELLS}, 1 thread", duckdb_cells, 1, packages=("duckdb",)),
    Contender("statsmodels_ooc, 1 thread", ours, 1, packages=OWN),
    Contender("statsmodels_ooc, 2 threads", ours, 2, packages=OWN),
    Contender("NumPy chunks, 1 thread", numpy_chunks, 1, slow=True, packages=("numpy",)),
    Contender("glum", glum_regressor, ALL, slow=True, packages=("glum", "tabmat")),
]

if __name__ == "__main__":
    options = arguments(__doc__, T5.rows)
    main("T5 logistic, six factors", __file__, CONTENDERS, options, T5.file, rival)
