"""Loops over rows in machine code, made by numba: the extra ``fast``.

numba keeps what it has made beside a file, and looks at that file only to see whether it is still
right. So each file calls loops of its own alone, or others by address, and whoever uses files
without loops (`intrinsics`, `program`) holds their checksum in `BESIDE`: when they change, it does.
"""
