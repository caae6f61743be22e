"""Whether some rows tell of another line than all: rainbow, and Harvey and Collier's test."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats import diagnostic as sd

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import share, whole_number
from statsmodels_ooc.diagnostics.rows import (
    Centred,
    Distances,
    Repeated,
    WholeRows,
    Within,
    block_of,
)
from statsmodels_ooc.diagnostics.subject import (
    Subject,
    design_columns,
    factor_of_design,
    row_order,
    subject,
)
from statsmodels_ooc.errors import DesignError, warn_caller
from statsmodels_ooc.reductions.auxiliary import Auxiliary
from statsmodels_ooc.reductions.least_squares import Triangle, TriangleState, triangularize
from statsmodels_ooc.reductions.recursive import (
    OfPartitions,
    PartitionsState,
    RecursiveResiduals,
    RecursiveState,
)
from statsmodels_ooc.results.lazy import require_design
from statsmodels_ooc.solvers.auxiliary import ratio, regress
from statsmodels_ooc.solvers.dependence import above_noise, lengths


def linear_rainbow(
    res: Any,
    frac: float = 0.5,
    order_by: Any = None,
    use_distance: bool = False,
    center: float | None = None,
) -> tuple[float, float]:
    r"""Utts' rainbow test that the rows in the middle lie on the same line as all.

    One pass, of rows in order; two by columns or distances, with a number of each row in memory.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory it is handed to statsmodels.
    frac : float
        Which share of the rows is the middle.
    order_by : str, list of str, or array_like of int, (n,), optional
        Columns of the design by whose values the rows are sorted, those of one value in their
        order; or the numbers of the rows in their order. By default it is that of the data.
    use_distance : bool
        Whether to order the rows by their Mahalanobis distance from the mean of the design. Rows
        of one distance are ordered by their columns, as in statsmodels; where such rows stand at
        an end of the middle, the design is read into memory.
    center : float, optional
        Not used, as in statsmodels.

    Returns
    -------
    fstat, pvalue : float
        The F statistic, and its p-value.

    Raises
    ------
    MemoryLimitError
        The numbers of the rows do not fit; before they are read.
    RowOrderError
        By default: the order of rows means nothing.
    ValueError
        The middle has fewer rows than the design columns, or is no part of the rows.

    Notes
    -----
    With m rows in the middle and k columns,

    .. math:: F = \frac{(SSR - SSR_m) / (n - m)}{SSR_m / (m - k)}.

    Both sums of squared residuals of WLS have weights; statsmodels has them in the first alone.

    References
    ----------
    Utts (1982). The rainbow test for lack of fit in regression. Communications in Statistics:
    Theory and Methods 11, 2801-2815.
    """
    about = subject(res, "linear_rainbow")
    if about is None:
        given = {} if center is None else {"center": center}
        in_memory: tuple[float, float] = sd.linear_rainbow(
            res, frac, order_by, use_distance, **given
        )
        return in_memory
    if order_by is not None and use_distance:
        raise ValueError("order_by and use_distance cannot be simultaneously used.")
    if center is not None:
        warn_caller("center has no effect, as in statsmodels", FutureWarning)
    frac = share("frac", frac)
    n = about.nobs
    low = int(np.ceil(0.5 * (1 - frac) * n))
    high = int(np.floor(low + frac * n))
    if high - low < about.k:
        raise ValueError(
            "frac is too small to perform test. frac * nobs must be greater than the number of "
            "exogenous variables in the model."
        )
    r = _factor_of_middle(about, low, high, order_by, use_distance)
    middle = regress(r, high - low)
    ssr = float(about.results.ssr)
    fstat = ratio((ssr - middle.ssr) / (n - (high - low)), middle.mse_resid)
    return fstat, float(stats.f.sf(fstat, n - (high - low), middle.df_resid))


def _factor_of_middle(
    about: Subject, low: int, high: int, order_by: Any, use_distance: bool
) -> FloatArray:
    options: tuple[Any, ...] = (low, high, use_distance)
    if order_by is None:
        if use_distance:
            return about.once(lambda: _by_distance(about, low, high), *options)  # type: ignore[no-any-return]
        about.require_order()
        return about.once(lambda: _by_place(about, low, high), *options)  # type: ignore[no-any-return]
    names = [order_by] if isinstance(order_by, str) else order_by
    listed = isinstance(names, list | tuple) and len(names) > 0
    if listed and all(isinstance(name, str) for name in names):
        return about.once(  # type: ignore[no-any-return]
            lambda: _by_columns(about, list(names), low, high), *options, *names
        )
    order = row_order(about, order_by)
    about.require_order()
    return _of_chosen(about, order[low:high])


def _by_place(about: Subject, low: int, high: int) -> FloatArray:
    middle = Within("place", low, high, weighted=True)
    state: TriangleState
    (state,) = about.rows().numbered("place").fold(about.name, _triangle(about, middle))
    return state.r


def _by_columns(about: Subject, names: list[str], low: int, high: int) -> FloatArray:
    order = np.lexsort(design_columns(about, names).T[::-1])
    return _of_chosen(about, order[low:high])


def _by_distance(about: Subject, low: int, high: int) -> FloatArray:
    k, n, r = about.k, about.nobs, factor_of_design(about)
    point, centred = r[0, 1:] / r[0, 0], r[1:, 1:]
    sizes = lengths(centred)
    _, values, vt = np.linalg.svd(centred / sizes)
    rank = above_noise(values, n)
    along = vt[:rank].T / values[:rank] / sizes[:, None] * np.sqrt(n)
    distances = about.rows().read(about.name, Distances(point, along))
    order = np.argsort(distances, kind="stable")
    ends = [end for end in (low, high) if 0 < end < n]
    if all(distances[order[end - 1]] < distances[order[end]] for end in ends):
        return _of_chosen(about, order[low:high])
    rows, triangle = about.rows().read(about.name, WholeRows(), k + 2), Triangle(k)
    order = np.lexsort((*rows[:, :k].T[::-1], distances))[low:high]
    return triangle.update(triangle.init(), block_of(rows[order])).r


def _of_chosen(about: Subject, numbers: NDArray[np.intp]) -> FloatArray:
    """The factor of some rows, one of them perhaps several times."""
    counts = np.bincount(numbers, minlength=about.nobs).astype(np.float64)
    rows = about.rows(count=counts)
    state: TriangleState
    (state,) = rows.fold(about.name, _triangle(about, Repeated("count", weighted=True)))
    return state.r


def _triangle(about: Subject, rows: Any) -> Auxiliary[TriangleState]:
    return Auxiliary(rows, Triangle(about.k), about.k)


class TTest(NamedTuple):
    """Student's t, and its p-value."""

    statistic: float
    pvalue: float


