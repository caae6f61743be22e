"""The same graph on a cluster of two processes, or on whatever else dask is told to use."""

from __future__ import annotations

import os
from contextlib import nullcontext

import dask
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from distributed import Client, LocalCluster, get_worker, worker_client

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import sizes as engine_sizes
from statsmodels_ooc.errors import (
    ClusterError,
    MissingExtraError,
    SourceChangedError,
    SourceError,
    UnseenLevelError,
)


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def on_cluster(client):
    with client.as_current():
        yield client


def frame(n: int = 5_000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(list("abcde"), n)})
    data["y"] = data["x"] + (data["g"] == "b") + rng.normal(size=n)
    return data


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("cluster") / "data.parquet"
    # 131,072 rows are a partition; small ones need files of their own.
    path.mkdir()
    for i in range(7):
        frame(1_000 + i).to_parquet(path / f"{i}.parquet")
    return str(path)


FORMULA = "y ~ square(x) + center(x) + C(g, Sum)"


def square(x):
    return x**2


def fitted(data):
    res = smof.ols(FORMULA, data).fit(cov_type="HC3")
    res.summary()
    return res


def bits(res) -> bytes:
    pieces = (res.params, res.bse, res.resid, res.diagn["jb"], res.diagn["omni"])
    return b"".join(np.asarray(piece).tobytes() for piece in pieces)


def test_files_give_the_same_bits_as_threads(path, on_cluster):
    there = bits(fitted(path))
    with dask.config.set(scheduler="threads"):
        here = bits(fitted(path))
    assert there == here


def test_pieces_of_a_partition_give_the_same_bits_as_threads(on_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(engine_sizes, "_PIECE_ROWS", 800)
    frame(5_500).to_parquet(tmp_path / "one.parquet")
    with smo.options.set(frame_rows=200):
        there = bits(fitted(str(tmp_path)))
        with dask.config.set(scheduler="threads", num_workers=4):
            here = bits(fitted(str(tmp_path)))
    assert there == here


def tells_settings(x):
    """A function of a formula; of one row in memory, where the formula is learned, it is one."""
    settings = (smo.options.memory_limit, smo.options.retries, smo.options.array_limit)
    return np.full(len(x), 1.0 if settings == (12_345_678, 2, 2**28) else 0.0)


def test_settings_of_here_hold_on_workers(path, on_cluster):
    with smo.options.set(memory_limit=12_345_678, retries=2):
        res = smof.ols("tells_settings(x) ~ 1", path).fit()
    assert res.params["Intercept"] == 1
    assert on_cluster.submit(lambda: smo.options.retries, pure=False).result() == 5


def test_a_frame_in_memory_gives_the_same_bits_as_threads(on_cluster):
    there = bits(fitted(smo.as_source(frame(), chunk_rows=700)))
    with dask.config.set(scheduler="threads"):
        here = bits(fitted(smo.as_source(frame(), chunk_rows=700)))
    assert there == here


def test_workers_without_numba_are_named(path):
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        client.run(exec, "import sys; sys.modules['numba'] = None")
        with (
            smo.options.set(kernels="numba"),
            pytest.raises(MissingExtraError, match=r"worker of the cluster\n.*\[fast\].*'numpy'"),
        ):
            smof.ols("y ~ x", path).fit()
        with smo.options.set(kernels="numpy"):
            assert len(smof.ols("y ~ x", path).fit().params) == 2


def counts(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(list("abcdefgh"), n)})
    data["years"] = rng.uniform(0.5, 2, n)
    data["y"] = rng.poisson(np.exp(0.3 * data["x"] + (data["g"] == "b")) * data["years"])
    return data


GLMS = {
    "streamed, codes": {"formula": "y ~ square(x) + g", "exposure": "years"},
    "distinct rows": {"formula": "y ~ g"},
}


@pytest.mark.parametrize("name", GLMS)
def test_glms_give_the_same_bits_as_threads(name, on_cluster, tmp_path):
    for i in range(5):
        counts(900 + i, i).to_parquet(tmp_path / f"{i}.parquet")

    def bits_of_glm() -> bytes:
        model = smof.glm(data=str(tmp_path), family=sm.families.Poisson(), **GLMS[name])
        res = model.fit(cov_type="HC0")
        assert (name == "distinct rows") == ("distinct rows" in [p.name for p in res.passes])
        pieces = (res.params, res.bse, res.llf, res.null_deviance, res.resid_deviance)
        return b"".join(np.asarray(piece).tobytes() for piece in pieces)

    there = bits_of_glm()
    with dask.config.set(scheduler="threads"):
        here = bits_of_glm()
    with dask.config.set(scheduler="sync"):
        alone = bits_of_glm()
    assert there == here == alone


SELECTIONS = {
    "D": {"include_pilot": True},
    "T": {"criterion": "T"},
    "uniform": {"criterion": "uniform"},
}


@pytest.mark.parametrize("kind", SELECTIONS)
def test_selections_give_the_same_bits_as_threads(kind, on_cluster, tmp_path):
    for i in range(5):
        counts(900 + i, i).to_parquet(tmp_path / f"{i}.parquet")
    iboss = smo.IBOSS(150, pilot_size=300, seed=1, family=sm.families.Poisson(), **SELECTIONS[kind])

    def bits_of_selection():
        sub = iboss.select("y ~ square(x) + g", str(tmp_path), exposure="years", keep=["x", "g"])
        assert (sub.pilot is None) == (kind == "uniform")
        pilot = b"" if sub.pilot is None else sub.pilot.params.to_numpy().tobytes()
        pieces = (sub.index, sub.frame.index, sub.frame["x"], sub.frame["y"])
        numbers = b"".join(np.asarray(piece).tobytes() for piece in pieces)
        return numbers, pilot, sub.frame["g"].tolist(), sub.steps.to_numpy().tolist()

    there = bits_of_selection()
    with dask.config.set(scheduler="threads"):
        here = bits_of_selection()
    assert there == here


