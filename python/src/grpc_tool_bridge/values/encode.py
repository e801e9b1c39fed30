"""Python values as google.protobuf.Any, canonically: equal values give equal bytes in every SDK."""

from __future__ import annotations

import array
import collections
import datetime as dt
import math
import operator
import pathlib
import struct
import sys
import uuid
import zoneinfo
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MappingView,
    MutableSet,
    Sequence,
    Set,
)
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import EncodeError, Message
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, StringValue

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError

from . import texts, urls
from .classes import record_of
from .fault import Fault
from .plain import encode_plain
from .stdlib import ADDRESSES
from .wrappers import (
    DateTimeNs,
    EnumValue,
    Opaque,
    Record,
    TimeDeltaNs,
    TimeNs,
    plain_timedelta,
    total_nanoseconds,
)

__all__ = ["SCALARS", "encode", "encode_scalar"]

_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1
_NULL = b"\x08\x00"
_double = struct.Struct("<Bd").pack

# The kinds as names of this module: looking them up in the generated one is slow.
_BOOL, _INT, _FLOAT, _STR, _BYTES, _BIGINT = pb.BOOL, pb.INT, pb.FLOAT, pb.STR, pb.BYTES, pb.BIGINT
_LIST, _TUPLE, _SET, _FROZENSET, _DICT = pb.LIST, pb.TUPLE, pb.SET, pb.FROZENSET, pb.DICT
_ANY, _ENUM, _RECORD, _COMPLEX, _UUID = pb.ANY, pb.ENUM, pb.RECORD, pb.COMPLEX, pb.UUID


def encode(value: object, *, strict: bool = False, plain: bool = False) -> AnyMessage:
    """Encodes a value; see ``serialize_value``."""
    try:
        scalar = _SCALARS.get(type(value))
        if scalar is not None:
            return _packed(scalar(value))
        return _Encoder(strict=strict, plain=plain).top(value)
    except Fault as fault:
        raise fault.error() from fault.__cause__
    except UnicodeEncodeError as error:
        raise SerializationError(_surrogate(error)) from error
    except RecursionError as error:
        raise SerializationError("the value is nested too deep for this thread's stack") from error


def encode_scalar(value: object) -> tuple[str, bytes] | None:
    """The type URL and the bytes of a scalar, as ``encode`` packs them; None for any other value."""
    scalar = _SCALARS.get(type(value))
    if scalar is None:
        return None
    try:
        return scalar(value)
    except Fault as fault:
        raise fault.error() from fault.__cause__
    except UnicodeEncodeError as error:
        raise SerializationError(_surrogate(error)) from error


def _packed(scalar: tuple[str, bytes]) -> AnyMessage:
    message = AnyMessage()
    message.type_url, message.value = scalar
    return message


def _encode_str(value: Any) -> tuple[str, bytes]:
    data = value.encode()
    size = len(data)
    if 0 < size < 128:
        return urls.STRING, bytes((10, size)) + data
    return urls.STRING, StringValue(value=value).SerializeToString()


def _encode_bool(value: Any) -> tuple[str, bytes]:
    return urls.BOOL, b"\x08\x01" if value else b""


def _encode_int(value: Any) -> tuple[str, bytes]:
    if 0 < value < 128:
        return urls.INT64, bytes((8, value))
    if _INT64_MIN <= value <= _INT64_MAX:
        return urls.INT64, Int64Value(value=value).SerializeToString()
    message = pb.Value()
    _fill_int(message, value)
    return urls.VALUE, message.SerializeToString()


def _encode_float(value: Any) -> tuple[str, bytes]:
    data = _double(9, value if value == value else canonical_nan(value))
    return urls.DOUBLE, b"" if data == b"\t\0\0\0\0\0\0\0\0" else data


def _encode_bytes(value: Any) -> tuple[str, bytes]:
    return urls.BYTES, BytesValue(value=value).SerializeToString()


def _encode_none(_: Any) -> tuple[str, bytes]:
    return urls.JSON_VALUE, _NULL


