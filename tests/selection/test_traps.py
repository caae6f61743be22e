"""Data and settings that lead a selection astray: nothing of it happens silently."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose, assert_array_equal
from patsy import PatsyError
from selection.oracle import row_hash
from statsmodels.tools.sm_exceptions import DomainWarning
from tolerances import ITERATED

import statsmodels_ooc.api as smo
from statsmodels_ooc import errors
from statsmodels_ooc.errors import SelectionWarning
from statsmodels_ooc.selection.ordering import PILOT, TIES

F, L = sm.families, sm.families.links
N = 2_000


def family(kind: Any, link: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DomainWarning)
        return kind(link())


def select(
    iboss: Any, formula: str, frame: Any, rows: int = 300, **others: Any
) -> tuple[Any, list[str]]:
    """A selection, and what it warned of; every warning is one of the selection."""
    source = smo.as_source(frame, chunk_rows=rows) if isinstance(frame, pd.DataFrame) else frame
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DomainWarning)
        sub = iboss.select(formula, source, **others)
    assert {record.category for record in caught} <= {SelectionWarning}
    assert {record.filename for record in caught} <= {__file__}
    messages = [str(record.message) for record in caught]
    assert messages == sub.warnings
    return sub, messages


def hashed(n: int, seed: int = 0, purpose: int = PILOT) -> list[int]:
    """Rows in the order of their hashes."""
    return sorted(range(n), key=lambda row: row_hash(seed, row, purpose))


# --- pilots that fail


def make_frame(n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    x, z = rng.normal(size=n), rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "twice": 2 * x,
            "w": rng.uniform(0.5, 2, n),
            "bit": (rng.random(n) < 1 / (1 + np.exp(-x))).astype(int),
            "sure": (x > 0).astype(int),
            "count": rng.poisson(np.exp(0.2 + 0.3 * x)),
            "late": rng.gamma(1, 1, n) * np.where(x > 0, 9, 0.01),
        }
    )


FRAME = make_frame()
FAILURES: dict[str, tuple[str, Any, str]] = {
    "separation": ("sure ~ x + z", F.Binomial(), "the response is separated"),
    "rank": ("count ~ x + twice", F.Poisson(), "the design has rank 2 with 3 columns"),
}


def sizes(sub: Any) -> list[int]:
    return [attempt.rows for attempt in sub.pilot.attempts]


@pytest.mark.parametrize("criterion", ["D", "T"])
@pytest.mark.parametrize("name", FAILURES)
def test_pilots_that_fail_four_times_leave_rows_equally_informative(
    name: str, criterion: Any
) -> None:
    formula, own, problem = FAILURES[name]
    iboss = smo.IBOSS(60, criterion, pilot_size=40, family=own)
    sub, (first, *_) = select(iboss, formula, FRAME)
    assert sizes(sub) == [40, 80, 160, 320]
    assert all(problem in attempt.problem for attempt in sub.pilot.attempts)
    assert sub.pilot.params is None
    assert first.startswith("the pilot failed, and all rows are taken for equally informative")
    assert "Psi = 1" in first
    assert problem in first
    assert "320 rows" in first
    assert_array_equal(sub.pilot.index, sorted(hashed(N)[:320]))
    columns = formula.split(" ~ ")[1].split(" + ")
    assert_array_equal(sub.index, np.sort(smo.iboss_indices(FRAME[columns], 60, criterion)))
    linear, _ = select(smo.IBOSS(60, criterion), formula, FRAME)
    assert_array_equal(sub.index, linear.index)
    assert sub.steps.equals(linear.steps)
    assert "failed" in repr(sub.pilot)


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_weights_stay_where_a_pilot_fails(criterion: Any) -> None:
    iboss = smo.IBOSS(60, criterion, pilot_size=40, family=F.Binomial())
    sub, _ = select(iboss, "sure ~ x + z", FRAME, var_weights="w")
    x = FRAME[["x", "z"]]
    assert_array_equal(sub.index, np.sort(smo.iboss_indices(x, 60, criterion, FRAME["w"])))
    assert sub.index.tolist() != np.sort(smo.iboss_indices(x, 60, criterion)).tolist()


@pytest.mark.parametrize("own", [F.Poisson(), family(F.Poisson, L.Identity)], ids=["log", "id"])
def test_a_pilot_whose_responses_are_all_zero(own: Any) -> None:
    """The mean that fits best is one that the family cannot have."""
    frame = FRAME.copy()
    frame.loc[hashed(N)[:320], "count"] = 0
    sub, (first, *_) = select(smo.IBOSS(60, pilot_size=40, family=own), "count ~ x + z", frame)
    assert sizes(sub) == [40, 80, 160, 320]
    assert sub.pilot.params is None
    assert all(attempt.problem for attempt in sub.pilot.attempts)
    assert first.startswith("the pilot failed")
    assert_array_equal(sub.index, np.sort(smo.iboss_indices(frame[["x", "z"]], 60)))


def test_a_pilot_that_does_not_converge() -> None:
    """The best parameters are where means become impossible: nothing to converge to."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.uniform(0, 5, N)})
    frame["y"] = rng.poisson(0.8 * frame["x"]) * (frame["x"] > 1)
    own = family(F.Poisson, L.Identity)
    sub, (first, *_) = select(smo.IBOSS(60, pilot_size=30, family=own), "y ~ x", frame)
    assert sizes(sub) == [30, 60, 120, 240]
    assert all("did not converge" in attempt.problem for attempt in sub.pilot.attempts)
    assert "the pilot failed" in first
    assert_array_equal(sub.index, np.sort(smo.iboss_indices(frame[["x"]], 60)))


