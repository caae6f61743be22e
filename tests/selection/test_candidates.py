"""What a step must know of its order: enough for any rows that are taken before, no more."""

from __future__ import annotations

import pickle
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import statsmodels_ooc.api as smo
from statsmodels_ooc.blocks.block import Dense, Extras
from statsmodels_ooc.selection.candidates import Candidates
from statsmodels_ooc.selection.carried import Numbering, RawBlock, partitions_of, rows_of
from statsmodels_ooc.selection.criteria import deal, scores, take
from statsmodels_ooc.selection.ordering import TIES, Order, first, hashes
from statsmodels_ooc.selection.pool import Gather, GatherState, Pool
from statsmodels_ooc.selection.scorers import Informative, Psi, Uniform
from statsmodels_ooc.sources.chunk import Chunk

quick = settings(deadline=None, max_examples=60)


# --- steps


@pytest.mark.parametrize(("k", "p", "each"), [(12, 3, 2), (1_000, 10, 50), (8, 1, 4)])
def test_equal_slots(k: int, p: int, each: int) -> None:
    for slots in ("exact", "floor"):
        steps = deal("D", k, p, slots)
        assert steps.slots == (each,) * (2 * p)
        needs = [m * each for j in range(1, p + 1) for m in (2 * j - 1, 2 * j)]
        assert list(steps.needs) == needs
        assert sum(steps.needs) == k * (p + 0.5)


