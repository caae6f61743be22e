"""Loops over rows in machine code, made by numba: the extra ``fast``.

Each file calls loops of its own alone, or others by address: numba keeps what it has made beside
the file and looks at that file only to see whether it is still right.
"""