_SCALARS: Mapping[type[Any], Callable[[Any], tuple[str, bytes]]] = {
    str: _encode_str,
    int: _encode_int,
    float: _encode_float,
    bool: _encode_bool,
    type(None): _encode_none,
    bytes: _encode_bytes,
}
SCALARS: frozenset[type] = frozenset(_SCALARS)
"""The classes that ``encode_scalar`` takes."""


def canonical_nan(number: float) -> float:
    """Returns the quiet NaN of the number's sign: payloads do not travel."""
    return math.copysign(math.nan, number)


def _surrogate(error: UnicodeEncodeError) -> str:
    return (
        f"str has a lone surrogate at character {error.start}, which UTF-8 cannot carry: send bytes"
    )


def _fill_int(message: pb.Value, value: int) -> None:
    if _INT64_MIN <= value <= _INT64_MAX:
        message.kind = _INT
        message.int_value = value
        return
    texts.check_digits(value)
    message.kind = _BIGINT
    size = (value if value > 0 else ~value).bit_length() // 8 + 1
    message.data = value.to_bytes(size, "big", signed=True)


def _fill_bool(message: pb.Value, value: bool) -> None:
    message.kind = _BOOL
    message.bool_value = value


def _fill_float(message: pb.Value, value: float) -> None:
    message.kind = _FLOAT
    message.float_value = value if value == value else canonical_nan(value)


def _fill_str(message: pb.Value, value: str) -> None:
    message.kind = _STR
    message.text = value


def _fill_bytes(message: pb.Value, value: bytes) -> None:
    message.kind = _BYTES
    message.data = value


def _fill_none(message: pb.Value, value: None) -> None:
    message.SetInParent()


def _fill_complex(message: pb.Value, value: complex) -> None:
    message.kind = _COMPLEX
    message.floats.extend(_canonical_floats((value.real, value.imag)))


def _fill_uuid(message: pb.Value, value: uuid.UUID) -> None:
    message.kind = _UUID
    message.data = value.bytes


def _text_filler(
    kind: pb.ValueKind, text_of: Callable[[Any], str]
) -> Callable[[pb.Value, Any], None]:
    def fill(message: pb.Value, value: Any) -> None:
        message.kind = kind
        message.text = text_of(value)

    return fill


_LEAVES: Mapping[type[Any], Callable[[pb.Value, Any], None]] = {
    type(None): _fill_none,
    bool: _fill_bool,
    int: _fill_int,
    float: _fill_float,
    str: _fill_str,
    bytes: _fill_bytes,
    complex: _fill_complex,
    uuid.UUID: _fill_uuid,
    dt.datetime: _text_filler(pb.DATETIME, texts.datetime_text),
    DateTimeNs: _text_filler(pb.DATETIME, texts.datetime_text),
    dt.date: _text_filler(pb.DATE, dt.date.isoformat),
    dt.time: _text_filler(pb.TIME, texts.time_text),
    TimeNs: _text_filler(pb.TIME, texts.time_text),
    dt.timedelta: _text_filler(pb.TIMEDELTA, texts.timedelta_text),
    TimeDeltaNs: _text_filler(pb.TIMEDELTA, texts.timedelta_text),
    Decimal: _text_filler(pb.DECIMAL, str),
    Fraction: _text_filler(pb.FRACTION, texts.fraction_text),
}

_CONTAINERS: Mapping[type[Any], pb.ValueKind] = {
    list: _LIST,
    tuple: _TUPLE,
    set: _SET,
    frozenset: _FROZENSET,
    dict: _DICT,
    Record: _RECORD,
    EnumValue: _ENUM,
}


