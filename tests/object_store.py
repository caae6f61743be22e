"""A store of objects on this machine, and a proxy before it that fails when it is told to."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY, SECRET = "AKIAOUTOFCORE", "a-very-secret-key"


@dataclass
class Request:
    """What a client asks for."""

    number: int
    method: str
    path: str
    span: str | None  # of bytes

    @property
    def is_data(self) -> bool:
        return self.method == "GET" and self.span is not None


@dataclass
class Rules:
    """What the proxy does with requests: passes them on, unless ``fails`` says otherwise.

    ``fails`` gives for a request None, the status to answer with, "reset" to end the connection in
    the middle of the body, or "refuse" to end it at once.
    """

    latency: float = 0.0  # seconds
    fails: Callable[[Request], int | str | None] = lambda request: None
    seen: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        self.latency, self.fails = 0.0, lambda request: None
        self.seen.clear()

    def next(self, method: str, path: str, span: str | None) -> Request:
        with self.lock:
            request = Request(len(self.seen), method, path, span)
            self.seen.append(request)
        return request

    @property
    def data_requests(self) -> int:
        return sum(request.is_data for request in self.seen)


@dataclass
class Store:
    """A bucket, the address of the proxy before it, and what that does."""

    client: Any
    address: str
    rules: Rules
    bucket: str = "data"

    def put(self, key: str, body: bytes) -> str:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    @property
    def options(self) -> dict[str, Any]:
        return {
            "key": KEY,
            "secret": SECRET,
            "endpoint_url": self.address,
            "client_kwargs": {"region_name": "us-east-1"},
        }

    @property
    def hasty(self) -> dict[str, Any]:
        """Options of a client that does not try again by itself."""
        config = {"retries": {"max_attempts": 0}, "read_timeout": 1, "connect_timeout": 1}
        return {**self.options, "config_kwargs": config, "skip_instance_cache": True}


@contextmanager
def object_store() -> Iterator[Store]:
    """A server of S3 with a bucket "data", and the proxy before it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    rules = Rules()
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(host, port, rules))
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="data")
    try:
        yield Store(client, f"http://127.0.0.1:{proxy.server_address[1]}", rules)
    finally:
        proxy.shutdown()
        proxy.server_close()
        client.close()
        server.stop()


def handler_of(host: str, port: int, rules: Rules) -> type[BaseHTTPRequestHandler]:
    """A handler that forwards to a server by some rules."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            """Nothing is printed."""

        def _serve(self) -> None:
            request = rules.next(self.command, self.path, self.headers.get("Range"))
            time.sleep(rules.latency)
            what = rules.fails(request)
            if what == "refuse":
                self._hang_up()
            elif isinstance(what, int):
                self._answer(what, {"Content-Type": "application/xml"}, error(what))
            else:
                self._forward(cut=what == "reset")

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

        def _forward(self, cut: bool) -> None:
            body = self._body()
            sent = {k: v for k, v in self.headers.items() if k.lower() not in _OF_A_HOP}
            upstream = http.client.HTTPConnection(host, port, timeout=30)
            try:
                upstream.request(self.command, self.path, body, sent)
                answer = upstream.getresponse()
                data = answer.read()
                skipped = {"transfer-encoding", "connection", "content-length", "date", "server"}
                headers = {k: v for k, v in answer.getheaders() if k.lower() not in skipped}
                size = answer.getheader("Content-Length") if self.command == "HEAD" else None
                self._answer(answer.status, headers, data, size, cut)
            finally:
                upstream.close()

        def _body(self) -> bytes | None:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                length = int(self.headers.get("Content-Length", 0))
                return self.rfile.read(length) if length else None
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def _answer(
            self, status: int, headers: Any, data: bytes, size: Any = None, cut: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)) if size is None else size)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data[: len(data) // 2] if cut else data)
            if cut:
                self.wfile.flush()
                self._hang_up()

        def _hang_up(self) -> None:
            linger = struct.pack("ii", 1, 0)  # a reset, not an end
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True

    return Handler


_OF_A_HOP = {"transfer-encoding", "content-length", "expect", "connection"}

CODES = {
    403: "SignatureDoesNotMatch",
    404: "NoSuchKey",
    416: "InvalidRange",
    500: "InternalError",
    503: "SlowDown",
}


def error(status: int) -> bytes:
    """What S3 answers beside a status: some of its messages have the key."""
    code = CODES.get(status, "Unknown")
    text = f"<Error><Code>{code}</Code><Message>{code}, key {KEY}</Message></Error>"
    return f"<?xml version='1.0'?>{text}".encode()
