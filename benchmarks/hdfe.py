"""Fits by hdfe-stream, which reads Parquet in batches as the package does.

It is asked for coefficients and standard errors alone: it writes no residuals, and what it
spills lies in a temporary folder for the time of the fit. It multiplies the covariance of
generalized linear models by (n - 1) / (n - k), as pyfixest does; here that is taken off.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import Any

from harness import Estimates, Run

PACKAGES = ("hdfe-stream", "polars", "numba", "pyfixest")


def hdfe_stream(
    formula: str, threads: int, rename: Callable[[str], str] = str, **options: Any
) -> Run:
    """A run that fits a formula.

    Parameters
    ----------
    formula : str
    threads : int
    rename : callable, optional
        Makes the task's name of a coefficient from hdfe-stream's.
    **options
        Of ``feols_stream``, or of ``feglm_stream`` if there is a ``family`` among them.
    """
    import hdfe_stream
    import pyfixest  # noqa: F401 (which parses the formula, and would be imported by the run)

    fit = hdfe_stream.feglm_stream if "family" in options else hdfe_stream.feols_stream
    settings = {"save_resid": False, "verbose": False, "n_threads": threads, **options}

    def run(path: Path) -> Estimates:
        with tempfile.TemporaryDirectory() as folder:
            result = fit(formula, path, workdir=folder, **settings)
            n, k = result.n_obs, len(result.beta)
            bse = result.se * sqrt((n - k) / (n - 1)) if "family" in options else result.se
            pairs = zip(result.beta, bse, strict=True)
            found = dict(zip(map(rename, result.coefnames), pairs, strict=True))
            result.cleanup()
        return found

    return run
