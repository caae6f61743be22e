"""No generator keeps a context variable set while its consumer goes on.

Between two steps of a generator its caller runs, with whatever the generator has set; and it may
be closed in another context, where what was set cannot be taken back. Functions for ``with`` are
no such generators: they are entered and left by the same caller.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "statsmodels_ooc"
TREES = {str(p.relative_to(PACKAGE)): ast.parse(p.read_text()) for p in PACKAGE.rglob("*.py")}
OF_LIBRARIES = {"errstate", "catch_warnings", "localcontext", "copy_context", "option_context"}


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What is in a node, but for the functions in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from own_nodes(child)


def called(node: ast.AST) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            name = call.func
            yield name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")


def is_for_with(function: ast.FunctionDef) -> bool:
    return any("contextmanager" in ast.unparse(one) for one in function.decorator_list)


def yields(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Yield | ast.YieldFrom) for one in own_nodes(node))


def set_around_a_yield(function: ast.FunctionDef, setting: set[str]) -> Iterator[str]:
    """What a generator enters that sets context variables, before it yields."""
    for node in own_nodes(function):
        if isinstance(node, ast.With) and yields(node):
            for item in node.items:
                yield from setting.intersection(called(item.context_expr))


def sets_variables(function: ast.FunctionDef, setting: set[str]) -> bool:
    """Whether what stands inside of ``with function():`` sees other context variables."""
    if not is_for_with(function):
        returned = [n for n in own_nodes(function) if isinstance(n, ast.Return) and n.value]
        return any(OF_LIBRARIES.intersection(called(one)) for one in returned)
    own = {one.targets[0].id for one in own_nodes(function) if _is_token(one)}
    return bool(own) or any(True for _ in set_around_a_yield(function, setting))


def _is_token(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr == "set"
    )


def setting_names(trees: dict[str, ast.Module]) -> set[str]:
    """What is entered by ``with`` and sets context variables: of libraries, and of the package."""
    found, before = set(OF_LIBRARIES), 0
    while len(found) > before:
        before = len(found)
        for tree in trees.values():
            found |= {f.name for f in functions_of(tree) if sets_variables(f, found)}
    return found


SETTING = setting_names(TREES)


def complaints(tree: ast.AST) -> list[str]:
    return [
        f"line {function.lineno}: {function.name} yields inside of {name}"
        for function in functions_of(tree)
        if not is_for_with(function)
        for name in set_around_a_yield(function, SETTING)
    ]


def test_no_generator_yields_inside_of_what_sets_context_variables():
    found = {file: complaints(tree) for file, tree in TREES.items()}
    assert {file: told for file, told in found.items() if told} == {}


def test_what_sets_them_is_found():
    assert {"contents_are_compared", "borrowed", "kept_in", "quiet"} <= SETTING
    assert "remote_errors" not in SETTING


@pytest.mark.parametrize(
    "body",
    [
        "with np.errstate(over='ignore'):\n        yield 1",
        "with open(x) as f, quiet():\n        for y in f:\n            yield y",
        "with contents_are_compared():\n        yield from x",
    ],
)
def test_such_a_generator_is_seen(body):
    assert complaints(ast.parse(f"def f(x):\n    {body}"))
    assert not complaints(ast.parse(f"@contextmanager\ndef f(x):\n    {body}"))
