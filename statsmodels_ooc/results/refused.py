"""Methods that some results do not have, and what to ask instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statsmodels_ooc.errors import OutOfCoreError


def refused(name: str, why: str, instead: str, error: type[OutOfCoreError]) -> Callable[..., Any]:
    """A method that says why there is none.

    Parameters
    ----------
    name : str
        Of the method.
    why, instead : str
        The message, and the hint.
    error : type
        What is raised.
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise error(f"{name}: {why}", hint=instead)

    method.__name__ = name
    method.__doc__ = (
        f"Not of these results.\n\n        Raises\n        ------\n        {error.__name__}\n"
        f"            {why[0].upper()}{why[1:]}.\n        "
    )
    return method
