"""Tables of HDF5 files: what is a table, what its columns are, and what is refused."""

from __future__ import annotations

import errno
import importlib.util
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import errors
from statsmodels_ooc.sources import hdf5_layout
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.hdf5 import read_hdf
from statsmodels_ooc.sources.seam import watched

tables = pytest.importorskip("tables")
h5py = pytest.importorskip("h5py")


def whole(source, columns=None, max_rows=7) -> pd.DataFrame:
    return pd.concat(source.frames(columns, max_rows), ignore_index=True)


def rich(n: int = 53) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "f": rng.normal(size=n).astype("f4"),
            "i": rng.integers(0, 9, n),
            "u": rng.integers(0, 9, n).astype("u1"),
            "s": rng.choice(["ä", "b,c", "dd"], n),
            "b": np.arange(n) % 2 == 0,
            "c": pd.Categorical(rng.choice(["u", "v"], n), ["v", "u", "w"], ordered=True),
            "d": pd.date_range("2020", periods=n),
            "z": pd.date_range("2020", periods=n, tz="Europe/Berlin"),
            "w": pd.to_timedelta(np.arange(n), "h"),
        }
    )
    frame.loc[3, "s"] = None
    frame.loc[4, "c"] = None
    frame.loc[5, "d"] = None
    return frame


@pytest.mark.parametrize("data_columns", [None, ["i", "s", "c"], True])
def test_a_table_of_pandas_is_what_pandas_reads(tmp_path, data_columns):
    path = tmp_path / "t.h5"
    rich().to_hdf(path, key="a/t", format="table", data_columns=data_columns, nan_rep="?")
    source = as_source(path)
    expected = pd.read_hdf(path, "a/t")
    found = whole(source)
    pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), check_exact=True)
    assert dict(found.dtypes) == dict(source.dtypes)
    assert source.levels("c").values == ("v", "u", "w")


def test_labels_are_those_of_pandas_and_names_of_labels_are_columns(tmp_path):
    path = tmp_path / "t.h5"
    frame = rich()[["y", "i"]].set_index(
        pd.MultiIndex.from_arrays(
            [np.arange(53) % 3, pd.date_range("2021", periods=53)], names=["g", "day"]
        )
    )
    frame.to_hdf(path, key="t", format="table")
    source = read_hdf(path)
    assert source.columns == ("g", "day", "y", "i")
    pd.testing.assert_frame_equal(
        whole(source, ["i", "day"]), pd.read_hdf(path).reset_index()[["i", "day"]]
    )
    (partition,) = source.partitions
    pd.testing.assert_index_equal(partition.labels, pd.read_hdf(path).index)
    assert smof.ols("y ~ i", path).fit().resid.index.equals(pd.read_hdf(path).index)


def test_a_series_of_pandas_is_a_column(tmp_path):
    path = tmp_path / "t.h5"
    rich()["y"].to_hdf(path, key="t", format="table")
    assert read_hdf(path).columns == ("y",)
    rich()["y"].rename(None).to_hdf(path, key="t", format="table")
    assert whole(read_hdf(path))["values"].tolist() == rich()["y"].tolist()


def test_names_that_are_numbers_stay_numbers(tmp_path):
    path = tmp_path / "t.h5"
    pd.DataFrame(np.arange(6.0).reshape(3, 2)).to_hdf(path, key="t", format="table")
    assert whole(read_hdf(path), [1])[1].tolist() == [1.0, 3.0, 5.0]


def test_the_fixed_format_is_refused_with_what_to_write(tmp_path):
    path = tmp_path / "t.h5"
    rich()[["y", "i"]].to_hdf(path, key="t")
    with pytest.raises(errors.SourceError, match=r"'fixed'[\s\S]*format='table'"):
        read_hdf(path)


