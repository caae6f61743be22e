"""Errors and warnings, a tree by stage of the road of the data."""

from __future__ import annotations

import inspect
import warnings
from types import FrameType

from patsy import PatsyError
from statsmodels.tools.sm_exceptions import MissingDataError as _MissingDataError

__all__ = [
    "CheckpointError",
    "ClusterError",
    "ColumnNotFoundError",
    "CovarianceWarning",
    "DesignError",
    "EmptyDataError",
    "EstimabilityWarning",
    "LeverageWarning",
    "MemoryLimitError",
    "MissingDataError",
    "MissingExtraError",
    "MissingGroupError",
    "MissingGroupWarning",
    "OptionError",
    "OutOfCoreError",
    "ParseError",
    "PrecisionError",
    "QueryError",
    "RepeatedFileWarning",
    "ResponseWarning",
    "RowArrayError",
    "RowOrderError",
    "SchemaError",
    "SelectionWarning",
    "SourceAccessError",
    "SourceChangedError",
    "SourceError",
    "SourceInterruptedError",
    "SourceNotFoundError",
    "SourcePermissionError",
    "SpoolError",
    "SubmodelError",
    "TableFormatError",
    "UnseenLevelError",
    "WriteError",
]

_PASSED_OVER = {"statsmodels", "statsmodels_ooc", "functools"}  # between a warning and its cause


class OutOfCoreError(Exception):
    """Base of every error that this package raises on purpose.

    Parameters
    ----------
    message : str
        What was wrong and where (source, partition, row, column).
    hint : str, optional
        What to do about it; printed on a line of its own.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message if hint is None else f"{message}\nHint: {hint}"
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[type[OutOfCoreError], tuple[str], dict[str, object]]:
        return (type(self), (self.message,), self.__dict__)


class OptionError(OutOfCoreError, ValueError):
    """A setting does not exist or has a value that is not allowed."""


class MissingExtraError(OutOfCoreError, ImportError):
    """An optional dependency is absent; the message names the extra to install."""


class SourceError(OutOfCoreError, ValueError):
    """Something is wrong with where the data comes from."""


class RowOrderError(SourceError):
    """Rows that have no order, or another one than is needed, are asked for what depends on it."""


class SourceNotFoundError(SourceError, FileNotFoundError):
    """No file matches the path, list of paths or glob."""


class SourceAccessError(SourceError, OSError):
    """A folder cannot be listed, or a file cannot be opened, so that rows would be lost."""


class SourceInterruptedError(SourceAccessError, ConnectionError):
    """The connection or the server failed while rows were read; reading again may help."""


class SourcePermissionError(SourceAccessError, PermissionError):
    """A folder or a file may not be read by whoever runs the program."""


class TableFormatError(SourceError):
    """A folder belongs to a table whose log says which of its files count.

    Parameters
    ----------
    message, hint : str
        As for all errors.
    kind, folder : str
        The kind of table, and its root.
    """

    def __init__(
        self, message: str, hint: str | None = None, kind: str = "", folder: str = ""
    ) -> None:
        super().__init__(message, hint)
        self.kind, self.folder = kind, folder


class SchemaError(SourceError):
    """The files of one source do not agree on a column's name or type."""


class ParseError(SourceError):
    """A file cannot be read as what it claims to be."""


class QueryError(SourceError):
    """A database does not answer a query as it is written; the message is the database's."""


class SourceChangedError(SourceError):
    """A later pass did not see the rows that an earlier pass saw."""


class SpoolError(SourceError, OSError):
    """The temporary copy of a source cannot be written."""


class SubmodelError(OutOfCoreError, TypeError):
    """What only linear models tell of smaller ones is asked of another model."""


class DesignError(OutOfCoreError, ValueError):
    """A frame cannot be turned into a block of the design matrix."""


class ColumnNotFoundError(DesignError, NameError):
    """A name in the formula is neither a column nor a variable in scope."""


class UnseenLevelError(DesignError, PatsyError):  # type: ignore[misc]
    """A categorical column has a level that the design did not learn."""


class MissingDataError(DesignError, _MissingDataError):  # type: ignore[misc]
    """Missing or infinite values where the model cannot use them."""


class MissingGroupError(MissingDataError):
    """A row has no label or no time, where a covariance needs one of every row.

    Parameters
    ----------
    message, hint : str
        As for all errors.
    code : str
        The column or the expression.
    """

    def __init__(self, message: str, hint: str | None = None, code: str = "") -> None:
        super().__init__(message, hint)
        self.code = code


class MissingGroupWarning(UserWarning):
    """Rows without a label are left out of a fit that needs one for its covariance."""


class EmptyDataError(DesignError):
    """No row is left to fit."""


class MemoryLimitError(OutOfCoreError, MemoryError):
    """The answer would not fit into ``smo.options.memory_limit``.

    Attributes
    ----------
    needed : int or None
        About how many bytes it takes, where that is told.
    """

    def __init__(self, message: str, hint: str | None = None, needed: int | None = None) -> None:
        super().__init__(message, hint)
        self.needed = needed


class CheckpointError(OutOfCoreError, OSError):
    """A folder with what a fit has folded cannot be used: another fit's, damaged, or full."""


class SavedResultError(OutOfCoreError, ValueError):
    """A file of results cannot be written or read: damaged, of another format, or with code."""


class ClusterError(OutOfCoreError, RuntimeError):
    """The cluster that reads the data has lost its workers, or is gone."""


class RowArrayError(OutOfCoreError, AttributeError, TypeError):
    """A lazy answer was asked for what only values in memory have."""


class WriteError(OutOfCoreError, OSError):
    """A file of rows cannot be written, or is there already; nothing of it is left."""


class PrecisionError(OutOfCoreError, ArithmeticError):
    """The method asked for by name cannot give nine correct digits."""


class RepeatedFileWarning(UserWarning):
    """A file is reached under several names, through links or a list; its rows count once."""


class ResponseWarning(UserWarning):
    """Of a categorical response, the model is about the value that comes first."""


class SelectionWarning(UserWarning):
    """Selected rows may mislead; the message says why: a failed pilot, separation, a lost rank."""


class CovarianceWarning(UserWarning):
    """A covariance is not what its name says elsewhere, or its degrees of freedom are none."""


class LeverageWarning(UserWarning):
    """A row determines coefficients alone: nothing tells its error, nor its influence on them."""


class EstimabilityWarning(UserWarning):
    """The design does not determine all that a hypothesis is about; the rest is tested."""


def require_matplotlib() -> None:
    """Refuse to plot where matplotlib is not installed, and name the extra.

    Raises
    ------
    MissingExtraError
        It is not.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "plotting needs matplotlib", hint="pip install 'statsmodels_ooc[plot]'"
        ) from None


def warn_caller(message: str, category: type[Warning]) -> None:
    """Warn at the line that called this package, or statsmodels above it.

    Parameters
    ----------
    message : str
        What is dubious, where, and what to do about it.
    category : type of Warning
        One of the classes of this module.
    """
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_back is not None and _package(frame) in _PASSED_OVER:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
