"""Opening looks at the columns of the formula alone, and at each file once."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from tolerances import SOLVED

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import ParseError, SchemaError, SourceError
from statsmodels_ooc.sources import csv_schema, parquet_footer
from statsmodels_ooc.sources.base import Lookup
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.columns import check_unique
from statsmodels_ooc.sources.parquet import read_parquet
from statsmodels_ooc.sources.schema import CommonSchema
from statsmodels_ooc.sources.subset import subset_source

FILES = 40


def table(first=0, unused=20):
    i = np.arange(first, first + 10)
    used = {"y": (i % 7) * 1.0, "x": i, "g": np.where(i % 3, "a", "b")}
    return pd.DataFrame(used | {f"c{j}": i for j in range(unused)})


def write(frame, path):
    if isinstance(frame, pd.DataFrame):
        frame = pa.Table.from_pandas(frame, preserve_index=False)
    match path.suffix:
        case ".parquet":
            pq.write_table(frame, path)
        case ".csv":
            frame.to_pandas().to_csv(path, index=False)
        case ".arrow":
            with pa.ipc.new_file(path, frame.schema) as writer:
                writer.write_table(frame)
    return path


@pytest.fixture
def folder(tmp_path):
    for number in range(FILES):
        write(table(10 * number), tmp_path / f"{number}.parquet")
    return tmp_path


def counted(monkeypatch, owner, name, key=lambda *args: args[0]):
    """Count the calls of a function by what it is called with."""
    counts, original = Counter(), getattr(owner, name)

    def counting(*args, **kwargs):
        counts[key(*args)] += 1
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, counting)
    return counts


# --- files --------------------------------------------------------------------------


def test_every_footer_is_read_once(folder, monkeypatch):
    reads = counted(monkeypatch, pq, "read_metadata", lambda raw: "footer")
    smo.OLS.from_formula("y ~ x + g + I(c3 % 5)", folder).fit(cov_type="HC1")
    assert reads["footer"] == FILES


def test_footers_that_do_not_fit_are_read_once_for_all_columns(folder, monkeypatch):
    reads = counted(monkeypatch, pq, "read_metadata", lambda raw: "footer")
    with smo.options.set(memory_limit="1 MiB"):
        source = read_parquet(folder)
        assert reads["footer"] == FILES
        source.look_at([f"c{j}" for j in range(10)])
        assert FILES < reads["footer"] <= 2 * FILES


def test_kept_footers_take_their_share_of_the_memory(folder):
    footers = parquet_footer.footer
    with smo.options.set(memory_limit="1 MiB"):
        files = read_parquet(folder).files
        kept = [file for file in files if file in footers._kept]
        assert 0 < len(kept) < FILES
        stored = sum(footers._kept[file].serialized_size for file in kept)
        assert stored == footers._stored <= 2**20 / 80


def test_a_file_is_opened_once_for_the_categories_of_all_its_row_groups(tmp_path, monkeypatch):
    for number, words in enumerate(["abc", "dbe"]):
        codes = pd.Categorical.from_codes([at % 3 for at in range(60)], list(words))
        pd.DataFrame({"g": codes}).to_parquet(tmp_path / f"{number}.parquet", row_group_size=3)
    source = read_parquet(tmp_path)
    opened = counted(monkeypatch, pq, "ParquetFile", lambda raw: "file")
    parsed = counted(monkeypatch, parquet_footer, "wholly_dictionary_encoded", lambda *_: "footer")
    assert source.dtypes["g"].categories.tolist() == ["a", "b", "c", "d", "e"]
    assert opened == {"file": 2}
    assert parsed == {"footer": 2}


# --- columns ------------------------------------------------------------------------


def test_only_columns_of_the_formula_are_looked_at(folder, monkeypatch):
    fields = counted(monkeypatch, CommonSchema, "field", lambda schema, name: name)
    nulls = counted(
        monkeypatch, parquet_footer, "_file_holds_nulls", lambda known, name, near: name
    )
    model = smo.OLS.from_formula("y ~ np.log1p(x) + g + center(c3)", folder, eval_env={"np": np})
    model.fit()
    assert fields == dict.fromkeys(["y", "x", "g", "c3"], 1)
    assert nulls == dict.fromkeys(["x", "c3"], FILES)


def test_csv_types_are_inferred_once_for_the_columns_of_the_formula(tmp_path, monkeypatch):
    asked = counted(monkeypatch, csv_schema, "infer", lambda pieces, names, wanted, *_: str(wanted))
    write(table(), tmp_path / "t.csv")
    smo.OLS.from_formula("y ~ x + g", tmp_path / "t.csv").fit()
    assert asked == {"['y', 'x', 'g']": 1}


def test_a_source_is_shown_without_reading_samples_for_every_column(tmp_path, monkeypatch):
    frame = table(unused=60)
    write(frame, tmp_path / "0.csv")
    write(frame.assign(c7="text"), tmp_path / "1.csv")
    source = as_source(tmp_path)
    counts = counted(monkeypatch, csv_schema, "_samples_of")
    page = source._repr_html_()
    assert page.count("<tr>") == 1 + len(frame.columns)
    assert "<td>c7</td><td>of several kinds</td>" in page
    assert "<td>c8</td><td>int64</td>" in page
    assert "<td>y</td><td>float64</td>" in page
    assert sum(counts.values()) < 2 * 2 * 8  # files, halves, and how often 60 is halved


def test_what_a_task_carries_does_not_grow_with_unused_columns(tmp_path):
    sizes = []
    for unused in (2, 400):
        source = as_source(write(table(unused=unused), tmp_path / "t.parquet"))
        for chosen in (source, subset_source(source, "c1 > 0")):
            sizes.append(len(pickle.dumps(chosen.partitions[0].narrowed(["y", "x"]))))
        (tmp_path / "t.parquet").unlink()
    assert sizes[2] == pytest.approx(sizes[0], abs=20)
    names = sum(len(f"c{j}") + 5 for j in range(400))  # a condition is told all names
    assert sizes[3] < sizes[1] + names


def test_a_narrowed_subset_still_reads_what_its_condition_looks_at(tmp_path):
    source = as_source(write(table(), tmp_path / "t.parquet"))
    (partition,) = subset_source(source, "c1 > 6").partitions
    again = pickle.loads(pickle.dumps(partition.narrowed(["y"])))
    (frame,) = again.frames(["y"], 100)
    assert frame.to_dict("list") == {"y": [0.0, 1.0, 2.0]}


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".arrow"])
def test_a_pickled_source_still_knows_every_column(tmp_path, suffix):
    source = as_source(write(table(), tmp_path / f"t{suffix}"))
    source.look_at(["y"])
    again = pickle.loads(pickle.dumps(source))
    assert again.columns == source.columns
    assert dict(again.dtypes) == dict(source.dtypes)
    pd.testing.assert_frame_equal(again.head(), source.head())


def test_names_are_compared_a_few_times_each():
    class Name(str):
        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other):
            Name.compared += 1
            return str(self) == str(other)

    check_unique([Name(f"c{j}") for j in range(1_000)], "here")
    assert Name.compared < 10_000


def test_a_lookup_finds_what_is_asked_for_together_and_once():
    asked = []

    def find(names):
        asked.append(list(names))
        return {name: name.upper() for name in names}

    known = Lookup("abcd", find)
    assert known.several(["b", "a"]) == ["B", "A"]
    assert known["a"] == "A"
    assert known.several(["c", "b", "c"]) == ["C", "B", "C"]
    assert asked == [["b", "a"], ["c"]]
    assert list(known) == ["a", "b", "c", "d"]
    assert "e" not in known
    with pytest.raises(KeyError):
        known["e"]
    assert list(known.items()) == [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]
    assert list(known.values()) == ["A", "B", "C", "D"]
    assert asked == [["b", "a"], ["c"], ["d"]]


# --- what is at odds outside the formula is nobody's business -------------------------


def odd_types(frame):
    return frame.assign(c0="text")


def absent(frame):
    return frame.drop(columns="c0")


def additional(frame):
    return frame.assign(new=1)


def twice(frame):
    found = pa.Table.from_pandas(frame, preserve_index=False)
    return found.append_column("c0", found["c0"])


def nested(frame):
    found = pa.Table.from_pandas(frame.drop(columns="c0"), preserve_index=False)
    return found.add_column(0, "c0", pa.array([{"p": 1, "q": [1, 2]}] * len(frame)))


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".arrow"])
@pytest.mark.parametrize("change", [odd_types, absent, additional, twice, nested])
@pytest.mark.parametrize("first", [True, False])
def test_unused_columns_may_be_at_odds(tmp_path, suffix, change, first):
    if suffix == ".csv" and change in (twice, nested):
        pytest.skip("pandas writes no such CSV")
    frames = [table(), table(10)]
    for number, frame in enumerate(frames):
        written = change(frame) if first == (number == 0) else frame
        write(written, tmp_path / f"{number}{suffix}")
    found = smo.OLS.from_formula("y ~ x + g", tmp_path).fit().params
    expected = smo.OLS.from_formula("y ~ x + g", pd.concat(frames)).fit().params
    np.testing.assert_allclose(found, expected, rtol=SOLVED)
    with pytest.raises(SchemaError, match=r"0\.|1\."):
        smo.OLS.from_formula("y ~ x + " + ("new" if change is additional else "c0"), tmp_path)


def test_statistics_are_those_of_the_column_behind_nested_ones(tmp_path):
    found = pa.table(
        {
            "s": pa.array([{"p": 1, "q": 2}, None]),
            "full": pa.array([1, 2]),
            "l": pa.array([[1], None]),
            "holes": pa.array([1, None]),
            "q": pa.array([None, True]),
        }
    )
    write(found, tmp_path / "t.parquet")
    dtypes = read_parquet(tmp_path / "t.parquet").dtypes
    assert [str(dtypes[name]) for name in ("full", "holes", "q")] == ["int64", "Int64", "boolean"]


@pytest.mark.parametrize("size", [64, 1_000])
@pytest.mark.parametrize(
    ("before", "options"),
    [
        ("", {}),
        ("", {"encoding": "latin-1"}),
        ("", {"newlines_in_values": True}),
        ("# of\n# lines\n", {"comment": "#"}),
        ("# of\n", {"comment": "#", "encoding": "latin-1"}),
        ("a preface\n" * 10, {"skiprows": 10}),
    ],
)
def test_a_header_may_be_longer_than_what_is_read_at_a_time(
    before, options, size, tmp_path, monkeypatch
):
    monkeypatch.setattr(csv_schema, "_HEADER", size)
    frame = table(unused=100)
    path = tmp_path / "t.csv"
    path.write_text(before + frame.to_csv(index=False))
    source = as_source(path, **options)
    assert source.columns == tuple(frame.columns)
    assert source.head(20)["c99"].tolist() == list(range(10))


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_header_may_end_with_what_is_read_at_a_time(end, tmp_path, monkeypatch):
    rest = f"1,2{end}3,4" if end else ""
    (tmp_path / "t.csv").write_bytes(f"x,y{end}{rest}".encode())
    for size in range(1, 9):
        monkeypatch.setattr(csv_schema, "_HEADER", size)
        source = as_source(tmp_path / "t.csv")
        assert source.columns == ("x", "y")
        assert source.head()["y"].tolist() == ([2, 4] if end else [])


def test_a_header_whose_quote_stays_open_is_named(tmp_path):
    (tmp_path / "t.csv").write_text('"x,y\n' + "1,2\n" * 40_000)
    with pytest.raises(ParseError, match=r"header of .*t\.csv cannot be read[\s\S]*quote_char="):
        as_source(tmp_path / "t.csv")


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "sqlite", "mysql"])
def test_the_url_of_a_database_says_how_it_is_read(scheme):
    with pytest.raises(SourceError, match=r"URL of a database\nHint: smo.read_sql") as caught:
        as_source(f"{scheme}://me:pass@host/db")
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("query", ["select * from tab", "SELECT a, b\nFROM tab", "with t as (x) y"])
def test_a_query_is_no_path(query):
    with pytest.raises(SourceError, match=r"is a query, not a path\nHint: smo\.read_sql"):
        as_source(query)


def test_a_file_may_be_called_as_a_query_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table().to_csv("with commas.csv", index=False)
    table().to_csv("select y from x.csv", index=False)
    for path in ("select y from x.csv", "with commas.csv", "with *.csv"):
        assert len(as_source(path).columns) == 23


def test_files_of_arrays_say_what_fits_them(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(SourceError, match=r"Hint: .*np\.load\(path, mmap_mode='r'\)"):
        as_source(tmp_path / "x.npy")
    zarr = pytest.importorskip("zarr")
    zarr.create_array(tmp_path / "x.zarr", data=np.ones(3))
    zarr.save_group(tmp_path / "g.zarr", x=np.ones(3))
    for name in ("x.zarr", "g.zarr"):
        with pytest.raises(SourceError, match=r"is a folder of zarr.*\nHint: .*zarr\.open"):
            as_source(str(tmp_path / name))
