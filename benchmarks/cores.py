"""How fits get faster with threads: T1 and T2, and T2 on three files.

Every line is a fresh process with the file in the page cache and one thread of BLAS for each
of the package's. `--cluster` adds as many processes as there are cores, each with one thread
(dask's LocalCluster, started before the clock), `--files 20 100` T1 on so many files: a
hundred are a billion rows. These are links to one file, in folders whose names tell them apart.
Speed-up is against the first line of a table, efficiency the speed-up by how many times as many
threads there are, or cores where there are fewer; the last column says to how many digits a line
agrees with the first.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import (
    Contender,
    Estimates,
    Measurement,
    Run,
    cores,
    digits,
    measure,
    parser,
    print_header,
    report,
)
from t1_ols import NAMES
from t2_logistic import OWN, streamed, use_threads
from tasks import T1, T1_FORMULA, T2, Task

import statsmodels_ooc.api as smo

KERNELS = ("auto", "numpy", "numba")
CLUSTER = "processes"
_MANY = 3  # files: more are fitted once, the first fit of its process


@dataclass(frozen=True)
class Case:
    """A table: a task on so many files."""

    task: Task
    files: int
    fit: Callable[[str], Any]

    @property
    def name(self) -> str:
        name = self.task.name.upper()
        return name if self.files == 1 else f"{name} x {self.files} files"

    def path(self, folder: Path, rows: int) -> Path:
        """The task's file, or a folder of links to it, which count as so many files."""
        file = self.task.file(folder, rows)
        if self.files == 1:
            return file
        links = folder / f"{file.stem}-x{self.files}"
        for number in range(self.files):
            link = links / f"copy={number}" / file.name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists() or not link.samefile(file):
                link.unlink(missing_ok=True)
                os.link(file, link)
        return links


def ols(path: str) -> Any:
    import statsmodels_ooc.formula.api as smof

    return smof.ols(T1_FORMULA, data=path).fit()


def logistic(path: str) -> Any:
    import statsmodels.api as sm

    import statsmodels_ooc.formula.api as smof

    return smof.glm(T1_FORMULA, data=path, family=sm.families.Binomial()).fit()


CASES = (Case(T1, 1, ols), Case(T2, 1, logistic), Case(T2, 3, logistic))


def on_files(count: int) -> Case:
    """T1 on so many files."""
    return Case(T1, count, ols)


def in_threads(fit: Callable[[str], Any]) -> Callable[[int], Run]:
    def make(count: int) -> Run:
        import statsmodels_ooc.formula.api  # noqa: F401 (not for the clock)

        settings = use_threads(count)

        def run(path: Path) -> Any:
            with settings():
                return streamed(fit(str(path)), NAMES)

        return run

    return make


def in_processes(fit: Callable[[str], Any]) -> Callable[[int], Run]:
    def make(count: int) -> Run:
        from distributed import Client, LocalCluster

        import statsmodels_ooc.formula.api  # noqa: F401 (not for the clock)

        cluster = LocalCluster(
            "127.0.0.1", n_workers=count, threads_per_worker=1, dashboard_address=None
        )
        client = Client(cluster)
        client.wait_for_workers(count)
        return lambda path: streamed(fit(str(path)), NAMES)

    return make


def contenders(case: Case, counts: list[int], kernels: str, cluster: bool) -> list[Contender]:
    environment = {"OPENBLAS_NUM_THREADS": "1", "DASK_STATSMODELS_OOC__KERNELS": kernels}
    known = {"packages": OWN, "environment": environment}
    found = [
        Contender(f"{case.name}, {threads(count)}", in_threads(case.fit), count, **known)
        for count in counts
    ]
    if cluster:
        name = f"{case.name}, {cores()} {CLUSTER}"
        found.append(Contender(name, in_processes(case.fit), cores(), **known))
    return found


def threads(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"


def thread_counts() -> list[int]:
    """Powers of two up to the cores, all cores, and eight on machines that have fewer."""
    powers = (2**power for power in range(cores().bit_length()))
    return sorted({*powers, cores(), max(cores(), 8)})


def warm(path: Path) -> None:
    """Read a file into the page cache."""
    with path.open("rb") as file:
        while file.read(2**24):
            pass


def print_line(name: str, found: Measurement, first: Measurement, more: float) -> None:
    """A line of what has so many times the threads of the first."""
    if found.failure:
        print(f"{name:<32}{found.failure}", flush=True)
        return
    faster = first.seconds / found.seconds
    print(
        f"{name:<32}{found.seconds:>9.3f}{faster:>10.2f}"
        f"{faster / more:>12.0%}{found.peak_mib:>10,.0f}"
        f"{agreement(found.estimates, first.estimates):>8.1f}",
        flush=True,
    )


def agreement(found: Estimates, first: Estimates) -> float:
    return min(digits(found, first), 16)


def run_all(given: argparse.Namespace) -> None:
    chosen = [*CASES, *map(on_files, given.files)]
    if given.only:
        chosen = [case for case in chosen if any(part in case.name for part in given.only)]
    print_header(f"Threads, kernels={given.kernels!r}", {*OWN, "numba", "numpy", "pyarrow"})
    for case in chosen:
        path = case.path(given.data, given.rows)
        warm(case.task.file(given.data, given.rows))
        rows = f"{case.name}, {case.files * given.rows:,} rows"
        print(f"\n{rows:<32}{'seconds':>9}{'speed-up':>10}{'efficiency':>12}", end="")
        print(f"{'peak MiB':>10}{'digits':>8}", flush=True)
        first, fewest = None, 1
        for contender in contenders(case, given.threads, given.kernels, given.cluster):
            repeat = 1 if case.files > _MANY else given.repeat
            found = measure(contender, __file__, path, repeat)
            used = min(contender.threads, cores())
            if first is None and not found.failure:
                first, fewest = found, used
            line = contender.name.removeprefix(f"{case.name}, ")
            print_line(line, found, first or found, used / fewest)


def be_contender(given: argparse.Namespace) -> None:
    """Be one of the processes: its name says which."""
    name, count, kind = given.contender.replace(", ", " ").rsplit(" ", 2)
    files = int(name.split(" x ")[1].split()[0]) if " x " in name else 1
    case = next((case for case in CASES if case.name == name), on_files(files))
    found = contenders(case, [int(count)], smo.options.kernels, kind == CLUSTER)
    report(next(one for one in found if one.name == given.contender), given.file, given.repeat)


def main() -> None:
    options = parser(__doc__ or "", T1.rows)
    options.set_defaults(repeat=2)
    options.add_argument("--threads", type=int, nargs="+", default=thread_counts())
    options.add_argument("--kernels", choices=KERNELS, default="auto", help="what multiplies")
    options.add_argument("--cluster", action="store_true", help="also processes, one a core")
    options.add_argument("--files", type=int, nargs="+", default=[], help="also T1 on so many")
    given = options.parse_args()
    if given.contender:
        be_contender(given)
    else:
        run_all(given)


if __name__ == "__main__":
    main()
