"""Columns of one coding as combinations of those of another: checked on all cells."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from patsy import dmatrix

from statsmodels_ooc.design.spans import combinations

CELLS = pd.DataFrame(
    list(itertools.product("uvw", "pq", "klmn", [-1.0, 0.5, 2.0])), columns=["g", "h", "i", "x"]
)
CELLS["z"] = np.sin(np.arange(len(CELLS)))
WHOLE = ["g * h * i", "0 + g:h:i", "g * x + h", "C(g, Sum) * C(h, Poly) * x", "g:h + g:i - 1"]
PARTS = ["1", "0 + g", "g", "h:g", "C(g, Helmert)", "0 + x:g", "i:h", "x"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("whole", WHOLE)
def test_what_the_coefficients_say_holds_in_every_cell(whole: str, part: str) -> None:
    large, small = dmatrix(whole, CELLS), dmatrix(part, CELLS)
    found = combinations(large.design_info, small.design_info)
    solved, *_ = np.linalg.lstsq(large, small, rcond=None)
    misses = np.linalg.norm(np.asarray(small) - np.asarray(large) @ solved, axis=0) > 1e-8
    factors = set(large.design_info.factor_infos) >= set(small.design_info.factor_infos)
    inside = ~np.isin(small.design_info.column_names, found.outside)
    assert not (misses & inside).any()
    if factors:
        assert list(inside) == list(~misses)
    told = np.asarray(large) @ found.coefs
    assert_allclose(told[:, inside], np.asarray(small)[:, inside], atol=1e-12)


def test_products_of_other_numbers_are_told_apart() -> None:
    large = dmatrix("x + z", CELLS).design_info
    assert combinations(large, dmatrix("x:z", CELLS).design_info).outside == ("x:z",)
