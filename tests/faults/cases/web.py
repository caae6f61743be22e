"""HTTP: addresses that are wrong, and servers that break off or ignore what they are asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from faults.case import SAME, Act, Scene, case, raises
from faults.files import parquet

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import (
    SourceAccessError,
    SourceError,
    SourceInterruptedError,
    SourceNotFoundError,
    SourcePermissionError,
)

NEEDS = "aiohttp fsspec"
FRESH = {"skip_instance_cache": True}


class Site:
    """What a server has, and what it does with those that ask for a range."""

    def __init__(self, content: bytes) -> None:
        self.content, self.does, self.asked = content, "answer", 0

    def handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                """Nothing is printed."""

            def do_HEAD(self) -> None:
                self._head(200, len(site.content), "no length" not in site.does)

            def do_GET(self) -> None:
                site.asked += 1
                if site.does.isdigit():
                    self._head(int(site.does), 0)
                    return
                span = self.headers.get("Range")
                data, status = site.content, 200
                if span and site.does not in ("ignore ranges", "no length"):
                    first, last = span.removeprefix("bytes=").split("-")
                    last = last or str(len(site.content) - 1)
                    data = site.content[int(first) : int(last) + 1]
                    status = 206
                told = first if status == 206 else site.does != "no length"
                self._head(status, len(data), told)
                if "break" in site.does and ("once" not in site.does or site.asked == 1):
                    self.wfile.write(data[: len(data) // 2])
                    self.close_connection = True
                    return
                self.wfile.write(data)

            def _head(self, status: int, size: int, span: Any = True) -> None:
                self.send_response(status)
                if span is False:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                else:
                    self.send_header("Content-Length", str(size))
                if status == 206:
                    stop = int(span) + size - 1
                    self.send_header("Content-Range", f"bytes {span}-{stop}/{len(site.content)}")
                if site.does not in ("ignore ranges", "no length"):
                    self.send_header("Accept-Ranges", "bytes")
                self.end_headers()

        return Handler


@contextmanager
def served(scene: Scene) -> Iterator[tuple[Site, str]]:
    """A server with the rows as Parquet."""
    site = Site(parquet(scene.folder, scene.rows).read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), site.handler())
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield site, f"http://127.0.0.1:{server.server_address[1]}/t.parquet"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def opened(url: str) -> Any:
    return smo.as_source(url, storage_options=FRESH)


@case("HTTP", "the answer breaks off once", SAME, needs=NEEDS)
def once(scene: Scene) -> Iterator[Act]:
    with served(scene) as (site, url):
        source = opened(url)
        source.look_at(source.columns)
        site.asked, site.does = 0, "break once"
        scene.formula = "y ~ x"
        yield lambda: scene.fit(source)


@case(
    "HTTP",
    "each answer breaks off",
    raises(SourceInterruptedError, r"t\.parquet cannot be read"),
    needs=NEEDS,
)
def always(scene: Scene) -> Iterator[Act]:
    with served(scene) as (site, url):
        source = opened(url)
        source.look_at(source.columns)
        site.does = "break"
        yield lambda: scene.fit(source)


@case(
    "HTTP",
    "the server ignores ranges and gives the whole file",
    raises(SourceAccessError, r"the server gives all of .*t\.parquet"),
    needs=NEEDS,
)
def ranges(scene: Scene) -> Iterator[Act]:
    with served(scene) as (site, url):
        site.does = "ignore ranges"
        yield lambda: scene.fit(opened(url))


@case(
    "HTTP",
    "the server does not tell the length of the file",
    raises(SourceError, r"does not tell the size of .*t\.parquet"),
    needs=NEEDS,
)
def length(scene: Scene) -> Iterator[Act]:
    with served(scene) as (site, url):
        site.does = "no length"
        yield lambda: scene.fit(opened(url))


@case("HTTP", "403", raises(SourcePermissionError, r"t\.parquet may not be read"), needs=NEEDS)
def forbidden(scene: Scene) -> Iterator[Act]:
    with served(scene) as (site, url):
        site.does = "403"
        yield lambda: scene.fit(opened(url))


@case("HTTP", "404", raises(SourceNotFoundError, r"t\.parquet is not there"), needs=NEEDS)
def not_found(scene: Scene) -> Iterator[Act]:
    with served(scene) as (site, url):
        site.does = "404"
        yield lambda: scene.fit(opened(url))


@case("HTTP", "500", raises(SourceInterruptedError, r"t\.parquet cannot be read"), needs=NEEDS)
def broken(scene: Scene) -> Iterator[Act]:
    with served(scene) as (site, url):
        site.does = "500"
        yield lambda: scene.fit(opened(url))


@case(
    "HTTP",
    "no server at the address",
    raises(SourceInterruptedError, r"127\.0\.0\.1:1/t\.parquet"),
    needs=NEEDS,
)
def no_server(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(opened("http://127.0.0.1:1/t.parquet"))


@case(
    "HTTP",
    "a host that does not exist",
    raises(SourceNotFoundError, r"nowhere\.invalid"),
    needs=NEEDS,
)
def no_host(scene: Scene) -> Iterator[Act]:
    def unknown(*arguments: Any, **told: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        yield lambda: scene.fit(opened("http://nowhere.invalid/t.parquet"))
