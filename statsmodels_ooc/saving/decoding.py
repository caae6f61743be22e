"""Results of what JSON has, and of arrays: nothing is made but what `known` lists."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.errors import SavedResultError
from statsmodels_ooc.saving.known import found

_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "slice": lambda items: slice(*items),
    "range": lambda items: range(*items),
}
_VALUES: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "complex": lambda parts: complex(*map(float, parts)),
    "bytes": bytes.fromhex,
    "decimal": Decimal,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
}


class Decoder:
    """Makes objects of nodes.

    Parameters
    ----------
    array : callable
        Gives the array of a file.
    """

    def __init__(self, array: Callable[[str], NDArray[Any]]) -> None:
        self._array = array
        self._made: dict[int, Any] = {}

    def thing(self, node: Any) -> Any:
        """The object of a node.

        Raises
        ------
        SavedResultError
            It is of a kind or a name that saved results do not have.
        """
        if not isinstance(node, dict):
            return node
        kind = node["type"]
        if kind == "again":
            return self._made[node["of"]]
        if kind == "name":
            return found(node["name"])
        if kind in ("list", "dict", "new", "call"):
            return getattr(self, f"_{kind}")(node)
        return self._keep(node, self._value(kind, node))

    def _keep(self, node: dict[str, Any], thing: Any) -> Any:
        self._made[node["id"]] = thing
        return thing

    def _things(self, nodes: list[Any]) -> list[Any]:
        return [self.thing(node) for node in nodes]

    def _list(self, node: dict[str, Any]) -> list[Any]:
        made: list[Any] = self._keep(node, [])
        made.extend(self._things(node["items"]))
        return made

    def _dict(self, node: dict[str, Any]) -> dict[Any, Any]:
        made: dict[Any, Any] = self._keep(node, {})
        made.update(self._pairs(node["items"]))
        return made

    def _pairs(self, pairs: list[list[Any]]) -> dict[Any, Any]:
        return {self.thing(key): self.thing(value) for key, value in pairs}

    def _new(self, node: dict[str, Any]) -> Any:
        kind = found(node["name"])
        return self._with_state(node, kind.__new__(kind, *self._things(node["args"])))

    def _call(self, node: dict[str, Any]) -> Any:
        return self._with_state(node, found(node["name"])(*self._things(node["args"])))

    def _with_state(self, node: dict[str, Any], made: Any) -> Any:
        self._keep(node, made)
        if "state" in node:
            _restore(made, self._state(node["state"]))
        made.extend(self._things(node["items"])) if "items" in node else None
        made.update(self._pairs(node["pairs"])) if "pairs" in node else None
        return made

    def _state(self, node: Any) -> Any:
        if isinstance(node, dict) and node["type"] == "attributes":
            return {name: self.thing(value) for name, value in node["of"].items()}
        return self.thing(node)

    def _value(self, kind: str, node: dict[str, Any]) -> Any:
        if kind in _VALUES:
            return _VALUES[kind](node["value"])
        if kind in _CONTAINERS:
            return _CONTAINERS[kind](self._things(node["items"]))
        match kind:
            case "array":
                return self._array(node["file"])
            case "objects":
                return self._objects(node)
            case "dtype":
                return _dtype(node["name"])
            case "scalar":
                return np.frombuffer(bytes.fromhex(node["bytes"]), _dtype(node["dtype"]))[0]
            case "timestamp":
                return _timestamp(node)
            case "index":
                return pd.Index(self._labelled(node), name=self.thing(node["name"]))
            case "series":
                index = self.thing(node["index"])
                return pd.Series(self._labelled(node), index, name=self.thing(node["name"]))
            case "frame":
                return self._frame(node)
        raise SavedResultError(f"{kind!r} is no kind of value that saved results have")

    def _objects(self, node: dict[str, Any]) -> NDArray[Any]:
        shape, items = node["shape"], self._things(node["items"])
        if math.prod(shape) != len(items):
            raise SavedResultError(f"{len(items)} objects do not make an array of shape {shape}")
        made = np.empty(len(items), dtype=object)
        made[:] = items
        return made.reshape(shape)

    def _labelled(self, node: dict[str, Any]) -> Any:
        dtype = node["dtype"]
        return pd.array(
            self.thing(node["values"]), dtype="str" if dtype == "str" else _dtype(dtype)
        )

    def _frame(self, node: dict[str, Any]) -> pd.DataFrame:
        index, names = self.thing(node["index"]), self.thing(node["columns"])
        columns = [pd.Series(self._labelled(values), index) for values in node["values"]]
        made = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=index)
        made.columns = pd.Index(names)
        return made


def _restore(made: Any, state: Any) -> None:
    """Give an object its attributes, as `pickle` does."""
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    for some in state if isinstance(state, tuple) else (state,):
        for name, value in (some or {}).items():
            object.__setattr__(made, name, value)


def _dtype(name: str) -> np.dtype[Any]:
    dtype = np.dtype(name)
    if dtype.hasobject and name != "|O":
        raise SavedResultError(f"{name!r} is no type of numbers, times or text")
    return dtype


def _timestamp(node: dict[str, Any]) -> pd.Timestamp:
    stamp = pd.Timestamp(np.datetime64(node["value"], node["unit"]))
    if node["zone"] is None:
        return stamp
    return stamp.tz_localize("UTC").tz_convert(node["zone"])
