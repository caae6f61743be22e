"""Files in a store of objects, whose server fails in every way that servers do."""

from __future__ import annotations

import io
import pickle
import time
import traceback

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.fs as pafs
import pytest
import statsmodels.formula.api as smf
from faults.harness import every_call_may_fail
from fsspec.implementations.cached import SimpleCacheFileSystem, WholeFileCacheFileSystem
from object_store import KEY, SECRET, object_store
from tolerances import SOLVED

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import (
    MissingExtraError,
    OptionError,
    SourceChangedError,
    SourceInterruptedError,
    SourceNotFoundError,
    SourcePermissionError,
)
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.filesystems import opened_filesystem

s3fs = pytest.importorskip("s3fs")
pytest.importorskip("moto.server")

rng = np.random.default_rng(1)
TABLE = pd.DataFrame(
    {
        "y": rng.normal(size=200),
        "i": rng.integers(0, 9, 200),
        "s": rng.choice(["a", "b,c", "d"], 200),
        "m": np.where(np.arange(200) % 5 == 0, np.nan, rng.normal(size=200)),
    }
)


def as_parquet(table, **options):
    sink = io.BytesIO()
    table.to_parquet(sink, row_group_size=50, **options)
    return sink.getvalue()


def as_feather(table):
    sink = io.BytesIO()
    table.to_feather(sink)
    return sink.getvalue()


def as_csv(table):
    return table.to_csv(index=False).encode()


WRITERS = {"t.parquet": as_parquet, "t.csv": as_csv, "t.feather": as_feather}


@pytest.fixture(scope="module")
def shared():
    with object_store() as store:
        yield store


@pytest.fixture
def store(shared):
    shared.rules.reset()
    yield shared
    shared.rules.reset()


def hasty(store, **config):
    """A client that tries once, and waits for a second."""
    config = {"retries": {"max_attempts": 0}, "read_timeout": 1, "connect_timeout": 1, **config}
    found = s3fs.S3FileSystem(**store.options, config_kwargs=config, skip_instance_cache=True)
    found.retries = 1
    return found


def patient(store):
    """The same, for tests in which the server answers, be it slowly."""
    return hasty(store, read_timeout=60, connect_timeout=60)


def arrow(store):
    return pafs.S3FileSystem(
        access_key=KEY, secret_key=SECRET, endpoint_override=store.address, region="us-east-1"
    )


def all_rows(source):
    return pd.concat(source.frames(), ignore_index=True)


@pytest.mark.parametrize("name", WRITERS)
def test_the_fit_is_that_of_the_rows(store, name):
    url = store.put(name, WRITERS[name](TABLE))
    found = smof.ols("y ~ m + s", smo.as_source(url, storage_options=store.options)).fit()
    expected = smf.ols("y ~ m + s", TABLE).fit()
    pd.testing.assert_series_equal(found.params, expected.params, rtol=SOLVED)


@pytest.mark.parametrize("make", [patient, arrow])
@pytest.mark.parametrize(
    ("name", "scheme"),
    [("t.parquet", ""), ("t.parquet", "s3://"), ("t.csv", ""), ("t.feather", "")],
)
def test_a_file_system_may_be_given(store, make, name, scheme):
    store.put(f"d/{name}", WRITERS[name](TABLE))
    for pattern in (f"d/{name}", "d/*" + name[1:]):
        source = smo.as_source(f"{scheme}data/{pattern}", filesystem=make(store))
        pd.testing.assert_frame_equal(all_rows(pickle.loads(pickle.dumps(source))), TABLE)
    store.client.delete_object(Bucket="data", Key=f"d/{name}")


def test_a_local_file_system_is_none(tmp_path):
    TABLE.to_parquet(tmp_path / "t.parquet")
    source = smo.read_parquet(str(tmp_path / "t.parquet"), filesystem=pafs.LocalFileSystem())
    pd.testing.assert_frame_equal(all_rows(source), TABLE)


