"""Products of a design that is never written: a slice of its columns at a time, in the cache."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import carray, njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray

SLICE = 256  # rows whose columns stay in the first cache

# Sums may be added in another order, products and sums be fused; NaN and infinity stay.
_SUMS = {"reassoc", "contract", "nsz"}
_NOT_NAN = ("nnan", "nsz")


class Program(NamedTuple):
    """How d columns and the bins of t coded terms are made of variables in memory.

    Attributes
    ----------
    pieces : ndarray of int, (q, 4)
        Address of a variable; bytes of one of its codes, 0 for doubles; the level that
        contributes 1, and where none does -1 and the first of the weights of its levels.
    starts : ndarray of int, (d + 1,)
        The first piece of each column, and the number of all. A column without one is ones.
    weights : ndarray, (w,)
        What levels contribute.
    factors : ndarray of int, (f, 3)
        Address, bytes of a code and number of levels of the factors of terms.
    terms : ndarray of int, (t + 1, 3)
        The first factor, the first entry of the table and the first bin of each term, and the
        numbers of all.
    tables : ndarray of int
        The bin, counted from the first, of each cell of a term's factors.
    """

    pieces: NDArray[np.int64]
    starts: NDArray[np.int64]
    weights: FloatArray
    factors: NDArray[np.int64]
    terms: NDArray[np.int64]
    tables: NDArray[np.int64]


@intrinsic
def _pointer(typingctx: Any, address: Any) -> Any:
    """The pointer to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), generate


@njit(nogil=True, cache=True)
def _read_codes(address: int, size: int, first: int, m: int, out: NDArray[np.int64]) -> None:
    """Copy m codes of so many bytes each."""
    if size == 1:
        bytes_ = carray(_pointer(address + first), (m,), np.int8)
        for i in range(m):
            out[i] = bytes_[i]
    elif size == 2:
        shorts = carray(_pointer(address + 2 * first), (m,), np.int16)
        for i in range(m):
            out[i] = shorts[i]
    elif size == 4:
        ints = carray(_pointer(address + 4 * first), (m,), np.int32)
        for i in range(m):
            out[i] = ints[i]
    else:
        longs = carray(_pointer(address + 8 * first), (m,), np.int64)
        for i in range(m):
            out[i] = longs[i]


@njit(nogil=True, cache=True)
def _part(
    piece: NDArray[np.int64],
    weights: FloatArray,
    first: int,
    m: int,
    read: int,
    codes: NDArray[np.int64],
    out: FloatArray,
) -> int:
    """What a variable contributes to a column; the address of the codes that have been read."""
    if piece[1] == 0:
        numbers = carray(_pointer(piece[0] + 8 * first), (m,), np.float64)
        for i in range(m):
            out[i] = numbers[i]
        return read
    if piece[0] != read:
        _read_codes(piece[0], piece[1], first, m, codes)
    level = piece[2]
    if level >= 0:
        for i in range(m):
            out[i] = 1.0 if codes[i] == level else 0.0
    else:
        start = piece[3]
        for i in range(m):
            out[i] = weights[start + codes[i]]
    address: int = piece[0]
    return address


@njit(nogil=True, cache=True)
def _fill(
    program: Program, first: int, m: int, codes: NDArray[np.int64], part: FloatArray, x: FloatArray
) -> None:
    """Write m rows of the columns, products in the order of their pieces, into (d, m)."""
    pieces, starts, read = program.pieces, program.starts, 0
    for j in range(len(starts) - 1):
        column = x[j]
        begin, end = starts[j], starts[j + 1]
        if begin == end:
            for i in range(m):
                column[i] = 1.0
            continue
        read = _part(pieces[begin], program.weights, first, m, read, codes, column)
        for at in range(begin + 1, end):
            read = _part(pieces[at], program.weights, first, m, read, codes, part)
            for i in range(m):
                column[i] *= part[i]


