"""The file of a design store: arrays of PyTables, and marks that say what of them is whole."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.errors import (
    MissingExtraError,
    ParseError,
)
from statsmodels_ooc.sources.hdf5_layout import ranges_of_chunks
from statsmodels_ooc.sources.hdf5_opening import hdf5_errors, hdf5_lock, looked_over
from statsmodels_ooc.sources.seam import touch

_FORMAT = 2
HEAD = struct.Struct("<QQ")  # of a mark: its length and its checksum
_VERIFIED = 131_072  # rows that are read at a time to be compared
EXOG, ENDOG, BESIDE, DROPPED = "/exog", "/endog", "/beside", "/dropped"
COMPARED = (EXOG, ENDOG, BESIDE, DROPPED)
SEGMENTS = "/segments"  # rows and dropped rows of each, and the checksums of all arrays

State = Literal["writing", "complete", "appending"]


@dataclass(frozen=True)
class About:
    """What a store is, as text: written once, and read without running anything.

    Attributes
    ----------
    formula : str
        As the user wrote it.
    exog_names, endog_names : list of str
        Names of the columns.
    roles : dict
        Columns beside the design, by role, to the expressions that they are of; ``trials``
        of a response of two columns.
    levels : dict
        Levels of the categorical factors, as JSON has them.
    variables : list of str
        All factors, whose missing values drop rows.
    data : str
        The name of the source.
    told : dict
        What else decides over the rows, in words: partitions, types, conditions, arguments.
    compression : str
        How arrays are compressed.
    format : int
        Of the file.
    """

    formula: str
    exog_names: list[str]
    endog_names: list[str]
    roles: dict[str, str]
    levels: dict[str, list[Any]]
    variables: list[str]
    data: str
    told: dict[str, str]
    compression: str
    format: int = _FORMAT


@dataclass(frozen=True)
class Mark:
    """What of a store is whole: so many rows, and their checksums.

    Attributes
    ----------
    rows : int
        Rows of the design.
    beside : int
        Rows of what stands beside it; none where nothing does.
    read : int
        Rows of the data they were made of.
    dropped : int
        Those of them without a value somewhere.
    partitions : int
        Partitions of the data that are written, while the store is first written.
    missing : dict
        Rows without a value, by variable.
    segments : int
        How often rows were written together: each segment has its own checksums.
    checksum : int
        XXH3 of 64 bits of the table of segments.
    state : {"writing", "complete", "appending"}
        Whether somebody is, or was, writing.
    sequence : int
        Later marks have larger ones.
    """

    rows: int = 0
    beside: int = 0
    read: int = 0
    dropped: int = 0
    partitions: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    segments: int = 0
    checksum: int = 0
    state: State = "writing"
    sequence: int = 0


def require_tables(path: str) -> Any:
    """PyTables.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import tables
    except ImportError:
        raise MissingExtraError(
            f"the design store {path} needs PyTables", hint="pip install 'statsmodels_ooc[hdf5]'"
        ) from None
    return tables


def lengths(mark: Mark) -> dict[str, int]:
    """How many rows of each array a mark counts."""
    counts = {EXOG: mark.rows, ENDOG: mark.rows, BESIDE: mark.beside, DROPPED: mark.dropped}
    return {**counts, SEGMENTS: mark.segments}


def digest(data: bytes) -> int:
    """XXH3 of 64 bits."""
    from xxhash import xxh3_64

    return int(xxh3_64(data).intdigest())


def hashes_of_nothing() -> dict[str, Any]:
    """A running checksum for each of the arrays."""
    from xxhash import xxh3_64

    return {node: xxh3_64() for node in COMPARED}


def verify(file: Any, path: str, mark: Mark, first: int = 0) -> None:
    """Hold the rows that a mark counts against their checksums, from a segment on.

    Raises
    ------
    ParseError
        They are others.
    """
    segments = file.get_node(SEGMENTS)[: mark.segments]
    if mark.checksum != digest(segments.tobytes()) and mark.segments:
        raise _damaged(path, "the table of segments")
    starts = dict.fromkeys(COMPARED, 0)
    for number, (rows, dropped, *checksums) in enumerate(segments.tolist()):
        hashes = hashes_of_nothing()
        for node, checksum in zip(COMPARED, checksums, strict=True):
            counts = {DROPPED: dropped, BESIDE: rows if mark.beside else 0}
            stop = starts[node] + counts.get(node, rows)
            if number < first:
                starts[node] = stop
                continue
            for start in range(starts[node], stop, _VERIFIED):
                values = file.get_node(node)[start : min(start + _VERIFIED, stop)]
                hashes[node].update(np.ascontiguousarray(values).data)
            if hashes[node].intdigest() != checksum:
                raise _damaged(path, f"{node!r}, rows {starts[node]:,} to {stop - 1:,},")
            starts[node] = stop


