"""What opens doors is in no message, whatever it is made of."""

from __future__ import annotations

import pytest

import statsmodels_ooc.api as smo
from statsmodels_ooc.errors import OutOfCoreError
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
        "headers": {"Authorization": "Bearer x", "Accept": "text/csv"},
    }
    assert without_keys(options) == {
        "anon": False,
        "client_kwargs": {"region_name": "eu"},
        "headers": {"Accept": "text/csv"},
    }
