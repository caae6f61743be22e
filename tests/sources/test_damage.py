"""Damaged files end in named errors, never in the end of the process."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import OutOfCoreError, ParseError, SourceChangedError

KINDS = ["uncompressed", "lz4", "stream", "parquet"]
VARIANTS = 80


def table(n: int = 60) -> pa.Table:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "i": np.arange(n),
            "s": rng.choice(["a", "bb", "ccc"], n),
            "g": pd.Categorical(rng.choice(["p", "q"], n)),
            "t": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(n), unit="D"),
            "b": np.arange(n) % 2 == 0,
        }
    )
    frame.loc[3, ["y", "s"]] = None
    return pa.Table.from_pandas(frame)


def write(kind: str, folder: Path) -> Path:
    if kind == "parquet":
        pq.write_table(table(), folder / "t.parquet", row_group_size=20)
        return folder / "t.parquet"
    path = folder / "t.arrow"
    new = ipc.new_stream if kind == "stream" else ipc.new_file
    options = ipc.IpcWriteOptions(compression="lz4" if kind == "lz4" else None)
    with new(path, table().schema, options=options) as writer:
        writer.write_table(table(), max_chunksize=20)
    return path


def damaged(content: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """Bits turned, integers replaced, ends cut off, at places drawn by lot."""
    drawn = random.Random(seed)
    for number in range(VARIANTS):
        raw, at = bytearray(content), drawn.randrange(len(content) - 4)
        match number % 5:
            case 0:
                raw[at] ^= 1 << drawn.randrange(8)
            case 1:
                raw[-1 - drawn.randrange(min(1_500, len(raw)))] ^= 1 << drawn.randrange(8)
            case 2:
                raw[at : at + 4] = struct.pack("<i", drawn.choice([-1, 2**31 - 1, -(2**31), 10**6]))
            case 3:
                raw[at : at + 8] = bytes(8)
            case _:
                del raw[at:]
        yield f"variant {number} of seed {seed} at {at}", bytes(raw)


def read(path: Path) -> None:
    """Look at every value of every column."""
    source = smo.as_source(path)
    for partition in source.partitions:
        for frame in partition.frames(source.columns, 1_000):
            for name in frame.columns:
                pd.factorize(frame[name])
    for column in source.columns:
        source.levels(column)


def main(kind: str, folder: str) -> None:
    path = write(kind, Path(folder))
    content = path.read_bytes()
    refused = 0
    for what, raw in damaged(content, seed=len(kind)):
        print(what, file=sys.stderr, flush=True)
        path.write_bytes(raw)
        try:
            read(path)
        except OutOfCoreError:
            refused += 1
    print(refused)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_named_and_ends_no_process(tmp_path, kind):
    """In a process of its own, so that its end is a failure of this test alone."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, kind, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert VARIANTS // 5 <= int(done.stdout) < VARIANTS  # whatever is cut off, but not all


def test_a_file_that_is_cut_short_while_it_is_read_ends_no_process(tmp_path):
    path = tmp_path / "t.arrow"
    big = pa.table({"y": np.arange(3 * 131_072, dtype=float)})
    with ipc.new_file(path, big.schema) as writer:
        writer.write_table(big, max_chunksize=131_072)
    script = f"""
import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import SourceChangedError
source = smo.as_source({str(path)!r})
frames = source.frames(["y"], 1_000)
first = next(frames)
open({str(path)!r}, "r+b").truncate(5_000)
total = first["y"].sum()  # a page of a mapped file would be gone
try:
    for frame in frames:
        total += frame["y"].sum()
except SourceChangedError as error:
    print("refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert done.stdout.strip() == "refused"


def test_text_whose_offsets_lead_out_of_the_file(tmp_path):
    path = write("uncompressed", tmp_path)
    with pa.memory_map(str(path)) as raw, ipc.open_file(raw) as opened:
        offsets = opened.get_batch(1).column("s").buffers()[1]
        at = path.read_bytes().index(offsets.to_pybytes())
    content = bytearray(path.read_bytes())
    content[at + 8 : at + 12] = struct.pack("<i", 2**30)
    path.write_bytes(content)
    with pytest.raises(ParseError, match=r"t\.arrow, record batches .* cannot be read as Arrow"):
        list(smo.as_source(path).frames(["s"]))


def test_metadata_of_parquet_that_are_no_schema(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(table(), path)
    content = path.read_bytes()
    at = content.rindex(b"ARROW:schema") + 40
    path.write_bytes(content[:at] + b"\xff*!" + content[at + 3 :])
    with pytest.raises(ParseError, match=r"t\.parquet cannot be read as Parquet"):
        smo.as_source(path).head()


def test_a_name_in_a_footer_that_is_not_text(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"nameofacolumn": [1.0]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"nameofacolumn", b"nameof\xff\xfeolumn"))
    with pytest.raises(ParseError, match=r"t\.parquet cannot be read as Parquet"):
        smo.as_source(path).head()


def test_a_file_that_is_written_again_while_it_is_read(tmp_path):
    path = write("uncompressed", tmp_path)
    source = smo.as_source(path)
    frames = source.frames(["y"], 10)
    next(frames)
    path.write_bytes(path.read_bytes())
    with pytest.raises(SourceChangedError, match="changed after the source was opened"):
        list(frames)


if __name__ == "__main__":
    main(*sys.argv[1:])
