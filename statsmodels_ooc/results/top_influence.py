"""The rows that influence a fit most, at any number of rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.checks import meant, shown, whole_number
from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.families.elementwise import quiet
from statsmodels_ooc.likelihoods.base import Question
from statsmodels_ooc.reductions.largest import LargestRows, LargestRowsState, Ranking, Scores
from statsmodels_ooc.results.measures import Table
from statsmodels_ooc.results.streamed_influence import StreamedInfluence, warn_of_leverage

_LISTED = 20  # measures in a message


@dataclass(frozen=True)
class ByMeasure:
    """Rank rows by the size of one of the columns of a table, and keep them whole.

    Attributes
    ----------
    table : Table
        The columns, those of the k coefficients first.
    at : int
        Which of them.
    """

    table: Table
    at: int

    @property
    def width(self) -> int:
        """Response, design, and all columns."""
        k = self.table.measures.k
        return 1 + 2 * k + len(self.table.columns)

    def scores(self, block: Block) -> Scores:
        """The sizes; of rows that have lost their digits above all others."""
        table, measures = self.table, self.table.measures
        is_wide = self.at < measures.k
        with quiet():
            base, changes, alone = measures.look(block, changes=is_wide)
            if changes is not None:
                found = measures.wide(table.wide, base, changes)[:, self.at]
            else:
                found = measures.column(table.columns[self.at - measures.k], base)
        lost = measures.lost(base)
        return Scores(np.where(lost, np.inf, np.abs(found)), alone, lost)

    def kept(self, block: Block) -> FloatArray:
        """The response, the design and the table of a few rows, (b, width)."""
        return np.column_stack((block.endog, block.dense(), self.table(block)))


def largest_rows(
    influence: StreamedInfluence,
    name: str,
    ranking: Callable[[], Ranking],
    m: int,
    *,
    by: Hashable = None,
    floor: float | None = None,
) -> LargestRowsState:
    """What a pass over all rows keeps, read once; warns of rows of leverage one.

    Parameters
    ----------
    influence : StreamedInfluence
        Whose measures rank the rows.
    name : str
        What the pass is called.
    ranking : callable
        Gives the ranking by the measures as they are.
    m : int
        How many rows are kept.
    by : hashable
        What tells apart rankings of this name.
    floor : float, optional
        Only rows with larger scores are kept.
    """
    rows = influence.open_rows()  # those that no fit can be made of are refused first
    key = (name, by, m, floor, influence.measures.key)
    question = Question(name, key, LargestRows(ranking(), m, floor))
    found: LargestRowsState
    (found,) = influence.results.model.likelihood.ask(question)
    if found.lost and influence.refine():
        return largest_rows(influence, name, ranking, m, by=by, floor=floor)
    if found.first is not None:
        warn_of_leverage(rows, *found.first, found.alone)
    return found


def top_influence(influence: StreamedInfluence, m: Any, by: str) -> pd.DataFrame:
    """The m rows with the largest of a measure, see `HasTopInfluence.top_influence`."""
    names = influence.frame_names
    if by not in names:
        listed = [*influence.table_columns, *names[: len(names) - len(influence.table_columns)]]
        raise OptionError(
            f"by={by!r} is no measure; {meant(by, names)}those that are: {shown(listed, _LISTED)}"
        )
    at, m = names.index(by), min(whole_number("m", m, 1), influence.nobs)
    found = largest_rows(
        influence, "top influence", lambda: ByMeasure(influence.table, at), m, by=by
    )
    rows = influence.open_rows()
    labels = [partition.label for partition in rows.source.partitions]
    data = influence.results.model.data
    response = data.ynames if isinstance(data.ynames, str) else "endog"
    columns = [response, *data.xnames, *names]
    values = pd.DataFrame(found.values, columns=columns)
    values.insert(0, "partition", [labels[p] for p in found.partitions], allow_duplicates=True)
    values.insert(1, "row_in_partition", found.rows, allow_duplicates=True)
    values.index = rows.labels_of(found.partitions, found.rows)
    return values


class HasTopInfluence:
    """A mixin for results that have `get_influence`."""

    def get_influence(self) -> Any:
        """The measures."""
        raise NotImplementedError

    def top_influence(self, m: int = 10, by: str = "cooks_d") -> pd.DataFrame:
        """The rows that influence the fit most.

        One pass, and memory for m rows, however many there are.

        Parameters
        ----------
        m : int
            How many rows.
        by : str
            What they are ranked by, largest size first: a column of
            ``get_influence().summary_frame()``, such as "cooks_d", "hat_diag",
            "student_resid", "dffits" or "dfb_x". Of equal rows those that come first are taken;
            rows where it is NaN come last.

        Returns
        -------
        DataFrame, (m, ...)
            "partition" and "row_in_partition", the label of the partition and the number of the
            row in it; the response and the columns of the design; and the columns of the summary
            frame. The index is that of ``res.resid``.

        Raises
        ------
        OptionError
            There is no such measure, or m is no positive whole number.
        MemoryLimitError
            So many rows do not fit.

        Warns
        -----
        LeverageWarning
            There are rows of leverage one, which have no Cook's distance; ``by="hat_diag"``
            shows them.
        """
        return top_influence(self.get_influence(), m, by)
