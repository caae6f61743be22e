"""Equal words mean values that do the same, in this process and in the next one."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import functools
import importlib
import operator
import re
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from statsmodels_ooc.fingerprints import UntoldError, fingerprint, in_words

LINKS = sm.families.links


class Scale:
    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, x: Any) -> Any:
        return x * self.by


class Metres(float):
    unit: str

    def __new__(cls, value: float, unit: str = "m") -> Metres:
        made = super().__new__(cls, value)
        made.unit = unit
        return made


class Point(NamedTuple):
    x: int
    y: int


def colours(red: int) -> Any:
    return enum.Enum("Colours", {"BLUE": 1, "RED": red})


class Slotted:
    __slots__ = ("by",)

    def __init__(self, by: float) -> None:
        self.by = by


class Squared(LINKS.Power):
    def __init__(self, power: float = 2.0) -> None:
        super().__init__(power)


def keyword(default: float) -> Any:
    def power(x: Any, *, p: float = default) -> Any:
        return x**p

    return power


def closed(by: float) -> Any:
    return lambda x: x * by


def made_with(by: float) -> Any:
    """A function that looks a global up."""
    scope = {"by": by, "np": np}
    exec("def f(x): return [np.abs(z) * by for z in x]", scope)
    return scope["f"]


def recursive(stop: int) -> Any:
    def walk(x: int) -> int:
        return x if x < stop else walk(x - 1)

    return walk


def cyclic(last: Any) -> list[Any]:
    told: list[Any] = [1]
    told += [told, last]
    return told


def method(by: int) -> Any:
    class Own:
        factor = by

        @property
        def shown(self) -> int:
            return by

        @classmethod
        def of(cls, x: Any) -> Any:
            return x * cls.factor

        @staticmethod
        def twice(x: Any) -> Any:
            return x * 2

    return Own


def categorical(ordered: bool) -> Any:
    return pd.Series(pd.Categorical(["a", "b"], ordered=ordered))


TWINS: dict[str, tuple[Any, Any]] = {  # how one is made, and of what two that differ are
    "number": (float, (1.0, 2.0)),
    "zeros": (float, (0.0, -0.0)),
    "text": (str, ("1", "2")),
    "decimal": (decimal.Decimal, ("1.0", "1.00")),
    "date": (lambda day: datetime.datetime(2022, 1, day), (1, 2)),
    "timestamp": (lambda zone: pd.Timestamp("2022-01-01", tz=zone), ("UTC", None)),
    "own number": (Metres, (1.0, 2.0)),
    "tag of a number": (lambda unit: Metres(1.0, unit), ("m", "km")),
    "enumeration": (colours, (2, 3)),
    "member": (lambda value: colours(value).RED, (2, 3)),
    "masked": (lambda mask: np.ma.masked_array(np.arange(20.0), [mask] * 20), (True, False)),
    "default": (lambda make: collections.defaultdict(make, a=1), (int, float)),
    "named": (lambda y: Point(1, y), (2, 3)),
    "list": (lambda last: [1, [2, last]], (3, 4)),
    "set": (lambda last: {"a", "b", last}, ("c", "d")),
    "mapping": (lambda last: {"a": 1, "b": last}, (3, 4)),
    "few": (lambda last: np.array([1.0, last]), (2.0, 3.0)),
    "array": (lambda last: np.append(np.arange(99.0), last), (2.0, 3.0)),
    "type of array": (lambda kind: np.arange(99, dtype=kind), ("i4", "i8")),
    "objects": (lambda last: np.array(["a", None, last], dtype=object), (1, 1.0)),
    "long doubles": (lambda last: np.full(20, last, dtype=np.longdouble), (1.0, 2.0)),
    "records": (lambda last: np.array([(1, last)], dtype=[("a", "i1"), ("b", "f8")]), (1.0, 2.0)),
    "series": (lambda name: pd.Series([1, 2], name=name), ("a", "b")),
    "index": (lambda first: pd.Series([1, 2], index=[first, 9]), (1, 2)),
    "frame": (lambda last: pd.DataFrame({"a": ["u", "v"], "b": [1, last]}), (1, None)),
    "strings": (lambda last: pd.Series(["a", last], dtype="string"), ("b", None)),
    "categories": (categorical, (True, False)),
    "closure": (closed, (2.0, 3.0)),
    "keyword": (keyword, (2.0, 3.0)),
    "global": (made_with, (2.0, 3.0)),
    "recursive": (recursive, (2, 3)),
    "cycle": (cyclic, (2, 3)),
    "partial": (lambda p: functools.partial(pow, 2, p), (2, 3)),
    "method": (lambda by: Scale(by).__call__, (2.0, 3.0)),
    "instance": (Scale, (2.0, 3.0)),
    "slots": (Slotted, (2.0, 3.0)),
    "namespace": (lambda by: types.SimpleNamespace(m=by), (2.0, 3.0)),
    "class": (method, (2, 3)),
    "getter": (operator.itemgetter, (1, 2)),
    "pattern": (re.compile, ("a", "b")),
    "distribution": (stats.t, (3, 4)),
    "link": (lambda df: LINKS.CDFLink(stats.t(df)), (3, 1)),
    "own link": (Squared, (2.0, 3.0)),
    "family": (lambda a: sm.families.NegativeBinomial(alpha=a), (1.0, 2.0)),
    "linked family": (lambda p: sm.families.Tweedie(var_power=p), (1.1, 1.5)),
    "generator": (np.random.default_rng, (1, 2)),
}


@pytest.mark.parametrize("kind", TWINS)
def test_what_differs_is_told_apart_and_equals_are_not(kind: str) -> None:
    make, (one, other) = TWINS[kind]
    assert in_words(make(one)) == in_words(make(one))
    assert in_words(make(one)) != in_words(make(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        ("1", b"1"),
        ([1, 2], (1, 2)),
        (["1, 2"], ["1", "2"]),
        ({"a": None}, {}),
        (np.log, np.exp),
        (np.log, pd.cut),
        (len, max),
        (float, int),
        (np, pd),
        (LINKS.Log(), LINKS.Logit()),
        (lambda x: x, lambda x: -x),
        (lambda x: x.sum(), lambda x: x.min()),
    ],
)
def test_other_things_have_other_words(one: Any, other: Any) -> None:
    assert in_words(one) != in_words(other)


@pytest.mark.parametrize(
    "value",
    [threading.Lock(), (n for n in "ab"), sys.stderr, memoryview(b"a"), np.frompyfunc(abs, 1, 1)],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_words_is_refused(value: Any) -> None:
    for where in (value, [value], lambda: value):
        with pytest.raises(UntoldError, match="nothing tells one"):
            in_words(where)


def test_where_a_function_is_written_does_not_matter() -> None:
    lines = "def f(x):\n    return x + 1\n"
    made = []
    for before, file in (("", "<a>"), ("\n\n# a comment\n", "/tmp/ipykernel_123/b.py")):
        scope: dict[str, Any] = {}
        exec(compile(before + lines, file, "exec"), scope)
        made.append(in_words(scope["f"]))
    assert made[0] == made[1]


def test_a_module_of_the_user_is_told_by_its_contents(tmp_path: Path) -> None:
    told = []
    for value in (1, 1, 2):
        path = tmp_path / "own.py"
        path.write_text(f"K = {value}\n", encoding="utf-8")
        module = types.ModuleType("own")
        module.__file__ = str(path)
        told.append(in_words(lambda x, module=module: x * module.K))
    assert told[0] == told[1] != told[2]


AGAIN = """
import sys
sys.path.insert(0, sys.argv[1])
import test_fingerprints as tests
from statsmodels_ooc.fingerprints import fingerprint
print(*(fingerprint(make(one)) for make, (one, _) in tests.TWINS.values()))
"""


def test_the_words_are_the_same_in_another_process() -> None:
    given = (sys.executable, "-W", "ignore", "-c", AGAIN, str(Path(__file__).parent))
    done = subprocess.run(given, capture_output=True, text=True, check=True)
    module = importlib.import_module("test_fingerprints")  # classes are told by their modules
    ours = [fingerprint(make(one)) for make, (one, _) in module.TWINS.values()]
    assert dict(zip(TWINS, done.stdout.split(), strict=True)) == dict(zip(TWINS, ours, strict=True))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inside: (
        st.lists(inside)
        | st.tuples(inside, inside)
        | st.dictionaries(st.text(), inside)
        | st.frozensets(st.integers() | st.text())
    ),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_words_are_equal_where_values_are(one: Any, other: Any) -> None:
    assert (in_words(one) == in_words(other)) == (repr(one) == repr(other))
