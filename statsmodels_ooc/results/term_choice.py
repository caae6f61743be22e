"""Which terms of a linear model are worth their columns: best subsets, and stepwise selection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from statsmodels_ooc.arrays import BoolArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.checks import whole_number
from statsmodels_ooc.design.parts import TermSpan
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.errors import DesignError, OptionError
from statsmodels_ooc.solvers.best_subset import best_subsets
from statsmodels_ooc.solvers.criteria import CRITERIA, Criterion
from statsmodels_ooc.solvers.dependence import noise
from statsmodels_ooc.solvers.stepwise import Direction, steps
from statsmodels_ooc.solvers.term_blocks import Fitted, TermBlocks, term_blocks


@dataclass(frozen=True)
class TermChoice:
    """What a selection of terms has found.

    Attributes
    ----------
    method : str
        How it was found.
    criterion : str
        What models are judged by.
    terms : tuple of str
        Those of the best model, the ones that are always in it too.
    trail : DataFrame
        The models that were told apart: of `best_subset` the best ones, the best first; of
        `stepwise` those of the steps, from the start to the end. Its columns are ``terms``, the
        rank ``k``, the sum of squared residuals ``ssr``, and the criterion.
    looked_at : int
        Of how many models the sum of squares was found.
    """

    method: str
    criterion: str
    terms: tuple[str, ...]
    trail: pd.DataFrame
    looked_at: int
    _whole: Any = field(repr=False)

    @cached_property
    def best(self) -> Any:
        """Results of the best model, as `submodel` gives them."""
        return self._whole.submodel(list(self.terms))

    def __repr__(self) -> str:
        return f"{self._headline}\n{self.trail.to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._headline)}</p>{self.trail.to_html()}"

    @property
    def _headline(self) -> str:
        return f"{self.method} by {self.criterion}: {_formula(self.terms)}"


@dataclass(frozen=True)
class _Problem:
    """The terms to choose from."""

    order: tuple[str, ...]  # all terms
    names: tuple[str, ...]  # those that need not be in a model
    blocks: TermBlocks
    criterion: Criterion

    def row(self, chosen: BoolArray, fit: Fitted) -> dict[str, Any]:
        """A model as a row of the trail."""
        return {
            "terms": _formula(self.chosen(chosen)),
            "k": fit.rank,
            "ssr": fit.ssr,
            self.criterion.name: self.criterion.value(*fit),
        }

    def chosen(self, chosen: BoolArray) -> tuple[str, ...]:
        """Names of the terms of a model."""
        out = {name for name, is_in in zip(self.names, chosen, strict=True) if not is_in}
        return tuple(name for name in self.order if name not in out)


def best_subset(
    results: Any,
    k_max: int | None,
    criterion: str,
    keep: Collection[str],
    *,
    hierarchical: bool,
    n_best: int,
) -> TermChoice:
    """The best models of some of the terms; see `HasTermChoice.best_subset`."""
    most = None if k_max is None else whole_number("k_max", k_max, 0)
    count = whole_number("n_best", n_best, 1)
    problem = _problem(results, criterion, keep, hierarchical)
    with one_blas_thread():
        found, looked_at = best_subsets(problem.blocks, problem.criterion, count=count, most=most)
    if not found:
        raise DesignError(
            "no model is left to choose from: without an intercept, one has at least one term",
            hint="allow more terms with k_max, or name some that stay: keep=[...]",
        )
    rows = [problem.row(model.chosen, model.fit) for model in found]
    terms = problem.chosen(found[0].chosen)
    trail = pd.DataFrame(rows, pd.RangeIndex(1, len(rows) + 1, name="rank"))
    return TermChoice("best subset", criterion, terms, trail, looked_at, results)


def stepwise(
    results: Any,
    direction: Direction,
    criterion: str,
    keep: Collection[str],
    *,
    start: Literal["full", "none"] | None,
    hierarchical: bool,
) -> TermChoice:
    """One term after another; see `HasTermChoice.stepwise`."""
    if direction not in get_args(Direction):
        raise OptionError(f"direction={direction!r}; it is one of {get_args(Direction)}")
    if start not in ("full", "none", None):
        raise OptionError(f"start={start!r}; it is 'full' or 'none'")
    first = start or ("none" if direction == "forward" else "full")
    problem = _problem(results, criterion, keep, hierarchical)
    chosen = np.full(problem.blocks.count, first == "full")
    with one_blas_thread():
        path = list(steps(problem.blocks, problem.criterion, chosen, direction))
    told = ["start" if s.term < 0 else f"{'-+'[s.added]} {problem.names[s.term]}" for s in path]
    rows = [problem.row(step.chosen, step.fit) for step in path]
    trail = pd.DataFrame(rows, pd.Index(told, name="step"))
    terms = problem.chosen(path[-1].chosen)
    if not terms:
        raise DesignError(
            "nothing is left of the model", hint="name some terms that stay: keep=[...]"
        )
    return TermChoice(f"stepwise ({direction})", criterion, terms, trail, len(path), results)


def _problem(results: Any, criterion: str, keep: Any, hierarchical: bool) -> _Problem:
    if criterion not in CRITERIA:
        raise OptionError(f"criterion={criterion!r}; it is one of {', '.join(CRITERIA)}")
    terms: list[TermSpan] = results.model.term_spans
    several = isinstance(keep, Iterable) and not isinstance(keep, str)
    wanted = list(keep) if several else [] if keep is None else [keep]
    known = [term.name for term in terms]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise DesignError(
            f"keep: the model has no term {', '.join(sorted(map(repr, unknown)))}",
            hint=f"its terms are {', '.join(repr(term.name) for term in terms)}",
        )
    needs = {t.name: t.requires | (t.lower if hierarchical else frozenset()) for t in terms}
    always = _with_needs({t.name for t in terms if t.is_constant}.union(wanted), needs)
    free = [term for term in terms if term.name not in always]
    likelihood = results.model.likelihood
    facts = likelihood.facts
    kept = [term.span for term in terms if term.name in always]
    k = len(results.model.exog_names)
    matrix = np.array([[o.name in needs[t.name] for o in free] for t in free], dtype=bool)
    with one_blas_thread():
        blocks = term_blocks(
            likelihood.factor,
            facts.rows,
            np.hstack([np.zeros((k, 0)), *kept]),
            [term.span for term in free],
            matrix.reshape(len(free), len(free)),
        )
        whole = blocks.fit(np.ones(len(free), dtype=bool))
    if whole.ssr <= results.uncentered_tss * noise(facts.rows, k) ** 2:
        raise DesignError(
            "the model leaves no residuals: any term that fits exactly is as good as another"
        )
    has_constant = int(results.k_constant)
    tss = float(results.centered_tss if has_constant else results.uncentered_tss)
    judged = Criterion(
        criterion, facts.rows, whole.ssr, whole.rank, tss, has_constant, facts.log_weights
    )
    names = tuple(term.name for term in free)
    return _Problem(tuple(term.name for term in terms), names, blocks, judged)


def _with_needs(names: set[str], needs: dict[str, frozenset[str]]) -> set[str]:
    """Terms, and what they need."""
    while True:
        more = names.union(*(needs[name] for name in names))
        if more == names:
            return names
        names = more


def _formula(terms: Sequence[str]) -> str:
    return " + ".join(terms) or "0"


class HasTermChoice:
    """A mixin for results of linear models that stream: which terms are worth their columns."""

    def best_subset(
        self,
        k_max: int | None = None,
        criterion: str = "bic",
        *,
        keep: Collection[str] = (),
        hierarchical: bool = True,
        n_best: int = 5,
    ) -> TermChoice:
        """The best models of some of the terms, of all that there are; no pass.

        Parameters
        ----------
        k_max : int, optional
            Most terms of a model, beside those that are always in it; any number by default.
        criterion : {"bic", "aic", "aicc", "hqic", "rsquared_adj", "cp"}
            What a model is judged by: to be small, but for rsquared_adj.
        keep : collection of str
            Terms that are always in the model, as the intercept is.
        hierarchical : bool
            Whether an interaction comes only with the terms of its factors. Without their
            categories it does so anyway: a formula codes them into the interaction.
        n_best : int
            How many models `trail` has; each is proven to be among the best.

        Returns
        -------
        TermChoice
            With ``best``, full results, and ``trail``.

        Raises
        ------
        OptionError
            The criterion is unknown, or a number is none.
        DesignError
            A term of `keep` is unknown; the model leaves no residuals.

        Notes
        -----
        Branch and bound on sums of squares from R of ``[1 | X | y]``: see `best_subsets`. A term
        with its columns comes or goes whole. The p-values of the best model do not know that it
        was chosen.

        References
        ----------
        Furnival, Wilson (1974). Regressions by leaps and bounds. Technometrics 16, 499-511.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> import statsmodels_ooc.api as smo
        >>> import statsmodels_ooc.formula.api as smof
        >>> rng = np.random.default_rng(0)
        >>> frame = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcy"))
        >>> frame["y"] += frame["a"] - frame["c"]
        >>> res = smof.ols("y ~ a + b + c", smo.as_source(frame)).fit()
        >>> res.best_subset().terms
        ('Intercept', 'a', 'c')
        """
        return best_subset(self, k_max, criterion, keep, hierarchical=hierarchical, n_best=n_best)

    def stepwise(
        self,
        direction: Direction = "both",
        criterion: str = "aic",
        *,
        keep: Collection[str] = (),
        start: Literal["full", "none"] | None = None,
        hierarchical: bool = True,
    ) -> TermChoice:
        """A model found by adding and leaving out one term after another; no pass.

        Parameters
        ----------
        direction : {"both", "forward", "backward"}
            Whether terms come, go, or both.
        criterion, keep, hierarchical
            As for `best_subset`.
        start : {"full", "none"}, optional
            Where it starts: with all terms, but "forward" with those that are always in the model.

        Returns
        -------
        TermChoice
            With ``best``, full results, and ``trail``, the steps.

        Raises
        ------
        OptionError, DesignError
            As for `best_subset`.

        Notes
        -----
        Each step is the one that makes the criterion best; the last model is one that no step
        makes better, which need not be the best one. As R's ``step``, but that AIC counts as
        statsmodels counts it.

        References
        ----------
        Efroymson (1960). Multiple regression analysis. In Mathematical Methods for Digital
        Computers. Wiley.
        """
        return stepwise(self, direction, criterion, keep, start=start, hierarchical=hierarchical)