def test_what_is_no_file_system(store):
    with pytest.raises(OptionError, match="both given"):
        smo.read_parquet("s3://data/t.parquet", storage_options={"a": 1}, filesystem=hasty(store))
    with pytest.raises(OptionError, match=r"filesystem= is a str"):
        smo.read_csv("s3://data/t.csv", filesystem="s3")
    with pytest.raises(OptionError, match=r"filesystem="):
        smo.read_parquet("s3://data/t.parquet", storage_options=hasty(store))


def test_without_s3fs_pyarrow_reads(store, monkeypatch):
    def url_to_fs(url, **options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", url_to_fs)
    url = store.put("t.parquet", as_parquet(TABLE))
    source = smo.read_parquet(url, storage_options=store.options)
    pd.testing.assert_frame_equal(all_rows(source), TABLE)
    with pytest.raises(MissingExtraError, match=r"'profile'.*needs s3fs"):
        smo.read_parquet(url, storage_options={"profile": "x"})


def test_keys_of_folders(store):
    for year in (2023, 2024):
        store.put(f"sales/year={year}/0.parquet", as_parquet(TABLE[:10]))
    source = smo.as_source("s3://data/sales", storage_options=store.options)
    assert source.rows == 20
    assert sorted(all_rows(source)["year"].unique()) == [2023, 2024]


# --- what passes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "what"),
    [(name, "reset") for name in WRITERS] + [("t.parquet", what) for what in (500, 503, "refuse")],
)
def test_a_request_that_fails_once_is_made_again(store, what, name):
    url = store.put(name, WRITERS[name](TABLE))
    source = smo.as_source(url, storage_options={**store.options, "skip_instance_cache": True})
    source.look_at(source.columns)
    before = len(store.rules.seen)
    failed = []

    def fails(request):
        if request.is_data and not failed:
            failed.append(request)
            return what
        return None

    store.rules.fails = fails
    pd.testing.assert_frame_equal(all_rows(source), TABLE)
    assert failed
    assert len(store.rules.seen) > before


@pytest.mark.parametrize("what", [500, 503, "reset", "refuse", "slow"])
@pytest.mark.parametrize("make", [hasty, arrow])
def test_a_server_that_goes_on_failing_is_named(store, what, make):
    if make is arrow and what in ("slow", "reset"):
        pytest.skip("pyarrow's client tries again for minutes")
    url = store.put("t.parquet", as_parquet(TABLE))
    filesystem = make(store)
    if make is arrow:
        filesystem = pafs.S3FileSystem(
            access_key=KEY,
            secret_key=SECRET,
            endpoint_override=store.address,
            region="us-east-1",
            retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=1),
        )
    source = smo.as_source(url, filesystem=filesystem)
    source.look_at(source.columns)
    if what == "slow":
        store.rules.latency = 2.0
    else:
        store.rules.fails = lambda request: what if request.is_data else None
    with pytest.raises(SourceInterruptedError, match=r"data/t\.parquet cannot be read"):
        all_rows(source)
    store.rules.reset()
    pd.testing.assert_frame_equal(all_rows(source), TABLE)


@pytest.mark.parametrize(
    ("given", "tries", "below"), [(None, 2, 1), ({"max_attempts": 7}, s3fs.S3FileSystem.retries, 7)]
)
def test_clients_in_clients_do_not_multiply_repeats_unless_told(store, given, tries, below):
    """With s3fs's own, a server that is gone was told after 90 seconds, now after 10."""
    told = {} if given is None else {"config_kwargs": {"retries": given}}
    options = {**store.options, "skip_instance_cache": True, **told}  # one that has sent nothing
    filesystem, _, path = opened_filesystem("s3://data/t.parquet", options)
    assert (filesystem.retries, path) == (tries, "data/t.parquet")
    assert filesystem.config_kwargs["retries"]["max_attempts"] == below


