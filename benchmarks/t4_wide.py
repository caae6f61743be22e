"""T4: OLS with 100 columns and an intercept, from a Parquet file to standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from closed_form import estimates, from_series
from harness import Contender, Estimates, Measurement, Run, arguments, cores, main
from hdfe import PACKAGES, hdfe_stream
from tasks import T4, wide_formula, wide_names

BLOCK = 8192
T4_COLUMNS = 100


@dataclass(frozen=True)
class Wide:
    """Ways to fit y on so many columns, all of them numbers, and a constant."""

    width: int

    @property
    def names(self) -> list[str]:
        return ["Intercept", *wide_names(self.width)]

    @property
    def columns(self) -> list[str]:
        return [*wide_names(self.width), "y"]

    @property
    def formula(self) -> str:
        return wide_formula(self.width)

    def read_row_groups(self, threads: int) -> Run:
        import pyarrow.parquet as pq

        def run(path: Path) -> None:
            file = pq.ParquetFile(path)
            for group in range(file.num_row_groups):
                file.read_row_group(group, columns=self.columns, use_threads=False)

        return run

    def gram_of_ready_blocks(self, threads: int) -> Run:
        import pyarrow.parquet as pq

        k = len(self.names) + 1
        block = np.asfortranarray(np.random.default_rng(0).standard_normal((BLOCK, k)))

        def run(path: Path) -> None:
            total = np.zeros((k, k))
            for _ in range(-(-pq.read_metadata(path).num_rows // BLOCK)):
                total += block.T @ block

        return run

    def ours(self, threads: int) -> Run:
        import dask
        import pyarrow as pa

        import statsmodels_ooc.formula.api as smof

        pa.set_cpu_count(threads)
        settings = {"scheduler": "threads", "num_workers": threads}
        if threads == 1:
            settings = {"scheduler": "sync"}

        def run(path: Path) -> Estimates:
            with dask.config.set(settings):
                result = smof.ols(self.formula, data=str(path)).fit()
                return from_series(result.params, result.bse, self.names)

        return run

    def gram_from_sums(self, row: tuple) -> tuple[np.ndarray, int]:
        """The Gram matrix of ``[1 | X | y]`` from one row of count, sums and products."""
        p = len(self.columns)
        values = np.array(row, dtype=float)
        n, sums, products = values[0], values[1 : 1 + p], values[1 + p :]
        gram = np.empty((p + 1, p + 1))
        gram[0, 0], gram[0, 1:], gram[1:, 0] = n, sums, sums
        upper = np.triu_indices(p)
        gram[1:, 1:][upper] = products
        gram[1:, 1:].T[upper] = products
        return gram, int(n)

    def polars_sums(self, threads: int) -> Run:
        """All sums of products, of 100 columns five thousand, as one streaming query."""
        import polars as pl

        pairs = list(combinations_with_replacement(self.columns, 2))
        query = [pl.len().alias("n")]
        query += [pl.col(name).sum().alias(f"s_{name}") for name in self.columns]
        query += [(pl.col(a) * pl.col(b)).sum().alias(f"p_{a}_{b}") for a, b in pairs]

        def run(path: Path) -> Estimates:
            sums = pl.scan_parquet(path).select(query).collect(engine="streaming")
            gram, n = self.gram_from_sums(sums.row(0))
            return estimates(gram, self.names, n)

        return run

    def polars_batches(self, threads: int) -> Run:
        """Polars reads a row group at a time, BLAS multiplies."""
        import polars as pl
        import pyarrow.parquet as pq

        def run(path: Path) -> Estimates:
            gram, n, scan = 0.0, pq.read_metadata(path).num_rows, pl.scan_parquet(path)
            for first in range(0, n, T4.row_group):
                frame = scan.slice(first, T4.row_group).select(
                    pl.lit(1.0).alias("1"), *self.columns
                )
                block = frame.collect().to_numpy(order="fortran")
                gram = gram + block.T @ block
            return estimates(gram, self.names, n)

        return run

    def duckdb_sql(self, threads: int) -> Run:
        import duckdb

        pairs = combinations_with_replacement(self.columns, 2)
        select = ["count(*)", *(f"sum({name})" for name in self.columns)]
        select += [f"sum({a}*{b})" for a, b in pairs]

        def run(path: Path) -> Estimates:
            with duckdb.connect(config={"threads": threads}) as connection:
                query = f"SELECT {', '.join(select)} FROM read_parquet('{path}')"
                gram, n = self.gram_from_sums(connection.execute(query).fetchone())
            return estimates(gram, self.names, n)

        return run

    def numpy_chunks(self, threads: int) -> Run:
        import pyarrow.parquet as pq

        def run(path: Path) -> Estimates:
            file, gram, n = pq.ParquetFile(path), 0.0, 0
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=self.columns)
                columns = [table[name].to_numpy() for name in self.columns]
                block = np.column_stack([np.ones(table.num_rows), *columns])
                gram, n = gram + block.T @ block, n + len(block)
            return estimates(gram, self.names, n)

        return run

    def glum_regressor(self, threads: int) -> Run:
        import glum
        import pandas as pd

        def run(path: Path) -> Estimates:
            frame = pd.read_parquet(path)
            y, x = frame.pop("y"), frame
            model = glum.GeneralizedLinearRegressor(family="normal", alpha=0, gradient_tol=1e-9)
            table = model.fit(x, y).coef_table(x, y, robust=False)
            return from_series(table["coef"], table["se"], self.names)

        return run

    def pyfixest_feols(self, threads: int) -> Run:
        import pandas as pd
        import pyfixest as pf

        def run(path: Path) -> Estimates:
            result = pf.feols(self.formula, pd.read_parquet(path), vcov="iid")
            return from_series(result.coef(), result.se(), self.names)

        return run

    def statsmodels_formula(self, threads: int) -> Run:
        import pandas as pd
        import statsmodels.formula.api as smf

        def run(path: Path) -> Estimates:
            result = smf.ols(self.formula, pd.read_parquet(path)).fit()
            return from_series(result.params, result.bse, self.names)

        return run

    def hdfe_ols(self, threads: int) -> Run:
        return hdfe_stream(self.formula, threads)


def smallest(measurements: dict[str, Measurement]) -> tuple[str, float]:
    parts = [measurements[name].seconds for name in ("read row groups", "gram of ready blocks")]
    return "read + Gram, one thread", sum(parts)


ALL = cores()
OWN = ("statsmodels_ooc", "dask")
WIDE = Wide(T4_COLUMNS)
CONTENDERS = [
    Contender("read row groups", WIDE.read_row_groups, 1, baseline=True, packages=("pyarrow",)),
    Contender(
        "gram of ready blocks", WIDE.gram_of_ready_blocks, 1, baseline=True, packages=("numpy",)
    ),
    Contender("statsmodels_ooc, 1 thread", WIDE.ours, 1, packages=OWN),
    Contender("statsmodels_ooc, 2 threads", WIDE.ours, 2, packages=OWN),
    Contender("Polars batches + BLAS", WIDE.polars_batches, ALL, packages=("polars",)),
    Contender("Polars closed form", WIDE.polars_sums, ALL, packages=("polars",)),
    Contender("DuckDB closed form", WIDE.duckdb_sql, ALL, packages=("duckdb",)),
    Contender("NumPy chunks, 1 thread", WIDE.numpy_chunks, 1, packages=("numpy",)),
    Contender("NumPy chunks", WIDE.numpy_chunks, ALL, packages=("numpy",)),
    Contender("glum", WIDE.glum_regressor, ALL, slow=True, packages=("glum", "tabmat")),
    Contender("hdfe-stream", WIDE.hdfe_ols, ALL, slow=True, packages=PACKAGES),
    Contender("pyfixest", WIDE.pyfixest_feols, ALL, slow=True, packages=("pyfixest",)),
    Contender(
        "statsmodels formula, in memory",
        WIDE.statsmodels_formula,
        ALL,
        slow=True,
        packages=("statsmodels", "pandas"),
    ),
]

if __name__ == "__main__":
    options = arguments(__doc__, T4.rows)
    main("T4 OLS, 101 columns", __file__, CONTENDERS, options, T4.file, smallest)
