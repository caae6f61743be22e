"""Bad files end in a named error that says what, where and what to do; nothing is lost."""

from __future__ import annotations

import gc
import os

import dask.config
import numpy as np
import pandas as pd
import pytest

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import errors


def frame(n: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(["a", "b"], n)})
    data["y"] = 1 + data["x"] + rng.normal(size=n)
    return data


def fit(path, formula="y ~ x"):
    return smof.ols(formula, str(path)).fit()


def refused(error, path, *parts, formula="y ~ x"):
    """The fit is refused and the message holds every part, and a temporary file nowhere."""
    before = temporary_files()
    with pytest.raises(error) as caught:
        fit(path, formula)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    del caught  # its traceback holds what was being read
    gc.collect()
    assert temporary_files() == before


def temporary_files() -> set[str]:
    return set(os.listdir(dask.config.get("temporary-directory")))


@pytest.fixture(autouse=True)
def temporary_directory(tmp_path_factory):
    """A directory of this test's own: others run at the same time."""
    with dask.config.set({"temporary-directory": str(tmp_path_factory.mktemp("spool"))}):
        yield


def test_missing_file(tmp_path):
    refused(errors.SourceNotFoundError, tmp_path / "none.parquet", "none.parquet")


def test_missing_file_is_a_file_not_found_error(tmp_path):
    refused(FileNotFoundError, tmp_path / "*.csv", "*.csv")


def test_empty_directory(tmp_path):
    refused(errors.SourceNotFoundError, tmp_path, tmp_path.name)


def test_truncated_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    frame().to_parquet(path)
    path.write_bytes(path.read_bytes()[:-50])
    refused(errors.ParseError, path, "t.parquet")


def test_parquet_damaged_inside(tmp_path):
    path = tmp_path / "t.parquet"
    frame(20_000).to_parquet(path, write_page_checksum=True)
    data = bytearray(path.read_bytes())
    data[50_000] ^= 1
    path.write_bytes(data)
    refused(errors.ParseError, path, "t.parquet")


def test_ragged_csv(tmp_path):
    path = tmp_path / "r.csv"
    lines = frame().to_csv(index=False).splitlines()
    lines[101] += ",1"
    path.write_text("\n".join(lines))
    refused(errors.ParseError, path, "r.csv", "102", "3")


def test_csv_whose_later_rows_break_the_type(tmp_path):
    path = tmp_path / "t.csv"
    data = frame(200_000).astype({"x": object})
    data.loc[149_000, "x"] = "ninety"
    data.to_csv(path, index=False)
    refused(errors.ParseError, path, "t.csv", "'x'", "ninety", "149002")


def test_files_that_disagree_on_a_type(tmp_path):
    frame().to_parquet(tmp_path / "1.parquet")
    frame().astype({"x": str}).to_parquet(tmp_path / "2.parquet")
    refused(errors.SchemaError, tmp_path, "1.parquet", "2.parquet", "'x'")


def test_file_that_lacks_a_column(tmp_path):
    frame().to_parquet(tmp_path / "1.parquet")
    frame().drop(columns="x").to_parquet(tmp_path / "2.parquet")
    refused(errors.SchemaError, tmp_path, "2.parquet", "'x'")


def test_column_that_no_file_has(tmp_path):
    frame().to_parquet(tmp_path / "1.parquet")
    refused(errors.ColumnNotFoundError, tmp_path, "'z'", "'x'", formula="y ~ x + z")


def test_all_rows_dropped(tmp_path):
    frame().assign(x=np.nan).to_parquet(tmp_path / "1.parquet")
    refused(errors.EmptyDataError, tmp_path, "200", "'x'")


def test_no_rows_at_all(tmp_path):
    frame(0).to_parquet(tmp_path / "1.parquet")
    refused(errors.EmptyDataError, tmp_path)


def test_header_without_rows(tmp_path):
    frame(0).to_csv(tmp_path / "1.csv", index=False)
    refused(errors.EmptyDataError, tmp_path / "1.csv")


def test_infinity_in_exog(tmp_path):
    data = frame()
    data.loc[123, "x"] = -np.inf
    data.to_parquet(tmp_path / "1.parquet")
    refused(errors.MissingDataError, tmp_path, "exog contains inf", "'x'", "row 123", "1.parquet")


def test_infinity_after_dropped_rows_keeps_the_file_s_row_number(tmp_path):
    data = frame()
    data.loc[:49, "x"] = np.nan
    data.loc[123, "x"] = np.inf
    data.to_parquet(tmp_path / "1.parquet")
    refused(errors.MissingDataError, tmp_path, "row 123")


def test_more_columns_than_rows(tmp_path):
    frame(4).to_parquet(tmp_path / "1.parquet")
    refused(errors.DesignError, tmp_path, "4 rows", formula="y ~ x + I(x**2) + I(x**3)")


def test_unseen_level(tmp_path):
    frame().to_parquet(tmp_path / "1.parquet")
    refused(
        errors.UnseenLevelError, tmp_path, "'g'", "'b'", "row", "1.parquet",
        formula="y ~ C(g, levels=['a'])",
    )  # fmt: skip


def test_file_that_changes_between_passes(tmp_path):
    path = tmp_path / "1.parquet"
    frame().to_parquet(path)
    res = fit(path)
    frame(seed=1).to_parquet(path)
    with pytest.raises(errors.SourceChangedError, match=r"1\.parquet"):
        res.summary()


def test_file_that_goes_between_passes(tmp_path):
    path = tmp_path / "1.parquet"
    frame().to_parquet(path)
    res = fit(path)
    path.unlink()
    with pytest.raises(errors.SourceChangedError, match="removed"):
        res.summary()
    assert res.params.notna().all()


def test_one_shot_iterator_leaves_no_file(tmp_path):
    before = temporary_files()
    res = smof.ols("y ~ x", (frame(seed=i) for i in range(5))).fit()
    assert res.nobs == 1_000
    assert len(temporary_files()) == len(before) + 1
    del res
    gc.collect()
    assert temporary_files() == before


def test_iterator_that_fails_half_way_leaves_no_file():
    def broken():
        yield frame()
        raise OSError("the line went dead")

    before = temporary_files()
    with pytest.raises(OSError, match="the line went dead"):
        smof.ols("y ~ x", broken())
    assert temporary_files() == before


def test_every_error_is_ours_and_a_builtin():
    for name in errors.__all__:
        error = getattr(errors, name)
        if name.endswith("Warning"):
            assert issubclass(error, UserWarning)
            continue
        assert issubclass(error, errors.OutOfCoreError)
        assert error is errors.OutOfCoreError or len(error.__mro__) > 4, name


def test_hint_stands_on_its_own_line(tmp_path):
    with pytest.raises(errors.OptionError) as caught:
        smo.options.memory_limit = "lots"
    assert "\nHint: " in str(caught.value)
