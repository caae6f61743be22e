"""A cluster of two processes gives the bits of threads, also when it loses a worker."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from distributed import Client, LocalCluster

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof


def data(n: int = 3_000) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    words = [letter * 400 for letter in "abc"]  # where frames end depends on memory_limit
    frame = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(words, n)})
    return frame.assign(y=rng.poisson(np.exp(0.3 * frame.x)))


def parquet(folder: Path):
    for part in range(6):
        data().iloc[part::6].to_parquet(folder / f"{part}.parquet")
    return lambda: str(folder / "*.parquet")


def csv(folder: Path):
    data().to_csv(folder / "t.csv", index=False)
    return lambda: smo.read_csv(folder / "t.csv", block_size=10_000)


def hdf5(folder: Path):
    data().to_hdf(folder / "t.h5", key="t", format="table")
    return lambda: str(folder / "t.h5")


def sql(folder: Path):
    with closing(sqlite3.connect(folder / "t.sqlite")) as connection:
        data().reset_index(names="id").to_sql("t", connection, index=False)
    return lambda: smo.read_sql("t", folder / "t.sqlite", partition_on="id", partitions=5)


KINDS = {make.__name__: make for make in (parquet, csv, hdf5, sql)}


@pytest.fixture(params=KINDS)
def source(request, tmp_path):
    (tmp_path / "data").mkdir()
    return KINDS[request.param](tmp_path / "data")


def answers(source, formula="y ~ x + C(g)", square=None):
    res = smof.glm(formula, source, family=sm.families.Poisson()).fit(cov_type="HC0")
    assert res.nobs == 3_000
    return np.concatenate(
        [res.params, res.bse, [res.llf], np.asarray(res.resid_response)]
    ).tobytes()


@pytest.fixture(scope="module")
def client():
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client


@pytest.mark.parametrize("limit", ["50%", "2 MiB"])
def test_bits_are_those_of_threads(source, client, limit):
    # A cluster reads the source itself in each pass.
    with smo.options.set(cache=False, memory_limit=limit):
        wanted = answers(source())
        with client.as_current():
            assert answers(source()) == wanted


class DiesOnce:
    """A function of a formula whose first call in another process ends that process."""

    def __init__(self, mark: Path) -> None:
        self.mark, self.home = mark, os.getpid()

    def __call__(self, x):
        if os.getpid() != self.home:
            try:
                self.mark.touch(exist_ok=False)
            except FileExistsError:
                return x**2
            os.kill(os.getpid(), signal.SIGKILL)
        return x**2


@pytest.mark.parametrize("source", ["parquet"], indirect=True)
def test_a_worker_that_is_killed_in_a_pass_changes_no_bit(source, tmp_path):
    square = DiesOnce(tmp_path / "killed")
    with smo.options.set(cache=False):
        wanted = answers(source(), "y ~ square(x)", square)
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, Client(cluster):
        assert answers(source(), "y ~ square(x)", square) == wanted
    assert square.mark.exists()
