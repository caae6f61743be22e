"""Binomial models of True and False, yes and no: which of them is modelled, and who says so."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from tolerances import ITERATED, SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError, ResponseWarning

ROWS = 300
BINOMIAL = sm.families.Binomial()


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=ROWS), "z": rng.normal(size=ROWS)})
    paid = rng.random(ROWS) < 1 / (1 + np.exp(-frame["x"] - 0.5))
    frame["paid"] = paid
    frame["was paid"] = paid
    frame["class"] = paid
    frame["number"] = paid.astype(int)
    frame["answer"] = np.where(paid, "yes", "no")
    frame["grade"] = pd.Categorical(np.where(paid, "bad", "good"), ["good", "bad"])
    frame["kind"] = rng.choice(["a", "b", "c"], ROWS)
    frame["same"] = "a"
    return frame


FRAME = make_frame()

# the response, what it is called, the level of its first column, the other one, its 0/1 coding
RESPONSES: dict[str, tuple[str, str, Any, Any, Any]] = {
    "bool": ("paid", "paid", False, True, FRAME["paid"]),
    "a name to be quoted": ("Q('was paid')", "Q('was paid')", False, True, FRAME["paid"]),
    "a keyword": ("Q('class')", "Q('class')", False, True, FRAME["paid"]),
    "text": ("answer", "answer", "no", "yes", FRAME["answer"] == "yes"),
    "wrapped number": ("C(number)", "number", 0, 1, FRAME["number"] == 1),
    "comparison": ("z > 0.2", "z > 0.2", False, True, FRAME["z"] > 0.2),
    "wrapped text": ("C(answer)", "answer", "no", "yes", FRAME["answer"] == "yes"),
}
ORDERED = ("grade", "grade", "good", "bad", FRAME["grade"] == "bad")


def parquet(frame: pd.DataFrame, folder: Path) -> Any:
    frame.to_parquet(folder / "t.parquet", row_group_size=100)
    return str(folder / "t.parquet")


def csv(frame: pd.DataFrame, folder: Path) -> Any:
    frame.to_csv(folder / "t.csv", index=False)
    return str(folder / "t.csv")


def dask(frame: pd.DataFrame, folder: Path) -> Any:
    return dd.from_pandas(frame, npartitions=3)


def wrapped(frame: pd.DataFrame, folder: Path) -> Any:
    return smo.as_source(frame)


ROADS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "Parquet": parquet,
    "CSV": csv,
    "dask": dask,
    "as_source": wrapped,
}
CASES = [pytest.param(road, *RESPONSES[r], id=f"{r}-{road}") for road in ROADS for r in RESPONSES]
CASES += [pytest.param(road, *ORDERED, id=f"order-{road}") for road in ROADS if road != "CSV"]


@pytest.mark.parametrize(("road", "response", "code", "first", "other", "coding"), CASES)
def test_the_value_is_named_and_the_advice_works(
    tmp_path: Path, road: str, response: str, code: str, first: Any, other: Any, coding: Any
) -> None:
    data, formula = ROADS[road](FRAME, tmp_path), f"{response} ~ x"
    with pytest.warns(ResponseWarning) as caught:
        found = smof.glm(formula, data, family=BINOMIAL).fit()
    (warning,) = caught
    assert warning.filename == __file__
    message = str(warning.message)
    assert f"{code!r} is categorical: P({code} = {first}) is modelled" in message
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = smf.glm(formula, FRAME, family=BINOMIAL).fit()
    assert_allclose(found.params, expected.params, rtol=ITERATED)

    other_way, meant = re.findall(r"(?:write|or) (C\(.*?\]\)) ~ ", message)
    assert f"For P({code} = {other}) write {other_way}" in message
    flipped = smof.glm(f"{other_way} ~ x", data, family=BINOMIAL).fit()
    coded = FRAME.assign(coded=coding.astype(float))
    plain = smf.glm("coded ~ x", coded, family=BINOMIAL).fit()
    assert_allclose(flipped.params, plain.params, rtol=ITERATED)
    assert_allclose(flipped.params, -found.params, rtol=ITERATED)  # of the logit
    same = smof.glm(f"{meant} ~ x", data, family=BINOMIAL).fit()
    assert_allclose(same.params, found.params, rtol=SOLVED)
    in_memory = smf.glm(f"{other_way} ~ x", FRAME, family=BINOMIAL).fit()
    assert_allclose(in_memory.params, flipped.params, rtol=ITERATED)


def test_the_advice_drops_missing_values_as_the_response_did() -> None:
    frame = FRAME.assign(answer=FRAME["answer"].where(FRAME.index % 10 != 3))
    with pytest.warns(ResponseWarning):
        found = smof.glm("answer ~ x", smo.as_source(frame), family=BINOMIAL).fit()
    flipped = "C(answer, levels=['yes', 'no']) ~ x"
    other = smof.glm(flipped, smo.as_source(frame), family=BINOMIAL).fit()
    assert found.nobs == other.nobs == 270
    assert_allclose(other.params, -found.params, rtol=ITERATED)


@pytest.mark.parametrize(
    "formula", ["number ~ x", "I(paid * 1) ~ x", "number + I(1 - number) ~ x", "number ~ paid"]
)
def test_numbers_do_not_warn(formula: str) -> None:
    smof.glm(formula, smo.as_source(FRAME), family=BINOMIAL)


def test_data_in_memory_take_statsmodels_own_road() -> None:
    smof.glm("paid ~ x", FRAME, family=BINOMIAL).fit()


def test_every_door_points_at_the_line_that_called_it() -> None:
    source = smo.as_source(FRAME)
    doors = [
        lambda: smo.GLM.from_formula("paid ~ x", source, family=BINOMIAL),
        lambda: smof.glm("paid ~ x", source, family=BINOMIAL),
        lambda: smo.IBOSS(50, family=BINOMIAL, pilot_size=100).select("paid ~ x", source),
    ]
    for door in doors:
        with pytest.warns(ResponseWarning, match=r"P\(paid = False\) is modelled") as caught:
            door()
        assert [warning.filename for warning in caught] == [__file__]


def test_a_selection_has_the_sign_of_the_model() -> None:
    with pytest.warns(ResponseWarning):
        sub = smo.IBOSS(100, family=BINOMIAL).select("paid ~ x", FRAME)
    assert sub.fit().params["x"] < 0
    spelled = "C(paid, levels=[True, False]) ~ x"
    assert smo.IBOSS(100, family=BINOMIAL).select(spelled, FRAME).fit().params["x"] > 0


@pytest.mark.parametrize("response", ["kind", "C(kind)"])
def test_more_than_two_levels_are_an_error(response: str) -> None:
    with pytest.raises(DesignError, match=r"(?s)multiple columns.*has two levels, .*has 3"):
        smof.glm(f"{response} ~ x", smo.as_source(FRAME), family=BINOMIAL)


@pytest.mark.parametrize("response", ["answer", "paid", "z > 0.2"])
def test_only_binomial_responses_have_two_values(response: str) -> None:
    with pytest.raises(DesignError, match=r"(?s)multiple columns: .* make it a number, such as I"):
        smof.ols(f"{response} ~ x", smo.as_source(FRAME))
    with pytest.raises(DesignError, match="multiple columns"):
        smof.glm(f"{response} ~ x", smo.as_source(FRAME), family=sm.families.Poisson())


def test_one_level_leaves_nothing_to_model() -> None:
    for model in (smof.ols, smof.glm):
        with pytest.raises(DesignError, match="'same' is categorical and has one level, 'a'"):
            model("same ~ x", smo.as_source(FRAME))
    with pytest.raises(DesignError, match="has one level"):
        smof.glm("same ~ x", smo.as_source(FRAME), family=BINOMIAL)
