"""Which columns of Parquet files are read whole; the frames are the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from statsmodels_ooc.sources import parquet
from statsmodels_ooc.sources.parquet import read_parquet
from statsmodels_ooc.sources.parquet_memory import Reading, planned

ROWS = 5_000


def table():
    rng = np.random.default_rng(0)
    draw = {f"x{j}": rng.normal(size=ROWS) for j in range(3)}
    words = pa.array(["a", "bb", None, "cccc"]).take(pa.array(rng.integers(0, 4, ROWS)))
    return pa.table(
        {
            **draw,
            "gaps": pa.array(rng.normal(size=ROWS), mask=rng.random(ROWS) < 0.1),
            "whole": rng.integers(0, 9, ROWS).astype(np.int16),
            "masked": pa.array(rng.integers(0, 9, ROWS), mask=rng.random(ROWS) < 0.1),
            "truth": pa.array(rng.random(ROWS) < 0.5),
            "when": pa.array(rng.integers(0, 10**9, ROWS), pa.timestamp("s")),
            "word": words,
            "coded": words.dictionary_encode(),
            "money": pa.array(rng.integers(0, 10**4, ROWS)).cast(pa.decimal128(24, 2)),
        }
    )


def frames(path, columns, rows, encoded=()):
    (partition,) = read_parquet(path).partitions
    return list(partition.frames(columns, rows, encoded))


@pytest.mark.parametrize("rows", [700, 1_300, ROWS, 10**6])
@pytest.mark.parametrize("group", [600, 2_000, ROWS])
@pytest.mark.parametrize("encoded", [(), ("word",)], ids=["plain", "encoded"])
@pytest.mark.parametrize("names", [None, ("x1", "gaps", "whole"), ()], ids=["all", "fixed", "none"])
def test_frames_are_those_that_all_columns_together_give(
    tmp_path, monkeypatch, rows, group, encoded, names
):
    pq.write_table(table(), tmp_path / "t.parquet", row_group_size=group)
    columns = table().column_names if names is None else list(names)
    found = frames(tmp_path, columns, rows, encoded)
    monkeypatch.setattr(parquet, "planned", lambda *_, **__: Reading((), 0))
    expected = frames(tmp_path, columns, rows, encoded)
    assert [len(frame) for frame in found] == [len(frame) for frame in expected]
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_columns_are_read_whole_where_their_decoders_hold_more(tmp_path):
    rng = np.random.default_rng(0)
    names = ["x0", "x1"]
    for rows in (50_000, 800_000):
        values = pa.table({name: rng.normal(size=rows) for name in names})
        pq.write_table(values, tmp_path / f"{rows}.parquet", row_group_size=rows)
    few, many = (read_parquet(tmp_path / f"{rows}.parquet") for rows in (50_000, 800_000))
    plans = [
        planned(parquet.footer(s.files[0]), [0], s.known.several(names), 20_000, far=False)
        for s in (few, many)
    ]
    assert sum(plans[0].whole, ()) == ("x0", "x1")
    assert plans[1].whole == ()
    assert plans[1].nbytes < 16 * 800_000
