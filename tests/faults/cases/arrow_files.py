"""Arrow: files and streams that are damaged or changed."""

from __future__ import annotations

from collections.abc import Iterator

from faults.case import THIRTY, Act, Scene, case, raises
from faults.files import feather, replaced, stream, turned

from statsmodels_ooc.errors import ParseError, SchemaError, SourceChangedError

NO_ARROW = raises(ParseError, r"t\.(feather|arrows).* cannot be read as (an )?Arrow")


@case("Arrow, Feather", "cut off, at thirty places", NO_ARROW, THIRTY)
def file_cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(feather(scene.folder, scene.rows))
    yield lambda: scene.fit(path)


@case("Arrow, stream", "cut off, at thirty places", NO_ARROW, THIRTY)
def stream_cut(scene: Scene) -> Iterator[Act]:
    path = scene.cut(stream(scene.folder, scene.rows))
    yield lambda: scene.fit(path)


@case("Arrow, Feather", "a byte of the footer is another", NO_ARROW)
def footer(scene: Scene) -> Iterator[Act]:
    path = turned(feather(scene.folder, scene.rows), -30, 255)
    yield lambda: scene.fit(path)


@case("Arrow, Feather", "bytes of a compressed column are zeros", NO_ARROW)
def body(scene: Scene) -> Iterator[Act]:
    path = feather(scene.folder, scene.rows.assign(x=scene.rows["n"] // 60))
    content = path.read_bytes()
    at = content.index(b"\x04\x22\x4d\x18") + 7  # behind the mark of LZ4
    path.write_bytes(content[:at] + bytes(12) + content[at + 12 :])
    yield lambda: scene.fit(path)


@case("Arrow, Feather", "an empty file", NO_ARROW)
def empty(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.feather"
    path.touch()
    yield lambda: scene.fit(path)


@case("Arrow, Feather", "Feather's first version", raises(ParseError, r"t\.feather[\s\S]*Feather"))
def first_version(scene: Scene) -> Iterator[Act]:
    path = scene.folder / "t.feather"
    path.write_bytes(b"FEA1" + bytes(200) + b"FEA1")
    yield lambda: scene.fit(path)


@case(
    "Arrow, Feather",
    "a value changed between passes, size and time as before",
    raises(SourceChangedError, r"changed .*t\.feather"),
)
def one_value(scene: Scene) -> Iterator[Act]:
    path = feather(scene.folder, scene.rows, None)
    res = scene.fit(path)
    values = scene.rows["x"].to_numpy()[60:120].tobytes()
    content = path.read_bytes()
    at = content.index(values)
    replaced(path, content[: at + 6] + bytes([content[at + 6] ^ 1]) + content[at + 7 :])
    yield lambda: res.HC0_se


@case(
    "Arrow, Feather", "cut short between passes", raises(SourceChangedError, r"t\.feather changed")
)
def cut_later(scene: Scene) -> Iterator[Act]:
    path = feather(scene.folder, scene.rows)
    res = scene.fit(path)
    with path.open("r+b") as file:
        file.truncate(2_000)
    yield lambda: res.HC0_se


@case(
    "Arrow, Feather", "the second file has another type for a column", raises(SchemaError, r"'x'")
)
def drift(scene: Scene) -> Iterator[Act]:
    feather(scene.folder, scene.rows).rename(scene.folder / "0.feather")
    feather(scene.folder, scene.rows.assign(x="1")).rename(scene.folder / "1.feather")
    yield lambda: scene.fit(str(scene.folder / "*.feather"))
