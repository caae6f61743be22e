"""Passwords: shown nowhere, held by what travels to workers, and by nothing that is saved."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
import statsmodels.api as sm
from sources.postgresql import URL, needs_server, new_name, run

import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import OutOfCoreError, SourceError
from statsmodels_ooc.sources.secrets import without_secrets
from statsmodels_ooc.sources.sql import read_sql
from statsmodels_ooc.sources.sql_openers import opener_of
from statsmodels_ooc.sources.sql_secrets import Address, passwords, scrubbed, without_password

WORD = "hunter2-xyzzy"
ODBC = "mssql+pyodbc:///?driver=d&odbc_connect=DRIVER%3D%7BODBC%7D%3BSERVER%3Dh%3B{}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:pw12@h:1/d", "postgresql://me@h:1/d"),
        (
            "postgresql+psycopg://me:p%40w12@h/d?sslmode=require",
            "postgresql+psycopg://me@h/d?sslmode=require",
        ),
        ("postgresql://h/d?user=me&password=pw12", "postgresql://h/d?user=me"),
        ("postgresql://h/d?sslpassword=pw12&access_token=pw12", "postgresql://h/d"),
        ("mysql://h/d", "mysql://h/d"),
        ("postgresql://me@h/d", "postgresql://me@h/d"),
        ("postgresql:///d", "postgresql:///d"),
        ("postgresql://me:p@w12@h/d", "postgresql://me@h/d"),
        ("postgresql://me:p/w12@h/d", "postgresql://…"),
        ("postgresql://me:p#w12@h/d", "postgresql://…"),
        ("postgresql://me:p?w12@h/d", "postgresql://…"),
        ("bigquery://project/set?credentials_base64=cHcxMgpw12&a=b", "bigquery://project/set?a=b"),
        ("clickhouse://h/d?api_key=pw12", "clickhouse://h/d"),
        ("x://h/d?sig=pw12&a=1", "x://h/d?a=1"),
        ("x://h/d?pass=pw12&signature=pw12&private_key=pw12&jwt=pw12", "x://h/d"),
        ("x://h/d?proxy=http%3A//me%3Apw12%40host&a=1", "x://h/d?a=1"),
        ("x://h/d;PWD=pw12;SECURITY=SSL", "x://h/d;PWD=***;SECURITY=SSL"),
        (ODBC.format("PWD%3Dpw12%3BUID%3Dme"), "mssql+pyodbc:///?driver=d"),
        (ODBC.format("UID%3Dme%3BPWD%3D%7Bpw12%3Bpw12%7D"), "mssql+pyodbc:///?driver=d"),
        (ODBC.format("UID%3Dme%3BAccessToken%3Dpw12"), "mssql+pyodbc:///?driver=d"),
        (ODBC.format("UID%3Dme%3BAccountKey%3Dpw12"), "mssql+pyodbc:///?driver=d"),
        ("postgresql://h/d?sslkey=a.key&passfile=b", "postgresql://h/d?sslkey=a.key&passfile=b"),
        ("snowflake://h/d?authenticator=oauth", "snowflake://h/d?authenticator=oauth"),
        ("x://h/d?author=me&keepalives=1", "x://h/d?author=me&keepalives=1"),
    ],
)
def test_urls_without_their_passwords(url, shown):
    assert without_password(url) == shown
    assert "w12" not in repr(Address.of(url))
    assert b"w12" not in pickle.dumps(opener_of(url).sealed())
    assert "w12" not in scrubbed(f"cannot open {url}", passwords(url))


@pytest.mark.parametrize(
    "text",
    [
        "host=h password=hunter2-xyzzy dbname=d",
        "password='hunter2-xyzzy' host=h",
        "PASSWORD = hunter2-xyzzy; SERVER=h",
        "connection to postgresql://me:hunter2-xyzzy@h/d failed",
        "secret_access_key=hunter2-xyzzy",
        "pwd=hunter2-xyzzy",
        "SERVER=h;PWD={hunter2;hunter2-xyzzy};UID=me",
        'SERVER=h;PWD="hunter2;hunter2-xyzzy";UID=me',
        "AccountName=a;AccountKey=hunter2-xyzzy;Endpoint=e",
        "cannot open x://h/d?api_key=hunter2-xyzzy",
        ODBC.format("UID%3Dme%3BPWD%3Dhunter2-xyzzy"),
    ],
)
def test_messages_without_secrets(text):
    assert WORD not in scrubbed(text)


@pytest.mark.parametrize(
    "text",
    [
        "select key, author from t where key = 3 and author_key = 5 and authorized = 1",
        "store_key=3/part.parquet",
        "monkey: sign = 3",
    ],
)
def test_what_is_no_secret_stays_in_messages(text):
    assert scrubbed(text) == text == without_secrets(text)


def test_what_is_known_is_scrubbed_wherever_it_stands():
    assert scrubbed("no hunter2-xyzzy here", [WORD]) == "no *** here"
    assert scrubbed("a tab", ["a"]) == "a tab"  # too short to be looked for


def test_a_path_that_is_none_may_be_a_string_of_a_driver():
    with pytest.raises(OutOfCoreError) as caught:
        read_sql("t", f"host=h user=me password={WORD}")
    assert WORD not in str(caught.value)


def test_a_query_with_a_password_is_not_shown(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        query = f"select 1 as a -- password={WORD}"
        source = read_sql(query, connection)
        assert WORD not in repr(source) + repr(source.partitions[0])


# --- a server ---


@pytest.fixture(scope="module")
def table():
    name = new_name()
    run(
        f"create table {name} as select g as id, sin(g) as y, cos(g) as x, g % 7 as firm, "
        "chr(97 + g % 3) as s, g % 2 as b from generate_series(1, 600) g"
    )
    return name


def secret_url():
    """The server, with a password that it does not ask for."""
    scheme, _, rest = URL.partition("://")
    user, _, host = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}:{WORD}@{host}"


def by_url():
    return secret_url()


def by_alchemy():
    return secret_url().replace("postgresql:", "postgresql+psycopg:")


def by_engine():
    alchemy = pytest.importorskip("sqlalchemy")
    return alchemy.create_engine(by_alchemy(), poolclass=alchemy.NullPool)


def by_psycopg():
    return pytest.importorskip("psycopg").connect(secret_url())


@needs_server
@pytest.mark.parametrize("road", [by_url, by_alchemy, by_engine, by_psycopg])
def test_nothing_shows_the_password_and_nothing_saved_holds_it(table, road):
    connection = road()
    source = read_sql(table, connection, partition_on="id", partitions=2)
    shown = [repr(source), repr(source.partitions), source.name, str(vars(source))]
    shown.append(source._repr_html_())  # what a notebook shows
    assert not [text for text in shown if WORD in text]
    assert WORD.encode() in pickle.dumps(source.partitions[0])
    assert WORD.encode() not in pickle.dumps(source)
    fits = [
        smof.ols("y ~ x + C(s)", source).fit(),
        smof.ols("y ~ x", source, subset="x > 0").fit(),
        smof.glm("b ~ x + y", source, family=sm.families.Binomial()).fit(),
    ]
    for result in fits:
        result.summary()
        result.get_influence()
        assert len(result.fittedvalues)
        for saved in (pickle.dumps(result), pickle.dumps(result.model)):
            assert WORD.encode() not in saved
    again = pickle.loads(pickle.dumps(source))
    assert len(again.head(3)) == 3  # of the same process
    if hasattr(connection, "close"):
        connection.close()


@needs_server
def test_a_saved_source_of_a_server_that_wants_a_password_says_what_to_do(table, tmp_path):
    """The password is gone in another process, where the server does not let it in."""
    name = new_name()
    run(f"create role {name} login password '{WORD}'", f"grant select on {table} to {name}")
    host = URL.partition("://")[2].rpartition("@")[2]
    source = read_sql(table, f"postgresql://{name}:{WORD}@{host}")
    try:
        (tmp_path / "s.pickle").write_bytes(pickle.dumps(source))
        run(f"alter role {name} nologin")  # this server lets everybody in who has a login
        code = (
            "import pickle\n"
            f"source = pickle.load(open({str(tmp_path / 's.pickle')!r}, 'rb'))\n"
            "try:\n    source.head()\n"
            "except Exception as error:\n    print(type(error).__name__, error)"
        )
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60
        )
        assert done.stdout.startswith("SourcePermissionError"), done.stderr
        assert "PGPASSWORD" in done.stdout
    finally:
        del source
        run(f"drop owned by {name}", f"drop role {name}")


@needs_server
def test_a_function_that_takes_the_password_from_elsewhere_is_saved(table, monkeypatch):
    monkeypatch.setenv("SMO_TEST_DATABASE", URL)
    psycopg = pytest.importorskip("psycopg")
    source = read_sql(table, connect_by_environment, partition_on="id", partitions=2)
    assert source.is_recipe
    assert len(pickle.loads(pickle.dumps(source)).head(3)) == 3
    assert not read_sql(table, lambda: psycopg.connect(URL)).is_recipe
    result = smof.ols("y ~ x", read_sql(table, lambda: psycopg.connect(URL))).fit()
    loaded = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(loaded.params, result.params)
    with pytest.raises(SourceError, match=r"rows of .* are gone"):
        loaded.get_robustcov_results("cluster", groups="firm")


def connect_by_environment():
    import os

    import psycopg

    return psycopg.connect(os.environ["SMO_TEST_DATABASE"])