def test_a_pilot_of_too_few_rows_is_tried_again() -> None:
    for size, tries in ((1, [1, 2, 4, 8]), (2, [2, 4, 8])):
        iboss = smo.IBOSS(60, pilot_size=size, family=F.Poisson(), seed=4)
        sub, _ = select(iboss, "count ~ x + z", FRAME)
        few = [attempt.problem for attempt in sub.pilot.attempts if attempt.rows <= 3]
        assert few == [f"{rows} rows cannot determine 3 parameters" for rows in tries if rows <= 3]
        assert sizes(sub)[:3] == tries[:3]


def test_a_second_try_that_works() -> None:
    order = hashed(N)
    bit = FRAME["bit"].to_numpy().copy()
    bit[order[:40]] = FRAME["x"].to_numpy()[order[:40]] > 0.1
    frame = FRAME.assign(bit=bit)
    for criterion in ("D", "T"):
        iboss = smo.IBOSS(60, criterion, pilot_size=40, family=F.Binomial())
        sub, messages = select(iboss, "bit ~ x + z", frame)
        assert [attempt.rows for attempt in sub.pilot.attempts] == [40, 80]
        assert "separated" in sub.pilot.attempts[0].problem
        assert sub.pilot.attempts[1].problem == ""
        assert not any("pilot failed" in message for message in messages)
        rows = np.sort(order[:80])
        assert_array_equal(sub.pilot.index, rows)
        theirs = smf.glm("bit ~ x + z", frame.iloc[rows], family=F.Binomial()).fit(tol=1e-13)
        assert_allclose(sub.pilot.params, theirs.params, rtol=ITERATED)


def test_there_are_no_more_tries_than_rows() -> None:
    frame = FRAME[:50]
    sub, (first, *_) = select(smo.IBOSS(12, pilot_size=30, family=F.Binomial()), "sure ~ x", frame)
    assert sizes(sub) == [30, 50]
    assert "30, 50 rows: " in first
    sub, (first, *_) = select(smo.IBOSS(12, pilot_size=80, family=F.Binomial()), "sure ~ x", frame)
    assert sizes(sub) == [50]


def test_a_pilot_as_large_as_the_data_is_the_fit_of_all_rows() -> None:
    sub, messages = select(smo.IBOSS(60, pilot_size=N, family=F.Poisson()), "count ~ x", FRAME)
    theirs = smf.glm("count ~ x", FRAME, family=F.Poisson()).fit(tol=1e-13)
    assert_allclose(sub.pilot.params, theirs.params, rtol=ITERATED)
    assert sub.pilot.rows == N
    assert messages == []


