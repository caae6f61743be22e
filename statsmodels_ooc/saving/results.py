"""Results in files: without code, or as statsmodels' pickles."""

from __future__ import annotations

import os
import warnings
import zipfile
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from statsmodels.iolib.smpickle import load_pickle

from statsmodels_ooc.errors import SavedResultError, SourceError
from statsmodels_ooc.saving.archive import Archive, check_no_remains, write_archive
from statsmodels_ooc.saving.decoding import Decoder
from statsmodels_ooc.saving.encoding import Encoder
from statsmodels_ooc.saving.expressions import beyond_formula


def save(results: Any, path: str | os.PathLike[str]) -> None:
    """Write results of a streamed fit to a zip file of JSON and arrays, which carries no code.

    Parameters
    ----------
    results : results of `OLS`, `WLS` or `GLM` with streamed data
        What the summary prints is asked for first, which takes a pass where it has not been
        asked for yet.
    path : str or os.PathLike
        The file, which is replaced where it is there; it is written completely or not at all.

    Raises
    ------
    SavedResultError
        The results are not of this package; the formula uses functions of the user's, which
        are code; or the file cannot be written.

    Notes
    -----
    The way to the rows is not written: what has been asked for stays, and so do predictions of
    new data, tests, intervals and the like; another robust covariance needs the rows, and says
    so. The size does not depend on the number of rows. ``res.save(path)`` writes statsmodels'
    pickle, which keeps the way to the rows, and can run code when it is loaded.

    The file holds ``about.json``, which tells people what it is, ``results.json`` and
    ``arrays/*.npy``.

    Examples
    --------
    >>> import os, tempfile
    >>> import pandas as pd
    >>> import statsmodels_ooc.api as smo
    >>> import statsmodels_ooc.formula.api as smof
    >>> data = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 4.0, 8.0]})
    >>> res = smof.ols("y ~ x", [data]).fit()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     smo.save(res, os.path.join(folder, "fit.zip"))
    ...     again = smo.load(os.path.join(folder, "fit.zip"))
    >>> float(again.params["x"]), float(again.predict(pd.DataFrame({"x": [4.0]}))[0])
    (2.2, 9.5)
    """
    _check_given(results, path)
    path = os.fspath(path)
    _ask_for_summary(results)
    encoder = Encoder()
    tree = encoder.node(results, "results")
    beyond = beyond_formula(encoder.seen, getattr(results.model, "formula", None))
    about = {
        "version": version("statsmodels_ooc"),
        "what": repr(results),
        "expressions": beyond,
    }
    write_archive(path, about, tree, encoder.arrays)


def _check_given(results: Any, path: Any) -> None:
    if not isinstance(path, str | os.PathLike):
        raise SavedResultError(
            f"the path is a {type(path).__name__}", hint="first the results: smo.save(res, path)"
        )
    model, what = getattr(results, "model", None), type(results).__name__
    if getattr(model, "likelihood", None) is not None:
        return
    if hasattr(results, "likelihood"):
        raise SavedResultError(
            f"this {what} is a model, and no results", hint="res = model.fit(); smo.save(res, path)"
        )
    if model is None:
        raise SavedResultError(
            f"{what} is no results of a fit", hint="res = model.fit(); smo.save(res, path)"
        )
    raise SavedResultError(
        f"{what} is not of a fit of streamed data",
        hint="results of data in memory are statsmodels' own: res.save(path) writes a pickle",
    )


def _ask_for_summary(results: Any) -> None:
    # The rows may be gone; statsmodels has no summary of penalised fits.
    with suppress(SourceError, NotImplementedError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever prints a summary is warned then
        results.summary()


def load(path: str | os.PathLike[str], allow_pickle: bool = False) -> Any:
    """Read results that `save` has written, or, if told so, a pickle.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    allow_pickle : bool
        Whether the file may be a pickle, as ``res.save`` writes them. Loading a pickle runs
        what is in it: say yes only to files that you wrote yourself, or had from somebody whose
        programs you would run.

    Returns
    -------
    results
        With the same numbers, bit for bit.

    Raises
    ------
    SavedResultError
        The file cannot be read, is damaged, was written by another version in another format,
        or is a pickle and `allow_pickle` is not set.

    Notes
    -----
    Loading a file of `save` runs nothing that is in it. Predicting new data evaluates the
    formula, ``res.model.formula``, which is code as in statsmodels; `write_rows` and ``update``
    evaluate weights and offsets, and the latter ``subset``, whose expressions are in the file's
    ``about.json``: read them before, where the file is a stranger's. A file that has others is
    refused.

    Examples
    --------
    See `save`.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise SavedResultError(f"there is no file {path}")
    if not zipfile.is_zipfile(path):
        check_no_remains(path)
        return _unpickled(path, allow_pickle)
    archive = Archive(path)
    tree = archive.tree()
    try:
        decoder = Decoder(archive.array)
        results = decoder.thing(tree)
        _ = results.model, results.params
        beyond = beyond_formula(decoder.made, getattr(results.model, "formula", None))
    except SavedResultError:
        raise
    except Exception as error:  # whatever a damaged tree makes of the classes
        raise archive.damaged(f"{type(error).__name__}: {error}") from error
    untold = sorted(set(beyond) - set(map(str, archive.about_list("expressions"))))
    if untold:
        raise archive.damaged(
            f"it has the expression {untold[0]!r}, which neither its formula nor about.json tells"
        )
    return results


def _unpickled(path: str, allow_pickle: bool) -> Any:
    if not allow_pickle:
        raise SavedResultError(
            f"{path} is no file of smo.save; a pickle runs what is in it when it is loaded",
            hint="smo.load(path, allow_pickle=True) loads what you wrote yourself with res.save",
        )
    return load_pickle(path)