def test_what_is_left_is_dealt_one_by_one() -> None:
    assert deal("D", 17, 3).slots == (3, 3, 3, 3, 3, 2)
    assert deal("D", 17, 3).needs == (3, 6, 9, 12, 15, 17)
    assert deal("D", 17, 3, "floor").slots == (2, 2, 2, 2, 2, 2)
    assert deal("D", 6, 3).slots == (1,) * 6
    for k in range(2, 40):
        for p in range(1, k // 2 + 1):
            exact, floor = deal("D", k, p).slots, deal("D", k, p, "floor").slots
            assert sum(exact) == k
            assert sum(floor) == 2 * p * (k // (2 * p))
            assert max(exact) - min(exact) <= 1
            assert list(exact) == sorted(exact, reverse=True)


@pytest.mark.parametrize("criterion", ["T", "uniform"])
def test_other_criteria_have_one_step(criterion: Any) -> None:
    assert deal(criterion, 5, 9).slots == deal(criterion, 5, 9).needs == (5,)


@pytest.mark.parametrize("slots", ["exact", "floor"])
def test_a_row_for_every_side(slots: Any) -> None:
    with pytest.raises(ValueError, match="k = 5 is less than two rows for each of 3 columns"):
        deal("D", 5, 3, slots)


# --- the bound


def in_the_way(slots: tuple[int, ...], t: int) -> list[np.ndarray]:
    """Orders of 2p steps: the rows that head that of step t are taken by the steps before."""
    total = sum(slots)
    rows = np.arange(3 * total)
    ends = [0, *accumulate(slots)]
    orders = []
    for u in range(len(slots)):
        own = np.arange(ends[u], ends[u + 1])
        if u == t:
            own = np.arange(ends[t])  # all that are taken before, then its own
        orders.append(np.concatenate((own, np.setdiff1d(rows, own))))
    return orders


@pytest.mark.parametrize(("k", "p"), [(4, 2), (12, 3), (17, 3), (40, 4)])
def test_one_candidate_fewer_is_too_few(k: int, p: int) -> None:
    steps = deal("D", k, p)
    for t in range(2 * p):
        orders = in_the_way(steps.slots, t)
        whole = [rows.tolist() for rows in take(orders, steps.slots)]
        needs = list(steps.needs)
        cut = [order[:m] for order, m in zip(orders, needs, strict=True)]
        assert [rows.tolist() for rows in take(cut, steps.slots)] == whole
        needs[t] -= 1
        cut = [order[:m] for order, m in zip(orders, needs, strict=True)]
        assert [rows.tolist() for rows in take(cut, steps.slots)] != whole


def stacked(p: int, each: int, seed: int) -> np.ndarray:
    """Columns whose extremes are in the same rows: what heads an order is taken already."""
    rng = np.random.default_rng(seed)
    n = 2 * p * each + 7
    order = rng.permutation(n)
    x = np.empty((n, p))
    x[order] = np.arange(n)[:, None] - n / 2
    return x


def selected(x: np.ndarray, needs: tuple[int, ...], slots: tuple[int, ...]) -> list[list[int]]:
    """Rows of every step, when so many rows of its order are kept, 5 rows at a time."""
    columns = tuple(range(x.shape[1]))
    reduction = Candidates(needs, Informative("D", columns, Psi()), Numbering(), room=0)
    state = reduction.init()
    for block in blocks_of(x, 5):
        state = reduction.update(state, block)
    return [rows.tolist() for rows in take(reduction.orders(state), slots)]


def blocks_of(x: np.ndarray, size: int, partition: int = 0) -> list[RawBlock]:
    return [
        RawBlock(np.zeros(len(part)), Dense(np.asfortranarray(part)), Extras(), partition, start)
        for start in range(0, len(x), size)
        for part in [x[start : start + size]]
    ]


def steps_of(rows: list[int], slots: tuple[int, ...]) -> list[list[int]]:
    ends = [0, *accumulate(slots)]
    return [rows[start:end] for start, end in pairwise(ends)]


def heads_taken(slots: tuple[int, ...], t: int) -> np.ndarray:
    """Data in which all rows that head the lower side of a column are taken before its turn."""
    x = np.random.default_rng(t).uniform(-1, 1, (40, len(slots) // 2))
    for u, rows in enumerate(steps_of(list(range(40)), slots[:t])):
        x[rows, u // 2] = np.array([-10, 10])[u % 2] * (2.0 + np.arange(len(rows)))
        x[rows, t // 2] = -100.0 - np.array(rows)
    return x


@pytest.mark.parametrize("t", [0, 2, 4])
def test_the_bound_is_tight_on_data_for_lower_sides(t: int) -> None:
    steps = deal("D", 12, 3)
    x = heads_taken(steps.slots, t)
    expected = steps_of(smo.iboss_indices(x, 12).tolist(), steps.slots)
    assert selected(x, steps.needs, steps.slots) == expected
    fewer = tuple(m - (u == t) for u, m in enumerate(steps.needs))
    assert selected(x, fewer, steps.slots) != expected


@pytest.mark.parametrize("t", [1, 3, 5])
def test_the_bound_is_tight_on_data_for_upper_sides(t: int) -> None:
    """Where a column has one value, ties take from both of its sides the same rows first."""
    steps = deal("D", 12, 3)
    x = heads_taken(steps.slots, t - 1)
    x[:, t // 2] = 1.0
    expected = selected(x, (40,) * 6, steps.slots)
    assert selected(x, steps.needs, steps.slots) == expected
    fewer = tuple(m - (u == t) for u, m in enumerate(steps.needs))
    assert selected(x, fewer, steps.slots) != expected


@pytest.mark.filterwarnings("ignore:.*more than half")
@quick
@given(st.integers(0, 2**32 - 1))
def test_the_bound_is_enough(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(8, 60)), int(rng.integers(1, 4))
    x = rng.integers(0, rng.integers(2, 12), (n, p)).astype(float)
    x[0], x[1] = 0, 20  # no column is constant
    if rng.random() < 0.3:
        x = stacked(p, 3, seed)
        n = len(x)
    k = int(rng.integers(2 * p, n))
    steps = deal("D", k, p)
    found = selected(x, steps.needs, steps.slots)
    assert list(chain(*found)) == smo.iboss_indices(x, k).tolist()


# --- memory


def state_of(n: int, needs: tuple[int, ...], block: int = 500) -> Any:
    rng = np.random.default_rng(0)
    columns = tuple(range(len(needs) // 2))
    reduction = Candidates(needs, Informative("D", columns, Psi()), Numbering(), room=0)
    state = reduction.init()
    for part in blocks_of(rng.normal(size=(n, len(columns))), block):
        state = reduction.update(state, part)
    return reduction.merge(state, reduction.init())


def test_a_state_takes_16_bytes_a_candidate() -> None:
    steps = deal("D", 1_000, 10)
    candidates = sum(steps.needs)
    assert candidates == 10_500
    size = len(pickle.dumps(state_of(3_000, steps.needs), protocol=5))
    assert 16 * candidates <= size <= 16 * candidates + 8_000


def test_a_state_does_not_grow_with_the_rows() -> None:
    needs = deal("D", 200, 3).needs
    sizes = {n: len(pickle.dumps(state_of(n, needs), protocol=5)) for n in (1_000, 40_000)}
    assert sizes[40_000] <= sizes[1_000] + 16


def test_rows_that_wait_are_half_as_many_or_a_thousand() -> None:
    """In the worst order, where every row is a candidate when it comes."""
    m = 10_000
    order = Order(m)
    for start in range(0, 100_000, 1_000):
        codes = np.arange(start, start + 1_000)
        order.offer(-codes.astype(float), codes, lambda codes: codes)
        assert len(order.codes) + order.waits <= m + max(m // 2, 1_024) + 1_000
    assert order.settle(lambda codes: codes).codes.tolist() == list(range(99_999, 89_999, -1))


def test_raw_rows_are_let_go_of() -> None:
    n = 60_000
    x = np.arange(n, dtype=float)[:, None]  # every row is the largest so far
    reduction = Candidates((10, 20), Informative("D", (0,), Psi()), Numbering())
    state = reduction.init()
    frame = pd.DataFrame({"x": x[:, 0]})
    for block in blocks_of(x, 500):
        state = reduction.update(state, Carrying.of(block, frame))
        assert state.pool.size <= 4 * 30 + 1_024 + 500 + 1
    low, high = reduction.orders(state)
    assert low.tolist() == list(range(10))
    assert high.tolist() == list(range(n - 1, n - 21, -1))
    pool = state.pool.only(np.concatenate((low, high)))
    assert pool.frames[0]["x"].tolist() == [*range(10), *range(n - 20, n)]


class Maker:
    def plain(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows

    def nbytes(self, rows: pd.DataFrame) -> int:
        return 8 * rows.size


class Carrying:
    """Blocks whose raw rows are those of one frame."""

    @staticmethod
    def of(block: RawBlock, frame: pd.DataFrame, frame_start: int = 0) -> RawBlock:
        maker: Any = Maker()
        return RawBlock(
            block.endog,
            block.design,
            block.extras,
            block.partition,
            block.start,
            block.kept,
            maker=maker,
            chunk=Chunk.of(frame),
            chunk_start=frame_start,
        )


def gathered(state: GatherState) -> tuple[dict[int, int], list[Any]]:
    """What a state holds, whatever pieces it came in."""
    codes, places = (
        np.concatenate([[], *parts]) for parts in (state.pool.codes, state.pool.places)
    )
    values = [value for frame in state.pool.frames for value in frame["x"]]
    return state.kept, [codes.tolist(), places.tolist(), values]


@quick
@given(
    sizes=st.lists(st.integers(1, 9), min_size=3, max_size=3), wanted=st.sets(st.integers(0, 19))
)
def test_rows_are_gathered_in_any_split_and_tree(sizes: list[int], wanted: set[int]) -> None:
    frame = pd.DataFrame({"x": np.arange(20.0)})
    codes = np.array(sorted(wanted), dtype=np.int64)
    reduction = Gather(np.concatenate([codes, codes + 2**40, codes + 2**41]), Numbering())

    def part(partition: int, size: int) -> GatherState:
        state = reduction.init()
        for block in blocks_of(frame.to_numpy(), size, partition):
            state = reduction.update(state, Carrying.of(block, frame))
        return state

    a, b, c = (part(partition, size) for partition, size in enumerate(sizes))
    merge = reduction.merge
    found = gathered(merge(merge(a, b), c))
    assert found == gathered(merge(a, merge(b, c)))
    assert found == gathered(
        merge(reduction.init(), merge(merge(a, b), merge(c, reduction.init())))
    )
    assert gathered(a) == gathered(part(0, 20))
    assert gathered(a) == ({0: 20}, [codes.tolist(), codes.tolist(), codes.astype(float).tolist()])


# --- orders


def by_code(codes: np.ndarray) -> np.ndarray:
    return codes


def by_hash(codes: np.ndarray) -> np.ndarray:
    return hashes(11, codes)


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, list[np.ndarray], int, Any]:
    """Scores with ties, rows cut into pieces, how many are wanted, and who comes first."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(0, 60))
    values = np.array([-np.inf, -1.5, -0.0, 0.0, 1.0, 2.0, 7.0, np.inf])
    pieces = np.array_split(rng.permutation(n), draw(st.integers(1, 8)))
    ties = draw(st.sampled_from([by_code, by_hash]))
    return rng.choice(values, n), pieces, draw(st.integers(1, 70)), ties


@quick
@given(scored())
def test_an_order_does_not_depend_on_how_rows_come(drawn: Any) -> None:
    s, pieces, m, ties = drawn
    expected = first(s, ties(np.arange(len(s))), m)
    key = list(zip(s.tolist(), ties(np.arange(len(s))).tolist(), strict=True))
    assert expected.tolist() == sorted(range(len(s)), key=key.__getitem__)[:m]
    one = Order(m)
    for piece in pieces:
        one.offer(s[piece], piece, ties)
    assert one.settle(ties).codes.tolist() == expected.tolist()
    assert one.scores.tolist() == s[expected].tolist()


@quick
@given(scored(), st.integers(0, 2**32 - 1), st.booleans())
def test_orders_are_joined_in_any_tree(drawn: Any, seed: int, settled: bool) -> None:
    s, pieces, m, ties = drawn
    rng = np.random.default_rng(seed)
    orders = []
    for piece in pieces:
        orders.append(Order(m))
        orders[-1].offer(s[piece], piece, ties)
        if settled:
            orders[-1].settle(ties)
    while len(orders) > 1:
        a, b = (orders.pop(rng.integers(len(orders))) for _ in range(2))
        before = pickle.dumps((a, b))
        orders.append(a.joined(b, ties))
        assert pickle.dumps((a, b)) == before
    assert orders[0].settle(ties).codes.tolist() == first(s, ties(np.arange(len(s))), m).tolist()


def test_scores_that_are_no_numbers_come_last() -> None:
    s = np.array([np.nan, 2.0, np.nan, 1.0, 0.0, 5.0])
    order = Order(3)
    for i in range(len(s)):
        order.offer(s[i : i + 1], np.array([i]), by_code)
        order.settle(by_code)
    assert order.codes.tolist() == first(s, np.arange(len(s)), 3).tolist() == [4, 3, 1]


def test_rows_that_are_let_in_are_told() -> None:
    order = Order(2)
    assert order.offer(np.array([3.0, 1.0, 2.0]), np.arange(3), by_code).tolist() == [1, 2]
    order.settle(by_code)
    assert order.offer(np.array([2.1, 5.0]), np.array([7, 8]), by_code) is None
    assert len(order.offer(np.array([2.0, 5.0]), np.array([7, 8]), by_code)) == 0
    assert order.settle(by_code).codes.tolist() == [1, 2]
    order.offer(np.array([2.0, 1.0]), np.array([-1, 9]), by_code)
    assert order.settle(by_code).codes.tolist() == [1, 9]


def test_orders_are_equal_where_their_rows_are() -> None:
    def order(*scores: float) -> Order:
        made = Order(3)
        made.offer(np.array(scores), np.arange(len(scores)), by_code)
        return made.settle(by_code)

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(2, 1)
    assert order(1, 2) != order(1, 2, 3)


# --- pools


def pool_of(*codes: int) -> Pool:
    pool = Pool()
    for code in codes:
        row = pd.DataFrame({"c": [code], "t": pd.Categorical([f"{code % 3}"], list("012"))})
        pool.add(np.array([code]), np.array([code + 100]), row, 16)
    return pool


def test_a_pool_gives_rows_by_code() -> None:
    pool = pool_of(9, 2, 7, 4)
    only = pool.only(np.array([7, 2]))
    (codes,), (places,), (frame,) = only.codes, only.places, only.frames
    assert codes.tolist() == [2, 7]
    assert places.tolist() == [102, 107]
    assert frame["c"].tolist() == [2, 7]
    assert frame.index.tolist() == [0, 1]
    assert isinstance(frame["t"].dtype, pd.CategoricalDtype)
    assert (pool.size, only.size, Pool().only(np.array([1])).size) == (4, 2, 0)


def test_pools_are_joined() -> None:
    a, b = pool_of(9, 2), pool_of(7)
    both, turned = a.joined(b), b.joined(a)
    assert (a.size, b.size, both.size) == (2, 1, 3)
    every = np.array([9, 7, 2])
    assert both.only(every).frames[0]["c"].tolist() == [2, 7, 9]
    assert turned.only(every).places[0].tolist() == [102, 107, 109]
    both.add(np.array([1]), np.array([1]), pd.DataFrame({"c": [1], "t": ["1"]}), 16)
    assert (a.size, b.size) == (2, 1)


# --- numbers


def test_codes_are_in_the_order_of_the_rows() -> None:
    numbering = Numbering()
    x = np.zeros((4, 1))
    blocks = [*blocks_of(x, 2, 0), *blocks_of(x, 3, 1), *blocks_of(x, 4, 2_000_000)]
    codes = np.concatenate([numbering.codes(block) for block in blocks])
    assert (np.diff(codes) > 0).all()
    assert partitions_of(codes).tolist() == [0] * 4 + [1] * 4 + [2_000_000] * 4
    assert rows_of(codes[:8], np.array([0, 10])).tolist() == [0, 1, 2, 3, 10, 11, 12, 13]


def test_hashes_are_those_of_rows_in_the_source() -> None:
    starts = np.array([0, 4])
    numbering = Numbering(5, TIES, starts)
    x = np.zeros((4, 1))
    codes = np.concatenate([numbering.codes(block) for p in (0, 1) for block in blocks_of(x, 3, p)])
    assert numbering.ties(codes).tolist() == hashes(5, np.arange(8)).tolist()


def test_dropped_rows_keep_their_numbers() -> None:
    block = RawBlock(np.zeros(2), Dense(np.zeros((2, 1))), Extras(), 3, 10, np.array([11, 14]))
    assert block.row_numbers.tolist() == [11, 14]
    frame = pd.DataFrame({"x": range(100, 110)})
    rows, nbytes = Carrying.of(block, frame, 10).raw(np.array([1]))
    assert (rows.x.tolist(), nbytes) == ([104], 8)


# --- scores


def test_every_row_has_the_same_bits_in_whatever_company() -> None:
    rng = np.random.default_rng(0)
    x, psi = rng.normal(size=(50, 3)), rng.uniform(size=50) ** 8
    mean, scale = x.mean(axis=0), x.std(axis=0)
    for criterion in ("D", "T"):
        whole = list(scores(criterion, list(x.T), psi, mean, scale))
        for step, expected in enumerate(whole):
            alone = [
                list(scores(criterion, list(x[i : i + 1].T), psi[i : i + 1], mean, scale))[step]
                for i in range(50)
            ]
            assert np.concatenate(alone).tobytes() == expected.tobytes()


def test_uniform_scores_leave_it_to_ties() -> None:
    steps, outside = Uniform()(blocks_of(np.zeros((3, 1)), 3)[0], [Order(2)])
    assert outside is None
    assert [(rows, score.tolist()) for rows, score in steps] == [(None, [0.0, 0.0, 0.0])]


def test_rows_without_a_score_do_not_pile_up() -> None:
    order = Order(3)
    for i in range(50):
        order.offer(np.full(4, np.nan), np.arange(4 * i, 4 * i + 4), by_code)
        assert len(order.codes) <= 3
    assert order.settle(by_code).codes.tolist() == [0, 1, 2]
