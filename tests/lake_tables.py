"""Delta tables as Spark writes them: deleted rows are marked, columns have physical names."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_B85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_TYPES = {
    pa.float64(): "double",
    pa.int64(): "long",
    pa.large_string(): "string",
    pa.bool_(): "boolean",
}


def roaring(rows: Sequence[int]) -> bytes:
    """Row numbers below 65,536 as a Roaring bitmap of 64 bits, as both formats store them."""
    values = struct.pack(f"<{len(rows)}H", *sorted(rows))
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16) + values
    return struct.pack("<IQI", 1681511377, 1, 0) + bitmap


def inline_vector(rows: Sequence[int]) -> dict[str, Any]:
    """A deletion vector that stands in Delta's log."""
    blob = roaring(rows)
    padded = blob + b"\0" * (-len(blob) % 4)
    text = base64.b85encode(padded).translate(bytes.maketrans(_B85, _Z85)).decode()
    return {
        "storageType": "i",
        "pathOrInlineDv": text,
        "sizeInBytes": len(blob),
        "cardinality": len(rows),
    }


def write_mapped_delta(
    folder: Path,
    tables: Sequence[pa.Table],
    deleted: Mapping[int, Sequence[int]],
    renamed: Mapping[str, str],
    mode: str = "name",
    identity: str = "1",
) -> None:
    """Write one version of a Delta table, of which Spark makes many and deltalake none.

    Parameters
    ----------
    folder : Path
        The table.
    tables : sequence of Table
        The files.
    deleted : mapping
        Of a file's number, the rows that its deletion vector marks.
    renamed : mapping
        What columns are called in the files.
    mode : str
        Of column mapping.
    identity : str
        Of the table.
    """
    (folder / "_delta_log").mkdir(parents=True)
    fields = [
        {
            "name": field.name,
            "type": _TYPES[field.type],
            "nullable": True,
            "metadata": {
                "delta.columnMapping.id": at,
                "delta.columnMapping.physicalName": renamed.get(field.name, field.name),
            },
        }
        for at, field in enumerate(tables[0].schema, start=1)
    ]
    features = ["deletionVectors", "columnMapping"]
    actions: list[dict[str, Any]] = [
        {
            "protocol": {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": features,
                "writerFeatures": features,
            }
        },
        {
            "metaData": {
                "id": identity,
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": fields}),
                "partitionColumns": [],
                "configuration": {
                    "delta.enableDeletionVectors": "true",
                    "delta.columnMapping.mode": mode,
                    "delta.columnMapping.maxColumnId": str(len(fields)),
                },
                "createdTime": 0,
            }
        },
    ]
    for at, table in enumerate(tables):
        path = folder / f"part-{at}.parquet"
        names = [renamed.get(name, name) for name in table.column_names]
        stored = pa.schema(
            pa.field(name, field.type, metadata={b"PARQUET:field_id": str(number).encode()})
            for number, (name, field) in enumerate(zip(names, table.schema, strict=True), start=1)
        )
        pq.write_table(table.rename_columns(names).cast(stored), path, row_group_size=10)
        add = {
            "path": path.name,
            "partitionValues": {},
            "size": path.stat().st_size,
            "modificationTime": at,
            "dataChange": True,
            "stats": json.dumps({"numRecords": table.num_rows}),
        }
        if at in deleted:
            add["deletionVector"] = inline_vector(deleted[at])
        actions.append({"add": add})
    log = folder / "_delta_log" / f"{0:020}.json"
    log.write_text("\n".join(map(json.dumps, actions)))


