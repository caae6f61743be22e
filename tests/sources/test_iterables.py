from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import weakref

import dask
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from statsmodels_ooc.errors import SchemaError, SourceChangedError, SourceError
from statsmodels_ooc.sources.base import Levels
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.iterables import from_iterable
from statsmodels_ooc.sources.spooling import spool


def frames(*values, name="y"):
    return [pd.DataFrame({name: value}) for value in values]


def test_a_function_is_called_for_every_pass():
    calls = []

    def make():
        calls.append(1)
        yield from frames([1.0], [2.0])

    source = from_iterable(make)
    at_open = len(calls)
    for _ in range(2):
        assert pd.concat(source.frames())["y"].tolist() == [1.0, 2.0]
    assert len(calls) == at_open + 2


def test_a_function_tells_nothing_of_its_rows():
    source = from_iterable(lambda: iter(frames([1.0])))
    assert not source.slow  # asked anew for every pass: that is what it is for
    assert source.rows is None


def test_arrow_batches_are_taken():
    batches = pa.table({"y": [1, None], "s": ["a", "b"]}).to_batches(max_chunksize=1)
    source = from_iterable(lambda: iter(batches))
    assert [str(frame["y"].dtype) for frame in source.frames()] == ["int64", "Int64"]
    assert pd.concat(source.frames(["s"]))["s"].tolist() == ["a", "b"]


@pytest.mark.parametrize("make", [iter, lambda pieces: lambda: iter(pieces)])
def test_integers_beside_doubles_keep_their_values(make):
    large = 2**53 + 1
    source = from_iterable(make(frames([1.5], [2, large])))
    assert [value for frame in source.frames() for value in frame["y"].tolist()] == [1.5, 2, large]
    assert source.dtypes["y"] == np.dtype(float)


def test_a_frame_of_another_kind_is_named_where_it_is_asked_for():
    pieces = [frame.assign(z=0.0) for frame in frames([1.0], ["a"])]
    source = from_iterable(iter(pieces))
    assert pd.concat(source.frames(["z"]))["z"].tolist() == [0.0, 0.0]
    with pytest.raises(SchemaError, match=r"'y' is double in frame 0 but .*string in frame 1"):
        list(source.frames(["y"]))


@pytest.mark.parametrize("make", [iter, lambda pieces: lambda: iter(pieces)])
def test_a_frame_without_the_column_is_named(make):
    pieces = [*frames([1.0]), *frames([1.0], name="z")]
    with pytest.raises(SchemaError, match=r"frame 1.* has no column 'y'"):
        list(from_iterable(make(pieces)).frames())


@pytest.mark.parametrize("make", [iter, lambda pieces: lambda: iter(pieces)])
def test_something_else_than_frames_is_a_type_error(make):
    with pytest.raises(TypeError, match="ndarray, not a DataFrame"):
        from_iterable(make([np.ones(3)]))


@pytest.mark.parametrize("make", [iter, lambda pieces: lambda: iter(pieces)])
def test_nothing_at_all_is_refused(make):
    with pytest.raises(SourceError, match="columns are unknown"):
        from_iterable(make([]))


def test_the_first_frame_does_not_declare_the_categories_of_others():
    pieces = [pd.DataFrame({"c": pd.Categorical([word])}) for word in "ab"]
    source = from_iterable(lambda: iter(pieces))
    assert source.levels("c") is None
    assert pd.concat(source.frames())["c"].tolist() == ["a", "b"]


def test_a_frame_of_missing_values_has_no_type():
    pieces = [pd.DataFrame({"s": [np.nan]}), pd.DataFrame({"s": ["a"]})]
    for source in (from_iterable(iter(pieces)), from_iterable(lambda: iter(pieces))):
        assert isinstance(source.dtypes["s"], pd.StringDtype)
        assert pd.concat(source.frames())["s"].fillna("").tolist() == ["", "a"]


def test_spool_keeps_categories_that_agree():
    pieces = [pd.DataFrame({"c": pd.Categorical([word], ["b", "a"])}) for word in "ab"]
    source = from_iterable(iter(pieces))
    assert source.levels("c") == Levels(("b", "a"), is_categorical=True)
    assert pd.concat(source.frames())["c"].tolist() == ["a", "b"]


@pytest.mark.parametrize("at", [0, 1])
def test_spool_keeps_the_categories_of_frames_around_one_without_a_value(at):
    pieces = frames(*[pd.Categorical([word], ["b", "a"]) for word in "ab"])
    pieces.insert(at, pd.DataFrame({"y": [np.nan]}))
    source = from_iterable(iter(pieces))
    assert source.levels("y") == Levels(("b", "a"), is_categorical=True)
    assert pd.concat(source.frames())["y"].dropna().tolist() == ["a", "b"]


