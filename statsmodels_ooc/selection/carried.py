"""Blocks that can hand out the raw rows they were made of, and codes that name these rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.selection.ordering import IntArray, hashes
from statsmodels_ooc.sources.chunk import Chunk, as_chunk

_PARTITION = 40  # a row's code: the partition's number in the bits above its own
_ROW = np.int64(2**_PARTITION - 1)


@dataclass(frozen=True)
class Numbering:
    """Row numbers and codes; a code is a partition's number and that of a row in it.

    Codes are in the order of the rows, whether or not anybody knows how long the
    partitions are. Ties go by them, or by hashes, for a purpose, of the row numbers in the source,
    which follow from those of the partitions' first rows.
    """

    seed: int = 0  # for hashes
    purpose: int | None = None  # what is hashed for; None where ties go by the numbers themselves
    starts: IntArray | None = field(default=None, repr=False)  # partitions' first rows

    def codes(self, block: RawBlock, rows: IntArray | None = None) -> IntArray:
        """The codes of the rows of a block, (b,), or of some by their positions."""
        numbers = block.row_numbers if rows is None else block.numbers(rows)
        return numbers.astype(np.int64, copy=False) + np.int64(block.partition << _PARTITION)

    def ties(self, codes: IntArray) -> NDArray[Any]:
        """What decides between equal scores, smaller first."""
        if self.purpose is None:
            return codes
        assert self.starts is not None
        return hashes(self.seed, rows_of(codes, self.starts), self.purpose)


def rows_of(codes: IntArray, starts: IntArray) -> IntArray:
    """Row numbers in the source, by where partitions start."""
    rows: IntArray = starts[partitions_of(codes)] + (codes & _ROW)
    return rows


def partitions_of(codes: IntArray) -> IntArray:
    """Numbers of the partitions."""
    return codes >> _PARTITION


@dataclass(frozen=True, slots=True)
class RawBlock(Block):
    """A block, and the rows of the source that it was cut from."""

    maker: WithRows | None = None  # what cut it
    chunk: Chunk | None = None  # the raw rows, dropped ones included
    chunk_start: int = 0  # number in the partition of the first of these

    def raw(self, chosen: IntArray) -> tuple[pd.DataFrame, int]:
        """The raw rows at some positions of the block, and about how many bytes they take."""
        assert self.maker is not None
        assert self.chunk is not None
        rows = self.maker.plain(self.chunk.take(self.numbers(chosen) - self.chunk_start))
        return rows, self.maker.nbytes(rows)


@dataclass(frozen=True)
class WithRows:
    """A design whose blocks are `RawBlock`."""

    spec: DesignSpec
    carried: tuple[str, ...]  # the columns that raw rows have
    dtypes: Mapping[Any, Any] = field(repr=False)  # of the source's columns

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

    def compiled(self) -> WithRows:
        """As `DesignSpec.compiled`."""
        return replace(self, spec=self.spec.compiled())

    def blocks(
        self,
        frame: Chunk | pd.DataFrame,
        partition: int,
        label: str,
        start: int,
        block_rows: int,
    ) -> Iterator[RawBlock]:
        """As `DesignSpec.blocks`."""
        chunk = as_chunk(frame)
        for block in self.spec.blocks(chunk, partition, label, start, block_rows):
            own = {field.name: getattr(block, field.name) for field in fields(block)}
            yield RawBlock(**own, maker=self, chunk=chunk, chunk_start=start)

    @cached_property
    def _heavy(self) -> tuple[str, ...]:
        """Columns whose values are not of one size: text and objects."""
        return tuple(n for n in self.carried if getattr(self.dtypes[n], "kind", "O") in "OUS")

    def nbytes(self, rows: pd.DataFrame) -> int:
        """About how much memory raw rows take."""
        light = 8 * len(rows) * (len(self.carried) - len(self._heavy))
        return light + sum(int(rows[n].memory_usage(False, deep=True)) for n in self._heavy)

    def plain(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns that are carried, with the source's dtypes where reading has encoded one."""
        if tuple(rows.columns) != self.carried:
            rows = rows[list(self.carried)]
        changed = {
            name: self.dtypes[name]
            for name in self.carried
            if name in self.encoded and rows.dtypes[name] != self.dtypes[name]
        }
        return rows.astype(changed) if changed else rows
