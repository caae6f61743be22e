"""A case of something that goes wrong: what is prepared, what is done, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import statsmodels_ooc.formula.api as smof

FORMULA = "y ~ x + g"
THIRTY = range(30)  # places at which a file is cut off
THIRTY_LATER = (0.5, *range(1, 30))  # where no byte at all is something else


def rows(n: int = 240, seed: int = 3) -> pd.DataFrame:
    """Rows of the model that all cases fit."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(["a", "bb", "ccc"], n)})
    return table.assign(y=1 + table["x"] + rng.normal(size=n), n=np.arange(n))


@dataclass
class Scene:
    """Where a case takes place.

    Attributes
    ----------
    folder : Path
        For its files.
    temporary : Path
        Where temporary copies go.
    at : object
        Which variant of the case this is.
    rows : DataFrame
        What statsmodels is given, where the numbers are to be right.
    formula : str
        Likewise.
    store : object
        The store of objects, where the case needs it.
    """

    folder: Path
    temporary: Path
    at: Any = None
    rows: pd.DataFrame = field(default_factory=rows)
    formula: str = FORMULA
    store: Any = None

    def fit(self, data: Any, **told: Any) -> Any:
        """The fit of whatever is taken for data."""
        return smof.ols(self.formula, data).fit(**told)

    def cut(self, path: Path) -> Path:
        """Cut a file off, at one of thirty places from its start to its last byte."""
        content = path.read_bytes()
        path.write_bytes(content[: self.place(len(content))])
        return path

    def place(self, size: int) -> int:
        """One of thirty places in so many bytes."""
        return size - 1 if self.at == THIRTY[-1] else int(self.at * size / len(THIRTY))


@dataclass(frozen=True)
class Named:
    """The run ends in an error of this class, whose message says what, where and what to do."""

    error: type[BaseException]
    message: str

    @property
    def words(self) -> str:
        """What the docs say of it."""
        own = self.error.__module__.startswith("faults.")
        return "your own error, as it is" if own else f"``{self.error.__name__}``"


@dataclass(frozen=True)
class Same:
    """The run ends in the numbers of statsmodels for the rows that are there."""

    words: str = "the same numbers"
    warning: type[Warning] | None = None
    message: str = ""


SAME = Same()
Act = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """Something that goes wrong.

    Attributes
    ----------
    source : str
        The kind of source, or what else it is about.
    happens : str
        What goes wrong, in plain words.
    wanted : Named or Same
        What must come of it.
    play : callable
        Prepares files and servers, yields what is done, and puts back what others need.
    variants : sequence
        What `Scene.at` will be, one run for each.
    needs : tuple of str
        Libraries without which it is passed over.
    server : {"", "PostgreSQL", "S3"}
        The server that it needs.
    """

    source: str
    happens: str
    wanted: Named | Same
    play: Callable[[Scene], Iterator[Act]]
    variants: Sequence[Any] = (None,)
    needs: tuple[str, ...] = ()
    server: str = ""


def raises(error: type[BaseException], message: str) -> Named:
    """What a case wants that must end in an error."""
    return Named(error, message)


def warns(category: type[Warning], message: str) -> Same:
    """What a case wants whose numbers are right, and of which something is to be said."""
    return Same(f"the same numbers, and a ``{category.__name__}``", category, message)


def case(
    source: str,
    happens: str,
    wanted: Named | Same,
    variants: Sequence[Any] = (None,),
    needs: str = "",
    server: str = "",
) -> Callable[[Callable[[Scene], Iterator[Act]]], Case]:
    """Make a case of a function that plays it."""

    def made(play: Callable[[Scene], Iterator[Act]]) -> Case:
        return Case(source, happens, wanted, play, variants, tuple(needs.split()), server)

    return made
