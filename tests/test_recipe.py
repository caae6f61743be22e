"""The example that the project grew out of runs, and its columns of estimates agree."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from tolerances import SOLVED

pytest.importorskip("tables")

SCRIPT = Path(__file__).resolve().parent.parent / "examples" / "recipe.py"


@pytest.fixture
def recipe():
    spec = importlib.util.spec_from_file_location("recipe", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_recipe_with_few_rows(recipe, tmp_path, capsys):
    table = recipe.main(["--rows", "3000", "--chunk", "700", "--folder", str(tmp_path)])
    assert table["beta"].tolist() == [i / 12 for i in range(12)]
    for name in ("normal equations", "svd", "smof.ols(csv)"):
        np.testing.assert_allclose(table[name], table["smo.OLS(store)"], rtol=SOLVED)
    apart = (table["smo.OLS(store)"] - table["beta"]) / table["std err"]
    assert apart.abs().max() < 4.5
    printed = capsys.readouterr().out
    assert "singular values" in printed
    assert {"data.csv", "design.h5"} <= {path.name for path in tmp_path.iterdir()}


def test_what_is_not_installed_is_said(recipe, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(recipe, "find_spec", lambda name: None)
    assert not recipe.picture(None, tmp_path / "graph.svg")
    assert not recipe.page([], tmp_path / "profile.html")
    printed = capsys.readouterr().out
    assert "neither graphviz nor ipycytoscape" in printed
    assert "bokeh is not installed" in printed
