"""Folders of which a log says which files count: Delta, Iceberg and Hudi tables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from statsmodels_ooc.errors import SourcePermissionError, TableFormatError
from statsmodels_ooc.sources.listing import Entry, Tree

_ICEBERG = re.compile(r"(?:v|0*)([0-9]+)(?:-[^/]*)?\.(?:gz\.)?metadata\.json")


def check_no_table(tree: Tree, folder: str, entries: Sequence[Entry]) -> None:
    """Refuse a folder that a table's log describes.

    Its files are not its rows: those of earlier versions and of deleted rows stay.

    Raises
    ------
    TableFormatError
        It is one; the hint is the line that reads its current rows.
    """
    inside = {entry.name for entry in entries if entry.kind == "folder"}
    if "_delta_log" in inside:
        raise _refused(folder, "Delta", f"smo.read_delta({folder!r})", "deltalake")
    if ".hoodie" in inside:
        builder = f"hudi.HudiTableBuilder.from_base_uri({folder!r})"
        raise _refused(folder, "Hudi", f"smo.as_source(iter({builder}.build().read()))", "hudi")
    if "metadata" in inside:
        _check_no_iceberg(tree, folder)


def _check_no_iceberg(tree: Tree, folder: str) -> None:
    metadata = tree.join(folder, "metadata")
    names = [entry.name for entry in tree.entries(metadata)]
    versions = [(int(found[1]), name) for name in names if (found := _ICEBERG.fullmatch(name))]
    if versions:
        newest = tree.join(metadata, max(versions)[1])
        raise _refused(folder, "Iceberg", f"smo.read_iceberg({newest!r})", "'pyiceberg[pyarrow]'")


def _refused(folder: str, kind: str, rows: str, package: str) -> TableFormatError:
    return TableFormatError(
        f"{folder} is {'an' if kind[0] in 'I' else 'a'} {kind} table: its folder also holds files "
        "of rows that were overwritten or deleted",
        hint=f"read the current rows: {rows} (pip install {package})",
        kind=kind,
        folder=folder,
    )


def check_not_in_table(tree: Tree, folder: str) -> None:
    """Refuse a folder inside a table: where the data files are, or ``key=value`` folders.

    Raises
    ------
    TableFormatError
        It is one.
    """
    for place in _roots(folder):
        with suppress(SourcePermissionError):  # whoever may not look there did not mean it
            inside = [Entry(name, "folder") for name in _LOGS if _is_folder(tree, place, name)]
            check_no_table(tree, place, inside)


_LOGS = ("_delta_log", ".hoodie", "metadata")


def _is_folder(tree: Tree, place: str, name: str) -> bool:
    return tree.kind(tree.join(place, name)) == "folder"


def _roots(folder: str) -> Iterator[str]:
    """What the root of a table could be, if the folder is inside it."""
    place = folder.replace("\\", "/").rstrip("/")
    while "=" in posixpath.basename(place):
        place = posixpath.dirname(place)
    yield place or "."
    if posixpath.basename(place) == "data":
        yield posixpath.dirname(place) or "."
