"""What a selection says about itself, in text and in HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import SelectionWarning

N = 2_000
BINOMIAL = sm.families.Binomial()
WARNS = "ignore::statsmodels_ooc.errors.SelectionWarning"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.standard_t(4, (N, 3)), columns=["x1", "x2", "x3"])
    data["y"] = data["x1"] - data["x2"] + rng.normal(size=N)
    data["hit"] = (data["y"] > 0).astype(int)
    return data


@pytest.fixture(scope="module")
def linear(frame: pd.DataFrame) -> Any:
    return smo.IBOSS(101, seed=3).select("y ~ x1 + x2 + x3", frame)


@pytest.fixture(scope="module")
def logit(frame: pd.DataFrame) -> Any:
    iboss = smo.IBOSS(90, pilot_size=300, family=BINOMIAL, include_pilot=True, ties="index")
    return iboss.select("hit ~ x1 + x2 + x3", frame)


def facts(selection: Any) -> dict[str, str]:
    """Every "Label:   value" of the text."""
    text = selection.summary().as_text().partition("Notes:")[0]
    return dict(re.findall(r"(?:^|  )([A-Z][\w() -]+):\s+(.+?)(?=   +|\s*$)", text, re.MULTILINE))


def cells(text: str, stub: str) -> list[str]:
    """What stands behind a name at the beginning of a line."""
    (line,) = [line for line in text.splitlines() if line.startswith(stub + " ")]
    return line.removeprefix(stub).split()


def joined(text: str) -> str:
    """Without white space: lines end anywhere."""
    return "".join(text.split())


# --- text -------------------------------------------------------------------------------


def test_facts_of_a_linear_model(linear: Any) -> None:
    assert facts(linear) == {
        "Formula": "y ~ x1 + x2 + x3",
        "Source": "DataFrame",
        "Criterion": "D-optimal",
        "Model": "linear",
        "Pilot": "none is needed",
        "D-efficiency": "not computed: sub.efficiency() takes one more pass",
        "Rows (n)": "2,000",
        "Rows selected (k)": "101",
        "Pilot rows added": "0",
        "Columns (p)": "3",
        "Slots": "exact",
        "Ties": "hash",
        "Seed": "3",
        "Passes": "1",
    }


def test_facts_of_a_generalized_linear_model(logit: Any) -> None:
    found = facts(logit)
    added = len(logit.index) - 90
    assert added > 200
    assert found["Pilot rows added"] == str(added)
    assert found["Rows selected (k)"] == "90"
    assert (found["Family"], found["Link"]) == ("Binomial", "Logit")
    assert found["Pilot"] == "300 rows: good"
    assert (found["Ties"], found["Passes"]) == ("index", "2")
    assert "Model" not in found


def test_slots_of_each_column(linear: Any, logit: Any) -> None:
    for selection in (linear, logit):
        text = selection.summary().as_text()
        assert re.search(r"^\s+low\s+high\s+rows taken\s*$", text, re.MULTILINE)
        for name in ("x1", "x2", "x3"):
            own = selection.steps[selection.steps["column"] == name]["side"]
            low, high = (own == "low").sum(), (own == "high").sum()
            assert low >= 15
            assert cells(text, name) == [str(low), str(high), str(low + high)]
        assert "(pilot)" not in text


@pytest.mark.parametrize(("criterion", "side"), [("T", "far"), ("uniform", "random")])
def test_slots_of_one_step(frame: pd.DataFrame, criterion: Any, side: str) -> None:
    selection = smo.IBOSS(77, criterion).select("y ~ x1", frame)
    text = selection.summary().as_text()
    assert re.search(rf"^\s+{side}\s*$", text, re.MULTILINE)
    assert cells(text, "(all)") == ["77"]
    assert "Slots" not in facts(selection)


def test_passes(frame: pd.DataFrame) -> None:
    selection = smo.IBOSS(60, "T").select("y ~ x1", frame)
    text = selection.summary().as_text()
    assert [record.name for record in selection.passes] == ["survey", "T selection"]
    for record in selection.passes:
        seconds = f"{record.seconds:.3f}"
        assert cells(text, f"pass: {record.name}") == ["2,000", seconds]


def test_efficiency_is_told_when_it_is_known_and_never_computed(frame: pd.DataFrame) -> None:
    selection = smo.IBOSS(60).select("y ~ x1", frame)
    selection.summary()
    selection._repr_html_()
    assert len(selection.passes) == 1
    value = selection.efficiency()
    assert value > 1
    assert facts(selection)["D-efficiency"] == f"{value:.4f}"
    assert facts(selection)["Passes"] == "2"
    selection.known_efficiency = float("nan")
    assert facts(selection)["D-efficiency"] == "nan: an information matrix is singular"


def test_what_was_left_out(frame: pd.DataFrame) -> None:
    data = frame.assign(same=4.0)
    data.loc[:9, "x1"] = np.nan
    iboss = smo.IBOSS(50, slots="floor", mean={"x1": 0, "x2": 0, "same": 0})
    selection = iboss.select("y ~ x1 + x2 + same", data)
    found = facts(selection)
    assert found["Constant columns"] == "same (no rows are taken for them)"
    assert found["Rows (n)"] == "1,990"
    assert found["Rows dropped"] == "10"
    assert found["Rows selected (k)"] == "48"
    assert found["Rows asked for"] == "50"
    assert found["Columns (p)"] == "2"
    assert found["Slots"] == "floor"
    assert found["Given"] == "mean"


def test_given_parameters(frame: pd.DataFrame) -> None:
    iboss = smo.IBOSS(60, family=BINOMIAL, pilot_params=[0.0, 1.0])
    selection = iboss.select("hit ~ x1", frame)
    assert facts(selection)["Pilot"] == "parameters were given"


@pytest.mark.filterwarnings(WARNS)
def test_pilots_that_fail_are_all_told_and_warned_of(frame: pd.DataFrame) -> None:
    separated = frame.assign(hit=(frame["x1"] > 0).astype(int))
    selection = smo.IBOSS(40, pilot_size=20, family=BINOMIAL).select("hit ~ x1", separated)
    assert selection.pilot.params is None
    text = " ".join(selection.summary().as_text().split())
    for attempt in selection.pilot.attempts:
        assert f"{attempt.rows} rows: {attempt.problem}" in text
    assert len(selection.pilot.attempts) == 4
    assert len(selection.warnings) == 2
    for i, message in enumerate(selection.warnings, start=1):
        assert f"[{i}] {' '.join(message.split())}" in text


def test_notes(linear: Any) -> None:
    text = " ".join(linear.summary().as_text().split())
    assert "not comparable with those of all rows" in text
    for name in ("R-squared", "log-likelihood", "AIC"):
        assert name in text.partition("Notes:")[2]
    assert "Warnings:" not in text


def test_tables_have_the_width_of_statsmodels(linear: Any, logit: Any) -> None:
    for selection in (linear, logit):
        lines = selection.summary().as_text().splitlines()
        assert {len(line) for line in lines if line.startswith("=")} == {78}
        assert max(map(len, lines)) == 78


@pytest.mark.filterwarnings(WARNS)
def test_long_formulas_are_wrapped(frame: pd.DataFrame) -> None:
    formula = "y~" + "+".join(f"I(x1*{i}+x2)" for i in range(20))
    selection = smo.IBOSS(60, "uniform").select(formula, frame)
    lines = selection.summary().as_text().splitlines()
    assert max(map(len, lines)) == 78
    assert formula in "".join(line[18:].strip() for line in lines)


@pytest.mark.parametrize(("p", "hidden"), [(30, 0), (31, 6), (100, 75)])
def test_many_columns_are_shortened(p: int, hidden: int) -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.normal(size=(N, p)), columns=[f"v{j}" for j in range(p)])
    data["y"] = rng.normal(size=N)
    selection = smo.IBOSS(5 * p).select("y ~ " + " + ".join(data.columns[:p]), data)
    text = selection.summary().as_text().partition("rows taken")[2]
    shown = re.findall(r"^v(\d+) ", text, re.MULTILINE)
    assert len(shown) == p - hidden
    rows = [int(cells(text, f"v{j}")[-1]) for j in shown]
    if hidden:
        assert shown == [str(j) for j in (*range(15), *range(p - 10, p))]
        low, high, both = map(int, cells(text, f"({hidden} more: see sub.steps)"))
        assert low + high == both
        rows.append(both)
    else:
        assert "more" not in text
    assert sum(rows) == selection.k == 5 * p


# --- HTML and others --------------------------------------------------------------------


class Seen(HTMLParser):
    """Tags that were opened, those that were not closed, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.filterwarnings(WARNS)
