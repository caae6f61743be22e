"""The design that is learned and built by chunks is the one of the whole frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from design.chunked import assert_same_design, build, cut, learn, make_frame, reference
from hypothesis import given, settings
from hypothesis import strategies as st
from patsy import PatsyError

from statsmodels_ooc.sources.base import Recipe, Source
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.memory import FrameSource

SAME_BITS = """
y ~ 1
y ~ x
y ~ -1 + x
y ~ a + b - a
y ~ a*b*x
y ~ (a + b + x)**2
y ~ g
y ~ 0 + g
y ~ g - 1
y ~ g:x
y ~ 0 + x:g
y ~ g*h*x
y ~ 0 + g:h
y ~ h:g + x
y ~ x + x:g + I(x**2):g
y ~ i + i:g
y ~ small*tiny
y ~ C(i)*x
y ~ C(tiny)
y ~ C(i, Poly)
y ~ C(g, Sum)
y ~ 0 + C(g, Sum)
y ~ C(g, Diff)*a
y ~ C(g, Helmert) + h
y ~ C(g, Treatment('b'))
y ~ C(g, Treatment(reference='b')):x
y ~ C(g, levels=['z', 'c', 'b', 'a'])
y ~ C(g, Sum, levels=['z', 'c', 'b', 'a', 'never'])
y ~ C(g)*C(h)*C(i)
y ~ C(C(g, Sum))
y ~ t
y ~ 0 + t
y ~ t*g + t:x
y ~ C(t, Sum)
y ~ t_none
y ~ cat
y ~ 0 + cat + ordered
y ~ cat:ordered
y ~ C(cat, Sum)
y ~ C(ordered, Treatment('mid'))
y ~ C(cat, levels=['q', 'k', 'm'])
y ~ C(cat.astype(str))
y ~ i_nan
y ~ C(i_nan)
y ~ g_nan*h_none
y ~ x_nan*g_nan
y ~ np.isnan(x_nan)
y ~ x_nan.fillna(0)
y ~ h_none.isna()
y ~ C(g_nan.map(str))
y ~ when.dt.year
y ~ C(when.dt.month)
y ~ np.where(when > '2021-01-01', x, 0.0)
y ~ when > '2021-01-01'
y ~ when.dt.day_of_week.isin([5, 6])
y ~ C(when.dt.date)
y ~ months[when.dt.month]
y ~ Q("weird name")*g
y ~ I(x**2) + I(x*slope)
np.log(positive) ~ np.log(positive) + x
x:a ~ b
i ~ x
y ~ double(x):g
y ~ rescale(x)
y ~ bs(x, df=4)
y ~ bs(x, df=4):g
y ~ bs(x, knots=[1.5, 2.0], degree=2)
y ~ bs(center(x), df=4)
y ~ x > 2
y ~ (x > 2):a
y ~ C(x > 2, Sum)
y ~ C(np.floor(x))
y ~ C(g.str.upper()) + g.isin(['a', 'z'])
y ~ C(g + '_' + h):x
y ~ g.map({'a': 1.0, 'b': 2.0, 'c': 3.0, 'z': 4.0})
y ~ pd.cut(x, [-10, 1, 2, 10])
y ~ np.column_stack([x, a]):g
y ~ np.column_stack([x, x_nan])
y ~ np.column_stack([x, a]):np.column_stack([b, positive])
y ~ np.maximum(x, a) + x.clip(0, 1)
""".strip().splitlines()

# Sums over chunks add up in another order, and BLAS rounds by the shape it is given.
SAME_DIGITS = """
y ~ center(x)
y ~ center(np.log(positive)):g
y ~ standardize(x) + scale(a)
y ~ standardize(x, ddof=1, center=False)
y ~ standardize(center(x))
y ~ center(i)
y ~ cr(x, df=4)
y ~ cr(x, knots=[1.0, 2.0])
y ~ cr(x, df=4, constraints='center')
y ~ cr(x, knots=[1.0, 2.0], constraints='center')
y ~ cc(x, df=4)
y ~ te(cr(x, df=4), cr(a, df=3))
y ~ te(cr(x, df=4), cc(a, df=3), constraints='center')
""".strip().splitlines()

CASES = [(formula, 0.0) for formula in SAME_BITS] + [(formula, 1e-12) for formula in SAME_DIGITS]

CHUNKS = {
    "whole": [],
    "one row": [1] * 59,
    "seven rows": [7] * 8,
    "empty chunks": [0, 1, 20, 0, 0, 30, 9],
}


# Each formula whole and in uneven chunks, and in chunks of one row or of seven.
CUT = [
    (*case, sizes)
    for i, case in enumerate(CASES)
    for sizes in ("whole", "empty chunks", ("one row", "seven rows")[i % 2])
]


@pytest.mark.parametrize(("formula", "rtol", "sizes"), CUT)
def test_design_is_that_of_the_whole(formula, rtol, sizes):
    frame = make_frame()
    assert_same_design(formula, frame, cut(frame, CHUNKS[sizes]), rtol)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(CASES),
    st.integers(30, 80),
    st.integers(0, 2**16),
    st.lists(st.integers(0, 25), max_size=8),
)
def test_design_is_that_of_the_whole_wherever_it_is_cut(case, n, seed, sizes):
    frame = make_frame(n, seed)
    assert_same_design(case[0], frame, cut(frame, sizes), case[1])


# statsmodels fails on nullable columns with a missing value: the whole is compared with
# what pandas makes of the same values in NumPy's dtypes.
@pytest.mark.parametrize(
    "formula", ["y ~ I8", "y ~ I8*F8", "I8 ~ x", "y ~ B8*g", "y ~ C(B8, Sum)", "y ~ I8.fillna(0)"]
)
@pytest.mark.parametrize("sizes", CHUNKS.values(), ids=CHUNKS)
def test_nullable_columns_are_as_plain_ones(formula, sizes):
    frame = make_frame()
    missing = frame.index.isin([3, 17, 41])
    whole = frame.assign(
        I8=frame.i.astype(float).mask(missing),
        F8=frame.x.mask(missing),
        B8=frame.t.astype(object).where(~missing, None),
    )
    nullable = whole.astype({"I8": "Int64", "F8": "Float64", "B8": "boolean"})
    left, right = reference(formula, whole)
    spec = learn(formula, source := cut(nullable, sizes))
    endog, exog = build(spec, source)
    assert list(spec.exog_names) == list(right.columns)
    np.testing.assert_array_equal(exog, right)
    np.testing.assert_array_equal(endog, left.iloc[:, 0])


def test_nullable_whole_numbers_keep_their_names_as_levels():
    frame = make_frame().assign(n=pd.array([1, None, 3] * 20, dtype="Int64"))
    spec = learn("y ~ C(n)", FrameSource([frame], chunk_rows=7))
    assert spec.exog_names == ("Intercept", "C(n)[T.3]")


def test_whole_numbers_become_floats_when_a_later_chunk_has_floats():
    first, second = make_frame(20).assign(n=1), make_frame(20).assign(n=2.0)
    whole = pd.concat([first, second], ignore_index=True)
    assert_same_design("y ~ C(n)", whole, FrameSource([first, second]))


@pytest.mark.parametrize("encoded", ["g", "h"])
@pytest.mark.parametrize("formula", ["y ~ g*h", "y ~ C(g, Sum) + x", "y ~ g + g.str.upper()"])
def test_encoding_that_differs_between_row_groups_does_not_show(tmp_path, formula, encoded):
    frame = make_frame()
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.Table.from_pandas(frame[["y", "x", "g", "h"]]),
        path,
        row_group_size=7,
        use_dictionary=[encoded],
    )
    assert_same_design(formula, frame, as_source(path))


def test_several_variables_are_named_when_rows_are_dropped():
    frame = make_frame()
    spec = learn("y ~ x_nan + g_nan + i_nan", FrameSource([frame]))
    (block, *_) = spec.blocks(frame, 0, "frame", 100, 1000)
    assert block.missing == {"x_nan": 3, "g_nan": 2, "i_nan": 11}
    assert block.rows_read == 60
    assert len(block.endog) == 60 - 15
    assert block.row(0) == 102  # the first row that is kept


@pytest.mark.parametrize("name", ["np", "double", "center", "C"])
def test_a_variable_in_scope_gives_way_to_a_column(name):
    frame = make_frame().rename(columns={"x": name})
    assert_same_design(f'y ~ {name} + Q("{name}"):a', frame, cut(frame, [7] * 8))


def test_a_c_of_the_users_is_not_patsys():
    frame = make_frame()
    spec = learn("y ~ C(i)", source := cut(frame, [7] * 8), {"C": lambda values: values * 2.5})
    np.testing.assert_array_equal(build(spec, source)[1][:, 1], frame.i * 2.5)


def test_a_column_called_c_hides_patsys_c():
    frame = make_frame().assign(C=1.0)
    with pytest.raises(PatsyError, match="not callable"):
        reference("y ~ C(i)", frame)
    with pytest.raises(PatsyError, match="not callable"):
        learn("y ~ C(i)", FrameSource([frame]))


def test_a_function_that_writes_into_its_argument_spoils_no_other_factor():
    def spoil(values):
        values[:] = "spoilt"
        return values.str.len()

    frame = make_frame()
    spec = learn("y ~ spoil(g) + g.str.upper()", source := FrameSource([frame]), {"spoil": spoil})
    np.testing.assert_array_equal(build(spec, source)[1][:, 3], frame.g == "z")


@dataclass
class Pages(Recipe):
    """A partition that gives text as dictionary pages do: each with categories of its own."""

    frame: pd.DataFrame
    always: tuple[str, ...]
    label: str = "pages"
    rows = nbytes = None

    def frames(self, columns, max_rows, encoded=()):
        for start in range(0, len(self.frame), max_rows):
            piece = self.frame[list(columns)].iloc[start : start + max_rows].reset_index(drop=True)
            kinds = {name: "category" for name in columns if name in (*encoded, *self.always)}
            yield piece.astype(kinds)


class PagedSource(Source):
    """Text that may come encoded, or columns of Categoricals that declare no levels."""

    name = "pages"

    def __init__(self, frame, chunk_rows, declared=()):
        self._dtypes = dict(frame.dtypes) | dict.fromkeys(declared, pd.CategoricalDtype())
        starts = range(0, len(frame), chunk_rows)
        self._parts = [Pages(frame.iloc[i : i + chunk_rows], tuple(declared)) for i in starts]

    @property
    def dtypes(self):
        return self._dtypes

    @property
    def partitions(self):
        return self._parts


@pytest.mark.parametrize("chunk_rows", [1, 7, 60])
@pytest.mark.parametrize(
    "formula",
    ["y ~ g*h", "y ~ C(g, Sum)*x", "y ~ g_nan + h_none", "y ~ h + g + C(g + '_')", "y ~ 0 + C(g)"],
)
def test_encoding_by_pages_does_not_show(formula, chunk_rows):
    frame = make_frame()
    assert_same_design(formula, frame, PagedSource(frame, chunk_rows))


def test_only_what_no_expression_reads_may_come_encoded():
    spec = learn("y ~ h + C(g) + C(g + '_')", PagedSource(make_frame(), 7))
    assert spec.encoded == {"h"}


def test_categoricals_that_agree_are_declarations():
    frame = make_frame().astype({"h": pd.CategoricalDtype(["never", "v", "u"])})
    source = PagedSource(frame, 7, declared=["h"])
    assert_same_design("y ~ h", frame, source)


def test_categoricals_that_disagree_are_values():
    frame = make_frame()
    assert_same_design("y ~ g", frame, PagedSource(frame, 7, declared=["g"]))
