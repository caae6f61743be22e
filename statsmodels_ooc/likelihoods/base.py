"""Questions to the rows, each asked once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from statsmodels_ooc.engine import Rows
from statsmodels_ooc.reductions.base import Reduction

P = ParamSpec("P")
T = TypeVar("T")

_KEPT = 16  # answers of one kind, for fits that follow one another
_KEPT_BYTES = 2**26  # of answers of one kind, where each holds a few matrices


def _as_it_is(state: Any) -> Any:
    return state


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
    """

    name: str
    key: Hashable
    reduction: Reduction[Any]
    finish: Callable[[Any], Any] = _as_it_is


@dataclass
class Asked:
    """Rows, and what they have told so far.

    Attributes
    ----------
    rows : Rows
        The rows.
    kept : int
        How many answers of one kind are kept.
    answers : dict
        By the keys of questions, and of what was made of answers.
    lock : RLock
        Held while rows are read, so that what several threads ask is read once.
    """

    rows: Rows
    kept: int = _KEPT
    answers: dict[Hashable, Any] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    @classmethod
    def of_matrices(cls, rows: Rows, k: int) -> Asked:
        """One whose answers hold matrices of k columns."""
        return cls(rows, max(2, min(_KEPT, _KEPT_BYTES // (24 * (k + 2) ** 2))))

    def ask(self, *questions: Question) -> tuple[Any, ...]:
        """The answers; those that are not known are found together, in one pass.

        The pass has the name of the first of them.
        """
        with self.lock:
            found = {q.key: self.answers[q.key] for q in questions if q.key in self.answers}
            new = [question for question in questions if question.key not in found]
            if new:
                states = self.rows.fold(new[0].name, *(question.reduction for question in new))
                for question, state in zip(new, states, strict=True):
                    found[question.key] = answer = question.finish(state)
                    self.remember(question.key, answer)
            return tuple(found[question.key] for question in questions)

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
            for old in same[: max(len(same) - self.kept, 0)]:
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


def one_at_a_time(method: Callable[P, T]) -> Callable[P, T]:
    """A method that waits for those of other threads: fits of one model share what they read."""

    @wraps(method)
    def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        likelihood: Any = args[0]
        with likelihood.asked.lock:
            return method(*args, **kwargs)

    return waiting
