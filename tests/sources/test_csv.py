from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import OptionError, ParseError, SchemaError
from statsmodels_ooc.sources import csv_schema
from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.csv import read_csv


def write(folder, text, name="t.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def whole(source, max_rows=1000):
    found = list(source.frames(max_rows=max_rows))
    return pd.concat(found, ignore_index=True) if found else source.head(0)


words = st.text(alphabet='ab,"; é\t', max_size=6)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32)
rows = st.lists(st.tuples(words, numbers, st.integers(-99, 99)), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(
    rows=rows,
    block_size=st.integers(1, 200),
    max_rows=st.integers(1, 9),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
    bom=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    blanks=st.integers(0, 3),
)
def test_any_cut_gives_what_pandas_gives(
    rows, block_size, max_rows, end, last, bom, quoting, blanks
):
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator=end, quoting=quoting)
    writer.writerow(["s", "x", "i"])
    writer.writerows(rows)
    text = sink.getvalue() if last else sink.getvalue().removesuffix(end)
    raw = (b"\xef\xbb\xbf" if bom else b"") + (text + end * blanks).encode()
    wanted = pd.read_csv(io.BytesIO(raw), dtype={"s": "str", "x": float})
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), raw)
        source = read_csv(path, dtypes={"s": "str", "x": float}, block_size=block_size)
        pd.testing.assert_frame_equal(whole(source, max_rows), wanted, check_exact=True)


@pytest.mark.parametrize("block_size", [1, 5, 64, "1 MiB"])
def test_rows_are_neither_lost_nor_doubled(tmp_path, block_size):
    path = write(tmp_path, "i\n" + "".join(f"{at}\n" for at in range(100)))
    assert whole(read_csv(path, block_size=block_size))["i"].tolist() == list(range(100))


def test_types_are_those_of_pandas(tmp_path):
    path = write(tmp_path, "i,f,s,b,e\n1,1.5,x,true,\n2,2,NA,False,\n")
    found, wanted = whole(read_csv(path)), pd.read_csv(path)
    pd.testing.assert_frame_equal(found, wanted)


@pytest.mark.parametrize(
    "mark", ["", "NA", "NaN", "null", "None", "N/A", "n/a", "nan", "<NA>", '""']
)
def test_missing_values_are_those_of_pandas(tmp_path, mark):
    path = write(tmp_path, f"x,s,z\n1.5,a,1\n{mark},{mark},1\n")
    pd.testing.assert_frame_equal(whole(read_csv(path)), pd.read_csv(path))


def test_null_values_can_be_given(tmp_path):
    path = write(tmp_path, "x,s\n1.5,NA\n-9,b\n")
    found = whole(read_csv(path, null_values=["-9"]))
    assert found["x"].isna().tolist() == [False, True]
    assert found["s"].tolist() == ["NA", "b"]


def test_integers_are_masked_where_a_frame_has_nulls(tmp_path):
    path = write(tmp_path, "i,j\n1,1\n2,1\n,1\n")
    found = [frame["i"].dtype for frame in read_csv(path).frames(max_rows=2)]
    assert found == [np.dtype(int), pd.Int64Dtype()]


def test_iso_dates_are_text_as_for_pandas(tmp_path):
    days = ["2024-02-29", "2024-03-01T12:30:00"]
    path = write(tmp_path, "t\n" + "\n".join(days) + "\n")
    assert whole(read_csv(path))["t"].tolist() == days
    found = whole(read_csv(path, dtypes={"t": "datetime64[s]"}))["t"]
    assert found.tolist() == [pd.Timestamp(day) for day in days]


def test_integers_beyond_64_bits_are_told_apart(tmp_path):
    long = [2**64 + 1, 2**64 + 2, -(2**64)]
    found = whole(read_csv(write(tmp_path, "i\n" + "\n".join(map(str, long)) + "\n")))["i"]
    assert list(map(int, found)) == long


@pytest.mark.parametrize("sign", ["+", " +", ""])
@pytest.mark.parametrize("options", [{}, {"thousands": "_"}])
def test_integers_with_a_plus_sign_are_told_apart(tmp_path, sign, options):
    path = write(tmp_path, f"i,j\n{sign}{2**53 + 1},+1\n{sign}{2**53},\n-{2**63},-2\n")
    source = read_csv(path, block_size=10, **options)
    found = whole(source)
    assert found["i"].tolist() == pd.read_csv(path)["i"].tolist() == [2**53 + 1, 2**53, -(2**63)]
    assert source.dtypes["i"] == source.dtypes["j"] == np.dtype(int)
    assert found["j"].tolist() == [1, pd.NA, -2]


def test_numbers_with_a_plus_sign_are_doubles_where_one_is(tmp_path):
    assert whole(read_csv(write(tmp_path, "x\n+1\n-2.5\n")))["x"].tolist() == [1.0, -2.5]


def test_times_and_hexadecimal_stay_text(tmp_path):
    found = whole(read_csv(write(tmp_path, "t,h\n12:30,0x1f\n")))
    assert found.loc[0].tolist() == ["12:30", "0x1f"]


