"""All cases by name, in the order of the docs."""

from __future__ import annotations

from importlib import import_module

from faults.case import Case

MODULES = (
    "parquet",
    "csv_text",
    "compressed",
    "arrow_files",
    "hdf5_files",
    "local_databases",
    "postgresql",
    "lakes",
    "object_stores",
    "web",
    "frames",
    "arrays",
    "design_stores",
    "kept_fits",
    "machines",
)
CASES = [
    one
    for name in MODULES
    for one in vars(import_module(f"faults.cases.{name}")).values()
    if isinstance(one, Case)
]
