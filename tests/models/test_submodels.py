"""Smaller models from the factor of a larger one, beside fits of the smaller formula in memory."""

from __future__ import annotations

import pickle
import warnings
from functools import cache
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.pairs import CHUNK, FRAME
from numpy.testing import assert_allclose
from patsy import ContrastMatrix
from tolerances import SOLVED, SUMS, TAILS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError

FULL = "y ~ a * C(g) + b + h + C(g, Sum):h + bs(b, df=4)"
SUBSETS = [
    "a",
    "1",
    "b + a",
    "a * C(g)",
    "C(g) + a:C(g)",
    "0 + C(g)",
    "0 + C(g) + a",
    "C(g):a",
    "h",
    "0 + h + b",
    "bs(b, df=4) + h",
    "C(g, Sum):h",
    "C(g, Sum) * h",
    "C(g, Sum)",
    "0 + a",
]
NUMBERS = [
    "params",
    "bse",
    "llf",
    "aic",
    "bic",
    "rsquared",
    "rsquared_adj",
    "fvalue",
    "ssr",
    "nobs",
]
NUMBERS += [
    "nobs",
    "df_model",
    "df_resid",
    "centered_tss",
    "mse_model",
    "condition_number",
    "k_constant",
]


@cache
def full(kind: str, rows: int = CHUNK) -> Any:
    source = smo.as_source(FRAME, chunk_rows=rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the short rank of all terms together
        if kind == "ols":
            return smof.ols(FULL, source).fit()
        return smof.wls(FULL, source, weights="w").fit()


def in_memory(kind: str, formula: str, frame: pd.DataFrame = FRAME, **options: Any) -> Any:
    if kind == "ols":
        return smf.ols(formula, frame, **options).fit()
    return smf.wls(formula, frame, weights=frame["w"], **options).fit()


def assert_same(ours: Any, theirs: Any, tolerance: float = SOLVED) -> None:
    assert list(ours.model.exog_names) == list(theirs.model.exog_names)
    for name in NUMBERS:
        found, wanted = getattr(ours, name), getattr(theirs, name)
        assert_allclose(found, wanted, rtol=tolerance, atol=SUMS, err_msg=name)
    assert_allclose(ours.pvalues, theirs.pvalues, rtol=TAILS, atol=SUMS)
    assert_allclose(ours.cov_params(), theirs.cov_params(), rtol=tolerance, atol=SUMS)


@pytest.mark.parametrize("rows", [1, CHUNK])
@pytest.mark.parametrize("kind", ["ols", "wls"])
@pytest.mark.parametrize("subset", SUBSETS)
def test_as_the_smaller_formula(kind: str, subset: str, rows: int) -> None:
    res = full(kind, rows)
    before = len(res.passes)
    smaller, theirs = res.submodel(subset), in_memory(kind, f"y ~ {subset}")
    assert_same(smaller, theirs)
    assert_allclose(smaller.predict(FRAME[:5]), theirs.predict(FRAME[:5]), rtol=SOLVED)
    ours, other = (r.summary(slim=True).as_text().splitlines() for r in (smaller, theirs))
    assert ours[10:] == other[10:]  # below what has the time in it
    assert len(res.passes) == len(smaller.passes) == before


@pytest.mark.parametrize("kind", ["ols", "wls"])
@pytest.mark.parametrize("subset", ["b + a", "0 + C(g) + a", "C(g, Sum) * h"])
def test_what_needs_rows_reads_them(kind: str, subset: str) -> None:
    smaller, theirs = full(kind).submodel(subset), in_memory(kind, f"y ~ {subset}")
    assert_allclose(smaller.resid, theirs.resid, rtol=SOLVED, atol=SUMS)
    assert_allclose(smaller.HC3_se, theirs.HC3_se, rtol=SOLVED)
    assert_allclose(smaller.model.exog, theirs.model.exog, atol=SUMS)
    assert str(smaller.summary()).splitlines()[10:] == str(theirs.summary()).splitlines()[10:]
    assert [record.name for record in full(kind).passes][-3:] == [
        *("resid", "robust covariance", "exog")
    ]
    clustered = full(kind).submodel(subset, cov_type="cluster", cov_kwds={"groups": "g"})
    groups = FRAME["g"].map({"u": 0, "v": 1, "w": 2})
    wanted = theirs.model.fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert_allclose(clustered.cov_params(), wanted.cov_params(), rtol=TAILS, atol=SUMS)


def test_terms_and_columns_by_name() -> None:
    res = smof.ols("y ~ a * C(g) + b", smo.as_source(FRAME, chunk_rows=CHUNK)).fit()
    assert_same(res.submodel(drop=["a:C(g)", "b"]), in_memory("ols", "y ~ a + C(g)"))
    assert_same(res.submodel(drop="Intercept"), in_memory("ols", "y ~ 0 + a * C(g) + b"))
    assert_same(res.submodel(["b", "Intercept"]), in_memory("ols", "y ~ b"))
    assert_same(res.submodel("y ~ b"), in_memory("ols", "y ~ b"))
    some = ["Intercept", "C(g)[T.w]", "a", "a:C(g)[T.v]", "b"]
    smaller = res.submodel(drop=["C(g)[T.v]", "a:C(g)[T.w]"])
    theirs = sm.OLS(FRAME["y"], in_memory("ols", "y ~ a * C(g) + b").model.data.orig_exog[some])
    assert smaller.model.exog_names == some
    assert_allclose(smaller.params, theirs.fit().params, rtol=SOLVED)
    assert_allclose(smaller.predict(FRAME[:4]), theirs.fit().fittedvalues[:4], rtol=SOLVED)
    assert_allclose(smaller.fittedvalues, theirs.fit().fittedvalues, rtol=SOLVED)
    again = smaller.submodel(drop="b")
    assert again.model.exog_names == some[:-1]
    assert_same(smaller.submodel(drop=["a:C(g)", "C(g)"]), in_memory("ols", "y ~ a + b"))


def test_the_rows_stay_those_of_the_larger_model() -> None:
    source = smo.as_source(FRAME, chunk_rows=CHUNK)
    kept = FRAME.dropna()
    res = smof.ols("y ~ m + b + C(g)", source).fit()
    smaller = res.submodel(drop="m")
    assert_same(smaller, in_memory("ols", "y ~ b + C(g)", kept))
    assert smaller.model.dropped == res.model.dropped == {"m": len(FRAME) - len(kept)}
    pd.testing.assert_index_equal(smaller.resid.index, kept.index)
    assert res.compare_f_test(smaller)[2] == 1


def test_columns_that_were_dropped_when_the_formula_was_opened() -> None:
    source = smo.as_source(FRAME, chunk_rows=CHUNK)
    thin = ["C(g)[T.v]"]
    res = smo.OLS.from_formula("y ~ a + C(g) + b", source, drop_cols=thin).fit()
    theirs = smf.ols("y ~ a + C(g)", FRAME, drop_cols=thin).fit()
    assert_allclose(res.submodel(drop="b").params, theirs.params, rtol=SOLVED)
    with pytest.raises(DesignError, match=r"the model has no 'C\(g\)\[T.v\]'"):
        res.submodel("C(g)")


def test_arrays() -> None:
    values = np.column_stack((np.ones(len(FRAME)), FRAME[["a", "b"]]))
    arrays = FRAME["y"].to_numpy(), values, FRAME["w"].to_numpy()
    lazy = [da.from_array(each, (CHUNK, -1)[: each.ndim]) for each in arrays]
    for res, theirs in (
        (smo.OLS(*lazy[:2]).fit(), sm.OLS(arrays[0], values[:, [0, 2]]).fit()),
        (smo.WLS(*lazy).fit(), sm.WLS(arrays[0], values[:, [0, 2]], arrays[2]).fit()),
    ):
        assert res.model.exog_names == ["const", "x1", "x2"]
        smaller = res.submodel(drop=["x1"])
        assert smaller.model.exog_names == ["const", "x2"]
        assert isinstance(smaller.params, np.ndarray)
        for name in NUMBERS:
            assert_allclose(getattr(smaller, name), getattr(theirs, name), rtol=SOLVED)
        assert_allclose(smaller.resid, theirs.resid, rtol=SOLVED, atol=SUMS)
        assert_allclose(smaller.HC1_se, theirs.HC1_se, rtol=SOLVED)
        assert_allclose(res.submodel(["x2"]).params, res.submodel(drop=["const", "x1"]).params)
        with pytest.raises(DesignError, match="the model has none"):
            res.submodel("x2")
        with pytest.raises(DesignError, match="its columns are 'const', 'x1', 'x2'"):
            res.submodel(drop="x7")


def test_a_column_that_is_dropped_still_drops_rows() -> None:
    frame = FRAME.assign(one=1.0)
    lazy = dd.from_pandas(frame, chunksize=CHUNK, sort=False)
    res = smo.OLS(lazy["y"], lazy[["one", "m", "b"]], missing="drop").fit()
    kept = frame.dropna()
    theirs = sm.OLS(kept["y"], kept[["one", "b"]]).fit()
    smaller = res.submodel(drop="m")
    assert_same(smaller, theirs)
    assert_allclose(smaller.resid, theirs.resid, rtol=SOLVED, atol=SUMS)


def test_what_was_folded_as_a_gram_matrix() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(300, 45)), columns=[f"x{i}" for i in range(45)])
    frame["g"], frame["y"] = rng.choice(list("uvw"), 300), rng.normal(size=300)
    names = " + ".join(c for c in frame if c.startswith("x"))
    res = smof.ols(f"y ~ {names} + C(g)", smo.as_source(frame, chunk_rows=70)).fit()
    assert "gram" in res.model.likelihood.asked.answers
    for subset in ("x3 + C(g) + x7", "0 + C(g) + x1", "0 + x1"):
        assert_same(res.submodel(subset), in_memory("ols", f"y ~ {subset}", frame))
    qr = res.submodel("x3 + x7").model.fit(method="qr")  # promises R of the rows: reads
    assert_same(qr, in_memory("ols", "y ~ x3 + x7", frame))
    assert [record.name for record in res.passes][-2:] == ["fit", "fit"]


