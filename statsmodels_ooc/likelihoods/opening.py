"""From a formula and whatever holds the data to a stream of blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import statsmodels.formula
from patsy import EvalEnvironment

from statsmodels_ooc.design.formula import FormulaSpec, formula_columns, learn_formula
from statsmodels_ooc.engine import Ledger, StreamedRows, read_frames, scan_frames, spool_slow
from statsmodels_ooc.errors import ColumnNotFoundError, DesignError
from statsmodels_ooc.options import options
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.subset import condition_columns, subset_source

__all__ = ["check_missing", "environment", "open_formula"]


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
    return StreamedRows(source, spec, ledger, original), spec


def _scan(source: Any, ledger: Ledger, scan: Any, columns: Sequence[str], encoded: Any) -> Any:
    return scan_frames("levels", source, columns, encoded, scan, ledger)


def _read(source: Any, ledger: Ledger, name: str, columns: Sequence[str]) -> Any:
    return read_frames(name, source, columns, ledger)


def environment(eval_env: Any, depth: int) -> EvalEnvironment:
    """Where a formula's names are looked up; frames are counted as statsmodels does."""
    if isinstance(eval_env, EvalEnvironment):
        return eval_env
    if isinstance(eval_env, Mapping):
        return EvalEnvironment([dict(eval_env)])
    if eval_env == -1:
        return EvalEnvironment([{}])
    frames = 0 if eval_env is None else max(int(eval_env) - 1, 0)
    return EvalEnvironment.capture(frames + depth)


def check_missing(missing: str) -> None:
    """Refuse what is no way to treat missing values."""
    if missing not in ("none", "drop", "raise"):
        raise ValueError(f"missing option {missing} not understood")
