"""Everything a user needs: ``import statsmodels_ooc.api as smo``."""

from statsmodels.iolib.smpickle import load_pickle as load

from statsmodels_ooc import diagnostics, errors
from statsmodels_ooc.models.glm import GLM
from statsmodels_ooc.models.linear import OLS, WLS
from statsmodels_ooc.options import options
from statsmodels_ooc.results.anova import anova_lm
from statsmodels_ooc.selection.iboss import IBOSS
from statsmodels_ooc.selection.indices import iboss_indices
from statsmodels_ooc.sources.coerce import as_source
from statsmodels_ooc.sources.csv import read_csv
from statsmodels_ooc.sources.ipc import read_ipc
from statsmodels_ooc.sources.iterables import from_iterable
from statsmodels_ooc.sources.parquet import read_parquet

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
]
