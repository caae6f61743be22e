"""The selection in one pass is that of `iboss_indices`, bit for bit, however the data is cut."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import patsy
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from selection.oracle import row_hash
from statsmodels.tools.sm_exceptions import DomainWarning
from tolerances import ITERATED

import statsmodels_ooc.api as smo
from statsmodels_ooc.engine import passes as engine_passes
from statsmodels_ooc.errors import MissingDataError, SelectionWarning
from statsmodels_ooc.families.kernels import kernel_of
from statsmodels_ooc.selection.ordering import PILOT as PILOT_HASH
from statsmodels_ooc.selection.scorers import information
from statsmodels_ooc.sources.base import Partition, Recipe, Source

F, L = sm.families, sm.families.links
N, K, PILOT, SEED = 84, 25, 50, 3


def make_frame(n: int = N, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.integers(-2, 3, n), rng.standard_t(4, n).round(1)
    eta = 0.3 + 0.4 * x - 0.2 * z
    return pd.DataFrame(
        {
            "x": x,  # ties everywhere
            "z": z,  # and here and there
            "t": rng.normal(size=n),
            "u": rng.uniform(0.1, 1, n).round(2),
            "d": (rng.random(n) < 0.3).astype(int),
            "g": rng.choice(["one", "two", "three"], n),
            "c": 2.5,
            "w": rng.choice([0.5, 1.0, 2.0], n),
            "v": rng.uniform(0.5, 2, n),
            "m": rng.integers(1, 4, n),
            "o": rng.uniform(-0.5, 0.5, n),
            "years": rng.uniform(0.5, 2, n),
            "y": eta + rng.normal(size=n),
            "bit": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int),
            "count": rng.poisson(np.exp(eta)),
            "late": rng.gamma(4, 1 / (4 * (1 + rng.uniform(0.1, 1, n)))),
            "size": np.exp(0.5 + 0.1 * x + 0.1 * rng.normal(size=n)),
            "won": rng.binomial(6, 1 / (1 + np.exp(-eta))),
            "lost": rng.integers(1, 5, n),
        }
    )


FRAME = make_frame()


@dataclass(frozen=True)
class Case:
    """What is selected, and what `iboss_indices` makes of the same design in memory."""

    formula: str
    settings: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, str] = field(default_factory=dict)
    drop_cols: list[str] | None = None
    subset: Any = None
    frame: pd.DataFrame = field(default_factory=lambda: FRAME)
    columns: tuple[str, ...] = ()  # that rows with missing values are dropped for

    @property
    def iboss(self) -> Any:
        return smo.IBOSS(**{"k": K, "pilot_size": PILOT, "seed": SEED, **self.settings})

    def select(self, data: Any, **others: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DomainWarning)
            return self.iboss.select(
                self.formula,
                data,
                drop_cols=self.drop_cols,
                subset=self.subset,
                **self.extras,
                **others,
            )

    @property
    def rows(self) -> pd.DataFrame:
        """All rows of the source, under their numbers in it."""
        frame = self.frame
        if self.subset is not None:
            mask = self.subset(frame) if callable(self.subset) else frame.eval(self.subset)
            frame = frame[mask]
        return frame.reset_index(drop=True)

    @property
    def kept(self) -> pd.DataFrame:
        return self.rows.dropna(subset=list(self.columns))

    @property
    def design(self) -> pd.DataFrame:
        rhs = patsy.dmatrix(self.formula.split("~")[1], self.kept, return_type="dataframe")
        return rhs.drop(columns=self.drop_cols or [])

    def expected(self, pilot: Any) -> np.ndarray:
        """Rows in the order of selection."""
        iboss, design = self.iboss, self.design
        psi = self.psi(pilot, design)
        return smo.iboss_indices(
            design.to_numpy(),
            iboss.k,
            iboss.criterion,
            psi,
            None if iboss.mean is None else [iboss.mean.get(name, 0) for name in design],
            None if iboss.scale is None else [iboss.scale.get(name, 1) for name in design],
            iboss.slots,
            iboss.ties,
            seed=iboss.seed,
            rows=self.kept.index,
        )

    def psi(self, pilot: Any, design: pd.DataFrame) -> np.ndarray | None:
        psi = None
        if pilot is not None and pilot.params is not None:
            eta = np.zeros(len(design))
            for name in design.columns:
                eta += design[name].to_numpy() * pilot.params[name]
            offsets = [self.kept["o"]] if "offset" in self.extras else []
            offsets += [np.log(self.kept["years"])] if "exposure" in self.extras else []
            if offsets:
                eta += sum(offsets[1:], offsets[0])
            psi = information(kernel_of(self.iboss.family), eta)
        weights = [
            self.kept.eval(self.extras[role]).to_numpy(dtype=float)
            for role in ("weights", "freq_weights", "var_weights")
            if role in self.extras
        ]
        if self.formula.startswith("won + lost"):
            weights.append((self.kept["won"] + self.kept["lost"]).to_numpy(dtype=float))
        if weights:
            product = np.prod(weights, axis=0)
            psi = product if psi is None else psi * product
        return psi

    def steps(self) -> list[tuple[str, str, int]]:
        """Column, side and rows of every step."""
        iboss, design = self.iboss, self.design
        if iboss.criterion != "D":
            return [("(all)", {"T": "far", "uniform": "random"}[iboss.criterion], K)]
        names = [name for name in design if design[name].nunique() > 1]
        each, rest = divmod(iboss.k, 2 * len(names))
        rest = rest if iboss.slots == "exact" else 0
        sides = [(name, side) for name in names for side in ("low", "high")]
        return [(*step, each + (i < rest)) for i, step in enumerate(sides)]


def poisson(**others: Any) -> dict[str, Any]:
    return {"family": F.Poisson(), **others}


def family(kind: Any, link: Any = None, **others: Any) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DomainWarning)
        return {"family": kind() if link is None else kind(link()), **others}


LOGIT = family(F.Binomial)
CASES = {
    "linear": Case("y ~ x + z + t"),
    "linear, floor": Case("y ~ x + z + t", {"slots": "floor"}),
    "linear, hash": Case("y ~ x + z + d", {"ties": "hash"}),
    "linear, dummies": Case("y ~ d + x + C(g)"),
    "linear, dummies, hash": Case("y ~ d + x + C(g)", {"ties": "hash", "slots": "floor"}),
    "linear, one column": Case("y ~ x"),
    "linear, no intercept": Case("y ~ 0 + g + x"),
    "linear, a constant that nobody knew of": Case("y ~ x + c + t"),
    "linear, a constant first, hash": Case("y ~ c + x + d", {"ties": "hash", "k": 26}),
    "linear, interactions": Case("y ~ x * z + np.abs(z)"),
    "linear, weights": Case("y ~ x + z", {}, {"weights": "w"}),
    "linear, weights, hash": Case("y ~ x + d", {"ties": "hash"}, {"weights": "w * 2"}),
    "linear, dropped": Case("y ~ x + z + C(g)", drop_cols=["z"]),
    "linear, subset": Case("y ~ x + z", subset="z > -1"),
    "linear, subset, hash": Case("y ~ x + d", {"ties": "hash"}, subset="z > -1"),
    "linear, subset by a function": Case("y ~ x + z", subset=lambda f: f["d"] == 0),
    "linear, centred": Case("y ~ center(x) + d"),
    "linear, mean": Case("y ~ x + z", {"mean": {"x": 6.0, "z": -3.0}}, {"weights": "w"}),
    "T, linear": Case("y ~ x + z + C(g)", {"criterion": "T"}),
    "T, linear, hash": Case("y ~ x + d", {"criterion": "T", "ties": "hash"}),
    "T, a constant": Case("y ~ c + x + z", {"criterion": "T"}),
    "T, weights": Case("y ~ x + z", {"criterion": "T"}, {"weights": "w"}),
    "T, mean and scale": Case(
        "y ~ x + z",
        {"criterion": "T", "mean": {"x": 0.5, "z": -1.0}, "scale": {"x": 2.0, "z": 0.5}},
    ),
    "uniform": Case("y ~ x + C(g)", {"criterion": "uniform"}),
    "uniform, subset": Case("y ~ x", {"criterion": "uniform"}, subset=lambda f: f["z"] > -1),
    "logit": Case("bit ~ x + z", LOGIT),
    "logit, hash": Case("bit ~ x + d", {**LOGIT, "ties": "hash"}),
    "logit, one column": Case("bit ~ x", LOGIT),
    "logit, T": Case("bit ~ x + z + d", {**LOGIT, "criterion": "T"}),
    "logit, a constant": Case("bit ~ c + x + z", LOGIT),
    "logit, uniform": Case("bit ~ x", {**LOGIT, "criterion": "uniform"}),
    "poisson, exposure": Case("count ~ x + z", poisson(), {"exposure": "years"}),
    "poisson, T, exposure and offset": Case(
        "count ~ x + C(g)", poisson(criterion="T"), {"exposure": "years", "offset": "o"}
    ),
    "poisson, offset, floor": Case("count ~ x + t", poisson(slots="floor"), {"offset": "o"}),
    "poisson, weights of both kinds": Case(
        "count ~ x + t", poisson(), {"freq_weights": "m", "var_weights": "v"}
    ),
    "poisson, T, weights": Case("count ~ x + t", poisson(criterion="T"), {"freq_weights": "m"}),
    "poisson, subset, hash": Case("count ~ x + d", poisson(ties="hash"), subset="z > -2"),
    "poisson, centred": Case("count ~ center(x) + d", poisson()),
    "poisson, given": Case(
        "count ~ x + t",
        poisson(pilot_params={"Intercept": 0.1, "x": 0.4, "t": 0.2}, mean={"x": 0.5, "t": 0.1}),
    ),
    "poisson, given, a constant": Case(
        "count ~ c + x",
        poisson(
            pilot_params={"Intercept": 0.1, "c": 0.1, "x": 0.4}, mean={"c": 2.5, "x": 0.1}, k=27
        ),
    ),
    "gamma, inverse": Case("late ~ u", family(F.Gamma, L.InversePower)),
    "gamma, inverse, T": Case("late ~ u", family(F.Gamma, L.InversePower, criterion="T")),
    "gamma, log": Case("late ~ u + x", family(F.Gamma, L.Log)),
    "gamma, log, weights": Case("late ~ u + x", family(F.Gamma, L.Log), {"var_weights": "v"}),
    "gaussian, log": Case("size ~ x + z", family(F.Gaussian, L.Log)),
    "two columns": Case("won + lost ~ x + z", LOGIT),
    "two columns, T": Case("won + lost ~ x + t", {**LOGIT, "criterion": "T"}),
    "probit": Case("bit ~ x + t", family(F.Binomial, L.Probit)),
    "negative binomial": Case("count ~ x + t", {"family": F.NegativeBinomial(alpha=0.7)}),
    "negative binomial, T": Case(
        "count ~ x + t", {"family": F.NegativeBinomial(alpha=0.7), "criterion": "T"}
    ),
}
ROWS, WHOLE = "rows one by one", "all at once"
BLOCKS = ("blocks of one row", "blocks across frames")  # each case has one of them
CUTS: dict[str, tuple[int, dict[str, int]]] = {
    ROWS: (1, {}),
    "sevens": (7, {}),
    WHOLE: (N, {}),
    BLOCKS[0]: (40, {"block_rows": 1, "frame_rows": 5}),
    BLOCKS[1]: (N, {"block_rows": 4, "frame_rows": 9}),
}
WITHOUT_PILOT = ("linear", "T,", "uniform", "gamma, log")

each = pytest.mark.parametrize("name", CASES)


def chunked(case: Case, rows: int) -> Source:
    return smo.as_source(case.frame, chunk_rows=rows)


def assert_expected(case: Case, sub: Any) -> None:
    """The rows, the steps that took them, and the frame are those of the twin in memory."""
    order = case.expected(sub.pilot)
    assert sub.index.dtype == np.int64
    assert_array_equal(sub.index, np.sort(order))
    rows = case.kept.index[np.sort(order)]
    assert sub.frame.index.name is None
    assert_array_equal(sub.frame.index, rows)
    assert_array_equal(sub.steps.index, rows)
    whole = case.rows.loc[rows, list(sub.frame.columns)]
    assert_frame_equal(sub.frame, whole, check_names=False, check_exact=True)
    taken = iter(order.tolist())
    for column, side, count in case.steps():
        mine = sub.index[(sub.steps["column"] == column) & (sub.steps["side"] == side)]
        assert_array_equal(mine, sorted(next(taken) for _ in range(count)), err_msg=column)
    assert next(taken, None) is None
    assert (sub.n, sub.k, sub.warnings) == (len(case.kept), len(order), [])


@cache
def whole(name: str) -> Any:
    """The selection from one chunk."""
    return CASES[name].select(chunked(CASES[name], N))


def bits(sub: Any) -> tuple[Any, ...]:
    """What must not differ by a bit."""
    pilot = sub.pilot
    if pilot is not None:
        values = None if pilot.params is None else pilot.params.to_numpy().tobytes()
        pilot = (values, pilot.index.tolist(), repr(pilot.attempts), pilot.frame.to_dict())
    frame = sub.frame.to_dict()
    return sub.index.tolist(), sub.steps.to_numpy().tolist(), frame, pilot


ONE_BY_ONE = (  # each is slow
    "linear, dummies, hash",
    "linear, a constant that nobody knew of",
    "logit, T",
    "poisson, exposure",
    "poisson, subset, hash",
    "two columns",
)


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        (name, cut)
        for number, name in enumerate(CASES)
        for cut in CUTS
        if name in ONE_BY_ONE or cut not in (ROWS, BLOCKS[number % 2])
    ],
)
def test_the_rows_are_those_of_the_twin_in_memory(name: str, cut: str) -> None:
    case, (rows, sizes) = CASES[name], CUTS[cut]
    if cut == WHOLE:
        assert_expected(case, whole(name))
        return
    with smo.options.set(**sizes):
        sub = case.select(chunked(case, rows))
    assert_expected(case, sub)
    assert bits(sub) == bits(whole(name))


@each
def test_pilots_are_fits_of_the_rows_with_the_smallest_hashes(name: str) -> None:
    case, sub = CASES[name], whole(name)
    if name.startswith(WITHOUT_PILOT) or "uniform" in name:
        assert sub.pilot is None
        return
    if "given" in name:
        assert sub.pilot.params.to_dict() == case.iboss.pilot_params
        assert sub.pilot.rows == 0
        return
    assert len(sub.pilot.attempts) == 1
    numbers = case.kept.index.to_numpy()
    hashed = sorted(range(len(numbers)), key=lambda i: row_hash(SEED, int(numbers[i]), PILOT_HASH))
    assert_array_equal(sub.pilot.index, sorted(hashed[:PILOT]))
    rows = case.kept.iloc[sub.pilot.index]
    assert_frame_equal(sub.pilot.frame, rows[list(sub.frame.columns)], check_names=False)
    if "centred" in name or "a constant" in name:
        return  # other means than those of the pilot's rows, a parameter for nothing
    own = {
        role: rows.eval(value) if role != "exposure" else rows["years"]
        for role, value in case.extras.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DomainWarning)
        theirs = sm.GLM.from_formula(case.formula, rows, family=case.iboss.family, **own)
    assert_allclose(sub.pilot.params, theirs.fit(tol=1e-12).params, rtol=ITERATED)


def test_cases_select_other_rows_where_something_is_left_out() -> None:
    """Or the tests above could not tell."""
    for one, other in (
        ("linear, dummies", "linear, dummies, hash"),
        ("linear, weights", "linear, mean"),
        ("linear", "linear, floor"),
        ("T, weights", "T, mean and scale"),
        ("poisson, T, weights", "poisson, weights of both kinds"),
        ("two columns", "logit"),
    ):
        assert whole(one).index.tolist() != whole(other).index.tolist(), one
    for name in ("logit", "poisson, exposure", "gaussian, log", "two columns"):
        case = CASES[name]
        flat = smo.iboss_indices(case.design.to_numpy(), K)
        assert sorted(flat) != whole(name).index.tolist(), name


def test_seeds_select_other_rows() -> None:
    draws = [smo.IBOSS(20, "uniform", seed=s).select("y ~ x", FRAME).index for s in (0, 1, 2**63)]
    assert len({tuple(draw) for draw in draws}) == 3


# --- engines

ENGINE_CASES = ("linear, dummies, hash", "poisson, T, exposure and offset", "logit, a constant")
some = pytest.mark.parametrize("name", ENGINE_CASES)


@pytest.mark.parametrize("workers", [1, 4])
@some
def test_the_number_of_threads_does_not_matter(name: str, workers: int) -> None:
    with dask.config.set(scheduler="threads", num_workers=workers):
        assert bits(CASES[name].select(chunked(CASES[name], 7))) == bits(whole(name))


@some
def test_one_task_after_the_other(name: str) -> None:
    with dask.config.set(scheduler="sync"):
        assert bits(CASES[name].select(chunked(CASES[name], 7))) == bits(whole(name))


class Sleepy(Source):
    """A source whose partitions take their time, each another one."""

    def __init__(self, source: Source, seed: int) -> None:
        self._source = source
        delays = np.random.default_rng(seed).permutation(len(source.partitions)) / 2_000
        self._partitions = [
            SleepyPartition(partition, float(delay))
            for partition, delay in zip(source.partitions, delays, strict=True)
        ]

    name = "sleepy"

    @property
    def dtypes(self) -> Any:
        return self._source.dtypes

    @property
    def partitions(self) -> Sequence[Partition]:
        return self._partitions


@dataclass
class SleepyPartition(Recipe):
    inside: Any
    delay: float

    @property
    def label(self) -> str:
        return str(self.inside.label)

    @property
    def rows(self) -> int:
        return int(self.inside.rows)

    @property
    def nbytes(self) -> None:
        return None

    def frames(self, *args: Any) -> Iterator[pd.DataFrame]:
        time.sleep(self.delay)
        yield from self.inside.frames(*args)


@pytest.mark.parametrize("seed", range(2))
@some
def test_partitions_may_finish_in_any_order(name: str, seed: int) -> None:
    with dask.config.set(num_workers=4):
        sub = CASES[name].select(Sleepy(chunked(CASES[name], 4), seed))
    assert bits(sub) == bits(whole(name))


@pytest.mark.parametrize("seed", range(3))
@some
def test_states_may_be_merged_in_any_order(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)

    def any_tree(nodes: Sequence[Any], merge: Callable[..., Any]) -> Any:
        left = list(nodes)
        while len(left) > 1:
            a, b = (left.pop(rng.integers(len(left))) for _ in range(2))
            left.append(merge(a, b))
        return left[0]

    monkeypatch.setattr(engine_passes, "tree", any_tree)
    assert bits(CASES[name].select(chunked(CASES[name], 5))) == bits(whole(name))


def test_the_tries_of_a_pilot_do_not_depend_on_the_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=900)})
    frame["y"] = (frame["x"] > 0).astype(int)
    tries = []
    for workers in (1, 4):
        settings = dask.config.set(num_workers=workers)
        with settings, smo.options.set(memory_limit=450_000), pytest.warns(SelectionWarning):
            sub = smo.IBOSS(20, pilot_size=40, family=F.Binomial()).select("y ~ x", frame)
        tries.append([attempt.rows for attempt in sub.pilot.attempts])
    assert tries[0] == tries[1]


# --- raw rows


@pytest.mark.parametrize("name", ["linear, dummies, hash", "poisson, exposure", "T, linear"])
def test_rows_that_do_not_fit_are_gathered_in_one_more_pass(name: str) -> None:
    case = Case(**{**vars(CASES[name]), "settings": {**CASES[name].settings, "pilot_size": 10}})
    with dask.config.set(num_workers=1):
        carried = case.select(chunked(case, 7))
        with smo.options.set(memory_limit=110_000 if name == "T, linear" else 300_000):
            gathered = case.select(chunked(case, 7))
    names = [record.name for record in carried.passes]
    assert "rows" not in names
    assert [record.name for record in gathered.passes] == [*names, "rows"]
    assert bits(gathered) == bits(carried)


def test_more_rows_than_the_orders_keep_waiting() -> None:
    """Orders are sorted again and raw rows are let go of only where there are thousands."""
    rng = np.random.default_rng(0)
    n = 20_000
    frame = pd.DataFrame({"x": np.arange(n) // 3 * 1.0, "z": rng.integers(0, 50, n)})
    frame["y"] = rng.normal(size=n)
    for data in (frame, frame[::-1].reset_index(drop=True)):
        case = Case("y ~ x + z", {"k": 400}, frame=data)
        for rows in (700, n):
            assert_expected(case, case.select(smo.as_source(data, chunk_rows=rows)))


def parquet(frame: pd.DataFrame, folder: Path) -> Any:
    frame.to_parquet(folder / "rows.parquet", row_group_size=11)
    return folder / "rows.parquet"


def files(frame: pd.DataFrame, folder: Path) -> Any:
    for i, start in enumerate(range(0, len(frame), 30)):
        frame.iloc[start : start + 30].to_parquet(folder / f"{i}.parquet", row_group_size=11)
    return str(folder / "*.parquet")


def csv(frame: pd.DataFrame, folder: Path) -> Any:
    frame.to_csv(folder / "rows.csv", index=False)
    return folder / "rows.csv"


def csv_in_pieces(frame: pd.DataFrame, folder: Path) -> Any:
    frame[:30].to_csv(folder / "0.csv", index=False)
    frame[30:].to_csv(folder / "1.csv", index=False)
    return str(folder)


def pieces(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, len(frame), 8):
        yield frame.iloc[start : start + 8]


def function(frame: pd.DataFrame, folder: Path) -> Any:
    return lambda: pieces(frame)


def iterator(frame: pd.DataFrame, folder: Path) -> Any:
    return pieces(frame)


def list_of_frames(frame: pd.DataFrame, folder: Path) -> Any:
    return [frame.iloc[:0], frame.iloc[:50], frame.iloc[50:51], frame.iloc[51:]]


def dask_frame(frame: pd.DataFrame, folder: Path) -> Any:
    return pytest.importorskip("dask.dataframe").from_pandas(frame, npartitions=5)


def as_it_is(frame: pd.DataFrame, folder: Path) -> Any:
    return smo.as_source(frame, chunk_rows=9)


STORES = {
    store.__name__: store
    for store in (
        as_it_is,
        parquet,
        files,
        csv,
        csv_in_pieces,
        function,
        iterator,
        list_of_frames,
        dask_frame,
    )
}


@pytest.mark.parametrize("store", STORES)
@some
def test_sources_of_every_kind(name: str, store: str, tmp_path: Path) -> None:
    case = CASES[name]
    source = smo.as_source(STORES[store](case.frame, tmp_path))
    sub = case.select(source)
    expected = whole(name)
    assert_array_equal(sub.index, expected.index)
    assert sub.steps.to_numpy().tolist() == expected.steps.to_numpy().tolist()
    if sub.pilot is not None:
        assert sub.pilot.params.to_numpy().tobytes() == expected.pilot.params.to_numpy().tobytes()
    assert_frame_equal(sub.frame, expected.frame, check_dtype=False, check_exact=True)
    assert sub.frame.dtypes.to_dict() == {c: source.dtypes[c] for c in sub.frame}


# --- dtypes


def typed(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.integers(0, 9, n).astype("int16"),
            "s": rng.choice(["a", "b", "c"], n),
            "cat": pd.Categorical(rng.choice(["lo", "hi"], n), categories=["lo", "hi", "none"]),
            "other": pd.Categorical(rng.choice(["p", "q"], n)),
            "single": rng.normal(size=n).astype("float32"),
            "flag": rng.random(n) < 0.5,
            "day": pd.Timestamp("2024-02-28") + pd.to_timedelta(np.arange(n), "D"),
            "maybe": pd.array([None if i % 7 == 0 else i for i in range(n)], dtype="Int64"),
            "word": rng.choice(["uno", "dos"], n),
            "note": [None if i % 5 == 0 else f"n{i}" for i in range(n)],
            "hole": np.where(np.arange(n) % 4 == 0, np.nan, 1.5),
        }
    )
    return frame.assign(empty=np.where(np.arange(n) < 40, np.nan, 1.0))


KEPT = ["other", "flag", "day", "maybe", "word", "note", "hole", "empty"]


@pytest.mark.parametrize("gathers", [False, True], ids=["carried", "gathered"])
@pytest.mark.parametrize("store", [store for store in STORES if "csv" not in store])
def test_dtypes_are_those_of_the_source(store: str, gathers: bool, tmp_path: Path) -> None:
    frame = typed()
    source = smo.as_source(STORES[store](frame, tmp_path))
    with smo.options.set(memory_limit=400_000 if gathers else "1 GB"):
        sub = smo.IBOSS(k=20).select("y ~ x + s + C(cat) + single", source, keep=KEPT)
    assert ("rows" in [record.name for record in sub.passes]) == gathers
    assert list(sub.frame.columns) == list(source.columns)
    declared = dict(source.dtypes)
    if store == "dask_frame":  # declares numbers, and computes some that are missing
        assert declared["maybe"] == np.dtype("int64")
        declared["maybe"] = pd.Int64Dtype()
    assert sub.frame.dtypes.to_dict() == declared
    rows = frame.iloc[sub.index]
    assert_frame_equal(sub.frame, rows, check_names=False, check_dtype=False)
    if store == "as_it_is":
        assert sub.frame.dtypes.to_dict() == frame.dtypes.to_dict()


def test_columns_are_those_of_the_formula_and_those_kept() -> None:
    sub = smo.IBOSS(k=10).select("y ~ x + np.exp(z)", FRAME, weights="w / v", keep="g")
    assert list(sub.frame.columns) == ["x", "z", "g", "w", "v", "y"]


def test_categories_that_differ_between_frames() -> None:
    one = pd.DataFrame({"y": [1.0, 2, 4], "x": [1.0, 5, 2], "k": pd.Categorical(["a", "b", "a"])})
    two = pd.DataFrame({"y": [1.0, 3, 4], "x": [3.0, 0, 9], "k": pd.Categorical(["c", "b", "c"])})
    source = smo.as_source([one, two])
    with pytest.warns(SelectionWarning, match="more than half"):
        sub = smo.IBOSS(k=4).select("y ~ x", source, keep="k")
    assert sub.frame["k"].tolist() == ["a", "b", "b", "c"]
    assert sub.frame.dtypes["k"] == source.dtypes["k"]


# --- rows that are left out


def holed(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = make_frame()
    for column in ("x", "z", "count", "years"):
        frame[column] = frame[column].where(rng.random(N) > 0.08)
    frame["note"] = frame["t"].where(rng.random(N) > 0.5)
    frame.loc[:8, "z"] = np.nan  # a chunk of nothing
    return frame


HOLED = {
    "linear": Case("y ~ x + z + C(g)", frame=holed(0), columns=("x", "z")),
    "linear, hash": Case("y ~ x + z", {"ties": "hash"}, frame=holed(1), columns=("x", "z")),
    "T": Case("y ~ x + z", {"criterion": "T"}, frame=holed(2), columns=("x", "z")),
    "uniform": Case("y ~ x", {"criterion": "uniform"}, frame=holed(3), columns=("x",)),
    "poisson": Case(
        "count ~ x + z",
        poisson(pilot_size=40, k=20),
        {"exposure": "years"},
        frame=holed(4),
        columns=("x", "z", "count", "years"),
    ),
    "poisson, include the pilot": Case(
        "count ~ x + z", poisson(k=20), frame=holed(5), columns=("x", "z", "count")
    ),
}


@pytest.mark.parametrize(
    ("name", "cut"),
    [(name, cut) for name in HOLED for cut in CUTS if cut != ROWS or name == "poisson"],
)
def test_rows_with_missing_values_are_dropped_before_they_are_numbered(name: str, cut: str) -> None:
    case, (rows, sizes) = HOLED[name], CUTS[cut]
    assert len(case.kept) < N
    with smo.options.set(**sizes):
        sub = case.select(chunked(case, rows), keep="note")
    assert_expected(case, sub)
    assert not np.array_equal(sub.index, sub.frame.index)
    assert sub.frame["note"].isna().any()  # what is kept only need not be there


@pytest.mark.parametrize("rows", [7, N])
def test_pilot_rows_that_are_added(rows: int) -> None:
    case = HOLED["poisson, include the pilot"]
    settings = {**case.settings, "include_pilot": True, "pilot_size": 30}
    case = Case(case.formula, settings, frame=case.frame, columns=case.columns)
    sub = case.select(chunked(case, rows))
    selected = np.sort(case.expected(sub.pilot))
    assert sub.k == len(selected) == 20
    assert sub.pilot.rows == 30
    assert_array_equal(sub.index, np.union1d(selected, sub.pilot.index))
    assert len(sub.index) < 50  # some rows are both
    assert_array_equal(sub.frame.index, case.kept.index[sub.index])
    assert_frame_equal(sub.frame, case.kept.iloc[sub.index][list(sub.frame)], check_names=False)
    added = sub.steps["column"] == "(pilot)"
    assert_array_equal(sub.index[added], np.setdiff1d(sub.pilot.index, selected))
    assert set(sub.steps["side"][added]) == {"random"}


KINDS = {"D": {}, "T": {"criterion": "T"}, "uniform": {"criterion": "uniform"}, "glm": poisson()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("column", ["z", "count"])
def test_missing_values_are_refused_with_their_place(column: str, kind: str) -> None:
    frame = FRAME.astype({"count": float})
    frame.loc[23, column] = np.nan
    source = smo.as_source(frame, chunk_rows=7)
    where = rf"'{column}' at row 2 of DataFrame, rows 21-27"
    with pytest.raises(MissingDataError, match=where):
        smo.IBOSS(k=10, **KINDS[kind]).select("count ~ x + z", source, missing="raise")


@pytest.mark.parametrize("missing", ["drop", "raise"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("column", ["z", "count"])
def test_infinite_values_are_refused_with_their_place(column: str, kind: str, missing: str) -> None:
    frame = FRAME.astype({"count": float})
    frame.loc[23, column] = np.inf
    source = smo.as_source(frame, chunk_rows=7)
    where = rf"'{column}' is inf at row 2 of DataFrame, rows 21-27"
    with pytest.raises(MissingDataError, match=where):
        smo.IBOSS(k=10, **KINDS[kind]).select("count ~ x + z", source, missing=missing)
