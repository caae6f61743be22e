"""Quoted fields with line ends in them: no cut of a file gives other rows than pandas reads."""

from __future__ import annotations

import gzip
import random

import pandas as pd
import pytest

from statsmodels_ooc.errors import ParseError
from statsmodels_ooc.sources.csv import read_csv
from statsmodels_ooc.sources.csv_format import CsvFormat
from statsmodels_ooc.sources.csv_quotes import ends_open, last_record_end

STRAY = 'y,s\n1,5" pipe\n2,"abc\n7,def"\n3,z\n'
ESCAPED = 'y,s\n1,"a\\"b"\n2,"abc\n7,def"\n3,z\n'
ESCAPED_LINE_END = "s\na\\\nb\nc\n"
TEXTS = {
    "a quote in a field": (STRAY, {}),
    "an escaped quote": (ESCAPED, {"escapechar": "\\"}),
    "an escaped line end": (ESCAPED_LINE_END, {"escapechar": "\\"}),
    "a separator before the closing quote": ('y,s\n1,"a,"\n2,"b\n7,"\n3,"""\n"\n', {}),
    "a comment": ('y,s\n1,5" # 7\n2,"a\n# b"\n3,"c\n4,d"\n', {"comment": "#"}),
}


def rows(path, **options):
    texts = dict.fromkeys(read_csv(path).columns, str)
    source = read_csv(path, dtype=texts, null_values=[], **options)
    return pd.concat(list(source.frames()), ignore_index=True)


@pytest.mark.parametrize(("text", "options"), TEXTS.values(), ids=TEXTS)
def test_a_cut_in_quotes_is_refused_and_every_other_reads_as_pandas(text, options, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text)
    wanted = pd.read_csv(path, dtype=str, keep_default_na=False, **options)
    refused = 0
    for block_size in range(1, len(text) + 1):
        try:
            found = rows(path, block_size=block_size, **options)
        except ParseError:
            refused += 1
        else:
            pd.testing.assert_frame_equal(found, wanted)
    assert 0 < refused < len(text) - 5


@pytest.mark.parametrize(("text", "options"), TEXTS.values(), ids=TEXTS)
def test_streams_are_cut_between_records(text, options, tmp_path, monkeypatch):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    wanted = pd.read_csv(path, dtype=str, keep_default_na=False, **options)
    for size in range(12, 40):
        monkeypatch.setattr("statsmodels_ooc.sources.csv._LEAST_BLOCK", size)
        pd.testing.assert_frame_equal(rows(path, block_size=1, **options), wanted)


@pytest.mark.parametrize("text", ['y,s\n1,a\n2,"open\n3,b\n', 'y,s\n1,5" pipe\n2,"open', "s\na\\"])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_record_that_is_open_at_the_end_is_refused(text, name, tmp_path):
    raw = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    options = {"escape_char": "\\"} if "\\" in text else {}
    for newlines in (False, True):
        with pytest.raises(ParseError, match="still open at the end of the file"):
            rows(tmp_path / name, newlines_in_values=newlines, **options)


def test_a_record_longer_than_a_block_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("statsmodels_ooc.sources.csv._LEAST_BLOCK", 8)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b'y,s\n1,"a\n' + b"b,c\n" * 9))
    with pytest.raises(ParseError, match="a row is longer than a block"):
        rows(path, block_size=1)


def test_a_ragged_row_of_a_stream_is_named_with_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr("statsmodels_ooc.sources.csv._LEAST_BLOCK", 8)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n" + b"1,2\n" * 50 + b"\n3,4,5\n"))
    with pytest.raises(ParseError, match=r"line 53: expected 2 fields, found 3: 3,4,5"):
        rows(path, block_size=1)


def is_open_by_the_letter(text, escape):
    """pyarrow's parser, a character at a time: whether a record is open at the end."""
    state, at = "start", 0
    while at < len(text):
        letter = text[at]
        if letter == escape:
            at += 1
            state = "quoted" if state == "quoted" else "field"
            if at == len(text):
                return True
        elif state == "quoted":
            if letter == '"' and text[at + 1 : at + 2] == '"':
                at += 1
            elif letter == '"':
                state = "field"
        elif letter == '"' and state == "start":
            state = "quoted"
        else:
            state = "start" if letter in ",\r\n" else "field"
        at += 1
    return state == "quoted"


@pytest.mark.parametrize("escape", [None, "\\"])
def test_records_end_where_a_parser_leaves_them(escape):
    draw = random.Random(0)
    style = CsvFormat(escape_char=escape)
    letters = '"""a,\n' + ("\\\\" if escape else "\r")
    for _ in range(5000):
        text = "".join(draw.choices(letters, k=draw.randint(0, 12)))
        lines = text.encode()
        assert ends_open(lines, style, True) == is_open_by_the_letter(text, escape), text
        whole = [
            at
            for at in range(1, len(text) + 1)
            if text[at - 1] in "\r\n" and not is_open_by_the_letter(text[: at - 1], escape)
        ]
        assert last_record_end(lines, style) == max(whole, default=0), text
