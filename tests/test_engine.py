"""Passes: the same bits whoever folds, counted, bounded and watched."""

from __future__ import annotations

import pickle
import threading

import dask
import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.design.columns import ColumnSpec
from statsmodels_ooc.engine import RowArray, StreamedRows
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.errors import MemoryLimitError, SourceChangedError, SourceError
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.facts import RowFacts
from statsmodels_ooc.reductions.least_squares import Triangle
from statsmodels_ooc.reductions.residuals import ResidualMoments
from statsmodels_ooc.results.rows import Residuals, Response
from statsmodels_ooc.sources.coerce import as_source

K = 3


def frame(n: int = 1_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {f"x{j}": rng.normal(size=n) for j in range(K)}
    return pd.DataFrame({"y": rng.normal(size=n), **columns})


SPEC = ColumnSpec("y", [f"x{j}" for j in range(K)])


def stream(chunk_rows: int = 97, n: int = 1_000) -> StreamedRows:
    return StreamedRows(as_source(frame(n), chunk_rows=chunk_rows), SPEC)


def fold_bits(scheduler: dict[str, object]) -> bytes:
    with dask.config.set(**scheduler):
        triangle, moments = stream().fold("fit", Triangle(K), ResidualMoments(np.ones(K)))
    return triangle.r.tobytes() + repr(moments).encode()


@pytest.mark.parametrize(
    "scheduler",
    [
        {"scheduler": "threads", "num_workers": 1},
        {"scheduler": "threads", "num_workers": 4},
        {"scheduler": "threads", "num_workers": 16},
        {"scheduler": "processes", "num_workers": 2},
    ],
    ids=str,
)
def test_same_bits_on_every_scheduler(scheduler):
    assert fold_bits(scheduler) == fold_bits({"scheduler": "synchronous"})


def test_blocks_do_not_depend_on_workers_but_on_settings():
    with options.set(block_rows=10):
        small = stream().fold("fit", Triangle(K))[0].r
    assert small.tobytes() != stream().fold("fit", Triangle(K))[0].r.tobytes()
    np.testing.assert_allclose(np.abs(small), np.abs(stream().fold("fit", Triangle(K))[0].r))


def test_a_pass_is_recorded():
    s = stream()
    s.fold("fit", Triangle(K))
    s.fold("again", Triangle(K), RowFacts(K))
    assert [(p.name, p.rows, p.partitions) for p in s.passes] == [
        ("fit", 1_000, 11),
        ("again", 1_000, 11),
    ]
    assert all(p.seconds > 0 for p in s.passes)


def test_design_too_wide_is_refused_before_the_first_read():
    def unread():
        raise AssertionError("read")
        yield

    wide = StreamedRows(as_source(frame()), ColumnSpec("y", [f"x{j}" for j in range(5_000)]))
    with (
        options.set(memory_limit="64 MiB"),
        pytest.raises(MemoryLimitError, match="5,000 columns need about"),
    ):
        wide.fold("fit", Triangle(5_000))
    assert wide.passes == []


def changing(values):
    """A callable source that gives other frames every time."""
    queue = list(values)
    return lambda: iter([queue.pop(0)])


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (frame(999), r"1,000 rows then, 999 now"),
        (frame(1_000, seed=1), "as many rows, with other values"),
    ],
    ids=["fewer rows", "other values"],
)
def test_changed_data_is_noticed(second, message):
    first = frame()
    s = StreamedRows(as_source(changing([first, first, second, second])), SPEC)
    s.fold("fit", Triangle(K))
    with pytest.raises(SourceChangedError, match=message):
        s.fold("again", Triangle(K))


def test_rows_come_in_order_with_known_chunks():
    rows = stream(chunk_rows=300).lazy(Response())
    assert rows.chunks == ((300, 300, 300, 100),)
    np.testing.assert_array_equal(rows.compute(), frame()["y"])


def test_small_rows_turn_into_numpy():
    resid = stream().lazy(Residuals(np.zeros(K)))
    assert isinstance(resid, RowArray)
    np.testing.assert_array_equal(np.asarray(resid), frame()["y"])


def test_large_rows_do_not_turn_into_numpy_by_accident():
    resid = stream().lazy(Residuals(np.zeros(K)))
    with options.set(array_limit="1 kiB"):
        with pytest.raises(MemoryLimitError, match=r"\.compute\(\)"):
            np.asarray(resid)
        assert len(np.asarray(resid[:5])) == 5
        assert resid.compute().shape == (1_000,)
    assert isinstance(pickle.loads(pickle.dumps(resid)), RowArray)


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_inside_and_its_own_number_outside():
    before = blas_threads()
    with one_blas_thread(), one_blas_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_blas_limit_lasts_until_the_last_has_left():
    before = blas_threads()
    inside, leave = threading.Event(), threading.Event()

    def other():
        with one_blas_thread():
            inside.set()
            leave.wait()

    thread = threading.Thread(target=other)
    with one_blas_thread():
        thread.start()
        inside.wait()
    assert blas_threads() == {1}
    leave.set()
    thread.join()
    assert blas_threads() == before


def test_progress_is_silent_without_a_terminal(capsys):
    stream().fold("fit", Triangle(K))
    assert capsys.readouterr() == ("", "")


def test_progress_names_the_pass_and_counts_rows(capsys):
    with options.set(progress=True):
        stream().fold("my pass", Triangle(K))
    shown = capsys.readouterr().err
    assert "my pass" in shown
    assert "1.00k/1.00k" in shown
    assert "100%" in shown


def test_errors_without_a_place_are_told_where():
    class Broken(ColumnSpec):
        def rows(self, frame, where):
            raise ZeroDivisionError("by hand")

    s = StreamedRows(as_source(frame(), chunk_rows=500), Broken("y", ["x0"]))
    with (
        dask.config.set(scheduler="synchronous"),
        pytest.raises(ZeroDivisionError) as caught,
    ):
        s.fold("fit", Triangle(1))
    assert "rows 0 to 499" in caught.value.__notes__[0]


def test_forgotten_rows_cannot_be_read_again():
    s = stream()
    s.forget()
    with pytest.raises(SourceError, match="gone"):
        s.fold("fit", Triangle(K))


def test_rows_in_memory_are_not_pickled():
    big = stream(n=100_000)
    big.fold("fit", Triangle(K))
    assert len(pickle.dumps(big)) < 50_000


def test_passes_are_shown_one_a_line() -> None:
    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 2.0, 5.0]})
    res = smof.ols("y ~ x", smo.as_source(frame)).fit(cov_type="HC1")
    told = repr(res.passes).split("\n")
    assert [line.lstrip("[ ").partition(":")[0] for line in told] == [
        "<pass 'fit'",
        "<pass 'robust covariance'",
    ]
    html = res.passes._repr_html_()
    assert "<td>robust covariance</td>" in html
    assert "<th>kernels</th>" in html
    assert "<td>numpy</td>" in html
    assert [record.name for record in pickle.loads(pickle.dumps(res.passes))] == [
        "fit",
        "robust covariance",
    ]
