"""The same fit on every road for columns of every type in every role, or a named error."""

from __future__ import annotations

import warnings
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.roads import CHUNK, KINDS, ROADS, SLOW, clean, frame
from patsy import PatsyError
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError, EmptyDataError, OutOfCoreError

NORMAL = sm.families.Gaussian()
NUMBERS_ONLY = ("response", "weight", "offset")
CONDITIONS = {"a": "v == 'b'", "F": "v == True"}  # by the first letter of the labels


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def fitted(role: str, data: Any, condition: str | None) -> Any:
    match role:
        case "regressor":
            return smof.ols("y ~ x + v", data).fit()
        case "factor":
            return smof.ols("y ~ x + C(v)", data).fit()
        case "response":
            return smof.ols("v ~ x", data).fit()
        case "weight":
            return smof.wls("y ~ x", data, weights="v").fit()
        case "offset":
            return smof.glm("y ~ x", data, family=NORMAL, offset="v").fit()
    return smof.ols("y ~ x", data, subset=condition).fit()


def expected(role: str, data: pd.DataFrame, is_number: bool) -> Any:
    if role in NUMBERS_ONLY and not is_number:
        data = data.assign(v=(data["v"] == "True") * 1.0)
    match role:
        case "regressor":
            return smf.ols("y ~ x + v" if is_number else "y ~ x + C(v)", data).fit()
        case "factor":
            return smf.ols("y ~ x + C(v)", data).fit()
        case "response":
            return smf.ols("v ~ x", data).fit()
        case "weight":
            return smf.wls("y ~ x", data, weights=data["v"]).fit()
        case "offset":
            return smf.glm("y ~ x", data, family=NORMAL, offset=data["v"]).fit()
    chosen = data["v"] > 1 if is_number else data["v"].isin(["b", "True"])
    return smf.ols("y ~ x", data[chosen]).fit()


def is_refused(kind: str, road: str, role: str) -> bool:
    """Where a named error is right, since the road does not bring what the column was."""
    column = KINDS[kind]
    if road == "dask" and column.holds_objects and column.is_number:
        return role != "factor"  # text, by the time it is here
    if role in NUMBERS_ONLY and not column.is_number:
        return not (column.clean[0] in ("True", "False") and role != "response")
    return kind == "duration" and role == "regressor" and road != "csv"  # a number of what?


def roles(kind: str) -> tuple[str, ...]:
    column = KINDS[kind]
    if column.exact:
        return ("factor",)
    if kind in ("int16", "int32", "uint16", "uint32"):
        return ("regressor", "subset")
    has_condition = column.is_number or column.clean[0][0] in CONDITIONS
    return ("regressor", "factor", *NUMBERS_ONLY, *(["subset"] if has_condition else []))


TWINS = {"regressor": 0, "factor": 1, "weight": 0, "offset": 1}
NUMBER = {kind: i for i, kind in enumerate(KINDS)}


def has_twin(role: str, kind: str, pattern: int, road: int) -> bool:
    """Whether the other of two roles, which are read alike, has this road with this pattern.

    Columns of a design take turns by pattern, those beside one by kind.
    """
    if role in ("weight", "offset"):
        return (NUMBER[kind] + road) % 2 == TWINS[role]
    alone = KINDS[kind].exact or len(KINDS[kind].missing) == 1
    return role in TWINS and not alone and (pattern + road) % 2 == TWINS[role]


CASES = [(kind, role) for kind in KINDS for role in roles(kind)]


@pytest.mark.parametrize(("kind", "role"), CASES)
def test_every_road_gives_the_fit_of_the_clean_column(kind, role, tmp_path):
    column, odd = KINDS[kind], {}
    patterns = [name for name in column.missing if name != "all"]
    if role not in ("regressor", "factor"):
        patterns = patterns[-1:]
    for i, missing in enumerate(patterns):
        right = None
        for j, (road, make) in enumerate(ROADS.items()):
            if road in SLOW and missing not in ("complete", "some"):
                continue
            if has_twin(role, kind, i, j):
                continue
            folder = tmp_path / f"{missing} {road}"
            folder.mkdir()
            found = outcome(kind, role, missing, make, folder)
            if found == "cannot be written":
                continue
            if is_refused(kind, road, role):
                if found != "refused":
                    odd[missing, road] = found
                continue
            if right is None:
                right = summary(expected(role, clean(kind, missing), column.is_number))
            if isinstance(found, str) or not agree(found, right):
                odd[missing, road] = (found, right)
    assert odd == {}


