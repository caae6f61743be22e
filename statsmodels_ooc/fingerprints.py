"""What values are, in words: equal words, in any process, mean values that do the same."""

from __future__ import annotations

import copyreg
import datetime
import decimal
import dis
import enum
import fractions
import functools
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from xxhash import xxh3_128_hexdigest

# Their type and repr tell all of them.
_PLAIN = (
    *(bool, int, float, complex, str, bytes, type(None), type(...), slice, range, np.generic),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.timezone, decimal.Decimal),
    *(fractions.Fraction, np.dtype, type(pd.NA), type(pd.NaT), pd.Interval, pd.Period),
)
_LONG = 1_000  # characters; of longer words the checksum stands
_ARRAYS = (np.ndarray, np.memmap)  # others, masked ones for one, hold more than numbers
_PARTS: tuple[tuple[Any, Callable[[Any], list[Any]]], ...] = (  # what tells one of a kind
    (MethodType, lambda one: [one.__func__, one.__self__]),
    (functools.partial, lambda one: [one.func, one.args, one.keywords]),
    (functools.cached_property, lambda one: [one.func]),
    (property, lambda one: [one.fget, one.fset, one.fdel]),
    ((staticmethod, classmethod), lambda one: [one.__func__]),
    (
        enum.EnumType,
        lambda one: [one.__bases__, {name: each.value for name, each in _members(one)}],
    ),
)
# Of a class: where it is written, and what Python makes of the rest.
_BESIDE = {
    *("__module__", "__qualname__", "__firstlineno__", "__doc__", "__dict__", "__weakref__"),
    *("__annotations__", "__annotate__", "__annotate_func__", "__static_attributes__"),
    *("__abstractmethods__", "_abc_impl", "__parameters__", "__orig_bases__"),
    *("__dataclass_fields__", "__dataclass_params__"),
}
_FEW = 8  # entries of an array that are shown
_FRAMES = (pd.DataFrame, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)


class UntoldError(TypeError):
    """There are no words that would tell a value from others of its kind."""


def in_words(value: Any) -> str:
    """A value in words.

    Functions of the user are told by what they compute, and by what they use: defaults, what
    they close over, and the globals that they name, but not by where they are written. Functions
    and classes of libraries are told by their names.

    Parameters
    ----------
    value : object
        Numbers, text, dates, arrays, frames, containers, functions, and what can be pickled.

    Returns
    -------
    str
        Of much the checksum.

    Raises
    ------
    UntoldError
        Something in it is none of these, such as an open file.

    Examples
    --------
    >>> in_words([1, "a"])
    "list[int 1, str 'a']"
    >>> in_words(lambda x: x + 1) == in_words(lambda x: x + 1) != in_words(lambda x: x + 2)
    True
    """
    return _Words().of(value)


def fingerprint(*values: Any) -> str:
    """A checksum of values: two that do the same have the same one.

    Raises
    ------
    UntoldError
        See `in_words`.
    """
    return _checksum(in_words(values))


