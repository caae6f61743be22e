"""Covariances that are robust to autocorrelation, against statsmodels."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    CovarianceWarning,
    DesignError,
    MemoryLimitError,
    MissingDataError,
    OptionError,
    RowOrderError,
)
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.periods import period_products

N, T = 180, 12


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    e = np.zeros(N)
    for t in range(1, N):
        e[t] = 0.6 * e[t - 1] + rng.normal()
    x = rng.normal(size=N).cumsum() / 5
    lengths = np.array([12, 1, 30, 7, 2, 50, 18, 60])
    firm = np.repeat([3, 9, 1, 7, 2, 8, 5, 4], lengths)
    time = np.concatenate([np.arange(m) for m in lengths])
    return pd.DataFrame(
        {
            "x": x,
            "y": 1 + x + e,
            "count": rng.poisson(np.exp(0.2 + 0.3 * x)),
            "hit": (e + x > 0).astype(int),
            "w": rng.uniform(0.5, 2, N),
            "firm": firm,
            "name": [f"firm {i}" for i in firm],
            "time": time,
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(time, unit="D"),
        }
    )


FRAME = make_frame()
MODELS: dict[str, tuple[Any, Any]] = {
    "OLS": (lambda d: smof.ols("y ~ x", d), lambda: smf.ols("y ~ x", FRAME)),
    "WLS": (
        lambda d: smof.wls("y ~ x", d, weights="w"),
        lambda: smf.wls("y ~ x", FRAME, weights=FRAME["w"]),
    ),
    "Poisson": (
        lambda d: smof.glm("count ~ x", d, family=sm.families.Poisson()),
        lambda: smf.glm("count ~ x", FRAME, family=sm.families.Poisson()),
    ),
    "probit": (
        lambda d: smof.glm("hit ~ x", d, family=sm.families.Binomial(sm.families.links.Probit())),
        lambda: smf.glm("hit ~ x", FRAME, family=sm.families.Binomial(sm.families.links.Probit())),
    ),
}


def ours(name: str = "OLS", chunk: int = 7) -> Any:
    return MODELS[name][0](smo.as_source(FRAME, chunk_rows=chunk))


@functools.cache
def shared(name: str, chunk: int) -> Any:
    """A model whose fit is made once: what each test adds is the covariance."""
    return ours(name, chunk)


def theirs(name: str, cov_type: str, keywords: dict[str, Any]) -> Any:
    model = MODELS[name][1]()
    still = {"tol": 1e-14} if isinstance(model, sm.GLM) else {}
    return model.fit(cov_type=cov_type, cov_kwds=dict(keywords), **still)


def assert_agree(found: Any, expected: Any) -> None:
    assert_allclose(found.bse, expected.bse, rtol=100 * SOLVED)
    assert_allclose(found.pvalues, expected.pvalues, rtol=1e-7)
    assert found.cov_type == expected.cov_type
    for name in ("description", "maxlags", "use_correction", "weights_func", "use_t", "adjust_df"):
        assert found.cov_kwds[name] == expected.cov_kwds[name]
    for name in ("n_groups", "df_resid_inference"):
        assert getattr(found, name, None) == getattr(expected, name, None)


HAC: dict[str, dict[str, Any]] = {
    "no lags": {"maxlags": 0},
    "a few": {"maxlags": 4},
    "longer than a block": {"maxlags": 23, "use_correction": True},
    "longer than the data": {"maxlags": 400},
    "uniform": {"maxlags": 3, "kernel": "uniform"},
    "a function": {"maxlags": 5, "weights_func": lambda m: 0.5 ** np.arange(m + 1)},
    "by rule": {"maxlags": None},
}


CHUNKS = {"OLS": 1, "WLS": 7, "Poisson": 7, "probit": 23}  # rows


@pytest.mark.parametrize("keywords", HAC)
@pytest.mark.parametrize(("name", "chunk"), [*CHUNKS.items(), ("OLS", 7)])
def test_hac(name: str, keywords: str, chunk: int) -> None:
    given = HAC[keywords]
    found = shared(name, chunk).fit(cov_type="HAC", cov_kwds=dict(given))
    expected = theirs(name, "HAC", given)
    if given["maxlags"] is None:  # of which statsmodels says None
        expected.cov_kwds["description"] = expected.cov_kwds["description"].replace("None", "4")
    assert_agree(found, expected)


PANEL: dict[str, dict[str, Any]] = {
    "groups": {"groups": "firm", "maxlags": 2},
    "text": {"groups": "name", "maxlags": 9, "use_correction": "cluster"},
    "time": {"time": "time", "maxlags": 2, "use_correction": False},
    "days": {"time": "day", "maxlags": 40, "kernel": "uniform"},
    "no lags": {"groups": "firm", "maxlags": 0},
    "df of the rows": {"groups": "firm", "maxlags": 1, "df_correction": False},
}


def in_memory(keywords: dict[str, Any]) -> dict[str, Any]:
    columns = {key: keywords[key] for key in ("groups", "time") if key in keywords}
    return {**keywords, **{key: FRAME[name].to_numpy() for key, name in columns.items()}}


@pytest.mark.parametrize("keywords", PANEL)
@pytest.mark.parametrize(
    ("name", "cov_type"), [*((name, "hac-panel") for name in MODELS), ("OLS", "nw-panel")]
)
def test_panel(name: str, keywords: str, cov_type: str) -> None:
    given = PANEL[keywords]
    expected = theirs(name, cov_type, in_memory(given))
    found = shared(name, CHUNKS[name]).fit(cov_type=cov_type, cov_kwds=dict(given))
    assert_agree(found, expected)


GROUPSUM: dict[str, dict[str, Any]] = {
    "plain": {"time": "time", "maxlags": 2},
    "hac": {"time": "time", "maxlags": 5, "use_correction": "hac"},
    "not corrected": {"time": "time", "maxlags": 1, "use_correction": False},
    "longer than time": {"time": "time", "maxlags": 70},
    "df of the rows": {"time": "time", "maxlags": 3, "df_correction": False},
}


@pytest.mark.parametrize("keywords", GROUPSUM)
@pytest.mark.parametrize(
    ("name", "cov_type"), [*((name, "hac-groupsum") for name in MODELS), ("OLS", "nw-groupsum")]
)
def test_groupsum(name: str, keywords: str, cov_type: str) -> None:
    given = GROUPSUM[keywords]
    expected = theirs(name, cov_type, in_memory(given))
    found = shared(name, CHUNKS[name]).fit(cov_type=cov_type, cov_kwds=dict(given))
    assert_agree(found, expected)


def test_periods_without_rows_keep_their_place() -> None:
    """As statsmodels, whole numbers are as far apart as they say."""
    time = (3 * FRAME["time"] + 5).to_numpy()
    found = ours().fit(cov_type="hac-groupsum", cov_kwds={"time": time, "maxlags": 4})
    assert_agree(found, theirs("OLS", "hac-groupsum", {"time": time, "maxlags": 4}))


def test_other_times_follow_one_another() -> None:
    found = ours().fit(cov_type="hac-groupsum", cov_kwds={"time": "day", "maxlags": 4})
    expected = ours().fit(cov_type="hac-groupsum", cov_kwds={"time": "time", "maxlags": 4})
    assert_allclose(found.bse, expected.bse, rtol=1e-14)


def test_a_panel_in_the_order_of_time() -> None:
    frame = FRAME.sort_values("time", kind="stable")
    data = smo.as_source(frame, chunk_rows=7)
    with pytest.raises(DesignError, match=r"rows of a group come back .*[\s\S]*hac-groupsum"):
        smof.ols("y ~ x", data).fit(cov_type="hac-panel", cov_kwds={"groups": "firm", "maxlags": 1})
    with pytest.warns(CovarianceWarning, match="time never goes back"):
        found = smof.ols("y ~ x", data).fit(
            cov_type="hac-groupsum", cov_kwds={"time": "time", "maxlags": 2}
        )
    expected = theirs("OLS", "hac-groupsum", in_memory(GROUPSUM["plain"]))
    assert_allclose(found.bse, expected.bse, rtol=100 * SOLVED)
    assert found.df_resid_inference == 0


@pytest.mark.parametrize("kind", ["array", "Series", "dask"])
@pytest.mark.parametrize("name", ["firm", "name", "time", "day"])
def test_values_may_be_given(name: str, kind: str) -> None:
    column = FRAME[name]
    given = {
        "array": column.to_numpy(),
        "Series": column,
        "dask": da.from_array(column.to_numpy(), chunks=50)
        if name != "day"
        else dd.from_pandas(column, npartitions=3),
    }[kind]
    role = "time" if name in ("time", "day") else "groups"
    model = shared("OLS", 23)
    expected = model.fit(cov_type="hac-panel", cov_kwds={role: name, "maxlags": 2})
    before = len(model.passes)
    found = model.fit(cov_type="hac-panel", cov_kwds={role: given, "maxlags": 2})
    assert len(model.passes) == before + 1  # not what is known of the column
    assert_allclose(found.bse, expected.bse, rtol=1e-14)
    assert role not in found.cov_kwds


WRONG: dict[str, tuple[str, dict[str, Any], type[Exception], str]] = {
    "no lags": ("HAC", {}, OptionError, "needs maxlags"),
    "negative": ("HAC", {"maxlags": -1}, OptionError, "whole number"),
    "half": ("HAC", {"maxlags": 1.5}, OptionError, "whole number"),
    "kernel": ("HAC", {"maxlags": 1, "kernel": "parzen"}, OptionError, "'bartlett', 'uniform'"),
    "few weights": ("HAC", {"maxlags": 2, "kernel": lambda m: [1.0]}, OptionError, "3 weights"),
    "misspelled": ("HAC", {"maxlag": 1}, OptionError, "no keyword 'maxlag'"),
    "no groups": ("hac-panel", {"maxlags": 1}, OptionError, "groups or time"),
    "two ways": ("hac-panel", {"maxlags": 1, "groups": ["firm", "time"]}, OptionError, "one way"),
    "correction": (
        "hac-groupsum",
        {"maxlags": 1, "time": "time", "use_correction": True},
        OptionError,
        "'hac', 'cluster' or False",
    ),
    "short series": ("hac-panel", {"groups": "firm", "maxlags": 60}, DesignError, "has 60 rows"),
    "missing time": (
        "hac-groupsum",
        {"maxlags": 1, "time": np.where(FRAME["time"] == 5, np.nan, FRAME["time"])},
        MissingDataError,
        "missing value of time at position 5",
    ),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("name", ["OLS", "Poisson"])
def test_what_is_wrong_is_named(name: str, case: str) -> None:
    cov_type, keywords, error, words = WRONG[case]
    with pytest.raises(error, match=words):
        ours(name).fit(cov_type=cov_type, cov_kwds=keywords)


@pytest.mark.parametrize(
    ("cov_type", "keywords"),
    [
        ("HAC", {"maxlags": 1}),
        ("hac-panel", {"groups": "firm", "maxlags": 1}),
        ("hac-groupsum", {"time": "time", "maxlags": 1}),
    ],
)
def test_rows_without_an_order_are_refused(cov_type: str, keywords: dict[str, Any]) -> None:
    frame = dd.from_pandas(FRAME, npartitions=4).clear_divisions()
    with pytest.raises(RowOrderError, match=f"{cov_type}.*divisions"):
        smof.ols("y ~ x", frame).fit(cov_type=cov_type, cov_kwds=keywords)
    if cov_type == "hac-groupsum":  # counts series by the order of rows
        smof.ols("y ~ x", frame).fit(
            cov_type=cov_type, cov_kwds={**keywords, "df_correction": False}
        )


def test_too_many_periods_are_refused() -> None:
    n = 60_000
    frame = pd.DataFrame({"y": np.arange(n) % 7.0, "x": np.arange(n) % 11.0, "t": np.arange(n)})
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=20_000))
    with options.set(memory_limit=2**22), pytest.raises(MemoryLimitError, match="periods"):
        model.fit(cov_type="hac-groupsum", cov_kwds={"time": "t", "maxlags": 1})


def test_frequencies_are_as_in_statsmodels() -> None:
    """The score of a row of frequency f is that of one row times the root of f."""
    frame = FRAME.assign(f=1 + np.arange(N) % 3)
    family = sm.families.Poisson()
    with pytest.warns(UserWarning, match="not fully supported"):
        expected = smf.glm(
            "count ~ x", frame, family=family, freq_weights=frame["f"].to_numpy()
        ).fit(cov_type="HAC", cov_kwds={"maxlags": 3}, tol=1e-14)
    with pytest.warns(UserWarning, match="not fully supported"):
        found = smof.glm(
            "count ~ x", smo.as_source(frame, chunk_rows=7), family=family, freq_weights="f"
        ).fit(cov_type="HAC", cov_kwds={"maxlags": 3})
    assert_allclose(found.bse, expected.bse, rtol=1e-8)


def test_one_pass_each_and_together() -> None:
    res = ours().fit()
    kinds = [
        ("HAC", {"maxlags": 3}),
        ("hac-panel", {"groups": "firm", "maxlags": 3}),
        ("hac-groupsum", {"time": "time", "maxlags": 3}),
        "HC3",
        ("cluster", {"groups": "firm"}),
    ]
    found = res.covariances(kinds)
    assert len(res.passes) == 2
    for (kind, keywords), cov in zip(kinds[:3], found[:3], strict=True):
        again = ours().fit(cov_type=kind, cov_kwds=dict(keywords))
        assert [record.name for record in again.passes] == ["fit", f"{kind} covariance"]
        assert_allclose(cov, again.cov_params(), rtol=1e-14)


def test_lags_take_no_more_memory_than_is_told() -> None:
    res = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7)).fit()
    far, near = (res.covariance("HAC", maxlags=m, kernel=ones) for m in (30_000_000, N))
    assert_allclose(far, near, rtol=1e-12)
    n = 400_000
    frame = pd.DataFrame({"y": np.arange(n) % 7.0, "x": np.arange(n) % 11.0})
    long = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=20_000))
    with options.set(memory_limit=2**22), pytest.raises(MemoryLimitError):
        long.fit(cov_type="HAC", cov_kwds={"maxlags": n})


def ones(lags: int) -> Any:
    return np.ones(lags + 1)


def quarters() -> pd.Series:
    names = [f"q{i}" for i in range(1, 61)]
    return pd.Series(pd.Categorical.from_codes(FRAME["time"], names, ordered=True))


@pytest.mark.parametrize("given", ["column", "array"])
def test_ordered_categories_are_in_their_order(given: str) -> None:
    """Not in that of their names, where q10 comes before q2."""
    frame = FRAME.assign(quarter=quarters())
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7))
    keywords = {"time": "quarter" if given == "column" else quarters(), "maxlags": 2}
    expected = ours().fit(cov_type="hac-groupsum", cov_kwds={"time": "time", "maxlags": 2})
    found = model.fit(cov_type="hac-groupsum", cov_kwds=keywords)
    assert_allclose(found.bse, expected.bse, rtol=1e-14)
    assert found.n_groups == expected.n_groups


MIXED = pd.Series([*FRAME["name"][:-1], 3], dtype=object)
NO_TIMES: dict[str, tuple[Any, type[Exception]]] = {
    "none among objects": (
        FRAME["name"].where(FRAME.index != 9, None).astype(object),
        MissingDataError,
    ),
    "not a number among objects": (
        FRAME["time"].astype(object).where(FRAME.index != 9, np.nan),
        MissingDataError,
    ),
    "no time with a zone": (
        FRAME["day"].dt.tz_localize("UTC").where(FRAME.index != 9),
        MissingDataError,
    ),
    "several types": (MIXED, DesignError),
    "several types, dask": (da.from_array(MIXED.to_numpy(), chunks=50), DesignError),
    "NA of dask": (
        da.from_array(FRAME["time"].astype(object).where(FRAME.index != 9, pd.NA).to_numpy(), 50),
        MissingDataError,
    ),
}


@pytest.mark.parametrize("cov_type", ["hac-groupsum", "hac-panel"])
@pytest.mark.parametrize("case", NO_TIMES)
def test_what_is_no_time_is_named(case: str, cov_type: str) -> None:
    time, error = NO_TIMES[case]
    with pytest.raises(error):
        ours().fit(cov_type=cov_type, cov_kwds={"time": time, "maxlags": 1})


def test_groups_that_differ_by_less_than_a_second() -> None:
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(FRAME["firm"] * 100, unit="ms")
    found = ours().fit(cov_type="hac-panel", cov_kwds={"groups": start, "maxlags": 2})
    expected = ours().fit(cov_type="hac-panel", cov_kwds={"groups": "firm", "maxlags": 2})
    assert_allclose(found.bse, expected.bse, rtol=1e-14)


@pytest.mark.parametrize(
    ("cov_type", "keywords"),
    [
        ("hac-groupsum", {"time": np.zeros(N), "maxlags": 1}),
        ("hac-panel", {"groups": np.zeros(N), "maxlags": 1, "use_correction": "cluster"}),
    ],
)
def test_one_group_has_no_correction(cov_type: str, keywords: dict[str, Any]) -> None:
    with pytest.raises(DesignError, match="one group or period"):
        ours().fit(cov_type=cov_type, cov_kwds=keywords)


def test_one_series_has_no_degrees_of_freedom() -> None:
    with pytest.warns(CovarianceWarning, match="one series"):
        ours().fit(cov_type="hac-panel", cov_kwds={"groups": np.zeros(N), "maxlags": 1})


@pytest.mark.parametrize(
    "kernel", [["bartlett"], {}, np.ones(3), lambda m: "abc", lambda m: 1j * np.ones(m + 1)]
)
def test_what_is_no_kernel_is_named(kernel: Any) -> None:
    with pytest.raises(OptionError, match="kernel"):
        ours().fit(cov_type="HAC", cov_kwds={"maxlags": 2, "kernel": kernel})


def test_rows_of_frequency_zero_are_no_series() -> None:
    frame = FRAME.assign(f=(FRAME["firm"] != 1) * 1)
    family = sm.families.Poisson()
    data = smo.as_source(frame, chunk_rows=7)
    with pytest.warns(UserWarning, match="not fully supported"):
        found = smof.glm("count ~ x", data, family=family, freq_weights="f").fit(
            cov_type="hac-panel", cov_kwds={"groups": "firm", "maxlags": 2}
        )
    kept = smo.as_source(frame[frame["f"] > 0], chunk_rows=7)
    expected = smof.glm("count ~ x", kept, family=family).fit(
        cov_type="hac-panel", cov_kwds={"groups": "firm", "maxlags": 2}
    )
    assert_allclose(found.bse, expected.bse, rtol=1e-8)
    assert found.n_groups == expected.n_groups == 7


@pytest.mark.parametrize("start", [2**63 - 5, -(2**63), 0, 2**63 - 2])
def test_whole_times_are_as_far_apart_as_they_say(start: int) -> None:
    kind = np.uint64 if start > 2**62 else np.int64
    steps = np.repeat([0, 1, 3, 4, 10], 2)
    times = np.array([start + int(step) for step in np.unique(steps)], dtype=kind)
    sums = np.random.default_rng(0).normal(size=(len(times), 2))
    weights = np.array([1.0, 0.7, 0.4])
    expected = period_products(np.unique(steps), sums, weights)
    assert_allclose(period_products(times, sums, weights), expected, rtol=0)
    byhand = sum(
        weights[abs(int(a) - int(b))] * np.outer(sums[i], sums[j])
        for i, a in enumerate(times.tolist())
        for j, b in enumerate(times.tolist())
        if abs(a - b) < 3
    )
    assert_allclose(expected, byhand, rtol=1e-14)


def test_times_without_an_end_are_far_from_all_others() -> None:
    times, sums = np.array([-np.inf, 0.0, 1.0, 1e303, np.inf]), np.eye(5)
    near = period_products(np.array([0, 100, 101, 200, 300]), sums, np.array([1.0, 0.5, 0.2]))
    assert_allclose(period_products(times, sums, np.array([1.0, 0.5, 0.2])), near, rtol=0)


@pytest.mark.parametrize("cov_type", ["hac-panel", "hac-groupsum"])
def test_rows_in_random_order_are_no_series(cov_type: str) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=400), "y": rng.normal(size=400)})
    frame["time"] = rng.integers(0, 20, 400)
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=70))
    with pytest.warns(CovarianceWarning, match="as often as in random order"):
        model.fit(cov_type=cov_type, cov_kwds={"time": "time", "maxlags": 1})


def test_lags_that_nobody_has_given() -> None:
    with pytest.raises(OptionError, match="needs maxlags in cov_kwds; maxlags=None chooses"):
        ours().fit(cov_type="HAC")


@pytest.mark.parametrize("cov_type", ["hac-panel", "hac-groupsum"])
def test_categories_that_parts_declare_differently(cov_type: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60)})
    frame["t"], names = np.repeat(np.arange(12), 5), [f"q{i}" for i in range(12)]
    parts = []
    for low in (0, 6):
        part = frame[(frame["t"] >= low) & (frame["t"] < low + 6)]
        quarters = pd.Categorical.from_codes(part["t"] - low, names[low : low + 6], ordered=True)
        parts.append(part.assign(q=quarters))
        parts[-1].to_parquet(tmp_path / f"{low}.parquet")
    how = {"maxlags": 1, "df_correction": False}
    expected = smof.ols("y ~ x", smo.as_source(frame)).fit(
        cov_type=cov_type, cov_kwds={"time": "t", **how}
    )
    found = smof.ols("y ~ x", [tmp_path / "0.parquet", tmp_path / "6.parquet"]).fit(
        cov_type=cov_type, cov_kwds={"time": "q", **how}
    )
    assert_allclose(found.bse, expected.bse, rtol=1e-12)
    with pytest.raises(
        DesignError, match=r"'q' is an ordered categorical, and .* other categories"
    ):
        smof.ols("y ~ x", lambda: iter(parts)).fit(cov_type=cov_type, cov_kwds={"time": "q", **how})


@pytest.mark.parametrize("kind", ["zone", "Arrow", "objects"])
def test_times_and_labels_of_a_zone_are_instants(kind: str) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60)})
    plain = pd.Series(np.repeat(pd.date_range("2024-10-20", periods=12, freq="D"), 5)).reset_index(
        drop=True
    )
    zone = plain.dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    made = {
        "zone": zone,
        "Arrow": zone.astype(pd.ArrowDtype(pa.timestamp("us", "Europe/Berlin"))),
        "objects": zone.astype(object),
    }
    frame = frame.assign(plain=plain, day=made[kind])
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7))
    for cov_type, role in (("hac-groupsum", "time"), ("cluster", "groups")):
        more = {"maxlags": 2, "df_correction": False} if role == "time" else {}
        expected = model.fit(cov_type=cov_type, cov_kwds={role: "plain", **more}).bse
        for given in ("day", frame["day"]):
            found = model.fit(cov_type=cov_type, cov_kwds={role: given, **more}).bse
            assert_allclose(found, expected, rtol=1e-13)


def test_short_panels_are_not_taken_for_random_order() -> None:
    """Of two periods a panel has series of two rows, as rows in random order have."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=400), "y": rng.normal(size=400)})
    frame["time"] = np.tile([0, 1], 200)
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=70))
    for cov_type in ("hac-panel", "hac-groupsum"):
        found = model.fit(cov_type=cov_type, cov_kwds={"time": "time", "maxlags": 1})
        assert found.n_groups == 200