# --- what does not pass --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "make"), [(name, hasty) for name in WRITERS] + [("t.parquet", arrow)]
)
def test_an_object_that_is_replaced_between_passes(store, name, make):
    url = store.put(name, WRITERS[name](TABLE))
    source = smo.as_source(url, filesystem=make(store))
    all_rows(source)
    if make is arrow:
        time.sleep(1.1)  # S3 tells seconds, and pyarrow no etag
    store.put(name, WRITERS[name](TABLE.assign(y=TABLE["y"].round(12) + 1e-9)))
    with pytest.raises(SourceChangedError, match="changed after the source was opened"):
        all_rows(source)


def test_an_object_that_is_replaced_while_it_is_read(store):
    big = pd.DataFrame({"y": np.arange(400_000) % 1000 / 7})
    other = as_parquet(big.assign(y=big["y"] + 1), compression=None)
    url = store.put("big.parquet", as_parquet(big, compression=None))
    source = smo.as_source(url, filesystem=hasty(store))

    def fails(request):
        if request.is_data:
            store.rules.fails = lambda request: None
            store.put("big.parquet", other)

    store.rules.fails = fails
    with pytest.raises(SourceChangedError, match="changed after the source was opened"):
        all_rows(source)


@pytest.mark.parametrize("name", WRITERS)
def test_an_object_that_is_deleted_between_passes(store, name):
    url = store.put(name, WRITERS[name](TABLE))
    source = smo.as_source(url, filesystem=hasty(store))
    all_rows(source)
    store.client.delete_object(Bucket="data", Key=name)
    with pytest.raises(SourceChangedError, match="was removed after the source was opened"):
        all_rows(source)


def test_what_is_not_there(store):
    with pytest.raises(SourceNotFoundError, match=r"s3://data/nowhere\.parquet"):
        smo.as_source("s3://data/nowhere.parquet", storage_options=store.options)
    with pytest.raises(SourceNotFoundError, match="no-such-bucket"):
        smo.as_source("s3://no-such-bucket/t.parquet", storage_options=store.options)
    with pytest.raises(SourceNotFoundError):
        smo.as_source("s3://no-such-bucket/*.parquet", storage_options=store.options)


def test_wrong_credentials(store):
    url = store.put("t.parquet", as_parquet(TABLE))
    store.rules.fails = lambda request: 403
    with pytest.raises(SourcePermissionError, match="may not be read") as caught:
        smo.as_source(url, filesystem=hasty(store))
    assert_no_secret(caught.value)


def assert_no_secret(error):
    shown = "".join(traceback.format_exception(error))
    assert SECRET not in shown
    assert KEY not in shown


def test_nobody_is_told_the_key(store):
    url = store.put("t.parquet", as_parquet(TABLE))
    source = smo.as_source(url, storage_options={**store.options, "skip_instance_cache": True})
    (part,) = source.partitions
    for one in (source, part, part.file, source.files):
        assert SECRET not in repr(one)
        assert KEY not in repr(one)
    assert SECRET not in source._repr_html_()
    store.rules.fails = lambda request: 403 if request.is_data else None
    with pytest.raises(SourcePermissionError, match=r"SignatureDoesNotMatch, key \*\*\*") as caught:
        all_rows(source)
    assert_no_secret(caught.value)


def test_a_signed_url_is_not_told():
    url = "http://me:pw-of-mine@127.0.0.1:1/t.csv?versionId=7&X-Amz-Signature=0a1b2c"
    with pytest.raises(SourceInterruptedError, match=r"versionId=7") as caught:
        smo.read_csv(url)
    shown = "".join(traceback.format_exception(caught.value))
    assert "pw-of-mine" not in shown
    assert "0a1b2c" not in shown
    file = StoredFile(url, 10, None)
    assert str(file) in repr(file)
    assert "0a1b2c" not in repr(file)
    assert file.name.endswith("t.csv")


