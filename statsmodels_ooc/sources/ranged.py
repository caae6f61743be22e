"""Files on servers, read in ranges of bytes that are fetched before they are needed."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

_HOLE = 2**20  # bytes between two ranges that cost less than another request
_SPAN = 2**23  # bytes of a request: for more, several are made at a time
_BLOCK = 2**18  # bytes that are fetched where a few are asked for
_FETCHERS = 16  # requests at a time, of all files of a process

Fetch = Callable[[int, int], "Future[bytes]"]
"""The bytes of a file from a position up to another one, to come."""


@cache
def fetchers(process: int) -> ThreadPoolExecutor:
    """The threads of a process that wait for servers."""
    return ThreadPoolExecutor(_FETCHERS, "statsmodels-ooc-fetch")


class RangedFile:
    """A file of which ranges are fetched; it gives as many bytes as it is asked for.

    Parameters
    ----------
    fetch : callable
        Has a range of bytes fetched.
    size : int
        Bytes of the file.

    Notes
    -----
    Ranges that are `expected` are fetched by threads in the order of the file, near ones
    together, and kept until the file is closed. Of others as much as is asked for is fetched,
    256 KiB at least; where reads follow one another, the next 8 MiB as well, ahead.
    """

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch, self._size = fetch, size
        self._at = 0
        self._spans: list[_Span] = []
        self._block: _Span | None = None
        self._ahead: _Span | None = None
        self.closed = False

    def expect(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Have fetched what will be read soon: pieces from a position up to another one."""
        self._forget()
        self._spans = [_Span(self._fetch, *one) for one in spans_of(ranges, self._size)]

    def read(self, size: int = -1) -> bytes:
        """The next bytes, fewer only at the end of the file."""
        stop = self._size if size < 0 else min(self._at + size, self._size)
        pieces = []
        while self._at < stop:
            pieces.append(self._holding(self._at, stop).part(self._at, stop))
            self._at += len(pieces[-1])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _holding(self, at: int, stop: int) -> _Span:
        """What holds the byte at a position, of those that are asked for up to another one."""
        number = bisect_right(self._spans, at, key=lambda span: span.start) - 1
        if number >= 0 and at < self._spans[number].stop:
            return self._spans[number]
        if self._block is None or not self._block.start <= at < self._block.stop:
            later = self._spans[number + 1 :]
            beyond = later[0].start if later else self._size
            self._block = self._next_block(at, stop, beyond)
        return self._block

    def _next_block(self, at: int, stop: int, beyond: int) -> _Span:
        """Bytes from a position on, and more ahead where the last ones ended there."""
        follows = self._block is not None and self._block.stop == at
        block, self._ahead = self._ahead, None
        if block is None or block.start != at:
            block = _Span(self._fetch, at, min(max(stop, at + _BLOCK), beyond))
        if follows and block.stop < beyond:
            self._ahead = _Span(self._fetch, block.stop, min(block.stop + _SPAN, beyond))
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """The position."""
        return self._at

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def close(self) -> None:
        """Let go of what was fetched, and of what is on its way."""
        self._forget()
        self._block, self.closed = None, True

    def _forget(self) -> None:
        for span in (*self._spans, *([] if self._ahead is None else [self._ahead])):
            span.drop()
        self._spans, self._ahead = [], None


class _Span:
    """Bytes of a file that are fetched at once."""

    def __init__(self, fetch: Fetch, start: int, stop: int) -> None:
        self.start, self.stop = start, stop
        self._coming = fetch(start, stop)

    def part(self, start: int, stop: int) -> bytes:
        """Those from a position up to another one, as far as they are here."""
        return self._coming.result()[start - self.start : stop - self.start]

    def drop(self) -> None:
        """Fetch them no more."""
        self._coming.cancel()


def spans_of(ranges: Iterable[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """The requests for some ranges of a file: near ones together, large ones in several.

    Examples
    --------
    >>> from statsmodels_ooc.sources.ranged import spans_of
    >>> spans_of([(5, 9), (0, 3), (4_000_000, 20_000_000)], 17_000_000)
    [(0, 9), (4000000, 12388608), (12388608, 17000000)]
    """
    together: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if together and start - together[-1][1] <= _HOLE:
            together[-1] = together[-1][0], max(together[-1][1], min(stop, size))
        elif start < size:
            together.append((start, min(stop, size)))
    return [
        (at, min(at + _SPAN, stop)) for start, stop in together for at in range(start, stop, _SPAN)
    ]