def linear_harvey_collier(res: Any, order_by: Any = None, skip: int | None = None) -> Any:
    r"""Harvey and Collier's test that recursive residuals have mean zero: two passes, in order.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS; in memory it is handed to statsmodels.
    order_by : array_like of int, (n,), optional
        The numbers of the rows in their order, for a design smaller than
        ``smo.options.array_limit``, which is read into memory.
    skip : int, optional
        To how many rows the first parameters are fitted; as many as there are columns by default.

    Returns
    -------
    statistic, pvalue : float
        Student's t of the mean, and its p-value.

    Raises
    ------
    RowOrderError
        The order of rows means nothing.
    ValueError
        The first rows do not determine the parameters.

    Notes
    -----
    The recursive residual of row t is the error of its prediction from the rows before, by its
    standard deviation,

    .. math:: w_t = \frac{y_t - x_t'b_{t-1}}{\sqrt{1 + x_t' (X_{t-1}'X_{t-1})^{-1} x_t}}.

    The first pass leaves a triangular factor for each partition, the second goes on from those
    before. Statsmodels leaves out the first three rows, whatever `skip` is. Where more are
    skipped it counts residuals that are not there: with five columns or more its answer
    is NaN, with four it takes in a residual of zero. Here the first three rows are left out, and
    those that are skipped. Weights of WLS play no part, as in statsmodels.

    References
    ----------
    Harvey, Collier (1977). Testing for functional misspecification in regression analysis.
    J. Econometrics 6, 103-119.
    """
    about = subject(res, "linear_harvey_collier")
    if about is None:
        return sd.linear_harvey_collier(res, order_by, skip)
    about.require_order()
    first = about.k if skip is None else whole_number("skip", skip, 0)
    if not about.k <= first <= about.nobs - 3:
        raise DesignError(
            f"linear_harvey_collier: the first parameters of {about.k:,} columns, fitted to "
            f"{first:,} of {about.nobs:,} rows",
            hint="skip is at least the number of columns, and leaves a few rows",
        )
    if order_by is None:
        state = about.once(lambda: _recursive(about, first), first)
    else:
        state = _recursive_in_memory(about, row_order(about, order_by), first)
    if state.singular:
        raise ValueError(
            f"the first {first:,} rows do not determine the {about.k:,} parameters; give a value "
            "of skip that is large enough"
        )
    t = ratio(state.mean, np.sqrt(ratio(state.m2, state.n - 1) / state.n))
    return TTest(t, float(2 * stats.t.sf(abs(t), state.n - 1)))


