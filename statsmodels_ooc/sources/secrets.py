"""Messages without what opens doors: passwords, tokens and signatures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# What is in the name of a secret: an option, a parameter of a URL or of a driver. Some words are
# names of columns, too: these count where a list of parameters tells them from folders.
_SURE = r"secret|token|passw|passphrase|pwd|credential|(?<![a-z])pass(?![a-z])"
_PERHAPS = (
    r"key|auth(?!or(?!iz))|private|signature|cookie|jwt|bearer|GoogleAccessId|x-(?:amz|goog)-|"
    r"connection_?str|conn_?str|(?<![a-z])(?:sas|sig)(?![a-z])"
)
_SECRET = re.compile(rf"{_SURE}|{_PERHAPS}", re.IGNORECASE)
_QUERY = re.compile(
    rf"([?&][\w-]*(?:{_SURE}|{_PERHAPS})[\w-]*=)[^&#\s'\"<>)]+",
    re.IGNORECASE,
)
_USER = re.compile(
    r"(\b[a-z][\w+.-]*://)(?:[^/?#\s'\"@:]*:(?!\d{1,5}[/?#])[^\s'\"]*|[^/?#\s'\"@]*)@(?=[^\s])",
    re.IGNORECASE,
)
ASSIGNED = re.compile(  # as libpq and ODBC have it; behind a slash it is a folder
    rf"((?:(?<![/\\\w-])\w*(?:{_SURE})\w*|(?<=[;?&])\s*\w*(?:{_PERHAPS})\w*)\s*(?:=|%3D)\s*)"
    r"('(?:[^'\\]|\\.)*'|\"[^\"]*\"|\{(?:[^}]|\}\})*\}|[^\s&;,'\"]+)",
    re.IGNORECASE,
)
_HEADERS = re.compile(r"headers?$", re.IGNORECASE)
_OPEN_HEADERS = re.compile(r"accept|user-agent$|content-type$|range$|cache-control$", re.IGNORECASE)
_SHORTEST = 4  # characters of a value that is looked for: "no" would be found anywhere
_STORES = ("abfs", "abfss", "wasb", "wasbs")  # container@account is an address there


def without_secrets(text: str, storage: Any = None) -> str:
    """A text in which URLs have no password and no signature, nor options their values.

    Parameters
    ----------
    text : str
        Of a message.
    storage : mapping or fsspec.AbstractFileSystem, optional
        Options of a file system, whose secrets are looked for.

    Examples
    --------
    >>> from statsmodels_ooc.sources.secrets import without_secrets
    >>> without_secrets("https://me:pw@host/t.csv?id=3&X-Amz-Signature=12ab")
    'https://***@host/t.csv?id=3&X-Amz-Signature=***'
    >>> without_secrets("no key AKIA0 in s3://data/t.csv", {"key": "AKIA0"})
    'no key *** in s3://data/t.csv'
    >>> without_secrets("no file host=db password=pw")
    'no file host=db password=***'
    """
    text = _USER.sub(_hidden_user, text) if "@" in text else text
    text = _QUERY.sub(r"\1***", text) if "?" in text else text
    text = ASSIGNED.sub(r"\1***", text) if "=" in text or "%3" in text else text
    for value in sorted(set(_values(storage)), key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def without_keys(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a file system, without those that are secrets.

    Examples
    --------
    >>> from statsmodels_ooc.sources.secrets import without_keys
    >>> without_keys({"key": "AKIA0", "client_kwargs": {"region_name": "eu", "token": "t"}})
    {'client_kwargs': {'region_name': 'eu'}}
    """
    return {
        name: _without_keys_in(name, value)
        for name, value in options.items()
        if not is_secret(str(name)) and not _has_secret(value)
    }


def _without_keys_in(name: Any, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if not _HEADERS.search(str(name)):
        return without_keys(value)
    return {header: text for header, text in value.items() if _OPEN_HEADERS.match(str(header))}


def is_secret(name: str) -> bool:
    """Whether an option or a parameter of this name has a value that nobody may see.

    Examples
    --------
    >>> from statsmodels_ooc.sources.secrets import is_secret
    >>> [name for name in ("api_key", "sig", "credentials_base64", "port") if is_secret(name)]
    ['api_key', 'sig', 'credentials_base64']
    """
    return _SECRET.search(name) is not None


def _has_secret(value: Any) -> bool:
    """Whether text, or one in a list, has a secret in it: an address with a password."""
    if isinstance(value, list | tuple):
        return any(map(_has_secret, value))
    if isinstance(value, Mapping):
        return False
    return isinstance(value, str) and without_secrets(value) != value


def _hidden_user(found: re.Match[str]) -> str:
    scheme = found[1].partition("://")[0].lower()
    return found[0] if scheme in _STORES else f"{found[1]}***@"


def _values(storage: Any) -> Iterator[str]:
    """The values of options that are secrets."""
    if storage is None:
        return
    options = storage if isinstance(storage, Mapping) else getattr(storage, "storage_options", {})
    kept = without_keys(options)
    for name, value in options.items():
        if isinstance(value, Mapping):
            inner = {n: v for n, v in value.items() if n not in kept.get(name, {})}
            yield from (v for v in inner.values() if isinstance(v, str) and len(v) >= _SHORTEST)
            yield from _values({n: v for n, v in value.items() if isinstance(v, Mapping)})
        elif isinstance(value, str) and len(value) >= _SHORTEST and name not in kept:
            yield value
