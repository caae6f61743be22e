"""Rows that were read apart, as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from statsmodels_ooc.engine.ledger import Ledger, Passes
from statsmodels_ooc.engine.streamed import StreamedRows
from statsmodels_ooc.engine.tasks import Seen
from statsmodels_ooc.sources.base import ForgottenSource, Source
from statsmodels_ooc.sources.chained import ChainedSource


def joined_rows(parts: Sequence[StreamedRows]) -> StreamedRows:
    """The rows of several sources of the same design, one after the other; nothing is read.

    Parameters
    ----------
    parts : sequence of StreamedRows
        Each has been read as a whole, or is new; the design is that of the first.

    Returns
    -------
    StreamedRows
        With all passes over any of them, and what these have read of the rows.
    """
    first = parts[0]
    sources = [part.source for part in parts]
    if any(isinstance(source, ForgottenSource) for source in sources):
        gone = ForgottenSource(ChainedSource(sources, first.spec.columns))
        return StreamedRows(gone, first.spec, Ledger(_passes(parts)), solving=first.solving)
    ledger, start = Ledger(_passes(parts)), 0
    for part in parts:
        ledger.first |= {start + at: read for at, read in part.ledger.copy().first.items()}
        start += len(part.source.partitions)
    is_copied = any(part.original is not None for part in parts)
    return StreamedRows(
        _chained(sources, first.spec.columns),
        first.spec,
        ledger,
        _chained([p.whole_source for p in parts], first.spec.columns) if is_copied else None,
        _all_seen(parts),
        solving=first.solving,
    )


def _chained(sources: Sequence[Source], needed: Sequence[str]) -> ChainedSource:
    """The sources as one, with the columns that all have."""
    others = [set(source.columns) for source in sources[1:]]
    common = [name for name in sources[0].columns if all(name in other for other in others)]
    return ChainedSource(sources, list(dict.fromkeys((*common, *needed))))


def _passes(parts: Sequence[StreamedRows]) -> Passes:
    return Passes(record for part in parts for record in part.passes)


def _all_seen(parts: Sequence[StreamedRows]) -> list[Seen] | None:
    """What passes have seen of all partitions, where all have been read."""
    found = [part.found for part in parts if part.found is not None]
    return list(chain(*found)) if len(found) == len(parts) else None
