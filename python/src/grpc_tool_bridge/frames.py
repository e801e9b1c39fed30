"""Tables, series and arrays of pandas, polars, pyarrow and numpy as Arrow IPC streams.

Imported on first use, and the libraries with it. What Arrow's own schema and pandas' metadata in it
cannot say (column names that are no unique strings, ``attrs``, an index's ``freq``, the shape of an
array) stands in the schema's metadata under ``METADATA_KEY``, in the JSON form of our values.
Every stream is read within a ``Budget``, one for all tables of a value.
"""

from __future__ import annotations

import io
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from grpc_tool_bridge.framearrays import decode_ndarray, encode_ndarray
from grpc_tool_bridge.framebounds import Budget, check_stream
from grpc_tool_bridge.framechecks import check_columns, chunked_dictionaries
from grpc_tool_bridge.framepandas import decode_dataframe, encode_dataframe
from grpc_tool_bridge.frameschemas import check_schema, check_zones
from grpc_tool_bridge.frameseries import decode_series, encode_series
from grpc_tool_bridge.framestreams import (
    METADATA_KEY,
    Unwritten,
    arrow_for,
    library,
    open_stream,
)
from grpc_tool_bridge.frameviews import measured, size_of
from grpc_tool_bridge.pieces import Pieces
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.urls import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from typing_extensions import Buffer

    from grpc_tool_bridge.framebounds import Data

__all__ = [
    "METADATA_KEY",
    "decode_frame",
    "encode_frame",
    "fitting",
    "read_whole",
    "unwritten_frame",
]


class _Kind(NamedTuple):
    """How objects of one class travel."""

    module: str
    extra: str
    encode: Callable[[Any], Unwritten]
    decode: Callable[[Any, Any, Budget], Any]


def encode_frame(value: object) -> tuple[str, bytes] | None:
    """Encodes a table, series or array.

    Returns:
        Its kind, such as "pandas.DataFrame", and the Arrow IPC stream; None if it is no such thing.

    Raises:
        Fault: It does not fit Arrow; the column is named.
    """
    found = unwritten_frame(value)
    if found is None:
        return None
    name, unwritten = found
    with fitting(name):
        return name, bytes(unwritten.write())


def unwritten_frame(value: object) -> tuple[str, Unwritten] | None:
    """Encodes as :func:`encode_frame` does, up to the writing."""
    for cls in type(value).__mro__:
        name = f"{cls.__module__.partition('.')[0]}.{cls.__name__}"
        if name == "pyarrow.RecordBatchReader":
            with fitting(name):
                return "pyarrow.Table", _encode_table(read_whole(value))
        kind = _KINDS.get(name)
        if kind is not None:
            with fitting(name), _inside(value):
                return name, kind.encode(value)
    if any(hasattr(value, method) for method in _DATA) or _is_opaque(value):
        raise Fault(
            f"a {type(value).__module__}.{type(value).__name__} has no encoding, and its text would lose data:"
            f" send one of {', '.join(sorted(_KINDS))}, a list or a float"
        )
    return None


def _is_opaque(value: object) -> bool:
    """Reports whether a value is a library's own object, such as a grouped table, which its text does not say."""
    classes = type(value).__mro__
    return (
        any(cls.__module__.partition(".")[0] in _TABLE_LIBRARIES for cls in classes)
        and not isinstance(value, type)
        and _DESCRIPTIONS.isdisjoint(cls.__name__ for cls in classes)
    )


_tables: ContextVar[tuple[int, ...]] = ContextVar("tables", default=())
"""Those that are being encoded, each in the attrs of the one before."""


@contextmanager
def _inside(table: Any) -> Generator[None]:
    """Refuses a table in its own attrs, and one in those of too many others."""
    outer = _tables.get()
    if id(table) in outer:
        raise Fault(f"a {type(table).__name__} that is in its own attrs: a cycle cannot be encoded")
    if 2 * len(outer) >= MAX_DEPTH:
        raise Fault(
            f"nested deeper than {MAX_DEPTH} levels, of which a table and its attrs are two"
        )
    token = _tables.set((*outer, id(table)))
    try:
        yield
    finally:
        _tables.reset(token)


