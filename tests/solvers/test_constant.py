"""Whether a design holds a constant, decided as statsmodels decides."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from solvers.rows import facts, triangle

from statsmodels_ooc.solvers.dependence import find_constant

N = 40
RNG = np.random.default_rng(5)
A, B = RNG.normal(size=N), RNG.uniform(1, 2, N)
LEVEL = (RNG.integers(0, 3, N)[:, None] == np.arange(3)).astype(float)
ONE = np.ones(N)

DESIGNS = {
    "ones first": [ONE, A],
    "ones last": [A, ONE],
    "another constant": [A, 5 * ONE],
    "a fraction": [0.1 * ONE, A],
    "a negative constant": [A, -2 * ONE],
    "ones after another": [3 * ONE, A, ONE],
    "two constants": [3 * ONE, A, 7 * ONE],
    "ones twice": [A, ONE, ONE],
    "zeros": [A, 0 * ONE],
    "two columns of zeros": [A, 0 * ONE, 0 * ONE],
    "zeros before a constant": [0 * ONE, A, 4 * ONE],
    "zeros before ones": [0 * ONE, A, ONE],
    "zeros and dummies": [0 * ONE, *LEVEL.T],
    "dummies": [*LEVEL.T],
    "dummies and more": [A, *LEVEL.T, B],
    "dummies of another scale": [A, *(3.7 * LEVEL.T)],
    "two columns with a constant sum": [A, 2 - A],
    "two columns with a constant sum far off": [A + 1e3, 5e3 - A],
    "none": [A, B],
    "one": [B],
    "nearly one": [1 + 1e-9 * A, B],
    "columns of other sizes": [1e6 * A, 1e-4 * B],
    "dummies but one": [A, *LEVEL.T[:2]],
    "only ones": [ONE],
    "only zeros": [0 * ONE],
}


@pytest.mark.parametrize("hasconst", [None, True, False])
@pytest.mark.parametrize("name", DESIGNS)
def test_as_statsmodels(name: str, hasconst: bool | None) -> None:
    x, y = np.column_stack(DESIGNS[name]), A + B
    theirs = sm.OLS(y, x, hasconst=hasconst).data
    found = find_constant(facts(x, y), triangle(x, y), hasconst)
    assert found == (theirs.k_constant, theirs.const_idx)


def test_one_huge_column_over_many_rows_is_no_constant() -> None:
    # Statsmodels' tolerance grows with the rows and with the largest singular value.
    n = 20_000
    x = np.random.default_rng(0).normal(size=(n, 1)) * 1e12
    y = x[:, 0] / 1e12
    assert find_constant(facts(x, y), triangle(x, y, rows=500), None) == (0, None)
    assert sm.OLS(y, x).data.k_constant == 1
