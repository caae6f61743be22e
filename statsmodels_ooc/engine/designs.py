"""The rows of a design in order, for whoever writes them down."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.engine.beside import Beside
from statsmodels_ooc.engine.ledger import Read
from statsmodels_ooc.engine.progress import progress, tick
from statsmodels_ooc.engine.sizes import reading, sizes_for
from statsmodels_ooc.engine.streamed import StreamedRows
from statsmodels_ooc.engine.tasks import one_blas_thread
from statsmodels_ooc.engine.whole import FramedRows, framed_rows
from statsmodels_ooc.errors import MissingDataError
from statsmodels_ooc.sources.files import contents_are_compared


@dataclass(frozen=True)
class DesignRows:
    """Consecutive rows of a design.

    Attributes
    ----------
    exog : ndarray, (b, k)
        The design, in memory that the next rows use again.
    endog : ndarray, (b,)
        The response.
    beside : ndarray, (b, q)
        The extras that were asked for.
    dropped : ndarray of int, (d,)
        Numbers of the rows that were left out, counted from the first row of the source.
    missing : dict
        Rows without a value, by variable.
    read : int
        Rows of the data that these stand for.
    ends : int or None
        How many partitions are over with these rows; None in the middle of one.
    """

    exog: FloatArray
    endog: FloatArray
    beside: FloatArray
    dropped: NDArray[np.int64]
    missing: dict[str, int] = field(default_factory=dict)
    read: int = 0
    ends: int | None = None


def design_rows(
    rows: StreamedRows, roles: Sequence[str], *, first: int = 0, before: int = 0
) -> Iterator[DesignRows]:
    """The rows of a design, one partition after the other; a pass, recorded.

    Parameters
    ----------
    rows : StreamedRows
        The rows.
    roles : sequence of str
        Which extras come along.
    first : int
        How many partitions are passed over.
    before : int
        How many rows these have.

    Raises
    ------
    SourceChangedError
        This pass did not see the rows that an earlier one saw.
    MissingDataError
        A value of the design or the response is infinite, or not a number.
    """
    source, spec = rows.source, rows.spec
    began, found, start = time.perf_counter(), dict[int, Read](), before
    sizes = sizes_for(spec, dense=True)
    nothing = Beside((), (), "")
    with progress("design store", source.rows) as meter:
        for index, whole in list(enumerate(source.partitions))[first:]:
            partition, read = whole.narrowed(spec.columns), Read()
            how = (spec, sizes, nothing, read, meter)
            with (
                reading(partition, spec, sizes),
                one_blas_thread(),
                closing(framed_rows(partition, index, *how)) as frames,
            ):
                for framed in _compared(frames):
                    for block in framed.blocks:
                        design = _rows_of(block, roles, start)
                        require_finite(design, block.row_numbers, spec, partition.label)
                        yield design
                    tick(meter, len(framed.frame))
            found[index] = read
            rows.ledger.check("the pass 'design store'", source, {index: read})
            start += read.rows
            yield _end(spec.k, len(roles), index + 1)
    total, repeats = (sum(getattr(r, of) for r in found.values()) for of in ("rows", "repeats"))
    rows.ledger.record("design store", began, total, source.nbytes, len(found), repeats=repeats)


def _compared(frames: Iterator[FramedRows]) -> Iterator[FramedRows]:
    """Frames, each read where `contents_are_compared`; whoever has it is outside of that."""
    while True:
        with contents_are_compared():
            framed = next(frames, None)
        if framed is None:
            return
        yield framed


def require_finite(found: DesignRows, numbers: Any, spec: Any, label: str) -> None:
    """Refuse rows that no fit would take.

    Raises
    ------
    MissingDataError
        A value is infinite, or not a number; the message says which.
    """
    sides = {
        "endog": (found.endog[:, None], [spec.endog_name]),
        "exog": (found.exog, spec.exog_names),
    }
    for side, (values, names) in sides.items():
        bad = ~np.isfinite(values)
        if bad.any():
            at, column = np.argwhere(bad)[0]
            raise MissingDataError(
                f"{side} contains inf or nans: {names[column]!r} is {values[at, column]} at row "
                f"{numbers[at]} of {label}",
                hint="missing='drop' leaves out NaN; infinities must be mended in the data",
            )


def _rows_of(block: Block, roles: Sequence[str], start: int) -> DesignRows:
    given = block.extras.given()
    endog = block.endog
    beside = np.empty((len(endog), len(roles)))
    for at, role in enumerate(roles):
        beside[:, at] = given[role]
    lost = [one.rows for one in block.lost]
    dropped = np.unique(np.concatenate(lost)).astype(np.int64) if lost else np.empty(0, np.int64)
    return DesignRows(
        block.design.dense(),
        endog,
        beside,
        dropped + start,
        dict(block.missing),
        block.rows_read,
    )


def _end(k: int, q: int, ends: int) -> DesignRows:
    nothing = np.empty(0)
    return DesignRows(np.empty((0, k)), nothing, np.empty((0, q)), np.empty(0, np.int64), ends=ends)
