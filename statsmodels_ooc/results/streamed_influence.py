"""Influence of rows that stay outside memory: what one pass reads, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.engine import (
    LazyAnswers,
    RowArray,
    RowFunction,
    StreamedRows,
    row_answer,
    row_method,
)
from statsmodels_ooc.errors import LeverageWarning, MemoryLimitError, warn_caller
from statsmodels_ooc.families.elementwise import quiet
from statsmodels_ooc.options import options
from statsmodels_ooc.results.measures import Base, OneMeasure, RowMeasures, Table

# Of residual and leverage alone: no difference is taken that may lose its digits.
_WHOLE = ("hat_diag", "standard_resid", "cooks_d", "dffits_internal", "hat_diag_factor")


class measure(row_answer):
    """A property: a column for every row, or a pair of one and something else.

    Parameters
    ----------
    doc : str
        What it is.
    *parts : str or callable
        Names of columns; and of the influence, what stands beside one.
    """

    def __init__(self, doc: str, *parts: str | Callable[[Any], Any]) -> None:
        super().__init__(lambda owner: self._made(owner, owner.measured))
        self.parts = parts
        self.__doc__ = doc

    def lazily(self, owner: Any) -> Any:
        """The same, with lazy columns of any size."""
        return self._made(owner, owner.lazily)

    def _made(self, owner: Any, give: Callable[[str], Any]) -> Any:
        found = tuple(give(p) if isinstance(p, str) else p(owner) for p in self.parts)
        return found if len(found) > 1 else found[0]

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self
        found = self.ask(owner)
        first = found[0] if isinstance(found, tuple) else found
        if not isinstance(first, RowArray):
            owner.__dict__[self.name] = found
        return found


class frame_method(row_method):
    """A method that gives a DataFrame, lazily one of dask's."""

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else self.ask.__get__(owner)

    def lazily(self, owner: Any) -> Callable[..., Any]:
        """The method that gives a DataFrame of dask, in the order of the rows."""

        @wraps(self.ask)
        def method() -> Any:
            asked = RowFunction(owner.table, len(owner.frame_names))
            rows = asked.lazily(owner.open_rows())
            return rows.to_dask_dataframe(  # type: ignore[no-untyped-call]
                columns=list(owner.frame_names)
            )

        return method


class NamedMeasures:
    """A mixin: the columns of the summary frame by their names, for files of rows."""

    measures: Any
    table_columns: tuple[str, ...]
    frame_names: Any
    refine: Any

    def row_functions(self) -> dict[str, Callable[[], RowFunction]]:
        """What has a number for every row, by the names of the summary frame, for `write_rows`."""
        makers = {name: self._maker(name) for name in self.table_columns}
        names = self.frame_names[: len(self.frame_names) - len(self.table_columns)]
        wide = {name: self._maker("dfbetas", j) for j, name in enumerate(names)}
        return {**wide, **makers}

    def _maker(self, name: str, column: int | None = None) -> Callable[[], RowFunction]:
        def make() -> RowFunction:
            if name not in _WHOLE:
                self.refine()
            return RowFunction(OneMeasure(self.measures, name, column))

        return make


