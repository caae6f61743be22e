"""Are GLM optima found wherever there is one? Drawn covariates over many scales."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from harness import print_header
from statsmodels.tools.sm_exceptions import ConvergenceWarning

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from models.drawn_glms import FAMILIES, NONE, SEPARATED, draw, loglike, reference, start_of

CLOSE = 1e-6  # of the log-likelihood
SEVERAL = ("cauchit", "poisson sqrt")  # likelihoods that may have several maxima
LEFT = 1e-5  # standard errors


def verdict(name: str, seed: int) -> tuple[str, int]:
    """What became of a draw, and how many passes it took."""
    drawn, best = draw(name, seed), reference(name, seed)
    source = smo.as_source(drawn.frame, chunk_rows=max(7, len(drawn.frame) // 5))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = start_of(name, drawn, seed)
        res = smof.glm(drawn.formula, source, family=drawn.family).fit(**fit)
    said = [str(w.message) for w in caught if w.category is ConvergenceWarning]
    told = any("separation" in message for message in said)
    passes = sum(record.name == "fit" for record in res.passes)
    if best == SEPARATED:
        return ("separated, told" if told else "separated, MISSED"), passes
    if told:
        return "not separated, CALLED SO", passes
    if best == NONE:
        return "no optimum known", passes
    found = loglike(name, drawn, np.asarray(res.params)) >= best - CLOSE * abs(best)
    if res.converged and not found and name in SEVERAL and res.score_norm < LEFT:
        return "another maximum", passes
    return ("optimum found" if found and res.converged else f"MISSED (seed {seed})"), passes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300, help="draws a family")
    parser.add_argument("--families", nargs="*", default=list(FAMILIES), help="which ones")
    arguments = parser.parse_args()
    smo.options.progress = False
    print_header("GLMs on drawn covariates over many scales", {"numpy", "scipy", "statsmodels"})
    print(f"{'family':<20}{'passes, median / most':>24}   what became of {arguments.cases} draws")
    for name in arguments.families:
        rows = [verdict(name, seed) for seed in range(arguments.cases)]
        passes = [count for _, count in rows]
        tally = ", ".join(f"{n} {what}" for what, n in Counter(w for w, _ in rows).most_common())
        print(f"{name:<20}{np.median(passes):>15.0f} / {max(passes):<6}   {tally}", flush=True)


if __name__ == "__main__":
    main()
