"""What users give for groups and times, as what is put beside the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd

from statsmodels_ooc.design.labels import Labels, in_their_order
from statsmodels_ooc.errors import (
    MissingDataError,
    OptionError,
    SourceError,
)
from statsmodels_ooc.sources.dask_kinds import is_lazy

_MOST_NAMES = 8  # a list of more texts are labels
_MOST_WAYS = 6


@dataclass(frozen=True)
class Given:
    """What was given for every row: labels, of one way to form groups or of several, or times.

    Attributes
    ----------
    names : tuple of str
        Under which each stands beside the rows.
    beside : mapping
        What stands there, see `rows_beside`.
    told : mapping
        What `cov_kwds` of results says: names, and nothing that is as long as the data.
    """

    names: tuple[str, ...]
    beside: Mapping[str, Any]
    told: Mapping[str, Any] = field(default_factory=dict)

    def needed(self) -> Mapping[str, Any]:
        """What is put beside the rows.

        Raises
        ------
        SourceError
            It was as long as the data, and did not come out of a pickle.
        """
        if len(self.beside) < len(self.names):
            raise SourceError(
                "labels or times that were given for every row are not saved with results",
                hint="fit again, or name a column of the data",
            )
        return self.beside

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "beside": self.beside if self.told else {}}


def ways_of(groups: Any) -> Given:
    """The ways that are given.

    Parameters
    ----------
    groups : str or array_like or dask Array, (n,) or (n, q), or a list of q of them
        Names of columns, expressions, or labels. A list of up to eight texts is one of names.

    Raises
    ------
    OptionError
        They are something else.
    """
    if isinstance(groups, Given):
        return groups
    given = _split(groups)
    if not given:
        raise OptionError("groups is an empty list")
    if len(given) > _MOST_WAYS:
        raise OptionError(
            f"groups has {len(given):,} ways, which would be combined in 2**{len(given)} - 1 ways; "
            f"there may be {_MOST_WAYS}",
            hint="labels of one way are a list or an array of (n,), those of q ways one of (n, q) "
            "or a list of q",
        )
    names = [_name(one) for one in given]
    twice = next((one for i, one in enumerate(given) if names[i] in names[:i]), None)
    if twice is not None:
        raise OptionError(f"groups={groups!r} has the way {twice!r} twice")
    beside = {name: Labels(one) for name, one in zip(names, given, strict=True)}
    if not all(isinstance(one, str) for one in given):
        return Given(tuple(names), beside)
    return Given(tuple(names), beside, {"groups": given[0] if len(given) == 1 else list(given)})


def times_of(time: Any) -> Given:
    """Times that are given.

    Parameters
    ----------
    time : str or array_like or dask Array, (n,)
        A column, an expression, or a time for each row.

    Raises
    ------
    OptionError
        They are something else.
    """
    if isinstance(time, Given):
        return time
    ways = _split(time, "time")
    if len(ways) != 1:
        raise OptionError(f"time={time!r}; it is a column, an expression, or a time for each row")
    (one,) = ways
    if isinstance(one, pd.Series | np.ndarray):
        one = in_their_order(pd.Series(one))
        absent = pd.isna(one).to_numpy()
        if absent.any():
            raise MissingDataError(
                f"missing value of time at position {int(np.argmax(absent))}",
                hint="leave such rows out of the model by subset=...",
            )
    name = f"time {one}" if isinstance(one, str) else f"time#{uuid4().hex}"
    return Given((name,), {name: one}, {"time": one} if isinstance(one, str) else {})


def _name(one: Any) -> str:
    """What labels are called beside the rows: alike where they are the same."""
    return f"labels {one}" if isinstance(one, str) else f"groups#{uuid4().hex}"


def _split(groups: Any, what: str = "groups") -> list[Any]:
    """The labels of each way."""
    if isinstance(groups, str):
        return [groups]
    if is_lazy(groups) or isinstance(groups, pd.DataFrame | np.ndarray):
        return _columns(groups)
    if isinstance(groups, pd.MultiIndex):
        return [pd.Series(groups.to_flat_index())]
    if isinstance(groups, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        return [pd.Series(groups)]
    if isinstance(groups, list | tuple):
        is_text = all(isinstance(one, str) for one in groups)
        if len(groups) <= _MOST_NAMES if is_text else all(_is_labels(one) for one in groups):
            return [way for one in groups for way in _split(one)]
        return [pd.Series(list(groups), dtype=_dtype(groups))]
    if hasattr(groups, "__array__"):
        return _columns(np.asarray(groups))
    raise OptionError(
        f"{what}={groups!r}; it is a column's name, an expression in columns, or a value for each "
        "row" + (", or a list of them" if what == "groups" else "")
    )


def _is_labels(one: Any) -> bool:
    """Whether an entry of a list is a way of its own: names, arrays and lists are."""
    kinds = (str, list, np.ndarray, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)
    return isinstance(one, kinds) or is_lazy(one)


def _columns(groups: Any) -> list[Any]:
    if groups.ndim == 1:
        return [groups]
    if groups.ndim != 2:
        raise OptionError(f"groups has {groups.ndim} dimensions; it has one or two")
    pick = groups.iloc.__getitem__ if hasattr(groups, "iloc") else groups.__getitem__
    return [pick((slice(None), i)) for i in range(groups.shape[1])]


def _dtype(groups: Any) -> Any:
    """Objects, where integers would be made doubles that do not tell them apart."""
    return object if any(isinstance(one, int) for one in groups) else None