def test_persisted_dask_frame(on_cluster):
    dd = pytest.importorskip("dask.dataframe")
    persisted = dd.from_pandas(frame(), npartitions=5).persist()
    res = smof.ols("y ~ x", persisted, subset="x > 0").fit()
    data = frame()
    expected = sm.OLS.from_formula("y ~ x", data[data["x"] > 0]).fit()
    np.testing.assert_allclose(res.params, expected.params, rtol=1e-12)


def test_dask_arrays(on_cluster):
    data = frame()
    x = np.column_stack((np.ones(len(data)), data["x"]))
    import dask.array as da

    res = smo.OLS(da.from_array(data["y"].to_numpy(), 1_000), da.from_array(x, 1_000)).fit()
    expected = sm.OLS(data["y"].to_numpy(), x).fit()
    np.testing.assert_allclose(res.bse, expected.bse, rtol=1e-12)


def test_errors_keep_their_class_and_place(on_cluster, tmp_path):
    frame().to_parquet(tmp_path / "a.parquet")
    model = smof.ols("y ~ C(g, levels=['a', 'b', 'c', 'd'])", str(tmp_path / "a.parquet"))
    with pytest.raises(UnseenLevelError, match=r"'g' has the level 'e' at row \d+ of"):
        model.fit()


def test_rows_without_a_label_are_left_out_on_a_cluster_too(on_cluster, tmp_path):
    frame = pd.DataFrame({"x": np.arange(60.0), "g": ["a", "b", None] * 20})
    frame["y"] = np.sin(frame["x"])
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=7)
    model = smof.ols("y ~ x", tmp_path / "t.parquet")
    with pytest.warns(smo.errors.MissingGroupWarning, match="20 of 60 rows"):
        found = model.fit(cov_type="cluster", cov_kwds={"groups": "g"})
    assert found.nobs == 40


def test_missing_rows_of_a_forgotten_source(on_cluster):
    res = smof.ols("y ~ x", smo.as_source(frame())).fit()
    res.remove_data()
    with pytest.raises(SourceError, match="gone"):
        res.resid  # noqa: B018


def test_files_that_workers_do_not_see_are_named(on_cluster, tmp_path):
    frame().to_parquet(tmp_path / "a.parquet")
    model = smof.ols("y ~ x", str(tmp_path / "a.parquet"))
    (tmp_path / "a.parquet").rename(tmp_path / "elsewhere")  # as for a worker on another machine
    with pytest.raises(SourceChangedError, match=r"not on this machine[\s\S]*same path"):
        model.fit()


def test_fits_in_tasks_give_way_to_their_passes(client, path):
    def fit(number):
        res = smof.ols("y ~ x", path, subset=f"x > {number / 10}").fit()
        return res.params.to_numpy().tobytes()

    def task(number):
        with worker_client():
            return fit(number)

    numbers = range(6)  # more than there are threads
    there = client.gather(client.map(task, numbers))
    with dask.config.set(scheduler="threads"):
        assert there == [fit(number) for number in numbers]


@pytest.mark.parametrize("is_open", [True, False])
def test_what_is_asked_later_is_read_by_whoever_is_there(client, path, is_open):
    with client.as_current():
        there = smof.ols("y ~ x", path).fit()
        lazy = there.lazy.resid
    here = smof.ols("y ~ x", path).fit()
    np.testing.assert_array_equal(lazy.compute(), here.resid)
    with client.as_current() if is_open else nullcontext():
        np.testing.assert_array_equal(
            there.get_robustcov_results("HC3").bse, here.get_robustcov_results("HC3").bse
        )


def test_workers_that_come_and_go_change_no_bit(path):
    with (
        LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster),
    ):
        cluster.adapt(minimum=0, maximum=2, interval="100ms")
        there = bits(fitted(path))
    assert there == bits(fitted(path))


@pytest.mark.parametrize("scheduler", ["processes", "synchronous"])
def test_other_schedulers_of_dask_give_the_same_bits(path, scheduler):
    def of() -> bytes:
        return smof.ols("y ~ x", path).fit().bse.to_numpy().tobytes()

    with dask.config.set(scheduler=scheduler, num_workers=2):
        there = of()
    assert there == of()


def test_a_closed_client_is_named(client, path):
    model = smof.ols("y ~ x", path)
    other = Client(client.scheduler.address, set_as_default=False)
    with other.as_current():
        other.close()
        with pytest.raises(ClusterError, match=r"connection.*is lost[\s\S]*without one"):
            model.fit()
    assert int(model.fit().nobs) > 0


def end_worker(x):
    try:
        get_worker()
    except ValueError:  # here, where the formula is learned
        return x
    os._exit(1)


def test_workers_that_die_are_named(client, path):
    scheduler = client.cluster.scheduler
    before, scheduler.allowed_failures = scheduler.allowed_failures, 0
    try:
        with (
            client.as_current(),
            pytest.raises(ClusterError, match=r"workers.*died[\s\S]*memory_limit"),
        ):
            smof.ols("y ~ end_worker(x)", path).fit()
    finally:
        scheduler.allowed_failures = before
