"""Pickles of patsy's objects, which refuse to be pickled."""

from __future__ import annotations

import io
import pickle
from typing import Any

import cloudpickle
import patsy.builtins

__all__ = ["dumps", "loads"]


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Cloudpickle, and patsy's objects that refuse to be pickled."""

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        refusal = getattr(getattr(kind, "__getstate__", None), "__module__", None)
        if refusal is not None and refusal.partition(".")[0] == "patsy":
            return _rebuild, (kind,), vars(obj)
        if hasattr(obj, "__patsy_stateful_transform__"):
            for name in patsy.builtins.__all__:
                if getattr(patsy.builtins, name) is obj:
                    return getattr, (patsy.builtins, name)
        return super().reducer_override(obj)


def _rebuild(kind: Any) -> Any:
    return kind.__new__(kind)


def dumps(obj: Any) -> bytes:
    """Pickle an object that holds patsy's."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(obj)
    return buffer.getvalue()


def loads(data: bytes) -> Any:
    """Read what `dumps` wrote."""
    return pickle.loads(data)
