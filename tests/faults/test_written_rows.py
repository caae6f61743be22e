"""Whatever call fails while rows are written, they are all there, or none and an error says so."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pandas as pd
import pytest
from faults.harness import every_call_fails, open_files, settled
from faults.test_every_call_fails import data

import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import WriteError


@pytest.fixture(scope="module")
def res(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    for part in range(3):
        data().iloc[part::3].to_parquet(folder / f"{part}.parquet")
    return smof.ols("y ~ x + g", str(folder)).fit()


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".csv":
        return pd.read_csv(path)
    return pd.read_parquet(path)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "folder"])
@pytest.mark.parametrize(
    ("fault", "from_then_on"),
    [("EIO", False), ("ENOSPC", True), ("EACCES", False), ("no memory", False)],
)
def test_all_rows_or_those_that_were_there(res, name, fault, from_then_on, tmp_path):
    path = tmp_path / "written" / name
    path.parent.mkdir()
    res.write_rows(path, ["resid"])
    wanted, before = read(path), open_files()
    met = []
    for outcome in every_call_fails(
        lambda: res.write_rows(path, ["resid"], overwrite=True), fault, from_then_on, "written"
    ):
        where = f"call {outcome.nth}: {outcome.operation} of {outcome.place}"
        met.append(outcome.operation)
        assert outcome.error is not None, where
        assert isinstance(outcome.error, WriteError | MemoryError), where
        assert "written" in str(outcome.error), where
        traceback.clear_frames(outcome.error.__traceback__)
        del outcome
        assert settled(lambda: os.listdir(path.parent) == [name]), where
        assert settled(lambda: open_files() <= before), where
        pd.testing.assert_frame_equal(read(path), wanted)
    assert len(met) > 8
    assert {"open", "read", "rename", "write"} <= set(met)
