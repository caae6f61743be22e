"""The only file that touches patsy's private names."""

from __future__ import annotations

import ast
import io
import pickle
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cloudpickle
import numpy as np
from patsy import DesignInfo, EvalEnvironment, ModelDesc, PatsyError
from patsy.build import (
    _make_subterm_infos,
    _subterm_column_combinations,
    _subterm_column_names_iter,
)
from patsy.categorical import _CategoricalBox, guess_categorical
from patsy.desc import INTERCEPT, Term
from patsy.design_info import FactorInfo
from patsy.eval import EvalFactor, ast_names
from patsy.splines import BS
from patsy.state import Standardize
from patsy.util import SortAnythingKey

__all__ = [
    "Box",
    "DesignInfo",
    "EvalEnvironment",
    "EvalFactor",
    "INTERCEPT",
    "ModelDesc",
    "PatsyError",
    "Term",
    "design_info",
    "dumps",
    "expression_term",
    "factor_names",
    "guess_categorical",
    "is_numeric",
    "loads",
    "memorize",
    "memorized_bytes",
    "simple_column",
    "sorted_levels",
    "start_memorizing",
    "subterm_columns",
]

Box = _CategoricalBox  # what C(...) evaluates to: data, contrast, levels


def expression_term(code: str) -> Any:
    """A term of one factor, a Python expression that is not parsed as a formula."""
    return Term([EvalFactor(code)])


def factor_names(factor: Any) -> list[str]:
    """Every name that a factor looks up, ``Q("a b")`` counted as ``a b``."""
    names = dict.fromkeys(ast_names(factor.code))
    for node in ast.walk(ast.parse(factor.code, mode="eval")):
        if isinstance(node, ast.arg):  # of a lambda
            names.pop(node.arg, None)
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


def simple_column(factor: Any) -> tuple[str, bool] | None:
    """The column of a factor that is ``x``, ``Q("x")`` or ``C(x, ...)``.

    Returns
    -------
    (column, boxed) or None
        `boxed` tells whether ``C`` stands around it; None for other factors.
    """
    node = ast.parse(factor.code, mode="eval").body
    boxed = False
    match node:
        case ast.Call(func=ast.Name(id="C"), args=[inner, *_]):
            node, boxed = inner, True
    if isinstance(node, ast.Name):
        return node.id, boxed
    name = _quoted(node)
    return None if name is None else (name, boxed)


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


def subterm_columns(info: DesignInfo, subterm: Any) -> list[tuple[int, ...]]:
    """For every column of a subterm, the column taken of each of its factors."""
    return list(_subterm_column_combinations(info.factor_infos, subterm))


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Cloudpickle, and patsy's objects that refuse to be pickled."""

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind.__module__.partition(".")[0] == "patsy" and "__getstate__" in vars(kind):
            return _rebuild, (kind,), vars(obj)
        return super().reducer_override(obj)


def _rebuild(kind: type) -> Any:
    return kind.__new__(kind)


def dumps(obj: Any) -> bytes:
    """Pickle an object that holds patsy's."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(obj)
    return buffer.getvalue()


def loads(data: bytes) -> Any:
    """Read what `dumps` wrote."""
    return pickle.loads(data)


def is_numeric(values: Any) -> bool:
    """Whether patsy takes evaluated values for a numerical factor."""
    return not guess_categorical(values) and np.asarray(values).dtype.kind in "iufb"


class _VectorizedStandardize(Standardize):  # type: ignore[misc]
    """patsy's ``standardize``, which walks the rows in a Python loop, by chunks."""

    def memorize_chunk(
        self, x: Any, center: bool = True, rescale: bool = True, ddof: int = 0
    ) -> None:
        x = np.asarray(x, dtype=np.float64)
        x = x[:, None] if x.ndim == 1 else x
        if len(x) == 0:
            return
        n, mean = len(x), x.mean(axis=0)
        m2 = np.square(x - mean).sum(axis=0)
        if self.current_mean is None:
            self.current_n, self.current_mean, self.current_M2 = n, mean, m2
            return
        total = self.current_n + n
        delta = mean - self.current_mean
        self.current_M2 = self.current_M2 + m2 + delta**2 * (self.current_n * n / total)
        self.current_mean = self.current_mean + delta * (n / total)
        self.current_n = total


def start_memorizing(factor: Any, env: EvalEnvironment) -> tuple[dict[str, Any], int]:
    """A factor's fresh state, and how many passes its transforms need."""
    state: dict[str, Any] = {}
    passes = factor.memorize_passes_needed(state, env)
    for name, transform in state["transforms"].items():
        if type(transform) is Standardize:
            state["transforms"][name] = _VectorizedStandardize()
    return state, passes


def memorized_bytes(state: Mapping[str, Any]) -> int:
    """Bytes that a factor's transforms hold on to while they memorise.

    Splines without knots of the user's keep every value: exact quantiles need them.
    """
    total = 0
    for transform in state["transforms"].values():
        for kept in vars(transform).get("_tmp", {}).values():
            if isinstance(kept, list):
                total += sum(getattr(piece, "nbytes", 0) for piece in kept)
    return total


def memorize(factor: Any, state: Mapping[str, Any], which_pass: int, frame: Any) -> None:
    """Let a factor's transforms see a chunk.

    A B-spline whose knots are given needs but the extremes of what it has seen.
    """
    factor.memorize_chunk(state, which_pass, frame)
    for transform in state["transforms"].values():
        kept = vars(transform).get("_tmp", {})
        if isinstance(transform, BS) and kept and kept["args"]["knots"] is not None:
            seen = [x for x in kept["xs"] if len(x)]
            extremes = [min(x.min() for x in seen), max(x.max() for x in seen)] if seen else []
            kept["xs"] = [np.asarray(extremes)]
