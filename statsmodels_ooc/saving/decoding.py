"""Results of what JSON has, and of arrays: nothing is made but what `known` lists."""

from __future__ import annotations

import datetime
import math
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.design.written import hashed
from statsmodels_ooc.errors import SavedResultError
from statsmodels_ooc.saving.expressions import check_place
from statsmodels_ooc.saving.known import called, found
from statsmodels_ooc.saving.zones import is_zone

_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "slice": lambda items: slice(*items),
    "range": lambda items: range(*items),
}
_MOST_PARTS = 10_000  # of a key: hashes are made of all parts, however often one is there
_PLAIN = (
    *(str, bytes, int, float, complex, type(None), np.generic, Decimal),
    *(datetime.date, datetime.time, pd.Timedelta, pd.Period, pd.Interval, type(pd.NaT)),
)
_VALUES: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "complex": lambda parts: complex(*map(float, parts)),
    "bytes": bytes.fromhex,
    "decimal": Decimal,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "nat": lambda _: pd.NaT,
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

    @property
    def made(self) -> Collection[Any]:
        """The objects that were made, each once."""
        return self._made.values()

    def thing(self, node: Any) -> Any:
        """The object of a node.

        Raises
        ------
        SavedResultError
            It is of a kind or a name that saved results do not have.
        """
        made = self._thing(node)
        check_place(made, None)
        return made

    def _thing(self, node: Any) -> Any:
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
        if node["id"] in self._made:
            raise SavedResultError(f"two objects have the number {node['id']}")
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
        made = {}
        for key_node, node in pairs:
            key, value = _hashable(self.thing(key_node)), self._thing(node)
            check_place(value, key)
            made[key] = value
        return made

    def _new(self, node: dict[str, Any]) -> Any:
        kind = found(node["name"])
        if not isinstance(kind, type):
            raise SavedResultError(f"{node['name']} is no class")
        return self._with_state(node, kind.__new__(kind, *self._things(node["args"])))

    def _call(self, node: dict[str, Any]) -> Any:
        make, args = called(node["name"]), self._things(node["args"])
        if make is OrderedDict and args:
            raise SavedResultError("an ordered dictionary has pairs, and no arguments")
        return self._with_state(node, make(*args))

    def _with_state(self, node: dict[str, Any], made: Any) -> Any:
        self._keep(node, made)
        if "state" in node:
            _restore(made, self._state(node["state"]))
        if "items" in node:  # of the list itself: what the state has is not asked
            list.extend(_as(list, made), self._things(node["items"]))
        if "pairs" in node:
            OrderedDict.update(_as(OrderedDict, made), self._pairs(node["pairs"]))
        return made

    def _state(self, node: Any) -> Any:
        if isinstance(node, dict) and node["type"] == "attributes":
            return {name: self.thing(value) for name, value in node["of"].items()}
        return self.thing(node)

    def _value(self, kind: str, node: dict[str, Any]) -> Any:
        if kind in _VALUES:
            return _VALUES[kind](node["value"])
        if kind in _CONTAINERS:
            items = self._things(node["items"])
            return _CONTAINERS[kind](list(map(_hashable, items)) if "set" in kind else items)
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
            case "timedelta":
                return pd.Timedelta(np.timedelta64(node["value"], node["unit"]))
            case "period":
                return pd.Period(ordinal=node["value"], freq=_as(str, node["unit"]))
            case "interval":
                left, right = self._things(node["items"])
                return pd.Interval(left, right, node["closed"])
            case "index":
                return pd.Index(self._labelled(node), name=self._label(node["name"]))
            case "series":
                index = _as(pd.Index, self.thing(node["index"]))
                return pd.Series(self._labelled(node), index, name=self._label(node["name"]))
            case "frame":
                return self._frame(node)
        raise SavedResultError(f"{kind!r} is no kind of value that saved results have")

    def _objects(self, node: dict[str, Any]) -> NDArray[Any]:
        shape, items = node["shape"], self._things(node["items"])
        if math.prod(shape) != len(items):
            raise SavedResultError(f"{len(items)} objects do not make an array of shape {shape}")
        made = np.empty(len(items), dtype=object)
        for at, item in enumerate(items):  # each is one object, be it a tuple or an array
            made[at] = item
        return made.reshape(shape)

    def _label(self, node: Any) -> Hashable:
        return _hashable(self.thing(node))

    def _labelled(self, node: dict[str, Any]) -> Any:
        """Values, of a file of their own: what is there once takes memory once."""
        if node["values"]["type"] not in ("array", "objects"):
            raise SavedResultError("what has labels are no values of an array")
        values = _as(np.ndarray, self.thing(node["values"]))
        is_text = node["dtype"] == "str"
        dtype = np.dtype(object) if is_text else _dtype(node["dtype"])
        if values.ndim != 1 or values.dtype != dtype or dtype.kind in "SUV":
            raise SavedResultError(f"values of type {values.dtype} do not go with {dtype}")
        if is_text and not {type(value) for value in values} <= {str, float, type(None)}:
            raise SavedResultError("text that is none")
        return pd.array(values, dtype="str" if is_text else dtype)

    def _frame(self, node: dict[str, Any]) -> pd.DataFrame:
        index = _as(pd.Index, self.thing(node["index"]))
        names = [_hashable(name) for name in _as(list, self.thing(node["columns"]))]
        columns = [pd.Series(self._labelled(values), index) for values in node["values"]]
        made = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=index)
        made.columns = pd.Index(names, tupleize_cols=False)
        return made


def _as(kind: Any, thing: Any) -> Any:
    if not isinstance(thing, kind):
        raise SavedResultError(f"a {type(thing).__name__} stands where another thing belongs")
    return thing


def _hashable(key: Any) -> Hashable:
    """A key whose hash is soon made."""
    left, parts = [key], 0
    while left:
        part = left.pop()
        parts += 1
        if parts > _MOST_PARTS:
            raise SavedResultError(f"a key has more than {_MOST_PARTS:,} parts")
        if isinstance(part, tuple | frozenset):
            left.extend(part)
        elif hashed(part) is not None:
            left.append(_as((tuple, str), hashed(part)))
        elif not isinstance(part, _PLAIN):
            raise SavedResultError(f"a {type(part).__name__} is no key of saved results")
    return key  # type: ignore[no-any-return]


def _restore(made: Any, state: Any) -> None:
    """Give an object its attributes, as `pickle` does."""
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    for some in state if isinstance(state, tuple) else (state,):
        for name, value in (some or {}).items():
            object.__setattr__(made, name, value)


def _dtype(name: str) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.dtype(_as(str, name))
    if dtype.fields is not None or dtype.subdtype is not None:
        raise SavedResultError(f"{name!r} is no type of one value")
    if dtype.hasobject and name != "|O":
        raise SavedResultError(f"{name!r} is no type of numbers, times or text")
    return dtype


def _timestamp(node: dict[str, Any]) -> pd.Timestamp:
    stamp = pd.Timestamp(np.datetime64(node["value"], node["unit"]))
    if node["zone"] is None:
        return stamp
    if not is_zone(_as(str, node["zone"])):
        raise SavedResultError(f"{node['zone']!r} is no time zone of this machine")
    return stamp.tz_localize("UTC").tz_convert(node["zone"])
