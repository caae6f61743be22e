"""The direct column builder against patsy's own, bit for bit."""

from __future__ import annotations

import numpy as np
import patsy
import pytest
from design.chunked import SCOPE, learn, make_frame
from patsy import EvalEnvironment

from statsmodels_ooc.blocks.block import Where
from statsmodels_ooc.sources.memory import FrameSource

SUBTERMS = {
    "intercept": "y ~ 1",
    "number": "y ~ 0 + x",
    "whole number": "y ~ 0 + tiny",
    "single precision": "y ~ 0 + small",
    "numbers": "y ~ 0 + x:a:b",
    "several columns": "y ~ 0 + bs(x, df=5)",
    "several columns twice": "y ~ 0 + bs(x, df=4):bs(a, df=5)",
    "indicators": "y ~ 0 + g",
    "contrast": "y ~ C(g, Poly)",
    "contrast of indicators and a constant": "y ~ C(g, Helmert)",
    "number by indicator": "y ~ 0 + x:g",
    "indicator by number": "y ~ 0 + g:x",
    "number by contrast": "y ~ 0 + x + x:C(g, Sum)",
    "contrast by number": "y ~ 0 + x + C(g, Poly):x",
    "indicator by indicator": "y ~ 0 + g:h",
    "contrast by contrast": "y ~ C(g, Sum)*C(h, Diff)",
    "contrast by indicator by number": "y ~ C(g, Poly)*h*x",
    "categories in pieces": "y ~ g:h + x",
    "contrast of one weight": "y ~ C(h, np.array([[0.0], [2.0]]))",
    "boolean": "y ~ t*x",
    "unused level": "y ~ cat:bs(x, df=4)",
}


def designs(formula, frame):
    source = FrameSource([frame])
    spec = learn(formula, source)
    blocks = spec.blocks(frame, 0, "frame", 0, 7)
    ours = np.concatenate([np.array(block.dense()) for block in blocks])
    theirs = patsy.dmatrices(formula, frame, eval_env=EvalEnvironment([SCOPE]))[1]
    return ours, np.asarray(theirs)


@pytest.mark.parametrize("formula", SUBTERMS.values(), ids=SUBTERMS)
def test_columns_have_patsys_bits(formula):
    frame = make_frame().astype({"g": object})
    ours, theirs = designs(formula, frame)
    np.testing.assert_array_equal(ours.view("u8"), np.ascontiguousarray(theirs).view("u8"))


@pytest.mark.parametrize("formula", ["y ~ 0 + g:x", "y ~ 0 + x:g", "y ~ x*t"])
def test_infinities_meet_indicators_as_in_patsy(formula):
    frame = make_frame().astype({"g": object})
    frame.loc[[3, 9], "x"] = np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        ours, theirs = designs(formula, frame)
    np.testing.assert_array_equal(ours, theirs)


def test_infinities_that_cancel_are_not_missing():
    frame = make_frame()
    frame.loc[[3, 9], "x"] = np.inf, -np.inf
    rows = learn("y ~ x", FrameSource([frame])).rows(frame, Where(0, "frame", 0))
    assert rows.kept is None


def test_blocks_are_column_major_and_no_longer_than_asked():
    frame = make_frame()
    blocks = learn("y ~ x*g", FrameSource([frame])).blocks(frame, 0, "frame", 100, 7)
    found = [(len(block.endog), block.start, block.dense().strides[0]) for block in blocks]
    assert found == [(7, 100 + 7 * i, 8) for i in range(8)] + [(4, 156, 8)]
