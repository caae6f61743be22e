"""Arrays in files, of NumPy, zarr and h5py, as the collections of dask that models stream."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from statsmodels_ooc.errors import SourceError

_LISTED = 8  # arrays of a group
_COPIES = 8  # of a design, that statsmodels and its solvers may hold at a time


def opened_arrays(*values: Any) -> tuple[Any, ...]:
    """What models are given, arrays in files as dask arrays that read them a few rows at a time.

    Parameters
    ----------
    *values : object
        The response, the regressors and what is aligned with them. Arrays of zarr and h5py are
        always opened; memory maps where eight times their size is more than
        ``smo.options.memory_limit``, as fitting them in memory might take. Anything else is
        handed on.

    Raises
    ------
    SourceError
        A value is a group of arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from statsmodels_ooc.sources.stored_arrays import opened_arrays
    >>> x = np.ones(3)
    >>> opened_arrays(x, None)[0] is x
    True
    """
    for value in values:
        _check_no_group(value)
    mapped = sum(value.nbytes for value in values if _is_mapped(value))
    streams = mapped > 0 and mapped * _COPIES > _memory_limit()
    if not any(_is_stored(value) or (streams and _is_mapped(value)) for value in values):
        return values
    from statsmodels_ooc.sources.dask_stored import of_rows

    return tuple(
        of_rows(value) if _is_stored(value) or (streams and _is_mapped(value)) else value
        for value in values
    )


def _check_no_group(value: Any) -> None:
    library = next((name for name in ("zarr", "h5py") if is_of(name, "Group", value)), None)
    if library is None:
        return
    names = ", ".join(map(repr, list(value)[:_LISTED]))
    raise SourceError(
        f"a Group of {library} is a group of arrays, not an array",
        hint=f"give one that is in it, group[name]: it has {names or 'none'}",
    )


def _memory_limit() -> int:
    from statsmodels_ooc.options import options  # which loads dask

    return int(options.memory_limit)


def _is_mapped(value: Any) -> bool:
    """Whether it is a memory map, and not what was computed of one."""
    return isinstance(value, np.memmap) and value.filename is not None


def _is_stored(value: Any) -> bool:
    return is_of("zarr", "Array", value) or is_of("h5py", "Dataset", value)


def is_of(module: str, name: str, value: object) -> bool:
    """Whether a value is of a class; there is nothing of a module that is not loaded."""
    return isinstance(value, getattr(sys.modules.get(module), name, ()))
