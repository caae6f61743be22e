"""Checks of what `read_csv` was given."""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Collection, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from statsmodels_ooc.errors import OptionError
from statsmodels_ooc.sources.csv_format import NULL_VALUES, CsvFormat
from statsmodels_ooc.sources.dask_frame import parse_bytes

_OWN = {
    "sep": "delimiter",
    "dtype": "dtypes",
    "na_values": "null_values",
    "names": "column_names",
    "quotechar": "quote_char",
    "escapechar": "escape_char",
    "decimal": "decimal_point",
}

_OTHERWISE = {
    "chunksize": "the file is read in pieces of block_size= bytes",
    "compression": "the file's name says it: .gz, .bz2, .zst, .xz, .zip",
    "converters": "write the function into the formula, or the type into dtypes=",
    "date_format": "write the function into the formula",
    "delim_whitespace": "delimiter=r'\\s+'",
    "encoding_errors": "encoding= names the encoding that the file has",
    "date_parser": "write the function into the formula",
    "dayfirst": "write pd.to_datetime(day, dayfirst=True) into the formula",
    "dialect": "delimiter=, quote_char= and escape_char= say the same",
    "doublequote": "two quotes in a quoted field are one, as they are by default",
    "dtype_backend": "columns have NumPy's types, masked ones where whole numbers are missing",
    "false_values": "read the column as text, and write (answer == 'yes') into the formula",
    "iterator": "the file is read in pieces of block_size= bytes",
    "lineterminator": "lines end with \\n, \\r\\n or \\r",
    "na_filter": "null_values=[] where nothing marks a missing value",
    "index_col": "an index is a column like others",
    "keep_default_na": "null_values= replaces what marks a missing value, na_values= adds to it",
    "nrows": "subset= of the model chooses rows",
    "on_bad_lines": "a row with another number of fields is an error that names its line: mend it",
    "quoting": "quote_char=None where quotes mean nothing",
    "skip_blank_lines": "blank lines are passed over",
    "skip_rows": "skiprows=",
    "skipfooter": "cut the last lines off, or mark them with the character of comment=",
    "skipinitialspace": "remove blanks behind separators; delimiter=r'\\s+' where they separate",
    "true_values": "read the column as text, and write (answer == 'yes') into the formula",
    "usecols": "only the columns of the formula are read",
}


