"""Statsmodels for data that does not fit into memory."""

__version__ = "0.1.0"
