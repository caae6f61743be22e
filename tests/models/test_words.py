"""What is said where the data cannot be fitted: what it was, where, and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.tools.sm_exceptions import ValueWarning
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    DesignError,
    EmptyDataError,
    OptionError,
    SourceError,
    SourceNotFoundError,
)


def frame(n=60):
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(["a", "b"], n)})
    data["y"] = data["x"] + rng.normal(size=n)
    return data


WRITERS = {
    "csv": lambda data, path: data.to_csv(path, index=False),
    "parquet": lambda data, path: data.to_parquet(path),
    "feather": lambda data, path: data.reset_index(drop=True).to_feather(path),
}


def written(data, kind, folder, name="t"):
    path = folder / f"{name}.{kind}"
    WRITERS[kind](data, path)
    return path


# --- too few rows ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fit", "formula"),
    [
        (smof.ols, "y ~ x + z"),
        (smof.ols, "y ~ z*g"),
        (lambda f, d: smof.glm(f, d, family=sm.families.Gaussian()), "y ~ z + x"),
    ],
)
def test_too_few_rows_name_the_text_that_made_the_columns(fit, formula, tmp_path):
    data = frame(40).assign(z=[f"{1000 + i:,}" for i in range(40)])
    path = written(data, "csv", tmp_path)
    with pytest.raises(DesignError, match=r"rows cannot.*'z' has 40 levels[\s\S]*thousands="):
        fit(formula, str(path)).fit()


def test_too_few_rows_of_numbers_blame_no_factor():
    data = pd.DataFrame(np.ones((3, 4)), columns=["y", "a", "b", "c"]).assign(g=["u", "v", "u"])
    with pytest.raises(DesignError, match=r"needs more rows than columns$"):
        smof.ols("y ~ a + b + g", smo.as_source(data)).fit()


# --- names that are no columns -----------------------------------------------------


def test_an_array_in_scope_is_not_taken_for_a_column(tmp_path):
    path = tmp_path / "preface.csv"
    path.write_text('"Source","Updated"\n"A","2024"\n\ny,x\n1,2\n3,4\n')
    y = np.arange(9.0)
    with pytest.raises(ColumnNotFoundError, match=r"'y' is no column[\s\S]*'Source', 'Updated'"):
        smof.ols("y ~ Source", str(path))
    assert len(y) == 9


def test_parameters_from_outside_are_still_used():
    data, scope = frame(), {"knots": np.array([-0.5, 0.5])}
    formula = "y ~ bs(x, knots=knots, degree=1)"
    expected = smf.ols(formula, data, eval_env=scope).fit()
    found = smof.ols(formula, smo.as_source(data), eval_env=scope).fit()
    np.testing.assert_allclose(found.params, expected.params, rtol=SOLVED)


# --- columns without values, files without rows ------------------------------------


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("column", ["x", "g"])
@pytest.mark.parametrize("where", ["first", "last"])
def test_a_column_that_is_missing_in_one_of_several_files(kind, column, where, tmp_path):
    data = frame()
    part, rest = data[:20].assign(**{column: None}), data[20:]
    names = "ab" if where == "first" else "ba"
    written(part, kind, tmp_path, names[0])
    written(rest, kind, tmp_path, names[1])
    expected = smf.ols("y ~ x + g", rest).fit()
    found = smof.ols("y ~ x + g", tmp_path).fit()
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)
    assert found.model.dropped == {column: 20}


@pytest.mark.parametrize("kind", [*WRITERS, "frame", "function", "Table"])
@pytest.mark.parametrize("formula", ["y ~ x", "y ~ g", "y ~ C(g)", "g ~ x", "y ~ center(x)"])
def test_no_rows(kind, formula, tmp_path):
    none = frame()[:0]
    made = {
        "frame": lambda: smo.as_source(none),
        "function": lambda: lambda: iter([none]),
        "Table": lambda: pa.Table.from_pandas(none),
    }
    source = made[kind]() if kind in made else str(written(none, kind, tmp_path))
    with pytest.raises(EmptyDataError, match=r"no row|has no level"):
        smof.ols(formula, source).fit()


@pytest.mark.parametrize("kind", ["parquet", "feather", "frame"])
def test_a_factor_without_a_value(kind, tmp_path):
    data = frame().assign(g=pd.Series([None] * 60, dtype="str"))
    source = smo.as_source(data) if kind == "frame" else str(written(data, kind, tmp_path))
    with pytest.raises(EmptyDataError, match=r"'g' has no level.*missing"):
        smof.ols("y ~ g", source).fit()


@pytest.mark.parametrize("kind", ["parquet", "feather", "frame", "iterator"])
@pytest.mark.parametrize("value", [[1, 2], {"a": 1}], ids=["list", "struct"])
@pytest.mark.parametrize("formula", ["y ~ v", "v ~ x"])
def test_lists_and_structs(kind, value, formula, tmp_path):
    data = frame().assign(v=[value] * 60)
    made = {"frame": smo.as_source, "iterator": lambda data: iter([data])}
    source = made[kind](data) if kind in made else str(written(data, kind, tmp_path))
    with pytest.raises(DesignError, match=r"'v' must be hashable[\s\S]*columns of their own"):
        smof.ols(formula, source).fit()


# --- files that cannot be read -----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("t.xlsx", r"pd\.read_excel"),
        ("t.DTA", r"pd\.read_stata\(path, chunksize"),
        ("t.sas7bdat", r"pd\.read_sas\(path, chunksize"),
        ("t.jsonl", r"pd\.read_json\(path, lines=True, chunksize"),
        ("t.data", r"smo\.read_csv\(path\)"),
        ("t", r"smo\.read_csv\(path\)"),
    ],
)
def test_an_unknown_suffix_says_who_reads_it(name, hint, tmp_path):
    (tmp_path / name).write_text("y,x\n1,2\n")
    with pytest.raises(SourceError, match=rf"nothing is known[\s\S]*{hint}") as caught:
        smof.ols("y ~ x", str(tmp_path / name))
    assert "rename" not in str(caught.value)


def test_an_orc_file_is_read_as_it_is_said(tmp_path):
    from pyarrow import dataset, orc

    path = str(tmp_path / "t.orc")
    orc.write_table(pa.Table.from_pandas(frame()), path)
    with pytest.raises(SourceError, match=r"pyarrow\.dataset\.dataset\(path, format='orc'\)"):
        smof.ols("y ~ x", path)
    found = smof.ols("y ~ x", dataset.dataset(path, format="orc")).fit()
    expected = smf.ols("y ~ x", frame()).fit()
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permission_denied():
    with tempfile.TemporaryDirectory() as folder:  # not pytest's, which no other user may enter
        os.chmod(folder, 0o755)
        _refuse_to_others(Path(folder))


def _refuse_to_others(folder):
    paths = [str(written(frame(), kind, folder)) for kind in WRITERS]
    for path in paths:
        os.chmod(path, 0)
    script = f"""
        import os
        import statsmodels_ooc.formula.api as smof
        import statsmodels_ooc.models.streamed_linear, statsmodels_ooc.sources.paths
        from statsmodels_ooc.errors import SourceError
        if os.getuid() == 0:  # who may also read what else would be loaded later
            os.seteuid(65534)  # root may read everything
        for path in {paths}:
            try:
                smof.ols("y ~ x", path)
            except SourceError as error:
                print(repr(error.message))
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    for path, line in zip(paths, found.stdout.splitlines(), strict=True):
        assert f"permission denied: {path} may not be read" in line


