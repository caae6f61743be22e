"""Where the names of a formula are looked up that are no columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patsy import EvalEnvironment


def environment(eval_env: Any, depth: int) -> EvalEnvironment:
    """Where a formula's names are looked up; frames are counted as statsmodels does."""
    if isinstance(eval_env, EvalEnvironment):
        return eval_env
    if isinstance(eval_env, Mapping):
        return EvalEnvironment([dict(eval_env)])
    if eval_env == -1:
        return EvalEnvironment([{}])
    frames = 0 if eval_env is None else max(int(eval_env) - 1, 0)
    return EvalEnvironment.capture(frames + depth)
