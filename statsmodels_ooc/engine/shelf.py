"""Sums by key that memory has no room for, in temporary Arrow files."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.keys import KEY, Keys
from statsmodels_ooc.errors import SpoolError
from statsmodels_ooc.sources.temporary import TemporaryFolder, spool_errors

_SHARDS = 256  # of a file: record batches, by the first bits of the keys' high words
_SHIFT = np.uint64(64 - 8)


class Shelf:
    """A temporary folder of files of sums, each file in the order of its keys.

    Workers put sums there and hand the names of the files on; who made the shelf takes them
    down again, a share of the keys at a time. Workers on other machines need a
    ``temporary-directory`` of dask's that all of them see.
    """

    def __init__(self) -> None:
        self._folder: TemporaryFolder | None = None
        self._refused: SpoolError | None = None
        try:
            self._folder = TemporaryFolder()
        except SpoolError as error:  # of interest where there is something to write
            self._refused = error
        self._place = "" if self._folder is None else self._folder.path

    def put(self, keys: Keys, sums: FloatArray) -> str:
        """Write sums, (m, q), of clusters in the order of the high words of their keys, (m,).

        Returns
        -------
        str
            The name of the file.

        Raises
        ------
        SpoolError
            It cannot be written.
        """
        if self._refused is not None:
            raise self._refused
        path = os.path.join(self._place, f"{uuid.uuid4().hex}.arrow")
        kind = pa.list_(pa.float64(), sums.shape[1])
        schema = pa.schema([("high", pa.uint64()), ("low", pa.uint64()), ("sums", kind)])
        cuts = np.searchsorted(keys["high"] >> _SHIFT, np.arange(_SHARDS + 1))
        with spool_errors(self._place), ipc.new_file(path, schema) as file:
            for start, stop in pairwise(cuts):
                words = [np.ascontiguousarray(keys[w][start:stop]) for w in ("high", "low")]
                flat = pa.array(sums[start:stop].ravel())
                columns = [
                    *map(pa.array, words),
                    pa.FixedSizeListArray.from_arrays(flat, type=kind),
                ]
                file.write_batch(pa.record_batch(columns, schema=schema))
        return path

    def shares(self, paths: Sequence[str], nbytes: int) -> Iterator[list[tuple[Keys, FloatArray]]]:
        """The sums of some files again: shares of the keys, of about so many bytes at the most.

        Yields
        ------
        list of (keys, sums)
            Of each file what it has of the share, in the order of the files.

        Raises
        ------
        SpoolError
            A file is not there.
        """
        total = sum(_size(path) for path in paths)
        step = max(1, int(_SHARDS * nbytes / max(total, 1)))
        for first in range(0, _SHARDS, step):
            shards = range(first, min(first + step, _SHARDS))
            yield [_taken(path, shards) for path in paths]

    def remove(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._folder.remove()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_folder": None}


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError as error:
        raise SpoolError(
            f"{path}, which a worker has written, cannot be read here: {error}",
            hint="dask.config.set({'temporary-directory': ...}) to a folder that all workers and "
            "this process see",
        ) from error


def _taken(path: str, shards: Iterable[int]) -> tuple[Keys, FloatArray]:
    """The keys and the sums of some record batches of a file."""
    with pa.OSFile(path) as opened, ipc.open_file(opened) as file:
        batches = [file.get_batch(i) for i in shards]
    keys = np.empty(sum(batch.num_rows for batch in batches), dtype=KEY)
    for word in ("high", "low"):
        keys[word] = np.concatenate([batch.column(word).to_numpy() for batch in batches])
    width = batches[0].schema.field("sums").type.list_size
    flat = [batch.column("sums").flatten().to_numpy() for batch in batches]
    return keys, np.concatenate(flat).reshape(-1, width)
