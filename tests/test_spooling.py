"""Slow sources are copied once, and the copy goes by their name."""

from __future__ import annotations

import gc

import dask
import numpy as np
import pandas as pd
import pytest
from tolerances import SUMS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import Ledger, spool_slow
from statsmodels_ooc.errors import MemoryLimitError, OptionError, UnseenLevelError
from statsmodels_ooc.sources import spooling
from statsmodels_ooc.sources.copies import copied_bytes
from statsmodels_ooc.sources.csv import read_csv


def frame(n: int = 5_000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=n), "i": rng.integers(0, 9, n)})
    return data.assign(g=rng.choice(list("abc"), n), y=rng.normal(size=n))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "data.csv"
    frame().to_csv(path, index=False)
    return str(path)


def names(model):
    return [record.name for record in model.passes]


def test_a_csv_file_is_parsed_once(path):
    res = smof.ols("y ~ center(x) + g", path).fit()
    res.summary()
    assert names(res) == ["spool", "transforms", "levels", "fit", "residual tests"]


def test_no_copy_where_none_is_wanted(path):
    wanted = smof.ols("y ~ center(x) + g", path).fit()
    with smo.options.set(cache=False):
        res = smof.ols("y ~ center(x) + g", path).fit()
    assert names(res) == ["transforms", "levels", "fit"]
    np.testing.assert_allclose(res.params, wanted.params, rtol=SUMS)


def test_a_copy_of_what_is_fast_where_one_is_wanted(tmp_path):
    frame().to_parquet(tmp_path / "t.parquet")
    wanted = smof.ols("y ~ x + g", tmp_path / "t.parquet").fit()
    with smo.options.set(cache="disk"):
        res = smof.ols("y ~ x + g", tmp_path / "t.parquet").fit()
        (tmp_path / "t.parquet").unlink()
        assert names(res)[0] == "spool"
        assert res.resid.shape == (5_000,)  # of the copy
    np.testing.assert_array_equal(res.params, wanted.params)


def test_a_frame_in_memory_is_not_copied():
    with smo.options.set(cache="disk"):
        assert "spool" not in names(smof.ols("y ~ x", smo.as_source(frame())).fit())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_copy_in_memory_gives_the_bits_of_one_on_disk_and_goes_with_the_fit(kind, tmp_path):
    path = tmp_path / f"t.{kind}"
    frame().to_csv(path, index=False) if kind == "csv" else frame().to_parquet(path)
    with smo.options.set(cache="disk"):
        wanted = smof.ols("y ~ center(x) + g", path).fit()
    with smo.options.set(cache="memory"):
        res = smof.ols("y ~ center(x) + g", path).fit()
    path.unlink()
    assert names(res) == names(wanted)
    np.testing.assert_array_equal(res.params, wanted.params)
    np.testing.assert_array_equal(res.resid, wanted.resid)
    assert 5_000 * 8 < copied_bytes() < 5_000 * 64
    del res
    gc.collect()
    assert copied_bytes() == 0


def test_a_copy_in_memory_is_not_larger_than_half_of_the_limit(tmp_path):
    wide = pd.DataFrame({f"x{at}": np.arange(40_000.0) for at in range(70)})
    wide.to_parquet(tmp_path / "wide.parquet", row_group_size=4_000)
    formula = "x0 ~ 0 + " + " + ".join(wide.columns[1:])
    with smo.options.set(cache="memory", memory_limit=2**25):
        with pytest.raises(MemoryLimitError, match=r"copy of .*wide.* than 16,777,216 bytes"):
            smof.ols(formula, tmp_path / "wide.parquet")
        gc.collect()
        assert copied_bytes() == 0
        narrow = smof.ols("x0 ~ x1", tmp_path / "wide.parquet").fit()
    assert names(narrow)[0] == "spool"


@pytest.mark.parametrize("wrong", ["ram", 1, 0, None, "yes"])
def test_other_caches_are_refused(wrong):
    with (
        pytest.raises(OptionError, match="'auto', 'memory', 'disk' or False"),
        smo.options.set(cache=wrong),
    ):
        pass


def test_the_copy_holds_the_rows_of_the_columns_asked_for(path):
    source = read_csv(path, block_size=20_000)
    copy = spool_slow(source, ["g", "i", "y"], Ledger())
    assert len(copy.partitions) == len(source.partitions) > 1
    expected = pd.concat(source.frames(["g", "i", "y"]), ignore_index=True)
    pd.testing.assert_frame_equal(pd.concat(copy.frames(), ignore_index=True), expected)


def test_a_column_that_widens_in_one_block_is_wide_in_all(tmp_path):
    data = frame().astype({"i": "Int64"})
    data.loc[4_000, "i"] = pd.NA
    data.to_csv(tmp_path / "data.csv", index=False)
    copy = spool_slow(read_csv(tmp_path / "data.csv", block_size=20_000), ["i"], Ledger())
    assert {str(chunk.dtypes["i"]) for chunk in copy.frames()} == {"Int64"}


def test_errors_name_the_original_file_and_its_row(path):
    row = int(np.argmax(frame()["g"] == "c"))
    with pytest.raises(UnseenLevelError, match=rf"row {row} of .*data\.csv"):
        smof.ols("y ~ C(g, levels=['a', 'b'])", path).fit()


def test_no_copy_where_tasks_run_in_other_processes(path):
    source = read_csv(path)
    with dask.config.set(scheduler="processes"):
        assert spool_slow(source, ["x"], Ledger()) is source


def test_no_copy_where_there_is_no_room(path, monkeypatch):
    source = read_csv(path)
    monkeypatch.setattr(spooling, "_EXPANSION", 10**12)
    assert spool_slow(source, ["x"], Ledger()) is source


def test_the_same_fit_with_and_without_a_copy(path, monkeypatch):
    copied = smof.ols("y ~ x + g", path).fit()
    monkeypatch.setattr(spooling, "_EXPANSION", 10**12)
    direct = smof.ols("y ~ x + g", path).fit()
    assert "spool" not in names(direct)
    np.testing.assert_allclose(direct.params, copied.params, rtol=1e-12)
