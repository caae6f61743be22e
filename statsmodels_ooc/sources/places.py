"""Where the files of a folder or of a pattern are, and what their folders say."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from statsmodels_ooc.sources.listing import Tree, folders, is_visible, matches
from statsmodels_ooc.sources.path_parts import FolderKeys, keys_below, natural
from statsmodels_ooc.sources.table_formats import check_no_table, check_not_in_table


def files_in_folder(
    tree: Tree, folder: str, root: str, suffixes: Collection[str], repeats: dict[str, str]
) -> dict[str, FolderKeys]:
    """The files of a folder and all below it, and the keys that their folders say."""
    check_not_in_table(tree, folder)
    paths = []
    for place, entries in folders(tree, folder, repeats):
        check_no_table(tree, place, entries)
        paths += [
            tree.join(place, entry.name)
            for entry in entries
            if entry.kind == "file"
            and is_visible(entry.name)
            and entry.name.lower().endswith(tuple(suffixes))
        ]
    return {path: keys_below(root, path) for path in sorted(paths, key=natural)}


def files_matching(
    tree: Tree,
    root: str,
    pattern: Sequence[str],
    suffixes: Collection[str],
    repeats: dict[str, str],
) -> dict[str, FolderKeys]:
    """The files that match a pattern, or are in a folder that does, and their keys."""
    found: dict[str, FolderKeys] = {}
    checked: set[str] = set()
    matching = matches(tree, root, pattern, repeats)
    for path, kind in sorted(matching, key=lambda match: natural(match[0])):
        if kind == "folder":
            found |= files_in_folder(tree, path, root, suffixes, repeats)
            continue
        folder = os.path.dirname(path)
        if folder not in checked:
            check_not_in_table(tree, folder)
            checked.add(folder)
        found.setdefault(path, keys_below(root, path))
    return found
