"""Designs that are written out give what the formula gives, and are whole or refused."""

from __future__ import annotations

import errno
import json
import os
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cloudpickle
import dask.array as da
import numpy as np
import pandas as pd
import patsy
import pytest
import statsmodels.api as sm
from tolerances import SOLVED, SUMS

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc import errors
from statsmodels_ooc.sources.design_file import look
from statsmodels_ooc.sources.interruptions import passes
from statsmodels_ooc.sources.seam import watched
from statsmodels_ooc.stores import writing

tables = pytest.importorskip("tables")

FORMULA = "y ~ center(a) * C(g) + b + I(a * b)"


def make_frame(n: int = 4_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.normal(size=n),
            "g": rng.choice(["x", "y", "z"], n),
            "w": rng.uniform(1, 2, n),
            "trials": rng.integers(1, 9, n),
        }
    )
    frame["y"] = 1 + 2 * frame["a"] + (frame["g"] == "y") + rng.normal(size=n)
    p = 1 / (1 + np.exp(-frame["b"]))
    frame["hit"] = (rng.uniform(size=n) < p).astype(float)
    frame["won"] = rng.binomial(frame["trials"], p)
    frame["lost"] = frame["trials"] - frame["won"]
    frame["word"] = np.where(frame["hit"] == 1, "yes", "no")
    for row, name in [(5, "b"), (17, "b"), (n // 2, "b"), (17, "y")]:
        if row < n:
            frame.loc[row, name] = np.nan
    return frame


@pytest.fixture
def data(tmp_path) -> Path:
    path = tmp_path / "d.parquet"
    path.mkdir()
    for number, start in enumerate(range(0, 4_000, 900)):  # five partitions
        make_frame().iloc[start : start + 900].reset_index(drop=True).to_parquet(
            path / f"part-{number}.parquet", index=False
        )
    return path


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "design.h5"


def assert_same_linear(found, expected) -> None:
    assert list(found.params.index) == list(expected.params.index)
    for name in ("params", "bse", "tvalues"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=SOLVED)
    for name in ("nobs", "df_model", "df_resid", "rsquared", "llf", "fvalue", "scale"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=SOLVED)
    assert found.model.k_constant == expected.model.k_constant


@pytest.mark.parametrize("formula", [FORMULA, "y ~ 0 + a + C(g)", "np.exp(y / 9) ~ 0 + a:b"])
def test_least_squares_are_those_of_the_formula(path, data, formula):
    store = smo.design_store(path, formula, data)
    expected = smof.ols(formula, data).fit()
    found = smo.OLS(store).fit()
    assert_same_linear(found, expected)
    assert found.model.endog_names == expected.model.endog_names
    assert found.model.formula == expected.model.formula
    info, other = found.model.data.model_spec, expected.model.data.model_spec
    assert info.term_name_slices == other.term_name_slices
    table, wanted = (smo.anova_lm(res, typ=2) for res in (found, expected))
    np.testing.assert_allclose(table, wanted, rtol=1e-8, atol=1e-9)  # sums of squares cancel
    new = make_frame(6, seed=1).drop(columns="y").dropna()
    np.testing.assert_allclose(found.predict(new), expected.predict(new), rtol=SOLVED)
    pd.testing.assert_series_equal(found.resid, expected.resid, rtol=SOLVED, atol=1e-10)
    assert str(found.summary()).splitlines()[2] == str(expected.summary()).splitlines()[2]


def test_smaller_models_and_robust_errors(path, data):
    store = smo.design_store(path, FORMULA, data)
    found, expected = (model.fit() for model in (smo.OLS(store), smof.ols(FORMULA, data)))
    for drop in (["center(a):C(g)"], ["b"]):
        smaller, wanted = (res.model.submodel(drop=drop).fit() for res in (found, expected))
        assert_same_linear(smaller, wanted)
        np.testing.assert_allclose(smaller.resid, wanted.resid, rtol=SOLVED, atol=1e-10)
        np.testing.assert_allclose(found.compare_f_test(smaller), expected.compare_f_test(wanted))
    robust, wanted = (res.get_robustcov_results("HC3") for res in (found, expected))
    np.testing.assert_allclose(robust.bse, wanted.bse, rtol=SOLVED)


def test_weights_are_those_beside_the_rows_or_others(path, data):
    store = smo.design_store(path, FORMULA, data, weights="w * 2")
    expected = smof.wls(FORMULA, data, weights="w * 2").fit()
    assert_same_linear(smo.WLS(store).fit(), expected)
    kept = make_frame().dropna()
    for given in (kept["w"].to_numpy(), da.from_array(kept["w"].to_numpy(), chunks=700)):
        other = smo.WLS(store, weights=given).fit()
        assert_same_linear(other, smof.wls(FORMULA, data, weights="w").fit())
    assert_same_linear(smo.OLS(store).fit(), smof.ols(FORMULA, data).fit())
    with pytest.raises(errors.OptionError, match="neither an array"):
        smo.WLS(store, weights="w")
    with pytest.raises(errors.SourceError, match="rows"):
        smo.WLS(store, weights=np.ones(3)).fit()
    for every in (np.ones(4_000), da.ones(4_000, chunks=900)):
        with pytest.raises(errors.SourceError, match=r"has 3,997: 3 were dropped") as e:
            smo.WLS(store, weights=every)
        assert "store.dropped_rows" in str(e.value)


@pytest.mark.parametrize(
    ("formula", "family", "extras"),
    [
        ("hit ~ a + C(g)", sm.families.Binomial(), {"freq_weights": "trials"}),
        ("won + lost ~ a + C(g) + b", sm.families.Binomial(), {}),
        ("won ~ a + b", sm.families.Poisson(), {"offset": "np.log(trials)"}),
    ],
)
@pytest.mark.parametrize("start", ["pilot", "statsmodels"])
def test_generalized_linear_models(path, data, formula, family, extras, start):
    store = smo.design_store(path, formula, data, **extras)
    found = smo.GLM(store, family=family).fit(start=start)
    expected = smof.glm(formula, data, family=family, **extras).fit(start=start)
    assert list(found.params.index) == list(expected.params.index)
    for name in ("params", "bse"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-8)
    np.testing.assert_allclose(found.deviance, expected.deviance, rtol=SOLVED)
    assert found.model.endog_names == expected.model.endog_names
    new = make_frame(6, seed=1)
    more = {} if "offset" not in extras else {"offset": np.log(new["trials"])}
    np.testing.assert_allclose(found.predict(new, **more), expected.predict(new, **more), rtol=1e-8)


def test_a_response_of_words_is_warned_of(path, data):
    store = smo.design_store(path, "word ~ a", data)
    with pytest.warns(errors.ResponseWarning, match="'word'"):
        found = smo.GLM(store, family=sm.families.Binomial())
    with pytest.warns(errors.ResponseWarning):
        expected = smof.glm("word ~ a", data, family=sm.families.Binomial())
    np.testing.assert_allclose(found.fit().params, expected.fit().params, rtol=1e-8)


def test_a_pair_of_counts_is_for_a_binomial_family(path, data):
    store = smo.design_store(path, "won + lost ~ a", data)
    with pytest.raises(errors.DesignError, match="successes and failures"):
        smo.OLS(store)
    with pytest.raises(errors.DesignError, match="successes and failures"):
        smo.GLM(store, family=sm.families.Poisson())


@pytest.mark.parametrize("family", [None, sm.families.Binomial()])
def test_selections_are_those_of_the_formula(path, data, family):
    formula = FORMULA if family is None else "hit ~ a + b"
    data = make_frame().dropna()
    store = smo.design_store(path, formula, data)
    ask = smo.IBOSS(k=200, family=family, pilot_size=500)
    found, expected = ask.select(store), ask.select(formula, data)
    assert (found.index == expected.index).all()
    np.testing.assert_allclose(found.fit().params, expected.fit().params, rtol=1e-8)
    assert list(found.fit().params.index) == list(expected.fit().params.index)
    with pytest.raises(TypeError, match="nothing"):
        ask.select(store, data)


def test_rows_are_dask_arrays(path, data):
    store = smo.design_store(path, FORMULA, data, weights="w")
    model = smof.wls(FORMULA, data, weights="w")
    exog, endog = np.asarray(model.exog), np.asarray(model.endog)
    assert (store.exog.compute() == exog).all()
    assert (store.endog.compute() == endog).all()
    assert (store.arrays["weights"].compute() == np.asarray(model.weights)).all()
    u, s, v = da.linalg.svd(store.exog)
    np.testing.assert_allclose(s, np.linalg.svd(exog)[1], rtol=SOLVED)
    beta = da.linalg.solve(store.exog.T @ store.exog, store.exog.T @ store.endog)
    np.testing.assert_allclose(beta, smo.OLS(store).fit().params, rtol=SOLVED)
    assert u.shape == exog.shape
    assert v.shape == (exog.shape[1],) * 2
    with ThreadPoolExecutor(4) as pool:
        sums = list(pool.map(lambda _: store.exog.sum().compute(), range(8)))
    np.testing.assert_allclose(sums, exog.sum(), rtol=SUMS)


def test_what_a_store_knows(path, data):
    store = smo.design_store(str(path), FORMULA, data)
    again = smo.open_store(path)
    for one in (store, again, smo.design_store(path)):
        assert one.formula == FORMULA
        assert one.exog_names == tuple(smof.ols(FORMULA, data).exog_names)
        assert one.endog_name == "y"
        assert one.factor_levels == {"C(g)": ("x", "y", "z")}
        assert (one.nobs, one.rows_read) == (3_997, 4_000)
        assert one.dropped == {"b": 3, "I(a * b)": 3, "y": 1}
        assert one.dropped_rows.tolist() == [5, 17, 2_000]
        assert one.design_info.column_names == list(one.exog_names)
        assert "3,997 rows, 3 dropped" in repr(one)
        assert "center(a)" in one._repr_html_()
        one.verify()
    assert os.listdir(path.parent).count("design.h5.part") == 0


def test_results_of_a_store_are_pickled_with_the_way_to_it(path, data):
    store = smo.design_store(path, FORMULA, data)
    res = smo.OLS(store).fit()
    copy = pickle.loads(cloudpickle.dumps(res))
    np.testing.assert_allclose(copy.resid, res.resid)
    assert pickle.loads(cloudpickle.dumps(store)).exog_names == store.exog_names


@pytest.mark.parametrize("compression", ["zlib", "none", "blosc2:zstd"])
def test_compression(path, data, compression):
    store = smo.design_store(path, "y ~ a", data, compression=compression)
    with tables.open_file(path) as file:
        filters = file.root.exog.filters
    level = {"none": 0}.get(compression, 1)
    assert filters.complevel == level
    assert filters.fletcher32
    assert store.exog.shape == (3_999, 2)
    with pytest.raises(errors.OptionError, match="compression"):
        smo.design_store(path.with_name("o.h5"), "y ~ a", data, compression="zip")
    assert os.listdir(path.parent) == sorted(["d.parquet", "design.h5"])


def test_more_rows(path, data):
    store = smo.design_store(path, FORMULA, data, weights="w")
    old = smo.WLS(store)
    more = make_frame(500, seed=3)
    store.append(more)
    both = pd.concat([make_frame(), more], ignore_index=True)
    assert store.nobs == len(both.dropna())
    assert store.dropped_rows.tolist() == np.flatnonzero(both.isna().any(axis=1)).tolist()
    assert store.dropped == {"b": 6, "I(a * b)": 6, "y": 2}
    spec = smof.wls(FORMULA, data, weights="w").data.model_spec
    exog = np.asarray(patsy.dmatrix(spec, both.dropna()))
    np.testing.assert_allclose(store.exog, exog, rtol=SUMS, atol=1e-15)
    assert (store.arrays["weights"].compute() == both.dropna()["w"]).all()
    resid = smo.WLS(store).fit().resid
    assert resid.index.tolist() == both.dropna().index.tolist()
    with pytest.raises(errors.SourceChangedError):
        old.fit()
    store.verify()


def test_rows_that_do_not_fit_leave_the_store_as_it_was(path, data):
    store = smo.design_store(path, FORMULA, data)
    model, before = smo.OLS(store), path.read_bytes()
    late = make_frame(3_000, seed=3)
    late.loc[2_999, "g"] = "new"
    with pytest.raises(errors.UnseenLevelError, match="'new'"):
        store.append(smo.as_source(late, chunk_rows=500))
    with pytest.raises(errors.ColumnNotFoundError, match="'b'"):
        store.append(late.drop(columns="b"))
    assert path.read_bytes() == before
    assert model.fit().nobs == 3_997


def test_what_is_there_is_kept_until_something_else_is_told(path, data, tmp_path):
    smo.design_store(path, "y ~ a", data)
    before = path.read_bytes()
    with pytest.raises(errors.WriteError, match=r"is there already[\s\S]*overwrite=True"):
        smo.design_store(path, FORMULA, data)
    with pytest.raises(errors.ColumnNotFoundError):
        smo.design_store(path, "y ~ nothing", data, overwrite=True)
    with pytest.raises(errors.EmptyDataError):
        smo.design_store(path, "y ~ a", make_frame(20).assign(a=np.nan), overwrite=True)
    assert path.read_bytes() == before
    assert smo.design_store(path, FORMULA, data, overwrite=True).formula == FORMULA
    assert sorted(os.listdir(tmp_path)) == ["d.parquet", "design.h5"]


def test_wrong_calls(path, data, tmp_path):
    with pytest.raises(errors.OptionError, match=r"they are swapped\n.*path, formula, data"):
        smo.design_store(FORMULA, str(path), data)
    with pytest.raises(errors.OptionError, match="formula and data"):
        smo.design_store(path, FORMULA)
    with pytest.raises(errors.OptionError, match="one of the two"):
        smo.design_store(path, FORMULA, data, overwrite=True, resume=True)
    with pytest.raises(errors.WriteError, match="no folder"):
        smo.design_store(tmp_path / "no" / "d.h5", FORMULA, data)
    with pytest.raises(errors.WriteError, match="no local file"):
        smo.design_store("s3://bucket/d.h5", FORMULA, data)
    with pytest.raises(errors.SourceNotFoundError):
        smo.open_store(path)
    make_frame(9).to_hdf(tmp_path / "t.h5", key="t", format="table")
    with pytest.raises(errors.ParseError, match="no design store"):
        smo.open_store(tmp_path / "t.h5")
    store = smo.design_store(path, FORMULA, data)
    with pytest.raises(TypeError, match="exog is left out"):
        smo.OLS(store, np.ones(3))
    with tables.open_file(path, "r"), pytest.raises(errors.SourceAccessError, match="close it"):
        store.append(make_frame(9))


def test_a_damaged_store_is_refused(path, data):
    store = smo.design_store(path, FORMULA, data)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(errors.ParseError, match="truncated"):
        smo.open_store(path)
    with tables.open_file(path, "w") as file:
        file.create_array("/", "exog", np.ones(3))
    with pytest.raises(errors.ParseError, match="no design store"):
        smo.open_store(path)
    path.write_bytes(whole)
    with tables.open_file(path, "a") as file:
        file.root.exog[7, 2] += 1e-9
    with pytest.raises(errors.ParseError, match=r"'/exog', rows 0 to 3,996"):
        smo.open_store(path).verify()
    with pytest.raises(errors.SourceChangedError):
        store.exog.compute()


# --- interruptions


class Fault:
    """Lets the n-th call fail, or kills the process."""

    def __init__(self, at: int, error: BaseException | None = None) -> None:
        self.at, self.error, self.calls = at, error, 0

    def touch(self, operation: str, place: str) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise self.error if self.error else AssertionError

    def granted(self, place: str, size: int) -> int:
        return size


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EIO, "i/o")]
)
def test_every_call_that_fails_leaves_nothing(path, data, tmp_path, error):
    for at in range(1, 200):
        fault = Fault(at, error)
        with watched(fault), suppress(errors.OutOfCoreError):
            smo.design_store(path, "y ~ a", data)
            if fault.calls < at:
                break
            assert passes(error), "a call failed, and nobody said so"
        left = set(os.listdir(tmp_path)) - {"d.parquet"}
        assert left <= {"design.h5"}
        if left:  # it was written, and could not be opened
            assert smo.open_store(path).nobs == 3_999
            path.unlink()
    assert at > 20


