"""What naming the package loads: little more than statsmodels, and the rest when it is needed."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest

import statsmodels_ooc.api as smo

HEAVY = (  # none of them is loaded by pandas or by statsmodels' own formulas
    "dask",
    "distributed",
    "matplotlib.pyplot",
    "psutil",
    "pyarrow.csv",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "scipy.signal",
    "statsmodels.api",
    "threadpoolctl",
    "tqdm",
    "xxhash",
)
OWN = ("blocks", "engine", "families", "reductions", "results", "selection", "solvers")
DOORS = ("statsmodels_ooc.formula.api", "statsmodels_ooc.api")


def run(code: str) -> str:
    """What a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


@pytest.mark.parametrize("door", DOORS)
def test_the_doors_load_nothing_that_only_data_needs(door: str) -> None:
    loaded = set(run(f"import sys, {door}\nprint(*sys.modules)").split())
    assert door in loaded
    assert loaded.isdisjoint(HEAVY)
    assert loaded.isdisjoint(f"statsmodels_ooc.{unit}" for unit in OWN)


def test_every_name_is_there_in_a_fresh_process() -> None:
    names = ", ".join(smo.__all__)
    found = run(
        "import statsmodels_ooc.api as smo\n"
        f"assert set(dir(smo)) >= set({smo.__all__!r})\n"
        f"from statsmodels_ooc.api import {names}\n"
        f"print(*(type(value).__name__ for value in ({names})))"
    )
    assert found.split() == [type(getattr(smo, name)).__name__ for name in smo.__all__]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'read_parquets'"):
        smo.read_parquets  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(smo, "__wrapped__")


def test_type_checkers_see_the_names_that_are_loaded_later() -> None:
    tree = ast.parse(inspect.getsource(smo))
    seen = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(smo.__all__) <= seen


def test_fits_of_every_road_work_from_the_formula_door_alone() -> None:
    code = """
import pickle, sys
import pandas as pd
import statsmodels_ooc.formula.api as smof
frame = pd.DataFrame({"y": [0, 1, 0, 1, 1, 0], "x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]})
for formula in (smof.ols, smof.wls, smof.glm):
    inside = formula("y ~ x", frame).fit()
    assert "dask" not in sys.modules
for formula in (smof.ols, smof.wls, smof.glm):
    pieces = [frame[:2], frame[2:]]
    outside = formula("y ~ x", pieces).fit()
    assert outside.model.streams
    assert abs(outside.params - formula("y ~ x", frame).fit().params).max() < 1e-12
    sys.stdout.write(pickle.dumps(outside).hex() + "\\n")
"""
    pickled = run(code).split()
    again = "import pickle\n" + "\n".join(
        f"print(round(pickle.loads(bytes.fromhex('{one}')).params['x'], 6))" for one in pickled
    )
    assert run(again).split() == ["0.028571"] * 3
