"""What the code of a factor looks up."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from typing import Any

import patsy.builtins
from patsy.eval import ast_names

__all__ = ["factor_names", "scope", "simple_column"]


def factor_names(factor: Any) -> list[str]:
    """Every name that a factor looks up, ``Q("a b")`` counted as ``a b``."""
    names = dict.fromkeys(ast_names(factor.code))
    for node in ast.walk(ast.parse(factor.code, mode="eval")):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.pop(node.id, None)
        quoted = _quoted(node)
        if quoted is not None:
            names.pop("Q", None)
            names[quoted] = None
    return list(names)


def _quoted(node: ast.AST) -> str | None:
    """The name in ``Q("name")``, None for anything else."""
    match node:
        case ast.Call(func=ast.Name(id="Q"), args=[ast.Constant(value=str(name))]):
            return name
    return None


def scope(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a factor uses of the caller's scope and of patsy's builtins."""
    (names,) = state["eval_env"]._namespaces
    found: Mapping[str, Any] = names
    return found


def simple_column(
    factor: Any, state: Mapping[str, Any], columns: Collection[str]
) -> tuple[str, bool] | None:
    """The column of a factor that is ``x``, ``Q("x")`` or ``C(x, ...)``.

    Returns
    -------
    (column, boxed) or None
        `boxed` tells whether ``C`` stands around it; None for other factors, and
        where ``C`` or ``Q`` is not patsy's.
    """

    def is_own(name: str) -> bool:
        own = getattr(patsy.builtins, name)
        return scope(state).get(name, own) is own

    node = ast.parse(factor.code, mode="eval").body
    boxed = False
    match node:
        case ast.Call(func=ast.Name(id="C"), args=[inner, *_]) if is_own("C"):
            node, boxed = inner, True
    name = node.id if isinstance(node, ast.Name) else _quoted(node) if is_own("Q") else None
    return (name, boxed) if name is not None and name in columns else None
