"""Several reductions as one, for rows and for cells of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from statsmodels_ooc.reductions.base import Reduction, check_cells

__all__ = ["Together"]


@dataclass(frozen=True)
class Together(Reduction[list[Any]]):
    """Fold several reductions as one, whose state is the list of theirs.

    Parameters
    ----------
    parts : tuple of Reduction
        The reductions, which take cells.
    """

    takes_cells = True

    parts: tuple[Reduction[Any], ...]

    def __post_init__(self) -> None:
        check_cells(*self.parts)

    def init(self) -> list[Any]:
        return [part.init() for part in self.parts]

    def update(self, state: list[Any], block: Any) -> list[Any]:
        return [part.update(s, block) for part, s in zip(self.parts, state, strict=True)]

    def merge(self, left: list[Any], right: list[Any]) -> list[Any]:
        pairs = zip(self.parts, left, right, strict=True)
        return [part.merge(a, b) for part, a, b in pairs]

    def nbytes(self) -> int:
        return sum(part.nbytes() for part in self.parts)
