"""Everything a user needs: ``import statsmodels_ooc.api as smo``."""

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from statsmodels.iolib.smpickle import load_pickle as load

from statsmodels_ooc import errors
from statsmodels_ooc.models.glm import GLM
from statsmodels_ooc.models.linear import OLS, WLS
from statsmodels_ooc.sources.coerce import as_source

if TYPE_CHECKING:
    from statsmodels_ooc import diagnostics
    from statsmodels_ooc.options import options
    from statsmodels_ooc.results.anova import anova_lm
    from statsmodels_ooc.selection.iboss import IBOSS
    from statsmodels_ooc.selection.indices import iboss_indices
    from statsmodels_ooc.sources.csv import read_csv
    from statsmodels_ooc.sources.ipc import read_ipc
    from statsmodels_ooc.sources.iterables import from_iterable
    from statsmodels_ooc.sources.parquet import read_parquet
    from statsmodels_ooc.sources.sql import read_sql

__all__ = [
    "GLM",
    "IBOSS",
    "OLS",
    "WLS",
    "anova_lm",
    "as_source",
    "diagnostics",
    "errors",
    "from_iterable",
    "iboss_indices",
    "load",
    "options",
    "read_csv",
    "read_ipc",
    "read_parquet",
    "read_sql",
]

_LOADED_WHEN_ASKED_FOR = {
    "IBOSS": "statsmodels_ooc.selection.iboss:IBOSS",
    "anova_lm": "statsmodels_ooc.results.anova:anova_lm",
    "diagnostics": "statsmodels_ooc.diagnostics",
    "from_iterable": "statsmodels_ooc.sources.iterables:from_iterable",
    "iboss_indices": "statsmodels_ooc.selection.indices:iboss_indices",
    "options": "statsmodels_ooc.options:options",
    "read_csv": "statsmodels_ooc.sources.csv:read_csv",
    "read_ipc": "statsmodels_ooc.sources.ipc:read_ipc",
    "read_parquet": "statsmodels_ooc.sources.parquet:read_parquet",
    "read_sql": "statsmodels_ooc.sources.sql:read_sql",
}


def __getattr__(name: str) -> Any:
    if name not in _LOADED_WHEN_ASKED_FOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = resolve_name(_LOADED_WHEN_ASKED_FOR[name])
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
