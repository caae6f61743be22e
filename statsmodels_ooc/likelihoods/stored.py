"""A design store as a stream of rows, whose formula is not evaluated again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from typing import Any

from statsmodels_ooc.design.stored import StoredSpec
from statsmodels_ooc.engine import StreamedRows
from statsmodels_ooc.errors import DesignError, OptionError, SourceError
from statsmodels_ooc.sources.dask_array import from_arrays
from statsmodels_ooc.sources.stored_design import StoredDesign


def open_stored(
    store: StoredDesign,
    roles: Collection[str],
    given: Mapping[str, Any] | None = None,
    *,
    trials: bool = False,
) -> tuple[StreamedRows, StoredSpec]:
    """The rows of a store.

    Parameters
    ----------
    store : StoredDesign
        The store.
    roles : collection of str
        What a model takes beside the rows; of these the store's own are used.
    given : mapping, optional
        Values for the rows of the store by role, (n,), in place of its own.
    trials : bool
        Whether the response may be successes and failures.

    Raises
    ------
    DesignError
        The response has two columns, and the model takes one.
    OptionError
        What is given is no array.
    SourceError
        It has a value for every row of the data, of which the store has not all.
    """
    store = copy(store)  # as it is now: appending changes the one that the user has
    told = {role: value for role, value in (given or {}).items() if value is not None}
    for role, value in told.items():
        if isinstance(value, str) or not hasattr(value, "__len__"):
            raise OptionError(
                f"{role}={value!r} of a design store is neither an array nor a dask array",
                hint=f"design_store(path, formula, data, {role}={value!r}) writes an expression "
                f"beside the rows, and models use it; an array has {store.rows:,} values",
            )
        _check_rows(role, value, store)
    two = "trials" in store.extra_columns
    if two and not trials:
        raise DesignError(
            f"the response of {store.name} is successes and failures, which only a Binomial GLM has"
        )
    wanted = {*roles, *(("trials",) if two else ())}
    own = {r: c for r, c in store.extra_columns.items() if r in wanted and r not in told}
    if not told:
        spec = StoredSpec(store.learned, store.endog_columns, store.exog_columns, own)
        return StreamedRows(store, spec), spec
    arrays = store.arrays
    beside = {**{role: arrays[role] for role in own}, **told}
    source = from_arrays(arrays["endog"], arrays["exog"], **beside)
    spec = StoredSpec(
        store.learned, source.endog_columns, source.exog_columns, source.extra_columns
    )
    return StreamedRows(source, spec), spec


def _check_rows(role: str, values: Any, store: StoredDesign) -> None:
    lost = store.rows_read - (store.rows or 0)
    (rows, *_) = getattr(values, "shape", None) or (len(values),)
    if lost and rows == store.rows_read:
        raise SourceError(
            f"{role} has {rows:,} rows, as many as the data; the store has {store.rows:,}: "
            f"{lost:,} were dropped for values that are missing",
            hint=f"store.dropped_rows has their numbers: np.delete({role}, store.dropped_rows)",
        )
