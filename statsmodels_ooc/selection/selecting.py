"""The passes of a selection, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.formula import FormulaSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.engine.sizes import states_alive
from statsmodels_ooc.errors import DesignError, MemoryLimitError, OptionError
from statsmodels_ooc.families.kernels import kernel_of
from statsmodels_ooc.likelihoods.opening import check_facts, check_responses
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.exact import ExactMoments, Means
from statsmodels_ooc.reductions.facts import RowFacts
from statsmodels_ooc.reductions.responses import ImpossibleResponses
from statsmodels_ooc.selection.candidates import PAIR, Candidates, CandidatesState
from statsmodels_ooc.selection.criteria import Steps, deal, take
from statsmodels_ooc.selection.ordering import TIES, UNIFORM, IntArray
from statsmodels_ooc.selection.pilot import Pilot, Piloting, block_of, fit_rows, rank_of
from statsmodels_ooc.selection.pool import NumberedRows, Pool
from statsmodels_ooc.selection.scorers import Informative, Psi, Uniform
from statsmodels_ooc.selection.selection import Selection
from statsmodels_ooc.selection.survey import Needs, Survey, by_column

Taken = dict[tuple[str, str], IntArray]  # codes by column and side


@dataclass
class Selecting:
    """One selection on its way."""

    settings: Any  # the IBOSS of the user
    stream: StreamedRows  # the rows, as `RawBlock`
    spec: FormulaSpec
    family: Any  # None for a linear model
    formula: Any  # as the user wrote it
    roles: frozenset[str]  # what goes with the rows: weights, offset and the like
    messages: list[str] = field(default_factory=list)

    def run(self) -> Selection:
        """Make the passes and return what they select."""
        # 1. What is wrong, or takes too much memory, is refused before anything is read.
        params = self._given["pilot_params"]
        if self.settings.include_pilot and not self.needs.pilot:
            raise OptionError("include_pilot=True, but no pilot is needed here")
        self._refuse_what_cannot_fit()
        # 2. Means, scales and the pilot's rows, where they are needed and not given.
        if self._asks:
            self._make_survey()
        # 3. The pilot, and with it the information of every row.
        pilot, psi = self._pilot(params)
        # 4. The candidates of every step. Columns that turn out to be constant take no part.
        while True:
            columns = self.survey.columns
            steps, orders, state = self._candidates(columns, psi)
            if self.survey.columns == columns or not self.needs.is_optimal or self._wants_all:
                break
        self._warn_of_impossible_means(state)
        # 5. The steps take their rows; these are fetched where nobody carried them.
        taken = self._take(steps, orders)
        pool = self.rows.fetched(np.concatenate(list(taken.values())), state.pool)
        # 6. A selection knows whether its rows can be fitted.
        return self._selection(pilot, psi, taken, pool)

    # --- what is needed

    @cached_property
    def survey(self) -> Survey:
        """What is known of all rows so far."""
        return Survey(self.spec)

    @cached_property
    def rows(self) -> NumberedRows:
        return NumberedRows(self.stream, self.settings.seed)

    @cached_property
    def _given(self) -> dict[str, FloatArray | None]:
        """What the caller knows of the columns, (k,) each, None for what is not known."""
        wholes = {"mean": False, "scale": False, "pilot_params": True}
        return {
            name: by_column(name, getattr(self.settings, name), self.spec, whole)
            for name, whole in wholes.items()
        }

    @cached_property
    def needs(self) -> Needs:
        return Needs(self.settings, self.spec, self.family, self.roles)

    @property
    def _wants_all(self) -> bool:
        """Whether k is known to be no less than the number of rows."""
        facts = self.survey.facts
        return facts is not None and bool(self.settings.k >= facts.rows)

    @property
    def _asks(self) -> bool:
        """Whether a first pass has something to find out."""
        needs, given = self.needs, self.settings
        # Too few rows, unless some of the columns are constant.
        few = given.criterion == "D" and given.k < 2 * len(self.survey.columns)
        return bool(needs.pilot or needs.lacks_mean or needs.lacks_scale or few)

    # --- memory

    def _refuse_what_cannot_fit(self) -> None:
        p = max(len(self.survey.columns), 1)
        k = min(self.settings.k, self.stream.source.rows or self.settings.k)
        pairs = int(k * (p + 0.5)) if self.settings.criterion == "D" else k
        need = PAIR * pairs * states_alive() + self.rows.nbytes(k)
        if need > options.memory_limit:
            raise MemoryLimitError(
                f"k = {self.settings.k:,} of {p:,} columns need {pairs:,} candidates and about "
                f"{need:,} bytes, more than memory_limit = {options.memory_limit:,}",
                hint="select fewer rows, or raise smo.options.memory_limit",
            )

    # --- the first pass

    def _make_survey(self) -> None:
        facts = self._facts()
        if self.needs.pilot:
            facts["sample"] = self._piloting.sampling()
        self._learn(facts, self.stream.fold("survey", *facts.values()))

    def _facts(self) -> dict[str, Any]:
        """What a pass has to find out of all rows besides."""
        facts: dict[str, Any] = {}
        if self.survey.facts is None:
            facts["facts"] = RowFacts(self.spec.k)
            if self.family is not None:
                facts["impossible"] = ImpossibleResponses(kernel_of(self.family))
        if self.survey.moments is None and (self.needs.lacks_mean or self.needs.lacks_scale):
            facts["moments"] = ExactMoments(self.spec.k, squares=self.needs.lacks_scale)
        if self.family is None and self.survey.averages is None and "moments" not in facts:
            facts["means"] = Means(self.spec.k)
        return facts

    def _learn(self, facts: dict[str, Any], states: Sequence[Any]) -> None:
        """Take what a pass has found; rows that no model can be made of are refused."""
        for name, state in zip(facts, states, strict=True):
            setattr(self.survey, name, state)
        assert self.survey.facts is not None
        check_facts(self.survey.facts, self.spec, self.stream.source, 1)
        check_responses(self.survey.impossible, self.family, self.spec, self.stream.source)

    # --- the pilot

    @cached_property
    def _piloting(self) -> Piloting:
        assert self.needs.kernel is not None
        return Piloting(self.rows, self.spec, self.needs.kernel, self.settings.pilot_size)

    def _pilot(self, beta: FloatArray | None) -> tuple[Pilot | None, Psi]:
        """What tells how informative rows are, and how informative they are."""
        kernel = self.needs.kernel
        if kernel is None:
            return None, Psi()
        if beta is not None:
            nothing = pd.DataFrame(columns=list(self.stream.spec.columns))
            params = pd.Series(beta, list(self.spec.exog_names))
            return Pilot(params, np.empty(0, dtype=np.int64), nothing), Psi(kernel, beta)
        if not self.needs.is_optimal:
            return None, Psi()
        assert self.survey.sample is not None
        assert self.survey.facts is not None
        pilot, problem = self._piloting.pilot(
            self.survey.sample, self.survey.left_out, self.survey.facts.rows
        )
        self.survey.sample = None  # its rows may go
        if problem:
            self.messages.append(
                "the pilot failed, and all rows are taken for equally informative (Psi = 1): "
                f"{problem}. Give pilot_params, a larger pilot_size, or another seed."
            )
            return pilot, Psi()
        return pilot, Psi(kernel, pilot.params.to_numpy())

    # --- the selection

    def _candidates(
        self, columns: tuple[int, ...], psi: Psi
    ) -> tuple[Steps, list[IntArray], CandidatesState]:
        """The candidates among all rows, and what else the pass finds out."""
        settings = self.settings
        ranks = self.needs.is_optimal and not self._wants_all
        if ranks and not columns:
            raise DesignError(
                "every column of the design is constant, and no row says more than another",
                hint="criterion='uniform' takes rows at random",
            )
        steps = deal(settings.criterion, settings.k, max(len(columns), 1), settings.slots)
        # The last step knows k rows: all of them, where there are no more than k.
        needs = (*steps.needs[:-1], settings.k) if ranks else (settings.k,)
        scores: Any = Uniform()
        if ranks:
            mean, scale = self._centre(columns)
            scores = Informative(settings.criterion, columns, psi, mean, scale)
        purpose = TIES if settings.ties == "hash" else None
        if not self.needs.is_optimal:
            purpose = UNIFORM
        numbering = self.rows.numbering(None if self._wants_all else purpose)
        rows = self.stream.source.rows
        reduction = Candidates(needs, scores, numbering, self.rows.room(sum(needs)), rows)
        facts = self._facts()
        name = f"{settings.criterion} selection"
        state, *found = self.stream.fold(name, reduction, *facts.values())
        self._learn(facts, found)
        return steps, reduction.orders(state), state

    def _warn_of_impossible_means(self, state: CandidatesState) -> None:
        if not state.outside:
            return
        (row,) = self.rows.in_source(np.array([state.outside_at]))
        self.messages.append(
            f"{state.outside:,} rows have a mean at the pilot's parameters that the "
            f"{type(self.family).__name__} family cannot have, or infinite information (the "
            f"first is row {int(row):,}); they are taken last"
        )

    def _centre(self, columns: tuple[int, ...]) -> tuple[FloatArray | None, FloatArray | None]:
        """Means and scales of the columns, where the criterion needs them."""
        mean, scale, moments = self._given["mean"], self._given["scale"], self.survey.moments
        if mean is None and self.needs.mean and moments is not None:
            mean = moments.mean()
        if scale is None and self.needs.scale and moments is not None:
            scale = moments.scale()
        chosen = list(columns)
        if scale is not None and (scale[chosen] <= 0).any():
            name = self.spec.exog_names[chosen[int(np.argmax(scale[chosen] <= 0))]]
            raise ValueError(f"scale is not positive for {name!r}")
        centre, spread = (v if v is None else v[chosen] for v in (mean, scale))
        return centre, spread

    def _take(self, steps: Steps, orders: list[IntArray]) -> Taken:
        """The codes that each step takes, by column and side."""
        assert self.survey.facts is not None
        if self._wants_all:
            return {("(all)", "all"): orders[-1]}
        crowd = steps.crowd(self.survey.facts.rows)
        if crowd:
            self.messages.append(crowd)
        names = [("(all)", {"T": "far", "uniform": "random"}.get(self.settings.criterion, ""))]
        if self.settings.criterion == "D":
            columns = (self.spec.exog_names[j] for j in self.survey.columns)
            names = [(column, side) for column in columns for side in ("low", "high")]
        return dict(zip(names, take(orders, steps.slots), strict=True))

    def _selection(self, pilot: Pilot | None, psi: Psi, taken: Taken, pool: Pool) -> Selection:
        labels = np.concatenate([np.full(len(codes), i) for i, codes in enumerate(taken.values())])
        codes = np.concatenate(list(taken.values()))
        labels = labels[np.argsort(codes)]
        frame, index = self.rows.numbered(pool)
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
        fitted, lost = self._check(frame, pilot)
        assert self.survey.facts is not None
        return Selection(
            frame=frame,
            index=index,
            steps=steps,
            pilot=pilot,
            n=self.survey.facts.rows,
            k=k,
            settings=self.settings,
            formula=self.formula,
            family=self.family,
            stream=self.stream,
            spec=self.spec,
            psi=psi,
            survey=self.survey,
            fitted=fitted,
            lost=lost,
            warnings=self.messages,
        )

    # --- what the rows can bear

    def _check(self, frame: pd.DataFrame, pilot: Pilot | None) -> tuple[FloatArray | None, bool]:
        """Warn of selected rows that cannot be fitted as all rows can.

        Returns
        -------
        fitted : ndarray, (k,), or None
            Parameters of a generalised linear model of these rows, where they are good.
        lost : bool
            Whether these rows cannot tell all parameters.
        """
        block = block_of(self.spec, frame)
        rank, fixed = rank_of(block, self.spec.k)
        whole = self.spec.k - len(self.survey.left_out)
        if rank < whole:
            lost = [self.spec.exog_names[j] for j in fixed if j in self.survey.columns]
            verb = "never changes" if len(lost) == 1 else "never change"
            what = f": {', '.join(map(repr, lost))} {verb}" if lost else ""
            self.messages.append(
                f"the design of the selected rows has rank {rank} with {whole} columns{what}, and "
                f"not all parameters can be told from these rows; {self._cure(pilot)}"
            )
            return None, True
        if self.family is None:
            return None, False
        params, problem = fit_rows(block, kernel_of(self.family), self.spec, self.survey.left_out)
        if problem:
            self.messages.append(
                f"the selected rows cannot be fitted: {problem}; a fit of all rows may be "
                f"fine; {self._cure(pilot)}"
            )
        return None if problem else params, False

    def _cure(self, pilot: Pilot | None) -> str:
        """What may help when selected rows cannot be fitted."""
        failed = pilot is not None and pilot.params is None
        if self.needs.pilot and not self.settings.include_pilot and not failed:
            return "include_pilot=True adds the pilot's rows"
        if self.settings.criterion == "T":
            return "criterion='D' takes rows from both sides of every column"
        return "select more rows, unless it is the same with all of them"