def test_types_of_a_later_part_are_seen_by_the_samples(tmp_path):
    text = "x,y\n" + "1,2\n" * 1_500_000 + "abc,1.5\n"
    source = read_csv(write(tmp_path, text))
    assert source.dtypes["x"] == pd.Series(["a"]).dtype
    assert source.dtypes["y"] == np.dtype(float)


@pytest.fixture
def small_samples(monkeypatch):
    monkeypatch.setattr(csv_schema, "_HEAD", 64)
    monkeypatch.setattr(csv_schema, "_LATER", 16)
    monkeypatch.setattr(csv_schema, "_LATER_SAMPLES", 2)


def break_late(tmp_path, line):
    """A file whose bad line is in none of the small samples, and its line number."""
    return write(tmp_path, "x,y\n" + "1,2\n" * 100 + f"\n{line}\n" + "1,2\n" * 500), 103


@pytest.mark.parametrize("value", ["abc", "1.5"])
@pytest.mark.parametrize("block_size", [64, "1 MiB"])
@pytest.mark.usefixtures("small_samples")
def test_a_value_of_another_type_is_named_with_line_and_column(tmp_path, value, block_size):
    path, line = break_late(tmp_path, f"1,{value}")
    with pytest.raises(ParseError) as caught:
        whole(read_csv(path, block_size=block_size))
    assert f"t.csv, line {line}, column 'y'" in str(caught.value)
    assert f"invalid value '{value}'" in str(caught.value)
    assert "dtypes={'y': str}" in str(caught.value)


def test_only_the_columns_asked_for_are_converted(tmp_path):
    path = write(tmp_path, "x,y\n1,abc\n")
    source = read_csv(path, dtypes={"y": float})
    assert next(iter(source.frames(["x"])))["x"].tolist() == [1]
    with pytest.raises(ParseError, match="line 2, column 'y'"):
        whole(source)


@pytest.mark.parametrize("block_size", [32, "1 MiB"])
def test_a_ragged_row_is_named_with_its_line(tmp_path, block_size):
    path = write(tmp_path, "x,y\n" + "1,2\n" * 50 + "\n3,4,5\n" + "1,2\n" * 50)
    with pytest.raises(ParseError) as caught:
        whole(read_csv(path, block_size=block_size))
    assert "t.csv, line 53: expected 2 fields, found 3: 3,4,5" in str(caught.value)
    assert "newlines_in_values=True" in str(caught.value)


def test_a_short_row_is_ragged(tmp_path):
    with pytest.raises(ParseError, match="line 3: expected 2 fields, found 1"):
        whole(read_csv(write(tmp_path, "x,y\n1,2\n3\n")))


QUOTED = "x,s\n" + "".join(f'{at},"line one\nline, two"\n' for at in range(40))


@pytest.mark.parametrize("block_size", range(20, 60, 3))
def test_a_cut_inside_quotes_is_never_silent(tmp_path, block_size):
    path = write(tmp_path, QUOTED)
    with pytest.raises(ParseError, match="newlines_in_values=True"):
        whole(read_csv(path, block_size=block_size))


def test_newlines_in_values(tmp_path):
    path = write(tmp_path, QUOTED)
    source = read_csv(path, block_size=20, newlines_in_values=True)
    assert len(source.partitions) == 1
    pd.testing.assert_frame_equal(whole(source, 3), pd.read_csv(path))


@pytest.mark.parametrize("block_size", [10, 33, 1000])
def test_a_stray_quote_is_only_a_character(tmp_path, block_size):
    path = write(tmp_path, "x,s\n" + '1,5" pipe\n' * 9)
    found = whole(read_csv(path, block_size=block_size))
    assert found["s"].tolist() == ['5" pipe'] * 9


def test_an_open_quote_at_the_end_is_refused(tmp_path):
    with pytest.raises(ParseError, match="still open"):
        whole(read_csv(write(tmp_path, 'x,s\n1,"a\n2,b\n')))


def test_quotes_can_mean_nothing(tmp_path):
    found = whole(read_csv(write(tmp_path, 'x,s\n1,"a\n'), quote_char=None))
    assert found["s"].tolist() == ['"a']


@pytest.mark.parametrize("text", ["x,y\n", "x,y", "x,y\r\n", "x,y\n\n\n", b"\xef\xbb\xbfx,y\n"])
@pytest.mark.parametrize("options", [{}, {"newlines_in_values": True}])
def test_a_header_alone_is_no_rows(tmp_path, text, options):
    source = read_csv(write(tmp_path, text), **options)
    assert source.columns == ("x", "y")
    assert list(source.frames()) == []


def test_an_empty_file_is_named(tmp_path):
    with pytest.raises(ParseError, match=r"t\.csv is empty"):
        read_csv(write(tmp_path, ""))


def test_column_names_are_for_files_without_header(tmp_path):
    found = whole(read_csv(write(tmp_path, "1,a\n2,b\n"), column_names=["x", "s"], block_size=2))
    assert found.to_dict("list") == {"x": [1, 2], "s": ["a", "b"]}


