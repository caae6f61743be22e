"""Files that are not UTF-8, or no text at all."""

from __future__ import annotations

import bz2
import gzip
import lzma

import pandas as pd
import pytest

from statsmodels_ooc.errors import ParseError
from statsmodels_ooc.sources.csv import read_csv

TABLE = pd.DataFrame({"höhe": [1.5, 2.5], "art": ["ä", "b"]})
BODY = TABLE.rename(columns={"höhe": "h"})
HEADER = TABLE.replace("ä", "a")


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize(
    ("table", "encoding", "words"),
    [
        (HEADER, "latin-1", r"header of .*t\.csv.* is not UTF-8 text: h\\xf6he[\s\S]*encoding="),
        (BODY, "latin-1", r"column 'art' of .*t\.csv.* is not UTF-8 text[\s\S]*encoding="),
        (TABLE, "utf-16", r"not UTF-8 text: it begins as UTF-16[\s\S]*encoding='utf-16'"),
    ],
)
def test_another_encoding_is_named_and_works(table, encoding, words, name, tmp_path):
    table.to_csv(tmp_path / name, index=False, encoding=encoding)
    with pytest.raises(ParseError, match=words):
        _ = read_csv(tmp_path / name).dtypes["art"]
    found = read_csv(tmp_path / name, encoding=encoding).head()
    pd.testing.assert_frame_equal(found, table)


def test_a_byte_that_no_sample_saw_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("statsmodels_ooc.sources.csv_schema._HEAD", 100)
    monkeypatch.setattr("statsmodels_ooc.sources.csv_schema._LATER", 10)
    lines = ["s,y"] + ["abc,1"] * 400
    lines[70] = "ab\xe4,1"
    (tmp_path / "t.csv").write_bytes("\n".join(lines).encode("latin-1"))
    source = read_csv(tmp_path / "t.csv")
    with pytest.raises(ParseError, match=r"t\.csv.*column 's': is not UTF-8 text[\s\S]*encoding="):
        list(source.frames())


@pytest.mark.parametrize("options", [{"encoding": "latin-1"}, {"comment": "#"}])
def test_no_sample_ends_inside_a_number(options, tmp_path, monkeypatch):
    monkeypatch.setattr("statsmodels_ooc.sources.csv_schema._HEAD", 400)
    monkeypatch.setattr("statsmodels_ooc.sources.csv_text._PIECE", 100)
    for pad in range(8):
        (tmp_path / "t.csv").write_text("y" * pad + "y,x\n" + "1,-2.5\n" * 200)
        dtypes = read_csv(tmp_path / "t.csv", **options).dtypes
        assert dtypes["x"] == "float64"


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda p: p.write_bytes(gzip.compress(b"y,x\n1,2\n")), r"those of gzip[\s\S]*\.gz"),
        (lambda p: p.write_bytes(bz2.compress(b"y,x\n1,2\n")), r"those of bzip2[\s\S]*\.bz2"),
        (lambda p: p.write_bytes(lzma.compress(b"y,x\n1,2\n")), r"those of xz[\s\S]*\.xz"),
        (lambda p: BODY.to_parquet(p), r"those of Parquet[\s\S]*read_parquet"),
        (lambda p: BODY.to_feather(p), r"those of Arrow[\s\S]*read_ipc"),
    ],
)
def test_what_is_no_text_is_named(write, words, tmp_path):
    write(tmp_path / "t.csv")
    with pytest.raises(ParseError, match=words):
        read_csv(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["PAR1", "PAR1\t", "BZhang", "BZh9", "ARROW1", "PK"])
def test_text_may_begin_as_other_files_do(name, tmp_path):
    (tmp_path / "t.csv").write_text(f"{name},y\n1,2\n")
    found = read_csv(tmp_path / "t.csv").head()
    pd.testing.assert_frame_equal(found, pd.read_csv(tmp_path / "t.csv"))
