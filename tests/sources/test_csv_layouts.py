"""Lines that are no data, runs of blanks, thousands and containers, as pandas reads them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf
from tolerances import SOLVED

import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import OptionError, ParseError
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.csv import read_csv


def rows(count=40):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"y": rng.normal(size=count), "x": rng.normal(size=count)}).round(3)
    table["z"] = rng.integers(-5_000_000, 5_000_000, count) // 10 ** rng.integers(0, 7, count)
    table["s"] = rng.choice(["a b", "c", "#d", "1,5"], count)
    return table


TABLE = rows()
PLAIN = TABLE.to_csv(index=False)


def every(line, text=PLAIN, step=7):
    """The text with a line after each seven of its own."""
    lines = text.splitlines(keepends=True)
    return "".join(a + (line if i % step == 0 else "") for i, a in enumerate(lines))


def blanks():
    lines = [
        "  y    x \t z    s",
        *(f'{a:9.3f} {b:8.3f}\t{c:9d}  "{d}"  ' for a, b, c, d in TABLE.itertuples(index=False)),
    ]
    return "\n".join(lines) + "\n"


def thousands(mark, point, delimiter):
    quote = '"' if mark == delimiter else ""
    lines = [delimiter.join(["y", "z", "s"])]
    for y, z, s in TABLE[["y", "z", "s"]].itertuples(index=False):
        number = quote + f"{z:,}".replace(",", mark) + quote
        size = str(round(1000 * y, 1)).replace(".", point)
        lines.append(delimiter.join([size, number, f'"{s}"']))
    return "\n".join(lines) + "\n"


LAYOUTS = {
    "comment lines": ("# station 7\n# mm\n" + every('# a "quote\n'), {"comment": "#"}),
    "comments after data": (every("", PLAIN.replace("\n", " # note\n")), {"comment": "#"}),
    "preface": ('"Source","Updated"\n"A","2024"\n\n' + PLAIN, {"skiprows": 3}),
    "preface and comment": ("title\n" + every("#\n"), {"skiprows": 1, "comment": "#"}),
    "runs of blanks": (blanks(), {"sep": r"\s+"}),
    "runs of blanks and comments": (every("# no\n", blanks()), {"sep": r"\s+", "comment": "#"}),
    "thousands": (thousands(",", ".", ","), {"thousands": ","}),
    "German": (thousands(".", ",", ";"), {"thousands": ".", "decimal": ",", "sep": ";"}),
    "question marks": (every("?,1,?,?\n"), {"na_values": "?"}),
    "several marks": (every("-9,1,?,x\n"), {"na_values": ["?", -9]}),
    "names": (PLAIN.partition("\n")[2], {"names": ["a", "b", "c", "d"]}),
    "names after a preface": (PLAIN, {"names": ["a", "b", "c", "d"], "skiprows": 1}),
    "other quotes": (PLAIN.replace('"', "'"), {"quotechar": "'"}),
}


def whole(source):
    """All rows; whole numbers with missing ones as the doubles that pandas makes of them."""
    found = pd.concat(list(source.frames(max_rows=11)), ignore_index=True)
    masked = [name for name in found if found[name].dtype == pd.Int64Dtype()]
    return found.astype(dict.fromkeys(masked, "float64"))


@pytest.mark.parametrize("block_size", [1, 100, "16 MiB"])
@pytest.mark.parametrize(("text", "options"), LAYOUTS.values(), ids=LAYOUTS)
def test_every_cut_gives_what_pandas_gives(text, options, block_size, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text)
    wanted = pd.read_csv(path, **options)
    found = whole(read_csv(path, block_size=block_size, **options))
    assert len(found) >= len(TABLE)
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)


@pytest.mark.parametrize(("text", "options"), LAYOUTS.values(), ids=LAYOUTS)
def test_so_do_streams(text, options, tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    found = whole(read_csv(path, **options))
    pd.testing.assert_frame_equal(found, pd.read_csv(path, **options), check_exact=True)


COMMENTED = {
    "a quote in a field": 'y,s\n1,5" pipe # inner 3"\n2,b\n',
    "an even number of them": 'y,s\n1,5" # "7"\n2,a"b"#\n',
    "a mark in quotes": 'y,s\n1,"# a" # b "c"\n2,"#"\n',
    "double quotes": 'y,s\n1,"a"" # "" b" # "c"\n2,""\n3,"""#"""\n',
    "after the closing quote": 'y,s\n1,"a"b # "c\n2,"a"b" # c"\n',
    "a blank before the quote": 'y,s\n1, "a # b"\n2,c\n',
    "the first field": 's,y\n"#",1\na"b",2 #\n"a,#""b",3 # "\n',
    "a quote in a comment": 'y,s\n1,a # "\n2,b # it"s\n3,"#"\n',
    "a line end in quotes": 'y,s\n1,"a\n# b"\n2,"c"\n',
    "an escaped mark": 'y,s\n1,a \\# b # c\n2,"\\"#" # "\n3,\\"# "\n4,\\,"#"\n',
}
SEPARATED = {
    "a quote in a field": 'y s\n1 5"\n2 6\n3 7"\n',
    "an even number of them": 'y s\n1 a"b"\n 2 "a" \n',
    "blanks in quotes": 'y s\n 1   "a  b" \n2 "\t"\n',
    "double quotes": 'y s\n1 "a ""  b"\n2 """  """\n3 "" \n',
    "after the closing quote": 'y s\n1 "a  b"c\n2 "a"b"\n',
    "the first field": 's y\n"a  b" 1\n  "c  d"   2\n5" 3\n',
    "a line end in quotes": 'y s\n1 "a\t\n\t b"\t\n\t2 "c"\n',
    "comments": 'y s\n1 5" # "c  d"\n2 "5 # c" # d "\n# "\n3 "a  #"\n',
}
QUOTES = [
    *[(text, {"comment": "#"}) for text in COMMENTED.values()],
    *[(text, {"comment": "#", "sep": r"\s+"}) for text in SEPARATED.values()],
]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize(("text", "options"), QUOTES)
def test_quotes_open_a_field_at_its_start_only(text, options, name, end, tmp_path):
    options = options | ({"escapechar": "\\"} if "\\" in text else {})
    raw = text.replace("\n", end).encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    wanted = pd.read_csv(tmp_path / name, **options)
    found = read_csv(tmp_path / name, **options)
    pd.testing.assert_frame_equal(whole(found), wanted, check_exact=True)
    if "\n" not in "".join(wanted["s"].dropna()):
        cut = read_csv(tmp_path / name, block_size=3, **options)
        pd.testing.assert_frame_equal(whole(cut), wanted, check_exact=True)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_quoted_field_that_is_cut_where_lines_are_cleaned_is_named(name, tmp_path, monkeypatch):
    monkeypatch.setattr("statsmodels_ooc.sources.csv_text._PIECE", 8)
    raw = b'y,s\n1,"a\n# bbbbbbbbbb"\n2,"c"\n'
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    with pytest.raises(ParseError, match=r"t\.csv.*a quoted field is still open"):
        whole(read_csv(tmp_path / name, comment="#", block_size=3))


