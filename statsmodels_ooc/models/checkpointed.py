"""Fits that keep what they have folded, so that a process that is killed loses little."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.engine.checkpoint import Checkpoint, digest, kept_in
from statsmodels_ooc.engine.sizes import sizes_for
from statsmodels_ooc.options import options

_FIRST = 256  # rows of a partition of which the design is compared


def checkpointed(fit: Callable[..., Any]) -> Callable[..., Any]:
    """A fit that takes ``checkpoint=``, a folder in which its passes keep their states."""
    signature = inspect.signature(fit)

    @wraps(fit)
    def fitting(self: Any, *args: Any, checkpoint: Any = None, **kwargs: Any) -> Any:
        if checkpoint is None:
            return fit(self, *args, **kwargs)
        told = signature.bind(self, *args, **kwargs)
        told.apply_defaults()
        about = {**of_model(self), "fit": _words(dict(list(told.arguments.items())[1:]))}
        with kept_in(Checkpoint(Path(checkpoint).expanduser().absolute(), about)):
            return fit(self, *args, **kwargs)

    parameters = list(signature.parameters.values())
    keyword = inspect.Parameter("checkpoint", inspect.Parameter.KEYWORD_ONLY, default=None)
    has_more = parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
    at = len(parameters) - has_more
    fitting.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*parameters[:at], keyword, *parameters[at:]]
    )
    return fitting


def of_model(model: Any) -> dict[str, str]:
    """What a fit of a model is about: model, formula, data, first rows of the design, options."""
    rows: StreamedRows = model.likelihood.stream
    names = list(model.spec_names)
    return {
        "model": " ".join([type(model).__name__, *_family(model)]),
        "formula": str(getattr(model, "formula", None) or ", ".join(map(str, names))),
        "columns": f"{len(names)} {_words(names)}",
        **_of_source(rows),
        "first rows": _first_rows(rows),
        "options": f"{sizes_for(rows.spec)} {options.kernels}",
    }


def _family(model: Any) -> list[str]:
    family = getattr(model, "family", None)
    if family is None:
        return []
    link = family.link
    return [type(family).__name__, type(link).__name__, digest(family, link)]


def _of_source(rows: StreamedRows) -> dict[str, str]:
    source = rows.whole_source
    parts = [(part.label, part.rows, part.nbytes, part.version) for part in source.partitions]
    return {"data": source.name, "partitions": f"{len(parts)} {_words(parts)}"}


def _first_rows(rows: StreamedRows) -> str:
    """A checksum of the design of the first rows of a few partitions."""
    spec = rows.spec
    frames = rows.whole_source.samples(spec.columns, _FIRST)
    found = [
        block
        for at, frame in enumerate(frames)
        for block in spec.blocks(frame.iloc[:_FIRST], at, f"first rows {at}", 0, _FIRST)
    ]
    return digest(
        [(block.endog, block.design.dense(), *block.extras.given().values()) for block in found]
    )


def _words(value: Any) -> str:
    """Arguments in words, the same in every process; of what is long a digest."""
    if isinstance(value, Mapping):
        told = "{" + ", ".join(f"{key}: {_words(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, list | tuple):
        told = "[" + ", ".join(map(_words, value)) + "]"
    elif value is None or isinstance(value, str | bool | int | float | np.number):
        told = repr(value)
    elif hasattr(value, "__array__") and not hasattr(value, "dask"):
        array = np.asarray(value)
        return f"array of {array.shape} {_hashed(repr(array.tolist()))}"
    else:
        return type(value).__qualname__
    return told if len(told) < 200 else _hashed(told)


def _hashed(text: str) -> str:
    from xxhash import xxh3_128_hexdigest

    return str(xxh3_128_hexdigest(text.encode()))
