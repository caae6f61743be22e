"""A learned formula travels: small, and the same in another process."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import cloudpickle
import numpy as np
import patsy
import pytest
from design.chunked import SCOPE, build, learn, make_frame

from statsmodels_ooc.sources.memory import FrameSource

COLUMNS = ["y", "x", "a", "g", "t", "i", "positive", "w"]
FORMULAS = [
    "y ~ x*g + t + C(i, Poly)",
    "y ~ center(x) + bs(a, df=4) + C(g, Sum)",
    "y ~ standardize(x) + scale(a)",
    "y ~ cr(x, df=4) + cc(a, df=4)",
    "y ~ te(cr(x, df=4), cr(a, df=3), constraints='center')",
    "y ~ bs(center(x), df=4)",
    "np.log(positive) ~ local(x) + short(a)",
    "y ~ rescale(x) + C(g, Treatment('b'))",
]

ELSEWHERE = """
import pickle, sys
import numpy as np
import pandas as pd
specs, frame, out = sys.argv[1:]
with open(specs, "rb") as file:
    specs = pickle.load(file)
frame = pd.read_pickle(frame)
designs = {}
for name, dumped in specs.items():
    for formula, spec in pickle.loads(dumped).items():
        blocks = spec.blocks(frame, 0, "frame", 0, 7)
        parts = [np.column_stack([b.endog, b.dense(), b.weights]) for b in blocks]
        designs[name, formula] = np.concatenate(parts)
with open(out, "wb") as file:
    pickle.dump(designs, file)
"""


def scope():
    shift = 0.5

    def local(values):
        return values * shift

    return SCOPE | {"local": local, "short": lambda values: values**2}


def learned(formula, rows=60, chunk_rows=7, **names):
    source = FrameSource([make_frame(rows)[COLUMNS]], chunk_rows=chunk_rows)
    return learn(formula, source, scope() | names, extras={"weights": "np.sqrt(w)"}), source


def test_another_process_builds_the_same_design(tmp_path):
    frame = make_frame()[COLUMNS]
    specs = {formula: learned(formula)[0] for formula in FORMULAS}
    dumped = {"pickle": pickle.dumps(specs), "cloudpickle": cloudpickle.dumps(specs)}
    (tmp_path / "specs").write_bytes(pickle.dumps(dumped))
    frame.to_pickle(tmp_path / "frame")
    arguments = [str(tmp_path / name) for name in ("specs", "frame", "out")]
    paths = os.pathsep.join(map(str, Path(__file__).parents[1:3]))  # the tests, the package
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *arguments],
        check=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    there = pickle.loads((tmp_path / "out").read_bytes())
    for formula, spec in specs.items():
        blocks = spec.blocks(frame, 0, "frame", 0, 7)
        here = np.concatenate([np.column_stack([b.endog, b.dense(), b.weights]) for b in blocks])
        for name in dumped:
            np.testing.assert_array_equal(there[name, formula], here, err_msg=f"{name}: {formula}")


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_was_loaded_keeps_all_it_says(formula):
    spec, _ = learned(formula)
    loaded = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(spec))))
    for name in ("formula", "columns", "encoded", "endog_name", "exog_names", "missing"):
        assert getattr(loaded, name) == getattr(spec, name)
    assert loaded.design_info.term_name_slices == spec.design_info.term_name_slices


def test_a_users_subclass_of_a_transform_travels():
    class Twice(patsy.state.Center):
        def transform(self, x):
            return 2 * super().transform(x)

    spec, source = learned("y ~ twice(x)", twice=patsy.stateful_transform(Twice))
    loaded = pickle.loads(pickle.dumps(spec))
    np.testing.assert_array_equal(build(loaded, source)[1], build(spec, source)[1])


@pytest.mark.parametrize("formula", FORMULAS)
def test_size_is_kilobytes_and_does_not_follow_the_data(formula):
    few, many = (len(pickle.dumps(learned(formula, rows, 500)[0])) for rows in (60, 2_000))
    assert many < 8_000
    assert abs(many - few) < 100


def test_arrays_of_the_users_that_are_columns_as_well_are_left_behind():
    x, a = np.zeros(100_000), make_frame().a
    spec, _ = learned("y ~ center(x) + np.log(positive) + bs(a, df=4)", x=x, a=a, y=x)
    assert len(pickle.dumps(spec)) < 8_000


def test_a_user_function_counts_with_all_it_needs():
    table = np.zeros(1_000)
    spec, _ = learned("y ~ look(i)", look=lambda i: table[i])
    assert len(pickle.dumps(spec)) > table.nbytes
