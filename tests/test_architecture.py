"""The layer order of the package, read from its import statements.

Imports count wherever they stand: at the top of a file, inside a function, under
``if TYPE_CHECKING``. An import that is hidden is still an edge of the graph. A name in quotes,
"module:name", is loaded when it is asked for: layers hold for it, but it closes no cycle, since
by then the module that names it is complete.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from pkgutil import resolve_name
from zlib import crc32

import pytest

ROOT = "statsmodels_ooc"
PACKAGE = Path(__file__).resolve().parent.parent / ROOT

# A unit is a module or subpackage directly below the package.
LAYERS: dict[str, int] = {
    "arrays": 0,
    "cached": 0,
    "checks": 0,
    "compiled": 0,
    "errors": 0,
    "fingerprints": 0,
    "forks": 0,
    "machine": 0,
    "options": 0,
    "_statsmodels": 0,
    "_patsy": 0,
    "blocks": 1,
    "families": 1,
    "sources": 1,
    "reductions": 2,
    "design": 3,
    "engine": 3,
    "solvers": 3,
    "likelihoods": 4,
    "results": 5,
    "stores": 5,
    "models": 6,
    "selection": 5,
    "diagnostics": 7,
    "saving": 7,
    "api": 8,
    "formula": 8,
}
TOP = 8  # the doors of the package may open into one another
MAY_USE_PRIVATE_BRIDGE = {
    "_statsmodels": {"models", "results"},
    "_patsy": {"design"},
}
NO_DASK_NO_PANDAS = {"blocks", "compiled", "families", "reductions", "solvers"}
MOST_LINES, MOST_METHODS = 450, 20
QUOTED = re.compile(rf"({ROOT}(?:\.\w+)+)(?::(\w+))?")
FORBIDDEN_MODULE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


@dataclass(frozen=True)
class Import:
    """One imported name: ``from target import name``, or ``import target``."""

    target: str
    name: str | None
    line: int
    quoted: bool = False

    @property
    def full(self) -> str:
        return self.target if self.name is None else f"{self.target}.{self.name}"

    @property
    def top(self) -> str:
        return self.target.partition(".")[0]


# --- the checkers: each takes a module's dotted name and source, yields complaints ----


def imports_of(module: str, source: str, is_package: bool = False) -> list[Import]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, None, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            target = _absolute(module, node, is_package)
            found += [Import(target, alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.Constant) and (quoted := QUOTED.fullmatch(str(node.value))):
            found.append(Import(quoted[1], quoted[2], node.lineno, quoted=True))
    return found


def _absolute(module: str, node: ast.ImportFrom, is_package: bool) -> str:
    if node.level == 0:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, *([node.module] if node.module else [])])


def unit_of(dotted: str) -> str | None:
    """The unit of a module of this package, None for the package itself and others."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == ROOT and len(parts) > 1 else None


def layer_complaints(module: str, imports: list[Import]) -> Iterator[str]:
    own = unit_of(module)
    if own is None:
        return
    if own not in LAYERS:
        yield f"{module}: unit {own!r} has no layer; give it one in LAYERS"
        return
    for imported in imports:
        other = unit_of(imported.full)
        if other is None or other == own:
            continue
        where = f"{module}:{imported.line}"
        if other in MAY_USE_PRIVATE_BRIDGE and own not in MAY_USE_PRIVATE_BRIDGE[other]:
            yield f"{where} imports {other}, which serves {MAY_USE_PRIVATE_BRIDGE[other]}"
        elif other in LAYERS and not _allowed(own, other):
            yield (
                f"{where} imports {imported.full}: {own} (L{LAYERS[own]}) may not see "
                f"{other} (L{LAYERS[other]})"
            )


def _allowed(own: str, other: str) -> bool:
    below = LAYERS[other] < LAYERS[own]
    beside = LAYERS[other] == LAYERS[own]
    return below or (beside and LAYERS[own] in (0, TOP))


def third_party_complaints(module: str, imports: list[Import]) -> Iterator[str]:
    unit = unit_of(module)
    for imported in imports:
        where = f"{module}:{imported.line} imports {imported.full}"
        if imported.top in {"dask", "distributed"} and not _may_import_dask(module):
            yield f"{where}: dask belongs to engine/, sources/dask_*.py and options.py"
        if imported.top == "pandas" and unit in NO_DASK_NO_PANDAS:
            yield f"{where}: {unit} is NumPy and SciPy only"


def _may_import_dask(module: str) -> bool:
    unit, leaf = unit_of(module), module.rpartition(".")[2]
    return unit in {"engine", "options"} or (unit == "sources" and leaf.startswith("dask_"))


