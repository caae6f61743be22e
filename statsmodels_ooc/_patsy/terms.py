"""Formulas, terms, levels and columns, as patsy makes them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import patsy.builtins
from patsy import DesignInfo, ModelDesc
from patsy.build import (
    _make_subterm_infos,
    _subterm_column_combinations,
    _subterm_column_names_iter,
)
from patsy.categorical import guess_categorical
from patsy.desc import Evaluator, IntermediateExpr, Term
from patsy.design_info import FactorInfo
from patsy.eval import EvalFactor, ast_names
from patsy.missing import NAAction
from patsy.parse_formula import parse_formula
from patsy.util import SortAnythingKey


def model_desc(formula: Any) -> ModelDesc:
    """The terms of a formula, as patsy reads it.

    Parameters
    ----------
    formula : str or ModelDesc
        Of any number of terms; patsy's own evaluation goes as deep as ``a + b + c`` is
        long, and ends in a RecursionError at about 450 of them.
    """
    if isinstance(formula, ModelDesc):
        return formula
    return _LeftFirst().eval(parse_formula(formula), require_evalexpr=False)


class _LeftFirst(Evaluator):  # type: ignore[misc]
    """Evaluates chains of operators from the innermost one outwards.

    Every binary operator of patsy's evaluates its left operand first and once. Those of a
    chain are evaluated beforehand, in the same order, so that each finds its own ready;
    of a sum, all terms at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ready: dict[int, Any] = {}
        self.add_op("+", 2, _eval_sum)

    def eval(self, tree: Any, require_evalexpr: bool = True) -> Any:
        if id(tree) in self._ready:
            return self._ready.pop(id(tree))
        chain = [tree]
        while len(chain[-1].args) == 2:
            chain.append(chain[-1].args[0])
        for node, outer in pairwise(reversed(chain)):
            if not (_is_sum(node) and _is_sum(outer)):
                self._ready[id(node)] = super().eval(node)
        return super().eval(tree, require_evalexpr)


def _is_sum(tree: Any) -> bool:
    return tree.type == "+" and len(tree.args) == 2


def _eval_sum(evaluator: _LeftFirst, tree: Any) -> IntermediateExpr:
    """What patsy makes of ``left + right``, over and over, without copying the left."""
    sums = [tree]
    while _is_sum(sums[-1].args[0]):
        sums.append(sums[-1].args[0])
    found = evaluator.eval(sums[-1].args[0])
    intercept = (found.intercept, found.intercept_origin, found.intercept_removed)
    terms = dict.fromkeys(found.terms)
    for node in reversed(sums):
        if node.args[1].type == "ZERO":
            intercept = (False, None, True)
            continue
        right = evaluator.eval(node.args[1])
        terms.update(dict.fromkeys(right.terms))
        if right.intercept:
            intercept = (True, right.intercept_origin, False)
    return IntermediateExpr(*intercept, list(terms))


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


def is_column(code: str) -> bool:
    """Whether an expression is nothing but the name of a column, be it in ``Q``."""
    try:
        node = ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return isinstance(node, ast.Name) or _quoted(node) is not None


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


def expression_term(code: str) -> Any:
    """A term of one factor, a Python expression that is not parsed as a formula."""
    return Term([EvalFactor(code)])


def is_missing(value: Any) -> bool:
    """Whether patsy takes a value of a categorical variable for a missing one.

    Text that reads as NaN counts as well.
    """
    return bool(NAAction().is_categorical_NA(value))


def sorted_levels(values: Iterable[Any]) -> tuple[Any, ...]:
    """Levels in the order in which patsy puts those that it has found itself."""
    return tuple(sorted(values, key=SortAnythingKey))


def design_info(
    terms: Sequence[Any],
    states: Mapping[Any, dict[str, Any]],
    num_columns: Mapping[Any, int],
    levels: Mapping[Any, tuple[tuple[Any, ...], Any]],
) -> DesignInfo:
    """Assemble what patsy's `design_matrix_builders` assembles after its scan.

    Parameters
    ----------
    terms : sequence of Term
        One side of the formula.
    states : mapping
        Factor to memorised state.
    num_columns : mapping
        Numerical factor to its number of columns.
    levels : mapping
        Categorical factor to (levels, contrast).
    """
    codings = _make_subterm_infos(list(terms), dict(num_columns), dict(levels))
    infos = {
        factor: (
            FactorInfo(factor, "numerical", states[factor], num_columns=num_columns[factor])
            if factor in num_columns
            else FactorInfo(factor, "categorical", states[factor], categories=levels[factor][0])
        )
        for term in terms
        for factor in term.factors
    }
    names = [
        name
        for subterms in codings.values()
        for subterm in subterms
        for name in _subterm_column_names_iter(infos, subterm)
    ]
    return DesignInfo(names, factor_infos=infos, term_codings=codings)


def planned_columns(
    terms: Sequence[Any],
    num_columns: Mapping[Any, int],
    levels: Mapping[Any, tuple[tuple[Any, ...], Any]],
) -> dict[Any, int]:
    """How many columns each term will have, told without its contrasts.

    Two levels stand in for those of every factor: they get two columns where all levels
    have one, and one column where the first is left out.

    Parameters
    ----------
    terms, num_columns, levels
        See `design_info`.
    """
    stand_in = dict.fromkeys(levels, ((0, 1), None))
    codings = _make_subterm_infos(list(terms), dict(num_columns), stand_in)

    def width(subterm: Any) -> int:
        columns = 1
        for factor in subterm.factors:
            if factor in num_columns:
                columns *= num_columns[factor]
            else:
                omitted = 2 - subterm.contrast_matrices[factor].matrix.shape[1]
                columns *= _coded_columns(*levels[factor], omitted)
        return columns

    return {term: sum(map(width, subterms)) for term, subterms in codings.items()}


def _coded_columns(levels: tuple[Any, ...], contrast: Any, omitted: int) -> int:
    """A matrix of the user's has the columns that it has."""
    given = getattr(contrast, "matrix", contrast)
    is_matrix = isinstance(given, Sequence | np.ndarray) and np.ndim(given) == 2
    return int(np.shape(given)[1]) if is_matrix else max(len(levels) - omitted, 0)


def subterm_columns(info: DesignInfo, subterm: Any) -> list[tuple[int, ...]]:
    """For every column of a subterm, the column taken of each of its factors."""
    return list(_subterm_column_combinations(info.factor_infos, subterm))


def is_numeric(values: Any) -> bool:
    """Whether patsy takes evaluated values for a numerical factor."""
    return not guess_categorical(values) and np.asarray(values).dtype.kind in "iufb"
