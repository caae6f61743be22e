"""Which columns of a design are constant, and which are combinations of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.reductions.facts import RowFactsState
from statsmodels_ooc.reductions.least_squares import triangularize

_EPS = float(np.finfo(np.float64).eps)
_SINE = 1e-6  # of the angle to the span of other columns: half of the digits of a Gram matrix
_TOLD = 3  # dependent columns that a message names
_LISTED = 5  # columns of one combination that it lists


@dataclass(frozen=True)
class Dependence:
    """``X[:, dependent] == X[:, independent] @ coefs`` for a design X of k columns."""

    independent: NDArray[np.intp]  # columns of full rank, in their order, (m,)
    dependent: NDArray[np.intp]  # the others, (k - m,)
    coefs: FloatArray  # what these are made of, (m, k - m); zero where rounding cannot tell

    def shortest(self, params: FloatArray) -> FloatArray:
        """Of all parameters with the same fitted values, (k,) or (k, q), those of minimum norm.

        Notes
        -----
        With C for `coefs` the fitted values are those of ``s = b_m + C b_d`` in the
        independent columns. The shortest b lies in the rows of ``[I | C]``, so that
        ``b_m = inv(I + CC') s`` and ``b_d = C' b_m``. Nothing cancels.
        """
        solved = params[self.independent] + self.coefs @ params[self.dependent]
        found = np.zeros_like(params)
        m = len(self.independent)
        if m:
            root = triangularize(np.vstack((np.eye(m), self.coefs.T)))  # of I + CC'
            shared = solve_triangular(root, solve_triangular(root, solved, trans="T"))
            found[self.independent] = shared
            found[self.dependent] = self.coefs.T @ shared
        return found


def noise(rows: int, k: int) -> float:
    """What rounding leaves of a singular value that is zero, as a share of the largest.

    For the factor of n rows and k columns of one length. Measured on designs with a
    column too many: at most ``0.6 * sqrt(n) * eps``, in blocks of 7 to 8,192 rows.
    """
    return max(k, 8 * float(np.sqrt(rows))) * _EPS


def above_noise(values: NDArray[np.floating[Any]], rows: int) -> int:
    """How many singular values of a factor of n rows, columns of one length, are not rounding."""
    return int(np.count_nonzero(values > values.max(initial=0.0) * noise(rows, len(values))))


def lengths(r: FloatArray) -> FloatArray:
    """Lengths of the columns, (k,), one for columns of zeros."""
    largest = np.abs(r).max(axis=0, initial=0.0)
    largest = np.where(largest > 0, largest, 1.0)
    found = largest * np.linalg.norm(r / largest, axis=0)
    return np.where(found > 0, found, 1.0)


def scaled_rank(r: FloatArray, rows: int) -> int:
    """Rank of a factor of n rows, (m, k), once its columns have one length.

    The unit in which a column is measured takes no part in it.
    """
    return above_noise(np.linalg.svd(r / lengths(r), compute_uv=False), rows)


def independent_of_those_before(gram: FloatArray) -> NDArray[np.bool_]:
    """Which columns are no combinations of those before them, (p,).

    Parameters
    ----------
    gram : ndarray, (p, p)
        Weighted products of the columns.

    Notes
    -----
    Products tell half as many digits as a factor does: a column counts as a combination
    where the sine of its angle to the span of the others is below 1e-6.
    """
    sizes = np.sqrt(np.abs(np.diag(gram)))
    sizes = np.where(sizes > 0, sizes, 1.0)
    rest = gram / sizes / sizes[:, None]
    found = np.zeros(len(gram), dtype=np.bool_)
    for j in range(len(gram)):
        found[j] = abs(rest[j, j]) > _SINE**2
        if found[j]:
            rest = rest - np.outer(rest[:, j], rest[j]) / rest[j, j]
    return found


def null_space(r: FloatArray, rows: int) -> tuple[FloatArray, float]:
    """Combinations of the columns of R, brought to one length, that are zero.

    Parameters
    ----------
    r : ndarray, (p, k)
        A factor of a design, p >= k.
    rows : int
        How many rows went into it.

    Returns
    -------
    null : ndarray, (k, k - m)
        Orthonormal.
    tolerance : float
        The size of what rounding leaves of its zeros.
    """
    _, values, vt = np.linalg.svd(r / lengths(r))
    m = above_noise(values, rows)
    smallest = values[m - 1] / values[0] if m else 1.0
    return vt[m:].T, noise(rows, r.shape[1]) / smallest


def resolve(
    null: FloatArray,
    tolerance: float,
    lengths: FloatArray,
    wanted: Literal["shortest", "last", "clearest"] = "shortest",
) -> Dependence:
    """Solve the combinations that are zero for as many columns.

    Parameters
    ----------
    null : ndarray, (k, k - m)
        From `null_space`.
    tolerance : float
        The size of what rounding leaves of its zeros.
    lengths : ndarray, (k,)
        Of the columns.
    wanted : {"shortest", "last", "clearest"}
        Which columns are the dependent ones: those that have the shortest columns, which
        the solution of minimum norm wants; the last ones, as one reads a design; or those
        with the largest part in the combinations, once columns have one length: the others
        are then the farthest from following from one another.

    Returns
    -------
    Dependence
        In the units of the columns.
    """
    k, count = null.shape
    rest, dependent = null.copy(), np.zeros(count, dtype=np.intp)
    for i in range(count):
        size = np.linalg.norm(rest, axis=1)
        size[dependent[:i]] = 0.0
        able = size >= min(tolerance, size.max())
        wish = {"shortest": size / lengths, "last": np.arange(1, k + 1), "clearest": size}[wanted]
        dependent[i] = np.argmax(np.where(able, wish, 0.0))
        axis = rest[dependent[i]] / size[dependent[i]]
        rest -= np.outer(rest @ axis, axis)
    dependent.sort()
    independent = np.setdiff1d(np.arange(k), dependent)
    inverse = np.linalg.inv(null[dependent])
    coefs = -null[independent] @ inverse
    # A column of length one needs a coefficient of at least 1 / k from others like it.
    told = min(tolerance * max(1.0, float(np.linalg.norm(inverse, 2))), 0.5 / k)
    coefs[np.abs(coefs) <= told] = 0.0
    units = lengths[dependent] / lengths[independent, None]
    return Dependence(independent, dependent, coefs * units)


def describe(r: FloatArray, rows: int, names: Sequence[str], span: FloatArray | None = None) -> str:
    """Which columns are combinations of which, in words; empty at full rank.

    Parameters
    ----------
    r : ndarray, (k, k)
        The triangular factor of a design.
    rows : int
        How many rows went into it.
    names : sequence of str, (k,)
        Of the columns.
    span : ndarray, (k, q), optional
        Columns that the parameters are combinations of; any by default.
    """
    if span is None:
        null, tolerance = null_space(r, rows)
    else:
        spanned = r @ span
        null, tolerance = null_space(spanned, rows)
        null = span @ (null / lengths(spanned)[:, None]) * lengths(r)[:, None]
        null = np.linalg.qr(null)[0]
    if null.shape[1] == 0:
        return ""
    found = resolve(null, tolerance, lengths(r), "last")
    told = [
        _combination(names[j], [names[i] for i in found.independent[coefs != 0]])
        for j, coefs in zip(found.dependent, found.coefs.T, strict=True)
    ]
    return "; ".join(told[:_TOLD]) + _and_more(len(told) - _TOLD, "; and ", " more columns")


def _combination(name: str, others: Sequence[str]) -> str:
    quoted = [repr(other) for other in others]
    if not quoted:
        return f"{name!r} is zero in all rows that count"
    if len(quoted) == 1:
        return f"{name!r} is a multiple of {quoted[0]}"
    if len(quoted) > _LISTED:
        listed = ", ".join(quoted[:_LISTED]) + _and_more(len(quoted) - _LISTED, " and ", " more")
    else:
        listed = ", ".join(quoted[:-1]) + f" and {quoted[-1]}"
    return f"{name!r} is a combination of {listed}"


def _and_more(count: int, before: str, after: str) -> str:
    return f"{before}{count:,}{after}" if count > 0 else ""


def find_constant(
    facts: RowFactsState, r: FloatArray, hasconst: bool | None
) -> tuple[int, int | None]:
    """Whether the design holds a constant, and in which column.

    The rules of statsmodels' ``ModelData._handle_constant``: of several constant
    columns the first column of ones, else the first that is not zero; without one,
    an implicit constant where a column of ones does not raise the rank.

    Parameters
    ----------
    facts : RowFactsState
        Extremes of the k columns.
    r : ndarray, (k + 2, k + 2)
        Triangular factor of ``sqrt(w) * [1 | X | y]``.
    hasconst : bool or None
        The user's word, None to find out.

    Returns
    -------
    k_constant : int
        0 or 1.
    const_idx : int or None
        The column of an explicit constant.
    """
    if hasconst is False:
        return 0, None
    low, high = facts.low[:-1], facts.high[:-1]
    constant = np.flatnonzero(low == high)
    values = low[constant]
    ones = constant[values == 1]
    if len(constant) > 1 and len(ones):
        return 1, int(ones[0])
    if (values != 0).any():
        return 1, int(constant[values != 0][0])
    if hasconst:
        return 1, None
    return int(_implicit_constant(r[:, :-1], facts.rows)), None


def _implicit_constant(r: FloatArray, n: int) -> bool:
    """Whether ``rank([1 | X]) == rank(X)``."""
    # Statsmodels counts singular values above ``max * n * eps``, which calls any design
    # with one huge column over many rows constant.
    return scaled_rank(r, n) == scaled_rank(r[:, 1:], n)
