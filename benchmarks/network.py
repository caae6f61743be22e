"""Bytes that client, scheduler and workers of a cluster send one another."""

from __future__ import annotations

from typing import Any

from distributed import Client
from distributed.comm.tcp import TCP

_HEARTBEAT = "heartbeat_worker"  # of these there are as many as seconds


class Sent:
    """What a process has sent since it was asked to count; one for each process."""

    def __init__(self) -> None:
        self.bytes = 0
        write = TCP.write

        async def counting(comm: TCP, message: Any, *args: Any, **kwargs: Any) -> int:
            count: int = await write(comm, message, *args, **kwargs)
            if not (isinstance(message, dict) and message.get("op") == _HEARTBEAT):
                self.bytes += count
            return count

        TCP.write = counting


def _start(dask_worker: Any) -> None:
    dask_worker.sent = Sent()


def _so_far(dask_worker: Any) -> int:
    return int(dask_worker.sent.bytes)


class Network:
    """Counts for a client whose scheduler runs in this process."""

    def __init__(self, client: Client) -> None:
        self._client, self._here = client, Sent()
        client.run(_start)

    def sent(self) -> int:
        """Bytes so far."""
        return self._here.bytes + sum(self._client.run(_so_far).values())
