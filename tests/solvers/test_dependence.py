"""Which columns are told to be combinations of which others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from solvers.rows import triangle

from statsmodels_ooc.reductions.least_squares import triangularize
from statsmodels_ooc.solvers.dependence import describe

N = 60
RNG = np.random.default_rng(3)
ONE, A, B, C = np.ones(N), RNG.normal(size=N), RNG.uniform(1, 2, N), RNG.normal(size=N)
LEVEL = (np.arange(N)[:, None] % 4 == np.arange(4)).astype(float)
LARGE = 1e8 + A

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "full rank": ({"one": ONE, "a": A, "b": 1e9 * B}, ""),
    "a sum": ({"a": A, "b": B, "c": A + B}, "'c' is a combination of 'a' and 'b'"),
    "a sum that comes first": ({"c": A + B, "a": A, "b": B}, "'b' is a combination of 'c' and 'a'"),
    "twice": ({"a": A, "b": B, "c": -3 * A}, "'c' is a multiple of 'a'"),
    "of other units": (
        {"a": 1e12 * A, "b": 1e-9 * B, "c": 1e-5 * A, "d": C},
        "'c' is a multiple of 'a'",
    ),
    "zero": ({"a": A, "b": 0 * B}, "'b' is zero in all rows that count"),
    "zero first": ({"b": 0 * B, "a": A}, "'b' is zero in all rows that count"),
    "all zero": (
        {"a": 0 * A, "b": 0 * B},
        "'a' is zero in all rows that count; 'b' is zero in all rows that count",
    ),
    "two constants": ({"one": ONE, "a": A, "c": 0.1 * ONE}, "'c' is a multiple of 'one'"),
    "dummies": (
        {"one": ONE, **{f"g{i}": LEVEL[:, i] for i in range(4)}, "a": A},
        "'g3' is a combination of 'one', 'g0', 'g1' and 'g2'",
    ),
    "two of them": (
        {"a": A, "b": 2 * A, "c": C, "d": C - A},
        "'b' is a multiple of 'a'; 'd' is a combination of 'a' and 'c'",
    ),
    "a share of one in a million": (
        {"a": A, "b": B, "c": A + 1e-6 * B},
        "'c' is a combination of 'a' and 'b'",
    ),
    "within rounding": ({"a": A, "b": A * (1 + 1e-15 * C), "c": C}, "'b' is a multiple of 'a'"),
    "a large mean": (
        {"one": ONE, "a": LARGE, "b": B, "c": LARGE - 1e8},
        "'c' is a combination of 'one' and 'a'",
    ),
    "many": (
        {"one": ONE, **dict(zip("abcdefgh", RNG.normal(size=(8, N)), strict=True)), "z": None},
        "'z' is a combination of 'one', 'a', 'b', 'c', 'd' and 4 more",
    ),
    "many of them": (
        {"a": A, **{f"b{i}": i * A for i in range(2, 8)}},
        "'b2' is a multiple of 'a'; 'b3' is a multiple of 'a'; 'b4' is a multiple of 'a'; "
        "and 3 more columns",
    ),
}


@pytest.mark.parametrize("rows", [3, 60])
@pytest.mark.parametrize("name", CASES)
def test_the_columns_are_named(name: str, rows: int) -> None:
    columns, expected = CASES[name]
    if name == "many":
        columns["z"] = sum(v for k, v in columns.items() if k != "z")
    x = np.column_stack(list(columns.values()))
    r = triangularize(triangle(x, A, rows=rows)[:, 1:])[:-1, :-1]
    assert describe(r, N, list(columns)) == expected


def test_what_constraints_have_settled_is_not_told() -> None:
    x = np.column_stack((A, 2 * A, B, 3 * B))
    r = triangularize(triangle(x, A)[:, 1:])[:-1, :-1]
    span = np.array([[1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])  # of one and the same a
    assert describe(r, N, list("abcd"), span) == "'d' is a multiple of 'c'"
    assert describe(r, N, list("abcd"), span[:, :2]) == ""
