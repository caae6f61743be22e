"""Ctrl-C, and processes that are forked: nothing hangs, nothing is left, and the next fit works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SOON = 2.0  # seconds

SCRIPT = """
import gc, os, sys
import numpy as np
import pandas as pd
import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

def fit(data):
    return smof.glm("y ~ x + np.exp(-np.abs(x)) + C(g)", data, family=None).fit()

def frames():
    piece = pd.read_parquet(sys.argv[1] + "/0.parquet")
    for _ in range(200):
        yield piece

def main():
    kind, folder = sys.argv[2], sys.argv[1]
    small = folder + "/0.parquet"
    wanted = fit(small).params.to_numpy().tobytes()
    data = {"parquet": folder + "/*.parquet", "function": frames, "csv": folder + "/big.csv"}[kind]
    print("begins", flush=True)
    try:
        while True:
            fit(frames() if kind == "iterator" else data)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    assert fit(small).params.to_numpy().tobytes() == wanted
    gc.collect()  # the model whose fit was interrupted
    left = [name for name in os.listdir(os.environ["TMPDIR"]) if "statsmodels-ooc" in name]
    print("left", left, flush=True)

if __name__ == "__main__":
    if len(sys.argv) > 3:
        from distributed import Client, LocalCluster
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
            with Client(cluster):
                main()
    else:
        main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("interrupted")
    rng = np.random.default_rng(0)
    for part in range(6):
        n = 20_000 if part == 0 else 400_000
        frame = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(list("abcde"), n)})
        frame.assign(y=frame.x + rng.normal(size=n)).to_parquet(folder / f"{part}.parquet")
    frame.assign(y=frame.x).to_csv(folder / "big.csv", index=False)
    (folder / "tmp").mkdir()
    (folder / "script.py").write_text(SCRIPT)
    return folder


@pytest.mark.parametrize(
    ("how", "wait"),
    [(["parquet"], 0.1), (["function"], 0.7), (["csv"], 0.3), (["parquet", "cluster"], 0.1)],
)
def test_an_interrupted_pass_ends_soon_and_leaves_nothing(folder, how, wait):
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", folder / "script.py", folder, *how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
    ) as child:
        assert child.stdout.readline() == "begins\n"
        time.sleep(wait)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "interrupted\n", child.stderr.read()
        assert time.monotonic() - began < SOON
        out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert out == "left []\n"


BESIDE_POLARS = """
import faulthandler
faulthandler.dump_traceback_later(40, exit=True)
import os, signal, sys, threading, time
import polars
import statsmodels_ooc.api as smo
import statsmodels_ooc.formula.api as smof

polars.DataFrame({"a": [1]}).lazy().collect()

def slow(x):  # a pass of a task that lasts for many frames
    if len(x) > 500:
        began.set()
        time.sleep(0.3)
    return x

def interrupt():
    began.wait()
    os.kill(os.getpid(), signal.SIGINT)
    asked.append(time.monotonic())

asked, began = [], threading.Event()
with smo.options.set(frame_rows=1_000):
    model = smof.ols("y ~ slow(x)", sys.argv[1])
    began.clear()
    threading.Thread(target=interrupt).start()
    try:
        model.fit()
    except KeyboardInterrupt:
        print(time.monotonic() - asked[0])
"""


def test_an_interrupt_is_heard_whatever_polars_made_of_its_handler(folder):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BESIDE_POLARS, folder / "0.parquet"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < SOON


FORKS = """
import multiprocessing, os, sys, threading
import statsmodels_ooc.formula.api as smof

def fit(_=None):
    return smof.ols("y ~ x + C(g)", sys.argv[1]).fit().params.to_numpy().tobytes()

def in_child():
    child = os.fork()
    if not child:
        os._exit(0 if fit() == wanted else 3)
    return os.waitpid(child, 0)[1]

wanted = fit()
print(in_child(), flush=True)
other = threading.Thread(target=lambda: print(fit() == wanted and in_child(), flush=True))
other.start()
other.join()
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(*(int(found != wanted) for found in pool.map(fit, range(4))))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_child_fits(folder):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, folder / "0.parquet"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0"] * 6
