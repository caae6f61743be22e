"""One moment for all connections, whichever thread opens them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from statsmodels_ooc.errors import SourceChangedError
from statsmodels_ooc.sources import sql_snapshots
from statsmodels_ooc.sources.sql_secrets import Kept
from statsmodels_ooc.sources.sql_snapshots import Moment

THREADS = 4


class Asked:
    """A connection of a server on which the snapshots of some names are gone."""

    def __init__(self, gone, together, late):
        self.gone, self.together, self.late, self.snapshot = gone, together, late, None

    def begin(self, snapshot, ordered):
        if snapshot in self.gone:
            if self.together.wait(10):  # until all threads have asked
                self.late.wait(0.2)  # and one of them has found another moment
            raise SourceChangedError(f"{snapshot} is gone")
        self.snapshot = snapshot

    def close(self):
        pass


@pytest.fixture
def server(monkeypatch):
    """A function that opens one moment in several threads, and the moments that were exported."""
    exported: list[str] = []
    late = threading.Event()

    def export(opener):
        exported.append(f"new {len(exported)}")
        moment = Moment(exported[-1], Kept(None))
        threading.Timer(0.05, late.set).start()  # when it is known to all
        return moment

    def found(moment, gone):
        together = threading.Barrier(THREADS)

        def open_session(opener, like):
            return Asked(gone, together, late)

        monkeypatch.setattr(sql_snapshots, "open_session", open_session)
        monkeypatch.setattr(sql_snapshots, "exported", export)
        with ThreadPoolExecutor(THREADS) as pool:
            asked = [pool.submit(moment.open, None, True) for _ in range(THREADS)]
            return [future.exception() or future.result().snapshot for future in asked]

    return found, exported


def test_threads_that_find_their_moment_gone_read_one_other(server):
    found, exported = server
    moment = Moment("old", Kept(None)).renewable()
    assert found(moment, ["old"]) == ["new 0"] * THREADS
    assert exported == ["new 0"]
    assert {type(error) for error in found(moment, ["new 0"])} == {SourceChangedError}


def test_a_moment_that_is_gone_is_an_error_where_no_other_will_do(server):
    found, exported = server
    errors = found(Moment("old", Kept(None)), ["old"])
    assert {type(error) for error in errors} == {SourceChangedError}
    assert exported == []
