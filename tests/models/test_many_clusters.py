"""Clusters of several ways, and of so many that their sums do not fit into memory."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from covering import turns
from numpy.testing import assert_allclose, assert_array_equal
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import CovarianceWarning, DesignError, OptionError
from statsmodels_ooc.results.covariance import cluster

N = 400


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    firm, year = rng.integers(0, 60, N), rng.integers(0, 12, N)
    x = rng.normal(size=N) + firm / 40
    return pd.DataFrame(
        {
            "x": x,
            "y": 1 + x + rng.normal(size=60)[firm] + rng.normal(size=12)[year] + rng.normal(size=N),
            "hit": (x + rng.normal(size=N) > 0).astype(int),
            "w": rng.uniform(0.5, 2, N),
            "firm": firm,
            "name": [f"firm {i}" for i in firm],
            "year": year,
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(year, unit="D"),
            "stacked": rng.permutation(80)[np.arange(N) // 5],
            "alone": np.arange(N),
            "region": rng.integers(0, 5, N),
        }
    )


FRAME = make_frame()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Sums of no more than ten clusters stay in memory; what goes to disk does not stay there."""
    monkeypatch.setattr(cluster, "_SHARE", 2**60)
    monkeypatch.setattr(cluster, "_LEAST", 10)
    with dask.config.set({"temporary-directory": str(tmp_path)}):
        yield
    assert list(tmp_path.iterdir()) == []


def model(chunk: int = 7, kind: str = "OLS") -> Any:
    data = smo.as_source(FRAME, chunk_rows=chunk)
    if kind == "WLS":
        return smof.wls("y ~ x", data, weights="w")
    if kind == "OLS":
        return smof.ols("y ~ x", data)
    return smof.glm("hit ~ x", data, family=sm.families.Binomial())


@functools.cache
def shared(chunk: int, kind: str) -> Any:
    """A model whose fit is made once: what each test adds is the covariance."""
    return model(chunk, kind)


def theirs(kind: str = "OLS") -> Any:
    if kind == "WLS":
        return smf.wls("y ~ x", FRAME, weights=FRAME["w"])
    if kind == "OLS":
        return smf.ols("y ~ x", FRAME)
    return smf.glm("hit ~ x", FRAME, family=sm.families.Binomial())


def clustered(model: Any, groups: Any, kind: str = "cluster", **more: Any) -> Any:
    still = {"tol": 1e-14} if isinstance(model, sm.GLM) else {}
    return model.fit(cov_type=kind, cov_kwds={"groups": groups, **more}, **still)


ORDERS = {
    "name": "on disk",
    "stacked": "carried",
    "alone": "on disk",
}


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("groups", ORDERS)
@pytest.mark.parametrize(
    ("chunk", "kind"),
    [(1, "OLS"), (7, "WLS"), (7, "logit"), (150, "OLS"), (150, "logit"), (N, "WLS"), (N, "logit")],
)
def test_as_in_memory(kind: str, groups: str, chunk: int) -> None:
    ours = clustered(shared(chunk, kind), groups)
    codes = pd.factorize(FRAME[groups])[0]
    expected = clustered(theirs(kind), codes)
    assert_allclose(ours.bse, expected.bse, rtol=SOLVED if kind != "logit" else 1e-7)
    assert ours.n_groups == codes.max() + 1
    assert ours.passes[-1].note == (ORDERS[groups] if chunk < N else "in memory")


@pytest.mark.usefixtures("few")
def test_clusters_that_come_back_cost_another_pass() -> None:
    """The first two hundred rows seem to come cluster by cluster."""
    labels = np.concatenate([np.arange(200) // 4, np.arange(200) % 50])
    ours = clustered(model(20), labels)
    assert_allclose(ours.bse, clustered(theirs(), labels).bse, rtol=SOLVED)
    notes = [record.note for record in ours.passes if record.name == "cluster covariance"]
    assert notes == ["clusters came back", "on disk"]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("groups", ["name", "stacked", ["name", "year"]])
def test_workers_do_not_change_a_bit(groups: Any) -> None:
    found = []
    for workers in (1, 2, 7):
        with dask.config.set(num_workers=workers):
            found.append(np.asarray(clustered(model(20), groups).cov_params()))
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])


def test_in_memory_is_said_too() -> None:
    assert clustered(model(), "name").passes[-1].note == "in memory"


