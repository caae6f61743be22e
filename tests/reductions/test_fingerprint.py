"""What a fingerprint notices."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statsmodels_ooc.blocks.block import Block, Dense, Extras
from statsmodels_ooc.reductions.facts import Fingerprint
from statsmodels_ooc.reductions.segments import SEGMENT

N, K = 500, 2


def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "endog": rng.normal(size=N),
        "exog": rng.normal(size=(N, K)),
        "weights": rng.uniform(size=N),
    }


def block_of(rows: dict[str, np.ndarray], **kwargs: Any) -> Block:
    extras = Extras(weights=rows["weights"])
    return Block(rows["endog"], Dense(rows["exog"]), extras, **kwargs)


def fingerprint(rows: dict[str, np.ndarray], **kwargs: Any) -> Any:
    reduction = Fingerprint(encoded=True)
    block = block_of(rows, rows_read=len(rows["endog"]), **kwargs)
    return reduction.update(reduction.init(), block).entry(block.partition)


def endog(rows: dict[str, np.ndarray]) -> None:
    rows["endog"][123] += 1e-12


def weights(rows: dict[str, np.ndarray]) -> None:
    rows["weights"][123] += 1e-12


def column(rows: dict[str, np.ndarray]) -> None:
    rows["exog"][:, 1] += 1e-12


def columns_swapped(rows: dict[str, np.ndarray]) -> None:
    rows["exog"] = rows["exog"][:, ::-1].copy()


def order(rows: dict[str, np.ndarray]) -> None:
    permutation = np.random.default_rng(1).permutation(N)
    for name, values in rows.items():
        rows[name] = values[permutation]


def one_row_less(rows: dict[str, np.ndarray]) -> None:
    for name, values in rows.items():
        rows[name] = values[:-1]


@pytest.mark.parametrize("change", [endog, weights, column, columns_swapped, order, one_row_less])
def test_a_change_is_noticed(change: Callable[[dict[str, np.ndarray]], None]) -> None:
    rows = columns()
    before = fingerprint(rows)
    change(rows)
    assert fingerprint(rows) != before


def test_the_same_rows_have_the_same_fingerprint() -> None:
    assert fingerprint(columns()) == fingerprint(columns())


def test_a_partition_without_a_block_has_its_place() -> None:
    reduction = Fingerprint(encoded=True)
    states = [
        reduction.update(reduction.init(), block_of(columns(), partition=number, rows_read=N))
        for number in (1, 3)
    ]
    assert [kept for _, kept, _ in reduction.merge(*states).of(5)] == [0, N, 0, N, 0]


def test_what_was_merged_and_what_goes_on_are_two() -> None:
    reduction, rows = Fingerprint(encoded=True), columns()
    head, tail = ({name: v[part] for name, v in rows.items()} for part in (slice(9), slice(9, N)))
    state = reduction.update(reduction.init(), block_of(head))
    merged = reduction.merge(reduction.init(), state)
    for one in (state, merged):
        assert reduction.update(one, block_of(tail, start=9)).of(1) == reduction.update(
            reduction.init(), block_of(rows)
        ).of(1)


LONG = 3 * SEGMENT + 100


def long_columns(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "endog": rng.integers(0, 2, LONG).astype(float),
        "exog": rng.normal(size=(LONG, K)),
        "weights": rng.integers(1, 9, LONG).astype(float),
    }


def folded(
    rows: dict[str, np.ndarray], cuts: list[int], kept: np.ndarray | None, encoded: bool
) -> list[Any]:
    """States of the pieces between some cuts, pickled on the way, in blocks of two sizes."""
    reduction, states = Fingerprint(encoded), []
    for begin, end in pairwise([0, *sorted(cuts), len(rows["endog"])]):
        state = reduction.init()
        for at in range(begin, end, size := 1_000 + (begin % 7) * 4_000):
            piece = slice(at, min(at + size, end))
            some = {name: values[piece].copy() for name, values in rows.items()}
            place = {"start": at} if kept is None else {"kept": kept[piece]}
            block = block_of(some, rows_read=len(some["endog"]), **place)
            state = reduction.update(state, block)
            for values in some.values():
                values[:] = 7  # a block's memory is overwritten
        states.append(pickle.loads(pickle.dumps(state)))
    return states


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("dropped", [True, False])
@settings(deadline=None, max_examples=40)
@given(
    cuts=st.lists(st.integers(0, LONG) | st.sampled_from([SEGMENT, 2 * SEGMENT, 0]), max_size=6),
    left_first=st.booleans(),
)
def test_any_cut_gives_the_same(
    encoded: bool, dropped: bool, cuts: list[int], left_first: bool
) -> None:
    kept = np.sort(np.random.default_rng(1).permutation(2 * LONG)[:LONG]) if dropped else None
    reduction, rows = Fingerprint(encoded), long_columns()
    (whole,) = folded(rows, [], kept, encoded)
    states = folded(rows, cuts, kept, encoded)
    while len(states) > 1:
        at = 0 if left_first else len(states) - 2
        states[at : at + 2] = [reduction.merge(*states[at : at + 2])]
    assert states[0].of(1) == whole.of(1)


@pytest.mark.parametrize("cuts", [[], [SEGMENT], [5, 9_000, 20_000]])
def test_every_row_and_their_order_are_noticed_however_they_are_cut(cuts: list[int]) -> None:
    reduction, rng = Fingerprint(encoded=True), np.random.default_rng(2)

    def of(rows: dict[str, np.ndarray]) -> Any:
        return reduce(reduction.merge, folded(rows, cuts, None, True)).entry(0)

    rows = long_columns()
    known = {of(rows)}
    for _ in range(10):
        at, to = rng.choice(LONG, size=2, replace=False)
        rows["endog"][at] = 1 - rows["endog"][at]
        known.add(of(rows))
        rows["endog"][to] = 1 - rows["endog"][to]
        known.add(of(rows))
    for step in (1, SEGMENT):  # rows, and segments, that are exchanged
        rows = {name: np.roll(values, step, axis=0) for name, values in rows.items()}
        known.add(of(rows))
    assert len(known) == 23


@pytest.mark.parametrize("encoded", [True, False])
def test_a_complete_partition_is_what_it_was_and_holds_no_row(encoded: bool) -> None:
    reduction = Fingerprint(encoded)
    (state,) = folded(long_columns(), [], None, encoded)
    complete = reduction.complete(state, 0)
    assert reduction.complete(complete, 7) == complete
    assert complete.of(2) == state.of(2)
    assert len(pickle.dumps(complete)) < 400


def test_complete_partitions_hold_no_rows() -> None:
    reduction = Fingerprint(encoded=True)
    states = [
        reduction.update(reduction.init(), block_of(columns(), partition=number))
        for number in range(20)
    ]
    merged = reduce(reduction.merge, states)
    assert merged.of(20) == [one.entry(number) for number, one in enumerate(states)]
    assert len(pickle.dumps(merged)) < 4 * len(pickle.dumps(states[0]))