def test_a_table_of_pytables_with_every_kind_of_column(tmp_path):
    class Row(tables.IsDescription):
        y = tables.Float64Col()
        s = tables.StringCol(4)
        t = tables.BoolCol()
        e = tables.EnumCol(["b", "a"], "a", "uint8")
        seconds = tables.Time64Col()
        m = tables.Int32Col(shape=(2,))
        z = tables.ComplexCol(16)

        class inner(tables.IsDescription):
            q = tables.Int8Col()

    path = tmp_path / "t.h5"
    with tables.open_file(path, "w") as file:
        table = file.create_table("/", "t", Row, chunkshape=(4,))
        for number in range(11):
            row = table.row
            row["y"], row["s"], row["t"] = number / 7, f"s{number}", number % 2
            row["e"], row["seconds"], row["m"] = number % 2, 1.5, (number, -number)
            row["inner/q"] = number
            row.append()
    source = as_source(path)
    wanted = ["y", "s", "t", "e", "seconds", "m_0", "m_1", "inner/q"]
    assert set(source.columns) == {*wanted, "z"}
    found = whole(source, wanted)
    numbers = np.arange(11)
    assert found["y"].tolist() == (numbers / 7).tolist()
    assert found["s"].tolist() == [f"s{number}" for number in numbers]
    assert found["t"].tolist() == [bool(number % 2) for number in numbers]
    assert found["e"].tolist() == ["ba"[number % 2] for number in numbers]
    assert found["m_1"].tolist() == (-numbers).tolist()
    assert found["m_1"].dtype == np.int32
    assert found["inner/q"].tolist() == numbers.tolist()
    assert source.levels("e").values == ("b", "a")
    with pytest.raises(errors.SchemaError, match=r"'z'.*complex"):
        whole(source, ["z"])
    pd.testing.assert_frame_equal(whole(source, ["m_1"]), found[["m_1"]])


@pytest.mark.parametrize("make", ["create_array", "create_carray", "create_earray"])
def test_arrays_of_pytables(tmp_path, make):
    path, rng = tmp_path / "t.h5", np.random.default_rng(0)
    values = rng.normal(size=(53, 4)).astype("f4")
    with tables.open_file(path, "w") as file:
        options = {"chunkshape": (8, 4), "filters": tables.Filters(5, "blosc2:zstd")}
        getattr(file, make)("/", "x", obj=values, **({} if make == "create_array" else options))
    source = read_hdf(path)
    assert source.columns == ("x0", "x1", "x2", "x3")
    assert (whole(source).to_numpy() == values).all()
    assert (whole(source, ["x2", "x1"]).to_numpy() == values[:, [2, 1]]).all()
    renamed = read_hdf(path, "x", columns=["y", "a", "b", "c"])
    assert whole(renamed, ["b", "y"])["b"].tolist() == values[:, 2].tolist()
    with pytest.raises(errors.SchemaError, match="4 columns, and columns= names 3"):
        read_hdf(path, columns=["y", "a", "b"])


def test_an_array_of_one_dimension_is_a_column_of_its_name(tmp_path):
    path = tmp_path / "t.h5"
    with tables.open_file(path, "w") as file:
        file.create_array("/", "y", np.arange(5) > 2)
    assert whole(as_source(path))["y"].tolist() == [False, False, False, True, True]
    assert read_hdf(path, columns=["hit"]).columns == ("hit",)


def test_what_h5py_writes(tmp_path):
    path = tmp_path / "t.h5"
    kind = np.dtype(
        [
            ("y", ">f8"),
            ("v", h5py.string_dtype()),
            ("e", h5py.enum_dtype({"lo": 1, "hi": 7})),
            ("b", "?"),
            ("n", [("q", "i2"), ("r", "f4", (2,))]),
        ]
    )
    rows = np.zeros(9, kind)
    rows["y"], rows["v"], rows["e"] = np.arange(9) / 3, ["é", "", "xy"] * 3, [1, 7, 7] * 3
    rows["b"], rows["n"]["r"] = np.arange(9) % 2, np.arange(18).reshape(9, 2)
    with h5py.File(path, "w") as file:
        file["t"] = rows
        file["times/d"] = np.arange(9).astype("M8[us]").astype(h5py.opaque_dtype("M8[us]"))
        file["times/x"] = np.arange(9)
    source = read_hdf(path, "t")
    assert source.columns == ("y", "v", "e", "b", "n/q", "n/r_0", "n/r_1")
    found = whole(source, max_rows=4)
    assert found["y"].tolist() == (np.arange(9) / 3).tolist()
    assert found["v"].tolist() == ["é", "", "xy"] * 3
    assert found["e"].tolist() == ["lo", "hi", "hi"] * 3
    assert found["b"].tolist() == [bool(number % 2) for number in range(9)]
    assert found["n/r_1"].tolist() == list(range(1, 18, 2))
    times = whole(read_hdf(path, "times"))
    assert times["d"].tolist() == list(np.arange(9).astype("M8[us]").astype(object))
    assert times["d"].dtype == "M8[us]"