def test_names_are_escaped(frame: pd.DataFrame, tmp_path: Path) -> None:
    names = {"x1": "<b>", "x2": "<i>&amp;"}
    path = tmp_path / "<u>.csv"
    # One row of 0 and 1 is not among the first: the selected rows have a column that is fixed.
    data = frame.rename(columns=names).assign(**{"<s>": (np.arange(N) == 1_000).astype(float)})
    data.to_csv(path, index=False)
    formula = "y ~ Q('<b>') + Q('<i>&amp;') + Q('<s>')"
    selection = smo.IBOSS(60, "uniform").select(formula, smo.read_csv(path))
    assert len(selection.warnings) == 1
    assert "<s>" in selection.warnings[0]
    for page in (selection._repr_html_(), selection.summary().as_html()):
        seen = Seen(page)
        assert seen.open == []
        assert not seen.tags & {"i", "u", "s"}
        assert page.count("<b>") == page.count("<p><b>Selection of")
        for text in (formula, str(path), selection.warnings[0]):
            assert joined(text) in joined(seen.text)
    html = selection._repr_html_()
    assert "<th>&lt;b&gt;</th>" in html  # of the frame
    text = selection.summary().as_text()
    assert formula in text
    assert "&lt;" not in text


def test_columns_of_the_slots_are_escaped(frame: pd.DataFrame) -> None:
    data = frame.rename(columns={"x1": "<b>"})
    selection = smo.IBOSS(60).select("y ~ Q('<b>')", data)
    for page in (selection._repr_html_(), selection.summary().as_html()):
        assert "<th>Q(&#x27;&lt;b&gt;&#x27;)</th>" in page
    assert cells(selection.summary().as_text(), "Q('<b>')") == ["30", "30", "60"]