class _Encoder:
    """Encodes one value. Not to be shared: it counts what it has encoded."""

    def __init__(self, *, strict: bool, plain: bool) -> None:
        self._strict = strict
        self._plain = plain
        self._elements = urls.MAX_ELEMENTS
        self._characters = urls.MAX_CHARACTERS

    def top(self, value: object) -> AnyMessage:
        """Encodes the outermost value."""
        given, value = value, natural(value)
        kind = cast("type[Any]", type(value))
        scalar = _SCALARS.get(kind)
        if scalar is not None:
            return _packed(scalar(value))
        if kind is list or kind is dict:
            container = cast("list[object] | dict[object, object]", value)
            data = encode_plain(container, natural, limits=not self._plain)
            if data is not None:
                return AnyMessage(
                    type_url=urls.JSON_LIST if kind is list else urls.JSON_STRUCT, value=data
                )
        elif kind not in KNOWN:
            return self._packed(value)
        message = pb.Value()
        self._fill_made(message, value, given, 1)
        try:
            return AnyMessage(type_url=urls.VALUE, value=message.SerializeToString())
        except EncodeError as error:
            raise Fault(f"the value cannot be encoded: {error}") from error

    def _fill(self, message: pb.Value, value: Any, level: int) -> None:
        kind = cast("type[Any]", type(value))
        leaf = _LEAVES.get(kind)
        if leaf is not None:
            if kind is str or kind is bytes:
                self._count_characters(len(value))
            try:
                leaf(message, value)
            except UnicodeEncodeError as error:
                raise Fault(_surrogate(error)) from error
            return
        container = _CONTAINERS.get(kind)
        if container is None:
            self._fill_other(message, value, level)
            return
        if level > urls.MAX_DEPTH:
            raise Fault(
                f"nested deeper than {urls.MAX_DEPTH} levels: flatten it, or send a reference"
            )
        message.kind = container
        if container == _DICT:
            self._fill_dict(message, value, level)
        elif container == _RECORD:
            self._fill_record(message, value, level)
        elif container == _ENUM:
            self._fill_enum(message, value, level)
        elif container in (_SET, _FROZENSET):
            self._fill_set(message, value, level)
        else:
            self._fill_sequence(message, value, value, level)

    def _fill_other(self, message: pb.Value, value: object, level: int) -> None:
        known = natural(value)
        if type(known) in KNOWN:
            self._fill_made(message, known, value, level)
            return
        packed = self._packed(value)
        if packed.type_url == urls.VALUE:
            message.MergeFromString(packed.value)
            return
        message.kind = _ANY
        message.any.type_url = packed.type_url
        message.any.value = packed.value

    def _fill_made(self, message: pb.Value, made: object, value: object, level: int) -> None:
        try:
            self._fill(message, made, level)
        except Fault as fault:
            fault.made_of(value)
            raise

    def _fill_sequence(
        self, message: pb.Value, items: Sequence[Any], container: object, level: int
    ) -> None:
        given = items
        self._count_elements(len(items))
        if self._fill_run(message, items):
            return
        if not KNOWN.issuperset(map(type, items)):
            items = [natural(item) for item in items]
            if self._fill_run(message, items):
                return
        self._count_elements(len(items))
        add, index = message.items.add, 0
        try:
            for index, item in enumerate(items):  # noqa: B007 - names the item that failed
                self._fill(add(), item, level + 1)
        except Fault as fault:
            fault.made_of(given[index])
            fault.at(index, container)
            raise

    def _fill_run(self, message: pb.Value, items: Sequence[Any]) -> bool:
        """Packs items that are all int, all float or all str, or reports that they are not."""
        kinds = set(map(type, items))
        if len(kinds) != 1:
            return not kinds
        kind = kinds.pop()
        if kind is int:
            return _extended(message.ints, items)
        if kind is float:
            return _extended(message.floats, _canonical_floats(items))
        if kind is not str:
            return False
        self._count_characters(sum(map(len, items)))
        # What UTF-8 cannot carry is met again, and named, item by item.
        return _extended(message.texts, items)

    def _fill_set(self, message: pb.Value, value: set[Any] | frozenset[Any], level: int) -> None:
        self._count_elements(len(value))
        items = [natural(item) for item in value]
        kinds = set(map(type, items))
        if kinds == {int} or kinds == {str}:
            items.sort()
        elif kinds == {float}:
            items.sort(key=_float_bytes)
        if self._fill_run(message, items):
            return
        encoded: list[bytes] = []
        try:
            for item in items:
                child = pb.Value()
                self._fill(child, item, level + 1)
                encoded.append(child.SerializeToString())
        except Fault as fault:
            fault.at(len(encoded), value)
            raise
        encoded.sort()
        for data in encoded:
            message.items.add().MergeFromString(data)

    def _fill_dict(self, message: pb.Value, value: dict[Any, Any], level: int) -> None:
        self._count_elements(len(value))
        keys: Sequence[Any] = list(value)
        if not KNOWN.issuperset(map(type, keys)):
            keys = [natural(key) for key in keys]
        if set(map(type, keys)) <= {str}:
            _extend_texts(message, keys, "key")
        else:
            self._fill_keys(message, keys, value, level)
        add, key = message.items.add, None
        try:
            for key, item in value.items():  # noqa: B007 - names the item that failed
                self._fill(add(), item, level + 1)
        except Fault as fault:
            fault.at(key, value)
            raise

    def _fill_keys(
        self, message: pb.Value, keys: Sequence[Any], container: object, level: int
    ) -> None:
        index = 0
        try:
            for index, key in enumerate(keys):  # noqa: B007 - names the key that failed
                self._fill(message.keys.add(), key, level + 1)
        except Fault as fault:
            fault.at_key(index, container)
            raise

    def _fill_record(self, message: pb.Value, record: Record, level: int) -> None:
        self._count_elements(len(record.fields))
        message.text = record.class_name
        _extend_texts(message, list(record.fields), "field")
        add, name = message.items.add, ""
        try:
            for name, item in record.fields.items():  # noqa: B007 - names the item that failed
                self._fill(add(), item, level + 1)
        except Fault as fault:
            fault.inside(name, record)
            raise

    def _fill_enum(self, message: pb.Value, member: EnumValue, level: int) -> None:
        message.text = member.class_name
        message.texts.append(member.name)
        try:
            self._fill(message.items.add(), member.value, level + 1)
        except Fault as fault:
            fault.inside("value", member)
            raise

    def _packed(self, value: object) -> AnyMessage:
        if isinstance(value, Opaque):
            return AnyMessage(type_url=value.type_url, value=value.value)
        if isinstance(value, Message):
            return _pack_message(value)
        cls = type(value)
        if any(base.__module__.partition(".")[0] in _FRAME_LIBRARIES for base in cls.__mro__):
            from grpc_tool_bridge.frames import encode_frame

            missing = _MISSING.get(cls.__name__)
            if missing is not None:
                return AnyMessage(type_url=urls.PREFIX + missing)
            frame = encode_frame(value)
            if frame is not None:
                return AnyMessage(type_url=urls.PREFIX + frame[0], value=frame[1])
        if self._strict:
            raise Fault(
                f"an object of class {cls.__module__}.{cls.__qualname__} has no encoding, and strict"
                " mode does not send it as text: convert it, or make its class a dataclass"
            )
        if isinstance(value, range):
            raise Fault(f"message too large: more than {urls.MAX_ELEMENTS} elements")
        if isinstance(value, (Iterator, Awaitable)):
            what = "is awaited first" if isinstance(value, Awaitable) else "gives its items once"
            raise Fault(
                f"an object of class {cls.__qualname__} {what}, and its text would lose what it holds:"
                " send what it gives, such as list(items)"
            )
        if hasattr(value, "as_py"):
            raise Fault(
                f"a {cls.__name__} of pyarrow has no value in Python, and its text would lose it:"
                " send a pyarrow.Table, or cast it"
            )
        if hasattr(value, "get_secret_value"):
            raise Fault(
                f"a {cls.__name__} hides its value, and its text would lose it: send get_secret_value()"
            )
        return _text_of(value)

    def _count_elements(self, count: int) -> None:
        self._elements -= count
        if self._elements < 0:
            raise Fault(f"message too large: more than {urls.MAX_ELEMENTS} elements")

    def _count_characters(self, count: int) -> None:
        self._characters -= count
        if self._characters < 0:
            raise Fault(f"message too large: more than {urls.MAX_CHARACTERS} bytes of text")


