"""Parts of an expression that look at all rows of a column, by their names."""

import pytest

from statsmodels_ooc.design.rowwise import whole_column_use

COLUMNS = ["x", "b", "g"]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("x * (b.max() > 5)", "b.max"),
        ("b.clip(upper=b.iloc[0] + 8)", "b.iloc"),
        ("x - np.mean(x)", "np.mean"),
        ("(x + b).std()", "(x + b).std"),
        ("x / len(b)", "len()"),
        ("x.shift(1)", "x.shift"),
        ("x - x.max(axis=0)", "x.max"),
    ],
)
def test_found(code, found):
    assert whole_column_use(code, COLUMNS) == found


@pytest.mark.parametrize(
    "code",
    [
        "np.log(x) + np.maximum(x, b)",
        "np.max([x, b], axis=0)",
        "np.column_stack([x, b]).mean(axis=1)",
        "g.str.len()",
        "x * k.max()",
        "sum([x, b])",
        "b.clip(upper=9)",
        "x.dt.year",
        "x > threshold.loc['a']",
    ],
)
def test_passed(code):
    assert whole_column_use(code, COLUMNS) is None
