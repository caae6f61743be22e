"""HDF5 files as PyTables reads them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from statsmodels_ooc.errors import SourceError
from statsmodels_ooc.sources.hdf5_layout import Kind, Stored, enum_kind, stored_array
from statsmodels_ooc.sources.hdf5_opening import NodeKind, cache_bytes


class TablesReader:
    """A file that is open for PyTables; see `hdf5_opening.Reader`."""

    def __init__(self, path: str) -> None:
        import tables

        self._tables = tables
        self._path = path
        with _quiet():
            self._file: Any = tables.open_file(path, "r", chunk_cache_size=cache_bytes())
        self._soft: dict[str, Any] = {}

    @property
    def by_pytables(self) -> bool:
        """Whether PyTables wrote the file."""
        return str(self._file.format_version) != "unknown"

    def _node(self, path: str) -> Any:
        with _quiet():
            node = self._file.get_node(path)
            if isinstance(node, self._tables.link.SoftLink):
                return node()
        if isinstance(node, self._tables.link.ExternalLink):
            raise SourceError(
                f"{path!r} of {self._path} is a link to another file, {node.extfile}",
                hint="read that file",
            )
        return node

    def kind(self, path: str) -> NodeKind | None:
        try:
            node = self._node(path)
        except self._tables.NoSuchNodeError:
            return None
        if isinstance(node, self._tables.Group):
            return "group"
        kinds = (self._tables.Array, self._tables.Table)
        is_array = isinstance(node, kinds) and not isinstance(node, self._tables.VLArray)
        return "array" if is_array else "other"

    def names(self, path: str) -> list[str]:
        with _quiet():
            return sorted(self._node(path)._v_children)

    def stored(self, path: str) -> Stored:
        node = self._node(path)
        return stored_array(
            path, node.shape, node.chunkshape, node.dtype, _Kinds(node, self._tables)
        )

    def pandas_type(self, path: str) -> str | None:
        try:
            return str(self._file.get_node_attr(path, "pandas_type"))
        except AttributeError:
            return None

    def read(
        self, path: str, start: int, stop: int, columns: slice, fields: Sequence[str] | None
    ) -> Any:
        node = self._node(path)
        if fields is None:
            return np.asarray(node[start:stop] if node.ndim < 2 else node[start:stop, columns])
        if len(fields) == 1:
            only = np.asarray(node.read(start, stop, field=fields[0]))
            return {fields[0]: only}
        return node.read(start, stop)

    def close(self) -> None:
        self._file.close()


class _Kinds:
    """What PyTables says of a type beyond NumPy's."""

    def __init__(self, node: Any, tables: Any) -> None:
        self._node, self._tables = node, tables

    def __call__(self, inside: tuple[str, ...], dtype: np.dtype[Any]) -> Kind | None:
        node = self._node
        if isinstance(node, self._tables.Table):
            name = "/".join(inside)
            is_enum = node.coltypes[name] == "enum"
            found = node.get_enum(name) if is_enum else None
        else:
            found = node.get_enum() if node.atom.kind == "enum" else None
        return None if found is None else enum_kind(list(found), dtype.itemsize)


@contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of what PyTables cannot read, and of names that are no identifiers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
