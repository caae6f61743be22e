"""Delta tables, each as it is in one version."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
from numpy.typing import NDArray

from statsmodels_ooc.errors import (
    MissingExtraError,
    OptionError,
    ParseError,
    SourceAccessError,
    SourceChangedError,
    SourceNotFoundError,
    TableFormatError,
)
from statsmodels_ooc.sources.deleted import Deleted
from statsmodels_ooc.sources.files import stored_file
from statsmodels_ooc.sources.filesystems import Rooted, Storage, of_arrow
from statsmodels_ooc.sources.lake import FIELD_ID, DataFile, LakeSource, Place, pinned
from statsmodels_ooc.sources.path_parts import natural
from statsmodels_ooc.sources.remote import remote_errors
from statsmodels_ooc.sources.seam import touch
from statsmodels_ooc.sources.secrets import without_keys, without_secrets
from statsmodels_ooc.sources.told_options import options_told

_FEATURES = {  # of tables, that change what their files mean, and are seen to here
    "columnMapping",
    "deletionVectors",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
}


@options_told
def read_delta(
    table: Any,
    version: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> LakeSource:
    """Open a Delta table as it is in one version; no row is read yet.

    Parameters
    ----------
    table : str, os.PathLike or deltalake.DeltaTable
        The folder or the URL of the table, or the table.
    version : int, optional
        Which version; by default the newest, or the one that a DeltaTable is at.
    storage_options : mapping, optional
        For URLs: as deltalake has them (``AWS_ACCESS_KEY_ID``), or for S3 as s3fs has them
        (``key``, ``secret``, ``token``, ``endpoint_url``).

    Returns
    -------
    LakeSource
        Partitions are runs of row groups of the version's data files. Files are in the order of
        their times of writing, which the log says, and of their names.

    Raises
    ------
    SourceNotFoundError
        There is no such table, or it has no such version.
    ParseError
        Its log or its metadata are damaged.
    TableFormatError
        The table needs something of its readers that is not known here.
    SourceChangedError
        While rows are read: a file is gone, as after ``vacuum``, or is another one.
    MissingExtraError
        deltalake is not installed.

    Notes
    -----
    What is written to the table later changes nothing: the version stays the one that was
    opened, in every pass. Deleted rows are left out whether their files were written again or
    a deletion vector marks them. A column that was added later is missing in the rows that were
    there before, and one that was renamed is found under its old name.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> import deltalake
    >>> from statsmodels_ooc.sources.delta import read_delta
    >>> folder = tempfile.TemporaryDirectory()
    >>> deltalake.write_deltalake(folder.name, pd.DataFrame({"y": [1.0, 2.0]}))
    >>> source = read_delta(folder.name)
    >>> deltalake.write_deltalake(folder.name, pd.DataFrame({"y": [3.0]}), mode="append")
    >>> source.rows, read_delta(folder.name).rows, read_delta(folder.name, version=0).rows
    (2, 3, 2)
    >>> folder.cleanup()
    """
    version = _checked_version(version)
    options = _as_deltalake_has_them(storage_options or {})
    opened = _opened(table, version, options)
    uri = _plain(opened.table_uri).rstrip("/")
    with delta_errors(uri):
        touch("read", uri)
        about = opened.metadata()
        where = _Where(uri, opened.version(), str(about.id), options)
        features = _checked_features(opened, uri)
        deleted = _deleted(where) if "deletionVectors" in features else {}
        files = _files(opened, where, _storage(opened, where, table is opened), deleted)
        schema = pa.schema(opened.schema().to_arrow())
        placed = partial(_placed, schema, _stored_names(opened), frozenset(about.partition_columns))
    return LakeSource(uri, str(where), schema, files, placed)


def _checked_version(version: Any) -> int | None:
    if version is None:
        return None
    is_number = isinstance(version, int | np.integer) and not isinstance(version, bool)
    if is_number and version >= 0:
        return int(version)
    raise OptionError(
        f"version={version!r} is not the number of a version, 0 or more",
        hint="without it the newest is read; one is found by its time with "
        "table = deltalake.DeltaTable(path); table.load_as_version('2024-01-31T00:00:00Z'), and "
        "read_delta(table) reads that",
    )


@dataclass(frozen=True)
class _Where:
    """A version of a table."""

    uri: str
    version: int
    identity: str
    storage: Mapping[str, str] = field(repr=False, hash=False)

    def __str__(self) -> str:
        return f"version {self.version} of the Delta table {self.uri}"

    def without_keys(self) -> _Where:
        """The same version, to be reached without what opens doors."""
        return replace(self, storage=without_keys(self.storage))


@contextmanager
def delta_errors(uri: str, version: int | None = None) -> Iterator[None]:
    """Turn what deltalake says against reading a table into an error of this package."""
    import deltalake.exceptions

    place = without_secrets(uri)
    try:
        with remote_errors(uri):
            yield
    except SourceAccessError as error:
        cause = error.__cause__
        if isinstance(cause, deltalake.exceptions.TableNotFoundError):
            raise SourceNotFoundError(
                f"{place} is not a Delta table: {cause}",
                hint="give the folder that holds _delta_log",
            ) from cause
        if isinstance(cause, deltalake.exceptions.DeltaError):
            said = str(cause).partition("\n")[0]  # the rest is a trace of the library's calls
            if version is not None and "LogSegment end version" in said:
                raise SourceNotFoundError(
                    f"{place} has no version {version:,}: {said}",
                    hint="read_delta(table) reads the newest; old ones go with vacuum",
                ) from cause
            raise ParseError(
                f"{place} cannot be read as a Delta table: {said}",
                hint="its log may be damaged, incomplete, or of a later version of the format",
            ) from cause
        raise


_NAMES = {  # of s3fs, and what deltalake calls the same
    "key": "AWS_ACCESS_KEY_ID",
    "secret": "AWS_SECRET_ACCESS_KEY",
    "token": "AWS_SESSION_TOKEN",
    "endpoint_url": "AWS_ENDPOINT_URL",
    "region_name": "AWS_REGION",
}


def _as_deltalake_has_them(options: Mapping[str, Any]) -> dict[str, str]:
    """Options of a store by the names that deltalake has for them."""
    plain = {**options, **options.get("client_kwargs", {})}
    plain.pop("client_kwargs", None)
    found = {_NAMES.get(name, name): str(value) for name, value in plain.items()}
    if found.get("AWS_ENDPOINT_URL", "").startswith("http://") and "endpoint_url" in plain:
        found.setdefault("AWS_ALLOW_HTTP", "true")
    return found


def _storage(table: Any, where: _Where, given: bool) -> Storage:
    """How the data files are reached.

    deltalake's own file system is asked where no other is known to take its options: threads
    wait for one another there.
    """
    scheme, is_url, _ = where.uri.partition("://")
    if not is_url:
        return {}
    if scheme in ("s3", "s3a") and (where.storage or not given):
        options = _as_s3fs_has_them(where.storage)
        if options is not None:
            return options
    if given and not where.storage:
        with suppress(Exception):  # of a table with features that datasets do not have
            return Rooted(where.uri, of_arrow(table.to_pyarrow_dataset().filesystem))
    from deltalake.fs import DeltaStorageHandler

    handler = DeltaStorageHandler(where.uri, dict(where.storage))
    return Rooted(where.uri, of_arrow(pafs.PyFileSystem(handler)))


def _as_s3fs_has_them(storage: Mapping[str, str]) -> dict[str, Any] | None:
    """Deltalake's options of S3 by the names of s3fs, None where it has no such option."""
    theirs = {name: ours for ours, name in _NAMES.items()}
    found: dict[str, Any] = {}
    for name, value in storage.items():
        key = name.upper() if name.upper().startswith("AWS_") else f"AWS_{name.upper()}"
        if key in theirs:
            found[theirs[key]] = value
        elif key not in _OF_WRITING:
            return None
    region = found.pop("region_name", None)
    return found if region is None else {**found, "client_kwargs": {"region_name": region}}


