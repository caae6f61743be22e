"""What a cluster sends does not grow with the rows, but for what is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from distributed import Client, LocalCluster
from distributed.comm.tcp import TCP

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.likelihoods import points

FEW, MANY, PARTITIONS = 20_000, 200_000, 6
SPREAD = 8_000  # bytes; which worker merges two states, and when, is not always the same
PASS = 60_000  # bytes of a pass over so many partitions
HEARTBEAT = "heartbeat_worker"  # as many as there are seconds


class Counter:
    """Bytes that a process has sent to others of the cluster."""

    def __init__(self) -> None:
        self.sent = 0
        self.write = TCP.write

    def start(self) -> None:
        write = self.write

        async def counting(comm: TCP, message: Any, *args: Any, **kwargs: Any) -> int:
            count: int = await write(comm, message, *args, **kwargs)
            if not (isinstance(message, dict) and message.get("op") == HEARTBEAT):
                self.sent += count
            return count

        TCP.write = counting


def start_counting(dask_worker: Any) -> None:
    dask_worker.sent_bytes = Counter()
    dask_worker.sent_bytes.start()


def counted(dask_worker: Any) -> int:
    return int(dask_worker.sent_bytes.sent)


@pytest.fixture(scope="module")
def sent() -> Iterator[Callable[[Callable[[], Any]], int]]:
    """Bytes between client, scheduler and two workers, while something is done."""
    here = Counter()
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, Client(cluster, set_as_default=False) as client:
        here.start()
        client.run(start_counting)

        def total() -> int:
            return here.sent + sum(client.run(counted).values())

        def of(do: Callable[[], Any]) -> int:
            before = total()
            with client.as_current(), smo.options.set(cache=False):
                do()
            return total() - before

        try:
            yield of
        finally:
            TCP.write = here.write


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """A folder of so many rows in so many files."""

    def write(rows: int, files: int = PARTITIONS) -> str:
        folder: Path = tmp_path_factory.getbasetemp() / f"{rows}-{files}"
        if not folder.exists():
            folder.mkdir()
            rng = np.random.default_rng(8)
            data = pd.DataFrame({f"x{j}": rng.normal(size=rows) for j in range(40)})
            data["g"] = rng.choice(list("abc"), rows)
            data["h"] = rng.integers(0, 9, rows)
            data["y"] = rng.poisson(np.exp(0.3 * data["x0"]))
            for part in range(files):
                data.iloc[part::files].to_parquet(folder / f"{part:03}.parquet")
        return str(folder)

    return write


def ols(data: str) -> int:
    res = smof.ols("y ~ x0 + x1 + C(g)", data).fit(cov_type="HC3")
    res.summary()
    return len(res.passes)


def wls(data: str) -> int:
    return len(smof.wls("y ~ x0 + x1 + C(g)", data, weights="np.exp(x2)").fit().passes)


def glm(data: str) -> int:
    model = smof.glm("y ~ x0 + x1 + C(g)", data, family=sm.families.Poisson())
    res = model.fit(cov_type="HC0")
    res.summary()
    assert res.null_deviance > 0
    return len(res.passes)


def factors(data: str) -> int:
    res = smof.glm("y ~ C(g) + C(h)", data, family=sm.families.Poisson()).fit()
    assert [record.name for record in res.passes][-1] == "distinct rows"
    return len(res.passes)


def clusters(data: str) -> int:
    res = smof.ols("y ~ x0", data).fit(cov_type="cluster", cov_kwds={"groups": "h"})
    return len(res.passes)


FITS = [ols, wls, glm, factors, clusters]


@pytest.mark.parametrize("fit", FITS)
def test_ten_times_the_rows_send_no_more(
    fit: Callable[[str], int],
    sent: Callable[[Callable[[], Any]], int],
    parquet: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(points, "_ROWS", 3_000)  # of the sample that a fit starts from
    few, many = parquet(FEW), parquet(MANY)
    sent(lambda: fit(few))  # functions are sent once
    passes: list[int] = []
    at_few, at_many = (sent(lambda: passes.append(fit(data))) for data in (few, many))  # noqa: B023
    more = PASS * abs(passes[1] - passes[0])
    assert abs(at_many - at_few) < SPREAD + 0.05 * at_few + more
    assert at_many < 8 * MANY  # one column


def test_a_sample_of_bounded_size_is_sent(
    sent: Callable[[Callable[[], Any]], int],
    parquet: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = parquet(MANY)
    sizes = []
    for rows in (1_000, 3_000):
        monkeypatch.setattr(points, "_ROWS", rows)
        sizes.append(sent(lambda: glm(data)))
    assert 2_000 * 8 < sizes[1] - sizes[0] < 2_000 * 8 * 20


def test_answers_for_every_row_are_sent_once(
    sent: Callable[[Callable[[], Any]], int], parquet: Callable[..., str]
) -> None:
    res = smof.ols("y ~ x0", parquet(MANY)).fit()
    assert 8 * MANY < sent(lambda: res.resid) < 2.2 * 8 * MANY  # workers, scheduler, client


def columns_of(k: int, data: str) -> Callable[[], Any]:
    formula = "y ~ " + " + ".join(f"x{j}" for j in range(k))
    return lambda: smof.ols(formula, data).fit()


@pytest.mark.parametrize("k", [2, 40])
def test_a_partition_sends_its_states(
    k: int, sent: Callable[[Callable[[], Any]], int], parquet: Callable[..., str]
) -> None:
    sent(columns_of(k, parquet(FEW)))
    few, many = (sent(columns_of(k, parquet(FEW, files))) for files in (6, 30))
    each = (many - few) / 24
    state = 8 * (k + 2) ** 2
    assert each < 9_000 + 2 * state
