"""The laws that every reduction must obey, proven once for all of them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import reduce
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import SUMS

import statsmodels_ooc
from statsmodels_ooc.blocks.block import Dense, Extras, Lost
from statsmodels_ooc.design.labels import keys_of
from statsmodels_ooc.design.levels import LevelScan
from statsmodels_ooc.diagnostics.rows import LaggedResiduals, Plain, Standard, WhiteRows
from statsmodels_ooc.families.kernels import kernel_of
from statsmodels_ooc.reductions.autocovariance import Autocovariance
from statsmodels_ooc.reductions.auxiliary import Auxiliary, Lagged
from statsmodels_ooc.reductions.axes import Axes
from statsmodels_ooc.reductions.base import Additive, Reduction, Together, added
from statsmodels_ooc.reductions.between import Between
from statsmodels_ooc.reductions.closing import ClusterScores, CountedScores, FirstRow, LeftOut
from statsmodels_ooc.reductions.cluster import ClusterState, ClusterSums, added_up
from statsmodels_ooc.reductions.cumulative import CumulatedScores, Cusum
from statsmodels_ooc.reductions.distinct import DistinctRows, DistinctState
from statsmodels_ooc.reductions.exact import ExactMoments, Means
from statsmodels_ooc.reductions.facts import Extremes, Fingerprint, FingerprintState, RowFacts
from statsmodels_ooc.reductions.gap import Gap
from statsmodels_ooc.reductions.glm_meat import ObservedInformation, ScoreMeat
from statsmodels_ooc.reductions.kernel import KernelMeat, KernelState
from statsmodels_ooc.reductions.largest import LargestRows, Scores
from statsmodels_ooc.reductions.least_squares import Moments, Triangle, TriangleState
from statsmodels_ooc.reductions.left_out import SumsWithout
from statsmodels_ooc.reductions.leverage import LeverageOne
from statsmodels_ooc.reductions.loglike import GivenMeans, LogLike, PowerSums
from statsmodels_ooc.reductions.lost import LostRows
from statsmodels_ooc.reductions.margins import ColumnFacts, MarginalEffects
from statsmodels_ooc.reductions.periods import PeriodSums
from statsmodels_ooc.reductions.predictions import AveragePrediction
from statsmodels_ooc.reductions.recession import Recession
from statsmodels_ooc.reductions.recursive import (
    OfPartitions,
    PartitionsState,
    RecursiveResiduals,
)
from statsmodels_ooc.reductions.residuals import ResidualMoments
from statsmodels_ooc.reductions.responses import (
    DevianceAbout,
    ImpossibleResponses,
    NullScoring,
    Responses,
)
from statsmodels_ooc.reductions.sandwich import GLMScores, LinearScores, WhiteMeat
from statsmodels_ooc.reductions.score_test import ScoreTestSums
from statsmodels_ooc.reductions.scoring import Remainder, Scoring
from statsmodels_ooc.selection.candidates import Candidates
from statsmodels_ooc.selection.carried import Numbering, RawBlock
from statsmodels_ooc.selection.criteria import deal
from statsmodels_ooc.selection.efficiency import InformationSums
from statsmodels_ooc.selection.histograms import Histograms
from statsmodels_ooc.selection.ordering import TIES, Order
from statsmodels_ooc.selection.pool import Gather
from statsmodels_ooc.selection.scorers import Informative, Psi, Uniform


@dataclass(frozen=True)
class Sizes:
    """Rank rows by the size of the first column, and keep the design; some are alone, or NaN."""

    width: int = 3

    def scores(self, block: Any) -> Scores:
        x, y = block.dense()[:, 0], block.endog
        return Scores(np.where(y > 1, np.nan, np.abs(x)), y > 1, y < -1)

    def kept(self, block: Any) -> np.ndarray:
        return block.dense()


K = 3
POISSON = kernel_of(sm.families.Poisson())
ANY = kernel_of(sm.families.Gaussian(sm.families.links.Log()))  # takes every response
NEAR = np.array([0.05, -0.1, 0.02])
FAR = Axes(np.eye(K)[:, :2], np.array([0.0, 3.0, 0.0]))
SMALL = Axes(np.eye(K)[:, :2] / 20, np.array([0.0, 3.0, 0.0]))
ONES = LeverageOne(SMALL.root, np.full(K, 1e-9))
SCORES = LinearScores(np.array([0.5, -1.0, 2.0]), FAR)


class NoShelf:
    """Where nothing is put."""

    def put(self, keys: Any, sums: Any) -> str:
        raise AssertionError("there is room")


NO_SHELF = NoShelf()
REDUCTIONS: dict[str, Reduction[Any]] = {
    "triangle": Triangle(K),
    "moments": Moments(K),
    "facts of the rows": RowFacts(K),
    "fingerprint": Fingerprint(encoded=True),
    "residual moments": ResidualMoments(np.array([0.5, -1.0, 2.0])),
    "white meat": WhiteMeat(SCORES, SMALL, ONES),
    "white meat, GLM": WhiteMeat(GLMScores(ANY, NEAR), SMALL, ONES),
    "scores of clusters": ClusterSums(ClusterScores(SCORES, FAR), (("groups",),), 100, NO_SHELF),
    "scores of clusters, GLM": ClusterSums(
        ClusterScores(GLMScores(ANY, NEAR), FAR),
        (("groups",), ("more groups",), ("groups", "more groups")),
        100,
        NO_SHELF,
    ),
    "first row of a cluster": FirstRow("in order", keys_of(np.array([101]))),
    "counted clusters": ClusterSums(CountedScores(SCORES, FAR), (("groups",),), 100, NO_SHELF),
    "counted HAC": KernelMeat(SCORES, FAR, np.array([1.0, 0.7, 0.5]), is_counted=True),
    "clusters left out": ClusterSums(LeftOut(SCORES, SMALL), (("groups",),), 100, NO_SHELF),
    "clusters in order": ClusterSums(ClusterScores(SCORES, FAR), (("in order",),), 8, NO_SHELF),
    "HAC": KernelMeat(SCORES, FAR, np.array([1.0, 0.7, 0.5, 0.2])),
    "HAC, GLM": KernelMeat(GLMScores(ANY, NEAR), FAR, np.array([1.0])),
    "HAC of groups": KernelMeat(SCORES, FAR, np.linspace(1, 0, 8), groups="in order"),
    "HAC by time": KernelMeat(SCORES, FAR, np.linspace(1, 0, 3), time="time"),
    "periods": PeriodSums(SCORES, FAR, "time", most=100),
    "lost rows": LostRows(),
    "average prediction": AveragePrediction(POISSON, NEAR, "var_unscaled", shift=0.5),
    "column facts": ColumnFacts(K),
    "marginal effects": MarginalEffects(POISSON, NEAR, "eyex", (0,), (1, 2), {2: 0.5}),
    "observed information": ObservedInformation(POISSON, NEAR),
    "recession": Recession(POISSON, NEAR, np.array([1.0, 30.0, 4.0]), most=5),
    "variance power": PowerSums(POISSON, NEAR, np.array([-1.0, 1.5, 3.0])),
    "variance power at given means": PowerSums(POISSON, None, np.array([-1.0, 1.5, 3.0])),
    "given means": GivenMeans(ANY, 2.0),
    "score test": ScoreTestSums(POISSON, NEAR, observed=True),
    "score test of more columns": ScoreTestSums(ANY, NEAR, observed=True, extra=2),
    "exact moments": ExactMoments(K, squares=True),
    "exact moments in machine code": ExactMoments(K, squares=True).compiled(),
    "D candidates": Candidates(
        deal("D", 11, K).needs,
        Informative("D", (0, 1, 2), Psi(POISSON, NEAR), np.array([0.5, 0.0, 1.0])),
        Numbering(),
        room=0,
    ),
    "D candidates in machine code": Candidates(
        deal("D", 13, K).needs,
        Informative("D", (0, 1, 2), Psi(POISSON, NEAR), np.array([0.5, 0.0, 1.0])),
        Numbering(),
        room=0,
    ).compiled(),
    "T candidates": Candidates(
        (3,),
        Informative("T", (0, 2), Psi(), np.zeros(2), np.ones(2)),
        Numbering(3, TIES, np.arange(3) * 100),
        room=0,
    ),
    "a sample": Candidates((5,), Uniform(), Numbering(4, TIES, np.arange(3) * 100), room=0),
    "information": InformationSums(Psi(POISSON, NEAR), (0, 2)),
    "scoring": Scoring(ANY, NEAR, Moments(K, response=False), K),
    "scoring at the start": Scoring(ANY, None, Triangle(K), K, mean_of_y=0.5),
    "score meat": ScoreMeat(ANY, NEAR),
    "score meat on axes": ScoreMeat(ANY, NEAR, Axes(np.eye(K)[:, :2], np.array([0.0, 3.0, 0.0]))),
    "extremes": Extremes(K),
    "responses": Responses(ANY, 0.3),
    "deviance about a constant": DevianceAbout(ANY, 0.3),
    "impossible responses": ImpossibleResponses(POISSON),
    "null scoring": NullScoring(ANY, 0.3),
    "null scoring, impossible": NullScoring(
        kernel_of(sm.families.Poisson(sm.families.links.Identity())), -1.0
    ),
    "log-likelihood": LogLike(ANY, NEAR, 2.0),
    "remainder": Remainder(ANY, NEAR, NEAR / 2),
    "means": Means(K),
    "largest rows": LargestRows(Sizes(), 5),
    "sums without a row": SumsWithout(
        np.array([[0.5, -1.0, 2.0], NEAR]), FAR, np.array([0, 1]), np.array([1, 0])
    ),
    "largest rows above a floor": LargestRows(Sizes(), 3, 0.5),
    "several as one": Together((DevianceAbout(ANY, 0.3), Extremes(K))),
    "histograms": Histograms(((0, 1), (2, K)), (((-3.0, 3.0), (-2.0, 40.0)),) * 2),
    "an auxiliary regression": Auxiliary(
        WhiteRows(NEAR, Standard(np.zeros(K), np.full(K, 4.0))), Moments(6), 6
    ),
    "lags": Lagged(LaggedResiduals(NEAR, design=True), 2, Triangle(K + 2), K),
    "many lags": Lagged(LaggedResiduals(NEAR, ones=True), 7, Moments(8), 1),
    "autocovariances": Autocovariance(NEAR, 6),
    "cumulated residuals": Cusum(NEAR),
    "cumulated scores": CumulatedScores(NEAR, FAR, 1.5),
    "a gap": Gap("exog_extra"),
    "extremes only": Between(np.zeros(K), np.ones(K)),
    "factors of partitions": OfPartitions(K, 3),
    "recursive residuals": RecursiveResiduals((0, 2, 9), (np.eye(K + 1),) * 3, 2, 3),
    "distinct rows": DistinctRows((None,) * K, None, None, max_cells=1_000),
}
# These fold other things than blocks of a design, and have the laws in tests of their own.
ELSEWHERE = {
    LevelScan: "design/test_levels.py",
    Gather: "selection/test_candidates.py",
}
# These have an entry for a partition, so they are merged where one partition ends and the
# next begins, as the engine does.
BY_PARTITION = ("D candidates", "D candidates in machine code", "T candidates", "a sample")
ROWS_MERGE_ANYWHERE = [name for name in REDUCTIONS if name not in BY_PARTITION]

# Which rows come first in an order, by how many it keeps.
TIES = {
    m: reduction.numbering.ties
    for reduction in REDUCTIONS.values()
    if isinstance(reduction, Candidates)
    for m in reduction.needs
}


def reductions_of_the_package() -> set[type]:
    """Every class with init, update and merge, but for the protocol that says so."""
    found = set()
    for info in walk_packages(statsmodels_ooc.__path__, f"{statsmodels_ooc.__name__}."):
        for value in vars(import_module(info.name)).values():
            if isinstance(value, type) and value.__module__.startswith(statsmodels_ooc.__name__):
                found.add(value)
    laws = ("init", "update", "merge")
    return {cls for cls in found if all(hasattr(cls, law) for law in laws)} - {Reduction, Additive}


def test_every_reduction_is_proven() -> None:
    proven = {type(reduction) for reduction in REDUCTIONS.values()} | set(ELSEWHERE)
    assert reductions_of_the_package() == proven
    tests = Path(__file__).resolve().parent.parent
    for reduction, file in ELSEWHERE.items():
        text = (tests / file).read_text(encoding="utf-8")
        assert reduction.__name__ in text
        assert ".merge" in text


# Those whose states are matrices, of a wide design.
WIDE, AT = 200, np.zeros(200)
MATRICES: dict[str, Reduction[Any]] = {
    "triangle": Triangle(WIDE),
    "moments": Moments(WIDE),
    "white meat": WhiteMeat(
        LinearScores(AT, FAR), Axes(np.eye(WIDE), AT), LeverageOne(np.eye(WIDE), AT)
    ),
    "average prediction": AveragePrediction(POISSON, AT),
    "marginal effects": MarginalEffects(POISSON, AT, "dydx", tuple(range(90))),
    "observed information": ObservedInformation(POISSON, AT),
    "recession": Recession(POISSON, AT, AT + 1, most=5),
    "information": InformationSums(Psi(POISSON, AT), tuple(range(WIDE))),
    "scoring": Scoring(ANY, AT, Moments(WIDE, response=False), WIDE),
    "scoring at the start": Scoring(ANY, None, Triangle(WIDE), WIDE),
    "score meat": ScoreMeat(ANY, AT),
    "score meat on axes": ScoreMeat(ANY, AT, Axes(np.eye(WIDE)[:, :90], AT)),
    "an auxiliary regression": Auxiliary(Plain(), Triangle(WIDE), WIDE),
    "lags": Lagged(LaggedResiduals(AT, design=True), 9, Triangle(WIDE + 9), WIDE),
    "many lags": Lagged(LaggedResiduals(AT), WIDE, Triangle(WIDE)),
    "autocovariances": Autocovariance(AT, 10_000),
    "cumulated scores": CumulatedScores(AT, Axes(np.eye(WIDE), AT), 1.5),
    "several as one": Together(
        (ObservedInformation(POISSON, AT), Scoring(ANY, AT, Triangle(9), 9))
    ),
    "score test": ScoreTestSums(POISSON, AT, observed=True),
    "score test of more columns": ScoreTestSums(POISSON, AT, observed=True, extra=9),
    "histograms": REDUCTIONS["histograms"],
}


def array_bytes(value: Any) -> int:
    """What the arrays in a state take."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, list):
        return sum(map(array_bytes, value))
    if is_dataclass(value):
        return sum(array_bytes(getattr(value, field.name)) for field in fields(value))
    return 0


