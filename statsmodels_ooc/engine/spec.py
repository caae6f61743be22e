"""What a pass needs of a design."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

__all__ = ["BlockSpec", "WholeFrames"]


class BlockSpec(Protocol):
    """What a pass needs of a design: which columns to read, and blocks of a frame."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def encoded(self) -> frozenset[str]: ...

    @property
    def k(self) -> int: ...

    @property
    def width(self) -> int: ...  # of its k columns those that a block writes out

    @property
    def widest(self) -> str: ...  # what makes most of the columns, for a message

    @property
    def block_rows(self) -> int: ...  # most rows of a block, where memory has room

    def blocks(
        self, frame: pd.DataFrame, partition: int, label: str, start: int, block_rows: int
    ) -> Iterable[Any]: ...


@dataclass(frozen=True)
class WholeFrames:
    """A design that leaves frames as they are."""

    columns: tuple[str, ...]
    encoded: frozenset[str]
    k: int = 0
    width: int = 0
    widest: str = ""
    block_rows: int = 1

    def blocks(
        self,
        frame: pd.DataFrame,
        partition: int,
        label: str,
        start: int,
        block_rows: int,
    ) -> Iterable[Any]:
        return (frame,)
