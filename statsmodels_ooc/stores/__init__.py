"""Designs that are written out, and read many times."""

from statsmodels_ooc.stores.design_store import DesignStore, design_store, open_store

__all__ = ["DesignStore", "design_store", "open_store"]