def test_every_call_that_fails_while_rows_are_appended_leaves_them_all_or_none(path, data):
    smo.design_store(path, "y ~ a", data)
    error = OSError(errno.ENOSPC, "No space left on device")
    for at in range(1, 200):
        store = smo.open_store(path)
        rows, fault = store.nobs, Fault(at, error)
        with watched(fault), suppress(errors.OutOfCoreError):
            store.append(make_frame(50, seed=2))
            assert fault.calls < at
            break
        found = smo.open_store(path)
        assert found.nobs in (rows, rows + 49)
        found.verify()
    assert at > 10


def partitions_of(part) -> int:
    """How many of the five partitions a store that was interrupted has."""
    try:
        return look(str(part)).mark.partitions
    except errors.ParseError:
        return 0


def test_what_is_resumed_is_what_was_begun(path, data, monkeypatch):
    monkeypatch.setattr(writing, "_UNMARKED", 1)
    at = 0
    expected = smo.design_store(path, FORMULA, data).exog.compute()
    path.unlink()
    part = path.with_name("design.h5.part")
    while not part.exists() or not 1 <= partitions_of(part) <= 3:
        part.unlink(missing_ok=True)
        at += 2
        fault = Fault(at, OSError(errno.ENOSPC, "No space left on device"))
        with watched(fault), pytest.raises(errors.OutOfCoreError):
            smo.design_store(path, FORMULA, data, resume=True)
    with tables.open_file(part, "a") as file:  # rows that no mark counts
        file.root.exog.append(np.full((7, expected.shape[1]), 9.0))
        file.root.endog.append(np.full(5, 9.0))
    with pytest.raises(errors.WriteError, match=r"was interrupted[\s\S]*resume=True"):
        smo.design_store(path, FORMULA, data)
    with pytest.raises(errors.WriteError, match="was interrupted"):
        smo.open_store(path)
    for match, formula, rows, told in (
        ("formula: ", "y ~ a", data, {}),
        ("partitions: ", FORMULA, make_frame(), {}),
        (r"rows: .*NoneType None.* there, .*'a > 0'.* now", FORMULA, data, {"subset": "a > 0"}),
        ("weights and offsets: ", FORMULA, data, {"weights": "np.exp(a)"}),
        ("missing: .*drop.* there, .*raise.* now", FORMULA, data, {"missing": "raise"}),
        ("missing: .*'b'.* now", FORMULA, data, {"drop_cols": ["b"]}),
    ):
        with pytest.raises(errors.SourceChangedError, match=match):
            smo.design_store(path, formula, rows, **told, resume=True)
    store = smo.design_store(path, FORMULA, data, resume=True)
    assert (store.exog.compute() == expected).all()
    assert store.dropped_rows.tolist() == [5, 17, 2_000]
    assert smo.OLS(store).fit().nobs == 3_997


