"""Which factors make which columns of a design: patsy's codings, read once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from statsmodels_ooc._patsy import DesignInfo, subterm_columns
from statsmodels_ooc.blocks.columns import ColumnPlan, Piece

__all__ = ["plan_columns"]


def plan_columns(info: DesignInfo, factors: Sequence[Any]) -> tuple[ColumnPlan, ...]:
    """Plan every column of a design.

    Parameters
    ----------
    info : DesignInfo
        The learned design; its subterms and contrasts say what a column is.
    factors : sequence
        The factors in the order in which their values will come.
    """
    position = {factor: i for i, factor in enumerate(factors)}
    return tuple(
        tuple(
            _piece(position[factor], subterm.contrast_matrices.get(factor), column)
            for factor, column in zip(subterm.factors, columns, strict=True)
        )
        for subterms in info.term_codings.values()
        for subterm in subterms
        for columns in subterm_columns(info, subterm)
    )


def _piece(value: int, contrast: Any, column: int) -> Piece:
    if contrast is None:
        return Piece(value, column)
    weights = np.ascontiguousarray(contrast.matrix[:, column], dtype=np.float64)
    ones = np.flatnonzero(weights)
    is_indicator = len(ones) == 1 and weights[ones[0]] == 1
    return Piece(value, contrast=weights, level=int(ones[0]) if is_indicator else -1)
