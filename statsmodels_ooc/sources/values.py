"""Columns of pandas as what their values are, whatever their dtype promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.columns import Column, delivered_type, nearest_doubles
from statsmodels_ooc.sources.frames import series_of

CONVERT = (
    "give all of them one type: dtype={...} of pandas' readers, such as pd.read_csv(..., "
    "dtype={'code': str}), or astype"
)
EXACT = 2**53  # up to which every whole number is a double
_WIDE = 8  # bytes of the numbers that expressions see
_LONG = pd.ArrowDtype(pa.decimal256(76, 0))  # stands for Python's integers of more than 64 bits
UNTYPED = np.dtype("V")  # of a column without a value: any other type suits it


def as_found(column: pd.Series) -> pd.Series:
    """The same values in the plainest dtype that holds each of them exactly.

    Numbers, truth values, dates and decimals that travel as Python objects, or as Arrow
    or masked arrays, become NumPy's own; whole numbers and truth values stay masked
    where some are missing. Text, categories, periods and intervals stay.

    Parameters
    ----------
    column : Series, (n,)
        As a user, dask or a reader made it.
    """
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return _from_objects(column) if dtype.kind == "O" else column
    if isinstance(dtype, pd.ArrowDtype):
        array = pa.array(column)
        is_cut = isinstance(array, pa.ChunkedArray)
        return _from_arrow(column, array.combine_chunks() if is_cut else array)
    if isinstance(dtype, pd.SparseDtype):
        return as_found(pd.Series(np.asarray(column), column.index))
    if isinstance(dtype, pd.StringDtype):
        return column if dtype.na_value is np.nan else column.astype("str")
    if not hasattr(dtype, "numpy_dtype"):
        return column
    if dtype.kind == "f":
        return pd.Series(column.to_numpy(np.float64, na_value=np.nan), column.index)
    return column if column.isna().any() else column.astype(dtype.numpy_dtype)


def _from_arrow(column: pd.Series, array: pa.Array) -> pd.Series:
    """What an array holds, with the name and the labels of a column."""
    how = Column(str(column.name), delivered_type(array.type), array.null_count > 0)
    found = series_of(array, how)
    found.index = column.index
    return found


def _from_objects(column: pd.Series) -> pd.Series:
    match pd.api.types.infer_dtype(column, skipna=True):
        case "boolean":
            return as_found(column.astype("boolean"))
        case "integer":
            return _whole_numbers(column)
        case "floating" | "mixed-integer-float" | "empty":
            return _floats(column)
        case "decimal" | "date":
            return _through_arrow(column)
        case "datetime" | "datetime64" | "timedelta" | "timedelta64" | "period" | "interval":
            return column.infer_objects()
        case "mixed" | "mixed-integer" if column.dropna().map(_is_number).all():
            exact = column.dropna().map(_is_exact).all()
            return _through_arrow(column.map(_decimal)) if exact else _floats(column)
    return column


def _is_number(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)


def _is_exact(value: Any) -> bool:
    return isinstance(value, Integral | Decimal)


def _decimal(value: Any) -> Any:
    return Decimal(int(value)) if isinstance(value, Integral) else value


def _floats(column: pd.Series) -> pd.Series:
    absent = column.isna().to_numpy()
    values = np.full(len(column), np.nan)
    values[~absent] = [float(value) for value in column[~absent]]
    return pd.Series(values, column.index)


def _whole_numbers(column: pd.Series) -> pd.Series:
    """64 bits where they suffice; otherwise Python's own, which are exact as well."""
    for dtype in ("Int64", "UInt64"):
        try:
            return as_found(column.astype(dtype))
        except (OverflowError, TypeError, ValueError):
            continue
    return column


def _through_arrow(column: pd.Series) -> pd.Series:
    try:
        array = pa.array(column, from_pandas=True)
    except (pa.ArrowException, OverflowError):
        return column  # decimals of more than 76 digits
    return _from_arrow(column, array)


