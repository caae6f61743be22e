"""What loops over rows are given, and what they give back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray


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


class Sums(NamedTuple):
    """Sums of products of ``z = [X - shift | y - shift | 1]`` and the bins, to be added to.

    Attributes
    ----------
    shift : ndarray, (q - 1,)
        Of the columns, and of the response where there is one. Where it begins with NaN, it
        becomes the means of the first slice.
    gram : ndarray, (q, q)
        Of z with z.
    by_bin : ndarray, (bins, q)
        Of the bins with z; the last column has their weights.
    tables : ndarray
        Weights of the cells of any two terms, one table after another.
    ends : ndarray of int
        Where the tables begin, in the order of `itertools.combinations`, and the number of
        all cells.
    low, high : ndarray, (d,)
        Extremes of the columns, of no meaning where a value is NaN.
    counts : ndarray of int, (bins,)
        Rows in each bin.
    """

    shift: FloatArray
    gram: FloatArray
    by_bin: FloatArray
    tables: FloatArray
    ends: NDArray[np.int64]
    low: FloatArray
    high: FloatArray
    counts: NDArray[np.int64]


class Scores(NamedTuple):
    """How rows are scored at some parameters, and what comes of it; see `scoring.score_rows`."""

    scorer: int  # the address of `scoring.scorer`, 0 where the weights are known
    rule: FloatArray  # `Rule`
    beta: FloatArray  # of the columns and bins, (d + bins,)
    offset: FloatArray  # (n,) or (0,)
    y: FloatArray  # (n,)
    prior: FloatArray  # weights, (n,) or (0,)
    totals: FloatArray  # `Totals`
    score: FloatArray  # X's, of the columns and bins, (d + bins,)


class Rule(NamedTuple):
    """How a family and its link score a row, as an array; `scoring` has the names."""

    variance: float  # the power of mu that it is, `QUADRATIC` or `BINARY`
    link: float  # the power of mu that eta is, `LOG`, or one of those of `BINARY`
    size: float  # of a `QUADRATIC` variance, ``mu + mu**2 / size``
    low: float  # the smallest eta that the loops are right for
    high: float  # the largest
    least: float  # the smallest response that they are right for
    most: float  # the largest


class Totals(NamedTuple):
    """Sums and extremes over rows, as an array; those of deviance and chi-squared are weighted."""

    deviance: float = 0.0  # half of it
    pearson: float = 0.0
    gap: float = 0.0  # the largest distance of a response from its mean
    lowest: float = np.inf  # the smallest expected information, before prior weights
    squares: float = 0.0  # of these distances
    responses: float = 0.0  # squared
    eta: float = np.inf  # the smallest
