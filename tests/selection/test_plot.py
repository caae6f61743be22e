"""Selected rows against all rows: counts in cells, and what is drawn of them."""

from __future__ import annotations

import builtins
import pickle
from collections.abc import Iterator
from functools import reduce
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import LogNorm
from numpy.testing import assert_allclose, assert_array_equal
from tolerances import EXACT

import statsmodels_ooc.api as smo
from statsmodels_ooc.blocks.block import Block, Dense
from statsmodels_ooc.errors import (
    ColumnNotFoundError,
    MissingExtraError,
    OptionError,
    SourceChangedError,
)
from statsmodels_ooc.selection.histograms import CELLS, Histograms, limits

mpl.use("Agg")

N = 3_000
FORMULA = "y ~ x1 + x2 + x3"


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.standard_t(3, (N, 3)), columns=["x1", "x2", "x3"])
    frame["x3"] = rng.integers(0, 2, N)
    frame["y"] = frame["x1"] - frame["x2"] + rng.normal(size=N)
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return table()


@pytest.fixture
def sub(frame: pd.DataFrame) -> Any:
    return smo.IBOSS(120).select(FORMULA, smo.from_iterable(lambda: cut(frame)))


def cut(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, len(frame), 700):
        yield frame.iloc[start : start + 700]


def names_of(sub: Any) -> list[str]:
    return [record.name for record in sub.passes]


def counts(ax: Any) -> np.ndarray:
    """The numbers behind the colours of the hexagons."""
    return np.asarray(ax.collections[0].get_array())


def points(ax: Any, label: str) -> np.ndarray:
    (found,) = [c for c in ax.collections if c.get_label() == label]
    return np.asarray(found.get_offsets())


# --- counting ---------------------------------------------------------------------------

PLANES = Histograms(((0, 1), (1, 2), (2, 2)), tuple([((-2.0, 3.0), (-1.0, 1.0))] * 3))


def block(xy: np.ndarray) -> Block:
    return Block(xy[:, -1].copy(), Dense(np.asfortranarray(xy[:, :-1])))


def fold(blocks: list[Block]) -> np.ndarray:
    return reduce(PLANES.update, blocks, PLANES.init())


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(0, 30), min_size=3, max_size=6),
    where=st.integers(1, 2),
)
def test_any_split_gives_the_counts_of_the_whole(seed: int, sizes: list[int], where: int) -> None:
    ends = np.cumsum([0, *sizes])
    rows = np.random.default_rng(seed).normal(size=(ends[-1], 3)) * 2
    blocks = [block(rows[a:b]) for a, b in pairwise(ends)]
    whole = fold([block(rows)])
    left, right = fold(blocks[:where]), fold(blocks[where:])
    before = left.copy(), right.copy()
    assert whole.sum() == 3 * len(rows)
    assert_array_equal(fold(blocks), whole)
    merged = PLANES.merge(left, right)
    assert_array_equal(merged, whole)
    assert_array_equal(PLANES.merge(PLANES.init(), merged), whole)
    assert_array_equal(PLANES.merge(merged, PLANES.init()), whole)
    PLANES.update(merged, block(rows))
    assert_array_equal(left, before[0])
    assert_array_equal(right, before[1])


def test_merge_is_associative() -> None:
    rng = np.random.default_rng(1)
    a, b, c = (fold([block(rng.normal(size=(50, 3)))]) for _ in range(3))
    merge = PLANES.merge
    assert_array_equal(merge(merge(a, b), c), merge(a, merge(b, c)))


def test_counts_are_those_of_numpy() -> None:
    rows = np.random.default_rng(2).uniform(-1, 1, size=(5_000, 3))
    state = fold([block(rows)])
    for found, (i, j), spans in zip(state, PLANES.planes, PLANES.spans, strict=True):
        expected, *_ = np.histogram2d(rows[:, i], rows[:, j], bins=CELLS, range=spans)
        assert_array_equal(found, expected)


def test_cells_begin_at_their_lower_edge_and_the_last_one_has_both() -> None:
    edges = np.arange(CELLS[0] + 1.0) * 7
    plane = Histograms(((0, 1),), (((0.0, 7.0 * CELLS[0]), (0.0, 1.0)),))
    found = plane.update(plane.init(), block(np.column_stack((edges, np.ones(len(edges))))))
    assert found[0, :, -1].tolist() == [1] * (CELLS[0] - 1) + [2]


def test_rows_beyond_the_span_count_at_its_ends() -> None:
    rows = np.array([[-9.0, -9.0, 0.0], [9.0, 9.0, 0.0], [np.nan, np.inf, 0.0]])
    (found, *_) = fold([block(rows)])
    assert found[0, 0] == 1
    assert found[-1, -1] == 1
    assert found[0, -1] == 1


@pytest.mark.parametrize("value", [0.0, 3.0, -1e20])
def test_one_value_lies_amid_its_limits(value: float) -> None:
    low, high = limits(value, value)
    assert low < value < high
    assert limits(-1.0, 2.0) == (-1.0, 2.0)