def test_html_of_a_notebook(logit: Any) -> None:
    page = logit._repr_html_()
    seen = Seen(page)
    assert seen.open == []
    assert seen.text.strip().startswith(repr(logit)[1:-1])
    assert page.count("<table") == 4
    assert f"The first 5 of {len(logit.index):,} rows:" in page
    for row in logit.frame.index[:5]:
        assert f"<th>{row}</th>" in page
    assert f"<th>{logit.frame.index[5]}</th>" not in page
    low, high = ((logit.steps == ["x1", side]).all(axis=1).sum() for side in ("low", "high"))
    cell = r"\s*<td>{}</td>"
    assert re.search(r"<th>x1</th>" + cell.format(low) + cell.format(high), page)


def test_html_shows_warnings(frame: pd.DataFrame) -> None:
    with pytest.warns(SelectionWarning, match="more than half"):
        selection = smo.IBOSS(1_500).select("y ~ x1", frame)
    text = Seen(selection._repr_html_()).text
    assert "Warnings:" in text
    assert joined(selection.warnings[0]) in joined(text)


def test_other_formats(linear: Any) -> None:
    summary = linear.summary()
    assert "x1" in summary.as_latex()
    assert "x1" in summary.as_csv()
    assert str(summary) == summary.as_text()
    assert summary._repr_html_() == summary.as_html()
    assert Seen(summary.as_html()).open == []