def test_rows_of_which_nothing_tells_whether_they_changed_are_not_resumed(path, monkeypatch):
    monkeypatch.setattr(writing, "_UNMARKED", 1)
    pieces = [make_frame().iloc[start : start + 900] for start in range(0, 4_000, 900)]
    changed = [piece.assign(a=piece["a"] + 1.0) for piece in pieces]
    part = path.with_name("design.h5.part")
    at = 0
    while not part.exists() or not 1 <= partitions_of(part) <= 3:
        part.unlink(missing_ok=True)
        at += 2
        fault = Fault(at, OSError(errno.ENOSPC, "No space left on device"))
        with watched(fault), pytest.raises(errors.OutOfCoreError):
            smo.design_store(path, FORMULA, pieces, resume=True)
    with pytest.raises(errors.SourceChangedError, match=r"nothing tells.*\n.*overwrite=True"):
        smo.design_store(path, FORMULA, changed, resume=True)
    store = smo.design_store(path, FORMULA, changed, overwrite=True)
    assert smo.OLS(store).fit().nobs == 3_997


KILLED = """
    import json, os, random, signal, sys, time
    import numpy as np
    import statsmodels_ooc.api as smo
    from statsmodels_ooc import errors
    from statsmodels_ooc.sources.seam import watched
    from statsmodels_ooc.stores import writing

    writing._UNMARKED = 1
    folder, data, more, formula = sys.argv[1:]
    path = os.path.join(folder, "design.h5")

    class Kill:
        def __init__(self, at): self.at, self.calls = at, 0
        def touch(self, operation, place):
            self.calls += 1
            if self.calls == self.at: os.kill(os.getpid(), signal.SIGKILL)
        def granted(self, place, size): return size

    def child(work, kill=None, seconds=None):
        "What work gives in a process of its own; the parent has no threads. None if killed."
        out, into = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                with watched(kill): result = work()
                os.write(into, json.dumps(result).encode())
                os._exit(0)
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(7)
        os.close(into)
        if seconds is not None:
            time.sleep(seconds)
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
        told = os.read(out, 10_000)
        os.close(out)
        assert os.waitstatus_to_exitcode(status) in (0, -9), status
        return json.loads(told) if told else None

    def write(**options):
        smo.design_store(path, formula, data, **options)

    def append():
        smo.open_store(path).append(more)

    def counted(work):
        counter = Kill(-1)
        def watched_work():
            began = time.perf_counter()
            with watched(counter): work()
            return counter.calls, time.perf_counter() - began
        return watched_work

    def keep(name):
        np.save(os.path.join(folder, name), smo.open_store(path).exog.compute())

    def is_(name):
        found, kept = smo.open_store(path).exog.compute(), np.load(os.path.join(folder, name))
        return bool(found.shape == kept.shape and (found == kept).all())

    def after_appending():
        try:
            if is_("long.npy"):
                return "after"
        except errors.ParseError as error:
            assert "Hint" in str(error)
            return "refused"
        assert is_("short.npy")
        append()
        assert is_("long.npy")
        return "before"

    def clean():
        for name in (path, path + ".part"):
            if os.path.exists(name): os.remove(name)

    def moments(count, seconds):
        "After so many calls, or seconds."
        sudden = [(-1, rng.uniform(0, seconds)) for _ in range(few // 2)]
        calls = rng.sample(range(1, count + 1), min(few, count))
        return [(at, None) for at in calls] + sudden

    few = int(os.environ.get("KILLS", 3))
    rng = random.Random(0)
    child(write)
    child(lambda: keep("short.npy"))
    with open(path, "rb") as file: base = file.read()
    count_more, seconds_more = child(counted(append))
    child(lambda: keep("long.npy"))
    told = dict.fromkeys(("refused", "before", "after"), 0)
    for at, after in moments(count_more, seconds_more):
        clean()
        with open(path, "wb") as file: file.write(base)
        child(append, Kill(at), after)
        told[child(after_appending)] += 1
    print(json.dumps(told))
"""


def test_a_process_killed_while_it_appends_leaves_a_store_that_is_whole_or_says_so(tmp_path, data):
    more = tmp_path / "more.parquet"
    make_frame(2_500, seed=3).to_parquet(more, row_group_size=500)
    folder = tmp_path / "stores"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), str(data), str(more), FORMULA],
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sum(told.values()) >= 4, told  # what each of them is was asserted over there
