"""Certified values of the NIST Statistical Reference Datasets for linear regression.

https://www.itl.nist.gov/div898/strd/lls/lls.shtml. ``python nist.py`` solves every
problem again in rational arithmetic and says how far the certified values agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
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

_FILIP = """
0.8116 -6.860120914 0.9072 -4.324130045 0.9052 -4.358625055 0.9039 -4.358426747
0.8053 -6.955852379 0.8377 -6.661145254 0.8667 -6.355462942 0.8809 -6.118102026
0.7975 -7.115148017 0.8162 -6.815308569 0.8515 -6.519993057 0.8766 -6.204119983
0.8885 -5.853871964 0.8859 -6.109523091 0.8959 -5.79832982 0.8913 -5.482672118
0.8959 -5.171791386 0.8971 -4.851705903 0.9021 -4.517126416 0.909 -4.143573228
0.9139 -3.709075441 0.9199 -3.499489089 0.8692 -6.300769497 0.8872 -5.953504836
0.89 -5.642065153 0.891 -5.031376979 0.8977 -4.680685696 0.9035 -4.329846955
0.9078 -3.928486195 0.7675 -8.56735134 0.7705 -8.363211311 0.7713 -8.107682739
0.7736 -7.823908741 0.7775 -7.522878745 0.7841 -7.218819279 0.7971 -6.920818754
0.8329 -6.628932138 0.8641 -6.323946875 0.8804 -5.991399828 0.7668 -8.781464495
0.7633 -8.663140179 0.7678 -8.473531488 0.7697 -8.247337057 0.77 -7.971428747
0.7749 -7.676129393 0.7796 -7.352812702 0.7897 -7.072065318 0.8131 -6.774174009
0.8498 -6.478861916 0.8741 -6.159517513 0.8061 -6.835647144 0.846 -6.53165267
0.8751 -6.224098421 0.8856 -5.910094889 0.8919 -5.598599459 0.8934 -5.290645224
0.894 -4.974284616 0.8957 -4.64454848 0.9047 -4.290560426 0.9129 -3.885055584
0.9209 -3.408378962 0.9219 -3.13200249 0.7739 -8.726767166 0.7681 -8.66695597
0.7665 -8.511026475 0.7703 -8.165388579 0.7702 -7.886056648 0.7761 -7.588043762
0.7809 -7.283412422 0.7961 -6.995678626 0.8253 -6.691862621 0.8602 -6.392544977
0.8809 -6.067374056 0.8301 -6.684029655 0.8664 -6.378719832 0.8834 -6.065855188
0.8898 -5.752272167 0.8964 -5.132414673 0.8963 -4.811352704 0.9074 -4.098269308
0.9119 -3.66174277 0.9228 -3.2644011
"""


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


def _filip() -> Problem:
    numbers = _FILIP.split()
    with localcontext() as context:
        context.prec = 120  # all digits of a tenth power
        powers = [tuple(str(Decimal(x) ** j) for j in range(11)) for x in numbers[1::2]]
    return Problem(
        tuple(numbers[::2]),
        tuple(powers),
        (
            -1467.48961422980,
            -2772.17959193342,
            -2316.37108160893,
            -1127.97394098372,
            -354.478233703349,
            -75.1242017393757,
            -10.8753180355343,
            -1.06221498588947,
            -0.670191154593408e-01,
            -0.246781078275479e-02,
            -0.402962525080404e-04,
        ),
        (
            298.084530995537,
            559.779865474950,
            466.477572127796,
            227.204274477751,
            71.6478660875927,
            15.2897178747400,
            2.23691159816033,
            0.221624321934227,
            0.142363763154724e-01,
            0.535617408889821e-03,
            0.896632837373868e-05,
        ),
    )


PROBLEMS = {
    "Filip": _filip(),
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