def _damaged(path: str, what: str) -> ParseError:
    return ParseError(
        f"{path} is damaged: {what} should be whole, and is not what it was",
        hint="write it again: design_store(path, formula, data, overwrite=True)",
    )


def known(file: Any, path: str) -> tuple[About, Mark]:
    """What an open store is, and its last mark."""
    names = {"about", "spec", "marks", *(node.strip("/") for node in lengths(Mark()))}
    found = {node.name for node in file.list_nodes("/") if hasattr(node, "name")}
    if not names <= found:
        raise ParseError(
            f"{path} is no design store: it has no {sorted(names - found)[0]!r}",
            hint="it was not written by design_store, or not to its end; "
            "design_store(path, formula, data, overwrite=True) writes one",
        )
    told = json.loads(file.get_node("/about").read().tobytes())
    if told.get("format") != _FORMAT:
        raise ParseError(
            f"{path} is a design store of format {told.get('format')}, this is {_FORMAT}",
            hint="write it again, or use the version of statsmodels_ooc that wrote it",
        )
    about = About(**told)
    marks = [mark for slot in file.get_node("/marks").read() if (mark := _mark_of(slot.tobytes()))]
    if not marks:
        raise ParseError(
            f"{path} has no mark that says how many of its rows are whole",
            hint="write it again: design_store(path, formula, data, overwrite=True)",
        )
    mark = max(marks, key=lambda one: one.sequence)
    for node, rows in lengths(mark).items():
        if len(file.get_node(node)) < rows:
            raise ParseError(
                f"{path} is damaged: {node!r} has {len(file.get_node(node)):,} rows of {rows:,}",
                hint="write it again: design_store(path, formula, data, overwrite=True)",
            )
    return about, mark


def _mark_of(slot: bytes) -> Mark | None:
    """The mark of a slot; None where there is none, or half of one."""
    length, checksum = HEAD.unpack_from(slot)
    text = slot[HEAD.size : HEAD.size + length]
    if not length or len(text) < length or digest(text) != checksum:
        return None
    return Mark(**json.loads(text))


@dataclass(frozen=True)
class Known:
    """What a store says of itself, without its pickled part.

    Attributes
    ----------
    about, mark
        See `About` and `Mark`.
    chunk_rows : int
        Rows that HDF5 reads at a time.
    """

    about: About
    mark: Mark
    chunk_rows: int


def look(path: str, *, all_rows: bool = False, first: int = 0) -> Known:
    """What a store says of itself.

    Parameters
    ----------
    path : str
        The file.
    all_rows : bool
        Whether all rows are read and compared with the checksums of the mark; they are in any
        case where writing was interrupted.
    first : int
        The segment from which on they are.

    Raises
    ------
    ParseError
        It is no store, or damaged.
    """
    tables = require_tables(path)
    looked_over(path)
    with hdf5_errors(path), hdf5_lock():
        touch("open", path)
        file = tables.open_file(path, "r")
        try:
            touch("read", path)
            about, mark = known(file, path)
            if all_rows or mark.state != "complete":
                verify(file, path, mark, first)
            return Known(about, mark, int(file.get_node(EXOG).chunkshape[0]))
        finally:
            file.close()


def read_array(path: str, node: str, start: int, stop: int | None) -> NDArray[Any]:
    """Rows of one of the arrays of a store."""
    tables = require_tables(path)
    with hdf5_errors(path), hdf5_lock():
        touch("open", path)
        with tables.open_file(path, "r") as file:
            touch("read", path)
            found: NDArray[Any] = np.asarray(file.get_node(node)[start:stop])
            return found


def chunks_of_rows(rows: int, chunk_rows: int, width: int, most: int) -> list[int]:
    """How many rows of so many bytes are read together, in whole chunks."""
    ranges = ranges_of_chunks(rows, chunk_rows, width, most)
    return [stop - start for start, stop in ranges]


def columns_of(about: About) -> tuple[Sequence[str], Sequence[str], Mapping[str, str]]:
    """Names of the columns of a store as a table: the design, the response, what is beside."""
    exog = about.exog_names
    taken = set(exog)
    names = []
    for name in (" + ".join(about.endog_names), *about.roles):
        while name in taken:
            name = f"_{name}"
        taken.add(name)
        names.append(name)
    return exog, names[:1], dict(zip(about.roles, names[1:], strict=True))
