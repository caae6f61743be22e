"""Drawn data that GLMs find hard, and where their optimum is: covariates over many scales.

Run as a script it writes the optima of 40 draws a family to `drawn_glms.json`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import special
from scipy.optimize import linprog

F, L = sm.families, sm.families.links

FAMILIES: dict[str, Callable[[], Any]] = {
    "logit": F.Binomial,
    "probit": lambda: F.Binomial(L.Probit()),
    "cloglog": lambda: F.Binomial(L.CLogLog()),
    "loglog": lambda: F.Binomial(L.LogLog()),
    "cauchit": lambda: F.Binomial(L.Cauchy()),
    "binomial log": lambda: F.Binomial(L.Log()),
    "poisson": F.Poisson,
    "poisson sqrt": lambda: F.Poisson(L.Sqrt()),
    "gamma log": lambda: F.Gamma(L.Log()),
    "gamma inverse": F.Gamma,
    "negative binomial": lambda: F.NegativeBinomial(alpha=0.7),
}
BINARY = ("logit", "probit", "cloglog", "loglog", "cauchit", "binomial log")
BOUNDED = ("binomial log", "poisson sqrt", "gamma inverse")  # eta keeps to one side of zero


@dataclass(frozen=True)
class Drawn:
    """One draw.

    Attributes
    ----------
    frame : DataFrame
        The response ``y`` and the covariates ``x1`` to ``xp``.
    formula : str
        The model.
    family : Family
        Of statsmodels.
    exog : ndarray, (n, k)
        The design of the formula.
    """

    frame: pd.DataFrame
    formula: str
    family: Any
    exog: np.ndarray


def covariate(rng: np.random.Generator, n: int) -> np.ndarray:
    """Normal, lognormal, Student t of 2 degrees of freedom, or a mixture of scales."""
    match rng.integers(4):
        case 0:
            x = rng.normal(size=n)
        case 1:
            x = np.exp(rng.normal(rng.normal(), rng.uniform(0.5, 3), n))
        case 2:
            x = rng.standard_t(2, size=n)
        case _:
            x = rng.normal(size=n) * 10.0 ** rng.integers(-2, 3, n)
    return x


def draw(name: str, seed: int) -> Drawn:
    """A draw of one of `FAMILIES`."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(name)])
    n = int(np.exp(rng.uniform(np.log(60), np.log(20_000))))
    p = int(rng.integers(1, 5))
    columns = [covariate(rng, n) for _ in range(p)]
    if name in BOUNDED:
        columns = [np.abs(x) for x in columns]
    binary = name in BINARY and name != "binomial log"
    eta = np.full(n, rng.normal())
    for x in columns:  # in binary data the tails may go where they like
        typical, largest = np.median(np.abs(x)), np.abs(x).max()
        size = typical / 10 ** rng.uniform(-0.5, 1.7) if binary else largest / rng.uniform(1, 4)
        eta += rng.normal() * x / size / np.sqrt(p)
    columns = [x * 10.0 ** rng.uniform(-6, 6) for x in columns]
    y, eta = response(name, eta, rng)
    frame = pd.DataFrame({f"x{j + 1}": x for j, x in enumerate(columns)})
    frame.insert(0, "y", y)
    exog = np.column_stack([np.ones(n), *columns])
    formula = "y ~ " + " + ".join(frame.columns[1:])
    return Drawn(frame, formula, FAMILIES[name](), exog)


