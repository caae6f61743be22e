"""T6: OLS with 8, 100, 300 and 500 columns and an intercept, from Parquet to standard errors.

A file of two million rows and 500 columns takes 10 GB. A file that is not there yet is drawn
only where the disk has room for it twice; else its table is left out, and a line says so.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
from harness import Contender, cores, main, parser
from hdfe import PACKAGES
from t4_wide import OWN, T4_COLUMNS, Wide, smallest
from tasks import T4, Task, wide_task

COLUMNS = (8, 100, 300, 500)
SQL_COLUMNS = 100  # a statement of all products of more columns is too long to be sensible


def contenders(columns: int) -> list[Contender]:
    wide = Wide(columns)
    read, gram = wide.read_row_groups, wide.gram_of_ready_blocks
    found = [
        Contender("read row groups", read, 1, baseline=True, packages=("pyarrow",)),
        Contender("gram of ready blocks", gram, 1, baseline=True, packages=("numpy",)),
        Contender("statsmodels_ooc, 1 thread", wide.ours, 1, packages=OWN),
        Contender("statsmodels_ooc, 2 threads", wide.ours, 2, packages=OWN),
        Contender("Polars batches + BLAS", wide.polars_batches, cores(), packages=("polars",)),
        Contender("NumPy chunks", wide.numpy_chunks, cores(), packages=("numpy",)),
        Contender("hdfe-stream", wide.hdfe_ols, cores(), slow=True, packages=PACKAGES),
    ]
    if columns <= SQL_COLUMNS:
        sql = Contender("DuckDB closed form", wide.duckdb_sql, cores(), packages=("duckdb",))
        found.insert(-1, sql)
    return found


def task(columns: int) -> Task:
    """With 100 columns it is T4."""
    return T4 if columns == T4_COLUMNS else wide_task(columns)


def room(folder: Path, columns: int, rows: int) -> str:
    """What to say where the disk has no room, nothing where it has or the file is there."""
    if task(columns).path(folder, rows).exists():
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = 10 * rows * (columns + 1), shutil.disk_usage(folder).free
    if free >= 2 * needed:
        return ""
    return (
        f"\nT6 OLS, {columns} columns, left out: the file takes {needed / 1e9:.1f} GB, and "
        f"{free / 1e9:.1f} GB are free in {folder} (--rows and --columns make it smaller)"
    )


def run_all() -> None:
    options = parser(__doc__ or "", T4.rows)
    options.add_argument("--columns", type=int, nargs="+", default=COLUMNS)
    given = options.parse_args()
    if given.contender:
        given.columns = [len(pq.read_schema(given.file)) - 1]
    for columns in given.columns:
        complaint = "" if given.contender else room(given.data, columns, given.rows)
        if complaint:
            print(complaint)
            continue
        title = f"T6 OLS, {columns} columns and an intercept"
        main(title, __file__, contenders(columns), given, task(columns).file, smallest)


if __name__ == "__main__":
    run_all()