@pytest.mark.parametrize(
    ("left", "right"),
    [((1, 2.0), (3, 4.0)), ([1.0], [2.0]), ({"a": 1}, {"a": 2}), (None, np.zeros(2)), ("a", "b")],
)
def test_what_does_not_add_up_is_refused(left: Any, right: Any) -> None:
    with pytest.raises(TypeError):
        added(left, right)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_what_a_state_takes_is_known(name: str) -> None:
    reduction = MATRICES.get(name, REDUCTIONS[name])
    found, told = array_bytes(reduction.init()), reduction.nbytes()
    if name in MATRICES:
        assert 0.9 * told <= found <= 1.1 * told
    elif not isinstance(reduction, Candidates):  # whose arrays grow
        assert found <= 100 * K


each = pytest.mark.parametrize("name", REDUCTIONS)
each_of_rows = pytest.mark.parametrize("name", ROWS_MERGE_ANYWHERE)
quick = settings(deadline=None, max_examples=16)


@dataclass(frozen=True)
class Rows:
    """The rows of one partition, and how they are cut into blocks."""

    exog: np.ndarray
    endog: np.ndarray
    weights: np.ndarray | None
    partition: int
    sizes: tuple[int, ...]

    def blocks(self, sizes: Sequence[int] | None = None) -> list[RawBlock]:
        ends = np.cumsum([0, *(self.sizes if sizes is None else sizes)])
        return [
            RawBlock(
                endog=self.endog[a:b],
                design=Dense(np.asfortranarray(self.exog[a:b])),
                extras=self._extras(a, b),
                partition=self.partition,
                start=int(a),
                rows_read=int(b - a) + (i == 0),
                missing={"x": 1} if i == 0 else {},
                lost=self._lost() if i == 0 else (),
            )
            for i, (a, b) in enumerate(pairwise(ends))
        ]

    def _lost(self) -> tuple[Lost, ...]:
        return Lost("x", np.array([0])), Lost("g", np.array([3, 5]), ("q", "r"))

    def _extras(self, a: int, b: int) -> Extras:
        x, w = self.exog[a:b], None if self.weights is None else self.weights[a:b]
        beside = {"mu": np.exp(x[:, 0] / 30), "exog_extra": x[:, :2] ** 2}
        beside["agg_weights"] = x[:, 1] - 1
        beside["groups"] = keys_of((x[:, 0] > 0) + 2.0 * (x[:, 1] > 1))
        beside["more groups"] = keys_of(x[:, 2] > 0)
        beside["time"] = np.floor(2 * x[:, 0])
        beside["in order"] = keys_of(100 * self.partition + np.arange(a, b) // 4)
        return Extras(weights=w, var_weights=w, beside=beside)

    def whole(self) -> list[RawBlock]:
        return self.blocks([len(self.endog)])


@st.composite
def partitions(draw: st.DrawFn, count: int) -> list[Rows]:
    """Partitions of blocks of no, one or a few rows, all weighted or none."""
    seed, shift = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([0.0, 1.0, 30.0]))
    weighted = draw(st.booleans())
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        sizes = tuple(draw(st.lists(st.integers(0, 5), min_size=1, max_size=4)))
        n = sum(sizes)
        found.append(
            Rows(
                exog=rng.normal(size=(n, K)) + shift,
                endog=rng.normal(size=n) - shift,
                weights=rng.uniform(0.1, 3, n) if weighted else None,
                partition=number,
                sizes=sizes,
            )
        )
    return found


