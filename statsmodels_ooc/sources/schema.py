"""One schema over all pieces of a source: its fields, and the index that pandas stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from statsmodels_ooc.cached import cached_property
from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.columns import Column, check_unique, common_type, delivered_type
from statsmodels_ooc.sources.frames import categories_of, check_zone, foreign_bytes, union

DECLARED = b"statsmodels-ooc:categories"  # a key of a field's metadata: its levels are declared

_CONVERT = "convert one of them, or leave the file out of the source"


class CommonSchema:
    """The columns of several schemas, with a type for each that fits all of them.

    A column is looked at when it is asked for: others may be missing somewhere, or of
    different kinds of data, as long as nobody needs them.

    Parameters
    ----------
    schemas : sequence of (str, pyarrow.Schema)
        Where the schema was found, and the schema.
    hint : str
        What to do about a column that is of different kinds of data.
    without_value : callable, optional
        Whether a column has no value wherever it is of a type; asked where types conflict.

    Attributes
    ----------
    names : tuple of str
        The columns in the order in which they turn up.
    declared : frozenset of str
        Those whose dictionaries declare levels somewhere; see `declared_categories`.
    """

    def __init__(
        self,
        schemas: Sequence[tuple[str, pa.Schema]],
        hint: str = _CONVERT,
        without_value: Callable[[str, pa.DataType], bool] | None = None,
    ) -> None:
        self._hint = hint
        self._without_value = without_value
        self._untyped: dict[str, set[pa.DataType]] = {}
        places: dict[pa.Schema, str] = {}
        self._noted: list[tuple[str, pa.Schema]] = []
        before, has_dictionaries = None, False
        for place, schema in schemas:
            if before is None or not schema.equals(before):  # a hash of it takes longer
                before, has_dictionaries = schema.remove_metadata(), _has_dictionaries(schema)
                places.setdefault(before, place)
            if has_dictionaries:
                self._noted.append((place, schema))
        self._schemas = [(place, schema) for schema, place in places.items()]
        found = (name for schema in places for name in schema.names)
        self.names = tuple(name for name in dict.fromkeys(found) if not is_unnamed_index(name))

    @cached_property
    def declared(self) -> frozenset[str]:
        found: set[str] = set()
        for place, schema in self._noted:
            with foreign_bytes(place, "a table with metadata of pandas"):
                found |= declared_categories(schema)
        return frozenset(found)

    def position(self, name: str) -> int:
        """Where a column stands in the first schema that has it, once."""
        found = (schema.get_field_index(name) for _, schema in self._schemas)
        return next((at for at in found if at >= 0), 0)

    def field(self, name: str) -> pa.Field:
        """A column's name, its type, and whether nulls are allowed somewhere.

        Raises
        ------
        SchemaError
            When the column is missing somewhere, twice somewhere, or its types are
            different kinds of data; the message names both places.
        """
        found = [(place, schema.get_all_field_indices(name)) for place, schema in self._schemas]
        has = next(place for place, positions in found if positions)
        for place, positions in found:
            if not positions:
                raise SchemaError(
                    f"{place} has no column {name!r}, which {has} has",
                    hint="every file of a source needs the columns that are used",
                )
            check_unique([name] * len(positions), place)
        fields = [(place, schema.field(name)) for place, schema in self._schemas]
        kind = self._type(name, [(place, field.type) for place, field in fields])
        check_zone(kind, has)
        return pa.field(name, kind, any(field.nullable for _, field in fields))

    def _type(self, name: str, types: list[tuple[str, pa.DataType]]) -> pa.DataType:
        """One type for a column; where types conflict, that of missing values is none."""
        kinds = {kind for _, kind in types}
        self._untyped[name] = {kind for kind in kinds if pa.types.is_null(kind)}
        try:
            return common_type(types, name, self._hint)
        except SchemaError:
            if self._without_value is None:
                raise
        missing = {kind for kind in kinds if self._without_value(name, kind)}
        self._untyped[name] |= missing
        typed = [(place, pa.null() if kind in missing else kind) for place, kind in types]
        return common_type(typed, name, self._hint)

    def untyped(self, name: str) -> Collection[pa.DataType]:
        """The types of a column that count as none: it has no value where it is of them."""
        if name not in self._untyped:
            self.field(name)
        return self._untyped[name]


def check_same_columns(
    first: str, names: Collection[str], second: str, found: Collection[str]
) -> None:
    """Refuse two tables of which one has a column that the other lacks."""
    sides = (first, names, second, found), (second, found, first, names)
    for has, columns, lacks, others in sides:
        known = set(others)
        absent = [name for name in columns if name not in known]
        if absent:
            raise SchemaError(
                f"{lacks} has no column {absent[0]!r}, which {has} has",
                hint="every frame needs the same columns",
            )


def is_unnamed_index(name: str) -> bool:
    """Whether a stored column is a pandas index without a name."""
    return str(name).startswith("__index_level_") and str(name).endswith("__")


def _has_dictionaries(schema: pa.Schema) -> bool:
    return any(pa.types.is_dictionary(kind) for kind in schema.types)


def declared_categories(schema: pa.Schema) -> frozenset[str]:
    """The columns whose dictionaries declare levels and their order.

    An ordered dictionary does, and one that pandas wrote of a Categorical, or polars of an
    Enum. Elsewhere a dictionary is how values are stored: its order is an accident.
    """
    noted = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    by_pandas = {
        item["name"]
        for item in noted.get("columns", [])
        if item.get("pandas_type") == "categorical"
    }
    return frozenset(
        field.name
        for field in schema
        if pa.types.is_dictionary(field.type)
        and (field.type.ordered or field.name in by_pandas or DECLARED in (field.metadata or {}))
    )


def delivered(
    field: pa.Field, nullable: bool | None, dictionaries: Iterable[pa.Array] | None = None
) -> Column:
    """How a field of the common schema is delivered, which may have dictionaries of levels."""
    category = None if dictionaries is None else categories_of(field.type, union(dictionaries))
    return Column(field.name, delivered_type(field.type), nullable, category)


def hold_nulls(files: Iterable[bool | None]) -> bool | None:
    """Whether nulls occur in some of several files; None where one does not tell and none has any.

    Examples
    --------
    >>> from statsmodels_ooc.sources.schema import hold_nulls
    >>> hold_nulls([False, None]), hold_nulls([None, True]), hold_nulls([False])
    (None, True, False)
    """
    flags = set(files)
    return True if True in flags else None if None in flags else False


_WHAT = "a table of pandas with an index"


@dataclass(frozen=True)
class StoredIndex:
    """Where the labels of some rows of a table are."""

    place: str
    metadata: dict[bytes, bytes]  # of the table's schema, which says how pandas had them
    columns: tuple[str, ...]  # that hold them; none where they are a range
    span: range  # of the whole table
    name: Any

    def labels(
        self, before: int, rows: int | None, read: Callable[[Sequence[str]], pa.Table]
    ) -> pd.Index[Any]:
        """The labels of so many rows, or all, behind those before; ``read`` gives their table."""
        if self.columns:
            table = read(self.columns).replace_schema_metadata(self.metadata)
            with foreign_bytes(self.place, _WHAT):
                labels: pd.Index[Any] = table.to_pandas().index
            return labels
        return pd.RangeIndex(self.span[before:][:rows], name=self.name)


def stored_index(schemas: Sequence[tuple[str, pa.Schema]]) -> StoredIndex | None:
    """The index of a table in one or several pieces, as pandas reads it.

    None where pandas would number the rows: it stored none, or the one that numbers them,
    or several pieces have ranges of their own.

    Raises
    ------
    ParseError
        What pandas says of the index cannot be read.
    """
    found = set()
    for place, schema in schemas:
        with foreign_bytes(place, _WHAT):
            found.add(_described(schema))
    if len(found) != 1:
        return None
    columns, span, name = found.pop()
    is_plain = (span.start, span.step) == (0, 1)
    if not columns and (is_plain or len(schemas) > 1):
        return None
    return StoredIndex(schemas[0][0], dict(schemas[0][1].metadata), columns, span, name)


def _described(schema: pa.Schema) -> tuple[tuple[str, ...], range, Any]:
    """What a schema says of the index: its columns, or a range and its name."""
    described = (schema.pandas_metadata or {}).get("index_columns") or []
    columns = tuple(one for one in described if isinstance(one, str) and one in schema.names)
    if columns or len(described) != 1 or not isinstance(described[0], dict):
        return columns, range(0), None
    one = described[0]
    return (), range(one["start"], one["stop"], one["step"]), one.get("name")
