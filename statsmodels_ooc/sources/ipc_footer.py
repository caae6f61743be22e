"""Rows, bytes and null counts of Arrow IPC record batches, without reading a body.

References
----------
Apache Arrow columnar format, ``File.fbs`` (Footer, Block) and ``Message.fbs``
(Message, RecordBatch, FieldNode). FlatBuffers, "Internals": tables, vtables, vectors.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

MAGIC = b"ARROW1"
_BLOCK = struct.Struct("<qi4xq")
_NODE = struct.Struct("<qq")


@dataclass(frozen=True)
class BatchInfo:
    """What the file says of one record batch."""

    rows: int
    nbytes: int  # stored, of the body
    nulls: tuple[int, ...]  # of each top-level column
    compressed: bool


def read_batch_infos(file: pa.NativeFile, schema: pa.Schema) -> list[BatchInfo]:
    """One `BatchInfo` per record batch of an open IPC file.

    Raises
    ------
    ValueError, LookupError, struct.error
        The file is damaged.
    """
    size = file.size()
    (length,) = struct.unpack("<i", _at(file, size - 10, 4))
    footer = _at(file, size - 10 - length, length)
    at = _field(footer, _root(footer), 3)
    blocks = [] if at is None else _structs(footer, at, _BLOCK)
    nodes = _first_nodes(schema)
    return [_info(_at(file, start, head), body, nodes) for start, head, body in blocks]


def _at(file: pa.NativeFile, start: int, length: int) -> bytes:
    if not 0 <= start <= start + length <= file.size():
        raise ValueError(f"its footer speaks of {length} bytes at {start}, which it does not have")
    file.seek(start)
    return bytes(file.read(length))


def _info(head: bytes, body: int, nodes: list[int]) -> BatchInfo:
    message = head[8:] if head[:4] == b"\xff\xff\xff\xff" else head[4:]
    link = _field(message, _root(message), 2)
    if link is None:
        raise ValueError("a message of its footer is no record batch")
    batch = link + struct.unpack_from("<I", message, link)[0]
    at_rows, at_nodes = _field(message, batch, 0), _field(message, batch, 1)
    rows = 0 if at_rows is None else struct.unpack_from("<q", message, at_rows)[0]
    counts = [] if at_nodes is None else _structs(message, at_nodes, _NODE)
    if not counts and rows and nodes:
        raise ValueError("a record batch of its footer has rows and no columns")
    nulls = tuple(counts[node][1] for node in nodes) if counts else ()
    return BatchInfo(rows, body, nulls, _field(message, batch, 3) is not None)


def _first_nodes(schema: pa.Schema) -> list[int]:
    """The position of each top-level column among the flattened field nodes."""
    positions, at = [], 0
    for field in schema:
        positions.append(at)
        at += _count(field.type)
    return positions


def _count(kind: pa.DataType) -> int:
    if isinstance(kind, pa.BaseExtensionType):
        return _count(kind.storage_type)
    return 1 + sum(_count(kind.field(i).type) for i in range(kind.num_fields))


def _root(raw: bytes) -> int:
    return int(struct.unpack_from("<I", raw, 0)[0])


def _field(raw: bytes, table: int, number: int) -> int | None:
    vtable = table - struct.unpack_from("<i", raw, table)[0]
    (size,) = struct.unpack_from("<H", raw, vtable)
    if 4 + 2 * number >= size:
        return None
    (offset,) = struct.unpack_from("<H", raw, vtable + 4 + 2 * number)
    return table + offset if offset else None


def _structs(raw: bytes, at: int, layout: struct.Struct) -> list[Any]:
    start = at + struct.unpack_from("<I", raw, at)[0]
    (length,) = struct.unpack_from("<I", raw, start)
    return [layout.unpack_from(raw, start + 4 + i * layout.size) for i in range(length)]