def settled(frame: pd.DataFrame, dtypes: Mapping[Any, Any] | None = None) -> pd.DataFrame:
    """A frame whose columns are `as_found`.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        As a user, dask or a reader made it.
    dtypes : mapping, optional
        The dtypes of the columns of which it is a piece: those without a value here get
        them, and Categoricals become values where the whole is none.
    """

    def suited(name: Any, column: pd.Series) -> pd.Series:
        found = as_found(column)
        if dtypes is None or found.dtype == dtypes[name]:
            return found
        return _suited(column, found, dtypes[name])

    return with_columns(frame, suited)


def with_columns(frame: pd.DataFrame, made: Callable[[Any, pd.Series], pd.Series]) -> pd.DataFrame:
    """A frame of what is made of each name and column; itself where no column is another."""
    before = dict(frame.items())
    after = {name: made(name, column) for name, column in before.items()}
    if all(after[name] is column for name, column in before.items()):
        return frame
    return pd.DataFrame(after, copy=False)


def _suited(column: pd.Series, found: pd.Series, dtype: Any) -> pd.Series:
    """A piece of a column, `found` in it, as the whole has it whose dtype this is."""
    if _is_without_category(found):
        column = column.astype(object)
        found = as_found(column)
    is_category = isinstance(found.dtype, pd.CategoricalDtype)
    if is_category and not isinstance(dtype, pd.CategoricalDtype):
        return as_found(found.astype(dtype if isinstance(dtype, pd.StringDtype) else object))
    if is_category or dtype.kind in "fV" or not found.isna().all():
        return found
    if dtype == np.dtype(object):
        return column.astype(object)
    if isinstance(dtype, np.dtype) and dtype.kind in "biu":
        dtype = Column("", pa.from_numpy_dtype(dtype)).masked
    return pd.Series(index=column.index, dtype=dtype)


