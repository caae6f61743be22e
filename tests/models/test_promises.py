"""What a source declares of a column never changes a value of it."""

from __future__ import annotations

from decimal import Decimal

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from tolerances import ITERATED, SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import DesignError, SchemaError

N = 400


def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"k": rng.integers(0, 20, N), "x": rng.normal(size=N)})
    data["age"] = rng.integers(18, 90, N)
    data["y"] = data["x"] + data["age"] / 10 + rng.normal(size=N)
    return data


def same(found, right) -> None:
    assert found.nobs == right.nobs
    pd.testing.assert_series_equal(found.params, right.params, rtol=SOLVED, check_names=False)
    pd.testing.assert_series_equal(found.bse, right.bse, rtol=SOLVED, check_names=False)


# --- dask declares what it does not compute


@pytest.mark.parametrize(
    ("of", "formula"),
    [
        (lambda k: k % 2 == 0, "y ~ x + v"),
        (lambda k: k % 2 == 0, "y ~ x + C(v)"),
        (lambda k: k * 3, "y ~ x + v"),
        (lambda k: k * 3, "y ~ x + np.log1p(v)"),
        (lambda k: k % 4, "y ~ x + C(v)"),
    ],
)
def test_left_merges_lose_what_was_declared(of, formula):
    keys = pd.DataFrame({"k": np.arange(15)})
    right = dd.from_pandas(keys.assign(v=of(keys["k"])), npartitions=1)
    merged = dd.from_pandas(table(), npartitions=4).merge(right, on="k", how="left")
    whole = merged.compute()
    assert merged.dtypes["v"] != whole.dtypes["v"]
    same(smof.ols(formula, merged).fit(), smf.ols(formula, whole.dropna()).fit())


def test_floats_under_a_declared_integer_are_not_cut():
    frame = dd.from_pandas(table(), npartitions=3)
    meta = frame._meta.assign(v=pd.Series(dtype="int64"))
    lying = frame.map_partitions(lambda piece: piece.assign(v=piece["x"] * 1.7), meta=meta)
    same(smof.ols("y ~ v", lying).fit(), smf.ols("y ~ v", lying.compute()).fit())


def test_a_subset_takes_no_row_of_which_the_condition_is_missing(tmp_path):
    flag = pd.array(table()["k"] % 3 == 0, dtype="boolean")
    flag[::7] = pd.NA
    data = table().assign(flag=flag)
    data.to_parquet(tmp_path / "t.parquet", row_group_size=100)
    chosen = data[data["flag"].fillna(False)]
    for source in (str(tmp_path / "t.parquet"), dd.from_pandas(data, npartitions=3)):
        for condition in ("flag", "flag == True"):
            found = smof.ols("y ~ x", source, subset=condition).fit()
            same(found, smf.ols("y ~ x", chosen).fit())


def test_a_subset_of_small_integers_does_not_overflow():
    data = table().astype({"age": "int8"})
    right = smf.ols("y ~ x", data[data["age"] > 75]).fit()
    for condition in ("age * 2 > 150", lambda chunk: chunk["age"] * 2 > 150):
        found = smof.ols("y ~ x", smo.as_source(data, chunk_rows=90), subset=condition).fit()
        same(found, right)


def test_two_roles_may_be_of_one_column():
    data = table().assign(w=table()["age"] / 40, y=table()["k"])
    poisson = sm.families.Poisson()
    source = smo.as_source(data, chunk_rows=90)
    found = smof.glm("y ~ x", source, family=poisson, var_weights="w", exposure="w").fit(tol=1e-13)
    given = {"var_weights": data["w"], "exposure": data["w"]}
    right = smf.glm("y ~ x", data, family=poisson, **given).fit(tol=1e-13)
    np.testing.assert_allclose(found.params, right.params, rtol=ITERATED)


# --- chunks of which pandas infers other types


def text_of_numbers() -> list[pd.DataFrame]:
    pieces = [table()[:200].assign(code=range(200)), table()[200:].assign(code="X17")]
    return [piece.reset_index(drop=True) for piece in pieces]


