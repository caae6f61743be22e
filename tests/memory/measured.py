"""Run as a script: fits a case under a limit, and prints what was planned and what it took.

The case is fitted small, twice, before anything is counted: what is imported, compiled and
opened once is the base. Then the process may have so many more addresses than it has, and the
case is fitted under the limit. What was fitted is fitted again without either, to compare; what
was refused is given what it was said to need.
"""

from __future__ import annotations

import ctypes
import gc
import json
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pyarrow as pa
from memory.cases import CASES, Numbers

import statsmodels_ooc.api as smo
from statsmodels_ooc.engine import passes, spooling
from statsmodels_ooc.errors import MemoryLimitError

MIB = 2**20
STATUS = Path("/proc/self/status")
MOST = 4  # attempts: frames are longer where there is more memory, and then comes the fit
RESET = "5"  # of the peak; see proc(5), clear_refs


def status() -> dict[str, int]:
    """Bytes of memory of this process, as the kernel has them."""
    lines = (line.split() for line in STATUS.read_text().splitlines())
    return {words[0][:-1]: int(words[1]) * 1024 for words in lines if words[-1] == "kB"}


class Peak:
    """The most memory of its own that the process holds, looked up every few milliseconds.

    The kernel's own peak has no gaps; it counts mapped files, too, which this leaves out.
    """

    def __init__(self) -> None:
        self._over, self.nbytes = threading.Event(), 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        gc.collect()
        pa.default_memory_pool().release_unused()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text(RESET)
        self.before, self.nbytes = status(), 0

    def _watch(self) -> None:
        while not self._over.wait(0.002):
            self.nbytes = max(self.nbytes, status()["RssAnon"])

    def end(self) -> int:
        """Bytes since the beginning, mapped files left out."""
        self._over.set()
        self._thread.join()
        now = status()
        mapped = now["RssFile"] - self.before["RssFile"]
        kernel = now["VmHWM"] - self.before["VmRSS"] - max(mapped, 0)
        return max(self.nbytes - self.before["RssAnon"], kernel)


@contextmanager
def addresses(most: int) -> Iterator[None]:
    """Inside, the process may not have more than so many bytes of addresses."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


class Computed:
    """Counts how often tasks over partitions were run."""

    def __init__(self) -> None:
        self.count, self._before = 0, passes.compute
        passes.compute = spooling.compute = self._counted  # type: ignore[attr-defined]

    def _counted(self, *values: Any) -> Any:
        self.count += 1
        return self._before(*values)

    def end(self) -> int:
        passes.compute = spooling.compute = self._before  # type: ignore[attr-defined]
        return self.count


def numbers(found: Any) -> list[np.ndarray]:
    return [np.asarray(found.params), np.asarray(found.bse)]


def largest_gap(one: Any, other: Any) -> float:
    """The largest relative difference of parameters and standard errors."""
    pairs = zip(numbers(one), numbers(other), strict=True)
    return max(float(np.max(np.abs(a - b) / np.abs(b).max())) for a, b in pairs)


def planned(found: Any) -> int:
    """What the passes of a fit were planned to take, at the most."""
    model: Numbers = found.model
    return max(one.memory or 0 for one in model.passes)


def attempt(case: Any, folder: Path, limit: int, allowance: int) -> tuple[dict[str, Any], Any]:
    """What a fit under a limit took, or why it was refused; and the fit."""
    computed, peak, res = Computed(), Peak(), None
    found: dict[str, Any] = {"limit": limit}
    most = peak.before["VmSize"] + limit + allowance
    with addresses(most), smo.options.set(memory_limit=limit):
        try:
            res = case.fit(folder)
            found["planned"] = planned(res)
        except MemoryLimitError as error:
            found |= {"refused": str(error), "needed": error.needed}
        found["peak"] = peak.end()
    return found | {"computed": computed.end()}, res


def main(name: str, folder: str, limit: str, workers: str, allowance: str, granted: str) -> None:
    """Print the attempts: one, or of what is refused some with so many times what it needs."""
    case, attempts = CASES[name], []
    threads = {"scheduler": "threads", "num_workers": int(workers)}
    small, large = Path(folder, "small"), Path(folder, "large")
    with dask.config.set(threads), smo.options.set(kernels=case.kernels, progress=False):
        for _ in range(2):
            case.fit(small)
        found, res = attempt(case, large, int(limit), int(allowance))
        attempts.append(found)
        while float(granted) and "refused" in found and len(attempts) < MOST:
            more = int(float(granted) * found["needed"])
            found, res = attempt(case, large, more, int(allowance))
            attempts.append(found)
        if res is not None and not float(granted):
            found["gap"] = largest_gap(res, case.fit(large))
    print(json.dumps(attempts))


if __name__ == "__main__":
    main(*sys.argv[1:])