def fold(reduction: Reduction[Any], blocks: Sequence[RawBlock], state: Any = None) -> Any:
    start = reduction.init() if state is None else state
    return reduce(reduction.update, blocks, start)


def parts(state: Any) -> dict[str, Any]:
    """The public content of a state; of a triangle, what its signs do not touch."""
    if isinstance(state, np.ndarray | float | tuple | None):
        return {"sums": state}
    if isinstance(state, list):
        pairs = [parts(one).items() for one in state]
        return {f"{i}: {name}": value for i, pair in enumerate(pairs) for name, value in pair}
    if isinstance(state, DistinctState):
        return cells_of(state)
    if isinstance(state, FingerprintState):
        return {f"partition {i}": state.entry(i) for i in state.partitions}
    if isinstance(state, PartitionsState):
        pairs = zip(state.partitions, state.factors, strict=True)
        return {f"partition {i}": factor.r.T @ factor.r for i, factor in pairs}
    if isinstance(state, ClusterState):
        return clusters_of(state)
    assert is_dataclass(state)
    content = {f.name: getattr(state, f.name) for f in fields(state) if f.name[0] != "_"}
    if isinstance(state, KernelState):  # pieces of one list
        content["labels"] = np.array([key for keys in state.labels for key in keys.tolist()])
    for name in [name for name, value in content.items() if is_dataclass(value)]:
        inner = parts(content.pop(name))
        content |= {f"{name}: {part}": value for part, value in inner.items()}
    if isinstance(state, TriangleState):
        content = {"cross products": state.r.T @ state.r}
    if "orders" in content:  # as they are once nothing waits to be sorted in
        settled = [order.joined(Order(order.m), TIES[order.m]) for order in content["orders"]]
        content["orders"] = [(order.scores.tolist(), order.codes.tolist()) for order in settled]
    if "m4" in content:  # powers of residuals are as exact as those of their size
        size = np.sqrt(content["m2"] + content["n"] * content["mean"] ** 2) or 1.0
        for name, power in {"mean": 1, "m2": 2, "m3": 3, "m4": 4, "steps": 2}.items():
            content[name] /= size**power
    return content


