"""The distinct rows of a design, with the sums of what the rows of each have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, prior_weights, total_offset
from statsmodels_ooc.families.elementwise import is_binary
from statsmodels_ooc.reductions.base import Reduction, check_cells
from statsmodels_ooc.reductions.dictionary import Dictionary, Ints, TooMany, Words

_MAX_VALUES = 4_096  # distinct ones of a numeric variable
_MAX_KEY = 2**62
_TABLE = 2**18  # so many combinations of codes have a place each, whether they occur or not
_TRIAL = 4_096  # rows that tell where the number of cells is heading


@dataclass(frozen=True, slots=True)
class Cells:
    """Distinct rows, g of them, and sums over the rows of the data that are equal to each.

    Attributes
    ----------
    keys : tuple of ndarray, (g,) each
        The variables of the design: codes, or floats.
    offset : ndarray, (g,), or None
        The total offset, the logarithm of the exposure included.
    shift : float
        What the responses are measured from: ``z = y - shift``.
    a, ay, ayy : ndarray, (g,)
        Sums of ``a``, ``a z`` and ``a z**2``, where a, the prior weight, is the product of
        freq_weights, var_weights and trials. ``a`` is positive: cells whose rows all have
        weight zero are left out.
    c, cy, cyy : ndarray, (g,)
        Sums of ``c``, ``c z`` and ``c z**2`` for ``c = freq_weights (var_weights trials)**2``,
        what the squares of the scores are made of. The very arrays of `a`, `ay` and `ayy`
        where all rows have c equal to a.
    """

    keys: tuple[NDArray[Any], ...]
    offset: FloatArray | None
    shift: float
    a: FloatArray
    ay: FloatArray
    ayy: FloatArray
    c: FloatArray
    cy: FloatArray
    cyy: FloatArray


@dataclass(slots=True)
class DistinctState:
    """Cells of the rows seen so far, or what else they were folded into.

    Attributes
    ----------
    fallback : object or None
        The state of the fallback, once there were too many cells.
    """

    fallback: Any = None
    _table: _Table | None = None
    _shift: float = 0.0

    @property
    def cells(self) -> Cells | None:
        """The cells; None without rows and after the fallback."""
        return None if self._table is None else self._table.cells(self._shift)


@dataclass(frozen=True)
class DistinctRows(Reduction[DistinctState]):
    """Fold rows into the distinct values of their covariates and offset.

    Rows with the same linear predictor enter a generalised linear model by few sums,
    so that its iterations need the cells only. Where there are too many of them, a
    fallback takes over: it gets the cells so far as weighted rows, and all further rows
    as they are.

    Parameters
    ----------
    capacities : tuple of int or None
        The number of levels of every variable of ``block.design.keys()`` that is a
        code, None for those that are numbers.
    fallback : Reduction or None
        What rows are folded with once there are too many cells; it takes cells, and does
        not ask where a row stands. None where there cannot be too many.
    blocks_of : callable or None
        From `Cells` to weighted blocks, which the fallback accepts.
    max_cells : int
        The largest number of cells.
    shift : float
        A rough mean of the response, so that ``sum z**2 - (sum z)**2 / n`` cancels
        little; zero for a response of zeros and ones, whose sums are exact.
    in_loops : bool
        Whether rows are added by machine code, where each combination of codes has a place.

    Raises
    ------
    ValueError
        There are too many cells, and no fallback.

    Notes
    -----
    A numeric variable has at most 4,096 values. Of N equally likely cells, n rows hit
    D, about ``n - n**2 / (2 N)`` (the birthday problem). So that rows that hardly ever
    repeat are given up after a few thousand, they are as soon as more than half of them
    are cells of their own and this N, their number in the end, is above `max_cells`.
    """

    capacities: tuple[int | None, ...]
    fallback: Reduction[Any] | None
    blocks_of: Callable[[Cells], Iterable[Any]] | None
    max_cells: int
    shift: float = 0.0
    in_loops: bool = False

    def __post_init__(self) -> None:
        if self.fallback is not None:
            check_cells(self.fallback)

    def init(self) -> DistinctState:
        return DistinctState(_shift=self.shift)

    def update(self, state: DistinctState, block: Block) -> DistinctState:
        if state.fallback is None and len(block.endog):
            try:
                return self._count(state, block)
            except TooMany as error:
                state = DistinctState(self._folded(state, error))
        if state.fallback is not None and self.fallback is not None:
            state.fallback = self.fallback.update(state.fallback, block)
        return state

    def merge(self, left: DistinctState, right: DistinctState) -> DistinctState:
        if left.fallback is None and right.fallback is None:
            try:
                return DistinctState(None, _joined(left._table, right._table), self.shift)
            except TooMany as error:
                return self._merged(left, right, error)
        return self._merged(left, right, None)

    def compiled(self) -> DistinctRows:
        fallback = None if self.fallback is None else self.fallback.compiled()
        return replace(self, fallback=fallback, in_loops=True)

    def is_sliced(self) -> bool:
        return self.fallback is None or self.fallback.is_sliced()

    def nbytes(self) -> int:  # of the fallback: the cells are few, or it takes over
        return 0 if self.fallback is None else self.fallback.nbytes()

    def _count(self, state: DistinctState, block: Block) -> DistinctState:
        """Add the rows of a block to the cells, all of them or none."""
        offset = total_offset(block)
        if state._table is None:
            state._table = _Table(self.capacities, offset is not None, self.max_cells)
        table, keys = state._table, block.design.keys()
        if self.in_loops and table.is_direct and offset is None:
            table.add_rows(keys, block.endog, self.shift, *_weights(block))
            return state
        at = table.places(keys if offset is None else (*keys, offset), len(block.endog))
        z = block.endog - self.shift if self.shift else block.endog
        table.add(at, z, *_weights(block))
        return state

    def _merged(
        self, left: DistinctState, right: DistinctState, error: TooMany | None
    ) -> DistinctState:
        states = self._folded(left, error), self._folded(right, error)
        assert self.fallback is not None  # otherwise no state could have fallen back
        return DistinctState(self.fallback.merge(*states))

    def _folded(self, state: DistinctState, error: TooMany | None) -> Any:
        """The fallback's state of the rows of a state."""
        if state.fallback is not None:
            return state.fallback
        if self.fallback is None or self.blocks_of is None:
            raise ValueError(f"{error}, and no fallback is given") from error
        folded, cells = self.fallback.init(), state.cells
        for block in () if cells is None else self.blocks_of(cells):
            folded = self.fallback.update(folded, block)
        return folded