_OF_WRITING = {"AWS_ALLOW_HTTP", "AWS_S3_ALLOW_UNSAFE_RENAME", "AWS_CONDITIONAL_PUT"}


def _opened(table: Any, version: int | None, storage: Mapping[str, str]) -> Any:
    """The table, at a version."""
    try:
        import deltalake
    except ImportError:
        raise MissingExtraError(
            "reading Delta tables needs deltalake", hint="pip install 'statsmodels_ooc[lakes]'"
        ) from None
    if isinstance(table, deltalake.DeltaTable):
        if version is None or version == table.version():
            return table
        table = table.table_uri
    uri = os.fspath(table)
    if os.path.isfile(uri):
        raise SourceNotFoundError(
            f"{uri} is a file, not the folder of a Delta table",
            hint="give the folder that holds _delta_log; smo.as_source(path) reads a file",
        )
    with delta_errors(uri, version):
        touch("open", uri)
        return deltalake.DeltaTable(uri, version=version, storage_options=dict(storage) or None)


def _plain(uri: str) -> str:
    """A path, or a URL, without the marks of what may not stand in one."""
    return unquote(uri).removeprefix("file://")


def _checked_features(table: Any, uri: str) -> set[str]:
    """What the table needs of its readers."""
    needed = set(table.protocol().reader_features or ())
    unknown = sorted(needed - _FEATURES)
    if unknown:
        raise TableFormatError(
            f"the Delta table {uri} needs {unknown[0]!r} of its readers, which is not known here",
            hint="write its rows to Parquet files, or to a table without that feature",
        )
    return needed


