"""What went wrong once, each with the smallest example that shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_array_equal
from tolerances import ITERATED

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import DesignError, SelectionWarning
from statsmodels_ooc.selection.ordering import PILOT, TIES, UNIFORM, hashes

F = sm.families


def counts(n: int = 2_000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    x[0] = -120  # its mean is far below what statsmodels lets a mean be
    return pd.DataFrame({"x": x, "y": rng.poisson(np.exp(0.5 + x))})


def test_a_fit_that_statsmodels_irls_loses_is_found_again() -> None:
    frame = counts()
    boss = smo.IBOSS(200, family=F.Poisson(), include_pilot=True, seed=0)
    sub = boss.select("y ~ x", frame)
    assert 0 in sub.index
    right = sm.Poisson(sub.frame["y"], sm.add_constant(sub.frame[["x"]])).fit(disp=0)
    plain = sm.GLM(sub.frame["y"], sm.add_constant(sub.frame[["x"]]), family=F.Poisson()).fit()
    assert plain.converged
    assert abs(plain.params["x"] - right.params["x"]) > 0.05
    with pytest.warns(SelectionWarning, match="IRLS ended away from the maximum of the Poisson"):
        found = sub.fit()
    assert_allclose(found.params, right.params, rtol=ITERATED)
    assert_allclose(found.bse, right.bse, rtol=ITERATED)
    assert_allclose(sub.fit(method="newton", disp=0).params, right.params, rtol=ITERATED)


def test_an_efficiency_without_a_pilot_is_at_the_parameters_of_the_models_solver() -> None:
    sub = smo.IBOSS(1_999, "uniform", family=F.Poisson()).select("y ~ x", counts())
    x = sm.add_constant(counts()[["x"]]).to_numpy()
    right = sm.Poisson(sub.frame["y"], sm.add_constant(sub.frame[["x"]])).fit(disp=0)
    mu = np.exp(x @ right.params.to_numpy())
    whole, part = (
        np.linalg.det((x[i].T * mu[i]) @ x[i] / len(i)) for i in (np.arange(2_000), sub.index)
    )
    assert_allclose(sub.efficiency(), np.sqrt(part / whole), rtol=ITERATED)


@pytest.mark.parametrize(
    ("family", "formula", "message"),
    [
        (F.Poisson(), "I(y - 5) ~ x", r"'I\(y - 5\)' is -5 at row 0 of .* Poisson"),
        (F.Gamma(F.links.Log()), "y ~ x", r"'y' is 0 at row \d+ of .* Gamma"),
        (F.Binomial(), "y ~ x", r"'y' is \d+ at row \d+ of .* Binomial"),
    ],
)
@pytest.mark.parametrize("criterion", ["D", "uniform"])
def test_responses_that_the_family_cannot_have_are_refused(
    criterion: Any, family: Any, formula: str, message: str
) -> None:
    with pytest.raises(DesignError, match=message):
        smo.IBOSS(50, criterion, family=family).select(formula, counts())


def test_raw_rows_that_turn_out_to_be_large_are_gathered_afterwards() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=3_000), "y": rng.normal(size=3_000)})
    frame["text"] = [f"{i:05d}" * 2_000 for i in range(3_000)]
    source = smo.as_source(frame, chunk_rows=500)
    with smo.options.set(memory_limit="64 MiB"):
        sub = smo.IBOSS(400).select("y ~ x", source, keep="text")
        light = smo.IBOSS(400).select("y ~ x", source)
    assert [record.name for record in sub.passes] == ["D selection", "rows"]
    assert [record.name for record in light.passes] == ["D selection"]
    assert_array_equal(sub.index, light.index)
    assert (sub.frame["text"].str[:5].astype(int) == sub.frame.index).all()


def test_pilot_uniform_selection_and_ties_are_independent() -> None:
    rows = np.arange(100_000)
    firsts = [set(np.argsort(hashes(0, rows, use))[:10_000]) for use in (TIES, PILOT, UNIFORM)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert 800 < len(firsts[one] & firsts[other]) < 1_200


def test_a_column_of_zeros_is_no_constant() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=200), "o": 0.0, "y": rng.normal(size=200)})
    sub = smo.IBOSS(50).select("y ~ 0 + o + x", frame)
    assert sub.warnings == []
    x = frame["x"].to_numpy()
    assert_allclose(sub.efficiency(), np.mean(x[sub.index] ** 2) / np.mean(x**2))


def test_ids_beyond_doubles_are_kept_exactly(tmp_path: Any) -> None:
    n = 300
    ids = pa.array([None if i == 7 else 2**60 + i for i in range(n)], pa.int64())
    y = np.random.default_rng(0).normal(size=n)
    table = pa.table(
        {"id": ids, "small": pa.array([None, *range(1, n)], pa.int64()), "y": y, "x": y**2}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    sub = smo.IBOSS(20).select("y ~ x", str(tmp_path / "a.parquet"), keep=["id", "small"])
    assert sub.frame["id"].tolist() == [pd.NA if i == 7 else 2**60 + i for i in sub.index]


def test_information_that_overflows_with_its_weight_is_none() -> None:
    """Infinite times zero has no order, and rows would depend on where blocks end."""
    x = np.r_[np.zeros(1_200), np.tile([-1.0, 1.0], 300)]
    frame = pd.DataFrame({"x": x, "y": 1, "w": 10})
    boss = smo.IBOSS(300, family=F.Poisson(), pilot_params=[709.0, 0.0])
    found = []
    for rows in (50, 5_000):
        with smo.options.set(block_rows=rows), pytest.warns(SelectionWarning):
            found.append(boss.select("y ~ x", frame, freq_weights="w"))
    assert "1,800 rows have a mean" in found[0].warnings[0]
    assert_array_equal(found[0].index, found[1].index)


def test_numbers_of_numpy_are_numbers() -> None:
    frame = counts(500)
    small = smo.IBOSS(np.int16(200), seed=np.uint8(3)).select("y ~ x", frame, keep=None)
    assert_array_equal(small.index, smo.IBOSS(200, seed=3).select("y ~ x", frame).index)
    with pytest.raises(ValueError, match="criterion must be one of"):
        smo.IBOSS(10, np.array(["D"]))


def test_rows_that_lost_a_level_tell_no_intercept() -> None:
    frame = counts(300).assign(rare=np.arange(300) == 150)
    with pytest.warns(SelectionWarning, match=r"'rare\[T.True\]' never changes"):
        sub = smo.IBOSS(20, "uniform").select("y ~ x + rare", frame)
    assert np.isnan(sub.adjusted_intercept())
    assert np.isnan(sub.efficiency())


def test_an_efficiency_at_parameters_that_nobody_knows_is_none() -> None:
    frame = pd.DataFrame({"x": np.arange(400.0)})
    frame["y"] = (frame["x"] > 200).astype(int)
    with pytest.warns(SelectionWarning) as caught:
        sub = smo.IBOSS(40, family=F.Binomial(), pilot_size=20).select("y ~ x", frame)
    assert len(caught) == 2
    assert "the pilot failed" in sub.warnings[0]
    assert "include_pilot" not in sub.warnings[1]
    assert np.isnan(sub.efficiency())
    assert sub.warnings[0].count("separated") <= 2  # not once for every try


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: smo.IBOSS(9).select(None, f), "formula is text such as 'y ~ x'"),
        (lambda f: smo.IBOSS(9).select(f["y"], f[["x"]]), "iboss_indices selects from arrays"),
        (lambda f: smo.IBOSS(9).select("y ~ x", f, keep=3), "keep is a column's name, or a list"),
        (lambda f: smo.iboss_indices([["a"], ["b"]], 2), "X must be a table of numbers"),
    ],
)
def test_what_users_mistake_is_told(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(counts(50))


def test_more_rows_than_there_are_need_no_memory() -> None:
    sub = smo.IBOSS(10**12).select("y ~ x", counts(100))
    assert len(sub.frame) == 100


def test_the_default_picture_is_not_of_dummies() -> None:
    frame = counts(300).assign(g=list("abc") * 100, z=np.arange(300.0))
    from matplotlib.figure import Figure

    fig = smo.IBOSS(60).select("y ~ g + x + z", frame).plot(fig=Figure())
    assert (fig.axes[0].get_xlabel(), fig.axes[0].get_ylabel()) == ("x", "z")


def test_the_frame_can_have_a_column_called_row() -> None:
    frame = counts(100).assign(row=1)
    sub = smo.IBOSS(10).select("y ~ x", frame, keep="row")
    assert list(sub.frame.reset_index()) == ["index", "x", "y", "row"]
