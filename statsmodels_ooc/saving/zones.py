"""Time zones by their names."""

from __future__ import annotations

import re
import zoneinfo
from functools import cache

_OFFSET = re.compile(r"UTC([+-]\d\d:\d\d)?")


def is_zone(name: str) -> bool:
    """Whether a name is that of a time zone, and of no file: pandas opens what is a path.

    Examples
    --------
    >>> from statsmodels_ooc.saving.zones import is_zone
    >>> is_zone("Europe/Berlin"), is_zone("UTC+02:00"), is_zone("dateutil//etc/passwd")
    (True, True, False)
    """
    return bool(_OFFSET.fullmatch(name)) or name in _names()


@cache
def _names() -> set[str]:
    return zoneinfo.available_timezones()
