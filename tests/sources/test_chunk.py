"""Rows that are taken from a chunk, whatever its columns are held in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from statsmodels_ooc.sources.chunk import Chunk

FRAME = pd.DataFrame(
    {
        "number": np.arange(6.0),
        "whole": pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
        "text": pd.array(list("abcdef"), dtype="str"),
        "flag": np.array([True, False, True, True, False, None], dtype=object),
        "kind": pd.Categorical(["u", "v", None, "u", "v", "w"]),
        "day": pd.date_range("2024-01-01", periods=6),
    }
)
HELD = {
    "arrays": lambda column: column.to_numpy() if column.dtype == float else column.array,
    "labelled": lambda column: column,
}


@pytest.mark.parametrize("held", HELD)
@pytest.mark.parametrize("rows", [[], [4], [0, 2, 5], [5, 1, 1]])
def test_rows_are_taken(held: str, rows: list[int]) -> None:
    chunk = Chunk(FRAME.columns, [HELD[held](FRAME[name]) for name in FRAME], len(FRAME))
    positions = np.array(rows, dtype=np.intp)
    expected = FRAME.take(positions)
    for _ in range(2):  # before there is a frame, and from it
        found = chunk.take(positions).reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected.reset_index(drop=True))
        assert len(chunk.frame) == len(FRAME)


def test_rows_of_a_frame_are_taken() -> None:
    found = Chunk.of(FRAME).take(np.array([3, 1]))
    pd.testing.assert_frame_equal(found, FRAME.take([3, 1]))


def test_rows_that_are_taken_have_memory_of_their_own() -> None:
    values = np.arange(5.0)
    taken = Chunk(pd.Index(["x"]), [values], 5).take(np.arange(5))
    assert not np.shares_memory(taken["x"].to_numpy(), values)
