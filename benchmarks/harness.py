"""Run contenders in fresh processes and print one table.

A contender is a factory: called in its own process, it imports what it needs and
returns ``run(path)``. Only ``run`` is timed, so imports never count; the fastest of
several runs does. Peak resident memory is the whole process's, imports included.
A run returns the coefficients and standard errors by name, or None when there are
none; the table shows to how many digits each contender agrees with the reference. What
reads the data several times can return `Streamed`, and its passes are printed too.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Estimates = Mapping[str, tuple[float, float]]

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


@dataclass(frozen=True)
class Streamed:
    """Estimates, and the passes that they took: name, rows and seconds of each.

    `sent` is how many bytes went over the network, where somebody counted.
    """

    estimates: Estimates
    passes: list[tuple[str, int, float]]
    sent: int = 0


Run = Callable[[Path], Estimates | Streamed | None]


@dataclass(frozen=True)
class Contender:
    """One way to do the task.

    Attributes
    ----------
    name : str
        As printed.
    make : callable
        ``make(threads)`` imports and returns ``run(path)``.
    threads : int
        Threads that the contender may use.
    slow : bool
        Run only with ``--with-slow``.
    baseline : bool
        Work that ratios are taken to: run whatever ``--only`` says.
    packages : tuple of str
        Distributions whose versions are printed; skipped when one is not installed.
    environment : dict of str
        Variables of its process, besides those that say how many threads.
    """

    name: str
    make: Callable[[int], Run]
    threads: int
    slow: bool = False
    baseline: bool = False
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """What a contender's process reported; `processor` has its processor seconds."""

    seconds: float
    peak_mib: float
    estimates: dict[str, tuple[float, float]] = field(default_factory=dict)
    passes: list[tuple[str, int, float]] = field(default_factory=list)
    sent: int = 0
    processor: float = math.nan
    failure: str = ""


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


# --- in the contender's process ---------------------------------------------------------


def report(contender: Contender, path: Path, repeat: int) -> None:
    """Run the contender here and print its measurement as one JSON line."""
    run, best, outcome = contender.make(contender.threads), math.inf, None
    processor = math.inf
    for _ in range(repeat):
        begin, busy = time.perf_counter(), time.process_time()
        found = run(path)
        seconds = time.perf_counter() - begin
        processor = min(processor, time.process_time() - busy)
        if seconds < best:
            best, outcome = seconds, found
    if not isinstance(outcome, Streamed):
        outcome = Streamed(outcome or {}, [])
    estimates = {name: list(map(float, pair)) for name, pair in outcome.estimates.items()}
    measured = {"seconds": best, "peak_mib": peak_mib(), "estimates": estimates}
    more = {"passes": outcome.passes, "sent": outcome.sent, "processor": processor}
    print(json.dumps({**measured, **more}))


def peak_mib() -> float:
    """Peak resident memory of this process, and of those that it has started and that still run.

    On Linux from /proc: what `resource` reports there starts with the memory of the
    process that started this one. Elsewhere what was started is not counted.
    """
    if Path("/proc/self/status").exists():
        return sum(map(_highest_mib, [os.getpid(), *_started()]))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _highest_mib(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:  # it has ended since
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0) / 1024


def _started() -> list[int]:
    """The processes that this one has started, and that they have, and so on."""
    found, new = [], [os.getpid()]
    while new:
        threads = Path(f"/proc/{new.pop()}/task").glob("*/children")
        children = [int(process) for thread in threads for process in thread.read_text().split()]
        found += children
        new += children
    return found


# --- in the parent ----------------------------------------------------------------------