TWO: dict[str, Any] = {
    "names": ["name", "year"],
    "a name and an expression": ("firm * 2", "day"),
    "arrays": [FRAME["firm"].to_numpy(), FRAME["year"].to_numpy()],
    "columns of an array": FRAME[["firm", "year"]].to_numpy(),
    "columns of a frame": FRAME[["name", "day"]],
    "lists": [FRAME["name"].tolist(), FRAME["year"].tolist()],
    "mixed": ["name", FRAME["day"]],
}


@pytest.mark.parametrize(
    ("groups", "kind", "use_correction"),
    turns((True, False), TWO, ("OLS", "WLS", "logit")),
)
def test_two_ways(groups: str, kind: str, use_correction: bool) -> None:
    more = {"use_correction": use_correction}
    model = shared(31, kind)
    before = len(model.passes)
    ours = clustered(model, TWO[groups], **more)
    assert len(model.passes) > before  # not what is known of another spelling
    expected = clustered(theirs(kind), FRAME[["firm", "year"]].to_numpy(), **more)
    assert_allclose(ours.cov_params(), expected.cov_params(), rtol=SOLVED * 100)
    assert ours.n_groups == (60, 12)
    assert ours.df_resid_inference == 11
    assert_allclose(ours.pvalues, expected.pvalues, rtol=1e-7)


@pytest.mark.usefixtures("few")
def test_two_ways_on_disk() -> None:
    ours = clustered(model(7), ["name", "year"])
    expected = clustered(theirs(), FRAME[["firm", "year"]].to_numpy())
    assert_allclose(ours.bse, expected.bse, rtol=SOLVED * 100)
    assert ours.passes[-1].note == "on disk, on disk, on disk"


def test_three_ways() -> None:
    """By inclusion and exclusion of covariances of statsmodels of one way."""
    ways = ["firm", "year", "region"]

    def one_way(*names: str) -> Any:
        return clustered(theirs(), FRAME.groupby(list(names)).ngroup().to_numpy()).cov_params()

    expected = (
        sum(one_way(name) for name in ways)
        - sum(one_way(*pair) for pair in (ways[:2], ways[1:], ways[::2]))
        + one_way(*ways)
    )
    ours = clustered(model(), ways)
    assert_allclose(ours.cov_params(), expected, rtol=1e-8)
    assert ours.n_groups == (60, 12, 5)
    assert ours.df_resid_inference == 4
    assert ours.cov_kwds["groups"] == ways


@pytest.mark.parametrize(  # all pairs
    ("groups", "kind", "cov_type", "use_correction"),
    [
        ("name", "OLS", "cluster-jk", True),
        ("name", "WLS", "cluster-crv3", False),
        ("stacked", "OLS", "cluster-crv3", True),
        ("stacked", "WLS", "cluster-jk", False),
        ("alone", "OLS", "cluster-jk", False),
        ("alone", "WLS", "cluster-crv3", True),
    ],
)
def test_jackknife(kind: str, cov_type: str, groups: str, use_correction: bool) -> None:
    ours = clustered(model(7, kind), groups, cov_type, use_correction=use_correction)
    labels = pd.factorize(FRAME[groups])[0]
    expected = clustered(theirs(kind), labels, cov_type, use_correction=use_correction)
    assert_allclose(ours.bse, expected.bse, rtol=1e-9)
    assert ours.cov_kwds["description"] == expected.cov_kwds["description"]
    assert ours.df_resid_inference == expected.df_resid_inference
    assert_allclose(ours.pvalues, expected.pvalues, rtol=1e-7)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("groups", ORDERS)
def test_jackknife_of_many(groups: str) -> None:
    ours = clustered(model(7), groups, "cluster-crv3")
    expected = clustered(theirs(), pd.factorize(FRAME[groups])[0], "cluster-crv3")
    assert_allclose(ours.bse, expected.bse, rtol=1e-9)
    assert ours.passes[-1].note == ORDERS[groups]


@pytest.mark.parametrize("cov_type", ["cluster-jk", "cluster-crv3"])
def test_a_cluster_that_others_cannot_do_without(cov_type: str) -> None:
    formula = "y ~ x + C(region)"
    with pytest.raises(ValueError, match="rank-deficient"):
        clustered(smf.ols(formula, FRAME), FRAME["region"].to_numpy(), cov_type)
    with pytest.raises(DesignError, match=r"the cluster of row \d of DataFrame, .*, one of 5"):
        clustered(smof.ols(formula, smo.as_source(FRAME, chunk_rows=7)), "region", cov_type)


