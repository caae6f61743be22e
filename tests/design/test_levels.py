"""Levels: how a scan finds them, in which order, and what is refused."""

from __future__ import annotations

import pickle
from copy import deepcopy
from functools import partial, reduce
from operator import itemgetter

import numpy as np
import pandas as pd
import patsy
import pytest
from design.chunked import build, cut, learn, make_frame
from hypothesis import given, settings
from hypothesis import strategies as st

from statsmodels_ooc.blocks.block import Where
from statsmodels_ooc.design.factors import encode
from statsmodels_ooc.design.levels import LevelScan
from statsmodels_ooc.errors import (
    DesignError,
    MemoryLimitError,
    SchemaError,
    UnseenLevelError,
)
from statsmodels_ooc.sources.memory import FrameSource

HERE = Where(0, "here", 0)
DECLARED = frozenset("v")


def scan(declares=DECLARED, max_levels=100):
    return LevelScan({"v": itemgetter("v")}, frozenset(declares), max_levels)


def levels_of(*chunks, **options):
    law = scan(**options)
    state = reduce(law.update, [pd.DataFrame({"v": chunk}) for chunk in chunks], law.init())
    return state["v"].levels()


def floats(*values):
    return pd.Series(values, dtype="float64")


def objects(*values):
    return pd.Series(values, dtype=object)


def ints(*values):
    return pd.Series(values, dtype="int64")


def categorical(values, categories):
    return pd.Series(pd.Categorical(list(values), categories))


CHUNKS = [
    ints(1, 0),
    ints(),
    floats(2.0, np.nan),
    floats(np.nan),
    objects(True, None),
    objects("b", "a", None),
    objects(None),
    categorical("ab", ["b", "a"]),
    categorical("b", ["b", "a"]),
    categorical("c", ["c"]),
    categorical("", []),
]


def same(left, right):
    return repr(left["v"].levels()) == repr(right["v"].levels())


@settings(deadline=None)
@given(st.lists(st.sampled_from(range(len(CHUNKS))), max_size=6), st.data())
@pytest.mark.parametrize("declares", [DECLARED, ()])
def test_any_split_and_grouping_gives_the_same_levels(declares, picks, data):
    law = scan(declares)
    frames = [pd.DataFrame({"v": CHUNKS[i]}) for i in picks]
    i = data.draw(st.integers(0, len(frames)))
    j = data.draw(st.integers(i, len(frames)))

    def fold(pieces):
        return reduce(law.update, pieces, law.init())

    def left_first():
        return law.merge(law.merge(fold(frames[:i]), fold(frames[i:j])), fold(frames[j:]))

    def right_first():
        return law.merge(fold(frames[:i]), law.merge(fold(frames[i:j]), fold(frames[j:])))

    whole = outcome(partial(fold, frames))
    assert outcome(left_first) == whole
    assert outcome(right_first) == whole


def outcome(scanned):
    """The levels, or that the chunks do not suit each other."""
    try:
        return repr(scanned()["v"].levels())
    except SchemaError:
        return "refused"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ints(1), pd.Series(["b"])),
        (floats(1.5), pd.Series([True])),
        (pd.Series(["2024-01-01"]), pd.Series([pd.Timestamp("2024-01-01")])),
    ],
)
def test_chunks_of_other_kinds_are_refused_with_a_value_of_each(one, other):
    with pytest.raises(SchemaError, match=r"in some chunks, such as .* in others, such as"):
        levels_of(one, other)


def test_integers_beyond_doubles_are_refused_beside_doubles():
    large = 2**53 + 1
    assert levels_of(ints(large), ints(large + 1)) == (large, large + 1)
    with pytest.raises(DesignError, match=r"9007199254740992\.0.*2\*\*53"):
        levels_of(ints(large), floats(large + 1.0, np.nan))


@pytest.mark.parametrize("turn", [1, -1])
def test_doubles_that_round_onto_integers_are_refused_beside_them(turn):
    even = 2**53
    chunks = [ints(even, even + 2), ints(1), floats(float(even + 1), np.nan)]
    with pytest.raises(DesignError, match=r"9007199254740992\.0.*2\*\*53"):
        levels_of(*chunks[::turn])
    assert levels_of(*chunks[2:], floats(2.0**53 + 2)) == (even, even + 2)  # doubles throughout
    assert levels_of(*chunks[:2], floats(2.0)) == (1, 2, even, even + 2)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_init_is_neutral(chunk):
    law = scan()
    state = law.update(law.init(), pd.DataFrame({"v": chunk}))
    kept = deepcopy(state)
    assert same(law.merge(law.init(), state), kept)
    assert same(law.merge(state, law.init()), kept)


def test_ints_become_floats_if_a_chunk_is_float():
    levels = levels_of(ints(0, 1), floats(np.nan))
    assert levels == (0, 1)
    assert {type(level) for level in levels} == {float}


