"""Files of a stranger who knows how they are made: nothing is run, and nothing grows."""

from __future__ import annotations

import json
import tracemalloc
import zipfile

import pandas as pd
import pytest
from saving.zips import members, written

import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof
from statsmodels_ooc.errors import SavedResultError


def changed(saved, change):
    """The file, with another tree."""
    tree = json.loads(members(saved)["results.json"])
    change(tree)
    return written(saved, {**members(saved), "results.json": json.dumps(tree)})


def nodes(node):
    """Every node of a tree."""
    if isinstance(node, dict):
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(part)


def of_class(tree, name):
    return next(node for node in nodes(tree) if node.get("name") == name)


def touching(path):
    return f"__import__('pathlib').Path({str(path)!r}).touch() or x"


@pytest.fixture
def touched(tmp_path):
    return tmp_path / "touched"


def test_an_expression_that_the_formula_does_not_have(saved, touched):
    """What is read before predicting is the formula: nothing else may be evaluated."""
    contents = members(saved)
    code = json.dumps(touching(touched))
    evil = contents["results.json"].decode().replace('"C(g)"', code)
    written(saved, {**contents, "results.json": evil})
    with pytest.raises(SavedResultError, match=r"neither its formula nor about\.json tells"):
        smo.load(saved)
    assert not touched.exists()


def test_the_evaluated_expression_alone_is_another(saved, touched):
    def change(tree):
        for node in nodes(tree):
            for pair in node.get("items", []) if node.get("type") == "dict" else []:
                if pair[0] == "eval_code":
                    pair[1] = touching(touched)

    with pytest.raises(SavedResultError, match=r"neither its formula nor about\.json tells"):
        smo.load(changed(saved, change))


def test_expressions_of_weights_are_told(tmp_path):
    table = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 4.0, 8.0], "w": [1.0, 2] * 2})
    res = smof.wls("y ~ center(x)", [table], weights="1 / w").fit()
    smo.save(res, tmp_path / "fit.zip")
    about = json.loads(members(tmp_path / "fit.zip")["about.json"])
    assert about["expressions"] == ["1 / w"]
    smo.load(tmp_path / "fit.zip")


def test_conditions_are_told_and_no_others_are_kept(tmp_path, touched):
    """``update`` of results chooses new rows with them."""
    table = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 4.0, 8.0]})
    smo.save(smof.ols("y ~ x", [table], subset="x > -1").fit(), tmp_path / "fit.zip")
    about = json.loads(members(tmp_path / "fit.zip")["about.json"])
    assert about["expressions"] == ["x > -1"]
    assert smo.load(tmp_path / "fit.zip").update(table).nobs == 8

    def change(tree):
        model = of_class(tree, "statsmodels_ooc.models.travelling:bare")
        model["state"]["of"]["conditions"]["items"] = [f"x.to_csv({str(touched)!r}) == 0"]

    with pytest.raises(SavedResultError, match=r"neither its formula nor about\.json tells"):
        smo.load(changed(tmp_path / "fit.zip", change))


def test_what_about_json_has_in_place_of_a_list(saved):
    contents = members(saved)
    about = {**json.loads(contents["about.json"]), "expressions": 3}
    written(saved, {**contents, "about.json": json.dumps(about)})
    with pytest.raises(SavedResultError, match="expressions is no list"):
        smo.load(saved)


def test_two_objects_of_one_number_hide_none(saved):
    def change(tree):
        factors = [node for node in nodes(tree) if node.get("name") == "patsy.eval:EvalFactor"]
        factors[1]["id"] = factors[0]["id"]

    with pytest.raises(SavedResultError, match="two objects have the number"):
        smo.load(changed(saved, change))


def test_a_scope_where_no_expression_is(saved):
    def change(tree):
        scope = {"type": "new", "id": -1, "name": "patsy.eval:EvalEnvironment", "args": []}
        of_class(tree, "patsy.eval:EvalFactor")["state"]["of"]["origin"] = scope

    with pytest.raises(SavedResultError, match="a scope stands where no expression is"):
        smo.load(changed(saved, change))


CALLED = [
    ("statsmodels_ooc.models.linear:OLS", ["rows.csv"]),
    ("statsmodels_ooc.engine.streamed:StreamedRows", [1, 2]),
    ("statsmodels_ooc.results.glm_rows:Leverage", []),
    ("numpy:add", [1, 2]),
    ("numpy:power", [10, 10]),
    ("patsy.builtins:Q", ["x"]),
    ("scipy.stats:norm", []),
    ("statsmodels.stats.sandwich_covariance:weights_bartlett", [10**12]),
    ("collections:OrderedDict", [{"type": "list", "id": -2, "items": []}]),
]


