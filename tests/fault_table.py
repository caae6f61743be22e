"""What becomes of a fit when something goes wrong, as a page of the docs.

The table is that of the cases in `faults.cases`, each of which `faults.test_named_cases` plays. Run
as a script it writes the page::

    python tests/fault_table.py docs/faults.rst
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from faults.all_cases import CASES
from faults.case import Case

HEAD = """\
What goes wrong, and what you get
=================================

Each line is a case that the tests play: the fault is made on purpose, and the call must end as the
line says. An error names the file, the table or the block in which something is wrong, and says
what to do. *The same numbers* are those of statsmodels for the rows that are there. After each
case nothing is left open, in temporary folders or running, and none of the tests may take longer
than a minute; how long a server that is gone is waited for is in :doc:`lakes`.
The page is written from the cases (``python tests/fault_table.py docs/faults.rst``).

Beside these, every single call to a file, a server or a database is made to fail, the first, the
second and so on, with an input or output error, a full disk, a missing permission, a short read, a
dropped connection, no memory, or the end of the process, over all kinds of sources, temporary
copies, design stores, checkpoints, saved results and written rows: each run ends in the same bits
or in an error of ``statsmodels_ooc.errors``. :doc:`failures` tells what is tried again, and how a
fit that was killed goes on.
"""


def title(text: str) -> list[str]:
    return ["", text[0].upper() + text[1:], "-" * len(text), ""]


def table(cases: list[Case]) -> list[str]:
    """A list-table with a row for each case."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 60 40", ""]
    lines += ["   * - what happens", "     - what you get"]
    for case in cases:
        lines += [f"   * - {marked(case.happens)}", f"     - {case.wanted.words}"]
    return lines


def marked(text: str) -> str:
    """Text of a case, in which the page's marks mean nothing."""
    return "".join("\\" + letter if letter in "\\*`_|" else letter for letter in text)


def page() -> str:
    """The page."""
    lines = HEAD.rstrip().splitlines()
    for source, cases in groupby(
        sorted(CASES, key=lambda case: order[case.source]), key=lambda case: case.source
    ):
        lines += [*title(source), *table(list(cases))]
    return "\n".join([*lines, ""])


order = {case.source: at for at, case in reversed(list(enumerate(CASES)))}

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
