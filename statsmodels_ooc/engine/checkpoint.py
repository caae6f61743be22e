"""What a fit has folded so far, in a folder: a fit that was killed goes on from there."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from statsmodels_ooc.engine.gate import reads_here
from statsmodels_ooc.engine.progress import at_work
from statsmodels_ooc.engine.state_files import (
    kept_errors,
    read_state,
    remove,
    write_kept,
    write_state,
)
from statsmodels_ooc.errors import CheckpointError
from statsmodels_ooc.fingerprints import differences, fingerprint
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.sources.seam import touch

_FORMAT = 1
_MANIFEST, _QUESTION = "manifest.json", "pass.json"

Node = tuple[int, int]  # of the tree in which states merge: the level, and the place there


@dataclass
class Checkpoint:
    """The folder of one fit.

    Parameters
    ----------
    folder : Path
        It is made where it is not there.
    about : mapping
        What the fit is about, in words and digests: another one's states are refused.

    Raises
    ------
    CheckpointError
        The folder holds what another fit has folded, or something else; or it cannot be
        written.
    """

    folder: Path
    about: Mapping[str, str]

    def __post_init__(self) -> None:
        with kept_errors(self.folder, "used"):
            left = [path for path in self.folder.rglob("*.new") if path.is_file()]
            others = sorted(path.name for path in self.folder.iterdir() if path not in left)
        for path in left:  # of a process that was killed while it wrote
            remove(path)
        manifest = self.folder / _MANIFEST
        known = {"format": str(_FORMAT), **self.about}
        if manifest.name in others:
            _check_same(manifest, _read_json(manifest), known)
        elif others:
            raise CheckpointError(
                f"{self.folder} holds other files ({', '.join(others[:3])}) and no checkpoint",
                hint="give a folder of its own",
            )
        else:
            write_kept(manifest, json.dumps(known, indent=1).encode())

    def kept_pass(
        self, name: str, kernels: str, reductions: Sequence[Reduction[Any]]
    ) -> KeptPass | None:
        """The states of a pass, found by what it asks; None where they go with the process.

        Raises
        ------
        CheckpointError
            What was kept of it is damaged.
        """
        if not all(reduction.can_be_kept for reduction in reductions):
            return None
        question = {"name": name, "kernels": kernels, "numbers": fingerprint(*reductions)}
        folder = self.folder / f"pass-{fingerprint(question)}"
        with kept_errors(folder, "made"):
            folder.mkdir(exist_ok=True)
        place = folder / _QUESTION
        if place.exists():
            if _read_json(place) != question:
                raise CheckpointError(f"{place} is damaged", hint=f"remove {folder}")
        else:
            write_kept(place, json.dumps(question).encode())
        return KeptPass(str(folder))


_current: ContextVar[tuple[int, Checkpoint] | None] = ContextVar("checkpoint", default=None)


@contextmanager
def kept_in(folder: Path, about: Mapping[str, str]) -> Iterator[None]:
    """Inside, passes of this thread keep their states, and use those that were kept.

    Raises
    ------
    CheckpointError
        The folder is in use, another fit's, or cannot be used; see `Checkpoint`.
    """
    with kept_errors(folder, "used"):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        token = _current.set((threading.get_ident(), Checkpoint(folder, about)))
        try:
            yield
        finally:
            _current.reset(token)


def current() -> Checkpoint | None:
    """Where the passes of this thread keep their states, if anywhere.

    Not those that are made while rows are read, such as by a function of a formula that fits.
    """
    found = _current.get()
    is_here = found is not None and found[0] == threading.get_ident() and not reads_here()
    return found[1] if found is not None and is_here else None


@dataclass(frozen=True)
class KeptPass:
    """The states that were kept of a pass: of partitions, and of neighbours that were merged."""

    folder: str

    def known(self) -> frozenset[Node]:
        """What was kept."""
        names = [path.stem for path in Path(self.folder).glob("*-*.state")]
        pairs = [name.split("-") for name in names]
        return frozenset((int(level), int(place)) for level, place in pairs)

    def path(self, node: Node) -> Path:
        """The file of a node."""
        return Path(self.folder, f"{node[0]}-{node[1]}.state")


@dataclass(frozen=True)
class Keep:
    """The task that keeps the state of a node, which stands for those that it was merged of."""

    kept: KeptPass
    meter: str

    def __call__(self, state: Any, node: Node, parts: tuple[Node, ...]) -> Any:
        with at_work(self.meter):
            write_state(self.kept.path(node), state)
            for part in parts:
                remove(self.kept.path(part))
        return state


@dataclass(frozen=True)
class Recall:
    """The task that reads the state of a node again."""

    kept: KeptPass

    def __call__(self, node: Node) -> Any:
        return read_state(self.kept.path(node))


@dataclass(frozen=True)
class KeptTree:
    """The tree of `pieces.tree` over partitions, some nodes of which were kept.

    Parameters
    ----------
    count : int
        Partitions.
    known : frozenset of Node
        What was kept.
    """

    count: int
    known: frozenset[Node]

    def root(self) -> Node:
        """The node of all partitions."""
        level = 0
        while self._width(level) > 1:
            level += 1
        return self._home((level, 0))

    def wanted(self) -> list[int]:
        """The partitions that are to be read, in order."""
        return sorted(self._leaves(self.root()))

    def build(
        self,
        leaves: Mapping[int, str],
        merge: Callable[[str, str], str],
        recall: Callable[[Node], str],
        keep: Callable[[str, Node, tuple[Node, ...]], str],
    ) -> str:
        """The calls from the leaves to the root, and what they give is kept."""

        def value(node: Node) -> str:
            if node in self.known:
                return recall(node)
            if not node[0]:
                return keep(leaves[node[1]], node, ())
            left, right = self._parts(node)
            return keep(merge(value(left), value(right)), node, (left, right))

        return value(self.root())

    def _leaves(self, node: Node) -> Iterator[int]:
        if node in self.known:
            return
        if not node[0]:
            yield node[1]
            return
        for part in self._parts(node):
            yield from self._leaves(part)

    def _width(self, level: int) -> int:
        """How many nodes a level has."""
        return -(-self.count >> level)

    def _parts(self, node: Node) -> tuple[Node, Node]:
        level, place = node
        return self._home((level - 1, 2 * place)), self._home((level - 1, 2 * place + 1))

    def _home(self, node: Node) -> Node:
        """Where a node comes from that has no neighbour: it goes up as it is."""
        level, place = node
        while level and 2 * place + 1 >= self._width(level - 1):
            level, place = level - 1, 2 * place
        return level, place


def _read_json(path: Path) -> dict[str, str]:
    try:
        touch("read", path)
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error}", hint="remove the folder, or give another one"
        ) from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} holds no checkpoint", hint="give another folder")
    return found


def _check_same(path: Path, there: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse what was kept of another fit, and say what is another."""
    if told := differences(there, now):
        raise CheckpointError(
            f"{path.parent} was kept of another fit: {told}",
            hint="give the same data, formula, options and arguments of fit, or another folder",
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Refuse a folder in which another process is at work."""
    try:
        import fcntl
    except ImportError:  # Windows, which has no flock
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise CheckpointError(
            f"{folder} is in use by another fit", hint="wait for it, or give another folder"
        ) from error
    try:
        yield
    finally:
        os.close(handle)