# --- selected rows that cannot be fitted


def skin(n: int = 4_000) -> pd.DataFrame:
    """Far from the middle the classes are apart, in the middle they are mixed."""
    rng = np.random.default_rng(1)
    far = rng.random(n) < 0.05
    x = np.where(far, rng.choice([-1, 1], n) * rng.uniform(1.1, 1.5, n), rng.uniform(-1, 1, n))
    skin = np.where(far, x > 0, rng.random(n) < 0.5)
    return pd.DataFrame({"x": x, "skin": skin.astype(int)})


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_separation_in_the_selected_rows(criterion: Any) -> None:
    frame = skin()
    settings = {"criterion": criterion, "pilot_size": 500, "family": F.Binomial()}
    assert smf.glm("skin ~ x", frame, family=F.Binomial()).fit().bse.max() < 0.1
    sub, messages = select(smo.IBOSS(40, **settings), "skin ~ x", frame)
    assert (sub.frame["skin"] == (sub.frame["x"] > 0)).all()
    assert len(sub.pilot.attempts) == 1
    (message,) = messages
    assert "the selected rows cannot be fitted: the response is separated" in message
    assert "a fit of all rows may be fine" in message
    assert "include_pilot=True adds the pilot's rows" in message
    cured, messages = select(smo.IBOSS(40, include_pilot=True, **settings), "skin ~ x", frame)
    assert messages == []
    assert cured.k == 40
    assert set(sub.index) < set(cured.index)
    fit = cured.fit()
    assert fit.converged
    assert fit.bse.max() < 0.3


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_separation_where_parameters_were_given(criterion: Any) -> None:
    iboss = smo.IBOSS(40, criterion, family=F.Binomial(), pilot_params=[0.0, 0.5])
    _, (message,) = select(iboss, "skin ~ x", skin())
    assert "the response is separated" in message
    assert "include_pilot" not in message  # there is no pilot
    uniform = smo.IBOSS(100, "uniform", family=F.Binomial())
    assert select(uniform, "skin ~ x", skin())[1] == []


@pytest.mark.parametrize("own", [None, F.Poisson()], ids=["linear", "poisson"])
def test_a_rare_level_that_is_not_selected(own: Any) -> None:
    g = np.where(np.arange(N) % 400 == 7, "rare", "often")
    frame = FRAME.assign(g=g)
    frame.loc[frame["g"] == "rare", ["x", "z"]] = 0.0
    settings = {} if own is None else {"family": own, "pilot_params": [0.0, 0.0, 0.1, 0.1]}
    # A scale that makes the level unimportant.
    names = ["C(g)[T.rare]", "x", "z"]
    scale = dict(zip(names, [1e3, 1.0, 1.0], strict=True))
    mean = dict.fromkeys(names, 0.0)
    iboss = smo.IBOSS(50, "T", mean=mean, scale=scale, **settings)
    sub, (message,) = select(iboss, "count ~ x + z + C(g)", frame)
    assert "rare" not in set(sub.frame["g"])
    assert "the selected rows has rank 3 with 4 columns: 'C(g)[T.rare]' never changes" in message
    more, messages = select(smo.IBOSS(50, **settings), "count ~ x + z + C(g)", frame)
    assert "rare" in set(more.frame["g"])  # D takes rows for every column
    assert messages == []


def test_include_pilot_cures_a_rank_that_was_lost() -> None:
    frame = FRAME.assign(d=(np.arange(N) % 10 == 0).astype(int))
    frame.loc[frame["d"] == 1, "x"] = 0.0
    # The information is in the far rows of x, where d is 0.
    settings = {"family": F.Poisson(), "pilot_size": 200, "scale": {"x": 1.0, "d": 1e3}}
    _, (message,) = select(smo.IBOSS(30, "T", **settings), "count ~ x + d", frame)
    assert "rank 2 with 3 columns: 'd' never changes" in message
    assert "include_pilot=True" in message
    cured = smo.IBOSS(30, "T", include_pilot=True, **settings)
    assert select(cured, "count ~ x + d", frame)[1] == []


