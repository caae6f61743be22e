"""Types of arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "FloatArray"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
