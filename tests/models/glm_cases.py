"""Generalised linear models fitted in pieces, each beside statsmodels' own fit in memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from models.pairs import Pair
from statsmodels import datasets
from statsmodels.tools.sm_exceptions import DomainWarning

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

ROWS = 80  # of a chunk: two of these, and a rest

F, L = sm.families, sm.families.links

# statsmodels stops when two deviances are close, and its covariance has the weights of the
# step before: its parameters are some 1e-9 off and its standard errors up to 1e-5. Numbers
# are compared with its fit iterated until the parameters stand still.
TIGHT: dict[str, Any] = {"tol_criterion": "params", "tol": 1e-15, "rtol": 1e-11, "maxiter": 300}


def family(kind: Any, *args: Any, **kwargs: Any) -> Any:
    """A family, whatever its link does to the domain."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DomainWarning)
        return kind(*args, **kwargs)


@dataclass(frozen=True)
class Case:
    """A model, its data, and how to fit it."""

    formula: str
    frame: Callable[[], pd.DataFrame]
    family: Callable[[], Any]
    extras: dict[str, str] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def data(self) -> pd.DataFrame:
        return self.frame()

    def ours(self, source: Any = None, rows: int = ROWS, **fit: Any) -> Any:
        source = smo.as_source(self.data, chunk_rows=rows) if source is None else source
        return self.model(source).fit(**{**self.fit, **fit})

    def model(self, source: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DomainWarning)
            return smof.glm(self.formula, source, family=self.family(), **self.extras)

    def theirs(self, data: pd.DataFrame | None = None, **fit: Any) -> Any:
        data = self.data if data is None else data
        extras = {role: data.eval(name) for role, name in self.extras.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DomainWarning)
            model = smf.glm(self.formula, data, family=self.family(), **extras)
        with np.errstate(all="ignore"):  # its own zeros times logarithms of zero
            res = model.fit(**{**self.fit, **fit})
            _ = res.deviance, res.null_deviance, res.llf, res.llnull, res.pearson_chi2
        return res


def make_frame(n: int = 211) -> pd.DataFrame:
    rng = np.random.default_rng(31)
    return pd.DataFrame(
        {
            "x": rng.uniform(-1, 1, n),
            "z": rng.uniform(-1, 1, n),
            "g": rng.choice(["u", "v", "w"], n),
            "e": rng.uniform(0.5, 3, n),
            "o": rng.uniform(-0.3, 0.3, n),
            "fw": rng.integers(0, 4, n).astype(float),
            "vw": rng.uniform(0.5, 2, n),
            "trials": rng.integers(1, 12, n),
        }
    )


BASE = make_frame()


def predictor(b0: float, b1: float, b2: float) -> Any:
    return b0 + b1 * BASE["x"] + b2 * BASE["z"] + 0.05 * (BASE["g"] == "v")


def drawn(draw: Callable[[Any, Any], Any], link: Any, *betas: float) -> pd.DataFrame:
    """The frame with responses around the means that a link makes of a predictor."""
    mu = np.asarray(link.inverse(np.asarray(predictor(*betas))))
    rng = np.random.default_rng(7)
    return BASE.assign(**draw(rng, mu))


def binary(rng: Any, mu: Any) -> dict[str, Any]:
    return {"y": (rng.uniform(size=len(mu)) < mu).astype(float)}


def successes(rng: Any, mu: Any) -> dict[str, Any]:
    s = rng.binomial(BASE["trials"], mu)
    return {"s": s, "f": BASE["trials"] - s, "y": s / BASE["trials"]}


def counts(rng: Any, mu: Any) -> dict[str, Any]:
    return {"y": rng.poisson(mu)}


def clumped(rng: Any, mu: Any) -> dict[str, Any]:
    return {"y": rng.poisson(mu * rng.gamma(2.0, 0.5, len(mu)))}


def positive(rng: Any, mu: Any) -> dict[str, Any]:
    return {"y": rng.gamma(6.0, mu / 6.0)}


def with_zeros(rng: Any, mu: Any) -> dict[str, Any]:
    return {"y": rng.gamma(2.0, mu) * (rng.uniform(size=len(mu)) > 0.3)}


def normal(rng: Any, mu: Any) -> dict[str, Any]:
    return {"y": mu + 0.2 * rng.normal(size=len(mu))}


