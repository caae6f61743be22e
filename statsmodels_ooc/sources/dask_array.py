"""Aligned dask arrays, Series and DataFrames as one table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
from dask.base import compute
from dask.delayed import delayed as to_delayed

from statsmodels_ooc.errors import SourceError
from statsmodels_ooc.sources.base import Recipe
from statsmodels_ooc.sources.columns import ListedSource, check_unique, select
from statsmodels_ooc.sources.dask_frame import UNORDERED, bound_to
from statsmodels_ooc.sources.dask_stored import kind_of
from statsmodels_ooc.sources.memory import FramePartition

_compute: Any = compute


def from_arrays(
    endog: Any, exog: Any = None, *, max_endog: int = 1, **extras: Any
) -> AlignedSource:
    """A source over an aligned response, regressors and row-aligned extras.

    Parameters
    ----------
    endog : dask array (n,) or (n, 1), dask Series or one-column DataFrame
        The response.
    exog : dask array (n,) or (n, k), dask Series or DataFrame, optional
        The regressors.
    max_endog : int
        How many columns the response may have.
    **extras : dask, NumPy or pandas
        Further columns of n rows, such as ``weights``; None is left out.

    Returns
    -------
    AlignedSource
        One partition per block of rows.

    Raises
    ------
    SourceError
        When the number of rows or blocks differs, or what dask frames know of their
        index; while reading, when a block's lengths or indices are not aligned: it names
        the block.

    Notes
    -----
    Dask arrays are cut like the first collection, and so are dask frames that know the
    divisions of their index. Other collections need equal blocks.

    Examples
    --------
    >>> import dask.array as da
    >>> from statsmodels_ooc.sources.dask_array import from_arrays
    >>> source = from_arrays(da.ones(4, chunks=2), da.ones((4, 2), chunks=2))
    >>> source.endog_columns, source.exog_columns, len(source.partitions)
    (('y',), ('x1', 'x2'), 2)
    """
    given = {"endog": endog, "exog": exog, **extras}
    parts = _with_common_divisions({k: v for k, v in given.items() if v is not None})
    lead = _lead(parts)
    pieces = {role: _blocks(role, value, parts[lead], lead) for role, value in parts.items()}
    count = len(pieces[lead])
    for role, blocks in pieces.items():
        if len(blocks) != count:
            raise SourceError(
                f"{role} has {len(blocks)} blocks of rows, {lead} has {count}",
                hint=_LENGTHS
                if _is_of_unknown_lengths(parts.values())
                else "rechunk or repartition one like the other",
            )
    return AlignedSource(parts, pieces, max_endog)


_ALIGNED = "endog, exog and what stands beside them are of the same rows: select them alike"
_LENGTHS = (
    "array.compute_chunk_sizes() makes dask know the lengths of blocks, which are cut alike then"
)


def _is_of_unknown_lengths(values: Iterable[Any]) -> bool:
    arrays = (value for value in values if isinstance(value, da.Array))
    return any(np.isnan(array.chunks[0]).any() for array in arrays)


def _with_common_divisions(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Cut dask frames as the first of them is cut, where all of them know their divisions."""
    frames = {role: value for role, value in parts.items() if _is_frame(value)}
    first = next(iter(frames), "")
    return dict(parts) | {
        role: _cut_like(role, frame, first, frames[first]) for role, frame in frames.items()
    }


def _cut_like(role: str, frame: Any, lead_role: str, lead: Any) -> Any:
    known = frame.known_divisions and lead.known_divisions
    if not known or frame.divisions == lead.divisions:
        return frame  # whether blocks are aligned shows when they are read
    start, *inner, end = lead.divisions
    try:
        outer = min(start, frame.divisions[0]), max(end, frame.divisions[-1])
    except TypeError as error:
        raise SourceError(
            f"The indices for endog and exog are not aligned: that of {lead_role} begins with "
            f"{start!r}, that of {role} with {frame.divisions[0]!r}",
            hint="take all of them from one DataFrame, or reset_index on each",
        ) from error
    return frame.repartition(divisions=[outer[0], *inner, outer[1]], force=True)


def _is_frame(value: Any) -> bool:
    """Whether it is a dask Series or DataFrame."""
    return (
        hasattr(value, "dask")
        and hasattr(value, "npartitions")
        and hasattr(type(value), "to_dask_array")  # a Delayed has any name
        and not isinstance(value, da.Array)
    )


