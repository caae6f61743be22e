"""What is planned is what it takes, measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
NOISE = 24 * MIB  # of allocators, and of what is looked up now and then

pytestmark = pytest.mark.skipif(
    not psutil.LINUX, reason="what a process shares with files is told on Linux alone"
)


def measured(kind, formula, path, small, limit):
    folders = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    threads = {"OPENBLAS_NUM_THREADS": "1", "DASK_NUM_WORKERS": "2", "PYTHONPATH": folders}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / "peak.py"), kind, formula, path, small, limit],
        env=os.environ | threads,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def text_table(rows, length):
    number = np.arange(rows)
    text = [f"{i:06d}" + "ab" * (length // 2) for i in number]
    return pa.table({"y": np.sin(number), "s": text})


def small_text(folder):
    pq.write_table(text_table(50, 10), folder / "small.parquet")
    return folder / "small.parquet"


@pytest.mark.parametrize("kind", ["OLS", "GLM"])
def test_dense_columns_take_what_was_planned(tmp_path, kind):
    columns = 400
    rng = np.random.default_rng(0)
    for name, rows in (("t", 5_000), ("small", 900)):
        frame = pd.DataFrame(rng.normal(size=(rows, columns)))
        frame.columns = [f"x{j}" for j in range(columns)]
        frame.assign(y=rng.normal(size=rows)).to_parquet(tmp_path / f"{name}.parquet")
    formula = "y ~ " + " + ".join(f"x{j}" for j in range(columns))
    paths = (str(tmp_path / "t.parquet"), str(tmp_path / "small.parquet"))
    found = measured(kind, formula, *paths, "256 MiB")
    assert found["params"] == columns + 1
    assert found["needed"] / 4 < found["peak"] < found["needed"] + NOISE


WRITERS = {
    "t.parquet": lambda table, path: pq.write_table(table, path),
    "words.parquet": lambda table, path: pq.write_table(table, path, use_dictionary=["s"]),
    "t.feather": lambda table, path: pa.feather.write_feather(
        table, path, compression="uncompressed", chunksize=2_000
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_long_texts_stay_within_the_limit(tmp_path, name):
    table = text_table(20_000, 5_000)  # 100 MB
    if name == "words.parquet":
        words = pa.array(text_table(20, 5_000)["s"].to_pylist())
        table = table.set_column(1, "s", words.take(pa.array(np.arange(len(table)) % 20)))
    WRITERS[name](table, tmp_path / name)
    formula = "y ~ I(s.str[4:6].astype(int))"
    found = measured("OLS", formula, str(tmp_path / name), str(small_text(tmp_path)), "64 MiB")
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
