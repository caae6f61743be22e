"""Closed forms of the influence of every row, as functions of blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from statsmodels_ooc.arrays import BoolArray, FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.families.elementwise import quiet


class Looked(NamedTuple):
    """What is known of the rows of a block."""

    base: FloatArray  # (b, width): all columns follow from it
    changes: FloatArray | None  # of the coefficients when a row is left out, (b, k)
    alone: BoolArray  # rows of leverage one, (b,)


class RowMeasures(ABC):
    """Closed forms of the measures of influence.

    Attributes
    ----------
    width : int
        How many numbers of a row all columns follow from.
    leverage : int
        Which of them is the leverage; exactly one where a row determines a coefficient alone.
    """

    width: int
    leverage: int

    @property
    @abstractmethod
    def k(self) -> int:
        """The number of coefficients."""

    @property
    @abstractmethod
    def key(self) -> Hashable:
        """Equal for equal measures of one model."""

    @abstractmethod
    def look(self, block: Block, *, changes: bool = False) -> Looked:
        """The base of the rows of a block, and their changes of the coefficients."""

    @abstractmethod
    def column(self, name: str, base: FloatArray) -> FloatArray:
        """One measure, (b,), from the base, (b, width)."""

    @abstractmethod
    def wide(self, name: str, base: FloatArray, changes: FloatArray) -> FloatArray:
        """A measure of every coefficient, (b, k)."""

    def lost(self, base: FloatArray) -> BoolArray:
        """Rows of which a difference has lost its digits, and is NaN for now, (b,)."""
        return np.zeros(len(base), dtype=np.bool_)

    def of(self, name: str, block: Block) -> FloatArray:
        """A column, or a measure of every coefficient where its name says so."""
        with quiet():
            if name not in self.wide_names:
                return self.column(name, self.look(block).base)
            base, changes, _ = self.look(block, changes=True)
            assert changes is not None
            return self.wide(name, base, changes)

    wide_names: tuple[str, ...]


@dataclass(frozen=True)
class OneMeasure:
    """One of the measures, (b,), or of one of every coefficient (b, k) or a column of it, (b,)."""

    measures: RowMeasures
    name: str
    column: int | None = None

    def __call__(self, block: Block) -> FloatArray:
        found = self.measures.of(self.name, block)
        return found if self.column is None else found[:, self.column]


@dataclass(frozen=True)
class Base:
    """What all columns follow from, (b, width), and behind it the changes, (b, k)."""

    measures: RowMeasures
    changes: bool = False

    def __call__(self, block: Block) -> FloatArray:
        with quiet():
            base, changes, _ = self.measures.look(block, changes=self.changes)
        return base if changes is None else np.hstack((base, changes))


@dataclass(frozen=True)
class Table:
    """Several measures beside one another, those of every coefficient first, (b, k + q)."""

    measures: RowMeasures
    wide: str
    columns: tuple[str, ...]

    def __call__(self, block: Block) -> FloatArray:
        with quiet():
            base, changes, _ = self.measures.look(block, changes=True)
        return self.of(base, changes)

    def of(self, base: FloatArray, changes: FloatArray | None) -> FloatArray:
        """The table of rows that are known."""
        assert changes is not None
        with quiet():
            found = [self.measures.column(name, base)[:, None] for name in self.columns]
            return np.hstack((self.measures.wide(self.wide, base, changes), *found))
