"""Robust covariances of 10 million rows and 20 columns under a limit of 1 GiB.

Clusters of two million texts in random order, clusters of five rows in order, two ways of 100,000
by 1,000, and HAC of 50 lags, against the plain fit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import Contender, Measurement, Run, Streamed, arguments, cores, main
from hdfe import PACKAGES, hdfe_stream
from tasks import COVARIANCES, COVARIANCES_NAMES

LIMIT = "1 GiB"
FIXEST = ("pyfixest",)
PLAIN = "the plain fit"
FORMULA = "y ~ " + " + ".join(COVARIANCES_NAMES)
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    PLAIN: ("nonrobust", {}),
    "HC3": ("HC3", {}),
    "clusters in random order": ("cluster", {"groups": "client"}),
    "clusters in order": ("cluster", {"groups": "household"}),
    "two ways": ("cluster", {"groups": ["firm", "day"]}),
    "HAC, 50 lags": ("HAC", {"maxlags": 50}),
}
CRV1: dict[str, Any] = {
    "clusters in random order": {"CRV1": "client"},
    "two ways": {"CRV1": "firm + day"},
}


def ours(kind: str) -> Any:
    def make(threads: int) -> Run:
        import dask
        import pyarrow as pa

        import statsmodels_ooc.api as smo
        import statsmodels_ooc.formula.api as smof

        pa.set_cpu_count(threads)
        cov_type, keywords = KINDS[kind]

        def run(path: Path) -> Streamed:
            with dask.config.set(num_workers=threads), smo.options.set(memory_limit=LIMIT):
                res = smof.ols(FORMULA, data=str(path)).fit(cov_type=cov_type, cov_kwds=keywords)
            names = list(res.params.index)
            pairs = zip(res.params, res.bse, strict=True) if cov_type != "nonrobust" else ()
            estimates = {f"{kind} {n}": pair for n, pair in zip(names, pairs, strict=False)}
            return Streamed(estimates, [(told(one), one.rows, one.seconds) for one in res.passes])

        return run

    return make


def told(record: Any) -> str:
    return f"{record.name}, {record.note}" if record.note else record.name


def pyfixest(kind: str) -> Any:
    def make(threads: int) -> Run:
        import pandas as pd
        import pyfixest as pf

        def run(path: Path) -> dict[str, tuple[float, float]]:
            columns = ["y", *COVARIANCES_NAMES, *CRV1[kind]["CRV1"].split(" + ")]
            frame = pd.read_parquet(path, columns=columns)
            ssc = pf.ssc(G_df="conventional")
            found = pf.feols(FORMULA, frame, vcov=CRV1[kind], ssc=ssc)
            pairs = zip(found.coef(), found.se(), strict=True)
            return {f"{kind} {n}": pair for n, pair in zip(found.coef().index, pairs, strict=True)}

        return run

    return make


def hdfe(kind: str) -> Any:
    return lambda threads: hdfe_stream(FORMULA, threads, f"{kind} {{}}".format, vcov=CRV1[kind])


def contenders() -> list[Contender]:
    known = ("statsmodels_ooc", "dask")
    found = [
        Contender(kind, ours(kind), cores(), baseline=kind == PLAIN, packages=known)
        for kind in KINDS
    ]
    for name, make, packages in (("hdfe-stream", hdfe, PACKAGES), ("pyfixest", pyfixest, FIXEST)):
        found += [
            Contender(f"{name}, {kind}", make(kind), cores(), slow=True, packages=packages)
            for kind in CRV1
        ]
    return found


def plain(measurements: dict[str, Measurement]) -> tuple[str, float]:
    return PLAIN, measurements[PLAIN].seconds


if __name__ == "__main__":
    options = arguments(__doc__ or "", rows=COVARIANCES.rows)
    title = f"OLS, {len(COVARIANCES_NAMES)} columns, memory_limit = {LIMIT!r}"
    main(title, __file__, contenders(), options, COVARIANCES.file, plain)
