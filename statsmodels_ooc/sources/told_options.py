"""Options that readers do not have, and what to write instead of those of pandas."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from statsmodels_ooc.errors import OptionError

Given = ParamSpec("Given")
Opened = TypeVar("Opened")

_LEFT_OUT = "leave it out"
_OTHERWISE = {  # options of pandas and pyarrow
    "chunksize": "files are read in pieces of a size that fits into memory",
    "columns": "only the columns of the formula are read",
    "dtype_backend": "columns have NumPy's types, masked ones where whole numbers are missing",
    "engine": _LEFT_OUT,
    "filters": "subset= of the model chooses rows: smof.ols(formula, data, subset='x > 0')",
    "index_col": "an index is a column like others",
    "iterator": "files are read in pieces of a size that fits into memory",
    "memory_map": _LEFT_OUT,
    "nrows": "subset= of the model chooses rows",
    "start": "subset= of the model chooses rows",
    "stop": "subset= of the model chooses rows",
    "usecols": "only the columns of the formula are read",
    "use_threads": _LEFT_OUT,
    "where": "subset= of the model chooses rows: smof.ols(formula, data, subset='x > 0')",
}


def options_of(function: Callable[..., Any]) -> list[str]:
    """The options of a function, without what it opens."""
    _, *others = inspect.signature(function).parameters.values()
    return [one.name for one in others if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)]


def unknown_option(reader: str, name: str, known: Collection[str]) -> OptionError:
    """The error of an option that something does not have.

    Examples
    --------
    >>> from statsmodels_ooc.sources.told_options import unknown_option
    >>> print(unknown_option("read_ipc", "nrows", ["filesystem"]))
    read_ipc has no option 'nrows'
    Hint: subset= of the model chooses rows
    """
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"its options are {', '.join(known)}" if known else "it has none"
    hint = f"did you mean {near[0]}=?" if near else _OTHERWISE.get(name, hint)
    return OptionError(f"{reader} has no option {name!r}", hint=hint)


def options_told(function: Callable[Given, Opened]) -> Callable[Given, Opened]:
    """Have a reader say what its options are, where it is given another.

    Raises
    ------
    OptionError
        By the reader: it has no such option.
    """
    known = options_of(function)
    first = next(iter(inspect.signature(function).parameters))

    @wraps(function)
    def told(*args: Given.args, **kwargs: Given.kwargs) -> Opened:
        for name in kwargs:
            if name != first and name not in known:
                raise unknown_option(function.__name__, name, known)
        return function(*args, **kwargs)

    return told
