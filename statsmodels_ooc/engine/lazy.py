"""Answers with a value for every row: in memory while they are small, lazy above."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Protocol

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.all_rows import read_lazily, read_small
from statsmodels_ooc.engine.rowarray import RowArray
from statsmodels_ooc.engine.streamed import StreamedRows
from statsmodels_ooc.engine.whole import AllRows
from statsmodels_ooc.options import options


class RowsOf(Protocol):
    """What has answers for every row: a model or its results."""

    def open_rows(self) -> StreamedRows:
        """The rows, once they are known to be sound."""
        ...


@dataclass(frozen=True)
class RowFunction:
    """A question to every row.

    Attributes
    ----------
    function : callable
        Block of b rows to an array (b,) or (b, width); picklable.
    width : int or None
        The number of columns, None for one-dimensional answers.
    beside : mapping
        Arrays that are put beside the rows, (n,) or (n, q) each, by name.
    """

    function: Callable[[Any], FloatArray]
    width: int | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)

    def lazily(self, stream: StreamedRows) -> RowArray:
        """The answer as a dask array."""
        return self._rows(stream).lazy(self.function, self.width)

    def answer(self, stream: StreamedRows, name: str) -> FloatArray | RowArray:
        """The answer in memory, where it is smaller than ``array_limit``, or lazily."""
        if 8 * stream.kept * (self.width or 1) > options.array_limit:
            return self.lazily(stream)
        return self._rows(stream).read(name, self.function, self.width)

    def _rows(self, stream: StreamedRows) -> StreamedRows:
        return stream.beside(**self.beside) if self.beside else stream


@dataclass(frozen=True, kw_only=True)
class OwnRowFunction(RowFunction):
    """A question to every row that needs more of the data beside it than the model reads.

    Attributes
    ----------
    rows : StreamedRows
        The rows of the model, with that beside them.
    """

    rows: StreamedRows

    def _rows(self, stream: StreamedRows) -> StreamedRows:
        return super()._rows(self.rows)


@dataclass(frozen=True, kw_only=True)
class NewRowFunction(RowFunction):
    """A question to every row of new data, those among them that the design leaves out.

    Attributes
    ----------
    rows : StreamedRows
        The new data, seen through the design.
    finish : callable
        What is made of an answer in memory, `AllRows`.
    """

    rows: StreamedRows
    finish: Callable[[AllRows], Any]

    def lazily(self, stream: StreamedRows) -> RowArray:
        """The answer as a dask array; NaN for rows that are left out."""
        return read_lazily(self._rows(self.rows), self.function, self.width)

    def answer(self, stream: StreamedRows, name: str) -> Any:
        """The answer in memory, where it is smaller than ``array_limit``, or lazily."""
        rows = self._rows(self.rows)
        found = read_small(rows, name, self.function, self.width)
        if found is None:
            return read_lazily(rows, self.function, self.width)
        return self.finish(found)


class row_answer:
    """A property that asks something of every row.

    The method below gives the question, `RowFunction`. An answer in memory is kept in the
    instance; a lazy one is made anew, so that it follows ``array_limit``.
    """

    def __init__(self, ask: Callable[[Any], Any]) -> None:
        self.ask = ask
        self.__doc__ = ask.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self
        found = _answer(owner, self.name, self.ask(owner))
        if not isinstance(found, RowArray):
            owner.__dict__[self.name] = found
        return found

    def lazily(self, owner: Any) -> Any:
        """The answer as a `RowArray`, whatever its size."""
        return _lazily(owner, self.ask(owner))


class row_method:
    """A method that may ask something of every row: what is no `RowFunction` is handed on."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self.ask = ask
        self.__doc__ = ask.__doc__
        self.__wrapped__ = ask

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self

        @wraps(self.ask)
        def method(*args: Any, **kwargs: Any) -> Any:
            return _answer(owner, self.ask.__name__, self.ask(owner, *args, **kwargs))

        return method

    def __call__(self, owner: Any, *args: Any, **kwargs: Any) -> Any:
        return self.__get__(owner)(*args, **kwargs)

    def lazily(self, owner: Any) -> Callable[..., Any]:
        """The method that gives a `RowArray`, whatever its size."""

        @wraps(self.ask)
        def method(*args: Any, **kwargs: Any) -> Any:
            return _lazily(owner, self.ask(owner, *args, **kwargs))

        return method


def kept_answers(owner: Any) -> list[str]:
    """Names of the answers that an object keeps in memory, each as long as the data."""
    kind = type(owner)
    return [name for name in owner.__dict__ if isinstance(getattr(kind, name, None), row_answer)]


class LazyAnswers:
    """The row-level answers of a model or of results as `RowArray`s, whatever their size.

    Parameters
    ----------
    owner : model or results
        Whose answers they are.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        member = getattr(type(self._owner), name, None)
        if not isinstance(member, (row_answer, row_method)):
            raise AttributeError(
                f"{name!r} has no value for every row; those of {type(self._owner).__name__} "
                f"that do are {', '.join(dir(self))}"
            )
        return member.lazily(self._owner)

    def __dir__(self) -> list[str]:
        kind = type(self._owner)
        names = (name for name in dir(kind) if not name.startswith("_"))
        return sorted(n for n in names if isinstance(getattr(kind, n), (row_answer, row_method)))

    def __repr__(self) -> str:
        return f"<lazy answers of {type(self._owner).__name__}: {', '.join(dir(self))}>"


def _answer(owner: RowsOf, name: str, asked: Any) -> Any:
    return asked.answer(owner.open_rows(), name) if isinstance(asked, RowFunction) else asked


def _lazily(owner: RowsOf, asked: Any) -> Any:
    return asked.lazily(owner.open_rows()) if isinstance(asked, RowFunction) else asked
