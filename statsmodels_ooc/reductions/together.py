"""Several reductions as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from statsmodels_ooc.reductions.base import Reduction

__all__ = ["Together"]


@dataclass(frozen=True)
class Together:
    """Fold several reductions as one, whose state is the list of theirs.

    Parameters
    ----------
    parts : tuple of Reduction
        The reductions.
    """

    parts: tuple[Reduction[Any], ...]

    def init(self) -> list[Any]:
        return [part.init() for part in self.parts]

    def update(self, state: list[Any], block: Any) -> list[Any]:
        return [part.update(s, block) for part, s in zip(self.parts, state, strict=True)]

    def merge(self, left: list[Any], right: list[Any]) -> list[Any]:
        pairs = zip(self.parts, left, right, strict=True)
        return [part.merge(a, b) for part, a, b in pairs]