def test_an_unnamed_column_is_called_as_in_pandas(tmp_path):
    path = write(tmp_path, ",y\n0,1.5\n")
    assert read_csv(path).columns == tuple(pd.read_csv(path))


def test_double_names_are_refused(tmp_path):
    with pytest.raises(SchemaError, match="more than one column 'x'"):
        read_csv(write(tmp_path, "x,x\n1,2\n"))


def test_a_quoted_header_with_a_line_end(tmp_path):
    found = whole(read_csv(write(tmp_path, '"a\nb",c\n1,2\n')))
    assert found.to_dict("list") == {"a\nb": [1], "c": [2]}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252", "utf-8-sig"])
def test_encodings(tmp_path, encoding):
    table = pd.DataFrame({"é": [1.5, 2.5], "s": ["ü", "ß,"]})
    table.to_csv(tmp_path / "t.csv", index=False, encoding=encoding)
    found = whole(read_csv(tmp_path / "t.csv", encoding=encoding))
    pd.testing.assert_frame_equal(found, table)


def test_long_text_in_another_encoding(tmp_path):
    table = pd.DataFrame({"i": range(300_000), "s": ["äöü"] * 300_000})
    table.to_csv(tmp_path / "t.csv", index=False, encoding="latin-1")
    pd.testing.assert_frame_equal(
        whole(read_csv(tmp_path / "t.csv", encoding="latin-1"), 10**6), table
    )


def test_a_wrong_encoding_is_named(tmp_path):
    path = write(tmp_path, "s\né\n".encode("latin-1"))
    with pytest.raises(ParseError, match="encoding='latin-1'"):
        _ = read_csv(path).dtypes["s"]


def test_dtypes_are_kept(tmp_path):
    path = write(tmp_path, "z,g,x\n007,a,1\n008,b,2\n")
    kinds = {"z": "str", "g": pd.CategoricalDtype(["b", "a"]), "x": "float32"}
    source = read_csv(path, dtypes=kinds)
    wanted = pd.read_csv(path, dtype=kinds)
    pd.testing.assert_frame_equal(whole(source), wanted)
    assert source.levels("g") == Levels(("b", "a"), is_categorical=True)


def test_a_value_outside_declared_categories_is_refused(tmp_path):
    path = write(tmp_path, "g\na\nc\n")
    with pytest.raises(SchemaError, match="'c', which is not among its 2 declared"):
        whole(read_csv(path, dtypes={"g": pd.CategoricalDtype(["a", "b"])}))


def test_dtypes_of_an_unknown_column(tmp_path):
    with pytest.raises(SchemaError, match=r"no column 'weigth'[\s\S]*did you mean 'weight'"):
        read_csv(write(tmp_path, "weight\n1\n"), dtypes={"weigth": float})


def test_decimal_comma(tmp_path):
    found = whole(read_csv(write(tmp_path, "x;y\n1,5;2\n"), delimiter=";", decimal_point=","))
    assert found["x"].tolist() == [1.5]


def test_files_need_the_same_kinds(tmp_path):
    write(tmp_path, "x\n1\n", "1.csv")
    write(tmp_path, "x\nabc\n", "2.csv")
    with pytest.raises(SchemaError, match=r"'x' is int64 in .*1\.csv but string in .*2\.csv"):
        _ = read_csv(tmp_path).dtypes["x"]
    assert whole(read_csv(tmp_path, dtypes={"x": str}))["x"].tolist() == ["1", "abc"]


def test_files_may_order_their_columns(tmp_path):
    write(tmp_path, "x,s\n1,a\n", "1.csv")
    write(tmp_path, "s,x\nb,2.5\n", "2.csv")
    found = whole(read_csv(tmp_path))
    assert found.to_dict("list") == {"x": [1.0, 2.5], "s": ["a", "b"]}


@pytest.mark.parametrize(
    "options",
    [{"delimiter": "||"}, {"block_size": "big"}, {"block_size": 0}, {"encoding": "klingon"}],
)
def test_options_are_checked(tmp_path, options):
    with pytest.raises(OptionError, match=str(next(iter(options)))):
        read_csv(write(tmp_path, "x\n1\n"), **options)


def test_a_truncated_gzip_is_named(tmp_path):
    import gzip

    rng = np.random.default_rng(0)
    packed = gzip.compress(pd.DataFrame({"x": rng.normal(size=9000)}).to_csv().encode())
    path = write(tmp_path, packed[: len(packed) // 2], "t.csv.gz")
    with pytest.raises(ParseError, match=r"t\.csv\.gz cannot be read"):
        whole(read_csv(path))


def test_is_slow(tmp_path):
    assert read_csv(write(tmp_path, "x\n1\n")).slow


def test_blocks_follow_the_memory_limit_unless_they_are_given(tmp_path):
    path = write(tmp_path, "x\n" + "1\n" * 400_000)
    with smo.options.set(memory_limit="64 MiB"):
        assert len(read_csv(path).partitions) == 2
        assert len(read_csv(path, block_size="16 MiB").partitions) == 1
    with smo.options.set(memory_limit="4 GiB"):
        assert len(read_csv(path).partitions) == 1