def _stored_names(table: Any) -> Mapping[str, tuple[str, str | None]]:
    """What columns are called in files, and their numbers there where these count."""
    mode = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    found = {}
    for one in table.schema().fields:
        name = one.metadata.get("delta.columnMapping.physicalName", one.name)
        number = one.metadata.get("delta.columnMapping.id")
        found[one.name] = (
            one.name if mode == "none" else str(name),
            str(number) if mode == "id" else None,
        )
    return found


def _placed(
    schema: pa.Schema,
    stored: Mapping[str, tuple[str, str | None]],
    keys: frozenset[str],
    found: pa.Schema,
    data: DataFile,
) -> dict[str, Place]:
    """Where a file has the columns of the table."""
    numbers = {(one.metadata or {}).get(FIELD_ID, b"").decode(): one.name for one in found}
    places: dict[str, Place] = {}
    for one in schema:
        name, number = stored[one.name]
        name = name if number is None else numbers.get(number, name)
        if one.name in keys:
            places[one.name] = pa.scalar(data.values[one.name], one.type)
        elif name in found.names:
            places[one.name] = name
        else:
            places[one.name] = pa.scalar(None, one.type)
    return places


def _files(
    table: Any, where: _Where, storage: Storage, deleted: Mapping[str, Any]
) -> list[DataFile]:
    """The data files, in the order of their times and names."""
    actions = pa.table(table.get_add_actions(flatten=False)).to_pylist()
    actions.sort(key=lambda action: (action["modification_time"], natural(action["path"])))
    return [_data_file(action, where, storage, deleted) for action in actions]


def _data_file(
    action: Mapping[str, Any], where: _Where, storage: Storage, deleted: Mapping[str, Any]
) -> DataFile:
    path = _plain(action["path"])
    if "://" not in path and not os.path.isabs(path):
        path = f"{where.uri}/{path}"
    with pinned(str(where)):
        try:
            file = stored_file(path, storage)
        except SourceNotFoundError as error:
            raise SourceChangedError(f"{without_secrets(path)} is not there") from error
        if file.size != action["size_bytes"]:
            raise SourceChangedError(
                f"{file} has {file.size:,} bytes, the table's log says {action['size_bytes']:,}"
            )
    vector = DeletionVector(where, path) if path in deleted else None
    return DataFile(file, action["num_records"], action.get("partition") or {}, vector)


@dataclass(frozen=True)
class DeletionVector(Deleted):
    """The rows of a file that a version's deletion vectors mark."""

    where: _Where
    path: str

    def rows(self) -> NDArray[np.int64]:
        return _deleted(self.where)[self.path]


@lru_cache(maxsize=4)
def _deleted(where: _Where) -> Mapping[str, NDArray[np.int64]]:
    """By the paths of files, the numbers of the rows that deletion vectors mark."""
    table = _opened(where.uri, where.version, where.storage)
    if str(table.metadata().id) != where.identity:
        raise SourceChangedError(
            f"{where} was replaced by another table", hint="open the table again"
        )
    found = {}
    with delta_errors(where.uri):
        touch("read", where.uri)
        for batch in pa.RecordBatchReader.from_stream(table.deletion_vectors()):
            paths, kept = batch.column("filepath"), batch.column("selection_vector")
            for path, one in zip(paths.to_pylist(), kept, strict=True):
                mask = one.values.to_numpy(zero_copy_only=False)
                found[_plain(path)] = np.flatnonzero(~mask)
    return found
