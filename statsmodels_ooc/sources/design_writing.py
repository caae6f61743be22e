"""Writing the file of a design store: rows in whole chunks, and a mark behind what is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.errors import OptionError, OutOfCoreError, WriteError
from statsmodels_ooc.sources.design_file import (
    COMPARED,
    DROPPED,
    EXOG,
    HEAD,
    SEGMENTS,
    About,
    Mark,
    digest,
    hashes_of_nothing,
    known,
    lengths,
    require_tables,
    verify,
)
from statsmodels_ooc.sources.hdf5_opening import hdf5_errors, hdf5_lock, looked_over
from statsmodels_ooc.sources.seam import touch

COMPRESSIONS = ("blosc2:lz4", "blosc2:zstd", "blosc2:blosclz", "zlib", "none")
_LEVELS = {"blosc2:lz4": 5, "blosc2:zstd": 1, "blosc2:blosclz": 5, "zlib": 1, "none": 0}
_CHUNK = 2**20  # bytes of rows that HDF5 compresses and reads together
_SLOT = 4_096  # bytes of a mark, beside the names of the variables that it counts
_NAME = 40  # bytes of a number that stands beside a name
_FIELDS = 2 + len(COMPARED)
_OF_HDF5 = ("HDF5ExtError", "ClosedFileError", "ClosedNodeError")  # errors of PyTables


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
    except (OutOfCoreError, MemoryError):
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
        self._nodes = {node: file.get_node(node) for node in (*COMPARED, SEGMENTS)}
        self._held: dict[str, list[NDArray[Any]]] = {node: [] for node in COMPARED}
        self._rows = 0  # held back
        self._written = 0  # bytes since the last mark
        self._chunk_rows = int(self._nodes[EXOG].chunkshape[0])
        self._hashes = hashes_of_nothing()
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
        looked_over(path)
        with hdf5_errors(path), hdf5_lock():
            touch("open", path)
            file = tables.open_file(path, "a")
            try:
                about, mark = known(file, path)
                if mark.state != "complete":
                    verify(file, path, mark)
                _cut(file, mark)
                return cls(path, file, about, mark)
            except BaseException:
                _close(file)
                raise

    def append(
        self, exog: FloatArray, endog: FloatArray, beside: FloatArray, dropped: NDArray[np.int64]
    ) -> None:
        """Take rows, (b, k), (b,) and (b, q), and the numbers of rows that were dropped."""
        parts = zip(COMPARED, (exog, endog, beside, dropped), strict=True)
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
            for node in COMPARED:
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
            segments = self._nodes[SEGMENTS]
            counted = replace(mark, segments=len(segments), checksum=digest(segments[:].tobytes()))
            self._mark(counted)
        self._written = 0

    def _end_segment(self, mark: Mark) -> None:
        rows, dropped = mark.rows - self._segment[0], mark.dropped - self._segment[1]
        if not rows and not dropped:
            return
        told = [rows, dropped, *(self._hashes[node].intdigest() for node in COMPARED)]
        self._nodes[SEGMENTS].append(np.array([told], np.uint64))
        self._segment, self._hashes = (mark.rows, mark.dropped), hashes_of_nothing()

    def _mark(self, mark: Mark) -> None:
        mark = replace(mark, sequence=self.mark.sequence + 1)
        marks = self._file.get_node("/marks")
        text = json.dumps(asdict(mark)).encode()
        slot = np.zeros(marks.shape[1], np.uint8)
        data = HEAD.pack(len(text), digest(text)) + text
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


def _cut(file: Any, mark: Mark) -> None:
    """Cut off the rows that a mark does not count."""
    for name, rows in lengths(mark).items():
        node = file.get_node(name)
        if len(node) > rows:
            node.truncate(rows)
    file.flush()
