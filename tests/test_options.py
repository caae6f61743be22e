"""Settings: names, and those of another process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.machine import usable_memory
from statsmodels_ooc.options import all_settings, borrowed, options


def test_unknown_names_are_told_and_private_ones_are_no_attributes() -> None:
    with pytest.raises(OptionError, match=r"no option 'memory'; the options are memory_limit"):
        options.memory  # noqa: B018
    assert not hasattr(options, "_repr_svg_")  # libraries ask for such


def test_shares_of_memory_travel_as_bytes() -> None:
    with options.set(memory_limit="50%", block_rows="auto"):
        settings = all_settings()
    assert settings["memory-limit"] == int(0.5 * usable_memory())
    with borrowed(settings):
        assert options.memory_limit == settings["memory-limit"]
        assert options.block_rows is None


def test_borrowed_settings_are_those_of_one_thread_and_of_what_it_makes() -> None:
    with options.set(retries=3, memory_limit=2**30):
        theirs = all_settings()
    before = options.retries, options.memory_limit
    with borrowed(theirs):
        assert (options.retries, options.memory_limit) == (3, 2**30)
        assert all_settings() == theirs  # tasks that a task makes
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: options.retries).result() == before[0]
    assert (options.retries, options.memory_limit) == before
