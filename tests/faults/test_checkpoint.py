"""Fits that were killed go on where they were, with the same bits; what is another's is refused."""

from __future__ import annotations

import datetime
import functools
import os
import pickle
import shutil
import threading
from pathlib import Path

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm
from faults.harness import NthCallFails, every_call_fails
from scipy import stats

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.engine.checkpoint import KeptTree
from statsmodels_ooc.engine.pieces import tree
from statsmodels_ooc.engine.state_files import read_state, write_state
from statsmodels_ooc.errors import CheckpointError, OptionError
from statsmodels_ooc.sources.seam import watched


def write(folder: Path, shift: float = 0.0) -> None:
    rng = np.random.default_rng(5)
    for part in range(7):
        frame = pd.DataFrame({"x": rng.normal(size=300), "g": rng.choice(list("abc"), 300)})
        frame["y"] = rng.poisson(np.exp(0.4 * frame.x + shift))
        frame.to_parquet(folder / f"{part}.parquet")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("checkpointed")
    write(folder)
    return str(folder)


def ols(data, **told):
    return smof.ols("y ~ x + C(g)", data).fit(cov_type="HC1", **told)


def poisson(data, **told):
    model = smof.glm("y ~ x + C(g)", data, family=sm.families.Poisson())
    return model.fit(cov_type="HC0", **told)


def answers(res) -> bytes:
    return np.concatenate([res.params, res.bse, [res.llf, res.model.nobs]]).tobytes()


FITS = {"ols": ols, "poisson": poisson}


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_bits_are_those_of_a_fit_that_keeps_nothing(fit, data, tmp_path):
    wanted = answers(fit(data))
    assert answers(fit(data, checkpoint=tmp_path / "kept")) == wanted
    again = fit(data, checkpoint=tmp_path / "kept")
    assert answers(again) == wanted
    notes = [record.note for record in again.model.passes if record.note]
    assert sum("7 of 7 partitions from the checkpoint" in note for note in notes) >= 2


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_a_pass_that_was_kept_is_not_read_again(fit, data, tmp_path):
    fit(data, checkpoint=tmp_path / "kept")
    watcher = NthCallFails(10**9, "EIO")
    with watched(watcher):
        fit(data)
    whole = watcher.calls
    watcher = NthCallFails(10**9, "EIO")
    with watched(watcher):
        fit(data, checkpoint=tmp_path / "kept")
    assert watcher.calls < whole


@pytest.mark.parametrize("fault", ["ENOSPC", "no memory"])
def test_whatever_fails_the_same_folder_will_do(fault, data, tmp_path):
    def run(**told) -> bytes:
        return answers(smof.ols("y ~ x", data).fit(**told))

    wanted, folder = run(), tmp_path / "kept"
    for outcome in every_call_fails(lambda: run(checkpoint=folder), fault, where="kept"):
        assert outcome.error is None or "kept" in str(outcome.error)
        assert run(checkpoint=folder) == wanted
        assert not list(folder.rglob("*.new"))
        shutil.rmtree(folder)


@pytest.fixture
def kept(data, tmp_path) -> Path:
    poisson(data, checkpoint=tmp_path / "kept")
    return tmp_path / "kept"


def refused(kept, data, match, fit=poisson, **told):
    with pytest.raises(CheckpointError, match=match):
        fit(data, checkpoint=kept, **told)


def test_other_data_are_refused(kept, tmp_path):
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", shift=0.1)
    refused(kept, str(tmp_path / "other"), "data: .* there, .* now; partitions: ")


def test_data_that_changed_are_refused(tmp_path):
    write(tmp_path)
    poisson(str(tmp_path / "*.parquet"), checkpoint=tmp_path / "kept")
    frame = pd.read_parquet(tmp_path / "3.parquet")
    frame.assign(y=frame.y + 1).to_parquet(tmp_path / "3.parquet")
    refused(tmp_path / "kept", str(tmp_path / "*.parquet"), "partitions: ")


FRAME = pd.DataFrame({"x": np.arange(50.0), "y": np.arange(50) % 3})


@pytest.mark.parametrize(
    "rows",
    [
        FRAME,
        pa.Table.from_pandas(FRAME),
        lambda: iter([FRAME]),
        iter([FRAME]),
        dd.from_pandas(FRAME, npartitions=2),
    ],
    ids=["frame", "table", "function", "iterator", "dask"],
)
def test_rows_of_which_nothing_tells_whether_they_changed_are_refused(rows, tmp_path):
    model = smof.ols("y ~ x", smo.as_source(rows))
    with pytest.raises(CheckpointError, match=r"nothing tells .*\nHint: .*Parquet"):
        model.fit(checkpoint=tmp_path / "kept")