def outcome(kind: str, role: str, missing: str, make: Any, folder: Any) -> Any:
    try:
        data = make(frame(kind, missing), folder)
    except (pa.ArrowException, pl.exceptions.PolarsError, OverflowError, TypeError):
        return "cannot be written"  # there is no such type on this road
    condition = CONDITIONS.get(str(KINDS[kind].clean[0])[0], "v > 1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return summary(fitted(role, data, condition))
    except (OutOfCoreError, PatsyError):
        return "refused"


def summary(res: Any) -> tuple[Any, ...]:
    """What does not depend on how levels are called."""
    return int(res.nobs), len(res.params), float(getattr(res, "ssr", None) or res.deviance)


def agree(found: tuple[Any, ...], right: tuple[Any, ...]) -> bool:
    return found[:2] == right[:2] and bool(np.isclose(found[2], right[2], rtol=SOLVED))


@pytest.mark.parametrize("kind", [k for k, column in KINDS.items() if "all" in column.missing])
@pytest.mark.parametrize("role", ["regressor", "factor", "weight"])
def test_nothing_but_missing_values_is_no_data(kind, role, tmp_path):
    for road, make in ROADS.items():
        folder = tmp_path / road
        folder.mkdir()
        with pytest.raises((EmptyDataError, OutOfCoreError), match=r"no row|no level|not one"):
            fitted(role, make(frame(kind, "all"), folder), None)


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float16", "float32", "float64", "object"])
@pytest.mark.parametrize("role", ["regressor", *NUMBERS_ONLY])
def test_dask_arrays_give_the_fit_of_their_values(role, dtype):
    data = frame("float64", "complete")
    values = da.from_array(data["v"].to_numpy().astype(dtype), CHUNK)
    y, x = (da.from_array(data[name].to_numpy(), CHUNK) for name in ("y", "x"))
    two = da.stack([da.ones_like(x), x], axis=1).rechunk({1: -1})
    match role:
        case "regressor":
            found = smo.OLS(y, da.concatenate([two, values[:, None]], axis=1)).fit()
        case "response":
            found = smo.OLS(values, two).fit()
        case "weight":
            found = smo.WLS(y, two, weights=values).fit()
        case "offset":
            found = smo.GLM(y, two, family=NORMAL, offset=values).fit()
    assert agree(summary(found), summary(expected(role, data, True)))


@pytest.mark.parametrize("kind", ["text", "dates", "boolean", "period", "interval", "category"])
def test_levels_have_the_same_names_on_every_road(kind, tmp_path):
    names = {}
    for road, make in ROADS.items():
        folder = tmp_path / road
        folder.mkdir()
        try:
            data = make(frame(kind, "some"), folder)
        except Exception:
            continue
        names[road] = list(smof.ols("y ~ C(v)", data).fit().params.index)
    as_text = {"csv", "dask"} if kind in ("dates", "period", "interval") else set()
    assert len({tuple(found) for road, found in names.items() if road not in as_text}) == 1


@pytest.mark.parametrize("texts", [["1.5", "2.5", "3.0"], ["1", "2", "3"], ["1" * 20, "2", "3"]])
def test_text_that_reads_as_numbers_is_a_category_unless_it_may_be_made_of_them(texts, tmp_path):
    data = frame("text", "complete")
    data["v"] = data["v"].map(dict(zip("abc", texts, strict=True)))
    right = smf.ols("y ~ x + v", data).fit().params
    for road, make in ROADS.items():
        if road in SLOW:
            with pytest.raises(DesignError, match="'v' is text, and all of it reads as numbers"):
                smof.ols("y ~ x + v", make(data, tmp_path))
        elif road != "csv":  # in which they are numbers, as for pandas.read_csv
            found = smof.ols("y ~ x + v", make(data, tmp_path)).fit().params
            pd.testing.assert_series_equal(found, right, rtol=SOLVED)
