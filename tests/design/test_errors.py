"""What is refused, and what the message says."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from design.chunked import SCOPE, build, cut, learn, make_frame, reference, weights_of
from patsy import PatsyError

from statsmodels_ooc.blocks.block import Where
from statsmodels_ooc.design.columns import ColumnSpec
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    DesignError,
    EmptyDataError,
    MemoryLimitError,
    MissingDataError,
)
from statsmodels_ooc.sources.memory import FrameSource


def source_of(frame=None):
    return FrameSource([make_frame() if frame is None else frame], chunk_rows=7)


# --- names --------------------------------------------------------------------------


@pytest.mark.parametrize("formula", ["y ~ positve", "y ~ np.log(positve)", 'y ~ Q("positve")'])
def test_name_that_is_nowhere(formula):
    with pytest.raises(ColumnNotFoundError, match=r"'positve' in .*\nHint: .* 'positive'\?"):
        learn(formula, source_of())


def test_name_that_is_like_no_other():
    with pytest.raises(ColumnNotFoundError, match="the columns are 'y', 'x', 'a'"):
        learn("y ~ unheard_of", source_of())


def test_weights_that_are_nowhere():
    with pytest.raises(ColumnNotFoundError, match="'ww'"):
        learn("y ~ x", source_of(), extras={"weights": "ww"})


@pytest.mark.parametrize(
    ("formula", "codes", "shown"),
    [
        ("y ~ np.log1p(code)", ["7.5", "abc"], "'abc' at row 1"),
        ("y ~ x + code.astype(float)", ["7.5", "abc"], "'abc' at row 1"),
        ("y ~ np.log1p(code)", ["7", "8"], "'7' at row 0"),
    ],
)
def test_an_expression_of_numbers_that_are_text(formula, codes, shown):
    frame = make_frame()
    frame["code"] = [codes[0], *[codes[1]] * (len(frame) - 1)]
    with pytest.raises(DesignError) as caught:
        learn(formula, source_of(frame))
    assert f"on text: column 'code' is {shown} of the first rows of DataFrame" in str(caught.value)
    assert "dtype={'code': float}" in str(caught.value)


def test_scalar_in_scope():
    spec = learn("y ~ I(x*slope)", source := source_of())
    np.testing.assert_array_equal(build(spec, source)[1][:, 1], make_frame().x * 3.0)


@pytest.mark.parametrize("formula", ["y ~ outside", "y ~ x + I(x*outside)", "y ~ C(outside)"])
@pytest.mark.parametrize("length", [1, 13, 59, 60, 1_000])
@pytest.mark.parametrize("kind", [np.asarray, pd.Series, list])
def test_array_in_scope(formula, length, kind):
    if kind is list and "*" in formula:
        pytest.skip("pandas multiplies no lists")
    if length == 1 and "*" in formula:
        pytest.skip("arrays of one entry are scalars to NumPy")
    outside = kind(np.arange(length) % 3 + 0.5)
    with pytest.raises(DesignError, match=r"arrays\s+from outside"):
        learn(formula, source_of(), SCOPE | {"outside": outside})


def test_function_that_fails_is_patsys_error():
    with pytest.raises(PatsyError, match="Error evaluating factor: ZeroDivisionError"):
        learn("y ~ broken(x)", source_of(), {"broken": lambda x: 1 / 0})


# --- kinds --------------------------------------------------------------------------


@pytest.mark.parametrize("values", [["1", "2"], ["1", None], [True, False], ["2020-01-01", "x"]])
@pytest.mark.parametrize("formula", ["y ~ x", "y ~ I(x)"])
def test_numbers_that_become_objects(formula, values):
    spec = learn(formula, source_of())
    frame = make_frame().iloc[:2].assign(x=pd.Series(values, dtype=object))
    with pytest.raises(DesignError, match=r"'(x|I.x.)' is object in later"):
        spec.rows(frame, Where(1, "later", 0))


@pytest.mark.parametrize("values", [[1, 2.5], [None, 3], [None, None]])
@pytest.mark.parametrize("formula", ["y ~ x", "y ~ I(x)"])
def test_numbers_that_come_as_objects(formula, values):
    spec = learn(formula, source_of())
    frame = make_frame().iloc[:2].assign(x=pd.Series(values, dtype=object))
    rows = spec.rows(frame, Where(1, "later", 0))
    kept = [value for value in values if value is not None]
    np.testing.assert_array_equal(rows.values[1][0], kept)


@pytest.mark.parametrize("kind", ["datetime64[ns]", "timedelta64[ns]", "str"])
def test_columns_without_formula_must_be_numbers(kind):
    frame = pd.DataFrame({"y": [1.0, 2.0], "v": pd.Series([1, 2]).astype(kind)})
    with pytest.raises(DesignError, match=r"column 'v' is .* where numbers are needed"):
        ColumnSpec("y", ["v"]).rows(frame, Where(0, "t.csv", 0))


def test_timedelta_is_no_category():
    frame = make_frame().assign(lag=pd.to_timedelta(range(60), unit="D"))
    spec = learn("y ~ lag", source_of(frame))
    with pytest.raises(DesignError, match="column 'lag' is timedelta64"):
        build(spec, source_of(frame))


@pytest.mark.parametrize("formula", ["g ~ x", "t ~ x", "bs(x, df=4) ~ a", "y + x ~ a"])
def test_response_of_several_columns(formula):
    with pytest.raises(ValueError, match="multiple columns"):
        learn(formula, source_of())


def test_no_response():
    with pytest.raises(PatsyError, match="missing required outcome"):
        learn("~ x", source_of())


# --- missing values -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "name", "row"),
    [("y ~ x + g_nan", "g_nan", 22), ("y ~ I(x_nan*2)", "I(x_nan * 2)", 30)],
)
def test_missing_raise(formula, name, row):
    frame = make_frame().iloc[9:].reset_index(drop=True)
    spec = learn(formula, FrameSource([frame]), missing="raise")
    with pytest.raises(MissingDataError) as caught:
        list(spec.blocks(frame, 0, "part 7", 100, 5))
    assert f"missing value in {name!r} at row {100 + row - 9} of part 7" in str(caught.value)


def test_missing_raise_lets_whole_data_pass():
    frame = make_frame()
    spec = learn("y ~ x*g", source := source_of(frame), missing="raise")
    assert len(build(spec, source)[0]) == 60


# --- weights ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "expected"),
    [("w", lambda f: f.w), ("np.sqrt(w)", lambda f: np.sqrt(f.w)), ("weird name", None)],
)
def test_weights(weights, expected):
    frame = make_frame()
    frame["weird name"] = frame["weird name"].abs()
    spec = learn("y ~ x + w", source := source_of(frame), extras={"weights": weights})
    wanted = frame["weird name"] if expected is None else expected(frame)
    np.testing.assert_array_equal(weights_of(spec, source), wanted)


def test_rows_with_missing_weights_are_dropped_jointly():
    frame = make_frame()
    frame.loc[[5, 40], "w"] = np.nan
    spec = learn("y ~ x_nan", source := source_of(frame), extras={"weights": "w"})
    kept = frame[["w", "x_nan"]].notna().all(axis=1)
    np.testing.assert_array_equal(weights_of(spec, source), frame.w[kept])
    np.testing.assert_array_equal(build(spec, source)[1][:, 1], frame.x_nan[kept])


@pytest.mark.parametrize("bad", [-1.0, np.inf])
def test_bad_weights(bad):
    frame = make_frame()
    frame.loc[40, "w"] = bad
    spec = learn("y ~ x_nan", source := cut(frame, [30]), extras={"weights": "w"})
    with pytest.raises(DesignError, match=f"weight 'w' is {bad} at row 10 of DataFrame 1"):
        build(spec, source)


@pytest.mark.parametrize("weights", ["g", "w > 2", "np.column_stack([w, w])"])
def test_weights_that_are_not_numbers(weights):
    with pytest.raises(DesignError, match="is not one number a row"):
        learn("y ~ x", source_of(), extras={"weights": weights})


# --- leaving out terms ----------------------------------------------------------------


@pytest.mark.parametrize("dropped", [["a"], ["a", "x_nan"], ["Intercept", "nowhere"], []])
def test_drop_cols(dropped):
    frame = make_frame()
    spec = learn("y ~ x_nan + a + g", source := source_of(frame), drop_cols=dropped)
    whole = reference("y ~ x_nan + a + g", frame)[1].drop(columns=dropped, errors="ignore")
    assert list(spec.exog_names) == list(whole.columns)
    np.testing.assert_array_equal(build(spec, source)[1], whole)


@pytest.mark.parametrize("dropped", [["g[T.b]"], ["g"], ["g[T.b]", "a"]])
def test_drop_cols_of_a_larger_term(dropped):
    """Names of columns are meant: "g" is none of them."""
    frame = make_frame()
    spec = learn("y ~ a + g", source := source_of(frame), drop_cols=dropped)
    whole = reference("y ~ a + g", frame)[1].drop(columns=dropped, errors="ignore")
    assert list(spec.exog_names) == list(whole.columns)
    np.testing.assert_array_equal(build(spec, source)[1], whole)
    assert pickle.loads(pickle.dumps(spec)).exog_names == spec.exog_names


# --- limits -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formula", ["y ~ a + bs(x, df=4)", "y ~ a + cr(x, df=4)", "y ~ a + bs(center(x), df=4)"]
)
def test_splines_that_need_all_values_are_refused(formula):
    with pytest.raises(MemoryLimitError) as caught:
        learn(formula + " + center(a)", source_of(), memory_limit=500)
    assert "'" not in str(caught.value).split("knots of ")[1].split(" need")[0]
    assert "center(a)" not in str(caught.value)
    assert "Hint: give the knots" in str(caught.value)


@pytest.mark.parametrize("spline", ["bs(x, knots=[2.0])", "cr(x, knots=[2.0])"])
def test_splines_with_knots_keep_no_values(spline):
    learn(f"y ~ {spline}", source_of(), memory_limit=1_500)  # four copies of x are more


@pytest.mark.parametrize("formula", ["y ~ center(x)", "y ~ bs(x, df=4)", "y ~ np.log(x)"])
def test_no_rows(formula):
    with pytest.raises(EmptyDataError, match="has no rows"):
        learn(formula, source_of(make_frame().iloc[:0]))


def test_reads_no_column_that_is_not_needed():
    asked = []

    class Watched(FrameSource):
        def frames(self, columns=None, max_rows=131_072):
            asked.append(tuple(columns))
            return super().frames(columns, max_rows)

    learn("y ~ np.log(positive) + center(x)", Watched([make_frame()]))
    assert set(asked) == {("x",), ("x", "positive")}
