"""The pilot of a selection: rows at random, fitted, again with more rows where that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.genmod import families

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, Dense
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import MemoryRows
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.errors import MemoryLimitError, OutOfCoreError
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.likelihoods.base import Asked
from statsmodels_ooc.likelihoods.points import Points
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.least_squares import Triangle
from statsmodels_ooc.selection.candidates import Candidates, CandidatesState
from statsmodels_ooc.selection.ordering import PILOT, IntArray
from statsmodels_ooc.selection.pool import NumberedRows, Pool
from statsmodels_ooc.selection.scorers import Uniform
from statsmodels_ooc.solvers.irls import irls
from statsmodels_ooc.solvers.least_squares import solve
from statsmodels_ooc.solvers.point import Criterion
from statsmodels_ooc.solvers.separation import told

_CRITERION = Criterion("deviance", 1e-8, 0.0)
_STEPS = 100
INTERCEPT = "Intercept"  # patsy's name of the column of ones


def block_of(spec: DesignSpec, frame: pd.DataFrame) -> Block:
    """The rows of a frame in memory as one block."""
    (block,) = spec.blocks(frame[list(spec.columns)], 0, "the selected rows", 0, len(frame) or 1)
    return block


def fit_rows(
    block: Block, kernel: Kernel, spec: DesignSpec, left_out: tuple[int, ...] = ()
) -> tuple[FloatArray, str]:
    """Fit a generalised linear model to the rows of a block.

    Parameters
    ----------
    block : Block
        The rows.
    kernel : Kernel
        The family and its link.
    spec : DesignSpec
        The design.
    left_out : tuple of int
        Columns without a parameter of their own: their parameters are zero.

    Returns
    -------
    params : ndarray, (k,)
        The parameters.
    problem : str
        Why they are of no use; empty where they are good.
    """
    used = [j for j in range(spec.k) if j not in left_out]
    params = np.zeros(spec.k)
    if len(block.endog) <= len(used):
        return params, f"{len(block.endog):,} rows cannot determine {len(used):,} parameters"
    names = [spec.exog_names[j] for j in used]
    part = Block(block.endog, Dense(np.asfortranarray(block.dense()[:, used])), block.extras)
    centred = INTERCEPT in names
    rows = MemoryRows(lambda: [part], len(block.endog))
    asked = Asked.of_matrices(rows, len(used))
    likelihood = Points(asked, kernel, len(used), centred, rows=rows.n)
    anchor = np.zeros(len(used))
    mean = float(block.endog.mean())
    if centred:
        anchor[names.index(INTERCEPT)] = kernel.start(np.array([mean]), mean)[0]
    try:
        with np.errstate(all="ignore"):
            path = irls(
                likelihood.at,
                likelihood.start(mean),
                anchor,
                scale_of=lambda point: 1.0,
                criterion=_CRITERION,
                maxiter=_STEPS,
                anchor=anchor if np.isfinite(anchor).all() else None,
            )
    except (OutOfCoreError, np.linalg.LinAlgError) as error:
        return params, f"the fit failed: {error}"
    params[used] = path.params
    rank = path.point.fit.rank
    if path.perfect and isinstance(kernel.family, families.Binomial):
        return params, "the response is separated: some combination of columns predicts it"
    nowhere = path.point.outside is not None or path.point.beta is None
    if nowhere or not np.isfinite(params).all():
        return params, "no parameters were found whose means the family can have"
    if not path.converged:
        most = "" if path.separation is None else f" along {told(path.separation, names)}"
        return params, f"the fit did not converge: {path.reason}{most}"
    if rank < len(used):
        return params, f"the design has rank {rank} with {len(used)} columns"
    return params, ""


def rank_of(block: Block, k: int) -> tuple[int, list[int]]:
    """The rank of the design of a block, and the columns that are the same in all rows."""
    with one_blas_thread():
        triangle = Triangle(k)
        state = triangle.update(triangle.init(), block)
        design = block.dense()
        fixed = np.flatnonzero(design.min(axis=0) == design.max(axis=0))
        return solve(state.r, len(block.endog)).rank, fixed.tolist()


_ROWS_A_COLUMN = 3  # with fewer a pilot tells nothing
_TRIES = 4  # each with twice as many rows as the one before


@dataclass(frozen=True)
class Attempt:
    """One try at a pilot."""

    rows: int  # how many were fitted
    problem: str  # why the fit is of no use; empty where it is good


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
    """How a pilot is made."""

    rows: NumberedRows  # all of them
    spec: DesignSpec
    kernel: Kernel
    size: int  # rows of the first try

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