@pytest.mark.parametrize("make", [list, iter, lambda pieces: lambda: iter(pieces)])
def test_chunks_of_numbers_and_of_text_are_refused_where_they_are_used(make):
    same(smof.ols("y ~ x", make(text_of_numbers())).fit(), smf.ols("y ~ x", table()).fit())
    for formula in ("y ~ C(code)", "y ~ code", "code ~ x"):
        with pytest.raises((SchemaError, DesignError), match=r"'code'[\s\S]*(dtype=|convert|C\()"):
            smof.ols(formula, make(text_of_numbers())).fit()


def test_text_that_somebody_made_of_numbers_is_refused():
    data = table().assign(price=[Decimal(int(age)) / 4 for age in table()["age"]])
    frame = dd.from_pandas(data, npartitions=3)
    for subset in (None, "x > -1"):
        with pytest.raises(DesignError, match=r"'price' is text[\s\S]*convert-string"):
            smof.ols("y ~ price", frame, subset=subset)
    with dask.config.set({"dataframe.convert-string": False}):
        found = smof.ols("y ~ price", dd.from_pandas(data, npartitions=3)).fit()
    same(found, smf.ols("y ~ price", data.astype({"price": float})).fit())


def test_codes_of_digits_stay_text():
    data = table().assign(code=[f"{k:05d}" for k in table()["k"]])
    same(
        smof.ols("y ~ code", dd.from_pandas(data, npartitions=3)).fit(),
        smf.ols("y ~ code", data).fit(),
    )


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of dask, when it reads
def test_a_dictionary_that_declares_nothing_is_sorted(tmp_path):
    words = np.array(["c", "a", "b"])[table()["k"] % 3]
    data = pa.table({"y": table()["y"], "g": pa.array(words).dictionary_encode()})
    pq.write_table(data, tmp_path / "t.parquet", row_group_size=100)
    right = smf.ols("y ~ g", pd.DataFrame({"y": table()["y"], "g": words})).fit()
    frame = dd.read_parquet(tmp_path / "t.parquet", split_row_groups=True)
    for source in (str(tmp_path / "t.parquet"), frame, data, smo.as_source(data)):
        same(smof.ols("y ~ g", source).fit(), right)


# --- whole numbers in expressions


EXPRESSIONS = ["I(age**2)", "np.square(age)", "I(age + age + age)", "I(age * k)", "I(k - age)",
               "age:k", "center(age * k)", "C(age // 30)", "C((age - 50) > 0)"]  # fmt: skip


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "Int8"])
@pytest.mark.parametrize("term", EXPRESSIONS)
def test_small_integers_do_not_overflow(term, dtype, tmp_path):
    data = table().astype({"age": dtype, "k": dtype})
    data.to_parquet(tmp_path / "t.parquet", row_group_size=90)
    right = smf.ols(f"y ~ {term}", table()).fit()
    for source in (smo.as_source(data, chunk_rows=77), str(tmp_path / "t.parquet")):
        same(smof.ols(f"y ~ {term}", source).fit(), right)


def test_new_data_of_small_integers_do_not_overflow():
    res = smof.ols("y ~ I(age**2)", smo.as_source(table())).fit()
    new = table().head(7)
    right = res.predict(new)
    pd.testing.assert_series_equal(res.predict(new.astype({"age": "int8"})), right)
    found = res.get_prediction(new.astype({"age": "int8"})).predicted
    np.testing.assert_allclose(found, right, rtol=SOLVED)


SMALL = {
    **{dtype: np.array([30, 80], dtype) for dtype in ("int8", "uint8", "float16")},
    "Series": pd.Series([30, 80], dtype="int8"),
    "masked": pd.array([30, 80], dtype="Int8"),
}


@pytest.mark.filterwarnings("ignore:Using dict data")
@pytest.mark.parametrize("values", SMALL.values(), ids=list(SMALL))
@pytest.mark.parametrize("fit", [smof.ols, smof.glm])
def test_a_dict_of_small_numbers_does_not_overflow(fit, values):
    res = fit("y ~ np.square(age * 10)", smo.as_source(table())).fit()
    right = res.predict(pd.DataFrame({"age": [30, 80]}))
    np.testing.assert_allclose(res.predict({"age": values}), right, rtol=SOLVED)
    found = res.get_prediction({"age": values}).predicted_mean
    np.testing.assert_allclose(found, right, rtol=SOLVED)