class Doubled:
    """A contrast of the user's."""

    def code_with_intercept(self, levels: Any) -> Any:
        return ContrastMatrix(2 * np.eye(len(levels)), [f"[{level}]" for level in levels])

    def code_without_intercept(self, levels: Any) -> Any:
        suffixes = [f"[{level}]" for level in levels[1:]]
        return ContrastMatrix(2 * np.eye(len(levels))[:, 1:], suffixes)


@pytest.mark.parametrize("contrast", ["Poly", "Helmert", "Diff", "Doubled()", "Treatment('w')"])
def test_contrasts_are_coded_afresh(contrast: str) -> None:
    coded = f"C(g, {contrast})"
    res = smof.ols(f"y ~ {coded} * a", smo.as_source(FRAME, chunk_rows=CHUNK)).fit()
    for subset in (f"0 + {coded}", f"{coded}:a", coded):
        assert_same(res.submodel(subset), in_memory("ols", f"y ~ {subset}"))
    smaller = pickle.loads(pickle.dumps(res)).submodel(f"0 + {coded}")
    assert_same(smaller, in_memory("ols", f"y ~ 0 + {coded}"))


def test_terms_whose_columns_stand_in_another_term() -> None:
    res = smof.ols("y ~ g:h + g:C(w > 1) - 1", smo.as_source(FRAME, chunk_rows=CHUNK)).fit()
    for subset in ("0 + g:C(w > 1)", "g + h", "g:h", "C(w > 1)"):
        assert_same(res.submodel(subset), in_memory("ols", f"y ~ {subset}"))


