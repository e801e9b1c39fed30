"""Tables, series and arrays of pandas, polars, pyarrow and numpy as Arrow IPC streams.

Imported on first use, and the libraries with it. What Arrow's own schema and pandas' metadata in it
cannot say (column names that are no unique strings, ``attrs``, an index's ``freq``, the shape of an
array) stands in the schema's metadata under ``METADATA_KEY``, in the JSON form of our values.
"""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.framebounds import Budget, check_stream, check_views
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.jsonform import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["METADATA_KEY", "decode_frame", "encode_frame"]

METADATA_KEY = b"grpc_tool_bridge"


class _Kind(NamedTuple):
    """How objects of one class travel."""

    module: str
    extra: str
    encode: Callable[[Any], bytes]
    decode: Callable[[Any, bytes], Any]


def encode_frame(value: object) -> tuple[str, bytes] | None:
    """Encodes a table, series or array.

    Returns:
        Its kind, such as "pandas.DataFrame", and the Arrow IPC stream; None if it is no such thing.

    Raises:
        Fault: It does not fit Arrow; the column is named.
    """
    for cls in type(value).__mro__:
        name = f"{cls.__module__.partition('.')[0]}.{cls.__name__}"
        kind = _KINDS.get(name)
        if kind is not None:
            return name, kind.encode(value)
    return None


def decode_frame(name: str, data: bytes) -> Any:
    """Decodes a table, series or array.

    Raises:
        Fault: The bytes are malformed, or the library is not installed.
    """
    kind = _KINDS[name]
    library = _library(kind.module, kind.extra, name)
    try:
        return kind.decode(library, data)
    except Fault:
        raise
    except Exception as error:
        raise Fault(f"malformed {name}: {error!s:.300}") from error


