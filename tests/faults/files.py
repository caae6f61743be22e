"""The rows of a case in files of every kind, and what may happen to a file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq


def parquet(folder: Path, table: pd.DataFrame, name: str = "t.parquet", **options: Any) -> Path:
    options = {"row_group_size": 60, **options}
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), folder / name, **options)
    return folder / name


def many_parquet(folder: Path, table: pd.DataFrame, count: int = 3) -> Path:
    (folder / "many").mkdir()
    for number, piece in enumerate(np.array_split(np.arange(len(table)), count)):
        parquet(folder / "many", table.iloc[piece], f"{number}.parquet")
    return folder / "many"


def csv(folder: Path, table: pd.DataFrame, name: str = "t.csv", **options: Any) -> Path:
    table.to_csv(folder / name, index=False, **options)
    return folder / name


def feather(folder: Path, table: pd.DataFrame, codec: str | None = "lz4") -> Path:
    data = pa.Table.from_pandas(table, preserve_index=False)
    options = ipc.IpcWriteOptions(compression=codec)
    with ipc.new_file(folder / "t.feather", data.schema, options=options) as writer:
        writer.write_table(data, max_chunksize=60)
    return folder / "t.feather"


def stream(folder: Path, table: pd.DataFrame) -> Path:
    data = pa.Table.from_pandas(table, preserve_index=False)
    with ipc.new_stream(folder / "t.arrows", data.schema) as writer:
        writer.write_table(data, max_chunksize=60)
    return folder / "t.arrows"


def hdf5(folder: Path, table: pd.DataFrame, **options: Any) -> Path:
    table.to_hdf(folder / "t.h5", key="t", format="table", **options)
    return folder / "t.h5"


def pytables(folder: Path, table: pd.DataFrame, **options: Any) -> Path:
    import tables

    values = table.to_records(index=False, column_dtypes={"g": "S3"})
    with tables.open_file(folder / "t.h5", "w") as file:
        file.create_table(
            "/", "t", obj=np.asarray(values), chunkshape=(60,), filters=tables.Filters(**options)
        )
    return folder / "t.h5"


def h5py(folder: Path, table: pd.DataFrame, **options: Any) -> Path:
    import h5py

    with h5py.File(folder / "t.h5", "w") as file:
        group = file.create_group("t", track_order=True)
        for name in table.columns:
            values = table[name].to_numpy()
            values = values.astype("S3") if name == "g" else values
            group.create_dataset(name, data=values, chunks=(60,), **options)
    return folder / "t.h5"


def sqlite(folder: Path, table: pd.DataFrame) -> Path:
    with closing(sqlite3.connect(folder / "t.sqlite")) as connection:
        table.to_sql("t", connection, index=False)
    return folder / "t.sqlite"


def duckdb(folder: Path, table: pd.DataFrame) -> Path:
    import duckdb

    with duckdb.connect(folder / "t.duckdb") as connection:
        connection.register("frame", table)
        connection.execute("create table t as select * from frame")
    return folder / "t.duckdb"


def turned(path: Path, at: int, bits: int = 1) -> Path:
    """Turn bits of one byte."""
    content = bytearray(path.read_bytes())
    content[at] ^= bits
    path.write_bytes(content)
    return path


def replaced(path: Path, content: bytes) -> None:
    """Give a file other bytes, and the time of change that it had."""
    known = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
