"""Distinct words of 64 bits, numbered as they come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray

Ints = NDArray[np.signedinteger[Any]]
Words = NDArray[np.int64]

_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: spreads words over slots


class TooMany(Exception):
    """There are more values, combinations or cells than can be held."""


class Dictionary:
    """Distinct words of 64 bits, numbered as they come; whole arrays are looked up at once.

    A hash table with linear probing.

    Parameters
    ----------
    limit : int
        The largest number of words.
    entries : ndarray of int64, (g,), optional
        The words that it begins with, distinct.
    """

    __slots__ = ("_count", "_entries", "_limit", "_slots")

    def __init__(self, limit: int, entries: Words | None = None) -> None:
        self._limit, self._count = limit, 0
        self._entries: Words = np.zeros(1, dtype=np.int64)
        self._slots = np.full(16, -1, dtype=np.int32)
        if entries is not None:
            self._append(entries)

    def __len__(self) -> int:
        return self._count

    def __reduce__(self) -> tuple[Any, ...]:
        return Dictionary, (self._limit, self.entries.copy())

    @property
    def entries(self) -> Words:
        """The words by their numbers, (g,)."""
        return self._entries[: self._count]

    def floats(self, numbers: Ints) -> FloatArray:
        """The floats whose bits are the words of these numbers."""
        return self._entries.take(numbers).view(np.float64)

    def numbers(self, words: Words) -> Words:
        """The numbers of words, (n,); new words get the next ones.

        Raises
        ------
        TooMany
            The new words are beyond the limit; none is taken.
        """
        found = self._find(words)
        new = found < 0
        if new.any():
            fresh = words[new]
            self._append(np.unique(fresh))
            found[new] = self._find(fresh)
        return found

    def _find(self, words: Words) -> Words:
        """The numbers of words, (n,), -1 for unknown ones."""
        at = self._homes(words)
        found = self._slots.take(at).astype(np.int64)
        other = self._entries.take(found, mode="clip") != words
        if not other.any():
            return found
        left = np.flatnonzero(other)
        here: Ints = found[left]
        at = at[left]
        found[left] = -1
        while len(left):
            on = here >= 0
            left, at = left[on], self._next(at[on])
            here = self._slots.take(at)
            same = (self._entries.take(here, mode="clip") == words[left]) & (here >= 0)
            found[left[same]] = here[same]
            left, at, here = left[~same], at[~same], here[~same]
        return found

    def _append(self, words: Words) -> None:
        """Number distinct words that are not known."""
        first, count = self._count, self._count + len(words)
        if count > self._limit:
            raise TooMany(f"there are more than {self._limit:,} distinct values")
        if count > len(self._entries):
            more = max(count, 2 * first) - first
            self._entries = np.concatenate((self.entries, np.zeros(more, dtype=np.int64)))
        self._entries[first:count] = words
        self._count = count
        if _slots_for(count) > len(self._slots):
            self._slots = np.full(2 * _slots_for(count), -1, dtype=np.int32)
            first = 0
        self._place(np.arange(first, count, dtype=np.int32))

    def _place(self, numbers: NDArray[np.int32]) -> None:
        """Give each number the first free slot from its word's home on."""
        at = self._homes(self._entries[numbers])
        while len(numbers):
            free = self._slots.take(at) < 0
            self._slots[at[free]] = numbers[free]
            beaten = self._slots.take(at) != numbers
            numbers, at = numbers[beaten], self._next(at[beaten])

    def _homes(self, words: Words) -> Words:
        shift = np.uint64(65 - len(self._slots).bit_length())
        return ((words.view(np.uint64) * _ODD) >> shift).view(np.int64)

    def _next(self, at: Words) -> Words:
        return (at + 1) & (len(self._slots) - 1)


def _slots_for(count: int) -> int:
    """Slots for so many words: plenty as long as they stay in the cache."""
    return 1 << (max(4 * count, min(16 * count, 2**15)) - 1).bit_length()
