"""Sums by key that memory has no room for, in temporary Arrow files."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from math import ceil, log2
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.keys import KEY, Keys
from statsmodels_ooc.errors import SpoolError
from statsmodels_ooc.forks import Lock
from statsmodels_ooc.sources.temporary import TemporaryFolder, spool_errors

_OPEN = 200  # files at once


class Shelf:
    """A temporary folder of files of sums, each file in the order of its keys.

    Workers put sums there and hand the names of the files on; who made the shelf takes them
    down again, a share of the keys at a time. Workers on other machines need a
    ``temporary-directory`` of dask's that all of them see.

    Parameters
    ----------
    total : float
        So many bytes may come.
    share : float
        So many bytes of them are taken down at once.
    """

    def __init__(self, total: float, share: float) -> None:
        self._bits = max(4, ceil(log2(max(2 * total / share, 1))))  # 2**bits shares, none larger
        self._lock = Lock()
        self._folder: TemporaryFolder | None = None
        self._path: str | None = None

    def _place(self) -> str:
        """The folder, made where there is none."""
        with self._lock:
            if self._path is None:
                self._folder = TemporaryFolder()
                self._path = self._folder.path
            return self._path

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
        place = self._place()
        path = os.path.join(place, f"{uuid.uuid4().hex}.arrow")
        kind = pa.list_(pa.float64(), sums.shape[1])
        schema = pa.schema([("high", pa.uint64()), ("low", pa.uint64()), ("sums", kind)])
        shards = keys["high"] >> np.uint64(64 - self._bits)
        cuts = np.searchsorted(shards, np.arange(2**self._bits + 1, dtype=np.uint64))
        words = [np.ascontiguousarray(keys[word]) for word in ("high", "low")]
        flat = pa.FixedSizeListArray.from_arrays(pa.array(sums.ravel()), type=kind)
        whole = pa.record_batch([*map(pa.array, words), flat], schema=schema)
        with spool_errors(place), ipc.new_file(path, schema) as file:
            for start, stop in pairwise(cuts.tolist()):
                file.write_batch(whole.slice(start, stop - start))
        return path

    def shares(self, paths: Sequence[str]) -> Iterator[list[tuple[Keys, FloatArray]]]:
        """The sums of some files again: for each share of the keys what the files have of it.

        Yields
        ------
        list of (keys, sums)
            Of each file what it has of the share, in the order of the files.

        Raises
        ------
        SpoolError
            A file is not there.
        """
        with ExitStack() as stack:
            kept = [stack.enter_context(_opened(path)) for path in paths[:_OPEN]]
            for shard in range(2**self._bits):
                taken = [_taken(file, shard) for file in kept]
                for path in paths[_OPEN:]:
                    with _opened(path) as file:
                        taken.append(_taken(file, shard))
                yield taken

    def remove(self) -> None:
        """Remove the folder, where there is one."""
        with self._lock:
            if self._folder is not None:
                self._folder.remove()
            self._folder = self._path = None

    def __getstate__(self) -> dict[str, Any]:
        # Tasks that travel find a folder that is owned here.
        return {"_bits": self._bits, "_path": self._place()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock(), _folder=None)


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        source = pa.OSFile(path)
    except OSError as error:
        raise SpoolError(
            f"{path}, which a worker has written, cannot be read here: {error}",
            hint="dask.config.set({'temporary-directory': ...}) to a folder that all workers and "
            "this process see",
        ) from error
    with source, ipc.open_file(source) as file:
        yield file


def _taken(file: Any, shard: int) -> tuple[Keys, FloatArray]:
    """The keys and the sums of one record batch of a file."""
    batch = file.get_batch(shard)
    keys = np.empty(batch.num_rows, dtype=KEY)
    for word in ("high", "low"):
        keys[word] = batch.column(word).to_numpy()
    width = batch.schema.field("sums").type.list_size
    return keys, batch.column("sums").flatten().to_numpy().reshape(-1, width)