@njit(nogil=True, cache=True)
def _bins(
    program: Program, first: int, m: int, codes: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """The bin of each term that rows are in, (t, m)."""
    factors, terms, tables = program.factors, program.terms, program.tables
    for t in range(len(terms) - 1):
        begin, end = terms[t, 0], terms[t + 1, 0]
        cell = out[t]
        _read_codes(factors[begin, 0], factors[begin, 1], first, m, cell)
        for at in range(begin + 1, end):
            _read_codes(factors[at, 0], factors[at, 1], first, m, codes)
            levels = factors[at, 2]
            for i in range(m):
                cell[i] = cell[i] * levels + codes[i]
        table, bin_ = terms[t, 1], terms[t, 2]
        for i in range(m):
            cell[i] = bin_ + tables[table + cell[i]]


@njit(nogil=True, cache=True)
def _scratch(d: int, t: int) -> tuple[NDArray[np.int64], FloatArray, FloatArray, NDArray[np.int64]]:
    """Memory for the codes and the values of a variable, d columns, and the bins of t terms."""
    columns, bins = np.empty((d, SLICE)), np.empty((t, SLICE), np.int64)
    return np.empty(SLICE, np.int64), np.empty(SLICE), columns, bins


@njit(nogil=True, cache=True, fastmath=_SUMS)
def linear(program: Program, beta: FloatArray, out: FloatArray) -> None:
    """``X beta``, (n,), for the coefficients of columns and bins, (d + bins,)."""
    n, d, t = len(out), len(program.starts) - 1, len(program.terms) - 1
    codes, part, x, bins = _scratch(d, t)
    for first in range(0, n, SLICE):
        m = min(SLICE, n - first)
        _fill(program, first, m, codes, part, x)
        _bins(program, first, m, codes, bins)
        eta = out[first : first + m]
        for i in range(m):
            eta[i] = 0.0
        for j in range(d):
            column, weight = x[j], beta[j]
            for i in range(m):
                eta[i] += column[i] * weight
        for j in range(t):
            bin_ = bins[j]
            for i in range(m):
                eta[i] += beta[d + bin_[i]]


@njit(nogil=True, cache=True, fastmath=_SUMS)
def score(program: Program, v: FloatArray, out: FloatArray) -> None:
    """Add ``X'v`` of columns and bins to (d + bins,)."""
    n, d, t = len(v), len(program.starts) - 1, len(program.terms) - 1
    codes, part, x, bins = _scratch(d, t)
    for first in range(0, n, SLICE):
        m = min(SLICE, n - first)
        _fill(program, first, m, codes, part, x)
        _bins(program, first, m, codes, bins)
        here = v[first : first + m]
        for j in range(d):
            column, total = x[j], 0.0
            for i in range(m):
                total += column[i] * here[i]
            out[j] += total
        for j in range(t):
            bin_ = bins[j]
            for i in range(m):
                out[d + bin_[i]] += here[i]


def _first_where(comparison: str) -> Any:
    """Of two doubles, neither of them NaN, the first where it compares so, or the other one.

    LLVM makes loops of several values at a time of these, but not of what Python would write.
    """

    @intrinsic
    def function(typingctx: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, pair: Any) -> Any:
            is_first = builder.fcmp_ordered(comparison, *pair, flags=_NOT_NAN)
            return builder.select(is_first, *pair, flags=_NOT_NAN)

        return types.float64(types.float64, types.float64), generate

    return function


_smaller, _larger = _first_where("<"), _first_where(">")


@njit(nogil=True, cache=True)
def _widen(column: FloatArray, m: int, low: float, high: float) -> tuple[float, float]:
    """The extremes of m values, none of them NaN, and two others."""
    for i in range(m):
        low = _smaller(column[i], low)
        high = _larger(column[i], high)
    return low, high


@njit(nogil=True, cache=True)
def _not_finite(column: FloatArray, m: int) -> int:
    """How many of m values are NaN or infinite; here nothing may be taken for granted."""
    count = 0
    for i in range(m):
        count += not (abs(column[i]) <= 1.7976931348623157e308)
    return count


@njit(nogil=True, cache=True, fastmath=_SUMS)
def extremes(
    program: Program,
    n: int,
    sums: FloatArray,
    low: FloatArray,
    high: FloatArray,
    counts: NDArray[np.int64],
) -> bool:
    """Sums and extremes of the columns, (d,), and rows in each bin; whether all are finite."""
    d, t = len(program.starts) - 1, len(program.terms) - 1
    codes, part, x, bins = _scratch(d, t)
    others = 0
    for first in range(0, n, SLICE):
        m = min(SLICE, n - first)
        _fill(program, first, m, codes, part, x)
        _bins(program, first, m, codes, bins)
        for j in range(d):
            column, total = x[j], 0.0
            for i in range(m):
                total += column[i]
            sums[j] += total
            others += _not_finite(column, m)
            low[j], high[j] = _widen(column, m, low[j], high[j])
        for j in range(t):
            bin_ = bins[j]
            for i in range(m):
                counts[bin_[i]] += 1
    return others == 0


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _gram(x: FloatArray, m: int, out: FloatArray) -> None:
    """Add the products of p rows of m values, (p, m), to (p, p), symmetric.

    Two by four at a time: each value that is loaded is used several times.
    """
    p = len(x)
    j = 0
    while j + 2 <= p:
        a, b = x[j], x[j + 1]
        k = 0
        while k + 4 <= j + 1:
            c, d, e, f = x[k], x[k + 1], x[k + 2], x[k + 3]
            ac, ad, ae, af, bc, bd, be, bf = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for i in range(m):
                ac += a[i] * c[i]
                ad += a[i] * d[i]
                ae += a[i] * e[i]
                af += a[i] * f[i]
                bc += b[i] * c[i]
                bd += b[i] * d[i]
                be += b[i] * e[i]
                bf += b[i] * f[i]
            out[j, k] += ac
            out[j, k + 1] += ad
            out[j, k + 2] += ae
            out[j, k + 3] += af
            out[j + 1, k] += bc
            out[j + 1, k + 1] += bd
            out[j + 1, k + 2] += be
            out[j + 1, k + 3] += bf
            k += 4
        while k <= j + 1:
            c = x[k]
            ac, bc = 0.0, 0.0
            for i in range(m):
                ac += a[i] * c[i]
                bc += b[i] * c[i]
            out[j, k] += ac
            out[j + 1, k] += bc
            k += 1
        j += 2
    if j < p:
        a = x[j]
        for k in range(p):
            c = x[k]
            ac = 0.0
            for i in range(m):
                ac += a[i] * c[i]
            out[j, k] += ac
    # what is above the diagonal is not all there
    for j in range(p):
        for k in range(j):
            out[k, j] = out[j, k]


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _means(z: FloatArray, m: int, out: FloatArray) -> None:
    for j in range(len(out)):
        total = 0.0
        for i in range(m):
            total += z[j, i]
        out[j] = total / m


@njit(nogil=True, cache=True, fastmath=_SUMS)
def products(
    program: Program,
    n: int,
    y: FloatArray,
    w: FloatArray,
    shift: FloatArray,
    gram: FloatArray,
    by_bin: FloatArray,
    tables: FloatArray,
    table_starts: NDArray[np.int64],
    low: FloatArray,
    high: FloatArray,
    counts: NDArray[np.int64],
) -> None:
    """Add products of ``z = [X - shift | y - shift | 1]`` and the bins, weighted by w.

    Parameters
    ----------
    program : Program
        Of d columns and t terms.
    n : int
        The number of rows.
    y, w : ndarray, (n,) or (0,)
        The response, or nothing; the weights, or nothing for ones.
    shift : ndarray, (q - 1,)
        Of the columns, and of the response where there is one. Where it begins with NaN, it
        becomes the means of the first slice.
    gram : ndarray, (q, q)
        Of z with z.
    by_bin : ndarray, (bins, q)
        Of the bins with z; the last column has their weights.
    tables : ndarray
        Weights of the cells of any two terms, one table after another.
    table_starts : ndarray of int
        Where the tables begin, in the order of `itertools.combinations`.
    low, high : ndarray, (d,)
        Get the extremes of the columns, of no meaning where a value is NaN.
    counts : ndarray of int, (bins,)
        Get the number of rows in each bin.
    """
    d, t, q = len(program.starts) - 1, len(program.terms) - 1, len(gram)
    has_y, has_w = len(y) > 0, len(w) > 0
    codes, part, z, bins = _scratch(q, t)
    across = np.empty((SLICE, q))  # rows of z for the bins
    for first in range(0, n, SLICE):
        m = min(SLICE, n - first)
        _fill(program, first, m, codes, part, z[:d])
        if has_y:
            for i in range(m):
                z[d, i] = y[first + i]
        for j in range(d):
            low[j], high[j] = _widen(z[j], m, low[j], high[j])
        if first == 0 and q > 1 and np.isnan(shift[0]):
            _means(z, m, shift)
        for j in range(q - 1):
            column, by = z[j], shift[j]
            if by != 0.0:
                for i in range(m):
                    column[i] -= by
        root = z[q - 1]
        for i in range(m):
            root[i] = 1.0
        if has_w:
            for i in range(m):
                root[i] = np.sqrt(w[first + i])
            for j in range(q - 1):
                column = z[j]
                for i in range(m):
                    column[i] *= root[i]
        _gram(z, m, gram)
        if t == 0:
            continue
        _bins(program, first, m, codes, bins)
        for j in range(q):
            column = z[j]
            for i in range(m):
                across[i, j] = column[i] * root[i]
        for j in range(t):
            bin_ = bins[j]
            for i in range(m):
                to, row = by_bin[bin_[i]], across[i]
                for c in range(q):
                    to[c] += row[c]
                counts[bin_[i]] += 1
        pair = 0
        for j in range(t):
            for k in range(j + 1, t):
                start = table_starts[pair] - program.terms[k, 2]
                size = program.terms[k + 1, 2] - program.terms[k, 2]
                for i in range(m):
                    cell = (bins[j, i] - program.terms[j, 2]) * size + bins[k, i]
                    tables[start + cell] += across[i, q - 1]
                pair += 1
