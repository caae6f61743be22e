"""A pass: one read of the data that folds one or several reductions, here or on a cluster."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Any

import dask.base
import dask.config
import dask.local
import dask.threaded
import pandas as pd
from dask.delayed import Delayed
from dask.system import CPU_COUNT

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.engine.beside import chunks_of
from statsmodels_ooc.engine.checkpoint import Keep, KeptPass, KeptTree, Recall, current
from statsmodels_ooc.engine.folding import Fold
from statsmodels_ooc.engine.kernels import compiled_pays
from statsmodels_ooc.engine.leaves import Leaves
from statsmodels_ooc.engine.ledger import Ledger, Read
from statsmodels_ooc.engine.pieces import tree
from statsmodels_ooc.engine.plan import check_memory, planned
from statsmodels_ooc.engine.progress import progress, tick
from statsmodels_ooc.engine.rereading import Rereading
from statsmodels_ooc.engine.rowarray import KeptRows
from statsmodels_ooc.engine.sizes import (
    BlockSpec,
    Sizes,
    WholeFrames,
    few_readers,
    is_far,
    sizes_for,
    workers,
)
from statsmodels_ooc.engine.tasks import Collect, Gather, Seen, TaskGraph, bound, one_blas_thread
from statsmodels_ooc.errors import ClusterError, EmptyDataError, MissingExtraError
from statsmodels_ooc.forks import in_children
from statsmodels_ooc.reductions.base import Reduction
from statsmodels_ooc.sources.base import NO_ROWS, Partition, Source

_TEXT = 256  # bytes of a text, its entry in a table of distinct ones, and an object of pandas


def run_pass(
    name: str,
    source: Source,
    spec: BlockSpec,
    reductions: tuple[Reduction[Any], ...],
    ledger: Ledger,
    *,
    solving: int = 0,
    compared: bool = False,
    beside: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Run one pass, hold it against earlier ones, record it, and return the states.

    Parameters
    ----------
    name : str
        What it is for.
    source, spec : Source, BlockSpec
        The data, and what makes blocks of them.
    reductions : tuple of Reduction
        What to fold.
    ledger : Ledger
        The passes so far.
    solving : int
        Matrices, (k, k), that are held beside the states when they are solved.
    compared : bool
        Whether an earlier pass read the same columns and all that they hold is compared,
        so that a file may have another time of its last change.
    beside : mapping, optional
        What is put beside the rows, by name: aligned dask arrays.

    Raises
    ------
    EmptyDataError
        There is no partition.
    MemoryLimitError
        It would not fit; raised before the first read.
    SourceChangedError
        An earlier pass read other rows.
    """
    partitions = source.partitions
    if not partitions:
        raise EmptyDataError(f"{source.name} has no rows", hint=NO_ROWS)
    plan = planned(spec, solving, source, reductions, 1 if beside else threads(source))
    check_memory(plan, spec, source)
    began, checkpoint = time.perf_counter(), current()
    compiled = compiled_pays(spec.k, source.rows)
    kernels = ("numba" if compiled else "numpy") if spec.k else ""
    kept = None if checkpoint is None else checkpoint.kept_pass(name, kernels, reductions)
    known = 0 if kept is None else len(partitions) - len(_tree(partitions, kept).wanted())
    with progress(name, source.rows) as meter:
        graph, given = TaskGraph(), beside or {}
        folds = tuple(one.compiled() for one in reductions) if compiled else reductions
        maker = spec.compiled() if compiled else spec
        fold = Fold(maker, folds, plan.sizes, meter, compared, tuple(given))
        with one_blas_thread(), closing(Leaves(graph, fold, threads(source))) as leaves:
            root = _root(graph, leaves, partitions, chunks_of(given, len(partitions)), kept)
            ((read, states, spent),) = compute(*graph.values([root]))
    ledger.check(f"the pass {name!r}", source, read)
    rows = sum(part.rows for part in read.values())
    notes = [one.note(state) for one, state in zip(reductions, states, strict=True)]
    ways = [_few(source, spec, plan.sizes), _recalled(known, len(partitions))]
    note = "; ".join(note for note in [*notes, *ways] if note)
    repeats = sum(part.repeats for part in read.values())
    ledger.record(
        *(name, began, rows, source.nbytes, len(partitions), note, spent, kernels, repeats),
        memory=plan.nbytes,
    )
    return list(states)


def _root(
    graph: TaskGraph,
    leaves: Leaves,
    partitions: Sequence[Partition],
    chunks: Sequence[Sequence[Any]],
    kept: KeptPass | None,
) -> str:
    """The call that gives the states of all partitions; what was kept of them is not read."""
    if kept is None:
        calls = leaves.of(partitions, chunks, range(len(partitions)))
        return tree(list(calls.values()), leaves.merge)
    whole = _tree(partitions, kept)
    recall, keep = graph.calls_of(Recall(kept)), graph.calls_of(Keep(kept, leaves.meter))
    calls = leaves.of(partitions, chunks, whole.wanted())
    return whole.build(calls, leaves.merge, recall, keep)


def _tree(partitions: Sequence[Partition], kept: KeptPass) -> KeptTree:
    return KeptTree(len(partitions), kept.known())


def _recalled(known: int, count: int) -> str:
    """Say of a pass how much of it had been kept."""
    return f"{known:,} of {count:,} partitions from the checkpoint" if known else ""


def _few(source: Source, spec: BlockSpec, sizes: Sizes) -> str:
    """Say of a pass of this process's threads that memory had room for fewer readers."""
    few = few_readers(source, spec, sizes) if runs_in_threads() else None
    if few is None:
        return ""
    return f"{few} partition{'s' if few > 1 else ''} at a time, for memory"


