"""What a cluster says when it fails, in words that lead on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from statsmodels_ooc.errors import ClusterError

__all__ = ["cluster_errors"]


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Say of an error of dask's distributed scheduler what to do about it.

    Raises
    ------
    ClusterError
        A worker died, or the connection to the cluster is gone.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "distributed":
            raise
        raise _described(error) from error


def _described(error: Exception) -> ClusterError:
    if type(error).__name__ == "KilledWorker":
        return ClusterError(
            f"the workers of the cluster died while they read the data: {error}",
            hint="mostly they ran out of memory: give them more, or fewer threads each, or "
            "lower smo.options.memory_limit, from which the size of frames follows",
        )
    return ClusterError(
        f"the connection to the cluster is lost: {error}",
        hint="start a cluster and a distributed.Client again, or close this client: without "
        "one the rows are read by the threads of this process",
    )
