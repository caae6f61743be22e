"""What opens doors is in no message, whatever it is made of."""

from __future__ import annotations

import datetime
import pickle

import fsspec
import pyarrow.fs as pafs
import pytest
from fsspec.implementations.cached import SimpleCacheFileSystem
from fsspec.implementations.dirfs import DirFileSystem

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import OutOfCoreError
from statsmodels_ooc.sources.files import StoredFile
from statsmodels_ooc.sources.paths import _format_of
from statsmodels_ooc.sources.sealing import Sealed
from statsmodels_ooc.sources.secrets import without_keys, without_secrets

TEXTS = [
    "https://me:{}@host/t.csv",
    "https://me:{}@host:8080/t.csv?a=b",
    "postgresql://me:{}@host/db",
    "host=db user=me password={}",
    "host=db password='{}' dbname=x",
    "Server=db;Pwd={};Database=x",
    "https://host/t.csv?sig={}",
    "https://host/t.csv?a=b&X-Amz-Signature={}&c=d",
]
PASSWORDS = ["hunter22", "p@ss22word", "p/a22ss", "22:33@44/55", "%40escaped22", "123456"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_is_not_shown(text, password):
    if "sig=" in text or "Signature" in text:
        password = password.replace("@", "").replace("/", "")
    shown = without_secrets(f"cannot open {text.format(password)} today")
    assert shown.startswith("cannot open ")
    assert shown.endswith(" today")
    assert "***" in shown
    for part in (password, password.rpartition("@")[2], password.partition("/")[2] or password):
        assert part not in shown


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket/a@b/part.parquet",
        "https://host:8080/a@b.csv",
        "abfs://container@account.dfs/path",
        "data/token=3/secret=x/part.parquet",
        "C:\\data\\token=3\\part.parquet",
        "y ~ tokens + C(key)",
        "no such file: rows.csv",
    ],
)
def test_what_is_no_password_is_shown(text):
    assert without_secrets(text) == text


@pytest.mark.parametrize("read", [smo.read_csv, smo.read_parquet, smo.as_source])
def test_an_address_of_a_database_in_the_place_of_a_path(read):
    for text in ("host=db user=me password=hunter22", "postgresql://me:hun@ter22@host/db"):
        with pytest.raises((OutOfCoreError, OSError)) as caught:
            read(text)
        assert "ter22" not in str(caught.value)


def test_options_without_keys_keep_the_others():
    options = {
        "key": "k",
        "secret": "s",
        "anon": False,
        "client_kwargs": {"region_name": "eu", "aws_session_token": "t"},
        "headers": {"Authorization": "Bearer x", "Accept": "text/csv", "X-Api": "x"},
        "params": {"sig": "s", "version": "3"},
        "endpoint_url": "https://me:pw@host",
        "config_kwargs": {"proxies": {"https": "http://me:pw@host"}, "retries": 2},
        "urls": ["https://me:pw@host", "https://host"],
        "passphrase": "s",
        "connection_string": "AccountName=a;AccountKey=k",
    }
    assert without_keys(options) == {
        "anon": False,
        "client_kwargs": {"region_name": "eu"},
        "headers": {"Accept": "text/csv"},
        "params": {"version": "3"},
        "config_kwargs": {"proxies": {}, "retries": 2},
    }


def test_what_a_saved_result_leaves_out_is_not_shown_either():
    options = {"headers": {"X-Api": "hunter22", "Accept": "text/csv"}, "passphrase": "ter22hun"}
    shown = without_secrets("no hunter22, ter22hun for text/csv", options)
    assert shown == "no ***, *** for text/csv"


def test_a_chain_of_file_systems_is_shown_without_its_password(tmp_path):
    text = "simplecache::http://me:hun@ter22@host.invalid/t.strange?sig=ter22"
    with pytest.raises(OutOfCoreError) as caught:
        smo.as_source(text)
    assert "ter22" not in str(caught.value)
    assert StoredFile("simplecache::http://host/t.csv?sig=a", 1, None).name.endswith("t.csv")


def test_an_unknown_format_is_shown_without_a_password():
    with pytest.raises(OutOfCoreError, match=r"nothing is known of the format") as caught:
        _format_of("simplecache::http://me:hunter22@host/t.strange?sig=ter22")
    assert "ter22" not in str(caught.value)


class Given(fsspec.AbstractFileSystem):
    """A file system that takes its password by its place."""

    protocol = "given"

    def __init__(self, host, user, password=None, timeout=1, **options):
        super().__init__(host, user, password, timeout, **options)
        self.facts = (host, user, password, timeout, options)


WORD = "c2VjcmV0LXdvcmQ="  # base64: Azure decodes it
LATER = datetime.datetime(2030, 1, 1)
FILE_SYSTEMS = [
    lambda: Given("host", "me", WORD, 3, token=WORD, region="eu"),
    lambda: DirFileSystem("data", Given("host", "me", WORD)),
    lambda: SimpleCacheFileSystem(fs=Given("host", "me", WORD)),
    lambda: pafs.PyFileSystem(pafs.FSSpecHandler(Given("host", "me", WORD))),
    lambda: pafs.GcsFileSystem(access_token=WORD, credential_token_expiration=LATER),
    lambda: pafs.AzureFileSystem("account", account_key=WORD),
    lambda: pafs.AzureFileSystem("account", sas_token=WORD),
    lambda: pafs.SubTreeFileSystem("data", pafs.S3FileSystem(access_key="a", secret_key=WORD)),
    lambda: pafs.S3FileSystem(
        region="eu",
        proxy_options={"scheme": "http", "host": "h", "port": 1, "username": "u", "password": WORD},
    ),
]


@pytest.mark.parametrize("make", FILE_SYSTEMS, ids=range(len(FILE_SYSTEMS)))
def test_file_systems_are_sealed_without_keys(make):
    found = make()
    assert WORD.encode() in pickle.dumps(found)
    sealed = pickle.dumps(Sealed(found))
    assert WORD.encode() not in sealed
    assert type(pickle.loads(sealed)) is type(found)


def test_what_was_given_by_its_place_stays_but_for_keys():
    (found,) = pickle.loads(pickle.dumps(Sealed([Given("host", "me", WORD, 3, region="eu")])))
    assert found.facts == ("host", "me", None, 3, {"region": "eu"})
