"""Columns of every type, and the roads on which a frame of them comes to a model."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import statsmodels_ooc.api as smo

ROWS, CHUNK = 60, 20
RNG = np.random.default_rng(7)
X = RNG.normal(size=ROWS)
CODES = RNG.integers(0, 3, ROWS)  # of a category
NUMBERS = RNG.integers(1, 9, ROWS)  # of a number: a weight, an offset
Y = 1 + X + (CODES == 1) + NUMBERS / 4 + RNG.normal(size=ROWS)

MISSING: Mapping[str, np.ndarray] = {
    "complete": np.zeros(ROWS, bool),
    "some": RNG.random(ROWS) < 0.2,
    "first chunk": np.arange(ROWS) < CHUNK,
    "last chunk": np.arange(ROWS) >= ROWS - CHUNK,
    "all": np.ones(ROWS, bool),
}


@dataclass(frozen=True)
class Kind:
    """A type of column.

    Attributes
    ----------
    make : callable
        From a mask of missing rows to a column as its users have it.
    clean : ndarray, (n,)
        The values: numbers, or labels that sort as the levels do.
    is_number : bool
        Whether it is a number, not a category.
    missing : tuple of str
        The patterns of missing rows that it can have.
    exact : bool
        Whether it is there for its levels: as numbers they are one.
    """

    make: Callable[[np.ndarray], pd.Series]
    clean: np.ndarray
    is_number: bool = True
    missing: tuple[str, ...] = ("complete",)
    exact: bool = False

    @property
    def holds_objects(self) -> bool:
        """Whether it is of Python objects that dask makes text of."""
        return self.make(MISSING["complete"]).dtype == object


def _plain(values: Any, dtype: Any) -> Callable[[np.ndarray], pd.Series]:
    """Missing as pandas has it in this dtype."""
    return lambda gone: pd.Series(values).astype(dtype).mask(gone)


def _objects(values: Any, nothing: Any = None) -> Callable[[np.ndarray], pd.Series]:
    def make(gone: np.ndarray) -> pd.Series:
        kept = [nothing if g else value for value, g in zip(values, gone, strict=True)]
        return pd.Series(kept, dtype=object)

    return make


def _arrow(values: Any, kind: pa.DataType) -> Callable[[np.ndarray], pd.Series]:
    dtype = pd.ArrowDtype(kind)
    return lambda gone: pd.Series(pa.array(values, kind, mask=gone), dtype=dtype)


WORDS = np.array(["a", "b", "c"])[CODES]
FLAGS = CODES > 0
DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(int(code)) for code in CODES]
STAMPS = pd.to_datetime(DAYS)
IDS = 2**60 + CODES  # one double
TIMES = [datetime.time(int(code) + 1) for code in CODES]
EVERY = tuple(MISSING)
SOME = ("complete", "some", "first chunk", "last chunk")

KINDS: dict[str, Kind] = {
    **{
        f"{sign}int{bits}": Kind(_plain(NUMBERS * 10, f"{sign}int{bits}"), NUMBERS * 10)
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
    **{f"float{bits}": Kind(_plain(NUMBERS, f"float{bits}"), NUMBERS) for bits in (16, 32)},
    "float64": Kind(_plain(NUMBERS, "float64"), NUMBERS, missing=EVERY),
    "Int8": Kind(_plain(NUMBERS, "Int8"), NUMBERS, missing=SOME),
    "Int64": Kind(_plain(NUMBERS, "Int64"), NUMBERS, missing=EVERY),
    "Float64": Kind(_plain(NUMBERS, "Float64"), NUMBERS, missing=SOME),
    "integers as objects": Kind(_objects(NUMBERS.tolist()), NUMBERS, missing=SOME),
    "int64[pyarrow]": Kind(_arrow(NUMBERS, pa.int64()), NUMBERS, missing=SOME),
    "decimals": Kind(_objects([Decimal(int(v)) / 4 for v in NUMBERS]), NUMBERS / 4, missing=SOME),
    "decimal128[pyarrow]": Kind(
        _arrow([Decimal(int(v)) / 4 for v in NUMBERS], pa.decimal128(10, 2)),
        NUMBERS / 4,
        missing=SOME,
    ),
    "decimal128(30, 2)": Kind(
        _arrow([Decimal(int(v)) / 4 for v in NUMBERS], pa.decimal128(30, 2)), NUMBERS / 4
    ),
    "large int64": Kind(_plain(IDS, "int64"), CODES, exact=True),
    "large Int64": Kind(_plain(IDS, "Int64"), CODES, missing=SOME, exact=True),
    "large uint64": Kind(_plain(IDS.astype("uint64") + 2**63, "uint64"), CODES, exact=True),
    "128 bits": Kind(_objects([2**80 + int(code) for code in CODES]), CODES, exact=True),
    "decimal(20, 0)": Kind(
        _arrow([Decimal(int(v)) for v in IDS], pa.decimal128(20, 0)),
        CODES,
        missing=("complete", "some"),
        exact=True,
    ),
    "bool": Kind(_plain(FLAGS, "bool"), FLAGS.astype(str), is_number=False),
    "boolean": Kind(_plain(FLAGS, "boolean"), FLAGS.astype(str), is_number=False, missing=EVERY),
    "bool as objects": Kind(
        _objects(FLAGS.tolist()), FLAGS.astype(str), is_number=False, missing=SOME
    ),
    "text": Kind(_plain(WORDS, "str"), WORDS, is_number=False, missing=EVERY),
    "text as objects": Kind(_objects(WORDS.tolist()), WORDS, is_number=False, missing=SOME),
    "string[pyarrow]": Kind(_plain(WORDS, "string[pyarrow]"), WORDS, False, SOME),
    "category": Kind(
        lambda gone: pd.Series(pd.Categorical(np.where(gone, None, WORDS), list("abc"))),
        WORDS,
        is_number=False,
        missing=SOME,
    ),
    "dictionary": Kind(
        _arrow(WORDS, pa.dictionary(pa.int8(), pa.string())), WORDS, is_number=False, missing=SOME
    ),
    "dates": Kind(_objects(DAYS), np.array(DAYS).astype(str), is_number=False, missing=SOME),
    "date32[pyarrow]": Kind(_arrow(DAYS, pa.date32()), np.array(DAYS).astype(str), False, SOME),
    "datetime64": Kind(_plain(STAMPS, "datetime64[ns]"), np.array(DAYS).astype(str), False, SOME),
    "timezone": Kind(
        _plain(STAMPS.tz_localize("Europe/Rome"), "datetime64[ns, Europe/Rome]"),
        np.array(DAYS).astype(str),
        is_number=False,
        missing=("complete", "some"),
    ),
    "times": Kind(_objects(TIMES), np.array(TIMES).astype(str), is_number=False),
    "period": Kind(
        lambda gone: pd.Series(STAMPS.to_period("D")).mask(gone),
        np.array(DAYS).astype(str),
        is_number=False,
        missing=("complete", "some"),
    ),
    "interval": Kind(
        lambda gone: pd.Series(pd.IntervalIndex.from_breaks([0.0, 1.0, 2.0, 3.0])[CODES]).mask(
            gone
        ),
        CODES.astype(str),
        is_number=False,
        missing=("complete", "some"),
    ),
    "duration": Kind(
        _plain(pd.to_timedelta(NUMBERS, unit="h"), "timedelta64[ns]"),
        NUMBERS.astype(str),
        is_number=False,
    ),
}


def frame(kind: str, missing: str) -> pd.DataFrame:
    """y, x and the column v."""
    return pd.DataFrame({"y": Y, "x": X, "v": KINDS[kind].make(MISSING[missing])})


def clean(kind: str, missing: str) -> pd.DataFrame:
    """What is to be fitted: y, x and v without the rows in which it is missing."""
    kept = ~MISSING[missing]
    return pd.DataFrame({"y": Y, "x": X, "v": KINDS[kind].clean})[kept].reset_index(drop=True)


def _chunks(data: pd.DataFrame) -> list[pd.DataFrame]:
    return [data.iloc[at : at + CHUNK].reset_index(drop=True) for at in range(0, ROWS, CHUNK)]


def _parquet(data: pd.DataFrame, folder: Path) -> Any:
    data.to_parquet(folder / "t.parquet", row_group_size=CHUNK)
    return str(folder / "t.parquet")


def _csv(data: pd.DataFrame, folder: Path) -> Any:
    data.to_csv(folder / "t.csv", index=False)
    return str(folder / "t.csv")


def _feather(data: pd.DataFrame, folder: Path) -> Any:
    data.to_feather(folder / "t.feather", chunksize=CHUNK)
    return str(folder / "t.feather")


def _polars(data: pd.DataFrame, folder: Path) -> Any:
    v = data["v"]
    if v.dtype == object and any(isinstance(value, int) and value > 2**64 for value in v):
        rest = pl.from_pandas(data[["y", "x"]])
        return rest.with_columns(pl.Series("v", v.tolist(), dtype=pl.Int128))
    return pl.from_pandas(data)


def _dask(data: pd.DataFrame, folder: Path) -> Any:
    return dd.from_pandas(data, npartitions=3)


def _dask_parquet(data: pd.DataFrame, folder: Path) -> Any:
    for number, piece in enumerate(_chunks(data)):
        piece.to_parquet(folder / f"{number}.parquet")
    return dd.read_parquet(str(folder / "*.parquet"))


ROADS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "frame": lambda data, folder: smo.as_source(data, chunk_rows=CHUNK),
    "parquet": _parquet,
    "csv": _csv,
    "feather": _feather,
    "polars": _polars,
    "dask": _dask,
    "dask of parquet": _dask_parquet,
    "function": lambda data, folder: lambda: iter(_chunks(data)),
    "list": lambda data, folder: _chunks(data),
    "iterator": lambda data, folder: iter(_chunks(data)),
}


SLOW = ("dask", "dask of parquet")
