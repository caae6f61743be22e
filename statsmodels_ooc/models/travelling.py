"""Models as they are copied and pickled: without rows, and whole again afterwards."""

from __future__ import annotations

from typing import Any, ClassVar

from statsmodels_ooc._statsmodels import StreamedArrayData, StreamedFrameData
from statsmodels_ooc.engine import kept_answers
from statsmodels_ooc.models.door import streaming


class Travels:
    """A mixin for streamed models."""

    door: ClassVar[Any]
    conditions: tuple[Any, ...]

    def __getstate__(self) -> dict[str, Any]:
        rows = kept_answers(self)
        state = {key: value for key, value in self.__dict__.items() if key not in rows}
        if self.conditions:
            state["conditions"] = tuple(map(_travelling, self.conditions))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        kept = state.get("_data")
        if not isinstance(kept, StreamedArrayData | StreamedFrameData | None):
            raise TypeError(f"{type(kept).__name__} is no data of a streamed model")

    def __reduce__(self) -> tuple[Any, ...]:
        return bare, (type(self).door,), self.__getstate__()


def _travelling(condition: Any) -> Any:
    """A condition as it is pickled: functions may not travel, and masks are as long as the data."""
    return condition if isinstance(condition, str) else None


def bare(door: Any) -> Any:
    """A streamed model of OLS, WLS or GLM that has no attribute yet."""
    return object.__new__(streaming(door))
