"""Delta and Iceberg: tables whose files are gone or damaged, or whose log is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pyarrow as pa
from faults.case import SAME, Act, Scene, case, raises
from lake_tables import iceberg_catalog

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import (
    ParseError,
    SourceChangedError,
    SourceNotFoundError,
    TableFormatError,
)


def delta(scene: Scene) -> Path:
    import deltalake

    for part in (scene.rows[:100], scene.rows[100:]):
        table = pa.Table.from_pandas(part, preserve_index=False)
        deltalake.write_deltalake(scene.folder / "t", table, mode="append")
    return scene.folder / "t"


def iceberg(scene: Scene) -> Any:
    catalog = iceberg_catalog(scene.folder / "lake")
    rows = pa.Table.from_pandas(scene.rows, preserve_index=False)
    table = catalog.create_table("shop.t", rows.schema)
    table.append(rows)
    catalog.engine.dispose()
    return table


def local(url: str) -> Path:
    return Path(urlparse(url).path)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)


@case(
    "Delta",
    "a data file is gone",
    raises(SourceChangedError, r"\.parquet is not there; it belongs to version 1"),
    needs="deltalake",
)
def vacuumed(scene: Scene) -> Iterator[Act]:
    path = delta(scene)
    files(path)[0].unlink()
    yield lambda: scene.fit(smo.read_delta(path))


@case(
    "Delta",
    "a data file is gone between passes",
    raises(SourceChangedError, r"\.parquet was removed.*version 1"),
    needs="deltalake",
)
def vacuumed_later(scene: Scene) -> Iterator[Act]:
    path = delta(scene)
    res = scene.fit(smo.read_delta(path))
    files(path)[0].unlink()
    yield lambda: res.HC0_se


@case("Delta", "rows are added between passes", SAME, needs="deltalake")
def added(scene: Scene) -> Iterator[Act]:
    import deltalake

    path = delta(scene)
    res = scene.fit(smo.read_delta(path))
    table = pa.Table.from_pandas(scene.rows, preserve_index=False)
    deltalake.write_deltalake(path, table, mode="append")
    yield lambda: len(res.HC0_se) == 4 and res


@case(
    "Delta",
    "a data file is cut off",
    raises(SourceChangedError, r"\.parquet has .* bytes, the table's log says"),
    needs="deltalake",
)
def cut(scene: Scene) -> Iterator[Act]:
    path = delta(scene)
    file = files(path)[1]
    file.write_bytes(file.read_bytes()[:-100])
    yield lambda: scene.fit(smo.read_delta(path))


@case(
    "Delta",
    "an entry of the log is no JSON",
    raises(ParseError, r"/t cannot be read as a Delta.*JSON|Json"),
    needs="deltalake",
)
def log(scene: Scene) -> Iterator[Act]:
    path = delta(scene)
    (entry,) = (path / "_delta_log").glob("*1.json")
    entry.write_text(entry.read_text()[:100])
    yield lambda: scene.fit(smo.read_delta(path))


@case("Delta", "the first entry of the log is gone", raises(ParseError, r"/t"), needs="deltalake")
def log_begins_late(scene: Scene) -> Iterator[Act]:
    path = delta(scene)
    (entry,) = (path / "_delta_log").glob("*0.json")
    entry.unlink()
    yield lambda: scene.fit(smo.read_delta(path))


@case(
    "Delta",
    "no such version",
    raises(SourceNotFoundError, r"/t has no version 7"),
    needs="deltalake",
)
def version(scene: Scene) -> Iterator[Act]:
    path = delta(scene)
    yield lambda: scene.fit(smo.read_delta(path, version=7))


@case(
    "Delta",
    "the folder of the table is read as Parquet files",
    raises(TableFormatError, r"(?s)/t.*read_delta"),
    needs="deltalake",
)
def as_files(scene: Scene) -> Iterator[Act]:
    path = delta(scene)
    yield lambda: scene.fit(smo.read_parquet(path))


@case(
    "Iceberg",
    "a data file is gone",
    raises(SourceChangedError, r"\.parquet was removed after"),
    needs="pyiceberg",
)
def expired(scene: Scene) -> Iterator[Act]:
    table = iceberg(scene)
    source = smo.read_iceberg(table)
    next((scene.folder / "lake").rglob("data/*.parquet")).unlink()
    yield lambda: scene.fit(source)


@case("Iceberg", "a manifest is gone", raises(SourceNotFoundError, r"\.avro"), needs="pyiceberg")
def manifest(scene: Scene) -> Iterator[Act]:
    table = iceberg(scene)
    next((scene.folder / "lake").rglob("*-m0.avro")).unlink()
    yield lambda: scene.fit(smo.read_iceberg(table))


@case("Iceberg", "a manifest is cut off", raises(ParseError, r"shop\.t|\.avro"), needs="pyiceberg")
def manifest_cut(scene: Scene) -> Iterator[Act]:
    table = iceberg(scene)
    path = next((scene.folder / "lake").rglob("*-m0.avro"))
    path.write_bytes(path.read_bytes()[:-200])
    yield lambda: scene.fit(smo.read_iceberg(table))


@case(
    "Iceberg",
    "the metadata are no JSON",
    raises(ParseError, r"\.metadata\.json"),
    needs="pyiceberg",
)
def metadata(scene: Scene) -> Iterator[Act]:
    path = local(iceberg(scene).metadata_location)
    path.write_text(path.read_text()[:300])
    yield lambda: scene.fit(smo.read_iceberg(str(path)))


@case(
    "Iceberg",
    "the metadata lack what they must have",
    raises(ParseError, r"\.metadata\.json"),
    needs="pyiceberg",
)
def metadata_field(scene: Scene) -> Iterator[Act]:
    path = local(iceberg(scene).metadata_location)
    told = json.loads(path.read_text())
    del told["schemas"]
    path.write_text(json.dumps(told))
    yield lambda: scene.fit(smo.read_iceberg(str(path)))
