"""One name for models of data in memory and of data that stays outside: which class it gives."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import statsmodels.api as sm
from models.pairs import FRAME
from numpy.testing import assert_array_equal

import statsmodels_ooc.api as smo
from statsmodels_ooc.models.streamed import StreamedModel

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}
DOORS = {"OLS": smo.OLS, "WLS": smo.WLS, "GLM": smo.GLM}
DATA = smo.as_source(FRAME, chunk_rows=7)
Y = FRAME["y"].to_numpy()
X = sm.add_constant(FRAME[["a", "b"]]).to_numpy()
LAZY = da.from_array(Y, chunks=7), da.from_array(X, chunks=(7, 3))


class Louder(smo.OLS):
    """A user's model."""

    factor = 10.0

    def loglike(self, params: Any, scale: float | None = None) -> Any:
        return self.factor * super().loglike(params, scale)


class FromFolder(smo.OLS):
    """A user's model that makes its arrays itself."""

    def __init__(self, chunks: int) -> None:
        super().__init__(da.from_array(Y, chunks=chunks), da.from_array(X, chunks=(chunks, 3)))


@pytest.mark.parametrize("name", DOORS)
def test_a_streamed_model_is_an_instance_of_its_door_under_its_name(name: str) -> None:
    door = DOORS[name]
    for model in (door(*LAZY), door.from_formula("y ~ a + b", DATA)):
        assert model.streams
        assert isinstance(model, door)
        assert isinstance(model, getattr(sm, name))
        assert isinstance(model, StreamedModel)
        assert type(model).__name__ == name
        assert f"{name}" in str(model.fit().summary().tables[0])


@pytest.mark.parametrize("name", DOORS)
def test_in_memory_it_is_the_door_itself(name: str) -> None:
    model = DOORS[name](Y, X)
    assert type(model) is DOORS[name]
    assert not model.streams
    assert not isinstance(model, StreamedModel)


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("way", COPIES)
def test_copies_stream(name: str, way: str, tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "t.parquet")
    model = DOORS[name].from_formula("y ~ a + b", tmp_path / "t.parquet")
    params = model.fit().params
    again = COPIES[way](model)
    assert type(again) is type(model)
    assert_array_equal(again.fit().params, params)


@pytest.mark.parametrize("name", DOORS)
def test_what_a_clone_is_follows_its_arrays(name: str) -> None:
    streamed = DOORS[name](*LAZY)
    in_memory = streamed.__class__(Y, X)
    assert type(in_memory) is DOORS[name]
    assert streamed.__class__(*LAZY).streams
    assert not streamed.__class__(Y, X, missing="drop").streams
    assert in_memory.__class__(*LAZY).streams
    assert_array_equal(in_memory.fit().params, getattr(sm, name)(Y, X).fit().params)


@pytest.mark.parametrize("name", DOORS)
def test_the_signature_is_that_of_statsmodels(name: str) -> None:
    ours = inspect.signature(DOORS[name]).parameters
    assert list(ours) == list(inspect.signature(getattr(sm, name)).parameters)
    assert list(inspect.signature(type(DOORS[name](*LAZY))).parameters) == list(ours)


def test_a_users_subclass_comes_first_whatever_the_data() -> None:
    params = np.array([1.0, 2.0, 3.0])
    streamed, in_memory = Louder(*LAZY), Louder(Y, X)
    assert streamed.streams
    assert isinstance(streamed, Louder)
    assert not in_memory.streams
    assert type(in_memory) is Louder
    for model, plain in ((streamed, smo.OLS(*LAZY)), (in_memory, smo.OLS(Y, X))):
        assert model.loglike(params) == 10 * plain.loglike(params)
    assert type(streamed).__name__ == "Louder"
    again = pickle.loads(pickle.dumps(streamed))
    assert isinstance(again, Louder)
    assert again.streams
    assert again.loglike(params) == streamed.loglike(params)
    assert Louder.from_formula("y ~ a + b", DATA).streams


def test_a_subclass_may_make_its_arrays_itself() -> None:
    model = FromFolder(7)
    assert model.streams
    assert isinstance(model, FromFolder)
    assert_array_equal(model.fit().params, smo.OLS(*LAZY).fit().params)


class Keyed(smo.WLS):
    """A user's model with a keyword of its own."""

    def __init__(self, endog: Any, exog: Any, weights: Any = 1.0, extra: int = 0) -> None:
        super().__init__(endog, exog, weights, extra=extra)


def test_keywords_of_a_subclass_are_its_own() -> None:
    assert Keyed(*LAZY, extra=3).streams  # a warning is an error here
    assert not Keyed(Y, X, extra=3).streams


def test_a_constant_is_known_in_memory_and_outside() -> None:
    assert smo.OLS(Y, X).const_idx == smo.OLS(*LAZY).const_idx == 0


def test_the_class_of_a_streamed_model_is_no_base() -> None:
    with pytest.raises(TypeError, match="derive it from OLS"):
        type("Sub", (type(smo.OLS(*LAZY)),), {})


class Higher(smo.OLS):
    """A user's model with predictions of its own."""

    def predict(self, params: Any, exog: Any = None) -> Any:
        return super().predict(params, exog) + 100


def test_predictions_of_a_subclass_are_its_own_for_the_data_itself() -> None:
    streamed, in_memory = Higher(*LAZY).fit(), Higher(Y, X).fit()
    np.testing.assert_allclose(streamed.predict(), in_memory.predict(), rtol=1e-10)