def _lead(parts: Mapping[str, Any]) -> str:
    """Whose blocks the others follow: the first dask collection."""
    for role, value in parts.items():
        if isinstance(value, da.Array) or _is_frame(value):
            return role
    raise SourceError("none of endog, exog and the extras is a dask collection")


def _blocks(role: str, value: Any, lead: Any, lead_role: str) -> list[Any]:
    """One Delayed per block of rows."""
    if _is_frame(value):
        return list(value.to_delayed())
    if not isinstance(value, da.Array):
        return _cut(role, value, lead, lead_role)
    if value.ndim not in (1, 2):
        raise SourceError(f"{role} has {value.ndim} dimensions, it needs 1 or 2")
    rows = lead.chunks[0] if isinstance(lead, da.Array) else None
    if rows is not None and not np.isnan([*rows, *value.chunks[0]]).any():
        if sum(rows) != value.shape[0]:
            raise SourceError(
                f"{role} has {value.shape[0]:,} rows, {lead_role} has {sum(rows):,}", hint=_ALIGNED
            )
        value = value.rechunk({0: rows})
    return _row_blocks(value)


def _cut(role: str, value: Any, lead: Any, lead_role: str) -> list[Any]:
    """Blocks of what is in memory, as long as those of the lead."""
    if isinstance(lead, da.Array):
        lengths: Sequence[float] = lead.chunks[0]
        if np.isnan(lengths).any():
            lengths = _compute(*(to_delayed(len)(block) for block in _row_blocks(lead)))
    else:
        lengths = lead.map_partitions(len).compute().tolist()
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
    if len(value) != ends[-1]:
        raise SourceError(
            f"{role} has {len(value):,} rows, {lead_role} has {ends[-1]:,}", hint=_ALIGNED
        )
    if not isinstance(value, (pd.Series, pd.DataFrame)):
        value = np.asarray(value)
    take = value.iloc if hasattr(value, "iloc") else value
    return [to_delayed(take[start:stop], pure=True) for start, stop in pairwise(ends.tolist())]


def _row_blocks(value: Any) -> list[Any]:
    if value.ndim == 2 and value.numblocks[1] != 1:
        value = value.rechunk({1: -1})
    return list(value.to_delayed().ravel())


