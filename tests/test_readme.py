"""The blocks of the README run as they stand, each by itself, where the files that it names are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import statsmodels_ooc.api as smo

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf8"), re.M | re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the README's files are, small."""
    folder, rng, n = tmp_path_factory.mktemp("readme"), np.random.default_rng(0), 1_500
    places = rng.choice(["north", "south", "west"], n)
    in_two = {
        "sales": ("sales/{}.parquet", sales(rng, n, places)),
        "data": ("data/{}.parquet", linear(rng, n, places)),
        "cars": ("cars-{}.parquet", cars(rng, n, places)),
    }
    for pattern, table in in_two.values():
        for number, half in enumerate((table[: n // 3], table[n // 3 :])):
            path = folder / pattern.format(number)
            path.parent.mkdir(exist_ok=True)
            half.to_parquet(path)
    linear(rng, n, places).assign(w=rng.uniform(1, 2, n)).to_csv(folder / "survey.csv")
    schools(rng).to_csv(folder / "schools.csv", index=False)
    shops(rng, 3 * n, np.tile(places, 3)).to_parquet(folder / "shops.parquet")
    return folder


def sales(rng, n, places):
    table = pd.DataFrame({"area": rng.uniform(30, 200, n), "age": rng.integers(0, 90, n)})
    table["region"], table["garden"] = places, rng.random(n) < 0.4
    return table.assign(price=np.exp(8 + table["area"] / 99 + rng.normal(0, 0.2, n)))


def linear(rng, n, places):
    table = pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 5, n), "g": places})
    table["x"] = rng.uniform(0, 100, n)
    return table.assign(y=table["a"] + table["x"] / 9 + rng.normal(size=n))


def cars(rng, n, places):
    table = pd.DataFrame({"km": rng.uniform(2e3, 4e4, n), "age": rng.integers(0, 15, n)})
    table["region"], table["years"] = places, rng.uniform(0.2, 1, n)
    return table.assign(claims=rng.poisson(table["years"] * np.exp(table["km"] / 4e4)))


def schools(rng):
    size, passed = rng.integers(50, 900, 80), rng.integers(5, 20, 80)
    return pd.DataFrame({"size": size, "passed": passed, "failed": 25 - passed})


def shops(rng, n, places):
    table = pd.DataFrame({"trade": rng.gamma(2, 1, n), "size": rng.lognormal(size=n)})
    table["city"], table["visits"] = places, rng.poisson(np.exp(table["trade"] / 4))
    return table.assign(y=table["trade"] + rng.normal(size=n))


def test_the_blocks_are_found():
    assert len(BLOCKS) == 5


@pytest.mark.filterwarnings("ignore:.*variances are negative")  # of three regions that tell nothing
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_runs(number, folder, monkeypatch):
    monkeypatch.chdir(folder)
    before = smo.options.memory_limit
    with smo.options.set(memory_limit=before, progress=False):  # a block may set both
        exec(compile(BLOCKS[number], f"README block {number + 1}", "exec"), {})
    assert smo.options.memory_limit == before
