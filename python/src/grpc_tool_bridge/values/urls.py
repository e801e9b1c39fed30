"""The type URLs of values, and the limits that every SDK keeps."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "type.googleapis.com/"
STRING: Final = PREFIX + "google.protobuf.StringValue"
BOOL: Final = PREFIX + "google.protobuf.BoolValue"
INT64: Final = PREFIX + "google.protobuf.Int64Value"
DOUBLE: Final = PREFIX + "google.protobuf.DoubleValue"
BYTES: Final = PREFIX + "google.protobuf.BytesValue"
JSON_VALUE: Final = PREFIX + "google.protobuf.Value"
JSON_LIST: Final = PREFIX + "google.protobuf.ListValue"
JSON_STRUCT: Final = PREFIX + "google.protobuf.Struct"
VALUE: Final = PREFIX + "dspex.bridge.Value"
PYTHON: Final = PREFIX + "python."
STREAMED: Final = "stream.dspex.bridge/"
"""The prefix of what stands for a table that travels in pieces."""

FRAME_KINDS: Final = frozenset(
    {
        "pandas.DataFrame",
        "pandas.Series",
        "polars.DataFrame",
        "polars.Series",
        "pyarrow.Table",
        "numpy.ndarray",
    }
)
"""The kinds of tables, series and arrays: type URLs without their prefix."""

NAT: Final = "pandas.NaT"
NA: Final = "pandas.NA"
"""What pandas has for a missing moment and a missing cell: type URLs without their prefix, and no bytes."""

MAX_DEPTH: Final = 64
"""Levels of containers; the outermost is level 1."""

MAX_DIGITS: Final = 4_300
"""Digits of an int, CPython's own limit."""

MAX_EXPONENT: Final = 10**18 - 1
"""The exponent of a decimal in its text, in either direction: the largest that ``decimal`` has."""

MAX_ELEMENTS: Final = 16 * 1024 * 1024
"""Items of containers in one value; those outside of packed runs count twice. Each takes so many bytes
or more, so more never fit a message."""

FEW_ELEMENTS: Final = 1024 * 1024
"""So many elements are encoded before those of the whole value are counted."""

MAX_CHARACTERS: Final = 256 * 1024 * 1024
"""Characters and bytes of all texts, keys, tables and the like in one value, each as often as it travels: a part
that is in many places takes no memory before it is encoded. It is far above what a bridge lets pass by default."""

MAX_JSON_PARTS: Final = 10 * 1024 * 1024
"""Parts of a JSON text that is read. Each takes a byte or more, and a bridge lets so many pass by default."""

SMALL_ELEMENTS: Final = 64
"""A list or dict of at most so many elements may travel as ListValue or Struct."""

SMALL_LEVELS: Final = 16
"""A list or dict of at most so many levels may travel as ListValue or Struct."""

PLAIN_LEVELS: Final = 32
"""With plain_values, so many levels: each is up to three messages, and decoders stop at 100."""

MAX_EXACT: Final = 2**53
"""Ints up to here, in either direction, are exact as doubles."""
