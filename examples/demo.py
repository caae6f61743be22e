"""Fit a regression on files that do not fit into the memory that the fit may use.

The script writes house sales to disk, a few hundred thousand at a time: one directory
of Parquet files and one CSV file with the same rows. It then starts two processes
under the same memory limit. One reads the Parquet files and fits them in memory with
statsmodels; the other fits them out of core, prints the summary, and fits the CSV file
too. Run it with ``make demo``; ``make demo DEMO_ROWS=200000`` is a small one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

SEED = 1963
ROWS_PER_BATCH = 250_000
ROWS_PER_FILE = 1_000_000

# What either process may allocate (RLIMIT_DATA: heap and private mappings; the code of
# the imported libraries does not count). At the default four million rows the design
# matrix alone, 17 columns of float64, takes 519 MiB, and an in-memory fit holds several
# copies of it besides the table. The limit does not depend on the number of rows.
LIMIT = 900 << 20
PLANNED = "512 MiB"  # what the out-of-core fit plans with, well below the limit
WORKERS = min(4, os.cpu_count() or 1)  # so that large machines keep within it too

FORMULA = "np.log(price) ~ np.log(area) + age + I(age**2) + rooms + C(region) + condition + garden"
COLUMNS = ["price", "area", "age", "rooms", "region", "condition", "garden"]

REGIONS = {
    "Auvergne": -0.10,
    "Bretagne": 0.05,
    "Corse": 0.18,
    "Grand Est": -0.12,
    "Hauts-de-France": -0.15,
    "Île-de-France": 0.55,
    "Normandie": -0.05,
    "Occitanie": 0.08,
    "Provence": 0.30,
}
CONDITIONS = {"fair": 0.0, "good": 0.08, "new": 0.21, "poor": -0.17}
SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "sold": pa.date32(),
        "price": pa.float64(),
        "area": pa.float64(),
        "age": pa.float64(),
        "rooms": pa.int64(),
        "region": pa.string(),
        "condition": pa.string(),
        "garden": pa.bool_(),
        "energy": pa.float64(),
    }
)


# --- the data ---------------------------------------------------------------------------


def sales(rows: int) -> Iterator[pa.RecordBatch]:
    """House sales, `ROWS_PER_BATCH` at a time; the same rows for the same seed."""
    rng = np.random.default_rng(SEED)
    for first in range(0, rows, ROWS_PER_BATCH):
        yield _batch(rng, first, min(ROWS_PER_BATCH, rows - first))


def _batch(rng: np.random.Generator, first: int, b: int) -> pa.RecordBatch:
    area = np.round(np.exp(rng.normal(4.5, 0.4, b)), 1)
    age = np.floor(rng.gamma(2.0, 18.0, b))
    rooms = np.clip(np.round(area / 24 + rng.normal(0, 0.8, b)), 1, 15).astype(np.int64)
    region = rng.choice(len(REGIONS), b, p=_shares(len(REGIONS)))
    condition = rng.choice(len(CONDITIONS), b, p=[0.25, 0.50, 0.15, 0.10])
    garden = rng.random(b) < 0.45
    log_price = (
        7.9
        + 0.85 * np.log(area)
        - 0.006 * age
        + 0.00004 * age**2
        + 0.015 * rooms
        + np.array(list(REGIONS.values()))[region]
        + np.array(list(CONDITIONS.values()))[condition]
        + 0.07 * garden
        + rng.normal(0, 0.25, b)
    )
    sold = rng.integers(16_000, 20_000, b).astype("datetime64[D]")
    energy = np.round(rng.normal(180, 50, b), 2)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(np.arange(first, first + b)),
            pa.array(sold),
            pa.array(np.round(np.exp(log_price), 0)),
            pa.array(area, mask=rng.random(b) < 0.010),
            pa.array(age, mask=rng.random(b) < 0.005),
            pa.array(rooms),
            _strings(list(REGIONS), region),
            _strings(list(CONDITIONS), condition, mask=rng.random(b) < 0.002),
            pa.array(garden),
            pa.array(energy, mask=rng.random(b) < 0.200),
        ],
        schema=SCHEMA,
    )


def _shares(levels: int) -> np.ndarray:
    shares = 1.0 / np.arange(2, levels + 2)
    return shares / shares.sum()


def _strings(levels: list[str], codes: np.ndarray, mask: np.ndarray | None = None) -> pa.Array:
    indices = pa.array(codes.astype(np.int32), mask=mask)
    return pa.DictionaryArray.from_arrays(indices, levels).cast(pa.string())


def write(rows: int, folder: Path) -> None:
    """Write the sales as a directory of Parquet files and as a CSV file.

    Files of an earlier run with as many rows are kept.
    """
    parquet, csv = folder / "sales", folder / "sales.csv"
    receipt, wanted = folder / "receipt.json", {"rows": rows, "seed": SEED}
    if receipt.exists() and json.loads(receipt.read_text()) == wanted:
        print(f"   {rows:,} rows are there from an earlier run")
        return
    parquet.mkdir(parents=True, exist_ok=True)
    receipt.unlink(missing_ok=True)
    for old in parquet.glob("*.parquet"):
        old.unlink()
    _write_both(rows, parquet, csv)
    receipt.write_text(json.dumps(wanted))


def _write_both(rows: int, parquet: Path, csv: Path) -> None:
    begin, done, part = time.perf_counter(), 0, None
    with pa.csv.CSVWriter(csv, SCHEMA) as text:
        for batch in sales(rows):
            if part is None or done % ROWS_PER_FILE == 0:
                if part is not None:
                    part.close()
                name = parquet / f"part-{done // ROWS_PER_FILE:03d}.parquet"
                part = pq.ParquetWriter(name, SCHEMA, compression="zstd")
            part.write_batch(batch)
            text.write_batch(batch)
            done += batch.num_rows
            _report(f"   {done:>12,} of {rows:,} rows written", final=done == rows)
    part.close()
    print(f"   in {time.perf_counter() - begin:.1f} s")


def _report(line: str, final: bool) -> None:
    """One line that is overwritten on a terminal, and only its last state elsewhere."""
    if sys.stdout.isatty():
        print(f"\r{line}", end="\n" if final else "", flush=True)
    elif final:
        print(line, flush=True)


# --- the two fits, each in a process of its own -----------------------------------------


def limit_memory() -> None:
    """Forbid this process to allocate more than `LIMIT` in all."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, hard))


