"""What holds for all tests."""

from __future__ import annotations

import gc

import pytest


def pytest_collection_finish() -> None:
    settle()


@pytest.fixture(scope="module", autouse=True)
def nothing_of_other_modules_is_collected() -> None:
    settle()


def settle() -> None:
    """Leave the million objects of tests and imports out of the garbage collections to come."""
    gc.collect()
    gc.freeze()
