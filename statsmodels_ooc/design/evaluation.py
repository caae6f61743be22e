"""Factors of a formula evaluated on a frame, and their values compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc._patsy import Box, EvalFactor, PatsyError, factor_names, scope
from statsmodels_ooc.design.plain import PlainFrame
from statsmodels_ooc.errors import DesignError, OutOfCoreError
from statsmodels_ooc.sources.values import as_found

FROM_OUTSIDE = (
    "every name in a formula is a column of the data, or a scalar or a function: arrays "
    "from outside cannot follow the rows of a chunk; make the array a column"
)


def unbox(value: Any) -> Any:
    """What stands inside ``C(...)``, or the value itself."""
    return value.data if isinstance(value, Box) else value


def evaluate(factor: EvalFactor, state: dict[str, Any], frame: PlainFrame) -> Any:
    """Evaluate a factor as patsy does.

    Raises
    ------
    DesignError
        It fails, and an array of the caller's is in it.
    PatsyError
        It fails.
    """
    try:
        return _plain_value(factor.eval(state, frame))
    except PatsyError as error:
        if isinstance(error.__cause__, OutOfCoreError):
            raise error.__cause__ from None
        arrays = _arrays(scope(state))
        text = _text(factor, frame) if isinstance(error.__cause__, TypeError | ValueError) else None
        if not arrays and text is not None:
            name, where = text
            raise DesignError(
                f"{factor.name()!r} cannot be evaluated on text: column {name!r} is {where}: "
                f"{type(error.__cause__).__name__}: {error.__cause__}",
                hint="where it should hold numbers, tell read_csv how they are written, with "
                f"decimal=, thousands= or na_values=; with dtype={{{name!r}: float}} it names the "
                f"first line that has none. Elsewhere: pd.to_numeric({name}), in the data",
            ) from error
        if not arrays:
            raise
        raise DesignError(
            f"{factor.name()!r} cannot be evaluated on {len(frame)} rows together with "
            f"{' and '.join(arrays)}: {error.message}",
            hint=FROM_OUTSIDE,
        ) from error


def _text(factor: EvalFactor, frame: PlainFrame) -> tuple[str, str] | None:
    """A column of text that an expression looks at, and words for a value that is no number."""
    for name in factor_names(factor):
        if name not in frame.raw.names:
            continue
        column = frame.raw[name]
        texts = np.array([isinstance(value, str) for value in column], dtype=np.bool_)
        if texts.any():
            strange = texts & pd.to_numeric(column, errors="coerce").isna().to_numpy(np.bool_)
            at = int(np.argmax(strange if strange.any() else texts))
            return name, f"{column.iloc[at]!r} at {frame.where.row(at)}"
    return None


def _plain_value(value: Any) -> Any:
    """Numbers in masked, Arrow or object arrays as NumPy has them; anything else as it is."""
    if not isinstance(value, pd.Series) or isinstance(value.dtype, pd.CategoricalDtype):
        return value
    found = as_found(value)
    if found.dtype.kind in "iu" and not isinstance(found.dtype, np.dtype):
        return found.astype("Float64").to_numpy(np.float64, na_value=np.nan)
    return found


def _arrays(names: Mapping[str, Any]) -> list[str]:
    return [
        f"{name!r} of length {len(value)}"
        for name, value in names.items()
        if isinstance(value, list | np.ndarray | pd.Series | pd.Index) and np.ndim(value)
    ]


def attempt(factor: EvalFactor, state: dict[str, Any], frame: PlainFrame) -> NDArray[Any] | None:
    """The value row by row, None where these rows are beyond what the factor can take."""
    try:
        return values_by_row(evaluate(factor, state, frame))
    except (PatsyError, DesignError):
        return None


def values_by_row(value: Any) -> NDArray[Any]:
    """Values row by row, (n, width), numbers or objects."""
    inner = unbox(value)
    if isinstance(getattr(inner, "dtype", None), pd.CategoricalDtype):
        inner = np.asarray(inner, dtype=object)
    array = np.asarray(inner)
    if array.dtype.kind not in "iufb":
        array = np.asarray(pd.DataFrame(np.atleast_1d(array)).astype(object))
    return array.reshape(-1, 1) if array.ndim < 2 else array


def same_values(part: NDArray[Any], whole: NDArray[Any]) -> bool:
    """Whether values agree; numbers but for the last digits, which may depend on layout."""
    if part.shape != whole.shape:
        return False
    if part.dtype != object and whole.dtype != object:
        finite = np.abs(whole[np.isfinite(whole)], dtype=np.float64)
        scale = float(finite.max()) if finite.size else 0.0
        return np.allclose(part, whole, rtol=1e-9, atol=1e-9 * scale, equal_nan=True)
    absent = pd.isna(part)
    if not np.array_equal(absent, pd.isna(whole)):
        return False
    return bool(np.all(part[~absent].astype(object) == whole[~absent].astype(object)))