# --- ties


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_ties_on_a_sorted_file(criterion: Any) -> None:
    """Of equal rows, any are taken, or the first of the file."""
    n = 1_000
    frame = pd.DataFrame({"d": np.arange(n) % 2, "year": np.arange(n) // 10})
    frame["y"] = np.random.default_rng(0).normal(size=n)
    first, _ = select(smo.IBOSS(20, criterion, ties="index"), "y ~ d", frame)
    assert first.index.max() < 40
    if criterion == "D":
        assert_array_equal(first.index, np.arange(20))
    other, _ = select(smo.IBOSS(20, criterion), "y ~ d", frame)
    assert other.index.max() > 500
    order = hashed(n, purpose=TIES)
    if criterion == "D":
        low, high = ([i for i in order if i % 2 == d][:10] for d in (0, 1))
        assert_array_equal(other.index, sorted(low + high))
    else:
        assert_array_equal(other.index, sorted(order[:20]))
    again, _ = select(smo.IBOSS(20, criterion, seed=1), "y ~ d", frame)
    assert again.index.tolist() != other.index.tolist()


# --- rows that are none


def test_rows_with_nan_do_not_count() -> None:
    frame = FRAME[:400].copy()
    frame.loc[::3, "x"] = np.nan
    frame.loc[1, "count"] = np.nan
    frame.loc[2, "z"] = 1e6  # would be selected
    frame.loc[2, "x"] = np.nan
    sub, _ = select(smo.IBOSS(40), "count ~ x + z", frame)
    used = frame.dropna()
    assert sub.n == len(used)
    assert_array_equal(sub.index, np.sort(smo.iboss_indices(used[["x", "z"]], 40)))
    assert_array_equal(sub.frame.index, used.index[sub.index])
    assert 2 not in sub.frame.index


def test_no_row_is_left() -> None:
    frame = FRAME[:30].assign(x=np.nan)
    for iboss in (smo.IBOSS(10), smo.IBOSS(10, "T"), smo.IBOSS(10, family=F.Poisson())):
        with pytest.raises(errors.EmptyDataError, match="no row of the 30 in DataFrame is left"):
            iboss.select("count ~ x", frame)


@pytest.mark.parametrize("settings", [{}, {"criterion": "T"}, {"criterion": "uniform"}], ids=str)
@pytest.mark.parametrize("empty", ["frame", "subset", "list"])
def test_no_row_is_there(empty: str, settings: dict[str, Any]) -> None:
    data: Any = [FRAME[:0], FRAME[:0]] if empty == "list" else FRAME[:0]
    more = {}
    if empty == "subset":
        data, more = FRAME, {"subset": "x > 1e9"}
    with pytest.raises(errors.DesignError):
        smo.IBOSS(10, **settings).select("count ~ x", data, **more)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("column", ["x", "count"])
@pytest.mark.parametrize("criterion", ["D", "T", "uniform"])
def test_infinities_are_refused(criterion: Any, column: str, value: float) -> None:
    frame = FRAME[:100].astype({"count": float})
    frame.loc[33, column] = value
    with pytest.raises(errors.MissingDataError, match=f"'{column}' is {value} at row 33"):
        smo.IBOSS(10, criterion).select("count ~ x", frame)


def test_weights_that_are_none() -> None:
    frame = FRAME[:100].copy()
    frame.loc[33, "w"] = -1.0
    with pytest.raises(errors.DesignError, match=r"the weight 'w' is -1\.0 at row 33"):
        smo.IBOSS(10).select("count ~ x", frame, weights="w")


# --- how many


def test_too_few_for_every_side() -> None:
    text = "k = 5 is less than two rows for each of 3 columns"
    for settings in ({}, {"family": F.Poisson()}, {"slots": "floor"}, {"ties": "hash"}):
        with pytest.raises(ValueError, match=text):
            smo.IBOSS(5, pilot_size=90, **settings).select("count ~ x + z + w", FRAME)
    with pytest.raises(ValueError, match=text):
        smo.iboss_indices(FRAME[["x", "z", "w"]], 5)
    assert select(smo.IBOSS(5, "T"), "count ~ x + z + w", FRAME)[0].k == 5


def test_columns_that_are_constant_do_not_count() -> None:
    frame = FRAME.assign(c=1.0, e=2.0)
    sub, messages = select(smo.IBOSS(5), "count ~ c + x + z + e", frame)
    assert_array_equal(sub.index, np.sort(smo.iboss_indices(frame[["x", "z"]], 5)))
    assert messages == []
    with pytest.raises(errors.DesignError, match="every column of the design is constant"):
        smo.IBOSS(5).select("count ~ c + e", frame)
    with pytest.raises(errors.DesignError, match="every column of the design is constant"):
        smo.IBOSS(5, "T").select("count ~ 1", frame)
    assert select(smo.IBOSS(5, "uniform"), "count ~ c", frame)[0].k == 5


KINDS: dict[str, dict[str, Any]] = {
    "D": {},
    "D, floor": {"slots": "floor"},
    "D, hash": {"ties": "hash"},
    "D, poisson": {"family": F.Poisson(), "pilot_size": 50},
    "D, poisson, floor": {"family": F.Poisson(), "pilot_size": 50, "slots": "floor"},
    "D, poisson, given": {
        "family": F.Poisson(),
        "pilot_params": [0.2, 0.3, 0.0],
        "mean": [0.0, 0.0],
        "slots": "floor",
    },
    "T": {"criterion": "T"},
    "T, poisson": {"criterion": "T", "family": F.Poisson(), "pilot_size": 50},
    "T, given": {"criterion": "T", "mean": [0, 0], "scale": [1, 1]},
    "uniform": {"criterion": "uniform"},
}


@pytest.mark.parametrize("more", [0, 1, 5, 1_000])
@pytest.mark.parametrize("kind", KINDS)
def test_all_rows(kind: str, more: int) -> None:
    frame = FRAME[:90]
    sub, messages = select(smo.IBOSS(90 + more, **KINDS[kind]), "count ~ x + z", frame, 17)
    assert_array_equal(sub.index, np.arange(90))
    assert (sub.n, sub.k) == (90, 90)
    assert set(sub.steps["column"]) == {"(all)"}
    assert messages == []
    assert sub.frame.equals(frame[["x", "z", "count"]].set_axis(sub.frame.index))


@pytest.mark.parametrize("kind", KINDS)
def test_all_rows_but_one(kind: str) -> None:
    frame = FRAME[:90]
    sub, messages = select(smo.IBOSS(89, **KINDS[kind]), "count ~ x + z", frame, 17)
    assert sub.k == len(sub.index) == (88 if "slots" in KINDS[kind] else 89)
    crowd = f"{sub.k} of 90 rows are selected, more than half"
    assert [message.startswith(crowd) for message in messages] == [True] * (kind[0] == "D")


def test_all_rows_of_a_design_that_tells_them_not_apart() -> None:
    frame = FRAME[:30].assign(c=1.0)
    for criterion in ("D", "T", "uniform"):
        rows = smo.iboss_indices(frame[["c"]], 30, criterion)
        sub, _ = select(smo.IBOSS(30, criterion), "count ~ c", frame, 7)
        assert_array_equal(sub.index, rows)


@pytest.mark.parametrize(("k", "warns"), [(45, False), (46, True)])
@pytest.mark.parametrize("ties", ["index", "hash"])
def test_more_than_half(k: int, warns: bool, ties: str) -> None:
    _, messages = select(smo.IBOSS(k, ties=ties), "count ~ x + z", FRAME[:90])
    assert [f"{k} of 90 rows are selected, more than half" in m for m in messages] == [True] * warns


# --- information


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_rows_with_an_impossible_mean_are_counted_and_not_selected(criterion: Any) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.uniform(1, 5, 500)})
    frame["y"] = rng.poisson(1 + frame["x"])
    frame.loc[[77, 200, 444], "x"] = [-3.0, -9.0, -1.5]
    own = family(F.Poisson, L.Identity)
    iboss = smo.IBOSS(40, criterion, family=own, pilot_params=[1.0, 1.0])
    sub, (message,) = select(iboss, "y ~ x", frame, 60)
    assert message.startswith(
        "3 rows have a mean at the pilot's parameters that the Poisson family cannot have"
    )
    assert "the first is row 77" in message
    assert not {77, 200, 444} & set(sub.index)
    psi = np.where(frame["x"] > -1, 1 / (1 + frame["x"]), 0.0)
    assert_array_equal(sub.index, np.sort(smo.iboss_indices(frame[["x"]], 40, criterion, psi)))


