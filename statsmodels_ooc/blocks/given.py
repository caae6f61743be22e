"""Numbers that a user has put beside the rows."""

from __future__ import annotations

import numpy as np

from statsmodels_ooc.arrays import FloatArray
from statsmodels_ooc.blocks.block import Block
from statsmodels_ooc.errors import DesignError, MissingDataError


def numbers_beside(block: Block, name: str, what: str) -> FloatArray:
    """What stands beside the rows of a block as columns of finite numbers, (b, q).

    Parameters
    ----------
    block : Block
        The rows.
    name : str
        Under which it stands.
    what : str
        The argument, for messages.

    Raises
    ------
    DesignError
        It is of another type.
    MissingDataError
        A number is missing or infinite.
    """
    values = np.asarray(block.extras.beside[name])
    if values.dtype.kind not in "biuf":
        raise DesignError(
            f"{what} is of type {values.dtype}, and its columns are numbers",
            hint="a factor is several columns: (g == 'a') * 1.0 is one of them",
        )
    columns: FloatArray = values.reshape(len(block.endog), -1).astype(np.float64)
    finite = np.isfinite(columns).all(axis=1)
    if not finite.all():
        row = block.row(int(finite.argmin()))
        raise MissingDataError(
            f"{what} is missing or infinite at row {row} of partition {block.partition}",
            hint="leave such rows out of the model by subset=...",
        )
    return columns
