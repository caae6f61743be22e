"""What every public member of statsmodels' classes is here, as a page of the docs.

The tables are those of `models.test_members`, which hold them against ``dir()`` of statsmodels'
classes and count what each member reads. Run as a script it writes the page::

    python tests/support_matrix.py docs/support.rst
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from models import test_members as members

Words = dict[str, str]

HEAD = """\
What there is of statsmodels
============================

Every public member of statsmodels' models and results of OLS, WLS and GLM with data outside
memory. The page is written from the tables that the tests hold against ``dir()`` of statsmodels'
classes, and that count what each member reads
(``python tests/support_matrix.py docs/support.rst``).

* *inherited*: statsmodels' own code, which reads nothing: the answer follows from the fit.
* *no pass*: ours, from what the fit has found.
* *one pass*: one reading of the rows, when it is first asked for; of a GLM at each new value of
  the parameters.
* *rows*: as long as the data. Statsmodels' own type in one counted pass while it is smaller than
  ``smo.options.array_limit``, a lazy ``RowArray`` above; ``res.lazy`` and ``model.lazy`` have it
  at any size.
* *fit*: the passes of a fit.
* *below array_limit*: statsmodels' own, of a design smaller than ``array_limit``, and the reason
  why not above.
* *no*: not available, and the reason.

Where a cell is empty, statsmodels' class has no such member; what this package has beside them is
in the last table.

:doc:`standard_errors` has the covariances, :doc:`diagnostics` the functions of
``statsmodels.stats`` that take residuals or results.
"""


# Members that statsmodels' classes do not have: of which models, what they take, and the page.
OWN: dict[str, tuple[str, str, str]] = {
    "model.submodel": ("OLS WLS", "no pass", "models_without_data"),
    "model.fit_constrained": ("OLS WLS", "fit", "models_without_data"),
    "model.passes": ("OLS WLS GLM", "no pass", "after_the_fit"),
    "model.dropped": ("OLS WLS GLM", "no pass", "after_the_fit"),
    "model.lazy": ("OLS WLS GLM", "rows", "after_the_fit"),
    "covariance": ("OLS WLS GLM", "one pass", "standard_errors"),
    "covariances": ("OLS WLS GLM", "one pass", "standard_errors"),
    "standard_errors": ("OLS WLS GLM", "one pass", "standard_errors"),
    "top_influence": ("OLS WLS GLM", "one pass", "after_the_fit"),
    "write_rows": ("OLS WLS GLM", "one pass", "after_the_fit"),
    "lazy": ("OLS WLS GLM", "rows", "after_the_fit"),
    "passes": ("OLS WLS GLM", "no pass", "after_the_fit"),
    "submodel": ("OLS WLS", "no pass", "models_without_data"),
    "best_subset": ("OLS WLS", "no pass", "models_without_data"),
    "stepwise": ("OLS WLS", "no pass", "models_without_data"),
    "regularization_path": ("OLS WLS", "no pass", "models_without_data"),
    "vif": ("OLS WLS", "no pass", "models_without_data"),
    "gvif": ("OLS WLS", "no pass", "models_without_data"),
    "collinearity": ("OLS WLS", "no pass", "models_without_data"),
}


def words(table: Mapping[str, Any], word: str) -> Words:
    return dict.fromkeys(table, word)


def reasons(table: Mapping[str, tuple[Any, str]], word: str = "no") -> Words:
    """Why there is no such member."""
    return {
        name: f"{word}: {'nor in statsmodels' if reason == '^$' else reason}"
        for name, (_, reason) in table.items()
    }


def models() -> dict[str, Words]:
    linear = {
        **words(members.MODEL_SAFE, "inherited"),
        **words(members.MODEL_OURS, "no pass"),
        "fit": "fit",
        **words(members.MODEL_ROWS, "rows"),
        **reasons(members.MODEL_REFUSED),
        "pinv_wexog": "below array_limit: a column for every row",
    }
    glm = {
        **words(members.GLM_MODEL_SAFE, "inherited"),
        **words(members.GLM_MODEL_OURS, "no pass"),
        **words({**members.GLM_MODEL_ROWS, **members.GLM_MODEL_OFFSETS}, "rows"),
        **words(members.GLM_MODEL_PASS, "one pass"),
        **words(members.GLM_MODEL_FITS, "fit"),
        **reasons(members.GLM_MODEL_REFUSED),
    }
    return {
        "OLS": {**linear, **words(members.OLS_OURS, "no pass")},
        "WLS": {**linear, **reasons(members.WLS_REFUSED)},
        "GLM": glm,
    }


def results() -> dict[str, Words]:
    linear = {
        **words(members.RESULTS_SAFE, "inherited"),
        **words({**members.RESULTS_OURS, **members.RESULTS_LAST}, "no pass"),
        **words(members.RESULTS_ROWS, "rows"),
        **words(members.RESULTS_PASS, "one pass"),
        **words(members.OLS_RESULTS_OURS, "no pass"),
        **words(members.OLS_RESULTS_PASS, "one pass"),
        "het_scale": "rows",
    }
    below = "below array_limit"
    glm = {
        **words(members.GLM_RESULTS_SAFE, "inherited"),
        **words({**members.GLM_RESULTS_OURS, **members.GLM_RESULTS_LAST}, "no pass"),
        **words(members.GLM_RESULTS_ROWS, "rows"),
        **words(members.GLM_RESULTS_PASS, "one pass"),
        **reasons(members.GLM_RESULTS_REFUSED, below),
    }
    ols = {**linear, **reasons(members.OLS_RESULTS_REFUSED, below)}
    return {"OLS": ols, "WLS": linear, "GLM": glm}


def table(title: str, columns: dict[str, Words]) -> list[str]:
    """A list-table with a row for each name and a column for each class."""
    lines = ["", title, "-" * len(title), "", ".. list-table::", "   :header-rows: 1", ""]
    rows = [["member", *columns]]
    for name in sorted(set().union(*columns.values()), key=str.lower):
        rows.append([f"``{name}``", *(of_class.get(name, "") for of_class in columns.values())])
    for row in rows:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}".rstrip() for i, cell in enumerate(row)]
    return lines


def own() -> list[str]:
    """What there is beside statsmodels' members."""
    title = "Beside them"
    lines = ["", title, "-" * len(title), "", ".. list-table::", "   :header-rows: 1", ""]
    lines += ["   * - member", *(f"     - {name}" for name in ("OLS", "WLS", "GLM", "page"))]
    for name, (classes, word, page) in OWN.items():
        cells = [word if kind in classes.split() else "" for kind in ("OLS", "WLS", "GLM")]
        lines += [f"   * - ``{name}``"]
        lines += [f"     - {cell}".rstrip() for cell in (*cells, f":doc:`{page}`")]
    return lines


def page() -> str:
    """The page."""
    tables = (table("Models", models()), table("Results", results()), own())
    return "\n".join([HEAD.rstrip(), *(line for lines in tables for line in lines), ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
