"""The registry of covariances: names that exist, are not built, or are no names at all."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from statsmodels_ooc.reductions.sandwich import WhiteMeatState
from statsmodels_ooc.results.covariance.base import sandwich
from statsmodels_ooc.results.covariance.linear import MEATS
from statsmodels_ooc.results.covariance.registry import GLM, LINEAR, checked

STATE = WhiteMeatState(np.eye(2), 2 * np.eye(2), 3 * np.eye(2), np.zeros(2, dtype=bool))


@pytest.mark.parametrize(("kind", "factor"), [("HC0", 1), ("HC1", 2.5), ("HC2", 2), ("HC3", 3)])
def test_meats(kind: str, factor: float) -> None:
    assert_array_equal(MEATS[kind](STATE, 10.0, 4.0), factor * np.eye(2))


@pytest.mark.parametrize("name", ["fixed scale", "HC0", "HC1", "HC2", "HC3", "hc0", "fixed_scale"])
def test_available(name: str) -> None:
    entry, _ = checked(LINEAR, name, None)
    assert entry is not None
    assert entry.name.lower() == name.lower().replace("_", " ")


def test_what_there_is() -> None:
    white = ["HC0", "HC1", "HC2", "HC3"]
    kernel = ["HAC", "hac-panel", "hac-groupsum"]
    jackknife = ["cluster-crv3", "cluster-jk"]
    assert [entry.name for entry in LINEAR] == [
        "fixed scale",
        *white,
        "cluster",
        *jackknife,
        *kernel,
    ]
    assert [entry.name for entry in GLM] == [*white, "cluster", *kernel]


@pytest.mark.parametrize("name", ["nw-panel", "hac_panel", "HAC panel"])
def test_aliases(name: str) -> None:
    entry, _ = checked(LINEAR, name, {"groups": "g", "maxlags": 1})
    assert entry is not None
    assert entry.name == "hac-panel"


@pytest.mark.parametrize("name", ["HC4", "", "zzz"])
def test_unknown(name: str) -> None:
    with pytest.raises(ValueError, match="not recognized; available are"):
        checked(LINEAR, name, None)


def test_a_sandwich_is_symmetric_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    root, meat = rng.normal(size=(7, 5)), rng.normal(size=(5, 5))
    found = sandwich(root, meat @ meat.T)
    assert_array_equal(found, found.T)
