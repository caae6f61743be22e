"""Pairs of parameters are all there, or it is said that they are not."""

from __future__ import annotations

import itertools

import pytest
from covering import turns


@pytest.mark.parametrize("values", [(1, 2), (1, 2, 3), (1, 1, 2)])
def test_all_pairs_are_there(values: tuple[int, ...]) -> None:
    crossed = ("abc", "uvwx", "yz")
    found = turns(values, *crossed)
    assert [one[:-1] for one in found] == list(itertools.product(*crossed))
    for place, others in enumerate(crossed):
        pairs = {(one[place], one[-1]) for one in found}
        assert pairs == set(itertools.product(others, values))


def test_pairs_that_cannot_all_be_there_are_told() -> None:
    with pytest.raises(ValueError, match="3 values"):
        turns((1, 2, 3), "ab", "uv")
