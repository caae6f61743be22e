"""What a selection did, in the look of statsmodels' summaries."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape
from typing import Any

from statsmodels.iolib.summary import Summary
from statsmodels.iolib.table import Cell, SimpleTable
from statsmodels.iolib.tableformatting import fmt_base

from statsmodels_ooc.selection.pilot import INTERCEPT, Pilot

_WIDTH = 78  # of statsmodels' summaries
_STUB = 18
_QUARTERS = [22, 15, 22, 16]
_MOST = 30  # columns that are shown, each on a line
_FIRST, _LAST = 15, 10  # of more columns
_NOT_COMPARABLE = (
    "R-squared, log-likelihood, AIC and BIC of a fit of these rows are not comparable with those "
    "of all rows."
)

Facts = list[tuple[str, str]]


class SelectionSummary(Summary):  # type: ignore[misc]
    """`Summary`, whose HTML shows names as they are."""

    def as_html(self) -> str:
        tables = "\n".join(table.as_html() for table in self.tables)
        return f"{tables}<br/><br/>{_html_lines(self.extra_txt)}"


class _Cell(Cell):  # type: ignore[misc]
    """A cell, in whose HTML names are escaped."""

    data: Any

    def format(self, width: int, output_format: str = "txt", **fmt: Any) -> str:
        raw = self.data
        if output_format == "html":
            self.data = escape(str(raw))
        try:
            text: str = super().format(width, output_format, **fmt)
        finally:
            self.data = raw
        return text


def summarize(selection: Any) -> SelectionSummary:
    """The summary of a `Selection`."""
    summary = SelectionSummary()
    summary.tables = [*_head(selection), _taken(selection), _passes(selection)]
    notes = [
        _NOT_COMPARABLE,
        "Standard errors are conditional on the covariates of the selected rows.",
    ]
    summary.add_extra_txt([*_listed("Notes:", notes), *_listed("Warnings:", selection.warnings)])
    return summary


def html(selection: Any) -> str:
    """What a notebook shows of a `Selection`."""
    few = min(len(selection.frame), 5)
    parts = [
        f"<p><b>{escape(repr(selection)[1:-1])}</b></p>",
        *(table.as_html() for table in (*_head(selection), _taken(selection))),
        f"<p>The first {few:,} of {len(selection.frame):,} rows:</p>",
        selection.frame.head(few).to_html(max_cols=20),
    ]
    if selection.warnings:
        parts.append(
            f"<p>{_html_lines(chr(10).join(_listed('Warnings:', selection.warnings)))}</p>"
        )
    return "\n".join(parts)


def _html_lines(text: str) -> str:
    return escape(text).replace("\n", "<br/>")


def _listed(title: str, texts: Sequence[str]) -> list[str]:
    """Numbered texts under a title, none for none."""
    lines = [
        textwrap.fill(f"[{i}] {text}", _WIDTH, break_long_words=False, break_on_hyphens=False)
        for i, text in enumerate(texts, start=1)
    ]
    return [title, *lines] if lines else []


# --- tables


def _head(selection: Any) -> tuple[SimpleTable, SimpleTable]:
    """Facts in words, one below the other; and numbers, two beside each other."""
    words = [
        (label if i == 0 else "", line)
        for label, text in _words(selection)
        for i, line in enumerate(_wrapped(text))
    ]
    above = _table([[text] for _, text in words], None, [label for label, _ in words], "l")
    above.title = "Selection of Rows"
    left, right = _numbers(selection), _options(selection)
    rows = max(len(left), len(right))
    look = fmt_base | {"colwidths": _QUARTERS}
    halves = []
    for facts, gap in ((left, ""), (right, "  ")):
        padded = [*facts, *[("", "")] * (rows - len(facts))]
        stubs = [gap + label for label, _ in padded]
        half = SimpleTable(
            [[value] for _, value in padded], stubs=stubs, txt_fmt=look, celltype=_Cell
        )
        halves.append(half)
    halves[0].extend_right(halves[1])
    return above, halves[0]


def _taken(selection: Any) -> SimpleTable:
    """How many rows each column took, from either side."""
    steps = selection.steps[selection.steps["column"] != "(pilot)"]
    sides = [
        side for side in ("low", "high", "far", "random", "all") if (steps["side"] == side).any()
    ]
    counts = steps.value_counts(["column", "side"]).to_dict()
    names = ["(all)"]
    if "(all)" not in steps["column"].to_numpy():
        names = [selection.spec.exog_names[j] for j in selection.survey.columns]
    rows = [[counts.get((name, side), 0) for side in sides] for name in names]
    if len(names) > _MOST:
        middle = slice(_FIRST, len(names) - _LAST)
        hidden = names[middle]
        names[middle] = [f"({len(hidden):,} more: see sub.steps)"]
        rows[middle] = [[sum(side) for side in zip(*rows[middle], strict=True)]]
    if len(sides) > 1:
        sides.append("rows taken")
        rows = [[*row, sum(row)] for row in rows]
    return _table([[f"{count:,}" for count in row] for row in rows], sides, names, "r")


def _passes(selection: Any) -> SimpleTable:
    cells = [[f"{record.rows:,}", f"{record.seconds:.3f}"] for record in selection.passes]
    names = [record.name for record in selection.passes]
    return _table(cells, ["rows read", "seconds"], [f"pass: {name}" for name in names], "r")


def _table(
    cells: list[list[str]], headers: list[str] | None, stubs: list[str], align: str
) -> SimpleTable:
    """A table of the width of the others, if its cells are no wider."""
    columns = len(cells[0])
    stub = _STUB if align == "l" else 30
    each = (_WIDTH - stub) // columns - 1
    widths = [_WIDTH - columns * (each + 1), *[each] * columns]
    look = fmt_base | {"data_aligns": align, "colwidths": widths}
    return SimpleTable(cells, headers, stubs, txt_fmt=look, celltype=_Cell)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH - _STUB - 1, break_on_hyphens=False) or [""]


# --- facts


def _words(selection: Any) -> Facts:
    settings, spec, survey = selection.settings, selection.spec, selection.survey
    facts = [
        ("Formula:", str(selection.formula)),
        ("Source:", selection.stream.source.name),
        ("Criterion:", told(settings.criterion)),
    ]
    if selection.family is None:
        facts.append(("Model:", "linear"))
    else:
        facts.append(("Family:", type(selection.family).__name__))
        facts.append(("Link:", type(selection.family.link).__name__))
    constants = [spec.exog_names[j] for j in survey.constants]
    left_out = [name for name in constants if name != INTERCEPT]
    if left_out:
        facts.append(("Constant columns:", f"{', '.join(left_out)} (no rows are taken for them)"))
    facts.append(("Pilot:", _pilot(selection.pilot)))
    given = [name for name in ("mean", "scale") if getattr(settings, name) is not None]
    if given:
        facts.append(("Given:", ", ".join(given)))
    facts.append(("D-efficiency:", _efficiency(selection.known_efficiency)))
    return facts


def told(criterion: str) -> str:
    """A criterion in words."""
    return "uniform" if criterion == "uniform" else f"{criterion}-optimal"


def _pilot(pilot: Pilot | None) -> str:
    if pilot is None:
        return "none is needed"
    if not pilot.attempts:
        return "parameters were given"
    return "; ".join(
        f"{attempt.rows:,} rows: {attempt.problem or 'good'}" for attempt in pilot.attempts
    )


def _efficiency(value: float | None) -> str:
    if value is None:
        return "not computed: sub.efficiency() takes one more pass"
    return "nan: an information matrix is singular" if math.isnan(value) else f"{value:.4f}"


def _numbers(selection: Any) -> Facts:
    seen, settings = selection.survey.facts, selection.settings
    facts = [("Rows (n):", f"{selection.n:,}")]
    if seen.rows_read > seen.rows:
        facts.append(("Rows dropped:", f"{seen.rows_read - seen.rows:,}"))
    facts.append(("Rows selected (k):", f"{selection.k:,}"))
    if settings.k != selection.k:
        facts.append(("Rows asked for:", f"{settings.k:,}"))
    facts.append(("Pilot rows added:", f"{len(selection.index) - selection.k:,}"))
    facts.append(("Columns (p):", f"{len(selection.survey.columns):,}"))
    return facts


def _options(selection: Any) -> Facts:
    settings = selection.settings
    facts = [("Slots:", settings.slots)] if settings.criterion == "D" else []
    return [
        *facts,
        ("Ties:", settings.ties),
        ("Seed:", f"{settings.seed}"),
        ("Passes:", f"{len(selection.passes):,}"),
    ]
