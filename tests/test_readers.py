"""As many tasks read at a time as memory has room for, and nothing else changes."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import fsspec
import numpy as np
import pandas as pd
import pytest

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import gate, leaves, passes, sizes
from statsmodels_ooc.engine.gate import place_to_read, readers_at_once, reads_here
from statsmodels_ooc.errors import MemoryLimitError, OptionError
from statsmodels_ooc.reductions.least_squares import Moments, Triangle
from statsmodels_ooc.sources.parquet import ParquetPartition

K, ROWS, GROUP = 40, 24_000, 3_000
FORMULA = "y ~ " + " + ".join(f"x{j}" for j in range(K))
THREADS = {"scheduler": "threads", "num_workers": 8}
SECONDS = 60  # in which whatever waits for ever is found out


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(ROWS, K)), columns=[f"x{j}" for j in range(K)])
    frame["y"] = rng.normal(size=ROWS)
    file = tmp_path_factory.mktemp("readers") / "t.parquet"
    frame.to_parquet(file, row_group_size=150_000)
    return str(file)


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    """Files of a row group each: tiny row groups of one file make one partition."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("groups")
    for i in range(ROWS // GROUP):
        frame = pd.DataFrame(rng.normal(size=(GROUP, K)), columns=[f"x{j}" for j in range(K)])
        frame.assign(y=rng.normal(size=GROUP)).to_parquet(folder / f"{i}.parquet")
    return str(folder)


class Counted:
    """Counts the readers that are open, and how many there were at most."""

    def __init__(self, monkeypatch):
        self.now = self.most = 0
        self.lock = threading.Lock()
        read = ParquetPartition.chunks

        def chunks(partition, *arguments):
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(0.02)
            try:
                yield from read(partition, *arguments)
            finally:
                with self.lock:
                    self.now -= 1

        monkeypatch.setattr(ParquetPartition, "chunks", chunks)


def fit(source, limit):
    with dask.config.set(THREADS), smo.options.set(memory_limit=limit, frame_rows=1_000):
        return smof.ols(FORMULA, source).fit()


@pytest.fixture
def many_cores(monkeypatch):
    monkeypatch.setattr("statsmodels_ooc.engine.gate.CPU_COUNT", THREADS["num_workers"])


@pytest.mark.usefixtures("many_cores")
def test_few_read_at_a_time_where_memory_has_room_for_few(groups, monkeypatch):
    seen = Counted(monkeypatch)
    few = fit(groups, "32 MiB")
    told = re.search(r"(\d+) partitions at a time, for memory", few.model.passes[-1].note)
    assert 1 < seen.most <= int(told[1]) < THREADS["num_workers"]
    seen.most = 0
    many = fit(groups, "1 GiB")
    assert int(told[1]) < seen.most <= THREADS["num_workers"]
    assert "at a time" not in many.model.passes[-1].note
    np.testing.assert_array_equal(few.params, many.params)
    np.testing.assert_array_equal(few.bse, many.bse)


@pytest.mark.parametrize(
    ("need", "room", "near", "far"),
    [
        (10, 5, 1, 1),
        (10, 25, 2, 2),
        (2**28, 2**40, 2, 2),
        (2**27, 2**40, 4, 4),
        (2**26, 2**40, 4, 8),
    ],
)
def test_cores_read_while_memory_has_room_and_who_waits_shares_little(
    monkeypatch, need, room, near, far
):
    monkeypatch.setattr("statsmodels_ooc.engine.gate.CPU_COUNT", 4)
    assert readers_at_once(need, room, False) == near
    assert readers_at_once(need, room, True) == far


def most_at_once(path, monkeypatch, is_far):
    """Readers of a fit with eight threads on two cores."""
    monkeypatch.setattr("statsmodels_ooc.engine.gate.CPU_COUNT", 2)
    monkeypatch.setattr(ParquetPartition, "is_far", is_far)
    seen = Counted(monkeypatch)
    results = fit(path, "1 GiB")
    assert "at a time" not in results.model.passes[-1].note
    return seen.most, np.asarray(results.params)


def test_threads_beyond_the_cores_read_what_is_far(groups, monkeypatch):
    near, params = most_at_once(groups, monkeypatch, is_far=False)
    far, same = most_at_once(groups, monkeypatch, is_far=True)
    assert near <= 2 < far <= THREADS["num_workers"]
    np.testing.assert_array_equal(params, same)


def test_as_many_partitions_in_pieces_are_open_as_threads_work(groups, monkeypatch):
    monkeypatch.setattr(passes, "CPU_COUNT", 2)
    monkeypatch.setattr(gate, "CPU_COUNT", 8)
    monkeypatch.setattr(sizes, "_PIECE_ROWS", 1_000)
    monkeypatch.setattr(leaves, "longest", lambda *_: 2.0)  # shared, though they go well into two
    seen = Counted(monkeypatch)
    with dask.config.set(THREADS), smo.options.set(frame_rows=500):
        smof.ols("y ~ x0 + x1", groups).fit()
    assert seen.most == 2


def test_what_is_far(groups, tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [1.0, 3.0]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    near = [smo.as_source(given) for given in (groups, str(tmp_path / "t.csv"), frame)]
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe("/far/t.parquet", Path(groups, "0.parquet").read_bytes())
    far = [smo.as_source("memory://far/t.parquet"), smo.as_source(lambda: iter([frame]))]
    for source in near:
        assert not source.partitions[0].is_far, source.name
    for source in far:
        assert source.partitions[0].is_far, source.name


def test_what_waits_comes_in_as_others_leave():
    order, inside = [], threading.Event()

    def second():
        inside.wait(SECONDS)
        with place_to_read(70, 100, False):
            order.append("second")

    waiting = threading.Thread(target=second)
    waiting.start()
    with place_to_read(70, 100, False):
        inside.set()
        time.sleep(0.05)
        order.append("first")
    waiting.join(SECONDS)
    assert order == ["first", "second"]


def test_a_place_is_free_again_after_an_error():
    with pytest.raises(ZeroDivisionError), place_to_read(70, 100, False):
        raise ZeroDivisionError
    with place_to_read(2**60, 1, False):  # who is alone never waits
        pass


def test_a_fit_inside_of_a_pass_does_not_wait_for_it(groups):
    inner, found = [], []

    def slope(x):
        if reads_here():  # not where the formula is tried
            inner.append(fit(groups, "32 MiB").params.iloc[1])
        return x

    def outer(slope=slope):
        limits = {"memory_limit": "32 MiB", "frame_rows": GROUP}
        with dask.config.set(THREADS), smo.options.set(**limits):
            found.append(smof.ols(FORMULA + " + slope(x0):x1", groups).fit())

    thread = threading.Thread(target=outer, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive()
    assert len(found[0].params) == K + 2
    assert len(inner) == ROWS // GROUP


@pytest.mark.parametrize("where", ["lazy answer", "thread"])
def test_what_waits_for_other_threads_does_not_wait_for_ever(groups, monkeypatch, where):
    monkeypatch.setattr(gate, "_FOR_A_CORE", 0.1)
    monkeypatch.setattr(gate, "CPU_COUNT", 1)
    lazy, found = fit(groups, "1 GiB").lazy.resid, []

    def elsewhere(x):
        if not reads_here():
            return x
        if where == "thread":
            with ThreadPoolExecutor(1) as pool:
                pool.submit(fit, groups, "1 GiB").result()
            return x
        return x + 0 * lazy[:1].compute()[0]

    def outer(elsewhere=elsewhere):
        with dask.config.set(THREADS), smo.options.set(frame_rows=GROUP):
            found.append(smof.ols("y ~ elsewhere(x0)", groups).fit())

    thread = threading.Thread(target=outer, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert len(found) == 1
    assert len(found[0].params) == 2


def test_a_place_comes_back_whatever_happens_to_memory(monkeypatch):
    monkeypatch.setattr(gate, "release_unused", lambda: pytest.fail("on purpose"))
    with pytest.raises(pytest.fail.Exception, match="on purpose"), place_to_read(70, 10, False):
        pass
    monkeypatch.undo()
    with place_to_read(70, 100, False):
        assert gate._open._held == [70]


def test_who_waits_for_what_is_far_needs_no_core(monkeypatch):
    monkeypatch.setattr(gate, "CPU_COUNT", 1)
    monkeypatch.setattr(gate, "_FOR_A_CORE", SECONDS)
    done = []

    def fold():
        with place_to_read(0, 100, False):
            done.append("folded")

    with place_to_read(10, 100, True):
        thread = threading.Thread(target=fold)
        thread.start()
        thread.join(SECONDS)
        assert done == ["folded"]


def test_a_row_group_that_cannot_fit_is_refused_by_its_name(path, monkeypatch):
    monkeypatch.setattr(sizes, "_LEAST", 1)
    monkeypatch.setattr(ParquetPartition, "batches", lambda *_: pytest.fail("read"))
    with pytest.raises(MemoryLimitError, match=r"t\.parquet, row group 0: .*41 columns") as caught:
        fit(path, "8 MiB")
    assert "smaller row groups" in str(caught.value)


@pytest.mark.parametrize("count", [0, -1, "2", 1.5, True])
def test_a_number_of_workers_that_is_none_is_named(groups, count):
    with dask.config.set(num_workers=count), pytest.raises(OptionError, match="num_workers is"):
        smof.ols(FORMULA, groups).fit()


def test_what_is_written_out_is_counted(groups):
    spec = smof.ols("y ~ C(x0 > 0) * x1", groups).likelihood.stream.spec
    moments, triangle = Moments(spec.k), Triangle(spec.k)
    for compiled, dense, questions, written in (
        (False, False, [moments], spec.width),
        (False, True, [moments], spec.k),
        (True, False, [moments], 0),
        (True, False, [moments, triangle], spec.width),
    ):
        found = sizes.sizes_for(spec, dense=dense, compiled=compiled, questions=questions)
        assert found.written == written
