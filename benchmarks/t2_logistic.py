"""T2: logistic regression from a Parquet file to standard errors; 12 columns, interactions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from closed_form import from_series
from harness import Contender, Estimates, Measurement, Run, Streamed, arguments, cores, main
from hdfe import PACKAGES, hdfe_stream
from t1_ols import (
    BLOCK,
    LEVELS,
    NAMES,
    PYFIXEST_FORMULA,
    SLOPES,
    plain_levels,
    read_batches,
    read_row_groups,
)
from tasks import T1_COLUMNS as COLUMNS
from tasks import T1_FORMULA as FORMULA
from tasks import T2

# --- for all three scripts of generalized linear models ---------------------------------


def streamed(result, names: list[str]) -> Streamed:
    """What the package's Results object tells."""
    passes = [(record.name, record.rows, record.seconds) for record in result.passes]
    return Streamed(from_series(result.params, result.bse, names), passes)


def use_threads(threads: int) -> Callable[[], AbstractContextManager]:
    """Contexts in which the package works on so many threads."""
    import dask
    import pyarrow as pa

    pa.set_cpu_count(threads)
    if threads == 1:
        return lambda: dask.config.set(scheduler="sync")
    return lambda: dask.config.set(scheduler="threads", num_workers=threads)


def irls(
    sums: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], names: list[str]
) -> Estimates:
    """Fit with a canonical link from sums over the rows.

    Parameters
    ----------
    sums : callable
        ``sums(beta)`` returns X'WX and X'(y - mean), from one pass over the rows.
    names : list of str
    """
    beta = np.zeros(len(names))
    for _ in range(25):
        information, score = sums(beta)
        inverse = np.linalg.inv(information)
        step = inverse @ score
        beta += step
        if np.abs(step).max() < 1e-10:
            errors = np.sqrt(np.diag(inverse))
            return dict(zip(names, zip(beta, errors, strict=True), strict=True))
    raise RuntimeError("not converged")


def expit(eta: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-eta))


# --- the work that nobody can avoid in a pass, on one thread -----------------------------


def weighted_gram_of_ready_blocks(threads: int) -> Run:
    """X'WX of column-major blocks, with sqrt(w), that are there already and stay in the
    cache; a design of 12 columns and the working response are 13."""
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    block = np.asfortranarray(rng.standard_normal((BLOCK, len(NAMES) + 1)))
    root, scaled = rng.random((BLOCK, 1)), np.empty_like(block, order="F")

    def run(path: Path) -> None:
        total = np.zeros((block.shape[1], block.shape[1]))
        for _ in range(-(-pq.read_metadata(path).num_rows // BLOCK)):
            np.multiply(block, root, out=scaled)
            total += scaled.T @ scaled

    return run


# --- contenders -------------------------------------------------------------------------


def ours(threads: int) -> Run:
    import statsmodels.api as sm

    import statsmodels_ooc.formula.api as smof

    settings = use_threads(threads)

    def run(path: Path) -> Streamed:
        with settings():
            family = sm.families.Binomial()
            return streamed(smof.glm(FORMULA, data=str(path), family=family).fit(), NAMES)

    return run


def numpy_chunks(threads: int) -> Run:
    """The loop that a careful user writes: a row group, its columns, X'WX; again and again."""
    import pyarrow.parquet as pq

    def run(path: Path) -> Estimates:
        file = pq.ParquetFile(path)

        def sums(beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            information, score = 0.0, 0.0
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=COLUMNS)
                y, a, b, c, d, cat1 = (table[name].to_numpy() for name in COLUMNS)
                levels = [(cat1 == level).astype(float) for level in range(LEVELS)]
                x = np.column_stack([*levels, a, b, c, d, d * c, a * b, a * c])
                mean = expit(x @ beta)
                information = information + x.T @ (x * (mean * (1 - mean))[:, None])
                score = score + x.T @ (y - mean)
            return information, score

        return irls(sums, NAMES)

    return run


def glum_regressor(threads: int) -> Run:
    import glum
    import pandas as pd

    # With an intercept instead of a full set of levels: the slopes are the same.
    formula = "y ~ 1 + " + " + ".join(SLOPES) + " + C(cat1)"

    def run(path: Path) -> Estimates:
        frame = pd.read_parquet(path)
        model = glum.GeneralizedLinearRegressor(
            family="binomial", alpha=0, formula=formula, drop_first=True, gradient_tol=1e-9
        )
        model.fit(frame)
        table = model.coef_table(frame, frame["y"], robust=False, dispersion=1)
        return {name: tuple(table.loc[name, ["coef", "se"]]) for name in SLOPES}

    return run


def statsmodels_formula(threads: int) -> Run:
    import pandas as pd
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    def run(path: Path) -> Estimates:
        result = smf.glm(FORMULA, pd.read_parquet(path), family=sm.families.Binomial()).fit()
        return from_series(result.params, result.bse, NAMES)

    return run


def hdfe_logit(threads: int) -> Run:
    return hdfe_stream(PYFIXEST_FORMULA, threads, plain_levels, family="logit")


def smallest(measurements: dict[str, Measurement]) -> tuple[str, float]:
    read = min(measurements[name].seconds for name in ("read row groups", "read batches"))
    gram = measurements[GRAM].seconds
    return "read + weighted Gram, one thread, once", read + gram


def print_peaks(measurements: dict[str, Measurement]) -> None:
    """Peak memory of the peers that hold everything, to the package's."""
    own = [found for name, found in measurements.items() if name.startswith("statsmodels_ooc")]
    peak = max((found.peak_mib for found in own if not found.failure), default=None)
    peers = {name: measurements[name] for name in IN_MEMORY if name in measurements}
    if peak is None or not peers:
        return
    print()
    for name, found in peers.items():
        if not found.failure:
            print(f"peak memory of {name}: {found.peak_mib / peak:.1f} times the package's")


ALL = cores()
OWN = ("statsmodels_ooc", "dask")
GRAM = "weighted Gram of ready blocks"
IN_MEMORY = ("glum", "statsmodels formula, in memory")
CONTENDERS = [
    Contender("read row groups", read_row_groups, 1, baseline=True, packages=("pyarrow",)),
    Contender("read batches", read_batches, 1, baseline=True, packages=("pyarrow",)),
    Contender(GRAM, weighted_gram_of_ready_blocks, 1, baseline=True, packages=("numpy",)),
    Contender("statsmodels_ooc, 1 thread", ours, 1, packages=OWN),
    Contender("statsmodels_ooc, 2 threads", ours, 2, packages=OWN),
    Contender("NumPy chunks, 1 thread", numpy_chunks, 1, packages=("numpy",)),
    Contender("glum", glum_regressor, ALL, slow=True, packages=("glum", "tabmat")),
    Contender("hdfe-stream", hdfe_logit, ALL, slow=True, packages=PACKAGES),
    Contender(
        "statsmodels formula, in memory",
        statsmodels_formula,
        ALL,
        slow=True,
        packages=("statsmodels", "pandas"),
    ),
]

if __name__ == "__main__":
    options = arguments(__doc__, T2.rows)
    print_peaks(main("T2 logistic", __file__, CONTENDERS, options, T2.file, smallest))
