"""Iterators, functions and dask frames: what comes from programs instead of files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
from faults.case import SAME, Act, Scene, case, raises

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    DesignError,
    EmptyDataError,
    MissingDataError,
    SchemaError,
    SourceChangedError,
    SourceError,
)


class Lost(RuntimeError):
    """An error of the program that gives the frames."""


OWN = raises(Lost, "frame 2")


def pieces(scene: Scene) -> list[pd.DataFrame]:
    return [scene.rows[at : at + 80] for at in (0, 80, 160)]


def breaks(scene: Scene) -> Iterator[pd.DataFrame]:
    yield from pieces(scene)[:2]
    raise Lost("frame 2")


@case("iterator", "it raises at the third frame", OWN)
def iterator_raises(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(breaks(scene))


@case("iterator", "nothing comes", raises(SourceError, "ended before its first frame"))
def iterator_empty(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(iter([]))


@case("iterator", "a frame lacks a column of the formula", raises(SchemaError, "'x'"))
def iterator_lacks(scene: Scene) -> Iterator[Act]:
    first, second, third = pieces(scene)
    yield lambda: scene.fit(iter([first, second.drop(columns="x"), third]))


@case("iterator", "a frame has text where others have numbers", raises(SchemaError, "'x'"))
def iterator_types(scene: Scene) -> Iterator[Act]:
    first, second, third = pieces(scene)
    yield lambda: scene.fit(iter([first, second.astype({"x": str}), third]))


@case("iterator", "something that is no frame", raises(TypeError, "list"))
def iterator_others(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(iter([scene.rows, [1, 2]]))


@case("iterator", "frames of one row, and without a row", SAME)
def iterator_small(scene: Scene) -> Iterator[Act]:
    frames = [scene.rows[:0], *(scene.rows[at : at + 1] for at in range(240)), scene.rows[:0]]
    yield lambda: scene.fit(iter(frames))


@case("function", "it raises at the third frame of a pass", OWN)
def function_raises(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(lambda: breaks(scene))


@case(
    "function",
    "it ends early in a later pass",
    raises(SourceChangedError, r"240 rows then, 160 now"),
)
def function_ends(scene: Scene) -> Iterator[Act]:
    lengths = [3]
    res = scene.fit(lambda: iter(pieces(scene)[: lengths[-1]]))
    lengths.append(2)
    yield lambda: res.HC0_se


@case("function", "it gives other values in a later pass", raises(SourceChangedError, "'x'"))
def function_changes(scene: Scene) -> Iterator[Act]:
    shifts = [0.0]
    res = scene.fit(lambda: iter([scene.rows.assign(x=scene.rows["x"] + shifts[-1])]))
    shifts.append(1e-9)
    yield lambda: res.HC0_se


@case(
    "function",
    "it gives the same iterator again",
    raises(SourceChangedError, "same iterator at every call"),
)
def function_same(scene: Scene) -> Iterator[Act]:
    only = iter(pieces(scene))
    yield lambda: scene.fit(lambda: only)


@case("function", "frames of a later pass lack a column", raises(SchemaError, "'x'"))
def function_lacks(scene: Scene) -> Iterator[Act]:
    dropped: list[list[str]] = [[]]
    res = scene.fit(lambda: iter([scene.rows.drop(columns=dropped[-1])]))
    dropped.append(["x"])
    yield lambda: res.HC0_se


@case("frames", "no row in any of them", raises(EmptyDataError, "no row"))
def no_rows(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(smo.as_source([scene.rows[:0]]))


@case(
    "frames",
    "a column that the formula names is in none",
    raises(ColumnNotFoundError, r"(?s)'income'.*columns are"),
)
def no_column(scene: Scene) -> Iterator[Act]:
    scene.formula = "y ~ income"
    yield lambda: scene.fit(smo.as_source(pieces(scene)))


@case("frames", "a regressor is infinite", raises(MissingDataError, r"'x'.*inf|inf.*'x'"))
def infinite(scene: Scene) -> Iterator[Act]:
    scene.rows.loc[100, "x"] = np.inf
    yield lambda: scene.fit(smo.as_source(pieces(scene)))


@case("frames", "the response is infinite", raises(MissingDataError, r"'y'.*inf|inf.*'y'"))
def infinite_response(scene: Scene) -> Iterator[Act]:
    scene.rows.loc[100, "y"] = -np.inf
    yield lambda: scene.fit(smo.as_source(pieces(scene)))


@case("frames", "values are missing", SAME)
def missing(scene: Scene) -> Iterator[Act]:
    scene.rows.loc[[3, 100], "x"] = np.nan
    scene.rows.loc[200, "g"] = None
    yield lambda: scene.fit(smo.as_source(pieces(scene)))


@case("frames", "values are missing, and missing='raise'", raises(MissingDataError, r"'x'"))
def missing_raise(scene: Scene) -> Iterator[Act]:
    import statsmodels_ooc.formula.api as smof

    scene.rows.loc[[3, 100], "x"] = np.nan
    yield lambda: smof.ols(scene.formula, smo.as_source(pieces(scene)), missing="raise").fit()


@case("frames", "every value of a regressor is missing", raises(EmptyDataError, r"'x'"))
def all_missing(scene: Scene) -> Iterator[Act]:
    scene.rows["x"] = np.nan
    yield lambda: scene.fit(smo.as_source(pieces(scene)))


def lost_at_100(frame: pd.DataFrame) -> pd.DataFrame:
    if (frame["n"] == 100).any():
        raise Lost("frame 2")
    return frame


@case("dask", "a task of the frame raises", OWN)
def dask_raises(scene: Scene) -> Iterator[Act]:
    frame = dd.from_pandas(scene.rows, npartitions=3).map_partitions(
        lost_at_100, meta=scene.rows.iloc[:0]
    )
    yield lambda: scene.fit(frame)


@case(
    "dask",
    "partitions are of other types than the frame says",
    raises(DesignError, "'x' is str in dask partition 1"),
)
def dask_meta(scene: Scene) -> Iterator[Act]:
    parts = [dask.delayed(scene.rows[:120]), dask.delayed(scene.rows[120:].astype({"x": str}))]
    frame = dd.from_delayed(parts, meta=scene.rows.iloc[:0], verify_meta=False)
    yield lambda: scene.fit(frame)


@case("dask", "the frame gives other rows at each pass", raises(SourceChangedError, "rows then"))
def dask_changes(scene: Scene) -> Iterator[Act]:
    told: list[int] = [240]

    def rows(part: Any) -> pd.DataFrame:
        return scene.rows[: told[-1]]

    frame = dd.from_map(rows, [0], meta=scene.rows.iloc[:0])
    res = scene.fit(frame)
    told.append(200)
    yield lambda: res.HC0_se