# --- how often it is asked -----------------------------------------------------------------


def test_only_the_bytes_that_are_needed_are_fetched_a_few_times(store):
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(150_000, 12)), columns=[f"x{i}" for i in range(12)])
    sink = io.BytesIO()
    wide.to_parquet(sink, row_group_size=150_000)
    source = smo.as_source(store.put("wide.parquet", sink.getvalue()), filesystem=hasty(store))
    store.rules.seen.clear()
    (found,) = source.frames(["x1", "x2", "x9"], max_rows=200_000)
    pd.testing.assert_frame_equal(found, wide[["x1", "x2", "x9"]])
    spans = [
        [int(at) for at in request.span.removeprefix("bytes=").split("-")]
        for request in store.rules.seen
        if request.is_data
    ]
    assert len(spans) == 2  # two neighbours, and one far away
    assert sum(last - first for first, last in spans) < 0.3 * len(sink.getvalue())
    assert len(store.rules.seen) == 3  # and whether it still is the same


def test_every_call_may_fail(store):
    fsspec = pytest.importorskip("fsspec")
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe("/faults/t.parquet", as_parquet(TABLE))
    calls = every_call_may_fail(
        lambda: all_rows(smo.as_source("memory://faults/*.parquet")), "a dropped connection"
    )
    assert calls > 4


# --- tables ---------------------------------------------------------------------------------


def test_a_delta_table(store):
    deltalake = pytest.importorskip("deltalake")
    theirs = {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": store.address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
    }
    rows = pa.Table.from_pandas(TABLE, preserve_index=False)
    url = "s3://data/lake/sales of 2024"
    deltalake.write_deltalake(url, rows, partition_by=["s"], storage_options=theirs)
    opened = deltalake.DeltaTable(url, storage_options=theirs)
    for source in (
        smo.read_delta(url, storage_options=theirs),
        smo.as_source(url, storage_options=store.options),
        smo.read_delta(opened, storage_options=theirs),
    ):
        assert SECRET not in repr(source)
        found = all_rows(pickle.loads(pickle.dumps(source)))
        order = ["y"]
        pd.testing.assert_frame_equal(
            found[list(TABLE)].sort_values(order, ignore_index=True),
            TABLE.sort_values(order, ignore_index=True),
        )
    path = source.partitions[0].file.path
    assert path.startswith(url + "/s=")
    store.client.delete_object(Bucket="data", Key=path.removeprefix("s3://data/"))
    with pytest.raises(SourceChangedError, match=r"s3://data/lake/sales[\s\S]*version 0"):
        all_rows(smo.read_delta(opened, storage_options=theirs))


@pytest.mark.parametrize("io", ["pyarrow.PyArrowFileIO", "fsspec.FsspecFileIO"])
def test_an_iceberg_table(store, tmp_path, io):
    pytest.importorskip("pyiceberg")
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog(
        "test",
        uri=f"sqlite:///{tmp_path}/catalog.db",
        warehouse="s3://data/ice",
        **{
            "py-io-impl": f"pyiceberg.io.{io}",
            "s3.endpoint": store.address,
            "s3.access-key-id": KEY,
            "s3.secret-access-key": SECRET,
            "s3.region": "us-east-1",
        },
    )
    catalog.create_namespace("shop")
    rows = pa.Table.from_pandas(TABLE, preserve_index=False)
    table = catalog.create_table("shop.t", rows.schema)
    table.append(rows)
    source = smo.as_source(table)
    assert type(source).__name__ == "LakeSource"
    pd.testing.assert_frame_equal(all_rows(pickle.loads(pickle.dumps(source))), TABLE)
    path = source.partitions[0].file.path
    store.client.delete_object(Bucket="data", Key=path.removeprefix("s3://data/"))
    with pytest.raises(SourceChangedError, match=r"s3://data/ice[\s\S]*snapshot"):
        all_rows(source)