# --- paths and options --------------------------------------------------------------


@pytest.mark.parametrize("path", ["", ["t.csv", ""]])
def test_an_empty_path_is_not_the_current_folder(path, tmp_path, monkeypatch):
    written(frame(), "csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceNotFoundError, match="the path is empty"):
        smof.ols("y ~ x", path)


@pytest.mark.parametrize("fit", [smof.ols, smof.wls, smof.glm])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("subst", "; did you mean subset=?"),
        ("sep", '; of a file it is said by smo.read_csv(path, delimiter=";")'),
        ("zzz", ""),
    ],
)
def test_an_unknown_keyword_is_named_at_the_line_that_gave_it(fit, name, hint, tmp_path):
    with pytest.warns(ValueWarning) as caught:
        fit("y ~ x", str(written(frame(), "csv", tmp_path)), **{name: "x > 0"})
    assert [str(item.message) for item in caught] == [f"unknown kwargs ['{name}']{hint}"]
    assert caught[0].filename == __file__


def test_an_unknown_keyword_beside_arrays():
    data = frame()
    x, y = (da.from_array(data[name].to_numpy(), 20) for name in "xy")
    for exog, endog in ((x[:, None], y), (data["x"], data["y"])):
        with pytest.warns(ValueWarning, match="did you mean weights=") as caught:
            smo.WLS(endog, exog, wieghts=1)
        assert caught[0].filename == __file__


