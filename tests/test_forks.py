"""A process that is forked while other threads are inside of locks goes on."""

from __future__ import annotations

import os
import re
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import statsmodels_ooc
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.forks import Lock
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.hdf5_opening import hdf5_lock

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")

PACKAGE = Path(statsmodels_ooc.__file__).parent
OWN_RULES = {"forks.py", "hdf5_opening.py"}
SOON = 5  # seconds


def in_child(action):
    """How a forked process ends that does something: 0, or the signal that it hung until."""
    child = os.fork()
    if not child:
        try:
            signal.alarm(SOON)
            action()
            os._exit(0)
        except BaseException:
            os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def elsewhere(enter, until):
    """While another thread is inside of something, which it leaves when told or when asked."""
    inside = threading.Event()

    def hold():
        with enter:
            inside.set()
            until.wait(SOON)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(SOON)
    try:
        yield
    finally:
        until.set()
        thread.join()


def test_a_lock_is_free_in_a_child():
    lock = Lock()

    def take():
        with lock, lock:
            pass

    with elsewhere(lock, threading.Event()):
        assert in_child(take) == 0
    take()


def test_a_lock_stays_that_of_the_thread_that_forks():
    lock = Lock()

    def leave():
        lock.__exit__(None, None, None)

    with lock:
        assert in_child(leave) == 0


def test_a_fork_waits_for_hdf5():
    pytest.importorskip("h5py")
    left = threading.Event()
    with elsewhere(hdf5_lock(), left):
        threading.Timer(0.1, left.set).start()

        def take():
            assert left.is_set()
            with hdf5_lock():
                pass

        assert in_child(take) == 0


def test_forks_and_readers_of_hdf5_do_not_wait_for_each_other():
    pytest.importorskip("h5py")
    over = threading.Event()

    def take():
        with hdf5_lock():
            pass

    def read():
        while not over.is_set():
            take()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        assert [in_child(take) for _ in range(10)] == [0] * 10
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_child_asks_the_model_that_another_thread_asks():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=50), "y": rng.normal(size=50)})
    model = smof.ols("y ~ x", as_source(table))
    with elsewhere(model.fit().model.likelihood.asked.lock, threading.Event()):
        assert in_child(model.fit) == 0


def test_every_lock_has_a_rule_for_forks():
    kinds = r"\bthreading\.(R?Lock|Condition|(Bounded)?Semaphore|Barrier)\(|^from threading"
    made = re.compile(kinds, re.MULTILINE)
    files = [path for path in PACKAGE.rglob("*.py") if made.search(path.read_text())]
    found = {path.name for path in files}
    assert found - OWN_RULES == {"gate.py", "passes.py", "progress.py"}  # which begin anew
