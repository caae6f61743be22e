"""The recipe that this project grew out of: a text file, a design on disk, dask's algebra.

Millions of rows with four numbers and a category are written to a CSV file. Their design is
written chunk by chunk into an HDF5 file, from which dask solves the normal equations and a singular
value decomposition; beside them stands a fit by this package, with the standard errors that the
recipe leaves out.

    python examples/recipe.py                       # 2.5 million rows, in a temporary folder
    python examples/recipe.py --rows 100000 --folder recipe
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
from dask.diagnostics import CacheProfiler, Profiler, ResourceProfiler, visualize

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

LEVELS = ["l1", "l2", "l3", "l4", "l5"]
FORMULA = "y ~ 0 + a + b + c + d + d:c + a:b + a:c + C(cat1, Treatment, levels = lnames)"
COLUMNS = 12
NOISE = 1.0  # standard deviation


def beta() -> np.ndarray:
    """The coefficients, i/12, in the order of the design."""
    return np.arange(COLUMNS) / 12


def design(frame: pd.DataFrame) -> np.ndarray:
    """The columns as patsy orders them: categories first, then what is numeric."""
    a, b, c, d = (frame[name].to_numpy() for name in "abcd")
    groups = [(frame["cat1"] == level).to_numpy(float) for level in LEVELS]
    return np.column_stack([*groups, a, b, c, d, d * c, a * b, a * c])


def write_csv(path: Path, rows: int, chunk: int, seed: int = 0) -> None:
    """Write the data, some rows at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, rows, chunk):
        n = min(chunk, rows - start)
        frame = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
        frame["cat1"] = rng.choice(LEVELS, n)
        frame["y"] = design(frame) @ beta() + rng.normal(scale=NOISE, size=n)
        frame.to_csv(path, mode="a" if start else "w", header=not start, index=False)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say how long something took."""
    began = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - began:.1f} s", flush=True)


def picture(graph: Any, path: Path) -> bool:
    """Draw a task graph, where something is installed that can."""
    engine = next((name for name in ("graphviz", "ipycytoscape") if find_spec(name)), None)
    if engine is None:
        print("no picture of the task graph: neither graphviz nor ipycytoscape is installed")
        return False
    try:
        dask.visualize(graph, filename=str(path), engine=engine.removeprefix("ipy"))
    except Exception as error:  # the Python package is there, its program "dot" is not
        print(f"no picture of the task graph: {type(error).__name__}: {error}")
        return False
    print(f"task graph: {path}")
    return True


def page(profilers: list[Any], path: Path) -> bool:
    """Write what dask's profilers saw as a page, where bokeh is installed."""
    if find_spec("bokeh") is None:
        print("no page of the profilers: bokeh is not installed (pip install bokeh)")
        return False
    visualize(profilers, filename=str(path), show=False, save=True)
    print(f"profile: {path}")
    return True


def solve(store: smo.DesignStore, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The normal equations and the singular values, by dask, watched by its profilers."""
    x, y = store.exog, store.endog
    normal = da.linalg.solve(x.T @ x, x.T @ y)
    u, s, vt = da.linalg.svd(x)
    by_svd = vt.T @ ((u.T @ y) / s)
    picture(normal, folder / "graph.svg")
    with Profiler() as tasks, ResourceProfiler(dt=0.25) as resources, CacheProfiler() as cache:
        with told("dask: normal equations"):
            solution = normal.compute()
        with told("dask: singular value decomposition"):
            values, singular = dask.compute(by_svd, s)
    resources.close()
    page([tasks, resources, cache], folder / "profile.html")
    return np.asarray(solution), np.asarray(values), np.asarray(singular)


def run(rows: int, chunk: int, folder: Path) -> pd.DataFrame:
    """The whole recipe; returns the table that it prints."""
    lnames = LEVELS  # the formula names it
    csv = folder / "data.csv"
    with told(f"CSV of {rows:,} rows written"):
        write_csv(csv, rows, chunk)
    print(f"{csv}: {csv.stat().st_size / 1e6:,.0f} MB")
    with told("design store written"):
        store = smo.design_store(folder / "design.h5", FORMULA, csv, overwrite=True)
    print(store)
    assert len(store.exog_names) == COLUMNS
    normal, by_svd, singular = solve(store, folder)
    with told("smo.OLS of the store"):
        stored = smo.OLS(store).fit()
    with told("smof.ols of the CSV, no store"):
        direct = smof.ols(FORMULA, csv, eval_env={"lnames": lnames}).fit()
    table = pd.DataFrame(
        {
            "beta": beta(),
            "normal equations": normal,
            "svd": by_svd,
            "smo.OLS(store)": stored.params.to_numpy(),
            "std err": stored.bse.to_numpy(),
            "smof.ols(csv)": direct.params.to_numpy(),
        },
        index=store.exog_names,
    )
    print(table.round(5).to_string())
    print(f"singular values: {singular.min():.1f} to {singular.max():.1f}")
    return table


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_500_000)
    parser.add_argument("--chunk", type=int, default=100_000, help="rows that are made at a time")
    parser.add_argument("--folder", type=Path, help="where files stay; temporary by default")
    given = parser.parse_args(arguments)
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
        return run(given.rows, given.chunk, given.folder)
    with tempfile.TemporaryDirectory() as folder:
        return run(given.rows, given.chunk, Path(folder))


if __name__ == "__main__":
    main()
