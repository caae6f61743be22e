"""File systems of URLs: what fsspec, pyarrow or the caller has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow.fs as pafs

from statsmodels_ooc.errors import MissingExtraError, OptionError
from statsmodels_ooc.sources.secrets import without_secrets

Storage: TypeAlias = Any
"""How the files of URLs are reached: options for fsspec, one of its file systems, or `Rooted`."""

_S3 = ("s3", "s3a")
_TRIES = 2  # of a request by a client: opening a source is not repeated otherwise
_S3_NAMES = {  # of s3fs, and what pyarrow calls the same
    "key": "access_key",
    "secret": "secret_key",
    "token": "session_token",
    "anon": "anonymous",
    "endpoint_url": "endpoint_override",
    "region_name": "region",
    "aws_access_key_id": "access_key",
    "aws_secret_access_key": "secret_key",
    "aws_session_token": "session_token",
}


@dataclass(frozen=True)
class Rooted:
    """A file system whose paths begin below a URL."""

    root: str
    filesystem: Any


def storage_of(storage_options: Mapping[str, Any] | None, filesystem: Any = None) -> Storage:
    """How files are reached, of the options of a reader.

    Parameters
    ----------
    storage_options : mapping, optional
        For fsspec.
    filesystem : pyarrow.fs.FileSystem or fsspec.AbstractFileSystem, optional
        What to reach them through.

    Raises
    ------
    OptionError
        Both are given, or something else.
    """
    if filesystem is None:
        if storage_options is not None and not isinstance(storage_options, Mapping):
            raise OptionError(
                f"storage_options= is a {type(storage_options).__name__}, not a mapping",
                hint="a file system is passed as filesystem=",
            )
        return dict(storage_options or {})
    if storage_options:
        raise OptionError(
            "storage_options= and filesystem= are both given",
            hint="a file system has its options already",
        )
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    if isinstance(filesystem, (pafs.LocalFileSystem, LocalFileSystem)):
        return {}
    if isinstance(filesystem, pafs.FileSystem):
        return of_arrow(filesystem)
    if isinstance(filesystem, fsspec.AbstractFileSystem):
        return filesystem
    raise OptionError(
        f"filesystem= is a {type(filesystem).__name__}; accepted are a pyarrow.fs.FileSystem and "
        "a file system of fsspec"
    )


def of_arrow(filesystem: pafs.FileSystem) -> Any:
    """A file system of pyarrow as one of fsspec."""
    from fsspec.implementations.arrow import ArrowFSWrapper

    return ArrowFSWrapper(filesystem, skip_instance_cache=True)


def arrow_of(filesystem: Any) -> pafs.FileSystem | None:
    """The file system of pyarrow that one of fsspec stands for."""
    found = getattr(filesystem, "fs", None)
    return found if isinstance(found, pafs.FileSystem) else None


def opened_filesystem(url: str, storage: Storage) -> tuple[Any, str, str]:
    """A file system of fsspec, how its URLs begin, and the path of a URL there.

    Raises
    ------
    MissingExtraError
        A package that it needs is not installed.
    """
    scheme = url.partition("://")[0] if "://" in url else ""
    if isinstance(storage, Rooted):
        root = storage.root if storage.root.endswith("/") else storage.root + "/"
        return storage.filesystem, root, url.removeprefix(root)
    if not isinstance(storage, Mapping):
        protocol = storage.protocol if isinstance(storage.protocol, str) else storage.protocol[0]
        return storage, f"{protocol}://", _path_in(storage, url, scheme)
    import fsspec

    try:
        if scheme in _S3:
            return _s3fs(url, storage, scheme)
        filesystem, path = fsspec.core.url_to_fs(url, **storage)
    except ImportError as error:
        if scheme not in _S3:
            raise MissingExtraError(f"reading {without_secrets(url)}: {error}") from None
        return of_arrow(_arrow_s3(storage)), f"{scheme}://", url.partition("://")[2]
    return filesystem, f"{scheme}://", path


def _path_in(filesystem: Any, url: str, scheme: str) -> str:
    """A path without the scheme of its URL, unless URLs are the paths of a file system."""
    from fsspec.core import strip_protocol

    known = [filesystem.protocol] if isinstance(filesystem.protocol, str) else filesystem.protocol
    if scheme not in known or arrow_of(filesystem) is not None:
        return url.partition("://")[2] if scheme else url
    try:
        return str(strip_protocol(url))
    except (ImportError, ValueError):  # a file system of the caller's own
        return url.partition("://")[2]


def _s3fs(url: str, storage: Mapping[str, Any], scheme: str) -> tuple[Any, str, str]:
    """The client of S3 of fsspec, which tells before long that a server does not answer.

    A pass repeats each read, `smo.options.retries` times, with waits that grow. S3fs repeats the
    requests of a read, some of them in a loop in a loop, and botocore each of these: what is
    repeated below a pass is as often multiplied.
    """
    import fsspec

    given = storage.get("config_kwargs") or {}
    told = {**storage, "config_kwargs": {"retries": {"max_attempts": _TRIES - 1}, **given}}
    filesystem, path = fsspec.core.url_to_fs(url, **told)
    if "retries" not in given:
        filesystem.retries = min(getattr(filesystem, "retries", _TRIES), _TRIES)
    return filesystem, f"{scheme}://", path


def _arrow_s3(storage: Mapping[str, Any]) -> pafs.FileSystem:
    """Pyarrow's client of S3, by the options of s3fs."""
    options = {**storage, **storage.get("client_kwargs", {})}
    options.pop("client_kwargs", None)
    unknown = sorted(set(options) - set(_S3_NAMES))
    if unknown:
        raise MissingExtraError(
            f"storage_options={{{unknown[0]!r}: ...}} needs s3fs, which is not installed",
            hint="pip install s3fs, or pass filesystem=pyarrow.fs.S3FileSystem(...)",
        )
    named = {_S3_NAMES[name]: value for name, value in options.items()}
    strategy = pafs.AwsStandardS3RetryStrategy(max_attempts=_TRIES)
    return pafs.S3FileSystem(**named, retry_strategy=strategy)
