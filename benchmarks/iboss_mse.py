"""How well models are estimated from subdata that IBOSS selects: errors, coverage, pilots.

Every replicate draws covariates and a response, estimates from all rows, and from k rows
selected by D- and T-optimality and uniformly. Methods share the replicate's data, models
share its covariates. The fits are Newton's, written here because a run makes some
hundred thousand of them; they are first compared with statsmodels'. They start from the true
parameters, which saves iterations and moves no estimate: every likelihood here is concave.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from harness import print_header
from scipy.special import expit, ndtr
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.tools.sm_exceptions import DomainWarning

from statsmodels_ooc.families.kernels import kernel_of
from statsmodels_ooc.selection.indices import iboss_indices
from statsmodels_ooc.selection.ordering import hashes
from statsmodels_ooc.selection.scorers import information

Array = np.ndarray

P, SLOPE, CORRELATION = 10, 0.1, 0.5
K = K0 = 1000
REPLICATES = {10_000: 400, 30_000: 400, 100_000: 240, 300_000: 120, 1_000_000: 60}
SWEPT_ROWS, SWEPT_REPLICATES = 100_000, 120
SIZES = (200, 500, 1000, 2000, 5000)  # of k, and of k0
METHODS = ("full", "uniform", "D", "T")
RIGHT, TRUTH = "right", "true parameters"
BLOCK = 8192
SEED = 20240
HERE = Path(__file__).resolve().parent


# --- data -------------------------------------------------------------------------------


def normals(rng: np.random.Generator, n: int) -> Array:
    """Standard normal columns with one correlation, (P, n)."""
    z = rng.standard_normal((P, n))
    z *= np.sqrt(1 - CORRELATION)
    z += np.sqrt(CORRELATION) * rng.standard_normal(n)
    return z


def t2(rng: np.random.Generator, n: int) -> Array:
    return normals(rng, n) / np.sqrt(rng.standard_exponential(n))  # chi2(2) / 2


def folded(rng: np.random.Generator, n: int) -> Array:
    return np.abs(normals(rng, n))


def bounded(rng: np.random.Generator, n: int) -> Array:
    """Uniform with mean 0 and variance 1, tied by a normal copula."""
    return (2 * ndtr(normals(rng, n)) - 1) * np.sqrt(3)


def independent(rng: np.random.Generator, n: int) -> Array:
    """As `bounded`, without the copula."""
    return (2 * rng.random((P, n)) - 1) * np.sqrt(3)


COVARIATES = {
    "normal": normals,
    "t2": t2,
    "folded": folded,
    "bounded": bounded,
    "independent": independent,
}


@dataclass
class Design:
    """Covariates of n rows, and the selections that need nothing else.

    Attributes
    ----------
    exog : ndarray, (n, P + 1)
        The constant first, column-major.
    seed : int
        Of the uniform selection.
    """

    exog: Array
    seed: int
    cache: dict[tuple[str, int], Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.x = self.exog[:, 1:]
        self.mean, self.scale = self.x.mean(axis=0), self.x.std(axis=0)

    def select(self, criterion: str, k: int, psi: Array | None) -> Array:
        """Row numbers; a selection without Psi is made once."""
        if psi is not None and criterion != "uniform":
            return self._select(criterion, k, psi)
        if (criterion, k) not in self.cache:
            self.cache[criterion, k] = self._select(criterion, k, None)
        return self.cache[criterion, k]

    def _select(self, criterion: str, k: int, psi: Array | None) -> Array:
        if criterion == "uniform":
            return np.sort(np.argpartition(hashes(self.seed, np.arange(len(self.x))), k - 1)[:k])
        given = {"mean": self.mean, "scale": self.scale}
        return np.sort(iboss_indices(self.x, k, criterion, psi=psi, **given))


def draw_design(
    rng: np.random.Generator, covariates: str, n: int, seed: int, most: float = np.inf
) -> Design:
    """A design; rows whose SLOPE * sum(x) exceeds `most` are drawn again."""
    columns = np.empty((P + 1, n))
    columns[0] = 1
    todo = np.arange(n)
    while len(todo):
        columns[1:, todo] = COVARIATES[covariates](rng, len(todo))
        todo = todo[SLOPE * columns[1:, todo].sum(axis=0) > most]
    return Design(columns.T, seed)


# --- models -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """A generalized linear model, by functions of the response and the linear predictor.

    Attributes
    ----------
    family : statsmodels family
        For Psi, and for the comparison with statsmodels.
    draw, loss, score : callable
        ``draw(rng, eta)`` the response, ``loss(y, eta)`` minus the log-likelihood at
        dispersion 1, ``score(y, eta)`` minus its derivative.
    weight : callable
        ``weight(eta)``, the expected second derivative of the loss.
    dispersed : bool
        The dispersion is estimated, by Pearson's statistic.
    constant : bool
        Psi does not depend on the row.
    covariates : tuple of str
        Cases in which the model is run.
    intercept : float
        The true one.
    response : callable
        What statsmodels calls the response, from what `draw` returns.
    most : dict
        Rows with a greater sum of slopes times covariates are drawn again, by case.
    """

    family: object
    draw: Callable[[np.random.Generator, Array], Array]
    loss: Callable[[Array, Array], Array]
    score: Callable[[Array, Array], Array]
    weight: Callable[[Array], Array]
    dispersed: bool
    constant: bool
    covariates: tuple[str, ...] = ("normal", "t2", "folded")
    intercept: float = 0.0
    response: Callable[[Array], Array] = np.asarray
    most: dict[str, float] = field(default_factory=dict)

    @property
    def truth(self) -> Array:
        return np.r_[self.intercept, np.full(P, SLOPE)]

    def psi(self, eta: Array) -> Array:
        return information(kernel_of(self.family), eta)


def _logistic_weight(eta: Array) -> Array:
    mu = expit(eta)
    return mu * (1 - mu)


MODELS = {
    "gaussian": Model(
        family=sm.families.Gaussian(),
        draw=lambda rng, eta: eta + rng.standard_normal(len(eta)),
        loss=lambda y, eta: 0.5 * (y - eta) ** 2,
        score=lambda y, eta: y - eta,
        weight=np.ones_like,
        dispersed=True,
        constant=True,
        covariates=tuple(COVARIATES),
    ),
    "logit": Model(
        family=sm.families.Binomial(),
        draw=lambda rng, eta: (rng.random(len(eta)) < expit(eta)).astype(float),
        loss=lambda y, eta: np.logaddexp(0, eta) - y * eta,
        score=lambda y, eta: y - expit(eta),
        weight=_logistic_weight,
        dispersed=False,
        constant=False,
        covariates=tuple(COVARIATES),
    ),
    "poisson": Model(
        family=sm.families.Poisson(),
        draw=lambda rng, eta: rng.poisson(np.exp(eta)).astype(float),
        loss=lambda y, eta: np.exp(eta) - y * eta,
        score=lambda y, eta: y - np.exp(eta),
        weight=np.exp,
        dispersed=False,
        constant=False,
        most={"t2": 10.0},  # counts above some e**40 cannot be drawn
    ),
    # The response is kept as its logarithm: with t2 covariates the mean may overflow.
    "gamma/log": Model(
        family=sm.families.Gamma(sm.families.links.Log()),
        draw=lambda rng, eta: eta + np.log(rng.standard_exponential(len(eta))),
        loss=lambda log_y, eta: eta + np.exp(log_y - eta),
        score=lambda log_y, eta: np.exp(log_y - eta) - 1,
        weight=np.ones_like,
        dispersed=True,
        constant=True,
        response=np.exp,
    ),
    "gamma/inverse": Model(
        family=sm.families.Gamma(sm.families.links.InversePower()),
        draw=lambda rng, eta: rng.standard_exponential(len(eta)) / eta,
        loss=lambda y, eta: y * eta - np.log(np.where(eta > 0, eta, np.nan)),
        score=lambda y, eta: 1 / eta - y,
        weight=lambda eta: 1 / eta**2,
        dispersed=True,
        constant=False,
        covariates=("folded",),
        intercept=0.5,
    ),
}


# --- fits -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sums:
    """At some parameters: loss, score, its covariance and Pearson's statistic."""

    loss: float
    score: Array
    information: Array
    pearson: float