def packed(path, text):
    data = text.encode()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("__MACOSX/._t.csv", b"\0")
            file.writestr("data/t.csv", data)
    else:
        pack = {".xz": lzma.compress, ".gz": gzip.compress, ".bz2": bz2.compress}[path.suffix]
        path.write_bytes(pack(data))


@pytest.mark.parametrize("suffix", [".zip", ".xz"])
def test_containers_are_read_by_name_and_in_folders(suffix, tmp_path):
    for name in ("a.csv", "b.csv"):
        packed(tmp_path / (name + suffix), PLAIN)
    pd.testing.assert_frame_equal(whole(as_source(tmp_path / f"a.csv{suffix}")), TABLE)
    assert len(whole(as_source(tmp_path))) == 2 * len(TABLE)


@pytest.mark.parametrize("suffix", [".zip", ".xz", ".gz", ".bz2"])
def test_a_damaged_container_is_named(suffix, tmp_path):
    path = tmp_path / f"t.csv{suffix}"
    packed(path, PLAIN)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ParseError, match=r"t\.csv\.[\s\S]*truncated"):
        whole(read_csv(path))


def test_a_zip_of_several_files_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as file:
        file.writestr("a.csv", PLAIN)
        file.writestr("b.csv", PLAIN)
    with pytest.raises(ParseError, match=r"holds 2 files: a\.csv, b\.csv[\s\S]*unpack"):
        read_csv(tmp_path / "t.csv.zip")


