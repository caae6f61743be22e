"""What tells the rows of a source from others, without reading them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from statsmodels_ooc.fingerprints import fingerprint, in_words
from statsmodels_ooc.sources.base import Source


def parts_of(source: Source) -> list[tuple[str, int | None, int | None, str]]:
    """Of each partition its label, its rows and bytes as far as they are known, its version."""
    return [(one.label, one.rows, one.nbytes, one.version) for one in source.partitions]


def tells_changes(source: Source) -> bool:
    """Whether the versions of all partitions tell when stored rows have changed."""
    return all(part.version for part in source.partitions)


def rows_in_words(
    source: Source, columns: Sequence[str], conditions: Sequence[Any]
) -> dict[str, str]:
    """What rows are read, by what it is called: equal words, and a source that tells changes.

    Parameters
    ----------
    source : Source
        The data, of which the conditions have chosen already.
    columns : sequence of str
        What is read of it.
    conditions : sequence
        By which rows are chosen: expressions, functions, masks.

    Raises
    ------
    UntoldError
        A condition is a function that uses what has no words.
    """
    return {
        "data": source.name,
        "partitions": f"{len(source.partitions)} {fingerprint(parts_of(source))}",
        "types": ", ".join(f"{name} {source.dtypes[name]}" for name in columns),
        "rows": in_words(list(conditions)),
    }
