"""Which keys are equal, by a table of those that have come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(nogil=True, cache=True)
def number(
    words: NDArray[np.int64],
    table: NDArray[np.int64],
    first: NDArray[np.int64],
    codes: NDArray[Any],
) -> int:
    """Number keys in the order in which they come.

    Parameters
    ----------
    words : ndarray of int, (n, 2)
        The keys; the first words are spread evenly.
    table : ndarray of int, (t,)
        Scratch memory, -1 everywhere; t is a power of two and above n.
    first : ndarray of int, (n,)
        Gets where each key comes first.
    codes : ndarray of int, (n,)
        Get the numbers of the keys.

    Returns
    -------
    int
        How many there are; -1 where keys are different that have one first word.
    """
    count, mask = 0, len(table) - 1
    for i in range(len(words)):
        word = words[i, 0]
        at = word & mask
        known = table[at]
        while known >= 0 and words[first[known], 0] != word:
            at = (at + 1) & mask
            known = table[at]
        if known < 0:
            known = count
            table[at], first[known] = known, i
            count += 1
        elif words[first[known], 1] != words[i, 1]:
            return -1
        codes[i] = known
    return count
