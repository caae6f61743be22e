"""Stateful transforms that see the data chunk by chunk."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from patsy import EvalEnvironment
from patsy.eval import ast_names
from patsy.mgcv_cubic_splines import CubicRegressionSpline
from patsy.splines import BS
from patsy.state import Standardize

_TRANSFORM = re.compile(r"_patsy_stobj\d+__(\w+?)__\.transform")


def start_memorizing(
    factor: Any, env: EvalEnvironment, columns: Collection[str]
) -> tuple[dict[str, Any], int]:
    """A factor's fresh state, and how many passes its transforms need.

    The state keeps what the factor needs of the caller's scope. The data's columns
    come before it, so a variable that has the name of one is not kept: often it is
    the data.
    """
    namespace = env.namespace
    names = [
        name
        for name in ast_names(factor.code)
        if name in namespace
        and (name not in columns or hasattr(namespace[name], "__patsy_stateful_transform__"))
    ]
    state: dict[str, Any] = {}
    passes = factor.memorize_passes_needed(state, env.subset(names))
    for name, transform in state["transforms"].items():
        if type(transform) is Standardize:
            state["transforms"][name] = _VectorizedStandardize()
    return state, passes


def memorize(factor: Any, state: Mapping[str, Any], which_pass: int, frame: Any) -> None:
    """Let a factor's transforms see a chunk.

    Splines keep every value: exact quantiles need them. Those whose knots are given
    need but the extremes.
    """
    factor.memorize_chunk(state, which_pass, frame)
    for name in state["pass_bins"][which_pass]:
        transform = state["transforms"][name]
        if isinstance(transform, BS | CubicRegressionSpline):
            kept = transform._tmp
            if kept["args"]["knots"] is None or kept["args"].get("constraints") is not None:
                kept["xs"][-1] = kept["xs"][-1].copy()  # else it keeps all of the chunk
            else:
                seen = np.concatenate(kept["xs"])
                kept["xs"] = [np.asarray([seen.min(), seen.max()])]


def evaluated_code(code: str) -> str:
    """An expression as it was written, of what is evaluated: there transforms have numbers."""
    return _TRANSFORM.sub(r"\1", code)


def scope_of(factor: Any, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a factor uses of the scope that it was learned in, by name."""
    env = state.get("eval_env")
    return {} if env is None else used_of(factor, env)


def used_of(factor: Any, env: Any) -> dict[str, Any]:
    """What a factor uses of a scope, by name."""
    return {n: env.namespace[n] for n in sorted(set(ast_names(factor.code))) if n in env.namespace}


def memorized_bytes(state: Mapping[str, Any]) -> int:
    """Bytes of the values that a factor's splines keep until their knots are found."""
    return sum(
        piece.nbytes
        for transform in state["transforms"].values()
        if isinstance(transform, BS | CubicRegressionSpline)
        for piece in getattr(transform, "_tmp", {}).get("xs", [])
    )


def finish_memorizing(factor: Any, state: dict[str, Any], which_pass: int) -> None:
    """End a pass over the data."""
    factor.memorize_finish(state, which_pass)
    for name in state["pass_bins"][which_pass]:
        transform = state["transforms"][name]
        if isinstance(transform, _VectorizedStandardize):
            state["transforms"][name] = Standardize()
            vars(state["transforms"][name]).update(vars(transform))


class _VectorizedStandardize(Standardize):  # type: ignore[misc]
    """patsy's ``standardize``, which walks the rows in a Python loop, by chunks."""

    current_n: int
    current_mean: Any
    current_M2: Any

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
