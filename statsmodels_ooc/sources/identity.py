"""What tells the rows of a source from others, without reading them."""

from __future__ import annotations

from statsmodels_ooc.sources.base import Source


def parts_of(source: Source) -> list[tuple[str, int | None, int | None, str]]:
    """Of each partition its label, its rows and bytes as far as they are known, its version."""
    return [(one.label, one.rows, one.nbytes, one.version) for one in source.partitions]


def tells_changes(source: Source) -> bool:
    """Whether the versions of all partitions tell when stored rows have changed."""
    return all(part.version for part in source.partitions)
