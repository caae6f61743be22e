"""The page of what there is of statsmodels is that of today's tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import statsmodels.formula.api as smf
import support_matrix
from models import test_members as members

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

PAGE = Path(__file__).resolve().parent.parent / "docs" / "support.rst"


def test_the_page_is_up_to_date() -> None:
    """If not: python tests/support_matrix.py docs/support.rst."""
    assert PAGE.read_text(encoding="utf-8") == support_matrix.page()


@pytest.mark.parametrize("kind", ["ols", "wls"])
def test_every_name_of_statsmodels_is_on_it(kind: str) -> None:
    model, fitted = members.in_memory(kind)
    assert members.public(model) - members.SET_BY_QR <= set(support_matrix.models()[kind.upper()])
    assert members.public(fitted, fitted._results) <= set(support_matrix.results()[kind.upper()])


def test_every_name_of_a_glm_is_on_it() -> None:
    names = set().union(*members.GLM_MODEL), set().union(*members.GLM_RESULTS)
    assert set(support_matrix.models()["GLM"]) == names[0]
    assert set(support_matrix.results()["GLM"]) == names[1]


@pytest.mark.parametrize("kind", ["ols", "wls", "glm"])
def test_what_statsmodels_does_not_have_is_there(kind: str) -> None:
    frame = pd.DataFrame({"x": [0.0, 1, 2, 3, 4], "w": 1.0, "y": [1.0, 3, 2, 5, 4]})
    given = {"weights": "w"} if kind == "wls" else {}
    model = getattr(smof, kind)("y ~ x", smo.as_source(frame), **given)
    theirs = getattr(smf, kind)("y ~ x", frame, **({"weights": frame["w"]} if given else {}))
    for name, (classes, _, _) in support_matrix.OWN.items():
        if kind.upper() in classes.split():
            whole, member = name.startswith("model."), name.removeprefix("model.")
            assert hasattr(model if whole else model.fit(), member), name
            assert not hasattr(theirs if whole else theirs.fit(), member), name
