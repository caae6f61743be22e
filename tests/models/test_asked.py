"""What rows have told: how long it is kept, and what outlives the rows."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from models.pairs import FRAME
from numpy.testing import assert_array_equal

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine import MemoryRows
from statsmodels_ooc.errors import DesignError
from statsmodels_ooc.likelihoods.base import Asked, Question
from statsmodels_ooc.reductions.base import Reduction


class Nothing(Reduction[int]):
    def init(self) -> int:
        return 0

    def update(self, state: int, block: Any) -> int:
        return state

    def merge(self, left: int, right: int) -> int:
        return left + right


def test_the_last_answers_of_a_kind_are_kept_and_others_for_good() -> None:
    asked = Asked(MemoryRows(list, 0), kept=2)
    for i in range(5):
        asked.ask(Question("pass", ("kind", i), Nothing()), Question("pass", f"own {i}", Nothing()))
        asked.once(("other", i), lambda: 1)
    assert list(asked.kind("kind")) == [("kind", 3), ("kind", 4)]
    assert list(asked.kind("other")) == [("other", 3), ("other", 4)]
    assert {f"own {i}" for i in range(5)} <= set(asked.answers)


def test_more_questions_of_a_kind_than_are_kept_have_their_answers() -> None:
    asked = Asked(MemoryRows(list, 0), kept=2)
    questions = [Question("pass", ("kind", i), Nothing(), lambda s, i=i: i) for i in range(4)]
    assert asked.ask(*questions) == (0, 1, 2, 3)


def test_what_is_refused_has_no_answer() -> None:
    def refuse(state: int) -> int:
        raise DesignError("no")

    asked = Asked(MemoryRows(list, 0))
    for _ in range(2):
        with pytest.raises(DesignError):
            asked.ask(
                Question("pass", "known", Nothing()), Question("pass", "x", Nothing(), refuse)
            )
    assert set(asked.answers) == {"known"}


def repeated() -> Any:
    frame = pd.DataFrame({"g": list("abcd") * 50, "y": np.arange(200) % 3 % 2})
    return smof.glm("y ~ g", smo.as_source(frame, chunk_rows=30), family=sm.families.Binomial())


def test_robust_covariances_of_distinct_rows_outlive_them() -> None:
    res = repeated().fit()
    known = res.cov_HC0
    passes = len(res.passes)
    again = pickle.loads(pickle.dumps(res))
    assert_array_equal(again.cov_HC0, known)
    res.remove_data()
    assert_array_equal(res.cov_HC0, known)
    assert len(res.passes) == passes


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_start_that_does_not_exist_is_named() -> None:
    frame = pd.DataFrame({"y": [0.0, 0, 0, 0], "x": [1.0, 2, 4, 3]})
    family = sm.families.Gaussian(sm.families.links.InversePower())
    model = smof.glm("y ~ x", smo.as_source(frame, chunk_rows=2), family=family)
    for _ in range(2):
        with pytest.raises(DesignError, match="start"):
            _ = model.df_model


def test_penalised_fits_in_threads_do_not_disturb_one_another() -> None:
    model = smof.glm("count ~ a + b", smo.as_source(counts(), chunk_rows=40), family=POISSON)
    expected = [model.fit_regularized(alpha=a).params for a in ALPHAS]
    found: dict[float, Any] = {}

    def fit(alpha: float) -> None:
        found[alpha] = model.fit_regularized(alpha=alpha).params

    threads = [threading.Thread(target=fit, args=(alpha,)) for alpha in ALPHAS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for alpha, params in zip(ALPHAS, expected, strict=True):
        np.testing.assert_allclose(found[alpha], params, rtol=1e-6, atol=1e-8)


POISSON = sm.families.Poisson()
ALPHAS = [0.01, 0.02, 0.05, 0.1]


def counts() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return FRAME.assign(count=rng.poisson(np.exp(0.3 * FRAME["a"])))
