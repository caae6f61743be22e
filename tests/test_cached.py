"""Properties that are found once keep nobody waiting."""

from __future__ import annotations

import pickle
import threading

import pytest

from statsmodels_ooc.cached import cached_property


class Slow:
    def __init__(self, wait):
        self.wait = wait
        self.calls = 0

    @cached_property
    def value(self):
        """What is found."""
        self.calls += 1
        self.wait()
        return 7


def nothing():
    """Wait for nobody."""


def test_it_is_found_once():
    slow = Slow(nothing)
    assert (slow.value, slow.value, slow.calls) == (7, 7, 1)
    assert Slow.value.__doc__ == "What is found."
    del slow.value
    assert (slow.value, slow.calls) == (7, 2)
    assert pickle.loads(pickle.dumps(slow)).calls == 2


def test_another_instance_does_not_wait():
    begun, go_on = threading.Event(), threading.Event()

    def wait():
        begun.set()
        assert go_on.wait(20)

    thread = threading.Thread(target=lambda: Slow(wait).value)
    thread.start()
    assert begun.wait(20)
    found = []
    other = threading.Thread(target=lambda: found.append(Slow(nothing).value))
    other.start()
    other.join(10)
    before = list(found)
    go_on.set()
    thread.join()
    other.join()
    assert before == [7]


def test_an_error_is_not_kept():
    def fail():
        raise ValueError("once")

    slow = Slow(fail)
    with pytest.raises(ValueError, match="once"):
        _ = slow.value
    slow.wait = nothing
    assert slow.value == 7
