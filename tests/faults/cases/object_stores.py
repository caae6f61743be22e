"""S3: a server that answers with errors, late, partly, or with another object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from faults.case import SAME, Act, Scene, case, raises
from faults.files import csv, parquet
from object_store import Request

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import (
    SourceAccessError,
    SourceChangedError,
    SourceInterruptedError,
    SourceNotFoundError,
    SourcePermissionError,
)

NEEDS, S3 = "s3fs moto.server", "S3"
LOST = raises(SourceInterruptedError, r"data/t\.parquet cannot be read")


def stored(scene: Scene) -> str:
    found: str = scene.store.put("t.parquet", parquet(scene.folder, scene.rows).read_bytes())
    return found


def opened(scene: Scene, url: str) -> Any:
    """A source whose client does not try again by itself."""
    source = smo.as_source(url, storage_options=scene.store.hasty)
    source.look_at(source.columns)
    return source


def once(what: Any) -> Callable[[Request], Any]:
    """What happens to the first request for data."""
    met: list[Request] = []

    def fails(request: Request) -> Any:
        if request.is_data and not met:
            met.append(request)
            return what
        return None

    return fails


def always(what: Any) -> Callable[[Request], Any]:
    return lambda request: what if request.is_data else None


@case(
    "S3",
    "a request for data fails once: 503, or a connection that drops in the middle",
    SAME,
    (503, "reset"),
    NEEDS,
    S3,
)
def fails_once(scene: Scene) -> Iterator[Act]:
    scene.formula = "y ~ x"
    source = opened(scene, stored(scene))
    scene.store.rules.fails = once(scene.at)
    yield lambda: scene.fit(source)


@case(
    "S3",
    "each request for data fails: 500, 503, or a connection that drops",
    LOST,
    (500, 503, "reset"),
    NEEDS,
    S3,
)
def fails_always(scene: Scene) -> Iterator[Act]:
    source = opened(scene, stored(scene))
    scene.store.rules.fails = always(scene.at)
    with smo.options.set(retries=1):
        yield lambda: scene.fit(source)


@case("S3", "the server takes longer than the client waits", LOST, needs=NEEDS, server=S3)
def slow(scene: Scene) -> Iterator[Act]:
    source = opened(scene, stored(scene))
    scene.store.rules.latency = 1.5
    with smo.options.set(retries=0):
        yield lambda: scene.fit(source)
    scene.store.rules.latency = 0.0


@case("S3", "the server is slow, but fast enough", SAME, needs=NEEDS, server=S3)
def slow_enough(scene: Scene) -> Iterator[Act]:
    source = opened(scene, stored(scene))
    scene.store.rules.latency = 0.2
    yield lambda: scene.fit(source)
    scene.store.rules.latency = 0.0


@case(
    "S3",
    "403: the credentials are not allowed to read",
    raises(SourcePermissionError, r"permission denied: s3://data/t\.parquet"),
    needs=NEEDS,
    server=S3,
)
def forbidden(scene: Scene) -> Iterator[Act]:
    source = opened(scene, stored(scene))
    scene.store.rules.fails = always(403)
    yield lambda: scene.fit(source)


@case(
    "S3",
    "no such object",
    raises(SourceNotFoundError, r"s3://data/nowhere\.parquet"),
    needs=NEEDS,
    server=S3,
)
def no_object(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(opened(scene, "s3://data/nowhere.parquet"))


@case(
    "S3", "no such bucket", raises(SourceNotFoundError, r"no-such-bucket"), needs=NEEDS, server=S3
)
def no_bucket(scene: Scene) -> Iterator[Act]:
    yield lambda: scene.fit(opened(scene, "s3://no-such-bucket/t.parquet"))


@case(
    "S3",
    "404 for an object that was listed before",
    raises(SourceNotFoundError, r"t\.parquet"),
    needs=NEEDS,
    server=S3,
)
def not_found(scene: Scene) -> Iterator[Act]:
    source = opened(scene, stored(scene))
    scene.store.rules.fails = always(404)
    yield lambda: scene.fit(source)


@case(
    "S3",
    "416: the server has fewer bytes than it said",
    raises(SourceAccessError, r"t\.parquet"),
    needs=NEEDS,
    server=S3,
)
def no_such_range(scene: Scene) -> Iterator[Act]:
    source = opened(scene, stored(scene))
    scene.store.rules.fails = always(416)
    yield lambda: scene.fit(source)


@case(
    "S3",
    "the object is replaced between passes",
    raises(SourceChangedError, r"t\.parquet changed after"),
    needs=NEEDS,
    server=S3,
)
def replaced(scene: Scene) -> Iterator[Act]:
    res = scene.fit(opened(scene, stored(scene)))
    other = parquet(scene.folder, scene.rows[:200], "other.parquet")
    scene.store.put("t.parquet", other.read_bytes())
    yield lambda: res.HC0_se


@case(
    "S3",
    "the object is deleted between passes",
    raises(SourceChangedError, r"t\.parquet was removed"),
    needs=NEEDS,
    server=S3,
)
def deleted(scene: Scene) -> Iterator[Act]:
    res = scene.fit(opened(scene, stored(scene)))
    scene.store.client.delete_object(Bucket="data", Key="t.parquet")
    yield lambda: res.HC0_se


@case(
    "S3",
    "a text file whose second half does not come",
    raises(SourceInterruptedError, r"data/t\.csv cannot be read"),
    needs=NEEDS,
    server=S3,
)
def text(scene: Scene) -> Iterator[Act]:
    url = scene.store.put("t.csv", csv(scene.folder, scene.rows).read_bytes())
    source = opened(scene, url)
    scene.store.rules.fails = always("reset")
    with smo.options.set(retries=1):
        yield lambda: scene.fit(source)