def private_name_complaints(module: str, imports: list[Import]) -> Iterator[str]:
    for imported in imports:
        if imported.top not in {"statsmodels", "patsy"}:
            continue
        private = any(_is_private(part) for part in imported.full.split("."))
        if private and unit_of(module) != f"_{imported.top}":
            yield (
                f"{module}:{imported.line} imports {imported.full}: private names of "
                f"{imported.top} are touched in _{imported.top}.py alone"
            )


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def name_complaints(module: str) -> Iterator[str]:
    bad = FORBIDDEN_MODULE_NAMES & {part.strip("_") for part in module.split(".")}
    for name in bad:
        yield f"{module}: no module is called {name}; say what it holds"


def init_complaints(module: str, source: str) -> Iterator[str]:
    """An ``__init__.py`` holds a docstring, imports, ``__all__`` and ``__version__``."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Assign) and all(
            isinstance(target, ast.Name) and _is_dunder(target.id) for target in node.targets
        ):
            continue
        yield f"{module}:{node.lineno}: code in __init__.py"


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def import_graph(modules: dict[str, list[Import]]) -> dict[str, set[str]]:
    """Edges between modules of the package; a name imported from a package counts as
    its submodule when there is one."""
    graph: dict[str, set[str]] = {}
    for module, imports in modules.items():
        targets = {
            imported.full if imported.full in modules else imported.target
            for imported in imports
            if not imported.quoted
        }
        graph[module] = {target for target in targets if target in modules} - {module}
    return graph


def cycle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


# --- the package ------------------------------------------------------------------------


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(PACKAGE.rglob("*.py"))
SOURCES = {_dotted(path): path.read_text(encoding="utf-8") for path in FILES}
PACKAGES = {_dotted(path) for path in FILES if path.name == "__init__.py"}
IMPORTS = {
    module: imports_of(module, source, module in PACKAGES) for module, source in SOURCES.items()
}


@pytest.mark.parametrize("module", SOURCES)
def test_imports_only_layers_below(module: str) -> None:
    assert list(layer_complaints(module, IMPORTS[module])) == []


def test_names_in_quotes_are_there() -> None:
    quoted = [imported for imports in IMPORTS.values() for imported in imports if imported.quoted]
    assert quoted
    for imported in quoted:
        assert resolve_name(f"{imported.target}:{imported.name or ''}")


@pytest.mark.parametrize("module", SOURCES)
def test_dask_and_pandas_stay_where_they_belong(module: str) -> None:
    assert list(third_party_complaints(module, IMPORTS[module])) == []


@pytest.mark.parametrize("module", SOURCES)
def test_private_names_of_others_stay_behind_their_bridge(module: str) -> None:
    assert list(private_name_complaints(module, IMPORTS[module])) == []


@pytest.mark.parametrize("module", SOURCES)
def test_module_names_say_what_they_hold(module: str) -> None:
    assert list(name_complaints(module)) == []


@pytest.mark.parametrize("module", SOURCES)
def test_files_and_classes_stay_small(module: str) -> None:
    source = SOURCES[module]
    assert len(source.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            methods = [inner for inner in node.body if isinstance(inner, ast.FunctionDef)]
            assert len(methods) <= MOST_METHODS, node.name


@pytest.mark.parametrize("module", sorted(PACKAGES))
def test_init_only_hands_names_on(module: str) -> None:
    assert list(init_complaints(module, SOURCES[module])) == []


def test_no_import_cycle() -> None:
    assert cycle(import_graph(IMPORTS)) == []


def test_package_was_found() -> None:
    assert f"{ROOT}.errors" in SOURCES


# --- the checkers themselves: each must fail on a violation -----------------------------


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("sources.csv", "from statsmodels_ooc.design.spec import DesignSpec"),
        ("design.spec", "from statsmodels_ooc import engine"),
        ("design.spec", "from ..solvers import least_squares"),
        ("reductions.base", "import statsmodels_ooc.engine"),
        ("blocks.block", "from statsmodels_ooc.families.kernels import Kernel"),
        ("engine", "def run():\n    from statsmodels_ooc.models.linear import OLS"),
        (
            "results.linear",
            "if TYPE_CHECKING:\n    import statsmodels_ooc.models",
        ),
        ("results.linear", "from statsmodels_ooc.selection import iboss"),
        ("models.linear", "from statsmodels_ooc import _patsy"),
        ("design.formula", "from statsmodels_ooc._statsmodels import PandasData"),
        ("errors", "from statsmodels_ooc.engine import run"),
        ("sources.coerce", 'opener = "statsmodels_ooc.engine.rows:Rows"'),
        ("brand_new", "import numpy"),
    ],
)
def test_layer_checker_sees_violation(module: str, source: str) -> None:
    module = f"{ROOT}.{module}"
    assert list(layer_complaints(module, imports_of(module, source)))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("results.linear", "from statsmodels_ooc.engine import run"),
        ("engine", "from statsmodels_ooc.reductions.base import Reduction"),
        ("options", "from statsmodels_ooc.errors import OptionError"),
        ("formula.api", "from statsmodels_ooc.models.linear import OLS"),
        ("sources.csv", "from .base import Source"),
        ("design.formula", "from statsmodels_ooc._patsy import factors"),
    ],
)
def test_layer_checker_lets_the_allowed_pass(module: str, source: str) -> None:
    module = f"{ROOT}.{module}"
    assert list(layer_complaints(module, imports_of(module, source))) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("reductions.least_squares", "import pandas as pd"),
        ("solvers.irls", "def f():\n    from pandas import DataFrame"),
        ("reductions.least_squares", "import dask.array as da"),
        ("results.rows", "import dask.array as da"),
        ("sources.parquet", "from distributed import get_client"),
    ],
)
def test_third_party_checker_sees_violation(module: str, source: str) -> None:
    module = f"{ROOT}.{module}"
    assert list(third_party_complaints(module, imports_of(module, source)))


@pytest.mark.parametrize("module", ["engine", "options", "sources.dask_frame"])
def test_dask_is_allowed_where_it_belongs(module: str) -> None:
    module = f"{ROOT}.{module}"
    assert list(third_party_complaints(module, imports_of(module, "import dask"))) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("models.linear", "import statsmodels.tools._decorators"),
        ("models.linear", "from statsmodels.formula._manager import FormulaManager"),
        ("results.linear", "from statsmodels.base.model import _private"),
        ("_statsmodels", "from patsy.build import _eval_factor"),
    ],
)
def test_private_name_checker_sees_violation(module: str, source: str) -> None:
    module = f"{ROOT}.{module}"
    assert list(private_name_complaints(module, imports_of(module, source)))


def test_private_names_are_allowed_behind_the_bridge() -> None:
    module = f"{ROOT}._statsmodels"
    source = "from statsmodels.formula._manager import FormulaManager"
    assert list(private_name_complaints(module, imports_of(module, source))) == []


def test_name_checker_sees_violation() -> None:
    assert list(name_complaints(f"{ROOT}.design._utils"))


@pytest.mark.parametrize("source", ["x = 1", "def f(): ...", "if True:\n    import os"])
def test_init_checker_sees_violation(source: str) -> None:
    assert list(init_complaints(f"{ROOT}.design", source))


def test_cycle_checker_sees_cycle() -> None:
    snippets = {
        f"{ROOT}.a": "from statsmodels_ooc import b",
        f"{ROOT}.b": "def later():\n    from .a import name",
    }
    modules = {name: imports_of(name, source) for name, source in snippets.items()}
    assert cycle(import_graph(modules))


NO_LOOPS = {"intrinsics", "program"}


@pytest.mark.parametrize("name", sorted(NO_LOOPS))
def test_files_that_others_may_call_hold_no_loops(name):
    tree = ast.parse((PACKAGE / "compiled" / f"{name}.py").read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While)]


def test_loops_are_made_anew_when_files_without_loops_change():
    """numba looks at the file of the loops alone: it has to change, too."""
    sources = {
        path.stem: path.read_text(encoding="utf-8") for path in (PACKAGE / "compiled").glob("*.py")
    }
    checksum = crc32("".join(sources[name] for name in sorted(NO_LOOPS)).encode())
    users = {
        name
        for name, source in sources.items()
        for one in imports_of(f"{ROOT}.compiled.{name}", source)
        if one.target.removeprefix(f"{ROOT}.compiled.") in NO_LOOPS
    }
    assert users >= {"columns", "scoring"}
    for name in users:
        assert f"BESIDE = {checksum}  #" in sources[name], f"{name}: {checksum}"


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "compiled").glob("*.py")), ids=lambda path: path.stem
)
def test_a_file_of_loops_calls_its_own_alone(path):
    """numba keeps what it made of a file until that file changes, whatever it calls."""
    module = f"{ROOT}.compiled.{path.stem}"
    imports = imports_of(module, path.read_text(encoding="utf-8"))
    own = {one.target for one in imports if one.top == ROOT}
    beside = {f"{ROOT}.arrays", f"{ROOT}.forks"}  # types, and locks, which no loop takes
    assert own <= {*beside, *(f"{ROOT}.compiled.{name}" for name in NO_LOOPS)}
