"""Columns and expressions beside the rows of a design that has been learned."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.design.beside import spec_beside
from statsmodels_ooc.errors import ColumnNotFoundError, DesignError, MissingDataError, SourceError
from statsmodels_ooc.likelihoods.base import rows_beside
from statsmodels_ooc.reductions.base import Reduction

N = 40
RNG = np.random.default_rng(4)
FRAME = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.normal(size=N),
        "firm": RNG.choice(["a", "b", "c"], N),
        "sort": pd.Categorical(RNG.choice(["u", "v"], N)),
        "year": RNG.integers(2000, 2004, N),
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 9, N), unit="D"),
        "two words": RNG.integers(0, 3, N),
        "id": 2**60 + np.arange(N) // 2,
    }
)


class Labels(Reduction[list[Any]]):
    """A reduction that keeps what stands beside the rows."""

    takes_cells = False

    def init(self) -> list[Any]:
        return []

    def update(self, state: list[Any], block: Any) -> list[Any]:
        return [*state, *block.extras.beside["groups"].tolist()]

    def merge(self, left: list[Any], right: list[Any]) -> list[Any]:
        return left + right

    def nbytes(self) -> int:
        return 0


def labels(model: Any, groups: Any) -> list[Any]:
    rows = rows_beside(model.likelihood.stream, groups=groups)
    return rows.fold("labels", Labels())[0]


def sources(tmp_path: Any) -> dict[str, Any]:
    FRAME.to_parquet(tmp_path / "t.parquet", row_group_size=7)
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    return {
        "chunks": smo.as_source(FRAME, chunk_rows=7),
        "one row": smo.as_source(FRAME, chunk_rows=1),
        "whole": smo.as_source(FRAME),
        "parquet": tmp_path / "t.parquet",
        "csv": smo.read_csv(tmp_path / "t.csv", dtypes={"day": "datetime64[ns]"}),
    }


EXPRESSIONS = {
    "firm": lambda f: f["firm"],
    "sort": lambda f: f["sort"].astype(object),
    "year": lambda f: f["year"],
    "day": lambda f: f["day"],
    "two words": lambda f: f["two words"],
    "id": lambda f: f["id"],
    "np.floor(year / 2)": lambda f: np.floor(f["year"] / 2),
    "year // 2": lambda f: f["year"] // 2,
    "firm + '-' + year.astype(str)": lambda f: f["firm"] + "-" + f["year"].astype(str),
    "day.dt.day_of_week": lambda f: f["day"].dt.day_of_week,
    "pd.cut(x, [-9, 0, 9])": lambda f: pd.cut(f["x"], [-9, 0, 9]).astype(object),
    "Q('two words') + 1": lambda f: f["two words"] + 1,
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("road", ["chunks", "one row", "whole", "parquet", "csv"])
def test_each_row_has_its_own_value(expression: str, road: str, tmp_path: Any) -> None:
    model = smof.ols("y ~ x + C(sort)", sources(tmp_path)[road])
    expected = EXPRESSIONS[expression](FRAME).tolist()
    found = labels(model, expression)
    if expression == "day":
        expected, found = pd.to_datetime(expected).tolist(), pd.to_datetime(found).tolist()
    assert found == expected


def test_rows_that_are_dropped_or_not_chosen_have_none(tmp_path: Any) -> None:
    frame = FRAME.copy()
    frame.loc[[0, 6, 7, 20, N - 1], "x"] = np.nan
    frame.loc[0, "firm"] = None  # of a row that is dropped
    frame.to_csv(tmp_path / "t.csv", index=False)
    expected = frame[frame["x"].notna() & (frame["year"] > 2000)]["firm"].tolist()
    for data in (smo.as_source(frame, chunk_rows=7), tmp_path / "t.csv"):
        model = smof.ols("y ~ x", data, subset="year > 2000")
        assert labels(model, "firm") == expected
        assert labels(model, np.asarray(expected, dtype=object)) == expected


def test_a_missing_value_is_named() -> None:
    frame = FRAME.copy()
    frame.loc[17, "firm"] = None
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=7))
    with pytest.raises(
        MissingDataError, match=r"missing value of 'firm' at row 3 of .*[\s\S]*subset"
    ):
        labels(model, "firm")


def test_names_that_nobody_knows_are_refused() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(ColumnNotFoundError, match="did you mean 'firm'"):
        labels(model, "firn")
    with pytest.raises(ColumnNotFoundError, match="N"):
        labels(model, "year + N")


@pytest.mark.parametrize("code", ["year - year.mean()", "x.cumsum() > 0", "np.arange(40)"])
def test_what_looks_at_other_rows_is_refused(code: str) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(DesignError):
        labels(model, code)


def test_what_must_be_learned_is_refused() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(DesignError, match="learned in a pass"):
        labels(model, "center(x)")


def test_it_goes_to_other_processes() -> None:
    source = smo.as_source(FRAME, chunk_rows=7)
    model = smof.ols("y ~ x + C(sort)", source)
    spec = spec_beside(model.spec, source, {"groups": "firm + 'z'"})
    again = pickle.loads(pickle.dumps(spec))
    (frame,) = source.partitions[0].frames(spec.columns, 100, spec.encoded)
    one, other = (next(iter(s.blocks(frame, 0, "p", 0, 100))) for s in (spec, again))
    assert one.extras.beside["groups"].tolist() == other.extras.beside["groups"].tolist()
    assert (one.dense() == other.dense()).all()


WIDE = pd.array([2**60, 2**60 + 1, 2**60 + 2] * 2 + [2**60, None], dtype="Int64")


@pytest.mark.parametrize("chunk", [1, 4, 8])
@pytest.mark.parametrize("groups", ["g", "g + 1", "C(g)"])
def test_identifiers_keep_their_digits_where_dropped_rows_have_none(
    groups: str, chunk: int
) -> None:
    frame = pd.DataFrame({"y": range(8), "x": [1.0, 2, 3, 4, 5, 7, 6, np.nan], "g": WIDE})
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=chunk))
    found = [int(label) - 2**60 for label in labels(model, groups)]
    assert found == [int(label) - 2**60 + (groups == "g + 1") for label in WIDE[:-1]]


def test_decimals_keep_their_digits() -> None:
    ids = ["12345678901234567.1", "12345678901234567.2", "5.0"] * 4
    frame = pd.DataFrame({"y": range(12), "x": RNG.normal(size=12)})
    frame["d"] = pd.array(
        [Decimal(text) for text in ids], dtype=pd.ArrowDtype(pa.decimal128(20, 1))
    )
    model = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=5))
    assert [str(label) for label in labels(model, "d")] == ids


def test_the_index_of_a_chunk_is_no_label() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(DesignError, match="row by row"):
        labels(model, "x.index // 20")


@pytest.mark.parametrize("code", ["", "firm;", "y ~ firm", "`firm`"])
def test_what_is_no_expression_is_named(code: str) -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    with pytest.raises(DesignError, match=r"neither a column of .* nor an expression"):
        labels(model, code)


def test_spaces_around_a_name_do_not_matter() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    assert labels(model, " firm ") == FRAME["firm"].tolist()


def test_rows_that_are_gone_are_named() -> None:
    model = smof.ols("y ~ x", smo.as_source(FRAME, chunk_rows=7))
    model.fit().remove_data()
    with pytest.raises(SourceError, match="gone"):
        labels(model, "firm")
