"""Which tables a file of HDF5 holds, and the one that a key means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from statsmodels_ooc.errors import SchemaError, SourceError
from statsmodels_ooc.sources.columns import check_unique
from statsmodels_ooc.sources.hdf5_layout import Field, Layout, Stored, renamed
from statsmodels_ooc.sources.hdf5_opening import Reader

_MOST_LISTED = 20
_WIDEST = 2  # dimensions of an array that has columns


@dataclass(frozen=True)
class PandasTable:
    """A group that pandas wrote.

    Attributes
    ----------
    key : str
        Its path.
    kind : str
        What pandas calls it: "frame_table", or "frame" in the fixed format.
    """

    key: str
    kind: str

    @property
    def is_fixed(self) -> bool:
        """Whether it is in the format that can only be read as a whole."""
        return not self.kind.endswith("_table")


def find_table(reader: Reader, key: str | None, place: str) -> Layout | PandasTable:
    """The table that a key means, or the only one.

    Parameters
    ----------
    reader : Reader
        The open file.
    key : str or None
        The path of an array, a table or a group.
    place : str
        The file, for messages.

    Raises
    ------
    SourceError
        There is no such key; none is given and there are several tables, which are listed;
        what is there is no table.
    """
    if key is None:
        key = _only(reader, place)
    path = "/" + key.strip("/")
    kind = reader.kind(path)
    if kind is None:
        known = [name for name, _ in _tables(reader, "/")]
        raise SourceError(
            f"{place} has no key {key!r}",
            hint=f"its keys are {_listed(known)}" if known else "it holds no table",
        )
    if kind == "other":
        raise SourceError(
            f"{path!r} of {place} is neither an array with rows, nor a table or a group of them",
            hint="arrays of variable length, links to other files and single values are no tables",
        )
    if kind == "array":
        return _of_array(reader.stored(path), place)
    pandas = reader.pandas_type(path)
    if pandas is not None:
        return PandasTable(path, pandas)
    return _of_group(reader, path, place)


def _only(reader: Reader, place: str) -> str:
    found = list(_tables(reader, "/"))
    if not found:
        raise SourceError(
            f"{place} holds no table",
            hint="a table is a table of PyTables or pandas, an array of one or two dimensions, "
            "or a group of arrays of the same length",
        )
    if len(found) > 1:
        listed = _listed([f"{key} ({what})" for key, what in found])
        is_store = {"/exog", "/endog", "/marks", "/about"} <= {key for key, _ in found}
        raise SourceError(
            f"{place} holds several tables: {listed}",
            hint="it is a design store: smo.open_store(path)"
            if is_store
            else f"say which: smo.read_hdf(path, {found[0][0]!r})",
        )
    return found[0][0]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def _tables(reader: Reader, path: str) -> Iterator[tuple[str, str]]:
    """What could be meant below a group: its path, and what it is."""
    if reader.pandas_type(path) is not None:
        yield path, f"pandas, {reader.pandas_type(path)}"
        return
    groups, arrays = [], []
    for name in reader.names(path):
        below = f"{path.rstrip('/')}/{name}"
        kind = reader.kind(below)
        if kind == "group":
            groups.append(below)
        elif kind == "array":
            arrays.append(reader.stored(below))
    if len(arrays) > 1 and _are_columns(arrays):
        yield path, f"{len(arrays):,} columns of {arrays[0].shape[0]:,} rows"
    else:
        for stored in arrays:
            if len(stored.shape) <= _WIDEST and stored.fields:
                yield stored.path, " × ".join(f"{n:,}" for n in stored.shape)
    for group in groups:
        yield from _tables(reader, group)


def _are_columns(arrays: Sequence[Stored]) -> bool:
    lengths = {stored.shape[0] for stored in arrays}
    plain = all(len(s.shape) == 1 and not s.fields[0].inside for s in arrays if s.fields)
    return len(lengths) == 1 and plain and all(stored.fields for stored in arrays)


def _of_array(stored: Stored, place: str) -> Layout:
    if len(stored.shape) > _WIDEST or not stored.fields:
        raise SourceError(
            f"{stored.path!r} of {place} has {len(stored.shape)} dimensions or fields of fields: "
            f"{stored.shape}",
            hint="a table has rows and columns: write the array again with two dimensions",
        )
    fields = stored.fields
    if len(stored.shape) == _WIDEST:
        fields = renamed(fields, [f"x{number}" for number in range(len(fields))])
    check_unique([field.name for field in fields], f"{stored.path!r} of {place}")
    widths = ((stored.path, stored.row_bytes),)
    return Layout(stored.path, stored.shape[0], stored.chunk_rows, fields, widths)


def _of_group(reader: Reader, path: str, place: str) -> Layout:
    """The arrays of a group side by side; those of two dimensions have a column for each."""
    below = [f"{path.rstrip('/')}/{name}" for name in reader.names(path)]
    arrays = [reader.stored(one) for one in below if reader.kind(one) == "array"]
    if not arrays:
        raise SourceError(
            f"the group {path!r} of {place} holds no array",
            hint=f"its keys are {_listed([key for key, _ in _tables(reader, path)])}",
        )
    first = arrays[0]
    for stored in arrays:
        if stored.shape[0] != first.shape[0]:
            raise SchemaError(
                f"the arrays of the group {path!r} of {place} are of different lengths: "
                f"{first.path!r} has {first.shape[0]:,} rows and {stored.path!r} "
                f"{stored.shape[0]:,}",
                hint="name one of them: its path is a key",
            )
        if len(stored.shape) > _WIDEST or not stored.fields:
            raise SchemaError(
                f"{stored.path!r} of {place} has the shape {stored.shape}, and is no column",
                hint="name another array: its path is a key",
            )
    fields = tuple(field for stored in arrays for field in stored.fields)
    check_unique([field.name for field in fields], f"the group {path!r} of {place}")
    widths = tuple((stored.path, stored.row_bytes) for stored in arrays)
    chunk = max(stored.chunk_rows for stored in arrays)
    return Layout(path, first.shape[0], chunk, fields, widths)


def named(layout: Layout, columns: Sequence[str] | None, place: str) -> Layout:
    """The table with the names that somebody gives to its columns.

    Raises
    ------
    SchemaError
        They are more or fewer than its columns, or two are the same.
    """
    if columns is None:
        return layout
    names, fields = list(columns), layout.fields
    if len(names) != len(fields):
        raise SchemaError(
            f"{layout.key!r} of {place} has {len(fields):,} columns, and columns= names "
            f"{len(names):,}",
            hint="give a name for each column",
        )
    check_unique(names, f"columns= for {layout.key!r} of {place}")
    return replace(layout, fields=renamed(fields, names))


def arrays_of(fields: Sequence[Field]) -> dict[str, list[Field]]:
    """The arrays that columns stand in, and for each these columns."""
    found: dict[str, list[Field]] = {}
    for field in fields:
        found.setdefault(field.node, []).append(field)
    return found
