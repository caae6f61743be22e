"""Questions to the rows, each asked once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from statsmodels_ooc.design.beside import spec_beside
from statsmodels_ooc.design.labels import Labels
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.forks import Lock
from statsmodels_ooc.reductions.base import Reduction

P = ParamSpec("P")
T = TypeVar("T")

_KEPT = 16  # answers of one kind, for fits that follow one another
_KEPT_BYTES = 2**26  # of answers of one kind, where each holds a few matrices


def as_it_is(state: Any) -> Any:
    """What a reduction has folded is the answer."""
    return state


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Question:
    """Something that a pass over the rows tells.

    Attributes
    ----------
    name : str
        What a pass is called that is made for it.
    key : hashable
        Equal for equal questions. Of a tuple the first entry is the kind of question, and
        the last answers of each kind are kept; others are kept for good.
    reduction : Reduction
        What is folded.
    finish : callable
        State to answer; what it refuses has no answer.
    beside : mapping
        What the reduction finds beside the rows, in `Extras.beside`, by name: see `rows_beside`.
        Equal names stand for equal values.
    release : callable
        Called when there is an answer, or none came.
    """

    name: str
    key: Hashable
    reduction: Reduction[Any]
    finish: Callable[[Any], Any] = as_it_is
    beside: Mapping[str, Any] = field(default_factory=dict)
    release: Callable[[], None] = _nothing


@dataclass
class Asked:
    """Rows, and what they have told so far.

    Attributes
    ----------
    rows : StreamedRows or MemoryRows
        The rows.
    kept : int
        How many answers of one kind are kept.
    answers : dict
        By the keys of questions, and of what was made of answers.
    lock : Lock
        Held while rows are read, so that what several threads ask is read once.
    """

    rows: Any
    kept: int = _KEPT
    answers: dict[Hashable, Any] = field(default_factory=dict)
    _asked_last: int = field(default=0, init=False, repr=False, compare=False)
    lock: Any = field(default_factory=Lock, init=False, repr=False, compare=False)

    @classmethod
    def of_matrices(cls, rows: Any, k: int) -> Asked:
        """One whose answers hold matrices of k columns."""
        return cls(rows, max(2, min(_KEPT, _KEPT_BYTES // (24 * (k + 2) ** 2))))

    def ask(self, *questions: Question) -> tuple[Any, ...]:
        """The answers; those that are not known are found together, in one pass.

        The pass has the name of the first of them.
        """
        with self.lock:
            found = {q.key: self.answers[q.key] for q in questions if q.key in self.answers}
            new = list({q.key: q for q in questions if q.key not in found}.values())
            self._asked_last = len(new) if new else self._asked_last
            try:
                found |= self._read(new) if new else {}
            finally:
                for question in questions:
                    question.release()
            return tuple(found[question.key] for question in questions)

    def _read(self, new: Sequence[Question]) -> dict[Hashable, Any]:
        beside = {name: value for question in new for name, value in question.beside.items()}
        rows = rows_beside(self.rows, **beside) if beside else self.rows
        states = rows.fold(new[0].name, *(question.reduction for question in new))
        found = {}
        for question, state in zip(new, states, strict=True):
            found[question.key] = answer = question.finish(state)
            self.remember(question.key, answer)
        return found

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is made of answers, made once."""
        with self.lock:
            if key not in self.answers:
                self.remember(key, make())
            return self.answers[key]

    def remember(self, key: Hashable, answer: Any) -> None:
        """Keep an answer, in place of the oldest of its kind where there are many."""
        self.answers[key] = answer
        if isinstance(key, tuple):
            same = list(self.kind(key[0]))
            kept = max(self.kept, self._asked_last)  # what is asked together stays together
            for old in same[: max(len(same) - kept, 0)]:
                del self.answers[old]

    def kind(self, name: Hashable) -> dict[Hashable, Any]:
        """The answers of one kind, in the order in which they were found."""
        with self.lock:
            return {k: v for k, v in self.answers.items() if isinstance(k, tuple) and k[0] == name}

    def __getstate__(self) -> dict[str, Any]:
        return {"rows": self.rows, "kept": self.kept, "answers": self.answers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __deepcopy__(self, memo: dict[int, Any]) -> Asked:
        return Asked(deepcopy(self.rows, memo), self.kept, dict(self.answers))


def rows_beside(rows: StreamedRows, **given: Any) -> StreamedRows:
    """The same rows, with more beside each: `Extras.beside` of the blocks has it by name.

    Parameters
    ----------
    rows : StreamedRows
        The rows.
    **given : str or Labels or array_like or dask Array, (n,) or (n, q)
        A column's name or an expression in columns; or values, in the order of the rows that
        the design keeps. Of `Labels` the keys stand beside the rows.

    Raises
    ------
    ColumnNotFoundError
        A name in an expression is no column of the data.
    DesignError
        There are not as many values as rows; an expression does not work row by row.
    """
    codes = {name: value for name, value in given.items() if _is_code(value)}
    if codes:
        source = rows.whole_source
        _ = source.partitions  # of rows that are gone, says so
        rows = replace(
            rows, source=source, spec=spec_beside(cast(DesignSpec, rows.spec), source, codes)
        )
    arrays = {
        name: value.keys() if isinstance(value, Labels) else value
        for name, value in given.items()
        if name not in codes
    }
    return rows.beside(**arrays) if arrays else rows


def _is_code(value: Any) -> bool:
    return isinstance(value.of if isinstance(value, Labels) else value, str)


def one_at_a_time(method: Callable[P, T]) -> Callable[P, T]:
    """A method that waits for those of other threads: fits of one model share what they read."""

    @wraps(method)
    def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        likelihood: Any = args[0]
        with likelihood.asked.lock:
            return method(*args, **kwargs)

    return waiting
