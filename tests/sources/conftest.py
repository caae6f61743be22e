"""One table, stored in every way that a source can be made of."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from lake_tables import iceberg_catalog, iceberg_with_deletes, write_mapped_delta
from sources.postgresql import URL, table_of

from statsmodels_ooc.sources.sql import read_sql


def make_table(rows: int = 53) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "y": rng.normal(size=rows),
            "i": rng.integers(0, 9, rows),
            "s": rng.choice(["a", "b,c", "d"], rows),
            "m": np.where(np.arange(rows) % 5 == 0, np.nan, rng.normal(size=rows)),
            "t": np.arange(rows) % 2 == 0,
        }
    )


@pytest.fixture
def table() -> pd.DataFrame:
    return make_table()


def parquet(table: pd.DataFrame, folder: Path) -> Any:
    table.to_parquet(folder / "t.parquet", row_group_size=10)
    return folder / "t.parquet"


def parquet_directory(table: pd.DataFrame, folder: Path) -> Any:
    (folder / "many").mkdir()
    for number, start in enumerate(range(0, len(table), 5)):
        table.iloc[start : start + 5].to_parquet(folder / "many" / f"part-{number}.parquet")
    return str(folder / "many")


def parquet_glob(table: pd.DataFrame, folder: Path) -> Any:
    parquet_directory(table, folder)
    return str(folder / "many" / "*.parquet")


def csv_file(table: pd.DataFrame, folder: Path) -> Any:
    table.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def csv_gzip(table: pd.DataFrame, folder: Path) -> Any:
    table.to_csv(folder / "t.csv.gz", index=False)
    return folder / "t.csv.gz"


def csv_bz2(table: pd.DataFrame, folder: Path) -> Any:
    table.to_csv(folder / "t.csv.bz2", index=False)
    return folder / "t.csv.bz2"


def csv_zst(table: pd.DataFrame, folder: Path) -> Any:
    with pa.CompressedOutputStream(str(folder / "t.csv.zst"), "zstd") as file:
        file.write(table.to_csv(index=False).encode())
    return folder / "t.csv.zst"


def tsv(table: pd.DataFrame, folder: Path) -> Any:
    table.to_csv(folder / "t.tsv", index=False, sep="\t")
    return folder / "t.tsv"


def feather(table: pd.DataFrame, folder: Path) -> Any:
    table.to_feather(folder / "t.feather", chunksize=10)
    return folder / "t.feather"


def arrow_stream(table: pd.DataFrame, folder: Path) -> Any:
    data = pa.Table.from_pandas(table)
    fields = [field.with_nullable(field.name == "m") for field in data.schema]
    data = data.cast(pa.schema(fields))
    with pa.ipc.new_stream(str(folder / "t.arrows"), data.schema) as writer:
        writer.write_table(data, max_chunksize=10)
    return folder / "t.arrows"


def frame(table: pd.DataFrame, folder: Path) -> Any:
    return table


def frames(table: pd.DataFrame, folder: Path) -> Any:
    return [table.iloc[:0], table.iloc[:20], table.iloc[20:20], table.iloc[20:]]


def arrow_table(table: pd.DataFrame, folder: Path) -> Any:
    return pa.Table.from_pandas(table)


def record_batch_reader(table: pd.DataFrame, folder: Path) -> Any:
    return pa.Table.from_pandas(table).to_reader(max_chunksize=10)


def arrow_dataset(table: pd.DataFrame, folder: Path) -> Any:
    pq.write_table(pa.Table.from_pandas(table), folder / "d.parquet", row_group_size=10)
    return pads.dataset(folder / "d.parquet")


def arrow_dataset_in_memory(table: pd.DataFrame, folder: Path) -> Any:
    return pads.dataset(pa.Table.from_pandas(table))


def polars_frame(table: pd.DataFrame, folder: Path) -> Any:
    return pytest.importorskip("polars").from_pandas(table)


def polars_lazy(table: pd.DataFrame, folder: Path) -> Any:
    return pytest.importorskip("polars").from_pandas(table).lazy()


def dask_frame(table: pd.DataFrame, folder: Path) -> Any:
    return pytest.importorskip("dask.dataframe").from_pandas(table, npartitions=4)


def function(table: pd.DataFrame, folder: Path) -> Any:
    return lambda: (table.iloc[at : at + 10] for at in range(0, len(table), 10))


def iterator(table: pd.DataFrame, folder: Path) -> Any:
    return (table.iloc[at : at + 10] for at in range(0, len(table), 10))


def file_url(table: pd.DataFrame, folder: Path) -> Any:
    return f"file://{parquet(table, folder)}"


def memory_url(table: pd.DataFrame, folder: Path) -> Any:
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://bucket/t.parquet", "wb") as file:
        file.write(parquet(table, folder).read_bytes())
    return "memory://bucket/*.parquet"


def delta(table: pd.DataFrame, folder: Path) -> Any:
    deltalake = pytest.importorskip("deltalake")
    for piece in (table[:20], table[20:]):
        rows = pa.Table.from_pandas(piece, preserve_index=False)
        deltalake.write_deltalake(folder / "delta", rows, mode="append")
    return folder / "delta"


def delta_with_vectors(table: pd.DataFrame, folder: Path) -> Any:
    pytest.importorskip("deltalake")
    pieces = [pd.concat([table[:3], table[:20]]), pd.concat([table[20:], table[:1]])]
    tables = [pa.Table.from_pandas(piece, preserve_index=False) for piece in pieces]
    write_mapped_delta(folder / "delta", tables, {0: [0, 1, 2], 1: [33]}, {"y": "col-1"})
    return folder / "delta"


def iceberg(table: pd.DataFrame, folder: Path) -> Any:
    rows = pa.Table.from_pandas(table, preserve_index=False)
    return _iceberg(folder, "halves", [rows[20:], rows[:20]])  # the newest files come first


def iceberg_with_marks(table: pd.DataFrame, folder: Path) -> Any:
    rows = pa.Table.from_pandas(pd.concat([table[:2], table]), preserve_index=False)
    found = _iceberg(folder, "marked", [rows])
    return iceberg_with_deletes(found, folder, [0, 1], "positions")


def _iceberg(folder: Path, name: str, pieces: list[pa.Table]) -> Any:
    """A table that is written once for all tests of a run: catalogs are slow."""
    pytest.importorskip("pyiceberg")
    catalog = iceberg_catalog(folder.parent / "iceberg-lake")
    if catalog.table_exists(f"shop.{name}"):
        return catalog.load_table(f"shop.{name}")
    found = catalog.create_table(f"shop.{name}", pieces[0].schema)
    for piece in pieces:
        found.append(piece)
    return found


def hdf5_pandas(table: pd.DataFrame, folder: Path) -> Any:
    pytest.importorskip("tables")
    table.to_hdf(folder / "t.h5", key="t", format="table", data_columns=["s"])
    return folder / "t.h5"


def hdf5_table(table: pd.DataFrame, folder: Path) -> Any:
    tables = pytest.importorskip("tables")
    rows = table.astype({"s": "S3"}).to_records(index=False, column_dtypes={"s": "S3"})
    with tables.open_file(folder / "t.h5", "w") as file:
        file.create_table("/", "t", obj=np.asarray(rows), chunkshape=(8,))
    return str(folder / "t.h5")


def hdf5_structured(table: pd.DataFrame, folder: Path) -> Any:
    h5py = pytest.importorskip("h5py")
    rows = table.to_records(index=False, column_dtypes={"s": h5py.string_dtype()})
    with h5py.File(folder / "t.hdf5", "w") as file:
        file.create_dataset("t", data=rows, chunks=(8,))
    return folder / "t.hdf5"


def hdf5_group(table: pd.DataFrame, folder: Path) -> Any:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "t.hdf", "w") as file:
        group = file.create_group("t", track_order=True)
        for name in table.columns:
            group.create_dataset(name, data=table[name].to_numpy(), chunks=(8,))
    return folder / "t.hdf"


SQLITE = "create table t (y real, i integer, s text, m real, t boolean)"


def fill_sqlite(connection: sqlite3.Connection, table: pd.DataFrame) -> None:
    rows = [
        tuple(None if value != value else value for value in row)
        for row in zip(*(table[name].tolist() for name in table.columns), strict=True)
    ]
    connection.execute(SQLITE)
    connection.executemany("insert into t values (?, ?, ?, ?, ?)", rows)
    connection.commit()


def sqlite(table: pd.DataFrame, folder: Path) -> Any:
    with closing(sqlite3.connect(folder / "t.sqlite")) as connection:
        fill_sqlite(connection, table)
    return read_sql("t", folder / "t.sqlite")


def sqlite_in_memory(table: pd.DataFrame, folder: Path) -> Any:
    with closing(sqlite3.connect(":memory:")) as connection:
        fill_sqlite(connection, table)
        return read_sql("t", connection)


def duckdb(table: pd.DataFrame, folder: Path) -> Any:
    connection = pytest.importorskip("duckdb").connect()
    connection.register("frame", table)
    connection.execute("create table t as select * from frame")
    return read_sql("select * from t", connection)


def postgresql(table: pd.DataFrame, folder: Path) -> Any:
    return read_sql(table_of(table), URL)


def postgresql_psycopg(table: pd.DataFrame, folder: Path) -> Any:
    name = table_of(table)
    return read_sql(f"select * from {name}", lambda: pytest.importorskip("psycopg").connect(URL))


KINDS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    make.__name__: make
    for make in (
        parquet,
        parquet_directory,
        parquet_glob,
        csv_file,
        csv_gzip,
        csv_bz2,
        csv_zst,
        tsv,
        feather,
        arrow_stream,
        frame,
        frames,
        arrow_table,
        record_batch_reader,
        arrow_dataset,
        arrow_dataset_in_memory,
        polars_frame,
        polars_lazy,
        dask_frame,
        function,
        iterator,
        file_url,
        memory_url,
        delta,
        delta_with_vectors,
        iceberg,
        iceberg_with_marks,
        hdf5_pandas,
        hdf5_table,
        hdf5_structured,
        hdf5_group,
        sqlite,
        sqlite_in_memory,
        duckdb,
        postgresql,
        postgresql_psycopg,
    )
}


@pytest.fixture(params=list(KINDS))
def anything(request: pytest.FixtureRequest, table: pd.DataFrame, tmp_path: Path) -> Any:
    """The same table, as each thing that `as_source` accepts."""
    return KINDS[request.param](table, tmp_path)
