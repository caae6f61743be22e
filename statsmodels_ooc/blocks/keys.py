"""Keys of 128 bits that stand for labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEY = np.dtype([("high", np.uint64), ("low", np.uint64)])
Keys = NDArray[Any]  # of `KEY`, (n,); the high words are spread evenly

_ODD = np.uint64(0x9E3779B97F4A7C15)


def mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Words of 64 bits, one for each, spread evenly.

    References
    ----------
    Steele, Lea, Flood (2014). Fast splittable pseudorandom number generators. OOPSLA '14,
    453-472; the finaliser of SplitMix64.
    """
    z = words + _ODD
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def together(parts: Sequence[Keys]) -> Keys:
    """Keys of the combinations of labels, (n,), from the keys of each, (n,)."""
    whole = parts[0]
    for part in parts[1:]:
        high, low = part["high"], part["low"]
        joined = np.empty_like(whole)
        joined["high"] = mixed(whole["high"] ^ (high * _ODD + low))
        joined["low"] = mixed(
            mixed(whole["low"] + low * _ODD) ^ (high + (whole["high"] << np.uint64(1)))
        )
        whole = joined
    return whole


def distinct(keys: Keys) -> tuple[Keys, NDArray[np.intp]]:
    """The keys, each once, by their high words, (m,), and the position of each of n, (n,)."""
    high, low = keys["high"], keys["low"]
    _, first, codes = np.unique(high, return_index=True, return_inverse=True)
    if (low == low[first][codes]).all():
        return keys[first], codes
    pairs = np.column_stack((high, low))  # different labels have one high word
    _, first, codes = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    return keys[first], codes.ravel()


def count_runs(keys: Keys) -> int:
    """How many runs of equal neighbours there are."""
    if len(keys) == 0:
        return 0
    high, low = keys["high"], keys["low"]
    return 1 + int(np.count_nonzero((high[1:] != high[:-1]) | (low[1:] != low[:-1])))


def all_different(keys: Keys) -> bool:
    """Whether no two keys are equal."""
    high = np.sort(keys["high"])
    if not (high[1:] == high[:-1]).any():
        return True
    return len(distinct(keys)[0]) == len(keys)