def test_spool_keeps_categories_that_are_the_same_in_another_order():
    source = from_iterable(
        iter(frames(*[pd.Categorical([2, 1], order) for order in ([1, 2], [2, 1])]))
    )
    assert source.levels("y") == Levels((1, 2), is_categorical=True)
    assert pd.concat(source.frames())["y"].tolist() == [2, 1, 2, 1]


def test_spool_gives_plain_values_where_categories_disagree():
    pieces = [pd.DataFrame({"c": pd.Categorical([word])}) for word in "bacb"]
    source = from_iterable(iter(pieces))
    assert source.levels("c") is None
    assert pd.concat(source.frames())["c"].tolist() == list("bacb")


@pytest.mark.parametrize(
    "categories", [pd.interval_range(0, 2), pd.period_range("2020", periods=2, freq="D")]
)
def test_spool_refuses_categories_it_cannot_hold_where_they_are_used(categories):
    pieces = [pd.DataFrame({"x": [y, 2.0], "c": pd.Categorical(categories)}) for y in (0.0, 1.0)]
    source = from_iterable(iter(pieces))
    assert pd.concat(source.frames(["x"]))["x"].tolist() == [0.0, 2.0, 1.0, 2.0]
    with pytest.raises(SchemaError, match=r"'c' of frame 0 has categories"):
        list(source.frames(["c"]))


def test_spool_widens_integers():
    source = from_iterable(iter(frames([1], [1.5], [2])))
    found = list(source.frames())
    assert {frame["y"].dtype for frame in found} == {np.dtype(float)}
    assert pd.concat(found)["y"].tolist() == [1.0, 1.5, 2.0]


def test_spool_takes_a_column_that_is_empty_at_first():
    source = from_iterable(iter(frames([None], ["a"], [None])))
    assert pd.concat(source.frames())["y"].dropna().tolist() == ["a"]


def test_spool_reads_one_frame_at_a_time():
    made, alive = [], []

    def make():
        for number in range(20):
            frame = pd.DataFrame({"y": np.full(1000, float(number))})
            made.append(weakref.ref(frame))
            alive.append(sum(1 for one in made if one() is not None))
            yield frame

    assert from_iterable(make()).rows == 20_000
    assert max(alive) <= 2


def spooled_folder(source):
    return os.path.dirname(source.partitions[0].file.path)


def test_spool_is_removed_with_the_source():
    source = from_iterable(iter(frames([1.0])))
    folder = spooled_folder(source)
    assert os.path.isdir(folder)
    del source
    gc.collect()
    assert not os.path.exists(folder)


def test_spool_lives_as_long_as_a_partition():
    (partition,) = from_iterable(iter(frames([1.0]))).partitions
    gc.collect()
    assert next(partition.frames(["y"], 9))["y"].tolist() == [1.0]


def test_a_pickled_copy_does_not_own_the_spool():
    source = from_iterable(iter(frames([1.0])))
    copy = pickle.loads(pickle.dumps(source))
    del copy
    gc.collect()
    assert source.head()["y"].tolist() == [1.0]


def test_spool_is_removed_when_spooling_fails(tmp_path):
    def broken():
        yield from frames([1.0])
        raise RuntimeError("the database went away")

    with dask.config.set({"temporary-directory": str(tmp_path)}):
        with pytest.raises(RuntimeError, match="went away"):
            from_iterable(broken())
        gc.collect()
        assert list(tmp_path.iterdir()) == []


def test_spool_lies_where_dask_says(tmp_path):
    with dask.config.set({"temporary-directory": str(tmp_path)}):
        source = from_iterable(iter(frames([1.0])))
    assert spooled_folder(source).startswith(str(tmp_path))


def test_spool_is_removed_at_exit(tmp_path):
    code = (
        "import dask, pandas as pd\n"
        f"dask.config.set({{'temporary-directory': {str(tmp_path)!r}}})\n"
        "from statsmodels_ooc.sources.iterables import from_iterable\n"
        "source = from_iterable(iter([pd.DataFrame({'y': [1.0]})]))\n"
        "import os\n"
        f"print(len(os.listdir({str(tmp_path)!r})))\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "1"
    assert list(tmp_path.iterdir()) == []


def test_spool_of_another_source():
    source = as_source(pd.DataFrame({"y": [1, 2], "x": [1.0, 2.0]}))
    copy = spool(source.frames(["y"]), "copy")
    assert copy.columns == ("y",)
    assert copy.rows == 2


def test_a_function_that_returns_one_iterator_again_and_again_is_refused():
    frames = iter([pd.DataFrame({"y": [1.0]}), pd.DataFrame({"y": [2.0]})])
    source = from_iterable(lambda: frames)
    with pytest.raises(SourceChangedError, match="the same iterator at every call"):
        list(source.frames())