_MISSING: Mapping[str, str] = {"NaTType": urls.NAT, "NAType": urls.NA}
"""The classes of what pandas has for missing cells, and what travels for their only objects."""

_FRAME_LIBRARIES = frozenset({"pandas", "polars", "pyarrow", "numpy"})


def _extended(run: Any, items: Iterable[Any]) -> bool:
    try:
        run.extend(items)
    except (ValueError, OverflowError):
        del run[:]
        return False
    return True


def _extend_texts(message: pb.Value, names: Sequence[Any], what: str) -> None:
    try:
        message.texts.extend(names)
    except (UnicodeEncodeError, TypeError) as error:
        fault = Fault(f"a {what} is no str that UTF-8 can carry: {error}")
        fault.at_key(_first_bad(names))
        raise fault from error


def _first_bad(names: Sequence[Any]) -> int:
    for index, name in enumerate(names):
        if not isinstance(name, str) or any(0xD800 <= ord(c) <= 0xDFFF for c in name):
            return index
    return 0


def _canonical_floats(items: Sequence[float]) -> Sequence[float]:
    if any(map(operator.ne, items, items)):
        return [item if item == item else canonical_nan(item) for item in items]
    return items


def _float_bytes(number: float) -> bytes:
    message = pb.Value()
    _fill_float(message, number)
    return message.SerializeToString()


