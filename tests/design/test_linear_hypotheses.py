"""What tells a hypothesis about parameters, and what does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from models.pairs import CHUNK, FRAME
from numpy.testing import assert_array_equal
from patsy import DesignInfo

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.design.hypotheses import linear_hypotheses
from statsmodels_ooc.errors import DesignError

NAMES = ["Intercept", "C(g)[T.v]", "a"]

HYPOTHESES = [
    "a = 0",
    "a = Intercept, C(g)[T.v] = 2",
    ["a = 1", "Intercept / 2 = a"],
    {"a": 3.0},
    np.eye(3),
    [0, 0, 1],
    (np.eye(3)[:2], [1.0, 2.0]),
    DesignInfo(NAMES).linear_constraint("a = 4"),
]


@pytest.mark.parametrize("given", HYPOTHESES, ids=lambda given: str(given)[:30])
def test_as_patsy_reads_them(given: Any) -> None:
    ours, theirs = linear_hypotheses(given, NAMES), DesignInfo(NAMES).linear_constraint(given)
    assert_array_equal(ours.coefs, theirs.coefs)
    assert_array_equal(ours.constants, theirs.constants)


BAD: list[tuple[Any, str]] = [
    ("", "'' tells no hypothesis"),
    ([], r"\[\] tells no hypothesis"),
    (None, "None tells no hypothesis"),
    ({}, "{} tells no hypothesis"),
    ("b = 0", "'b = 0' tells no hypothesis about the parameters: unrecognized token"),
    (["a = 0", "a ="], "tells no hypothesis about the parameters: expected a noun"),
    ({"b": 1.0}, "unrecognized variable name"),
    (np.ones((1, 2)), r"of shape \(1, 2\) does not fit 3 parameters"),
    ((np.eye(3), [1.0, 2.0]), r"of shape \(3, 3\) with values of shape \(2,\) does not fit 3"),
    (3.0, r"of shape \(\) does not fit 3 parameters"),
    (np.array([["u", "v", "w"]]), "does not fit 3 parameters: could not convert"),
    (object(), "does not fit 3 parameters"),
    ([[0, 0, 1], [0, np.nan, 1]], "restriction 1 has numbers that are not finite"),
    ({"a": np.inf}, "restriction 0 has numbers that are not finite"),
]


@pytest.mark.parametrize(("given", "message"), BAD, ids=[message[:25] for _, message in BAD])
def test_what_is_none_is_refused(given: Any, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        linear_hypotheses(given, NAMES)


def test_a_refusal_names_the_parameters() -> None:
    with pytest.raises(DesignError, match="the parameters are 'Intercept', 'C"):
        linear_hypotheses("b", NAMES)


@pytest.mark.parametrize("kind", ["ols", "glm"])
def test_wherever_hypotheses_are_given(kind: str) -> None:
    family = {} if kind == "ols" else {"family": sm.families.Gaussian()}
    source = smo.as_source(FRAME, chunk_rows=CHUNK)
    model = getattr(smof, kind)("y ~ a", source, **family)
    results = model.fit()
    for ask in (model.fit_constrained, results.t_test, results.f_test, results.wald_test):
        with pytest.raises(DesignError, match="'zz = 1' tells no hypothesis"):
            ask("zz = 1")
