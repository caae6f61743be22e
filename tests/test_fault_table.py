"""The page of what goes wrong is that of today's cases."""

from __future__ import annotations

from pathlib import Path

import fault_table
from faults.all_cases import CASES

import statsmodels_ooc.api as smo

PAGE = Path(__file__).resolve().parent.parent / "docs" / "faults.rst"


def test_the_page_is_up_to_date() -> None:
    """If not: python tests/fault_table.py docs/faults.rst."""
    assert PAGE.read_text(encoding="utf-8") == fault_table.page()


def test_every_case_is_on_it() -> None:
    assert PAGE.read_text(encoding="utf-8").count("\n   * - ") == len(CASES) + len(
        {case.source for case in CASES}
    )


def test_errors_are_those_of_the_package_or_of_who_gives_the_rows() -> None:
    foreign = {
        case.wanted.error.__name__
        for case in CASES
        if hasattr(case.wanted, "error") and not hasattr(smo.errors, case.wanted.error.__name__)
    }
    assert foreign <= {"KeyboardInterrupt", "Lost", "PatsyError", "TypeError"}
