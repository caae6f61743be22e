"""A design in a file: what it is, its rows as dask arrays, and more rows for it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.design.environment import environment
from statsmodels_ooc.design.learned import FormulaSpec
from statsmodels_ooc.errors import OptionError, ParseError, WriteError
from statsmodels_ooc.sources.dask_design import dask_rows
from statsmodels_ooc.sources.design_file import (
    BESIDE,
    DROPPED,
    ENDOG,
    EXOG,
    chunks_of_rows,
    columns_of,
    look,
    read_array,
    require_tables,
)
from statsmodels_ooc.sources.files import list_files
from statsmodels_ooc.sources.hdf5 import Hdf5Partition, Hdf5Source, Piece
from statsmodels_ooc.sources.hdf5_layout import Field, Layout, plain_kind
from statsmodels_ooc.sources.secrets import without_secrets
from statsmodels_ooc.sources.stored_design import StoredDesign
from statsmodels_ooc.stores.writing import (
    Target,
    Wanted,
    more_rows,
    new_store,
    part_of,
    resumed_store,
)

_DASK_ROWS = 131_072  # of a chunk of a dask array, where rows are not wide
_DOUBLE = plain_kind(np.dtype(np.float64))
_LISTED = 20  # columns in a table


def design_store(
    path: str | os.PathLike[str],
    formula: Any = None,
    data: Any = None,
    *,
    weights: str | None = None,
    offset: str | None = None,
    freq_weights: str | None = None,
    var_weights: str | None = None,
    subset: Any = None,
    drop_cols: Sequence[str] | None = None,
    missing: str = "drop",
    eval_env: Any = None,
    compression: str = "blosc2:lz4",
    overwrite: bool = False,
    resume: bool = False,
) -> DesignStore:
    """Write the design of a formula into a file, to be read many times.

    Parameters
    ----------
    path : str or os.PathLike
        The file, HDF5 by its contents. Without a formula it is opened, see `open_store`.
    formula : str
        As for the models; evaluated here, and not again where the store is used.
    data : path, list of paths, glob, Source, DataFrame, ...
        Whatever `as_source` takes, larger than memory.
    weights, offset, freq_weights, var_weights : str, optional
        Columns, or expressions in columns, that are written beside the rows. Models of the
        store that have such a thing use it. An exposure is an offset: ``np.log(years)``.
    subset, drop_cols, missing, eval_env
        As for ``from_formula``.
    compression : {"blosc2:lz4", "blosc2:zstd", "blosc2:blosclz", "zlib", "none"}
        How PyTables compresses. Doubles of which no two are the same hardly shrink; columns of
        zeros and ones nearly vanish. Other programs than PyTables read "zlib".
    overwrite : bool
        Whether a file of this name is replaced, once the new one is whole.
    resume : bool
        Whether writing that was interrupted goes on behind the last partition that is whole;
        and whether what is there stays when it fails.

    Returns
    -------
    DesignStore
        Its rows are dask arrays, and every model takes it in place of endog and exog.

    Raises
    ------
    WriteError
        There is a file of this name, or writing was interrupted, and neither `overwrite` nor
        `resume` is told; it cannot be written, for one since the disk is full.
    SourceChangedError
        It cannot be resumed: formula, data or other arguments are others, or what the formula
        uses of the caller's scope.
    ParseError
        What is there to be resumed is damaged.
    MissingExtraError
        PyTables is not installed.
    SourceError, DesignError
        The data or the formula is at fault; see `statsmodels_ooc.errors`.

    Notes
    -----
    The rows are written chunk by chunk into ``path + ".part"``, which takes the name `path` when
    all of them are on the disk: a store of that name is whole. After every 64 MiB, at the end of
    a partition, a mark says how many rows are whole, with their checksums. ``resume=True`` holds
    the rows against these, and goes on there. Data are recognized by the names, sizes and
    versions of their partitions, such as the time at which a file was written; where nothing
    tells whether rows have changed (databases, functions, frames), no store is resumed.

    Rows with missing values are left out, counted, and known by their numbers. Names, levels
    and formula are text in the file. What was learned of the formula, with which new data are
    seen, is a pickle: it is read when a model is made or rows are appended, and runs what it
    says. Make no model of a stranger's store. (PyTables unpickles attributes besides; a store
    has none that are pickled.)

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, pandas as pd
    >>> import statsmodels_ooc.api as smo
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame({"x": rng.normal(size=1000), "g": rng.choice(["a", "b"], 1000)})
    >>> frame["y"] = 1 + frame["x"] + rng.normal(size=1000)
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "design.h5")
    >>> store = smo.design_store(path, "y ~ x + g", frame)
    >>> store.exog.shape, store.exog_names
    ((1000, 3), ('Intercept', 'g[T.b]', 'x'))
    >>> smo.OLS(store).fit().params.round(2).to_dict()
    {'Intercept': 1.0, 'g[T.b]': -0.09, 'x': 1.02}
    >>> folder.cleanup()
    """
    if formula is None and data is None:
        return open_store(path)
    if data is None or (formula is None and not resume):
        raise OptionError(
            "a store is written of a formula and data, and opened with neither",
            hint="design_store(path, 'y ~ x', data), or open_store(path)",
        )
    if isinstance(path, str) and isinstance(formula, str) and _is_formula(path, formula):
        raise OptionError(
            f"the path is {path!r} and the formula {formula!r}: they are swapped",
            hint="the path comes first: design_store(path, formula, data)",
        )
    if overwrite and resume:
        raise OptionError("overwrite=True begins again, resume=True goes on: one of the two")
    target = Target(_absolute(path), overwrite, resume)
    require_tables(target.path)
    given = {
        "weights": weights,
        "offset": offset,
        "freq_weights": freq_weights,
        "var_weights": var_weights,
    }
    roles = {role: code for role, code in given.items() if code is not None}
    wanted = Wanted(formula, environment(eval_env, depth=2), roles, subset, drop_cols, missing)
    if target.check():
        resumed_store(target, wanted, data)
    else:
        new_store(target, wanted, data, compression)
    return open_store(path)


def _is_formula(path: str, formula: str) -> bool:
    return "~" in path and not path.startswith("~") and "~" not in formula


def open_store(path: str | os.PathLike[str]) -> DesignStore:
    """Open a design that `design_store` has written.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    DesignStore
        Its rows are read when they are needed.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    WriteError
        It was not written to its end.
    ParseError
        It is no design store, or damaged. Where appending was interrupted all rows are held
        against their checksums; the store has those that were there before.
    """
    whole = _absolute(path)
    if not os.path.lexists(whole) and os.path.lexists(part_of(whole)):
        raise WriteError(
            f"the writing of {whole} was interrupted: {part_of(whole)} is what is there of it",
            hint="design_store(path, formula, data, resume=True) continues it, overwrite=True "
            "begins again",
        )
    return DesignStore(whole)


def _absolute(path: str | os.PathLike[str]) -> str:
    given = os.fspath(path)
    if not given or "://" in given:
        raise WriteError(
            f"{without_secrets(given)!r} is no local file, where design stores are",
            hint="copy it there",
        )
    return os.path.abspath(os.path.expanduser(given))


@dataclass(frozen=True)
class StoredPartition(Hdf5Partition):
    """Consecutive rows of a store, labelled by their numbers in the data."""

    dropped: int = 0  # rows of the data that are none of the store

    @property
    def labels(self) -> pd.Index[Any] | None:
        """The numbers of the rows in the data, where some of these were dropped."""
        if not self.dropped:
            return None
        gone = read_array(self.file.path, DROPPED, 0, self.dropped)
        rows = np.arange(self.start, self.stop)
        before = np.searchsorted(gone - np.arange(len(gone)), rows, side="right")
        found: pd.Index[Any] = pd.Index(rows + before)
        return found


class DesignStore(StoredDesign, Hdf5Source):
    """A design in a file; made by `design_store`, opened by `open_store`.

    Attributes
    ----------
    path : str
        The file.
    formula : str
        As it was written.
    exog_names : tuple of str
        The k columns of the design.
    endog_name : str
        The response.
    rows_read : int
        Rows of the data, with those that were dropped.
    dropped : dict
        Rows without a value, by variable.
    factor_levels : dict
        Levels of the categorical factors, as text has them.
    roles : dict
        What is beside the rows, by role: the expression.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._open()

    def _open(self) -> None:
        """Find out what the file is now."""
        (self._file,) = list_files(self.path, ()).files
        found = look(self.path)
        self._known = found
        about, mark = found.about, found.mark
        self.formula = about.formula
        self.exog_names = tuple(about.exog_names)
        self.endog_name = " + ".join(about.endog_names)
        self.rows_read = mark.read
        self.dropped: Mapping[str, int] = dict(mark.missing)
        self.factor_levels = {name: tuple(levels) for name, levels in about.levels.items()}
        self.roles = dict(about.roles)
        exog, endog, extras = columns_of(about)
        self.exog_columns, self.endog_columns = tuple(exog), tuple(endog)
        self.extra_columns = extras
        listed = [
            Field(endog[0], ENDOG, (), None, _DOUBLE),
            *(Field(name, EXOG, (), j, _DOUBLE) for j, name in enumerate(exog)),
            *(Field(name, BESIDE, (), j, _DOUBLE) for j, name in enumerate(extras.values())),
        ]
        widths = ((ENDOG, 8), (EXOG, 8 * len(exog)), (BESIDE, 8 * max(len(extras), 1)))
        layout = Layout("/", mark.rows, found.chunk_rows, tuple(listed), widths)
        Hdf5Source.__init__(self, [Piece(self._file, "tables", layout, "utf-8")], self.path)
        self._labelled = [
            StoredPartition(
                **{part.name: getattr(one, part.name) for part in fields(one)},
                dropped=mark.dropped,
            )
            for one in super().partitions
        ]

    @property
    def partitions(self) -> Sequence[StoredPartition]:
        """Ranges of rows."""
        return self._labelled

    # --- rows

    @property
    def exog(self) -> Any:
        """The design, a dask array, (n, k)."""
        return self._array(EXOG, len(self.exog_names))

    @property
    def endog(self) -> Any:
        """The response, a dask array, (n,); of successes and failures the share of the former."""
        return self._array(ENDOG)

    @property
    def arrays(self) -> Mapping[str, Any]:
        """All rows by what they are: ``endog``, ``exog``, ``weights`` and the like."""
        beside = {role: self._array(BESIDE, None, column) for column, role in enumerate(self.roles)}
        return {"endog": self.endog, "exog": self.exog, **beside}

    def _array(self, node: str, width: int | None = None, column: int | None = None) -> Any:
        k = len(self.exog_names)
        chunks = chunks_of_rows(self.nobs, self._known.chunk_rows, 8 * k, _DASK_ROWS)
        return dask_rows(self._file, node, tuple(chunks), width, column)

    @property
    def nobs(self) -> int:
        """The number of rows of the design."""
        return self._known.mark.rows

    @property
    def dropped_rows(self) -> NDArray[np.int64]:
        """Numbers of the rows of the data that were left out, (d,), of all that were written."""
        return read_array(self.path, DROPPED, 0, self._known.mark.dropped)

    # --- what was learned

    @cached_property
    def learned(self) -> Any:
        """The formula as it was learned: terms, levels, memorised transforms.

        Raises
        ------
        ParseError
            The pickle cannot be read here, for one since a function of the formula is not there.
        """
        data = read_array(self.path, "/spec", 0, None).tobytes()
        try:
            return pickle.loads(data).learned
        except Exception as error:
            raise ParseError(
                f"what {self.path} has of the formula {self.formula!r} cannot be read here: "
                f"{type(error).__name__}: {error}",
                hint="its rows can: smo.OLS(store.endog, store.exog). Functions of the formula "
                "must be found where they were, and the versions of patsy and Python be close",
            ) from error

    @property
    def design_info(self) -> Any:
        """Patsy's description of the design: terms, slices, contrasts."""
        _, right = self.learned.sides
        return right

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "learned"}

    # --- more rows

    def append(self, data: Any) -> None:
        """Append the rows of other data, seen with what was learned: all of them or none.

        Parameters
        ----------
        data : path, Source, DataFrame, ...
            Whatever `as_source` takes, with the columns of the formula.

        Raises
        ------
        UnseenLevelError
            A level was not learned. The store is as it was, as after all other errors.
        WriteError
            It cannot be written, for one since it is open elsewhere.
        SourceError, DesignError
            The data do not fit the formula.

        Notes
        -----
        Whatever was made of the store before, models and dask arrays, tells that the file has
        changed when it reads again. Centring and other transforms remember the first data.
        """
        self._file.now()
        spec = FormulaSpec(self.learned)
        try:
            more_rows(self.path, spec, data)
        finally:
            self._open()

    def verify(self) -> None:
        """Read all rows and hold them against their checksums.

        Raises
        ------
        ParseError
            The file is damaged.
        """
        look(self.path, all_rows=True)

    # --- looks

    def __repr__(self) -> str:
        lost = self.rows_read - self.nobs
        left_out = f", {lost:,} dropped" if lost else ""
        return (
            f"<DesignStore {self.path}: {self.formula!r}, {self.nobs:,} rows{left_out}, "
            f"{len(self.exog_names):,} columns, {self._file.size:,} bytes>"
        )

    def _repr_html_(self) -> str:
        names = self.exog_names
        cells = "".join(f"<tr><td>{escape(name)}</td></tr>" for name in names[:_LISTED])
        more = len(names) - _LISTED
        cells += f"<tr><td>and {more:,} more</td></tr>" if more > 0 else ""
        return (
            f"<p><b>{escape(repr(self)[1:-1])}</b></p>"
            f"<table><tr><th>column</th></tr>{cells}</table>"
        )
