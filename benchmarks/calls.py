"""Python's calls per million rows read by a fit: T1, T2, T3 and T5, by NumPy and by numba.

Counted are calls of functions in Python, and calls in Python of functions in C: built-in ones
and methods of built-in types, not operators and NumPy's ufuncs. Each model is fitted to a file
of one million rows and to one of three (T5 three and five, whose rows are folded in one pass).
The difference of the calls, by the difference of the rows that the passes have read, has no
fixed costs of a fit in it. dask's synchronous scheduler runs the work, after fits that load
what is loaded once. No clock is read: the numbers repeat, but for a call or two, wherever the
versions are the same.
The shares are of calls in the files of a package, of either kind.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import dask
import pyarrow as pa
import statsmodels.api as sm
from harness import print_header
from tasks import T1, T1_FORMULA, T2, T3, T3_FORMULA, T5, T5_FORMULA, Task

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

PACKAGES = ("statsmodels_ooc", "pandas", "numpy", "pyarrow", "dask")
OWNERS = (*PACKAGES, "others")


def ols(path: str) -> Any:
    return smof.ols(T1_FORMULA, data=path).fit()


def logistic(formula: str) -> Callable[[str], Any]:
    return lambda path: smof.glm(formula, data=path, family=sm.families.Binomial()).fit()


def poisson(path: str) -> Any:
    family = sm.families.Poisson()
    return smof.glm(T3_FORMULA, data=path, family=family, exposure="exposure").fit()


@dataclass(frozen=True)
class Case:
    """A task, the numbers of units of rows of its two files, and how it is fitted."""

    task: Task
    units: tuple[int, int]
    fit: Callable[[str], Any]


CASES = {
    "T1": Case(T1, (1, 3), ols),
    "T2": Case(T2, (1, 3), logistic(T1_FORMULA)),
    "T3": Case(T3, (1, 3), poisson),
    "T5": Case(T5, (3, 5), logistic(T5_FORMULA)),
}


@dataclass(frozen=True)
class Count:
    """Calls of one fit, by event and file of the code, and the rows that its passes read."""

    calls: Counter[tuple[str, str]]
    rows: int
    passes: int


@contextmanager
def counting(calls: Counter[tuple[str, str]]) -> Iterator[None]:
    """Count calls of this thread: those in Python by who is called, those in C by who calls."""

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event in ("call", "c_call"):
            calls[event, frame.f_code.co_filename] += 1

    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        gc.enable()


def counted(fit: Callable[[str], Any], path: Path) -> Count:
    calls: Counter[tuple[str, str]] = Counter()
    with counting(calls):
        result = fit(str(path))
    return Count(calls, sum(record.rows for record in result.passes), len(result.passes))


def package(file: str) -> str:
    """The package that a file of code belongs to."""
    parts = Path(file).parts
    return next((name for name in PACKAGES if name in parts), "others")


def more_calls(few: Count, many: Count) -> Counter[tuple[str, str]]:
    """Calls per million rows more, by event and package."""
    more, found = Counter(many.calls), Counter()
    more.subtract(few.calls)
    for (event, file), calls in more.items():
        found[event, package(file)] += calls * 1e6 / (many.rows - few.rows)
    return found


def report(name: str, kernels: str, few: Count, many: Count) -> None:
    found = more_calls(few, many)
    python, c = (sum(n for (e, _), n in found.items() if e == kind) for kind in ("call", "c_call"))
    shares = Counter()
    for (_, owner), calls in found.items():
        shares[owner] += 100 * calls / (python + c)
    print(f"{name:<6}{kernels:<9}{python:>9,.0f}{c:>9,.0f}", end="")
    print(f"{few.passes:>9}{many.passes:>4}", end="")
    print("".join(f"{shares[owner]:>{width(owner)}.0f}" for owner in OWNERS))
    if few.passes != many.passes:
        print("      the number of passes differs: the costs of a pass are among these calls")
    sys.stdout.flush()


def width(owner: str) -> int:
    return len(owner) + 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of a file of one unit")
    parser.add_argument("--data", type=Path, default=Path("benchmark-data"))
    parser.add_argument("--only", nargs="*", default=list(CASES), help="some of the tasks")
    options = parser.parse_args()
    pa.set_cpu_count(1)
    print_header("Calls per million rows read", {*PACKAGES, "numba"})
    installed = ["numpy", *(["numba"] if importlib.util.find_spec("numba") else [])]
    files = {
        name: [CASES[name].task.file(options.data, n * options.rows) for n in CASES[name].units]
        for name in options.only
    }
    print(f"{'task':<6}{'kernels':<9}{'Python':>9}{'C':>9}{'passes':>13}", end="")
    print("".join(f"{owner + ' %':>{width(owner)}}" for owner in OWNERS))
    for name, (small, large) in files.items():
        fit = CASES[name].fit
        for kernels in installed:
            settings = smo.options.set(kernels=kernels, progress=False)
            with dask.config.set(scheduler="sync"), settings:
                fit(str(small)), fit(str(large))
                report(name, kernels, counted(fit, small), counted(fit, large))


if __name__ == "__main__":
    main()