def test_frequencies_in_periods_are_rows() -> None:
    frame = FRAME.assign(f=np.arange(N) % 4)
    whole = frame.loc[frame.index.repeat(frame["f"])].reset_index(drop=True)
    keywords = {"time": "time", "maxlags": 2, "df_correction": False}
    for correction in ("hac", "cluster", False):
        how = {"cov_type": "hac-groupsum", "cov_kwds": {**keywords, "use_correction": correction}}
        fits = []
        for data, given in ((frame, {"freq_weights": "f"}), (whole, {})):
            source, family = smo.as_source(data, chunk_rows=7), sm.families.Poisson()
            fits.append(smof.glm("count ~ x", source, family=family, **given).fit(tol=1e-13, **how))
        counted, spelled_out = fits
        assert_allclose(counted.bse, spelled_out.bse, rtol=1e-9)


def test_lags_that_no_period_reaches_add_nothing() -> None:
    sums = np.random.default_rng(0).normal(size=(6, 2))
    few, many = (
        period_products(np.arange(6), sums, np.r_[weights, np.zeros(more)])
        for weights, more in ((np.ones(6), 0), (np.ones(9), 50))
    )
    assert_allclose(few, many, rtol=0)


def test_the_correction_of_hac_is_a_flag() -> None:
    with pytest.raises(OptionError, match="use_correction='no'; it is True or False"):
        ours().fit(cov_type="HAC", cov_kwds={"maxlags": 2, "use_correction": "no"})


def test_one_group_has_no_degrees_of_freedom() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME.assign(one=1), chunk_rows=7))
    with pytest.warns(CovarianceWarning, match="there is one series, .* or there is one group"):
        model.fit(cov_type="hac-panel", cov_kwds={"groups": "one", "maxlags": 2})
