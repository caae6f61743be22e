"""HDF5 files as h5py reads them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from statsmodels_ooc.errors import MissingExtraError, SourceNotFoundError
from statsmodels_ooc.sources.hdf5_layout import (
    Kind,
    Stored,
    enum_kind,
    plain_kind,
    stored_array,
    text_kind,
)
from statsmodels_ooc.sources.hdf5_opening import NodeKind, cache_bytes

_FORMAT = "PYTABLES_FORMAT_VERSION"
_HIDDEN = ("_i_", "_p_", "_c_")  # how names begin that PyTables keeps to itself


class H5pyReader:
    """A file that is open for h5py; see `hdf5_opening.Reader`."""

    def __init__(self, path: str) -> None:
        import h5py

        self._h5py = h5py
        self._path = path
        self._file: Any = h5py.File(path, "r", rdcc_nbytes=cache_bytes())

    @property
    def by_pytables(self) -> bool:
        """Whether PyTables wrote the file."""
        return _FORMAT in self._file.attrs

    def kind(self, path: str) -> NodeKind | None:
        link = self._file.get(path, getlink=True) if path != "/" else None
        if isinstance(link, self._h5py.ExternalLink):
            return "other"
        node = self._file.get(path)
        if node is None:
            return None
        if isinstance(node, self._h5py.Group):
            return "group"
        is_array = isinstance(node, self._h5py.Dataset) and node.shape
        return "array" if is_array else "other"

    def names(self, path: str) -> list[str]:
        hidden = _HIDDEN if self.by_pytables else ()
        return [name for name in self._file[path] if not name.startswith(hidden)]

    def stored(self, path: str) -> Stored:
        node = self._file[path]
        try:
            dtype = node.dtype
        except TypeError as error:
            raise MissingExtraError(
                f"{path!r} of {self._path} has values that h5py does not know: {error}",
                hint="PyTables may: pip install 'statsmodels_ooc[hdf5]'",
            ) from None
        if node.is_virtual:
            self._check_files(node)
        bits = set(self._bits(node.id.get_type(), ()))
        return stored_array(path, node.shape, node.chunks, dtype, partial(self._kind, bits))

    def _check_files(self, node: Any) -> None:
        """Refuse what is put together from other files, one of which is gone.

        HDF5 would give its fill value for the rows there.
        """
        folder = os.path.dirname(os.path.abspath(self._path))
        for name in sorted({source.file_name for source in node.virtual_sources()} - {"."}):
            places = (os.path.join(folder, name), name)
            if "%" not in name and not any(map(os.path.exists, places)):
                raise SourceNotFoundError(
                    f"{node.name!r} of {self._path} has rows of {name}, which is not there",
                    hint="put that file beside it: HDF5 gives zeros for what it does not find",
                )

    def _bits(self, kind: Any, inside: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Where the truth values of PyTables are, which h5py takes for numbers."""
        if isinstance(kind, self._h5py.h5t.TypeArrayID):
            kind = kind.get_super()
        if isinstance(kind, self._h5py.h5t.TypeBitfieldID):
            yield inside
        elif isinstance(kind, self._h5py.h5t.TypeCompoundID):
            for at in range(kind.get_nmembers()):
                name = kind.get_member_name(at).decode()
                yield from self._bits(kind.get_member_type(at), (*inside, name))

    def _kind(
        self, bits: Collection[tuple[str, ...]], inside: tuple[str, ...], dtype: np.dtype[Any]
    ) -> Kind | None:
        if inside in bits:
            return plain_kind(np.dtype(np.bool_)) if dtype.itemsize == 1 else None
        text = self._h5py.check_string_dtype(dtype)
        if text is not None:
            return text_kind(text.length)
        words = self._h5py.check_enum_dtype(dtype)
        return None if words is None else enum_kind(list(words.items()), dtype.itemsize)

    def pandas_type(self, path: str) -> str | None:
        if not self.by_pytables:
            return None
        found = self._file[path].attrs.get("pandas_type")
        return found.decode() if isinstance(found, bytes) else found

    def read(
        self, path: str, start: int, stop: int, columns: slice, fields: Sequence[str] | None
    ) -> Any:
        node = self._file[path]
        if fields is not None:
            return node.fields(list(fields))[start:stop]
        return np.asarray(node[start:stop] if node.ndim < 2 else node[start:stop, columns])

    def close(self) -> None:
        self._file.close()
