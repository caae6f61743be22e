"""Paths, opened by what the names of their files end with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from statsmodels_ooc.errors import SourceError
from statsmodels_ooc.sources import csv, ipc, parquet
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.files import list_files

_FORMATS: Mapping[str, tuple[tuple[str, ...], Callable[..., Source]]] = {
    "Parquet": (parquet.SUFFIXES, parquet.read_parquet),
    "CSV": (csv.SUFFIXES, csv.read_csv),
    "Arrow": (ipc.SUFFIXES, ipc.read_ipc),
}


def open_path(x: Any, **options: Any) -> Source:
    """Files of one format, with the options of its reader."""
    known = tuple(suffix for suffixes, _ in _FORMATS.values() for suffix in suffixes)
    found: dict[str, str] = {}
    listed = list_files(x, known, options.get("storage_options"))
    for file in listed.files:
        found.setdefault(_format_of(file.path), file.path)
    if len(found) > 1:
        what = ", ".join(f"{kind} ({path})" for kind, path in found.items())
        raise SourceError(
            f"the files are of more than one format: {what}",
            hint="give a glob such as '*.parquet'",
        )
    return _FORMATS[next(iter(found))][1](listed, **options)


def _format_of(path: str) -> str:
    for kind, (suffixes, _) in _FORMATS.items():
        if path.lower().endswith(suffixes):
            return kind
    suffix = Path(path).suffix.lower()
    known = ", ".join(suffix for suffixes, _ in _FORMATS.values() for suffix in suffixes)
    raise SourceError(
        f"{path}: nothing is known of the format {suffix or 'without a suffix'!r}; known are "
        f"{known}",
        hint=_READ_BY.get(suffix, _BY_FORMAT),
    )


_BY_FORMAT = (
    "read_csv, read_parquet and read_ipc open files of any name: smo.read_csv(path), for one"
)
_SQL = "smo.read_sql(table, path) reads a table, or a query, of a database"
_READ_BY = {
    ".db": _SQL,
    ".dta": "pd.read_stata(path, chunksize=100_000) gives its rows in pieces",
    ".duckdb": _SQL,
    ".h5": "pd.read_hdf(path, key, chunksize=100_000) gives its rows in pieces",
    ".hdf5": "pd.read_hdf(path, key, chunksize=100_000) gives its rows in pieces",
    ".json": "pd.read_json(path) holds it in memory",
    ".jsonl": "pd.read_json(path, lines=True, chunksize=100_000) gives its rows in pieces",
    ".ndjson": "pd.read_json(path, lines=True, chunksize=100_000) gives its rows in pieces",
    ".orc": "pyarrow.dataset.dataset(path, format='orc') is a source",
    ".sas7bdat": "pd.read_sas(path, chunksize=100_000) gives its rows in pieces",
    ".sav": "pd.read_spss(path) holds it in memory",
    ".sqlite": _SQL,
    ".sqlite3": _SQL,
    ".xls": "pd.read_excel(path) holds it in memory",
    ".xlsx": "pd.read_excel(path) holds it in memory",
    ".xpt": "pd.read_sas(path, chunksize=100_000) gives its rows in pieces",
}