@contextmanager
def fitting(name: str) -> Generator[None]:
    """Names the kind of a table that Arrow does not take."""
    try:
        yield
    except Fault:
        raise
    except RecursionError as error:
        raise Fault("the value is nested too deep for this thread's stack") from error
    except Exception as error:
        raise Fault(f"this {name} does not fit Arrow: {error!s:.300}") from error


_BROKEN = {"expected": "an Arrow IPC stream", "got": "malformed or truncated bytes"}
"""What the error of a table that is none says in its details, as in every SDK."""
_MAX_READ_BYTES = 10 * 1024 * 1024
_DATA = (
    *("__array__", "__arrow_array__", "__arrow_c_array__", "__arrow_c_stream__", "collect"),
    *("to_numpy", "ordinal", "closed_left"),  # tensors, periods, intervals
)
"""What holds data, of which ``str`` gives a part only."""
_TABLE_LIBRARIES = frozenset({"pandas", "polars", "pyarrow"})
_DESCRIPTIONS = frozenset(
    {
        *("ExtensionDtype", "BaseOffset", "Flags", "DataType", "Categories", "Schema", "Field"),
        *("NAType", "NaTType", "Scalar"),
    }
)
"""What these have besides data: dtypes and the like, which are what their text says, and single values."""


def decode_frame(name: str, data: Data, budget: Budget | None = None) -> Any:
    """Decodes a table, series or array.

    Args:
        name: Its kind.
        data: The Arrow IPC stream; one in pieces can be decoded once.
        budget: What all tables of the value may take together; by default that of this stream alone.

    Raises:
        Fault: The bytes are malformed, would take more than the budget, or the library is not installed.
    """
    kind = _KINDS[name]
    module = library(kind.module, kind.extra, name)
    try:
        return kind.decode(module, data, budget or Budget(name, len(data)))
    except Fault as fault:
        if any(word in fault.message for word in ("malformed", "truncated")):
            fault.details = _BROKEN
        raise
    except Exception as error:
        fault = Fault(f"malformed {name}: {error!s:.300}")
        fault.details = _BROKEN
        raise fault from error


# polars


def _encode_polars(frame: Any) -> Unwritten:
    import polars as pl

    for name, dtype in frame.schema.items():
        if dtype == pl.Object:
            raise _at(name, "holds Python objects: convert it to one type")
        if "Int128" in str(dtype):
            raise _at(name, f"of type {dtype!s:.60} does not fit Arrow: cast it to text")
        if _holds_empty_arrays(pl, dtype):
            raise _at(
                name,
                f"of type {dtype!s:.60} holds Arrays of width 0, which polars does not read again: make them Lists, or"
                " send a pyarrow.Table",
            )
    level = pl.CompatLevel.oldest()

    def write() -> Buffer:
        sink = io.BytesIO()
        with _calm(pl):
            frame.write_ipc_stream(sink, compat_level=level)
        return sink.getbuffer()

    def table() -> Any:
        if "\\x00" in repr(frame.schema):
            # polars gives Arrow no name with a NUL, but writes it.
            return arrow_for("polars.DataFrame").ipc.open_stream(write()).read_all()
        with _calm(pl):
            return frame.to_arrow(compat_level=level)

    return Unwritten(frame.estimated_size(), table, write)


def _holds_empty_arrays(polars: Any, dtype: Any) -> bool:
    if isinstance(dtype, polars.Struct):
        return any(_holds_empty_arrays(polars, field.dtype) for field in dtype.fields)
    if isinstance(dtype, polars.Array) and 0 in dtype.shape:
        return True
    return isinstance(dtype, (polars.Array, polars.List)) and _holds_empty_arrays(
        polars, dtype.inner
    )


