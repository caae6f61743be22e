"""Products of a design that is never written: a slice of its columns at a time, in the cache."""

from __future__ import annotations

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.compiled.intrinsics import call, larger, pointer, smaller
from statsmodels_ooc.compiled.program import Program, Scores, Sums

SLICE = 256  # rows whose columns stay in the first cache
BESIDE = 1023715795  # checksum of the files without loops

# Sums may be added in another order, products and sums be fused; NaN and infinity stay.
_SUMS = {"reassoc", "contract", "nsz"}


@njit(nogil=True, cache=True)
def _read_codes(address: int, size: int, first: int, m: int, out: NDArray[np.int64]) -> None:
    """Copy m codes of so many bytes each."""
    if size == 1:
        bytes_ = carray(pointer(address + first), (m,), np.int8)
        for i in range(m):
            out[i] = bytes_[i]
    elif size == 2:
        shorts = carray(pointer(address + 2 * first), (m,), np.int16)
        for i in range(m):
            out[i] = shorts[i]
    elif size == 4:
        ints = carray(pointer(address + 4 * first), (m,), np.int32)
        for i in range(m):
            out[i] = ints[i]
    else:
        longs = carray(pointer(address + 8 * first), (m,), np.int64)
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
        numbers = carray(pointer(piece[0] + 8 * first), (m,), np.float64)
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
def _add_linear(
    x: FloatArray, bins: NDArray[np.int64], m: int, beta: FloatArray, out: FloatArray
) -> None:
    """Add ``X beta`` of m rows."""
    d, j = len(x), 0
    while j + 4 <= d:
        a, b, c, e = x[j], x[j + 1], x[j + 2], x[j + 3]
        of_a, of_b, of_c, of_e = beta[j], beta[j + 1], beta[j + 2], beta[j + 3]
        for i in range(m):
            out[i] += (a[i] * of_a + b[i] * of_b) + (c[i] * of_c + e[i] * of_e)
        j += 4
    while j < d:
        column, weight = x[j], beta[j]
        for i in range(m):
            out[i] += column[i] * weight
        j += 1
    for j in range(len(bins)):
        bin_ = bins[j]
        for i in range(m):
            out[i] += beta[d + bin_[i]]


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _add_score(
    x: FloatArray, bins: NDArray[np.int64], m: int, v: FloatArray, out: FloatArray
) -> None:
    """Add ``X'v`` of m rows."""
    d = len(x)
    for j in range(d):
        column, total = x[j], 0.0
        for i in range(m):
            total += column[i] * v[i]
        out[j] += total
    for j in range(len(bins)):
        bin_ = bins[j]
        for i in range(m):
            out[d + bin_[i]] += v[i]


@njit(nogil=True, cache=True)
def linear(program: Program, beta: FloatArray, out: FloatArray) -> None:
    """Add ``X beta`` to (n,), for the coefficients of columns and bins, (d + bins,)."""
    codes, part, x, bins = _scratch(len(program.starts) - 1, len(program.terms) - 1)
    for first in range(0, len(out), SLICE):
        m = min(SLICE, len(out) - first)
        _fill(program, first, m, codes, part, x)
        _bins(program, first, m, codes, bins)
        _add_linear(x, bins, m, beta, out[first : first + m])


@njit(nogil=True, cache=True)
def score(program: Program, v: FloatArray, out: FloatArray) -> None:
    """Add ``X'v`` of columns and bins to (d + bins,)."""
    codes, part, x, bins = _scratch(len(program.starts) - 1, len(program.terms) - 1)
    for first in range(0, len(v), SLICE):
        m = min(SLICE, len(v) - first)
        _fill(program, first, m, codes, part, x)
        _bins(program, first, m, codes, bins)
        _add_score(x, bins, m, v[first : first + m], out)