def test_impossible_means_are_told_once() -> None:
    """Where a column turns out to be constant, the candidates are sought a second time."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.uniform(1, 5, 300), "c": 1.0})
    frame["y"] = rng.poisson(1 + frame["x"])
    frame.loc[9, "x"] = -3.0
    own = family(F.Poisson, L.Identity)
    given = {"pilot_params": [1.0, 1.0, 0.0], "mean": [3.0, 1.0]}
    sub, messages = select(smo.IBOSS(40, family=own, **given), "y ~ x + c", frame)
    assert [record.name for record in sub.passes] == ["D selection", "D selection"]
    assert len(messages) == 1
    assert messages[0].startswith("1 ")


@pytest.mark.parametrize("criterion", ["D", "T"])
@pytest.mark.parametrize("far", [-100.0, -300.0, -800.0])
def test_a_mean_that_is_almost_zero_says_nothing(criterion: Any, far: float) -> None:
    """Statsmodels' weights are 1.3e12 at eta = -100; they are 3.7e-44."""
    frame = FRAME[:500].copy()
    frame.loc[123, ["x", "z", "count"]] = far, 0.0, 0.0
    given = {"Intercept": 0.2, "x": 1.0, "z": 0.3}
    for settings in ({"pilot_params": given}, {"pilot_size": 250}, {"pilot_size": 500}):
        iboss = smo.IBOSS(40, criterion, family=F.Poisson(), **settings)
        sub, _ = select(iboss, "count ~ x + z", frame)
        psi = np.exp(sub.pilot.params["Intercept"] + frame[["x", "z"]] @ sub.pilot.params[1:])
        if psi[123] < 1e-9:
            assert 123 not in sub.index
    assert psi.max() < 1e3


