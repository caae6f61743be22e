"""CSV: text that is damaged, ragged, in another encoding, or changed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
from faults.case import SAME, THIRTY, Act, Same, Scene, case, raises
from faults.files import csv, replaced

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    DesignError,
    EmptyDataError,
    MissingDataError,
    ParseError,
    SchemaError,
    SourceChangedError,
)

AS_PANDAS = Same("the numbers of the rows that are there, as pandas reads them")
BLOCK = 2_000  # bytes, so that a file has several


def text(scene: Scene) -> str:
    return scene.rows.to_csv(index=False)


def written(scene: Scene, content: str | bytes) -> os.PathLike[str]:
    path = scene.folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def lines(scene: Scene) -> list[str]:
    return text(scene).splitlines()


@case("CSV", "cut off behind a whole row, at thirty places", AS_PANDAS, THIRTY)
def cut_behind_a_row(scene: Scene) -> Iterator[Act]:
    whole = lines(scene)
    kept = whole[: 20 + scene.place(len(whole) - 20)]
    path = written(scene, "\n".join(kept) + "\n")
    scene.rows = scene.rows[: len(kept) - 1]
    yield lambda: scene.fit(smo.read_csv(path, block_size=BLOCK))


@case(
    "CSV",
    "cut off in the middle of a row, at thirty places",
    raises(ParseError, r"t\.csv, line \d+"),
    THIRTY,
)
def cut_in_a_row(scene: Scene) -> Iterator[Act]:
    content = text(scene)
    at = content.index("\n", 30 + scene.at * len(content) // 31) + 3
    path = written(scene, content[:at])
    yield lambda: scene.fit(smo.read_csv(path, block_size=BLOCK))


@case("CSV", "an empty file", raises(ParseError, r"t\.csv"))
def empty(scene: Scene) -> Iterator[Act]:
    path = written(scene, "")
    yield lambda: scene.fit(path)


@case("CSV", "a header and no rows", raises(EmptyDataError, "no row"))
def header_alone(scene: Scene) -> Iterator[Act]:
    path = written(scene, "x,g,y,n\n")
    yield lambda: scene.fit(path)


@case("CSV", "no header", raises(ColumnNotFoundError, "'y'"))
def no_header(scene: Scene) -> Iterator[Act]:
    path = csv(scene.folder, scene.rows, header=False)
    yield lambda: scene.fit(path)


@case("CSV", "two columns of one name", raises(SchemaError, "'x'"))
def double_header(scene: Scene) -> Iterator[Act]:
    path = written(scene, text(scene).replace("x,g,y,n", "x,g,y,x", 1))
    yield lambda: scene.fit(path)


@case("CSV", "another separator than the suffix says", raises(ColumnNotFoundError, "'y'.*"))
def separator(scene: Scene) -> Iterator[Act]:
    path = csv(scene.folder, scene.rows, sep=";")
    yield lambda: scene.fit(path)


@case("CSV", "a row with a value more", raises(ParseError, r"t\.csv, line 151"))
def long_row(scene: Scene) -> Iterator[Act]:
    whole = lines(scene)
    whole[150] += ",1"
    path = written(scene, "\n".join(whole))
    yield lambda: scene.fit(smo.read_csv(path, block_size=BLOCK))


@case("CSV", "a row with a value less", raises(ParseError, r"t\.csv, line 151"))
def short_row(scene: Scene) -> Iterator[Act]:
    whole = lines(scene)
    whole[150] = whole[150].rpartition(",")[0]
    path = written(scene, "\n".join(whole))
    yield lambda: scene.fit(smo.read_csv(path, block_size=BLOCK))


@case("CSV", "a comment at the end", raises(ParseError, r"t\.csv, line 242"))
def comment(scene: Scene) -> Iterator[Act]:
    path = written(scene, text(scene) + "# 240 rows\n")
    yield lambda: scene.fit(path)


@case("CSV", "empty lines among the rows", SAME)
def empty_lines(scene: Scene) -> Iterator[Act]:
    whole = lines(scene)
    path = written(scene, "\n".join([*whole[:100], "", "", *whole[100:], "", ""]))
    yield lambda: scene.fit(smo.read_csv(path, block_size=BLOCK))


@case("CSV", "line ends of other systems", SAME, ("\r\n", "\r"))
def line_ends(scene: Scene) -> Iterator[Act]:
    path = written(scene, text(scene).replace("\n", scene.at))
    yield lambda: scene.fit(smo.read_csv(path, block_size=BLOCK))


def with_line_ends(scene: Scene) -> os.PathLike[str]:
    scene.rows["g"] = scene.rows["g"].replace({"ccc": 'c\nc, "c"\n' + "\n" * 40})
    return csv(scene.folder, scene.rows)


@case("CSV", "line ends inside quotes, across blocks, with newlines_in_values=True", SAME)
def quoted_lines(scene: Scene) -> Iterator[Act]:
    path = with_line_ends(scene)
    yield lambda: scene.fit(smo.read_csv(path, block_size=500, newlines_in_values=True))


@case(
    "CSV",
    "line ends inside quotes, of which nobody told",
    raises(ParseError, r"t\.csv, line \d+[\s\S]*newlines_in_values=True"),
)
def quoted_lines_unsaid(scene: Scene) -> Iterator[Act]:
    path = with_line_ends(scene)
    yield lambda: scene.fit(smo.read_csv(path, block_size=500))


@case("CSV", "a quote that is never closed", raises(ParseError, r"t\.csv.*quote"))
def open_quote(scene: Scene) -> Iterator[Act]:
    whole = lines(scene)
    whole[150] = whole[150].replace(",", ',"', 1)
    path = written(scene, "\n".join(whole))
    yield lambda: scene.fit(path)


@case("CSV", "UTF-16 that nobody told of", raises(ParseError, r"t\.csv[\s\S]*utf-16"))
def utf16(scene: Scene) -> Iterator[Act]:
    path = written(scene, text(scene).encode("utf-16"))
    yield lambda: scene.fit(path)


@case("CSV", "Latin-1 that nobody told of", raises(ParseError, r"t\.csv[\s\S]*encoding"))
def latin1(scene: Scene) -> Iterator[Act]:
    scene.rows["g"] = scene.rows["g"].replace({"ccc": "é"})
    path = written(scene, text(scene).encode("latin-1"))
    yield lambda: scene.fit(path)


@case("CSV", "a mark of UTF-8 before the header", SAME)
def byte_order_mark(scene: Scene) -> Iterator[Act]:
    path = csv(scene.folder, scene.rows, encoding="utf-8-sig")
    yield lambda: scene.fit(path)


@case("CSV", "NUL characters, as after a crash while it was written", raises(ParseError, r"t\.csv"))
def nul_characters(scene: Scene) -> Iterator[Act]:
    path = written(scene, text(scene).encode() + bytes(512))
    yield lambda: scene.fit(path)


@case(
    "CSV",
    "text among the numbers, behind what samples see",
    raises(ParseError, r"t\.csv, line 101.*'x'[\s\S]*many"),
)
def late_text(scene: Scene) -> Iterator[Act]:
    whole = lines(scene)
    whole[100] = "many" + whole[100][whole[100].index(",") :]
    path = written(scene, "\n".join(whole))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("statsmodels_ooc.sources.csv_schema._HEAD", 1_000)
        patch.setattr("statsmodels_ooc.sources.csv_schema._LATER", 400)
        yield lambda: scene.fit(smo.read_csv(path, block_size=BLOCK))


@case(
    "CSV",
    "numbers with separators of thousands",
    raises(DesignError, r"240 columns|'x' has 240 levels[\s\S]*thousands="),
)
def thousands(scene: Scene) -> Iterator[Act]:
    table = scene.rows.assign(x=[f"{number:,}" for number in range(5_000, 5_240)])
    path = csv(scene.folder, table)
    yield lambda: scene.fit(path)


@case("CSV", "whole numbers of more than 64 bits", SAME)
def huge_numbers(scene: Scene) -> Iterator[Act]:
    scene.rows["x"] = [float(10**25 + number * 10**23) for number in range(240)]
    table = scene.rows.assign(x=[str(10**25 + number * 10**23) for number in range(240)])
    path = csv(scene.folder, table)
    scene.formula = "y ~ I(x / 1e25) + g"
    yield lambda: scene.fit(path)


@case("CSV", "missing values, as empty text, NA and nan", SAME)
def missing_values(scene: Scene) -> Iterator[Act]:
    whole = lines(scene)
    for at, mark in ((10, ""), (100, "NA"), (200, "nan")):
        whole[at] = mark + whole[at][whole[at].index(",") :]
        scene.rows.loc[at - 1, "x"] = np.nan
    path = written(scene, "\n".join(whole))
    yield lambda: scene.fit(smo.read_csv(path, block_size=BLOCK))


@case("CSV", "an infinite value", raises(MissingDataError, "'x'.*inf|inf.*'x'"))
def infinite(scene: Scene) -> Iterator[Act]:
    path = csv(
        scene.folder, scene.rows.assign(x=scene.rows["x"].where(scene.rows["n"] != 77, np.inf))
    )
    yield lambda: scene.fit(path)


@case("CSV", "the second file has no header", raises(SchemaError, r"1\.csv"))
def second_header(scene: Scene) -> Iterator[Act]:
    csv(scene.folder, scene.rows, "0.csv")
    csv(scene.folder, scene.rows, "1.csv", header=False)
    yield lambda: scene.fit(str(scene.folder / "*.csv"))


@case("CSV", "replaced between passes: later ones read the copy of the first", SAME)
def replaced_file(scene: Scene) -> Iterator[Act]:
    path = csv(scene.folder, scene.rows)
    res = scene.fit(path)
    csv(scene.folder, scene.rows[:100])
    yield lambda: len(res.HC0_se) == 4 and res


@case(
    "CSV", "replaced between passes, without a copy", raises(SourceChangedError, r"t\.csv changed")
)
def replaced_without_copy(scene: Scene) -> Iterator[Act]:
    path = csv(scene.folder, scene.rows)
    with smo.options.set(cache=False):
        res = scene.fit(path)
        csv(scene.folder, scene.rows[:100])
        yield lambda: res.HC0_se


@case(
    "CSV",
    "two digits changed between passes, size and time as before, without a copy",
    raises(SourceChangedError, r"changed .*t\.csv"),
)
def digits(scene: Scene) -> Iterator[Act]:
    path = csv(scene.folder, scene.rows)
    content = path.read_bytes()
    at = content.index(b"\n", 3_000)
    digit = next(i for i in range(at + 3, at + 30) if content[i : i + 1] in b"12345")
    with smo.options.set(cache=False):
        res = scene.fit(path)
        replaced(path, content[:digit] + b"7" + content[digit + 1 :])
        yield lambda: res.HC0_se


@case(
    "CSV",
    "rows are appended between passes, without a copy",
    raises(SourceChangedError, r"t\.csv changed"),
)
def appended(scene: Scene) -> Iterator[Act]:
    path = csv(scene.folder, scene.rows)
    with smo.options.set(cache=False):
        res = scene.fit(path)
        with path.open("a") as file:
            file.write("1.0,a,2.0,3\n")
        yield lambda: res.HC0_se
