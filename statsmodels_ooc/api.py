"""Everything a user needs: ``import statsmodels_ooc.api as smo``."""

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from statsmodels_ooc import errors
from statsmodels_ooc.models.glm import GLM
from statsmodels_ooc.models.linear import OLS, WLS
from statsmodels_ooc.sources.coerce import as_source

if TYPE_CHECKING:
    from statsmodels_ooc import diagnostics
    from statsmodels_ooc.models.growing import combine
    from statsmodels_ooc.options import options
    from statsmodels_ooc.results.anova import anova_lm
    from statsmodels_ooc.saving import load, save
    from statsmodels_ooc.selection.iboss import IBOSS
    from statsmodels_ooc.selection.indices import iboss_indices
    from statsmodels_ooc.sources.csv import read_csv
    from statsmodels_ooc.sources.delta import read_delta
    from statsmodels_ooc.sources.hdf5 import read_hdf
    from statsmodels_ooc.sources.iceberg import read_iceberg
    from statsmodels_ooc.sources.ipc import read_ipc
    from statsmodels_ooc.sources.iterables import from_iterable
    from statsmodels_ooc.sources.parquet import read_parquet
    from statsmodels_ooc.sources.sql import read_sql
    from statsmodels_ooc.stores import DesignStore, design_store, open_store

__all__ = [
    "GLM",
    "IBOSS",
    "OLS",
    "WLS",
    "DesignStore",
    "anova_lm",
    "as_source",
    "combine",
    "design_store",
    "diagnostics",
    "errors",
    "from_iterable",
    "iboss_indices",
    "load",
    "open_store",
    "options",
    "read_csv",
    "read_delta",
    "read_hdf",
    "read_iceberg",
    "read_ipc",
    "read_parquet",
    "read_sql",
    "save",
]

_LOADED_WHEN_ASKED_FOR = {
    "DesignStore": "statsmodels_ooc.stores:DesignStore",
    "IBOSS": "statsmodels_ooc.selection.iboss:IBOSS",
    "combine": "statsmodels_ooc.models.growing:combine",
    "anova_lm": "statsmodels_ooc.results.anova:anova_lm",
    "design_store": "statsmodels_ooc.stores:design_store",
    "diagnostics": "statsmodels_ooc.diagnostics",
    "from_iterable": "statsmodels_ooc.sources.iterables:from_iterable",
    "iboss_indices": "statsmodels_ooc.selection.indices:iboss_indices",
    "load": "statsmodels_ooc.saving:load",
    "open_store": "statsmodels_ooc.stores:open_store",
    "options": "statsmodels_ooc.options:options",
    "read_csv": "statsmodels_ooc.sources.csv:read_csv",
    "read_delta": "statsmodels_ooc.sources.delta:read_delta",
    "read_iceberg": "statsmodels_ooc.sources.iceberg:read_iceberg",
    "read_hdf": "statsmodels_ooc.sources.hdf5:read_hdf",
    "read_ipc": "statsmodels_ooc.sources.ipc:read_ipc",
    "read_parquet": "statsmodels_ooc.sources.parquet:read_parquet",
    "read_sql": "statsmodels_ooc.sources.sql:read_sql",
    "save": "statsmodels_ooc.saving:save",
}


def __getattr__(name: str) -> Any:
    if name not in _LOADED_WHEN_ASKED_FOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = resolve_name(_LOADED_WHEN_ASKED_FOR[name])
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