def response(name: str, eta: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Responses of a linear predictor, which bounded links move to their side of zero."""
    if name == "binomial log":
        eta = -np.abs(eta) - 0.05
    elif name in BOUNDED:
        eta = np.abs(eta) + 0.3
    n = len(eta)
    if name in BINARY:
        with np.errstate(over="ignore"):
            mean = {
                "logit": special.expit,
                "probit": special.ndtr,
                "cloglog": lambda e: -np.expm1(-np.exp(e)),
                "loglog": lambda e: np.exp(-np.exp(-e)),
                "cauchit": lambda e: np.arctan2(1, -e) / np.pi,
                "binomial log": np.exp,
            }[name](eta)
        return (rng.uniform(size=n) < mean).astype(float), eta
    if name == "poisson":
        return rng.poisson(np.exp(eta)).astype(float), eta
    if name == "poisson sqrt":
        return rng.poisson(eta**2).astype(float), eta
    if name == "gamma log":
        return rng.gamma(2, np.exp(eta) / 2), eta
    if name == "gamma inverse":
        return rng.gamma(2, 1 / eta / 2), eta
    return rng.poisson(rng.gamma(1 / 0.7, 0.7 * np.exp(eta))).astype(float), eta


# --- the optimum


def log_likelihoods(name: str, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of the rows, (n,), with first and second derivatives in eta, up to constants.

    In extended precision where NumPy has the functions; not the package's formulas.
    """
    one = np.longdouble(1)
    eta = eta.astype(np.longdouble)
    with np.errstate(all="ignore"):
        match name:
            case "logit":
                s = np.where(y == 1, one, -one)
                m = s * eta
                ll = np.where(m > 0, -np.log1p(np.exp(-m)), m - np.log1p(np.exp(m)))
                q = one / (one + np.exp(m))
                return ll, s * q, -q * (one - q)
            case "probit":
                s = np.where(y == 1, 1.0, -1.0)
                m = (s * eta).astype(float)
                ll = special.log_ndtr(m)
                r = np.exp(-(m**2) / 2 - np.log(np.sqrt(2 * np.pi)) - ll)
                return ll, s * r, -r * (m + r)
            case "cloglog" | "loglog":
                turn = 1 if name == "cloglog" else -1
                e, event = turn * eta, (y == 1) if turn == 1 else (y == 0)
                rate = np.exp(e)
                rest = -np.expm1(-rate)
                log_mu = np.where(rate < 1e-18, e, np.log(rest))
                h = np.where(rate < 1e-18, one, rate * np.exp(-rate) / rest)
                h = np.where(np.isfinite(h), h, 0)
                ll = np.where(event, log_mu, -rate)
                d1 = np.where(event, h, -rate)
                bend = np.where(rate < 1e-9, -rate / 2, h * (one - rate - h))
                d2 = np.where(event, np.where(h > 0, bend, 0), -rate)
                return ll, turn * d1, d2
            case "cauchit":
                s = np.where(y == 1, one, -one)
                m = s * eta
                mu = np.arctan2(one, -m) / np.pi
                f = one / (np.pi * (1 + m * m))
                r = f / mu
                return np.log(mu), s * r, -r * r - r * 2 * m / (1 + m * m)
            case "binomial log":
                rest = -np.expm1(eta)
                mu = np.exp(eta)
                ll = np.where(y == 1, eta, np.log(rest))
                ll = np.where(eta < 0, ll, -np.inf)
                odds = mu / rest
                return ll, np.where(y == 1, 1, -odds), np.where(y == 1, 0, -odds / rest)
            case "poisson":
                mu = np.exp(eta)
                return y * eta - mu, y - mu, -mu
            case "poisson sqrt":
                ll = np.where(y > 0, 2 * y * np.log(np.abs(eta)), 0) - eta**2
                rate = np.where(y > 0, y / eta, 0)
                return ll, 2 * rate - 2 * eta, -2 * np.where(y > 0, rate / eta, 0) - 2
            case "gamma log":
                z = y * np.exp(-eta)
                return -z - eta, z - 1, -z
            case "gamma inverse":
                ll = np.where(eta > 0, np.log(np.abs(eta)) - y * eta, -np.inf)
                return ll, 1 / eta - y, -1 / eta**2
            case "negative binomial":
                a = np.longdouble(0.7)
                mu = np.exp(eta)
                g = mu / (1 + a * mu)
                ll = np.where(eta > 700, -eta / a, y * (eta - np.log1p(a * mu)))
                ll = ll - np.where(eta > 700, 0, np.log1p(a * mu) / a)
                d1 = (y - mu) / (1 + a * mu)
                return ll, d1, -g * (1 + a * y) / (1 + a * mu)
    raise ValueError(name)


def optimum(name: str, y: np.ndarray, exog: np.ndarray, *starts: Any) -> np.ndarray | None:
    """Parameters of the highest likelihood that damped Newton steps find; None for none."""
    lengths = np.linalg.norm(exog, axis=0)
    q, r = np.linalg.qr(exog / lengths)
    q = q * np.sqrt(len(y))
    best: tuple[float, Any] = (-np.inf, None)
    for start in (*starts, None):
        b = np.zeros(q.shape[1]) if start is None else r @ (start * lengths) / np.sqrt(len(y))
        if start is None:
            level = {"poisson sqrt": 1.0, "gamma inverse": 1 / y.mean(), "binomial log": -1.0}
            b = np.linalg.lstsq(q, np.full(len(y), level.get(name, 0.0)), rcond=None)[0]
        found = _newton(name, y, q, b.astype(np.longdouble))
        if found[1] is not None and found[0] > best[0]:
            best = found
    if best[1] is None:
        return None
    return np.linalg.solve(r, (best[1] * np.sqrt(len(y))).astype(float)) / lengths


def _newton(name: str, y: np.ndarray, q: np.ndarray, b: Any) -> tuple[float, Any]:
    damping = 0.0
    ll, d1, d2 = log_likelihoods(name, y, q @ b)
    value = ll.sum()
    if not np.isfinite(value):
        return -np.inf, None
    for _ in range(500):
        g = (q.T @ d1).astype(float)
        h = (q.T * np.maximum(-d2, 0)) @ q
        h = h.astype(float)
        curved = (q.T * (-d2)) @ q
        if np.linalg.eigvalsh(curved.astype(float))[0] > 0:
            h = curved.astype(float)
        w, v = np.linalg.eigh(h)
        w = np.maximum(w, w.max() * 1e-14) + damping
        step = v @ ((v.T @ g) / w)
        promise = float(step @ g)
        if promise < 1e-12 and promise <= 1e-13 * max(1.0, abs(float(value))):
            return float(value), b
        for t in (1.0, 4.0, 16.0, 256.0, 0.5, 0.25, 0.1, 0.01, 1e-3, 1e-4, 1e-6):
            new = log_likelihoods(name, y, q @ (b + t * step))
            better = new[0].sum()
            if np.isfinite(better) and better > value:
                further = b + 4 * t * step
                more = log_likelihoods(name, y, q @ further)
                if t >= 1 and np.isfinite(more[0].sum()) and more[0].sum() > better:
                    continue
                b, (ll, d1, d2), value = b + t * step, new, better
                break
        else:
            return (float(value), b) if promise < 1e-9 else (-np.inf, None)
    return -np.inf, None


def is_separated(name: str, y: np.ndarray, exog: np.ndarray) -> bool:
    """Whether some direction raises no row's likelihood and lowers none, by a linear programme."""
    lengths = np.linalg.norm(exog, axis=0)
    q, _ = np.linalg.qr(exog / lengths)
    q = q / np.linalg.norm(q, axis=1, keepdims=True)
    side = (2 * y - 1) if name in BINARY else np.where(y == 0, -1.0, 0.0)
    if name == "binomial log":
        side = np.where(y == 0, -1.0, 0.0)
    if name in ("poisson sqrt", "gamma inverse", "gamma log"):
        return False
    one_sided = q * side[:, None]
    both = q[side == 0]
    solved = linprog(
        -one_sided.sum(axis=0),
        A_ub=-one_sided,
        b_ub=np.zeros(len(y)),
        A_eq=both if len(both) else None,
        b_eq=np.zeros(len(both)) if len(both) else None,
        bounds=(-1, 1),
    )
    return bool(solved.status == 0 and -solved.fun > 1e-6)


# --- what the optimum is, kept in a file beside this one

REFERENCES = Path(__file__).with_name("drawn_glms.json")
SEPARATED, NONE = "separated", "none"  # in place of a log-likelihood


def reference(name: str, seed: int) -> float | str:
    """The highest log-likelihood of a draw, up to a constant of the responses."""
    drawn = draw(name, seed)
    y = drawn.frame["y"].to_numpy()
    if is_separated(name, y, drawn.exog):
        return SEPARATED
    starts = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit = sm.GLM(y, drawn.exog, family=drawn.family).fit(tol=1e-12, maxiter=300)
        except (ValueError, np.linalg.LinAlgError):
            fit = None  # statsmodels gives up on some of these
        if fit is not None and np.isfinite(fit.params).all():
            starts.append(fit.params)
        best = optimum(name, y, drawn.exog, *starts)
    return NONE if best is None else loglike(name, drawn, best)


def loglike(name: str, drawn: Drawn, params: np.ndarray) -> float:
    """The log-likelihood of a draw, up to a constant of the responses."""
    y = drawn.frame["y"].to_numpy()
    return float(log_likelihoods(name, y, drawn.exog @ params)[0].sum())


def start_of(name: str, drawn: Drawn, seed: int) -> dict[str, Any]:
    """Arguments of `fit`: the starts take turns."""
    zeros = np.zeros(drawn.exog.shape[1])
    zeros[0] = {
        "poisson sqrt": 1.0,
        "gamma inverse": 1 / drawn.frame["y"].mean(),
        "binomial log": -1.0,
    }.get(name, 0.0)
    choices: list[dict[str, Any]] = [
        {"start": "pilot"},
        {"start": "statsmodels"},
        {"start_params": zeros},
    ]
    return choices[seed % 3]


def main(count: int) -> None:
    """Write the references of the first seeds."""
    found = {name: [reference(name, seed) for seed in range(count)] for name in FAMILIES}
    REFERENCES.write_text(json.dumps(found, indent=0) + "\n")


if __name__ == "__main__":
    main(40)
