"""The code blocks of the pages run as doctests, each page in an empty directory."""

from __future__ import annotations

from pathlib import Path

import pytest

collect_ignore = ["conf.py"]


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
