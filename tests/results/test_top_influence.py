"""The rows of most influence, and outliers, of few and of many rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from covering import turns
from models.glm_cases import tight_pair
from numpy.testing import assert_allclose
from results.influence_cases import (
    CHUNK,
    DATA,
    FORMULAS,
    each,
    first_rows,
    names_of,
    pair,
    streamed,
)
from tolerances import ITERATED, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import MemoryLimitError, OptionError

METHODS = ("bonf", "sidak", "holm", "holm-sidak")


@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("method", [*METHODS, "fdr_bh", "simes-hochberg"])
def test_outliers(method: str, order: bool) -> None:
    fits = pair("categorical")
    for cutoff in (None, 0.3):
        ours, theirs = (
            r.outlier_test(method, order=order, cutoff=cutoff) for r in (fits.ours, fits.theirs)
        )
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-7)


def test_outliers_under_other_names() -> None:
    labels = [f"r{i}" for i in range(len(DATA))]
    fits = pair("weights")
    for order in (False, True):
        ours, theirs = (
            r.outlier_test(labels=labels, order=order) for r in (fits.ours, fits.theirs)
        )
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-7)


@pytest.mark.parametrize(
    ("method", "cutoff", "order"), turns((False, True), METHODS, (1e-9, 0.3, 1.5))
)
def test_outliers_of_many_rows(
    method: str, order: bool, cutoff: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = pair("categorical").theirs.outlier_test(method, order=order, cutoff=cutoff)
    for most in (100_000, 10):
        monkeypatch.setattr("statsmodels_ooc.results.outliers._MOST", most)
        ours = streamed(*FORMULAS["categorical"])
        before = len(ours.passes)
        with smo.options.set(array_limit=8):
            if most == 10 and cutoff > 1:
                with pytest.raises(MemoryLimitError, match="more than 10 of 101 rows"):
                    ours.outlier_test(method, order=order, cutoff=cutoff)
                continue
            found = [ours.outlier_test(method, order=order, cutoff=cutoff) for _ in range(2)]
        pd.testing.assert_frame_equal(found[0], theirs, rtol=1e-7)
        pd.testing.assert_frame_equal(found[0], found[1])
        assert names_of(ours, before) == ["outlier test"]


def test_what_outliers_need_in_memory_is_refused() -> None:
    ours = pair("categorical").ours
    with smo.options.set(array_limit=8):
        for arguments, what in (
            ({}, "a table of all rows needs 101 residuals"),
            ({"method": "fdr_bh", "cutoff": 0.1}, "method='fdr_bh' needs 101 residuals"),
            ({"labels": list(DATA.index), "cutoff": 0.1}, "labels for all rows need"),
        ):
            with pytest.raises(MemoryLimitError, match=f"{what}.*\nHint: method='bonf'"):
                ours.outlier_test(**arguments)


@pytest.mark.parametrize("limit", ["1 MiB", 8])
@each
def test_top_rows(name: str, limit: Any) -> None:
    ours, frame = pair(name).ours, pair(name).theirs.get_influence().summary_frame()
    k = len(ours.params)
    with smo.options.set(array_limit=limit):
        for by in frame.columns:
            if frame[by].std() < 1e-9:
                continue  # the order is that of rounding
            found, expected = ours.top_influence(5, by), first_rows(frame, by, 5)
            assert list(found.columns[:3]) == ["partition", "row_in_partition", "y"]
            assert list(found.columns[3 : 3 + k]) == list(ours.params.index)
            pd.testing.assert_frame_equal(found[frame.columns], expected, rtol=TAILS, atol=1e-9)
            assert_allclose(found["y"], DATA.loc[found.index, "y"])
            places = DATA.index.get_indexer(found.index)
            assert list(found["row_in_partition"]) == list(places % CHUNK)
            named = zip(places, found["partition"], strict=True)
            assert all(f"rows {place - place % CHUNK}-" in label for place, label in named)


def test_top_rows_are_one_pass() -> None:
    ours = streamed(*FORMULAS["missing"])
    before = len(ours.passes)
    for _ in range(2):
        assert len(ours.top_influence(4)) == 4
    assert names_of(ours, before) == ["top influence"]
    assert len(ours.top_influence(10**12)) == ours.nobs


@pytest.mark.parametrize(
    "name", ["Poisson Log", "Binomial Probit, two columns", "gamma, variances"]
)
def test_top_rows_of_generalised_models(name: str) -> None:
    fits = tight_pair(name, CHUNK)
    frame = fits.theirs.get_influence().summary_frame()
    for by in ("cooks_d", "hat_diag", "dfb_z"):
        found = fits.ours.top_influence(6, by)
        expected = first_rows(frame, by, 6)
        pd.testing.assert_frame_equal(found[frame.columns], expected, rtol=ITERATED)
        assert_allclose(found["x"], fits.theirs.model.data.frame.loc[found.index, "x"])
        response = "endog" if "two columns" in name else "y"
        assert_allclose(found[response], np.asarray(fits.theirs.model.endog)[found.index])


def test_top_rows_of_equal_size_are_the_first() -> None:
    data = pd.DataFrame({"y": [1.0, -1.0] * 40, "x": [0.0, 0.0, 1.0, 1.0] * 20})
    found = streamed("y ~ x", data=data).top_influence(5, "student_resid")
    assert list(found.index) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "cook"}, r"did you mean 'cooks_d'\? those that are: 'cooks_d', .*'dfb_Intercept'"),
        ({"m": 0}, "m=0; it is a whole number, 1 or more"),
        ({"m": 2.5}, "m=2.5; it is a whole number, 1 or more"),
        ({"m": True}, "m=True; it is a whole number, 1 or more"),
    ],
)
def test_what_is_no_ranking(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        pair("categorical").ours.top_influence(**arguments)


def parquet(folder: Path) -> Any:
    DATA.reset_index(drop=True).to_parquet(folder / "rows.parquet", row_group_size=13)
    return folder / "rows.parquet"


def stored_index(folder: Path) -> Any:
    DATA.to_parquet(folder / "rows.parquet", row_group_size=13)
    return folder / "rows.parquet"


def csv(folder: Path) -> Any:
    DATA.to_csv(folder / "rows.csv.gz", index=False)
    return folder / "rows.csv.gz"


ROADS: dict[str, Callable[[Path], Any]] = {
    "parquet": parquet,
    "stored index": stored_index,
    "compressed CSV": csv,
    "frame": lambda _: smo.as_source(DATA, chunk_rows=CHUNK),
    "dask": lambda _: dd.from_pandas(DATA, chunksize=CHUNK, sort=False),
    "function": lambda _: lambda: iter([DATA[:30], DATA[30:]]),
}


@pytest.mark.parametrize("subset", [None, "b > 2"])
@pytest.mark.parametrize("road", ROADS)
def test_top_rows_have_the_labels_of_residuals(
    road: str, subset: str | None, tmp_path: Path
) -> None:
    model = smof.ols("y ~ m", ROADS[road](tmp_path), subset=subset)
    found = model.fit().top_influence(7)
    fresh = smof.ols("y ~ m", ROADS[road](tmp_path), subset=subset).fit()
    resid = fresh.resid
    assert_allclose(found["y"] - found["m"] * fresh.params["m"] - fresh.params["Intercept"],
                    resid[found.index], rtol=1e-7)  # fmt: skip
    rows = fresh.top_influence(7)  # whose labels are known by now
    pd.testing.assert_frame_equal(rows, found)
    if subset is None and road != "dask":
        assert [record.name for record in model.passes[-1:]] == ["top influence"]
