"""Rows of the same score come from all over the data unless somebody asks for the first ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import statsmodels_ooc.api as smo

# Many ties at the end: the rows that T takes are all alike.
pytestmark = pytest.mark.filterwarnings("ignore::statsmodels_ooc.errors.SelectionWarning")

ROWS, K = 40_000, 2_000
FORMULA = "y ~ C(g) + rounded"


def make_frame() -> pd.DataFrame:
    """A factor and a rounded number, in no order."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": rng.choice(list("abcd"), ROWS), "x": rng.normal(size=ROWS)})
    frame["rounded"] = frame["x"].round().clip(-1, 1)
    frame["y"] = frame["x"] + rng.normal(size=ROWS)
    return frame


FRAME = make_frame()


def index_of(**options: Any) -> np.ndarray:
    return smo.IBOSS(K, **options).select(FORMULA, smo.as_source(FRAME)).index


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_the_rows_are_spread_over_the_data(criterion: Any) -> None:
    """The share of the first twentieth is a twentieth, but for four standard errors."""
    share = (index_of(criterion=criterion) < ROWS / 20).mean()
    assert abs(share - 0.05) < 4 * np.sqrt(0.05 * 0.95 / K)


def test_the_first_rows_come_if_they_are_asked_for() -> None:
    assert (index_of(ties="index") < ROWS / 4).all()


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("criterion", ["D", "T"])
def test_the_rows_are_those_of_the_algorithm_in_memory(criterion: Any, seed: int) -> None:
    design = pd.get_dummies(FRAME["g"], dtype=float).iloc[:, 1:]
    exog = np.column_stack([design, FRAME["rounded"]])
    expected = smo.iboss_indices(exog, K, criterion, ties="hash", seed=seed)
    found = index_of(criterion=criterion, seed=seed)
    assert found.tolist() == sorted(expected.tolist())


def test_another_seed_takes_other_rows_and_the_same_one_the_same() -> None:
    first, again, other = index_of(), index_of(), index_of(seed=1)
    assert (first == again).all()
    assert len(np.intersect1d(first, other)) < K / 2


def test_in_memory_the_order_is_the_callers() -> None:
    ones = np.repeat([0.0, 1.0], 50)[:, None]
    assert smo.iboss_indices(ones, 4).tolist() == [0, 1, 50, 51]
