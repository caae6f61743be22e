"""Passwords and live connections: what is shown of them, and what of them a pickle holds."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import (
    parse_qsl,
    quote_plus,
    unquote,
    unquote_plus,
    urlencode,
    urlsplit,
    urlunsplit,
)
from weakref import WeakValueDictionary

from statsmodels_ooc.sources.secrets import ASSIGNED, is_secret, without_secrets

Value = TypeVar("Value")

_IN_URL = re.compile(r"(://[^\s:/@]*:)\S*@")
_OPEN = re.compile(  # what tells where a secret is, or how one is asked for
    r"\w*(?:file|path)|ssl_?key|keyspace|require_?auth|authenticator|"
    r"auth_?(?:source|mechanism|plugin|type|method)",
    re.IGNORECASE,
)
_HIDDEN = "***"
_FEW = 3  # letters of a password that is not looked for in text: it would be found in any


def scrubbed(text: str, secrets: Iterable[str] = ()) -> str:
    """Text of a database or a user without what is secret in it.

    Parameters
    ----------
    text : str
        A message, a URL or a query.
    secrets : iterable of str
        What must not be shown; passwords in URLs and behind ``password=`` never are.

    Examples
    --------
    >>> from statsmodels_ooc.sources.sql_secrets import scrubbed
    >>> scrubbed("cannot connect to postgresql://me:pass@host/db, password=pass")
    'cannot connect to postgresql://me:***@host/db, password=***'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) > _FEW:
            text = text.replace(secret, _HIDDEN)
    return ASSIGNED.sub(rf"\1{_HIDDEN}", _IN_URL.sub(rf"\1{_HIDDEN}@", text))


class Kept(Generic[Value]):
    """What cannot travel: a pickle of it finds it again in the process where it lives.

    Attributes
    ----------
    value : object or None
        None in other processes, and where it is gone.
    """

    def __init__(self, value: Value | None, token: str = "") -> None:
        self.value, self.token = value, token or uuid.uuid4().hex
        if value is not None:
            _kept[self.token] = self

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return _found, (self.token,)

    def __repr__(self) -> str:
        return "<kept>"


_kept: WeakValueDictionary[str, Kept[Any]] = WeakValueDictionary()


def _found(token: str) -> Kept[Any]:
    found = _kept.get(token)
    return Kept(None, token) if found is None else found


@dataclass(frozen=True)
class Address:
    """The URL of a database, whose password nothing shows.

    Attributes
    ----------
    shown : str
        The URL without its password.
    whole : Kept of str
        The URL; of a pickle that is saved, gone in other processes.
    travels : bool
        Whether a pickle holds the password, as that of a partition does, which is sent
        to a worker.
    """

    shown: str
    whole: Kept[str] = field(repr=False)
    travels: bool = True

    @classmethod
    def of(cls, url: str) -> Address:
        """The address of a URL."""
        return cls(without_password(url), Kept(url))

    @property
    def url(self) -> str:
        """The URL to connect to; without its password where that did not come along."""
        return self.whole.value or self.shown

    @property
    def is_lost(self) -> bool:
        """Whether the URL may have had a password that did not come along."""
        return self.whole.value is None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown."""
        return passwords(self.url)

    def sealed(self) -> Address:
        """The address whose pickles do not hold the password."""
        return Address(self.shown, self.whole, travels=False)

    def travelling(self) -> Address:
        """The address whose pickles hold the password."""
        return Address(self.shown, self.whole)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.travels and not self.is_lost:
            return _unsealed, (self.shown, self.whole.token, self.whole.value)
        return Address, (self.shown, self.whole, False)

    def __hash__(self) -> int:
        return hash(self.shown)


def _unsealed(shown: str, token: str, url: str) -> Address:
    found = _kept.get(token)
    return Address(shown, Kept(url, token) if found is None else found)


def without_password(url: str) -> str:
    """A URL without the password in it, which drivers then look for elsewhere.

    Examples
    --------
    >>> from statsmodels_ooc.sources.sql_secrets import without_password
    >>> without_password("postgresql://me:pass@host:5432/db?sslmode=require&password=pass")
    'postgresql://me@host:5432/db?sslmode=require'
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if "@" in url and not at:  # a sign that has a meaning stands unquoted in the password
        return f"{parts.scheme}://…"
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    shown = [pair for pair in pairs if not _hides(*pair)]
    query = parts.query if shown == pairs else urlencode(shown)
    netloc = f"{user.partition(':')[0]}{at}{host}"
    found = urlunsplit((parts.scheme, netloc, without_secrets(parts.path), query, ""))
    empty = f"{parts.scheme}:///"
    return found if netloc or found.startswith(empty) else found.replace(":", "://", 1)


def _hides(name: str, value: str) -> bool:
    """Whether a parameter of a URL is a secret, or has one in it: a URL, or a driver's text."""
    if is_secret(name) and not _OPEN.fullmatch(name):
        return True
    return any(without_secrets(text) != text for text in (value, unquote(value)))


def passwords(url: str) -> tuple[str, ...]:
    """The passwords in a URL, as they stand there and as they are meant."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    pairs = (one.partition("=")[::2] for one in parts.query.split("&"))
    hidden = [value for name, value in pairs if _hides(unquote_plus(name), unquote_plus(value))]
    found = [user.partition(":")[2], *hidden]
    found += [told[2].strip("'\"{}") for told in ASSIGNED.finditer(unquote(url))]
    if not user:  # a sign that has a meaning may stand unquoted in the password
        found += re.findall(r"://[^:/@]*:(.*)@", url)
    return tuple({text for one in found if one for text in (one, unquote(one), quote_plus(one))})
