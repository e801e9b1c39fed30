"""Arrays of numpy as Arrow IPC streams of one column, which notes say the dtype, the shape and the order of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from grpc_tool_bridge.framestreams import Unwritten, arrow_for, noted, read_stream
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grpc_tool_bridge.framebounds import Budget, Data

__all__ = ["decode_ndarray", "encode_ndarray"]

_NAME = "numpy.ndarray"
_DTYPE_KINDS = "biufcmMSU"
_ARROW_MOMENTS = frozenset({"s", "ms", "us", "ns"})


def encode_ndarray(array: Any) -> Unwritten:
    """Encodes an array.

    Raises:
        Fault: It does not fit Arrow.
    """
    import numpy as np

    arrow = arrow_for(_NAME)
    if isinstance(array, np.ma.MaskedArray):
        raise Fault("a masked array does not fit Arrow: send its data and its mask")
    array = np.asarray(array)  # a matrix has two dimensions, whatever is done to it
    dtype = array.dtype
    if dtype.kind not in _DTYPE_KINDS or (
        dtype.kind in "fc" and dtype.itemsize > 16 - 8 * (dtype.kind == "f")
    ):
        raise Fault(f"an array of dtype {dtype} does not fit Arrow: convert it, or send a list")
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    flat = array.ravel(order=order)
    table = arrow.table({"values": _arrow_array(arrow, flat.astype(dtype.newbyteorder("=")))})
    return noted(table, {"dtype": dtype.str, "shape": tuple(array.shape), "order": order})


def _arrow_array(arrow: Any, flat: Any) -> Any:
    """Returns a flat array of native byte order as Arrow's; what Arrow has no type for as its parts."""
    kind = flat.dtype.kind
    if kind == "c":
        return arrow.array(flat.view(f"f{flat.dtype.itemsize // 2}"))
    if kind in "mM" and not _is_arrow_moment(flat.dtype):
        return arrow.array(flat.view("i8"))
    if kind in "SU":
        return arrow.array(flat.tolist(), arrow.binary() if kind == "S" else arrow.string())
    return arrow.array(flat)


def _is_arrow_moment(dtype: Any) -> bool:
    import numpy as np

    return np.datetime_data(dtype) in {(unit, 1) for unit in _ARROW_MOMENTS}


def decode_ndarray(numpy: Any, data: Data, budget: Budget) -> Any:
    """Decodes an array.

    Raises:
        Fault: It is malformed, or its notes do not fit its column.
    """
    table, notes = read_stream(data, _NAME, budget)
    if table.num_columns != 1:
        raise Fault(f"an array is a table of 1 column, not {table.num_columns}")
    column = table.column(0)
    if column.null_count and not _holds_moments(column.type):
        fault = Fault(
            f"column {table.column_names[0]!r} has nulls, and an array has none: send a table, or NaN for them"
        )
        fault.at(table.column_names[0])
        raise fault
    if "dtype" not in notes:
        _check_zone(column.type)
        return column.to_numpy()
    if type(notes["dtype"]) is not str:
        raise _malformed(f"want the name of a dtype in its notes, got {notes['dtype']!r:.60}")
    dtype = numpy.dtype(notes["dtype"])
    budget.take(dtype.itemsize * len(column), f"{len(column)} items of dtype {dtype!s:.60}")
    if dtype.kind not in _DTYPE_KINDS:
        raise Fault(f"an array of dtype {dtype} is refused")
    if dtype.str != notes["dtype"]:
        raise _malformed(f"want {dtype.str!r:.60} in its notes, got {notes['dtype']!r:.60}")
    flat = _typed(numpy, column, dtype)
    shape, order = _shape(notes, len(flat))
    return flat.reshape(shape, order=order)


def _holds_moments(kind: Any) -> bool:
    """Reports whether numpy has something for nulls among cells of a type, which is NaT."""
    types = arrow_for(_NAME).types
    return types.is_timestamp(kind) or types.is_duration(kind) or types.is_date(kind)


def _check_zone(kind: Any) -> None:
    zone = kind.tz if arrow_for(_NAME).types.is_timestamp(kind) else None
    if zone:
        raise Fault(
            f"an array of {kind} would lose its zone, {zone!r:.60}, which numpy has none for:"
            " send a pandas.Series, or moments without a zone"
        )


def _malformed(what: str) -> Fault:
    return Fault(f"malformed {_NAME}: {what}")


def _typed(numpy: Any, column: Any, dtype: Any) -> Any:
    """The items of a column as an array of the dtype that was noted, each of them unchanged."""
    wanted = _column_types(dtype)
    if column.type not in wanted:
        raise _malformed(
            f"of dtype {dtype.str!r:.60} want a column of {wanted[0]}, got {column.type!s:.60}"
        )
    flat = column.to_numpy()
    if dtype.kind == "c" and len(flat) % 2:
        raise _malformed(f"of dtype {dtype.str!r} want two floats an item, got {len(flat)}")
    if dtype.kind in "cmM" and flat.dtype.kind in "fi":
        flat = flat.view(dtype.newbyteorder("="))
    made = numpy.array(flat, dtype=dtype)
    if dtype.kind in "SU":
        for at, (before, after) in enumerate(zip(flat, made.tolist(), strict=True)):
            if before != after:
                raise _malformed(
                    f"item {at} of dtype {dtype.str!r:.60} is {before!r:.60}, which it cannot hold"
                )
    return made


def _column_types(dtype: Any) -> list[Any]:
    """The types of the column in which items of a dtype stand; what we write is the first."""
    arrow = arrow_for(_NAME)
    if dtype.kind == "S":
        return [arrow.binary(), arrow.large_binary()]
    if dtype.kind == "U":
        return [arrow.string(), arrow.large_string()]
    if dtype.kind == "c":
        return [arrow.from_numpy_dtype(f"f{dtype.itemsize // 2}")]
    if dtype.kind in "mM" and not _is_arrow_moment(dtype):
        return [arrow.int64()]
    return [arrow.from_numpy_dtype(dtype.newbyteorder("="))]


def _shape(notes: Mapping[str, Any], items: int) -> tuple[tuple[int, ...], str]:
    shape, order = notes.get("shape", (items,)), notes.get("order", "C")
    lengths: tuple[Any, ...] = cast("tuple[Any, ...]", shape) if isinstance(shape, tuple) else ("",)
    if not all(type(length) is int and length >= 0 for length in lengths):
        raise _malformed(f"want a shape of lengths, got {shape!r:.60}")
    if math.prod(lengths) != items:
        raise _malformed(f"want a shape of {items} items, got {shape!r:.60}")
    if order not in ("C", "F"):
        raise _malformed(f"want the order 'C' or 'F', got {order!r:.60}")
    return lengths, order