def test_a_jackknife_has_one_way() -> None:
    with pytest.raises(OptionError, match="one way"):
        clustered(model(), ["firm", "year"], "cluster-jk")
    with pytest.raises(TypeError, match=r"cluster-jk.*OLS and WLS"):
        clustered(model(kind="logit"), "firm", "cluster-jk")


def test_a_group_column_that_is_in_the_formula() -> None:
    ours = smof.ols("y ~ x + C(name)", smo.as_source(FRAME, chunk_rows=7))
    expected = clustered(smf.ols("y ~ x + C(name)", FRAME), FRAME["firm"].to_numpy())
    assert_allclose(clustered(ours, "name").bse, expected.bse, rtol=1e-8)


def test_rows_of_weight_zero_count_as_in_memory() -> None:
    frame = FRAME.assign(w=FRAME["w"].where(FRAME["year"] > 2, 0.0))
    ours = clustered(smof.wls("y ~ x", smo.as_source(frame, chunk_rows=7), weights="w"), "name")
    expected = clustered(smf.wls("y ~ x", frame, weights=frame["w"]), frame["firm"].to_numpy())
    assert_allclose(ours.bse, expected.bse, rtol=SOLVED)


def test_covariances_that_are_asked_for_together_take_one_pass() -> None:
    res = model().fit()
    asked = [
        "nonrobust",
        "HC1",
        "HC3",
        ("cluster", {"groups": "firm"}),
        ("cluster", {"groups": ["firm", "year"]}),
        ("cluster-jk", {"groups": "firm"}),
        ("cluster", {"groups": FRAME["name"]}),
    ]
    found = res.covariances(asked)
    assert len(res.passes) == 2
    again = theirs().fit()
    firm, both = FRAME["firm"].to_numpy(), FRAME[["firm", "year"]].to_numpy()
    by_firm = again.get_robustcov_results("cluster", groups=firm).cov_params()
    expected = [
        again.cov_params(),
        again.cov_HC1,
        again.cov_HC3,
        by_firm,
        again.get_robustcov_results("cluster", groups=both).cov_params(),
        again.get_robustcov_results("cluster-jk", groups=firm).cov_params(),
        by_firm,
    ]
    for ours, other in zip(found, expected, strict=True):
        assert_allclose(ours, other, rtol=1e-8)
    glm = model(kind="logit").fit()
    before = len(glm.passes)
    glm.covariances(["HC0", ("cluster", {"groups": "firm"}), ("cluster", {"groups": "year"})])
    assert len(glm.passes) == before + 1


@pytest.mark.usefixtures("few")
def test_rows_in_order_after_rows_that_are_not() -> None:
    """Sums on disk of the first part, clusters closed of the second."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([rng.permutation(np.arange(200) // 3), np.arange(200) // 3])
    ours = clustered(model(50), labels)
    assert_allclose(ours.bse, clustered(theirs(), labels).bse, rtol=SOLVED)
    assert ours.n_groups == 67


def test_labels_that_are_given_are_not_those_of_another_process() -> None:
    """The answers of results go into a pickle, under keys that nobody else gives."""
    res = model().fit()
    by_firm = res.covariance("cluster", groups=FRAME["firm"].to_numpy())
    loaded = pickle.loads(pickle.dumps(res))
    keys = {str(key) for key in loaded.model.likelihood.asked.answers}
    again = model().fit()
    again.covariance("cluster", groups=FRAME["year"].to_numpy())
    more = {str(key) for key in again.model.likelihood.asked.answers}
    assert not [key for key in keys & more if "groups#" in key]
    assert not np.allclose(by_firm, again.covariance("cluster", groups=FRAME["year"].to_numpy()))


def test_many_covariances_take_one_pass_and_each_is_asked_once() -> None:
    res = model().fit()
    kinds = [("cluster", {"groups": f"firm // {i}"}) for i in range(1, 20)]
    found = res.covariances([*kinds, *kinds[:3], "HC0", "HC1"])
    assert len(res.passes) == 2
    assert res.passes[-1].note.count("in memory") == 19
    assert_array_equal(found[0], found[19])


@pytest.mark.parametrize("kinds", [[3], [("HC0",)], [("cluster", "firm")], [{"cluster": "firm"}]])
def test_what_is_no_covariance_is_named(kinds: Any) -> None:
    with pytest.raises(OptionError, match="neither a cov_type nor a pair"):
        model().fit().covariances(kinds)


def test_keywords_without_a_covariance_are_told() -> None:
    for kind in ("OLS", "logit"):
        with pytest.warns(CovarianceWarning, match="is a cov_type missing"):
            model(kind=kind).fit(cov_kwds={"groups": "firm"})
