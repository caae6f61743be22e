"""Every read of the data is counted: partitions read are partitions in `passes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from models.pairs import FRAME
from models.test_members import (
    GLM_FORMULA,
    GLM_MODEL_FITS,
    GLM_MODEL_OURS,
    GLM_MODEL_PASS,
    GLM_MODEL_ROWS,
    GLM_MODEL_SAFE,
    GLM_RESULTS_OURS,
    GLM_RESULTS_PASS,
    GLM_RESULTS_ROWS,
    GLM_RESULTS_SAFE,
    LINEAR_OURS_ALONE,
    MODEL_OURS,
    MODEL_OURS_ALONE,
    MODEL_ROWS,
    MODEL_SAFE,
    OLS_OURS,
    OLS_RESULTS_OURS,
    OLS_RESULTS_PASS,
    OURS_ALONE,
    RESULTS_OURS,
    RESULTS_PASS,
    RESULTS_ROWS,
    RESULTS_SAFE,
)

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.sources.base import Recipe, Source

Call = Callable[[Any], Any]
PIECES = [FRAME[start : start + 40] for start in range(0, len(FRAME), 40)]
LOOKED_AT = len(PIECES)  # opening looks at the first rows, which are all that these have


class Piece(Recipe):
    """A partition that notes when it has been read."""

    nbytes = None

    def __init__(self, number: int, reads: list[int]) -> None:
        self.number, self.reads, self.rows = number, reads, len(PIECES[number])
        self.label = f"piece {number}"

    def frames(
        self, columns: Sequence[str], max_rows: int, encoded: Any = ()
    ) -> Iterator[pd.DataFrame]:
        rows = PIECES[self.number][list(columns)]
        yield from (rows[i : i + max_rows] for i in range(0, len(rows), max_rows))
        self.reads.append(self.number)


class Pieces(Source):
    """A table of three partitions, and which of them have been read."""

    name = "pieces"

    def __init__(self) -> None:
        self.reads: list[int] = []
        self._partitions = [Piece(number, self.reads) for number in range(len(PIECES))]

    @property
    def dtypes(self) -> Mapping[str, Any]:
        return dict(FRAME.dtypes)

    @property
    def partitions(self) -> Sequence[Any]:
        return self._partitions


@cache
def fitted(kind: str) -> tuple[Any, Pieces]:
    source = Pieces()
    if kind == "glm":
        return smof.glm(GLM_FORMULA, source, family=sm.families.Poisson()).fit(), source
    given = {"weights": "w"} if kind == "wls" else {}
    results = getattr(smof, kind)("y ~ a + C(g)", source, **given).fit()
    results.summary(slim=True)  # sets `diagn`, as it does in statsmodels
    return results, source


def recorded(found: Any) -> int:
    return sum(record.partitions for record in found.passes)


TABLES: dict[str, tuple[list[Mapping[str, Call]], list[Mapping[str, Call]]]] = {
    "ols": (
        [MODEL_SAFE, MODEL_OURS, MODEL_ROWS, OLS_OURS, MODEL_OURS_ALONE],
        [
            *(RESULTS_SAFE, RESULTS_OURS, RESULTS_ROWS, RESULTS_PASS),
            *(OLS_RESULTS_OURS, OLS_RESULTS_PASS, OURS_ALONE, LINEAR_OURS_ALONE),
        ],
    ),
    "wls": (
        [MODEL_SAFE, MODEL_OURS, MODEL_ROWS, MODEL_OURS_ALONE],
        [
            *(RESULTS_SAFE, RESULTS_OURS, RESULTS_ROWS, RESULTS_PASS),
            *(OLS_RESULTS_OURS, OLS_RESULTS_PASS, OURS_ALONE, LINEAR_OURS_ALONE),
        ],
    ),
    "glm": (
        [GLM_MODEL_SAFE, GLM_MODEL_OURS, GLM_MODEL_ROWS, GLM_MODEL_PASS, GLM_MODEL_FITS],
        [GLM_RESULTS_SAFE, GLM_RESULTS_OURS, GLM_RESULTS_ROWS, GLM_RESULTS_PASS, OURS_ALONE],
    ),
}
# Another model is needed: its reads are its own.
OF_TWO_MODELS = {"compare_f_test", "compare_lm_test", "compare_lr_test"}
CASES = [
    pytest.param(*(kind, side, name, call), id=f"{kind} {side} {name}")
    for kind, sides in TABLES.items()
    for side, tables in zip(("model", "results"), sides, strict=True)
    for table in tables
    for name, call in table.items()
    if name not in OF_TWO_MODELS
]


@pytest.mark.parametrize(("kind", "side", "name", "call"), CASES)
def test_what_is_read_is_recorded(kind: str, side: str, name: str, call: Call) -> None:
    results, source = fitted.__wrapped__(kind) if name == "initialize" else fitted(kind)
    before = len(source.reads) - recorded(results)
    call(results if side == "results" else results.model)
    assert before == LOOKED_AT
    assert len(source.reads) - recorded(results) == before


SELECTIONS: dict[str, Call] = {
    "fit": lambda s: s.fit(),
    "head": lambda s: s.head(),
    "summary": lambda s: s.summary(),
    "plot": lambda s: s.plot(),
    "adjusted_intercept": lambda s: s.adjusted_intercept(),
    "efficiency": lambda s: s.efficiency(),
}


@pytest.mark.parametrize("family", [None, sm.families.Binomial()], ids=["linear", "logit"])
def test_what_a_selection_reads_is_recorded(family: Any) -> None:
    source = Pieces()
    chosen = smo.IBOSS(20, "D" if family is None else "T", 30, family=family)
    found = chosen.select("I(1.0 * (y > 2)) ~ a + b", source)
    assert len(source.reads) == LOOKED_AT + recorded(found)
    for name, call in SELECTIONS.items():
        if family is None or name != "adjusted_intercept":
            call(found)
            assert len(source.reads) == LOOKED_AT + recorded(found), name


def test_a_table_of_pieces_is_one() -> None:
    whole = pd.concat(list(Pieces().frames()))
    np.testing.assert_array_equal(whole["y"], FRAME["y"])


@pytest.mark.parametrize("kind", ["ols", "glm"])
def test_lazy_answers_are_recorded_when_they_are_computed(kind: str) -> None:
    results, source = fitted.__wrapped__(kind)
    lazy = results.lazy.fittedvalues
    before, reads = len(results.passes), len(source.reads)
    assert lazy.origin is not None
    assert len(source.reads) == reads
    lazy.compute()
    lazy.sum().compute()
    lazy[:5].compute()
    found = [(record.name, record.partitions) for record in results.passes[before:]]
    assert found == [("lazy answer", 3), ("lazy answer", 3), ("lazy answer", 1)]
    assert len(source.reads) == reads + 7
    assert len(source.reads) - recorded(results) == LOOKED_AT


INFLUENCE: dict[str, Call] = {
    "a column": lambda i: i.hat_matrix_diag,
    "of coefficients": lambda i: i.dfbetas,
    "summary_frame": lambda i: i.summary_frame(),
    "lazy": lambda i: i.lazy.cooks_distance[0].compute(),
    "plot_index": lambda i: i.plot_index(),
}


@pytest.mark.parametrize("kind", ["ols", "wls", "glm"])
@pytest.mark.parametrize("name", INFLUENCE)
def test_what_measures_of_influence_read_is_recorded(kind: str, name: str) -> None:
    results, source = fitted.__wrapped__(kind)
    INFLUENCE[name](results.get_influence())
    assert len(source.reads) - recorded(results) == LOOKED_AT


READ_ONCE: dict[str, Call] = {
    "score_test": lambda r: r.score_test(exog_extra=np.arange(float(r.nobs)) ** 2),
    "model.score_test": lambda r: r.model.score_test(
        r.params, exog_extra=np.arange(float(r.nobs)) ** 2
    ),
    "loglike_mu": lambda r: r.model.loglike_mu(np.ones(r.nobs)),
    "predict": lambda r: r.predict(offset=np.ones(r.nobs)),
    "get_prediction": lambda r: r.get_prediction(offset=np.ones(r.nobs)),
    "average": lambda r: r.get_prediction(which="mean", average=True),
    "write_rows": lambda r: r.write_rows("rows.csv", "mu", keep=["g"], overwrite=True),
    "rows of new data": lambda r: r.write_rows(
        "rows.csv", "mean", data=r.model.likelihood.stream.whole_source, overwrite=True
    ),
    "new data": lambda r: r.predict(r.model.likelihood.stream.whole_source),
    "intervals of new data": lambda r: r.get_prediction(r.model.likelihood.stream.whole_source),
}


@pytest.mark.parametrize("name", READ_ONCE)
def test_what_costs_one_reading(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results, source = fitted.__wrapped__("glm")
    before, reads = len(results.passes), len(source.reads)
    READ_ONCE[name](results)
    assert [record.partitions for record in results.passes[before:]] == [len(PIECES)]
    assert len(source.reads) == reads + len(PIECES)
