"""Results as what JSON has, and arrays beside it."""

from __future__ import annotations

import copyreg
import datetime
import math
import re
import types
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rv_continuous

from statsmodels_ooc.engine.streamed import StreamedRows, without_rows
from statsmodels_ooc.errors import SavedResultError
from statsmodels_ooc.saving.known import name_of
from statsmodels_ooc.saving.zones import is_zone

_NAMED = (
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, np.ufunc),
    rv_continuous,  # of scipy.stats, each of which is one object
)
_CONTAINERS: dict[type, str] = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    slice: "slice",
    range: "range",
}
_OF_PANDAS = (pd.Index, pd.RangeIndex, pd.DatetimeIndex, pd.TimedeltaIndex, pd.Series, pd.DataFrame)
_TEXT = pd.StringDtype(na_value=np.nan)
_USED = re.compile(  # where a name stands that an expression uses
    r"(factor_infos)?\[EvalFactor\((.*)\)\]\.state.*_namespaces\[\d+\]\['(.*?)'\]"
)
_ATTRIBUTES_ALONE = "patsy."  # modules whose objects refuse to say what they are made of


class Encoder:
    """Makes nodes of JSON of objects; what is there several times is the same again afterwards.

    Attributes
    ----------
    arrays : dict
        The arrays by the name of their file.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []  # what has a number, so that no other object takes its place

    @property
    def seen(self) -> Sequence[Any]:
        """The objects that are there, each once."""
        return self._alive

    def node(self, thing: Any, place: str) -> Any:
        """What JSON has in place of an object.

        Parameters
        ----------
        thing : object
            Part of results.
        place : str
            Where it stands in them, for a message.

        Raises
        ------
        SavedResultError
            It is code, or there is no way to write it without.
        """
        kind = type(thing)
        if thing is None or kind in (bool, int, str) or (kind is float and math.isfinite(thing)):
            return thing
        if isinstance(thing, _NAMED):
            return {"type": "name", "name": _name(thing, place)}
        if id(thing) in self._numbers:
            return {"type": "again", "of": self._numbers[id(thing)]}
        number = self._numbers[id(thing)] = len(self._alive)
        self._alive.append(thing)
        return {"id": number, **self._fields(thing, place)}

    def _fields(self, thing: Any, place: str) -> dict[str, Any]:
        kind = type(thing)
        if kind in _CONTAINERS:
            return {"type": _CONTAINERS[kind], "items": self._nodes(_items(thing), place)}
        if kind is dict:
            return {"type": "dict", "items": self._pairs(thing, place)}
        if isinstance(thing, np.ndarray | np.generic | np.dtype):
            return self._of_numpy(thing, place)
        if isinstance(thing, pd.Index | pd.Series | pd.DataFrame):
            return self._of_pandas(thing, place)
        if isinstance(thing, pd.Interval):
            ends = self._nodes((thing.left, thing.right), place)
            return {"type": "interval", "items": ends, "closed": thing.closed}
        return _of_one_value(thing) or self._instance(thing, place)

    def _nodes(self, things: Iterable[Any], place: str) -> list[Any]:
        return [self.node(thing, f"{place}[{at}]") for at, thing in enumerate(things)]

    def _pairs(self, mapping: Mapping[Any, Any], place: str) -> list[list[Any]]:
        return [
            [self.node(key, f"{place}, a key"), self.node(value, f"{place}[{key!r}]")]
            for key, value in mapping.items()
        ]

    def _of_numpy(self, thing: Any, place: str) -> dict[str, Any]:
        if isinstance(thing, np.dtype):
            if thing.fields is None:
                return {"type": "dtype", "name": thing.str}
            raise _refusal(thing, place)
        if isinstance(thing, np.generic):
            if thing.dtype.hasobject or thing.dtype.fields is not None:
                raise _refusal(thing, place)
            return {"type": "scalar", "dtype": thing.dtype.str, "bytes": thing.tobytes().hex()}
        if type(thing) not in (np.ndarray, np.memmap):  # masks, and what * means, would be lost
            raise _refusal(thing, place)
        if thing.dtype.hasobject:
            shape, items = list(thing.shape), thing.ravel().tolist()
            return {"type": "objects", "shape": shape, "items": self._nodes(items, place)}
        name = f"arrays/{len(self.arrays)}.npy"
        self.arrays[name] = np.asarray(thing)
        return {"type": "array", "file": name}

    def _of_pandas(self, thing: Any, place: str) -> dict[str, Any]:
        if type(thing) not in _OF_PANDAS:
            raise _refusal(thing, place)
        if isinstance(thing, pd.DataFrame):
            plain = [self._values(column, place) for _, column in thing.items()]
            index = self.node(thing.index, f"{place}.index")
            named = self.node(list(thing.columns), f"{place}.columns")
            return {"type": "frame", "index": index, "columns": named, "values": plain}
        found = {"name": self.node(thing.name, place), **self._values(thing, place)}
        if isinstance(thing, pd.Series):
            return {"type": "series", "index": self.node(thing.index, f"{place}.index"), **found}
        return {"type": "index", **found}

    def _values(self, labelled: Any, place: str) -> dict[str, Any]:
        dtype = labelled.dtype
        if isinstance(dtype, np.dtype):
            return {"dtype": dtype.str, "values": self.node(labelled.to_numpy(), place)}
        if dtype == _TEXT:
            return {"dtype": "str", "values": self.node(labelled.to_numpy(dtype=object), place)}
        raise _refusal(labelled.array, place)

    def _instance(self, thing: Any, place: str) -> dict[str, Any]:
        if isinstance(thing, StreamedRows):
            thing = without_rows(thing)
        kind, args, state, items, pairs = _recipe(thing, place)
        how = "new" if kind is None else "call"
        found: dict[str, Any] = {
            "type": how,
            "name": _name(type(thing) if kind is None else kind, place),
            "args": self._nodes(args, f"{place}.args"),
        }
        if state is not None:
            found["state"] = self._state(state, place)
        if items:
            found["items"] = self._nodes(items, place)
        if pairs:
            found["pairs"] = self._pairs(dict(pairs), place)
        return found

    def _state(self, state: Any, place: str) -> Any:
        """Attributes, each at its own place in messages."""
        if type(state) is not dict or not all(type(name) is str for name in state):
            return self.node(state, place)
        named = {name: self.node(value, f"{place}.{name}") for name, value in state.items()}
        return {"type": "attributes", "of": named}


def _items(thing: Any) -> Iterable[Any]:
    if isinstance(thing, slice | range):
        return (thing.start, thing.stop, thing.step)
    if isinstance(thing, set | frozenset):
        return sorted(thing, key=repr)
    return list(thing)


def _of_one_value(thing: Any) -> dict[str, Any] | None:
    """Values that JSON has no name for."""
    match thing:
        case float() if type(thing) is float:
            return {"type": "float", "value": repr(thing)}
        case complex() if type(thing) is complex:
            return {"type": "complex", "value": [repr(thing.real), repr(thing.imag)]}
        case bytes():
            return {"type": "bytes", "value": thing.hex()}
        case Decimal():
            return {"type": "decimal", "value": str(thing)}
        case _ if thing is pd.NaT:
            return {"type": "nat", "value": ""}
        case pd.Timestamp() if thing.tz is None or _is_named(thing.tz):
            zone = None if thing.tz is None else str(thing.tz)
            return {
                "type": "timestamp",
                "value": int(thing.asm8.view("i8")),
                "unit": thing.unit,
                "zone": zone,
            }
        case pd.Timedelta():
            return {"type": "timedelta", "value": int(thing.asm8.view("i8")), "unit": thing.unit}
        case pd.Period():
            return {"type": "period", "value": thing.ordinal, "unit": thing.freqstr}
        case pd.Timestamp():
            return None
        case datetime.datetime() if thing.tzinfo is None or _is_offset(thing.tzinfo):
            return {"type": "datetime", "value": thing.isoformat()}
        case datetime.date() if type(thing) is datetime.date:
            return {"type": "date", "value": thing.isoformat()}
        case datetime.time() if thing.tzinfo is None:
            return {"type": "time", "value": thing.isoformat()}
    return None


def _is_named(zone: datetime.tzinfo) -> bool:
    """Whether a time zone is found again by its name."""
    return is_zone(str(zone)) and (not isinstance(zone, datetime.timezone) or _is_offset(zone))


def _is_offset(zone: datetime.tzinfo) -> bool:
    return type(zone) is datetime.timezone and zone.tzname(None).startswith("UTC")


def _recipe(thing: Any, place: str) -> tuple[Any, Any, Any, Any, Any]:
    """What is called with what, None for the class without its constructor; and the state."""
    if hasattr(type(thing), "made_of"):
        return type(thing), thing.made_of(), None, None, None
    if type(thing).__module__.startswith(_ATTRIBUTES_ALONE):
        return None, (), dict(vars(thing)), None, None
    try:
        reduced = thing.__reduce_ex__(2)
    except TypeError as error:
        raise _refusal(thing, place) from error
    if not isinstance(reduced, tuple):
        raise _refusal(thing, place)
    function, args, state, items, pairs = (*reduced, None, None, None)[:5]
    listed, mapped = list(items or ()), list(pairs or ())
    if function is copyreg.__newobj__:  # type: ignore[attr-defined]
        return None, args[1:], state, listed, mapped
    return function, args, state, listed, mapped


def _name(thing: Any, place: str) -> str:
    name = name_of(thing)
    if name is None:
        raise _refusal(thing, place)
    return name


def _refusal(thing: Any, place: str) -> SavedResultError:
    is_code = isinstance(thing, _NAMED) and not isinstance(thing, type)
    what = getattr(thing, "__qualname__", type(thing).__qualname__)
    home = getattr(thing, "__module__", type(thing).__module__)
    told = f"code ({home}.{what})" if is_code else f"a {home}.{what}"
    used = _USED.search(place)
    message = f"{place} is {told}, which a file without code cannot hold"
    if used is not None:
        user = "the formula" if used[1] else f"the expression {used[2][1:-1]!r}"
        message = f"{user} uses {used[3]!r}, which is {told}: a file without code cannot hold it"
    return SavedResultError(
        message,
        hint="res.save(path) writes a pickle, which can; or write the formula with names of NumPy "
        "and patsy alone, and with plain numbers, text and arrays",
    )
