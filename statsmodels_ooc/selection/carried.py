"""Blocks that can hand out the raw rows they were made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.selection.ordering import IntArray

__all__ = ["RawBlock", "WithRows"]


@dataclass(frozen=True, slots=True)
class RawBlock(Block):
    """A block, and the frame that it was cut from.

    Attributes
    ----------
    maker : WithRows or None
        What cut it.
    frame : DataFrame or None
        The raw rows, dropped ones included.
    frame_start : int
        Number in the partition of the frame's first row.
    """

    maker: WithRows | None = None
    frame: pd.DataFrame | None = None
    frame_start: int = 0

    @property
    def numbers(self) -> IntArray:
        """Numbers in the partition of the rows, (b,)."""
        if self.kept is not None:
            return self.kept.astype(np.int64, copy=False)
        return np.arange(self.start, self.start + len(self.endog), dtype=np.int64)

    def raw(self, chosen: IntArray) -> tuple[pd.DataFrame, int]:
        """The raw rows at some positions of the block, and about how many bytes they take."""
        assert self.maker is not None
        assert self.frame is not None
        rows = self.maker.plain(self.frame.take(self.numbers[chosen] - self.frame_start))
        return rows, self.maker.nbytes(rows)


@dataclass(frozen=True)
class WithRows:
    """A design whose blocks are `RawBlock`.

    Attributes
    ----------
    spec : DesignSpec
        The design.
    carried : tuple of str
        The columns that raw rows have.
    dtypes : mapping
        Of the source's columns.
    """

    spec: DesignSpec
    carried: tuple[str, ...]
    dtypes: Mapping[Any, Any] = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.spec.columns, *self.carried)))

    @property
    def encoded(self) -> frozenset[str]:
        return self.spec.encoded

    @property
    def k(self) -> int:
        return self.spec.k

    @property
    def width(self) -> int:
        return self.spec.width

    @property
    def widest(self) -> str:
        return self.spec.widest

    @property
    def block_rows(self) -> int:
        return 2 * self.spec.block_rows  # there are more calls, on one column each

    def blocks(
        self, frame: pd.DataFrame, partition: int, label: str, start: int, block_rows: int
    ) -> Iterator[RawBlock]:
        """As `DesignSpec.blocks`."""
        raw = frame if tuple(frame.columns) == self.carried else frame[list(self.carried)]
        for block in self.spec.blocks(frame, partition, label, start, block_rows):
            yield RawBlock(
                block.endog,
                block.design,
                block.extras,
                block.partition,
                block.start,
                block.kept,
                block.rows_read,
                block.missing,
                maker=self,
                frame=raw,
                frame_start=start,
            )

    @cached_property
    def _heavy(self) -> tuple[str, ...]:
        """Columns whose values are not of one size: text and objects."""
        return tuple(n for n in self.carried if getattr(self.dtypes[n], "kind", "O") in "OUS")

    def nbytes(self, rows: pd.DataFrame) -> int:
        """About how much memory raw rows take."""
        light = 8 * len(rows) * (len(self.carried) - len(self._heavy))
        return light + sum(int(rows[n].memory_usage(False, deep=True)) for n in self._heavy)

    def plain(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with the source's dtypes, where reading has encoded a column."""
        changed = {
            name: self.dtypes[name]
            for name in self.carried
            if name in self.encoded and rows.dtypes[name] != self.dtypes[name]
        }
        return rows.astype(changed) if changed else rows
