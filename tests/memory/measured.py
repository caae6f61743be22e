"""Run as a script: fits a case under its limit, and prints what it took."""

from __future__ import annotations

import ctypes
import gc
import json
import resource
import sys
import threading
import time
from pathlib import Path

import dask
import numpy as np
import pyarrow as pa
from memory.cases import CASES

import statsmodels_ooc.api as smo
from statsmodels_ooc.engine import passes

MIB = 2**20


def status() -> dict[str, int]:
    found = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if value.endswith("kB"):
            found[name] = int(value.split()[0]) * 1024
    return found


class Peak:
    def __enter__(self):
        self.anon, self.size, self._over = 0, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._over.wait(0.002):
            found = status()
            self.anon = max(self.anon, found["RssAnon"])
            self.size = max(self.size, found["VmSize"])

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()


def numbers(res):
    return [np.asarray(res.params), np.asarray(res.bse)]


def main(name: str, folder: str, workers: str, allowance: str) -> None:
    case = CASES[name]
    threads = {"scheduler": "threads", "num_workers": int(workers)}
    needed = []

    original = passes.check_memory
    def noted(plan, *a):
        needed.append(plan.nbytes); hows.append(plan)
        return original(plan, *a)
    passes.check_memory = noted
    hows = []

    with dask.config.set(threads), smo.options.set(kernels=case.kernels, progress=False):
        with smo.options.set(memory_limit=case.limit * MIB if not case.refused else 2**30):
            [case.fit(Path(folder, "small")) for _ in range(2)]
        needed.clear()
        gc.collect()
        pa.default_memory_pool().release_unused()
        ctypes.CDLL(None).malloc_trim(0)
        peak=Peak(); base = status()
        Path("/proc/self/clear_refs").write_text("5")
        found = {"base": base["VmRSS"] // MIB, "basesize": base["VmSize"] // MIB}
        if allowance != "none":
            most = base["VmSize"] + case.limit * MIB + int(allowance) * MIB
            resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
        began = time.perf_counter()
        import os, tracemalloc
        if os.environ.get("TRACE"): tracemalloc.start(8)
        with Peak() as peak, smo.options.set(memory_limit=case.limit * MIB):
            try:
                res = case.fit(Path(folder, "t"))
                found["passes"] = len(getattr(res.model, "passes", []))
            except smo.errors.MemoryLimitError if hasattr(smo, "errors") else MemoryError as error:
                res = None
                found["refused"] = f"{type(error).__name__}: {error}"
        after = status()
        if os.environ.get("TRACE"):
            print("numpy peak", tracemalloc.get_traced_memory()[1]/MIB, "arrow", pa.default_memory_pool().max_memory()/MIB, file=sys.stderr)
        found["seconds"] = time.perf_counter() - began
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        found["limit"] = case.limit
        found["needed"] = [n / MIB for n in needed]
        found["anon"] = (peak.anon - base["RssAnon"]) / MIB
        found["size"] = (peak.size - base["VmSize"]) / MIB
        found["hwm"] = (after["VmHWM"] - base["VmRSS"]) / MIB
        p = max(hows, key=lambda one: one.nbytes, default=None)
        found['plan'] = p and str((p.reader>>10, p.readers, p.sharing>>10, p.others>>10, p.sizes.shares, p.sizes.frees))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
