"""Results in files that carry no code."""

from statsmodels_ooc.saving.results import load, save

__all__ = ["load", "save"]
