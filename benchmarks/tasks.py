"""The benchmark tasks: seeded data, written once, a row group at a time.

Every task is a Parquet file (zstd) under the data directory. A task's generator draws
the same rows whatever was written before, and never holds more than one row group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

SEED = 0

T1_FORMULA = "y ~ 0 + a + b + c + d + d:c + a:b + a:c + C(cat1, Treatment, levels=[0,1,2,3,4])"
T1_COLUMNS = ["y", "a", "b", "c", "d", "cat1"]
# patsy puts the categorical columns first: cat1, then a, b, c, d, d:c, a:b, a:c.
T1_BETA = np.arange(12) / 12

T3_FORMULA = "y ~ x1 + x2 + g"
T3_COLUMNS = ["y", "x1", "x2", "g", "exposure"]
T3_LEVELS = [f"g{j:02d}" for j in range(50)]


def wide_names(columns: int) -> list[str]:
    return [f"x{j}" for j in range(columns)]


def wide_formula(columns: int) -> str:
    return "y ~ " + " + ".join(wide_names(columns))


T4_NAMES = wide_names(100)

COVARIANCES_NAMES = [f"x{j}" for j in range(19)]  # and the constant
COVARIANCES_CLIENTS = 2_000_000

T5_CARDINALITIES = (2, 3, 5, 7, 10, 24)
T5_NAMES = [f"c{levels}" for levels in T5_CARDINALITIES]
T5_LEVELS = {f"c{m}": [f"c{m}_{j:02d}" for j in range(m)] for m in T5_CARDINALITIES}
T5_FORMULA = "y ~ " + " + ".join(T5_NAMES)


@dataclass(frozen=True)
class Task:
    """One data set.

    Attributes
    ----------
    name : str
        Name of the file, without the number of rows.
    rows : int
        Number of rows unless the command line says otherwise.
    row_group : int
        Rows of a Parquet row group.
    draw : callable
        ``draw(rng, b)`` returns a table of b rows.
    """

    name: str
    rows: int
    row_group: int
    draw: Callable[[np.random.Generator, int], pa.Table]

    def tables(self, rows: int) -> Iterator[pa.Table]:
        rng = np.random.default_rng(SEED)
        for first in range(0, rows, self.row_group):
            yield self.draw(rng, min(self.row_group, rows - first))

    def path(self, folder: Path, rows: int) -> Path:
        return folder / f"{self.name}-{rows}.parquet"

    def file(self, folder: Path, rows: int | None = None) -> Path:
        """The task's Parquet file; written if it is not there yet."""
        rows = self.rows if rows is None else rows
        path = self.path(folder, rows)
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            print(f"writing {path} ({rows:,} rows) ...", flush=True)
            unfinished = path.with_suffix(".part")
            _write(self.tables(rows), unfinished, self.row_group)
            unfinished.rename(path)
        return path


def _write(tables: Iterator[pa.Table], path: Path, row_group: int) -> None:
    writer = None
    for table in tables:
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=row_group)
    writer.close()


def _t1_covariates(rng: np.random.Generator, b: int) -> tuple[dict, np.ndarray]:
    a, x, c, d = rng.standard_normal((4, b))
    cat1 = rng.integers(0, 5, b)
    eta = T1_BETA[cat1] + np.column_stack([a, x, c, d, d * c, a * x, a * c]) @ T1_BETA[5:]
    return {"a": a, "b": x, "c": c, "d": d, "cat1": cat1}, eta


def _draw_t1(rng: np.random.Generator, b: int) -> pa.Table:
    columns, eta = _t1_covariates(rng, b)
    return pa.table({"y": eta + rng.standard_normal(b), **columns})


def _draw_t2(rng: np.random.Generator, b: int) -> pa.Table:
    columns, eta = _t1_covariates(rng, b)
    y = rng.random(b) < _expit(0.5 * eta - 1)
    return pa.table({"y": y.astype(np.int8), **columns})


def _draw_t3(rng: np.random.Generator, b: int) -> pa.Table:
    x1, x2 = rng.standard_normal((2, b))
    g = rng.integers(0, len(T3_LEVELS), b)
    exposure = rng.uniform(0.5, 2.0, b)
    effects = _fixed_effects(len(T3_LEVELS), 0.3)
    y = rng.poisson(exposure * np.exp(-0.5 + 0.3 * x1 - 0.2 * x2 + effects[g]))
    levels = _dictionary(g, T3_LEVELS)
    return pa.table({"y": y, "x1": x1, "x2": x2, "g": levels, "exposure": exposure})


def _draw_wide(columns: int, rng: np.random.Generator, b: int) -> pa.Table:
    x = rng.standard_normal((columns, b))
    x[1:] += 0.3 * x[0]
    beta = np.linspace(-1, 1, columns)
    y = 1 + beta @ x + rng.standard_normal(b)
    return pa.table({"y": y, **dict(zip(wide_names(columns), x, strict=True))})


def _draw_t5(rng: np.random.Generator, b: int) -> pa.Table:
    eta, columns = np.full(b, -0.7), {}
    for name, levels in T5_LEVELS.items():
        codes = rng.integers(0, len(levels), b)
        eta += _fixed_effects(len(levels), 0.5)[codes]
        columns[name] = _dictionary(codes, levels)
    y = rng.random(b) < _expit(eta)
    return pa.table({"y": y.astype(np.int8), **columns})


def _draw_covariances(rng: np.random.Generator, b: int) -> pa.Table:
    """Two million clients in random order, households of five rows, and firms by days."""
    x = rng.standard_normal((len(COVARIANCES_NAMES), b))
    client = rng.integers(0, COVARIANCES_CLIENTS, b)
    firm, day = rng.integers(0, 100_000, b), rng.integers(0, 1_000, b)
    effects = _fixed_effects(COVARIANCES_CLIENTS, 0.5)[client] + _fixed_effects(100_000, 0.5)[firm]
    y = 1 + x.sum(axis=0) + effects + _fixed_effects(1_000, 0.5)[day] + rng.standard_normal(b)
    texts = pa.compute.binary_join_element_wise("client-", pa.array(client).cast(pa.string()), "")
    household = np.repeat(rng.integers(0, 2**62, b // 5 + 1), 5)[:b]
    labels = {"client": texts, "household": household, "firm": firm, "day": day}
    return pa.table({"y": y, **dict(zip(COVARIANCES_NAMES, x, strict=True)), **labels})


def _expit(eta: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-eta))


def _fixed_effects(levels: int, sd: float) -> np.ndarray:
    """Effects of a factor, the same in every row group."""
    return np.random.default_rng(levels).normal(0, sd, levels)


def _dictionary(codes: np.ndarray, levels: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), levels)


def wide_task(columns: int) -> Task:
    """As T4, with another number of columns."""
    return Task(f"wide{columns}", 1_048_576, 131_072, partial(_draw_wide, columns))


T1 = Task("t1", 10_000_000, 1_000_000, _draw_t1)
T2 = Task("t2", 10_000_000, 1_000_000, _draw_t2)
T3 = Task("t3", 5_000_000, 1_000_000, _draw_t3)
T4 = Task("t4", 2_000_000, 131_072, partial(_draw_wide, len(T4_NAMES)))
T5 = Task("t5", 10_000_000, 1_000_000, _draw_t5)
COVARIANCES = Task("covariances", 10_000_000, 524_288, _draw_covariances)
TASKS = {task.name: task for task in (T1, T2, T3, T4, T5, COVARIANCES)}