def test_the_weights_of_statsmodels_would_select_it() -> None:
    """The reason for the test above."""
    frame = FRAME[:500].copy()
    frame.loc[123, "x"] = -100.0
    eta = 0.2 + frame["x"].to_numpy()
    with np.errstate(all="ignore"):
        wrong = F.Poisson().weights(np.exp(eta))
    assert 123 in smo.iboss_indices(frame[["x"]], 40, psi=wrong)
    assert 123 not in smo.iboss_indices(frame[["x"]], 40, psi=np.exp(eta))


# --- memory


def test_candidates_that_do_not_fit_are_refused() -> None:
    with smo.options.set(memory_limit="50 kB"):
        with pytest.raises(errors.MemoryLimitError, match=r"k = 900 of 2 columns need 2,250 cand"):
            smo.IBOSS(900).select("count ~ x + z", FRAME)
        with pytest.raises(errors.MemoryLimitError, match="k = 900 of 2 columns need 900 cand"):
            smo.IBOSS(900, "T").select("count ~ x + z", FRAME)
        with pytest.raises(errors.MemoryLimitError, match="a pilot of 900 rows does not fit"):
            smo.IBOSS(9, pilot_size=900, family=F.Poisson()).select("count ~ x + z", FRAME)
        assert select(smo.IBOSS(9), "count ~ x + z", FRAME)[0].k == 9


# --- settings that make no sense

