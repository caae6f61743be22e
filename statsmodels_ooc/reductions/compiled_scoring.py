"""A step of iteratively reweighted least squares in one sweep of machine code over the rows."""

from __future__ import annotations

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block, prior_weights, total_offset
from statsmodels_ooc.blocks.compiled import Compiled, ScoredBlock
from statsmodels_ooc.families.compiled import CompiledKernel
from statsmodels_ooc.families.kernels import Kernel, ScoredSums


def sweep(kernel: Kernel, beta: FloatArray, block: Block) -> tuple[ScoredSums, ScoredBlock] | None:
    """What `Scoring` needs of a block.

    Parameters
    ----------
    kernel : Kernel
        The family and its link.
    beta : ndarray, (k,)
        The parameters.
    block : Block
        With one row at least.

    Returns
    -------
    (ScoredSums, ScoredBlock) or None
        None where there are no loops for the kernel or for the design, or where a row is out of
        their range.
    """
    design = block.design
    if not (isinstance(kernel, CompiledKernel) and isinstance(design, Compiled)):
        return None
    if block.cells is not None:
        return None
    offset, prior = total_offset(block), prior_weights(block)
    found = design.scored(kernel.rule, beta, block.endog, offset, prior)
    sums = None if found is None else kernel.sums(found.totals)
    return None if found is None or sums is None else (sums, found)