def test_all_rows_are_counted_where_they_are(sub: Any, frame: pd.DataFrame) -> None:
    sub.plot([("x1", "x2"), ("x2", "y")])
    for (i, j), names in {(1, 2): ("x1", "x2"), (2, 4): ("x2", "y")}.items():
        x, y = (frame[name].to_numpy() for name in names)
        expected, *_ = np.histogram2d(x, y, bins=CELLS)
        assert_array_equal(sub.histograms[i, j], expected)


# --- passes -----------------------------------------------------------------------------


def test_all_pairs_share_one_pass_and_none_is_counted_twice(sub: Any) -> None:
    before = names_of(sub)
    sub.plot([("x1", "x2"), ("x1", "y"), ("x1", "x2")])
    assert names_of(sub) == [*before, "plot"]
    sub.plot([("x1", "y")], gridsize=20)
    sub.plot()
    assert names_of(sub) == [*before, "plot"]
    sub.plot([("x1", "y"), ("x2", "y")])
    assert names_of(sub) == [*before, "plot", "plot"]


def test_counts_survive_a_pickle(sub: Any) -> None:
    sub.plot()
    again = pickle.loads(pickle.dumps(sub))
    fig = again.plot()
    assert counts(fig.axes[0]).sum() == N
    assert names_of(again) == names_of(sub)


def test_data_that_changed_is_refused() -> None:
    data = table()
    sub = smo.IBOSS(120).select(FORMULA, smo.from_iterable(lambda: iter([data])))
    data["y"] = np.nan_to_num(data["y"] * 1e300, posinf=1e308)
    with pytest.raises(SourceChangedError):
        sub.plot()
    assert sub.histograms == {}


# --- the figure -------------------------------------------------------------------------


def test_hexagons_count_all_rows_and_points_are_the_selected_ones(sub: Any) -> None:
    fig = sub.plot([("x1", "x2"), ("x2", "y")])
    for ax, names in zip(fig.axes, (["x1", "x2"], ["x2", "y"]), strict=False):
        assert counts(ax).sum() == N
        assert counts(ax).min() >= 1
        assert isinstance(ax.collections[0].norm, LogNorm)
        assert_allclose(points(ax, "120 selected"), sub.frame[names], rtol=EXACT)
        assert [ax.get_xlabel(), ax.get_ylabel()] == names
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["120 selected"]


def test_hexagons_are_where_the_rows_are(sub: Any, frame: pd.DataFrame) -> None:
    """Counts drawn of cells are those of a hexbin of the rows, but for rows at an edge."""
    import matplotlib.pyplot as plt

    (ax, *_) = sub.plot([("x1", "x2")], gridsize=20).axes
    x, y = frame["x1"], frame["x2"]
    extent = (x.min(), x.max(), y.min(), y.max())
    other = plt.figure().subplots().hexbin(x, y, gridsize=(20, 11), extent=extent, mincnt=1)
    at, drawn = (
        dict(zip(map(tuple, np.round(c.get_offsets(), 6)), np.asarray(c.get_array()), strict=True))
        for c in (other, ax.collections[0])
    )
    apart = sum(abs(drawn.get(key, 0) - at.get(key, 0)) for key in {*at, *drawn})
    assert apart < 0.25 * N  # two hexagons for each row that changes places
    fullest = max(at, key=lambda key: at[key])
    assert_allclose(drawn[fullest], at[fullest], rtol=0.1)


def test_hexagons_inside_cover_as_many_cells() -> None:
    """A uniform plane looks uniform: no stripes where cells and hexagons do not match."""
    grid = np.stack(np.meshgrid(*(np.arange(c) + 0.5 for c in CELLS), indexing="ij"), axis=-1)
    x, y = grid.reshape(-1, 2).T
    ends = np.array([[0.0, 0.0], [240.0, 184.0]])
    data = pd.DataFrame(np.concatenate((np.column_stack((x, y)), ends)), columns=["x1", "x2"])
    data["y"] = x.mean()
    (ax, *_) = smo.IBOSS(10).select("y ~ x1 + x2", data).plot().axes
    inside = [
        count
        for (along, up), count in zip(ax.collections[0].get_offsets(), counts(ax), strict=True)
        if 6 < along < 234 and 8 < up < 176
    ]
    assert len(inside) > 1_500
    assert set(inside) == {24.0}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (FORMULA, ["x1", "x2"]),
        ("y ~ x2", ["x2", "y"]),
        ("y ~ constant + x1", ["x1", "y"]),
        ("y ~ constant + x2 + x1 - 1", ["x2", "x1"]),
    ],
)
@pytest.mark.parametrize("criterion", ["D", "T", "uniform"])
def test_default_pair(formula: str, expected: list[str], criterion: Any) -> None:
    data = table().assign(constant=2.0)
    (ax, *_) = smo.IBOSS(500, criterion).select(formula, data).plot().axes
    assert [ax.get_xlabel(), ax.get_ylabel()] == expected
    assert counts(ax).sum() == N