def written(folder: Path, n: int = 3_000) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=n), "r": rng.uniform(size=n)})
    frame["y"], frame["i"] = rng.poisson(1.0, n), rng.integers(1, 4, n)
    frame.to_parquet(folder / "t.parquet", row_group_size=500)
    return frame


@pytest.mark.parametrize(
    ("one", "other", "match"),
    [
        ({"freq_weights": "i"}, {"var_weights": "i"}, "design|first rows"),
        ({"subset": lambda f: f.r > 0.5}, {"subset": lambda f: f.r > 0.6}, "rows: "),
        ({"subset": "r > 0.5"}, {"subset": "r > 0.6"}, "rows: "),
        ({"missing": "drop"}, {"missing": "raise"}, "missing: "),
        ({"hasconst": None}, {"hasconst": True}, "hasconst: "),
    ],
)
def test_other_arguments_of_the_model_are_refused(one, other, match, tmp_path):
    written(tmp_path)

    def fit(told):
        family = sm.families.Poisson()
        model = smof.glm("y ~ x", tmp_path / "t.parquet", family=family, **told)
        return model.fit(checkpoint=tmp_path / "kept")

    fit(one)
    with pytest.raises(CheckpointError, match=match):
        fit(other)


def test_a_number_of_the_scope_that_changed_is_refused(tmp_path):
    written(tmp_path)

    def fit(cut):
        model = smof.ols("y ~ np.where(r > cut, 1.0, 0.0)", tmp_path / "t.parquet")
        return model.fit(checkpoint=tmp_path / "kept")

    fit(0.999)
    with pytest.raises(CheckpointError, match=r"cut of np.where.*: float 0.999 there"):
        fit(0.9999)


def test_other_ways_to_read_a_file_are_refused(tmp_path):
    written(tmp_path).to_csv(tmp_path / "t.csv", index=False)

    def fit(**told):
        source = smo.read_csv(tmp_path / "t.csv", **told)
        return smof.ols("y ~ x", source).fit(checkpoint=tmp_path / "kept")

    fit()
    with pytest.raises(CheckpointError, match="partitions: "):
        fit(na_values=["3"])
    with pytest.raises(CheckpointError, match="types: "):
        fit(dtypes={"y": "float64"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (datetime.datetime(2022, 1, 1), datetime.datetime(2023, 1, 1)),
        (functools.partial(np.add, 1.0), functools.partial(np.add, 2.0)),
    ],
    ids=["date", "partial"],
)
def test_a_scope_that_the_first_rows_do_not_show_is_compared(one, other, tmp_path):
    written(tmp_path)

    def fit(told):
        model = smof.ols("y ~ x + I(x**2 if told else x)", tmp_path / "t.parquet")
        return model.fit(checkpoint=tmp_path / "kept")

    fit(one)
    with pytest.raises(CheckpointError, match=r"told of I\(x ?\*\* ?2 if told else x\): "):
        fit(other)


def test_another_link_of_the_same_class_is_refused(tmp_path):
    frame = written(tmp_path)
    frame.assign(hit=(frame.y > 1) * 1).to_parquet(tmp_path / "t.parquet")

    def fit(df, **told):
        link = sm.families.links.CDFLink(stats.t(df))
        family = sm.families.Binomial(link=link)
        model = smof.glm("hit ~ x", tmp_path / "t.parquet", family=family)
        return model.fit(start="statsmodels", checkpoint=tmp_path / "kept", **told)

    fit(3)
    with pytest.raises(CheckpointError, match="model: "):
        fit(1)


def test_a_model_that_was_fitted_before_finds_its_passes(data, tmp_path):
    fitted = smof.ols("y ~ x + C(g)", data)
    fitted.fit()
    wanted = answers(fitted.fit(cov_type="HC1", checkpoint=tmp_path / "kept"))
    again = ols(data, checkpoint=tmp_path / "kept")
    assert answers(again) == wanted
    assert "7 of 7 partitions from the checkpoint" in again.model.passes[-1].note


def test_a_lower_limit_finds_what_was_kept(data, tmp_path):
    wanted = answers(ols(data, checkpoint=tmp_path / "kept"))
    with smo.options.set(memory_limit="200 MiB"):
        again = ols(data, checkpoint=tmp_path / "kept")
    assert answers(again) == wanted


def test_a_damaged_question_is_named(kept, data):
    (place, *_) = sorted(kept.glob("pass-*/pass.json"))
    place.write_bytes(place.read_bytes().replace(b"numbers", b"numbdrs"))
    with pytest.raises(CheckpointError, match=r"pass\.json is damaged\nHint: remove .*pass-"):
        poisson(data, checkpoint=kept)


