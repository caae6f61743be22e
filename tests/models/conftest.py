"""The fits of `pairs`, one fixture a family."""

from __future__ import annotations

import pandas as pd
import pytest
from models.pairs import FRAME, MAKERS, Pair, make_pair


@pytest.fixture(params=MAKERS)
def pair(request: pytest.FixtureRequest) -> Pair:
    return make_pair(request.param)


@pytest.fixture(params=["ols formula", "wls formula"])
def formulas(request: pytest.FixtureRequest) -> Pair:
    return make_pair(request.param)


@pytest.fixture(params=["ols formula", "ols missing", "ols arrays", "ols no constant"])
def ols(request: pytest.FixtureRequest) -> Pair:
    return make_pair(request.param)


@pytest.fixture
def frame() -> pd.DataFrame:
    return FRAME.copy()