def a_parquet_file(store, tmp_path):
    return smo.as_source(store.put("s.parquet", as_parquet(TABLE)), storage_options=store.options)


def a_csv_file(store, tmp_path):
    url = store.put("s.csv", as_csv(TABLE))
    return smo.read_csv(url, storage_options=store.options)


def through_arrow(store, tmp_path):
    store.put("s.parquet", as_parquet(TABLE))
    return smo.as_source("data/s.parquet", filesystem=arrow(store))


def through_fsspec(store, tmp_path):
    store.put("s.parquet", as_parquet(TABLE))
    return smo.as_source("data/s.parquet", filesystem=patient(store))


def a_delta_table(store, tmp_path):
    deltalake = pytest.importorskip("deltalake")
    theirs = {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": store.address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
    }
    rows = pa.Table.from_pandas(TABLE, preserve_index=False)
    url = f"s3://data/lake/{tmp_path.name}"
    deltalake.write_deltalake(url, rows, storage_options=theirs)
    return smo.read_delta(url, storage_options=theirs)


def an_iceberg_table(store, tmp_path):
    pytest.importorskip("pyiceberg")
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog(
        "test",
        uri=f"sqlite:///{tmp_path}/catalog.db",
        warehouse=f"s3://data/{tmp_path.name}",
        **{
            "s3.endpoint": store.address,
            "s3.access-key-id": KEY,
            "s3.secret-access-key": SECRET,
            "s3.region": "us-east-1",
        },
    )
    catalog.create_namespace("shop")
    rows = pa.Table.from_pandas(TABLE, preserve_index=False)
    table = catalog.create_table("shop.t", rows.schema)
    table.append(rows)
    return smo.as_source(table)


def given_by_its_place(store, tmp_path):
    store.put("s.parquet", as_parquet(TABLE))
    by_place = s3fs.S3FileSystem(False, store.address, KEY, SECRET, skip_instance_cache=True)
    return smo.as_source("data/s.parquet", filesystem=by_place)


def through_a_cache(store, tmp_path):
    store.put("s.parquet", as_parquet(TABLE))
    cached = SimpleCacheFileSystem(fs=hasty(store), cache_storage=str(tmp_path / "cache"))
    return smo.as_source("data/s.parquet", filesystem=cached)


def through_a_cache_by_options(store, tmp_path):
    store.put("s.parquet", as_parquet(TABLE))
    options = {"target_protocol": "s3", "target_options": store.hasty}
    cached = WholeFileCacheFileSystem(cache_storage=str(tmp_path / "cache"), **options)
    return smo.as_source("data/s.parquet", filesystem=cached)


def below_a_folder(store, tmp_path):
    store.put("s.parquet", as_parquet(TABLE))
    return smo.as_source("s.parquet", filesystem=pafs.SubTreeFileSystem("data", arrow(store)))


KEEPERS = [
    a_parquet_file,
    a_csv_file,
    through_arrow,
    through_fsspec,
    a_delta_table,
    an_iceberg_table,
    given_by_its_place,
    through_a_cache,
    through_a_cache_by_options,
    below_a_folder,
]


@pytest.mark.parametrize("keeper", KEEPERS)
def test_saved_results_hold_no_keys_and_find_those_of_the_environment(
    store, tmp_path, monkeypatch, keeper
):
    result = smof.ols("y ~ m + s", keeper(store, tmp_path)).fit()
    smo.save(result, tmp_path / "fit.zip")
    without_code = (tmp_path / "fit.zip").read_bytes()
    for saved in (pickle.dumps(result), pickle.dumps(result.model), without_code):
        assert SECRET.encode() not in saved
        assert KEY.encode() not in saved
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    loaded = pickle.loads(pickle.dumps(result))
    found = loaded.get_robustcov_results("HC3").bse
    np.testing.assert_array_equal(found, result.get_robustcov_results("HC3").bse)
