"""Types of arrays, and arrays as machine code reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

NONE: FloatArray = np.empty(0)


def doubles(values: NDArray[Any] | None) -> FloatArray:
    """The same numbers as doubles that lie next to one another; nothing, (0,), for None."""
    return NONE if values is None else np.ascontiguousarray(values, dtype=np.float64)
