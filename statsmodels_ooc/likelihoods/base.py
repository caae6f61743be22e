"""Questions to the rows, each asked once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from statsmodels_ooc.engine import Rows
from statsmodels_ooc.reductions.base import Reduction

__all__ = ["Asked", "Question"]


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
        Equal for equal questions.
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
    answers : dict
        By the keys of questions, and of what was made of answers.
    """

    rows: Rows
    answers: dict[Hashable, Any] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    def ask(self, *questions: Question) -> tuple[Any, ...]:
        """The answers; those that are not known are found together, in one pass.

        The pass has the name of the first of them.
        """
        with self._lock:
            new = [question for question in questions if question.key not in self.answers]
            if new:
                states = self.rows.fold(new[0].name, *(question.reduction for question in new))
                for question, state in zip(new, states, strict=True):
                    self.answers[question.key] = question.finish(state)
            return tuple(self.answers[question.key] for question in questions)

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is made of answers, made once."""
        with self._lock:
            if key not in self.answers:
                self.answers[key] = make()
            return self.answers[key]

    def __getstate__(self) -> dict[str, Any]:
        return {"rows": self.rows, "answers": self.answers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __deepcopy__(self, memo: dict[int, Any]) -> Asked:
        return Asked(deepcopy(self.rows, memo), dict(self.answers))