@pytest.mark.parametrize(("name", "args"), CALLED)
def test_what_makes_no_part_of_results_is_not_called(saved, name, args):
    def change(tree):
        tree["args"] = [{"type": "call", "id": -1, "name": name, "args": args}]

    with pytest.raises(SavedResultError, match=r"nothing that makes parts|no arguments"):
        smo.load(changed(saved, change))


@pytest.mark.parametrize("member", ["items", "pairs"])
def test_what_is_no_container_takes_nothing(saved, member):
    """`update` of results fits new rows: it evaluates the formula."""

    def change(tree):
        tree["args"][0][member] = [["y", 1]]

    with pytest.raises(SavedResultError, match="stands where another"):
        smo.load(changed(saved, change))


def test_data_that_is_none(saved):
    def change(tree):
        model = of_class(tree, "statsmodels_ooc.models.travelling:bare")
        model["state"]["of"]["_data"] = {"type": "name", "name": "numpy"}

    with pytest.raises(SavedResultError, match="no data of a streamed model"):
        smo.load(changed(saved, change))


def doubled(depth):
    """A tuple of two tuples of two tuples ..., each written once."""
    node = {"type": "tuple", "id": -1, "items": ["a"]}
    for at in range(2, depth):
        node = {"type": "tuple", "id": -at, "items": [node, {"type": "again", "of": 1 - at}]}
    return node


def deep(depth):
    """A list of tuples, each of which holds the one before."""
    first = {"type": "tuple", "id": -1, "items": []}
    later = [
        {"type": "tuple", "id": -at, "items": [{"type": "again", "of": 1 - at}]}
        for at in range(2, depth)
    ]
    last = {"type": "set", "id": -depth, "items": [{"type": "again", "of": 1 - depth}]}
    return {"type": "list", "id": -depth - 1, "items": [first, *later, last]}


def with_labels(kind, **more):
    values = {"type": "objects", "id": -1, "shape": [1], "items": ["a"]}
    return {"type": kind, "id": -2, "name": None, "dtype": "|O", "values": values, **more}


RANGE = {"type": "range", "id": -9, "items": [0, 10**12, 1]}
OTHERS = {
    "a key of 2**60 parts": {"type": "dict", "id": -99, "items": [[doubled(60), 1]]},
    "a set of 2**60 parts": {"type": "set", "id": -99, "items": [doubled(60)]},
    "a key as deep as the stack": deep(100_000),
    "results as a key": {"type": "dict", "id": -99, "items": [[{"type": "again", "of": 0}, 1]]},
    "labels of a range": {**with_labels("index"), "values": RANGE},
    "an index that is a range": with_labels("series", index=RANGE),
    "wide text": {**with_labels("index"), "dtype": "<U1000000000"},
    "a type of fields": {
        "type": "scalar",
        "id": -1,
        "dtype": {"names": ["a"], "formats": ["U9"]},
        "bytes": "",
    },
    "a zone that is a file": {
        "type": "timestamp",
        "id": -1,
        "value": 0,
        "unit": "ns",
        "zone": "dateutil//etc/localtime",
    },
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_takes_long_or_much_is_refused(saved, what):
    def change(tree):
        tree["args"][0]["state"]["of"]["more"] = OTHERS[what]

    changed(saved, change)
    tracemalloc.start()
    try:
        with pytest.raises(SavedResultError):
            smo.load(saved)
        assert tracemalloc.get_traced_memory()[1] < 400_000_000
    finally:
        tracemalloc.stop()


def test_an_array_in_many_places(saved):
    def change(tree):
        array = next(node for node in nodes(tree) if node.get("type") == "array")
        twice = [{**array, "id": -at} for at in range(1, 3)]
        tree["args"][0]["state"]["of"]["more"] = {"type": "list", "id": -9, "items": twice}

    with pytest.raises(SavedResultError, match="has several places"):
        smo.load(changed(saved, change))


def test_files_that_lie_in_one_another(saved):
    """Each may be as large as the archive: what is read of all of them is its square."""
    contents = members(saved)
    with zipfile.ZipFile(saved, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
        big = zipfile.ZipInfo("arrays/big.npy")
        archive.writestr(big, bytes(100_000))
        for at in range(3):
            twin = zipfile.ZipInfo(f"arrays/big{at}.npy")
            twin.file_size = twin.compress_size = big.file_size
            twin.CRC, twin.header_offset = big.CRC, big.header_offset
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
    with pytest.raises(SavedResultError, match="larger together than it is"):
        smo.load(saved)