class _Table:
    """Where each distinct row has its sums.

    The values of a variable are codes, numbers go through a dictionary. The codes of a row
    make one key, ``(code_1 size_2 + code_2) size_3 + ...``. The key is the row's place where
    there are few combinations of codes; else another dictionary tells the place.

    Parameters
    ----------
    capacities : sequence of int or None
        The number of codes of each variable, None for numbers.
    offset : bool
        Whether another number, the offset, follows.
    max_cells : int
        The largest number of cells.
    """

    def __init__(self, capacities: Sequence[int | None], offset: bool, max_cells: int) -> None:
        each = (*capacities, None) if offset else tuple(capacities)
        self._offset, self._max_cells, self._rows = offset, max_cells, 0
        self._values = [Dictionary(_MAX_VALUES) if size is None else None for size in each]
        self._sizes = tuple(1 if size is None else max(size, 1) for size in each)
        self._bound = math.inf if None in each else math.prod(self._sizes)
        small = self._bound <= min(_TABLE, max_cells)
        self._places = None if small else Dictionary(max_cells)
        self._sums = _Sums.zeros(int(self._bound) if small else 0)
        self._squares: _Sums | None = None

    def places(self, variables: Sequence[NDArray[Any]], rows: int) -> Words:
        """Where rows have their sums, (n,), which count for so many rows of the data.

        Raises
        ------
        TooMany
            They have no place; the sums are still those of the rows before.
        """
        codes = [
            values if known is None else known.numbers(_words(values))
            for known, values in zip(self._values, variables, strict=True)
        ]
        self._widen()
        keys = _packed(codes, self._sizes, len(variables[0]) if variables else rows)
        self._rows += rows
        if self._places is None:
            return keys
        places = self._places.numbers(keys)
        if self._bound > self._max_cells:
            _check_heading(self._rows, len(self._places), self._max_cells)
        return places

    def add(self, at: Words, z: FloatArray, a: FloatArray | None, c: FloatArray | None) -> None:
        """Add rows at their places: responses, prior weights, and c where it differs."""
        if c is not None and self._squares is None:
            self._squares = deepcopy(self._sums)
        for sums, weights in ((self._sums, a), (self._squares, a if c is None else c)):
            if sums is not None:
                sums.reserve(self._size)
                sums.add(at, z, weights)

    @property
    def is_direct(self) -> bool:
        """Whether a key is a place."""
        return self._places is None

    def add_rows(
        self,
        keys: Sequence[NDArray[Any]],
        y: FloatArray,
        shift: float,
        a: FloatArray | None,
        c: FloatArray | None,
    ) -> None:
        """Add rows in one go, where a key is a place."""
        z = np.ascontiguousarray(y - shift if shift else y)
        if c is not None and self._squares is None:
            self._squares = deepcopy(self._sums)
        for sums, weights in ((self._sums, a), (self._squares, a if c is None else c)):
            if sums is not None:
                sums.add_rows(keys, self._sizes, z, weights)

    def join(self, other: _Table) -> None:
        """Add the cells of another table."""
        if self._places is None or other._places is None:
            at: Words | slice = slice(None)
        else:
            at = self.places(other._variables(), other._rows)
        if other._squares is not None and self._squares is None:
            self._squares = deepcopy(self._sums)
        for sums, more in (
            (self._sums, other._sums),
            (self._squares, other._squares or other._sums),
        ):
            if sums is not None:
                sums.reserve(self._size)
                sums.join(at, more)

    def cells(self, shift: float) -> Cells:
        """The cells that have rows of some weight."""
        kept = np.flatnonzero(self._sums.a)
        variables = [values.take(kept) for values in self._variables()]
        offset = variables.pop() if self._offset else None
        a = self._sums.taken(kept)
        c = a if self._squares is None else self._squares.taken(kept)
        return Cells(tuple(variables), offset, shift, *a, *c)

    @property
    def _size(self) -> int:
        return int(self._bound) if self._places is None else len(self._places)

    def _variables(self) -> list[NDArray[Any]]:
        """The values of the variables at every place."""
        keys = np.arange(self._size) if self._places is None else self._places.entries
        codes = _unpacked(keys, self._sizes)
        return [
            code.astype(np.min_scalar_type(-size)) if known is None else known.floats(code)
            for known, code, size in zip(self._values, codes, self._sizes, strict=True)
        ]

    def _widen(self) -> None:
        """Make room in the keys for values that are new in a dictionary."""
        sizes = tuple(
            size if known is None else max(size, 1 << (len(known) - 1).bit_length())
            for known, size in zip(self._values, self._sizes, strict=True)
        )
        if math.prod(sizes) > _MAX_KEY:
            raise TooMany("the variables have too many combinations for a key")
        if sizes != self._sizes and self._places is not None:
            entries = self._places.entries
            codes = _unpacked(entries, self._sizes)
            self._places = Dictionary(self._max_cells, _packed(codes, sizes, len(entries)))
            self._sizes = sizes