def clusters_of(state: ClusterState) -> dict[str, Any]:
    """The sums of each cluster, or of all where some have been closed."""
    keys, sums = added_up([(state.keys, state.sums), *state.loose])
    content: dict[str, Any] = {"runs": state.runs, "rows": state.rows, "broken": state.broken}
    if not state.closed_keys and sums.shape[1] > len(state.closed.total):
        return content | {f"cluster {k}": row for k, row in zip(keys.tolist(), sums, strict=True)}
    content["meat"] = state.closed.meat + sums.T @ sums
    return content | {"count": state.closed.count + len(keys)}


def cells_of(state: DistinctState) -> dict[str, Any]:
    """The cells, in an order that rows do not have a say in."""
    cells = state.cells
    if cells is None:
        return {"cells": None}
    order = np.lexsort([*cells.keys])
    sums = {name: getattr(cells, name)[order] for name in ("a", "ay", "ayy")}
    return {**sums, "keys": np.array([key[order] for key in cells.keys])}


def assert_same(left: Any, right: Any, rtol: float = SUMS) -> None:
    left, right = parts(left), parts(right)
    for name, value in left.items():
        if isinstance(value, (float, np.ndarray)):
            # A sum that cancels is as exact as its largest term.
            scale = np.max(np.abs(np.asarray(value)), initial=1.0, where=np.isfinite(value))
            np.testing.assert_allclose(
                value, right[name], rtol=rtol, atol=rtol * scale, err_msg=name
            )
        else:
            assert value == right[name], name


