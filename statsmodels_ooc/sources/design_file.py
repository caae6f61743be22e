"""The file of a design store: extendable arrays of PyTables, and marks that say what is whole."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import (
    MissingExtraError,
    OptionError,
    OutOfCoreError,
    ParseError,
    WriteError,
)
from statsmodels_ooc.sources.hdf5_opening import hdf5_errors, hdf5_lock
from statsmodels_ooc.sources.seam import touch

COMPRESSIONS = ("blosc2:lz4", "blosc2:zstd", "blosc2:blosclz", "zlib", "none")
_LEVELS = {"blosc2:lz4": 5, "blosc2:zstd": 1, "blosc2:blosclz": 5, "zlib": 1, "none": 0}
_FORMAT = 1
_CHUNK = 2**20  # bytes of rows that HDF5 compresses and reads together
_SLOT = 4_096  # bytes of a mark, beside the names of the variables that it counts
_NAME = 40  # bytes of a number that stands beside a name
_HEAD = struct.Struct("<QQ")  # of a mark: its length and its checksum
_VERIFIED = 131_072  # rows that are read at a time to be compared
EXOG, ENDOG, BESIDE, DROPPED = "/exog", "/endog", "/beside", "/dropped"
_COMPARED = (EXOG, ENDOG, BESIDE, DROPPED)
_SEGMENTS = "/segments"  # rows and dropped rows of each, and the checksums of all arrays
_FIELDS = 2 + len(_COMPARED)

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
    fingerprint : str
        Of the source's partitions.
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
    fingerprint: str
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


@contextmanager
def store_errors(path: str) -> Iterator[None]:
    """Say that it is this store that cannot be written.

    Raises
    ------
    WriteError
        For errors of the system and of HDF5.
    """
    try:
        yield
    except OutOfCoreError:
        raise
    except MemoryError:
        raise
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__name__ not in _OF_HDF5:
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        why = next((line for line in lines if "errno" in line or "No space" in line), None)
        said = why or (lines[-1] if lines else type(error).__name__)
        raise WriteError(
            f"the design store {path} cannot be written: {said}",
            hint="make room where it is written, or write it elsewhere; nothing else is lost",
        ) from error


_OF_HDF5 = ("HDF5ExtError", "ClosedFileError", "ClosedNodeError")


class DesignFile:
    """A store that is open for writing, by this process alone.

    Rows are held back until they fill a chunk. A mark is written when all that it counts has
    been handed to the system.

    Parameters
    ----------
    path : str
        The file.
    file : tables.File
        Open for writing.
    about : About
        What it is.
    mark : Mark
        What is whole so far; rows beyond are cut off.
    """

    def __init__(self, path: str, file: Any, about: About, mark: Mark) -> None:
        self.path, self.about, self.mark = path, about, mark
        self._file = file
        self._nodes = {node: file.get_node(node) for node in (*_COMPARED, _SEGMENTS)}
        self._held: dict[str, list[NDArray[Any]]] = {node: [] for node in _COMPARED}
        self._rows = 0  # held back
        self._written = 0  # bytes since the last mark
        self._chunk_rows = int(self._nodes[EXOG].chunkshape[0])
        self._hashes = _hashes()
        self._segment = (mark.rows, mark.dropped)  # where the one that is being written begins

    @classmethod
    def create(cls, path: str, about: About, spec: bytes) -> DesignFile:
        """A new store without rows.

        Raises
        ------
        WriteError
            It cannot be made.
        """
        tables = require_tables(path)
        if about.compression not in COMPRESSIONS:
            raise OptionError(
                f"compression is {about.compression!r}, it must be one of {', '.join(COMPRESSIONS)}"
            )
        level = _LEVELS[about.compression]
        name = about.compression if level else "zlib"
        filters = tables.Filters(level, name, shuffle=bool(level), fletcher32=True)
        k, extra = len(about.exog_names), len(about.roles)
        chunk = max(1, min(_CHUNK // (8 * max(k, 1)), 65_536))
        slot = _SLOT + sum(len(json.dumps(name)) + _NAME for name in about.variables)
        with store_errors(path), hdf5_lock():
            touch("open", path)
            file = tables.open_file(path, "w", title="statsmodels_ooc design store")
            try:
                double = tables.Float64Atom()
                file.create_earray(
                    "/", "exog", double, (0, k), filters=filters, chunkshape=(chunk, k)
                )
                file.create_earray("/", "endog", double, (0,), filters=filters, chunkshape=(chunk,))
                file.create_earray(
                    "/",
                    "beside",
                    double,
                    (0, max(extra, 1)),
                    filters=filters,
                    chunkshape=(chunk, max(extra, 1)),
                )
                file.create_earray(
                    "/", "dropped", tables.Int64Atom(), (0,), filters=filters, chunkshape=(4_096,)
                )
                text = json.dumps(asdict(about), default=str).encode()
                file.create_array("/", "about", np.frombuffer(text, np.uint8))
                file.create_earray(
                    "/", "segments", tables.UInt64Atom(), (0, _FIELDS), chunkshape=(1_024, _FIELDS)
                )
                file.create_array("/", "spec", np.frombuffer(spec, np.uint8))
                file.create_array("/", "marks", np.zeros((2, slot), np.uint8))
                file.set_node_attr("/", "formula", about.formula[:_SLOT])
                made = cls(path, file, about, Mark())
                made._mark(Mark())
            except BaseException:
                _close(file)
                raise
        return made

    @classmethod
    def reopen(cls, path: str) -> DesignFile:
        """A store that is there, whose rows beyond the last mark are cut off.

        Raises
        ------
        ParseError
            It is no store, or the rows that its mark counts are not there any more.
        """
        tables = require_tables(path)
        with hdf5_errors(path), hdf5_lock():
            touch("open", path)
            file = tables.open_file(path, "a")
            try:
                about, mark = _known(file, path)
                if mark.state != "complete":
                    _verify(file, path, mark)
                _cut(file, mark)
                return cls(path, file, about, mark)
            except BaseException:
                _close(file)
                raise

    def append(
        self, exog: FloatArray, endog: FloatArray, beside: FloatArray, dropped: NDArray[np.int64]
    ) -> None:
        """Take rows, (b, k), (b,) and (b, q), and the numbers of rows that were dropped."""
        parts = zip(_COMPARED, (exog, endog, beside, dropped), strict=True)
        for node, values in parts:
            if values.size:
                self._held[node].append(np.array(values, order="C"))
        self._rows += len(endog)
        if self._rows >= self._chunk_rows:
            self._write(self._rows // self._chunk_rows * self._chunk_rows)

    @property
    def unmarked(self) -> int:
        """Bytes of rows since the last mark."""
        return self._written + self._rows * 8 * len(self.about.exog_names)

    def _write(self, rows: int) -> None:
        """Write so many of the rows that are held back, and all numbers."""
        with store_errors(self.path):
            for node in _COMPARED:
                held = self._held[node]
                if not held:
                    continue
                whole = held[0] if len(held) == 1 else np.concatenate(held)
                count = len(whole) if node == DROPPED else rows
                self._held[node] = [whole[count:]] if count < len(whole) else []
                if not count:
                    continue
                self._hashes[node].update(np.ascontiguousarray(whole[:count]).data)
                with hdf5_lock():
                    touch("write", self.path)
                    self._nodes[node].append(whole[:count])
                self._written += whole[:count].nbytes
        self._rows -= rows

    def commit(self, mark: Mark) -> None:
        """Write all that is held back, and then the mark that counts it."""
        self._write(self._rows)
        with store_errors(self.path), hdf5_lock():
            touch("write", self.path)
            self._file.flush()
            self._end_segment(mark)
            segments = self._nodes[_SEGMENTS]
            counted = replace(mark, segments=len(segments), checksum=_digest(segments[:].tobytes()))
            self._mark(counted)
        self._written = 0

    def _end_segment(self, mark: Mark) -> None:
        rows, dropped = mark.rows - self._segment[0], mark.dropped - self._segment[1]
        if not rows and not dropped:
            return
        told = [rows, dropped, *(self._hashes[node].intdigest() for node in _COMPARED)]
        self._nodes[_SEGMENTS].append(np.array([told], np.uint64))
        self._segment, self._hashes = (mark.rows, mark.dropped), _hashes()

    def _mark(self, mark: Mark) -> None:
        mark = replace(mark, sequence=self.mark.sequence + 1)
        marks = self._file.get_node("/marks")
        text = json.dumps(asdict(mark)).encode()
        slot = np.zeros(marks.shape[1], np.uint8)
        data = _HEAD.pack(len(text), _digest(text)) + text
        if len(data) > len(slot):
            raise WriteError(f"{self.path}: a mark has {len(data)} bytes, room is for {len(slot)}")
        slot[: len(data)] = np.frombuffer(data, np.uint8)
        marks[mark.sequence % 2] = slot
        self._file.flush()
        self.mark = mark

    @property
    def spec(self) -> bytes:
        """What was learned of the formula, pickled."""
        with hdf5_errors(self.path), hdf5_lock():
            found: bytes = self._file.get_node("/spec").read().tobytes()
            return found

    def rolled_back(self, mark: Mark) -> None:
        """Cut off what an earlier mark does not count, which is then the last one."""
        with store_errors(self.path), hdf5_lock():
            touch("write", self.path)
            _cut(self._file, mark)
            self._mark(mark)

    def close(self) -> None:
        """Close the file, and see that it is on the disk."""
        with store_errors(self.path):
            with hdf5_lock():
                touch("write", self.path)
                self._file.close()
            _synced(self.path)

    def abandon(self) -> None:
        """Close the file, whatever becomes of it."""
        with hdf5_lock():
            _close(self._file)


def _close(file: Any) -> None:
    with suppress(Exception):  # what was to be written cannot be: that is being told
        file.close()


def _synced(path: str) -> None:
    touch("sync", path)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lengths(mark: Mark) -> dict[str, int]:
    counts = {EXOG: mark.rows, ENDOG: mark.rows, BESIDE: mark.beside, DROPPED: mark.dropped}
    return {**counts, _SEGMENTS: mark.segments}


def _cut(file: Any, mark: Mark) -> None:
    """Cut off the rows that a mark does not count."""
    for name, rows in _lengths(mark).items():
        node = file.get_node(name)
        if len(node) > rows:
            node.truncate(rows)
    file.flush()


def _digest(data: bytes) -> int:
    from xxhash import xxh3_64

    return int(xxh3_64(data).intdigest())


def _hashes() -> dict[str, Any]:
    """A running checksum for each of the arrays."""
    from xxhash import xxh3_64

    return {node: xxh3_64() for node in _COMPARED}


def _verify(file: Any, path: str, mark: Mark, first: int = 0) -> None:
    """Hold the rows that a mark counts against their checksums, from a segment on.

    Raises
    ------
    ParseError
        They are others.
    """
    segments = file.get_node(_SEGMENTS)[: mark.segments]
    if mark.checksum != _digest(segments.tobytes()) and mark.segments:
        raise _damaged(path, "the table of segments")
    starts = dict.fromkeys(_COMPARED, 0)
    for number, (rows, dropped, *checksums) in enumerate(segments.tolist()):
        hashes = _hashes()
        for node, checksum in zip(_COMPARED, checksums, strict=True):
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


def _known(file: Any, path: str) -> tuple[About, Mark]:
    """What an open store is, and its last mark."""
    names = {"about", "spec", "marks", *(node.strip("/") for node in _lengths(Mark()))}
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
    for node, rows in _lengths(mark).items():
        if len(file.get_node(node)) < rows:
            raise ParseError(
                f"{path} is damaged: {node!r} has {len(file.get_node(node)):,} rows of {rows:,}",
                hint="write it again: design_store(path, formula, data, overwrite=True)",
            )
    return about, mark


def _mark_of(slot: bytes) -> Mark | None:
    """The mark of a slot; None where there is none, or half of one."""
    length, checksum = _HEAD.unpack_from(slot)
    text = slot[_HEAD.size : _HEAD.size + length]
    if not length or len(text) < length or _digest(text) != checksum:
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


def look(path: str, *, verify: bool = False, first: int = 0) -> Known:
    """What a store says of itself.

    Parameters
    ----------
    path : str
        The file.
    verify : bool
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
    with hdf5_errors(path), hdf5_lock():
        touch("open", path)
        file = tables.open_file(path, "r")
        try:
            touch("read", path)
            about, mark = _known(file, path)
            if verify or mark.state != "complete":
                _verify(file, path, mark, first)
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
    enough = max(1, min(most, 2**26 // max(width, 1)))
    step = -(-enough // chunk_rows) * chunk_rows
    return [min(step, rows - start) for start in range(0, rows, step)]


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