@dataclass(slots=True)
class _Sums:
    """Sums of a, a z and a z**2 by place.

    Attributes
    ----------
    a, az : ndarray, (g,)
        Sums of a and a z.
    azz : ndarray, (g,), or None
        Sums of a z**2, None as long as they equal those of a z: z is zero or one.
    """

    a: FloatArray
    az: FloatArray
    azz: FloatArray | None = None

    @classmethod
    def zeros(cls, size: int) -> _Sums:
        return cls(np.zeros(size), np.zeros(size))

    def reserve(self, size: int) -> None:
        """Make the arrays long enough."""
        if size > len(self.a):
            more = max(size - len(self.a), len(self.a))
            self.a, self.az = np.pad(self.a, (0, more)), np.pad(self.az, (0, more))
            self.azz = None if self.azz is None else np.pad(self.azz, (0, more))

    def add(self, at: Words, z: FloatArray, weights: FloatArray | None) -> None:
        if self.azz is None and not np.array_equal(z * z, z):
            self.azz = self.az.copy()
        weighted = z if weights is None else weights * z
        np.add.at(self.a, at, 1.0 if weights is None else weights)
        np.add.at(self.az, at, weighted)
        if self.azz is not None:
            np.add.at(self.azz, at, weighted * z)

    def add_rows(
        self,
        keys: Sequence[NDArray[Any]],
        sizes: Sequence[int],
        z: FloatArray,
        weights: FloatArray | None,
    ) -> None:
        from statsmodels_ooc.blocks.compiled import add_to_cells

        if self.azz is None and not is_binary(z):
            self.azz = self.az.copy()
        add_to_cells(keys, sizes, z, weights, self.a, self.az)
        if self.azz is not None:
            squares = z * z if weights is None else weights * z * z
            unused = np.zeros_like(self.azz)
            add_to_cells(keys, sizes, z, squares, self.azz, unused)

    def join(self, at: Words | slice, other: _Sums) -> None:
        """Add sums at different places."""
        used = slice(None) if isinstance(at, slice) else slice(len(at))
        if self.azz is None and other.azz is not None:
            self.azz = self.az.copy()
        self.a[at] += other.a[used]
        self.az[at] += other.az[used]
        if self.azz is not None:
            self.azz[at] += (other.az if other.azz is None else other.azz)[used]

    def taken(self, places: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
        a, az = self.a.take(places), self.az.take(places)
        return a, az, az if self.azz is None else self.azz.take(places)


def _joined(left: _Table | None, right: _Table | None) -> _Table | None:
    if left is None or right is None:
        return deepcopy(left or right)
    table = deepcopy(left)
    table.join(right)
    return table


def _check_heading(rows: int, cells: int, max_cells: int) -> None:
    """Give up cells that are about to become too many; see `DistinctRows`."""
    if rows >= _TRIAL and 2 * cells > rows and rows**2 > 2 * (rows - cells) * max_cells:
        raise TooMany(f"{rows:,} rows have {cells:,} distinct ones")


def _words(values: FloatArray) -> Words:
    """The bits of floats, the same for both zeros."""
    return np.add(values, 0.0, dtype=np.float64).view(np.int64)


def _packed(codes: Sequence[Ints], sizes: Sequence[int], n: int) -> Words:
    """One key for the codes of a row, (n,)."""
    keys = np.zeros(n, dtype=np.int64)
    for code, size in zip(codes, sizes, strict=True):
        keys *= size
        keys += code.astype(np.int64, copy=False)
    return keys


def _unpacked(keys: Words, sizes: Sequence[int]) -> list[Words]:
    """The codes that a key is made of, (n,) each."""
    codes = []
    for size in reversed(sizes):
        keys, code = np.divmod(keys, size)
        codes.append(code)
    return codes[::-1]


def _weights(block: Block) -> tuple[FloatArray | None, FloatArray | None]:
    """The prior weights a, None for ones, and c, None where it is a; see `Cells`."""
    inner = prior_weights(block, ("var_weights", "trials"))
    a = prior_weights(block)
    return a, None if inner is None or a is None else a * inner
