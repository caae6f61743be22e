"""Labels of clusters: of any type and name, given or in the data, missing, and none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.cluster_cases import FRAME, MODELS, N, in_memory
from numpy.testing import assert_allclose
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    DesignError,
    MissingDataError,
    MissingGroupError,
    MissingGroupWarning,
    OptionError,
)

GROUPS = {
    "array": FRAME["firm"].to_numpy(),
    "column of an array": FRAME[["firm"]].to_numpy(),
    "text": FRAME["name"].to_numpy(),
    "Series": FRAME["name"],
    "Categorical": FRAME["name"].astype("category"),
    "list": FRAME["firm"].tolist(),
    "floats": FRAME["firm"].to_numpy() / 3,
    "large integers": 2**60 + FRAME["firm"].to_numpy(),
    "dask": da.from_array(FRAME["firm"].to_numpy(), chunks=50),
    "dask, one column": da.from_array(FRAME[["firm"]].to_numpy(), chunks=50),
    "dask frame": dd.from_pandas(FRAME[["name"]], npartitions=3),
    "times": pd.Timestamp("2020-01-01") + pd.to_timedelta(FRAME["firm"], unit="D"),
}


@pytest.mark.parametrize("groups", GROUPS)
def test_labels_may_be_given(groups: str) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    found = model.fit(cov_type="cluster", cov_kwds={"groups": GROUPS[groups]})
    theirs = in_memory(smf.ols("y ~ x", FRAME), FRAME["firm"])
    assert_allclose(found.bse, theirs.bse, rtol=SOLVED)


@pytest.mark.parametrize(
    ("keywords", "error", "words"),
    [
        ("firm", OptionError, "is a dict of keywords"),
        ({}, OptionError, "needs groups"),
        ({"group": "firm"}, OptionError, "no keyword 'group'; it has groups, use_correction"),
        ({"groups": "frim"}, ColumnNotFoundError, "did you mean 'firm'"),
        ({"groups": FRAME["firm"][:-1]}, DesignError, "119 rows, the model has 120"),
        ({"groups": np.zeros(N)}, DesignError, "one cluster"),
        ({"groups": np.where(FRAME["firm"] == 3, np.nan, 1.0)}, MissingDataError, "missing value"),
        ({"groups": FRAME["name"].replace("b", None)}, MissingDataError, "missing value"),
        ({"groups": ["firm", "firm"]}, OptionError, "has the way 'firm' twice"),
        ({"groups": "firm, name"}, OptionError, r"groups=\['firm', 'name'\] are 2 ways"),
        ({"groups": "firm", "use_correction": "no"}, OptionError, "it is True or False"),
        ({"groups": "firm", "df_correction": 2}, OptionError, "it is True or False"),
        ({"groups": "~firm"}, OptionError, "is a formula; the column is groups='firm'"),
    ],
)
@pytest.mark.parametrize("name", ["OLS", "Poisson"])
def test_wrong_groups_are_named(
    name: str, keywords: dict[str, Any], error: type[Exception], words: str
) -> None:
    model = MODELS[name][0](smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(error, match=words):
        model.fit(cov_type="cluster", cov_kwds=keywords)


def test_integers_that_doubles_do_not_tell_apart_are_clusters_of_their_own() -> None:
    labels = np.array([2**53, 2**53 + 1, 2**53 - 1])[FRAME["firm"] % 3]
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    for groups in (labels, da.from_array(labels, chunks=50), labels.tolist()):
        assert model.fit(cov_type="cluster", cov_kwds={"groups": groups}).n_groups == 3


@pytest.mark.parametrize(
    ("groups", "error"),
    [
        ([*FRAME["name"][:-1], np.nan], MissingDataError),
        ([*FRAME["name"][:-1], None], MissingDataError),
        (FRAME["name"].astype("string").where(FRAME["firm"] != 3), MissingDataError),
        (np.ma.masked_equal(FRAME["firm"].to_numpy(), 3), MissingDataError),
        ([[firm, 1] for firm in FRAME["firm"]], OptionError),
        ([], OptionError),
        (None, OptionError),
        (3, OptionError),
        ({"firm"}, OptionError),
    ],
)
def test_labels_that_are_none_are_named(groups: Any, error: type[Exception]) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(error):
        model.fit(cov_type="cluster", cov_kwds={"groups": groups})


def test_results_do_not_keep_labels_of_all_rows() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    res = model.fit(cov_type="cluster", cov_kwds={"groups": FRAME["name"]})
    assert "groups" not in res.cov_kwds


@pytest.mark.filterwarnings("ignore:.*variances are negative")
@pytest.mark.parametrize("name", ["OLS", "WLS", "Poisson", "few levels"])
@pytest.mark.parametrize("groups", ["name", ["name", "year"]])
def test_rows_without_a_label_are_left_out_as_other_missing_values(name: str, groups: Any) -> None:
    frame = FRAME.assign(name=FRAME["name"].where(FRAME.index % 5 != 2))
    model = MODELS[name][0](smo.as_source(frame, chunk_rows=7))
    with pytest.warns(MissingGroupWarning, match="24 of 120 rows have no 'name'"):
        found = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
    kept = frame[frame["name"].notna()]
    expected = MODELS[name][0](smo.as_source(kept, chunk_rows=7)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    assert found.nobs == found.model.nobs == 96
    assert model.nobs == 120
    assert_allclose(found.params, expected.params, rtol=1e-9)
    assert_allclose(found.cov_params(), expected.cov_params(), rtol=1e-8, atol=1e-12)
    assert [record.name for record in found.passes][-1] == "cluster covariance"
    assert list(found.model.row_labels) == list(kept.index)


def test_rows_without_a_label_are_refused_where_missing_values_are() -> None:
    frame = FRAME.assign(name=FRAME["name"].where(FRAME.index % 5 != 2))
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7), missing="raise")
    with pytest.raises(MissingGroupError, match=r"'name' at row [0-6] of DataFrame, rows"):
        model.fit(cov_type="cluster", cov_kwds={"groups": "name"})
    res = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7)).fit()
    with pytest.raises(MissingGroupError, match="'name'"):  # the parameters stay what they are
        res.get_robustcov_results("cluster", groups="name")


@pytest.mark.parametrize("column", ["firm id", "firm.id", "class", "a`b"])
def test_a_column_of_any_name_may_lack_labels(column: str) -> None:
    frame = FRAME.assign(**{column: FRAME["name"].where(FRAME.index % 5 != 2)})
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7))
    with pytest.warns(MissingGroupWarning, match="24 of 120 rows"):
        found = model.fit(cov_type="cluster", cov_kwds={"groups": column})
    assert found.nobs == 96


def long_ids(kind: str) -> Any:
    """Decimals of 32 digits, of which Python's own arithmetic keeps 28."""
    ids = [Decimal(10**31 + 700 * int(firm)) for firm in FRAME["firm"]]
    decimals = pd.Series(ids, dtype=pd.ArrowDtype(pa.decimal128(38, 0)))
    return {"objects": np.array(ids), "list": ids, "Arrow": decimals}[kind]


