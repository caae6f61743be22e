"""Formulas are read as patsy reads them, of any length."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import patsy
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from patsy import ModelDesc, PatsyError
from patsy.desc import _eval_tests
from tolerances import SOLVED

import statsmodels_ooc.api as smo
from statsmodels_ooc._patsy import model_desc

TERMS = 500  # patsy's own evaluation ends at about 450


def read(reader, formula):
    try:
        desc = reader(formula)
    except PatsyError as error:
        return str(error)
    return desc.lhs_termlist, desc.rhs_termlist


SHORT = [
    *_eval_tests,
    "y ~ a + 0 + b + 1",
    "y ~ 1 + a - 1 + b",
    "y ~ a + (b - 1) + (0 + c)",
    "y ~ a + b + a:b + (a + b)**2 - b + a*c/d",
    "~ a + b",
    "a + 1 ~ b - a + a + a",
    "a + b ~ c + d ~ e",
    "a + (1 + b):c + d",
    "a + b:1 + c",
    "a + 2 + b",
    "a + -b + c",
    "a ** b + c",
]


@pytest.mark.parametrize("formula", SHORT)
def test_every_operator_is_patsys(formula):
    assert read(model_desc, formula) == read(ModelDesc.from_formula, formula)


leaf = st.sampled_from(["a", "b", "c", "np.log(a + b)", "Q('x y')", "1", "0"])
expression = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from("+-*/:"), inner),
        st.builds("({})".format, inner),
        st.builds("({})**2".format, inner),
        st.builds("-{}".format, inner),
        st.builds("+{}".format, inner),
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(expression, expression)
def test_drawn_formulas_are_patsys(left, right):
    formula = f"{left} ~ {right}"
    assert read(model_desc, formula) == read(ModelDesc.from_formula, formula)


@pytest.mark.parametrize("operator", [" + ", " - ", ":"])
def test_chains_of_every_operator_may_be_long(operator):
    desc = model_desc("y ~ " + operator.join(f"x{i}" for i in range(TERMS)))
    expected = {" + ": TERMS + 1, " - ": 2, ":": 2}[operator]
    assert len(desc.rhs_termlist) == expected


def test_alternating_chains_may_be_long():
    desc = model_desc("y ~ a" + "".join(f" + x{i} - x{i}" for i in range(TERMS)))
    assert [term.name() for term in desc.rhs_termlist] == ["Intercept", "a"]


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(2 * TERMS + 100, TERMS)))
    frame.columns = [f"x{i}" for i in range(TERMS)]
    frame["y"] = frame.sum(axis=1) + rng.normal(size=len(frame))
    path = tmp_path_factory.mktemp("long") / "t.parquet"
    frame.to_parquet(path)
    formula = "y ~ " + " + ".join(frame.columns[:TERMS])
    return frame, path, formula


def test_a_long_formula_goes_all_the_way(long):
    frame, path, formula = long
    results = smo.OLS.from_formula(formula, path).fit()
    design = np.column_stack([np.ones(len(frame)), frame.iloc[:, :TERMS]])
    expected = np.linalg.lstsq(design, frame.y)
    np.testing.assert_allclose(results.params, expected[0], rtol=SOLVED)
    again = pickle.loads(pickle.dumps(results))
    fitted = np.asarray(results.fittedvalues)[:5]
    np.testing.assert_allclose(again.predict(frame.head()), fitted, rtol=SOLVED)
    assert len(sm.stats.anova_lm(results)) == TERMS + 1
    assert len(results.summary().tables[1].data) == TERMS + 2


def test_a_long_formula_selects(long):
    _, path, formula = long
    chosen = smo.IBOSS(k=TERMS + 40, criterion="T").select(formula, path)
    assert len(chosen.fit().params) == TERMS + 1


def test_a_description_in_place_of_the_text(long):
    _, path, formula = long
    desc = model_desc(formula)
    assert isinstance(desc, patsy.ModelDesc)
    names = smo.OLS.from_formula(desc, path).exog_names
    assert names == ["Intercept", *[f"x{i}" for i in range(TERMS)]]
