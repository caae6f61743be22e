"""Compressed text: cut off, damaged, or compressed otherwise than the suffix says."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from faults.case import SAME, THIRTY, Act, Scene, case, raises
from faults.files import csv, turned

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import ParseError

DAMAGED = raises(ParseError, r"t\.csv\.\w+.*(is empty|cannot be read)")


@case("CSV, gzip", "cut off, at thirty places", DAMAGED, THIRTY)
def gzip_cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(csv(scene.folder, scene.rows, "t.csv.gz"))
    yield lambda: scene.fit(path)


@case("CSV, bzip2", "cut off, at thirty places", DAMAGED, THIRTY)
def bzip2_cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(csv(scene.folder, scene.rows, "t.csv.bz2"))
    yield lambda: scene.fit(path)


@case("CSV, xz", "cut off, at thirty places", DAMAGED, THIRTY)
def xz_cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(csv(scene.folder, scene.rows, "t.csv.xz"))
    yield lambda: scene.fit(path)


@case("CSV, Zstandard", "cut off, at thirty places", DAMAGED, THIRTY)
def zstd_cut(scene: Scene) -> Iterator[Act]:
    import pyarrow as pa

    path = scene.folder / "t.csv.zst"
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        file.write(scene.rows.to_csv(index=False).encode())
    scene.cut(path)
    yield lambda: scene.fit(path)


@case("CSV, zip", "cut off, at thirty places", DAMAGED, THIRTY)
def zip_cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(csv(scene.folder, scene.rows, "t.csv.zip"))
    yield lambda: scene.fit(path)


@case("CSV, gzip", "a bit in the middle is turned", DAMAGED)
def gzip_bit(scene: Scene) -> Iterator[Act]:
    path = csv(scene.folder, scene.rows, "t.csv.gz")
    turned(path, path.stat().st_size // 2)
    yield lambda: scene.fit(path)


@case("CSV, gzip", "a bit of the checksum is turned", DAMAGED)
def gzip_checksum(scene: Scene) -> Iterator[Act]:
    path = turned(csv(scene.folder, scene.rows, "t.csv.gz"), -6)
    yield lambda: scene.fit(path)


@case("CSV, zip", "a bit of the member is turned", DAMAGED)
def zip_bit(scene: Scene) -> Iterator[Act]:
    path = csv(scene.folder, scene.rows, "t.csv.zip")
    turned(path, path.stat().st_size // 2)
    yield lambda: scene.fit(path)


@case("CSV, zip", "two files in the archive", raises(ParseError, r"t\.csv\.zip holds 2 files"))
def zip_two(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a.csv", "b.csv"):
            archive.writestr(name, scene.rows.to_csv(index=False))
    yield lambda: scene.fit(path)


@case("CSV, zip", "an archive without a file", raises(ParseError, r"t\.csv\.zip cannot be read"))
def zip_none(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.csv.zip"
    zipfile.ZipFile(path, "w").close()
    yield lambda: scene.fit(path)


@case("CSV, gzip", "text that is not compressed, under the suffix .gz", DAMAGED)
def gzip_plain(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.csv.gz"
    path.write_text(scene.rows.to_csv(index=False))
    yield lambda: scene.fit(path)


@case(
    "CSV, gzip",
    "compressed text under the suffix .csv",
    raises(ParseError, r"t\.csv[\s\S]*gzip[\s\S]*\.gz"),
)
def gzip_unsaid(scene: Scene) -> Iterator[Act]:
    path = csv(scene.folder, scene.rows, "t.csv.gz").rename(scene.folder / "t.csv")
    yield lambda: scene.fit(path)


@case("CSV, gzip", "several compressed pieces one after the other", SAME)
def gzip_members(scene: Scene) -> Iterator[Act]:
    import gzip

    text = scene.rows.to_csv(index=False).encode()
    path = scene.folder / "t.csv.gz"
    path.write_bytes(gzip.compress(text[:5_000]) + gzip.compress(text[5_000:]))
    yield lambda: scene.fit(smo.read_csv(path, block_size=2_000))
