"""How many bytes a reader may hold at a time."""

from __future__ import annotations

from statsmodels_ooc.options import options

__all__ = ["reader_bytes", "rows_within"]

_FRAME_BYTES = 2**26  # so that frames follow from the columns, whatever the machine has
_FRAMES = 32  # that memory must hold, workers times what reading one takes


def reader_bytes() -> int:
    """Bytes of a frame: of the settings, never of the number of workers."""
    return int(min(_FRAME_BYTES, options.memory_limit // _FRAMES))


def rows_within(max_rows: int, row_bytes: float, columns: int) -> int:
    """How many rows a frame may have whose columns may be text.

    Parameters
    ----------
    max_rows : int
        The most, which were chosen for columns of eight bytes.
    row_bytes : float
        What a row takes.
    columns : int
        The number of columns.
    """
    if row_bytes <= 16 * columns:  # twice what was counted: numbers and short text
        return max_rows
    return max(1, min(max_rows, int(reader_bytes() // row_bytes)))
