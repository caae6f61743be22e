"""SQL as each database wants it: names, values and the statements that read rows."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from statsmodels_ooc.errors import OptionError

_BACKTICKS = ("bigquery", "clickhouse", "databricks", "hive", "mariadb", "mysql", "spark")
_BACKSLASHES = ("bigquery", "clickhouse", "databricks", "mariadb", "mysql", "spark")
_ALIAS = "q"  # of what is read; columns that go by it are never taken for text


@dataclass(frozen=True)
class Dialect:
    """How a database writes names and values.

    Attributes
    ----------
    name : str
        SQLAlchemy's name of it: "postgresql", "sqlite", "duckdb", "mysql", …
    """

    name: str

    def identifier(self, name: str) -> str:
        """A name in quotes, whatever it is made of.

        Examples
        --------
        >>> from statsmodels_ooc.sources.sql_dialects import Dialect
        >>> print(Dialect("sqlite").identifier('x"; drop table t'))
        "x""; drop table t"
        >>> print(Dialect("mysql").identifier("order"))
        `order`
        """
        if "\0" in name:
            raise OptionError(f"{name!r} cannot be the name of a column or a table")
        begin, end = self._marks
        return f"{begin}{name.replace(end, end + end)}{end}"

    @property
    def _marks(self) -> tuple[str, str]:
        if self.name in _BACKTICKS:
            return "`", "`"
        return ("[", "]") if self.name == "mssql" else ('"', '"')

    def literal(self, value: Any) -> str:
        """A value as it stands in a statement.

        Raises
        ------
        OptionError
            There is no way to write it.
        """
        if isinstance(value, bool):
            return str(int(value)) if self.name == "sqlite" else str(value).upper()
        if isinstance(value, float):
            return _float(value)
        if isinstance(value, int | Decimal):
            return str(value)
        if isinstance(value, bytes) and self.name == "sqlite":
            return f"x'{value.hex()}'"
        if isinstance(value, str):
            text = value.replace("\\", "\\\\") if self.name in _BACKSLASHES else value
            return "'" + text.replace("'", "''") + "'"
        if hasattr(value, "isoformat"):
            return f"'{value.isoformat(*(' ',) if hasattr(value, 'hour') else ())}'"
        raise OptionError(
            f"a {type(value).__name__} cannot bound a partition",
            hint="partition_on takes a column of numbers, dates, times or text",
        )


def _float(value: float) -> str:
    if math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    return repr(value)


@dataclass(frozen=True)
class Relation:
    """A table or a query, of which rows are selected.

    Attributes
    ----------
    text : str
        What stands behind FROM.
    dialect : Dialect
        How names are written.
    table : tuple of str
        The parts of the name of a table, or a view; none of a query.
    """

    text: str
    dialect: Dialect
    table: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: str, dialect: Dialect) -> Relation:
        """What a user wrote: a query, or the name of a table, perhaps with its schema.

        Examples
        --------
        >>> from statsmodels_ooc.sources.sql_dialects import Dialect, Relation
        >>> Relation.of("public.my table", Dialect("postgresql")).text
        '"public"."my table"'
        >>> print(Relation.of("select 1 as x;", Dialect("sqlite")).text)
        (
        select 1 as x
        )
        """
        if not is_query(query):
            parts = _parts(query)
            return cls(".".join(map(dialect.identifier, parts)), dialect, tuple(parts))
        bare = re.sub(r"[;\s]+\Z", "", query)
        return cls(f"(\n{bare}\n)", dialect)  # lines of their own: a comment may end it

    def column(self, name: str) -> str:
        """A column of it."""
        return f"{_ALIAS}.{self.dialect.identifier(name)}"

    def select(self, what: Sequence[str], where: str = "", order: Sequence[str] = ()) -> str:
        """The statement that reads some expressions in its columns."""
        text = f"SELECT {', '.join(what) or '1'} FROM {self.text} {_ALIAS}"
        text += f" WHERE {where}" if where else ""
        return text + (f" ORDER BY {', '.join(order)}" if order else "")

    @property
    def nothing(self) -> str:
        """The statement that has all columns and no row."""
        return self.select([f"{_ALIAS}.*"], "1 = 0")


_QUERY = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:\(|(?:select|with|values|from|table|pivot|summarize)\b[\s(*\"'/])",
    re.IGNORECASE | re.DOTALL,
)


def is_query(text: str) -> bool:
    """Whether text is a query, rather than the name of a table.

    Examples
    --------
    >>> from statsmodels_ooc.sources.sql_dialects import is_query
    >>> [is_query(text) for text in ("select * from t", "(table t)", "sales", "select")]
    [True, True, False, False]
    """
    return _QUERY.match(text) is not None


def _parts(name: str) -> list[str]:
    """The parts of a table's name, cut at dots outside of double quotes."""
    found = re.findall(r'\s*("(?:[^"]|"")*"|[^".]+)\s*(?:\.|\Z)', name)
    if not found or ".".join(found).replace(" ", "") != name.replace(" ", ""):
        return [name]
    return [
        part[1:-1].replace('""', '"') if part.startswith('"') else part.strip() for part in found
    ]
