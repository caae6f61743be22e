"""Several workers on one partition: the same bits, and no reader that stays open."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import psutil
import pytest
import statsmodels.api as sm

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.design.columns import ColumnSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.engine import leaves as engine_leaves
from statsmodels_ooc.engine import pieces as engine_pieces
from statsmodels_ooc.engine import sizes as engine_sizes
from statsmodels_ooc.engine.leaves import longest
from statsmodels_ooc.engine.pieces import merged, tree
from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.autocovariance import Autocovariance
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.cumulative import Cusum
from statsmodels_ooc.reductions.least_squares import Triangle
from statsmodels_ooc.sources.base import Recipe, Source

FRAME, PIECE = 100, 300
SPEC = ColumnSpec("y", ["x"])


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(engine_sizes, "_PIECE_ROWS", PIECE)
    with options.set(frame_rows=FRAME, block_rows=70):
        yield


def frame(n: int = 2_050, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(list("abcde"), n)})
    data.loc[rng.random(n) < 0.1, "x"] = np.nan
    data["t"] = rng.integers(0, 40, n)
    data["y"] = data["x"].fillna(0) + (data["g"] == "b") + rng.normal(size=n)
    return data


def one_row_group(folder):
    frame().to_parquet(folder / "t.parquet", row_group_size=10**6)
    return folder / "t.parquet"


def row_groups_of_all_lengths(folder):
    for i, n in enumerate([1, 700, 1_234, 0, 300, 301]):
        frame(n, i).to_parquet(folder / f"{i}.parquet")
    return folder


def frames_of_all_lengths(folder):
    return smo.as_source([frame(n, n) for n in (650, 0, 1, 901)])


DATA = [one_row_group, row_groups_of_all_lengths, frames_of_all_lengths]


def bits(data) -> bytes:
    res = smof.ols("y ~ x + g", data).fit()
    res.summary()
    hac = smof.ols("y ~ x + g", data).fit(cov_type="HAC", cov_kwds={"maxlags": 3})
    clusters = smof.ols("y ~ x + g", data).fit(cov_type="cluster", cov_kwds={"groups": "t"})
    glm = smof.glm("I((y > 0) * 1.0) ~ x + g", data, family=sm.families.Binomial()).fit(
        cov_type="HC0"
    )
    found = (res.params, res.bse, res.resid, hac.bse, clusters.bse, glm.params, glm.bse)
    return b"".join(np.asarray(one).tobytes() for one in found)


@pytest.mark.parametrize("make", DATA)
def test_the_same_bits_whoever_folds(make, tmp_path):
    data = make(tmp_path)
    with dask.config.set(scheduler="sync"):
        alone = bits(data)
    for workers in (1, 2, 8):
        with dask.config.set(scheduler="threads", num_workers=workers):
            assert bits(data) == alone, workers
    with options.set(frame_rows=10**6):  # in one piece
        res = smof.ols("y ~ x + g", data).fit()
    np.testing.assert_allclose(smof.ols("y ~ x + g", data).fit().params, res.params, rtol=1e-11)


@pytest.mark.parametrize("make", DATA)
def test_the_same_bits_in_other_processes(make, tmp_path):
    source = smo.as_source(make(tmp_path))

    def factor() -> bytes:
        return StreamedRows(source, SPEC).fold("fit", Triangle(1))[0].r.tobytes()

    with dask.config.set(scheduler="processes", num_workers=2):
        there = factor()
    with dask.config.set(scheduler="threads", num_workers=4):
        assert factor() == there


def test_dask_arrays_of_long_chunks():
    data = frame().dropna()
    x = np.column_stack((np.ones(len(data)), data["x"]))
    y, x = (da.from_array(a, chunks=-1) for a in (data["y"].to_numpy(), x))

    def found():
        return np.asarray(smo.OLS(y, x).fit().params).tobytes()

    with dask.config.set(scheduler="sync"):
        alone = found()
    with dask.config.set(scheduler="threads", num_workers=4):
        assert found() == alone


@dataclass
class Watched(Recipe):
    """Rows that tell when they are read, and when their reader is closed."""

    table: pd.DataFrame
    breaks_at: int = 10**9
    label: str = "watched rows"
    nbytes: None = None
    read: int = 0
    opened: int = 0
    closed: int = 0
    readers: set[int] = field(default_factory=set)

    @property
    def rows(self) -> int:
        return len(self.table)

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        self.opened += 1
        try:
            for start in range(0, len(self.table), max_rows):
                if start >= self.breaks_at:
                    raise ZeroDivisionError("by hand")
                self.read += 1
                self.readers.add(threading.get_ident())
                yield self.table[list(columns)].iloc[start : start + max_rows]
        finally:
            self.closed += 1


@dataclass
class WatchedSource(Source):
    parts: list[Watched]

    @property
    def name(self) -> str:
        return "watched"

    @property
    def dtypes(self) -> Any:
        return self.parts[0].table.dtypes.to_dict()

    @property
    def partitions(self) -> list[Watched]:
        return self.parts


def watched(parts: int = 1, n: int = 2_000, **kwargs: Any) -> WatchedSource:
    rng = np.random.default_rng(0)
    tables = [pd.DataFrame(rng.normal(size=(n, 2)), columns=["x", "y"]) for _ in range(parts)]
    return WatchedSource([Watched(table, **kwargs) for table in tables])


@dataclass(frozen=True)
class Calls(Reduction[int]):
    """Count blocks, and call something for each."""

    call: Any

    def init(self) -> int:
        return 0

    def update(self, state: int, block: Any) -> int:
        self.call(block)
        return state + 1

    def merge(self, left: int, right: int) -> int:
        return left + right


def test_two_workers_fold_one_partition_at_the_same_time():
    meet, met = threading.Barrier(2), set()

    def call(block):
        if len(met) < 2 and threading.get_ident() not in met:
            meet.wait(timeout=60)
            met.add(threading.get_ident())

    with dask.config.set(scheduler="threads", num_workers=2):
        StreamedRows(watched(), SPEC).fold("fit", Calls(call))
    assert len(met) == 2


@pytest.mark.parametrize("workers", [2, 4])
@pytest.mark.parametrize("parts", [1, 2, 5])
def test_few_pieces_and_readers_are_in_memory(parts, workers):
    source, most, folded, lock = watched(parts), [0, 0], [0] * parts, threading.Lock()

    def call(block):
        with lock:
            if block.start % FRAME == 0:
                folded[block.partition] += 1
            ahead = [part.read - done for part, done in zip(source.parts, folded, strict=True)]
            most[0] = max(most[0], *ahead)
            most[1] = max(most[1], sum(part.opened - part.closed for part in source.parts))

    with dask.config.set(scheduler="threads", num_workers=workers):
        for _ in range(3):
            for part in source.parts:
                part.read = 0
            folded[:] = [0] * parts
            StreamedRows(source, SPEC).fold("fit", Calls(call))
    assert most[0] <= (workers + 1) * PIECE // FRAME
    assert most[1] <= workers


class Broken(Exception):
    pass


@pytest.mark.parametrize("error", [Broken, KeyboardInterrupt])
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("at", [0, 500, 1_900])
def test_readers_are_closed_after_an_error_in_a_fold(error, workers, at):
    source = watched(3)

    def call(block):
        if block.start >= at and block.partition == 1:
            raise error

    with dask.config.set(scheduler="threads", num_workers=workers), pytest.raises(error) as caught:
        StreamedRows(source, SPEC).fold("fit", Calls(call))
    if workers > 1:  # a whole partition is closed by its own thread
        assert [part.closed for part in source.parts] == [part.opened for part in source.parts]
    assert source.parts[1].opened == source.parts[1].closed == 1
    del caught


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("at", [0, 400, 1_900])
def test_readers_are_closed_after_an_error_in_a_read(workers, at):
    source = watched(breaks_at=at)
    with (
        dask.config.set(scheduler="threads", num_workers=workers),
        pytest.raises(ZeroDivisionError),
    ):
        StreamedRows(source, SPEC).fold("fit", Triangle(1))
    assert source.parts[0].opened == source.parts[0].closed == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_no_file_stays_open(workers, tmp_path):
    path = one_row_group(tmp_path)

    def call(block):
        if block.row(0) >= 1_000:
            raise Broken

    model = smof.ols("y ~ x", path)
    with dask.config.set(scheduler="threads", num_workers=workers), pytest.raises(Broken) as caught:
        model.likelihood.stream.fold("again", Calls(call))
    assert str(path) not in [file.path for file in psutil.Process().open_files()]
    del caught


def test_pieces_that_are_too_heavy_are_folded_by_their_reader(monkeypatch):
    with dask.config.set(scheduler="sync"):
        expected = StreamedRows(watched(), SPEC).fold("fit", Triangle(1))[0].r.tobytes()
    monkeypatch.setattr(engine_pieces, "reader_bytes", lambda: 10)
    monkeypatch.setattr(engine_leaves, "divides", lambda reductions: True)
    source, ahead, folded = watched(), [], [0]

    def call(block):
        folded[0] += block.start % FRAME == 0
        ahead.append(source.parts[0].read - folded[0])

    with dask.config.set(scheduler="threads", num_workers=4):
        triangle, _ = StreamedRows(source, SPEC).fold("fit", Triangle(1), Calls(call))
    assert triangle.r.tobytes() == expected
    assert max(ahead) <= 1


def test_rows_are_counted_and_compared_in_order():
    source = watched()
    stream = StreamedRows(source, SPEC)
    with dask.config.set(scheduler="threads", num_workers=3):
        stream.fold("fit", Triangle(1))
        stream.fold("again", Triangle(1))
        assert [(record.rows, record.partitions) for record in stream.passes] == [(2_000, 1)] * 2
        table = source.parts[0].table
        source.parts[0].table = table.iloc[[1, 0, *range(2, 2_000)]]
        with pytest.raises(SourceChangedError, match="other values of"):
            stream.fold("again", Triangle(1))


def test_progress_counts_the_rows_of_all_pieces(capsys):
    with options.set(progress=True), dask.config.set(scheduler="threads", num_workers=3):
        StreamedRows(watched(), SPEC).fold("my pass", Triangle(1))
    assert "2.00k/2.00k" in capsys.readouterr().err


def test_what_follows_the_order_of_rows_goes_on_from_piece_to_piece():
    source, asked = watched(2), (Cusum(np.zeros(1)), Autocovariance(np.zeros(1), 5))
    with dask.config.set(scheduler="threads", num_workers=3):
        found = StreamedRows(source, SPEC).fold("fit", *asked)
    with options.set(frame_rows=10**6):
        whole = StreamedRows(source, SPEC).fold("fit", *asked)
    for one, other in zip(found, whole, strict=True):
        for name in one.__dataclass_fields__:
            np.testing.assert_allclose(
                np.asarray(getattr(one, name), float), getattr(other, name), rtol=1e-9, atol=1e-9
            )


@pytest.mark.parametrize("count", range(1, 40))
def test_states_that_come_one_by_one_merge_in_the_same_tree(count):
    def merge(left, right):
        return f"({left}{right})"

    names = [f"<{i}>" for i in range(count)]
    assert merged(iter(names), merge) == tree(names, merge)


def test_threads_share_partitions_that_do_not_go_into_them():
    assert longest([1] * 10, 2) == longest([7], 1) == 1
    assert longest([1] * 10, 4) == pytest.approx(1.2)
    assert longest([1], 4) == 4
    assert longest([1, 1, 1, 5], 2) == pytest.approx(1.5)
    assert longest([0, 0], 2) == 0


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_what_threads_did_is_told(tmp_path, threads):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=30_000), "y": rng.normal(size=30_000)})
    table.to_parquet(tmp_path / "t.parquet", row_group_size=30_000)
    how = {"scheduler": "threads", "num_workers": threads}
    with dask.config.set(how), smo.options.set(frame_rows=1_000):
        passes = smof.ols("y ~ x", str(tmp_path / "t.parquet")).fit().passes
    spent = passes[-1].spent
    assert min(spent) > 0
    assert sum(spent) < threads * passes[-1].seconds
    assert re.search(r" s \(read \d+ %, build \d+ %, fold \d+ %\), 1 part", repr(passes))
    assert "<th>read</th>" in passes._repr_html_()