def case(
    kind: Any,
    link: Any,
    draw: Any,
    betas: tuple[float, float, float],
    formula: str = "y ~ x + z + g",
    extras: dict[str, str] | None = None,
    fit: dict[str, Any] | None = None,
    **options: Any,
) -> Case:
    return Case(
        formula,
        lambda: drawn(draw, link, *betas),
        lambda: family(kind, link, **options),
        extras or {},
        fit or {},
    )


BINOMIAL = {
    "Logit": (L.Logit(), (-0.5, 0.8, 0.6)),
    "Probit": (L.Probit(), (-0.3, 0.6, 0.4)),
    "Cauchy": (L.Cauchy(), (-0.3, 0.8, 0.5)),
    "Log": (L.Log(), (-1.4, 0.4, 0.3)),
    "LogC": (L.LogC(), (-1.4, 0.4, 0.3)),
    "CLogLog": (L.CLogLog(), (-0.5, 0.6, 0.4)),
    "LogLog": (L.LogLog(), (0.3, 0.6, 0.4)),
    "Identity": (L.Identity(), (0.5, 0.15, 0.1)),
}
OTHERS: dict[str, tuple[Any, Any, Any, tuple[float, float, float], dict[str, Any]]] = {
    "Gaussian Identity": (F.Gaussian, L.Identity(), normal, (1.0, 0.5, -0.5), {}),
    "Gaussian Log": (F.Gaussian, L.Log(), normal, (1.0, 0.3, -0.2), {}),
    "Gaussian InversePower": (F.Gaussian, L.InversePower(), normal, (0.7, 0.15, -0.1), {}),
    "Poisson Log": (F.Poisson, L.Log(), counts, (0.5, 0.6, -0.4), {}),
    "Poisson Identity": (F.Poisson, L.Identity(), counts, (6.0, 1.0, -0.8), {}),
    "Poisson Sqrt": (F.Poisson, L.Sqrt(), counts, (2.0, 0.4, -0.3), {}),
    "Gamma Log": (F.Gamma, L.Log(), positive, (0.5, 0.6, -0.4), {}),
    "Gamma Identity": (F.Gamma, L.Identity(), positive, (4.0, 0.7, -0.5), {}),
    "Gamma InversePower": (F.Gamma, L.InversePower(), positive, (1.5, 0.3, -0.2), {}),
    "InverseGaussian Log": (F.InverseGaussian, L.Log(), positive, (0.2, 0.3, -0.2), {}),
    "InverseGaussian Identity": (F.InverseGaussian, L.Identity(), positive, (3.0, 0.4, -0.3), {}),
    "InverseGaussian InversePower": (
        *(F.InverseGaussian, L.InversePower(), positive, (1.5, 0.2, -0.1)),
        {},
    ),
    "InverseGaussian InverseSquared": (
        *(F.InverseGaussian, L.InverseSquared(), positive, (1.5, 0.3, -0.2)),
        {},
    ),
    "NegativeBinomial Log": (
        F.NegativeBinomial,
        L.Log(),
        clumped,
        (0.5, 0.6, -0.4),
        {"alpha": 0.6},
    ),
    "NegativeBinomial Identity": (
        *(F.NegativeBinomial, L.Identity(), clumped, (6.0, 1.0, -0.8)),
        {"alpha": 0.4},
    ),
    "NegativeBinomial NegativeBinomial": (
        *(F.NegativeBinomial, L.NegativeBinomial(alpha=0.5), clumped, (-0.7, 0.2, -0.1)),
        {"alpha": 0.5},
    ),
    "NegativeBinomial Power": (
        *(F.NegativeBinomial, L.Power(0.5), clumped, (2.0, 0.3, -0.2)),
        {"alpha": 0.5},
    ),
    "Tweedie 1.5": (F.Tweedie, L.Log(), with_zeros, (0.5, 0.4, -0.3), {"var_power": 1.5}),
    "Tweedie Power": (F.Tweedie, L.Power(0.5), with_zeros, (2.0, 0.2, -0.2), {"var_power": 1.3}),
    "Tweedie eql": (
        *(F.Tweedie, L.Log(), positive, (0.5, 0.4, -0.3)),
        {"var_power": 1.5, "eql": True},
    ),
    "Tweedie 1": (F.Tweedie, L.Log(), counts, (0.5, 0.4, -0.3), {"var_power": 1}),
    "Tweedie 2": (F.Tweedie, L.Log(), positive, (0.5, 0.4, -0.3), {"var_power": 2}),
}


