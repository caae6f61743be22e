"""Correct digits on NIST's linear regression data sets, read three rows at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import statsmodels.api as sm
from harness import print_header
from nist import REFERENCES, Reference, digits

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

CHUNK = 3


Fit = Callable[[Reference], tuple[np.ndarray, np.ndarray]]


def chunked(method: str) -> Fit:
    """Out of core: the design's columns in frames of three rows."""

    def fit(reference: Reference) -> tuple[np.ndarray, np.ndarray]:
        names = [f"v{j}" for j in range(reference.exog.shape[1])]
        table = pd.DataFrame(reference.exog, columns=names).assign(y=reference.endog)

        def chunks() -> Iterator[pd.DataFrame]:
            for first in range(0, len(table), CHUNK):
                yield table.iloc[first : first + CHUNK]

        formula = "y ~ 0 + " + " + ".join(names)
        result = smof.ols(formula, data=smo.from_iterable(chunks)).fit(method=method)
        return np.asarray(result.params), np.asarray(result.bse)

    return fit


def in_memory(method: str) -> Fit:
    def fit(reference: Reference) -> tuple[np.ndarray, np.ndarray]:
        result = sm.OLS(reference.endog, reference.exog).fit(method=method)
        return result.params, result.bse

    return fit


def normal_equations(reference: Reference) -> tuple[np.ndarray, np.ndarray]:
    """Closed form from X'X: what SQL and most distributed tools do."""
    x, y = reference.exog, reference.endog
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ (x.T @ y)
    scale = (y @ y - beta @ (x.T @ y)) / (len(y) - x.shape[1])
    return beta, np.sqrt(scale * np.diag(inverse))


METHODS = {
    "statsmodels_ooc": chunked("auto"),
    "statsmodels_ooc qr": chunked("qr"),
    "statsmodels pinv": in_memory("pinv"),
    "statsmodels qr": in_memory("qr"),
    "normal equations": normal_equations,
}


def score(fit: Fit, reference: Reference) -> str:
    """The fewest correct digits of a coefficient and of a standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # half of these fits are meant to go wrong
        try:
            params, bse = fit(reference)
        except np.linalg.LinAlgError:
            return "singular"
    coefficient = min(map(digits, params, reference.params))
    return f"{coefficient:.1f} / {min(map(digits, bse, reference.bse)):.1f}"


def main() -> None:
    print_header(
        "NIST StRD: correct digits of coefficients / standard errors",
        {"statsmodels_ooc", "statsmodels", "numpy", "scipy"},
    )
    print(f"{'data set':<10}" + "".join(f"{method:>20}" for method in METHODS))
    for reference in REFERENCES:
        scores = [score(fit, reference) for fit in METHODS.values()]
        print(f"{reference.name:<10}" + "".join(f"{found:>20}" for found in scores))


if __name__ == "__main__":
    main()
