"""Predictions with offsets, exposures and weights: columns, numbers, or values for each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from results.predicted import CHUNKS, COMPLETE, FRAME, NEW, fits, same
from tolerances import ITERATED, TAILS

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import ColumnNotFoundError, DesignError, OptionError

GIVEN: dict[str, tuple[dict[str, Any], Callable[[pd.DataFrame], dict[str, Any]]]] = {
    "nothing": ({}, lambda f: {}),
    "a column": ({"exposure": "t"}, lambda f: {"exposure": f["t"]}),
    "two": ({"exposure": "t", "offset": "w"}, lambda f: {"exposure": f["t"], "offset": f["w"]}),
    "numbers": ({"exposure": 2.0, "offset": 0.5}, lambda f: {"exposure": 2.0, "offset": 0.5}),
    "an expression": ({"offset": "np.log(t) + 1"}, lambda f: {"offset": np.log(f["t"]) + 1}),
}


@pytest.mark.parametrize("rows", CHUNKS)
@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("which", ["mean", "linear", "var_unscaled"])
def test_offsets_and_exposures_by_name(which: str, name: str, rows: int | None) -> None:
    ours, theirs = fits("glm")
    source, (given, values) = smo.as_source(NEW, chunk_rows=rows), GIVEN[name]
    expected = theirs.predict(NEW, which=which, **values(NEW))
    found = ours.predict(source, which=which, **given)
    same(found, expected, ITERATED)
    found = ours.predict(NEW, which=which, **given)  # a frame in memory knows names, too
    same(found, expected, ITERATED)
    arrays = {role: np.asarray(value) for role, value in values(COMPLETE).items()}
    found = ours.get_prediction(source, which=which, **given).summary_frame()
    expected = theirs.get_prediction(COMPLETE, which=which, **arrays).summary_frame()
    pd.testing.assert_frame_equal(found, expected, rtol=ITERATED)


@pytest.mark.parametrize("rows", CHUNKS)
@pytest.mark.parametrize("kind", ["ols", "wls"])
def test_weights_of_new_observations_by_name(kind: str, rows: int | None) -> None:
    ours, theirs = fits(kind)
    source = smo.as_source(NEW, chunk_rows=rows)
    found = ours.get_prediction(source, weights="w").summary_frame(alpha=0.2)
    expected = theirs.get_prediction(COMPLETE, weights=COMPLETE["w"].to_numpy())
    pd.testing.assert_frame_equal(found, expected.summary_frame(alpha=0.2), rtol=TAILS)


def test_weights_and_exposures_that_are_none() -> None:
    linear, _ = fits("ols")
    source = smo.as_source(NEW, chunk_rows=7)
    for weights in (-1, np.nan, {}, "w + nobody"):
        with pytest.raises((OptionError, ColumnNotFoundError)):
            linear.get_prediction(source, weights=weights)
    frame = linear.get_prediction(source, weights=0).summary_frame()
    assert np.isposinf(frame["obs_ci_upper"]).all()
    with pytest.raises(OptionError, match=r"row_labels has 2 values, and there are \d+ rows"):
        linear.get_prediction(source, row_labels=[1, 2])
    glm, _ = fits("glm")
    with pytest.raises(OptionError, match=r"offset=.*; it is a column"):
        glm.predict(source, offset={})
    exposure = np.ones(len(COMPLETE))
    exposure[3] = -1.0
    with pytest.raises(DesignError, match=r"the exposure is -1.0 at row \d"):
        glm.predict(smo.as_source(COMPLETE, chunk_rows=7), exposure=exposure)


def test_offsets_of_the_data_by_name() -> None:
    ours, theirs = fits("glm")
    for which in ("mean", "linear"):
        expected = theirs.predict(which=which, offset=FRAME["w"])
        found = ours.predict(which=which, offset="w")  # the exposure is the model's own
        assert_allclose(found, expected, rtol=ITERATED)
        assert_allclose(ours.lazy.predict(which=which, offset="w"), expected, rtol=ITERATED)
        expected = theirs.predict(which=which, exposure=FRAME["t"] * 2)
        found = ours.predict(which=which, exposure="t * 2", offset=0.0)
        assert_allclose(found, expected, rtol=ITERATED)


@pytest.mark.parametrize("which", [None, "mean"])
def test_values_for_the_rows_of_a_frame_go_with_them(which: str | None) -> None:
    glm, in_memory = fits("glm")
    assert NEW["x"].isna().any()
    known = NEW[NEW["g"].isin(FRAME["g"].dropna())]
    complete = known.dropna(subset=["x"])
    expected = in_memory.get_prediction(complete, exposure=complete["t"], which=which)
    other = known["t"].set_axis(np.arange(len(known)) + 1_000)  # values go by place
    for exposure in (known["t"], known["t"].to_numpy(), other):
        found = glm.get_prediction(known, exposure=exposure, which=which).summary_frame()
        pd.testing.assert_frame_equal(found, expected.summary_frame(), rtol=TAILS)


@pytest.mark.parametrize("kind", ["ols", "wls"])
def test_weights_for_the_rows_of_a_frame_go_with_them(kind: str) -> None:
    ours, theirs = fits(kind)
    known = NEW[NEW["g"].isin(FRAME["g"].dropna())]
    complete = known.dropna(subset=["x"])
    found = ours.get_prediction(known, weights=known["t"].to_numpy()).summary_frame()
    expected = theirs.get_prediction(complete, weights=complete["t"].to_numpy()).summary_frame()
    pd.testing.assert_frame_equal(found, expected, rtol=TAILS)


def test_an_exposure_of_the_data_is_above_zero() -> None:
    glm, _ = fits("glm")
    two = glm.get_prediction(exposure=2.0).predicted_mean
    assert_allclose(glm.get_prediction(exposure=np.array(2.0)).predicted_mean, two, rtol=0)
    for exposure in (-1.0, 0.0):
        with pytest.raises(OptionError, match="it is a number, above 0"):
            glm.get_prediction(exposure=exposure)