def measure(contender: Contender, script: str, path: Path, repeat: int) -> Measurement:
    """Measure one contender in a fresh process."""
    missing = [name for name in contender.packages if version(name) is None]
    if missing:
        return Measurement(math.nan, math.nan, failure=f"not installed: {', '.join(missing)}")
    environment = dict(os.environ)
    environment.update(dict.fromkeys(THREAD_VARIABLES, str(contender.threads)))
    environment.update(contender.environment)
    command = [sys.executable, script, "--contender", contender.name]
    command += ["--file", str(path), "--repeat", str(repeat)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Measurement(math.nan, math.nan, failure=f"exit {done.returncode}: {last}")
    return Measurement(**json.loads(done.stdout.strip().splitlines()[-1]))


def version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def digits(found: Estimates, reference: Estimates) -> float:
    """Digits to which all shared coefficients and standard errors agree."""
    worst = 0.0
    for name in found.keys() & reference.keys():
        for ours, theirs in zip(found[name], reference[name], strict=True):
            if not (math.isnan(ours) or math.isnan(theirs)):
                worst = max(worst, abs(ours - theirs) / max(abs(theirs), 1e-300))
    return math.inf if worst == 0 else -math.log10(worst)


def print_header(title: str, packages: set[str]) -> None:
    print(f"\n{title}")
    print(f"Python {platform.python_version()}, {platform.machine()}, {cores()} cores")
    known = [f"{name} {found}" for name in sorted(packages) if (found := version(name))]
    print(", ".join(known) + "\n", flush=True)


def print_table(
    measurements: dict[str, Measurement], baseline: float | None, threads: dict[str, int]
) -> None:
    """Print one line per contender; ratios are to `baseline` seconds."""
    columns = f"{'threads':>8}{'seconds':>10}{'ratio':>8}{'peak MiB':>10}  digits"
    print(f"{'contender':<36}{columns}")
    reference: Estimates = {}
    for name, found in measurements.items():
        if found.failure:
            print(f"{name:<36}{threads[name]:>8}  {found.failure}")
            continue
        ratio = "" if baseline is None else f"{found.seconds / baseline:.2f}"
        agreement = ""
        if found.estimates.keys() & reference.keys():
            agreement = f"{min(digits(found.estimates, reference), 16):.1f}"
        elif found.estimates:
            agreement = "reference"
        reference = {**found.estimates, **reference}
        print(
            f"{name:<36}{threads[name]:>8}{found.seconds:>10.3f}{ratio:>8}"
            f"{found.peak_mib:>10,.0f}  {agreement}"
        )


def print_passes(measurements: dict[str, Measurement], baseline: float | None, rows: int) -> None:
    """Print the passes of every contender that told them; ratios as in the table."""
    for contender, found in measurements.items():
        if not found.passes:
            continue
        print(f"\n{'passes of ' + contender:<36}{'rows':>14}{'seconds':>10}{'ratio':>8}")
        for name, read, seconds in found.passes:
            ratio = "" if baseline is None else f"{seconds / baseline:.2f}"
            print(f"   {name:<33}{read:>14,}{seconds:>10.3f}{ratio:>8}")
        full = [seconds for _, read, seconds in found.passes if read == rows]
        total = sum(seconds for *_, seconds in found.passes)
        print(f"   {len(full)} over all rows, {total:.3f} s in all passes")
        if full and baseline is not None:
            print(f"   slowest over all rows: {max(full) / baseline:.2f} times the baseline")


def arguments(description: str, rows: int) -> argparse.Namespace:
    """Parse the options that all scripts share."""
    return parser(description, rows).parse_args()


def parser(description: str, rows: int) -> argparse.ArgumentParser:
    """The options that all scripts share; a script may add its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--data", type=Path, default=Path("benchmark-data"))
    parser.add_argument("--repeat", type=int, default=3, help="the fastest run counts")
    parser.add_argument("--with-slow", action="store_true", help="slow peers too")
    parser.add_argument("--only", nargs="*", help="contenders whose name contains one of these")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    return parser


def main(
    title: str,
    script: str,
    contenders: list[Contender],
    options: argparse.Namespace,
    write: Callable[[Path, int], Path],
    baseline: Callable[[dict[str, Measurement]], tuple[str, float]] | None = None,
) -> dict[str, Measurement]:
    """Measure all contenders and print the table; or be one of them.

    Parameters
    ----------
    title : str
        First line of the output.
    script : str
        ``__file__`` of the caller, started again for every contender.
    contenders : list of Contender
        In the order of the table. The first that estimates something is the reference.
    options : argparse.Namespace
        From `arguments`.
    write : callable
        ``write(folder, rows)`` returns the task's file, written when needed.
    baseline : callable, optional
        Makes from the measurements the name and seconds that ratios are taken to.
    """
    by_name = {contender.name: contender for contender in contenders}
    if options.contender:
        report(by_name[options.contender], options.file, options.repeat)
        return {}
    path = write(options.data, options.rows)
    print_header(f"{title}, {options.rows:,} rows", {p for c in contenders for p in c.packages})
    measurements = {}
    for contender in contenders:
        if _chosen(contender, options):
            print(f"   measuring {contender.name} ...", file=sys.stderr, flush=True)
            measurements[contender.name] = measure(contender, script, path, options.repeat)
    name, seconds = baseline(measurements) if baseline else ("", None)
    threads = {contender.name: contender.threads for contender in contenders}
    print_table(measurements, seconds, threads)
    if baseline:
        print(f"\nratio: to {name}, {seconds:.3f} s, measured in this run")
    print_passes(measurements, seconds, options.rows)
    return measurements


def _chosen(contender: Contender, options: argparse.Namespace) -> bool:
    if contender.baseline:
        return True
    if options.only:
        return any(part in contender.name for part in options.only)
    return options.with_slow or not contender.slow