@pytest.mark.filterwarnings("ignore:Using dict data")
def test_a_dict_of_one_small_number_does_not_overflow():
    res = smof.ols("y ~ np.square(age * 10)", smo.as_source(table())).fit()
    right = res.predict(pd.DataFrame({"age": [80]}))
    np.testing.assert_allclose(res.predict({"age": np.int8(80)}), right, rtol=SOLVED)


def stamps() -> pd.DataFrame:
    return table().assign(t=1_700_000_000_000_000_000 + 10**13 * table()["age"])


def test_large_integers_do_not_overflow_where_doubles_do(tmp_path):
    data = table().assign(t=10**15 * table()["age"])
    right = smf.ols("y ~ I(t**2 / 1e30)", data.astype({"t": float})).fit()
    same(smof.ols("y ~ I(t**2 / 1e30)", smo.as_source(data, chunk_rows=99)).fit(), right)


def test_digits_that_doubles_lose_are_kept_or_refused():
    ids = stamps().assign(t=lambda data: data["t"] + data["k"])
    right = smf.ols("y ~ C(t % 10)", ids).fit()
    same(smof.ols("y ~ C(t % 10)", smo.as_source(ids, chunk_rows=99)).fit(), right)
    lost = ids.astype({"t": "Int64"})
    lost.loc[5, "t"] = pd.NA
    with pytest.raises(DesignError, match=r"'t' is 17.*row.*2\*\*53[\s\S]*C\(t\)"):
        smof.ols("y ~ C(t % 10)", smo.as_source(lost, chunk_rows=99)).fit()