def fit_in_memory(parquet: Path) -> None:
    """Read the needed columns with pandas, fit them with statsmodels."""
    limit_memory()
    import pandas as pd
    import statsmodels.formula.api as smf

    result = smf.ols(FORMULA, pd.read_parquet(parquet, columns=COLUMNS)).fit()
    print(f"   in-memory statsmodels fits {result.nobs:,.0f} rows: it still can")


def fit_out_of_core(parquet: Path, csv: Path) -> None:
    """Fit the Parquet files, print the summary, fit the CSV file and compare."""
    limit_memory()
    import statsmodels_ooc.api as smo
    import statsmodels_ooc.formula.api as smof

    smo.options.memory_limit = PLANNED
    smo.options.progress = True

    begin = time.perf_counter()
    result = smof.ols(FORMULA, data=str(parquet / "*.parquet")).fit()
    print(f"   Parquet: parameters after {time.perf_counter() - begin:.1f} s\n")
    print(result.summary())
    _print_passes(result)

    begin = time.perf_counter()
    from_csv = smof.ols(FORMULA, data=str(csv)).fit()
    print(f"\n   CSV: parameters after {time.perf_counter() - begin:.1f} s")
    _print_passes(from_csv)
    difference = np.max(np.abs(from_csv.params / result.params - 1))
    print(f"\n   largest relative difference, CSV against Parquet: {difference:.1e}")
    if from_csv.nobs != result.nobs or difference > 1e-9:
        sys.exit("the two files hold the same rows, and the fits differ")


def _print_passes(result) -> None:
    print("\n   passes over the data so far:")
    for record in result.passes:
        print(f"      {record.name:<24} {record.rows:>12,} rows  {record.seconds:6.2f} s")


# --- the script -------------------------------------------------------------------------


def step_command(step: str, folder: Path, rows: int) -> list[str]:
    """The command line that does one step in a process of its own."""
    options = ["--step", step, "--data", str(folder), "--rows", str(rows)]
    return [sys.executable, __file__, *options]


def run_limited(step: str, folder: Path, rows: int, **popen: int) -> tuple[int, str]:
    """Run one of the two fits in a fresh process; print its peak memory.

    Returns
    -------
    status : int
        The exit status, negative when a signal ended the process.
    last_words : str
        Its errors, if `popen` asks for them.
    """
    # Arrow's own allocator reserves a GiB of addresses at once, which the limit counts.
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "DASK_NUM_WORKERS"):
        environment[name] = str(WORKERS)
    command = step_command(step, folder, rows)
    with subprocess.Popen(command, env=environment, text=True, **popen) as process:
        last_words = process.stderr.read() if process.stderr else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = usage.ru_maxrss * unit / 2**20
    print(f"   peak resident memory of the process: {peak:,.0f} MiB")
    return process.returncode, last_words


def in_memory_verdict(status: int, last_words: str) -> str:
    """What became of the in-memory fit, in one line; "" if it said so itself."""
    last = (last_words.strip().splitlines() or [""])[-1].strip()
    if not status:
        return ""
    if "MemoryError" in last_words:
        return f"MemoryError, as expected: {last}"
    if status < 0:  # Arrow and BLAS abort where Python would raise
        return f"out of memory, as expected: {signal.Signals(-status).name} {last}"
    return f"failed: {last}"


def main(rows: int, folder: Path) -> int:
    print(f"1. House sales, Parquet and CSV, under {folder}", flush=True)
    subprocess.run(step_command("write", folder, rows), check=True)
    parquet, csv = folder / "sales", folder / "sales.csv"
    size = sum(file.stat().st_size for file in parquet.glob("*.parquet"))
    print(f"   Parquet {size / 2**20:,.0f} MiB, CSV {csv.stat().st_size / 2**20:,.0f} MiB")
    if sys.platform != "linux":
        print("   (this system does not enforce the limit: compare the peaks instead)")

    print(f"\n2. In memory, with at most {LIMIT >> 20} MiB", flush=True)
    outcome = run_limited("in-memory", folder, rows, stderr=subprocess.PIPE)
    if verdict := in_memory_verdict(*outcome):
        print(f"   in-memory statsmodels: {verdict}")

    print(f"\n3. Out of core, with at most {LIMIT >> 20} MiB", flush=True)
    status, _ = run_limited("out-of-core", folder, rows)
    if status:
        print(f"   the out-of-core fit FAILED (exit status {status})")
    return status


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--data", type=Path, default=Path("demo-data"))
    parser.add_argument("--step", choices=["write", "in-memory", "out-of-core"])
    arguments = parser.parse_args()
    if arguments.step == "write":
        write(arguments.rows, arguments.data)
    elif arguments.step == "in-memory":
        fit_in_memory(arguments.data / "sales")
    elif arguments.step == "out-of-core":
        fit_out_of_core(arguments.data / "sales", arguments.data / "sales.csv")
    else:
        sys.exit(main(arguments.rows, arguments.data))
