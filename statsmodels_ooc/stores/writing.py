"""Writing a design: a new store, what is left of one, or more rows for it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from xxhash import xxh3_64

from statsmodels_ooc.design.anew import formula_anew
from statsmodels_ooc.design.learned import FormulaSpec
from statsmodels_ooc.engine import Ledger, StreamedRows, design_rows, spool_slow
from statsmodels_ooc.errors import (
    DesignError,
    EmptyDataError,
    OutOfCoreError,
    ParseError,
    SourceChangedError,
    WriteError,
)
from statsmodels_ooc.reductions.lost import LostRows
from statsmodels_ooc.sources.base import NO_ROWS, Source
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.design_file import About, Mark, look
from statsmodels_ooc.sources.design_writing import DesignFile, store_errors
from statsmodels_ooc.sources.identity import parts_of, tells_changes
from statsmodels_ooc.sources.seam import touch
from statsmodels_ooc.sources.subset import subset_source

_UNMARKED = 2**26  # bytes of rows that an interruption may cost


def part_of(path: str) -> str:
    """Where a store is while it is written."""
    return f"{path}.part"


@dataclass(frozen=True)
class Target:
    """Where a store is to be, and what may happen to what is there.

    Attributes
    ----------
    path : str
        The file, absolute.
    overwrite, resume : bool
        Whether a file may be replaced, and an interrupted one be continued.
    """

    path: str
    overwrite: bool
    resume: bool

    @property
    def part(self) -> str:
        """The file while it is written."""
        return part_of(self.path)

    def check(self) -> bool:
        """Whether there is something to continue.

        Raises
        ------
        WriteError
            Something is there, and nobody said what is to become of it; or its folder is not.
        """
        parent = os.path.dirname(self.path)
        if not os.path.isdir(parent):
            raise WriteError(
                f"{self.path} cannot be written: there is no folder {parent}",
                hint="make it first",
            )
        if os.path.isdir(self.path):
            raise WriteError(f"{self.path} is a folder", hint="give the path of a file")
        if os.path.lexists(self.path) and not self.overwrite:
            raise WriteError(
                f"{self.path} is there already",
                hint="open_store(path) opens it, store.append(data) adds rows to it, and "
                "overwrite=True replaces it once the new one is whole",
            )
        if not os.path.lexists(self.part):
            return False
        if self.resume:
            return True
        if not self.overwrite:
            raise WriteError(
                f"the writing of {self.path} was interrupted: {self.part} is what is there of it",
                hint="resume=True, with the same formula and data, continues it; overwrite=True "
                "begins again",
            )
        return False


def new_store(
    target: Target,
    rows: StreamedRows,
    spec: FormulaSpec,
    compression: str,
    roles: Mapping[str, str],
) -> None:
    """Write a store from the first row on.

    Raises
    ------
    WriteError
        It cannot be written; nothing of it stays, unless it is to be resumed.
    EmptyDataError, DesignError
        No row is left, or the design has no column.
    """
    if spec.k == 0:
        raise DesignError("the design has no column", hint="'y ~ 1' has a constant")
    kept = dict(roles)
    if len(spec.endog_names) == 2:
        kept["trials"] = " + ".join(spec.endog_names)
    about = About(
        formula=_described(spec.formula),
        exog_names=list(spec.exog_names),
        endog_names=list(spec.endog_names),
        roles=kept,
        levels={
            factor.name(): [_plain(level) for level in info.categories]
            for factor, info in spec.learned.factors.items()
            if info.type == "categorical"
        },
        variables=[factor.name() for factor in spec.learned.factors],
        data=rows.source.name,
        fingerprint=_fingerprint(rows.whole_source),
        compression=compression,
    )
    try:
        file = DesignFile.create(target.part, about, pickle.dumps(spec))
    except BaseException:
        _removed(target.part)
        raise
    _filled(target, file, rows)


def resumed_store(target: Target, data: Any, subset: Any, formula: Any) -> None:
    """Continue a store that was interrupted, behind the last partition that is whole.

    Raises
    ------
    ParseError
        What is there is damaged.
    SourceChangedError
        The formula or the data are others, or nothing tells whether the data are.
    """
    file = DesignFile.reopen(target.part)
    try:
        spec = pickle.loads(file.spec)
        source = as_source(data)
        source = source if subset is None else subset_source(source, subset)
        about = file.about
        if formula is not None and _described(formula) != about.formula:
            raise SourceChangedError(
                f"{target.part} is of the formula {about.formula!r}, not {_described(formula)!r}",
                hint="resume with the same formula, or begin again with overwrite=True",
            )
        if _fingerprint(source) != about.fingerprint:
            raise SourceChangedError(
                f"the partitions of {source.name} are not those of {about.data}, of which "
                f"{target.part} has {file.mark.partitions:,}",
                hint="resume with the same data, or begin again with overwrite=True",
            )
        if file.mark.partitions and not tells_changes(source):
            raise SourceChangedError(
                f"nothing tells whether the rows of {source.name} are still those of which "
                f"{target.part} has {file.mark.partitions:,} partitions",
                hint="begin again with overwrite=True; what can be resumed is a store of files and "
                "of tables of files (Parquet, CSV, Arrow, HDF5, Delta, Iceberg)",
            )
        ledger = Ledger()
        copied = spool_slow(source, list(spec.columns), ledger)
        rows = StreamedRows(copied, spec, ledger)
    except BaseException:
        file.abandon()
        raise
    _filled(target, file, rows)


def _filled(target: Target, file: DesignFile, rows: StreamedRows) -> None:
    """Write the rows, and give the file its name; remove it where that fails."""
    try:
        mark = _appended(file, rows, file.mark, every=_UNMARKED)
        if not mark.rows:
            raise EmptyDataError(
                f"no row of the {mark.read:,} in {rows.source.name} is left for a store",
                hint=NO_ROWS,
            )
        file.commit(replace(mark, state="complete"))
        file.close()
        _require_written(target.part, 0)
        with store_errors(target.path):
            touch("rename", target.path)
            os.replace(target.part, target.path)
    except BaseException:
        file.abandon()
        if not target.resume:
            _removed(target.part)
        raise


def more_rows(path: str, spec: FormulaSpec, data: Any) -> None:
    """Append the rows of other data, all of them or none.

    Raises
    ------
    UnseenLevelError, DesignError, SourceError
        The data do not fit the design; the store is as it was.
    WriteError
        The store cannot be written.
    """
    source = as_source(data)
    own = frozenset(spec.learned.extras)
    anew = formula_anew(spec, source, {}, own=own, response=True)
    known = anew.learned._replace(strict=True, missing=spec.learned.missing)
    rows = StreamedRows(source, FormulaSpec(known))
    rows.fold("rows to append", LostRows())  # what is wrong with them shows before the file changes
    file = DesignFile.reopen(path)
    before = file.mark
    try:
        file.commit(replace(before, state="appending"))
        mark = _appended(file, rows, before, every=None)
        file.commit(replace(mark, partitions=before.partitions, state="complete"))
        file.close()
        _require_written(path, before.segments)
    except BaseException:
        file.abandon()
        with suppress(OutOfCoreError):  # its mark counts the rows that were there before, or it
            file = DesignFile.reopen(path)  # is refused when it is opened
            file.rolled_back(before)
            file.close()
        raise


def _require_written(path: str, first: int) -> None:
    """Read what was written: HDF5 does not tell of all that the system has refused.

    Raises
    ------
    WriteError
        It is not there.
    """
    try:
        look(path, all_rows=True, first=first)
    except ParseError as error:
        raise WriteError(
            f"the design store {path} is not what was written into it: {error}",
            hint="is the disk full? Make room, or write it elsewhere",
        ) from error


def _appended(file: DesignFile, rows: StreamedRows, mark: Mark, every: int | None) -> Mark:
    """Hand rows to a file, with a mark at the end of a partition where many have none.

    Returns
    -------
    Mark
        What counts all of them, not yet written.
    """
    roles = list(file.about.roles)
    first = mark.partitions if every is not None else 0
    before = mark.read
    for part in design_rows(rows, roles, first=first, before=before):
        file.append(part.exog, part.endog, part.beside, part.dropped)
        missing = dict(mark.missing)
        for name, count in part.missing.items():
            missing[name] = missing.get(name, 0) + count
        mark = replace(
            mark,
            rows=mark.rows + len(part.endog),
            beside=mark.beside + (len(part.endog) if roles else 0),
            read=mark.read + part.read,
            dropped=mark.dropped + len(part.dropped),
            missing=missing,
            partitions=mark.partitions if part.ends is None else part.ends,
        )
        if part.ends is not None and every is not None and file.unmarked >= every:
            file.commit(mark)
    return mark


def _plain(level: Any) -> Any:
    """A level as JSON has it: a number, a truth value, or text."""
    value = level.item() if hasattr(level, "item") else level
    return value if isinstance(value, bool | int | float) else str(value)


def _described(formula: Any) -> str:
    return formula if isinstance(formula, str) else str(formula.describe())


def _fingerprint(source: Source) -> str:
    """What tells the partitions of data apart from those of others."""
    return str(xxh3_64(repr(parts_of(source)).encode()).hexdigest())


def _removed(path: str) -> None:
    with suppress(OSError):
        touch("remove", path)
        os.remove(path)
