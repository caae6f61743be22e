"""Some rows as one block in memory: a fit of them, and their rank."""

from __future__ import annotations

import numpy as np
import pandas as pd
from statsmodels.genmod import families

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, Dense
from statsmodels_ooc.design.spec import DesignSpec
from statsmodels_ooc.engine import MemoryRows
from statsmodels_ooc.engine.blas import one_blas_thread
from statsmodels_ooc.errors import OutOfCoreError
from statsmodels_ooc.families.kernels import Kernel
from statsmodels_ooc.likelihoods.base import Asked
from statsmodels_ooc.likelihoods.points import Points
from statsmodels_ooc.reductions.triangle import Triangle
from statsmodels_ooc.solvers.irls import irls
from statsmodels_ooc.solvers.least_squares import solve
from statsmodels_ooc.solvers.point import Criterion
from statsmodels_ooc.solvers.separation import told

__all__ = ["INTERCEPT", "block_of", "fit_rows", "rank_of"]

_CRITERION = Criterion("deviance", 1e-8, 0.0)
_STEPS = 100
INTERCEPT = "Intercept"  # patsy's name of the column of ones


def block_of(spec: DesignSpec, frame: pd.DataFrame) -> Block:
    """The rows of a frame in memory as one block."""
    (block,) = spec.blocks(frame[list(spec.columns)], 0, "the selected rows", 0, len(frame) or 1)
    return block


def fit_rows(
    block: Block, kernel: Kernel, spec: DesignSpec, left_out: tuple[int, ...] = ()
) -> tuple[FloatArray, str]:
    """Fit a generalised linear model to the rows of a block.

    Parameters
    ----------
    block : Block
        The rows.
    kernel : Kernel
        The family and its link.
    spec : DesignSpec
        The design.
    left_out : tuple of int
        Columns without a parameter of their own: their parameters are zero.

    Returns
    -------
    params : ndarray, (k,)
        The parameters.
    problem : str
        Why they are of no use; empty where they are good.
    """
    used = [j for j in range(spec.k) if j not in left_out]
    params = np.zeros(spec.k)
    if len(block.endog) <= len(used):
        return params, f"{len(block.endog):,} rows cannot determine {len(used):,} parameters"
    names = [spec.exog_names[j] for j in used]
    part = Block(block.endog, Dense(np.asfortranarray(block.dense()[:, used])), block.extras)
    centred = INTERCEPT in names
    rows = MemoryRows(lambda: [part], len(block.endog))
    asked = Asked.of_matrices(rows, len(used))
    likelihood = Points(asked, kernel, len(used), centred, rows=rows.n)
    anchor = np.zeros(len(used))
    mean = float(block.endog.mean())
    if centred:
        anchor[names.index(INTERCEPT)] = kernel.start(np.array([mean]), mean)[0]
    try:
        with np.errstate(all="ignore"):
            path = irls(
                likelihood.at,
                likelihood.start(mean),
                anchor,
                scale_of=lambda point: 1.0,
                criterion=_CRITERION,
                maxiter=_STEPS,
                anchor=anchor if np.isfinite(anchor).all() else None,
            )
    except (OutOfCoreError, np.linalg.LinAlgError) as error:
        return params, f"the fit failed: {error}"
    params[used] = path.params
    rank = path.point.fit.rank
    if path.perfect and isinstance(kernel.family, families.Binomial):
        return params, "the response is separated: some combination of columns predicts it"
    nowhere = path.point.outside is not None or path.point.beta is None
    if nowhere or not np.isfinite(params).all():
        return params, "no parameters were found whose means the family can have"
    if not path.converged:
        most = "" if path.separation is None else f" along {told(path.separation, names)}"
        return params, f"the fit did not converge: {path.reason}{most}"
    if rank < len(used):
        return params, f"the design has rank {rank} with {len(used)} columns"
    return params, ""


def rank_of(block: Block, k: int) -> tuple[int, list[int]]:
    """The rank of the design of a block, and the columns that are the same in all rows."""
    with one_blas_thread():
        triangle = Triangle(k)
        state = triangle.update(triangle.init(), block)
        design = block.dense()
        fixed = np.flatnonzero(design.min(axis=0) == design.max(axis=0))
        return solve(state.r, len(block.endog)).rank, fixed.tolist()
