"""Formulas of any length."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from patsy import ModelDesc
from patsy.desc import Evaluator, IntermediateExpr
from patsy.parse_formula import parse_formula

__all__ = ["model_desc"]


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
