"""Pickles of sources that go into files: they know the way to the rows, and none of the keys."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any, Protocol, Self, runtime_checkable

import cloudpickle
import fsspec
import pyarrow.fs as pafs

from statsmodels_ooc.sources.secrets import without_keys


@runtime_checkable
class HasKeys(Protocol):
    """What holds passwords, keys, tokens or signatures."""

    def without_keys(self) -> Self:
        """The same without them."""


class Sealed:
    """What stands for an object in a pickle, where it is the object again, without keys.

    Parameters
    ----------
    thing : object
        A source.

    Notes
    -----
    Where the object is used again, clients look for keys where they always do: in the environment,
    and in files of the user.
    """

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def __reduce__(self) -> tuple[Any, ...]:
        buffer = io.BytesIO()
        _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(self._thing)
        return pickle.loads, (buffer.getvalue(),)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, HasKeys) and not isinstance(obj, type):
            return obj.without_keys().__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        if isinstance(obj, fsspec.AbstractFileSystem):
            return _of_fsspec(obj)
        if isinstance(obj, pafs.FileSystem) or _is_of_deltalake(obj):
            return _of_cleaned(obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL))
        return super().reducer_override(obj)


def _of_fsspec(filesystem: Any) -> tuple[Any, ...]:
    """What a file system was made of, without keys: what was given by its place has a name too."""
    reduced: Any = filesystem.__reduce__()  # those that cache have no other method
    match reduced:
        case (function, (type() as kind, tuple() as given, Mapping() as options)):
            named = dict(zip(_places(kind), given, strict=False))
            return function, (kind, given[len(named) :], without_keys({**named, **options}))
    return _of_cleaned(reduced)


def _places(kind: type) -> list[str]:
    """The names of what may be given by its place."""
    parameters = list(signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]
    return [one.name for one in parameters if one.kind is Parameter.POSITIONAL_OR_KEYWORD]


def _of_cleaned(reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    function, arguments, *rest = reduced
    return function, tuple(map(_cleaned, arguments)), *rest


def _is_of_deltalake(obj: Any) -> bool:
    return type(obj).__module__.partition(".")[0] == "deltalake"


def _cleaned(argument: Any) -> Any:
    return without_keys(argument) if isinstance(argument, Mapping) else argument