def test_columns_that_never_change_can_be_plotted(frame: pd.DataFrame) -> None:
    sub = smo.IBOSS(50, "uniform").select("y ~ 1", frame.assign(y=3.0))
    fig = sub.plot()
    fig.canvas.draw()
    assert counts(fig.axes[0]).tolist() == [N]
    for (low, high), value in ((fig.axes[0].get_xlim(), 1), (fig.axes[0].get_ylim(), 3)):
        assert low < value < high


def test_rows_of_the_pilot_are_told_apart(frame: pd.DataFrame) -> None:
    data = frame.assign(y=(frame["y"] > 0).astype(int))
    binomial = sm.families.Binomial()
    iboss = smo.IBOSS(60, pilot_size=400, family=binomial, include_pilot=True)
    sub = iboss.select(FORMULA, data)
    fig = sub.plot(("x1", "y"))
    fig.canvas.draw()
    more = len(sub.index) - 60
    assert more > 300
    whose = sub.steps["column"] == "(pilot)"
    chosen = points(fig.axes[0], "60 selected")
    assert_allclose(chosen, sub.frame.loc[~whose, ["x1", "y"]], rtol=EXACT)
    added = points(fig.axes[0], f"{more} of the pilot")
    assert_allclose(added, sub.frame.loc[whose, ["x1", "y"]], rtol=EXACT)


def test_rows_that_are_dropped_are_not_counted(frame: pd.DataFrame) -> None:
    data = frame.copy()
    data.loc[::10, "x2"] = np.nan
    (ax, *_) = smo.IBOSS(60).select(FORMULA, data).plot([("x1", "x3")]).axes
    assert counts(ax).sum() == N - N // 10


def test_names_of_coded_columns_and_of_pairs_of_responses(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    data = frame.assign(g=rng.choice(["a", "b", "c"], N), hit=rng.integers(0, 9, N), miss=5)
    binomial = sm.families.Binomial()
    sub = smo.IBOSS(300, family=binomial).select("hit + miss ~ C(g) + x1", data)
    (ax, *_) = sub.plot(("C(g)[T.b]", "hit + miss")).axes
    chosen = sub.frame
    expected = np.column_stack((chosen["g"] == "b", chosen["hit"] / (chosen["hit"] + 5)))
    assert_allclose(points(ax, "300 selected"), expected, rtol=EXACT)


# --- where it is drawn ------------------------------------------------------------------


def test_given_axes_are_drawn_into(sub: Any) -> None:
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 2)
    assert sub.plot([("x1", "x2"), ("x1", "y")], ax=axes) is fig
    assert [ax.get_ylabel() for ax in axes] == ["x2", "y"]
    other, ax = plt.subplots()
    assert sub.plot(ax=ax) is other
    assert counts(ax).sum() == N


def test_given_figures_are_drawn_into(sub: Any) -> None:
    from matplotlib.figure import Figure

    fig = Figure()
    assert sub.plot([("x1", "x2")], fig=fig) is fig
    assert fig.axes[0].get_xlabel() == "x1"
    left, right = Figure().subfigures(1, 2)
    assert sub.plot(fig=right) is right
    assert left.axes == []


def test_many_pairs_fill_rows_of_three(sub: Any) -> None:
    names = ["x1", "x2", "x3", "y"]
    fig = sub.plot([(a, b) for a in names[:2] for b in names[2:]])
    panels = [ax for ax in fig.axes if ax.get_xlabel()]
    assert len(panels) == 4
    assert len(fig.axes) == 8  # each with its scale of colours; spare ones are gone
    assert panels[3].get_subplotspec().rowspan.start == 1


# --- what is refused, before anything is read -------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"pairs": [("x1", "z")]}, ColumnNotFoundError, "'z'.*\n.*'Intercept', 'x1', 'x2'.*'y'"),
        ({"pairs": []}, OptionError, "empty"),
        ({"pairs": ["x1", "x2", "y"]}, OptionError, "'x1' in pairs"),
        ({"pairs": "x1"}, OptionError, "two columns"),
        ({"pairs": [("x1", "x2", "y")]}, OptionError, "two columns"),
        ({"gridsize": 1}, OptionError, "from 2 to 60"),
        ({"gridsize": 61}, OptionError, "from 2 to 60"),
        ({"gridsize": 2.5}, TypeError, "float"),
        ({"ax": [1, 2]}, OptionError, "2 axes are given; 1 pairs"),
        ({"ax": 1, "fig": 2}, OptionError, "ax and fig"),
    ],
)
def test_wrong_arguments(sub: Any, arguments: Any, error: type[Exception], message: str) -> None:
    import matplotlib.pyplot as plt

    before = names_of(sub)
    with pytest.raises(error, match=message):
        sub.plot(**arguments)
    assert names_of(sub) == before
    assert plt.get_fignums() == []


def test_without_matplotlib_the_extra_is_named(sub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return importing(name, *args, **kwargs)

    before = names_of(sub)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"matplotlib\n.*statsmodels_ooc\[plot\]"):
        sub.plot()
    assert names_of(sub) == before


def test_matplotlib_is_not_imported_with_the_package() -> None:
    import subprocess
    import sys

    code = "import sys, statsmodels_ooc.api; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
