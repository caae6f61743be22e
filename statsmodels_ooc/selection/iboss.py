"""IBOSS out of memory: settings in, a selection of rows out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from patsy import ModelDesc

from statsmodels_ooc.checks import whole_number
from statsmodels_ooc.design.environment import environment
from statsmodels_ooc.design.formula import FormulaSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.errors import DesignError, OptionError, SelectionWarning, warn_caller
from statsmodels_ooc.families.kernels import checked_family, max_endog
from statsmodels_ooc.likelihoods.opening import open_formula, warn_of_levels
from statsmodels_ooc.likelihoods.stored import open_stored
from statsmodels_ooc.selection.carried import WithRows
from statsmodels_ooc.selection.criteria import Criterion, Slots, deal
from statsmodels_ooc.selection.indices import check_arguments
from statsmodels_ooc.selection.selecting import Selecting
from statsmodels_ooc.selection.selection import Selection
from statsmodels_ooc.sources.stored_design import StoredDesign

_LINEAR, _GENERALIZED = ("weights",), ("offset", "exposure", "freq_weights", "var_weights")


@dataclass(frozen=True, eq=False)
class IBOSS:
    """Information-based optimal subdata selection: the k most informative of n rows.

    Parameters
    ----------
    k : int
        How many rows to select.
    criterion : {"D", "T", "uniform"}
        "D": rows from both ends of one column after the other, so that the determinant of
        the information matrix is large. "T": rows far from the mean in all standardised
        columns together, so that its trace is large. "uniform": a simple random sample,
        the baseline.
    pilot_size : int
        How many rows, taken uniformly, the pilot is fitted to that tells how much every
        row says about a generalized linear model.
    seed : int
        For ties, for the pilot and for "uniform".
    family : statsmodels.genmod.families.Family, optional
        Of a generalized linear model; a linear model where it is left out.
    slots : {"exact", "floor"}
        D takes ``k // 2p`` rows from each end of each of p columns. "exact" deals the rest
        out one by one, so that k rows come out; "floor" drops it, as in the article.
    ties : {"index", "hash"}
        Which of rows with the same score come first: those with smaller hashes of their
        row numbers and the seed, or those that stand first in the data. Where the order of
        the data means something, the first rows of a level are no fair share of it.
    include_pilot : bool
        Whether the pilot's rows are added to the selected ones.
    pilot_params : Series, mapping or array_like, (k,), optional
        Parameters to use in place of a pilot's.
    mean, scale : Series, mapping or array_like, optional
        Means and standard deviations (``ddof=0``) of the design's columns, where they are
        known: by name, or all in the order of the columns, with or without the intercept.

    Raises
    ------
    ValueError, TypeError
        An argument is none of the above.

    Notes
    -----
    A linear model needs one pass for D and two for T. A generalized linear model needs
    two: the first for means and the pilot's rows, the second for the selection. Parameters,
    means and scales that are given save the first; so does, for D, a link that makes all
    rows equally informative. One more is needed where a column turns out to be constant in
    an only pass, where a pilot must be repeated, where raw rows are too large to be carried
    along, and, to count rows, where row numbers are hashed (for ties too, with
    ``ties="hash"``) and partitions do not know how long they are. The rows are those that
    the algorithms select in memory, bit for bit, on any number of threads, on a cluster,
    and however the data is cut.

    References
    ----------
    Wang, Yang, Stufken (2019). Information-based optimal subdata selection for big data
    linear regression. J. Amer. Statist. Assoc. 114, 393-405.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import statsmodels_ooc.api as smo
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame({"x": rng.standard_t(3, 5_000)})
    >>> frame["y"] = 1 + 2 * frame["x"] + rng.normal(size=5_000)
    >>> sub = smo.IBOSS(k=100).select("y ~ x", frame)
    >>> sub
    <Selection of 100 of 5,000 rows, D-optimal: 'y ~ x' on DataFrame>
    >>> sub.fit().params.round(1).to_dict()
    {'Intercept': 1.2, 'x': 2.0}
    """

    k: int
    criterion: Criterion = "D"
    pilot_size: int = 1000
    seed: int = 0
    family: Any = field(default=None, kw_only=True)
    slots: Slots = field(default="exact", kw_only=True)
    ties: str = field(default="hash", kw_only=True)
    include_pilot: bool = field(default=False, kw_only=True)
    pilot_params: Any = field(default=None, kw_only=True)
    mean: Any = field(default=None, kw_only=True)
    scale: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_arguments(self.k, self.criterion, self.slots, self.ties, self.seed)
        whole_number("pilot_size", self.pilot_size, 1)
        for name in ("k", "pilot_size", "seed"):
            object.__setattr__(self, name, int(getattr(self, name)))
        deal(self.criterion, self.k, 1, self.slots)  # refuses what no design would do with
        if self.family is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # select() warns of its link
                checked_family(self.family, False)
        if not isinstance(self.include_pilot, bool):
            raise OptionError(f"include_pilot is True or False, not {self.include_pilot!r}")
        if self.family is None and self.pilot_params is not None:
            raise OptionError(
                "pilot_params are of no use in a linear model: every row is equally informative",
                hint="family=... selects for a generalized linear model",
            )

    def select(
        self,
        formula: Any,
        data: Any = None,
        *,
        subset: Any = None,
        drop_cols: Sequence[str] | None = None,
        missing: str = "drop",
        weights: str | None = None,
        offset: str | None = None,
        exposure: str | None = None,
        freq_weights: str | None = None,
        var_weights: str | None = None,
        keep: str | Sequence[str] | None = None,
        eval_env: Any = None,
    ) -> Selection:
        """Select rows of data that need not fit into memory.

        Parameters
        ----------
        formula : str or DesignStore
            As for the model that will be fitted; or a design that was written out, which has
            the data, too.
        data : path, list of paths, glob, Source, DataFrame, ...
            Whatever `as_source` takes.
        subset, drop_cols, missing, eval_env
            As for ``from_formula``.
        weights : str, optional
            Of a linear model: a column, or an expression in columns.
        offset, exposure, freq_weights, var_weights : str, optional
            Of a generalized linear model.
        keep : str or sequence of str
            More columns for the frame of selected rows.

        Returns
        -------
        Selection
            The selected rows, which are a source for every model here.

        Raises
        ------
        ValueError
            k is less than 2p for D.
        SourceError, DesignError
            The data or the formula is at fault; see `statsmodels_ooc.errors`.
        MemoryLimitError
            The candidates would not fit; raised before they are sought.

        Warns
        -----
        SelectionWarning
            The pilot failed, or the selected rows cannot be fitted as all of them can.
        ResponseWarning
            The response of a Binomial family is categorical.
        """
        if isinstance(formula, StoredDesign):
            rules = (
                subset,
                drop_cols,
                weights,
                offset,
                exposure,
                freq_weights,
                var_weights,
                eval_env,
            )
            if data is not None or any(rule is not None for rule in rules):
                raise TypeError(
                    "a design store has the formula, the rows and what stands beside them: nothing "
                    "but keep can be told besides"
                )
            return self._of_store(formula, _names(keep))
        if not isinstance(formula, (str, ModelDesc)):
            raise TypeError(
                f"formula is text such as 'y ~ x', not {type(formula).__name__}; "
                "iboss_indices selects from arrays"
            )
        given = {
            "weights": weights,
            "offset": offset,
            "exposure": exposure,
            "freq_weights": freq_weights,
            "var_weights": var_weights,
        }
        extras = {role: value for role, value in given.items() if value is not None}
        family = self._checked(extras)
        kept = _names(keep)
        stream, spec = open_formula(
            formula,
            data,
            env=environment(eval_env, depth=2),
            missing=missing,
            subset=subset,
            drop_cols=drop_cols,
            extras=extras,
            max_endog=max_endog(family),
            keep=kept,
        )
        return self._selected(stream, spec, formula, family, frozenset(extras), kept)

    def _of_store(self, store: StoredDesign, kept: Sequence[str]) -> Selection:
        """Rows of a design that was written out."""
        others = _LINEAR if self.family is None else _GENERALIZED
        family = None if self.family is None else checked_family(self.family, False)
        two = family is not None and max_endog(family) > 1
        stream, spec = open_stored(store, others, trials=two)
        roles = frozenset(spec.stored_extras) - {"trials"}
        return self._selected(stream, spec, spec.formula, family, roles, kept)

    def _selected(
        self,
        stream: StreamedRows,
        spec: FormulaSpec,
        formula: Any,
        family: Any,
        roles: frozenset[str],
        kept: Sequence[str],
    ) -> Selection:
        warn_of_levels(spec, family)
        if spec.k == 0:
            raise DesignError("the design has no column", hint="'y ~ x' has one")
        source = stream.source
        wanted = {*spec.columns, *kept}
        carried = tuple(name for name in source.columns if name in wanted)
        maker = WithRows(spec, carried, {name: source.dtypes[name] for name in carried})
        rows = StreamedRows(source, maker, stream.ledger)
        selection = Selecting(self, rows, spec, family, formula, roles).run()
        for message in selection.warnings:
            warn_caller(message, SelectionWarning)
        return selection

    def _checked(self, extras: dict[str, str]) -> Any:
        """The family, None for a linear model; refuses what the model does not have."""
        others = _GENERALIZED if self.family is None else _LINEAR
        wrong = [role for role in extras if role in others]
        if wrong:
            kind, hint = (
                ("a linear model has no", "family=... selects for a generalized linear model")
                if self.family is None
                else ("a generalized linear model has no", "it has freq_weights and var_weights")
            )
            raise OptionError(f"{kind} {wrong[0]}", hint=hint)
        if self.family is None:
            return None
        return checked_family(self.family, "exposure" in extras)


def _names(keep: Any) -> tuple[str, ...]:
    """The columns to keep."""
    if keep is None or isinstance(keep, str):
        return () if keep is None else (keep,)
    if not isinstance(keep, Iterable) or not all(isinstance(name, str) for name in keep):
        raise TypeError(f"keep is a column's name, or a list of names, not {keep!r}")
    return tuple(keep)
