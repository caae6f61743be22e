"""The power of a Tweedie family's variance, from few passes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.interpolate import BarycentricInterpolator
from scipy.optimize import brentq

from statsmodels_ooc.arrays import FloatArray

__all__ = ["solve_power"]

_FIRST, _LATER = 33, 9  # powers a pass
_NARROW = 1 / 32  # of the bracket is looked at again
_SETTLED = 1e-3  # of what was looked at: the next root would be the same
_ROUNDS = 8


def solve_power(
    sums: Callable[[FloatArray], FloatArray], df_resid: float, low: float, high: float
) -> float:
    """The root of Pearson's equation for the power.

    Parameters
    ----------
    sums : callable
        Powers (m,) to `power_sums` of all rows; a pass.
    df_resid : float
        Residual degrees of freedom.
    low, high : float
        Where the power is sought.

    Raises
    ------
    ValueError
        It is not there.

    Notes
    -----
    The equation asks for ``df_resid * B(p) / A(p) = C`` of the three sums. ``A`` is a sum
    of exponentials of p, so that ``B / A = -d log A / dp`` falls: there is one root, and
    the function is smooth enough to be interpolated between few powers.
    """
    left, right, nodes = low, high, _between(low, high, _FIRST)
    root = np.nan
    for _ in range(_ROUNDS):
        values = _equation(sums(nodes), df_resid)
        if values[0] * values[-1] > 0:
            if np.isnan(root):
                raise ValueError("f(a) and f(b) must have different signs")
            nodes = _between(left, right, _FIRST)
            continue
        at = int(np.argmax(np.sign(values[1:]) != np.sign(values[0])))
        before, looked_at = root, nodes[-1] - nodes[0]
        left, right = float(nodes[at]), float(nodes[at + 1])
        root = _root(nodes, values, left, right)
        if abs(root - before) <= _SETTLED * looked_at:
            break
        reach = _NARROW * (right - left)
        nodes = _between(max(left, root - reach), min(right, root + reach), _LATER)
    return root


def _between(low: float, high: float, count: int) -> FloatArray:
    """Chebyshev's points of an interval, its ends among them."""
    angles = np.linspace(np.pi, 0, count)
    points: FloatArray = low + (high - low) * (1 + np.cos(angles)) / 2
    points[0], points[-1] = low, high
    return points


def _equation(sums: FloatArray, df_resid: float) -> FloatArray:
    m = len(sums) // 2
    values: FloatArray = df_resid * sums[m : 2 * m] / sums[:m] - sums[-1]
    return values


def _root(nodes: FloatArray, values: FloatArray, left: float, right: float) -> float:
    ends = dict(zip(nodes.tolist(), values.tolist(), strict=True))
    for end in (left, right):
        if ends[end] == 0:
            return end
    interpolator = BarycentricInterpolator(nodes, values)
    return float(brentq(lambda p: float(interpolator(p)), left, right, xtol=1e-14))
