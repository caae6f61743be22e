"""Iceberg tables, each as it is in one snapshot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from statsmodels_ooc.errors import (
    MissingExtraError,
    ParseError,
    SchemaError,
    SourceAccessError,
    SourceChangedError,
    SourceError,
    SourceNotFoundError,
    TableFormatError,
)
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.deleted import Deleted
from statsmodels_ooc.sources.files import StoredFile, stored_file
from statsmodels_ooc.sources.filesystems import Rooted, Storage, of_arrow
from statsmodels_ooc.sources.frames import foreign_bytes
from statsmodels_ooc.sources.lake import FIELD_ID, DataFile, LakeSource, Place, pinned
from statsmodels_ooc.sources.listing import LocalTree
from statsmodels_ooc.sources.remote import remote_errors
from statsmodels_ooc.sources.seam import touch
from statsmodels_ooc.sources.secrets import without_secrets
from statsmodels_ooc.sources.spooling import spool
from statsmodels_ooc.sources.table_formats import check_no_table
from statsmodels_ooc.sources.told_options import options_told

_LISTED = 5  # snapshots


@options_told
def read_iceberg(table: Any, snapshot_id: int | None = None) -> Source:
    """Open an Iceberg table as it is in one snapshot; no row is read yet.

    Parameters
    ----------
    table : pyiceberg.table.Table, pyiceberg.table.DataScan, str or os.PathLike
        A table of a catalog or a StaticTable; a scan of one, also of some of its columns or
        rows; or the path of a file ``….metadata.json``.
    snapshot_id : int, optional
        Which snapshot; by default the one that the table or the scan is at.

    Returns
    -------
    Source
        Partitions are runs of row groups of the snapshot's data files, in the order in which
        its manifests list them, which is that of ``table.scan().to_arrow()``. What only
        pyiceberg can read is copied once: a scan with a filter or a limit, and files that are
        not Parquet.

    Raises
    ------
    SourceNotFoundError
        There is no such snapshot, or no such file of metadata.
    ParseError
        Its log or its metadata are damaged.
    TableFormatError
        Files are read in a way that pyiceberg does not know, such as with equality deletes.
    SourceChangedError
        While rows are read: a file is gone, as after ``expire_snapshots``, or is another one.
    MissingExtraError
        pyiceberg is not installed.

    Notes
    -----
    What is written to the table later changes nothing: the snapshot stays the one that was
    opened, in every pass. Rows that delete files or deletion vectors mark are left out. Columns
    are found by their numbers, whatever they were called when a file was written; one that was
    added later is missing in the rows that were there before, or has its default.

    Examples
    --------
    >>> import tempfile
    >>> import pyarrow as pa
    >>> from pyiceberg.catalog.sql import SqlCatalog
    >>> from statsmodels_ooc.sources.secrets import without_secrets
    >>> from statsmodels_ooc.sources.iceberg import read_iceberg
    >>> folder = tempfile.TemporaryDirectory()
    >>> catalog = SqlCatalog("c", uri="sqlite://", warehouse=f"file://{folder.name}")
    >>> catalog.create_namespace("shop")
    >>> rows = pa.table({"y": [1.0, 2.0]})
    >>> table = catalog.create_table("shop.sales", rows.schema)
    >>> table.append(rows)
    >>> source = read_iceberg(table)
    >>> table.append(rows)
    >>> source.rows, read_iceberg(table).rows
    (2, 4)
    >>> folder.cleanup()
    """
    scan, name = _scanned(table)
    with iceberg_errors(name):
        if snapshot_id is not None:
            scan = scan.update(snapshot_id=snapshot_id)
        snapshot = scan.snapshot()
        if snapshot is None and scan.snapshot_id is not None:
            raise SourceNotFoundError(
                f"the Iceberg table {name} has no snapshot {snapshot_id}", hint=_snapshots(scan)
            )
        version = "no snapshot" if snapshot is None else f"snapshot {snapshot.snapshot_id}"
        version = f"{version} of the Iceberg table {name}"
        schema = scan.projection()
        touch("read", name)
        tasks = _tasks(scan, snapshot)
        if not _are_plain(scan, tasks):
            return spool(scan.to_arrow_batch_reader(), name)
        files = [_data_file(task, scan.io, version) for task in tasks]
        placed = partial(_placed, schema, scan.table_metadata)
        return LakeSource(name, version, _arrow(schema), files, placed)


@contextmanager
def iceberg_errors(name: str) -> Iterator[None]:
    """Turn what pyiceberg says against reading a table into an error of this package."""
    try:
        with remote_errors(name):
            yield
    except SourceAccessError as error:
        cause = error.__cause__
        if cause is None or isinstance(cause, OSError):
            raise
        if "equality deletes" in str(cause):
            raise TableFormatError(
                f"the Iceberg table {name} has equality deletes, which pyiceberg does not read",
                hint="compact the table, for instance with Spark's rewrite_data_files",
            ) from cause
        raise ParseError(
            f"{name} cannot be read as an Iceberg table: {type(cause).__name__}: {cause}",
            hint="its metadata may be damaged, or of a later version of the format",
        ) from cause


def _scanned(table: Any) -> tuple[Any, str]:
    """A scan, and what the table is called."""
    try:
        from pyiceberg.table import DataScan, StaticTable
    except ImportError:
        raise MissingExtraError(
            "reading Iceberg tables needs pyiceberg", hint="pip install 'statsmodels_ooc[lakes]'"
        ) from None
    if isinstance(table, (str, os.PathLike)):
        path = os.fspath(table)
        with _described_path(path), iceberg_errors(path):
            touch("open", path)
            table = StaticTable.from_metadata(path)
    if hasattr(table, "load_table"):
        raise SourceError(
            f"a {type(table).__name__} is a catalog, not a table",
            hint="smo.read_iceberg(catalog.load_table('shop.sales')) reads a table of it",
        )
    if not hasattr(table, "scan") and not isinstance(table, DataScan):
        raise SourceError(
            f"a {type(table).__name__} is no Iceberg table",
            hint="give a table or a scan of pyiceberg, or the path of a file ….metadata.json",
        )
    if isinstance(table, DataScan):
        return table, ".".join(table.table_identifier or ()) or str(table.table_metadata.location)
    return table.scan(), ".".join(table.name())


def _snapshots(scan: Any) -> str:
    """Words for the snapshots that a table has."""
    known = [str(one.snapshot_id) for one in scan.table_metadata.snapshots]
    if not known:
        return "it has none: nothing was written to it"
    more = f" and {len(known) - _LISTED:,} before" if len(known) > _LISTED else ""
    return f"it has {', '.join(known[: -_LISTED - 1 : -1])}{more}"


@contextmanager
def _described_path(path: str) -> Iterator[None]:
    """What to give in place of a path that is not that of a file of metadata."""
    try:
        yield
    except SourceNotFoundError as error:
        if path.endswith(".metadata.json"):
            raise
        if "://" not in path and os.path.isdir(path):
            tree = LocalTree()
            check_no_table(tree, os.path.abspath(path), tree.entries(path))
        raise SourceNotFoundError(
            f"{without_secrets(path)} is no file of metadata of an Iceberg table",
            hint="give catalog.load_table(name), or the path of a file ….metadata.json in the "
            "folder metadata of the table",
        ) from error


def _tasks(scan: Any, snapshot: Any) -> list[Any]:
    """The data files of a snapshot, in the order of its manifests."""
    if snapshot is None:
        return []
    return list(scan.update(snapshot_id=snapshot.snapshot_id).plan_files())


def _are_plain(scan: Any, tasks: list[Any]) -> bool:
    """Whether all rows of Parquet files are asked for, but those that are deleted."""
    from pyiceberg.expressions import AlwaysTrue

    formats = {str(task.file.file_format.value) for task in tasks}
    deletes = {str(one.file_format.value) for task in tasks for one in task.delete_files}
    return (
        scan.row_filter == AlwaysTrue()
        and scan.limit is None
        and formats <= {"PARQUET"}
        and deletes <= {"PARQUET", "PUFFIN"}
        and all(_is_reached(str(task.file.file_path), scan.io) for task in tasks)
    )


def _arrow(schema: Any) -> pa.Schema:
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    found: pa.Schema = schema_to_pyarrow(schema, include_field_ids=False)
    return found


def _data_file(task: Any, io: Any, version: str) -> DataFile:
    known = task.file
    deletes = sorted(task.delete_files, key=lambda one: str(one.file_path))
    with pinned(version):
        file = _stored(known, io)
        marks = tuple(_stored(one, io) for one in deletes)
    deleted = DeletedRows(marks, str(known.file_path)) if marks else None
    return DataFile(
        file, known.record_count, {"spec": known.spec_id, "of": known.partition}, deleted
    )


def _stored(known: Any, io: Any) -> StoredFile:
    """A file as it is, which must be as long as the manifest says."""
    path = str(known.file_path)
    scheme, is_url, rest = path.partition("://")
    try:
        if is_url and scheme != "file":
            file = stored_file(path, _storage(io, scheme, rest.partition("/")[0]))
        else:
            file = stored_file(path.removeprefix("file://").removeprefix("file:"))
    except SourceNotFoundError as error:
        raise SourceChangedError(f"{without_secrets(path)} is not there") from error
    if file.size != known.file_size_in_bytes:
        raise SourceChangedError(
            f"{file} has {file.size:,} bytes, its manifest says {known.file_size_in_bytes:,}"
        )
    return file


def _storage(io: Any, scheme: str, place: str) -> Storage:
    """How the files of a store are reached: as pyiceberg reaches them."""
    if hasattr(io, "fs_by_scheme"):
        return Rooted(f"{scheme}://", of_arrow(io.fs_by_scheme(scheme, place)))
    return io.get_fs(scheme, place)


def _is_reached(location: str, io: Any) -> bool:
    """Whether a file can be read through the file systems that pyiceberg has."""
    scheme, is_url, _ = location.partition("://")
    if not is_url or scheme == "file":
        return True
    return hasattr(io, "get_fs") or (hasattr(io, "fs_by_scheme") and scheme in _KEYED)


_KEYED = {"s3", "s3a", "s3n", "gs", "oss"}  # stores of pyarrow whose paths begin with the bucket


def _placed(schema: Any, metadata: Any, found: pa.Schema, data: DataFile) -> dict[str, Place]:
    """Where a file has the columns of the table."""
    stored = _numbered(metadata, found, data)
    values = _partition_values(metadata, data)
    places: dict[str, Place] = {}
    for one, arrow in zip(schema.fields, _arrow(schema), strict=True):
        if one.field_id in stored:
            places[one.name] = stored[one.field_id]
        elif values.get(one.field_id) is not None:
            places[one.name] = pa.scalar(values[one.field_id], arrow.type)
        else:
            places[one.name] = pa.scalar(getattr(one, "initial_default", None), arrow.type)
    return places


def _numbered(metadata: Any, found: pa.Schema, data: DataFile) -> dict[int, str]:
    """The columns of a file by their numbers."""
    numbers = {one.name: (one.metadata or {}).get(FIELD_ID) for one in found}
    if any(number is not None for number in numbers.values()):
        return {int(number): name for name, number in numbers.items() if number is not None}
    mapping = metadata.name_mapping()
    if mapping is None:
        raise SchemaError(
            f"the columns of {data.file} have no numbers, and the table has no names for them",
            hint="set the table's property schema.name-mapping.default",
        )
    known = {name: one.field_id for one in mapping.root for name in one.names}
    return {known[name]: name for name in found.names if known.get(name) is not None}


def _partition_values(metadata: Any, data: DataFile) -> dict[int, Any]:
    """By the numbers of columns, what the log says of all rows of a file."""
    from pyiceberg.transforms import IdentityTransform

    spec = metadata.specs()[data.values["spec"]]
    return {
        one.source_id: data.values["of"][at]
        for at, one in enumerate(spec.fields)
        if isinstance(one.transform, IdentityTransform)
    }


@dataclass(frozen=True)
class DeletedRows(Deleted):
    """The rows of a data file that delete files and deletion vectors mark."""

    marks: tuple[StoredFile, ...]
    path: str

    def rows(self) -> NDArray[np.int64]:
        return _marked(self)


@lru_cache(maxsize=64)
def _marked(deleted: DeletedRows) -> NDArray[np.int64]:
    pieces = [_positions(file, deleted.path) for file in deleted.marks]
    return np.unique(np.concatenate(pieces)).astype(np.int64)


def _positions(file: StoredFile, path: str) -> NDArray[np.int64]:
    """The numbers of rows that a delete file has for a data file."""
    with foreign_bytes(str(file), "a delete file"), file.opened() as raw:
        head = raw.read(4)
        raw.seek(0)
        if head == b"PFA1":
            return _from_puffin(raw.read(), path)
        found = []
        with pq.ParquetFile(raw) as opened:
            for batch in opened.iter_batches(columns=["file_path", "pos"], use_threads=False):
                mine = pc.equal(batch.column("file_path"), path)
                found.append(batch.column("pos").filter(mine).to_numpy(zero_copy_only=False))
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _from_puffin(raw: bytes, path: str) -> NDArray[np.int64]:
    from pyiceberg.table.deletion_vector import deletion_vectors_from_puffin_file
    from pyiceberg.table.puffin import PuffinFile

    found = [
        one.to_vector().to_numpy()
        for one in deletion_vectors_from_puffin_file(PuffinFile(raw))
        if one.referenced_data_file == path
    ]
    return np.concatenate(found) if found else np.empty(0, np.int64)
