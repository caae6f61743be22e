"""How long `best_subset` looks among 30 terms, and how many of the 2**30 models it looks at.

Columns that depend on their neighbours, on a common factor, or not at all; coefficients that
matter, that hardly matter, and none. 2,000 rows: a search does not see their number.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

DEPENDENCE = {"none": 0.0, "neighbours, 0.5": 0.5, "neighbours, 0.9": 0.9, "all, 0.9": -0.9}
EFFECTS = {"8 of size 0.2": (8, 0.2), "15 of size 0.05": (15, 0.05), "none": (0, 0.0)}
CRITERIA = ("bic", "aic", "cp", "rsquared_adj")


def draw(rows: int, terms: int, rho: float, real: int, size: float) -> pd.DataFrame:
    """A frame of columns x0, x1, ... and y; of a negative rho all depend on one factor."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, terms))
    if rho < 0:
        x = np.sqrt(-rho) * rng.normal(size=(rows, 1)) + np.sqrt(1 + rho) * x
    for j in range(1, terms) if rho > 0 else ():
        x[:, j] = rho * x[:, j - 1] + np.sqrt(1 - rho**2) * x[:, j]
    beta = np.zeros(terms)
    beta[rng.choice(terms, real, replace=False)] = size * rng.normal(size=real)
    frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(terms)])
    return frame.assign(y=x @ beta + rng.normal(size=rows))


def run(rows: int, terms: int, k_max: int | None, n_best: int) -> pd.DataFrame:
    """Seconds and models looked at, by dependence, effects and criterion."""
    found = []
    for dependence, rho in DEPENDENCE.items():
        for effects, (real, size) in EFFECTS.items():
            frame = draw(rows, terms, rho, min(real, terms), size)
            formula = "y ~ " + " + ".join(frame.columns[:-1])
            res = smof.ols(formula, smo.as_source(frame)).fit()
            for criterion in CRITERIA:
                began = time.perf_counter()
                choice = res.best_subset(k_max, criterion=criterion, n_best=n_best)
                seconds = time.perf_counter() - began
                k = int(choice.trail["k"].iloc[0]) - 1
                found.append((dependence, effects, criterion, seconds, choice.looked_at, k))
    names = ["dependence", "effects", "criterion", "seconds", "models", "terms chosen"]
    return pd.DataFrame(found, columns=names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--terms", type=int, default=30)
    parser.add_argument("--k-max", type=int, default=None, help="most terms of a model")
    parser.add_argument("--n-best", type=int, default=5, help="models that are wanted")
    given = parser.parse_args()
    table = run(given.rows, given.terms, given.k_max, given.n_best)
    print(table.round(2).to_string(index=False))