@each
@quick
@given(drawn=partitions(1))
def test_where_blocks_end_does_not_matter(name: str, drawn: list[Rows]) -> None:
    reduction, (rows,) = REDUCTIONS[name], drawn
    assert_same(fold(reduction, rows.blocks()), fold(reduction, rows.whole()))


@each
@quick
@given(drawn=partitions(3))
def test_merge_is_associative(name: str, drawn: list[Rows]) -> None:
    reduction = REDUCTIONS[name]
    a, b, c = (fold(reduction, rows.blocks()) for rows in drawn)
    merge = reduction.merge
    assert_same(merge(merge(a, b), c), merge(a, merge(b, c)))


@each
@quick
@given(drawn=partitions(1))
def test_no_rows_are_neutral(name: str, drawn: list[Rows]) -> None:
    reduction = REDUCTIONS[name]
    state = fold(reduction, drawn[0].blocks())
    assert_same(reduction.merge(reduction.init(), state), state)
    assert_same(reduction.merge(state, reduction.init()), state)


@each_of_rows
@quick
@given(drawn=partitions(2))
def test_merged_parts_are_the_whole(name: str, drawn: list[Rows]) -> None:
    reduction, (a, b) = REDUCTIONS[name], drawn
    merged = reduction.merge(fold(reduction, a.blocks()), fold(reduction, b.blocks()))
    assert_same(merged, fold(reduction, a.blocks() + b.blocks()))


