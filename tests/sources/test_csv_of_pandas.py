"""Options by the names that pandas has for them do what they do there, or say what does."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pandas as pd
import pytest

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import OptionError, ParseError

SAME = {
    "whole number of NumPy": ("junk\ny,x\n1,2\n", {"skiprows": np.int64(1)}),
    "comments": ("# c\ny,x # head\n1,2#z\n#only\n\n3,4\n", {"comment": "#"}),
    "comment in quotes": ('# c\ny,s\n1,"a#b"\n2,c#d\n', {"comment": "#"}),
    "decimal comma": ("y;x\n1,5;-2,25\n3;4e2\n", {"sep": ";", "decimal": ","}),
    "thousands": ('y,x\n"-1,234",1\n"12,345.5",2\n', {"thousands": ","}),
    "points between": (
        'y;x\n1.234,5;-2.000,25\n"3.000";4\n',
        {"sep": ";", "decimal": ",", "thousands": "."},
    ),
    "blanks": ("  y   x  \n 1    2\n\t3 4\n\n", {"sep": r"\s+"}),
    "dates are text": ("y,d\n1,2024-01-01\n2,2024-01-02\n", {}),
    "dates that are parsed": ("y,d\n1,2024-01-01\n2,2024-01-02\n", {"parse_dates": ["d"]}),
    "times": ("y,d\n1,2024-01-01 10:00:00\n2,2024-01-02 11:30:00\n", {"parse_dates": ["d"]}),
    "a date is missing": ("y,d\n1,2024-01-01\n2,\n", {"parse_dates": ["d"]}),
    "no header": ("1,2\n3,4\n", {"header": None, "names": ["a", "b"]}),
    "the first line": ("y,x\n1,2\n", {"header": 0}),
    "a parser": ("y,x\n1,2\n", {"engine": "c", "low_memory": False}),
}


@pytest.mark.parametrize(("text", "options"), SAME.values(), ids=SAME)
def test_what_pandas_reads(tmp_path, text, options):
    path = tmp_path / "t.csv"
    path.write_text(text)
    pd.testing.assert_frame_equal(
        smo.read_csv(path, **options).head(), pd.read_csv(path, **options)
    )


REFUSED = {
    "lines": ({"skiprows": [1]}, "number of lines[\\s\\S]*comment="),
    "a function": ({"skiprows": lambda line: False}, "number of lines"),
    "several characters": ({"sep": "||"}, "one character[\\s\\S]*engine='python'"),
    "a pattern": ({"sep": "[;,]"}, "one character"),
    "no names": ({"header": None}, r"column_names=\["),
    "a later line": ({"header": 2}, "skiprows=2"),
    "a replaced header": ({"header": 0, "names": ["a"]}, "skiprows=1"),
    "dates of an index": ({"parse_dates": True}, r"parse_dates=\['day'\]"),
    "a type and a date": ({"parse_dates": ["y"], "dtype": {"y": str}}, "both say"),
    "columns": ({"usecols": ["y"]}, "only the columns of the formula"),
    "an index": ({"index_col": 0}, "a column like others"),
    "rows": ({"nrows": 3}, "subset="),
    "a footer": ({"skipfooter": 1}, "cut the last lines off"),
    "truth": ({"true_values": ["yes"]}, "answer == 'yes'"),
    "blanks behind": ({"skipinitialspace": True}, "remove blanks"),
}


@pytest.mark.parametrize(("options", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_said_instead(tmp_path, options, words):
    path = tmp_path / "t.csv"
    path.write_text("y,x\n1,2\n")
    with pytest.raises(OptionError, match=words):
        smo.read_csv(path, **options)


def test_a_date_that_is_none_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("y,d\n1,2024-01-01\n2,01/02/2024\n")
    source = smo.read_csv(tmp_path / "t.csv", parse_dates=["d"])
    with pytest.raises(ParseError, match=r"t\.csv, line 3, column 'd'"):
        list(source.frames())


@pytest.mark.parametrize("name", ["t.csv.tar.gz", "t.csv.gz"])
def test_an_archive_is_no_table(tmp_path, name):
    with tarfile.open(tmp_path / name, "w:gz") as archive:
        item = tarfile.TarInfo("a.csv")
        item.size = 6
        archive.addfile(item, io.BytesIO(b"y\n1\n2\n"))
    with pytest.raises(ParseError, match="is an archive of tar"):
        smo.read_csv(tmp_path / name)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_bytes_of_another_encoding_are_named_with_their_line(tmp_path, name):
    table = pd.DataFrame({"y": range(5), "s": ["a", "b", "ä", "c", "d"]})
    table.to_csv(tmp_path / name, index=False, encoding="latin-1")
    with pytest.raises(ParseError, match=rf"{name} is not UTF-8 text: line 4, byte 0xe4"):
        list(smo.read_csv(tmp_path / name).frames())


def test_bytes_of_another_encoding_behind_the_samples(tmp_path):
    lines = ["y,s", *("1,a" for _ in range(400_000)), "2,\xe4", *("1,a" for _ in range(400_000))]
    (tmp_path / "t.csv").write_bytes("\n".join(lines).encode("latin-1"))
    with pytest.raises(ParseError, match=r"t\.csv, line 400002, byte 0xe4, column 's'"):
        list(smo.read_csv(tmp_path / "t.csv", dtypes={"s": str, "y": int}).frames())


def test_a_header_of_another_encoding_is_named_with_its_line(tmp_path):
    (tmp_path / "t.csv").write_bytes("# a\nhöhe,x\n1,2\n".encode("latin-1"))
    with pytest.raises(ParseError, match=r"the header of .*t\.csv is not UTF-8 text: .*, line 2"):
        smo.read_csv(tmp_path / "t.csv", comment="#")
