"""The page of what there is of statsmodels is that of today's tables."""

from __future__ import annotations

from pathlib import Path

import pytest
import support_matrix
from models import test_members as members

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
