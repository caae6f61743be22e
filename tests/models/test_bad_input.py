"""Input that no model can be made of is named, with where it stands."""

from __future__ import annotations

import itertools
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from models.pairs import CHUNK, FRAME

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import errors


def chunked(frame: pd.DataFrame) -> Any:
    return smo.as_source(frame, chunk_rows=CHUNK)


def test_all_rows_dropped() -> None:
    frame = FRAME.assign(m=np.nan)
    with pytest.raises(errors.EmptyDataError, match=r"no row of the 101 .* 101 in 'm'"):
        smof.ols("y ~ m + a", chunked(frame)).fit()


def test_an_empty_frame() -> None:
    with pytest.raises(errors.EmptyDataError, match="no row"):
        smof.ols("y ~ a", chunked(FRAME[:0])).fit()


def test_a_subset_of_nothing() -> None:
    with pytest.raises(errors.EmptyDataError, match="keeps none of the rows"):
        smof.ols("y ~ a", chunked(FRAME), subset="a > 99").fit()


@pytest.mark.parametrize("n", [2, 3])
def test_no_more_rows_than_columns(n: int) -> None:
    with pytest.raises(errors.DesignError, match=f"{n} rows cannot determine 3 columns"):
        smof.ols("y ~ a + b", chunked(FRAME[:n])).fit()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("weights", [None, "w"], ids=["ols", "wls"])
@pytest.mark.parametrize("many", [False, True], ids=["triangle", "gram"])
def test_infinity_in_exog(many: bool, weights: str | None, value: float) -> None:
    frame = FRAME.copy()
    frame.loc[23, "b"] = value
    formula = "y ~ a + b" + "".join(f" + I(a ** {i} / {i})" for i in range(2, 60 if many else 3))
    with pytest.raises(
        errors.MissingDataError,
        match=rf"exog contains inf or nans: 'b' is {value} at row 2 of DataFrame, rows 21-27",
    ):
        smof.ols(formula, chunked(frame)).fit()


def test_infinity_in_endog() -> None:
    frame = FRAME.copy()
    frame.loc[100, "y"] = np.inf
    with pytest.raises(errors.MissingDataError, match=r"endog contains .* 'y' is inf at row 2 of"):
        smof.ols("y ~ a", chunked(frame)).fit()


def test_the_row_is_that_of_the_data_where_others_were_dropped() -> None:
    frame = FRAME.copy()
    frame.loc[[21, 22], "a"] = np.nan
    frame.loc[23, "b"] = np.inf
    with pytest.raises(errors.MissingDataError, match="row 2 of DataFrame, rows 21-27"):
        smof.ols("y ~ a + b", chunked(frame)).fit()


def test_missing_values_are_named_where_they_may_not_be() -> None:
    with pytest.raises(
        errors.MissingDataError, match=r"missing value in 'm' at row . of DataFrame"
    ):
        smof.ols("y ~ m", chunked(FRAME), missing="raise").fit()


def test_nan_in_arrays() -> None:
    x = FRAME[["a", "m"]].to_numpy()
    model = smo.OLS(da.from_array(FRAME["y"].to_numpy(), CHUNK), da.from_array(x, (CHUNK, -1)))
    row = int(np.flatnonzero(np.isnan(x[:, 1]))[0])
    with pytest.raises(
        errors.MissingDataError, match=rf"'x2' is nan at row {row % CHUNK} of block {row // CHUNK}"
    ):
        model.fit()


@pytest.mark.parametrize("weight", [-1.0, np.inf])
def test_weights_that_are_none(weight: float) -> None:
    frame = FRAME.copy()
    frame.loc[8, "w"] = weight
    with pytest.raises(errors.DesignError, match=rf"the weight 'w' is {weight} at row 1 of"):
        smof.wls("y ~ a", chunked(frame), weights="w").fit()


def test_all_weights_zero() -> None:
    with pytest.raises(errors.DesignError, match="weights of all 101 rows"):
        smof.wls("y ~ a", chunked(FRAME.assign(w=0.0)), weights="w").fit()


@pytest.mark.parametrize("formula", ["y ~ aa", "yy ~ a", "y ~ a + np.log(bb)"])
def test_a_column_that_is_not_there(formula: str) -> None:
    with pytest.raises(errors.ColumnNotFoundError, match=r"'(aa|yy|bb)' in .* Hint|'(aa|yy|bb)'"):
        smof.ols(formula, chunked(FRAME))


def test_a_response_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="endog"):
        smof.ols("g ~ a", chunked(FRAME)).fit()


# --- data that changes between passes


def changing(*versions: pd.DataFrame) -> Any:
    """A function that yields another version each time, the last one for ever."""
    rest = itertools.chain(versions, itertools.repeat(versions[-1]))

    def frames() -> Any:
        frame = next(rest)
        return iter([frame[:50], frame[50:]])

    return frames


CHANGES = {
    "other values": (FRAME.assign(y=FRAME["y"] + 1), "as many rows, with other values"),
    "other design": (FRAME.assign(a=FRAME["a"] + 1), "as many rows, with other values"),
    "another order": (FRAME.sample(frac=1, random_state=0), "as many rows, with other values"),
    "fewer rows": (FRAME[:99], "rows then"),
    "more rows": (pd.concat([FRAME, FRAME]), "rows then"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_data_that_changes_between_passes(name: str) -> None:
    later, message = CHANGES[name]
    before = 4  # whatever looks at the columns first sees the same
    source = smo.from_iterable(changing(*[FRAME] * before, later))
    res = smof.ols("y ~ a", source).fit()

    def read_often() -> None:
        for _ in range(before + 1):
            res.model.likelihood.stream.fold("another pass")

    with pytest.raises(errors.SourceChangedError, match=message):
        read_often()
