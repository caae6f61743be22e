"""Settings, kept in dask's configuration under ``statsmodels-ooc``.

Whatever sets dask's configuration sets these too: a YAML file, the environment
(``DASK_STATSMODELS_OOC__BLOCK_ROWS=4096``), ``dask.config.set`` or ``smo.options``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from html import escape
from math import isfinite
from numbers import Integral, Real
from typing import Any

import dask.config
import dask.utils

from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.machine import usable_memory

_NAMESPACE = "statsmodels-ooc"
_borrowed: ContextVar[Mapping[str, Any]] = ContextVar("borrowed", default={})  # noqa: B039


def _parse_bytes(value: Any) -> int:
    """Bytes from 123, "512 MiB", or a share of the machine's memory: 0.25, "25%".

    Whole numbers are bytes, 1 is one of them; 1.0 is all of the memory.
    """
    if isinstance(value, bool) or not isinstance(value, str | Real):
        raise TypeError("must be a number of bytes, text such as '2 GiB', or a share such as 0.25")
    if isinstance(value, str) and value.strip().endswith("%"):
        value = float(value.strip()[:-1]) / 100
        if not 0 < value <= 1:
            raise ValueError("must be a share of the memory, above 0 % and at most 100 %")
    if not isinstance(value, str | Integral):
        value = float(value)
        if not isfinite(value):
            raise ValueError("must be finite")
        if 0 < value <= 1:
            return int(value * usable_memory())
    size = int(dask.utils.parse_bytes(value) if isinstance(value, str) else value)
    if size <= 0:
        raise ValueError("must be positive")
    return size


def _parse_rows(value: Any) -> int | None:
    """A positive number of rows, None for "auto"."""
    if value is None or value == "auto":
        return None
    rows = int(value)
    if rows < 1 or rows != float(value):
        raise ValueError("must be a positive whole number")
    return rows


def _parse_progress(value: Any) -> bool | None:
    """True, False, None for "auto": shown on a terminal and in a notebook."""
    if value is None or value == "auto":
        return None
    if isinstance(value, bool):
        return value
    raise ValueError("must be True, False or 'auto'")


def _parse_count(value: Any) -> int:
    """A whole number, 0 or more."""
    count = int(value)
    if count < 0 or count != float(value):
        raise ValueError("must be a whole number, 0 or more")
    return count


KERNELS = ("auto", "numpy", "numba")


def _parse_kernels(value: Any) -> str:
    """One of `KERNELS`."""
    if not isinstance(value, str) or value not in KERNELS:
        raise ValueError(f"must be one of {', '.join(map(repr, KERNELS))}")
    return str(value)


CACHES = ("auto", "memory", "disk", False)


def _parse_cache(value: Any) -> str | bool:
    """One of `CACHES`."""
    if value is False or (isinstance(value, str) and value in CACHES):
        return value
    raise ValueError("must be 'auto', 'memory', 'disk' or False")


@dataclass(frozen=True)
class _Option:
    default: Any
    parse: Callable[[Any], Any]
    doc: str


_OPTIONS: dict[str, _Option] = {
    "memory-limit": _Option(
        "50%", _parse_bytes, "peak bytes a pass may plan with: 2**30, '2 GiB' or '25%'"
    ),
    "block-rows": _Option(
        "auto", _parse_rows, "rows of a design block; 'auto' fits a block into the cache"
    ),
    "frame-rows": _Option(
        "auto", _parse_rows, "rows of a frame read at a time; 'auto' follows memory-limit"
    ),
    "progress": _Option("auto", _parse_progress, "show progress: True, False or 'auto'"),
    "kernels": _Option(
        "auto",
        _parse_kernels,
        "what multiplies: 'numpy', 'numba' (machine code, the extra 'fast'), or 'auto': numba "
        "where it is installed and there are rows enough",
    ),
    "retries": _Option(
        5, _parse_count, "how often a read is repeated that fails with what may pass by itself"
    ),
    "cache": _Option(
        "auto",
        _parse_cache,
        "whether the formula's columns are copied when they are first read: 'auto' to temporary "
        "files where reading again is slow (CSV, databases); of all sources that are not in memory "
        "'disk' to temporary files and 'memory' into half of memory-limit; False never",
    ),
    "array-limit": _Option(
        "256 MiB",
        _parse_bytes,
        "largest row-level answer that is held in memory; above, it is a lazy RowArray",
    ),
}


class Options:
    """Read and set this package's settings.

    Each setting is an attribute. Setting one lasts for the process; `set` is a
    context manager too, after which the former values are back.

    Raises
    ------
    OptionError
        For a name that does not exist or a value that is not allowed; the message
        lists what is.

    Examples
    --------
    >>> import statsmodels_ooc.api as smo
    >>> with smo.options.set(block_rows=4096, progress=False):
    ...     smo.options.block_rows
    4096
    >>> smo.options.block_rows is None  # "auto"
    True
    """

    def __getattr__(self, name: str) -> Any:
        _lookup(name)
        return _checked(name, _value(_key(name)))

    def __setattr__(self, name: str, value: Any) -> None:
        self.set(**{name: value})

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key.replace("-", "_") for key in _OPTIONS)]

    def set(self, **settings: Any) -> AbstractContextManager[Any]:
        """Set several settings at once, for good or for a ``with`` block."""
        for name, value in settings.items():
            _checked(name, value)
        chosen = {f"{_NAMESPACE}.{_key(name)}": value for name, value in settings.items()}
        context: AbstractContextManager[Any] = dask.config.set(chosen)
        return context

    def __repr__(self) -> str:
        width = max(map(len, _OPTIONS))
        lines = [
            f"{key.replace('-', '_'):<{width}}  {self._shown(key):<10}  {option.doc}"
            for key, option in _OPTIONS.items()
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{key.replace('-', '_')}</td><td>{escape(self._shown(key))}</td>"
            f"<td>{escape(option.doc)}</td></tr>"
            for key, option in _OPTIONS.items()
        )
        return f"<table><tr><th>option</th><th>value</th><th></th></tr>{rows}</table>"

    @staticmethod
    def _shown(key: str) -> str:
        return str(_value(key))


def _key(name: str) -> str:
    return name.replace("_", "-")


def _value(key: str) -> Any:
    """What a setting is, as it was given."""
    given = dask.config.get(f"{_NAMESPACE}.{key}", _OPTIONS[key].default)
    return _borrowed.get().get(key, given)


def _lookup(name: str) -> _Option:
    try:
        return _OPTIONS[_key(name)]
    except KeyError:
        if name.startswith("_"):
            raise AttributeError(name) from None
        known = ", ".join(key.replace("-", "_") for key in _OPTIONS)
        raise OptionError(f"there is no option {name!r}; the options are {known}") from None


def _checked(name: str, value: Any) -> Any:
    option = _lookup(name)
    try:
        return option.parse(value)
    except (TypeError, ValueError) as error:
        raise OptionError(f"option {name}={value!r}: {error}", hint=option.doc) from None


options = Options()


def all_settings() -> dict[str, Any]:
    """Every setting by its key, as it was given; shares of memory are bytes of this machine's."""
    return {
        key: getattr(options, key) if option.parse is _parse_bytes else _value(key)
        for key, option in _OPTIONS.items()
    }


@contextmanager
def borrowed(settings: Mapping[str, Any]) -> Iterator[None]:
    """Inside, `options` are in this thread those of another process, its `all_settings`."""
    token = _borrowed.set(settings)
    try:
        yield
    finally:
        _borrowed.reset(token)
