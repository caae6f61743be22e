"""Certified values of the NIST Statistical Reference Datasets for linear regression.

https://www.itl.nist.gov/div898/strd/lls/lls.shtml. ``python nist.py`` solves every
problem again in rational arithmetic and says how far the certified values agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

_DISTURBANCE = (
    759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048,
    -2048, 1838, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 759,
)  # fmt: skip
_WAMPLER3 = (
    2152.32624678170,
    2363.55173469681,
    779.343524331583,
    101.475507550350,
    5.64566512170752,
    0.112324854679312,
)


@dataclass(frozen=True)
class Problem:
    """A data set with what NIST certifies of its regression.

    Attributes
    ----------
    endog : tuple, (n,)
        The response; decimals as they were published.
    exog : tuple, (n, k)
        The design with its constant.
    params, bse : tuple, (k,)
        Certified coefficients and standard errors.
    """

    endog: tuple[str, ...]
    exog: tuple[tuple[str, ...], ...]
    params: tuple[float, ...]
    bse: tuple[float, ...]


def _wampler(slopes: Sequence[str], delta: int, bse: Sequence[float]) -> Problem:
    rows = [tuple(Fraction(x) ** j for j in range(6)) for x in range(21)]
    endog = [
        sum(Fraction(b) * x for b, x in zip(slopes, row, strict=True)) + delta * wobble
        for row, wobble in zip(rows, _DISTURBANCE, strict=True)
    ]
    return Problem(
        tuple(_decimal(y) for y in endog),
        tuple(tuple(_decimal(x) for x in row) for row in rows),
        tuple(float(b) for b in slopes),
        tuple(bse),
    )


def _decimal(value: Fraction) -> str:
    """All digits of a number that has at most five decimals."""
    scaled = value * 100_000
    assert scaled.denominator == 1
    return f"{scaled.numerator // 100_000}.{scaled.numerator % 100_000:05d}"


def _longley() -> Problem:
    from statsmodels.datasets import longley

    data = longley.load_pandas()
    return Problem(
        tuple(f"{y:.0f}" for y in data.endog),
        tuple(("1", *(f"{x:.1f}" for x in row)) for row in data.exog.to_numpy()),
        (
            -3482258.63459582,
            15.0618722713733,
            -0.358191792925910e-01,
            -2.02022980381683,
            -1.03322686717359,
            -0.511041056535807e-01,
            1829.15146461355,
        ),
        (
            890420.383607373,
            84.9149257747669,
            0.334910077722432e-01,
            0.488399681651699,
            0.214274163161675,
            0.226073200069370,
            455.478499142212,
        ),
    )


PROBLEMS = {
    "Longley": _longley(),
    "Wampler1": _wampler(["1"] * 6, 0, [0] * 6),
    "Wampler2": _wampler(["1", "0.1", "0.01", "0.001", "0.0001", "0.00001"], 0, [0] * 6),
    "Wampler3": _wampler(["1"] * 6, 1, _WAMPLER3),
    "Wampler4": _wampler(["1"] * 6, 100, [100 * b for b in _WAMPLER3]),
    "Wampler5": _wampler(["1"] * 6, 10_000, [10_000 * b for b in _WAMPLER3]),
}


def solve_exactly(problem: Problem) -> tuple[list[float], list[float]]:
    """Coefficients and standard errors in rational arithmetic, rounded once."""
    x = [[Fraction(value) for value in row] for row in problem.exog]
    y = [Fraction(value) for value in problem.endog]
    n, k = len(x), len(x[0])
    system = [
        [sum(row[i] * row[j] for row in x) for j in range(k)]
        + [sum(row[i] * value for row, value in zip(x, y, strict=True))]
        + [Fraction(i == j) for j in range(k)]
        for i in range(k)
    ]
    for i in range(k):
        pivot = system[i][i]
        system[i] = [value / pivot for value in system[i]]
        for j in range(k):
            if j != i:
                factor = system[j][i]
                system[j] = [a - factor * b for a, b in zip(system[j], system[i], strict=True)]
    params = [row[k] for row in system]
    ssr = sum(
        (value - sum(a * b for a, b in zip(row, params, strict=True))) ** 2
        for row, value in zip(x, y, strict=True)
    )
    bse = [_root(ssr / (n - k) * row[k + 1 + i]) for i, row in enumerate(system)]
    return [float(b) for b in params], bse


def _root(value: Fraction) -> float:
    scale = 10**60
    return float(Fraction(isqrt(value.numerator * scale // value.denominator), 10**30))


if __name__ == "__main__":
    for name, problem in PROBLEMS.items():
        exact = solve_exactly(problem)
        certified = (problem.params, problem.bse)
        worst = max(
            abs(a - b) / max(abs(b), 1e-300) if a != b else 0.0
            for found, given in zip(exact, certified, strict=True)
            for a, b in zip(found, given, strict=True)
        )
        print(f"{name:<9} certified values are off by at most {worst:.1e}")
