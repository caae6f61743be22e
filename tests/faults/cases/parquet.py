"""Parquet: files that are damaged, missing, changed, or at odds with one another."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from faults.case import SAME, THIRTY, Act, Scene, case, raises
from faults.files import feather, many_parquet, parquet, replaced, turned

from statsmodels_ooc.errors import (
    DesignError,
    EmptyDataError,
    ParseError,
    SchemaError,
    SourceAccessError,
    SourceChangedError,
    SourceError,
    SourceNotFoundError,
)

NO_PARQUET = raises(ParseError, r"t\.parquet.* cannot be read as Parquet")


@case("Parquet", "cut off, at thirty places", NO_PARQUET, THIRTY)
def cut_off(scene: Scene) -> Iterator[Act]:
    path = scene.cut(parquet(scene.folder, scene.rows))
    yield lambda: scene.fit(path)


@case("Parquet", "the length of the footer has a turned bit", NO_PARQUET)
def length_of_footer(scene: Scene) -> Iterator[Act]:
    path = turned(parquet(scene.folder, scene.rows), -6, bits=128)
    yield lambda: scene.fit(path)


@case(
    "Parquet",
    "a byte of the footer is another, near its start and its end",
    NO_PARQUET,
    ("start", "end"),
)
def footer(scene: Scene) -> Iterator[Act]:
    path = parquet(scene.folder, scene.rows)
    size = path.stat().st_size
    length = int.from_bytes(path.read_bytes()[-8:-4], "little")
    at = {"start": size - 8 - length, "end": size - 20}
    turned(path, at[scene.at], 255)
    yield lambda: scene.fit(path)


@case("Parquet", "a bit of a page with a checksum is turned", NO_PARQUET)
def page(scene: Scene) -> Iterator[Act]:
    path = parquet(
        scene.folder, scene.rows, write_page_checksum=True, use_dictionary=False, compression="none"
    )
    turned(path, pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset + 100)
    yield lambda: scene.fit(path)


@case("Parquet", "a compressed page is overwritten with zeros", NO_PARQUET)
def zeros(scene: Scene) -> Iterator[Act]:
    path = parquet(scene.folder, scene.rows)
    content = bytearray(path.read_bytes())
    at = pq.ParquetFile(path).metadata.row_group(2).column(0).data_page_offset
    content[at : at + 64] = bytes(64)
    path.write_bytes(content)
    yield lambda: scene.fit(path)


@case("Parquet", "an empty file", NO_PARQUET)
def empty(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.parquet"
    path.touch()
    yield lambda: scene.fit(path)


@case("Parquet", "a text file with the suffix of Parquet", NO_PARQUET)
def text(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.parquet"
    scene.rows.to_csv(path, index=False)
    yield lambda: scene.fit(path)


@case("Parquet", "an encrypted file", raises(ParseError, r"t\.parquet.*encrypt"))
def encrypted(scene: Scene) -> Iterator[Act]:
    path = parquet(scene.folder, scene.rows)
    path.write_bytes(b"PARE" + path.read_bytes()[4:-4] + b"PARE")
    yield lambda: scene.fit(path)


@case(
    "Parquet",
    "an empty folder in place of the file",
    raises(SourceNotFoundError, r"no data file in directory .*t\.parquet"),
)
def folder(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.parquet"
    path.mkdir()
    yield lambda: scene.fit(path)


@case("Parquet", "no such file", raises(SourceNotFoundError, r"there is no file .*t\.parquet"))
def missing(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(scene.folder / "t.parquet")


@case(
    "Parquet",
    "a pattern that matches nothing",
    raises(SourceNotFoundError, r"no file matches the pattern .*\*\.parquet"),
)
def pattern(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(str(scene.folder / "*.parquet"))


@case(
    "Parquet",
    "a link that leads nowhere",
    raises(SourceNotFoundError, r"t\.parquet is a link to .*gone.*\n.*mend the link"),
)
def link(scene: Scene) -> Iterator[Act]:
    (scene.folder / "t.parquet").symlink_to("gone")
    yield lambda: scene.fit(scene.folder / "t.parquet")


@case("Parquet", "a pipe in place of the file", raises(SourceError, r"t\.parquet is a pipe"))
def pipe(scene: Scene) -> Iterator[Act]:
    os.mkfifo(scene.folder / "t.parquet")
    yield lambda: scene.fit(scene.folder / "t.parquet")


@case("Parquet", "a path with a NUL character", raises(SourceNotFoundError, r"NUL character"))
def nul_in_path(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(str(scene.folder / "t\0.parquet"))


@case(
    "Parquet",
    "a name longer than file systems have",
    raises(SourceAccessError, "(?i)name too long"),
)
def long_name(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(str(scene.folder / ("t" * 300 + ".parquet")))


# --- between passes ---


@case("Parquet", "removed between passes", raises(SourceChangedError, r"t\.parquet was removed"))
def removed(scene: Scene) -> Iterator[Act]:
    path = parquet(scene.folder, scene.rows)
    res = scene.fit(path)
    path.unlink()
    yield lambda: res.HC0_se


@case(
    "Parquet",
    "written again with other values and another size between passes",
    raises(SourceChangedError, r"t\.parquet changed after"),
)
def rewritten(scene: Scene) -> Iterator[Act]:
    res = scene.fit(parquet(scene.folder, scene.rows))
    parquet(scene.folder, scene.rows[:200])
    yield lambda: res.HC0_se


@case(
    "Parquet",
    "a value changed between passes, size and time as before",
    raises(SourceChangedError, r"changed .*t\.parquet"),
)
def one_value(scene: Scene) -> Iterator[Act]:
    told = {"use_dictionary": False, "compression": "none", "write_statistics": False}
    path = parquet(scene.folder, scene.rows, **told)
    res = scene.fit(path)
    other = scene.rows.assign(x=scene.rows["x"].where(scene.rows["n"] != 77, 0.5))
    size, content = path.stat().st_size, path.read_bytes()
    new = parquet(scene.folder, other, "other.parquet", **told).read_bytes()
    assert len(new) == size
    assert new != content
    replaced(path, new)
    yield lambda: res.HC0_se


@case("Parquet", "only the time of change is another between passes", SAME)
def touched(scene: Scene) -> Iterator[Act]:
    path = parquet(scene.folder, scene.rows)
    res = scene.fit(path)
    os.utime(path)
    yield lambda: len(res.HC0_se) == 4 and res


@case("Parquet", "a file is added to the folder between passes", SAME)
def added(scene: Scene) -> Iterator[Act]:
    path = many_parquet(scene.folder, scene.rows)
    res = scene.fit(path)
    parquet(path, scene.rows, "4.parquet")
    yield lambda: len(res.HC0_se) == 4 and res


# --- several files ---


@case(
    "Parquet",
    "the second file lacks a column of the formula",
    raises(SchemaError, r"1\.parquet.*'x'"),
)
def lacks(scene: Scene) -> Iterator[Act]:
    path = many_parquet(scene.folder, scene.rows)
    parquet(path, scene.rows.drop(columns="x"), "1.parquet")
    yield lambda: scene.fit(path)


@case(
    "Parquet",
    "the second file has a column under another name",
    raises(SchemaError, r"1\.parquet.*'x'"),
)
def renamed(scene: Scene) -> Iterator[Act]:
    path = many_parquet(scene.folder, scene.rows)
    parquet(path, scene.rows.rename(columns={"x": "X"}), "1.parquet")
    yield lambda: scene.fit(path)


@case(
    "Parquet",
    "the second file has text where the first has numbers",
    raises(SchemaError, r"'x'.*0\.parquet.*1\.parquet|0\.parquet.*'x'.*1\.parquet"),
)
def text_for_numbers(scene: Scene) -> Iterator[Act]:
    path = many_parquet(scene.folder, scene.rows)
    parquet(path, scene.rows.astype({"x": str}), "1.parquet")
    yield lambda: scene.fit(path)


@case("Parquet", "the second file has another column, in another order", SAME)
def reordered(scene: Scene) -> Iterator[Act]:
    path = many_parquet(scene.folder, scene.rows)
    parquet(path, scene.rows[80:160].assign(more=1.0)[["more", "y", "g", "n", "x"]], "1.parquet")
    yield lambda: scene.fit(path)


@case("Parquet", "whole numbers in one file, doubles in another", SAME)
def mixed_numbers(scene: Scene) -> Iterator[Act]:
    scene.rows["x"] = scene.rows["x"].round(2).where(scene.rows["n"] >= 80, scene.rows["n"])
    path = many_parquet(scene.folder, scene.rows)
    parquet(path, scene.rows[:80].astype({"x": "int64"}), "0.parquet")
    yield lambda: scene.fit(path)


@case("Parquet", "one of the files has no row", SAME)
def no_row(scene: Scene) -> Iterator[Act]:
    path = many_parquet(scene.folder, scene.rows)
    parquet(path, scene.rows[:0], "00.parquet")
    yield lambda: scene.fit(path)


@case("Parquet", "no file has a row", raises(EmptyDataError, "no row"))
def no_row_at_all(scene: Scene) -> Iterator[Act]:
    path = parquet(scene.folder, scene.rows[:0])
    yield lambda: scene.fit(path)


@case(
    "Parquet",
    "a column of the formula holds lists",
    raises(DesignError, "levels of 'x' must be hashable"),
)
def lists(scene: Scene) -> Iterator[Act]:
    table = pa.Table.from_pandas(scene.rows.assign(x=[[1.0]] * len(scene.rows)))
    pq.write_table(table, scene.folder / "t.parquet")
    yield lambda: scene.fit(scene.folder / "t.parquet")


@case("Parquet", "a level that only the last row group has", SAME)
def late_level(scene: Scene) -> Iterator[Act]:
    scene.rows.loc[239, "g"] = "zz"
    path = parquet(scene.folder, scene.rows)
    yield lambda: scene.fit(path)


@case(
    "Parquet",
    "the folder holds a file of another format",
    raises(SourceError, r"Parquet .*0\.parquet.*Arrow .*t\.feather"),
)
def other_format(scene: Scene) -> Iterator[Act]:
    path = many_parquet(scene.folder, scene.rows)
    feather(path, pd.DataFrame({"other": [1.0]}))
    yield lambda: scene.fit(path)
