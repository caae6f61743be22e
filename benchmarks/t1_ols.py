"""T1: OLS from a Parquet file to standard errors; 12 columns, interactions, a factor."""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from closed_form import estimates, from_series
from harness import Contender, Estimates, Measurement, Run, arguments, cores, main
from hdfe import PACKAGES, hdfe_stream
from tasks import T1, T1_COLUMNS, T1_FORMULA

LEVELS = 5
SLOPES = {"a": "a", "b": "b", "c": "c", "d": "d", "d:c": "d*c", "a:b": "a*b", "a:c": "a*c"}
NAMES = [f"cat1[{level}]" for level in range(LEVELS)] + list(SLOPES)
PYFIXEST_FORMULA = "y ~ 0 + " + " + ".join(SLOPES) + " + C(cat1)"
BLOCK = 8192


# --- the work that nobody can avoid, on one thread --------------------------------------


def read_row_groups(threads: int) -> Run:
    import pyarrow.parquet as pq

    def run(path: Path) -> None:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            file.read_row_group(group, columns=T1_COLUMNS, use_threads=False)

    return run


def read_batches(threads: int) -> Run:
    import pyarrow.parquet as pq

    def run(path: Path) -> None:
        batches = pq.ParquetFile(path, pre_buffer=False).iter_batches(
            131_072, columns=T1_COLUMNS, use_threads=False
        )
        for _ in batches:
            pass

    return run


