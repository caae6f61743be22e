"""Run as a script: opens, learns and fits, and prints what was planned and what it took.

Of this process's memory it counts what is its own, not the pages of mapped files.
"""

from __future__ import annotations

import json
import sys
import threading

import dask.system
import psutil

if len(sys.argv) > 6:  # cores of another machine, for whatever asks as it is loaded
    dask.system.CPU_COUNT = int(sys.argv[6])

import statsmodels_ooc.api as smo
from statsmodels_ooc.engine.passes import threads
from statsmodels_ooc.engine.plan import planned
from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.reductions.least_squares import Triangle


class Peak:
    """The most memory that the process itself holds, looked up every few milliseconds."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._over = threading.Event()
        self.nbytes = 0

    def _own(self) -> int:
        info = self._process.memory_info()
        return info.rss - getattr(info, "shared", 0)

    def _watch(self) -> None:
        while not self._over.wait(0.003):
            self.nbytes = max(self.nbytes, self._own() - self._before)

    def __enter__(self) -> Peak:
        self._before = self._own()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()


def fit(kind: str, formula: str, path: str, options: dict[str, object]) -> dict[str, object]:
    source = smo.as_source(path, **options)
    model = (smo.OLS if kind == "OLS" else smo.GLM).from_formula(formula, source)
    stream = model.likelihood.stream
    triangle, count = [Triangle(stream.spec.k)], threads(stream.source)
    plan = planned(stream.spec, stream.solving, stream.source, triangle, count)
    return {"needed": plan.nbytes, "params": len(model.fit().params)}


def main(kind: str, formula: str, path: str, small: str, limit: str) -> None:
    fit(kind, formula, small, {})  # what is imported and allocated once does not count
    smo.options.memory_limit = limit
    found: dict[str, object] = {}
    with Peak() as peak:
        try:
            found = fit(kind, formula, path, {})
        except MemoryLimitError as error:
            found = {"refused": str(error)}
    print(json.dumps(found | {"peak": peak.nbytes}))


if __name__ == "__main__":
    main(*sys.argv[1:6])