def linked_cases() -> dict[str, Case]:
    found = {}
    for name, (link, betas) in BINOMIAL.items():
        found[f"Binomial {name}, binary"] = case(F.Binomial, link, binary, betas)
        found[f"Binomial {name}, two columns"] = case(
            F.Binomial, link, successes, betas, "s + f ~ x + z + g"
        )
    for name, (kind, link, draw, betas, options) in OTHERS.items():
        found[name] = case(kind, link, draw, betas, **options)
    return found


POISSON = (F.Poisson, L.Log(), counts, (0.5, 0.6, -0.4))
GAMMA = (F.Gamma, L.Log(), positive, (0.5, 0.6, -0.4))
LOGIT = (F.Binomial, L.Logit(), binary, (-0.5, 0.8, 0.6))
NORMAL = (F.Gaussian, L.Identity(), normal, (1.0, 0.5, -0.5))
BOTH = {"freq_weights": "fw", "var_weights": "vw"}


def weighted_cases() -> dict[str, Case]:
    return {
        "exposure": case(*POISSON, extras={"exposure": "e"}),
        "offset": case(*POISSON, extras={"offset": "o"}),
        "offset, an expression": case(*POISSON, extras={"offset": "o * 2 + 1"}),
        "offset and exposure": case(*POISSON, extras={"offset": "o", "exposure": "e"}),
        "offset, weights": case(*POISSON, extras={"offset": "o", **BOTH}),
        "no constant, offset": case(*POISSON, formula="y ~ 0 + x + z", extras={"offset": "o"}),
        "implicit constant": case(*LOGIT, formula="y ~ 0 + g + x"),
        "no constant": case(*LOGIT, formula="y ~ 0 + x + z"),
        "only a constant": case(*POISSON, formula="y ~ 1"),
        "logit, offset": case(*LOGIT, extras={"offset": "o"}),
        "logit, frequencies": case(*LOGIT, extras={"freq_weights": "fw"}),
        "gaussian, offset": case(*NORMAL, extras={"offset": "o"}),
        "gaussian, both weights": case(*NORMAL, extras=BOTH),
        "gamma, offset": case(*GAMMA, extras={"offset": "o"}),
        "gamma, frequencies": case(*GAMMA, extras={"freq_weights": "fw"}),
        "gamma, variances": case(*GAMMA, extras={"var_weights": "vw"}),
        "gamma, both weights": case(*GAMMA, extras=BOTH),
        "proportions": case(
            *(F.Binomial, L.Logit(), successes, (-0.5, 0.8, 0.6)),
            extras={"var_weights": "trials"},
        ),
        "two columns, frequencies": case(
            *(F.Binomial, L.Probit(), successes, (-0.5, 0.8, 0.6)),
            formula="s + f ~ x * g + z",
            extras={"freq_weights": "fw + 1"},
        ),
        "negative binomial, offset": case(
            *(F.NegativeBinomial, L.Log(), clumped, (0.5, 0.6, -0.4)),
            extras={"offset": "o"},
            alpha=0.6,
        ),
        "inverse Gaussian, both weights": case(
            *(F.InverseGaussian, L.Log(), positive, (0.2, 0.3, -0.2)),
            extras={"freq_weights": "fw + 1", "var_weights": "vw"},
        ),
        "tweedie, variances": case(
            *(F.Tweedie, L.Log(), with_zeros, (0.5, 0.4, -0.3)),
            extras={"var_weights": "vw"},
            var_power=1.5,
        ),
        "tweedie, frequencies": case(
            *(F.Tweedie, L.Log(), with_zeros, (0.5, 0.4, -0.3)),
            extras={"freq_weights": "fw"},
            var_power=1.5,
        ),
        "scale X2": case(*POISSON, fit={"scale": "X2"}),
        "scale dev": case(*POISSON, fit={"scale": "dev"}),
        "scale a number": case(*POISSON, fit={"scale": 1.7}),
        "gamma, scale dev": case(*GAMMA, fit={"scale": "dev"}),
        "gamma, scale a number": case(*GAMMA, fit={"scale": 0.3}),
        "gaussian, scale dev": case(*NORMAL, fit={"scale": "dev"}),
        "scale X2, both weights": case(*POISSON, extras=BOTH, fit={"scale": "X2"}),
        "eim": case(*POISSON, fit={"cov_type": "eim"}),
        "use_t": case(*GAMMA, fit={"use_t": True}),
    }


def load(name: str) -> pd.DataFrame:
    frame: pd.DataFrame = getattr(datasets, name).load_pandas().data
    return frame


