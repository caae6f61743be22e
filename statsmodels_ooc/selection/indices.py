"""IBOSS of arrays in memory: the twin of the streaming selection."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from statsmodels.base.data import PandasData
from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.regression.linear_model import OLS, WLS

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.checks import whole_number
from statsmodels_ooc.design.formula import FormulaSpec
from statsmodels_ooc.errors import (
    DesignError,
    MissingDataError,
    PrecisionError,
    SelectionWarning,
    warn_caller,
)
from statsmodels_ooc.reductions.exact import ExactMomentsState
from statsmodels_ooc.reductions.exact_sums import exact_sums
from statsmodels_ooc.selection.criteria import CRITERIA, Criterion, Slots, deal, scores, take
from statsmodels_ooc.selection.ordering import UNIFORM, IntArray, first, hashes
from statsmodels_ooc.selection.pilot import block_of

_ASTRAY = 1e-2  # root mean square difference of linear predictors from those at the maximum


class _LearnedData(PandasData):  # type: ignore[misc]
    """Rows whose formula was learned elsewhere, and is not learned again from a pickle."""

    learned: FormulaSpec

    @property
    def model_spec(self) -> Any:
        return self.learned.design_info


def model_of(spec: FormulaSpec, frame: pd.DataFrame, formula: Any, family: Any) -> Any:
    """A model of the rows of a frame, as ``from_formula`` leaves it.

    Parameters
    ----------
    spec : FormulaSpec
        The learned formula.
    frame : DataFrame
        The rows.
    formula : str
        As the user wrote it.
    family : Family or None
        None for a linear model.

    Returns
    -------
    OLS, WLS or GLM
        Statsmodels' own.
    """
    block = block_of(spec, frame)
    exog = pd.DataFrame(block.dense().copy(), frame.index, list(spec.exog_names))
    endog: Any = pd.Series(block.endog, frame.index, name=spec.endog_name)
    extras: dict[str, Any] = block.extras.given()
    if family is None:
        kind = WLS if "weights" in extras else OLS
        model = kind(endog, exog, **extras)
    else:
        if "exposure" in extras:
            extras["exposure"] = np.exp(extras["exposure"])
        trials = extras.pop("trials", None)
        if trials is not None and isinstance(family, families.Binomial):
            counts = np.column_stack((block.endog * trials, (1 - block.endog) * trials))
            endog = pd.DataFrame(counts, frame.index, list(spec.endog_names))
        model = GLM(endog, exog, family=family, **extras)
    model.formula = formula
    model.data.__class__ = _LearnedData
    model.data.learned, model.data.frame = spec, frame
    return model


def fit_model(model: Any, best: FloatArray | None, options: dict[str, Any]) -> Any:
    """Fit a model of `model_of`, and see that it ends where it should.

    Parameters
    ----------
    model : OLS, WLS or GLM
        The model.
    best : ndarray, (k,), or None
        The parameters that maximise its likelihood, where they are known.
    options : dict
        For the model's ``fit``.
    """
    results = model.fit(**options)
    if best is None or not getattr(results, "converged", True) or not _is_astray(results, best):
        return results
    name = type(model.family).__name__
    if str(options.get("method", "IRLS")).upper() == "IRLS":
        warn_caller(
            f"statsmodels' IRLS ended away from the maximum of the {name} likelihood, as it does "
            "where a mean is next to a bound; its Newton method was asked instead",
            SelectionWarning,
        )
        options = options | {"method": "newton", "start_params": best, "disp": False}
        results = model.fit(**options)
        if not _is_astray(results, best):
            return results
    raise PrecisionError(
        f"statsmodels ended away from the maximum of the {name} likelihood",
        hint="smo.GLM.from_formula(formula, selection, ...) finds it",
    )


def _is_astray(results: Any, best: FloatArray) -> bool:
    apart = np.asarray(results.model.exog) @ (np.asarray(results.params) - best)
    return not np.sqrt(np.mean(apart**2)) <= _ASTRAY


def iboss_indices(
    X: Any,
    k: int,
    criterion: Criterion = "D",
    psi: Any = None,
    mean: Any = None,
    scale: Any = None,
    slots: Slots = "exact",
    ties: str = "index",
    *,
    seed: int = 0,
    rows: Any = None,
) -> IntArray:
    """Numbers of the k most informative rows of a design in memory.

    Parameters
    ----------
    X : array_like, (n, p)
        The covariates. Columns that are constant, such as that of an intercept, take no
        part.
    k : int
        How many rows to select.
    criterion : {"D", "T", "uniform"}
        D-optimality (Algorithm 1): extreme rows of one column after the other, never a
        row twice. T-optimality (Algorithm 2): rows far from the mean in all standardised
        columns together. Uniform: the rows with the smallest hashes.
    psi : array_like, (n,), optional
        The information of each row, ``(dmu/deta)**2 / V(mu)`` times its weights. None
        for a constant one, as in linear regression. Rows where it is NaN, because a mean is
        impossible there, come last.
    mean, scale : array_like, (p,), optional
        Means and standard deviations (``ddof=0``) of the columns; by default those of X,
        from exact sums. D needs means where psi is given, T needs both.
    slots : {"exact", "floor"}
        D takes ``r = k // 2p`` rows from each side of each column. "exact" deals the
        remaining ``k - 2pr`` out one by one, "floor" drops them.
    ties : {"index", "hash"}
        Which of rows with the same score come first: those that stand first, the default,
        or those with smaller hashes of the seed and the row number, as `IBOSS` has it.
    seed : int
        For hashes.
    rows : array_like of int, (n,), optional
        Row numbers to hash, where the rows of X are not 0 to n - 1 of the data.

    Returns
    -------
    ndarray of int64
        Row numbers, 0 to n - 1: for D in the order of selection, column by column, the
        lower side before the upper one, ascending within a side; ascending for the
        others. All rows where k is n or more.

    Raises
    ------
    ValueError
        k is less than 2p for D, or an argument is none of the above.
    MissingDataError
        X is not finite somewhere, or psi is infinite or negative.

    Warns
    -----
    SelectionWarning
        More than half of the rows are selected by D.

    Examples
    --------
    >>> import numpy as np
    >>> import statsmodels_ooc.api as smo
    >>> x = np.array([[3, 1], [0, 5], [9, 2], [4, -7], [5, 2], [4, 0], [5, 1], [4, 1]])
    >>> smo.iboss_indices(x, 4)
    array([1, 2, 3, 4])

    Row 1 has the smallest value of the first column and row 2 the largest. Row 3 has the
    smallest of the second column. Its largest is that of row 1, which is taken: of rows 2
    and 4, which come next, row 4 is still free.

    References
    ----------
    Wang, Yang, Stufken (2019). Information-based optimal subdata selection for big data
    linear regression. J. Amer. Statist. Assoc. 114, 393-405.
    """
    check_arguments(k, criterion, slots, ties, seed)
    k, seed = int(k), int(seed)
    try:
        x = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"X must be a table of numbers: {error}; IBOSS(...).select takes formulas, files "
            "and columns of text"
        ) from None
    if x.ndim != 2:
        raise ValueError(f"X must have two dimensions, rows and columns, not shape {x.shape}")
    n = len(x)
    weight = None if psi is None else _checked_psi(psi, n)
    if not np.isfinite(x).all():
        i, j = np.argwhere(~np.isfinite(x))[0]
        raise MissingDataError(f"X is {x[i, j]} in row {i}, column {j}")
    free = np.flatnonzero(x.min(axis=0) < x.max(axis=0)) if n else np.empty(0, dtype=np.int64)
    steps = deal(criterion, k, max(len(free), 1), slots)
    if k >= n:
        return np.arange(n)
    if len(free) == 0 and criterion != "uniform":
        raise DesignError("every column of X is constant, and no row says more than another")
    numbers = np.arange(n) if rows is None else np.asarray(rows, dtype=np.int64)
    if numbers.shape != (n,):
        raise ValueError(f"rows has shape {numbers.shape}, X has {n} rows")
    crowd = steps.crowd(n)
    if crowd:
        warn_caller(crowd, SelectionWarning)
    if criterion == "uniform":
        return np.sort(first(np.zeros(n), hashes(seed, numbers, UNIFORM), k))
    tie = hashes(seed, numbers) if ties == "hash" else numbers
    columns = [np.ascontiguousarray(x[:, j]) for j in free]
    given = [_given("mean", mean, x.shape[1]), _given("scale", scale, x.shape[1])]
    centre, spread = (values if values is None else values[free] for values in given)
    centre, spread = _moments(columns, centre, spread, criterion, weight)
    per_step = scores(criterion, columns, weight, centre, spread)
    orders = [first(s, tie, m) for s, m in zip(per_step, steps.needs, strict=True)]
    return np.concatenate(take(orders, steps.slots))


def check_arguments(k: Any, criterion: Any, slots: Any, ties: Any, seed: Any) -> None:
    """Refuse what no selection can be made by."""
    whole_number("k", k, 1)
    for name, value, known in (
        ("criterion", criterion, CRITERIA),
        ("slots", slots, ("exact", "floor")),
        ("ties", ties, ("index", "hash")),
    ):
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"{name} must be one of {known}, not {value!r}")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise ValueError(f"seed is a whole number from 0 to 2**64 - 1, not {seed!r}")


def _checked_psi(psi: Any, n: int) -> FloatArray:
    found = np.ascontiguousarray(psi, dtype=np.float64)
    if found.shape != (n,):
        raise ValueError(f"psi has shape {found.shape}, X has {n} rows")
    bad = np.isinf(found) | (found < 0)
    if bad.any():
        i = int(np.argmax(bad))
        raise MissingDataError(f"psi is {found[i]} in row {i}; information is 0 or more")
    return found


def _moments(
    columns: list[FloatArray],
    mean: FloatArray | None,
    scale: FloatArray | None,
    criterion: Criterion,
    psi: FloatArray | None,
) -> tuple[FloatArray | None, FloatArray | None]:
    """Means and standard deviations of the columns, where the criterion needs them."""
    needs_scale = criterion == "T"
    if not needs_scale and psi is None:
        return None, None
    if mean is None or (needs_scale and scale is None):
        pairs = [exact_sums(x, squares=needs_scale) for x in columns]
        own = ExactMomentsState(len(columns[0]), [a for a, _ in pairs], [b for _, b in pairs])
        mean = own.mean() if mean is None else mean
        scale = own.scale() if needs_scale and scale is None else scale
    return mean, scale


def _given(name: str, values: Any, p: int) -> FloatArray | None:
    """What the caller knows of the columns, checked."""
    if values is None:
        return None
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (p,) or not np.isfinite(found).all():
        raise ValueError(f"{name} must be {p} finite numbers, one for each column of X")
    if name == "scale" and (found <= 0).any():
        raise ValueError("scale must be positive")
    return found