def iceberg_catalog(folder: Path) -> Any:
    """A catalog of Iceberg tables in a folder, with a namespace "shop"."""
    from pyiceberg.catalog.sql import SqlCatalog

    folder.mkdir(parents=True, exist_ok=True)
    catalog = SqlCatalog("test", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
    catalog.create_namespace_if_not_exists("shop")
    return catalog


def iceberg_with_deletes(table: Any, folder: Path, rows: Sequence[int], kind: str) -> Any:
    """The newest snapshot of an Iceberg table without some rows of its first data file.

    Other engines write such snapshots: with a Parquet file of positions, or, in the third version
    of the format, with a deletion vector in a Puffin file.
    """
    from pyiceberg.manifest import (
        DataFile,
        DataFileContent,
        FileFormat,
        ManifestContent,
        ManifestEntry,
        ManifestEntryStatus,
        ManifestWriterV2,
        write_manifest_list,
    )
    from pyiceberg.table import StaticTable
    from pyiceberg.table.snapshots import Operation, Snapshot, Summary
    from pyiceberg.typedef import Record

    class DeletesWriter(ManifestWriterV2):
        def content(self) -> ManifestContent:
            return ManifestContent.DELETES

        @property
        def _meta(self) -> dict[str, str]:
            return {**super()._meta, "content": "deletes"}

    before = table.current_snapshot()
    data_file = next(iter(table.scan().plan_files())).file.file_path
    suffix = {"positions": "parquet", "vector": "puffin"}[kind]
    path = folder / f"deletes-{kind}.{suffix}"
    path.write_bytes(
        _positions(data_file, rows) if kind == "positions" else _puffin(data_file, rows)
    )
    number, sequence = before.snapshot_id + 1, before.sequence_number + 1
    marks = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=f"file://{path}",
        file_format=FileFormat.PARQUET if kind == "positions" else FileFormat.PUFFIN,
        partition=Record(),
        record_count=len(rows),
        file_size_in_bytes=path.stat().st_size,
    )
    manifest = table.io.new_output(f"file://{folder}/{kind}-m.avro")
    with DeletesWriter(table.spec(), table.schema(), manifest, number, "deflate") as writer:
        status = ManifestEntryStatus.ADDED
        writer.add_entry(ManifestEntry.from_args(status=status, data_file=marks))
    listed = table.io.new_output(f"file://{folder}/{kind}-snap.avro")
    with write_manifest_list(
        2, listed, number, before.snapshot_id, sequence, "deflate"
    ) as manifests:
        manifests.add_manifests([writer.to_manifest_file(), *before.manifests(table.io)])
    snapshot = Snapshot(
        snapshot_id=number,
        parent_snapshot_id=before.snapshot_id,
        sequence_number=sequence,
        timestamp_ms=before.timestamp_ms + 1,
        manifest_list=f"file://{folder}/{kind}-snap.avro",
        summary=Summary(operation=Operation.DELETE),
        schema_id=before.schema_id,
    )
    metadata = json.loads(table.metadata.model_dump_json())
    metadata["snapshots"].append(json.loads(snapshot.model_dump_json()))
    metadata["current-snapshot-id"] = number
    metadata["refs"]["main"]["snapshot-id"] = number
    metadata["last-sequence-number"] = sequence
    newest = folder / f"{kind}.metadata.json"
    newest.write_text(json.dumps(metadata))
    return StaticTable.from_metadata(str(newest))


def _positions(data_file: str, rows: Sequence[int]) -> bytes:
    schema = pa.schema(
        [
            pa.field("file_path", pa.string(), False, {b"PARQUET:field_id": b"2147483546"}),
            pa.field("pos", pa.int64(), False, {b"PARQUET:field_id": b"2147483545"}),
        ]
    )
    columns = [[data_file] * len(rows) + ["file:///another.parquet"], [*rows, 0]]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=schema), sink)
    return bytes(sink.getvalue())


def _puffin(data_file: str, rows: Sequence[int]) -> bytes:
    vector = roaring(rows)
    blob = struct.pack(">i", len(vector)) + vector + b"\0\0\0\0"
    footer = {
        "blobs": [
            {
                "type": "deletion-vector-v1",
                "fields": [],
                "snapshot-id": -1,
                "sequence-number": -1,
                "offset": 4,
                "length": len(blob),
                "properties": {"referenced-data-file": data_file, "cardinality": str(len(rows))},
            }
        ]
    }
    payload = json.dumps(footer).encode()
    return b"PFA1" + blob + b"PFA1" + payload + struct.pack("<iI", len(payload), 0) + b"PFA1"
