"""What processes that are forked from this one begin anew."""

from __future__ import annotations

import os
from collections.abc import Callable


def in_children(begin_anew: Callable[[], None]) -> None:
    """Call something in each process that is forked from this one, before all else.

    Parameters
    ----------
    begin_anew : callable
        Makes locks anew, which threads may hold that a child does not have.
    """
    if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
        os.register_at_fork(after_in_child=begin_anew)