@dataclass(frozen=True)
class Estimate:
    """Parameters, standard errors, and the information of a row; NaN for no estimate.

    Of the information, the logarithm of the determinant's root of order P + 1.
    """

    params: Array
    bse: Array
    log_det: float


def sums(model: Model, exog: Array, y: Array, beta: Array) -> Sums:
    loss = pearson = 0.0
    score, gram = np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    for first in range(0, len(y), BLOCK):
        x, part = exog[first : first + BLOCK], y[first : first + BLOCK]
        eta = x @ beta
        u, w = model.score(part, eta), model.weight(eta)
        loss += model.loss(part, eta).sum()
        score += u @ x
        gram += (x * w[:, None]).T @ x
        pearson += (u * u / w).sum()
    return Sums(loss, score, gram, pearson)


def fit(model: Model, exog: Array, y: Array, start: Array) -> Estimate:
    """Maximum likelihood by Fisher scoring with halved steps."""
    nothing = Estimate(np.full(len(start), np.nan), np.full(len(start), np.nan), np.nan)
    with np.errstate(all="ignore"):
        beta, now = start, sums(model, exog, y, start)
        for number in range(200):
            if not np.isfinite(now.information).all():
                return nothing
            try:
                step = np.linalg.solve(now.information, now.score)
            except np.linalg.LinAlgError:
                return nothing
            if now.score @ step < 1e-10:  # 1e-5 standard errors off
                break
            if number >= 30:  # expected information may step over the optimum for long
                step = step / 2
            beta, after = _halved(model, exog, y, beta, step, now.loss)
            if after is None:
                return nothing
            now = after
        else:
            return nothing
        if isinstance(model.family, sm.families.Binomial) and now.loss < 1e-6 * len(y):
            return nothing  # separated
        scale = now.pearson / (len(y) - len(beta)) if model.dispersed else 1.0
        bse = np.sqrt(scale * np.diag(np.linalg.inv(now.information)))
        log_det = np.linalg.slogdet(now.information / len(y))[1] / len(beta)
        return Estimate(beta, bse, log_det)