class _Words:
    """The words of one value and of all that is in it, which may contain itself."""

    def __init__(self) -> None:
        self._told: dict[int, str] = {}
        self._kept: list[Any] = []  # no other object gets the number of one that was told
        self._depth = 0

    def of(self, value: Any) -> str:
        if isinstance(value, _PLAIN) and _is_library(type(value)):
            return f"{_name(type(value))} {value!r}"
        if id(value) not in self._told:
            self._kept.append(value)
            self._told[id(value)] = f"what is told at depth {self._depth}"
            self._depth += 1
            self._told[id(value)] = _short(self._anew(value))
            self._depth -= 1
        return self._told[id(value)]

    def _anew(self, value: Any) -> str:
        kind = _name(type(value))
        if type(value) in _ARRAYS:
            return f"{kind} {self._array(value)}"
        if isinstance(value, _FRAMES):
            return f"{kind} {self._frame(value)}"
        if type(value) in (list, tuple):
            return f"{kind}{self._all(value)}"
        if type(value) in (set, frozenset):
            return f"{kind}{sorted(map(self.of, value))}"
        if type(value) in (dict, MappingProxyType):
            return f"{kind}{self._pairs(value)}"
        if isinstance(value, np.random.RandomState) and value is norm.random_state:
            return "numpy.random"  # what has no generator of its own draws from it
        if isinstance(value, ModuleType):
            return f"module {value.__name__} {'' if _is_library(value) else _file(value)}"
        if _found_by_name(value):
            return f"{_name(type(value))} {_name(value)}"
        if isinstance(value, FunctionType):
            return f"function {self._function(value)}"
        for kinds, parts in _PARTS:
            if isinstance(value, kinds):
                return f"{kind}{self._all(parts(value))}"
        if isinstance(value, type):
            return f"class {_name(value)} {self._class(value)}"
        return f"{kind} {self._as_pickled(value)}"

    def _all(self, values: Any) -> str:
        return f"[{', '.join(map(self.of, values))}]"

    def _pairs(self, pairs: Mapping[Any, Any]) -> str:
        return f"[{', '.join(f'{self.of(key)}: {self.of(one)}' for key, one in pairs.items())}]"

    def _array(self, array: np.ndarray) -> str:
        if array.dtype.names:
            return self._pairs({name: array[name] for name in array.dtype.names})
        has_padding = array.dtype in (np.longdouble, np.clongdouble)
        if array.size <= _FEW or has_padding or array.dtype.hasobject:
            return f"{array.shape} {array.dtype.str} {self._all(array.ravel().tolist())}"
        return f"{array.shape} {array.dtype.str} {_checksum(np.ascontiguousarray(array).tobytes())}"

    def _frame(self, frame: Any) -> str:
        if isinstance(frame, pd.DataFrame):
            columns = [frame.iloc[:, at].array for at in range(frame.shape[1])]
            return self._all([list(frame.columns), frame.index, *columns])
        if isinstance(frame, pd.Categorical):
            return self._all([frame.categories, frame.codes, frame.ordered])
        if isinstance(frame, pd.Series):
            return self._all([frame.name, frame.index, frame.array])
        if isinstance(frame.dtype, pd.CategoricalDtype):
            return self._all([frame.name, frame.array])
        names = list(frame.names) if isinstance(frame, pd.Index) else None
        return self._all([names, str(frame.dtype), np.asarray(frame)])

    def _function(self, function: FunctionType) -> str:
        closed = [_inside(cell) for cell in function.__closure__ or ()]
        uses = {} if _is_library(function) else dict(_used(function))
        return (
            f"{self._code(function.__code__)}, defaults {self.of(function.__defaults__)} "
            f"{self.of(function.__kwdefaults__)}, closed over {self._all(closed)}, "
            f"uses {self._pairs(uses)}"
        )

    def _code(self, code: CodeType) -> str:
        constants = [
            self._code(one) if isinstance(one, CodeType) else self.of(one) for one in code.co_consts
        ]
        told = (code.co_argcount, code.co_kwonlyargcount, code.co_flags, code.co_names)
        return _checksum(f"{code.co_code!r} {told} {code.co_varnames} {constants}")

    def _class(self, kind: type) -> str:
        slots = (GetSetDescriptorType, MemberDescriptorType)
        own = {
            name: one
            for name, one in vars(kind).items()
            if name not in _BESIDE and not isinstance(one, slots)
        }
        return f"{self._all(kind.__bases__)} {self._pairs(own)}"

    def _as_pickled(self, value: Any) -> str:
        """Of what it is made when it is copied; its ids, open files and locks have no words."""
        try:
            known = copyreg.dispatch_table.get(type(value))
            made: Any = known(value) if known is not None else value.__reduce_ex__(2)
        except Exception as error:
            raise UntoldError(
                f"nothing tells one {type(value).__qualname__} from another: {error}"
            ) from error
        if isinstance(made, str):
            raise UntoldError(f"nothing tells one {type(value).__qualname__} from another: {made}")
        make, arguments, *more = made
        state, items, pairs = (*more, None, None, None)[:3]
        items, pairs = list(items or ()), dict(pairs or ())
        return self._all([make, arguments, state, items, pairs])


def differences(there: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What is told otherwise, in words for a message; nothing where all is the same.

    Examples
    --------
    >>> differences({"rows": "10", "formula": "y ~ x"}, {"rows": "11", "formula": "y ~ x"})
    'rows: 10 there, 11 now'
    """
    others = [name for name in {**now, **there} if there.get(name) != now.get(name)]
    return "; ".join(f"{name}: {there.get(name)} there, {now.get(name)} now" for name in others)


def _members(kind: Any) -> Any:
    return kind.__members__.items()


def _inside(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is not filled yet
        return None


def _used(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The globals that a function, and those written inside it, look up by name."""
    names = sorted(set(_looked_up(function.__code__)))
    return ((n, function.__globals__[n]) for n in names if n in function.__globals__)


def _looked_up(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(step.argval)
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _looked_up(one)


def _found_by_name(value: Any) -> bool:
    """Whether it is the thing of that name in a library."""
    if isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, ModuleType):
        return value.__self__ is None  # otherwise the method of some object
    name, module = getattr(value, "__qualname__", None), getattr(value, "__module__", None)
    if isinstance(value, np.ufunc):
        name, module = value.__name__, "numpy" if hasattr(np, value.__name__) else "scipy.special"
    if not isinstance(name, str) or not isinstance(module, str) or module not in sys.modules:
        return False
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value and _is_library(sys.modules[module])


def _is_library(value: Any) -> bool:
    """Whether a module, or the module of a function, is one that was installed."""
    name = value.__name__ if isinstance(value, ModuleType) else value.__module__
    top = str(name).partition(".")[0]
    return top not in ("__main__", "__mp_main__") and _is_installed(top)


@cache
def _is_installed(top: str) -> bool:
    if top in (__name__.partition(".")[0], *sys.stdlib_module_names):
        return True
    file = getattr(sys.modules.get(top), "__file__", None)
    paths = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    is_there = file is not None and paths & set(Path(file).parents)
    return bool(is_there or (file is not None and "dist-packages" in Path(file).parts))


def _file(module: ModuleType) -> str:
    """A checksum of what a module was read from."""
    path = getattr(module, "__file__", None)
    return "" if path is None else _checksum(Path(path).read_bytes())


def _name(value: Callable[..., Any]) -> str:
    name = getattr(value, "__qualname__", getattr(value, "__name__", type(value).__qualname__))
    return name if value.__module__ == "builtins" else f"{value.__module__}.{name}"


def _short(words: str) -> str:
    return words if len(words) <= _LONG else _checksum(words)


def _checksum(words: str | bytes) -> str:
    data = words.encode("utf-8", "surrogatepass") if isinstance(words, str) else words
    return str(xxh3_128_hexdigest(data))
