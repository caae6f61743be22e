"""What a design is, beside its names: equal descriptions make equal columns of equal data."""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from xxhash import xxh3_128_hexdigest

from statsmodels_ooc import _patsy
from statsmodels_ooc.design.learned import FormulaSpec
from statsmodels_ooc.design.spec import DesignSpec


def described(spec: DesignSpec) -> list[str]:
    """What a design was told and has learned.

    Parameters
    ----------
    spec : DesignSpec
        The design.

    Returns
    -------
    list of str
        One of plain columns is described by its names. Of a formula: what happens to missing
        values, what goes with the rows, levels, contrasts, what ``center`` and the like have
        memorized, and the variables and functions of the caller's scope that it uses.
    """
    told = [f"columns {spec.columns}", f"response {spec.endog_names}", f"design {spec.exog_names}"]
    if not isinstance(spec, FormulaSpec):
        return told
    learned = spec.learned
    told.append(f"missing={learned.missing}, dropped {sorted(learned.dropped)}")
    told += [f"{role}: {factor.name()}" for role, factor in sorted(learned.extras.items())]
    told += [f"{role}: {value!r}" for role, value in learned.constants]
    for factor, info in learned.factors.items():
        told.append(f"{factor.name()}: levels {info.categories!r}")
        transforms = info.state.get("transforms", {})
        told += [f"{factor.name()}: {name} {_vars(one)}" for name, one in transforms.items()]
        scope = _patsy.scope_of(factor, info.state)
        told += [f"{factor.name()}: {name} = {in_words(one)}" for name, one in scope.items()]
    for side in learned.sides:
        for subterms in side.term_codings.values():
            for subterm in subterms:
                told += [
                    f"{factor.name()}: contrast {matrix.matrix.tolist()}"
                    for factor, matrix in subterm.contrast_matrices.items()
                ]
    return told


def _vars(transform: Any) -> dict[str, Any]:
    """What a stateful transform has memorized."""
    found = {name: np.asarray(value).tolist() for name, value in sorted(vars(transform).items())}
    return {name: value for name, value in found.items() if name != "_tmp"}


def in_words(value: Any) -> str:
    """A value in words, the same in all processes: functions by code and what they close over."""
    if isinstance(value, FunctionType):
        closed = [_shallow(cell.cell_contents) for cell in value.__closure__ or ()]
        defaults = [_shallow(one) for one in value.__defaults__ or ()]
        return f"{_code(value.__code__)} {closed} {defaults}"
    if isinstance(value, np.ndarray) or hasattr(value, "to_numpy"):
        array = np.asarray(value)
        return f"{array.shape} {xxh3_128_hexdigest(repr(array.tolist()).encode())}"
    if value is None or isinstance(value, str | bytes | bool | int | float | complex | np.generic):
        return repr(value)
    if isinstance(value, list | tuple):
        return str([in_words(one) for one in value])
    if isinstance(value, Mapping):
        return str({str(key): in_words(one) for key, one in value.items()})
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return f"{getattr(value, '__module__', '')}.{name}"


def _shallow(value: Any) -> str:
    """A value in words; of a function its code alone, since it may close over itself."""
    return _code(value.__code__) if isinstance(value, FunctionType) else in_words(value)


def _code(code: CodeType) -> str:
    constants = [_code(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return xxh3_128_hexdigest(f"{code.co_code!r} {constants} {code.co_names}".encode())
