"""Writing a design: a new store, what is left of one, or more rows for it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from statsmodels_ooc.design.anew import formula_anew
from statsmodels_ooc.design.described import scope_in_words
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
from statsmodels_ooc.fingerprints import UntoldError, differences, in_words
from statsmodels_ooc.likelihoods.opening import open_formula
from statsmodels_ooc.reductions.lost import LostRows
from statsmodels_ooc.sources.base import NO_ROWS, Source
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.design_file import About, Mark, look
from statsmodels_ooc.sources.design_writing import DesignFile, store_errors
from statsmodels_ooc.sources.identity import rows_in_words, tells_changes
from statsmodels_ooc.sources.seam import touch
from statsmodels_ooc.sources.subset import subset_source

_UNMARKED = 2**26  # bytes of rows that an interruption may cost
_UNTOLD = "untold"


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


@dataclass(frozen=True)
class Wanted:
    """The design that is to be stored.

    Attributes
    ----------
    formula : str or None
        None for that of a store that is to be resumed.
    env : EvalEnvironment
        Where the formula's names are looked up that are no columns.
    roles : mapping of str to str
        Expressions of what stands beside the design, by role.
    subset, drop_cols, missing
        As for ``from_formula``.
    """

    formula: Any
    env: Any
    roles: Mapping[str, str]
    subset: Any
    drop_cols: Sequence[str] | None
    missing: str

    def in_words(self, source: Source, spec: FormulaSpec) -> dict[str, str]:
        """What decides over the rows of the store, by what it is called.

        Without a formula it is the rows of the data alone: the rest is in the store.
        """
        try:
            told = rows_in_words(source, spec.columns, [self.subset])
            if self.formula is not None:
                told["formula"] = _described(self.formula)
                told["weights and offsets"] = in_words(dict(self.roles))
                told["missing"] = in_words([self.missing, *sorted(map(str, self.drop_cols or ()))])
                told["scope"] = str(scope_in_words(spec, self.env))
        except UntoldError:
            return {_UNTOLD: _UNTOLD}
        return told


def new_store(target: Target, wanted: Wanted, data: Any, compression: str) -> None:
    """Write a store from the first row on.

    Raises
    ------
    WriteError
        It cannot be written; nothing of it stays, unless it is to be resumed.
    EmptyDataError, DesignError
        No row is left, or the design has no column.
    """
    rows, spec = open_formula(
        wanted.formula,
        data,
        env=wanted.env,
        missing=wanted.missing,
        subset=wanted.subset,
        drop_cols=wanted.drop_cols,
        extras=wanted.roles,
        max_endog=2,
    )
    if spec.k == 0:
        raise DesignError("the design has no column", hint="'y ~ 1' has a constant")
    kept = dict(wanted.roles)
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
        told=wanted.in_words(rows.whole_source, spec),
        compression=compression,
    )
    try:
        file = DesignFile.create(target.part, about, pickle.dumps(spec))
    except BaseException:
        _removed(target.part)
        raise
    _filled(target, file, rows)


def resumed_store(target: Target, wanted: Wanted, data: Any) -> None:
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
        source = source if wanted.subset is None else subset_source(source, wanted.subset)
        _check_same(target.part, file.about, wanted.in_words(source, spec))
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


def _check_same(part: str, about: About, now: Mapping[str, str]) -> None:
    """Refuse to go on with rows of another kind."""
    there = about.told
    if _UNTOLD in {**there, **now}:
        raise SourceChangedError(
            f"nothing tells whether the functions and variables that {part} was begun with are "
            "still the same",
            hint="begin again with overwrite=True",
        )
    asked = {name: words for name, words in there.items() if name in now}
    if told := differences(asked, now):
        raise SourceChangedError(
            f"{part} was begun with something else: {told}",
            hint="resume with the same data, formula and arguments, or begin again with "
            "overwrite=True",
        )


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


def _removed(path: str) -> None:
    with suppress(OSError):
        touch("remove", path)
        os.remove(path)
