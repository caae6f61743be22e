"""Which errors of clients pass: those after which the same question may be answered."""

from __future__ import annotations

import errno
import http.client
import re
import socket
from collections.abc import Iterator
from typing import Any

_STATUS = {408, 425, 429, 500, 502, 503, 504}
_NUMBERS = """
    EAGAIN EBUSY ECONNABORTED ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH EIO ENETDOWN
    ENETRESET ENETUNREACH EPIPE EREMOTEIO ESTALE ETIMEDOUT
"""
_ERRNO = {getattr(errno, name) for name in _NUMBERS.split() if hasattr(errno, name)}
_UNKNOWN = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)}
_CLASSES = {  # of aiohttp, botocore, fsspec, urllib3 and Google's and Azure's clients
    "ClientConnectionError",
    "ClientPayloadError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "EndpointConnectionError",
    "FSTimeoutError",
    "HTTPClientError",
    "IncompleteReadError",
    "ProtocolError",
    "ReadTimeoutError",
    "ResponseStreamingError",
    "RetriesExceeded",
    "ServiceRequestError",
    "ServiceResponseError",
    "TransportError",
}
_WORDS = re.compile(  # of pyarrow, whose errors have no class of their own
    r"AWS Error (?:NETWORK_CONNECTION|SLOW_DOWN|SERVICE_UNAVAILABLE|INTERNAL_FAILURE|"
    r"REQUEST_TIMEOUT|THROTTLING)|curlCode: (?:7|18|28|52|55|56)\b|HTTP status (?:429|50[0234])"
)


def passes(error: BaseException) -> bool:
    """Whether what failed may work when it is tried again.

    Parameters
    ----------
    error : BaseException
        It counts with what it was raised from.

    Returns
    -------
    bool
        True for lost connections, timeouts, input and output errors of devices, and servers
        that are down or too busy (HTTP 408, 425, 429, 500, 502, 503, 504).

    Examples
    --------
    >>> from statsmodels_ooc.sources.interruptions import passes
    >>> passes(ConnectionResetError()), passes(PermissionError())
    (True, False)
    """
    if is_unknown_host(error):
        return False
    if any(_is_about_connections(one) for one in _chain(error)):
        return True
    return status_of(error) in _STATUS


def is_unknown_host(error: BaseException) -> bool:
    """Whether an address names a host that there is not: asking again gives the same answer."""
    return any(
        isinstance(one, socket.gaierror) and one.errno in _UNKNOWN
        for one in _chain(error, contexts=True)
    )


def status_of(error: BaseException) -> int | None:
    """What a server answered in HTTP's numbers, where an error tells."""
    for one in _chain(error):
        for name in ("status", "response", "code"):
            status: Any = getattr(one, name, None)
            if isinstance(status, dict):  # botocore's response
                status = status.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if isinstance(status, int) and 100 <= status < 600:
                return status
    return None


def _is_about_connections(error: BaseException) -> bool:
    if isinstance(error, (ConnectionError, TimeoutError, http.client.HTTPException)):
        return True
    if isinstance(error, OSError) and error.errno in _ERRNO:
        return True
    if any(kind.__name__ in _CLASSES for kind in type(error).__mro__):
        return True
    return isinstance(error, OSError) and _WORDS.search(str(error)) is not None


def _chain(error: BaseException, contexts: bool = False) -> Iterator[BaseException]:
    """An error, and what led to it, each once; or also what was being handled."""
    seen: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and not any(found is one for one in seen):
        seen.append(found)
        found = found.__cause__ or (found.__context__ if contexts else None)
    return iter(seen)
