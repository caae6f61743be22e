"""Fits that keep what they have folded, so that a process that is killed loses little."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pandas as pd

from statsmodels_ooc.design.described import described
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.engine.checkpoint import kept_in
from statsmodels_ooc.engine.sizes import sizes_for
from statsmodels_ooc.errors import CheckpointError, OptionError
from statsmodels_ooc.fingerprints import UntoldError, fingerprint, in_words
from statsmodels_ooc.options import options
from statsmodels_ooc.sources.identity import rows_in_words, tells_changes

_FIRST = 256  # rows of a partition of which the design is compared
_LONG = 300  # characters that a message may show


def checkpointed(fit: Callable[..., Any]) -> Callable[..., Any]:
    """A fit that takes ``checkpoint=``, a folder in which its passes keep their states."""
    signature = inspect.signature(fit)

    @wraps(fit)
    def fitting(self: Any, *args: Any, checkpoint: Any = None, **kwargs: Any) -> Any:
        if checkpoint is None:
            return fit(self, *args, **kwargs)
        given = signature.bind(self, *args, **kwargs)
        given.apply_defaults()
        arguments = dict(list(given.arguments.items())[1:])
        with _untold_refused():
            about = {**_of_model(self), "fit": _short(_arguments(arguments))}
        with kept_in(_folder(checkpoint), about):
            return fit(self, *args, **kwargs)

    parameters = list(signature.parameters.values())
    keyword = inspect.Parameter("checkpoint", inspect.Parameter.KEYWORD_ONLY, default=None)
    has_more = parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
    at = len(parameters) - has_more
    fitting.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*parameters[:at], keyword, *parameters[at:]]
    )
    return fitting


def _folder(checkpoint: Any) -> Path:
    """The folder that the caller names."""
    if not isinstance(checkpoint, str | os.PathLike) or not os.fspath(checkpoint):
        raise OptionError(f"checkpoint={checkpoint!r} is no path", hint="it is a folder of its own")
    return Path(os.fspath(checkpoint)).expanduser().absolute()


@contextmanager
def _untold_refused() -> Iterator[None]:
    """Refuse a fit that depends on what has no words.

    Raises
    ------
    CheckpointError
        In place of an `UntoldError`.
    """
    try:
        yield
    except UntoldError as error:
        raise CheckpointError(
            str(error),
            hint="use numbers, dates, text, arrays, and functions of these; or fit without "
            "checkpoint=",
        ) from error


def _of_model(model: Any) -> dict[str, str]:
    """What a fit of a model is about: model, design, data, first rows of the design, options.

    Raises
    ------
    CheckpointError
        Nothing tells whether the rows are the same the next time.
    UntoldError
        Nothing tells whether what the formula uses is.
    """
    rows: StreamedRows = model.likelihood.stream
    source = rows.whole_source
    if not tells_changes(source):
        raise CheckpointError(
            f"nothing tells whether the rows of {source.name} are still the same when the fit is "
            "made again, so that old and new ones could be mixed",
            hint="checkpoints are kept of files and of tables of files (Parquet, CSV, Arrow, HDF5, "
            "Delta, Iceberg, design stores): write the rows into some first",
        )
    sizes = sizes_for(rows.spec)
    rows_of = (sizes.frame_rows, sizes.block_rows, sizes.piece_rows)
    return {
        "model": " ".join([model.door.__name__, *_family(model)]),
        "formula": str(getattr(model, "formula", None) or ", ".join(model.spec.exog_names)),
        **{name: _short(words) for name, words in described(model.spec).items()},
        "hasconst": str(getattr(model, "hasconst", None)),
        **rows_in_words(source, rows.spec.columns, model.conditions),
        "first rows": _first_rows(rows),
        "rows of frames, blocks and pieces": " ".join(map(str, rows_of)),
        "kernels": options.kernels,
    }


def _family(model: Any) -> list[str]:
    family = getattr(model, "family", None)
    if family is None:
        return []
    return [type(family).__name__, type(family.link).__name__, fingerprint(family)]


def _first_rows(rows: StreamedRows) -> str:
    """A checksum of the design of the first rows of a few partitions."""
    spec = rows.spec
    frames = rows.whole_source.samples(spec.columns, _FIRST)
    found = [
        block
        for at, frame in enumerate(frames)
        for block in spec.blocks(frame.iloc[:_FIRST], at, f"first rows {at}", 0, _FIRST)
    ]
    given = [block.extras.given() for block in found]
    numbers = [
        (block.endog, block.design.dense(), *beside.values())
        for block, beside in zip(found, given, strict=True)
    ]
    return f"{fingerprint(numbers)} {sorted({name for beside in given for name in beside})}"


def _arguments(value: Any) -> str:
    """Arguments of a fit in words; what words do not tell of is refused.

    Raises
    ------
    CheckpointError
        There is something else than numbers, texts, arrays in memory and functions.
    UntoldError
        A function uses what has no words.
    """
    if isinstance(value, Mapping):
        return str({str(name): _arguments(one) for name, one in value.items()})
    if isinstance(value, list | tuple):
        return str([_arguments(one) for one in value])
    is_plain = value is None or isinstance(value, str | bool | int | float | np.generic)
    is_array = isinstance(value, np.ndarray | pd.Series | pd.DataFrame | pd.Index)
    if not (is_plain or is_array or isinstance(value, FunctionType)):
        raise CheckpointError(
            f"nothing tells whether a {type(value).__qualname__} among the arguments of fit is the "
            "same when the fit is made again",
            hint="name a column of the data, or give an array in memory",
        )
    return in_words(value)


def _short(value: Any) -> str:
    """Something in words, and of many words their checksum."""
    text = str(value)
    return text if len(text) < _LONG else fingerprint(text)
