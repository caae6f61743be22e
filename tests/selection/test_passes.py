"""How many passes a selection takes, and what they are called."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.tools.sm_exceptions import DomainWarning

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import SelectionWarning

F, L = sm.families, sm.families.links
N = 400


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    x, z = rng.normal(size=N), rng.normal(size=N)
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "c": 1.5,
            "g": rng.choice(["u", "v"], N),
            "w": rng.uniform(0.5, 2, N),
            "y": x + rng.normal(size=N),
            "count": rng.poisson(np.exp(0.3 + 0.4 * x)),
            "size": rng.gamma(4, np.exp(0.2 * z) / 4),
        }
    )


FRAME = make_frame()
MEAN, SCALE = {"x": 0.0, "z": 0.1}, {"x": 1.0, "z": 0.9}
PARAMS = {"Intercept": 0.3, "x": 0.4, "z": 0.0}


def family(kind: Any, link: Any, **others: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DomainWarning)
        return kind(link, check_link=False, **others)


def names(sub: Any) -> list[str]:
    return [record.name for record in sub.passes]


def select(formula: str, settings: dict[str, Any], data: Any = None, **others: Any) -> Any:
    source = smo.as_source(FRAME, chunk_rows=70) if data is None else data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DomainWarning)
        return smo.IBOSS(30, pilot_size=100, **settings).select(formula, source, **others)


poisson = {"family": F.Poisson()}
COUNTS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "linear": ("y ~ x + z", {}, ["D selection"]),
    "linear, index": ("y ~ x + z", {"ties": "index"}, ["D selection"]),
    "linear, floor": ("y ~ x + z", {"slots": "floor"}, ["D selection"]),
    "linear, T": ("y ~ x + z", {"criterion": "T"}, ["survey", "T selection"]),
    "linear, T, means only": (
        "y ~ x + z",
        {"criterion": "T", "mean": MEAN},
        ["survey", "T selection"],
    ),
    "linear, T, all given": (
        "y ~ x + z",
        {"criterion": "T", "mean": MEAN, "scale": SCALE},
        ["T selection"],
    ),
    "uniform": ("y ~ x + z", {"criterion": "uniform"}, ["uniform selection"]),
    "a constant that nobody knew of": ("y ~ x + c", {}, ["D selection", "D selection"]),
    "poisson": ("count ~ x + z", poisson, ["survey", "D selection"]),
    "poisson, T": ("count ~ x + z", {**poisson, "criterion": "T"}, ["survey", "T selection"]),
    "poisson, uniform": (
        "count ~ x + z",
        {**poisson, "criterion": "uniform"},
        ["uniform selection"],
    ),
    "poisson, parameters only": (
        "count ~ x + z",
        {**poisson, "pilot_params": PARAMS},
        ["survey", "D selection"],
    ),
    "poisson, means only": (
        "count ~ x + z",
        {**poisson, "mean": MEAN},
        ["survey", "D selection"],
    ),
    "poisson, parameters and means": (
        "count ~ x + z",
        {**poisson, "pilot_params": PARAMS, "mean": MEAN},
        ["D selection"],
    ),
    "poisson, T, parameters and means": (
        "count ~ x + z",
        {**poisson, "pilot_params": PARAMS, "mean": MEAN, "criterion": "T"},
        ["survey", "T selection"],
    ),
    "poisson, T, all given": (
        "count ~ x + z",
        {**poisson, "pilot_params": PARAMS, "mean": MEAN, "scale": SCALE, "criterion": "T"},
        ["T selection"],
    ),
    "poisson, a constant": ("count ~ c + x", poisson, ["survey", "D selection"]),
    "equally informative: poisson, square root": (
        "count ~ x + z",
        {"family": family(F.Poisson, L.Sqrt())},
        ["D selection"],
    ),
    "equally informative: gamma, log": (
        "size ~ x + z",
        {"family": F.Gamma(L.Log())},
        ["D selection"],
    ),
    "equally informative: gaussian": ("y ~ x + z", {"family": F.Gaussian()}, ["D selection"]),
    "equally informative: inverse Gaussian": (
        "size ~ x + z",
        {"family": family(F.InverseGaussian, L.Power(-0.5))},
        ["D selection"],
    ),
    "equally informative: Tweedie": (
        "size ~ x + z",
        {"family": family(F.Tweedie, L.Power(0.25), var_power=1.5)},
        ["D selection"],
    ),
    "equally informative, T": (
        "size ~ x + z",
        {"family": F.Gamma(L.Log()), "criterion": "T"},
        ["survey", "T selection"],
    ),
}


@pytest.mark.filterwarnings("ignore:the selected rows cannot be fitted")
@pytest.mark.parametrize("name", COUNTS)
def test_passes(name: str) -> None:
    formula, settings, expected = COUNTS[name]
    sub = select(formula, settings)
    assert names(sub) == expected
    assert [record.rows for record in sub.passes] == [N] * len(expected)


def test_weights_need_means() -> None:
    assert names(select("y ~ x + z", {}, weights="w")) == ["survey", "D selection"]
    assert names(select("y ~ x + z", {"mean": MEAN}, weights="w")) == ["D selection"]
    own = {"family": F.Gamma(L.Log())}
    assert names(select("size ~ x + z", own, var_weights="w")) == ["survey", "D selection"]


def test_levels_and_transforms_are_learned_first() -> None:
    assert names(select("y ~ x + g", {})) == ["levels", "D selection"]
    assert names(select("y ~ center(x) + g", {})) == ["transforms", "levels", "D selection"]


def test_levels_that_a_file_knows_take_no_pass(tmp_path: Path) -> None:
    FRAME.astype({"g": "category"}).to_parquet(tmp_path / "f.parquet", row_group_size=90)
    assert names(select("y ~ x + g", {}, tmp_path / "f.parquet")) == ["D selection"]
    assert names(select("count ~ x + g", poisson, tmp_path / "f.parquet")) == [
        "survey",
        "D selection",
    ]


def test_hashes_need_the_numbers_of_the_rows() -> None:
    """A pass that counts, where nobody knows how long the partitions are; without hashes none."""
    count, d = "count", "D selection"
    assert names(select("y ~ x", {"ties": "index"}, subset="z > -9")) == [d]
    assert names(select("y ~ x", {}, subset="z > -9")) == [count, d]
    assert names(select("count ~ x", poisson, subset="z > -9")) == [count, "survey", d]
    given = {**poisson, "pilot_params": [0.3, 0.4], "mean": [0.0]}
    assert names(select("count ~ x", given, subset="z > -9")) == [count, d]
    given["ties"] = "index"
    assert names(select("count ~ x", given, subset="z > -9")) == [d]
    # One partition starts at row zero.
    one = smo.as_source(FRAME)
    assert names(select("y ~ x", {}, one, subset="z > -9")) == [d]
    assert names(select("y ~ x", {}, lambda: iter([FRAME[:50], FRAME[50:]]))) == [d]


def test_rows_that_nobody_carried_take_a_pass() -> None:
    with smo.options.set(memory_limit=120_000):
        assert names(select("y ~ x + z", {})) == ["D selection", "rows"]
    assert names(select("y ~ x + z", {})) == ["D selection"]


def test_a_pilot_that_fails_takes_one_pass_for_all_other_tries() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=900)})
    frame["bit"] = (frame["x"] > 0).astype(int)
    with pytest.warns(SelectionWarning) as caught:
        sub = smo.IBOSS(20, pilot_size=30, family=F.Binomial()).select("bit ~ x", frame)
    assert len(sub.pilot.attempts) == 4
    assert names(sub) == ["survey", "pilot", "D selection"]
    assert "the pilot failed" in str(caught[0].message)


def test_efficiency_takes_one_pass_once() -> None:
    for formula, settings in (("y ~ x + z", {}), ("count ~ x + z", poisson)):
        sub = select(formula, settings)
        before = names(sub)
        assert sub.efficiency() == sub.efficiency() > 1
        assert names(sub) == [*before, "efficiency"]


def test_everything_else_takes_none() -> None:
    sub = select("y ~ x + z", {})
    sub.fit()
    sub.adjusted_intercept()
    repr(sub)
    smo.OLS.from_formula("y ~ x + z", sub).fit()
    assert sub.warnings == []
    assert names(sub) == ["D selection"]


def test_adjusted_intercepts_take_no_pass_where_means_were_given_either() -> None:
    settings = {"criterion": "T", "mean": MEAN, "scale": SCALE}
    sub = select("y ~ x + z", settings)
    sub.adjusted_intercept()
    assert names(sub) == ["T selection"]


def test_all_rows() -> None:
    sub = smo.IBOSS(N, "T").select("y ~ x", FRAME)
    assert names(sub) == ["survey", "T selection"]
    assert names(smo.IBOSS(N).select("y ~ x", FRAME)) == ["D selection"]


def half() -> Any:
    """A source that is never read to its end."""

    def frames() -> Any:
        yield FRAME[:9]
        raise AssertionError("somebody read on")

    return smo.as_source(frames)


@pytest.mark.parametrize(
    ("message", "settings", "extras"),
    [
        ("include_pilot=True, but no pilot", {"include_pilot": True}, {}),
        ("no weights", {"family": F.Gaussian()}, {"weights": "w"}),
        ("no offset", {}, {"offset": "w"}),
        (
            "exposure can only be used with the log link",
            {"family": F.Binomial()},
            {"exposure": "w"},
        ),
        ("no column 'q' to keep", {}, {"keep": "q"}),
    ],
)
def test_what_can_be_refused_is_refused_before_anything_is_read(
    message: str, settings: dict[str, Any], extras: dict[str, str]
) -> None:
    with (
        pytest.raises(ValueError, match=message)
        if "keep" not in message
        else pytest.raises(NameError, match=message)
    ):
        smo.IBOSS(9, **settings).select("y ~ x", half(), **extras)


def test_too_much_memory_is_refused_before_anything_is_read() -> None:
    with smo.options.set(memory_limit=10_000), pytest.raises(MemoryError, match="candidates"):
        smo.IBOSS(900).select("y ~ x + z", half())
    with smo.options.set(memory_limit=100_000), pytest.raises(MemoryError, match="pilot of 800"):
        smo.IBOSS(9, pilot_size=800, **poisson).select("count ~ x + z", half())


def test_a_k_that_is_too_small_for_any_design_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ValueError, match="k = 1 is less than two rows"):
        smo.IBOSS(1).select("y ~ x", half())
