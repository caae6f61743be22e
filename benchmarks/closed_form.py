"""Least squares from sums of products: what hand-written rivals compute."""

from __future__ import annotations

import numpy as np


def estimates(gram: np.ndarray, names: list[str], n: int) -> dict[str, tuple[float, float]]:
    """Coefficients and standard errors from the Gram matrix of ``[X | y]``.

    Parameters
    ----------
    gram : ndarray, shape (k + 1, k + 1)
    names : list of str, length k
    n : int
        Number of rows.
    """
    k = len(names)
    inverse = np.linalg.inv(gram[:k, :k])
    beta = inverse @ gram[:k, k]
    scale = (gram[k, k] - beta @ gram[:k, k]) / (n - k)
    return dict(zip(names, zip(beta, np.sqrt(scale * np.diag(inverse)), strict=True), strict=True))


def from_series(params, bse, names: list[str]) -> dict[str, tuple[float, float]]:
    """The same shape from the two Series of a Results object, in `names`' order."""
    return dict(zip(names, zip(params, bse, strict=True), strict=True))
