"""`iboss_indices` against the algorithms by their letter, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selection import oracle

from statsmodels_ooc.errors import DesignError, MissingDataError, SelectionWarning
from statsmodels_ooc.selection.indices import iboss_indices
from statsmodels_ooc.selection.ordering import TIES, UNIFORM

pytestmark = pytest.mark.filterwarnings("ignore:.*more than half")  # small problems
CRITERIA = ("D", "T", "uniform")


def oracle_of(x: Any, k: int, *, ties: str = "index", seed: int = 0, **others: Any) -> list[int]:
    purpose = UNIFORM if others.get("criterion") == "uniform" else TIES
    hashed = ties == "hash" or purpose == UNIFORM
    tie = (lambda row: oracle.row_hash(seed, row, purpose)) if hashed else None
    return oracle.select(x, k, tie=tie, **others)


def column(rng: np.random.Generator, n: int) -> np.ndarray:
    match rng.integers(6):
        case 0:
            return rng.integers(-2, 3, n).astype(float)
        case 1:
            return (rng.random(n) < rng.choice([0.1, 0.5])).astype(float)
        case 2:
            return np.full(n, rng.choice([0.0, 1.0, 0.1]))
        case 3:
            return rng.integers(0, 5, n) / 10 + 1e6
        case 4:
            return rng.permutation(n).astype(float)
        case _:
            return rng.standard_t(2, n)


def information(rng: np.random.Generator, n: int) -> np.ndarray | None:
    match rng.integers(5):
        case 0:
            return rng.choice([0.0, 0.25, 1.0, 16.0], n)
        case 1:
            return rng.uniform(0, 0.25, n)
        case 2:
            return np.exp(rng.normal(0, 4, n)) * (rng.random(n) < 0.9)
        case 3:
            return np.full(n, 0.3)
        case _:
            return None


def problem(rng: np.random.Generator, criterion: str) -> dict[str, Any]:
    """A small problem with a column that is not constant."""
    n = int(rng.integers(4, 50))
    x = np.column_stack([column(rng, n) for _ in range(rng.integers(1, 6))])
    varies = x.min(axis=0) < x.max(axis=0)
    p = int(varies.sum())
    if p == 0 or n < 2 * p:
        return problem(rng, criterion)
    own = rng.random() < 0.3
    return {
        "x": x,
        "k": int(rng.integers(2 * p, n + 1)),
        "criterion": criterion,
        "psi": information(rng, n),
        "mean": rng.normal(size=x.shape[1]).round(1) if own else None,
        "scale": rng.uniform(0.5, 2, x.shape[1]) if own and rng.random() < 0.7 else None,
        "slots": str(rng.choice(["exact", "floor"])),
        "ties": str(rng.choice(["index", "hash"])),
        "seed": int(rng.integers(2**63)),
    }


def found_by(x: Any, k: int, **others: Any) -> list[int]:
    rows = iboss_indices(x, k, **others)
    assert rows.dtype == np.int64
    return rows.tolist()


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("seed", range(10))
def test_the_rows_are_those_of_the_algorithm(criterion: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for number in range(25):
        drawn = problem(rng, criterion)
        assert found_by(**drawn) == oracle_of(**drawn), (number, drawn)


@pytest.mark.parametrize(
    ("criterion", "variant"), [(c, v) for c, many in oracle.VARIANTS.items() for v in many]
)
def test_these_problems_tell_right_from_wrong(criterion: str, variant: str) -> None:
    rng = np.random.default_rng(0)
    told = 0
    for _ in range(200 if criterion == "D" else 40):
        drawn = problem(rng, criterion) | {"ties": "index", "mean": None, "scale": None}
        x = drawn["x"] = np.insert(drawn["x"], 0, 1.0, axis=1)
        drawn["psi"] = None if variant == oracle.TIES_TURNED else np.exp(rng.normal(0, 3, len(x)))
        if drawn["k"] < 2 * x.shape[1]:
            continue
        told += oracle_of(**drawn) != oracle_of(**drawn, variant=variant)
    assert told >= 5


@st.composite
def tied(draw: st.DrawFn) -> dict[str, Any]:
    """Few rows of few values: almost every score is tied."""
    n, width = draw(st.integers(3, 14)), draw(st.integers(1, 3))
    cells = st.lists(st.integers(0, 3), min_size=width, max_size=width)
    x = draw(st.lists(cells, min_size=n, max_size=n))
    varying = sum(len({row[j] for row in x}) > 1 for j in range(width))
    if varying == 0:
        x[0][0] += 1
        varying = 1
    levels = st.sampled_from([0.0, 0.5, 1.0, 4.0])
    return {
        "x": np.array(x, dtype=float),
        "k": draw(st.integers(2 * varying, max(2 * varying, n + 2))),
        "criterion": draw(st.sampled_from(CRITERIA)),
        "psi": draw(st.none() | st.lists(levels, min_size=n, max_size=n)),
        "slots": draw(st.sampled_from(["exact", "floor"])),
        "ties": draw(st.sampled_from(["index", "hash"])),
        "seed": draw(st.integers(0, 2**64 - 1)),
    }


@settings(deadline=None, max_examples=200)
@given(drawn=tied())
def test_ties_go_as_the_algorithm_says(drawn: dict[str, Any]) -> None:
    assert found_by(**drawn) == oracle_of(**drawn)


# --- case by case -----------------------------------------------------------------------


@pytest.mark.parametrize("k", range(6, 13))
@pytest.mark.parametrize("slots", ["exact", "floor"])
def test_what_remains_is_dealt_out_or_dropped(k: int, slots: str) -> None:
    x = np.random.default_rng(k).normal(size=(40, 3))
    found = found_by(x, k, slots=slots)
    assert found == oracle.select(x, k, slots=slots)
    assert len(set(found)) == len(found) == (k if slots == "exact" else k - k % 6)


def test_the_remainder_goes_to_the_first_steps() -> None:
    x = np.array([[i, j] for i in range(4) for j in range(4)], dtype=float)
    # Column 1: two low, two high; column 2: two low, one high.
    assert found_by(x, 7) == [0, 1, 12, 13, 4, 8, 3]


def test_one_column_is_weighted_by_psi_itself() -> None:
    x = np.array([[-9.0], [-4.0], [0.0], [4.0], [9.0]])
    psi = [1.0, 2.3, 1.0, 2.3, 1.0]  # 4 * 2.3 > 9 > 4 * sqrt(2.3)
    assert found_by(x, 2, psi=psi) == [1, 3]


def test_a_side_is_ascending_and_steps_follow_one_another() -> None:
    x = np.array([[5, 0], [1, 9], [0, 3], [9, 2], [8, 1], [4, 8], [3, 7], [2, 5], [6, 4], [7, 6]])
    # Low: rows 2 and 1. High: 3 and 4. Second column, low: 0 and 8. High: 5 and 6.
    assert found_by(x, 8) == [1, 2, 3, 4, 0, 8, 5, 6]


@pytest.mark.parametrize("criterion", ["T", "uniform"])
def test_others_are_ascending(criterion: str) -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    found = found_by(x, 20, criterion=criterion)
    assert found == sorted(found)
    assert found == oracle_of(x, 20, criterion=criterion)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("more", [0, 1, 100])
def test_all_rows_where_no_more_are_there(criterion: str, more: int) -> None:
    x = np.random.default_rng(0).integers(0, 2, (9, 4))
    assert found_by(x, 9 + more, criterion=criterion) == list(range(9))
    assert found_by(np.ones((9, 4)), 9 + more, criterion=criterion) == list(range(9))


def test_less_than_two_rows_for_a_column_are_refused_even_where_they_are_all() -> None:
    x = np.random.default_rng(0).integers(0, 2, (9, 5))
    with pytest.raises(ValueError, match=r"k = 9 .* 5 columns.* k must be 10 or more"):
        iboss_indices(x, 9)
    assert found_by(x, 10) == found_by(x, 9, criterion="T") == list(range(9))


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_a_constant_column_takes_no_part(criterion: str) -> None:
    rng = np.random.default_rng(1)
    x, psi = rng.normal(size=(60, 3)), rng.uniform(size=60)
    wide = np.insert(x, (0, 2), 0.1, axis=1)
    found = found_by(wide, 17, criterion=criterion, psi=psi)
    assert found == found_by(x, 17, criterion=criterion, psi=psi)
    assert found == oracle.select(x, 17, criterion, psi)


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_given_moments_are_used(criterion: str) -> None:
    rng = np.random.default_rng(2)
    x, psi = rng.normal(size=(60, 2)), rng.uniform(size=60)
    wide = np.insert(x, 1, 7.0, axis=1)
    mean, scale = np.array([1.0, 7.0, -1.0]), np.array([3.0, 1.0, 0.2])
    given_moments = {"criterion": criterion, "psi": psi, "mean": mean, "scale": scale}
    found = found_by(wide, 12, **given_moments)
    assert found == oracle.select(wide, 12, **given_moments)
    assert found != found_by(wide, 12, criterion=criterion, psi=psi)


def test_one_moment_may_be_given() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 2)) * (1, 5)
    for moments in ({"mean": np.array([2.0, 0.0])}, {"scale": np.array([1.0, 1.0])}):
        found = found_by(x, 20, criterion="T", **moments)
        assert found == oracle.select(x, 20, "T", **moments)
        assert found != found_by(x, 20, criterion="T")


def test_rows_without_information_are_the_last_of_t() -> None:
    x, psi = np.arange(10.0)[:, None], np.array([0.0] * 4 + [1.0] * 3 + [0.0] * 3)
    assert found_by(x, 3, criterion="T", psi=psi) == [4, 5, 6]
    assert found_by(x, 5, criterion="T", psi=psi) == [0, 1, 4, 5, 6]


def test_dummies_go_to_the_first_rows_or_to_those_of_small_hashes() -> None:
    x = np.tile([0.0, 1.0], 500)[:, None]
    assert found_by(x, 6) == [0, 2, 4, 1, 3, 5]
    hashes = {row: oracle.row_hash(7, row) for row in range(1000)}
    zeros, ones = (sorted(range(side, 1000, 2), key=hashes.get)[:3] for side in (0, 1))
    assert found_by(x, 6, ties="hash", seed=7) == sorted(zeros) + sorted(ones)
    assert found_by(x, 6, ties="hash", seed=8) != sorted(zeros) + sorted(ones)


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_uniform_takes_the_smallest_hashes(seed: int) -> None:
    x = np.zeros((300, 2))  # columns play no part, not even constant ones
    smallest = sorted(range(300), key=lambda row: oracle.row_hash(seed, row, UNIFORM))[:40]
    assert found_by(x, 40, criterion="uniform", seed=seed) == sorted(smallest)


@pytest.mark.parametrize("others", [{"criterion": "uniform"}, {"ties": "hash"}, {}])
def test_rows_may_have_other_numbers(others: dict[str, str]) -> None:
    rng = np.random.default_rng(5)
    x, numbers = rng.integers(0, 2, (40, 1)), rng.permutation(1000)[:40]
    purpose = UNIFORM if "criterion" in others else TIES
    hashed = lambda row: oracle.row_hash(3, int(numbers[row]), purpose)  # noqa: E731
    tie = hashed if others else numbers.__getitem__
    expected = oracle.select(x, 10, others.get("criterion", "D"), tie=tie)
    assert found_by(x, 10, seed=3, rows=numbers, **others) == expected
    assert found_by(x, 10, seed=3, **others) != expected


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_any_table_will_do(criterion: str) -> None:
    x = np.random.default_rng(6).integers(-5, 6, (30, 3))
    expected = oracle.select(x, 11, criterion)
    tables = (x.tolist(), pd.DataFrame(x), np.asfortranarray(x), x.astype(np.float32)[:, :], x)
    for table in tables:
        assert found_by(table, 11, criterion=criterion) == expected


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_the_arguments_are_left_alone(criterion: str) -> None:
    rng = np.random.default_rng(7)
    given_arrays = rng.normal(size=(30, 2)), rng.uniform(size=30), np.zeros(2), np.ones(2)
    before = [array.copy() for array in given_arrays]
    x, psi, mean, scale = given_arrays
    iboss_indices(x, 8, criterion, psi, mean, scale)  # type: ignore[arg-type]
    for array, copy in zip(given_arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


# --- what cannot be selected ------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(20, 2))


def holed(row: int, j: int, value: float) -> np.ndarray:
    x = X.copy()
    x[row, j] = value
    return x


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"k": 3}, ValueError, r"k = 3 .* 2 columns.* k must be 4 or more"),
        ({"k": 0}, ValueError, r"k=0; it is a whole number, 1 or more"),
        ({"k": -1}, ValueError, r"k=-1; it is a whole number, 1 or more"),
        ({"k": True}, ValueError, r"k=True; it is a whole number, 1 or more"),
        ({"k": 8.0}, ValueError, r"k=8\.0; it is a whole number, 1 or more"),
        ({"criterion": "A"}, ValueError, r"criterion must be one of .*'D', 'T'.*, not 'A'"),
        ({"slots": "ceil"}, ValueError, r"slots must be one of .*'floor'.*, not 'ceil'"),
        ({"ties": "random"}, ValueError, r"ties must be one of .*'hash'.*, not 'random'"),
        ({"seed": -1}, ValueError, r"seed is a whole number from 0 .*, not -1"),
        ({"seed": 2**64}, ValueError, r"seed is a whole number .*, not 18446744073709551616"),
        ({"seed": True}, ValueError, r"seed is a whole number from 0 .*, not True"),
        ({"X": X[:, 0]}, ValueError, r"X must have two dimensions.* \(20,\)"),
        ({"X": holed(7, 1, np.nan)}, MissingDataError, r"X is nan in row 7, column 1"),
        ({"X": holed(0, 0, -np.inf)}, MissingDataError, r"X is -inf in row 0, column 0"),
        ({"X": np.ones((20, 3))}, DesignError, r"every column of X is constant"),
        ({"psi": np.ones(19)}, ValueError, r"psi has shape \(19,\), X has 20 rows"),
        ({"psi": np.ones((20, 1))}, ValueError, r"psi has shape \(20, 1\), X has 20 rows"),
        ({"psi": 1.0}, ValueError, r"psi has shape \(1?,?\), X has 20 rows"),
        ({"psi": [1.0] * 3 + [-0.1] + [1.0] * 16}, MissingDataError, r"psi is -0\.1 in row 3"),
        ({"psi": [1.0] * 19 + [np.inf]}, MissingDataError, r"psi is inf in row 19"),
    ],
)
@pytest.mark.parametrize("criterion", ["D", "T"])
def test_bad_input_is_refused(
    criterion: str, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    if criterion == "T" and arguments == {"k": 3}:
        assert len(found_by(X, 3, criterion="T")) == 3
        return
    with pytest.raises(error, match=message) as caught:
        iboss_indices(**({"X": X, "k": 8, "criterion": criterion} | arguments))
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("moments", "message"),
    [
        ({"scale": [1.0, 0.0]}, "scale must be positive"),
        ({"scale": [1.0, -1.0]}, "scale must be positive"),
        ({"scale": [1.0]}, "scale must be 2 finite numbers, one for each column of X"),
        ({"scale": [1.0, np.nan]}, "scale must be 2 finite numbers"),
        ({"mean": [0.0, np.inf]}, "mean must be 2 finite numbers"),
        ({"mean": 0.0}, "mean must be 2 finite numbers"),
        ({"mean": [0.0] * 3}, "mean must be 2 finite numbers"),
    ],
)
def test_bad_moments_are_refused(moments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        iboss_indices(X, 8, "T", **moments)
    if "mean" in moments:
        with pytest.raises(ValueError, match=message):
            iboss_indices(X, 8, "D", psi=np.ones(20), **moments)


def test_what_is_missing_is_refused_even_where_all_rows_are_taken() -> None:
    with pytest.raises(MissingDataError, match="X is nan in row 7, column 1"):
        iboss_indices(holed(7, 1, np.nan), 20)
    with pytest.raises(ValueError, match=r"psi has shape \(3,\)"):
        iboss_indices(X, 20, psi=np.ones(3))


def test_constant_columns_do_not_count_among_those_that_need_rows() -> None:
    wide = np.insert(X, 0, 1.0, axis=1)
    assert len(found_by(wide, 4)) == 4
    with pytest.raises(ValueError, match="two rows for each of 2 columns"):
        iboss_indices(wide, 3)


def test_steps_that_run_into_one_another_are_warned_of() -> None:
    with pytest.warns(SelectionWarning, match="12 of 20 rows are selected, more than half"):
        iboss_indices(X, 12)


@pytest.mark.parametrize("n", [5, 30])
def test_row_numbers_are_as_many_as_rows(n: int) -> None:
    with pytest.raises(ValueError, match=rf"rows has shape \({n},\), X has 20 rows"):
        iboss_indices(X, 4, ties="hash", rows=np.arange(n))


@pytest.mark.parametrize("name", ["mean", "scale"])
def test_means_and_scales_are_checked_even_where_nobody_needs_them(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be 2 finite numbers"):
        iboss_indices(X, 4, **{name: [1.0]})


@pytest.mark.parametrize("size", [1e-170, 1e160, 1e300])
def test_t_is_the_same_in_any_unit(size: float) -> None:
    x = np.arange(12.0)[:, None] * np.array([1.0, 2.0])
    x[3] = 20
    np.testing.assert_array_equal(iboss_indices(x * size, 4, "T"), iboss_indices(x, 4, "T"))


@pytest.mark.parametrize("criterion", ["D", "T"])
def test_rows_without_information_come_last(criterion: Any) -> None:
    """The upper side of a dummy with one row at one has slots for more: not for those rows."""
    x = np.column_stack((np.arange(30.0) == 7, np.arange(30.0)))
    psi = np.linspace(1, 2, 30)
    psi[[3, 20]] = np.nan
    taken = iboss_indices(x, 28, criterion, psi)
    assert set(taken) == set(range(30)) - {3, 20}
    assert set(iboss_indices(x, 29, criterion, psi)) > set(taken)
