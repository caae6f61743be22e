"""Data and fits for tests of influence."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.pairs import FRAME, Pair
from numpy.testing import assert_allclose

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

CHUNK = 7


def make_frame() -> pd.DataFrame:
    """Rows with outliers, a far one among them, and labels of their own."""
    frame = FRAME.copy()
    frame.loc[[5, 50], "y"] += 9
    frame.loc[77, "a"] = 30
    frame["some"] = np.where(np.arange(len(frame)) % 5 == 0, 0.0, frame["w"])
    frame["r"] = np.arange(len(frame)) % 12
    frame["far"] = 1e6 + frame["a"]
    return frame.set_axis(3 * frame.index + 1)


DATA = make_frame()


FORMULAS: dict[str, tuple[str, str | None]] = {
    "categorical": ("y ~ a * b + C(g)", None),
    "missing": ("y ~ m + C(g, Sum)", None),
    "no constant": ("y ~ 0 + a + b", None),
    "constant only": ("y ~ 1", None),
    "many levels": ("y ~ a + C(r)", None),
    "weights": ("y ~ a + b * h", "w"),
    "weights, missing": ("y ~ m + g", "w"),
    "weights of zero": ("y ~ a + g", "some"),
}


def streamed(formula: str, weights: str | None = None, data: Any = DATA, chunk: int = CHUNK) -> Any:
    source = smo.as_source(data, chunk_rows=chunk)
    if weights is None:
        return smof.ols(formula, source).fit()
    return smof.wls(formula, source, weights=weights).fit()


def in_memory(formula: str, weights: str | None = None, data: Any = DATA) -> Any:
    """Of weighted rows, the fit of whitened ones: statsmodels' leverages are not of these."""
    if weights is None:
        return smf.ols(formula, data).fit()
    model = smf.wls(formula, data, weights=data[weights])
    labels = model.data.row_labels
    exog = pd.DataFrame(model.wexog, labels, model.exog_names)
    return sm.OLS(pd.Series(model.wendog, labels, name="y"), exog).fit()


@cache
def pair(name: str, chunk: int = CHUNK) -> Pair:
    return Pair(streamed(*FORMULAS[name], chunk=chunk), in_memory(*FORMULAS[name]))


each = pytest.mark.parametrize("name", FORMULAS)


def agree(ours: Any, theirs: Any, rtol: float) -> None:
    assert type(ours) is type(theirs)
    pairs = zip(ours, theirs, strict=True) if isinstance(theirs, tuple) else [(ours, theirs)]
    for found, expected in pairs:
        expected = np.asarray(expected)
        assert np.shape(found) == expected.shape
        assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


def solo(*rows: int) -> pd.DataFrame:
    data = DATA.assign(kind=np.where(DATA["h"] == "p", "p", "q"))
    for number, row in enumerate(rows):
        data.iloc[row, data.columns.get_loc("kind")] = f"solo{number}"
    return data


def names_of(results: Any, before: int = 0) -> list[str]:
    return [record.name for record in results.passes[before:]]


def first_rows(frame: pd.DataFrame, by: str, m: int) -> pd.DataFrame:
    sizes = frame[by].abs()
    return frame.loc[sizes.sort_values(ascending=False, kind="stable").index[:m]]
