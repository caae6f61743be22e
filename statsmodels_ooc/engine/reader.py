"""One read of a partition that tasks continue one after the other."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

from statsmodels_ooc.engine.ledger import Read
from statsmodels_ooc.engine.progress import PassOverError
from statsmodels_ooc.engine.rereading import Rereading
from statsmodels_ooc.engine.sizes import BlockSpec, Sizes
from statsmodels_ooc.forks import Lock
from statsmodels_ooc.sources.base import Partition
from statsmodels_ooc.sources.chunk import Chunk
from statsmodels_ooc.sources.frames import release_unused

StartedChunk = tuple[int, Chunk]  # how many rows of the partition come before, and some


class PartitionReader:
    """The rows of a partition in order, for whichever thread asks next.

    Parameters
    ----------
    spec : BlockSpec
        Which columns.
    sizes : Sizes
        Rows of frames and of pieces.
    meter : str
        The pass.

    Attributes
    ----------
    read : Read
        What has been read.
    seconds : float
        How long that took.
    """

    def __init__(self, spec: BlockSpec, sizes: Sizes, meter: str | None = None) -> None:
        self.read, self.seconds = Read(), 0.0
        self._spec, self._sizes, self._meter = spec, sizes, meter
        self._frames: Rereading[Chunk] | None = None
        self._lock, self._closed = Lock(), False

    def piece(self, partition: Partition) -> Iterator[StartedChunk]:
        """The next frames, until they have the rows of a piece."""
        stop = self.read.rows + self._sizes.piece_rows
        while self.read.rows < stop and (found := self._next(partition)) is not None:
            yield found

    def rest(self, partition: Partition) -> Iterator[StartedChunk]:
        """All frames that are left."""
        while (found := self._next(partition)) is not None:
            yield found

    def _next(self, partition: Partition) -> StartedChunk | None:
        with self._lock:
            if self._closed:
                raise PassOverError(f"the pass over {partition.label} is over")
            if self._frames is None:
                columns, encoded = self._spec.columns, self._spec.encoded
                self._frames = Rereading(
                    self.read,
                    partition.label,
                    lambda: partition.chunks(columns, self._sizes.frame_rows, encoded),
                    encoded,
                    meter=self._meter,
                )
            before, began = self.read.rows, time.perf_counter()
            if self._sizes.frees:
                release_unused()
            frame = next(self._frames, None)
            self.seconds += time.perf_counter() - began
            return None if frame is None else (before, frame)

    def close(self) -> None:
        """Read no more, and close what is open; a thread that is reading ends its frame first."""
        with self._lock:
            self._closed = True
            if self._frames is not None:
                self._frames.close()

    def __dask_tokenize__(self) -> str:
        return uuid.uuid4().hex  # dask would pickle it to know it again