def test_a_short_rank() -> None:
    frame = FRAME.assign(c=FRAME["a"] + FRAME["b"])
    with pytest.warns(Warning, match="rank-deficient"):
        res = smof.ols("y ~ a + b + c + C(g)", smo.as_source(frame, chunk_rows=CHUNK)).fit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(res.submodel(drop="c"), in_memory("ols", "y ~ a + b + C(g)", frame))
    with pytest.warns(Warning, match=r"'c' is a combination of 'a' and 'b'"):
        smaller = res.submodel("0 + a + b + c")
    assert smaller.df_model == 2


def test_leverage_one() -> None:
    frame = FRAME.assign(only=(np.arange(len(FRAME)) == 50) * 1.0)
    res = smof.ols("y ~ only + a + C(g)", smo.as_source(frame, chunk_rows=CHUNK)).fit()
    assert_same(res.submodel(drop="a"), in_memory("ols", "y ~ only + C(g)", frame))
    assert_same(res.submodel(drop="only"), in_memory("ols", "y ~ a + C(g)", frame))


def test_kept_and_loaded(tmp_path: Any) -> None:
    smaller = full("wls").submodel("0 + C(g) + a")
    smaller.save(str(tmp_path / "fit.pickle"))
    again = sm.load(str(tmp_path / "fit.pickle"))
    assert_same(again, in_memory("wls", "y ~ 0 + C(g) + a"))
    larger = pickle.loads(pickle.dumps(full("wls")))
    larger.remove_data()
    assert_same(larger.submodel("a + h"), in_memory("wls", "y ~ a + h"))


def test_the_smaller_model_is_one_of_its_class() -> None:
    class Own(smo.OLS):  # type: ignore[misc]
        pass

    res = Own.from_formula("y ~ a + b", smo.as_source(FRAME, chunk_rows=CHUNK)).fit()
    smaller = res.submodel("a")
    assert isinstance(smaller.model, Own)
    assert smaller.model.formula == "y ~ a"
    assert res.submodel("1").model.formula == "y ~ 1"
    assert res.submodel("0 + b").model.formula == "y ~ 0 + b"
    assert res.model.formula == "y ~ a + b"
    assert res.model.exog_names == ["Intercept", "a", "b"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"terms": "z"}, "the model has no 'z'"),
        ({"terms": "a:b"}, "the model has no 'a:b'"),
        ({"terms": ["b", "q"]}, "the model has no 'q'"),
        ({"drop": ["q"]}, "the model has no 'q'"),
        ({"terms": "a +"}, "is no formula"),
        ({"terms": "b ~ a"}, "another than that of the model"),
        ({}, "one of the two"),
        ({"terms": "a", "drop": "b"}, "one of the two"),
        ({"terms": "0"}, "nothing is left"),
        ({"drop": "bs(b, df=4)[2]"}, "go together"),
    ],
)
def test_what_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        full("ols").submodel(**asked)


@pytest.mark.parametrize("told", [{"terms": 5}, {"drop": 5}])
def test_what_tells_no_part_is_named(told: dict[str, Any]) -> None:
    with pytest.raises(DesignError, match="5 tells no part of a model"):
        full("ols").submodel(**told)