def _pack_message(message: Message) -> AnyMessage:
    try:
        data = message.SerializeToString(deterministic=True)
    except EncodeError as error:
        raise Fault(f"message {message.DESCRIPTOR.full_name} cannot be encoded: {error}") from error
    return AnyMessage(type_url=urls.PREFIX + message.DESCRIPTOR.full_name, value=data)


def _text_of(value: object) -> AnyMessage:
    name = type(value).__name__
    try:
        data = str(value).encode()
        return AnyMessage(type_url=urls.PYTHON + name, value=data)
    except Exception as error:
        raise Fault(f"str() of an object of class {name} failed: {error!r:.200}") from error


KNOWN = frozenset({*_LEAVES, *_CONTAINERS})
"""The classes whose objects are encoded as they are; subclasses are made one of them first."""


def natural(value: Any) -> Any:
    """Returns an object of a known class that stands for the value, or the value if there is none."""
    if type(value) in KNOWN or isinstance(value, Message):  # Struct is a Mapping, too
        return value
    record = record_of(value)
    if record is not None:
        return record
    library = type(value).__module__.partition(".")[0]
    if library == "pyarrow":
        return _natural_arrow(value)
    for base, reduce in _BASES:
        if isinstance(value, base):
            return reduce(value)
    return _natural_numpy(value) if library == "numpy" else value


def _natural_datetime(value: Any) -> Any:
    if value != value:  # pandas' NaT is a datetime
        return value
    nanosecond: int = getattr(value, "nanosecond", 0)
    moment = DateTimeNs.of(value, nanosecond)
    return moment if nanosecond else moment.plain()


def _natural_timedelta(value: dt.timedelta) -> dt.timedelta:
    if getattr(value, "nanoseconds", 0):
        return TimeDeltaNs(nanoseconds=total_nanoseconds(value))
    return plain_timedelta(value)


def _natural_numpy(value: Any) -> Any:
    numpy = sys.modules["numpy"]
    if not isinstance(value, numpy.generic):
        return value
    if isinstance(value, (numpy.datetime64, numpy.timedelta64)):
        return value if numpy.isnat(value) else _natural_moment(value)
    item = value.item()
    return value if isinstance(item, numpy.generic) else natural(item)