def recursive_olsresiduals(
    res: Any,
    skip: int | None = None,
    lamda: float = 0.0,
    alpha: float = 0.95,
    order_by: Any = None,
) -> Any:
    r"""Recursive residuals of all rows and their CUSUM, in memory: one pass, in order.

    Parameters
    ----------
    res : RegressionResults
        Of OLS or WLS. A streamed design smaller than ``smo.options.array_limit`` is read into
        memory and handed to statsmodels.
    skip : int, optional
        To how many rows the first parameters are fitted; as many as there are columns by default.
    lamda : float
        Weight of a ridge penalty at the start.
    alpha : {0.9, 0.95, 0.99}
        Level of the bounds of the CUSUM.
    order_by : array_like of int, (n,), optional
        The numbers of the rows in their order.

    Returns
    -------
    rresid, rparams, rypred, rresid_standardized, rresid_scaled, rcusum, rcusumci : ndarray
        As statsmodels, (n,), but for the parameters, (n, k), and the bounds, (2, n - skip).

    Raises
    ------
    NotImplementedError
        The design is larger than that; `linear_harvey_collier` has no such limit.
    RowOrderError
        The order of rows means nothing.

    Notes
    -----
    .. math:: w_t = \frac{y_t - x_t'b_{t-1}}{\sqrt{1 + x_t' (X_{t-1}'X_{t-1})^{-1} x_t}}.

    Weights of WLS play no part, as in statsmodels.

    References
    ----------
    Brown, Durbin, Evans (1975). Techniques for testing the constancy of regression relationships
    over time. J. R. Stat. Soc. B 37, 149-192.
    """
    about = subject(res, "recursive_olsresiduals")
    if about is None:
        return sd.recursive_olsresiduals(res, skip, lamda, alpha, order_by)
    about.require_order()
    if skip is not None and not about.k <= whole_number("skip", skip, 0) < about.nobs:
        raise DesignError(
            f"recursive_olsresiduals: skip={skip:,} of {about.nobs:,} rows and {about.k:,} columns"
        )
    require_design(about.results.model, "recursive_olsresiduals: residuals one after the other")
    rows = about.rows().read(about.name, WholeRows(), about.k + 2)
    fit = OLS(rows[:, -2], rows[:, :-2]).fit()
    return sd.recursive_olsresiduals(fit, skip, lamda, alpha, order_by)


_LEFT_OUT = 3  # rows at the start, as statsmodels has it


def _recursive(about: Subject, skip: int) -> RecursiveState:
    rows, moved = about.rows(), _moved(about)
    counts = [kept for _, kept, _ in rows.seen]
    before = tuple(np.cumsum([0, *counts])[:-1].tolist())
    prefixes = OfPartitions(about.k, len(counts))
    (state,) = rows.fold(about.name, Auxiliary(moved, prefixes, about.k))
    factors = _factors_before(state, len(counts), about.k)
    residuals = RecursiveResiduals(before, factors, skip, max(skip, _LEFT_OUT))
    found: RecursiveState
    (found,) = rows.fold(about.name, Auxiliary(moved, residuals, about.k))
    return found


def _moved(about: Subject) -> Centred:
    """Values near zero, where a constant makes that no difference."""
    centre, facts = about.fit.centre.copy(), about.results.model.likelihood.facts
    if about.constant is None:
        return Centred(np.zeros(about.k), 0.0)
    centre[about.constant] = 0.0
    return Centred(centre, float(facts.low[-1] + facts.high[-1]) / 2)


def _factors_before(state: PartitionsState, count: int, k: int) -> tuple[FloatArray, ...]:
    """R of ``[X | y]`` of the rows before each partition."""
    own = dict(zip(state.partitions, state.factors, strict=True))
    found = [np.zeros((k + 1, k + 1))]
    for partition in range(count - 1):
        last = found[-1]
        if partition in own:
            last = triangularize(np.vstack((last, own[partition].r[:, 1:])))
        found.append(last)
    return tuple(found)


def _recursive_in_memory(about: Subject, order: NDArray[np.int64], skip: int) -> RecursiveState:
    require_design(about.results.model, "order_by: rows in any order are read into memory")
    rows = about.rows().read(about.name, WholeRows(), about.k + 2)[order]
    none = np.zeros((about.k + 1, about.k + 1))
    residuals = RecursiveResiduals((0,), (none,), skip, max(skip, _LEFT_OUT))
    return residuals.update(residuals.init(), _moved(about)(block_of(rows)))