def _library(module: str, extra: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Fault(
            f"a {name} needs {module}, which is not installed: pip install 'grpc_tool_bridge[{extra}]'"
        ) from error


def _arrow(name: str) -> Any:
    return _library("pyarrow", "frames", name)


def _write(table: Any, notes: Mapping[str, Any]) -> bytes:
    """Writes a table as a stream; notes go to our key of its metadata."""
    arrow = _arrow("table")
    metadata = dict(table.schema.metadata or {})
    metadata.pop(METADATA_KEY, None)
    if notes:
        try:
            metadata[METADATA_KEY] = to_json(_strict(dict(notes))).encode()
        except SerializationError as error:
            raise Fault(
                f"the table's {error.path.lstrip('$.')} cannot be sent: {error.message}"
            ) from error
    table = table.replace_schema_metadata(metadata or None)
    sink = io.BytesIO()
    with arrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _strict(notes: object) -> object:
    from grpc_tool_bridge.values.encode import encode

    return encode(notes, strict=True)


def _read(data: bytes, name: str) -> tuple[Any, dict[str, Any]]:
    """Reads a stream; returns the table and our notes."""
    arrow = _arrow(name)
    budget = Budget(name, len(data))
    check_stream(arrow, data, budget, expands=True)
    table = arrow.ipc.open_stream(data).read_all()
    table.validate(full=True)
    check_views(arrow, table, budget)
    metadata = dict(table.schema.metadata or {})
    raw = metadata.pop(METADATA_KEY, None)
    notes: Any = from_json(raw.decode()) if raw else {}
    if not isinstance(notes, dict):
        raise Fault(f"the metadata {METADATA_KEY.decode()!r} of a {name} is no object")
    return table.replace_schema_metadata(metadata or None), cast("dict[str, Any]", notes)


# pandas


def _encode_dataframe(frame: Any) -> bytes:
    arrow = _arrow("pandas.DataFrame")
    notes: dict[str, Any] = {}
    plain = frame.copy(deep=False)
    if frame.attrs:
        notes["attrs"] = dict(frame.attrs)
        plain.attrs = {}
    if not _are_unique_strings(frame.columns) or not _is_name(frame.columns.name):
        notes["columns"] = _labels(frame.columns)
        plain.columns = [str(position) for position in range(len(frame.columns))]
    _note_index(plain, frame, notes)
    names = [str(name) for name in frame.columns]
    objects = [position for position, dtype in enumerate(frame.dtypes) if _is_object(dtype)]
    try:
        table = arrow.Table.from_pandas(plain, preserve_index=None)
    except Exception as error:
        raise _unfit(arrow, plain, names, error) from error
    kept = [position for position in objects if _needs_object(plain, table, position, names)]
    if kept:
        notes["objects"] = kept
    return _write(table, notes)


def _are_unique_strings(columns: Any) -> bool:
    plain = columns.nlevels == 1 and columns.is_unique and len(columns) > 0
    return plain and all(type(name) is str for name in columns)


def _is_object(dtype: Any) -> bool:
    return str(dtype) == "object"


def _is_name(name: object) -> bool:
    return name is None or type(name) is str


def _note_index(plain: Any, frame: Any, notes: dict[str, Any]) -> None:
    """Notes what pandas' own metadata does not keep of the index."""
    import pandas as pd

    names = list(frame.index.names)
    given = [name for name in names if name is not None]
    taken = set(plain.columns) | {f"__index_level_{level}__" for level in range(len(names))}
    if any(type(name) is not str or name in taken for name in given) or len(set(given)) < len(
        given
    ):
        notes["index_names"] = names
        plain.index = plain.index.set_names([None] * len(names))
    if not len(frame.columns) and isinstance(frame.index, pd.RangeIndex):
        notes["index_range"] = _range(frame.index)
    if frame.index.nlevels == 1 and _is_object(frame.index.dtype):
        notes["index_object"] = True
    if (
        isinstance(frame.index, (pd.DatetimeIndex, pd.TimedeltaIndex))
        and frame.index.freq is not None
    ):
        notes["freq"] = frame.index.freqstr


def _range(index: Any) -> tuple[int, int, int]:
    return index.start, index.stop, index.step


def _labels(columns: Any) -> dict[str, Any]:
    """Describes column names: as a frame with them as its index, or one by one if they are mixed."""
    import pandas as pd

    if isinstance(columns, pd.RangeIndex):
        return {"range": _range(columns), "name": columns.name}
    if not _is_object(columns.dtype) and columns.nlevels == 1:
        return {"frame": _encode_dataframe(pd.DataFrame(index=columns))}
    return {"labels": list(columns), "names": list(columns.names)}


def _unfit(arrow: Any, frame: Any, names: list[str], error: Exception) -> Fault:
    """Says which column Arrow refuses."""
    for position, name in enumerate(names):
        try:
            arrow.array(frame.iloc[:, position], from_pandas=True)
        except Exception as reason:  # noqa: BLE001, PERF203 - whatever it is, the column is what is wrong
            return Fault(
                f"column {name!r} does not fit Arrow: {reason!s:.200}; convert it to one type"
            )
    return Fault(f"the table does not fit Arrow: {error!s:.300}; convert its index to one type")


_TEXTS = frozenset({"string", "empty"})
_AS_THEY_ARE = frozenset({"bytes", "date", "boolean", "time"})


def _needs_object(frame: Any, table: Any, position: int, names: list[str]) -> bool:
    """Reports whether an object column would come back with another dtype; refuses one that Arrow changes."""
    import pandas as pd

    column = frame.iloc[:, position]
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    if inferred in _TEXTS:
        # What pandas 2 calls object is str since pandas 3.
        return _has_str_dtype(pd)
    if inferred in _AS_THEY_ARE:
        return False
    cells = table.column(position).to_pylist()
    for before, after in zip(column, cells, strict=True):
        if after is not None and (type(before) is not type(after) or before != after):
            raise Fault(
                f"column {names[position]!r} holds objects that Arrow would change"
                f" ({before!r:.60} to {after!r:.60}): convert it to one type"
            )
    return True


def _has_str_dtype(pandas: Any) -> bool:
    return int(pandas.__version__.partition(".")[0]) >= 3


def _decode_dataframe(pandas: Any, data: bytes) -> Any:
    table, notes = _read(data, "pandas.DataFrame")
    frame = table.to_pandas()
    arrow_types = _arrow("pandas.DataFrame").types
    for position in notes.get("objects", ()):
        name = table.column_names[position]
        if arrow_types.is_dictionary(table.column(position).type):
            raise Fault(f"column {name!r} is noted as one of objects, but holds categories")
        cells = table.column(position).to_pylist()
        frame[name] = pandas.Series(cells, dtype=object, index=frame.index)
    if "columns" in notes:
        frame.columns = _columns(pandas, notes["columns"])
    if "index_range" in notes:
        frame.index = pandas.RangeIndex(*notes["index_range"], name=frame.index.name)
    if notes.get("index_object") and _has_str_dtype(pandas):
        frame.index = frame.index.astype(object)
    if "index_names" in notes:
        frame.index = frame.index.set_names(notes["index_names"])
    if "freq" in notes:
        frame.index.freq = notes["freq"]
    if "attrs" in notes:
        frame.attrs = notes["attrs"]
    return frame


def _columns(pandas: Any, notes: Mapping[str, Any]) -> Any:
    if "range" in notes:
        return pandas.RangeIndex(*notes["range"], name=notes["name"])
    if "frame" in notes:
        return _decode_dataframe(pandas, notes["frame"]).index
    labels, names = notes["labels"], notes["names"]
    if len(names) > 1:
        return pandas.MultiIndex.from_tuples(labels, names=names)
    return pandas.Index(labels, name=names[0], dtype=object, tupleize_cols=False)


def _encode_series(series: Any) -> bytes:
    frame = series.to_frame(name="values" if not _is_name(series.name) else series.name)
    frame.attrs = {"attrs": dict(series.attrs), "name": series.name}
    return _encode_dataframe(frame)


def _decode_series(pandas: Any, data: bytes) -> Any:
    frame = _decode_dataframe(pandas, data)
    notes = dict(frame.attrs)
    frame.attrs = {}
    if frame.shape[1] != 1:
        raise Fault(f"a series is a table of 1 column, not {frame.shape[1]}")
    series = frame.iloc[:, 0]
    series.name = notes.get("name", frame.columns[0])
    series.attrs = notes.get("attrs", {})
    return series


# polars


def _encode_polars(frame: Any) -> bytes:
    import polars as pl

    objects = [name for name, dtype in frame.schema.items() if dtype == pl.Object]
    if objects:
        raise Fault(f"column {objects[0]!r} holds Python objects: convert it to one type")
    sink = io.BytesIO()
    frame.write_ipc_stream(sink, compat_level=pl.CompatLevel.oldest())
    return sink.getvalue()


def _encode_polars_series(series: Any) -> bytes:
    return _encode_polars(series.to_frame())


def _decode_polars(polars: Any, data: bytes) -> Any:
    budget = Budget("polars.DataFrame", len(data))
    check_stream(_arrow("polars.DataFrame"), data, budget, expands=False)
    return polars.read_ipc_stream(io.BytesIO(data))


def _decode_polars_series(polars: Any, data: bytes) -> Any:
    frame = _decode_polars(polars, data)
    if frame.width != 1:
        raise Fault(f"a series is a table of 1 column, not {frame.width}")
    return frame.to_series(0)


# pyarrow


def _encode_table(table: Any) -> bytes:
    sink = io.BytesIO()
    with _arrow("pyarrow.Table").ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _decode_table(arrow: Any, data: bytes) -> Any:
    check_stream(arrow, data, Budget("pyarrow.Table", len(data)), expands=False)
    table = arrow.ipc.open_stream(data).read_all()
    table.validate(full=True)
    return table


# numpy

_DTYPE_KINDS = "biufcmMSU"
_ARROW_MOMENTS = frozenset({"s", "ms", "us", "ns"})


def _encode_ndarray(array: Any) -> bytes:
    import numpy as np

    arrow = _arrow("numpy.ndarray")
    if isinstance(array, np.ma.MaskedArray):
        raise Fault("a masked array does not fit Arrow: send its data and its mask")
    dtype = array.dtype
    if dtype.kind not in _DTYPE_KINDS or (
        dtype.kind in "fc" and dtype.itemsize > 16 - 8 * (dtype.kind == "f")
    ):
        raise Fault(f"an array of dtype {dtype} does not fit Arrow: convert it, or send a list")
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    flat = array.ravel(order=order)
    table = arrow.table({"values": _arrow_array(arrow, flat.astype(dtype.newbyteorder("=")))})
    return _write(table, {"dtype": dtype.str, "shape": tuple(array.shape), "order": order})


def _arrow_array(arrow: Any, flat: Any) -> Any:
    """Returns a flat array of native byte order as Arrow's; what Arrow has no type for as its parts."""
    import numpy as np

    kind = flat.dtype.kind
    if kind == "c":
        return arrow.array(flat.view(f"f{flat.dtype.itemsize // 2}"))
    if kind in "mM" and np.datetime_data(flat.dtype) not in {(unit, 1) for unit in _ARROW_MOMENTS}:
        return arrow.array(flat.view("i8"))
    if kind in "SU":
        return arrow.array(flat.tolist(), arrow.binary() if kind == "S" else arrow.string())
    return arrow.array(flat)


def _decode_ndarray(numpy: Any, data: bytes) -> Any:
    table, notes = _read(data, "numpy.ndarray")
    if table.num_columns != 1:
        raise Fault(f"an array is a table of 1 column, not {table.num_columns}")
    column = table.column(0)
    flat = column.to_numpy()
    if "dtype" not in notes:
        return flat
    dtype = numpy.dtype(str(notes["dtype"]))
    budget = Budget("numpy.ndarray", len(data))
    budget.take(dtype.itemsize * len(flat), f"{len(flat)} items of dtype {dtype!s:.60}")
    if dtype.kind not in _DTYPE_KINDS:
        raise Fault(f"an array of dtype {dtype} is refused")
    native = dtype.newbyteorder("=")
    if dtype.kind in "cmM" and flat.dtype.kind in "fi":
        flat = flat.view(native)
    shape = tuple(int(length) for length in notes.get("shape", (len(flat),)))
    return numpy.array(flat, dtype=dtype).reshape(shape, order=notes.get("order", "C"))


_KINDS: Mapping[str, _Kind] = {
    "pandas.DataFrame": _Kind("pandas", "frames", _encode_dataframe, _decode_dataframe),
    "pandas.Series": _Kind("pandas", "frames", _encode_series, _decode_series),
    "polars.DataFrame": _Kind("polars", "polars", _encode_polars, _decode_polars),
    "polars.Series": _Kind("polars", "polars", _encode_polars_series, _decode_polars_series),
    "pyarrow.Table": _Kind("pyarrow", "frames", _encode_table, _decode_table),
    "numpy.ndarray": _Kind("numpy", "frames", _encode_ndarray, _decode_ndarray),
}