@pytest.mark.parametrize("name", [name for name, one in REDUCTIONS.items() if one.is_divisible])
@quick
@given(drawn=partitions(2), cut=st.integers(0, 4))
def test_parts_of_a_partition_are_the_whole(name: str, drawn: list[Rows], cut: int) -> None:
    reduction, (a, b) = REDUCTIONS[name], drawn
    blocks = b.blocks()
    before, head, tail = (
        fold(reduction, rows) for rows in (a.blocks(), blocks[:cut], blocks[cut:])
    )
    whole = reduction.merge(before, fold(reduction, blocks))
    merge = reduction.merge
    assert_same(merge(before, merge(head, tail)), whole)
    assert_same(merge(merge(before, head), tail), whole)


@each
@quick
@given(drawn=partitions(2))
def test_complete_partitions_merge_to_the_same(name: str, drawn: list[Rows]) -> None:
    reduction = REDUCTIONS[name]
    states = [fold(reduction, rows.blocks()) for rows in drawn]
    whole = reduction.merge(*states)
    assert_same(reduction.merge(*(reduction.complete(s, i) for i, s in enumerate(states))), whole)


def test_what_numbers_rows_from_the_start_of_a_partition_is_not_cut() -> None:
    whole = {type(one) for one in REDUCTIONS.values() if not one.is_divisible}
    assert whole == {Candidates, RecursiveResiduals}
    assert not Gather.is_divisible


