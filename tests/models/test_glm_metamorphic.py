"""What must not change a GLM: chunks, threads, starts, and other ways to write the same data."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import dask.config
import numpy as np
import pandas as pd
import pytest
from covering import turns
from hypothesis import given, settings
from hypothesis import strategies as st
from models.glm_cases import (
    BASE,
    BOTH,
    GAMMA,
    LOGIT,
    NORMAL,
    POISSON,
    Case,
    F,
    L,
    case,
    clumped,
    positive,
    successes,
    with_zeros,
)
from numpy.testing import assert_allclose, assert_array_equal
from tolerances import INVARIANT, SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

# How far apart two fits of one model may end: a thousand-millionth of a standard error.
SAME_OPTIMUM = 1e-9

INVERSE_GAUSSIAN = (F.InverseGaussian, L.Log(), positive, (0.2, 0.3, -0.2))
SPREAD: dict[str, Case] = {
    "poisson": case(*POISSON, extras={"offset": "o"}),
    "logit": case(*LOGIT),
    "probit, two columns": case(
        *(F.Binomial, L.Probit(), successes, (-0.3, 0.6, 0.4)), formula="s + f ~ x + z + g"
    ),
    "cauchy": case(F.Binomial, L.Cauchy(), successes, (-0.3, 0.8, 0.5), "s + f ~ x + z"),
    "gamma": case(*GAMMA, extras=BOTH),
    "gamma, inverse": case(F.Gamma, L.InversePower(), positive, (1.5, 0.3, -0.2)),
    "inverse Gaussian": case(*INVERSE_GAUSSIAN),
    "gaussian": case(*NORMAL, extras={"freq_weights": "fw"}),
    "negative binomial": case(*(F.NegativeBinomial, L.Log(), clumped, (0.5, 0.6, -0.4)), alpha=0.6),
    "tweedie": case(F.Tweedie, L.Log(), with_zeros, (0.5, 0.4, -0.3), var_power=1.5),
}
every = pytest.mark.parametrize("name", SPREAD)


@cache
def fitted(name: str) -> Any:
    return SPREAD[name].ours(chunked(SPREAD[name].data))


def same_optimum(ours: Any, other: Any) -> None:
    assert_allclose(ours.params / other.bse, other.params / other.bse, rtol=0, atol=SAME_OPTIMUM)
    assert_allclose(ours.bse, other.bse, rtol=INVARIANT)
    assert_allclose(ours.deviance, other.deviance, rtol=SOLVED)


def chunked(frame: pd.DataFrame, rows: int = 70) -> Any:
    return smo.as_source(frame, chunk_rows=rows)


# --- rows and weights


@every
def test_every_row_twice_is_a_frequency_of_two(name: str) -> None:
    one = SPREAD[name]
    frame = one.data.assign(fw=2.0 * one.data["fw"])
    twice = pd.concat([one.data, one.data])
    more = {**one.extras, "freq_weights": one.extras.get("freq_weights", "e * 0 + 2")}
    doubled = Case(one.formula, lambda: frame, one.family, more).ours(chunked(frame))
    repeated = one.ours(chunked(twice))
    same_optimum(repeated, doubled)
    for number in ("llf", "llnull", "null_deviance", "pearson_chi2", "scale", "df_resid"):
        assert_allclose(getattr(repeated, number), getattr(doubled, number), rtol=INVARIANT)
    assert repeated.nobs == 2 * doubled.nobs


# Each family and start has one of two tests.
STARTS = turns(("pilot", "statsmodels"), SPREAD, ("frequencies", "threads"))


@pytest.mark.parametrize(
    ("name", "start"), [(name, start) for name, of, start in STARTS if of == "frequencies"]
)
def test_a_frequency_of_zero_is_no_row(name: str, start: str) -> None:
    one = SPREAD[name]
    extras = {**one.extras, "freq_weights": "fw"}
    weighted = Case(one.formula, one.frame, one.family, extras)
    dropped = one.data[one.data["fw"] > 0]
    with_zero, without = (
        # Where statsmodels stops depends on its start, to which a row of weight zero adds.
        weighted.ours(chunked(frame), start=start, tol=1e-20)
        for frame in (one.data, dropped)
    )
    same_optimum(with_zero, without)
    for number in ("llf", "llnull", "null_deviance", "pearson_chi2", "scale", "df_resid"):
        assert_allclose(getattr(with_zero, number), getattr(without, number), rtol=INVARIANT)
    assert with_zero.nobs == len(one.data)
    assert without.nobs == len(dropped)


@pytest.mark.parametrize("link", [L.Logit(), L.Probit(), L.CLogLog()], ids=["l", "p", "c"])
def test_three_ways_to_write_successes(link: Any) -> None:
    frame = case(F.Binomial, link, successes, (-0.5, 0.8, 0.6)).data
    rows = [
        frame[["x", "z"]].loc[frame.index.repeat(frame[column])].assign(y=y)
        for column, y in (("s", 1.0), ("f", 0.0))
    ]
    two = smof.glm("s + f ~ x + z", chunked(frame), family=F.Binomial(link)).fit()
    shares = smof.glm(
        "y ~ x + z", chunked(frame), family=F.Binomial(link), var_weights="trials"
    ).fit()
    expanded = smof.glm("y ~ x + z", chunked(pd.concat(rows)), family=F.Binomial(link)).fit()
    for other in (shares, expanded):
        assert_allclose(other.params / two.bse, two.params / two.bse, rtol=0, atol=SAME_OPTIMUM)
        assert_allclose(other.bse, two.bse, rtol=INVARIANT)
    assert_allclose(shares.deviance, two.deviance, rtol=SOLVED)
    assert_allclose(expanded.deviance - two.deviance, expanded.null_deviance - two.null_deviance)


def test_an_exposure_is_an_offset_of_its_logarithm() -> None:
    exposure = case(*POISSON, extras={"exposure": "e"}).ours()
    same_optimum(exposure, case(*POISSON, extras={"offset": "np.log(e)"}).ours())


@every
def test_the_order_of_the_rows_does_not_matter(name: str) -> None:
    shuffled = SPREAD[name].data.sample(frac=1, random_state=4)
    same_optimum(SPREAD[name].ours(chunked(shuffled)), fitted(name))


def test_units_do_not_matter() -> None:
    one = case(*POISSON)
    scaled = one.data.assign(x=one.data["x"] * 1e6, z=one.data["z"] / 1e6)
    ours, other = one.ours(), one.ours(chunked(scaled))
    assert_allclose(other.tvalues, ours.tvalues, rtol=INVARIANT)


# --- chunks and threads


@st.composite
def cuts(draw: st.DrawFn) -> list[int]:
    """Ends of chunks anywhere; one drawn twice is an empty chunk."""
    n = len(BASE)
    ends = draw(st.lists(st.integers(0, n), max_size=8))
    if draw(st.booleans()):
        ends += [n - 1, 1]  # one-row chunks at both ends
    return [0, *sorted(ends), n]


@every
@settings(deadline=None, max_examples=5)
@given(ends=cuts())
def test_boundaries_do_not_matter(name: str, ends: list[int]) -> None:
    one, expected = SPREAD[name], fitted(name)
    pieces = [one.data.iloc[a:b] for a, b in pairwise(ends)]
    res = one.ours(smo.as_source(pieces))
    same_optimum(res, expected)
    for number in ("params", "llf", "llnull", "null_deviance", "pearson_chi2", "scale"):
        ours, theirs = getattr(res, number), getattr(expected, number)
        assert_allclose(ours, theirs, rtol=INVARIANT, err_msg=number)


@settings(deadline=None, max_examples=5)
@given(rows=st.integers(1, 250))
def test_block_sizes_do_not_matter(rows: int) -> None:
    with smo.options.set(block_rows=rows, frame_rows=max(rows // 2, 1)):
        res = SPREAD["logit"].ours(smo.as_source(SPREAD["logit"].data, chunk_rows=90))
    same_optimum(res, fitted("logit"))


@pytest.mark.parametrize(
    ("name", "start"), [(name, start) for name, of, start in STARTS if of == "threads"]
)
def test_threads_do_not_matter_to_the_bit(name: str, start: str) -> None:
    found = []
    for workers in (1, 4):
        with dask.config.set(scheduler="threads", num_workers=workers):
            res = SPREAD[name].ours(chunked(SPREAD[name].data, 25), start=start)
            found.append([res.params, res.bse, res.llf, res.null_deviance, res.pearson_chi2])
    for one, four in zip(*found, strict=True):
        assert_array_equal(one, four)


# --- the start


@every
def test_the_start_of_statsmodels_does_not_matter(name: str) -> None:
    same_optimum(
        SPREAD[name].ours(chunked(SPREAD[name].data), start="statsmodels", tol=1e-20), fitted(name)
    )


@every
def test_a_far_start_does_not_matter(name: str) -> None:
    res = fitted(name)
    away = np.asarray(res.params) + 2 * np.resize([1.0, -1.0], len(res.params)) * res.bse
    same_optimum(SPREAD[name].ours(chunked(SPREAD[name].data), start=np.asarray(away)), res)


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("name", ["poisson", "logit", "probit, two columns"])
def test_random_starts_do_not_matter(name: str, seed: int) -> None:
    res = fitted(name)
    start = np.random.default_rng(seed).normal(size=len(res.params))
    same_optimum(SPREAD[name].ours(chunked(SPREAD[name].data), start=start), res)


@every
def test_compression_does_not_matter(name: str) -> None:
    one = SPREAD[name]
    frame = one.data.assign(x=one.data["x"].round(0), z=one.data["z"].round(0))
    same_optimum(one.ours(chunked(frame), compress=True), one.ours(chunked(frame), compress=False))


@pytest.mark.parametrize("name", ["gamma", "cauchy"])
def test_start_params_and_start_say_the_same(name: str) -> None:
    start = np.asarray(fitted(name).params) * 0.9
    ours, other = SPREAD[name].ours(start=start), SPREAD[name].ours(start_params=start)
    assert_array_equal(ours.params, other.params)
