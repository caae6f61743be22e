"""A column that is of another type, or of none, in some pieces of a source."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest

from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.coerce import as_source

ROADS = ("parquet", "feather", "list", "function", "iterator")
WORDS = pd.Series(pd.Categorical(["a", "b"], categories=["b", "a"]))
NOTHING = {
    "objects": pd.Series([None, None], dtype=object),
    "a Categorical without categories": pd.Series(pd.Categorical([None, None])),
    "an ordered one": pd.Series(pd.Categorical([None, None], ordered=True)),
    "one of texts": pd.Series(pd.Categorical([None, None], categories=pd.Index([], dtype=object))),
    "the same categories": pd.Series(pd.Categorical([None, None], categories=["b", "a"])),
}


def source_of(columns, road, folder):
    frames = [pd.DataFrame({"g": column}) for column in columns]
    match road:
        case "list":
            return as_source(frames)
        case "function":
            return as_source(lambda: iter(frames))
        case "iterator":
            return as_source(iter(frames))
    for number, frame in enumerate(frames):
        getattr(frame, f"to_{road}")(folder / f"{number}.{road}")
    return as_source(folder)


def values(source):
    return [value for frame in source.frames() for value in frame["g"].tolist()]


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("nothing", NOTHING.values(), ids=NOTHING)
@pytest.mark.parametrize("first", [True, False])
def test_a_categorical_beside_no_value(first, nothing, road, tmp_path):
    columns = [WORDS, nothing] if first else [nothing, WORDS]
    source = source_of(columns, road, tmp_path)
    assert list(source.dtypes["g"].categories) == ["b", "a"]
    found = values(source)
    found = found if first else found[2:] + found[:2]
    assert found[:2] == ["a", "b"]
    assert pd.isna(found[2:]).all()


@pytest.mark.parametrize("road", ROADS)
def test_a_categorical_without_categories_beside_whole_numbers(road, tmp_path):
    whole = pd.Series([2**53 + 1, 2**53])
    source = source_of([whole, NOTHING["an ordered one"]], road, tmp_path)
    found = values(source)
    assert found[:2] == whole.tolist()
    assert pd.isna(found[2:]).all()


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("first", [True, False])
def test_a_date_beside_a_moment_of_a_zone_is_another_kind(first, road, tmp_path):
    date = pd.Series([dt.date(2020, 1, 1)], dtype=object)
    moment = pd.Series(pd.to_datetime(["2020-01-02"]).tz_localize("America/New_York"))
    columns = [date, moment] if first else [moment, date]
    with pytest.raises(SchemaError, match="New_York"):
        values(source_of(columns, road, tmp_path))


def test_a_date_beside_a_moment_without_a_zone_is_midnight(tmp_path):
    moment = pd.Series([pd.Timestamp("2020-01-02 05:00")])
    for number, column in enumerate([pd.Series([dt.date(2020, 1, 1)], dtype=object), moment]):
        column.to_frame("g").to_parquet(tmp_path / f"{number}.parquet")
    assert values(as_source(tmp_path)) == [pd.Timestamp("2020-01-01"), moment[0]]


def test_tables_of_an_iterator_may_have_dictionaries_of_nothing():
    nothing = pa.array([None], pa.dictionary(pa.int8(), pa.float64()))
    tables = [pa.table({"g": nothing}), pa.table({"g": ["a"]})]
    found = values(as_source(iter(tables)))
    assert pd.isna(found[0])
    assert found[1] == "a"
