"""Answers whose shape statsmodels is about to change."""

from __future__ import annotations

from typing import Any

from statsmodels_ooc.errors import warn_caller


def changing_tuple(
    name: str, found: Any, short: int, store: bool, result_object: bool | None
) -> Any:
    """A named tuple, or a plain one of its first entries, as statsmodels gives it.

    Parameters
    ----------
    name : str
        The function.
    found : named tuple
        The whole answer.
    short : int
        How many entries the plain tuple has.
    store : bool
        Whether intermediate results are wanted, which only the named tuple has.
    result_object : bool or None
        Whether the named tuple is wanted; None is statsmodels' default, which warns.

    Warns
    -----
    FutureWarning
        Nobody has said which of the two is wanted.
    """
    if result_object is None and not store:
        warn_caller(
            f"{name} currently returns a plain tuple whose length depends on the store argument, "
            f"as in statsmodels, which will always return a {type(found).__name__} one day. Set "
            "result_object=True to have that now, or result_object=False to keep the plain tuple "
            "and silence this warning.",
            FutureWarning,
        )
    return found if result_object or store else tuple(found[:short])
