"""Distinct rows against pandas' groupby, and the fall back to rows that loses nothing."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from design.chunked import learn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from tolerances import EXACT, SUMS

from statsmodels_ooc.blocks.block import Block, Dense, Extras
from statsmodels_ooc.design.columns import ColumnSpec
from statsmodels_ooc.likelihoods.repeats import cell_blocks
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.reductions.dictionary import Dictionary
from statsmodels_ooc.reductions.distinct import Cells, DistinctRows, DistinctState
from statsmodels_ooc.sources.memory import FrameSource

quick = settings(deadline=None, max_examples=25)
ALWAYS = 10**6
SUM_NAMES = ["a", "ay", "ayy", "c", "cy", "cyy"]


class Keyed(Dense):
    """A design that is made of variables."""

    def __init__(self, array, variables):
        super().__init__(array)
        self.variables = variables

    def keys(self) -> tuple[np.ndarray, ...]:
        return self.variables


@dataclass(frozen=True)
class Table:
    """Rows: variables, the response, what goes with them."""

    keys: tuple[np.ndarray, ...]
    endog: np.ndarray
    extras: dict[str, np.ndarray]

    def blocks(self, size: int = 50) -> list[Block]:
        n = len(self.endog)
        return self.cut(range(0, n + size, size))

    def cut(self, ends: Sequence[int]) -> list[Block]:
        return [self.block(slice(a, b)) for a, b in pairwise(ends)]

    def block(self, piece: slice) -> Block:
        keys = tuple(values[piece] for values in self.keys)
        design = np.column_stack([np.ones(len(self.endog[piece])), *keys])
        extras = {role: values[piece] for role, values in self.extras.items()}
        return Block(self.endog[piece], Keyed(design, keys), Extras(**extras))

    def take(self, piece: Any) -> Table:
        extras = {role: values[piece] for role, values in self.extras.items()}
        return Table(tuple(v[piece] for v in self.keys), self.endog[piece], extras)


def fold(reduction: Any, blocks: Sequence[Block], state: Any = None) -> Any:
    return reduce(reduction.update, blocks, reduction.init() if state is None else state)


@dataclass(frozen=True)
class Sum(Reduction[dict[str, Any]]):
    """The fallback: weighted sums of products of ``[1 | x | offset | y]``."""

    takes_cells = True

    def init(self) -> dict[str, Any]:
        return {"products": 0.0, "squares": 0.0, "raw": 0}

    def update(self, state: dict[str, Any], block: Block) -> dict[str, Any]:
        extras, y, n = block.extras.given(), block.endog, len(block.endog)
        cells = block.cells
        a, c = prior(extras, n)
        if cells is not None and cells.squares is not None:
            c = cells.squares
        elif cells is not None:
            c = a
        inside = 0.0 if cells is None else cells.spread
        offset = extras.get("offset", np.zeros(n)) + extras.get("exposure", 0.0)
        z = np.column_stack([block.dense(), offset, y])
        products = z.T @ (z * a[:, None])
        products[-1, -1] += np.sum(inside)
        squares = np.array([c @ (y - 0.3) ** 2, c.sum()])
        if cells is not None:
            lean = 0.0 if cells.lean is None else cells.lean
            spread = inside if cells.squares_spread is None else cells.squares_spread
            squares[0] += np.sum(2 * lean * (y - 0.3) + spread)
        state["products"] = state["products"] + products
        state["squares"] = state["squares"] + squares
        state["raw"] += n if cells is None else 0
        return state

    def merge(self, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
        return {name: left[name] + right[name] for name in left}


def prior(extras: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    f, v, t = (extras.get(r, np.ones(n)) for r in ("freq_weights", "var_weights", "trials"))
    a = f * v * t
    return a, f * (v * t) ** 2


def keyed_blocks(cells: Cells) -> Iterator[Block]:
    """What `cell_blocks` does, for designs that are the keys themselves."""
    spec = ColumnSpec(["y"], [f"x{i}" for i in range(len(cells.keys))])
    for block in cell_blocks(spec, cells, 7):
        design = np.column_stack([np.ones(len(block.endog)), block.dense()])
        yield replace(block, design=Dense(design))


def folding(capacities: Sequence[int | None], **options: Any) -> DistinctRows:
    parts = {"fallback": Sum(), "blocks_of": keyed_blocks, "max_cells": ALWAYS, **options}
    return DistinctRows(tuple(capacities), **parts)


def frame(cells: Cells | None) -> pd.DataFrame:
    """The cells in the order of their keys."""
    assert cells is not None
    keys = {f"k{i}": np.asarray(v, dtype=float) for i, v in enumerate(cells.keys)}
    offset = {} if cells.offset is None else {"offset": cells.offset}
    sums = {name: getattr(cells, name) for name in SUM_NAMES}
    found = pd.DataFrame({**keys, **offset, **sums})
    by = [*keys, *offset]
    return found.sort_values(by, ignore_index=True) if by else found


def oracle(table: Table, shift: float = 0.0) -> pd.DataFrame:
    n, z = len(table.endog), table.endog - shift
    a, c = prior(table.extras, n)
    by = {f"k{i}": np.asarray(v, dtype=float) + 0.0 for i, v in enumerate(table.keys)}
    offsets = [table.extras[r] for r in ("offset", "exposure") if r in table.extras]
    if offsets:
        by["offset"] = sum(offsets)
    sums = dict(zip(SUM_NAMES, (a, a * z, a * z * z, c, c * z, c * z * z), strict=True))
    rows = pd.DataFrame({**by, **sums})
    found = rows.groupby(list(by), as_index=False).sum() if by else rows.sum().to_frame().T
    return found[found["a"] > 0].reset_index(drop=True)


def assert_cells(cells: Cells | None, expected: pd.DataFrame, rtol: float = SUMS) -> None:
    found = frame(cells)
    assert list(found) == list(expected)
    assert len(found) == len(expected)
    scale = np.abs(expected[SUM_NAMES].to_numpy()).max(initial=1.0)
    for name in found:
        atol = rtol * scale if name in SUM_NAMES else 0.0
        assert_allclose(found[name], expected[name], rtol=rtol, atol=atol, err_msg=str(name))


def assert_nothing_lost(state: DistinctState, table: Table) -> None:
    expected = fold(Sum(), [table.block(slice(None))])
    assert state.cells is None
    for name in ("products", "squares"):
        assert_allclose(state.fallback[name], expected[name], rtol=SUMS, err_msg=name)


# --- designs ------------------------------------------------------------------------------

CODED = (2, 3, 5)
HASHED = (300, 1_000)  # more combinations than a table has
COARSE = (None, None)
MIXED = (4, None, 3)
DESIGNS = {"coded": CODED, "hashed": HASHED, "coarse": COARSE, "mixed": MIXED, "nothing": ()}
EXTRAS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "offset": ("offset",),
    "all": ("freq_weights", "var_weights", "trials", "offset", "exposure"),
    "weights": ("freq_weights", "var_weights", "trials"),
    "freq": ("freq_weights",),
    "var": ("var_weights",),
}


def make(
    capacities: Sequence[int | None],
    roles: Sequence[str] = (),
    n: int = 400,
    seed: int = 0,
    response: str = "real",
) -> Table:
    rng = np.random.default_rng(seed)
    types = [np.int8, np.int16, np.int32]
    keys = tuple(
        rng.choice(rng.integers(-40, 40, 12), n) / 4
        if size is None
        else rng.choice(rng.integers(0, size, 6), n).astype(
            types[i % 3] if size < 128 else np.int16
        )
        for i, size in enumerate(capacities)
    )
    makers = {
        "freq_weights": lambda: rng.integers(0, 4, n).astype(float),
        "var_weights": lambda: rng.uniform(0, 2, n),
        "trials": lambda: rng.integers(1, 9, n).astype(float),
        "offset": lambda: rng.choice([-0.5, 0.0, 1.25], n),
        "exposure": lambda: np.log(rng.choice([1.0, 2.0], n)),
    }
    endog = {
        "binary": lambda: rng.integers(0, 2, n).astype(float),
        "count": lambda: rng.poisson(2.0, n).astype(float),
        "real": lambda: rng.normal(size=n),
        "late": lambda: np.r_[np.arange(n // 2) % 2, np.full(n - n // 2, 2.5)],  # binary at first
    }
    return Table(keys, endog[response](), {role: makers[role]() for role in roles})


each_design = pytest.mark.parametrize("design", DESIGNS)
each_extras = pytest.mark.parametrize("extras", EXTRAS)


@each_design
@each_extras
@pytest.mark.parametrize("response", ["binary", "count", "real", "late"])
def test_cells_are_those_of_groupby(design: str, extras: str, response: str) -> None:
    table = make(DESIGNS[design], EXTRAS[extras], response=response)
    state = fold(folding(DESIGNS[design]), table.blocks())
    rtol = 0 if response in ("binary", "count") and extras in ("plain", "freq") else SUMS
    assert_cells(state.cells, oracle(table), rtol)


@each_design
@each_extras
@quick
@given(data=st.data())
def test_any_split_gives_the_whole(design: str, extras: str, data: st.DataObject) -> None:
    response = data.draw(st.sampled_from(["binary", "late", "real"]))
    n, seed = data.draw(st.integers(1, 60)), data.draw(st.integers(0, 9))
    table = make(DESIGNS[design], EXTRAS[extras], n, seed, response)
    inner = sorted(data.draw(st.lists(st.integers(0, n), max_size=6)))
    blocks = table.cut([0, *inner, n])
    at = data.draw(st.integers(0, len(blocks)))
    reduction = folding(DESIGNS[design])
    whole = oracle(table)
    assert_cells(fold(reduction, blocks).cells, whole)
    left, right = fold(reduction, blocks[:at]), fold(reduction, blocks[at:])
    assert_cells(reduction.merge(left, right).cells, whole)
    begun = fold(reduction, blocks[at : at + 1])
    assert_cells(fold(reduction, blocks[at + 1 :], reduction.merge(left, begun)).cells, whole)


@each_design
@each_extras
@quick
@given(sizes=st.tuples(*[st.integers(0, 30)] * 3), seed=st.integers(0, 99))
def test_merge_is_associative(
    design: str, extras: str, sizes: tuple[int, int, int], seed: int
) -> None:
    reduction = folding(DESIGNS[design])
    a, b, c = (
        fold(reduction, make(DESIGNS[design], EXTRAS[extras], n, seed + i, kind).blocks(9))
        for i, (n, kind) in enumerate(zip(sizes, ("binary", "real", "count"), strict=True))
    )
    left = reduction.merge(reduction.merge(a, b), c)
    right = reduction.merge(a, reduction.merge(b, c))
    if sum(sizes) == 0:
        assert left.cells is None
        assert right.cells is None
    else:
        assert_cells(left.cells, frame(right.cells))


@each_design
@pytest.mark.parametrize("max_cells", [ALWAYS, 1])
def test_no_rows_are_neutral(design: str, max_cells: int) -> None:
    reduction = folding(DESIGNS[design], max_cells=max_cells)
    table = make(DESIGNS[design], EXTRAS["all"])
    state = fold(reduction, table.blocks())
    empty = fold(reduction, [table.block(slice(0, 0))])
    for merged in (
        reduction.merge(reduction.init(), state),
        reduction.merge(state, reduction.init()),
        reduction.merge(state, empty),
        reduction.merge(empty, state),
    ):
        if max_cells == 1 and design != "nothing":
            assert_nothing_lost(merged, table)
        elif max_cells == ALWAYS:
            assert_cells(merged.cells, oracle(table))
    assert reduction.merge(empty, reduction.init()).cells is None


@each_design
@pytest.mark.parametrize("max_cells", [ALWAYS, 20])
def test_merge_leaves_its_arguments_alone(design: str, max_cells: int) -> None:
    reduction = folding(DESIGNS[design], max_cells=max_cells)
    tables = [make(DESIGNS[design], EXTRAS["all"], 90, seed) for seed in range(3)]
    left, right = (fold(reduction, table.blocks()) for table in tables[:2])

    def content(state: DistinctState) -> Any:
        return copy.deepcopy((state.fallback, None if state.cells is None else frame(state.cells)))

    before = content(left), content(right)
    for merged in (
        reduction.merge(left, right),
        reduction.merge(reduction.init(), left),
        reduction.merge(right, reduction.init()),
    ):
        fold(reduction, tables[2].blocks(), merged)
    for was, now in zip(before, (content(left), content(right)), strict=True):
        np.testing.assert_equal(now[0], was[0])
        if was[1] is not None:
            pd.testing.assert_frame_equal(now[1], was[1])


@pytest.mark.parametrize("design", ["coded", "coarse"])
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_weights_may_come_late(design: str, at: int) -> None:
    weighted = make(DESIGNS[design], EXTRAS["weights"], n=90)
    ones = {role: np.r_[np.ones(60), v[60:]] for role, v in weighted.extras.items()}
    blocks = weighted.blocks(30)
    blocks = [replace(block, extras=Extras()) for block in blocks[:2]] + blocks[2:]
    reduction = folding(DESIGNS[design])
    for order in (1, -1):
        parts = [fold(reduction, blocks[:at]), fold(reduction, blocks[at:])][::order]
        expected = oracle(Table(weighted.keys, weighted.endog, ones))
        assert_cells(reduction.merge(*parts).cells, expected)


@each_design
def test_states_survive_a_pickle(design: str) -> None:
    reduction = folding(DESIGNS[design])
    table = make(DESIGNS[design], EXTRAS["all"], response="late")
    blocks = table.blocks()
    state = pickle.loads(pickle.dumps(fold(reduction, blocks[:3])))
    again = pickle.loads(pickle.dumps(reduction))
    assert_cells(fold(again, blocks[3:], state).cells, oracle(table))


@pytest.mark.parametrize("design", ["coded", "coarse", "mixed"])
def test_a_pickled_state_does_not_grow_with_the_rows(design: str) -> None:
    reduction = folding(DESIGNS[design])
    sizes = [
        len(pickle.dumps(fold(reduction, make(DESIGNS[design], n=n).blocks(5_000))))
        for n in (5_000, 50_000)
    ]
    assert sizes[1] <= sizes[0] + 64


# --- numbers ------------------------------------------------------------------------------


def test_dictionaries_that_grow_in_another_order_merge() -> None:
    rng = np.random.default_rng(1)
    reduction = folding((None, 3, None))
    x = rng.permutation(np.arange(2_000.0) / 7)
    tables = [
        Table((values, np.arange(len(values)) % 3, np.round(values)), values * 2, {})
        for values in (x[:900], x[::-1][:1_400], x[500:1_500])
    ]
    states = [fold(reduction, table.blocks(97)) for table in tables]
    merged = reduction.merge(states[0], reduction.merge(states[1], states[2]))
    whole = Table(
        tuple(np.concatenate(v) for v in zip(*(t.keys for t in tables), strict=True)),
        np.concatenate([t.endog for t in tables]),
        {},
    )
    assert_cells(merged.cells, oracle(whole))


def test_both_zeros_are_one_value() -> None:
    table = Table((np.array([0.0, -0.0, 1.0, -0.0]),), np.arange(4.0), {})
    assert_cells(fold(folding((None,)), [table.block(slice(None))]).cells, oracle(table))


def test_words_that_collide_are_told_apart() -> None:
    # Multiples of a large power of two share their slots until the table is large.
    words = np.arange(3_000, dtype=np.int64) << 48
    words = np.random.default_rng(0).permutation(np.r_[words, np.arange(3_000)])
    known = Dictionary(6_000)
    unique, numbers = [], []
    for piece in np.array_split(np.r_[words, words[::-1]], 23):
        numbers.append(known.numbers(piece))
        unique.append(piece)
    np.testing.assert_array_equal(known.entries[np.concatenate(numbers)], np.concatenate(unique))
    assert len(known) == len(np.unique(words))


def test_a_large_mean_costs_the_spread_no_digits() -> None:
    rng = np.random.default_rng(2)
    codes, y = rng.integers(0, 3, 3_000), rng.normal(1e9, 1.0, 3_000)
    y = np.round(y * 2**10) / 2**10
    table = Table((codes,), y, {"var_weights": rng.integers(1, 4, 3_000).astype(float)})
    reduction, blocks = folding((3,), shift=1e9 + 0.5), table.blocks(700)
    left, right = fold(reduction, blocks[:2]), fold(reduction, blocks[2:])
    state = reduction.merge(left, right)
    assert state.cells is not None
    (block,) = cell_blocks(ColumnSpec(["y"], ["x"]), state.cells, 100)
    w = table.extras["var_weights"]
    assert block.cells is not None
    for level, mean, spread, squares_spread in zip(
        block.design.keys()[0],
        block.endog,
        block.cells.spread,
        block.cells.squares_spread,
        strict=True,
    ):
        rows = codes == level
        z, a = y[rows] - 1e9, w[rows]
        centre = a @ z / a.sum()
        assert_allclose(mean, 1e9 + centre, rtol=EXACT)
        assert_allclose(spread, a @ (z - centre) ** 2, rtol=SUMS)
        assert_allclose(squares_spread, a**2 @ (z - centre) ** 2, rtol=SUMS)


def test_rows_without_weight_leave_no_cell() -> None:
    table = make(COARSE, n=20)
    extras = {"freq_weights": np.repeat([0.0, 1.0], 10)}
    state = fold(folding(COARSE), Table(table.keys, table.endog, extras).blocks())
    assert_cells(state.cells, oracle(table.take(slice(10, 20))))


# --- the fall back --------------------------------------------------------------------------


@pytest.mark.parametrize("design", ["coded", "hashed", "coarse", "mixed"])
@each_extras
@pytest.mark.parametrize("max_cells", [1, 11, 20])
def test_rows_fall_back_within_the_pass(design: str, extras: str, max_cells: int) -> None:
    table = make(DESIGNS[design], EXTRAS[extras])
    reduction = folding(DESIGNS[design], max_cells=max_cells)
    state = fold(reduction, table.blocks(10))
    assert_nothing_lost(state, table)
    assert state.fallback["raw"] < 400 or max_cells < 11


@pytest.mark.parametrize("extras", ["plain", "weights"])
@pytest.mark.parametrize("fallen", ["left", "right", "both", "neither"])
def test_merge_falls_back(extras: str, fallen: str) -> None:
    # 24 values in 160 rows, 12 of them in the first and the last 40 rows.
    order = np.r_[np.arange(40) % 12, np.arange(80) % 24, np.arange(40) % 12 + 12]
    table = make((), EXTRAS[extras], n=160)
    table = Table((order / 8,), table.endog, table.extras)
    reduction = folding((None,), max_cells=13)
    at = {"left": 120, "right": 40, "both": 80, "neither": 40}[fallen]
    if fallen == "neither":
        table = table.take(np.r_[0:40, 120:160])
    left, right = (
        fold(reduction, table.take(piece).blocks(8)) for piece in (slice(at), slice(at, None))
    )
    assert (left.cells is None) == (fallen in ("left", "both"))
    assert (right.cells is None) == (fallen in ("right", "both"))
    assert_nothing_lost(reduction.merge(left, right), table)


@quick
@given(max_cells=st.integers(1, 60), cuts=st.lists(st.integers(0, 300), min_size=2, max_size=2))
def test_nothing_is_lost_wherever_rows_fall_back(max_cells: int, cuts: list[int]) -> None:
    table = make(MIXED, EXTRAS["all"], n=300)
    reduction = folding(MIXED, max_cells=max_cells)
    a, b = sorted(cuts)
    parts = [
        fold(reduction, table.take(piece).blocks(13))
        for piece in (slice(a), slice(a, b), slice(b, None))
    ]
    for merged in (
        reduction.merge(reduction.merge(*parts[:2]), parts[2]),
        reduction.merge(parts[0], reduction.merge(*parts[1:])),
    ):
        if merged.cells is None:
            assert_nothing_lost(merged, table)
        else:
            assert len(merged.cells.a) <= max_cells
            assert_cells(merged.cells, oracle(table))


def rows_until_given_up(keys: tuple[np.ndarray, ...], capacities: Any, size: int) -> int | None:
    n = len(keys[0])
    table = Table(keys, np.arange(n) % 2.0, {})
    state = fold(folding(capacities), table.blocks(size))
    if state.cells is not None:
        return None
    assert_nothing_lost(state, table)
    return n - int(state.fallback["raw"])


@pytest.mark.parametrize("size", [100, 1_024, 8_192])
def test_continuous_variables_are_given_up_early(size: int) -> None:
    rng = np.random.default_rng(0)
    coarse, n = rng.integers(0, 4, 20_000).astype(float), 20_000
    counted = rows_until_given_up((coarse, rng.normal(size=n)), (None, None), size)
    assert counted is not None
    assert counted <= 4_096


def test_variables_that_are_coarse_one_by_one_only_are_given_up_early() -> None:
    rng = np.random.default_rng(0)
    keys = tuple(rng.integers(0, 1_000, 20_000).astype(float) for _ in range(4))
    counted = rows_until_given_up(keys, (None,) * 4, 512)
    assert counted is not None
    assert counted <= 4_096


def test_many_cells_are_not_given_up_early() -> None:
    # 50,400 cells: the first 8,192 rows are nearly all distinct, the rows in the end are not.
    rng = np.random.default_rng(0)
    sizes = (2, 3, 5, 7, 10, 24)
    keys = tuple(rng.integers(0, size, 100_000).astype(float) for size in sizes)
    assert rows_until_given_up(keys, (None,) * 6, 8_192) is None


def test_many_small_partitions_of_continuous_rows_are_given_up() -> None:
    rng = np.random.default_rng(0)
    reduction = folding((1_000,) * 3)
    keys = tuple(rng.integers(0, 1_000, 8_000).astype(np.int16) for _ in range(3))
    table = Table(keys, rng.normal(size=8_000), {})
    parts = [fold(reduction, [table.block(slice(i, i + 500))]) for i in range(0, 8_000, 500)]
    assert all(part.cells is not None for part in parts)
    assert_nothing_lost(reduce(reduction.merge, parts), table)


def test_keys_of_more_than_62_bits_fall_back() -> None:
    n = 3_000
    keys = (np.arange(n) % 2.0, *(np.arange(n) % 2_048.0 for _ in range(6)))  # 1 + 66 bits
    table = Table(keys, np.ones(n), {})
    state = fold(folding((None,) * 7), table.blocks(100))
    assert_nothing_lost(state, table)
    assert state.fallback["raw"] < n - 200  # 6 x 10 bits and more fit
    assert fold(folding((None,) * 6), [replace_keys(table, keys[:6])]).cells is not None
    wide = fold(folding((2**15,) * 5), [replace_keys(table, keys[:5], np.int16)])
    assert wide.cells is None


def test_a_key_of_63_bits_falls_back() -> None:
    keys = tuple(np.arange(100) % 8 for _ in range(5))
    for bits, fits in ((2, True), (3, False)):
        block = Table(keys, np.ones(100), {}).block(slice(None))
        state = fold(folding((2**15,) * 4 + (2**bits,)), [block])
        assert (state.cells is not None) == fits


def test_a_number_with_many_values_falls_back_however_often_they_repeat() -> None:
    for count, fits in ((4_096, True), (4_097, False)):
        x = np.repeat(np.arange(float(count)), 5)
        table = Table((x,), np.ones(len(x)), {})
        assert (fold(folding((None,)), table.blocks(1_000)).cells is not None) == fits


def test_rows_that_repeat_stay_cells_however_many_they_are() -> None:
    x = np.random.default_rng(0).integers(0, 500, 20_000).astype(float)
    table = Table((x,), np.ones(20_000), {})
    state = fold(folding((None,), max_cells=600), table.blocks(1_000))
    assert_cells(state.cells, oracle(table))


def replace_keys(table: Table, keys: tuple[np.ndarray, ...], dtype: Any = float) -> Block:
    return Table(tuple(k.astype(dtype) for k in keys), table.endog, {}).block(slice(None))


@pytest.mark.parametrize("size", [10, 400])
def test_too_many_cells_without_a_fallback_are_an_error(size: int) -> None:
    reduction = folding(MIXED, fallback=None, blocks_of=None, max_cells=11)
    blocks = make(MIXED).blocks(size)
    with pytest.raises(ValueError, match="more than 11 distinct values, and no fallback"):
        fold(reduction, blocks)
    parts = [fold(reduction, blocks[:1]), fold(reduction, blocks[1:2])] if size == 10 else []
    if parts:
        with pytest.raises(ValueError, match="no fallback"):
            reduction.merge(*parts)


@pytest.mark.parametrize("size", [30, 600])
def test_codes_with_few_combinations_never_fall_back(size: int) -> None:
    reduction = folding((size, size), fallback=None, blocks_of=None, max_cells=size**2)
    rng = np.random.default_rng(0)
    table = Table(tuple(rng.integers(0, size, 5_000) for _ in range(2)), np.ones(5_000), {})
    assert_cells(fold(reduction, table.blocks()).cells, oracle(table))


# --- blocks of cells --------------------------------------------------------------------------


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 500
    return pd.DataFrame(
        {
            "y": rng.integers(0, 3, n).astype(float),
            "age": rng.integers(18, 30, n).astype(float),
            "g": rng.choice(["u", "v", "w"], n),
            "h": pd.Categorical(rng.choice(["p", "q"], n), categories=["q", "p"]),
            "w": rng.uniform(1, 2, n),
            "t": rng.choice([1.0, 2.0], n),
        }
    )


@pytest.mark.parametrize("role", ["var_weights", "freq_weights"])
@pytest.mark.parametrize(
    ("formula", "capacities"),
    [
        ("y ~ g*h", (3, 2)),
        ("y ~ age + g", (None, 3)),
        ("y ~ np.column_stack([age, age**2]) + g:h", (None, None, 3, 2)),
        ("y ~ 1", ()),
    ],
)
def test_cells_become_weighted_blocks_of_the_design(
    people: pd.DataFrame, formula: str, capacities: Any, role: str
) -> None:
    spec = learn(formula, FrameSource([people]), extras={role: "w", "exposure": "t"})
    assert sorted(spec.capacities, key=str) == sorted(capacities, key=str)
    reduction = DistinctRows(
        spec.capacities, Sum(), partial(cell_blocks, spec, block_rows=5), ALWAYS
    )
    rows = list(spec.blocks(people, 0, "", 0, 60))
    state = reduce(reduction.update, rows, reduction.init())
    assert state.cells is not None
    found = fold(Sum(), list(cell_blocks(spec, state.cells, 5)))
    expected = fold(Sum(), list(spec.blocks(people, 0, "", 0, 60)))
    for name in ("products", "squares"):
        assert_allclose(found[name], expected[name], rtol=SUMS, err_msg=name)
    (block, *_) = cell_blocks(spec, state.cells, 10**6)
    assert set(block.extras.given()) == {"var_weights", "offset"}
    assert block.cells is not None
    assert (block.cells.squares is not None) == (role == "var_weights")
    again = pickle.loads(pickle.dumps(replace(reduction, max_cells=3)))
    fallen = reduce(again.update, spec.blocks(people, 0, "", 0, 60), again.init())
    if capacities:
        assert_allclose(fallen.fallback["products"], expected["products"], rtol=SUMS)


def test_columns_have_no_capacities() -> None:
    assert ColumnSpec(["y"], ["a", "b"]).capacities == (None, None)