def test_text_survives_a_chunk_in_which_all_is_missing():
    assert levels_of(objects("b", "a"), floats(np.nan)) == ("a", "b")


@pytest.mark.parametrize("values", [[True, None], [False], [True, False]])
def test_booleans_have_both_levels(values):
    assert levels_of(objects(*values)) == (False, True)


def test_order_is_patsys():
    values = ["b", 10, 2.5, None, "a", True]
    theirs = patsy.dmatrix("0 + C(v)", {"v": np.array(values, dtype=object)}).design_info
    (info,) = theirs.factor_infos.values()
    assert levels_of(objects(*values[:2]), objects(*values[2:])) == info.categories


def test_categoricals_that_agree_keep_order_and_unused_levels():
    agreeing = categorical("b", ["c", "b", "a"]), categorical("a", ["c", "b", "a"])
    assert levels_of(*agreeing) == ("c", "b", "a")


def test_categoricals_that_disagree_are_plain_values():
    assert levels_of(categorical("b", ["b", "z"]), categorical("a", ["a"])) == ("a", "b")


def test_encoding_declares_nothing():
    assert levels_of(categorical("b", ["z", "b", "a"]), declares=()) == ("b",)


def test_too_many_levels():
    with pytest.raises(MemoryLimitError, match="'v' has more than 9 levels"):
        levels_of(ints(*range(5)), ints(*range(5, 10)), max_levels=9)


def test_too_many_levels_for_the_memory_limit():
    frame = make_frame().assign(identifier=[f"id{i}" for i in range(60)])
    with pytest.raises(MemoryLimitError, match="'identifier' has more than 31 levels"):
        learn("y ~ identifier", FrameSource([frame]), memory_limit=48 * 31**2)


@pytest.mark.parametrize("formula", ["y ~ v", "y ~ C(v, levels=['a'])"])
def test_unhashable_values(formula):
    frame = pd.DataFrame({"y": [1.0, 2.0], "v": [["a"], ["b"]]})
    with pytest.raises(DesignError, match="'v' must be hashable"):
        build(learn(formula, source := FrameSource([frame])), source)


def test_two_dimensions():
    with pytest.raises(DesignError, match="categorical data has one dimension"):
        learn("y ~ np.column_stack([t, t])", FrameSource([make_frame()]))


def test_scan_travels():
    law = pickle.loads(pickle.dumps(scan()))
    assert law.update(law.init(), pd.DataFrame({"v": ["a"]}))["v"].levels() == ("a",)


# --- codes --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int64", "uint64", "float32", object])
def test_codes_are_positions(dtype):
    low = 0 if "uint" in str(dtype) else -128
    levels = tuple(range(low, low + 256))
    values = pd.Series(levels).astype(dtype).iloc[::-1]
    np.testing.assert_array_equal(encode(values, levels, "v", HERE), np.arange(256)[::-1])


def test_codes_of_missing_values():
    for values in (
        objects("b", None, np.nan, "a"),
        categorical(["b", None, None, "a"], ["b", "a"]),
    ):
        np.testing.assert_array_equal(encode(values, ("a", "b"), "v", HERE), [1, -1, -1, 0])


def test_codes_of_many_levels_do_not_overflow():
    levels = tuple(range(40_000))
    np.testing.assert_array_equal(encode(ints(*levels), levels, "v", HERE), levels)


@pytest.mark.parametrize(
    "values", [objects("a", None, "new"), categorical(["a", None, "new"], ["new", "a"])]
)
def test_unseen_level(values):
    with pytest.raises(UnseenLevelError) as caught:
        encode(values, ("a", "b"), "v", Where(3, "t.csv, bytes 0-9", 100))
    assert "'v' has the level 'new' at row 102 of t.csv, bytes 0-9" in str(caught.value)
    assert isinstance(caught.value, patsy.PatsyError)
    assert isinstance(caught.value, ValueError)


def test_category_that_is_not_used_is_not_unseen():
    codes = encode(categorical("b", ["new", "b"]), ("a", "b"), "v", HERE)
    np.testing.assert_array_equal(codes, [1])


@pytest.mark.parametrize("formula", ["y ~ g", "y ~ C(g, Sum)*x", "y ~ g.str.upper()"])
def test_new_data_with_fewer_levels(formula):
    frame = make_frame()
    spec = learn(formula, source := cut(frame, [20, 20]))
    _, whole = build(spec, source)
    fewer = frame[frame.g == "b"].reset_index(drop=True)
    _, exog = build(spec, FrameSource([fewer]))
    np.testing.assert_array_equal(exog, whole[frame.g == "b"])


def test_unseen_level_says_which_row_of_the_partition():
    spec = learn("y ~ g", FrameSource([make_frame()]))
    frame = make_frame()
    frame.loc[45, "g"] = "new"
    with pytest.raises(UnseenLevelError, match=r"'g' has the level 'new' at row 15 of DataFrame 1"):
        build(spec, cut(frame, [30]))
