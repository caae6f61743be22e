"""Designs learned and built chunk by chunk, and what statsmodels makes of the whole."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import patsy
from patsy import EvalEnvironment
from statsmodels.formula._manager import FormulaManager

from statsmodels_ooc.design.formula import FormulaSpec, learn_formula
from statsmodels_ooc.sources.base import Source
from statsmodels_ooc.sources.memory import FrameSource

FRAME_ROWS, BLOCK_ROWS = 13, 5  # odd sizes, so that frames and blocks are cut as well


class Rescale:
    """A stateful transform of a user's: to the unit interval."""

    def __init__(self) -> None:
        self.low, self.high = np.inf, -np.inf

    def memorize_chunk(self, x: Any) -> None:
        self.low, self.high = min(self.low, np.min(x)), max(self.high, np.max(x))

    def memorize_finish(self) -> None:
        pass

    def transform(self, x: Any) -> Any:
        return (x - self.low) / (self.high - self.low)


SCOPE = {
    "np": np,
    "pd": pd,
    "rescale": patsy.stateful_transform(Rescale),
    "double": lambda values: 2 * values,
    "slope": 3.0,
    "months": np.arange(13.0),
}


def make_frame(n: int = 60, seed: int = 0) -> pd.DataFrame:
    """Every kind of column; one level is in the last row only."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("abc"))[rng.integers(0, 3, n)]
    letters[-1] = "z"
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n) + 2,
            "a": rng.normal(size=n),
            "b": rng.normal(size=n),
            "w": rng.uniform(1, 3, n),
            "positive": rng.uniform(0.1, 4, n),
            "small": rng.normal(size=n).astype("float32"),
            "i": rng.integers(0, 4, n),
            "tiny": rng.integers(-128, 127, n, endpoint=True).astype("int8"),
            "t": rng.random(n) < 0.5,
            "g": pd.Series(letters, dtype="str"),
            "h": pd.Series(np.array(["u", "v"])[rng.integers(0, 2, n)], dtype=object),
            "cat": pd.Categorical(np.array(["m", "k"])[rng.integers(0, 2, n)], ["m", "k", "q"]),
            "ordered": pd.Categorical(
                np.array(["lo", "hi"])[rng.integers(0, 2, n)], ["lo", "mid", "hi"], ordered=True
            ),
            "when": pd.date_range("2020-01-01", periods=n, freq="17D"),
            "weird name": rng.normal(size=n),
        }
    )
    frame["x_nan"] = frame.x.mask(frame.index.isin([0, 1, 30]))
    frame["i_nan"] = frame.i.astype(float).mask(frame.index > 0.8 * n)
    frame["g_nan"] = frame.g.mask(frame.index.isin([1, 22]))
    frame["h_none"] = frame.h.where(~frame.index.isin([2, 45]), None)
    frame["t_none"] = frame.t.astype(object).where(frame.index != 10, None)
    return frame


def scan_of(source: Source) -> Any:
    """Fold a scan as the engine does: a state a partition, merged in order."""

    def scan(reduction: Any, columns: Sequence[str], encoded: Any) -> Any:
        states = []
        for partition in source.partitions:
            state = reduction.init()
            for frame in partition.frames(columns, FRAME_ROWS, encoded):
                state = reduction.update(state, frame)
            states.append(state)
        return reduce(reduction.merge, states)

    return scan


def learn(formula: Any, source: Source, scope: Any = SCOPE, **options: Any) -> FormulaSpec:
    options = {"scan": scan_of(source), "memory_limit": 2**30} | options
    return learn_formula(formula, source, env=EvalEnvironment([scope]), **options)


def blocks_of(spec: FormulaSpec, source: Source) -> list[Any]:
    """All blocks; arrays are copied, for blocks share memory."""
    found = []
    for number, partition in enumerate(source.partitions):
        start = 0
        for frame in partition.frames(spec.columns, FRAME_ROWS, spec.encoded):
            for block in spec.blocks(frame, number, partition.label, start, BLOCK_ROWS):
                weights = None if block.weights is None else block.weights.copy()
                found.append((block.endog.copy(), np.array(block.dense()), weights, block))
            start += len(frame)
    return found


def build(spec: FormulaSpec, source: Source) -> tuple[Any, Any]:
    """The whole response and the whole design."""
    blocks = blocks_of(spec, source)
    return np.concatenate([b[0] for b in blocks]), np.concatenate([b[1] for b in blocks])


def weights_of(spec: FormulaSpec, source: Source) -> Any:
    return np.concatenate([b[2] for b in blocks_of(spec, source)])


def cut(frame: pd.DataFrame, sizes: Sequence[int]) -> FrameSource:
    """Chunks of these sizes, and one with the rest; sizes may be 0."""
    ends = np.cumsum([0, *sizes, len(frame)]).clip(max=len(frame))
    return FrameSource([frame.iloc[i:j] for i, j in pairwise(ends)])


def reference(formula: str, frame: pd.DataFrame, na_action: str = "drop") -> Any:
    """What statsmodels 0.15 makes of the whole frame in memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return FormulaManager().get_matrices(
            formula, frame, eval_env=SCOPE, pandas=True, na_action=na_action
        )


def assert_same_design(formula: str, frame: pd.DataFrame, source: Source, rtol: float = 0) -> None:
    """Names and values of the chunked design against the whole one."""
    left, right = reference(formula, frame)
    spec = learn(formula, source)
    endog, exog = build(spec, source)
    assert spec.endog_name == left.columns[0]
    assert list(spec.exog_names) == list(right.columns)
    assert exog.shape == right.shape
    scale = np.abs(right.to_numpy()).max(initial=0)
    np.testing.assert_allclose(exog, right.to_numpy(), rtol=rtol, atol=rtol * scale)
    np.testing.assert_array_equal(endog, left.to_numpy()[:, 0])