def test_groups_that_no_words_tell_of_are_refused(data, tmp_path):
    groups = da.from_array(np.arange(2_100) % 7, chunks=300)
    with pytest.raises(CheckpointError, match="a Array among the arguments"):
        smof.ols("y ~ x", data).fit(
            cov_type="cluster", cov_kwds={"groups": groups}, checkpoint=tmp_path / "kept"
        )


def test_a_function_that_uses_what_no_words_tell_of_is_refused(data, tmp_path):
    lock = threading.Lock()

    def weights(lags):
        with lock:
            return 1 - np.arange(lags + 1) / (lags + 1)

    with pytest.raises(CheckpointError, match=r"nothing tells one lock from another.*\nHint: use"):
        smof.ols("y ~ x", data).fit(
            cov_type="HAC",
            cov_kwds={"maxlags": 2, "kernel": weights},
            checkpoint=tmp_path / "kept",
        )


@pytest.mark.parametrize("wrong", ["", True, 3])
def test_what_is_no_folder_is_refused(wrong, data):
    with pytest.raises(OptionError, match="no path"):
        smof.ols("y ~ x", data).fit(checkpoint=wrong)


def test_a_function_of_the_formula_that_fits_leaves_the_folder_alone(data, tmp_path):
    def other(x):
        smof.ols("y ~ x", data).fit()
        return x

    def fit(other=other, **told):
        return smof.ols("y ~ other(x)", data).fit(cov_type="HC1", **told)

    wanted = answers(fit())
    for _ in range(2):
        assert answers(fit(checkpoint=tmp_path / "kept")) == wanted
    assert len(list((tmp_path / "kept").glob("pass-*"))) == 2


def test_another_family_is_refused(kept, data):
    model = smof.glm("y ~ x + C(g)", data, family=sm.families.NegativeBinomial(alpha=0.5))
    with pytest.raises(CheckpointError, match=r"model: .*Poisson .*NegativeBinomial"):
        model.fit(cov_type="HC0", checkpoint=kept)


def test_a_function_of_the_formula_that_changed_is_refused(data, tmp_path):
    def fit(square):
        return smof.ols("y ~ square(x)", data).fit(checkpoint=tmp_path / "kept")

    fit(lambda x: x**2)
    with pytest.raises(CheckpointError, match=r"square of square\(x\): .*first rows: "):
        fit(lambda x: x**2 + x)


def test_other_arguments_and_options_are_refused(kept, data):
    refused(kept, data, "fit: ", tol=1e-3)
    with (
        smo.options.set(block_rows=64),
        pytest.raises(CheckpointError, match="and pieces: "),
    ):
        poisson(data, checkpoint=kept)


def test_states_carry_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, ("true",)

    write_state(tmp_path / "s", Evil())
    with pytest.raises(CheckpointError, match=r"posix.system is nothing that states are made of"):
        read_state(tmp_path / "s")
    write_state(tmp_path / "s", pickle.loads)
    with pytest.raises(CheckpointError, match="nothing that states are made of"):
        read_state(tmp_path / "s")


@pytest.mark.parametrize("count", range(1, 20))
def test_the_tree_is_that_of_passes_whatever_was_kept(count):
    merge = "({} {})".format
    wanted = tree([str(at) for at in range(count)], merge)
    whole = KeptTree(count, frozenset())
    made = {}

    def keep(call, node, parts):
        made[node] = call
        return call

    leaves = {at: str(at) for at in range(count)}
    assert whole.build(leaves, merge, made.get, keep) == wanted
    rng = np.random.default_rng(count)
    for _ in range(20):
        known = frozenset(node for node in made if rng.random() < 0.4)
        some = KeptTree(count, known)
        read = {at: str(at) for at in some.wanted()}
        assert some.build(read, merge, dict(made).get, keep) == wanted


def test_data_in_memory_keep_nothing(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0], "y": [1.0, 0.0, 2.0]})
    for model in (smof.ols("y ~ x", frame), smof.glm("y ~ x", frame)):
        with pytest.raises(OptionError, match="in memory"):
            model.fit(checkpoint=tmp_path / "kept")


def test_a_cluster_keeps_and_goes_on(data, tmp_path):
    from distributed import Client, LocalCluster

    wanted = answers(poisson(data))
    poisson(data, checkpoint=tmp_path / "kept")
    removed = sorted((tmp_path / "kept").rglob("*.state"))[1:]
    assert removed
    for path in removed:
        path.unlink()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster),
    ):
        assert answers(poisson(data, checkpoint=tmp_path / "kept")) == wanted
