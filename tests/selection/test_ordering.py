"""Total orders of rows: the first rows of one, and hashes that break ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selection.oracle import row_hash, split_mix

from statsmodels_ooc.selection.ordering import first, hashes

NAN, INF = np.nan, np.inf


def by_sorting(scores: list[float], ties: list[int], m: int) -> list[int]:
    order = sorted(
        range(len(scores)),
        key=lambda i: (bool(np.isnan(scores[i])), np.nan_to_num(scores[i], nan=0.0), ties[i]),
    )
    return order[:m]


def firsts(scores: list[float], ties: list[int], m: int) -> list[int]:
    return first(np.array(scores, dtype=float), np.array(ties), m).tolist()


def test_ties_are_broken_at_the_cut_and_before_it() -> None:
    scores = [2.0, 1, 2, 1, 2, 3, 1]
    assert firsts(scores, list(range(7)), 5) == [1, 3, 6, 0, 2]
    assert firsts(scores, list(range(7))[::-1], 5) == [6, 3, 1, 4, 2]
    assert firsts(scores, list(range(7))[::-1], 2) == [6, 3]


@pytest.mark.parametrize("m", range(7))
def test_nan_comes_last(m: int) -> None:
    scores = [NAN, INF, 1.0, NAN, -INF, INF]
    assert firsts(scores, list(range(6)), m) == [4, 2, 1, 5, 0, 3][:m]
    assert firsts(scores, list(range(6))[::-1], m) == [4, 2, 5, 1, 3, 0][:m]


def test_zeros_of_either_sign_are_tied() -> None:
    assert firsts([0.0, -0.0, 0.0, -0.0], [0, 1, 2, 3], 3) == [0, 1, 2]


@pytest.mark.parametrize("scores", [[], [1.0], [NAN], [INF, -INF]])
def test_none_are_wanted(scores: list[float]) -> None:
    found = first(np.array(scores), np.arange(len(scores)), 0)
    assert found.tolist() == []
    assert found.dtype == np.intp


@pytest.mark.parametrize("more", [0, 1, 10])
def test_all_are_wanted(more: int) -> None:
    assert firsts([3.0, 1, 2, 1], [0, 1, 2, 3], 4 + more) == [1, 3, 2, 0]
    assert firsts([], [], more) == []


@settings(deadline=None, max_examples=200)
@given(
    scores=st.lists(st.sampled_from([-INF, -1.0, -0.0, 0.0, 1.0, INF, NAN]), max_size=12),
    m=st.integers(0, 14),
    data=st.data(),
)
def test_the_first_are_those_of_a_sort(scores: list[float], m: int, data: st.DataObject) -> None:
    ties = data.draw(st.permutations(range(len(scores))))
    assert firsts(scores, ties, m) == by_sorting(scores, ties, m)


def test_ties_may_need_all_of_64_bits() -> None:
    ties = np.array([2**64 - 1, 2**64 - 2, 2**63, 2**63 - 1], dtype=np.uint64)
    for m in range(5):
        assert first(np.zeros(4), ties, m).tolist() == [3, 2, 1, 0][:m]


# --- hashes -----------------------------------------------------------------------------

MILLION = np.arange(1_000_000)


def test_the_generator_here_is_the_published_one() -> None:
    state, found = 1234567, []
    for _ in range(5):
        state, number = split_mix(state)
        found.append(number)
    assert found == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@pytest.mark.parametrize("seed", [0, 1, 42, 1234567, 2**32, 2**63, 2**64 - 1])
def test_hashes_are_numbers_of_split_mix(seed: int) -> None:
    _, state = split_mix(seed)
    expected = []
    for _ in range(100):
        state, number = split_mix(state)
        expected.append(number)
    found = hashes(seed, np.arange(100))
    assert found.dtype == np.uint64
    assert found.tolist() == expected


@pytest.mark.parametrize("row", [0, 1, 2**31, 2**40 + 3, 2**62, 2**63 - 1])
def test_rows_may_have_any_number(row: int) -> None:
    assert hashes(9, np.array([row])).tolist() == [row_hash(9, row)]


def test_hashes_stay_what_they_were() -> None:
    """A selection must be the same rows in the next version, too."""
    found = {seed: [hex(h) for h in hashes(seed, np.arange(3)).tolist()] for seed in (0, 42)}
    assert found == {
        0: ["0xa706dd2f4d197e6f", "0xb382a305f4414f5e", "0x631a9154fbabf717"],
        42: ["0x57e1faba65107204", "0xf4abd143feb24055", "0x7c816738c12903b2"],
    }


def test_no_two_rows_share_a_hash() -> None:
    in_order = np.sort(hashes(0, MILLION))
    assert (in_order[1:] > in_order[:-1]).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hashes_are_uniform(seed: int) -> None:
    found = hashes(seed, MILLION)
    top = np.bincount(found >> np.uint64(56), minlength=256)
    low = np.bincount(found & np.uint64(255), minlength=256)
    for counts in (top, low):
        chi2 = ((counts - len(MILLION) / 256) ** 2).sum() / (len(MILLION) / 256)
        assert 255 - 5 * np.sqrt(510) < chi2 < 255 + 5 * np.sqrt(510)


def test_neighbours_and_seeds_are_unrelated() -> None:
    """Each bit flips for half of the rows, from one row to the next and from seed to seed."""
    one, other = hashes(0, MILLION), hashes(1, MILLION)
    for flips in (one[1:] ^ one[:-1], one ^ other):
        for bit in range(64):
            share = ((flips >> np.uint64(bit)) & np.uint64(1)).mean()
            assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(len(MILLION))


def test_seeds_are_no_shifts_of_one_another() -> None:
    """The seeds s and s + 1 would share their numbers if the seed itself were the start."""
    step, rows = 0x9E3779B97F4A7C15, np.arange(1000)
    for far in (1, step):
        assert not np.intersect1d(hashes(0, rows), hashes(far, rows)).size


def test_the_first_hashes_are_spread_over_the_rows() -> None:
    smallest = np.argsort(hashes(3, MILLION))[:10_000]
    assert abs(smallest.mean() / len(MILLION) - 0.5) < 5 / np.sqrt(12 * 10_000)
