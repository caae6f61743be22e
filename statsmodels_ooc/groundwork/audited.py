"""Rows that no fit can be made of are refused by what an audit found."""

from __future__ import annotations

from typing import Any

import numpy as np

from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.errors import DesignError, EmptyDataError, MissingDataError
from statsmodels_ooc.reductions.audit import RowAuditState
from statsmodels_ooc.reductions.responses import Impossible
from statsmodels_ooc.sources.base import Source

__all__ = ["check_audit", "check_responses"]

_LARGEST = 1e140  # sums of squares beyond it may overflow


def check_audit(audit: RowAuditState, spec: DesignSpec, source: Source, least: int) -> None:
    """Refuse no rows, values that are not finite or whose squares overflow, too few rows.

    Parameters
    ----------
    audit, spec, source
        What the rows were, the design and the data.
    least : int
        How many rows there must be.

    Raises
    ------
    EmptyDataError, MissingDataError, DesignError
        As said.
    """
    k, name = spec.k, source.name
    if audit.rows_read == 0:
        raise EmptyDataError(source.no_rows)
    if audit.rows == 0:
        lost = ", ".join(f"{n:,} in {c!r}" for c, n in audit.missing.items())
        raise EmptyDataError(
            f"no row of the {audit.rows_read:,} in {name} is left"
            + (f"; missing values: {lost}" if lost else "")
        )
    bad = audit.not_finite
    if bad is not None:
        what = spec.endog_name if bad.column == k else spec.exog_names[bad.column]
        side = "endog" if bad.column == k else "exog"
        label = source.partitions[bad.partition].label
        raise MissingDataError(
            f"{side} contains inf or nans: {what!r} is {bad.value} at row {bad.row} of {label}",
            hint="missing='drop' leaves out NaN; infinities must be mended in the data",
        )
    sizes = np.maximum(np.abs(audit.low), np.abs(audit.high))
    if sizes.max() > _LARGEST:
        names = (*spec.exog_names, spec.endog_name)
        raise DesignError(
            f"{names[int(sizes.argmax())]!r} in {name} reaches {sizes.max():.3g}, and its "
            "square overflows",
            hint="measure it in a larger unit",
        )
    if audit.rows < least:
        raise _too_few(audit.rows, spec)


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