SETTINGS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "k is none": ({"k": 0}, ValueError, "k=.*; it is a whole number, 1 or more"),
    "k is a fraction": ({"k": 9.5}, ValueError, "k=.*; it is a whole number, 1 or more"),
    "k is a flag": ({"k": True}, ValueError, "k=.*; it is a whole number, 1 or more"),
    "criterion": ({"criterion": "A"}, ValueError, "criterion must be one of"),
    "slots": ({"slots": "round"}, ValueError, "slots must be one of"),
    "ties": ({"ties": "random"}, ValueError, "ties must be one of"),
    "seed": ({"seed": -1}, ValueError, "seed is a whole number"),
    "seed, too large": ({"seed": 2**64}, ValueError, "seed is a whole number"),
    "pilot_size": ({"pilot_size": 0}, ValueError, "pilot_size=.*; it is a whole number, 1 or more"),
    "family by name": ({"family": "poisson"}, TypeError, "with parentheses"),
    "family class": ({"family": F.Poisson}, TypeError, "with parentheses"),
    "parameters of a linear model": ({"pilot_params": [1, 2]}, ValueError, "of no use"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_are_refused_at_once(name: str) -> None:
    settings, kind, text = SETTINGS[name]
    with pytest.raises(kind, match=text):
        smo.IBOSS(**{"k": 10, **settings})


POISSON = {"family": F.Poisson(), "pilot_size": 100}
CALLS: dict[str, tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = {
    "include_pilot, linear": ({"include_pilot": True}, {}, ValueError, "no pilot is needed"),
    "include_pilot, given": (
        {**POISSON, "include_pilot": True, "pilot_params": [0, 0, 0]},
        {},
        ValueError,
        "no pilot is needed",
    ),
    "include_pilot, uniform": (
        {**POISSON, "include_pilot": True, "criterion": "uniform"},
        {},
        ValueError,
        "no pilot is needed",
    ),
    "include_pilot, constant": (
        {"family": F.Gamma(L.Log()), "include_pilot": True},
        {},
        ValueError,
        "no pilot is needed",
    ),
    "keep": ({}, {"keep": "q"}, errors.ColumnNotFoundError, "no column 'q' to keep"),
    "keep, several": ({}, {"keep": ["w", "q"]}, NameError, "no column 'q' to keep"),
    "weights": (POISSON, {"weights": "w"}, ValueError, "generalized linear model has no weights"),
    "offset": ({}, {"offset": "w"}, ValueError, "a linear model has no offset"),
    "exposure": ({}, {"exposure": "w"}, ValueError, "a linear model has no exposure"),
    "freq_weights": ({}, {"freq_weights": "w"}, ValueError, "has no freq_weights"),
    "var_weights": ({}, {"var_weights": "w"}, ValueError, "has no var_weights"),
    "exposure, logit": (
        {"family": F.Binomial()},
        {"exposure": "w"},
        ValueError,
        "exposure can only be used with the log link",
    ),
    "weights, an array": ({}, {"weights": FRAME["w"]}, TypeError, "weights"),
    "missing": ({}, {"missing": "skip"}, ValueError, "missing option skip"),
    "parameters, a column": (
        {**POISSON, "pilot_params": {"Intercept": 0, "x": 1}},
        {},
        ValueError,
        "pilot_params says nothing of 'z'",
    ),
    "parameters, the intercept": (
        {**POISSON, "pilot_params": {"x": 0, "z": 1}},
        {},
        ValueError,
        "pilot_params says nothing of 'Intercept'",
    ),
    "parameters, their number": (
        {**POISSON, "pilot_params": [1.0, 2.0]},
        {},
        ValueError,
        r"pilot_params has shape \(2,\)",
    ),
    "parameters, two dimensions": (
        {**POISSON, "pilot_params": np.zeros((3, 1))},
        {},
        ValueError,
        r"pilot_params has shape \(3, 1\)",
    ),
    "parameters, NaN": (
        {**POISSON, "pilot_params": [0, np.nan, 0]},
        {},
        ValueError,
        "pilot_params is nan for 'x'",
    ),
    "means, a column": ({**POISSON, "mean": {"x": 0}}, {}, ValueError, "mean says nothing of 'z'"),
    "means, their number": ({**POISSON, "mean": [0.0]}, {}, ValueError, r"mean has shape \(1,\)"),
    "means, infinite": (
        {**POISSON, "mean": [0.0, np.inf]},
        {},
        ValueError,
        "mean is inf for 'z'",
    ),
    "scales, a column": (
        {"criterion": "T", "scale": {"z": 1}},
        {},
        ValueError,
        "scale says nothing of 'x'",
    ),
    "scales, zero": (
        {"criterion": "T", "scale": [1.0, 0.0]},
        {},
        ValueError,
        "scale is not positive for 'z'",
    ),
    "scales, negative": (
        {"criterion": "T", "scale": [-1.0, 1.0], "mean": [0, 0]},
        {},
        ValueError,
        "scale is not positive for 'x'",
    ),
    "scales, NaN": ({"criterion": "T", "scale": [np.nan, 1]}, {}, ValueError, "scale is nan"),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_that_are_refused(name: str) -> None:
    settings, extras, kind, text = CALLS[name]
    with pytest.raises(kind, match=text):
        smo.IBOSS(**{"k": 10, **settings}).select("count ~ x + z", FRAME, **extras)


def test_numbers_are_given_by_name_or_in_order() -> None:
    """With the intercept or, but for parameters, without."""
    expected = None
    for mean in (
        [0.5, -1.0],
        [9.0, 0.5, -1.0],
        {"z": -1.0, "x": 0.5},
        pd.Series({"x": 0.5, "z": -1}),
    ):
        for params in ([0.1, 0.2, 0.3], {"z": 0.3, "x": 0.2, "Intercept": 0.1}):
            iboss = smo.IBOSS(40, family=F.Poisson(), mean=mean, pilot_params=params)
            sub, _ = select(iboss, "count ~ x + z", FRAME)
            expected = sub.index if expected is None else expected
            assert_array_equal(sub.index, expected)
    turned = smo.IBOSS(40, family=F.Poisson(), mean=[-1.0, 0.5], pilot_params=[0.1, 0.3, 0.2])
    assert select(turned, "count ~ x + z", FRAME)[0].index.tolist() != expected.tolist()


def test_a_formula_without_a_response() -> None:
    with pytest.raises(PatsyError, match="missing required outcome"):
        smo.IBOSS(10).select("x + z", FRAME)


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.DomainWarning")
def test_rows_with_an_impossible_mean_are_not_taken_where_a_side_has_too_few_rows() -> None:
    """Four ones of a dummy for ten slots: the zeros go on, and impossible rows come last."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.uniform(1, 5, 1_000), "d": np.arange(1_000) % 250 == 3})
    frame["y"] = rng.poisson(1 + frame["x"])
    frame.loc[[500, 501, 502], "x"] = -9.0
    family, beta = F.Poisson(F.links.Identity()), np.array([1.0, 0.0, 1.0])
    with pytest.warns(SelectionWarning, match="3 rows have a mean") as caught:
        sub = smo.IBOSS(40, family=family, pilot_params=beta).select("y ~ d + x", frame)
    assert len([one for one in caught if one.category is SelectionWarning]) == 1
    assert not {500, 501, 502} & set(sub.index)
    x = frame[["d", "x"]].to_numpy(dtype=float)
    psi = np.where(x[:, 1] < 0, np.nan, 1 / (1 + np.maximum(x[:, 1], 0)))
    np.testing.assert_array_equal(np.sort(smo.iboss_indices(x, 40, psi=psi)), sub.index)


def test_given_facts_are_checked_even_where_nobody_needs_them() -> None:
    frame = pd.DataFrame({"x": np.arange(9.0), "y": 1.0})
    for name in ("mean", "scale"):
        with pytest.raises(ValueError, match=f"{name} has shape"):
            smo.IBOSS(2, **{name: [1, 2, 3]}).select("y ~ x", frame)