def test_groups_of_arrays_with_two_dimensions(tmp_path):
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file["X"], file["y"] = np.arange(10.0).reshape(5, 2), np.arange(5)
    source = read_hdf(path, "/")
    assert source.columns == ("X0", "X1", "y")
    assert whole(source, ["X1", "y"])["X1"].tolist() == [1.0, 3.0, 5.0, 7.0, 9.0]
    with pytest.raises(errors.SourceError, match=r"several tables: /X \(5 × 2\), /y \(5\)"):
        read_hdf(path)


def test_arrays_of_different_lengths_are_no_table(tmp_path):
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file["g/x"], file["g/y"] = np.arange(4.0), np.arange(5)
    with pytest.raises(errors.SchemaError, match=r"'/g/x' has 4 rows and '/g/y' 5"):
        read_hdf(path, "g")


def test_several_tables_are_listed_and_unknown_keys_named(tmp_path):
    path = tmp_path / "t.h5"
    rich()[["y"]].to_hdf(path, key="a", format="table")
    rich()[["i"]].to_hdf(path, key="b/c")
    with pytest.raises(
        errors.SourceError, match=r"/a \(pandas, frame_table\), /b/c \(pandas, frame\)"
    ):
        as_source(path)
    assert read_hdf(path, "/a").columns == ("y",)
    with pytest.raises(errors.SourceError, match=r"no key 'd'[\s\S]*/a, /b/c"):
        as_source(path, key="d")


def test_no_table_at_all(tmp_path):
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file["one"] = 1.0
        file["cube"] = np.zeros((2, 2, 2))
        file["link"] = h5py.ExternalLink("other.h5", "/x")
    with pytest.raises(errors.SourceError, match="holds no table"):
        read_hdf(path)
    with pytest.raises(errors.SourceError, match="3 dimensions"):
        read_hdf(path, "cube")
    for key in ("one", "link"):
        with pytest.raises(errors.SourceError, match="neither an array"):
            read_hdf(path, key)


def test_a_number_that_no_name_stands_for(tmp_path):
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("e", data=[1, 2, 1], dtype=h5py.enum_dtype({"a": 1, "b": 2, "c": 9}))
        file["e"].id.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 5, 1], file["e"].dtype))
    with pytest.raises(errors.SchemaError, match="'e' is 5 in row 1"):
        whole(read_hdf(path))


def test_text_of_another_encoding(tmp_path):
    path = tmp_path / "t.h5"
    with tables.open_file(path, "w") as file:
        file.create_array(
            "/",
            "s",
            np.array([b"a", b"\xe9"]),
        )
    with pytest.raises(
        errors.ParseError, match=r"'s' is b'\\xe9' in row 1[\s\S]*encoding='latin-1'"
    ):
        whole(read_hdf(path))
    assert whole(read_hdf(path, encoding="latin-1"))["s"].tolist() == ["a", "é"]


def test_partitions_begin_where_chunks_do(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_layout, "_ENOUGH_ROWS", 20)
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(100.0), chunks=(8,), compression="gzip")
    source = read_hdf(path)
    assert [part.start for part in source.partitions] == [0, 24, 48, 72, 96]
    assert whole(source)["x"].tolist() == list(range(100))
    with ThreadPoolExecutor(4) as pool:
        pieces = list(pool.map(lambda part: list(part.frames(["x"], 5)), source.partitions * 20))
    found = np.concatenate([frame["x"] for piece in pieces for frame in piece])
    assert (found == np.tile(np.arange(100.0), 20)).all()


def test_no_rows(tmp_path):
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((0, 2))
    source = read_hdf(path)
    assert (source.rows, list(source.frames())) == (0, [])
    with pytest.raises(errors.EmptyDataError):
        smof.ols("x0 ~ x1", source).fit()


def test_several_files(tmp_path):
    for year in (2023, 2024):
        folder = tmp_path / f"year={year}"
        folder.mkdir()
        rich().to_hdf(folder / "t.h5", key="t", format="table")
        with h5py.File(folder / "t.hdf5", "w") as file:
            file["x"] = np.arange(3, dtype="i4" if year == 2023 else "f8")
    for pattern in ("*/*.h5", "*/*.hdf5"):
        source = as_source(str(tmp_path / pattern))
        found = whole(source)
        assert found["year"].value_counts().to_dict() == {
            2023: len(found) / 2,
            2024: len(found) / 2,
        }
        assert dict(found.dtypes) == dict(source.dtypes)


