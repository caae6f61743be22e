"""Every pass is held against the first: the answer is never that of two tables."""

from __future__ import annotations

import datetime
import os
import pickle
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine.ledger import Read
from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.selection import iboss


def frame(n: int = 3_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.poisson(3.0, size=n).astype(float),
            "x": rng.normal(size=n),
            "flag": rng.integers(0, 2, size=n),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, n), unit="D"),
            "g": rng.choice(["a", "b", "c"], size=n),
            "id": 2**53 + rng.integers(0, 2, size=n),
        }
    )


class Changing:
    """A function that gives the frames of a table, which somebody exchanges."""

    __name__ = "changing"

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    def __call__(self):
        return iter([self.table])


def other_rows(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:500]


def one_value(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(x=table["x"].where(table.index != 1_234, 0.5))


def two_values_exchanged(table: pd.DataFrame) -> pd.DataFrame:
    x = table["x"].to_numpy().copy()
    x[[10, 2_000]] = x[[2_000, 10]]
    return table.assign(x=x)


def another_order(table: pd.DataFrame) -> pd.DataFrame:
    return table.sample(frac=1.0, random_state=0).reset_index(drop=True)


def one_flag(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(flag=table["flag"].where(table.index != 77, 1 - table["flag"]))


def one_date(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(when=table["when"].where(table.index != 77, pd.Timestamp("2024-02-29")))


def one_text(table: pd.DataFrame) -> pd.DataFrame:
    other = table["g"].map({"a": "b", "b": "c", "c": "a"})
    return table.assign(g=table["g"].where(table.index != 77, other))


def two_signs(table: pd.DataFrame) -> pd.DataFrame:
    x = table["x"].to_numpy().copy()
    x[[10, 2_000]] *= -1
    return table.assign(x=x)


def ids_exchanged(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(id=table["id"].map({2**53: 2**53 + 1, 2**53 + 1: 2**53}))


CHANGES = [
    two_signs,
    ids_exchanged,
    other_rows,
    one_value,
    two_values_exchanged,
    another_order,
    one_flag,
    one_date,
    one_text,
]


@pytest.mark.parametrize("change", CHANGES)
def test_another_pass_over_other_rows_is_refused(change):
    data = Changing(frame())
    res = smof.ols("y ~ x + flag + g + C(when) + C(id)", data).fit()
    data.table = change(data.table)
    with pytest.raises(SourceChangedError, match=r"the data changed before .*changing gave"):
        res.model.likelihood.stream.fold("again")
    with pytest.raises(SourceChangedError, match="the data changed before a lazy answer"):
        res.lazy.resid.compute()


@pytest.mark.parametrize(
    ("term", "change"),
    [
        ("standardize(x)", other_rows),
        ("standardize(x)", one_value),
        ("standardize(x)", another_order),
        ("standardize(center(x))", one_value),
        ("bs(x, df=4)", two_values_exchanged),
        ("C(flag)", other_rows),
        ("C(flag)", one_flag),
        ("C(when)", one_date),
        ("g", other_rows),
    ],
)
def test_a_fit_of_other_rows_than_were_learned_from_is_refused(term, change):
    data = Changing(frame())
    model = smof.ols(f"y ~ {term}", data)
    data.table = change(data.table)
    with pytest.raises(SourceChangedError, match="before the pass 'fit'"):
        model.fit()


def kinds() -> pd.DataFrame:
    """Columns that are no NumPy numbers, of which the first row tells nothing."""
    table, rng = frame(1_000), np.random.default_rng(1)
    ones, zone = rng.integers(1, 99, len(table)), "Europe/Vienna"
    return table.assign(
        text=rng.choice(["ab", "bb", "aab"], len(table)),
        missing=rng.choice(np.array(["ab", None, "aab"], dtype=object), len(table)),
        category=pd.Categorical(rng.choice(["ab", "bb", "aab"], len(table))),
        zoned=pd.Timestamp("2024-01-01", tz=zone) + pd.to_timedelta(ones, unit="h"),
        decimal=pd.array(ones.astype(object) * 10**20, dtype=pd.ArrowDtype(pa.decimal128(30, 0))),
        period=pd.PeriodIndex.from_ordinals(ones, freq="D"),
        time=[datetime.time(hour) for hour in rng.integers(0, 24, len(table)).tolist()],
    )


IN_EXPRESSIONS = {
    "text": "I(text.str.count('a'))",
    "missing": "I(missing.str.count('a'))",
    "category": "I(category.astype(str).str.count('a'))",
    "zoned": "zoned.dt.hour",
    "decimal": "decimal",
    "period": "period.dt.day",
    "time": "time.astype(str).str[:2].astype(int)",
}


def one_of(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row gets another row's value."""
    values = table[column].copy()
    values.iloc[77] = values[(values != values.iloc[77]) & values.notna()].iloc[-1]
    return table.assign(**{column: values})


@pytest.mark.parametrize("column", IN_EXPRESSIONS)
def test_values_that_an_expression_makes_numbers_of_are_compared(column):
    data = Changing(kinds())
    res = smof.ols(f"y ~ {IN_EXPRESSIONS[column]}", data).fit()
    res.model.likelihood.stream.fold("again")
    data.table = one_of(data.table, column)
    with pytest.raises(SourceChangedError, match=f"other values of '{column}'"):
        res.model.likelihood.stream.fold("again")
    with pytest.raises(SourceChangedError, match=f"other values of '{column}'"):
        res.lazy.resid.compute()


@pytest.mark.parametrize("column", ["text", "category", "zoned", "decimal"])
def test_a_file_with_other_values_in_an_expression_is_refused(tmp_path, column):
    path = feather(tmp_path / "t", kinds())
    res = smof.ols(f"y ~ {IN_EXPRESSIONS[column]}", path).fit()
    feather(tmp_path / "t", one_of(kinds(), column))
    later(path)
    with pytest.raises(SourceChangedError, match=r"t\.feather"):
        _ = res.HC0_se


@pytest.mark.parametrize("rows", [13, 400])
def test_how_frames_are_cut_does_not_change_what_is_compared(rows):
    table = kinds().assign(missing=lambda d: d["missing"].where(d.index > 20, None))
    res = smof.ols("y ~ " + " + ".join(IN_EXPRESSIONS.values()), smo.as_source([table])).fit()
    with smo.options.set(frame_rows=rows):
        res.model.likelihood.stream.fold("again")


def test_identifiers_that_are_the_same_double_are_compared():
    data = Changing(frame())
    res = smof.ols("y ~ C(id)", data).fit()
    data.table = ids_exchanged(data.table)
    with pytest.raises(SourceChangedError, match="other values of 'id'"):
        res.model.likelihood.stream.fold("again")


def test_learning_from_two_tables_is_refused():
    """Of the nested transform the inner one learns first."""
    tables = iter([frame()] * 4 + [other_rows(frame())] * 9)
    with pytest.raises(SourceChangedError, match="3,000 rows then, 500 now"):
        smof.ols("y ~ standardize(center(x)) + C(flag)", lambda: iter([next(tables)])).fit()


def test_a_pilot_that_read_all_rows_counts():
    data = Changing(frame(200))
    stream = smof.ols("y ~ x", data).likelihood.stream
    stream.sample(1_000)
    data.table = frame(150)
    with pytest.raises(SourceChangedError, match="200 rows then, 150 now"):
        stream.fold("fit")


def test_a_pilot_that_read_some_rows_says_nothing_of_their_number():
    stream = smof.ols("y ~ x", Changing(frame(200))).likelihood.stream
    stream.sample(10)
    stream.fold("fit")


def test_selected_rows_are_held_against_what_was_learned(monkeypatch):
    data = Changing(frame())
    run = iboss.Selecting.run

    def change_and_run(selecting):
        data.table = one_value(data.table)
        return run(selecting)

    monkeypatch.setattr(iboss.Selecting, "run", change_and_run)
    with pytest.raises(SourceChangedError, match="other values of 'x'"):
        smo.IBOSS(100).select("y ~ standardize(x)", data)


# --- files -------------------------------------------------------------------------------


def parquet(path: Path, table: pd.DataFrame) -> Path:
    table.to_parquet(path.with_suffix(".parquet"), compression="none", use_dictionary=False)
    return path.with_suffix(".parquet")


def feather(path: Path, table: pd.DataFrame) -> Path:
    table.to_feather(path.with_suffix(".feather"), compression="uncompressed")
    return path.with_suffix(".feather")


FILES = [parquet, feather]


def later(path: Path) -> None:
    """Another time of the last change."""
    known = path.stat()
    os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns + 10**9))


@pytest.mark.parametrize("write", FILES)
def test_a_loaded_result_reads_the_same_bytes_under_another_time(tmp_path, write):
    path = write(tmp_path / "t", frame())
    res = smof.ols("y ~ x + g", path).fit()
    saved = pickle.dumps(res)
    later(path)
    loaded = pickle.loads(saved)
    np.testing.assert_array_equal(loaded.lazy.resid.compute(), res.lazy.resid.compute())
    assert loaded.summary().tables[2].as_text() == res.summary().tables[2].as_text()


@pytest.mark.parametrize("write", FILES)
@pytest.mark.parametrize("change", [one_value, two_values_exchanged, one_text, another_order])
def test_a_loaded_result_refuses_other_bytes_of_the_same_length(tmp_path, write, change):
    path = write(tmp_path / "t", frame())
    res = smof.ols("y ~ x + g", path).fit()
    saved, size = pickle.dumps(res), path.stat().st_size
    write(tmp_path / "t", change(frame()))
    later(path)
    assert path.stat().st_size == size
    with pytest.raises(SourceChangedError, match=r"t\.(parquet|feather).*as many rows"):
        pickle.loads(saved).lazy.resid.compute()
    with pytest.raises(SourceChangedError, match=r"t\.(parquet|feather).*as many rows"):
        pickle.loads(saved).summary()


@pytest.mark.parametrize("write", FILES)
def test_a_file_of_another_time_is_refused_where_nothing_can_be_compared(tmp_path, write):
    path = write(tmp_path / "t", frame())
    model = smof.ols("y ~ x + g", path)
    later(path)
    with pytest.raises(SourceChangedError, match="changed after the source was opened"):
        model.fit()


def test_row_groups_of_another_length_in_a_file_of_the_same_length(tmp_path):
    path = tmp_path / "t.parquet"
    frame().to_parquet(path, row_group_size=1_000)
    size = path.stat().st_size
    res = smof.ols("y ~ x", path).fit()
    frame().to_parquet(path, row_group_size=1_500)
    with path.open("r+b") as file:  # as long as before, and no Parquet at all
        file.truncate(size)
    with pytest.raises(SourceChangedError, match=r"t\.parquet"):
        res.lazy.resid.compute()


# --- URLs --------------------------------------------------------------------------------


@pytest.fixture
def memory():
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    yield filesystem
    filesystem.store.clear()


@pytest.mark.parametrize("change", [other_rows, one_value])
@pytest.mark.parametrize("formula", ["y ~ x", "y ~ standardize(x) + g"])
def test_a_url_that_is_replaced_before_the_fit_is_refused(memory, tmp_path, change, formula):
    memory.pipe("/t.parquet", parquet(tmp_path / "a", frame()).read_bytes())
    model = smof.ols(formula, "memory://t.parquet")
    memory.pipe("/t.parquet", parquet(tmp_path / "b", change(frame())).read_bytes())
    with pytest.raises(SourceChangedError, match=r"t\.parquet changed after the source was opened"):
        model.fit()


def test_a_url_with_the_same_bytes_again_is_read_for_a_fit_that_is_known(memory, tmp_path):
    content = parquet(tmp_path / "a", frame()).read_bytes()
    memory.pipe("/t.parquet", content)
    res = smof.ols("y ~ x", "memory://t.parquet").fit()
    before = res.lazy.resid.compute()
    memory.pipe("/t.parquet", content)
    np.testing.assert_array_equal(res.lazy.resid.compute(), before)
    memory.rm("/t.parquet")
    with pytest.raises(SourceChangedError, match="was removed"):
        res.lazy.resid.compute()


# --- what is noted of a column ------------------------------------------------------------

TEXT = pd.Series(["b", None, "a", None, None, "b"])
NUMBERS = pd.Series([3, None, 5, None, None, 3], dtype="Int64")


def noted(*pieces: pd.Series) -> dict[str, int]:
    read = Read()
    for piece in pieces:
        read.add(pd.DataFrame({"v": piece.reset_index(drop=True)}))
    return read.values


@pytest.mark.parametrize(
    ("values", "kinds"),
    [(TEXT, ["str", "object", "category"]), (NUMBERS, ["Float64", "float64", "category"])],
)
def test_the_same_values_of_another_type_are_the_same(values, kinds):
    known = noted(values)
    assert known["v"] != noted(values[::-1])["v"]
    for kind in kinds:
        assert noted(values.astype(kind)) == known
        assert noted(values[:3].astype(kind), pd.Series([np.nan] * 2), values[5:]) == known


@pytest.mark.parametrize("sign", [1, -1])
def test_whole_numbers_that_are_the_same_double_are_two(sign):
    one, other = (pd.Series([sign * (2**53 + more), 0]) for more in (0, 1))
    assert noted(one) != noted(other)
    assert noted(one) == noted(one.astype("float64"))


@pytest.mark.parametrize("kind", ["float64", "int8", "int64", "uint16", "bool", "str"])
def test_pieces_have_the_checksum_of_the_whole(kind):
    values = pd.Series(np.random.default_rng(0).integers(0, 100, 5_000)).astype(kind)
    whole = noted(values)
    for cuts in ([1], [1_024], [1_000, 2_048, 2_049], [*range(0, 5_000, 7)], [0, 0, 5_000]):
        starts, ends = [0, *cuts], [*cuts, None]
        assert noted(*(values[a:b] for a, b in zip(starts, ends, strict=True))) == whole


@pytest.mark.parametrize("pair", [(-1.0, 1.0), (0.0, 2.0), (0.5, 8.0)])
def test_pairs_of_changes_are_noticed(pair):
    rng = np.random.default_rng(0)
    values = pd.Series(rng.choice(pair, size=3_000))
    known = noted(values)
    for _ in range(100):
        at = rng.choice(3_000, size=2, replace=False)
        other = values.copy()
        other[at] = sum(pair) - other[at]
        assert noted(other) != known


def test_places_and_values_are_noticed():
    values = pd.Series(np.random.default_rng(0).normal(size=5_000))
    known = {noted(values)["v"]}
    for at, to in [(0, 1), (5, 2_053), (4_998, 4_999)]:
        moved = values.copy()
        moved[[at, to]] = values[[to, at]].to_numpy()
        known.add(noted(moved)["v"])
        moved[at] = np.nextafter(moved[at], 9)
        known.add(noted(moved)["v"])
    assert len(known) == 7
