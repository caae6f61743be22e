"""How passes, memory and messages scale: by rows, by columns, by workers; and ten billion rows.

Every line is a fresh process, its fastest run. Many rows are many links to one file. A model of
the time of a pass is fitted to all lines but those of the most rows, which it then predicts, as
well as ten billion rows under assumptions that are printed. Takes some minutes of two free
cores, a quarter of an hour of busy ones, and 0.7 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import pickle
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from harness import (
    Contender,
    Measurement,
    Streamed,
    measure,
    parser,
    print_header,
    report,
)
from scaling_model import Cluster, Memory, Run, Time, fit_memory, fit_time
from tasks import Task, wide_names

MILLION = 2**20
KINDS = ("OLS", "logistic")
COLUMNS = {8: 8, 32: 8, 128: 2, 512: 1}  # and files of an eighth of a million rows
ROWS = (1, 2, 4, 8, 16)  # files of a million
FIXED = 8  # columns, where rows or workers grow
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "DASK_STATSMODELS_OOC__KERNELS": "numba"}
BILLIONS = 10 * 10**9


PACKAGES = {"statsmodels_ooc", "dask", "distributed", "numba", "numpy", "pyarrow"}


def draw(columns: int) -> Callable[[np.random.Generator, int], pa.Table]:
    def table(rng: np.random.Generator, b: int) -> pa.Table:
        x = rng.standard_normal((columns, b))
        eta = 0.2 * x[:FIXED].sum(axis=0)
        hit = (rng.random(b) < 1 / (1 + np.exp(-eta))).astype(np.int8)
        values = dict(zip(wide_names(columns), x, strict=True))
        return pa.table({"y": eta + rng.standard_normal(b), "hit": hit, **values})

    return table


NARROW = Task("scaling", MILLION, MILLION // 4, draw(FIXED))
WIDE = Task("scaling-wide", MILLION // 8, MILLION // 16, draw(max(COLUMNS)))
TINY = Task("scaling-tiny", 1_000, 1_000, draw(FIXED))
TASKS = {task.name: task for task in (NARROW, WIDE, TINY)}


@dataclass(frozen=True)
class Case:
    """A line: a fit of k columns of so many links to a file, on so many threads or processes."""

    kind: str
    task: Task
    files: int
    k: int
    workers: int = 2
    processes: bool = False

    @property
    def name(self) -> str:
        where = "processes" if self.processes else "threads"
        return f"{self.kind}/{self.task.name}/{self.files}/{self.k}/{self.workers}/{where}"

    @property
    def n(self) -> int:
        return self.files * self.task.rows

    @property
    def contender(self) -> Contender:
        make = in_processes(self) if self.processes else in_threads(self)
        return Contender(self.name, make, self.workers, environment=ENVIRONMENT)

    def folder(self, data: Path) -> Path:
        """Links to one file, in folders whose names tell them apart."""
        file = self.task.file(data)
        folder = data / f"{file.stem}-x{self.files}"
        for number in range(self.files):
            link = folder / f"copy={number:04}" / file.name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists() or not link.samefile(file):
                link.unlink(missing_ok=True)
                os.link(file, link)
        return folder


def case_of(name: str) -> Case:
    kind, task, files, k, workers, where = name.split("/")
    return Case(kind, TASKS[task], int(files), int(k), int(workers), where == "processes")


# --- in the process that is measured ------------------------------------------------------


def fit(case: Case, path: Path) -> Any:
    import statsmodels.api as sm

    import statsmodels_ooc.formula.api as smof

    terms = " + ".join(wide_names(case.k))
    if case.kind == "OLS":
        return smof.ols(f"y ~ {terms}", str(path)).fit()
    return smof.glm(f"hit ~ {terms}", str(path), family=sm.families.Binomial()).fit()


def told(result: Any, sent: int = 0) -> Streamed:
    passes = [(record.name, record.rows, record.seconds) for record in result.passes]
    return Streamed({}, passes, sent)


def in_threads(case: Case) -> Callable[[int], Any]:
    def make(count: int) -> Callable[[Path], Streamed]:
        import dask

        def run(path: Path) -> Streamed:
            with dask.config.set(scheduler="threads", num_workers=count):
                return told(fit(case, path))

        return run

    return make


def in_processes(case: Case) -> Callable[[int], Any]:
    def make(count: int) -> Callable[[Path], Streamed]:
        from distributed import Client, LocalCluster
        from network import Network

        cluster = LocalCluster(
            "127.0.0.1", n_workers=count, threads_per_worker=1, dashboard_address=None
        )
        client = Client(cluster)
        client.wait_for_workers(count)
        network = Network(client)

        def run(path: Path) -> Streamed:
            before = network.sent()
            result = fit(case, path)
            return told(result, network.sent() - before)

        return run

    return make


# --- the tables ---------------------------------------------------------------------------


class Table:
    """Measures cases once each, and prints them."""

    def __init__(self, data: Path, repeat: int) -> None:
        self._data, self._repeat = data, repeat
        self.found: dict[Case, Measurement] = {}

    def print(self, title: str, cases: Iterable[Case]) -> None:
        print(
            f"\n{title:<40}{'passes':>8}{'s a pass':>10}{'core s':>8}{'ns':>7}{'peak MiB':>10}"
            f"{'sent':>12}"
        )
        for case in cases:
            if case not in self.found:
                path = case.folder(self._data)
                self.found[case] = measure(case.contender, __file__, path, self._repeat)
            self._print(case, self.found[case])

    def _print(self, case: Case, found: Measurement) -> None:
        where = ("process", "processes") if case.processes else ("thread", "threads")
        many = where[case.workers > 1]
        words = f"{case.kind}, {case.n:,} x {case.k}, {case.workers} {many}"
        if found.failure:
            print(f"{words:<40}{found.failure}", flush=True)
            return
        count, seconds = passes_of(case, found)
        core = found.processor / count
        here = f"{core:>8.3f}{1e9 * core / case.n / case.k:>7.1f}"  # not of other processes
        last = f"{found.sent:>12,}" if case.processes else ""
        print(
            f"{words:<40}{count:>8}{seconds:>10.3f}{'' if case.processes else here:>15}"
            f"{found.peak_mib:>10,.0f}{last}",
            flush=True,
        )


def passes_of(case: Case, found: Measurement) -> tuple[int, float]:
    """How many passes over all rows there were, and the seconds of the fastest."""
    full = [seconds for name, rows, seconds in found.passes if rows == case.n and name != "pilot"]
    return len(full), min(full)


def run_of(case: Case, found: Measurement) -> Run:
    core = found.processor / passes_of(case, found)[0]
    return Run(case.n, case.k, case.workers, core, found.peak_mib)


def by_rows(kind: str) -> list[Case]:
    return [Case(kind, NARROW, files, FIXED) for files in ROWS]


def by_columns(kind: str) -> list[Case]:
    return [Case(kind, WIDE, files, k) for k, files in COLUMNS.items()]


def by_workers(kind: str) -> list[Case]:
    return [
        Case(kind, NARROW, 8, FIXED, workers, processes)
        for processes in (False, True)
        for workers in (1, 2)
    ]


def by_messages() -> list[Case]:
    """By rows at as many partitions, by partitions, by columns."""
    rows = [Case("OLS", task, 64, FIXED, 2, True) for task in (TINY, WIDE)]
    files = [Case("OLS", TINY, files, FIXED, 2, True) for files in (16, 256)]
    columns = [Case("OLS", WIDE, 2, k, 2, True) for k in (FIXED, 128, max(COLUMNS))]
    return [*rows, *files, *columns]


# --- the model ----------------------------------------------------------------------------


def print_model(table: Table, kind: str) -> tuple[Time, Memory, int]:
    """Fit the model to all runs in threads but that of the most rows, and predict that one."""
    runs = {
        case: run_of(case, found)
        for case, found in table.found.items()
        if case.kind == kind and not case.processes and not found.failure
    }
    last = by_rows(kind)[-1]
    known = [run for case, run in runs.items() if case != last]
    time_, memory = fit_time(known), fit_memory(known)
    print(
        f"\n{kind}: a pass takes {time_.a:.3f} s + ({1e9 * time_.r:.1f} + {1e9 * time_.b:.2f} k + "
        f"{1e9 * time_.c:.4f} k^2) ns x rows / workers,\n   as processor seconds tell"
    )
    print(
        f"{kind}: the peak is {memory.base:.0f} MiB + workers x ({memory.frames:.0f} + "
        f"{memory.column:.2f} k) MiB + {2**20 * memory.state:.0f} bytes x k^2"
    )
    far, mib = runs[last], memory.mib(last.k, last.workers)
    core = time_.seconds(far.n, far.k, 1)
    print(
        f"{kind}, {far.n:,} rows, held out: {far.core:.3f} core s, {far.core / core:.2f} times "
        f"the prediction; {far.peak_mib:,.0f} MiB, {far.peak_mib / mib:.2f} times the prediction"
    )
    return time_, memory, passes_of(last, table.found[last])[0]


def seconds_a_partition(table: Table) -> float:
    """What a partition costs on two processes beside its rows."""
    few, many = (table.found[Case("OLS", TINY, files, FIXED, 2, True)] for files in (16, 256))
    return (min(s for *_, s in many.passes) - min(s for *_, s in few.passes)) / (256 - 16)


def seconds_to_merge(k: int) -> float:
    """Take a state apart, put it together and merge it, for each pair of columns."""
    from statsmodels_ooc.reductions.least_squares import Moments

    reduction = Moments(k)
    state, best = reduction.init(), np.inf
    for _ in range(5):
        began = time.perf_counter()
        reduction.merge(state, pickle.loads(pickle.dumps(state, protocol=5)))
        best = min(best, time.perf_counter() - began)
    return best / k**2


def print_prediction(
    table: Table, models: dict[str, tuple[Time, Memory, int]], task: float, merge: float
) -> None:
    print(f"\na partition costs {1e3 * task:.2f} ms beside its rows, measured on two processes")
    print(f"two states merge in {1e9 * merge:.2f} ns x k^2")
    print(
        f"\n{BILLIONS:,} rows, assumed: partitions of {MILLION:,} rows ({BILLIONS // MILLION:,} "
        "of them), 8 bytes a value,\nstorage that gives 100 MB a second to each worker, a network "
        "of 1 GB a second, cores as fast as here:"
    )
    print(f"{'':<24}{'workers':>8}{'passes':>8}{'s a pass':>10}{'minutes':>9}  bound by")
    for kind, (time_, _, passes) in models.items():
        for k in (FIXED, 128):
            for workers in (2, 32, 256):
                cluster = Cluster(workers, 1e8 * workers, MILLION, task, 1e9, merge)
                seconds, bound = cluster.seconds(time_, BILLIONS, k, 8 * (k + 1))
                print(
                    f"{f'{kind}, {k} columns':<24}{workers:>8}{passes:>8}{seconds:>10,.0f}"
                    f"{passes * seconds / 60:>9,.1f}  {bound}"
                )


def run_all(given: argparse.Namespace) -> None:
    print_header("Scaling, kernels='numba'", PACKAGES)
    print("core s: processor seconds of all threads for a pass, the pilot's included; ns: the same")
    print("for a row and column; peak: all processes, imports included")
    table = Table(given.data, given.repeat)
    for kind in KINDS:
        table.print(f"{kind} by rows", by_rows(kind))
    for kind in KINDS:
        table.print(f"{kind} by columns", by_columns(kind))
    for kind in KINDS:
        table.print(f"{kind} by workers", by_workers(kind))
    table.print("bytes between client, scheduler, workers", by_messages())
    models = {kind: print_model(table, kind) for kind in KINDS}
    merge = seconds_to_merge(max(COLUMNS))
    print_prediction(table, models, seconds_a_partition(table), merge)


def main() -> None:
    options = parser(__doc__ or "", MILLION)
    given = options.parse_args()
    if given.contender:
        case = case_of(given.contender)
        report(case.contender, given.file, given.repeat)
    else:
        run_all(given)


if __name__ == "__main__":
    main()
