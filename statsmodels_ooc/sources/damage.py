"""Files that are not what they should be, whatever the libraries say of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from statsmodels_ooc.errors import OutOfCoreError, ParseError

__all__ = ["check_zone", "foreign_bytes"]


def check_zone(kind: pa.DataType, place: str) -> None:
    """Refuse times in a zone that does not exist.

    Raises
    ------
    ParseError
        They are.
    """
    if pa.types.is_timestamp(kind):
        with foreign_bytes(place, f"columns of type {kind}"):
            pa.array([], kind).to_pandas()


@contextmanager
def foreign_bytes(place: str, what: str) -> Iterator[None]:
    """Name the file from whose bytes Arrow or pandas can make nothing.

    Damage shows anywhere: as an error of Arrow, a name that is not text, a time zone that
    does not exist, more memory than there is.

    Parameters
    ----------
    place, what : str
        The file, and what it should be.

    Raises
    ------
    ParseError
        Instead of any error that is not of this package.
    """
    try:
        yield
    except OutOfCoreError:
        raise
    except Exception as error:
        raise ParseError(
            f"{place} cannot be read as {what}: {type(error).__name__}: {error}",
            hint="memory has run out, or the file is damaged and asks for more than there is"
            if isinstance(error, MemoryError)
            else "the file may be truncated, damaged, still being written, or of another format",
        ) from error
