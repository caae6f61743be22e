"""What the docs say of the tree is there, and what is there is in the table of layers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_architecture import LAYERS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "statsmodels_ooc"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TEXTS = [*sorted((ROOT / "docs").glob("*.rst")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(text: Path) -> None:
    named = re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", text.read_text(encoding="utf-8"))
    roots = (PACKAGE, ROOT)
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


def units_of_the_package() -> set[str]:
    found = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    return found | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_every_unit_is_in_the_table_and_none_that_is_not_there() -> None:
    rows = re.findall(r"^\| L(\d) \| (.*?) \|", CONTRIBUTING, re.M)
    table = {
        name.removesuffix(".py").strip("/"): int(layer)
        for layer, names in rows
        for name in re.findall(r"`([^`]+)`", names)
    }
    assert set(table) == units_of_the_package()
    assert table == {unit: LAYERS[unit] for unit in table}


TEMPLATE = 40  # lines


def test_each_template_is_short() -> None:
    text = (ROOT / "docs" / "extending.rst").read_text(encoding="utf-8")
    sections = re.split(r"\n(?=[A-Z].*\n-+\n)", text)[1:]
    lines = {
        section.splitlines()[0]: len(re.findall(r"^(?:>>>|\.\.\.)(?: .*)?$", section, re.M))
        for section in sections
    }
    kinds = ["source", "statistic", "covariance", "family or a link", "row answer", "diagnostic"]
    assert list(lines) == [f"A {kind}" for kind in kinds]
    assert min(lines.values()) > 0
    assert max(lines.values()) < TEMPLATE, lines
