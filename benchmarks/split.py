"""Terms of many levels as codes against the same terms as columns of zeros.

Blocks of 8,192 rows from one frame in memory, BLAS on one thread, CPU seconds per
million rows, the fastest of several runs. The last table shows from how many columns on
a term is cheaper as codes. Where two threads multiply large matrices no faster than one
after the other, the second core is busy, and the ratios below that line say nothing.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from harness import arguments, print_header
from patsy import EvalEnvironment
from tasks import T1, T1_FORMULA, T3, T3_FORMULA, T5, T5_FORMULA, Task
from threadpoolctl import threadpool_limits

import statsmodels_ooc.api as smo
from statsmodels_ooc.blocks.block import Design, Where
from statsmodels_ooc.blocks.columns import Filled
from statsmodels_ooc.blocks.split import LEAST_COLUMNS, Layout, Split, split_columns
from statsmodels_ooc.design.formula import FormulaSpec, learn_formula
from statsmodels_ooc.design.spec import Variables

BLOCK = 8192
VERBS = ("matvec", "rmatvec", "sandwich", "comoment")
Verb = Callable[[Design], object]


@dataclass(frozen=True)
class Case:
    """A learned design and the variables of one frame."""

    spec: FormulaSpec
    rows: Variables

    def layout(self, least: int) -> Layout | None:
        return split_columns(self.spec._plans[1], least)

    def designs(self, layout: Layout | None) -> Iterator[Design]:
        """The designs of all whole blocks, which share their memory."""
        scratch = np.empty((BLOCK, self.spec.k), order="F")
        for first in range(0, len(self.rows.endog) - BLOCK + 1, BLOCK):
            piece = slice(first, first + BLOCK)
            if layout is None:
                yield Filled(self.spec, self.rows, piece, scratch)
            else:
                yield Split(self.spec, self.rows, piece, scratch, layout)


def learn(formula: str, frame: pd.DataFrame) -> Case:
    def scan(reduction, columns, encoded):
        return reduction.update(reduction.init(), frame[list(columns)])

    spec = learn_formula(
        formula,
        smo.as_source(frame),
        env=EvalEnvironment.capture(),
        scan=scan,
        memory_limit=2**30,
    )
    return Case(spec, spec.rows(frame, Where(0, "frame", 0)))


def of_task(task: Task, formula: str, rows: int) -> Case:
    table = task.draw(np.random.default_rng(0), rows)
    return learn(formula, table.to_pandas())


def of_levels(levels: int, rows: int) -> Case:
    """Two numbers and a factor that has one column less than levels."""
    rng = np.random.default_rng(0)
    y, a, b = rng.standard_normal((3, rows))
    g = pd.Categorical.from_codes(rng.integers(0, levels, rows), range(levels))
    return learn("y ~ a + b + g", pd.DataFrame({"y": y, "a": a, "b": b, "g": g}))


def verbs(k: int) -> dict[str, Verb]:
    rng = np.random.default_rng(0)
    w, y, beta = rng.random(BLOCK), rng.standard_normal(BLOCK), rng.standard_normal(k)
    mean = np.append(rng.random(k), w @ y / w.sum())
    return {
        "matvec": lambda design: design.matvec(beta),
        "rmatvec": lambda design: design.rmatvec(w),
        "sandwich": lambda design: design.sandwich(w),
        "comoment": lambda design: design.comoment(w, mean, y),
    }


def a_pass(k: int) -> Verb:
    """What iteratively reweighted least squares asks of a block."""
    found = verbs(k)
    return lambda design: [found[verb](design) for verb in ("matvec", "rmatvec", "comoment")]


def seconds(case: Case, layout: Layout | None, first: Verb, then: Verb | None, repeat: int):
    """CPU seconds per million rows of the first look, or of another one after it."""
    return min(_seconds(case, layout, first, then) for _ in range(repeat))


def _seconds(case: Case, layout: Layout | None, first: Verb, then: Verb | None) -> float:
    spent, rows = 0.0, 0
    for design in case.designs(layout):
        if then is not None:
            first(design)
        begin = time.process_time()
        (then or first)(design)
        spent += time.process_time() - begin
        rows += BLOCK
    return spent / rows * 1e6


def print_verbs(name: str, case: Case, repeat: int) -> None:
    layout, found = case.layout(LEAST_COLUMNS), verbs(case.spec.k)
    print(f"\n{name}: {len(layout.plans)} columns written, {case.spec.k} in all")
    print(f"{'':<40}{'columns':>10}{'codes':>10}{'ratio':>8}")
    timed = {"write, matvec, rmatvec, comoment": (a_pass(case.spec.k), None)}
    timed |= {verb: (found["matvec"], found[verb]) for verb in VERBS}
    for verb, (first, then) in timed.items():
        old, new = (seconds(case, way, first, then, repeat) for way in (None, layout))
        print(f"{verb:<40}{old:>10.4f}{new:>10.4f}{old / new:>8.1f}")


def print_threads(name: str, case: Case, repeat: int) -> None:
    run = a_pass(case.spec.k)

    def work(layout: Layout | None) -> None:
        for design in itertools.chain.from_iterable(case.designs(layout) for _ in range(5)):
            run(design)

    print_ratio(f"{name}, columns", lambda: work(None), repeat)
    print_ratio(f"{name}, codes", lambda: work(case.layout(LEAST_COLUMNS)), repeat)


def print_ratio(name: str, work: Callable[[], object], repeat: int) -> None:
    """Wall time of two threads with the same work each, over that of one."""
    ratios = [_wall(work, 2) / _wall(work, 1) for _ in range(repeat)]
    print(f"{name:<40}{min(ratios):>10.2f}")


def large_products() -> None:
    square = np.ones((600, 600))
    for _ in range(20):
        square @ square


def _wall(work: Callable[[], object], count: int) -> float:
    threads = [threading.Thread(target=work) for _ in range(count)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin


def main() -> None:
    options = arguments(__doc__, rows=32 * BLOCK)
    print_header(f"Columns and codes, {options.rows:,} rows", {"statsmodels_ooc", "numpy", "scipy"})
    rows, repeat = max(options.rows, BLOCK), options.repeat
    t3, t5 = of_task(T3, T3_FORMULA, rows), of_task(T5, T5_FORMULA, rows)
    with threadpool_limits(1):
        print_verbs("T3", t3, repeat)
        print_verbs("T5", t5, repeat)
        print(f"\n{'two threads with the work of one each':<40}{'wall time':>10}")
        print_ratio("products of large matrices", large_products, repeat)
        print_threads("T3", t3, repeat)
        print_threads("T5", t5, repeat)
        print(f"\n{'a pass by columns of one term':<40}{'columns':>10}{'codes':>10}{'ratio':>8}")
        for name, case in itertools.chain(
            ((f"{m - 1}", of_levels(m, rows)) for m in (3, 4, 5, 6, 7, 9, 13)),
            [("T1: 5, and 7 numbers", of_task(T1, T1_FORMULA, rows))],
        ):
            run = a_pass(case.spec.k)
            old, new = (
                seconds(case, way, run, None, repeat) for way in (None, case.layout(least=2))
            )
            print(f"{name:<40}{old:>10.4f}{new:>10.4f}{old / new:>8.1f}")


if __name__ == "__main__":
    main()
