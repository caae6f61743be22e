"""Selected rows against all rows, in planes of two columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.errors import ColumnNotFoundError, OptionError, require_matplotlib
from statsmodels_ooc.selection.histograms import CELLS, Histograms, Limits, Plane, column, limits
from statsmodels_ooc.selection.ordering import IntArray
from statsmodels_ooc.selection.pilot import block_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


Pairs = tuple[str, str] | Sequence[tuple[str, str]]


_FINEST = CELLS[0] // 4  # with fewer cells a hexagon, stripes would show
_ABREAST = 3  # panels in a row


@dataclass(frozen=True)
class Panel:
    """What is drawn into one plane."""

    names: tuple[str, str]  # of the columns along it and up it
    spans: tuple[Limits, Limits]  # where their cells begin and end
    counts: IntArray  # all rows, (along, up)
    points: FloatArray  # the selected rows and those of the pilot, (rows, 2)
    extra: NDArray[np.bool_]  # which are the pilot's only, (rows,)


def plot(selection: Any, pairs: Pairs | None, gridsize: int, ax: Any, fig: Any) -> Any:
    """The figure of `Selection.plot`."""
    # 1. Whatever can be refused is refused before anything is read.
    require_matplotlib()
    if not 2 <= index(gridsize) <= _FINEST:
        raise OptionError(f"gridsize = {gridsize!r}: from 2 to {_FINEST} hexagons are possible")
    planes = _planes(pairs, selection)
    _check_places(len(planes), ax, fig)
    # 2. All rows are counted, in one pass for all planes that are new.
    counted = _counted(planes, selection)
    # 3. The selected rows are in memory.
    block = block_of(selection.spec, selection.frame)
    extra = (selection.steps["column"] == "(pilot)").to_numpy()
    axes = _axes(len(planes), ax, fig)
    for one, plane in zip(axes, planes, strict=True):
        names, spans = _names(plane, selection.spec), _spans(plane, selection)
        points = np.column_stack([column(block, j) for j in plane])
        _draw(one, Panel(names, spans, counted[plane], points, extra), gridsize)
    return axes[0].figure if fig is None else fig


# --- what is drawn


def _planes(pairs: Pairs | None, selection: Any) -> list[Plane]:
    """Columns of ``[X | y]`` for each panel."""
    spec: DesignSpec = selection.spec
    if pairs is None:
        design = block_of(spec, selection.frame).dense()
        columns = selection.survey.columns or selection.survey.constants
        dummies = [j for j in columns if len(np.unique(design[:, j])) <= 2]
        first = [*(j for j in columns if j not in dummies), *dummies, spec.k, spec.k]
        return [(first[0], first[1])]
    asked: Any = pairs
    if isinstance(asked, tuple | list) and [type(name) for name in asked] == [str, str]:
        asked = [asked]
    if len(asked) == 0:
        raise OptionError("pairs is empty", hint="leave it out for two columns that vary")
    return [_plane(pair, spec) for pair in asked]


def _plane(pair: Any, spec: DesignSpec) -> Plane:
    if isinstance(pair, str) or len(pair) != 2:
        raise OptionError(f"{pair!r} in pairs: a panel shows two columns")
    names = [*spec.exog_names, spec.endog_name]
    for name in pair:
        if name not in names:
            known = ", ".join(map(repr, names))
            raise ColumnNotFoundError(
                f"the design has no column {name!r} to plot", hint=f"the columns are {known}"
            )
    return names.index(pair[0]), names.index(pair[1])


def _names(plane: Plane, spec: DesignSpec) -> tuple[str, str]:
    names = [*spec.exog_names, spec.endog_name]
    return names[plane[0]], names[plane[1]]


def _spans(plane: Plane, selection: Any) -> tuple[Limits, Limits]:
    facts = selection.survey.facts
    along, up = (limits(facts.low[j], facts.high[j]) for j in plane)
    return along, up


def _counted(planes: list[Plane], selection: Any) -> dict[Plane, IntArray]:
    """Counts of all rows; a pass for the planes that are asked for the first time."""
    known: dict[Plane, IntArray] = selection.histograms
    new = tuple(dict.fromkeys(plane for plane in planes if plane not in known))
    if new:
        spans = tuple(_spans(plane, selection) for plane in new)
        (counts,) = selection.stream.fold("plot", Histograms(new, spans))
        known.update(zip(new, counts, strict=True))
    return known


# --- how


def _check_places(count: int, ax: Any, fig: Any) -> None:
    if ax is not None and fig is not None:
        raise OptionError("ax and fig are given; one of them says where to draw")
    if ax is not None and np.size(ax) != count:
        raise OptionError(f"{np.size(ax)} axes are given; {count} pairs need one each")


def _axes(count: int, ax: Any, fig: Any) -> list[Axes]:
    """One place to draw for each panel: those that are given, or new ones."""
    if ax is not None:
        given: list[Axes] = np.ravel(ax).tolist()
        return given
    rows, abreast = math.ceil(count / _ABREAST), min(count, _ABREAST)
    if fig is None:
        import matplotlib.pyplot as plt

        fig = plt.figure(figsize=(5.6 * abreast, 4.4 * rows), layout="constrained")
    made: list[Axes] = fig.subplots(rows, abreast, squeeze=False).ravel().tolist()
    for spare in made[count:]:
        spare.remove()
    return made[:count]


def _draw(ax: Axes, panel: Panel, gridsize: int) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    # From a grey that is seen on white: hexagons of single rows matter here.
    greys = ListedColormap(colormaps["Greys"](np.linspace(0.2, 0.95, 256)))
    full = np.nonzero(panel.counts)
    x, y = (
        low + (high - low) * ((cell + 0.5) / cells)
        for cell, cells, (low, high) in zip(full, CELLS, panel.spans, strict=True)
    )
    hexagons = ax.hexbin(
        x,
        y,
        C=panel.counts[full],
        reduce_C_function=np.sum,
        gridsize=(gridsize, max(int(gridsize / math.sqrt(3)), 1)),
        bins="log",
        extent=(*panel.spans[0], *panel.spans[1]),
        cmap=greys,
        linewidths=0.2,
    )
    ax.figure.colorbar(hexagons, ax=ax, label=f"rows, of {panel.counts.sum():,}")
    for which, kind, fill, edge in (
        (panel.extra, "of the pilot", "none", "C0"),
        (~panel.extra, "selected", "C1", "white"),
    ):
        x, y = panel.points[which].T
        if len(x):
            label = f"{len(x):,} {kind}"
            ax.scatter(x, y, s=12, facecolors=fill, edgecolors=edge, linewidths=0.5, label=label)
    ax.set(xlabel=panel.names[0], ylabel=panel.names[1])
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderaxespad=0.2)