@pytest.mark.parametrize("missing", ["tables", "h5py"])
def test_one_of_the_libraries_is_enough_for_most(tmp_path, monkeypatch, missing):
    ours, theirs, pandas = (tmp_path / name for name in ("p.h5", "h.h5", "f.h5"))
    with tables.open_file(ours, "w") as file:
        file.create_table("/", "t", obj=np.array([(1.0, b"a", True)], "f8,S1,?"))
    with h5py.File(theirs, "w") as file:
        file["t"] = np.array([(1.0, b"a", True)], "f8,S1,?")
    rich().to_hdf(pandas, key="t", format="table")
    real = importlib.util.find_spec
    without = lambda name, *args: None if name == missing else real(name, *args)  # noqa: E731
    monkeypatch.setattr("statsmodels_ooc.sources.hdf5.find_spec", without)
    monkeypatch.setattr("statsmodels_ooc.sources.hdf5_pandas.find_spec", without)
    for path in (ours, theirs):
        found = whole(read_hdf(path))
        assert found.iloc[0].tolist() == [1.0, "a", True], path
        assert found["f2"].dtype == bool
    if missing == "tables":
        with pytest.raises(errors.MissingExtraError, match="PyTables"):
            read_hdf(pandas)
    monkeypatch.setattr("statsmodels_ooc.sources.hdf5.find_spec", lambda name: None)
    with pytest.raises(errors.MissingExtraError, match=r"statsmodels_ooc\[hdf5\]"):
        read_hdf(ours)


def test_compression_that_h5py_does_not_know(tmp_path, monkeypatch):
    path = tmp_path / "t.h5"
    with tables.open_file(path, "w") as file:
        file.create_carray(
            "/", "x", obj=np.zeros((50, 2)), filters=tables.Filters(1, "blosc2:zstd")
        )
    real = importlib.util.find_spec
    without = lambda name: None if name == "tables" else real(name)  # noqa: E731
    monkeypatch.setattr("statsmodels_ooc.sources.hdf5.find_spec", without)
    with pytest.raises(errors.MissingExtraError, match="compressed"):
        whole(read_hdf(path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": 3}, "key=3 is of type int, not the path of a table"),
        ({"encoding": "utf99"}, "encoding='utf99' is unknown"),
    ],
)
def test_a_wrong_argument_is_told_and_not_a_damaged_file(tmp_path, options, message):
    pd.DataFrame({"y": [1.0]}).to_hdf(tmp_path / "t.h5", key="t", format="table")
    with pytest.raises(errors.OptionError, match=message):
        read_hdf(tmp_path / "t.h5", **options)


@pytest.mark.parametrize("content", [b"", b"y,x\n1,2\n" * 40])
def test_what_is_no_hdf5(tmp_path, content):
    path = tmp_path / "t.h5"
    path.write_bytes(content)
    with pytest.raises(errors.ParseError, match=r"t\.h5 cannot be read as HDF5"):
        read_hdf(path)