def under_own_names(own: Mapping[str, Any], pandas_names: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `read_csv` by its own names, some of them given by pandas'.

    Raises
    ------
    OptionError
        A name is unknown, or a value was given by both its names.
    """
    options = dict(own)
    given = {name: value for name, value in pandas_names.items() if name not in _OF_PARSERS}
    _apply_header(options, given)
    _apply_dates(options, given)
    for name, value in given.items():
        if name not in _OWN:
            raise _unknown(name, own)
        if own[_OWN[name]] not in (None, '"', "."):
            raise OptionError(f"{name}= and {_OWN[name]}= are the same option", hint="give one")
        options[_OWN[name]] = _with_usual(value) if name == "na_values" else value
    return options


_OF_PARSERS = {"cache_dates", "engine", "float_precision", "low_memory", "memory_map"}  # of pandas


def _apply_header(options: dict[str, Any], given: dict[str, Any]) -> None:
    """What ``header=`` says of the names of columns."""
    header = given.pop("header", "infer")
    if header == "infer" or (header == 0 and not isinstance(header, bool)):
        if header == "infer" or not ({"names"} & set(given) or options["column_names"]):
            return
        raise OptionError(
            "header=0 and names= replace the header of a file",
            hint="skiprows=1 and column_names=[...] do so",
        )
    if header is None:
        if "names" not in given and options["column_names"] is None:
            raise OptionError(
                "header=None needs names for the columns", hint="such as column_names=['y', 'x']"
            )
        return
    raise OptionError(
        f"header={header!r} is not known: the header is the first line that is not skipped",
        hint=f"skiprows={header} where that many lines stand before it; column_names=[...] is for "
        "files without one",
    )


def _apply_dates(options: dict[str, Any], given: dict[str, Any]) -> None:
    """What ``parse_dates=`` says of the types of columns."""
    names = given.pop("parse_dates", False)
    if names is False or names is None:
        return
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise OptionError(
            f"parse_dates={names!r} must be a list of names of columns",
            hint="such as parse_dates=['day']",
        )
    dtypes = checked_dtypes(given.pop("dtype", options["dtypes"]))
    twice = next((name for name in names if name in dtypes), None)
    if twice is not None:
        raise OptionError(f"parse_dates= and dtypes= both say what {twice!r} is", hint="give one")
    options["dtypes"] = {**dtypes, **dict.fromkeys(names, "datetime64[us]")}


def _unknown(name: str, own: Mapping[str, Any]) -> OptionError:
    known = [*own, *_OWN, "block_size", "comment", "encoding", "newlines_in_values"]
    known += ["filesystem", "header", "parse_dates", "skiprows", "storage_options", "thousands"]
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    hint = _OTHERWISE.get(name)
    if hint is None and near:
        hint = "did you mean " + " or ".join(f"{item}=" for item in near) + "?"
    return OptionError(
        f"read_csv has no option {name!r}", hint=hint or f"its options are {', '.join(known)}"
    )


def _with_usual(values: Any) -> tuple[str, ...]:
    if isinstance(values, Mapping):
        raise OptionError(
            "na_values= is the same for all columns here",
            hint="give a list, or dtypes= for the columns where it must not hold",
        )
    more = [values] if np.isscalar(values) else list(values)
    return (*NULL_VALUES, *map(str, more))


def checked_dtypes(dtypes: Any) -> dict[str, Any]:
    """The types of some columns.

    Raises
    ------
    OptionError
        It is no mapping.
    """
    if dtypes is not None and not isinstance(dtypes, Mapping):
        raise OptionError(
            f"dtypes={dtypes!r} is not a mapping from columns to types",
            hint="such as dtypes={'code': str}",
        )
    return dict(dtypes or {})


def csv_format(
    *,
    delimiter: Any,
    null_values: Collection[str] | str | None,
    block_size: int | str,
    column_names: Sequence[str] | None,
    encoding: str,
    skiprows: Any,
    newlines_in_values: bool,
    **characters: Any,
) -> CsvFormat:
    """The options as one checked object.

    Raises
    ------
    OptionError
        For a value that is not allowed; the message says what is.
    """
    blanks = delimiter in _BLANKS
    characters["delimiter"] = "\t" if blanks else delimiter
    for name, value in characters.items():
        if value is None and name in _OPTIONAL:
            continue
        if not isinstance(value, str) or len(value) != 1:
            also = " or r'\\s+'" if name == "delimiter" else ""
            raise OptionError(
                f"{name}={value!r} must be one character{also}",
                hint=_ANY_SEPARATOR if name == "delimiter" else None,
            )
    if characters["thousands"] == characters["decimal_point"]:
        raise OptionError(
            f"{characters['thousands']!r} cannot be both the decimal mark and the mark between "
            "thousands",
            hint="such as thousands='.', decimal_point=','",
        )
    if newlines_in_values and (blanks or characters["comment"] is not None):
        raise OptionError(
            "comments and runs of blanks are found line by line, which newlines_in_values=True "
            "does not allow",
            hint="clean the file first",
        )
    if isinstance(skiprows, (bool, np.bool_)) or not isinstance(skiprows, Integral) or skiprows < 0:
        raise OptionError(
            f"skiprows={skiprows!r} must be a number of lines",
            hint="lines among the rows are left out with comment=, or with subset= of the model",
        )
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise OptionError(
            f"encoding={encoding!r} is unknown", hint="such as 'utf8', 'latin-1', 'cp1252'"
        ) from None
    marks = [null_values] if isinstance(null_values, str) else null_values
    return CsvFormat(
        null_values=NULL_VALUES if marks is None else tuple(marks),
        block_size=_bytes(block_size),
        column_names=None if column_names is None else tuple(column_names),
        encoding=encoding,
        skiprows=int(skiprows),
        newlines_in_values=newlines_in_values,
        blanks=blanks,
        **characters,
    )


_ANY_SEPARATOR = "pd.read_csv(path, sep=..., engine='python', chunksize=100_000) is a source"
_OPTIONAL = ("quote_char", "escape_char", "comment", "thousands")
_BLANKS = (r"\s+", r"[ \t]+", " +")  # what pandas' users write for them


def _bytes(value: int | str) -> int:
    try:
        size = parse_bytes(value)
    except (TypeError, ValueError) as error:
        raise OptionError(f"block_size={value!r}: {error}", hint="such as '16 MiB'") from None
    if size < 1:
        raise OptionError(f"block_size={value!r} must be positive", hint="such as '16 MiB'")
    return size
