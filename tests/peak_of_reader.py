"""Run as a script: reads a partition, and prints what it told of its memory and what it took."""

from __future__ import annotations

import json
import sys

from peak import Peak

import statsmodels_ooc.api as smo


def main(path: str, small: str, max_rows: str) -> None:
    for _ in smo.as_source(small).frames():
        pass  # what is imported and allocated once does not count
    source = smo.as_source(path)
    (partition,) = source.partitions
    told = partition.reading_bytes(source.columns, int(max_rows))
    with Peak() as peak:
        for frame in partition.frames(source.columns, int(max_rows)):
            assert len(frame)
    print(json.dumps({"told": told, "peak": peak.nbytes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