@pytest.mark.parametrize("writer", ["pandas", "tables", "h5py"])
def test_a_truncated_or_damaged_file_has_a_named_error(tmp_path, writer):
    path = tmp_path / "t.h5"
    values = np.random.default_rng(0).normal(size=(20_000, 2))
    if writer == "pandas":
        pd.DataFrame(values, columns=["x0", "x1"]).to_hdf(
            path, key="t", format="table", complevel=5
        )
    elif writer == "tables":
        with tables.open_file(path, "w") as file:
            file.create_carray("/", "x", obj=values, filters=tables.Filters(5, fletcher32=True))
    else:
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=values, compression="gzip", chunks=(1000, 2))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(errors.ParseError, match="truncated"):
        read_hdf(path)
    broken = bytearray(data)
    broken[len(data) // 2 : len(data) // 2 + 4000] = os.urandom(4000)
    path.write_bytes(broken)
    with pytest.raises(errors.ParseError, match=r"t\.h5"):
        whole(read_hdf(path))


def test_a_changed_file_is_noticed(tmp_path):
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(100.0)
    source = read_hdf(path)
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(200.0)
    with pytest.raises(errors.SourceChangedError, match=r"t\.h5 changed"):
        whole(source)
    path.unlink()
    with pytest.raises(errors.SourceChangedError, match="removed"):
        whole(source)


def test_a_file_that_is_open_for_writing(tmp_path):
    path = tmp_path / "t.h5"
    with tables.open_file(path, "w") as file:
        file.create_array("/", "x", np.arange(5.0))
        file.flush()
        with pytest.raises(errors.SourceAccessError, match=r"open for writing[\s\S]*close it"):
            read_hdf(path)
    with tables.open_file(path, "r"), h5py.File(path, "r"):
        assert len(whole(read_hdf(path))) == 5


def test_open_files_get_advice(tmp_path):
    path = tmp_path / "t.h5"
    with tables.open_file(path, "w") as file:
        array = file.create_array("/", "x", np.arange(5.0))
        for thing in (file, array, file.root):
            with pytest.raises(TypeError, match=r"smo\.read_hdf\("):
                as_source(thing)
    with h5py.File(path, "r") as file:
        for thing in (file, file["x"]):
            with pytest.raises(TypeError, match=r"smo\.read_hdf\("):
                as_source(thing)
    with pd.HDFStore(path, "r") as store:
        assert as_source(store).columns == ("x",)  # by its path


def test_a_file_on_a_server_is_copied_first(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://bucket/t.h5", "wb") as file:
        file.write(b"x")
    with pytest.raises(errors.SourceError, match=r"copy it first"):
        read_hdf("memory://bucket/t.h5")


class Fault:
    """Lets the n-th call fail."""

    def __init__(self, at: int, error: BaseException) -> None:
        self.at, self.error, self.calls = at, error, 0

    def touch(self, operation: str, place: str) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise self.error

    def granted(self, place: str, size: int) -> int:
        return size


FAULTS = [
    OSError(errno.EIO, "input/output error"),
    PermissionError(errno.EACCES, "denied"),
    ConnectionResetError(errno.ECONNRESET, "reset"),
    MemoryError(),
]


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("kind", ["pandas", "tables", "h5py"])
def test_every_call_that_fails_has_a_named_error(tmp_path, kind, error):
    path = tmp_path / "t.h5"
    if kind == "pandas":
        rich()[["y", "i"]].to_hdf(path, key="t", format="table")
    else:
        module = tables.open_file if kind == "tables" else h5py.File
        with module(path, "w") as file:
            if kind == "tables":
                file.create_array("/", "x", np.arange(5.0))
            else:
                file["x"] = np.arange(5.0)
    counter = Fault(0, error)
    with watched(counter):
        whole(read_hdf(path))
    assert counter.calls > 4
    for at in range(1, counter.calls + 1):
        with watched(Fault(at, error)), pytest.raises((errors.OutOfCoreError, MemoryError)):
            whole(read_hdf(path))
        assert not open_files(path)
    assert len(whole(read_hdf(path)))


def open_files(path) -> list[str]:
    """Who still holds the file."""
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    return [link for link in links if os.path.exists(link) and os.readlink(link) == str(path)]


def test_who_stops_early_closes_the_file(tmp_path):
    path = tmp_path / "t.h5"
    rich().to_hdf(path, key="t", format="table")
    frames = as_source(path).frames(["y"], 3)
    next(frames)
    assert open_files(path)
    frames.close()
    assert not open_files(path)


def test_fits_while_another_thread_reads_with_h5py(tmp_path):
    path, other = tmp_path / "t.h5", tmp_path / "o.h5"
    rich().to_hdf(path, key="t", format="table")
    with h5py.File(other, "w") as file:
        file.create_dataset("x", data=np.arange(50_000.0), chunks=(100,), compression="gzip")
    stop, wrong = threading.Event(), []

    def reads() -> None:
        while not stop.is_set():
            with h5py.File(other, "r") as file:
                if file["x"][:].sum() != 50_000 * 49_999 / 2:
                    wrong.append(1)

    thread = threading.Thread(target=reads)
    thread.start()
    try:
        for _ in range(5):
            res = smo.OLS.from_formula("y ~ i + s", path).fit()
    finally:
        stop.set()
        thread.join()
    expected = smof.ols("y ~ i + s", pd.read_hdf(path)).fit()
    np.testing.assert_allclose(res.params, expected.params, rtol=1e-10)
    assert not wrong