def _natural_arrow(value: Any) -> Any:
    """Returns a scalar of pyarrow as Python's, a buffer as bytes; itself where Python has no such value."""
    arrow = sys.modules["pyarrow"]
    if isinstance(value, arrow.Buffer):
        return value.to_pybytes()
    if not isinstance(value, arrow.Scalar):
        return value
    types, dtype = arrow.types, value.type
    if not value.is_valid:
        return None
    if types.is_time64(dtype) and dtype.unit == "ns":  # whose as_py drops nanoseconds
        return TimeNs.of(value.as_py(), value.value % 1000) if value.value % 1000 else value.as_py()
    if types.is_list(dtype) or types.is_large_list(dtype) or types.is_fixed_size_list(dtype):
        return list(value)
    try:
        if types.is_struct(dtype) and len({field.name for field in dtype}) == dtype.num_fields:
            return dict(value)
        return natural(value.as_py())
    except Exception:  # noqa: BLE001 - out of range, or of a library that is not there
        return value


_PICOSECONDS: Mapping[str, int] = {
    "W": 604_800 * 10**12,
    "D": 86_400 * 10**12,
    "h": 3_600 * 10**12,
    "m": 60 * 10**12,
    "s": 10**12,
    "ms": 10**9,
    "us": 10**6,
    "ns": 1_000,
    "ps": 1,
}
_FINER: Mapping[str, int] = {"fs": 10**3, "as": 10**6}


def _natural_moment(value: Any) -> Any:
    """Returns a numpy datetime64 or timedelta64 as Python's, or itself where that cannot be the same.

    That is: finer than nanoseconds, out of range, or a span of months or without a unit.
    """
    item = value.item()
    if not isinstance(item, int):
        return item
    unit, count = sys.modules["numpy"].datetime_data(value.dtype)
    ticks = int(value.astype("int64")) * count
    ticks, finer = divmod(ticks, _FINER.get(unit, 1))
    nanoseconds, rest = divmod(ticks * _PICOSECONDS.get("ps" if unit in _FINER else unit, 0), 1_000)
    if finer or rest or unit not in (*_PICOSECONDS, *_FINER):
        return value
    try:
        span = TimeDeltaNs(nanoseconds=nanoseconds)
        if type(value).__name__ == "timedelta64":
            return _natural_timedelta(span)
        moment = dt.datetime(1970, 1, 1) + span.plain()  # noqa: DTZ001
    except OverflowError:
        return value
    return DateTimeNs.of(moment, span.nanoseconds) if span.nanoseconds else moment


def _natural_range(value: range) -> object:
    return value if value[urls.MAX_ELEMENTS :] else list(value)


def _natural_time(value: dt.time) -> dt.time:
    return dt.time(
        value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold
    )


def _listed(value: Sequence[Any]) -> list[Any]:
    """The items of a sequence, as many as it says that it has: not all of them end otherwise."""
    count = len(value)
    if count > urls.MAX_ELEMENTS:
        raise Fault(f"message too large: more than {urls.MAX_ELEMENTS} elements")
    return [value[index] for index in range(count)]


_BASES: Sequence[tuple[type[Any] | tuple[type[Any], ...], Callable[[Any], Any]]] = (
    (str, str.__str__),
    (int, int.__pos__),
    (float, float.__pos__),
    (complex, complex.__pos__),
    (bytes, lambda value: bytes(memoryview(value))),
    (bytearray, bytes),
    (memoryview, bytes),
    (dict, dict),
    (list, list),
    (tuple, tuple),
    (set, set),
    (frozenset, frozenset),
    (range, _natural_range),
    (collections.deque, list),
    (array.array, list),
    (dt.datetime, _natural_datetime),
    (dt.date, lambda value: dt.date(value.year, value.month, value.day)),
    (dt.time, _natural_time),
    (dt.timedelta, _natural_timedelta),
    (Decimal, Decimal),
    (Fraction, Fraction),
    (uuid.UUID, lambda value: uuid.UUID(int=value.int)),
    (pathlib.PurePath, str),
    (ADDRESSES, str),
    (zoneinfo.ZoneInfo, lambda value: value.key or value),
    (collections.UserString, str),
    (Mapping, dict),
    (MappingView, list),
    (Sequence, _listed),
    (MutableSet, set),
    (Set, frozenset),
)
