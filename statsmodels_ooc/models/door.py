"""Models of statsmodels whose data may stay outside memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar

from statsmodels_ooc.design.environment import environment
from statsmodels_ooc.sources.coerce import is_chunked, is_in_memory
from statsmodels_ooc.sources.dask_kinds import is_lazy
from statsmodels_ooc.sources.stored_design import StoredDesign

if TYPE_CHECKING:
    from statsmodels_ooc.engine import LazyAnswers, Passes

_EXTRAS = ("weights", "offset", "exposure", "freq_weights", "var_weights")


class Door:
    """A mixin in front of a statsmodels model, which stays what it is for data in memory.

    Where the data stays outside, an instance is one of the streamed class, a subclass.

    Attributes
    ----------
    streamed_class : str
        The subclass that streams, as "module:name": it is loaded when data stays outside.
    door : type
        Of a class that streams: the one that the user has called.
    """

    streamed_class: ClassVar[str]
    door: ClassVar[Any] = None

    @classmethod
    def from_formula(
        cls,
        formula: Any,
        data: Any,
        subset: Any = None,
        drop_cols: Sequence[str] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Create a model from a formula and data that need not fit into memory.

        Parameters
        ----------
        formula : str
            As for statsmodels; patsy reads it chunk by chunk. Python code that is run,
            as strings for weights, offset and subset are: never a stranger's.
        data : path, list of paths, glob, Source, DataFrame, ...
            Whatever `as_source` takes. A pandas DataFrame takes statsmodels' own road;
            wrapped in `as_source` it streams.
        subset : str, callable or array of bool, optional
            The rows to use: an expression for `DataFrame.eval`, a function from a
            chunk to a mask, or a mask as long as the data.
        drop_cols : sequence of str, optional
            Columns to leave out of the design.
        *args
            Passed to the model.
        **kwargs
            Passed to the model. ``missing`` is "drop" or "raise". ``eval_env`` is the
            number of frames up, -1 for none, or a dict; names that are not columns
            are looked up there.

        Returns
        -------
        model
            An instance of this class.

        Raises
        ------
        SourceError, DesignError
            The data or the formula is at fault; see `statsmodels_ooc.errors`.
        """
        if is_in_memory(data):
            depth = kwargs.pop("eval_env", None)
            given = [role for role in _EXTRAS if isinstance(kwargs.get(role), str)]
            if given:
                scope = environment(depth, depth=2)
                chosen = data if subset is None else data.loc[subset]
                for role in given:
                    name = kwargs[role]
                    kwargs[role] = (
                        chosen[name] if name in chosen else scope.eval(name, inner_namespace=chosen)
                    )
            if depth is None or (isinstance(depth, int) and depth >= 0):
                depth = (1 if depth is None else depth) + 1
            return super().from_formula(  # type: ignore[misc]
                formula, data, subset, drop_cols, *args, eval_env=depth, **kwargs
            )
        env = environment(kwargs.pop("eval_env", None), depth=2)
        door: Any = cls.door or cls
        model: Any = object.__new__(streaming(door))
        model._open_formula(formula, data, subset, drop_cols, env, *args, **kwargs)
        model.conditions = () if subset is None else (subset,)
        return model

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.door is not None and "door" not in vars(cls):
            raise TypeError(
                f"{cls.__name__} is derived from the class of a model that streams; derive it from "
                f"{cls.door.__name__}, which gives it both kinds of data"
            )

    def _open_formula(
        self, formula: Any, data: Any, subset: Any, drop_cols: Any, env: Any, *args: Any, **kw: Any
    ) -> None:
        """Learn the formula, of the class that streams."""
        raise NotImplementedError

    def becomes_streamed(self, *arrays: Any) -> bool:
        """Whether any array is lazy; the class of the instance follows."""
        streams = is_lazy(*arrays)
        kind: Any = type(self).door or type(self)
        self.__class__ = streaming(kind) if streams else kind
        return streams

    def becomes_stored(self, endog: Any, exog: Any) -> bool:
        """Whether there is a design store in place of endog and exog; the class follows.

        Raises
        ------
        TypeError
            There is exog besides.
        """
        if not isinstance(endog, StoredDesign):
            return False
        if exog is not None:
            raise TypeError("a design store has the response and the design: exog is left out")
        kind: Any = type(self).door or type(self)
        self.__class__ = streaming(kind)
        return True

    @property
    def streams(self) -> bool:
        """Whether the data stays outside memory."""
        return False

    @property
    def passes(self) -> Passes:
        """Every pass over the data so far: name, rows, seconds, bytes."""
        from statsmodels_ooc.engine import Passes

        return Passes()

    @property
    def dropped(self) -> Mapping[str, int]:
        """Rows that were left out, by the variable that had a missing value."""
        return {}

    @property
    def dropped_rows(self) -> list[int]:
        """Numbers of the rows that were dropped."""
        return list(getattr(self.data, "missing_row_idx", ()))  # type: ignore[attr-defined]

    @property
    def row_labels(self) -> Any:
        """The labels of the rows."""
        return self.data.row_labels  # type: ignore[attr-defined]

    @property
    def const_idx(self) -> int | None:
        """The column of an explicit constant."""
        index: int | None = self.data.const_idx  # type: ignore[attr-defined]
        return index

    @property
    def lazy(self) -> LazyAnswers:
        """What has a value for every row, as dask arrays: of data that stays outside memory."""
        raise AttributeError("the data are in memory, and so is what they tell: ask without 'lazy'")


@cache
def streaming(kind: Any) -> Any:
    """The class of instances that stream: that of the door, or of a subclass of it."""
    streamed = resolve_name(kind.streamed_class)
    bases = (streamed,) if issubclass(streamed, kind) else (kind, streamed)
    names = ("__module__", "__qualname__", "__doc__")
    return type(kind.__name__, bases, {"door": kind, **{n: getattr(kind, n) for n in names}})


def refuse_sources(*arrays: Any) -> None:
    """Refuse tables where a model in memory wants arrays.

    Raises
    ------
    TypeError
        One of them would have to be read in chunks: the formula that does is said.
    """
    for array in arrays:
        if not hasattr(array, "__array__") and is_chunked(array):
            raise TypeError(
                f"endog and exog are arrays or dask collections, not a {type(array).__qualname__}"
                "\nHint: name the columns in a formula: smo.OLS.from_formula('y ~ x', data=...)"
            )


def refused(name: str, instead: str) -> Callable[..., Any]:
    """A method that refuses to stream.

    Parameters
    ----------
    name : str
        The method of statsmodels that it stands for.
    instead : str
        What to use in its place.

    Examples
    --------
    >>> import pandas as pd
    >>> import statsmodels_ooc.api as smo
    >>> frame = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0], "x": [0.0, 1.0, 2.0, 3.0]})
    >>> smo.OLS.from_formula("y ~ x", smo.as_source(frame))._fit_collinear()
    Traceback (most recent call last):
        ...
    NotImplementedError: _fit_collinear works on rows in memory; out of memory ...
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{name} works on rows in memory; out of memory {instead}")

    method.__name__ = name
    method.__doc__ = "Not available out of memory."
    return method
