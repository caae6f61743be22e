"""Which failures pass by themselves."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

from statsmodels_ooc.errors import SourceInterruptedError

_PASSING = frozenset(
    getattr(errno, name)
    for name in (
        *("EAGAIN", "EBUSY", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EHOSTDOWN"),
        *("EHOSTUNREACH", "EIO", "ENETDOWN", "ENETRESET", "ENETUNREACH", "EPIPE", "EREMOTEIO"),
        *("ESTALE", "ETIMEDOUT"),
    )
    if hasattr(errno, name)  # Windows has fewer
)
_ASK_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})  # of HTTP


def is_transient(error: BaseException) -> bool:
    """Whether what failed may work when it is tried again.

    Parameters
    ----------
    error : BaseException
        It counts with what it was raised from.

    Returns
    -------
    bool
        True for lost connections, timeouts, input and output errors of devices, and servers
        that say so (HTTP 408, 425, 429, 500, 502, 503, 504).

    Examples
    --------
    >>> from statsmodels_ooc.sources.faults import is_transient
    >>> is_transient(ConnectionResetError()), is_transient(PermissionError())
    (True, False)
    """
    return any(map(_passes, _causes(error)))


def _passes(error: BaseException) -> bool:
    if isinstance(error, (SourceInterruptedError, ConnectionError, TimeoutError)):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING:
        return True
    return _status(error) in _ASK_LATER


def _status(error: BaseException) -> Any:
    """What a server has answered: aiohttp and requests, botocore."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return getattr(error, "status", getattr(response, "status_code", None))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
