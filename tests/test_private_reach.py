"""No file reaches into the private names of an object that another file made.

A private attribute belongs to a file that gives it a value or defines it. Reading or setting
one that belongs to no class of the same file is a reach, also through ``getattr``, through
``__dict__`` and through ``self``, whose base class stands elsewhere.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "statsmodels_ooc"
FILES = {str(p.relative_to(PACKAGE)): p for p in sorted(PACKAGE.rglob("*.py"))}
BRIDGES = ("_patsy", "_statsmodels.py")  # the only files that touch private names of others

PUBLIC_BY_CONTRACT = {
    *("_replace", "_fields", "_asdict"),  # of named tuples
    "_v_children",  # of PyTables' groups, whose public attributes begin so by its manual
}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name not in PUBLIC_BY_CONTRACT


def own_names(tree: ast.AST) -> set[str]:
    """What a file defines, and what it sets on ``self`` and ``cls``."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        for part in (part for target in targets for part in ast.walk(target)):
            if isinstance(part, ast.Name):
                found.add(part.id)
            elif isinstance(part, ast.Attribute) and _is_self(part.value):
                found.add(part.attr)
    return found


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def reaches(source: str) -> Iterator[str]:
    """The places, with their lines."""
    tree = ast.parse(source)
    own = own_names(tree)
    for node in ast.walk(tree):
        name = _reached(node)
        if name is not None and is_private(name) and name not in own:
            yield f"line {node.lineno}: {ast.unparse(node)}"  # type: ignore[attr-defined]


def _reached(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    key: ast.expr | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in ("getattr", "setattr", "hasattr", "delattr") and len(node.args) > 1:
            key = node.args[1]
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(".__dict__"):
        key = node.slice
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


@pytest.mark.parametrize("file", [name for name in FILES if not name.startswith(BRIDGES)])
def test_a_file_keeps_to_its_own_private_names(file: str) -> None:
    assert list(reaches(FILES[file].read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f(model): return model._planner",
        "def f(model): model._planner = 1",
        "class A(B):\n    def f(self): return self._inherited",
        "getattr(model, '_planner', None)",
        "model.__dict__['_planner']",
        "setattr(model, '_planner', 1)",
    ],
)
def test_a_reach_is_seen(source: str) -> None:
    assert len(list(reaches(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "class A:\n    def f(self):\n        self._own = 1\n        return self._own",
        "class A:\n    _own: int = 0\n    def f(self, other): return other._own",
        "class A:\n    def _own(self): ...\ndef f(a): return a._own()",
        "point._replace(mu=1)",
        "x.__dict__['public'], x.__class__",
    ],
)
def test_what_is_ones_own_is_no_reach(source: str) -> None:
    assert list(reaches(source)) == []