@each
@quick
@given(drawn=partitions(2))
def test_update_goes_on_after_a_merge(name: str, drawn: list[Rows]) -> None:
    reduction, (a, b) = REDUCTIONS[name], drawn
    first, *rest = b.blocks()
    merged = reduction.merge(fold(reduction, a.blocks()), fold(reduction, [first]))
    whole = reduction.merge(fold(reduction, a.blocks()), fold(reduction, b.blocks()))
    assert_same(fold(reduction, rest, merged), whole)


@each
@quick
@given(drawn=partitions(3))
def test_merge_leaves_its_arguments_alone(name: str, drawn: list[Rows]) -> None:
    reduction = REDUCTIONS[name]
    left, right = (fold(reduction, rows.blocks()) for rows in drawn[:2])
    before = copy.deepcopy((parts(left), parts(right)))
    merged = reduction.merge(left, right)
    fold(reduction, drawn[2].blocks(), merged)  # the merged state is its own, too
    np.testing.assert_equal((parts(left), parts(right)), before)


@each
@quick
@given(drawn=partitions(2))
def test_states_survive_a_pickle(name: str, drawn: list[Rows]) -> None:
    reduction, (a, b) = REDUCTIONS[name], drawn
    state = fold(reduction, a.blocks())
    loaded = pickle.loads(pickle.dumps(state))
    assert_same(loaded, state, rtol=0)
    merged = pickle.loads(pickle.dumps(reduction)).merge(loaded, fold(reduction, b.blocks()))
    assert_same(merged, reduction.merge(state, fold(reduction, b.blocks())), rtol=0)


# Of these a state grows with the rows, or with the cells, groups or periods among them.
GROW = {"distinct rows", "clusters in order", "HAC of groups", "periods"}


@pytest.mark.parametrize("name", sorted(set(REDUCTIONS) - GROW))
def test_a_pickled_state_does_not_grow_with_the_rows(name: str) -> None:
    reduction = REDUCTIONS[name]
    rng = np.random.default_rng(0)

    def size(n: int) -> int:
        (block,) = Rows(rng.normal(size=(n, K)), rng.normal(size=n), None, 0, (n,)).whole()
        state = reduction.update(reduction.init(), block)
        return len(pickle.dumps(reduction.complete(state, block.partition)))

    assert size(10_000) <= size(100) + 64
