"""Files that are there completely, or as they were before."""

from __future__ import annotations

import glob
import os
import uuid
from contextlib import suppress
from pathlib import Path

from statsmodels_ooc.sources.seam import touch


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file at once: another one is written beside it, forced to disk and renamed.

    `unfinished` has what processes that were killed have left.

    Raises
    ------
    OSError
        It cannot be written; the other file is gone.
    """
    new = path.with_name(f"{path.name}.{uuid.uuid4().hex}.new")
    try:
        touch("open", path)
        with open(new, "wb") as file:
            touch("write", path)
            file.write(content)
            file.flush()
            touch("sync", path)
            os.fsync(file.fileno())
        touch("rename", path)
        os.replace(new, path)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def unfinished(path: Path) -> list[Path]:
    """What is there of files that were to replace one: of others at work, or of killed ones."""
    return list(path.parent.glob(f"{glob.escape(path.name)}.{'?' * 32}.new"))
