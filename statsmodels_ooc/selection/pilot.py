"""The pilot of a selection: rows at random, fitted, again with more rows where that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.options import options
from statsmodels_ooc.selection.candidates import Candidates, CandidatesState
from statsmodels_ooc.selection.fitting import block_of, fit_rows
from statsmodels_ooc.selection.numbered import NumberedRows
from statsmodels_ooc.selection.ordering import PILOT, IntArray
from statsmodels_ooc.selection.pool import Pool
from statsmodels_ooc.selection.scorers import Uniform

__all__ = ["Attempt", "Pilot", "Piloting"]

_ROWS_A_COLUMN = 3  # with fewer a pilot tells nothing
_TRIES = 4  # each with twice as many rows as the one before


@dataclass(frozen=True)
class Attempt:
    """One try at a pilot.

    Attributes
    ----------
    rows : int
        How many rows were fitted.
    problem : str
        Why the fit is of no use; empty where it is good.
    """

    rows: int
    problem: str


@dataclass(frozen=True)
class Pilot:
    """What Psi was computed with.

    Attributes
    ----------
    params : Series, (k,), or None
        The parameters; None where no attempt was good, and Psi was taken for constant.
    index : ndarray of int64, (k0,)
        Numbers of the rows of the last attempt, sorted; none where parameters were given.
    frame : DataFrame, (k0, ...)
        These rows.
    attempts : tuple of Attempt
        The tries, each with twice as many rows as the one before.
    """

    params: Any
    index: Any
    frame: pd.DataFrame
    attempts: tuple[Attempt, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows the last attempt had."""
        return len(self.index)

    def __repr__(self) -> str:
        if not self.attempts:
            return "<pilot: parameters were given>"
        tries = f"{len(self.attempts)} attempt{'s' if len(self.attempts) > 1 else ''}"
        state = "good" if self.params is not None else f"failed: {self.attempts[-1].problem}"
        return f"<pilot of {self.rows:,} rows, {tries}, {state}>"


@dataclass(frozen=True)
class Piloting:
    """How a pilot is made.

    Parameters
    ----------
    rows : NumberedRows
        All rows.
    spec : DesignSpec
        The design.
    kernel : Kernel
        The family and its link.
    size : int
        Rows of the first try.
    """

    rows: NumberedRows
    spec: DesignSpec
    kernel: Kernel
    size: int

    def sampling(self, size: int | None = None) -> Candidates:
        """The reduction that finds the rows with the smallest hashes.

        Raises
        ------
        MemoryLimitError
            They do not fit.
        """
        size = self.size if size is None else size
        if not self.rows.may_hold(size):
            raise MemoryLimitError(
                f"a pilot of {size:,} rows does not fit into memory_limit = "
                f"{options.memory_limit:,}",
                hint="choose a smaller pilot_size, or raise smo.options.memory_limit",
            )
        return Candidates((size,), Uniform(), self.rows.numbering(PILOT), self.rows.room(size))

    def pilot(
        self, sample: CandidatesState, left_out: tuple[int, ...], n: int
    ) -> tuple[Pilot, str]:
        """Fit the sample, and more rows where that fails: these take more passes.

        Parameters
        ----------
        sample : CandidatesState
            The rows of the first try.
        left_out : tuple of int
            Columns without a parameter: all but one of those that are constant.
        n : int
            How many rows there are.

        Returns
        -------
        pilot : Pilot
            Without parameters where every try has failed.
        problem : str
            What the tries came to then.
        """
        attempts: list[Attempt] = []
        size, largest = self.size, self._largest(n)
        codes, pool = self._found(self.sampling(), sample)
        while True:
            frame, index = self.rows.numbered(pool.only(codes[:size]))
            beta, problem = fit_rows(block_of(self.spec, frame), self.kernel, self.spec, left_out)
            if not problem and len(index) < _ROWS_A_COLUMN * self.spec.k:
                problem = f"{len(index):,} rows are few for {self.spec.k:,} parameters"
            attempts.append(Attempt(len(index), problem))
            if not problem or size >= largest:
                break
            size = min(2 * size, largest)
            if len(attempts) == 1:
                reduction = self.sampling(largest)
                (sample,) = self.rows.stream.fold("pilot", reduction)
                codes, pool = self._found(reduction, sample)
        params = None if problem else pd.Series(beta, list(self.spec.exog_names))
        found = Pilot(params, index, frame, tuple(attempts))
        return found, _told(attempts) if problem else ""

    def _found(self, reduction: Candidates, sample: CandidatesState) -> tuple[IntArray, Pool]:
        """The codes of the sample, in the order of their hashes, and its raw rows."""
        (codes,) = reduction.orders(sample)
        return codes, self.rows.fetched(codes, sample.pool)

    def _largest(self, n: int) -> int:
        """Rows of the last try: there are as many, and they fit."""
        sizes = [self.size << i for i in range(_TRIES)]
        fitting = [size for size in sizes if size == self.size or self.rows.may_hold(size)]
        return min(n, fitting[-1])


def _told(attempts: list[Attempt]) -> str:
    """The problems of the tries, each once."""
    sizes: dict[str, list[int]] = {}
    for attempt in attempts:
        sizes.setdefault(attempt.problem, []).append(attempt.rows)
    return "; ".join(
        f"{', '.join(f'{rows:,}' for rows in tried)} rows: {problem}"
        for problem, tried in sizes.items()
    )