@pytest.mark.parametrize("kind", ["objects", "list", "Arrow"])
def test_decimals_of_many_digits_are_told_apart(kind: str) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    found = model.fit(cov_type="cluster", cov_kwds={"groups": long_ids(kind)})
    theirs = in_memory(smf.ols("y ~ x", FRAME), FRAME["firm"])
    assert_allclose(found.bse, theirs.bse, rtol=SOLVED)


def test_equal_decimals_are_one_label() -> None:
    equal = [Decimal("0"), Decimal("-0"), Decimal("0.0"), Decimal("1"), Decimal("1.0")]
    labels = [equal[i % 5] for i in range(N)]
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    assert model.fit(cov_type="cluster", cov_kwds={"groups": labels}).n_groups == 2


def test_pairs_of_an_index_are_labels_of_one_way() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    pairs = pd.MultiIndex.from_frame(FRAME[["firm", "name"]])
    found = model.fit(cov_type="cluster", cov_kwds={"groups": pairs})
    joined = FRAME["firm"].astype(str) + " " + FRAME["name"]
    expected = model.fit(cov_type="cluster", cov_kwds={"groups": joined})
    assert_allclose(found.bse, expected.bse, rtol=SOLVED)


@pytest.mark.parametrize("groups", ["firm + year", "firm*year", "firm:year", "firm^year", "~firm"])
def test_what_elsewhere_means_ways_is_refused(groups: str) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(OptionError, match=r"are 2 ways|is a formula; the column is groups='firm'"):
        model.fit(cov_type="cluster", cov_kwds={"groups": groups})


@pytest.mark.parametrize("column", ["p+q", "u:v", "~t", "a, b"])
def test_columns_may_have_any_name(column: str) -> None:
    frame = FRAME.assign(**{column: FRAME["firm"]})
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7))
    expected = model.fit(cov_type="cluster", cov_kwds={"groups": "firm"}).bse
    found = model.fit(cov_type="cluster", cov_kwds={"groups": column}).bse
    assert_allclose(found, expected, rtol=0)


def test_columns_of_arrays_have_no_names() -> None:
    x = np.column_stack((np.ones(N), FRAME["x"], FRAME["firm"]))
    exog, endog = (da.from_array(v, chunks=7) for v in (x, FRAME["y"].to_numpy()))
    model = smo.OLS(endog, exog.rechunk((7, 3)))
    res = model.fit()
    assert list(res.model.exog_names) == ["const", "x1", "x2"]
    for name in ("x2", "x3", "x2 + 1"):
        with pytest.raises(ColumnNotFoundError, match="arrays have no names"):
            model.fit(cov_type="cluster", cov_kwds={"groups": name})
    found = model.fit(cov_type="cluster", cov_kwds={"groups": exog[:, 2]})
    assert_allclose(found.bse, in_memory(sm.OLS(FRAME["y"].to_numpy(), x), FRAME["firm"]).bse)
