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


class Remade:
    """A mixin for what is pickled as the arguments of its constructor, with patsy's among them."""

    def made_of(self) -> tuple[Any, ...]:
        """The arguments of its constructor."""
        raise NotImplementedError

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduced(type(self), *self.made_of())


def _reduced(kind: type, *parts: Any) -> tuple[Any, ...]:
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(parts)
    return _made, (kind, buffer.getvalue())


def _made(kind: Any, data: bytes) -> Any:
    return kind(*pickle.loads(data))
