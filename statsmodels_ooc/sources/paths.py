"""Paths, opened by what the names of their files end with."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from statsmodels_ooc.errors import SourceError, TableFormatError
from statsmodels_ooc.sources import csv, delta, hdf5, ipc, parquet
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.files import list_files
from statsmodels_ooc.sources.filesystems import storage_of
from statsmodels_ooc.sources.secrets import without_secrets

_FORMATS: Mapping[str, tuple[tuple[str, ...], Callable[..., Source]]] = {
    "Parquet": (parquet.SUFFIXES, parquet.read_parquet),
    "CSV": (csv.SUFFIXES, csv.read_csv),
    "Arrow": (ipc.SUFFIXES, ipc.read_ipc),
    "HDF5": (hdf5.SUFFIXES, hdf5.read_hdf),
}


def open_path(x: Any, **options: Any) -> Source:
    """Files of one format, with the options of its reader, or a Delta table."""
    _check_no_database(x)
    _check_no_query(x)
    _check_no_arrays(x)
    known = tuple(suffix for suffixes, _ in _FORMATS.values() for suffix in suffixes)
    found: dict[str, str] = {}
    try:
        storage = storage_of(options.get("storage_options"), options.get("filesystem"))
        listed = list_files(x, known, storage)
    except TableFormatError as error:
        if _is_delta(x, error):
            return delta.read_delta(x, **options)
        raise
    for file in listed.files:
        found.setdefault(_format_of(file.name), str(file))
    if len(found) > 1:
        what = ", ".join(f"{kind} ({path})" for kind, path in found.items())
        raise SourceError(
            f"the files are of more than one format: {what}",
            hint="give a glob such as '*.parquet'",
        )
    return _FORMATS[next(iter(found))][1](listed, **options)


_DATABASES = {"duckdb", "mariadb", "mssql", "mysql", "oracle", "postgres", "postgresql", "sqlite"}


def _check_no_database(x: Any) -> None:
    """Refuse the URL of a database, which does not say which of its rows are meant."""
    scheme, is_url, _ = str(x).partition("://")
    if is_url and scheme.partition("+")[0].lower() in _DATABASES:
        raise SourceError(
            f"{without_secrets(str(x))} is the URL of a database",
            hint="smo.read_sql(table, url) reads a table, or a query, of it",
        )


def _check_no_query(x: Any) -> None:
    """Refuse the text of a query, which is no path."""
    if isinstance(x, str) and _QUERY.match(x) and not os.path.lexists(x):
        raise SourceError(
            f"{x if len(x) < _LONG else x[:_LONG] + '…'!r} is a query, not a path",
            hint="smo.read_sql(query, connection) reads what a database answers",
        )


_QUERY = re.compile(r"\s*(select\s.*\sfrom\s|with\s.*\sas\s*\()", re.IGNORECASE | re.DOTALL)
_LONG = 80  # characters


def _check_no_arrays(x: Any) -> None:
    """Refuse a folder of zarr, which holds arrays without names."""
    if isinstance(x, str | os.PathLike) and any(
        os.path.isfile(os.path.join(x, name)) for name in _OF_ZARR
    ):
        raise SourceError(
            f"{os.fspath(x)} is a folder of zarr, whose arrays have no names for a formula",
            hint="smo.OLS(endog, zarr.open(path)) fits an array",
        )


_OF_ZARR = ("zarr.json", ".zarray", ".zgroup")


def _is_delta(x: Any, refused: TableFormatError) -> bool:
    """Whether just the root of a Delta table is named, and deltalake can read it."""
    if refused.kind != "Delta" or isinstance(x, list | tuple) or find_spec("deltalake") is None:
        return False
    scheme, is_url, path = str(os.fspath(x)).rpartition("://")
    if is_url and scheme != "file":
        return scheme in _DELTA_STORES and path.strip("/") == refused.folder.strip("/")
    root = os.path.abspath(refused.folder)
    return os.path.abspath(os.path.expanduser(path)) == root


_DELTA_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"}  # that deltalake has clients for


def _format_of(path: str) -> str:
    for kind, (suffixes, _) in _FORMATS.items():
        if path.lower().endswith(suffixes):
            return kind
    path = without_secrets(path)
    suffix = Path(path).suffix.lower()
    known = ", ".join(suffix for suffixes, _ in _FORMATS.values() for suffix in suffixes)
    raise SourceError(
        f"{path}: nothing is known of the format {suffix or 'without a suffix'!r}; known are "
        f"{known}",
        hint=_ICEBERG if path.endswith(".metadata.json") else _READ_BY.get(suffix, _BY_FORMAT),
    )


_BY_FORMAT = (
    "read_csv, read_hdf, read_ipc and read_parquet open files of any name: smo.read_csv(path), for "
    "one"
)
_ICEBERG = "smo.read_iceberg(path) reads the table of which this is the metadata"
_SQL = "smo.read_sql(table, path) reads a table, or a query, of a database"
_READ_BY = {
    ".db": _SQL,
    ".dta": "pd.read_stata(path, chunksize=100_000) gives its rows in pieces",
    ".duckdb": _SQL,
    ".json": "pd.read_json(path) holds it in memory",
    ".jsonl": "pd.read_json(path, lines=True, chunksize=100_000) gives its rows in pieces",
    ".ndjson": "pd.read_json(path, lines=True, chunksize=100_000) gives its rows in pieces",
    ".npy": "smo.OLS(endog, np.load(path, mmap_mode='r')) fits an array, which stays in its file",
    ".npz": "smo.OLS(endog, np.load(path)['x']) fits an array of it, in memory",
    ".orc": "pyarrow.dataset.dataset(path, format='orc') is a source",
    ".sas7bdat": "pd.read_sas(path, chunksize=100_000) gives its rows in pieces",
    ".sav": "pd.read_spss(path) holds it in memory",
    ".sqlite": _SQL,
    ".sqlite3": _SQL,
    ".xls": "pd.read_excel(path) holds it in memory",
    ".xlsx": "pd.read_excel(path) holds it in memory",
    ".xpt": "pd.read_sas(path, chunksize=100_000) gives its rows in pieces",
}