@dataclass(frozen=True, eq=False)
class AlignedPartition(Recipe):
    """One block of rows of every part."""

    pieces: tuple[Any, ...]
    layout: tuple[tuple[str, tuple[str, ...]], ...]
    label: str
    dtypes: Mapping[str, Any]
    rows: int | None

    nbytes = None  # only computing can tell

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Collection[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Compute the block, where dask computes, and yield its rows."""
        select(self.dtypes, columns, self.label)
        used = [at for at, (_, names) in enumerate(self.layout) if set(names) & set(columns)]
        used = sorted({0, *used})
        values = _compute(*(self.pieces[at] for at in used))
        layout = tuple(self.layout[at] for at in used)
        partition = _joined(list(values), layout, self.label)
        yield from partition.frames(columns, max_rows, encoded)

    def bind(self, *made: Callable[[Any], Any]) -> Any:
        """A dask Delayed of an equal partition whose rows are in memory."""
        whole = to_delayed(_joined, pure=True)(list(self.pieces), self.layout, self.label)
        return bound_to(whole, made)


def _joined(
    values: list[Any],
    layout: tuple[tuple[str, tuple[str, ...]], ...],
    label: str,
) -> FramePartition:
    first_role, _ = layout[0]
    columns: dict[str, Any] = {}
    index = None
    for value, (role, names) in zip(values, layout, strict=True):
        if len(value) != len(values[0]):
            rows = f"{label}: {role} has {len(value):,} rows, {first_role} has {len(values[0]):,}"
            if all(isinstance(one, (pd.Series, pd.DataFrame)) for one in (value, values[0])):
                raise SourceError(
                    f"The indices for endog and exog are not aligned: {rows}",
                    hint="take all of them from one DataFrame, or reset_index on each",
                )
            raise SourceError(rows, hint="rechunk or repartition one like the other")
        if isinstance(value, (pd.Series, pd.DataFrame)):
            if index is not None and not value.index.equals(index):
                raise SourceError(
                    f"The indices for endog and exog are not aligned: {role}, {label}",
                    hint="take all of them from one DataFrame, or reset_index on each",
                )
            index = value.index
        columns |= _named(value, names)
    frame = pd.DataFrame(columns, index=index, copy=False)
    return FramePartition(frame, label)


def _named(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(value, pd.DataFrame):
        return {new: value.iloc[:, at].array for at, new in enumerate(names)}
    if isinstance(value, pd.Series):
        return {names[0]: value.array}
    array = np.asarray(value)
    array = array.reshape(len(array), -1)
    if array.shape[1] != len(names):
        raise SourceError(f"{array.shape[1]} columns where {len(names)} were expected")
    return {new: array[:, at] for at, new in enumerate(names)}


class AlignedSource(ListedSource):
    """Aligned dask collections as one table; see `from_arrays`.

    Attributes
    ----------
    endog_columns : tuple of str
        The response's columns: the Series' name, or "y"; "y1" and "y2" where there are
        two.
    exog_columns : tuple of str
        The DataFrame's names, or "x1" … "xk".
    extra_columns : dict of str
        Keyword to column, ``__weights__`` and the like.
    is_frame_like : bool
        Whether endog or exog is a dask Series or DataFrame.
    """

    def __init__(
        self, parts: Mapping[str, Any], pieces: Mapping[str, list[Any]], max_endog: int = 1
    ) -> None:
        layout = {role: _names(role, value, max_endog) for role, value in parts.items()}
        taken = layout.get("exog", ())
        layout["endog"] = tuple(f"__{n}__" if n in taken else n for n in layout["endog"])
        check_unique([name for names in layout.values() for name in names], "endog and exog")
        self.endog_columns = layout["endog"]
        self.exog_columns = layout.get("exog", ())
        self.extra_columns = {
            role: names[0] for role, names in layout.items() if role not in ("endog", "exog")
        }
        self.is_frame_like = any(_is_frame(parts.get(role)) for role in ("endog", "exog"))
        dtypes = {
            name: dtype
            for role, value in parts.items()
            for name, dtype in zip(layout[role], _dtypes(value), strict=True)
        }
        lengths = _lengths(parts, len(pieces["endog"]))
        partitions = [
            AlignedPartition(
                block,
                tuple(layout.items()),
                f"block {number}",
                dtypes,
                lengths[number],
            )
            for number, block in enumerate(zip(*pieces.values(), strict=True))
        ]
        kinds = dict.fromkeys(filter(None, map(kind_of, parts.values())))
        super().__init__(" and ".join(kinds) or "dask arrays", dtypes, partitions)
        frames = [value for value in parts.values() if _is_frame(value)]
        self._is_ordered = all(frame.known_divisions for frame in frames)

        named = _has_columns(parts["exog"]) if "exog" in parts else True
        self._nameless = frozenset(() if named else self.exog_columns)

    is_recipe = False  # a pickle would hold the rows

    @property
    def nameless(self) -> frozenset[str]:
        return self._nameless

    @property
    def unordered(self) -> str | None:
        return None if self._is_ordered else UNORDERED


def _names(role: str, value: Any, max_endog: int = 1) -> tuple[str, ...]:
    if role not in ("endog", "exog"):
        return (f"__{role}__",)
    if role == "endog":
        _width(role, value, max_endog)
    if _has_columns(value):
        return tuple(value.columns)
    if hasattr(value, "name") and not isinstance(value, da.Array) and value.name is not None:
        return (value.name,)
    if role == "endog":
        return ("y",) if _width(role, value) == 1 else ("y1", "y2")
    return tuple(f"x{at + 1}" for at in range(_width(role, value)))


def _has_columns(value: Any) -> bool:
    """Whether it is a DataFrame: a dask Series has ``columns`` too."""
    return hasattr(value, "columns") and value.ndim == 2


def _width(role: str, value: Any, most: int | None = None) -> int:
    width = 1 if value.ndim == 1 else value.shape[1]
    if np.isnan(width) or (most is not None and width > most):
        raise SourceError(f"{role} has {width} columns, it needs {most or 'a known number'}")
    return int(width)


def _dtypes(value: Any) -> list[Any]:
    if _has_columns(value):
        return [value.dtypes[name] for name in value.columns]
    if not hasattr(value, "dtype"):
        value = np.asarray(value)
    return [value.dtype] * (1 if value.ndim == 1 else value.shape[1])


def _lengths(parts: Mapping[str, Any], count: int) -> list[int | None]:
    arrays = [value for value in parts.values() if isinstance(value, da.Array)]
    if not arrays or np.isnan(arrays[0].chunks[0]).any() or arrays[0].numblocks[0] != count:
        return [None] * count
    return [int(rows) for rows in arrays[0].chunks[0]]
