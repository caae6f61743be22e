"""From a formula and whatever holds the data to a stream of blocks whose rows are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import statsmodels.formula
from patsy import EvalEnvironment
from statsmodels.genmod import families

from statsmodels_ooc.design.formula import FormulaSpec, formula_columns, learn_formula
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import (
    Ledger,
    StreamedRows,
    check_reading,
    read_frames,
    scan_frames,
    spool_slow,
)
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    DesignError,
    EmptyDataError,
    MissingDataError,
    ResponseWarning,
    warn_caller,
)
from statsmodels_ooc.options import options
from statsmodels_ooc.reductions.facts import RowFactsState
from statsmodels_ooc.reductions.responses import Impossible
from statsmodels_ooc.sources.base import NO_ROWS, Source
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.frames import release_unused
from statsmodels_ooc.sources.subset import condition_columns, subset_source


def open_formula(
    formula: Any,
    data: Any,
    *,
    env: EvalEnvironment,
    missing: str,
    subset: Any = None,
    drop_cols: Sequence[str] | None = None,
    extras: Mapping[str, str] | None = None,
    max_endog: int = 1,
    keep: Sequence[str] = (),
) -> tuple[StreamedRows, FormulaSpec]:
    """Learn a formula over the data; the passes that it takes are the stream's first.

    Parameters
    ----------
    formula : str or ModelDesc
        With a left-hand side.
    data : object
        Whatever `as_source` takes.
    env : EvalEnvironment
        Where names that are not columns are looked up.
    missing : {"none", "drop", "raise"}
        What happens to rows with missing values; "none" is taken for "raise".
    subset : str, callable or array of bool, optional
        The rows to use.
    drop_cols : sequence of str, optional
        Columns to leave out of the design.
    extras : mapping, optional
        Weights, offset and the like by role: a column or an expression in the columns.
    max_endog : int
        How many columns the response may have.
    keep : sequence of str
        More columns that will be read, and belong into a local copy of a slow source.

    Raises
    ------
    SourceError, DesignError
        The data or the formula is at fault; see `statsmodels_ooc.errors`.
    """
    if statsmodels.formula.options.formula_engine != "patsy":
        raise DesignError(
            "formulas are read with patsy, but statsmodels.formula.options.formula_engine is "
            f"{statsmodels.formula.options.formula_engine!r}"
        )
    check_missing(missing)
    for role, value in (extras or {}).items():
        if not isinstance(value, str):
            raise TypeError(
                f"what gives the {role} of data out of memory is a column's name or an "
                f"expression in columns, not {type(value).__name__}"
            )
    source = as_source(data)
    chosen = source if subset is None else subset_source(source, subset)
    for name in keep:
        if name not in source.columns:
            known = ", ".join(map(repr, source.columns))
            raise ColumnNotFoundError(
                f"{source.name} has no column {name!r} to keep", hint=f"the columns are {known}"
            )
    ledger = Ledger()
    columns = formula_columns(formula, source, env=env, extras=extras)
    looked_at = condition_columns(subset, source)
    copy = spool_slow(source, list(dict.fromkeys((*columns, *keep, *looked_at))), ledger)
    original = None
    if copy is not source:  # of all rows, so that the chosen ones keep their numbers
        original, chosen = chosen, copy if subset is None else subset_source(copy, subset)
    source = chosen
    check_reading(source, columns)
    spec = learn_formula(
        formula,
        source,
        env=env,
        scan=partial(_scan, source, ledger),
        frames=partial(_read, source, ledger),
        missing="drop" if missing == "drop" else "raise",
        extras=extras,
        max_endog=max_endog,
        drop_cols=drop_cols,
        memory_limit=options.memory_limit,
    )
    release_unused()  # first rows were read by this thread, which reads no more
    return StreamedRows(source, spec, ledger, original), spec


def _scan(source: Any, ledger: Ledger, scan: Any, columns: Sequence[str], encoded: Any) -> Any:
    return scan_frames("levels", source, columns, encoded, scan, ledger)


def _read(source: Any, ledger: Ledger, name: str, columns: Sequence[str]) -> Any:
    return read_frames(name, source, columns, ledger)


def check_missing(missing: str) -> None:
    """Refuse what is no way to treat missing values."""
    if missing not in ("none", "drop", "raise"):
        raise ValueError(f"missing option {missing} not understood")


_LARGEST = 1e140  # sums of squares beyond it may overflow


def check_facts(facts: RowFactsState, spec: DesignSpec, source: Source, least: int) -> None:
    """Refuse no rows, values that are not finite or whose squares overflow, too few rows.

    Parameters
    ----------
    facts, spec, source
        What the rows were, the design and the data.
    least : int
        How many rows there must be.

    Raises
    ------
    EmptyDataError, MissingDataError, DesignError
        As said.
    """
    k, name = spec.k, source.name
    if facts.rows_read == 0:
        raise EmptyDataError(source.no_rows, hint=NO_ROWS)
    if facts.rows == 0:
        lost = ", ".join(f"{n:,} in {c!r}" for c, n in facts.missing.items())
        raise EmptyDataError(
            f"no row of the {facts.rows_read:,} in {name} is left"
            + (f"; missing values: {lost}" if lost else ""),
            hint=NO_ROWS,
        )
    bad = facts.not_finite
    if bad is not None:
        what = spec.endog_name if bad.column == k else spec.exog_names[bad.column]
        side = "endog" if bad.column == k else "exog"
        label = source.partitions[bad.partition].label
        raise MissingDataError(
            f"{side} contains inf or nans: {what!r} is {bad.value} at row {bad.row} of {label}",
            hint="missing='drop' leaves out NaN; infinities must be mended in the data",
        )
    sizes = np.maximum(np.abs(facts.low), np.abs(facts.high))
    if sizes.max() > _LARGEST:
        names = (*spec.exog_names, spec.endog_name)
        raise DesignError(
            f"{names[int(sizes.argmax())]!r} in {name} reaches {sizes.max():.3g}, and its "
            "square overflows",
            hint="measure it in a larger unit",
        )
    if facts.rows < least:
        raise _too_few(facts.rows, spec)


def _too_few(rows: int, spec: DesignSpec) -> DesignError:
    """Name the factor that most of the columns come from, if there is one."""
    return DesignError(
        f"{rows:,} rows cannot determine {spec.k:,} columns{spec.widest} and the scale",
        hint="a fit needs more rows than columns"
        + (
            ". Text, dates and categories have a column for each level: is one of them meant to be "
            "a number? In a text file a mark for missing values or between thousands makes text "
            "of numbers: read_csv has na_values= and thousands=. An identifier belongs out of the "
            "formula"
            if spec.widest
            else ""
        ),
    )


def check_responses(bad: Impossible | None, family: Any, spec: DesignSpec, source: Source) -> None:
    """Refuse a response that the family cannot have.

    Raises
    ------
    DesignError
        There is one, where it says.
    """
    if bad is not None:
        raise DesignError(
            f"{spec.endog_name!r} is {bad.value:.15g} at row {bad.row} of "
            f"{source.partitions[bad.partition].label}, which the {type(family).__name__} family "
            "cannot have"
        )


def warn_of_levels(spec: FormulaSpec, family: Any) -> None:
    """Say which level a binomial model takes for success, where nobody wrote it down.

    Parameters
    ----------
    spec : FormulaSpec
        The learned formula.
    family : Family or None
        Only a Binomial one has two values.
    """
    response = spec.response
    if response is None or not isinstance(family, families.Binomial):
        return
    code, (first, other) = response
    warn_caller(
        f"the binomial response {code!r} is categorical: P({code} = {first}) is modelled, that "
        f"of the first of its levels, as in statsmodels. For P({code} = {other}) write "
        f"{response.reversed} ~ ..., or {response.in_order} ~ ... to say that this is meant.",
        ResponseWarning,
    )
