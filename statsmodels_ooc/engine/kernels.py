"""Whether a pass multiplies in machine code or with NumPy."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from statsmodels_ooc.errors import MissingExtraError
from statsmodels_ooc.options import options

_ENOUGH = 2**25  # values of the design: with fewer, loading numba takes longer than it saves


def compiled_pays(k: int, rows: int | None) -> bool:
    """Whether a pass over so many rows of k columns is one for machine code.

    It follows from the data and the settings alone, so that all passes of a model are of one
    kind, whatever runs beside them. Where the number of rows is not known, they are not enough.

    Raises
    ------
    MissingExtraError
        numba is asked for, and is not installed.
    """
    match options.kernels:
        case "numba":
            if not _has_numba():
                raise MissingExtraError(
                    "kernels='numba' needs numba", hint="pip install 'statsmodels_ooc[fast]'"
                )
            return True
        case "numpy":
            return False
    return rows is not None and rows * (k + 1) >= _ENOUGH and _has_numba()


@cache
def _has_numba() -> bool:
    return find_spec("numba") is not None
