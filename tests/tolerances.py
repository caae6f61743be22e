"""The ladder of relative tolerances, from the last bits to what a design allows.

A test names its rung. A looser rung than `SUMS` needs its reason beside it.
"""

from __future__ import annotations

EXACT = 1e-14  # the same formula on the same numbers; a few roundings
SUMS = 1e-12  # sums over rows in another order
SOLVED = 1e-10  # through one solve: the condition number takes digits from both sides
INVARIANT = 1e-9  # promised: chunk boundaries never matter more than this
TAILS = 1e-8  # a p-value far in the tail multiplies the error of its statistic
ITERATED = 1e-6  # two optimisers that stop at their own tolerances
