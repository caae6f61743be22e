"""What dask's collections are known by, dask not being loaded where nobody else did."""

from __future__ import annotations

import sys
from typing import Any


def is_lazy(*values: Any) -> bool:
    """Whether any value is a dask collection."""
    if "dask" not in sys.modules:
        return False
    from dask.base import is_dask_collection

    return any(is_dask_collection(value) for value in values)
