"""The columns of a design are counted, and too many refused, before they are made."""

from __future__ import annotations

import re
import tracemalloc

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from design.chunked import SCOPE, learn, make_frame
from patsy import Diff, EvalEnvironment, Helmert, Poly, Sum, Treatment

import statsmodels_ooc.api as smo
from statsmodels_ooc._patsy import planned_columns
from statsmodels_ooc.design.formula import learn_formula
from statsmodels_ooc.errors import MemoryLimitError
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.memory import FrameSource

CONTRASTS = {
    "Diff": Diff,
    "Helmert": Helmert,
    "Poly": Poly,
    "Sum": Sum,
    "Treatment": Treatment,
    "two": np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]),
}
FORMULAS = [
    "y ~ x",
    "y ~ 0",
    "y ~ g",
    "y ~ 0 + g",
    "y ~ g + h",
    "y ~ 0 + g + h",
    "y ~ g:h",
    "y ~ g*h*cat",
    "y ~ 0 + g:h:cat",
    "y ~ g:x + h:x + x",
    "y ~ g / bs(x, df=4)",
    "y ~ bs(x, df=4):bs(a, df=3) + g",
    "y ~ C(g, Sum) + C(g, Treatment('b')):h",
    "y ~ 0 + C(g, Sum)*h",
    "y ~ C(i, Poly) + C(g, Diff) + C(g, Helmert):x",
    "y ~ C(g, two) + C(g, two):h",
    "y ~ C(g, [[1, 0], [0, 1], [1, 1], [2, 1]]):h",
    "y ~ C(g, levels=['z', 'a', 'c', 'b']) + cat:ordered + t",
    "g ~ x + h",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_planned_columns_are_those_of_the_design(formula):
    spec = learn(formula, FrameSource([make_frame()]), SCOPE | CONTRASTS, max_endog=9)
    for info in spec.learned.sides:
        numbers = {f: i.num_columns for f, i in info.factor_infos.items() if i.type == "numerical"}
        boxes = {"C(g, two)": CONTRASTS["two"]}
        boxes["C(g, [[1, 0], [0, 1], [1, 1], [2, 1]])"] = CONTRASTS["two"].tolist()
        levels = {
            f: (i.categories, boxes.get(f.name()))
            for f, i in info.factor_infos.items()
            if i.type == "categorical"
        }
        planned = planned_columns(info.terms, numbers, levels)
        assert planned == {t: piece.stop - piece.start for t, piece in info.term_slices.items()}


MANY = 3_000
LIMIT = 2**28


def words(count=MANY):
    return [f"w{i:05d}" for i in range(count)]


def declared(count=MANY):
    g = pd.Categorical.from_codes([0, 1, 0, 1, 1], words(count))
    return pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 5.0], "x": range(5), "g": g})


def parquet_text(folder):
    table = pa.table({"y": np.arange(2.0 * MANY), "g": words() * 2})
    pq.write_table(table, folder / "t.parquet", compression="none")
    return folder / "t.parquet"


def arrow_dictionary(folder):
    pq.write_table(pa.Table.from_pandas(declared()), folder / "t.parquet")
    return folder / "t.parquet"


def csv_with_categories(folder):
    declared().to_csv(folder / "t.csv", index=False)
    return as_source(folder / "t.csv", dtypes={"g": declared().g.dtype})


def csv_as_category(folder):
    pd.DataFrame({"y": np.arange(1.0 * MANY), "g": words()}).to_csv(folder / "t.csv", index=False)
    return as_source(folder / "t.csv", dtypes={"g": "category"})


ROADS = {
    "a frame's Categorical": lambda folder: as_source(declared()),
    "a list of frames": lambda folder: as_source([declared(), declared()]),
    "a function": lambda folder: as_source(lambda: iter([declared()])),
    "dask": lambda folder: dd.from_pandas(declared(), npartitions=2),
    "a Parquet dictionary type": arrow_dictionary,
    "Parquet's dictionary pages": parquet_text,
    "CSV, categories declared": csv_with_categories,
    "CSV, as a category": csv_as_category,
}


def refused(formula, source, limit=LIMIT):
    """What the refusal says, and the peak of what was allocated till then."""
    source = as_source(source)

    def scan(reduction, columns, encoded):
        state = reduction.init()
        for frame in source.frames(columns):
            state = reduction.update(state, frame)
        return state

    env = EvalEnvironment([SCOPE | CONTRASTS | {"words": words()}])
    tracemalloc.start()
    try:
        with pytest.raises(MemoryLimitError) as caught:
            learn_formula(formula, source, env=env, scan=scan, memory_limit=limit)
        return str(caught.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("road", ROADS)
def test_levels_of_every_road_are_refused_before_their_contrasts(road, tmp_path):
    message, peak = refused("y ~ g", ROADS[road](tmp_path))
    assert "'g' has" in message
    assert "levels" in message
    assert f"{MANY:,} levels" in message or "more than" in message  # a scan stops on the way
    assert re.search(r"needs? about [\d,]+ bytes.*, more than memory_limit = [\d,]+\n", message)
    assert "raises the limit" in message
    assert peak < 8 * MANY**2 / 4


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("y ~ C(g, Sum)", "3,000 columns (2,999 of them for 'C(g, Sum)', where 'g' has 3,000"),
        ("y ~ C(g, Poly)", "where 'g' has 3,000 levels"),
        ("y ~ x + x:C(g, Diff)", "'x:C(g, Diff)', where 'g' has 3,000 levels"),
        ("y ~ C(x, levels=words)", "'C(x, levels=words)', where 'x' has 3,000 levels"),
        ("g ~ x", "'g' has 3,000 levels"),
    ],
)
def test_every_contrast_is_refused_before_it_is_made(formula, told):
    message, peak = refused(formula, declared())
    assert told in message
    assert peak < 8 * MANY**2 / 4


def test_interactions_multiply():
    frame = pd.concat([declared(900)] * 2)
    frame["h"] = frame.g
    message, peak = refused("y ~ g*h", frame.iloc[:5])
    assert "810,000 columns (808,201 of them for 'g:h'" in message
    assert "'g' has 900 levels and 'h' has 900 levels" in message
    assert peak < 2**21


def test_few_columns_of_many_levels_are_no_refusal():
    two = np.stack([np.arange(3_000.0), np.arange(3_000.0) ** 2], axis=1)
    spec = learn("y ~ C(g, two)", FrameSource([declared()]), {"two": two}, memory_limit=LIMIT)
    assert spec.k == 3


def test_the_first_pass_names_the_levels_as_well():
    with (
        smo.options.set(memory_limit=50 * 600**2),  # learning takes less than the fit
        pytest.raises(MemoryLimitError, match=r"'g', where 'g' has 600 levels.* cross products"),
    ):
        smo.OLS.from_formula("y ~ g", as_source(declared(600))).fit()
