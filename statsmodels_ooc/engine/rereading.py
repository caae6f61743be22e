"""Rows of a partition, noted as they pass, and read again where reading was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, Generic, TypeVar

from statsmodels_ooc.engine.ledger import Read, check_read
from statsmodels_ooc.engine.progress import pause
from statsmodels_ooc.engine.sizes import BlockSpec, Sizes
from statsmodels_ooc.options import options
from statsmodels_ooc.sources.base import NumberedFrame, Partition
from statsmodels_ooc.sources.interruptions import passes

Piece = TypeVar("Piece")

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0  # seconds, at most; the first repeat does not wait


class Rereading(Generic[Piece]):
    """The pieces of a partition in order, noted as they pass; ``with`` closes what is open.

    Where reading fails with what `passes`, the partition is read again from its start:
    the pieces that were given are passed over, and held against what was noted of them.

    Parameters
    ----------
    read : Read
        Gets what was read, and how often reading was repeated.
    label : str
        The partition, for messages.
    pieces : callable
        Gives the pieces from the start, the same every time.
    encoded : collection of str
        Columns of text of which the codes are compared.
    rows : callable, optional
        The rows of a piece; by default it is a Chunk or a DataFrame itself.
    meter : str, optional
        The pass, with whose end waiting ends.

    Raises
    ------
    SourceChangedError
        Reading again gave other rows; raised while it is iterated.
    """

    def __init__(
        self,
        read: Read,
        label: str,
        pieces: Callable[[], Iterator[Piece]],
        encoded: Collection[str] = (),
        rows: Callable[[Piece], Any] | None = None,
        meter: str | None = None,
    ) -> None:
        self._read, self._label, self._encoded = read, label, encoded
        self._open, self._rows, self._meter = pieces, rows, meter
        self._pieces: Iterator[Piece] | None = None
        self._given = 0

    def __enter__(self) -> Rereading[Piece]:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        try:
            found = self._next()
        except Exception as error:
            if not options.retries or not passes(error):
                raise
            found = self._patiently()
        if found is None:
            raise StopIteration
        self._note(self._read, found)
        self._given += 1
        return found

    def close(self) -> None:
        """Close what is open; what is asked for next is read from the start."""
        pieces, self._pieces = self._pieces, None
        close = getattr(pieces, "close", None)
        if close is not None:
            close()

    def _next(self) -> Piece | None:
        if self._pieces is None:
            self._pieces = self._open()
            self._pass_over()
        return next(self._pieces, None)

    def _pass_over(self) -> None:
        """Go on after what was given."""
        assert self._pieces is not None
        again = Read()
        for _ in range(self._given):
            found = next(self._pieces, None)
            if found is None:
                break
            self._note(again, found)
        if self._given:
            check_read(self._label, "it was read again after an interruption", self._read, again)

    def _note(self, read: Read, piece: Piece) -> None:
        rows: Any = piece if self._rows is None else self._rows(piece)
        read.add(rows, self._encoded)

    def _patiently(self) -> Piece | None:
        from tenacity import (
            Retrying,
            retry_if_exception,
            stop_after_attempt,
            wait_random_exponential,
        )

        again: Retrying = Retrying(
            stop=stop_after_attempt(options.retries),
            wait=wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT),
            sleep=partial(pause, self._meter),
            retry=retry_if_exception(passes),
            reraise=True,
        )
        return again(self._again)

    def _again(self) -> Piece | None:
        self._read.repeats += 1
        self.close()
        return self._next()


def numbered_frames(
    partition: Partition, spec: BlockSpec, sizes: Sizes, read: Read, meter: str | None
) -> Rereading[NumberedFrame]:
    """The frames of a partition and which rows they hold, noted and read again as above."""
    return Rereading(
        read,
        partition.label,
        lambda: partition.numbered(spec.columns, sizes.frame_rows, spec.encoded),
        spec.encoded,
        _frame,
        meter,
    )


def _frame(numbered: NumberedFrame) -> Any:
    return numbered[0]
