"""Rows with more beside each: arrays, columns, or expressions in columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from statsmodels_ooc.design.beside import spec_beside
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import StreamedRows

__all__ = ["rows_beside"]


def rows_beside(rows: StreamedRows, spec: DesignSpec, **given: Any) -> StreamedRows:
    """The same rows, with more beside each: `Extras.beside` of the blocks has it by name.

    Parameters
    ----------
    rows : StreamedRows
        The rows.
    spec : DesignSpec
        Their design.
    **given : str or array_like or dask Array, (n,) or (n, q)
        A column's name or an expression in columns; or values, in the order of the rows that
        the design keeps.

    Raises
    ------
    ColumnNotFoundError
        A name in an expression is no column of the data.
    DesignError
        There are not as many values as rows; an expression does not work row by row.
    """
    codes = {name: value for name, value in given.items() if isinstance(value, str)}
    if codes:
        source = rows.whole_source
        _ = source.partitions  # of rows that are gone, says so
        rows = replace(rows, source=source, spec=spec_beside(spec, source, codes))
    arrays = {name: value for name, value in given.items() if name not in codes}
    return rows.beside(**arrays) if arrays else rows
