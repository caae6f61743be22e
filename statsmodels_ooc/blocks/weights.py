"""Products of the weights and sums of the offsets that go with the rows of a block."""

from __future__ import annotations

from collections.abc import Sequence

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block

__all__ = ["linear_predictor", "prior_weights", "total_offset"]


def prior_weights(
    block: Block, roles: Sequence[str] = ("freq_weights", "var_weights", "trials")
) -> FloatArray | None:
    """The product of the weights in some roles, (b,); None where there are none of them."""
    product: FloatArray | None = None
    for role in roles:
        factor = getattr(block.extras, role)
        if factor is not None:
            product = factor if product is None else product * factor
    return product


def total_offset(block: Block) -> FloatArray | None:
    """Offset and logarithm of the exposure, (b,); None where there is neither."""
    offset, exposure = block.extras.offset, block.extras.exposure
    if offset is None or exposure is None:
        return exposure if offset is None else offset
    return offset + exposure


def linear_predictor(block: Block, beta: FloatArray) -> FloatArray:
    """``X beta`` and the offset, (b,)."""
    eta, offset = block.design.matvec(beta), total_offset(block)
    if offset is not None:
        eta += offset
    return eta