def gram_of_ready_blocks(threads: int) -> Run:
    """X'X of column-major blocks that are there already; the block stays in the cache,
    which makes this the smallest possible time."""
    import pyarrow.parquet as pq

    block = np.asfortranarray(np.random.default_rng(0).standard_normal((BLOCK, 13)))

    def run(path: Path) -> None:
        total = np.zeros((13, 13))
        for _ in range(-(-pq.read_metadata(path).num_rows // BLOCK)):
            total += block.T @ block

    return run


# --- contenders -------------------------------------------------------------------------


def ours(threads: int) -> Run:
    import dask
    import pyarrow as pa

    import statsmodels_ooc.formula.api as smof

    pa.set_cpu_count(threads)
    settings = {"scheduler": "threads", "num_workers": threads}
    if threads == 1:
        settings = {"scheduler": "sync"}

    def run(path: Path) -> Estimates:
        with dask.config.set(settings):
            result = smof.ols(T1_FORMULA, data=str(path)).fit()
            return from_series(result.params, result.bse, NAMES)

    return run


def duckdb_sql(threads: int) -> Run:
    """Sums of products per level in one SQL statement, the rest in NumPy."""
    import duckdb

    columns = [*SLOPES.values(), "y"]
    pairs = list(combinations_with_replacement(range(len(columns)), 2))
    sums = [f"sum({column})" for column in columns]
    products = [f"sum(({columns[i]})*({columns[j]}))" for i, j in pairs]
    select = ", ".join(["cat1", "count(*)", *sums, *products])

    def run(path: Path) -> Estimates:
        with duckdb.connect(config={"threads": threads}) as connection:
            query = f"SELECT {select} FROM read_parquet('{path}') GROUP BY cat1 ORDER BY cat1"
            rows = np.array(connection.execute(query).fetchall(), dtype=float)
        m, p = len(rows), len(columns)
        gram = np.zeros((m + p, m + p))
        gram[:m, :m] = np.diag(rows[:, 1])
        gram[:m, m:] = rows[:, 2 : 2 + p]
        gram[m:, :m] = gram[:m, m:].T
        for (i, j), total in zip(pairs, rows[:, 2 + p :].sum(axis=0), strict=True):
            gram[m + i, m + j] = gram[m + j, m + i] = total
        return estimates(gram, NAMES, int(rows[:, 1].sum()))

    return run


def numpy_chunks(threads: int) -> Run:
    """The loop that a careful user writes: a row group, its columns, X'X."""
    import pyarrow.parquet as pq

    def run(path: Path) -> Estimates:
        file, gram, n = pq.ParquetFile(path), 0.0, 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=T1_COLUMNS)
            y, a, b, c, d, cat1 = (table[name].to_numpy() for name in T1_COLUMNS)
            levels = [(cat1 == level).astype(float) for level in range(LEVELS)]
            block = np.column_stack([*levels, a, b, c, d, d * c, a * b, a * c, y])
            gram, n = gram + block.T @ block, n + len(block)
        return estimates(gram, NAMES, n)

    return run


def statsmodels_formula(threads: int) -> Run:
    import pandas as pd
    import statsmodels.formula.api as smf

    def run(path: Path) -> Estimates:
        result = smf.ols(T1_FORMULA, pd.read_parquet(path)).fit()
        return from_series(result.params, result.bse, NAMES)

    return run


def pyfixest_feols(threads: int) -> Run:
    import pandas as pd
    import pyfixest as pf

    # With an intercept instead of a full set of levels: the slopes are the same.
    formula = "y ~ " + " + ".join(SLOPES) + " + C(cat1)"

    def run(path: Path) -> Estimates:
        result = pf.feols(formula, pd.read_parquet(path), vcov="iid")
        params, bse = result.coef(), result.se()
        return {name: (params[name], bse[name]) for name in SLOPES}

    return run


def glum_regressor(threads: int) -> Run:
    import glum
    import pandas as pd

    formula = "y ~ 1 + " + " + ".join(SLOPES) + " + C(cat1)"

    def run(path: Path) -> Estimates:
        frame = pd.read_parquet(path)
        model = glum.GeneralizedLinearRegressor(
            family="normal", alpha=0, formula=formula, drop_first=True, gradient_tol=1e-9
        )
        model.fit(frame)
        table = model.coef_table(frame, frame["y"], robust=False)
        return {name: tuple(table.loc[name, ["coef", "se"]]) for name in SLOPES}

    return run


def hdfe_ols(threads: int) -> Run:
    return hdfe_stream(PYFIXEST_FORMULA, threads, plain_levels)


def plain_levels(name: str) -> str:
    return name.replace("C(cat1)", "cat1")


def smallest(measurements: dict[str, Measurement]) -> tuple[str, float]:
    read = min(measurements[name].seconds for name in ("read row groups", "read batches"))
    return "read + Gram, one thread", read + measurements["gram of ready blocks"].seconds


ALL = cores()
CONTENDERS = [
    Contender("read row groups", read_row_groups, 1, baseline=True, packages=("pyarrow",)),
    Contender("read batches", read_batches, 1, baseline=True, packages=("pyarrow",)),
    Contender("gram of ready blocks", gram_of_ready_blocks, 1, baseline=True, packages=("numpy",)),
    Contender("statsmodels_ooc, 1 thread", ours, 1, packages=("statsmodels_ooc", "dask")),
    Contender("statsmodels_ooc, 2 threads", ours, 2, packages=("statsmodels_ooc", "dask")),
    Contender("DuckDB closed form, 1 thread", duckdb_sql, 1, packages=("duckdb",)),
    Contender("DuckDB closed form", duckdb_sql, ALL, packages=("duckdb",)),
    Contender("NumPy chunks, 1 thread", numpy_chunks, 1, packages=("numpy",)),
    Contender("glum", glum_regressor, ALL, slow=True, packages=("glum", "tabmat")),
    Contender("hdfe-stream", hdfe_ols, ALL, slow=True, packages=PACKAGES),
    Contender("pyfixest", pyfixest_feols, ALL, slow=True, packages=("pyfixest",)),
    Contender(
        "statsmodels formula, in memory",
        statsmodels_formula,
        ALL,
        slow=True,
        packages=("statsmodels", "pandas"),
    ),
]

if __name__ == "__main__":
    main("T1 OLS", __file__, CONTENDERS, arguments(__doc__, T1.rows), T1.file, smallest)
