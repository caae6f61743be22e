"""Every bit of some forty fits, and the names of their passes, are what they were.

``golden_fits.json`` was written by ``tests/golden_fits.py``. A change of what it says belongs
into the changelog. On another machine, or with other versions, the last digits may differ.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client, LocalCluster
from golden_fits import FITS, ON_CLUSTER, machine, told

GOLDEN = json.loads((Path(__file__).parent / "golden_fits.json").read_text(encoding="utf-8"))
ELSEWHERE = 1e-7  # of the largest number: other kernels, and what iterations make of them
UNSURE = 1e-5  # of a standard error, where predictors of 1.5e8 have no digits below 3e-8


def as_numbers(words: list[str]) -> np.ndarray:
    return np.array([float.fromhex(word) for word in words])


def at_most(bound: float, found: np.ndarray, known: np.ndarray, what: str) -> None:
    np.testing.assert_allclose(found, known, rtol=0, atol=bound, err_msg=what)


@pytest.mark.parametrize("name", FITS)
def test_a_fit_is_what_it_was(name: str) -> None:
    now, then = told(name), GOLDEN["fits"][name]
    assert now["passes"] == then["passes"]
    assert list(now["numbers"]) == list(then["numbers"])
    if machine() == GOLDEN["machine"]:
        assert now["numbers"] == then["numbers"]
    for what, words in now["numbers"].items():
        if isinstance(words, str):  # a checksum
            continue
        known = as_numbers(then["numbers"][what])
        unit: Any = np.nanmax(np.abs(known), initial=0.0) or 1.0
        bound = ELSEWHERE
        if (name, what) == ("poisson, ill-conditioned", "params"):
            unit, bound = as_numbers(then["numbers"]["bse"]), UNSURE
        at_most(bound, as_numbers(words) / unit, known / unit, what)


def test_every_fit_is_known() -> None:
    assert list(GOLDEN["fits"]) == list(FITS)


@pytest.fixture(scope="module")
def cluster() -> Any:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.mark.parametrize("name", ON_CLUSTER)
def test_a_cluster_of_two_processes_gives_the_same(name: str, cluster: Client) -> None:
    here = told(name)
    with cluster.as_current():
        assert told(name) == here