@contextmanager
def _calm(polars: Any) -> Generator[None]:
    """Makes a refusal of what polars panics at, which is no Exception."""
    try:
        yield
    except polars.exceptions.PanicException as error:
        raise Fault(f"this polars.DataFrame does not fit Arrow: {error!s:.300}") from error


def _at(column: str, what: str) -> Fault:
    fault = Fault(f"column {column!r} {what}")
    fault.at(column)
    return fault


def _encode_polars_series(series: Any) -> Unwritten:
    return _encode_polars(series.to_frame())


def _decode_polars(polars: Any, data: Data, budget: Budget) -> Any:
    arrow = arrow_for("polars.DataFrame")
    check_stream(arrow, data, budget, expands=False)
    whole = data.joined() if isinstance(data, Pieces) else data
    table = arrow.ipc.open_stream(whole).read_all()
    check_columns(arrow, table)  # polars believes what stands there
    check_zones(arrow, table.schema)
    if chunked_dictionaries(arrow, table):  # of which polars would make its own for each batch
        with suppress(arrow.ArrowException):  # there are nulls in them, or too many for the codes
            whole = _write_table(table.combine_chunks())
    frame = _believed(polars, lambda: polars.read_ipc_stream(io.BytesIO(whole)))
    # What polars makes of some columns is seen only where they are asked for.
    _believed(polars, frame.get_columns)
    return frame


def _believed(polars: Any, read: Callable[[], Any]) -> Any:
    """What polars reads; where it panics, which is no Exception, the table is malformed."""
    try:
        return read()
    except polars.exceptions.PanicException as error:
        raise Fault(f"malformed polars.DataFrame: {error!s:.300}") from error


def _decode_polars_series(polars: Any, data: Data, budget: Budget) -> Any:
    frame = _decode_polars(polars, data, budget)
    if frame.width != 1:
        raise Fault(f"a series is a table of 1 column, not {frame.width}")
    return frame.to_series(0)


# pyarrow


def _encode_table(table: Any) -> Unwritten:
    arrow = arrow_for("pyarrow.Table")
    check_schema(arrow, table.schema)
    size, compacted = measured(arrow, table)
    return Unwritten(size, lambda: table, lambda: _write_table(compacted()))


def read_whole(reader: Any) -> Any:
    """The table of a reader that stands where a value has to fit a message.

    Raises:
        Fault: It does not fit.
    """
    arrow = arrow_for("pyarrow.Table")
    batches: list[Any] = []
    size = 0
    for batch in reader:
        batches.append(batch)
        size += size_of(arrow, batch)
        if size > _MAX_READ_BYTES:
            raise Fault(
                f"message too large: the batches of a RecordBatchReader have more than {_MAX_READ_BYTES} bytes; "
                "only one that is a whole argument or the whole result of a call over a link may have more"
            )
    return arrow.Table.from_batches(batches, reader.schema)


def _write_table(table: Any) -> Buffer:
    arrow = arrow_for("pyarrow.Table")
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _decode_table(arrow: Any, data: Data, budget: Budget) -> Any:
    check_stream(arrow, data, budget, expands=False)
    table = open_stream(arrow, data).read_all()
    check_columns(arrow, table)
    return table


_KINDS: Mapping[str, _Kind] = {
    "pandas.DataFrame": _Kind("pandas", "frames", encode_dataframe, decode_dataframe),
    "pandas.Series": _Kind("pandas", "frames", encode_series, decode_series),
    "polars.DataFrame": _Kind("polars", "polars", _encode_polars, _decode_polars),
    "polars.Series": _Kind("polars", "polars", _encode_polars_series, _decode_polars_series),
    "pyarrow.Table": _Kind("pyarrow", "frames", _encode_table, _decode_table),
    "numpy.ndarray": _Kind("numpy", "frames", encode_ndarray, decode_ndarray),
}
