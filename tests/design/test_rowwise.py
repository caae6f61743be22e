"""Expressions that look at other rows are refused, those that do not never are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from design.chunked import SCOPE, learn, make_frame

from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.sources.memory import FrameSource

ACROSS_ROWS = """
x - x.mean()
x - np.mean(x)
x / x.max()
x.shift(1)
x.shift(1).fillna(0)
x.diff().fillna(0)
x.rank()
x.cumsum()
x.rolling(3, min_periods=1).mean()
x.fillna(x.mean())
x.ffill()
x.interpolate()
x > x.median()
np.arange(len(x))
x.index + 0.0
x[::-1].reset_index(drop=True)
x.groupby(g).transform('mean')
x.sort_values().to_numpy()
np.random.normal(size=len(x))
np.random.RandomState(0).normal(size=len(x))
pd.qcut(x, 4)
C(pd.qcut(x, 4, labels=False))
pd.cut(x, 4)
pd.cut(x, 4, labels=False)
g.astype('category').cat.codes
pd.factorize(g)[0]
g.fillna(g.mode()[0])
g.map(g.value_counts())
year - year.mean()
(day - day.min()).dt.days
flat - flat.mean()
np.where(t.any(), x, a)
""".strip().splitlines()

ROW_BY_ROW = """
np.log(positive)
np.exp(-x**2)
x_nan.fillna(0)
np.nan_to_num(x_nan)
np.isnan(x_nan)
1 / unbounded
np.where(unbounded > 0, 1, 0)
unbounded.clip(-1, 1)
x.round(1)
x.astype(int)
i % 2
C(i % 2)
i // 2
C(i.astype(str))
months[i]
i.map({0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0})
~t
I(1 * t)
t & (x > 1)
h.isna()
h_none.fillna('none')
g.str.upper()
g.str.contains('a')
g.str.len()
g.str.cat(h)
g + h
g.map({'a': 1.0, 'b': 2.0, 'c': 3.0, 'z': 4.0})
C(g, levels=['a', 'b', 'c', 'z'])
cat.astype(str)
cat == 'm'
ordered > 'lo'
when.dt.year
when > '2020-05-01'
(when - pd.Timestamp('2020-01-01')).dt.days
pd.cut(x, [-10, 1, 2, 10])
C(pd.cut(x, [-10, 1, 2, 10], labels=False))
np.column_stack([x, a])
np.vander(x, 3)
flat * 2
I8.fillna(0)
I8 > 2
B8.fillna(False)
squeezed(x)
picky(x)
center(x)
standardize(x)
bs(x, df=5)
cr(x, df=5)
te(cr(x, df=4), cr(a, df=4), constraints='center')
bs(center(x), df=4)
rescale(x)
""".strip().splitlines()


def squeezed(values):
    return np.squeeze(np.asarray(values)[:, None] ** 2)


def picky(values):
    if np.isnan(values).any():
        raise ValueError("no missing values, please")
    return values**2


def frame_of(n):
    frame = make_frame(max(n, 10)).iloc[:n]
    return frame.assign(
        unbounded=np.where(frame.index % 3 == 0, np.inf, frame.x),
        I8=pd.array(frame.i, dtype="Int64"),
        B8=pd.array(frame.t, dtype="boolean"),
        flat=1.0,
        year=2020,
        day=pd.Timestamp("2020-01-01"),
        h=frame.h.mask(frame.index == 3),
    )


def try_it(expression, n):
    names = SCOPE | {"squeezed": squeezed, "picky": picky}
    learn(
        f"y ~ I({expression})",
        FrameSource([frame_of(n)], chunk_rows=7 if n < 1_000 else 500),
        names,
    )


@pytest.mark.parametrize("n", [60, 3_000])
@pytest.mark.parametrize("expression", ACROSS_ROWS)
def test_expression_across_rows_is_refused(expression, n):
    with pytest.raises(DesignError, match="does not work row by row"):
        try_it(expression, n)


@pytest.mark.parametrize("n", [2, 5, 60, 3_000])
@pytest.mark.parametrize("expression", ROW_BY_ROW)
def test_expression_by_row_is_not(expression, n):
    if n < 10 and ("cr(" in expression or "bs(" in expression):
        pytest.skip("too few rows for knots")
    try_it(expression, n)


@pytest.mark.parametrize("expression", ["np.log(positive)", "g.str.upper()", "x > 1", "center(x)"])
def test_one_row(expression):
    try_it(expression, 1)


def test_weights_and_response_are_checked_too():
    source = FrameSource([make_frame()])
    with pytest.raises(DesignError, match=r"'w / w.sum\(\)' does not work row by row"):
        learn("y ~ x", source, extras={"weights": "w / w.sum()"})
    with pytest.raises(DesignError, match=r"'I\(y - y.mean\(\)\)' does not work row by row"):
        learn("I(y - y.mean()) ~ x", source)