def test_text_of_integers_needs_integers_in_every_chunk():
    whole = table().assign(v=table()["age"] // 30)
    right = smf.ols("y ~ C(v.astype(str))", whole).fit()
    same(smof.ols("y ~ C(v.astype(str))", smo.as_source(whole, chunk_rows=99)).fit(), right)
    late = whole.astype({"v": "float64"})
    late.loc[N - 1, "v"] = np.nan
    pieces = [whole, whole, whole, late]  # the first thousand rows tell what to expect
    with pytest.raises(DesignError, match=r"'v' holds whole numbers in other rows.*row"):
        smof.ols("y ~ C(v.astype(str))", lambda: iter(pieces)).fit()
    same(  # a number of which text is not made may come either way
        smof.ols("y ~ I(v ** 2)", lambda: iter(pieces)).fit(),
        smf.ols("y ~ I(v ** 2)", pd.concat(pieces, ignore_index=True).dropna()).fit(),
    )


# --- decimals and long identifiers


SIX = np.arange(60) % 6
OF_SIX = np.random.default_rng(5).normal(size=60) + SIX


def labels(values) -> pd.DataFrame:
    return pd.DataFrame({"y": OF_SIX, "v": [str(value) for value in values]})


def files(folder, *tables) -> str:
    for number, data in enumerate(tables):
        pq.write_table(data, folder / f"{number}.parquet")
    return str(folder)


def test_decimals_are_the_doubles_that_are_written_so(tmp_path):
    cents = np.arange(900) % 300
    prices = pa.array([Decimal(int(c)) / 100 for c in cents], pa.decimal128(10, 2))
    folder = files(tmp_path, pa.table({"y": cents * 1.0, "v": prices}))
    for cent in (35, 41, 57, 299):
        assert smof.ols("y ~ 1", folder, subset=f"v == {cent / 100}").fit().nobs == 3
    right = smf.ols("y ~ I(v >= 0.35)", pd.DataFrame({"y": cents * 1.0, "v": cents / 100})).fit()
    same(smof.ols("y ~ I(v >= 0.35)", folder).fit(), right)


def test_decimals_of_files_with_other_digits_are_the_same_levels(tmp_path):
    values = [Decimal(int(six)) / 10 for six in SIX]
    kinds = pa.decimal128(10, 2), pa.decimal128(20, 19)
    pieces = [pa.array(values[i : i + 30], k) for i, k in zip((0, 30), kinds, strict=True)]
    tables = [pa.table({"y": OF_SIX[:30], "v": pieces[0]}),
              pa.table({"y": OF_SIX[30:], "v": pieces[1]})]  # fmt: skip
    same_levels(smof.ols("y ~ C(v)", files(tmp_path, *tables)).fit(), values)


def same_levels(found, values) -> None:
    right = smf.ols("y ~ C(v)", labels(values)).fit()
    assert (found.nobs, len(found.params)) == (right.nobs, len(right.params))
    np.testing.assert_allclose(found.ssr, right.ssr, rtol=SOLVED)


IDS = [(2**60 if i < 30 else 2**64) + int(six) for i, six in enumerate(SIX)]
SMALL = [int(six) if i < 30 else 2**64 + int(six) for i, six in enumerate(SIX)]
ONE, TWO = slice(0, 30), slice(30, 60)


@pytest.mark.parametrize("ids", [IDS, SMALL], ids=["long", "small and long"])
def test_identifiers_of_files_of_other_types_stay_apart(ids, tmp_path):
    kinds = {
        "integers": (pa.int64(), pa.decimal128(20, 0)),
        "decimals": (pa.decimal128(20, 0), pa.decimal128(22, 0)),
    }
    for name, two in kinds.items():
        (tmp_path / name).mkdir()
        tables = [
            pa.table({"y": OF_SIX[rows], "v": pa.array([made(kind, v) for v in ids[rows]], kind)})
            for rows, kind in zip((ONE, TWO), two, strict=True)
        ]
        same_levels(smof.ols("y ~ C(v)", files(tmp_path / name, *tables)).fit(), ids)
    data = pd.DataFrame({"y": OF_SIX, "v": pd.Series(ids, dtype=object)})
    for number, rows in enumerate((ONE, TWO)):
        data[rows].to_csv(tmp_path / f"{number}.csv", index=False)
    same_levels(smof.ols("y ~ C(v)", str(tmp_path / "*.csv")).fit(), ids)
    pieces = [data[rows].infer_objects().reset_index(drop=True) for rows in (ONE, TWO)]
    for make in (list, iter, lambda pieces: lambda: iter(pieces)):
        found = smof.ols("y ~ C(v)", make(pieces)).fit()
        same_levels(found, ids)
        assert found.params.index[-1] == f"C(v)[T.{2**64 + 5}]"


def made(kind, value):
    return Decimal(value) if pa.types.is_decimal(kind) else value


TENTHS = [Decimal(int(six)) / 10 for six in SIX]


def test_expressions_of_long_identifiers_are_exact_or_refused(tmp_path):
    long, far = ([2**64 * k + int(six) for k, six in zip(times, SIX, strict=True)]
                 for times in ([1] * 60, (SIX + 1).tolist()))  # fmt: skip
    decimals = {name: pa.array(list(map(Decimal, v)), pa.decimal128(21, 0))
                for name, v in (("long", long), ("far", far))}  # fmt: skip
    folder = files(tmp_path, pa.table({"y": OF_SIX, **decimals}))
    with pytest.raises(DesignError, match=r"'long' is 1844674407370955161.*row.*2\*\*53"):
        smof.ols("y ~ C(long % 10)", folder)
    right = smf.ols("y ~ np.log(far)", pd.DataFrame({"y": OF_SIX, "far": far}, dtype=float)).fit()
    same(smof.ols("y ~ np.log(far)", folder).fit(), right)


DECIMALS = {
    "one long one": [*TENTHS[:40], Decimal("0.12345678901234567891"), *TENTHS[41:]],
    "one with zeros": [*TENTHS[:40], Decimal("0.40000000000000000000"), *TENTHS[41:]],
    "and integers": [Decimal(int(six)) if i % 7 else int(six) for i, six in enumerate(SIX)],
    "and doubles": [Decimal(int(six)) if i % 7 else float(six) for i, six in enumerate(SIX)],
}


@pytest.mark.parametrize("values", DECIMALS.values(), ids=DECIMALS)
def test_decimals_do_not_depend_on_their_neighbours(values):
    data = pd.DataFrame({"y": OF_SIX, "v": pd.Series(values, dtype=object)})
    right = smf.ols("y ~ v", data.astype({"v": float})).fit()
    pieces = [data[rows].reset_index(drop=True) for rows in (ONE, TWO)]
    for source in (smo.as_source(data), pieces, iter(pieces), lambda: iter(pieces)):
        same(smof.ols("y ~ v", source).fit(), right)
    for source in (smo.as_source(data), pieces, iter(pieces), lambda: iter(pieces)):
        same_levels(smof.ols("y ~ C(v)", source).fit(), [float(value) for value in values])


@pytest.mark.parametrize("make", [list, iter, lambda pieces: lambda: iter(pieces)])
def test_identifiers_that_became_doubles_in_one_chunk_are_refused(make):
    ids = 2**60 + SIX
    late = pd.DataFrame({"y": OF_SIX[TWO], "v": ids[TWO].astype(float)})
    late.loc[:2, "v"] = np.nan
    pieces = [pd.DataFrame({"y": OF_SIX[ONE], "v": ids[ONE]}), late]
    with pytest.raises(DesignError, match=r"'v' came as whole numbers .* doubles[\s\S]*Int64"):
        smof.ols("y ~ C(v)", make(pieces)).fit()


# --- conditions on missing numbers


def test_conditions_see_missing_numbers_as_doubles(tmp_path):
    v = pd.Series(SIX).astype("Int64").mask(np.arange(60) % 7 == 0)
    data = pd.DataFrame({"y": OF_SIX, "v": v})
    data.to_csv(tmp_path / "t.csv", index=False)
    data.to_parquet(tmp_path / "t.parquet", row_group_size=20)
    quarters = [None if value is pd.NA else Decimal(int(value)) / 4 for value in v]
    exact = pa.table({"y": OF_SIX, "v": pa.array(quarters, pa.decimal128(30, 2))})
    pq.write_table(exact, tmp_path / "decimals.parquet")
    read = pd.read_csv(tmp_path / "t.csv")
    pieces = [read[rows].reset_index(drop=True) for rows in (ONE, TWO)]
    sources = [str(tmp_path / "t.csv"), str(tmp_path / "t.parquet"), smo.as_source(data), pieces,
               smo.as_source(iter(pieces)), lambda: iter(pieces)]  # fmt: skip
    for source in sources:
        found = smof.ols("y ~ 1", source, subset="not (v > 2)").fit()
        right = nobs_and_ssr(read[read.eval("not (v > 2)")])
        assert (found.nobs, found.ssr) == pytest.approx(right)
    found = smof.ols("y ~ 1", sources[1], subset=lambda chunk: chunk["v"] != 3).fit()
    assert (found.nobs, found.ssr) == pytest.approx(nobs_and_ssr(read[read["v"] != 3]))
    for condition in ("v != 0.75", "v > 0.5"):
        right = (read["v"] / 4).to_frame().eval(condition)
        found = smof.ols("y ~ 1", str(tmp_path / "decimals.parquet"), subset=condition).fit()
        assert (found.nobs, found.ssr) == pytest.approx(nobs_and_ssr(read[right]))


def nobs_and_ssr(data: pd.DataFrame) -> tuple[float, float]:
    return len(data), data["y"].var(ddof=0) * len(data)


def test_conditions_see_long_identifiers_exactly(tmp_path):
    ids = pd.Series(2**60 + SIX).astype("Int64").mask(np.arange(60) % 7 == 0)
    data = pd.DataFrame({"y": OF_SIX, "v": ids})
    data.to_parquet(tmp_path / "t.parquet", row_group_size=20)
    kept = (SIX == 2) & (np.arange(60) % 7 > 0)
    for source in (str(tmp_path / "t.parquet"), smo.as_source(data, chunk_rows=20)):
        found = smof.ols("y ~ 1", source, subset=f"v == {2**60 + 2}").fit()
        assert (found.nobs, found.ssr) == pytest.approx(nobs_and_ssr(data[kept]))
        assert smof.ols("y ~ 1", source, subset=f"v != {2**60 + 2}").fit().nobs == 60 - kept.sum()


# --- chunks of which the whole is something else


MAKES = pytest.mark.parametrize("make", [list, iter, lambda pieces: lambda: iter(pieces)])


@MAKES
@pytest.mark.parametrize("others", [[5, 4, 3, 2, 1, 0], [9, 5, 4, 3, 2, 1, 0]])
def test_categories_of_numbers_that_disagree_are_numbers_as_pandas_makes_them(make, others):
    one = pd.DataFrame({"y": OF_SIX[ONE], "v": pd.Categorical(SIX[ONE])})
    two = pd.DataFrame({"y": OF_SIX[TWO], "v": pd.Categorical(SIX[TWO], others)})
    whole = pd.concat([one, two], ignore_index=True)
    same(smof.ols("y ~ v", make([one, two])).fit(), smf.ols("y ~ v", whole).fit())
    same_levels(smof.ols("y ~ C(v)", make([one, two])).fit(), SIX)


@MAKES
def test_times_with_and_without_a_zone_are_refused(make):
    days = pd.Series(pd.to_datetime("2024-01-01") + pd.to_timedelta(SIX, "D"))
    one = pd.DataFrame({"y": OF_SIX[ONE], "v": days[ONE]})
    two = pd.DataFrame({"y": OF_SIX[TWO], "v": days[TWO].dt.tz_localize("UTC")})
    with pytest.raises(SchemaError, match=r"'v' is .* but .*UTC.* in (DataFrame|frame) 1"):
        smof.ols("y ~ C(v)", make([one, two])).fit()


def with_gap() -> pd.DataFrame:
    """Columns of which a third of the rows, a chunk, has no value."""
    data = pd.DataFrame({"y": OF_SIX, "f": np.random.default_rng(6).normal(size=60)})
    data["g"] = pd.Series(np.array(["a", "bb", "ccc"])[SIX % 3], dtype=object)
    data["d"] = pd.Series(pd.date_range("2020", periods=60, freq="40D"))
    data["c"] = pd.Categorical(np.array(["a", "b", "c"])[SIX % 3])
    data["k"] = pd.array(SIX, "Int64")
    data["b"] = pd.array(SIX > 2, "boolean")
    data.loc[20:39, ["g", "d", "c", "k", "b"]] = None
    return data


FALSE = (with_gap()["f"][20:40] <= 0).sum()  # whatever the missing b is
GAPS = ["g.apply(str)", "g.str.len()", "C(g.str[0])", "d.dt.year", "c", "C(c.cat.codes)"]


def gap_roads(data: pd.DataFrame) -> dict:
    pieces = [data[i : i + 20].reset_index(drop=True) for i in (0, 20, 40)]
    names = ["g", "d", "c", "k", "b"]
    absent = [
        [pieces[0], pieces[1].assign(**dict.fromkeys(names, gap)), pieces[2]]
        for gap in (pd.Series([None] * 20, dtype=object), np.nan)
    ]
    return {
        "frame": smo.as_source(data, chunk_rows=20),
        "list": absent[0],
        "function": lambda: iter(absent[1]),
        "iterator": iter(absent[1]),
    }


@pytest.mark.parametrize("term", GAPS)
def test_a_chunk_without_a_value_is_of_the_columns_type(term):
    data = with_gap()
    right = smf.ols(f"y ~ {term}", data).fit()
    for road, source in gap_roads(data).items():
        if "str)" not in term or road in ("frame", "list"):  # 'nan' elsewhere, as in memory
            same(smof.ols(f"y ~ {term}", source).fit(), right)


def test_a_dask_partition_without_a_value_is_of_the_type_that_dask_declares():
    data = with_gap()
    with dask.config.set({"dataframe.convert-string": False}):
        frame = dd.from_pandas(data[["y", "g"]], npartitions=3)
    for term in ("g.apply(str)", "C(g.str[0])"):
        right = smf.ols(f"y ~ {term}", data).fit()
        same(smof.ols(f"y ~ {term}", frame).fit(), right)
        same(smof.ols(f"y ~ {term}", frame, subset="y == y").fit(), right)


@pytest.mark.parametrize(
    ("term", "nobs", "names"),
    [
        ("I(b & (f > 0))", 40 + FALSE, ["I(b & (f > 0))[T.True]"]),
        ("I(~b)", 40, ["I( ~b)[T.True]"]),
        ("C(k)", 40, [f"C(k)[T.{k}]" for k in range(1, 6)]),
    ],
)  # fmt: skip
def test_a_chunk_without_a_truth_value_or_a_number_is_of_the_columns_type(term, nobs, names):
    for source in gap_roads(with_gap()).values():
        found = smof.ols(f"y ~ {term}", source).fit()
        assert (found.nobs, list(found.params.index[1:])) == (nobs, names)


@pytest.mark.parametrize(
    ("term", "untyped"),
    [
        ("b", pa.float64()),
        ("g", pa.int64()),
        ("C(d.dt.year)", pa.float64()),
        ("t.dt.total_seconds()", pa.duration("s")),
        ("c", pa.float64()),
    ],
)
def test_a_file_without_a_value_is_of_the_columns_type(term, untyped, tmp_path):
    data = with_gap()
    data["t"] = data["d"] - data["d"][0]
    data["b"] = data["b"].astype(object).where(data["b"].notna(), None)
    data["c"] = data["c"].cat.set_categories(["c", "b", "a"], ordered=True)
    tables = [pa.Table.from_pandas(data[at : at + 20]) for at in (0, 20, 40)]
    name = term.removeprefix("C(")[0]
    at = tables[1].schema.get_field_index(name)
    tables[1] = tables[1].set_column(at, name, pa.nulls(20, untyped))
    right = smf.ols(f"y ~ {term}", data).fit()
    same(smof.ols(f"y ~ {term}", files(tmp_path, *tables)).fit(), right)


def test_a_file_that_may_have_values_of_another_type_is_refused(tmp_path):
    for number, values in enumerate([["a", "b"], pa.nulls(2, pa.float64())]):
        table = pa.table({"g": values})
        pq.write_table(table, tmp_path / f"{number}.parquet", write_statistics=False)
    with pytest.raises(SchemaError, match=r"'g' is string in .* but double in"):
        list(smo.read_parquet(tmp_path).frames(["g"]))


# --- columns that nobody asks for


@MAKES
def test_a_column_of_mixed_values_is_refused_where_it_is_used(make):
    junk = [i if i % 2 else "a" for i in range(60)]
    data = pd.DataFrame({"y": OF_SIX, "x": SIX, "junk": pd.Series(junk, dtype=object)})
    pieces = [data[:30].assign(junk=0), *(data[rows] for rows in (ONE, TWO))]
    right = smf.ols("y ~ x", pd.concat(pieces)).fit()
    same(smof.ols("y ~ x", make(pieces)).fit(), right)
    with pytest.raises(SchemaError, match=r"'junk'[\s\S]*frame 1|'junk'[\s\S]*DataFrame 1"):
        smof.ols("y ~ junk", make(pieces)).fit()


@pytest.mark.parametrize("formula", ["y ~ bs(v, df=4)", "y ~ center(v) + g"])
def test_frames_of_which_a_condition_leaves_nothing(formula):
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"y": rng.normal(size=40), "v": rng.normal(size=40), "g": ["a", "b"] * 20})
    data["k"] = np.arange(40) >= 10
    right = smf.ols(formula, data[data["k"]]).fit()
    for source in ([data[:10], data[10:]], smo.as_source(data, chunk_rows=1)):
        found = smof.ols(formula, source, subset="k").fit()
        assert_allclose(found.params, right.params, rtol=1e-9)
        assert list(found.resid.index) == list(range(10, 40))