def _is_without_category(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.categories.empty


def check_kinds(frame: pd.DataFrame, dtypes: Mapping[Any, Any], place: str) -> None:
    """Refuse a piece whose columns hold other kinds of data than those before it.

    Raises
    ------
    SchemaError
        See `joined_dtype`.
    """
    for name, column in frame.items():
        if column.dtype != dtypes[name]:
            joined_dtype(name, [("the frames before", dtypes[name]), (place, dtype_of(column))])


def dtype_of(column: pd.Series) -> Any:
    """The dtype of a column `as_found`; `UNTYPED` where no value tells."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return UNTYPED if _is_without_category(column) else column.dtype
    if column.isna().all():
        return UNTYPED
    found = as_found(column)
    if found.dtype == object and pd.api.types.infer_dtype(found, skipna=True) == "integer":
        return _LONG
    return found.dtype


def dtype_of_pieces(name: Any, pieces: Iterable[tuple[str, pd.Series]]) -> Any:
    """One dtype for the pieces of a column, as pandas would infer it for the whole.

    Parameters
    ----------
    name : object
        The column.
    pieces : iterable of (str, Series)
        Where each stands, and its values.

    Raises
    ------
    SchemaError
        They hold different kinds of data.
    """
    pieces = list(pieces)
    dtype = joined_dtype(name, [(place, dtype_of(piece)) for place, piece in pieces])
    return pieces[0][1].dtype if dtype is UNTYPED else dtype


def promised(dtype: Any) -> Any:
    """The dtype in which values of a declared dtype most likely come; a hint, no more."""
    if isinstance(dtype, pd.ArrowDtype):
        dtype = Column("", delivered_type(dtype.pyarrow_dtype), nullable=None).dtype
    if isinstance(dtype, pd.SparseDtype):
        dtype = dtype.subtype
    if isinstance(dtype, pd.StringDtype):
        return pd.StringDtype(na_value=np.nan)
    return getattr(dtype, "numpy_dtype", dtype)


def joined_dtype(name: Any, found: list[tuple[str, Any]]) -> Any:
    """One dtype for a column whose pieces have several, as pandas infers it for the whole.

    Parameters
    ----------
    name : object
        The column.
    found : list of (str, dtype)
        Where a piece stands, and its dtype as `as_found` gives it; `UNTYPED` for pieces
        without a value, which suit any other.

    Raises
    ------
    SchemaError
        They hold different kinds of data; the message names two of them.
    """
    typed = [(place, dtype) for place, dtype in found if dtype is not UNTYPED]
    if not typed:
        return UNTYPED
    first, dtype = typed[0]
    plain = [(place, _values_dtype(kind)) for place, kind in typed]
    for place, kind in plain:
        if _kind(kind) != _kind(plain[0][1]):
            raise SchemaError(
                f"column {name!r} is {plain[0][1]} in {first} but {kind} in {place}", hint=CONVERT
            )
    if all(other == dtype for _, other in typed):
        return dtype
    kinds = list(dict.fromkeys(kind for _, kind in plain))
    if len(kinds) == 1:
        return kinds[0]
    if any(isinstance(kind, pd.ArrowDtype) for kind in kinds):
        return np.dtype(np.float64)
    return pd.concat([pd.Series([], dtype=kind) for kind in kinds]).dtype


def _values_dtype(dtype: Any) -> Any:
    return dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype


def _kind(dtype: Any) -> str:
    if pd.api.types.is_bool_dtype(dtype):
        return "bool"
    if pd.api.types.is_numeric_dtype(dtype) or isinstance(dtype, pd.ArrowDtype):
        return "number"
    if isinstance(dtype, pd.DatetimeTZDtype):
        return f"time of {dtype.tz}"
    if pd.api.types.is_datetime64_dtype(dtype):
        return "time"
    if isinstance(dtype, pd.StringDtype) or dtype == np.dtype(object):
        return "text"
    return str(dtype)


def plain_column(column: pd.Series) -> pd.Series:
    """A column as expressions see it: numbers of 64 bits, doubles where some are missing."""
    dtype: Any = column.dtype
    match dtype.kind:
        case "f":
            return column if dtype == np.float64 else doubles_of(column)
        case "u" | "i" if isinstance(dtype, np.dtype):
            return column if dtype.itemsize == _WIDE else column.astype(np.int64)
        case "u" | "i":
            if column.isna().any():
                return doubles_of(column)
            return plain_column(column.astype(dtype.numpy_dtype))
    return doubles_of(column) if isinstance(dtype, pd.ArrowDtype) else column


def doubles_of(column: pd.Series) -> pd.Series:
    """Numbers as the doubles that are nearest to them, NaN where missing."""
    if not isinstance(column.dtype, pd.ArrowDtype):
        return pd.Series(column.to_numpy(np.float64, na_value=np.nan), column.index)
    array = pa.array(column)
    decimals = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return pd.Series(nearest_doubles(decimals).to_numpy(zero_copy_only=False), column.index)


def widened(frame: pd.DataFrame, exact: bool) -> pd.DataFrame:
    """A frame whose columns are plain, see `plain_column`.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        As a source gives it.
    exact : bool
        Whether whole numbers that doubles do not tell apart stay as they are.
    """

    def plain(_: Any, column: pd.Series) -> pd.Series:
        return column if exact and _is_beyond(column) else plain_column(column)

    return with_columns(frame, plain)


def _is_beyond(column: pd.Series) -> bool:
    """Whether it holds whole numbers that no double is, in an array that has missing values."""
    dtype: Any = column.dtype
    if isinstance(dtype, pd.ArrowDtype):
        is_whole = dtype.pyarrow_dtype.scale <= 0
    else:
        is_whole = dtype.kind in "iu" and not isinstance(dtype, np.dtype)
    return bool(is_whole and ((column > EXACT) | (column < -EXACT)).any())
