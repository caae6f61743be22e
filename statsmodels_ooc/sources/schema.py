"""One schema over all pieces of a source, and how its fields are delivered."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import pandas as pd
import pyarrow as pa

from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.columns import (
    Column,
    check_unique,
    common_type,
    delivered_type,
)

__all__ = [
    "DECLARED",
    "check_same_columns",
    "common_schema",
    "declared_categories",
    "delivered",
    "is_unnamed_index",
]

DECLARED = b"statsmodels-ooc:categories"  # a key of a field's metadata: its levels are declared


def common_schema(schemas: Sequence[tuple[str, pa.Schema]]) -> pa.Schema:
    """The columns of the first schema, with types that fit all of them.

    Parameters
    ----------
    schemas : sequence of (str, pyarrow.Schema)
        Where the schema was found, and the schema.

    Raises
    ------
    SchemaError
        When a column is missing somewhere, or its types are different kinds of data;
        the message names both places.
    """
    first_place, first = schemas[0]
    names = [name for name in first.names if not is_unnamed_index(name)]
    for place, schema in schemas:
        found = [name for name in schema.names if not is_unnamed_index(name)]
        check_unique(found, place)
        check_same_columns(first_place, names, place, found)
    fields = []
    for name in names:
        types = [(place, schema.field(name).type) for place, schema in schemas]
        nullable = any(schema.field(name).nullable for _, schema in schemas)
        fields.append(pa.field(name, common_type(types, name), nullable))
    return pa.schema(fields)


def check_same_columns(
    first: str, names: Collection[str], second: str, found: Collection[str]
) -> None:
    """Refuse two tables of which one has a column that the other lacks."""
    for has, columns, lacks, others in (
        (first, names, second, found),
        (second, found, first, names),
    ):
        known = set(others)
        absent = next((name for name in columns if name not in known), None)
        if absent is not None:
            raise SchemaError(
                f"{lacks} has no column {absent!r}, which {has} has",
                hint="every file of a source, and every frame, needs the same columns",
            )


def is_unnamed_index(name: str) -> bool:
    """Whether a stored column is a pandas index without a name."""
    return str(name).startswith("__index_level_") and str(name).endswith("__")


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
    field: pa.Field, nullable: bool | None, category: pd.CategoricalDtype | None = None
) -> Column:
    """How a field of the common schema is delivered."""
    return Column(field.name, delivered_type(field.type), nullable, category)