def test_a_fit_over_thousands_is_that_of_the_numbers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(thousands(",", ".", ","))
    expected = smf.ols("y ~ z", pd.read_csv(path, thousands=",")).fit()
    found = smof.ols("y ~ z", read_csv(path, thousands=",")).fit()
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)


@pytest.mark.parametrize("block_size", [1, 20, "16 MiB"])
def test_thousands_may_be_missing_for_whole_blocks(block_size, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('y,z\n1,"1,234"\n' + "2,\n" * 20 + '3,"-5,000"\n')
    found = whole(read_csv(path, thousands=",", block_size=block_size))
    pd.testing.assert_frame_equal(found, pd.read_csv(path, thousands=","), check_exact=True)


def test_decimals_may_have_thousands(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('y,z\n1,"1,234,567,890,123,456.75"\n2,\n3,-0.5\n')
    source = read_csv(path, thousands=",", dtype={"z": pa.decimal128(20, 2)})
    expected = [Decimal("1234567890123456.75"), None, Decimal("-0.50")]
    assert pa.array(source.head()["z"]).to_pylist() == expected


@pytest.mark.parametrize("bad", ["1,23", "12,34", "n.n.", "1,234,5"])
def test_what_is_no_number_with_thousands_is_named(bad, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f'y,z\n1,"1,234"\n2,"{bad}"\n')
    with pytest.raises(ParseError, match=rf"column 'z': cannot be read as int64: {bad}"):
        whole(read_csv(path, thousands=",", dtype={"z": "int64"}))


def test_text_with_such_a_mark_stays_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('y,s\n1,"1,5"\n2,"1,234"\n')
    assert whole(read_csv(path, thousands=","))["s"].tolist() == ["1,5", "1,234"]


SAME = {"sep": "delimiter", "dtype": "dtypes", "na_values": "null_values", "names": "column_names"}


@pytest.mark.parametrize(
    ("name", "hint"),
    {
        "separator": "sep=",
        "nul_values": "null_values=",
        "usecols": "only the columns of the formula",
        "chunksize": "block_size=",
        "header": "column_names=",
        "delim_whitespace": r"delimiter=r'\\s\+'",
        "compression": r"\.xz, \.zip",
        "qqq": "its options are delimiter, dtypes",
    }.items(),
)
def test_an_unknown_option_points_to_the_right_one(name, hint, tmp_path):
    (tmp_path / "t.csv").write_text(PLAIN)
    with pytest.raises(OptionError, match=rf"(no option '{name}'|header=)[\s\S]*{hint}"):
        read_csv(tmp_path / "t.csv", **{name: 1})
    with pytest.raises(OptionError, match=rf"(no option '{name}'|header=)[\s\S]*{hint}"):
        as_source(tmp_path / "t.csv", **{name: 1})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sep": ";", "delimiter": ","}, "sep= and delimiter= are the same"),
        ({"na_values": {"x": ["?"]}}, "same for all columns"),
        ({"dtype": float}, "not a mapping"),
        ({"sep": ", "}, r"one character or r'\\s\+'"),
        ({"comment": "//"}, "comment='//' must be one character"),
        ({"thousands": "."}, "both the decimal mark and"),
        ({"skiprows": [0, 2]}, "number of lines"),
        ({"skiprows": -1}, "number of lines"),
        ({"comment": "#", "newlines_in_values": True}, "line by line"),
    ],
)
def test_values_that_cannot_be(options, words, tmp_path):
    (tmp_path / "t.csv").write_text(PLAIN)
    with pytest.raises(OptionError, match=words):
        read_csv(tmp_path / "t.csv", **options)


def test_lines_before_the_header_are_hinted_at(tmp_path):
    (tmp_path / "t.csv").write_text("# station 7\n# mm\n" + PLAIN)
    with pytest.raises(ParseError, match=r"line 3[\s\S]*skiprows= or comment="):
        whole(read_csv(tmp_path / "t.csv"))


def test_an_indented_comment_is_no_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y,x\n  # of nothing\n1,2\n\t# mm\n3,4\n")
    assert whole(read_csv(path, comment="#")).to_dict("list") == {"y": [1, 3], "x": [2, 4]}
