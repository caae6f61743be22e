"""What is fitted under a limit: how its data is written, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.feather
import pyarrow.parquet as pq
import statsmodels.api as sm

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

SMALL = 1_000  # rows of what is fitted first, so that imports and pools are there


@dataclass(frozen=True)
class Data:
    """What stands in a folder.

    Attributes
    ----------
    write : callable
        Writes so many rows into a folder.
    rows, small : int
        How many there are, and how many of what is fitted before anything is counted.
    """

    write: Callable[[Path, int], None]
    rows: int
    small: int = SMALL


@dataclass(frozen=True)
class Case:
    """A fit under a limit.

    Attributes
    ----------
    data : str
        The name of what stands in the folder.
    fit : callable
        Of the folder: what has `params`, `bse` and a `model` with `passes`.
    limit : int
        MiB.
    kernels : str
        What multiplies.
    """

    data: str
    fit: Callable[[Path], Any]
    limit: int = 64
    kernels: str = "numpy"


def table(rows: int, columns: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    names = ["y", *(f"x{j}" for j in range(1, columns))]
    return pa.table({name: rng.standard_normal(rows) for name in names})


def formula(columns: int, response: str = "y") -> str:
    return f"{response} ~ " + " + ".join(f"x{j}" for j in range(1, columns))


def plain(path: Path, made: pa.Table, **told: Any) -> None:
    told = {"use_dictionary": False, "compression": "none"} | told
    pq.write_table(made, path, row_group_size=2**26, **told)


BINOMIAL = sm.families.Binomial()


def logistic(columns: int, data: Any, **told: Any) -> Any:
    return smof.glm(formula(columns, "I(1.0 * (y > 0))"), data, family=BINOMIAL).fit(**told)


# --- sources ------------------------------------------------------------------------------


def row_group(columns: int, **told: Any) -> Callable[[Path, int], None]:
    return lambda folder, rows: plain(folder / "t.parquet", table(rows, columns), **told)


def long_texts(length: int, distinct: int | None = None) -> Callable[[Path, int], None]:
    def write(folder: Path, rows: int) -> None:
        number = np.arange(rows)
        if distinct is not None:
            number = number % distinct
        texts = [f"{i % 997:04d}" + "ab" * (length // 2) for i in range(number.max() + 1)]
        text = pa.array(texts).take(pa.array(number)) if distinct else pa.array(texts)
        made = table(rows, 1).append_column("s", text)
        plain(folder / "t.parquet", made, use_dictionary=["s"] if distinct else False)

    return write


def csv(columns: int, beside: int = 0) -> Callable[[Path, int], None]:
    def write(folder: Path, rows: int) -> None:
        made = table(rows, columns)
        for j in range(beside):
            made = made.append_column(f"s{j}", pa.array(["abcdefgh" * 16] * rows))
        pacsv.write_csv(made, folder / "t.csv")

    return write


def gigantic_line(folder: Path, rows: int) -> None:
    made = table(rows, 2).to_pandas().round(5).assign(s="short")
    made.loc[rows // 2, "s"] = "x" * (2**27 if rows > SMALL else 10)
    made.to_csv(folder / "t.csv", index=False)


def hdf5(columns: int, chunk: int) -> Callable[[Path, int], None]:
    def write(folder: Path, rows: int) -> None:
        rng = np.random.default_rng(0)
        with h5py.File(folder / "t.h5", "w") as file:
            for j in range(columns):
                name = f"x{j}" if j else "y"
                values = rng.standard_normal(rows)
                file.create_dataset(
                    name, data=values, chunks=(min(chunk, rows),), compression="lzf"
                )

    return write


def pandas_hdf5(folder: Path, rows: int) -> None:
    frame = table(rows, 8).to_pandas()
    frame.to_hdf(folder / "t.h5", key="t", format="table")


def arrow(columns: int, batch: int) -> Callable[[Path, int], None]:
    def write(folder: Path, rows: int) -> None:
        pa.feather.write_feather(
            table(rows, columns), folder / "t.arrow", compression="uncompressed", chunksize=batch
        )

    return write


def store(columns: int) -> Callable[[Path, int], None]:
    def write(folder: Path, rows: int) -> None:
        plain(folder / "t.parquet", table(rows, columns))
        smo.design_store(folder / "t.store", formula(columns), str(folder / "t.parquet"))

    return write


def nothing(folder: Path, rows: int) -> None:
    (folder / "rows").write_text(str(rows))


def large_frames(columns: int, rows: int) -> Iterator[pd.DataFrame]:
    left, at = rows, 0
    while left > 0:
        values = np.random.default_rng(at).standard_normal((min(left, 250_000), columns))
        yield pd.DataFrame(values, columns=["y", *(f"x{j}" for j in range(1, columns))], copy=False)
        del values
        left -= 250_000
        at += 1


def rows_of(folder: Path) -> int:
    return int((folder / "rows").read_text())


def factors(folder: Path, rows: int, levels: int = 700) -> None:
    rng = np.random.default_rng(0)
    made = table(rows, 4)
    used = levels if rows > SMALL else 20
    words = pa.array([f"word number {i}" for i in range(used)])
    made = made.append_column("g", words.take(pa.array(rng.integers(0, used, rows))))
    plain(folder / "t.parquet", made, use_dictionary=["g"])


def groups(folder: Path, rows: int) -> None:
    made = table(rows, 5).append_column("g", pa.array(np.arange(rows) * 7919 % rows))
    plain(folder / "t.parquet", made)


def identifiers(folder: Path, rows: int) -> None:
    each = [f"id{i if rows > SMALL else i % 9:09d}" for i in range(rows)]
    made = table(rows, 2).append_column("g", pa.array(each))
    plain(folder / "t.parquet", made)


# --- what is asked ------------------------------------------------------------------------


def ols(columns: int, name: str = "t.parquet", **opened: Any) -> Callable[[Path], Any]:
    def fit(folder: Path) -> Any:
        return smof.ols(formula(columns), smo.as_source(str(folder / name), **opened)).fit()

    return fit


def glm(columns: int, name: str = "t.parquet", **opened: Any) -> Callable[[Path], Any]:
    return lambda folder: logistic(columns, smo.as_source(str(folder / name), **opened))


@dataclass(frozen=True)
class Numbers:
    """Numbers that are compared, of a model."""

    params: Any
    bse: Any
    model: Any


def selected(folder: Path) -> Any:
    found = smo.IBOSS(k=20_000).select(formula(10), str(folder / "t.parquet"))
    res = found.fit()
    return Numbers(res.params, res.bse, found)


def by_text(folder: Path) -> Any:
    return smof.ols("y ~ I(s.str[:4].astype(int))", str(folder / "t.parquet")).fit()


def clustered(folder: Path) -> Any:
    res = smof.ols(formula(5), str(folder / "t.parquet")).fit()
    return res.get_robustcov_results("cluster", groups="g")


def answered(folder: Path) -> Any:
    res = smof.ols(formula(10), str(folder / "t.parquet")).fit()
    with smo.options.set(array_limit=2**10):
        mean = float(res.fittedvalues.mean().compute())
    return Numbers([*res.params, mean], res.bse, res.model)


def logistic_by_factor(folder: Path) -> Any:
    formula_ = "I(1.0 * (y > 0)) ~ x1 + g"
    return smof.glm(formula_, str(folder / "t.parquet"), family=BINOMIAL).fit()


def of_iterator(folder: Path) -> Any:
    return smof.ols(formula(10), large_frames(10, rows_of(folder))).fit()


def of_store(folder: Path) -> Any:
    return smof.ols(formula(10), smo.open_store(folder / "t.store")).fit()


COMPRESSED = {"compression": "zstd", "use_dictionary": True}
DATA = {
    "row group": Data(row_group(10), 1_500_000),
    "compressed": Data(row_group(10, **COMPRESSED), 1_500_000),
    "500 columns": Data(row_group(500), 40_000),
    "1,200 columns": Data(row_group(1_200), 3_000, small=1_300),
    "factor": Data(factors, 400_000),
    "long texts": Data(long_texts(5_000), 40_000),
    "words": Data(long_texts(5_000, 2_000), 100_000, small=5_000),
    "csv": Data(csv(6), 800_000),
    "long lines": Data(csv(6, 40), 25_000),
    "gigantic line": Data(gigantic_line, 20_000),
    "hdf5": Data(hdf5(8, 1_000_000), 2_000_000),
    "pandas hdf5": Data(pandas_hdf5, 1_500_000),
    "arrow": Data(arrow(8, 2_000_000), 4_000_000),
    "frames": Data(nothing, 2_000_000),
    "store": Data(store(10), 1_500_000),
    "groups": Data(groups, 1_000_000),
    "identifiers": Data(identifiers, 1_000_000),
}
CASES = {
    "row group, OLS": Case("row group", ols(10)),
    "row group, compiled GLM": Case("row group", glm(10), kernels="numba"),
    "answers for every row": Case("row group", answered),
    "IBOSS": Case("row group", selected, limit=128),
    "compressed row group": Case("compressed", ols(10)),
    "500 columns": Case("500 columns", ols(500), limit=128),
    "1,200 columns": Case("1,200 columns", ols(1_200)),
    "wide factor, GLM": Case("factor", logistic_by_factor, limit=160),
    "long texts": Case("long texts", by_text),
    "words": Case("words", by_text),
    "csv": Case("csv", ols(6, "t.csv")),
    "csv, large blocks": Case("csv", ols(6, "t.csv", block_size="96 MiB")),
    "csv, long lines": Case("long lines", ols(6, "t.csv")),
    "csv, gigantic line": Case("gigantic line", ols(2, "t.csv")),
    "hdf5": Case("hdf5", ols(8, "t.h5")),
    "hdf5 of pandas": Case("pandas hdf5", ols(8, "t.h5")),
    "arrow": Case("arrow", ols(8, "t.arrow")),
    "iterator": Case("frames", of_iterator, limit=80),
    "design store": Case("store", of_store),
    "clusters": Case("groups", clustered),
    "identifiers": Case(
        "identifiers", lambda folder: smof.ols("y ~ x1 + g", str(folder / "t.parquet")).fit()
    ),
}
