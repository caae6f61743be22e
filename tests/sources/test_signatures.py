"""A file of another format is told to be that, not to be damaged."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import ParseError

READERS = {
    "Parquet": smo.read_parquet,
    "Arrow IPC": smo.read_ipc,
    "HDF5": lambda path: smo.read_hdf(path, "t"),
}


def stream(frame, path):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, ARROW.schema) as writer:
        writer.write_table(ARROW)


ARROW = pa.table({"y": [1.0, 2.0]})
WRITERS = {
    "Parquet": lambda frame, path: frame.to_parquet(path),
    "Arrow IPC": lambda frame, path: frame.to_feather(path),
    "Arrow IPC, a stream": stream,
    "HDF5": lambda frame, path: frame.to_hdf(path, key="t", format="table"),
    "text": lambda frame, path: frame.to_csv(path, index=False),
    "gzip": lambda frame, path: frame.to_csv(path, index=False, compression="gzip"),
    "zip": lambda frame, path: frame.to_csv(path, index=False, compression="zip"),
}


@pytest.mark.parametrize("expected", READERS)
@pytest.mark.parametrize("written", WRITERS)
def test_it_says_what_the_file_is(tmp_path, written, expected):
    if "HDF5" in (written, expected):
        pytest.importorskip("tables")
    WRITERS[written](pd.DataFrame({"y": [1.0, 2.0]}), tmp_path / "t")
    kind = written.partition(",")[0]
    if kind == expected:
        READERS[expected](tmp_path / "t")
        return
    with pytest.raises(ParseError, match=rf"as {expected}: its first bytes are those of {kind}\n"):
        READERS[expected](tmp_path / "t")


@pytest.mark.parametrize("expected", READERS)
@pytest.mark.parametrize("content", [b"", b"\0" * 600, bytes(range(256)) * 4])
def test_what_nobody_knows_stays_damaged(tmp_path, content, expected):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(ParseError, match=f"cannot be read as {expected}: (?!its first)"):
        READERS[expected](tmp_path / "t")