def numbers(name: str, formula: str, kind: Any, **extras: str) -> Case:
    return Case(formula, lambda: load(name).iloc[:300], kind, extras)


def lagged() -> pd.DataFrame:
    spots = load("sunspots")["SUNACTIVITY"]
    return pd.DataFrame({"y": spots, "one": spots.shift(1), "two": spots.shift(2)}).dropna()


def committees() -> pd.DataFrame:
    return load("committee").rename(columns=str.lower)


def dataset_cases() -> dict[str, Case]:
    return {
        "star98": numbers(
            "star98",
            "NABOVE + NBELOW ~ LOWINC + PERASIAN + PERBLACK + PERHISP + PCTCHRT + PCTYRRND"
            " + PERMINTE * AVYRSEXP * AVSALK + PERSPENK * PTRATIO * PCTAF",
            F.Binomial,
        ),
        "scotland": numbers(
            "scotland", "YES ~ COUTAX * UNEMPF + MOR + ACT + GDP + AGE", lambda: F.Gamma(L.Log())
        ),
        "scotland, inverse": numbers("scotland", "YES ~ COUTAX + UNEMPF + AGE", F.Gamma),
        "cpunish": numbers(
            "cpunish",
            "EXECUTIONS ~ INCOME + PERPOVERTY + PERBLACK + np.log(VC100k96) + SOUTH + DEGREE",
            F.Poisson,
        ),
        "fair": numbers(
            "fair", "affairs ~ rate_marriage + age + C(religious)", lambda: F.Tweedie(var_power=1.5)
        ),
        "fair, any": numbers(
            "fair", "np.minimum(affairs, 1) ~ rate_marriage + age + yrs_married", F.Binomial
        ),
        "randhie": numbers(
            "randhie", "mdvis ~ lncoins + idp + lpi + fmde + physlm + disea", F.Poisson
        ),
        "randhie, clumped": numbers(
            "randhie", "mdvis ~ lncoins + C(idp) + disea", lambda: F.NegativeBinomial(alpha=1.5)
        ),
        "stackloss": numbers(
            "stackloss", "STACKLOSS ~ AIRFLOW + WATERTEMP + ACIDCONC", lambda: F.Gamma(L.Log())
        ),
        "longley": numbers("longley", "TOTEMP ~ GNPDEFL + GNP + UNEMP + ARMED + POP", F.Gaussian),
        "spector": numbers("spector", "GRADE ~ GPA + TUCE + PSI", F.Binomial),
        "spector, probit": numbers(
            "spector", "GRADE ~ GPA + TUCE + PSI", lambda: F.Binomial(L.Probit())
        ),
        "engel": numbers("engel", "foodexp ~ np.log(income)", lambda: F.InverseGaussian(L.Log())),
        "statecrime": numbers(
            "statecrime", "murder ~ urban + poverty + hs_grad", lambda: F.Gamma(L.Log())
        ),
        "copper": numbers(
            "copper", "WORLDCONSUMPTION ~ COPPERPRICE + INCOMEINDEX + TIME", F.Gaussian
        ),
        "sunspots": Case(
            "y ~ np.log1p(one) + np.log1p(two)", lagged, lambda: F.Tweedie(var_power=1.2)
        ),
        "committee": Case(
            "bills104 ~ size + subs + staff + prestige",
            committees,
            lambda: F.NegativeBinomial(alpha=0.5),
        ),
        "committee, exposure": Case(
            "bills104 ~ subs + staff + prestige", committees, F.Poisson, {"exposure": "size"}
        ),
        "anes96": numbers("anes96", "vote ~ logpopul + selfLR + age + educ", F.Binomial),
        "ccard": numbers("ccard", "I(AVGEXP + 1) ~ AGE + INCOME", lambda: F.Gamma(L.Log())),
        "modechoice": numbers(
            "modechoice", "choice ~ ttme + invc + invt", lambda: F.Binomial(L.CLogLog())
        ),
    }


CASES: dict[str, Case] = {**linked_cases(), **weighted_cases(), **dataset_cases()}


@cache
def tight_pair(name: str, rows: int = ROWS) -> Pair:
    """In pieces from the pilot, and in memory until nothing moves."""
    return Pair(CASES[name].ours(rows=rows), CASES[name].theirs(**TIGHT))


@cache
def literal_pair(name: str, rows: int = ROWS) -> Pair:
    """Both from the start of statsmodels, to where statsmodels stops."""
    return Pair(CASES[name].ours(rows=rows, start="statsmodels"), CASES[name].theirs())
