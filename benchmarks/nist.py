"""Linear regression data sets of the NIST Statistical Reference Datasets (StRD).

Data and certified values are NIST's (https://www.itl.nist.gov/div898/strd/lls/lls.shtml).
``python benchmarks/nist.py`` solves every data set in exact rational arithmetic and
compares: the certified values hold to all of their 15 digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np


@dataclass(frozen=True)
class Reference:
    """One data set with certified values.

    Attributes
    ----------
    name : str
    y : tuple of str
        The response, as printed by NIST; n values.
    x : tuple of tuple of str
        The columns of the design as polynomials' bases or covariates, before the
        intercept and powers are added; each has n values.
    degree : int
        Powers 1, ..., degree of the one covariate enter; 1 for several covariates.
    intercept : bool
    params, bse : tuple of float
        Certified coefficients, intercept first, and standard errors.
    """

    name: str
    y: tuple[str, ...]
    x: tuple[tuple[str, ...], ...]
    degree: int
    intercept: bool
    params: tuple[float, ...]
    bse: tuple[float, ...]

    @property
    def endog(self) -> np.ndarray:
        return np.array(self.y, dtype=float)

    @property
    def exog(self) -> np.ndarray:
        """The design, shape (n, k), in float64."""
        columns = [np.array(column, dtype=float) for column in self.x]
        powers = [column**p for column in columns for p in range(1, self.degree + 1)]
        ones = [np.ones(len(self.y))] if self.intercept else []
        return np.column_stack([*ones, *powers])

    def exact(self) -> tuple[list[float], list[float]]:
        """Coefficients and standard errors from rational arithmetic."""
        y = [Fraction(value) for value in self.y]
        rows = [self._exact_row(i) for i in range(len(y))]
        k, n = len(rows[0]), len(y)
        gram = [[sum(r[i] * r[j] for r in rows) for j in range(k)] for i in range(k)]
        moment = [sum(r[i] * v for r, v in zip(rows, y, strict=True)) for i in range(k)]
        inverse = _inverse(gram)
        beta = [sum(inverse[i][j] * moment[j] for j in range(k)) for i in range(k)]
        ssr = sum(v * v for v in y) - sum(b * m for b, m in zip(beta, moment, strict=True))
        variances = [ssr / (n - k) * inverse[i][i] for i in range(k)]
        return [float(b) for b in beta], [_sqrt(v) for v in variances]

    def _exact_row(self, i: int) -> list[Fraction]:
        values = [Fraction(column[i]) for column in self.x]
        powers = [value**p for value in values for p in range(1, self.degree + 1)]
        return [Fraction(1), *powers] if self.intercept else powers


def _inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    k = len(matrix)
    work = [[*row, *(Fraction(i == j) for j in range(k))] for i, row in enumerate(matrix)]
    for i in range(k):
        pivot = next(r for r in range(i, k) if work[r][i] != 0)
        work[i], work[pivot] = work[pivot], work[i]
        work[i] = [value / work[i][i] for value in work[i]]
        for r in range(k):
            if r != i and work[r][i] != 0:
                factor = work[r][i]
                work[r] = [a - factor * b for a, b in zip(work[r], work[i], strict=True)]
    return [row[k:] for row in work]


def _sqrt(value: Fraction) -> float:
    return float((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def digits(found: float, certified: float) -> float:
    """NIST's LRE: minus log10 of the relative error (absolute where zero is certified),
    at most 15."""
    error = abs(found - certified) / (abs(certified) if certified else 1.0)
    if math.isnan(error):
        return 0.0
    return 15.0 if error == 0 else min(15.0, max(0.0, -math.log10(error)))


def _split(text: str, columns: int) -> tuple[tuple[str, ...], ...]:
    values = text.split()
    return tuple(tuple(values[j::columns]) for j in range(columns))


_LONGLEY = """
60323 83.0 234289 2356 1590 107608 1947
61122 88.5 259426 2325 1456 108632 1948
60171 88.2 258054 3682 1616 109773 1949
61187 89.5 284599 3351 1650 110929 1950
63221 96.2 328975 2099 3099 112075 1951
63639 98.1 346999 1932 3594 113270 1952
64989 99.0 365385 1870 3547 115094 1953
63761 100.0 363112 3578 3350 116219 1954
66019 101.2 397469 2904 3048 117388 1955
67857 104.6 419180 2822 2857 118734 1956
68169 108.4 442769 2936 2798 120445 1957
66513 110.8 444546 4681 2637 121950 1958
68655 112.6 482704 3813 2552 123366 1959
69564 114.2 502601 3931 2514 125368 1960
69331 115.7 518173 4806 2572 127852 1961
70551 116.9 554894 4007 2827 130081 1962
"""

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

_PONTIUS_Y = """
.11019 .21956 .32949 .43899 .54803 .65694 .76562 .87487 .98292 1.09146
1.20001 1.30822 1.41599 1.52399 1.63194 1.73947 1.84646 1.95392 2.06128 2.16844
.11052 .22018 .32939 .43886 .54798 .65739 .76596 .87474 .98300 1.09150
1.20004 1.30818 1.41613 1.52408 1.63159 1.73965 1.84696 1.95445 2.06177 2.16829
"""

_NORRIS = """
0.1 0.2 338.8 337.4 118.1 118.2 888.0 884.6 9.2 10.1 228.1 226.5 668.5 666.3
998.5 996.3 449.1 448.6 778.9 777.0 559.2 558.2 0.3 0.4 0.1 0.6 778.1 775.5
668.8 666.9 339.3 338.0 448.9 447.5 10.8 11.6 557.7 556.0 228.3 228.1 998.0 995.8
888.8 887.6 119.6 120.2 0.3 0.3 0.6 0.3 557.6 556.8 339.3 339.1 888.0 887.2
998.5 999.0 778.9 779.0 10.2 11.1 117.6 118.3 228.9 229.2 668.4 669.1 449.2 448.9
0.2 0.5
"""

_WAMPLER_X = tuple(str(x) for x in range(21))
_WAMPLER_PEAKS = {0: 759, 4: 2523, 8: 1838, 12: 1838, 16: 2523, 20: 759}
_WAMPLER_DISTURBANCE = [_WAMPLER_PEAKS.get(x, -2048 if x % 2 else 2048) for x in range(21)]
_WAMPLER_BSE = (
    2152.32624678170,
    2363.55173469681,
    779.343524331583,
    101.475507550350,
    5.64566512170752,
    0.112324854679312,
)


def _wampler(number: int, disturbance: int) -> Reference:
    """y = 1 + x + ... + x^5 plus a multiple of one fixed, orthogonal disturbance."""
    y = tuple(
        str(sum(x**p for p in range(6)) + disturbance * d)
        for x, d in enumerate(_WAMPLER_DISTURBANCE)
    )
    bse = tuple(disturbance * value for value in _WAMPLER_BSE)
    return Reference(f"Wampler{number}", y, (_WAMPLER_X,), 5, True, (1.0,) * 6, bse)


def _wampler2() -> Reference:
    """y = 1 + x/10 + ... + x^5/100000, five decimals."""
    y = tuple(str(sum(Decimal(x**p).scaleb(-p) for p in range(6))) for x in range(21))
    params = (1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001)
    return Reference("Wampler2", y, (_WAMPLER_X,), 5, True, params, (0.0,) * 6)


def _references() -> list[Reference]:
    longley, filip, norris = _split(_LONGLEY, 7), _split(_FILIP, 2), _split(_NORRIS, 2)
    loads = tuple(str(150_000 * j) for j in range(1, 21)) * 2
    return [
        Reference(
            "Norris",
            norris[0],
            norris[1:],
            1,
            True,
            (-0.262323073774029, 1.00211681802045),
            (0.232818234301152, 0.429796848199937e-03),
        ),
        Reference(
            "Pontius",
            tuple(_PONTIUS_Y.split()),
            (loads,),
            2,
            True,
            (0.673565789473684e-03, 0.732059160401003e-06, -0.316081871345029e-14),
            (0.107938612033077e-03, 0.157817399981659e-09, 0.486652849992036e-16),
        ),
        Reference(
            "NoInt1",
            tuple(str(y) for y in range(130, 141)),
            (tuple(str(x) for x in range(60, 71)),),
            1,
            False,
            (2.07438016528926,),
            (0.165289256198347e-01,),
        ),
        Reference(
            "Longley",
            longley[0],
            longley[1:],
            1,
            True,
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
        ),
        _wampler(1, 0),
        _wampler2(),
        _wampler(3, 1),
        _wampler(4, 100),
        _wampler(5, 10_000),
        Reference(
            "Filip",
            filip[0],
            filip[1:],
            10,
            True,
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
        ),
    ]


REFERENCES = _references()


if __name__ == "__main__":
    print(f"{'data set':<10}{'coefficients':>14}{'std errors':>12}   digits of agreement")
    for reference in REFERENCES:
        beta, bse = reference.exact()
        print(
            f"{reference.name:<10}"
            f"{min(map(digits, beta, reference.params)):>14.1f}"
            f"{min(map(digits, bse, reference.bse)):>12.1f}"
        )
