"""The passes of a selection, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.genmod import families

from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import Stream
from statsmodels_ooc.engine.sizes import states_alive
from statsmodels_ooc.errors import DesignError, MemoryLimitError, OptionError
from statsmodels_ooc.groundwork.audited import check_audit
from statsmodels_ooc.groundwork.families import kernel_of
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.audit import RowAudit
from statsmodels_ooc.reductions.base import FloatArray
from statsmodels_ooc.reductions.exact import ExactMoments
from statsmodels_ooc.reductions.kernels import Kernel
from statsmodels_ooc.selection.candidates import (
    Candidates,
    CandidatesState,
    Gather,
    Numbering,
    Pool,
    partitions_of,
    rows_of,
)
from statsmodels_ooc.selection.criteria import Steps, deal, take
from statsmodels_ooc.selection.information import is_constant
from statsmodels_ooc.selection.ordering import IntArray
from statsmodels_ooc.selection.pilot import Attempt, Pilot, block_of, fit_rows, rank_of
from statsmodels_ooc.selection.scoring import Informative, Psi, Uniform
from statsmodels_ooc.selection.selection import Selection
from statsmodels_ooc.selection.survey import Survey, by_column

__all__ = ["Selecting"]

_TRIES = 4  # of the pilot, each with twice as many rows as the one before
_PAIR = 24  # bytes of a candidate: score and code, and half as many for those that wait
_CELL = 32  # bytes of a value of a raw row, on the average
_SHARE = 4  # a quarter of the memory limit may go to raw rows


@dataclass
class Selecting:
    """One selection on its way.

    Parameters
    ----------
    settings : IBOSS
        What the user wants.
    stream : Stream
        The rows, as `RawBlock`.
    spec : DesignSpec
        The design.
    family : Family or None
        None for a linear model.
    formula : str
        As the user wrote it.
    roles : frozenset of str
        What goes with the rows: weights, offset and the like.
    """

    settings: Any
    stream: Stream
    spec: DesignSpec
    family: Any
    formula: Any
    roles: frozenset[str]
    messages: list[str] = field(default_factory=list)

    def run(self) -> Selection:
        """Make the passes and return what they select."""
        # 1. What the candidates take is known before anything is read.
        survey = Survey(self.spec)
        if self.settings.include_pilot and not self._needs_pilot:
            raise OptionError("include_pilot=True, but no pilot is needed here")
        self._refuse_what_cannot_fit(survey)
        # 2. Means, scales and the pilot's rows, where they are needed and not given.
        if self._asks(survey):
            self._survey(survey)
        # 3. The pilot, and with it the information of every row.
        pilot, psi = self._pilot(survey)
        # 4. The candidates of every step. Columns that turn out to be constant take no part.
        while True:
            columns = survey.columns
            steps, orders, state = self._candidates(survey, columns, psi)
            if survey.columns == columns or self.settings.criterion == "uniform":
                break
        # 5. The steps take their rows; these are fetched where nobody carried them.
        taken = self._take(survey, steps, orders)
        pool = self._fetched(np.concatenate(list(taken.values())), state)
        # 6. A selection knows whether its rows can be fitted.
        selection = self._selection(survey, pilot, psi, columns, taken, pool)
        self._check(selection, survey)
        return selection

    # --- what is needed

    @cached_property
    def _kernel(self) -> Kernel | None:
        """What tells rows apart by their means; None where the link makes them equal."""
        if self.family is None or is_constant(self.family):
            return None
        return kernel_of(self.family)

    @property
    def _is_optimal(self) -> bool:
        return bool(self.settings.criterion != "uniform")

    @property
    def _is_weighted(self) -> bool:
        trials = isinstance(self.family, families.Binomial) and len(self.spec.endog_names) == 2
        return trials or any(role.endswith("weights") for role in self.roles)

    @property
    def _needs_pilot(self) -> bool:
        wanted = self._is_optimal and self._kernel is not None
        return bool(wanted and self.settings.pilot_params is None)

    @property
    def _needs_mean(self) -> bool:
        varies = self._kernel is not None or self._is_weighted
        return self.settings.criterion == "T" or (self.settings.criterion == "D" and varies)

    @property
    def _needs_scale(self) -> bool:
        return bool(self.settings.criterion == "T")

    def _asks(self, survey: Survey) -> bool:
        """Whether a first pass has something to find out."""
        given = self.settings
        few = given.criterion == "D" and given.k < 2 * len(survey.columns)
        return bool(
            self._needs_pilot
            or (self._needs_mean and given.mean is None)
            or (self._needs_scale and given.scale is None)
            or few  # unless some of the columns are constant
        )

    # --- memory

    def _refuse_what_cannot_fit(self, survey: Survey) -> None:
        p = max(len(survey.columns), 1)
        each = 2 * p if self.settings.criterion == "D" else 1
        pairs = int(self.settings.k * (p + 0.5)) if each > 1 else self.settings.k
        need = _PAIR * pairs * states_alive() + self._bytes_of(self.settings.k)
        if need > options.memory_limit:
            raise MemoryLimitError(
                f"k = {self.settings.k:,} of {p:,} columns need {pairs:,} candidates and about "
                f"{need:,} bytes, more than memory_limit = {options.memory_limit:,}",
                hint="select fewer rows, or raise the limit: smo.options.memory_limit = '8 GiB'",
            )

    def _bytes_of(self, rows: int) -> int:
        return rows * _CELL * (len(self.stream.spec.columns) + 1)

    def _may_carry(self, rows: int) -> bool:
        """Whether so many raw rows may be kept with the candidates."""
        return bool(2 * self._bytes_of(rows) * states_alive() <= options.memory_limit // _SHARE)

    # --- the first pass

    def _survey(self, survey: Survey) -> None:
        reductions: list[Any] = [RowAudit(self.spec.k)]
        reductions.append(ExactMoments(self.spec.k, squares=self._needs_scale))
        if self._needs_pilot:
            reductions.append(self._sampling())
        survey.audit, survey.moments, *sample = self.stream.fold("survey", *reductions)
        if sample:
            survey.sample = sample[0]
        check_audit(survey.audit, self.spec, self.stream.source, 1)

    def _sampling(self) -> Candidates:
        """The rows with the smallest hashes: as many as all tries take, while they fit."""
        size = self.settings.pilot_size
        tries = [size * 2**i for i in range(_TRIES)]
        most = max((rows for rows in tries if self._may_carry(rows)), default=0)
        if most == 0:
            raise MemoryLimitError(
                f"a pilot of {size:,} rows does not fit into memory_limit = "
                f"{options.memory_limit:,}",
                hint="choose a smaller pilot_size, or raise smo.options.memory_limit",
            )
        return Candidates((most,), Uniform(), self._numbering(hashed=True))

    def _numbering(self, *, hashed: bool) -> Numbering:
        return Numbering(self.settings.seed, hashed, self._starts() if hashed else None)

    def _starts(self) -> IntArray:
        """The number in the source of each partition's first row; a pass where nobody knows."""
        partitions = self.stream.source.partitions
        rows = [partition.rows for partition in partitions]
        if any(count is None for count in rows[:-1]):
            rows = [read for read, _, _ in self.stream.seen]
        return np.cumsum([0, *(count or 0 for count in rows[:-1])], dtype=np.int64)

    # --- the pilot

    def _pilot(self, survey: Survey) -> tuple[Pilot | None, Psi]:
        kernel = self._kernel
        if not self._is_optimal or kernel is None:
            return None, Psi()
        if self.settings.pilot_params is not None:
            beta = by_column("pilot_params", self.settings.pilot_params, self.spec, whole=True)
            names = list(self.spec.exog_names)
            nothing = pd.DataFrame(columns=list(self.stream.spec.columns))
            pilot = Pilot(pd.Series(beta, names), np.empty(0, dtype=np.int64), nothing)
            return pilot, Psi(kernel, beta)
        assert survey.sample is not None
        (codes,) = self._sampling().orders(survey.sample)
        attempts: list[Attempt] = []
        size = self.settings.pilot_size
        while True:
            frame, index = self._rows(survey.sample.pool.only(codes[:size]))
            beta, problem = self._fitted(survey, frame, kernel)
            attempts.append(Attempt(len(index), problem))
            size *= 2
            if not problem or len(attempts) == _TRIES or len(index) == len(codes):
                break
        if problem:
            tries = ", ".join(f"{attempt.rows:,} rows: {attempt.problem}" for attempt in attempts)
            self.messages.append(
                "the pilot failed, and all rows are taken for equally informative (Psi = 1): "
                f"{tries}. Give pilot_params, a larger pilot_size, or another seed."
            )
        params = None if problem else pd.Series(beta, list(self.spec.exog_names))
        pilot = Pilot(params, index, frame, tuple(attempts))
        return pilot, Psi() if problem else Psi(kernel, beta)

    def _fitted(
        self, survey: Survey, frame: pd.DataFrame, kernel: Kernel
    ) -> tuple[FloatArray, str]:
        """A fit of some rows; of columns that are the same in all rows, one has a parameter."""
        return fit_rows(block_of(self.spec, frame), kernel, self.spec, survey.constants[1:])

    # --- the selection

    def _candidates(
        self, survey: Survey, columns: tuple[int, ...], psi: Psi
    ) -> tuple[Steps, list[IntArray], CandidatesState]:
        """The candidates among all rows, and what else the pass finds out."""
        given = self.settings
        if not columns and self._is_optimal:
            raise DesignError(
                "every column of the design is constant, and no row says more than another",
                hint="criterion='uniform' takes rows at random",
            )
        steps = deal(given.criterion, given.k, max(len(columns), 1), given.slots)
        needs = (*steps.needs[:-1], given.k)  # all rows, where there are no more than k
        scores: Any = Uniform()
        if self._is_optimal:
            scores = Informative(given.criterion, columns, psi, *self._centre(survey, columns))
        numbering = self._numbering(hashed=given.ties == "hash" or not self._is_optimal)
        reduction = Candidates(needs, scores, numbering, self._may_carry(sum(needs)))
        more: list[Any] = []
        if survey.audit is None:
            more.append(RowAudit(self.spec.k))
        if survey.moments is None and self.family is None:
            more.append(ExactMoments(self.spec.k))
        state, *found = self.stream.fold(f"{given.criterion} selection", reduction, *more)
        if survey.audit is None:
            survey.audit = found.pop(0)
            check_audit(survey.audit, self.spec, self.stream.source, 1)
        if found:
            survey.moments = found[0]
        self._warn_of_impossible_means(state)
        return steps, reduction.orders(state), state

    def _warn_of_impossible_means(self, state: CandidatesState) -> None:
        if not state.outside:
            return
        code = np.array([state.outside_at])
        self.messages.append(
            f"{state.outside:,} rows have a mean at the pilot's parameters that the "
            f"{type(self.family).__name__} family cannot have, or infinite information (the "
            f"first is row {int(rows_of(code, self._offsets(0))[0]):,}); they count as "
            "uninformative"
        )

    def _centre(
        self, survey: Survey, columns: tuple[int, ...]
    ) -> tuple[FloatArray | None, FloatArray | None]:
        """Means and scales of the columns, where the criterion needs them."""
        mean = scale = None
        chosen = list(columns)
        if self._needs_mean:
            if self.settings.mean is not None:
                mean = by_column("mean", self.settings.mean, self.spec)[chosen]
            elif survey.moments is not None:
                mean = survey.moments.mean()[chosen]
        if self._needs_scale:
            if self.settings.scale is not None:
                scale = by_column("scale", self.settings.scale, self.spec)[chosen]
            elif survey.moments is not None:
                scale = survey.moments.scale()[chosen]
            if scale is not None and (scale <= 0).any():
                name = self.spec.exog_names[chosen[int(np.argmax(scale <= 0))]]
                raise ValueError(f"scale is not positive for {name!r}")
        return mean, scale

    def _take(
        self, survey: Survey, steps: Steps, orders: list[IntArray]
    ) -> dict[tuple[str, str], IntArray]:
        """The codes that each step takes, by column and side."""
        assert survey.audit is not None
        n, k = survey.audit.rows, sum(steps.slots)
        if self.settings.k >= n:
            return {("(all)", "all"): orders[-1]}
        if k > n / 2:
            self.messages.append(
                f"{k:,} of {n:,} rows are selected, more than half: steps run into one "
                "another, and a fit of all rows costs hardly more"
            )
        names = [("(all)", {"T": "far", "uniform": "random"}.get(self.settings.criterion, ""))]
        if self.settings.criterion == "D":
            columns = (self.spec.exog_names[j] for j in survey.columns)
            names = [(column, side) for column in columns for side in ("low", "high")]
        return dict(zip(names, take(orders, steps.slots), strict=True))

    # --- rows

    def _fetched(self, codes: IntArray, state: CandidatesState) -> Pool:
        """The raw rows of some codes: carried along, or gathered in one more pass."""
        if state.pool.frames:
            return state.pool.only(codes)
        (found,) = self.stream.fold("rows", Gather(np.sort(codes), self._numbering(hashed=False)))
        pool: Pool = found.pool.only(codes)
        return pool

    def _offsets(self, which: int) -> IntArray:
        """Rows read (0) or kept (1) before each partition."""
        counts = [seen[which] for seen in self.stream.seen]
        return np.cumsum([0, *counts[:-1]], dtype=np.int64)

    def _rows(self, pool: Pool) -> tuple[pd.DataFrame, IntArray]:
        """Raw rows under their numbers in the source, and their numbers among the kept ones."""
        (codes,), (places,), (frame,) = pool.codes, pool.places, pool.frames
        frame.index = pd.Index(rows_of(codes, self._offsets(0)), name="row")
        index: IntArray = self._offsets(1)[partitions_of(codes)] + places
        return frame, index

    def _selection(
        self,
        survey: Survey,
        pilot: Pilot | None,
        psi: Psi,
        columns: tuple[int, ...],
        taken: dict[tuple[str, str], IntArray],
        pool: Pool,
    ) -> Selection:
        labels = np.concatenate([np.full(len(codes), i) for i, codes in enumerate(taken.values())])
        codes = np.concatenate(list(taken.values()))
        labels = labels[np.argsort(codes)]
        frame, index = self._rows(pool)
        named = np.array(list(taken), dtype=object)[labels]
        steps = pd.DataFrame(named, columns=["column", "side"])
        k = len(index)
        if self.settings.include_pilot and pilot is not None:
            new = ~np.isin(pilot.index, index)
            both = np.concatenate((index, pilot.index[new]))
            order = np.argsort(both)
            frame = pd.concat((frame, pilot.frame[new])).iloc[order]
            added = pd.DataFrame({"column": "(pilot)", "side": "random"}, index=range(new.sum()))
            steps, index = pd.concat((steps, added)).iloc[order], both[order]
        steps.index = frame.index
        assert survey.audit is not None
        return Selection(
            frame=frame,
            index=index,
            steps=steps,
            pilot=pilot,
            n=survey.audit.rows,
            k=k,
            settings=self.settings,
            formula=self.formula,
            family=self.family,
            stream=self.stream,
            spec=self.spec,
            columns=columns,
            psi=psi,
            survey=survey,
            warnings=self.messages,
        )

    # --- what the rows can bear

    def _check(self, selection: Selection, survey: Survey) -> None:
        """Warn of selected rows that cannot be fitted as all rows can."""
        block = block_of(self.spec, selection.frame)
        rank, fixed = rank_of(block, self.spec.k)
        whole = len(survey.columns) + (len(survey.constants) > 0)
        cure = (
            "; include_pilot=True adds the pilot's rows"
            if self._needs_pilot and not self.settings.include_pilot
            else "; select more rows"
        )
        if rank < whole:
            lost = [self.spec.exog_names[j] for j in fixed if j in survey.columns]
            what = f": {', '.join(map(repr, lost))} never changes" if lost else ""
            self.messages.append(
                f"the design of the selected rows has rank {rank} with {whole} columns{what}, and "
                f"not all parameters can be told from these rows{cure}"
            )
        elif self.family is not None:
            _, problem = self._fitted(survey, selection.frame, kernel_of(self.family))
            if problem:
                self.messages.append(
                    f"the selected rows cannot be fitted: {problem}; a fit of all rows may be "
                    f"fine{cure}"
                )