def gather_rows(
    name: str,
    source: Source,
    collect: Collect,
    seen: Sequence[Seen],
    ledger: Ledger,
    beside: Mapping[str, Any],
) -> tuple[list[FloatArray], list[KeptRows]]:
    """What a function gives for all rows, partition by partition; a pass, recorded."""
    began = time.perf_counter()
    with progress(name, source.rows) as meter:
        graph = TaskGraph()
        gather = graph.calls_of(Gather(collect, meter))
        keys = calls_on(source, gather, collect, seen, ledger, beside)
        with one_blas_thread():
            gathered = compute(*graph.values(keys))
    repeats = sum(rows.repeats for _, rows in gathered)
    read = sum(rows for rows, _, _ in seen)
    ledger.record(name, began, read, source.nbytes, len(seen), repeats=repeats)
    return [values for values, _ in gathered], [rows for _, rows in gathered]


def calls_on(
    source: Source,
    call: Callable[..., str],
    collect: Collect,
    seen: Sequence[Seen],
    ledger: Ledger,
    beside: Mapping[str, Any],
) -> list[str]:
    """A call for every partition, with what earlier passes read of it and what is beside it."""
    chunks = chunks_of(beside, len(seen))
    return [
        call(
            bound(partition, collect.spec.columns),
            i,
            found,
            ledger.first.get(i, Read(found[0])),
            *chunks[i],
        )
        for i, (partition, found) in enumerate(zip(source.partitions, seen, strict=True))
    ]


def read_frames(
    name: str, source: Source, columns: Sequence[str], ledger: Ledger
) -> Generator[pd.DataFrame]:
    """All rows in order, for what cannot be merged; a pass of the rows that are asked for."""
    began = time.perf_counter()
    read: list[Read] = []
    whole = 0
    frame_rows = sizes_for(WholeFrames(tuple(columns), frozenset())).frame_rows
    with progress(name, source.rows) as meter, suppress(GeneratorExit):
        for partition in source.partitions:
            read.append(Read())
            open_ = partial(partition.chunks, columns, frame_rows)
            with Rereading(read[-1], partition.label, open_, meter=meter) as chunks:
                for chunk in chunks:
                    frame = chunk.frame
                    yield frame
                    tick(meter, len(frame))
            whole += 1
    ledger.check(f"the pass {name!r}", source, dict(enumerate(read[:whole])))
    rows, repeats = (sum(getattr(part, of) for part in read) for of in ("rows", "repeats"))
    ledger.record(name, began, rows, source.nbytes, len(read), repeats=repeats)


def compute(*values: Delayed) -> tuple[Any, ...]:
    """What dask makes of values of one graph, with the scheduler that dask would choose.

    Dask imports distributed to find out; where nobody has, nobody has made a client. Its
    threads are then given the graph as it is: a hash of it would be asked for by nobody.

    Raises
    ------
    ClusterError
        The cluster failed.
    """
    chosen = dask.config.get("scheduler", None) is not None
    if chosen or "distributed" in sys.modules:
        with cluster_errors():
            computed: tuple[Any, ...] = dask.base.compute(*values)
    else:
        keys = [value.key for value in values]
        graph = values[0].dask.cull(set(keys)) if values else {}
        computed = tuple(dask.threaded.get(dict(graph), keys))
    return computed


def _begin_anew() -> None:
    """Let dask make threads again: those of its pools are not there in a child."""
    dask.threaded.default_pool = None
    dask.threaded.pools.clear()
    dask.threaded.pools_lock = threading.Lock()
    dask.threaded.main_thread = threading.current_thread()


in_children(_begin_anew)


def runs_in_threads() -> bool:
    """Whether tasks run in this process, where they share objects and files."""
    return _scheduler() in (dask.threaded.get, dask.local.get_sync)


def threads(source: Source) -> int:
    """How many threads of this process work at a time; one where tasks run elsewhere, too."""
    if _scheduler() is not dask.threaded.get:
        return 1
    return workers() if is_far(source) else min(workers(), CPU_COUNT)


def _scheduler() -> Any:
    """What dask would run tasks with; it imports distributed to find out."""
    if dask.config.get("scheduler", None) is None and "distributed" not in sys.modules:
        return dask.threaded.get
    return dask.base.get_scheduler() or dask.threaded.get


def scan_frames(
    name: str,
    source: Source,
    columns: Sequence[str],
    encoded: Collection[str],
    reduction: Any,
    ledger: Ledger,
) -> Any:
    """Fold one reduction over the frames of a source, not over blocks."""
    maker = WholeFrames(tuple(columns), frozenset(encoded), value_bytes=_TEXT)
    (state,) = run_pass(name, source, maker, (reduction,), ledger)
    return state


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Say of an error of dask's distributed scheduler what to do about it.

    Raises
    ------
    ClusterError
        A worker died, or the connection to the cluster is gone.
    MissingExtraError
        A worker has no numba.
    """
    try:
        yield
    except Exception as error:
        if _lacks_numba(error):
            raise MissingExtraError(
                "numba is installed here, but not for a worker of the cluster",
                hint="pip install 'statsmodels_ooc[fast]' there too, or multiply with NumPy: "
                "smo.options.kernels = 'numpy'",
            ) from error
        if type(error).__module__.partition(".")[0] != "distributed":
            raise
        raise _described(error) from error


def _lacks_numba(error: BaseException | None) -> bool:
    """Whether an error comes from a module that is not there, numba."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name == "numba":
            return True
        error = error.__cause__
    return False


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
