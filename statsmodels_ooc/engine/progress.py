"""Progress of passes that last."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm.auto import tqdm

from statsmodels_ooc.options import options

__all__ = ["progress", "tick"]

_meters: dict[str, Any] = {}


@contextmanager
def progress(name: str, rows: int | None) -> Iterator[str]:
    """Show a bar for a pass that lasts; silent where there is no terminal."""
    shown = options.progress
    token = uuid.uuid4().hex
    bar = tqdm(
        desc=name,
        total=rows,
        unit=" rows",
        unit_scale=True,
        delay=0 if shown else 1.0,
        disable=None if shown is None else not shown,
        leave=bool(shown),
    )
    _meters[token] = bar
    try:
        yield token
    finally:
        del _meters[token]
        bar.close()


def tick(meter: str, rows: int) -> None:
    """Advance the bar of this process; a worker elsewhere has none."""
    bar = _meters.get(meter)
    if bar is not None:
        bar.update(rows)