def test_read_csv_says_how_dates_are_declared():
    with pytest.raises(OptionError) as caught:
        smo.read_csv("t.csv", date_format=["day"])
    assert "ISO" not in str(caught.value)


# --- the rows that subset keeps -----------------------------------------------------


@pytest.mark.parametrize(
    ("subset", "hint"),
    [
        ("x > x.mean()", r"x > 1\.5 for x > x\.mean\(\)$"),
        ([1, 2], "from a chunk to a mask$"),
        ("x>>", "a Python expression of columns"),
        ("x > 0 and ", "a Python expression of columns"),
        ("x if g else 1", "a Python expression of columns"),
        ("x=1", "equality is written ==$"),
        ("x > @c", r"write the value, f'x > \{c\}'$"),
        ("q > 0 or g == '@a'", "the columns are 'x', 'g', 'y'$"),
        ("g > 1", "text, for one, is compared with text"),
    ],
)
def test_a_condition_that_cannot_be_used(subset, hint, tmp_path):
    path = str(written(frame(), "csv", tmp_path))
    with pytest.raises(SourceError, match=rf"subset[\s\S]*Hint: .*{hint}"):
        smof.ols("y ~ x", path, subset=subset)


def test_a_mask_is_advised_where_the_number_of_rows_is_known(tmp_path):
    path = str(written(frame(), "parquet", tmp_path))
    with pytest.raises(SourceError, match="or give an array of bool as long as the data"):
        smof.ols("y ~ x", path, subset="x > x.mean()")


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("formula", ["y ~ x", "y ~ x + g"])
def test_a_condition_that_keeps_no_row(kind, formula, tmp_path):
    path = str(written(frame(), kind, tmp_path))
    for subset, what in (("x > 100", "subset='x > 100'"), (lambda part: part["x"] > 100, "subset")):
        with pytest.raises(EmptyDataError, match=f"{what} keeps none of the rows of {path}"):
            smof.ols(formula, path, subset=subset).fit()


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("subset", [None, "x > 0"])
@pytest.mark.parametrize("fit", [smof.ols, smof.glm])
def test_a_file_without_rows(kind, subset, fit, tmp_path):
    path = str(written(frame(0), kind, tmp_path))
    with pytest.raises(EmptyDataError, match=r"has no rows|keeps none of the rows"):
        fit("y ~ x", path, subset=subset).fit()


# --- functions ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [lambda data: data, pa.Table.from_pandas, polars.from_pandas])
def test_one_frame_of_a_function_is_all_the_rows(kind):
    data = frame()
    found = smof.ols("y ~ x + g", lambda: kind(data)).fit()
    expected = smf.ols("y ~ x + g", data).fit()
    assert found.nobs == len(data)
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)


@pytest.mark.parametrize("what", [5, None, "t.csv", {"x": [1.0]}])
def test_a_function_that_gives_no_frames_is_named(what):
    def rows():
        return what

    with pytest.raises(SourceError, match=rf"the function rows gives a {type(what).__name__}, not"):
        smof.ols("y ~ x", rows)
