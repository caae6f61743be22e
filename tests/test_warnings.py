"""Every warning points at the line of the user that caused it."""

from __future__ import annotations

import ast
import inspect
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    DomainWarning,
    PerfectSeparationWarning,
    SingularMatrixWarning,
    ValueWarning,
)

import statsmodels_ooc
import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import ResponseWarning


def source(n=30):
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=n), "w": 1.0 + np.arange(n) % 3})
    data["y"] = data["x"] + rng.normal(size=n)
    data["twice"] = 2 * data["x"]
    data["one"] = (data["x"] > 0).astype(float)
    data["hit"] = np.where(rng.random(n) < 0.5, "no", "yes")
    return smo.as_source(data)


BINOMIAL = sm.families.Binomial()
LINK = sm.families.Binomial(sm.families.links.Identity())

CASES = {
    "rank": (SingularMatrixWarning, lambda s: smof.ols("y ~ x + twice", s).fit()),
    "rank of a GLM": (
        SingularMatrixWarning,
        lambda s: smof.glm("y ~ x + twice", s, family=sm.families.Gaussian()).fit(),
    ),
    "rank by a gradient": (
        SingularMatrixWarning,
        lambda s: smof.glm("one ~ w + I(2 * w)", s, family=BINOMIAL).fit(method="bfgs", disp=0),
    ),
    "weights of OLS": (ValueWarning, lambda s: smof.ols("y ~ x", s, weights="w").fit()),
    "few rows": (ValueWarning, lambda s: smof.ols("y ~ x", source(6)).fit().summary()),
    "link": (DomainWarning, lambda s: smof.glm("one ~ w", s, family=LINK)),
    "response": (ResponseWarning, lambda s: smof.glm("hit ~ x", s, family=BINOMIAL)),
    "separation": (
        PerfectSeparationWarning,
        lambda s: smof.glm("one ~ x", s, family=BINOMIAL).fit(),
    ),
    "no convergence": (
        ConvergenceWarning,
        lambda s: smof.glm("hit ~ x", s, family=BINOMIAL).fit(maxiter=1, start_params=[3, -3]),
    ),
    "constrained": (
        ConvergenceWarning,
        lambda s: smof.glm("hit ~ x + w", s, family=BINOMIAL).fit_constrained("w = 0", maxiter=1),
    ),
    "margins": (
        UserWarning,
        lambda s: smof.glm("one ~ w", s, family=BINOMIAL, freq_weights="w").fit().get_margeff(),
    ),
    "selection": (
        DomainWarning,
        lambda s: smo.IBOSS(k=10, criterion="T", family=LINK, pilot_size=10).select("one ~ w", s),
    ),
}


@pytest.mark.parametrize(("category", "cause"), CASES.values(), ids=CASES)
def test_the_warning_is_at_the_line_that_caused_it(category, cause):
    lines, first = inspect.getsourcelines(cause)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cause(source())
    found = [w for w in caught if issubclass(w.category, category)]
    assert found
    for warning in found:
        assert warning.filename == __file__, warning
        assert first <= warning.lineno < first + len(lines)


def test_one_place_warns():
    package = Path(statsmodels_ooc.__file__).parent
    for path in package.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if is_warn(node)]
        assert len(calls) == (path.name == "errors.py"), path


def is_warn(node):
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("warnings.warn", "warn")
