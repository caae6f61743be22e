"""Pickles of patsy's objects, which refuse to be pickled."""

from __future__ import annotations

import io
import pickle
from typing import Any

import cloudpickle
import patsy.builtins


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Cloudpickle, and patsy's objects that refuse to be pickled."""

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        refusal = getattr(getattr(kind, "__getstate__", None), "__module__", None)
        if refusal is not None and refusal.partition(".")[0] == "patsy":
            return object.__new__, (kind,), vars(obj)
        if hasattr(obj, "__patsy_stateful_transform__"):
            for name in patsy.builtins.__all__:
                if getattr(patsy.builtins, name) is obj:
                    return getattr, (patsy.builtins, name)
        return super().reducer_override(obj)


def reduced(kind: type, *parts: Any) -> tuple[Any, ...]:
    """For ``__reduce__``: an object as what it is made of, among which is patsy's."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(parts)
    return _made, (kind, buffer.getvalue())


def _made(kind: Any, data: bytes) -> Any:
    return kind(*pickle.loads(data))
