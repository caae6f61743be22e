"""One moment of a database that all passes read: PostgreSQL's snapshots."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from statsmodels_ooc.errors import QueryError, SourceChangedError
from statsmodels_ooc.forks import Lock
from statsmodels_ooc.sources.sql_connections import open_session
from statsmodels_ooc.sources.sql_openers import Opener
from statsmodels_ooc.sources.sql_secrets import Kept
from statsmodels_ooc.sources.sql_sessions import Session


class Keeper:
    """A connection that is held open as long as anybody needs what it keeps."""

    def __init__(self, session: Session) -> None:
        self._session, self.lock = session, Lock()
        self.close = weakref.finalize(self, session.close)

    @property
    def session(self) -> Session | None:
        """The connection; None in a process that is forked from the one that opened it."""
        return self._session if self._session.place.is_own else None


def kept_session(kept: Kept[Keeper]) -> Session | None:
    """The connection that keeps something, where it is in this process."""
    return None if kept.value is None else kept.value.session


@dataclass(frozen=True)
class _Held:
    """A snapshot, and what keeps it: replaced as one, so that no thread sees half of each."""

    snapshot: str | None
    keeper: Kept[Keeper]


_lock = Lock()  # of whoever looks for another moment


class Moment:
    """What every connection of a source begins with; nothing, for most databases.

    Parameters
    ----------
    snapshot : str or None
        Of PostgreSQL.
    keeper : Kept of Keeper
        Whose transaction exported it; in other processes it is not at hand.
    renews : bool
        Whether another moment will do where this one is gone, because what was read then
        is compared with what is read now: of results that were saved.
    """

    def __init__(self, snapshot: str | None, keeper: Kept[Keeper], renews: bool = False) -> None:
        self.held, self.renews = _Held(snapshot, keeper), renews

    def __reduce__(self) -> tuple[Any, ...]:
        return Moment, (self.held.snapshot, self.held.keeper)

    @contextmanager
    def session(self, opener: Opener) -> Iterator[Session]:
        """A connection at this moment, for questions: the one that keeps it, if there is one."""
        session = kept_session(self.held.keeper)
        if session is not None:
            yield session
        else:
            with closing(self.open(opener, ordered=True)) as session:
                yield session

    def renewable(self) -> Moment:
        """The same moment, or another one where it is gone."""
        return Moment(self.held.snapshot, self.held.keeper, renews=True)

    def open(self, opener: Opener, ordered: bool) -> Session:
        """A connection that reads at this moment; whoever asks for it closes it.

        Raises
        ------
        SourceChangedError
            The moment is gone.
        """
        while True:
            held = self.held
            try:
                return _begun(
                    open_session(opener, kept_session(held.keeper)), held.snapshot, ordered
                )
            except SourceChangedError:
                if not self._is_renewed(held, opener):
                    raise

    def _is_renewed(self, gone: _Held, opener: Opener) -> bool:
        """Whether there is another moment than one that is gone: of this thread, or another."""
        with _lock:
            if self.held is not gone:
                return True
            if not self.renews:
                return False
            self.held, self.renews = exported(opener).held, False
            return True


def _begun(session: Session, snapshot: str | None, ordered: bool) -> Session:
    try:
        session.begin(snapshot, ordered)
    except BaseException:
        session.close()
        raise
    return session


NOW = Moment(None, Kept(None))


def exported(opener: Opener) -> Moment:
    """The present moment of PostgreSQL, held until nobody needs it; `NOW` elsewhere."""
    if not opener.is_far:
        return NOW
    session = open_session(opener)
    try:
        if session.dialect.name != "postgresql":
            session.close()
            return NOW
        session.begin(None, ordered=True)
        snapshot = session.rows("SELECT pg_export_snapshot()")[0][0]
    except QueryError:  # a server that speaks PostgreSQL's protocol, and has none
        session.close()
        return NOW
    except BaseException:
        session.close()
        raise
    return Moment(str(snapshot), Kept(Keeper(session)))
