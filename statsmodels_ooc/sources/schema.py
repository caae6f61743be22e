"""One schema over all pieces of a source, and how its fields are delivered."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from statsmodels_ooc.errors import SchemaError
from statsmodels_ooc.sources.columns import (
    Column,
    check_unique,
    common_type,
    delivered_type,
)

__all__ = ["common_schema", "delivered", "is_unnamed_index"]


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
        _check_same(names, first_place, found, place)
        _check_same(found, place, names, first_place)
    fields = []
    for name in names:
        types = [(place, schema.field(name).type) for place, schema in schemas]
        nullable = any(schema.field(name).nullable for _, schema in schemas)
        fields.append(pa.field(name, common_type(types, name), nullable))
    return pa.schema(fields)


def _check_same(names: list[str], has: str, found: list[str], lacks: str) -> None:
    known = set(found)
    absent = [name for name in names if name not in known]
    if absent:
        raise SchemaError(
            f"{lacks} has no column {absent[0]!r}, which {has} has",
            hint="every file of a source needs the same columns",
        )


def is_unnamed_index(name: str) -> bool:
    """Whether a stored column is a pandas index without a name."""
    return str(name).startswith("__index_level_") and str(name).endswith("__")


def delivered(
    field: pa.Field, nullable: bool | None, category: pd.CategoricalDtype | None = None
) -> Column:
    """How a field of the common schema is delivered."""
    return Column(field.name, delivered_type(field.type, nullable), nullable, category)