@njit(nogil=True, cache=True)
def _widen(column: FloatArray, m: int, low: float, high: float) -> tuple[float, float]:
    """The extremes of m values, none of them NaN, and two others."""
    for i in range(m):
        low = smaller(column[i], low)
        high = larger(column[i], high)
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

    Four by three at a time: each value that is loaded is used several times, and the three stay
    in the first cache.
    """
    p = len(x)
    k = 0
    while k + 3 <= p:
        e, f, g = x[k], x[k + 1], x[k + 2]
        j = k
        while j + 4 <= p:
            a, b, c, d = x[j], x[j + 1], x[j + 2], x[j + 3]
            ae, af, ag, be, bf, bg = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            ce, cf, cg, de, df, dg = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for i in range(m):
                ae += a[i] * e[i]
                af += a[i] * f[i]
                ag += a[i] * g[i]
                be += b[i] * e[i]
                bf += b[i] * f[i]
                bg += b[i] * g[i]
                ce += c[i] * e[i]
                cf += c[i] * f[i]
                cg += c[i] * g[i]
                de += d[i] * e[i]
                df += d[i] * f[i]
                dg += d[i] * g[i]
            _add_three(out[j], k, ae, af, ag)
            _add_three(out[j + 1], k, be, bf, bg)
            _add_three(out[j + 2], k, ce, cf, cg)
            _add_three(out[j + 3], k, de, df, dg)
            j += 4
        while j < p:
            a = x[j]
            ae, af, ag = 0.0, 0.0, 0.0
            for i in range(m):
                ae += a[i] * e[i]
                af += a[i] * f[i]
                ag += a[i] * g[i]
            _add_three(out[j], k, ae, af, ag)
            j += 1
        k += 3
    while k < p:
        for j in range(k, p):
            a, e, ae = x[j], x[k], 0.0
            for i in range(m):
                ae += a[i] * e[i]
            out[j, k] += ae
        k += 1
    # what is above the diagonal is not all there
    for j in range(p):
        for k in range(j):
            out[k, j] = out[j, k]


@njit(nogil=True, cache=True)
def _add_three(row: FloatArray, k: int, one: float, two: float, three: float) -> None:
    row[k] += one
    row[k + 1] += two
    row[k + 2] += three


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _means(z: FloatArray, m: int, out: FloatArray) -> None:
    for j in range(len(out)):
        total = 0.0
        for i in range(m):
            total += z[j, i]
        out[j] = total / m


@njit(nogil=True, cache=True)
def _scored(
    scores: Scores, x: FloatArray, bins: NDArray[np.int64], here: slice, scratch: FloatArray
) -> bool:
    """Score the rows of a slice; the expected information of each is in the first of (3, SLICE).

    What addresses are of belongs to the caller: an address keeps nothing alive.
    """
    y, prior, m = scores.y[here], scores.prior[here], len(scores.y[here])
    weight, eta, of_rows = scratch[0], scratch[1], scratch[2]
    for i in range(m):
        eta[i] = 0.0
    if len(scores.offset):
        eta[:m] += scores.offset[here]
    _add_linear(x, bins, m, scores.beta, eta)
    is_sure = call(
        scores.scorer,
        scores.rule.ctypes.data,
        y.ctypes.data,
        eta.ctypes.data,
        prior.ctypes.data,
        weight.ctypes.data,
        of_rows.ctypes.data,
        scores.totals.ctypes.data,
        m,
        len(prior),
    )
    if is_sure == 0:
        return False
    _add_score(x, bins, m, of_rows, scores.score)
    return True


@njit(nogil=True, cache=True, fastmath=_SUMS)
def products(
    program: Program, n: int, y: FloatArray, w: FloatArray, scores: Scores, sums: Sums
) -> bool:
    """Add weighted products of n rows; whether all of them could be scored.

    Parameters
    ----------
    program : Program
        Of d columns and t terms.
    n : int
        The number of rows.
    y, w : ndarray, (n,) or (0,)
        A response that is a column, too, or nothing; the weights, or nothing for ones.
    scores : Scores
        What gives the weights if `w` does not.
    sums : Sums
        To which the products are added.
    """
    d, t, q = len(program.starts) - 1, len(program.terms) - 1, len(sums.gram)
    shift, low, high = sums.shift, sums.low, sums.high
    codes, part, z, bins = _scratch(q, t)
    across = np.empty((SLICE, q))  # rows of z for the bins
    of_rows = np.empty((3, SLICE))
    for first in range(0, n, SLICE):
        m = min(SLICE, n - first)
        here = slice(first, first + m)
        _fill(program, first, m, codes, part, z[:d])
        _bins(program, first, m, codes, bins)
        if len(y):
            for i in range(m):
                z[d, i] = y[first + i]
        if scores.scorer != 0 and not _scored(scores, z[:d], bins, here, of_rows):
            return False
        for j in range(d):
            low[j], high[j] = _widen(z[j], m, low[j], high[j])
        if first == 0 and q > 1 and np.isnan(shift[0]):
            _means(z, m, shift)
        root = z[q - 1]
        if len(w) or scores.scorer != 0:
            known = w[here] if len(w) else of_rows[0]
            for i in range(m):
                root[i] = np.sqrt(known[i])
            for j in range(q - 1):
                column, by = z[j], shift[j]
                for i in range(m):
                    column[i] = (column[i] - by) * root[i]
        else:
            for i in range(m):
                root[i] = 1.0
            for j in range(q - 1):
                column, by = z[j], shift[j]
                for i in range(m):
                    column[i] -= by
        _gram(z, m, sums.gram)
        if t > 0:
            _add_to_bins(program, z, bins, m, across, sums)
    return True


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _add_to_bins(
    program: Program,
    z: FloatArray,
    bins: NDArray[np.int64],
    m: int,
    across: FloatArray,
    sums: Sums,
) -> None:
    """Add the products of m rows with their bins; `across` is memory for these rows."""
    q, t, terms, root = len(z), len(bins), program.terms, z[len(z) - 1]
    for j in range(q):
        column = z[j]
        for i in range(m):
            across[i, j] = column[i] * root[i]
    for j in range(t):
        bin_ = bins[j]
        for i in range(m):
            to, row = sums.by_bin[bin_[i]], across[i]
            for c in range(q):
                to[c] += row[c]
            sums.counts[bin_[i]] += 1
    pair = 0
    for j in range(t):
        for k in range(j + 1, t):
            start = sums.ends[pair] - terms[k, 2]
            size = terms[k + 1, 2] - terms[k, 2]
            for i in range(m):
                cell = (bins[j, i] - terms[j, 2]) * size + bins[k, i]
                sums.tables[start + cell] += across[i, q - 1]
            pair += 1