class StreamedInfluence(NamedMeasures):
    """A mixin in front of statsmodels' classes: measures of influence without the rows.

    What all columns follow from is read in one pass, together, and kept while it is smaller
    than ``smo.options.array_limit``; so is what leaving a row out changes in the coefficients.

    Attributes
    ----------
    results : results
        Of a model that streams.
    """

    results: Any
    table_columns: tuple[str, ...]  # of the summary frame, behind those of the coefficients
    _base: FloatArray | None = None
    _changes: FloatArray | None = None
    has_refined: bool = False  # whether `refine` has been asked
    _has_told: bool = False  # of rows of leverage one

    def __init__(self, results: Any) -> None:
        self.results = results
        self.nobs, self.k_vars = int(results.model.nobs), int(results.model.spec.k)

    @property
    def model_class(self) -> Any:
        """The class of the model."""
        return type(self.results.model)

    @cached_property
    def measures(self) -> RowMeasures:
        """The closed forms."""
        raise NotImplementedError

    @property
    def table(self) -> Table:
        """The columns of the summary frame."""
        return Table(self.measures, "dfbetas", self.table_columns)

    @property
    def frame_names(self) -> tuple[str, ...]:
        """The names of the columns of the summary frame."""
        names = self.results.model.data.xnames
        return (*(f"dfb_{name}" for name in names), *self.table_columns)

    @property
    def lazy(self) -> LazyAnswers:
        """What has a value for every row, as dask arrays of whatever size."""
        return LazyAnswers(self)

    def open_rows(self) -> StreamedRows:
        """The rows."""
        rows: StreamedRows = self.results.open_rows()
        return rows

    # --- columns

    def measured(self, name: str) -> FloatArray | RowArray:
        """A measure from what is known of the rows, by a pass of its own, or lazily."""
        is_wide = name in self.measures.wide_names
        if not self.fits(self._asked(name).width or 1):
            return self.lazily(name)
        base, changes = self._known(name, changes=is_wide)
        if base is None:
            return self._asked(name).answer(self.open_rows(), name)
        with quiet():
            if not is_wide:
                return self.measures.column(name, base)
            assert changes is not None
            return self.measures.wide(name, base, changes)

    def lazily(self, name: str) -> RowArray:
        """A measure as a dask array, whatever its size."""
        return self._asked(name).lazily(self.open_rows())

    def _asked(self, name: str) -> RowFunction:
        width = self.measures.k if name in self.measures.wide_names else None
        return RowFunction(OneMeasure(self.measures, name), width)

    def fits(self, width: int) -> bool:
        """Whether so many numbers a row are held in memory."""
        return bool(8 * self.nobs * width <= options.array_limit)

    def _known(self, name: str, *, changes: bool) -> tuple[FloatArray | None, FloatArray | None]:
        """What all measures follow from, read once; None where it is too large to be kept."""
        rows, width = self.open_rows(), self.measures.width
        if changes and self._changes is None:
            more = width + self.measures.k
            if not self.fits(more):
                return None, None
            found = rows.read(name, Base(self.measures, changes=True), more)
            self._changes = found[:, width:]
            self._keep(found[:, :width])
        elif self._base is None:
            if not self.fits(width):
                return None, None
            self._keep(rows.read("influence", Base(self.measures), width))
        return self._base, self._changes

    def refine(self) -> bool:
        """Find what rows need whose differences have lost their digits; whether it was found."""
        return False

    def settle(self, base: FloatArray) -> None:
        """Put what `refine` has found in place of what is lost of all rows, (n, width)."""

    def _keep(self, base: FloatArray) -> None:
        """Keep what all columns follow from; warn of rows of leverage one."""
        if self.measures.lost(base).any() and (self.refine() or self.has_refined):
            self.settle(base)
        self._base = base
        alone = np.flatnonzero(base[:, self.measures.leverage] == 1.0)
        if len(alone) and not self._has_told:
            self._has_told = True
            rows = self.open_rows()
            partition, row = rows.place_of(int(alone[0]))
            warn_of_leverage(rows, partition, row, len(alone))

    # --- tables

    @frame_method
    def summary_frame(self) -> pd.DataFrame:
        """All measures, one row for each row of the data, in one pass.

        Returns
        -------
        DataFrame
            As statsmodels': ``dfb_`` and the name of each coefficient, and the columns of
            the class. ``lazy.summary_frame()`` is one of dask's, in the order of the rows.

        Raises
        ------
        MemoryLimitError
            It is larger than ``smo.options.array_limit``.
        """
        names = self.frame_names
        if not self.fits(len(names)):
            raise MemoryLimitError(
                f"summary_frame of {self.nobs:,} rows and {len(names):,} columns would have "
                f"{8 * self.nobs * len(names):,} bytes; array_limit is {options.array_limit:,}",
                hint="res.top_influence(m) has the m rows of most influence; "
                "get_influence().lazy.summary_frame() is a dask DataFrame",
            )
        base, changes = self._known("summary_frame", changes=True)
        if base is None:
            asked = RowFunction(self.table, len(names))
            values = asked.answer(self.open_rows(), "summary_frame")
        else:
            values = self.table.of(base, changes)
        return pd.DataFrame(values, self.results.model.data.row_labels, list(names))

    def require_rows(self, what: str) -> None:
        """Refuse what shows every row, where these are too many to be held."""
        if not self.fits(1):
            raise MemoryLimitError(
                f"{what} shows a point or a line for each of {self.nobs:,} rows; array_limit is "
                f"{options.array_limit:,}",
                hint="res.top_influence(m) has the m rows of most influence",
            )

    def plot_influence(self, *args: Any, **kwargs: Any) -> Any:
        """Studentised residuals against leverages, as statsmodels; below ``array_limit``."""
        self.require_rows("plot_influence")
        return super().plot_influence(*args, **kwargs)  # type: ignore[misc]

    def plot_index(self, *args: Any, **kwargs: Any) -> Any:
        """A measure in the order of the rows, as statsmodels; below ``array_limit``."""
        self.require_rows("plot_index")
        return super().plot_index(*args, **kwargs)  # type: ignore[misc]

    def __getstate__(self) -> dict[str, Any]:
        kind = type(self)
        return {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("_base", "_changes")
            and not isinstance(getattr(kind, name, None), row_answer)
        }


def warn_of_leverage(rows: StreamedRows, partition: int, row: int, count: int) -> None:
    """Warn of rows that determine coefficients alone, so that nothing tells their influence.

    Parameters
    ----------
    rows : StreamedRows
        The data.
    partition, row : int
        Where the first of them stands.
    count : int
        How many there are.
    """
    where = f"row {row} of {rows.source.partitions[partition].label}"
    more = f" ({count:,} rows do, the first named)" if count > 1 else ""
    warn_caller(
        f"{where} has leverage one{more}: it determines coefficients alone, and the other rows say "
        "nothing about its residual. Its studentised residual, Cook's distance, DFFITS and the "
        "changes of those coefficients are NaN",
        LeverageWarning,
    )
