"""What a fingerprint notices."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from statsmodels_ooc.blocks.block import Block, Dense, Extras
from statsmodels_ooc.reductions.facts import Fingerprint

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
    return reduction.update(reduction.init(), block).seen


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
        assert (
            reduction.update(one, block_of(tail)).seen
            == reduction.update(reduction.init(), block_of(rows)).seen
        )


def test_a_partition_is_seen_in_one_go() -> None:
    reduction = Fingerprint(encoded=True)
    state = reduction.update(reduction.init(), block_of(columns()))
    loaded = pickle.loads(pickle.dumps(state))
    with pytest.raises(ValueError, match="partition 0 goes on"):
        reduction.update(loaded, block_of(columns()))
