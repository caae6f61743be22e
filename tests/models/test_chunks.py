"""Where the chunks end changes nothing: Hypothesis draws the boundaries."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from models.pairs import FRAME
from numpy.testing import assert_allclose
from tolerances import INVARIANT

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

# The level "z" is seen in the last two rows only.
LAST = FRAME.assign(g=[*FRAME["g"][:-2], "z", "z"])
MODELS = {
    "interaction": ("y ~ a * b + C(g)", None),
    "transforms": ("y ~ center(a) + bs(b, df=4) + standardize(w)", None),
    "weights": ("y ~ a + C(g, Sum)", "w"),
    "missing": ("y ~ m + C(g)", "w"),
}


@st.composite
def chunks(draw: st.DrawFn) -> list[pd.DataFrame]:
    """The frame cut anywhere; a boundary drawn twice is an empty chunk."""
    n = len(LAST)
    cuts = draw(st.lists(st.integers(0, n), max_size=8))
    if draw(st.booleans()):
        cuts += [n - 1, 1]  # one-row chunks at both ends
    ends = [0, *sorted(cuts), n]
    return [LAST.iloc[a:b] for a, b in pairwise(ends)]


@pytest.fixture(scope="module", params=MODELS)
def whole(request: pytest.FixtureRequest) -> tuple[str, str | None, Any]:
    formula, weights = MODELS[request.param]
    if weights is None:
        return formula, None, smf.ols(formula, LAST).fit()
    return formula, weights, smf.wls(formula, LAST, weights=LAST[weights]).fit()


@settings(deadline=None, max_examples=25)
@given(drawn=chunks())
def test_boundaries_do_not_matter(
    whole: tuple[str, str | None, Any], drawn: list[pd.DataFrame]
) -> None:
    formula, weights, expected = whole
    source = smo.as_source(drawn)
    model = (
        smof.ols(formula, source) if weights is None else smof.wls(formula, source, weights=weights)
    )
    res = model.fit()
    assert list(res.params.index) == list(expected.params.index)
    assert_allclose(res.params, expected.params, rtol=INVARIANT)
    assert_allclose(res.bse, expected.bse, rtol=INVARIANT)
    assert_allclose(res.llf, expected.llf, rtol=INVARIANT)
    assert_allclose(res.HC3_se, expected.HC3_se, rtol=INVARIANT)
    assert_allclose(np.asarray(res.resid), expected.resid, rtol=INVARIANT, atol=INVARIANT)


@settings(deadline=None, max_examples=10)
@given(rows=st.integers(1, 200))
def test_block_and_frame_sizes_do_not_matter(rows: int) -> None:
    expected = smf.ols("y ~ a * b", FRAME).fit()
    with smo.options.set(block_rows=rows, frame_rows=max(rows // 2, 1)):
        res = smof.ols("y ~ a * b", smo.as_source(FRAME, chunk_rows=50)).fit()
        assert_allclose(res.bse, expected.bse, rtol=INVARIANT)


def test_block_sizes_may_change_between_passes() -> None:
    res = smof.ols("y ~ a * b", smo.as_source(FRAME, chunk_rows=50)).fit()
    with smo.options.set(block_rows=9):
        res.summary()
    assert [record.name for record in res.passes] == ["fit", "residual tests"]
