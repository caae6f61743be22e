"""Files of rows that are refused, or not there: nothing is lost, and nothing stays."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyarrow.dataset import dataset
from results.written_rows import (
    FORMULA,
    FRAME,
    NEW,
    ROWS,
    csv_files,
    fits,
    only,
    parquet_files,
    read,
)

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    DesignError,
    EmptyDataError,
    OptionError,
    SchemaError,
    SourceChangedError,
    SourceError,
    WriteError,
)
from statsmodels_ooc.sources.base import Recipe, Source


class Ending(Recipe):
    """A partition that ends with an error, once a model has been fitted."""

    rows = nbytes = None

    def __init__(self, number: int, state: dict[str, Any]) -> None:
        self.number, self.state, self.label = number, state, f"piece {number}"

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Any = ()
    ) -> Iterator[pd.DataFrame]:
        yield FRAME[20 * self.number :][:20][list(columns)].reset_index(drop=True)
        if self.number == 1 and "error" in self.state:
            raise self.state["error"]


class Endings(Source):
    """A table of four pieces, of which the second may end early."""

    name = "pieces"

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self._partitions = [Ending(number, self.state) for number in range(4)]

    @property
    def dtypes(self) -> Mapping[str, Any]:
        return dict(FRAME.dtypes)

    @property
    def partitions(self) -> Sequence[Any]:
        return self._partitions


@pytest.mark.parametrize("name", ["p.parquet", "p.csv", "p"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("bad"), OSError("no room")])
def test_nothing_stays_of_what_ends_early(error: Any, name: str, tmp_path: Path) -> None:
    source = Endings()
    res = smof.ols(FORMULA, source).fit()
    source.state["error"] = error
    with pytest.raises(type(error)):
        res.write_rows(tmp_path / name, "resid")
    only(tmp_path)
    before = len(res.passes)
    source.state.clear()
    res.write_rows(tmp_path / name, "resid")
    only(tmp_path, name)
    assert len(res.passes) == before + 1


def test_a_file_that_was_there_stays_when_its_successor_fails(tmp_path: Path) -> None:
    source = Endings()
    res = smof.ols(FORMULA, source).fit()
    for name in ("p.parquet", "p"):
        res.write_rows(tmp_path / name, "resid")
    source.state["error"] = ValueError("bad")
    for name in ("p.parquet", "p"):
        with pytest.raises(ValueError, match="bad"):
            res.write_rows(tmp_path / name, "mean", overwrite=True)
        assert "resid" in read(tmp_path / name)
    only(tmp_path, "p.parquet", "p")


def test_a_failure_at_the_very_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, _ = fits("ols")
    ours.write_rows(tmp_path / "p", "resid")
    replace = os.replace

    def fail(source: Any, target: Any) -> None:
        if str(source).endswith("whole"):
            raise OSError("the disk is gone")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    for name in ("p", "q.csv"):
        with pytest.raises(WriteError, match="the disk is gone"):
            ours.write_rows(tmp_path / name, "mean", overwrite=True)
    only(tmp_path, "p")
    assert "resid" in read(tmp_path / "p")


SCRIPT = """
import sys, time
import numpy as np, pandas as pd
import statsmodels_ooc.api as smo, statsmodels_ooc.formula.api as smof
rng = np.random.default_rng(0)
frame = pd.DataFrame({"x": rng.normal(size=400), "y": rng.normal(size=400)})
slow = [0.0]
def pieces():
    for start in range(0, 400, 2):
        time.sleep(slow[0])
        yield frame[start : start + 2]
