"""What is planned is what it takes, measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

HERE = Path(__file__).resolve().parent
MIB = 2**20
MOST_OFF = 1.6  # of what is told: writers choose pages, allocators what they keep
NOISE = 24 * MIB  # of allocators, and of what is looked up now and then

pytestmark = pytest.mark.skipif(
    not psutil.LINUX, reason="what a process shares with files is told on Linux alone"
)


def run(script, *arguments, workers=2, **settings):
    folders = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    threads = {"OPENBLAS_NUM_THREADS": "1", "DASK_NUM_WORKERS": str(workers), "PYTHONPATH": folders}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / script), *map(str, arguments)],
        env=os.environ | threads | settings,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def measured(kind, formula, path, small, limit, workers=2):
    return run("peak.py", kind, formula, path, small, limit, workers=workers)


def text_table(rows, length):
    number = np.arange(rows)
    text = [f"{i:06d}" + "ab" * (length // 2) for i in number]
    return pa.table({"y": np.sin(number), "s": text})


def small_text(folder):
    pq.write_table(text_table(50, 10), folder / "small.parquet")
    return folder / "small.parquet"


def test_dense_columns_take_what_was_planned(tmp_path):
    columns = 400
    rng = np.random.default_rng(0)
    for name, rows in (("t", 5_000), ("small", 900)):
        frame = pd.DataFrame(rng.normal(size=(rows, columns)))
        frame.columns = [f"x{j}" for j in range(columns)]
        frame.assign(y=rng.normal(size=rows)).to_parquet(tmp_path / f"{name}.parquet")
    formula = "y ~ " + " + ".join(f"x{j}" for j in range(columns))
    paths = (str(tmp_path / "t.parquet"), str(tmp_path / "small.parquet"))
    found = measured("GLM", formula, *paths, "256 MiB")
    assert found["params"] == columns + 1
    assert found["needed"] / 4 < found["peak"] < found["needed"] + NOISE


def test_long_texts_stay_within_the_limit(tmp_path):
    table = text_table(20_000, 5_000)  # 100 MB
    path = tmp_path / "t.feather"
    pa.feather.write_feather(table, path, compression="uncompressed", chunksize=2_000)
    formula = "y ~ I(s.str[4:6].astype(int))"
    found = measured("OLS", formula, str(path), str(small_text(tmp_path)), "64 MiB")
    assert found.get("params") == 2, found
    assert found["peak"] < 64 * MIB + NOISE


def test_a_batch_of_long_texts_that_cannot_fit_is_refused_unread(tmp_path):
    table = text_table(20_000, 5_000)
    path = tmp_path / "t.feather"
    pa.feather.write_feather(table, path, compression="uncompressed", chunksize=len(table))
    formula = "y ~ I(s.str[4:6].astype(int))"
    found = measured("OLS", formula, str(path), str(small_text(tmp_path)), "64 MiB")
    assert "record batch of 20,000 rows" in found["refused"]
    assert found["peak"] < NOISE


def test_a_compressed_batch_that_cannot_fit_is_refused_unread(tmp_path):
    rows = 6_000_000
    table = pa.table({"y": np.zeros(rows), "x": np.zeros(rows)})
    pa.feather.write_feather(table, tmp_path / "t.feather", compression="lz4", chunksize=rows)
    small = pa.table({"y": [1.0, 2.0, 4.0], "x": [1.0, 2.0, 3.0]})
    pq.write_table(small, tmp_path / "small.parquet")
    paths = (str(tmp_path / "t.feather"), str(tmp_path / "small.parquet"))
    found = measured("OLS", "y ~ x", *paths, "64 MiB")
    assert "record batch of 6,000,000 rows" in found["refused"]
    assert "2 columns need 96,000,000 bytes" in found["refused"]
    assert "chunksize" in found["refused"]
    assert found["peak"] < NOISE


def doubles(rows, columns):
    rng = np.random.default_rng(0)
    return pa.table({f"x{j}": rng.normal(size=rows) for j in range(columns)})


def integers(rows, columns):
    rng = np.random.default_rng(0)
    draw = lambda: pa.array(rng.integers(0, 50, rows), mask=rng.random(rows) < 0.1)  # noqa: E731
    return pa.table({f"x{j}": draw() for j in range(columns)})


def words(rows, columns):
    rng = np.random.default_rng(0)
    known = pa.array([f"word number {i}" for i in range(1_000)])
    draw = lambda: known.take(pa.array(rng.integers(0, 1_000, rows)))  # noqa: E731
    return pa.table({f"x{j}": draw() for j in range(columns)})


@pytest.mark.parametrize(
    ("table", "written"),
    [
        (partial(doubles, 131_072, 100), {}),
        (partial(doubles, 131_072, 60), {"use_dictionary": False, "compression": "none"}),
        (partial(integers, 800_000, 24), {"compression": "zstd"}),
        (partial(words, 131_072, 24), {}),
    ],
    ids=["whole columns", "plain pages", "streamed", "text"],
)
def test_a_reader_holds_what_its_footer_tells(tmp_path, table, written):
    pq.write_table(table(), tmp_path / "t.parquet", row_group_size=2**20, **written)
    small = table.func(500, 2).append_column("s", pa.array(["a", "b"] * 250))
    pq.write_table(small, tmp_path / "small.parquet")
    found = run("peak_of_reader.py", tmp_path / "t.parquet", tmp_path / "small.parquet", 65_536)
    assert found["told"] / MOST_OFF < found["peak"] < found["told"] * MOST_OFF


def test_the_limit_holds_for_more_threads_than_cores(tmp_path):
    columns, limit = 60, "160 MiB"
    for i in range(8):
        table = doubles(65_536, columns)
        pq.write_table(table, tmp_path / f"{i}.parquet")
    (tmp_path / "small").mkdir()
    pq.write_table(table.slice(0, 900), tmp_path / "small" / "t.parquet")
    formula = "x0 ~ " + " + ".join(f"x{j}" for j in range(1, columns))
    paths = (str(tmp_path / "*.parquet"), str(tmp_path / "small"))
    found = measured("OLS", formula, *paths, limit, workers=8)
    assert found["params"] == columns
    assert found["peak"] < 160 * MIB + NOISE


def test_the_limit_holds_for_as_many_readers_as_a_large_machine_opens(tmp_path):
    cores, columns, rows = 16, 6, 500_000
    table = doubles(rows, columns)
    for i in range(cores):
        pq.write_table(table, tmp_path / f"{i}.parquet")
    (tmp_path / "small").mkdir()
    pq.write_table(table.slice(0, 900), tmp_path / "small" / "t.parquet")
    formula = "x0 ~ " + " + ".join(f"x{j}" for j in range(1, columns))
    paths = (str(tmp_path / "*.parquet"), str(tmp_path / "small"))
    numba = {"DASK_STATSMODELS_OOC__KERNELS": "numba"}  # so that loading it is not measured
    found = run("peak.py", "OLS", formula, *paths, "256 MiB", cores, workers=cores, **numba)
    assert found["params"] == columns
    assert found["peak"] < 256 * MIB + NOISE