def _halved(
    model: Model, exog: Array, y: Array, beta: Array, step: Array, loss: float
) -> tuple[Array, Sums | None]:
    for _ in range(30):
        after = sums(model, exog, y, beta + step)
        if after.loss <= loss + 1e-12 * abs(loss):
            return beta + step, after
        step = step / 2
    return beta, None


def compare_with_statsmodels() -> None:
    """Fail where a model's fit is not statsmodels'."""
    for name, model in MODELS.items():
        rng = np.random.default_rng(SEED)
        exog = draw_design(rng, model.covariates[-1], 2000, 0).exog
        y = model.draw(rng, exog @ model.truth)
        ours = fit(model, exog, y, model.truth)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DomainWarning)
            theirs = sm.GLM(model.response(y), exog, family=model.family).fit(tol=1e-13)
        np.testing.assert_allclose(ours.params, theirs.params, rtol=0, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(ours.bse, theirs.bse, rtol=1e-4, err_msg=name)


# --- Psi --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pilot:
    """Psi of all rows at the estimate from k0 of them; None for Psi = 1."""

    psi: Array | None
    attempts: int


def usable(psi: Array) -> bool:
    return bool(np.isfinite(psi).all() and psi.max() > 0)


def pilot(
    rng: np.random.Generator, model: Model, exog: Array, y: Array, k0: int, wrong: str = RIGHT
) -> Pilot:
    """Fit k0 random rows; where Psi cannot be had from them, twice as many, three times."""
    with np.errstate(all="ignore"):
        for attempt in range(4):
            size = min(k0 * 2**attempt, len(y))
            rows = rng.choice(len(y), size, replace=False, shuffle=False)
            psi = WRONG[wrong](model, exog, y, rows)
            if usable(psi):
                return Pilot(psi, attempt + 1)
    return Pilot(None, 5)


def _right(model: Model, exog: Array, y: Array, rows: Array) -> Array:
    return model.psi(exog @ fit(model, exog[rows], y[rows], model.truth).params)


def _half_the_covariates(model: Model, exog: Array, y: Array, rows: Array) -> Array:
    few = exog[:, : 1 + P // 2]
    return model.psi(few @ fit(model, few[rows], y[rows], model.truth[: 1 + P // 2]).params)


def _other_family(family: object) -> Callable[[Model, Array, Array, Array], Array]:
    """Psi of another family or link, fitted by statsmodels on the same rows."""

    def psi(model: Model, exog: Array, y: Array, rows: Array) -> Array:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DomainWarning)
                found = sm.GLM(model.response(y[rows]), exog[rows], family=family).fit()
        except (ValueError, np.linalg.LinAlgError):
            return np.full(len(y), np.nan)
        return information(kernel_of(family), exog @ found.params)

    return psi


def _other_variance(family: object) -> Callable[[Model, Array, Array, Array], Array]:
    """Psi of another variance function at the pilot's own estimate."""

    def psi(model: Model, exog: Array, y: Array, rows: Array) -> Array:
        eta = exog @ fit(model, exog[rows], y[rows], model.truth).params
        return information(kernel_of(family), eta)

    return psi


def _link(name: str) -> object:
    return getattr(sm.families.links, name)()


WRONG: dict[str, Callable[[Model, Array, Array, Array], Array]] = {
    RIGHT: _right,
    "pilot with half of the covariates": _half_the_covariates,
    "link cloglog": _other_family(sm.families.Binomial(_link("CLogLog"))),
    "link identity": _other_family(sm.families.Gamma(_link("Identity"))),
    "variance μ + μ²": _other_variance(sm.families.NegativeBinomial(_link("Log"), alpha=1.0)),
    "variance μ": _other_variance(sm.families.Poisson(_link("Log"))),
    "variance 1": _other_variance(sm.families.Gaussian(_link("Log"))),
}
PSI_ONE = "Psi = 1"
MISTAKES = {
    "logit": (PSI_ONE, "link cloglog", "pilot with half of the covariates"),
    "poisson": (PSI_ONE, "variance μ + μ²", "pilot with half of the covariates"),
    "gamma/inverse": (PSI_ONE, "link identity", "pilot with half of the covariates"),
    "gamma/log": ("variance μ", "variance 1"),
}


def mistakes(name: str, covariates: str) -> tuple[str, ...]:
    """Wrong Psis worth a try; a mean of t2 covariates overflows in those of gamma/log."""
    return () if (name, covariates) == ("gamma/log", "t2") else MISTAKES.get(name, ())


# --- replicates -------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Setting:
    """What a mean squared error belongs to; k0 = 0 where there was no pilot."""

    experiment: str
    model: str
    covariates: str
    n: int
    k: int
    k0: int
    psi: str
    method: str


@dataclass(frozen=True)
class Outcome:
    """What one replicate says about one setting."""

    slopes: float  # squared errors, summed over the slopes
    intercept: float  # squared error
    adjusted: float  # squared error of the intercept from the full data's means
    covered: float  # share of slopes inside their 95 % intervals
    intercept_covered: float
    log_det: float
    attempts: int


Outcomes = dict[Setting, list[Outcome]]


@dataclass(frozen=True)
class Replicate:
    """The data of one replicate, and where its outcomes go."""

    name: str
    covariates: str
    design: Design
    y: Array
    rng: np.random.Generator
    outcomes: Outcomes

    @property
    def model(self) -> Model:
        return MODELS[self.name]

    def estimate(self, rows: Array | None) -> Estimate:
        exog = self.design.exog
        if rows is None:
            return fit(self.model, exog, self.y, self.model.truth)
        return fit(self.model, exog[rows], self.y[rows], self.model.truth)

    def judge(self, found: Estimate, count: int, attempts: int) -> Outcome:
        error = found.params - self.model.truth
        gaussian = self.name == "gaussian"
        width = student.ppf(0.975, count - P - 1) if gaussian else norm.ppf(0.975)
        inside = (np.abs(error) <= width * found.bse).astype(float)
        inside[np.isnan(error)] = np.nan
        adjusted = np.nan
        if gaussian:
            adjusted = (self.y.mean() - self.design.mean @ found.params[1:]) ** 2
        slopes = float(error[1:] @ error[1:])
        return Outcome(
            slopes=slopes,
            intercept=error[0] ** 2,
            adjusted=adjusted,
            covered=inside[1:].mean(),
            intercept_covered=inside[0],
            log_det=found.log_det,
            attempts=attempts,
        )

    def note(
        self, experiments: Iterable[str], k: int, k0: int, psi: str, method: str, outcome: Outcome
    ) -> None:
        n = len(self.y)
        for experiment in experiments:
            setting = Setting(experiment, self.name, self.covariates, n, k, k0, psi, method)
            self.outcomes[setting].append(outcome)

    def run(
        self,
        experiments: Sequence[str],
        criteria: Sequence[str],
        k: int,
        k0: int,
        psi: Array | None,
        label: str = RIGHT,
        attempts: int = 0,
    ) -> None:
        """Select, estimate and note."""
        for criterion in criteria:
            found = self.estimate(self.design.select(criterion, k, psi))
            self.note(experiments, k, k0, label, criterion, self.judge(found, k, attempts))


def base(rep: Replicate, swept: bool, sizes: Sequence[int]) -> None:
    """All methods at k = K and k0 = K0; then, for a swept replicate, everything else."""
    informed = not rep.model.constant
    k0 = K0 if informed else 0
    own = pilot(rep.rng, rep.model, rep.design.exog, rep.y, K0) if informed else Pilot(None, 0)
    full = rep.judge(rep.estimate(None), len(rep.y), 0)
    used = ["n"] + ["k"] * swept
    rep.note(used, K, k0, RIGHT, "full", full)
    rep.run(used, ["uniform"], K, k0, None)
    used += ["k0"] * (swept and informed) + ["psi"] * swept
    rep.run(used, ["D", "T"], K, k0, own.psi, attempts=own.attempts)
    if swept:
        sweep_k(rep, own, full, [k for k in sizes if k != K])
        if informed:
            sweep_k0(rep, [k0 for k0 in sizes if k0 != K0])
        for label in mistakes(rep.name, rep.covariates):
            psi = None
            attempts = 0
            if label != PSI_ONE:
                wrong = pilot(rep.rng, rep.model, rep.design.exog, rep.y, K0, label)
                psi, attempts = wrong.psi, wrong.attempts
            rep.run(["psi"], ["D", "T"], K, k0 or K0, psi, label, attempts)


def sweep_k(rep: Replicate, own: Pilot, full: Outcome, sizes: Sequence[int]) -> None:
    k0 = 0 if rep.model.constant else K0
    for k in sizes:
        rep.run(["k"], ["uniform", "D", "T"], k, k0, own.psi, attempts=own.attempts)
        rep.note(["k"], k, k0, RIGHT, "full", full)


def sweep_k0(rep: Replicate, sizes: Sequence[int]) -> None:
    for k0 in sizes:
        found = pilot(rep.rng, rep.model, rep.design.exog, rep.y, k0)
        rep.run(["k0"], ["D", "T"], K, k0, found.psi, attempts=found.attempts)
    psi = rep.model.psi(rep.design.exog @ rep.model.truth)
    rep.run(["k0", "psi"], ["D", "T"], K, 0, psi, TRUTH)


def simulate(replicates: dict[int, int], swept: int, sizes: Sequence[int]) -> Outcomes:
    """Run every case; each replicate has its own seed."""
    outcomes: Outcomes = defaultdict(list)
    for n, count in replicates.items():
        begin = time.perf_counter()
        for case, covariates in enumerate(COVARIATES):
            for number in range(count):
                rng = np.random.default_rng([SEED, case, n, number])
                common = draw_design(rng, covariates, n, number)
                for name, model in MODELS.items():
                    if covariates not in model.covariates:
                        continue
                    design = common
                    if covariates in model.most:
                        most = model.most[covariates]
                        design = draw_design(rng, covariates, n, number, most)
                    y = model.draw(rng, design.exog @ model.truth)
                    rep = Replicate(name, covariates, design, y, rng, outcomes)
                    base(rep, n == SWEPT_ROWS and number < swept, sizes)
            spent = time.perf_counter() - begin
            print(f"   n = {n:,}, {covariates}: {spent:.0f} s", file=sys.stderr, flush=True)
    return outcomes


# --- summaries --------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """Means over the replicates of a setting, with Monte Carlo standard errors."""

    replicates: int
    failed: int
    retried: int
    given_up: int
    mse: float
    mse_se: float
    intercept: float
    intercept_se: float
    adjusted: float
    coverage: float
    coverage_se: float
    intercept_coverage: float
    log_det: float


def summary(outcomes: Sequence[Outcome]) -> Summary:
    def mean(name: str) -> tuple[float, float]:
        values = np.array([getattr(o, name) for o in outcomes])
        values = values[np.isfinite(values)]
        if not len(values):
            return np.nan, np.nan
        return values.mean(), values.std(ddof=1) / np.sqrt(len(values))

    return Summary(
        len(outcomes),
        sum(np.isnan(o.slopes) for o in outcomes),
        sum(1 < o.attempts < 5 for o in outcomes),
        sum(o.attempts == 5 for o in outcomes),
        *mean("slopes"),
        *mean("intercept"),
        mean("adjusted")[0],
        *mean("covered"),
        mean("intercept_covered")[0],
        mean("log_det")[0],
    )


def ratio(above: Sequence[Outcome], below: Sequence[Outcome], name: str = "slopes") -> list[float]:
    """A ratio of means over shared replicates, and its standard error."""
    a = np.array([getattr(o, name) for o in above])
    b = np.array([getattr(o, name) for o in below])
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    r = a.mean() / b.mean()
    return [r, (a - r * b).std(ddof=1) / np.sqrt(len(a)) / b.mean()]


def exponent(points: dict[int, Summary]) -> list[float]:
    """Slope of log MSE against log n by weighted least squares, and its standard error."""
    x = np.log(list(points))
    y = np.log([s.mse for s in points.values()])
    w = np.array([(s.mse / s.mse_se) ** 2 for s in points.values()])
    centred = x - (w @ x) / w.sum()
    return [(w * centred) @ y / ((w * centred) @ centred), ((w * centred) @ centred) ** -0.5]


@dataclass(frozen=True)
class Table:
    """Rows of text under a title."""

    name: str
    title: str
    head: list[str]
    rows: list[list[str]]

    def write(self, folder: Path) -> None:
        with (folder / f"{self.name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([self.head, *self.rows])

    def show(self) -> None:
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        print(f"\n{self.title}")
        for row in [self.head, *self.rows]:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def plain(value: float, error: float) -> str:
    """A number and its standard error, to the digits that the error leaves."""
    if not np.isfinite(value):
        return "–"
    digits = 2 if not np.isfinite(error) or error <= 0 else 1 - int(np.floor(np.log10(error)))
    if digits > 4 and abs(value) < 0.01:
        return f"{value:.1e} ± {error:.0e}"
    digits = min(max(digits, 0 if abs(value) >= 10 else 1), 4)
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def scaled(s: Summary) -> str:
    """A mean squared error in units of 1e-4."""
    return plain(s.mse * 1e4, s.mse_se * 1e4)


class Results:
    """The outcomes, asked by setting."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes

    def cells(self, experiment: str) -> list[tuple[str, str]]:
        found = {(s.model, s.covariates) for s in self.outcomes if s.experiment == experiment}
        models, cases = list(MODELS), list(COVARIATES)
        return sorted(found, key=lambda c: (models.index(c[0]), cases.index(c[1])))

    def values(self, experiment: str, name: str) -> list[int]:
        return sorted({getattr(s, name) for s in self.outcomes if s.experiment == experiment})

    def get(self, experiment: str, cell: tuple[str, str], **where: object) -> list[Outcome]:
        found = [
            o
            for s, o in self.outcomes.items()
            if (s.experiment, s.model, s.covariates) == (experiment, *cell)
            and all(getattr(s, name) == value for name, value in where.items())
        ]
        if len(found) != 1:
            raise LookupError(f"{len(found)} settings of {experiment}, {cell}, {where}")
        return found[0]

    # --- tables ---

    def by_rows(self) -> Table:
        rows = []
        for cell in self.cells("n"):
            for n in self.values("n", "n"):
                got = {m: self.get("n", cell, n=n, method=m) for m in METHODS}
                means = [scaled(summary(got[m])) for m in METHODS]
                pairs = [("D", "uniform"), ("T", "uniform"), ("D", "full"), ("T", "full")]
                ratios = [plain(*ratio(got[a], got[b])) for a, b in pairs]
                rows.append([*cell, f"{n:,}", str(len(got["D"])), *means, *ratios])
        head = ["model", "covariates", "n", "replicates", *METHODS]
        head += ["D/uniform", "T/uniform", "D/full", "T/full"]
        return Table("iboss_mse_n", "MSE of the slopes in 1e-4, k = k0 = 1000", head, rows)

    def first_and_last(self, table: Table) -> Table:
        """The part of `by_rows` with the smallest and the largest n."""
        kept = {f"{n:,}" for n in (self.values("n", "n")[0], self.values("n", "n")[-1])}
        rows = [row for row in table.rows if row[2] in kept]
        return Table("iboss_mse_ends", table.title + ", smallest and largest n", table.head, rows)

    def growth(self) -> Table:
        rows = []
        for cell in self.cells("n"):
            line = list(cell)
            for method in METHODS:
                points = {
                    n: summary(self.get("n", cell, n=n, method=method))
                    for n in self.values("n", "n")
                }
                line.append(plain(*exponent(points)))
            rows.append(line)
        head = ["model", "covariates", *METHODS]
        return Table("iboss_growth", "exponent a in MSE ~ n**a", head, rows)

    def efficiency(self) -> Table:
        """Information of a selected row, as a ratio to that of any row."""
        sizes = self.values("n", "n")
        sizes = [sizes[0], sizes[-1]]
        rows = []
        for cell in self.cells("n"):
            line = list(cell)
            for method in ("uniform", "D", "T"):
                for n in sizes:
                    both = [self.get("n", cell, n=n, method=m) for m in (method, "full")]
                    logs = np.array([a.log_det - b.log_det for a, b in zip(*both, strict=True)])
                    logs = logs[np.isfinite(logs)]
                    middle = np.exp(logs.mean())
                    line.append(plain(middle, middle * logs.std(ddof=1) / np.sqrt(len(logs))))
            rows.append(line)
        head = ["model", "covariates"]
        head += [f"{m}, n = {n:,}" for m in ("uniform", "D", "T") for n in sizes]
        title = "D-efficiency, (det(M_sub / k) / det(M_full / n))**(1 / 11), k = k0 = 1000"
        return Table("iboss_efficiency", title, head, rows)

    def coverage(self) -> Table:
        rows = []
        for cell in self.cells("n"):
            line = list(cell)
            for name, methods in (("covered", METHODS), ("intercept_covered", ("D", "T"))):
                for method in methods:
                    shares = [
                        getattr(o, name)
                        for n in self.values("n", "n")
                        for o in self.get("n", cell, n=n, method=method)
                    ]
                    values = 100 * np.array(shares)[np.isfinite(shares)]
                    error = values.std(ddof=1) / np.sqrt(len(values))
                    line.append(f"{values.mean():.1f} ± {error:.1f}")
            rows.append(line)
        head = ["model", "covariates", *METHODS, "D, intercept", "T, intercept"]
        title = "coverage in per cent of 95 % intervals, all n together"
        return Table("iboss_coverage", title, head, rows)

    def intercepts(self) -> Table:
        n = self.values("n", "n")[-1]
        rows = []
        for cell in self.cells("n"):
            got = {m: self.get("n", cell, n=n, method=m) for m in METHODS}
            line = [*cell]
            for method in METHODS:
                s = summary(got[method])
                line.append(plain(s.intercept * 1e4, s.intercept_se * 1e4))
            line += [plain(*ratio(got[m], got["uniform"], "intercept")) for m in ("D", "T")]
            adjusted = np.array([o.adjusted for o in got["D"]])
            error = adjusted.std(ddof=1) / np.sqrt(len(adjusted))
            rows.append([*line, plain(adjusted.mean() * 1e4, error * 1e4)])
        head = ["model", "covariates", *METHODS, "D/uniform", "T/uniform", "D, adjusted"]
        title = f"MSE of the intercept in 1e-4, n = {n:,}, k = k0 = 1000"
        return Table("iboss_intercept", title, head, rows)

    def by_k(self) -> Table:
        rows = []
        for cell in self.cells("k"):
            for k in self.values("k", "k"):
                got = {m: self.get("k", cell, k=k, method=m) for m in METHODS}
                means = [scaled(summary(got[m])) for m in METHODS]
                pairs = [("D", "uniform"), ("T", "uniform"), ("D", "full"), ("T", "full")]
                ratios = [plain(*ratio(got[a], got[b])) for a, b in pairs]
                rows.append([*cell, f"{k:,}", *means, *ratios])
        head = ["model", "covariates", "k", *METHODS]
        head += ["D/uniform", "T/uniform", "D/full", "T/full"]
        title = f"MSE of the slopes in 1e-4, n = {SWEPT_ROWS:,}, k0 = 1000"
        return Table("iboss_mse_k", title, head, rows)

    def gain_by_k(self) -> Table:
        """The ratios to uniform of `by_k`, for three k."""
        sizes = self.values("k", "k")
        sizes = [sizes[0], K, sizes[-1]]
        rows = []
        for cell in self.cells("k"):
            line = list(cell)
            for method in ("D", "T"):
                for k in sizes:
                    uniform = self.get("k", cell, k=k, method="uniform")
                    line.append(plain(*ratio(self.get("k", cell, k=k, method=method), uniform)))
            rows.append(line)
        head = ["model", "covariates", *(f"{m}, k = {k}" for m in ("D", "T") for k in sizes)]
        title = f"MSE of the slopes relative to uniform, n = {SWEPT_ROWS:,}, k0 = 1000"
        return Table("iboss_k_gain", title, head, rows)

    def by_pilot(self) -> Table:
        rows = []
        sizes = [k0 for k0 in self.values("k0", "k0") if k0]
        for cell in self.cells("k0"):
            for method in ("D", "T"):
                true = self.get("k0", cell, psi=TRUTH, method=method)
                line = [*cell, method, scaled(summary(true))]
                trouble = []
                for k0 in sizes:
                    got = self.get("k0", cell, k0=k0, method=method)
                    line.append(plain(*ratio(got, true)))
                    again, never = summary(got).retried, summary(got).given_up
                    trouble += [f"{k0}: {again}, {never}"] * bool(again or never)
                rows.append([*line, "; ".join(trouble) or "–"])
        head = ["model", "covariates", "method", "MSE, true Psi", *[f"k0 = {k0}" for k0 in sizes]]
        title = f"MSE of the slopes relative to Psi at the true parameters, n = {SWEPT_ROWS:,}"
        return Table("iboss_pilot", title, [*head, "pilots repeated, given up"], rows)

    def by_psi(self) -> Table:
        rows = []
        for cell in self.cells("psi"):
            for label in mistakes(*cell):
                line = [*cell, label]
                for method in ("D", "T"):
                    wrong = self.get("psi", cell, psi=label, method=method)
                    right = self.get("psi", cell, psi=RIGHT, method=method)
                    uniform = self.get("k", cell, k=K, method="uniform")
                    line += [plain(*ratio(wrong, right)), plain(*ratio(wrong, uniform))]
                s = summary(wrong)
                trouble = f"{s.retried}, {s.given_up}" if s.retried or s.given_up else "–"
                rows.append([*line, trouble])
        head = ["model", "covariates", "Psi", "D/D right", "D/uniform", "T/T right", "T/uniform"]
        title = f"MSE of the slopes with a wrong Psi, n = {SWEPT_ROWS:,}, k = k0 = 1000"
        return Table("iboss_wrong_psi", title, [*head, "pilots repeated, given up"], rows)

    def tables(self) -> list[Table]:
        every = self.by_rows()
        found = [every, self.first_and_last(every), self.growth(), self.coverage()]
        found += [self.intercepts(), self.efficiency()]
        if self.cells("k"):
            found += [self.by_k(), self.gain_by_k(), self.by_pilot(), self.by_psi()]
        return found

    def write(self, folder: Path) -> None:
        """Everything, one line a setting."""
        with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow([*Setting.__dataclass_fields__, *Summary.__dataclass_fields__])
            for setting in sorted(self.outcomes):
                numbers = vars(summary(self.outcomes[setting])).values()
                shown = [f"{x:.6g}" if isinstance(x, float) else str(x) for x in numbers]
                out.writerow([*vars(setting).values(), *shown])


# --- figures ----------------------------------------------------------------------------

COLOURS = {"full": "#555555", "uniform": "#0072b2", "D": "#d55e00", "T": "#009e73"}
MARKS = {"full": "x", "uniform": "s", "D": "o", "T": "^"}


def figures(results: Results, folder: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "iboss",
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.minor.size": 0,
            "ytick.minor.size": 0,
        }
    )
    curves(results, "n", folder / "iboss_mse_n.svg", "rows of the full data")
    if results.cells("k"):
        curves(results, "k", folder / "iboss_mse_k.svg", "rows of the subdata")
        pilots(results, folder / "iboss_pilot.svg")
        wrong_psis(results, folder / "iboss_wrong_psi.svg")


def _grid(cells: list[tuple[str, str]], width: float, height: float):
    """A panel for every cell: models below each other, covariates side by side."""
    import matplotlib.pyplot as plt

    models = list(dict.fromkeys(model for model, _ in cells))
    cases = [case for case in COVARIATES if any(case == c for _, c in cells)]
    shape = len(models), len(cases)
    size = width * shape[1], height * shape[0] + 0.4
    drawing, axes = plt.subplots(*shape, figsize=size, squeeze=False, layout="constrained")
    panels = {}
    for i, model in enumerate(models):
        for j, case in enumerate(cases):
            panels[model, case] = axes[i, j]
            if (model, case) not in cells:
                axes[i, j].set_visible(False)
            axes[i, j].set_title(f"{model}, {case}", fontsize=9)
    return drawing, panels


def _save(drawing, path: Path) -> None:
    import matplotlib.pyplot as plt

    drawing.savefig(path, metadata={"Date": None}, facecolor="white")
    plt.close(drawing)
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"(\.\d)\d+", r"\1", text)  # a tenth of a point is enough
    text = re.sub(r'(?<=<g) id="[^"]*"| clip-path="[^"]*"', "", text)  # nothing is cut off
    path.write_text(re.sub(r"\s*\n\s*", "\n", text), encoding="utf-8")


def _finish(drawing, panel, path: Path) -> None:
    handles, labels = panel.get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    _save(drawing, path)


def curves(results: Results, name: str, path: Path, label: str) -> None:
    """MSE against n or k on logarithmic axes, two standard errors to each side."""
    cells = results.cells(name)
    drawing, panels = _grid(cells, 2.1, 1.8)
    values = results.values(name, name)
    for cell in cells:
        panel = panels[cell]
        for method in METHODS:
            points = [
                summary(results.get(name, cell, method=method, **{name: value})) for value in values
            ]
            panel.errorbar(
                values,
                [s.mse for s in points],
                yerr=[min(2 * s.mse_se, 0.9 * s.mse) for s in points],
                color=COLOURS[method],
                marker=MARKS[method],
                markersize=3.5,
                linewidth=1,
                label=method,
            )
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.minorticks_off()
        if name == "k":
            panel.set_xticks(values, [str(v) for v in values], fontsize=7)
    drawing.supxlabel(label, fontsize=9)
    drawing.supylabel("mean squared error of the slopes", fontsize=9)
    _finish(drawing, panels[cells[0]], path)


def pilots(results: Results, path: Path) -> None:
    cells = results.cells("k0")
    drawing, panels = _grid(cells, 2.1, 1.8)
    sizes = [k0 for k0 in results.values("k0", "k0") if k0]
    for cell in cells:
        panel = panels[cell]
        for method in ("D", "T"):
            true = results.get("k0", cell, psi=TRUTH, method=method)
            points = [ratio(results.get("k0", cell, k0=k, method=method), true) for k in sizes]
            panel.errorbar(
                sizes,
                [r for r, _ in points],
                yerr=[2 * error for _, error in points],
                color=COLOURS[method],
                marker=MARKS[method],
                markersize=3.5,
                linewidth=1,
                label=method,
            )
        panel.axhline(1, color="#999999", linewidth=0.7)
        panel.set_xscale("log")
        panel.set_xticks(sizes, [str(k0) for k0 in sizes], fontsize=7)
        panel.minorticks_off()
    drawing.supxlabel("rows of the pilot", fontsize=9)
    drawing.supylabel("MSE / MSE with the true Psi", fontsize=9)
    _finish(drawing, panels[cells[0]], path)


def wrong_psis(results: Results, path: Path) -> None:
    """Ratios to the right Psi, a line for each mistake."""
    import matplotlib.pyplot as plt

    lines = [(cell, label) for cell in results.cells("psi") for label in mistakes(*cell)]
    drawing, panel = plt.subplots(figsize=(8, 0.24 * len(lines) + 1), layout="constrained")
    for shift, method in ((-0.12, "D"), (0.12, "T")):
        points = [
            ratio(
                results.get("psi", cell, psi=label, method=method),
                results.get("psi", cell, psi=RIGHT, method=method),
            )
            for cell, label in lines
        ]
        panel.errorbar(
            [r for r, _ in points],
            np.arange(len(lines)) + shift,
            xerr=[2 * error for _, error in points],
            color=COLOURS[method],
            marker=MARKS[method],
            markersize=4,
            linestyle="none",
            label=method,
        )
    panel.axvline(1, color="#999999", linewidth=0.7)
    panel.set_xscale("log")
    names = [f"{model}, {case}: {label}" for (model, case), label in lines]
    panel.set_yticks(np.arange(len(lines)), names)
    panel.invert_yaxis()
    ticks = [0.25, 0.5, 1, 2, 4, 8]
    panel.minorticks_off()
    panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    panel.grid(axis="y", color="#eeeeee", linewidth=0.5)
    panel.set_axisbelow(True)
    panel.set_xlabel("MSE of the slopes / MSE with the right Psi")
    panel.legend(frameon=False)
    _save(drawing, path)


# --- command ----------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few replicates, n up to 100,000")
    parser.add_argument("--replicates", type=int, help="at most so many for every n")
    parser.add_argument("--out", type=Path, help="folder of the tables and figures")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    most = options.replicates or (4 if options.quick else max(REPLICATES.values()))
    wanted = {n: min(most, r) for n, r in REPLICATES.items()}
    if options.quick:
        wanted = {n: r for n, r in wanted.items() if n <= SWEPT_ROWS}
    standard = Path("benchmark-data/iboss") if options.quick else HERE.parent / "docs/_static/iboss"
    out = options.out or standard
    out.mkdir(parents=True, exist_ok=True)
    print_header("IBOSS: mean squared errors", {"statsmodels_ooc", "statsmodels", "numpy"})
    begin = time.perf_counter()
    compare_with_statsmodels()
    sizes = (K // 2, K, 2 * K) if options.quick else SIZES
    results = Results(simulate(wanted, min(most, SWEPT_REPLICATES), sizes))
    results.write(out)
    for table in results.tables():
        table.write(out)
        table.show()
    figures(results, out)
    print()
    for setting, found in results.outcomes.items():
        if failed := summary(found).failed:
            print(f"{failed} of {len(found)} fits failed: {setting}")
    print(f"\n{(time.perf_counter() - begin) / 60:.1f} minutes; written to {out}")


if __name__ == "__main__":
    main()