res = smof.ols("y ~ x", smo.as_source(pieces)).fit()
slow[0] = 0.05
print("ready", flush=True)
res.write_rows(sys.argv[1], "resid")
"""


def test_an_interrupt_from_the_keyboard_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "p.parquet")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(1.0)
        assert any(name.endswith(".tmp") for name in os.listdir(tmp_path))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) != 0
    only(tmp_path)


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    ours, _ = fits("ols")
    (tmp_path / "p.csv").write_text("mine")
    before = len(ours.passes)
    with pytest.raises(WriteError, match=r"p\.csv is there already\n.*overwrite=True"):
        ours.write_rows(tmp_path / "p.csv", "resid")
    assert (tmp_path / "p.csv").read_text() == "mine"
    assert len(ours.passes) == before
    ours.write_rows(tmp_path / "p.csv", "resid", overwrite=True)
    assert len(read(tmp_path / "p.csv")) == ROWS
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(WriteError, match="is a folder"):
        ours.write_rows(tmp_path / "folder.csv", "resid", overwrite=True)


@pytest.mark.parametrize("subset", [None, "id > 9"])
@pytest.mark.parametrize("make", [parquet_files, csv_files])
def test_what_is_read_is_not_replaced(make: Any, subset: Any, tmp_path: Path) -> None:
    res = smof.ols(FORMULA, make(tmp_path / "data"), subset=subset).fit()
    suffix = "parquet" if make is parquet_files else "csv"
    for path, why in (("data", "which is no file of rows"), (f"data/1.{suffix}", "which is read")):
        with pytest.raises(WriteError, match=why):
            res.write_rows(tmp_path / path, "resid", overwrite=True)
    only(tmp_path / "data", *(f"{i}.{suffix}" for i in range(3)))


def test_a_folder_of_rows_that_is_read_is_not_replaced(tmp_path: Path) -> None:
    fits("ols")[0].write_rows(tmp_path / "rows", "mean", keep=["x", "y"])
    res = smof.ols("mean ~ x", tmp_path / "rows").fit()
    with pytest.raises(WriteError, match="which is read"):
        res.write_rows(tmp_path / "rows", "resid", overwrite=True)


def test_files_of_a_dataset_are_not_replaced(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "data.parquet")
    res = smof.ols(FORMULA, dataset(tmp_path / "data.parquet")).fit()
    with pytest.raises(WriteError, match="which is read"):
        res.write_rows(tmp_path / "data.parquet", "resid", overwrite=True)


def test_what_the_model_reads_is_not_replaced_by_rows_of_others(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "data.parquet")
    res = smof.ols(FORMULA, tmp_path / "data.parquet").fit()
    with pytest.raises(WriteError, match="which is read"):
        res.write_rows(tmp_path / "data.parquet", "mean", data=NEW, overwrite=True)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "data.parquet"), FRAME)


@pytest.mark.parametrize("path", [".", "here", "here/"])
def test_a_folder_with_other_things_is_not_replaced(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    res, _ = fits("ols")
    res.write_rows("here", "mean")
    res.write_rows("here", "resid", overwrite=True)
    for folder in (tmp_path, tmp_path / "here"):
        (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(WriteError, match=r"which is no file of rows and would be gone"):
        res.write_rows(path, "mean", overwrite=True)
    assert (tmp_path / "thesis.txt").exists()
    assert (tmp_path / "here" / "thesis.txt").exists()


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "unknown answer": (
        {"columns": "residual"},
        DesignError,
        r"is no number[\s\S]*resid,",
    ),
    "several numbers": ({"columns": "exog"}, DesignError, "'exog' has 4 numbers for every row"),
    "twice": ({"columns": ["resid", "resid"]}, DesignError, "more than one column 'resid'"),
    "reserved": ({"columns": "resid", "keep": ["row"]}, DesignError, "more than one column 'row'"),
    "kept": ({"columns": "resid", "keep": ["ident"]}, ColumnNotFoundError, "no column 'ident'"),
    "offset": ({"columns": "mean", "offset": "x"}, DesignError, "offset are of new data"),
    "offset of OLS": (
        {"columns": "mean", "offset": "x", "data": smo.as_source(NEW)},
        DesignError,
        "neither an offset nor an exposure",
    ),
    "suffix": ({"path": "p.xlsx", "columns": "mean"}, WriteError, "suffix '.xlsx'"),
    "URL": ({"path": "s3://bucket/p.csv", "columns": "mean"}, WriteError, "local files"),
    "no folder": ({"path": "no/p.csv", "columns": "mean"}, WriteError, "cannot be written"),
    "no path": ({"path": "", "columns": "mean"}, WriteError, "the path is empty"),
    "columns of no names": ({"columns": ["mean", 3]}, OptionError, "has 3, which is no name"),
    "no columns": ({"columns": None}, OptionError, "columns=None; it is a name or a list"),
    "keep is a number": ({"columns": "mean", "keep": 3}, OptionError, "keep=3; it is a name"),
    "alpha": ({"columns": "mean_se", "alpha": "a"}, OptionError, "alpha='a'; it is a number"),
    "not yet": ({"columns": "het_scale"}, DesignError, "once one of HC0 to HC3"),
    "weights as an array": (
        {"columns": "obs_ci_lower", "data": NEW, "weights": np.ones(ROWS)},
        OptionError,
        r"weights has shape \(61,\); it is a column",
    ),
    "no rows": (
        {"columns": "mean", "data": smo.as_source(NEW[:0])},
        EmptyDataError,
        "has no rows",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ours, _ = fits("ols")
    asked, kind, told = REFUSED[name]
    with pytest.raises(kind, match=told):
        ours.write_rows(**{"path": "p.csv", **asked})
    only(tmp_path)


def test_data_that_changed_are_refused(tmp_path: Path) -> None:
    frame = FRAME.copy()
    res = smof.ols(FORMULA, lambda: iter([frame[:30], frame[30:]])).fit()
    frame.loc[2, "x"] += 1
    with pytest.raises(SourceChangedError):
        res.write_rows(tmp_path / "p.csv", "resid")
    only(tmp_path)


def test_rows_that_are_gone(tmp_path: Path) -> None:
    res = smof.ols(FORMULA, smo.as_source(FRAME)).fit()
    res.remove_data()
    with pytest.raises(SourceError, match="gone"):
        res.write_rows(tmp_path / "p.csv", "resid")
    res.write_rows(tmp_path / "p.csv", "mean", data=smo.as_source(NEW, chunk_rows=7))
    only(tmp_path, "p.csv")


def test_what_is_misspelled_is_guessed(tmp_path: Path) -> None:
    frame = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0, 4.0], "x": [0.0, 1.0, 2.0, 3.0, 4.0]})
    res = smof.ols("y ~ x", smo.as_source(frame, chunk_rows=2)).fit()
    with pytest.raises(DesignError, match="did you mean 'resid'"):
        res.write_rows(tmp_path / "t.parquet", ["residual"])
    with pytest.raises(OptionError, match="alpha=5; it is a number, above 0 and below 1"):
        res.write_rows(tmp_path / "t.parquet", ["mean"], alpha=5)
    assert list(tmp_path.iterdir()) == []


def test_lists_are_no_text(tmp_path: Path) -> None:
    frame = FRAME.assign(several=[[1, 2]] * ROWS)
    res = smof.ols(FORMULA, smo.as_source(frame, chunk_rows=7)).fit()
    with pytest.raises(SchemaError, match="'several' has lists"):
        res.write_rows(tmp_path / "rows.csv", "resid", keep=["several"])
    only(tmp_path)


def test_a_folder_that_goes_meanwhile(tmp_path: Path) -> None:
    folder, goes = tmp_path / "folder", [False]

    def pieces() -> Iterator[pd.DataFrame]:
        for start in range(0, ROWS, 20):
            if goes[0] and start == 40:
                shutil.rmtree(folder)
            yield FRAME[start : start + 20]

    folder.mkdir()
    res = smof.ols(FORMULA, pieces).fit()
    goes[0] = True
    with pytest.raises(WriteError, match="cannot be written"):
        res.write_rows(folder / "rows.parquet", "resid")
    only(tmp_path)


def test_a_long_name(tmp_path: Path) -> None:
    name = "a" * 240 + ".csv"
    fits("ols")[0].write_rows(tmp_path / name, "resid")
    only(tmp_path, name)
