"""Python values from google.protobuf.Any."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.struct_pb2 import ListValue, Struct
from google.protobuf.struct_pb2 import Value as JsonValue
from google.protobuf.wrappers_pb2 import (
    BoolValue,
    BytesValue,
    DoubleValue,
    FloatValue,
    Int32Value,
    Int64Value,
    StringValue,
    UInt32Value,
    UInt64Value,
)

import dspex_bridge_pb2 as pb

from . import texts, urls
from .classes import registered
from .convert import fit
from .fault import SET_ITEM, Fault
from .locate import locate
from .unknowns import check_fields, honest
from .wrappers import EnumValue, Opaque, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from google.protobuf.any_pb2 import Any as AnyMessage

    from grpc_tool_bridge.framebounds import Budget

__all__ = ["decode"]


def decode(
    encoded: AnyMessage, *, strict: bool = False, native: bool = True, budget: Budget | None = None
) -> object:
    """Decodes a value.

    Args:
        encoded: What was received.
        strict: Refuse what this program does not know, instead of passing it on.
        native: Make tables and objects of registered classes; otherwise they stay Opaque and Record.
        budget: What all tables in it may take together; by default in proportion to its bytes.
    """
    scalar = _SCALARS.get(encoded.type_url)
    try:
        if scalar is not None:
            return scalar(encoded.value)
        return _Decoder(encoded, strict=strict, native=native, budget=budget).packed(encoded, 1)
    except Fault as fault:
        raise fault.error() from fault.__cause__
    except DecodeError as error:
        raise Fault(_malformed(encoded.type_url, error)).error() from error
    except RecursionError as error:
        raise Fault("the value is nested too deep for this thread's stack").error() from error


def _malformed(url: str, error: Exception) -> str:
    return f"the bytes are no {url.rpartition('/')[2]}, or nested deeper than 100 messages: {error}"


def _wrapper(cls: type[Any]) -> Callable[[bytes], Any]:
    from_string = cls.FromString
    field = cls.DESCRIPTOR.fields_by_name["value"]
    tag = field.number << 3 | _WIRE_TYPES.get(field.type, 0)

    def read(data: bytes) -> Any:
        message = from_string(data)
        if data and data[0] != tag:
            check_fields(message)
        return message.value

    return read


_WIRE_TYPES: Mapping[int, int] = {
    FieldDescriptor.TYPE_DOUBLE: 1,
    FieldDescriptor.TYPE_FLOAT: 5,
    FieldDescriptor.TYPE_STRING: 2,
    FieldDescriptor.TYPE_BYTES: 2,
}
"""Of the types of fields that are no varints."""


_SCALARS: Mapping[str, Callable[[bytes], Any]] = {
    urls.PREFIX + cls.DESCRIPTOR.full_name: _wrapper(cls)
    for cls in (
        StringValue,
        Int64Value,
        DoubleValue,
        BoolValue,
        BytesValue,
        FloatValue,
        Int32Value,
        UInt32Value,
        UInt64Value,
    )
}


def _number(value: float) -> int | float:
    """Reads a number of a Struct or ListValue."""
    if value.is_integer() and -urls.MAX_EXACT <= value <= urls.MAX_EXACT:
        return int(value)
    return value


class _Decoder:
    """Decodes one value."""

    def __init__(
        self, whole: AnyMessage, *, strict: bool, native: bool, budget: Budget | None
    ) -> None:
        self._whole = whole
        self._strict = strict
        self._native = native
        self._budget = budget

    def packed(self, encoded: AnyMessage, level: int) -> object:
        """Decodes an Any at a level of containers."""
        url = encoded.type_url
        scalar = _SCALARS.get(url)
        try:
            if scalar is not None:
                return scalar(encoded.value)
            if url == urls.VALUE:
                return self._value(honest(pb.Value, encoded.value), level)
            if url == urls.JSON_LIST:
                return self._json_list(honest(ListValue, encoded.value), level)
            if url == urls.JSON_STRUCT:
                return self._json_struct(honest(Struct, encoded.value), level)
            if url == urls.JSON_VALUE:
                return self._json_value(honest(JsonValue, encoded.value), level)
            return self._other(encoded)
        except DecodeError as error:
            if url == urls.VALUE:
                locate(encoded.value)
            raise Fault(_malformed(url, error)) from error

    def _other(self, encoded: AnyMessage) -> object:
        url = encoded.type_url
        if not url and not encoded.value:
            return None
        if url.startswith(urls.STREAMED):
            raise Fault(f"{url!r:.100} stands for a table in pieces, which did not come")
        name = url.removeprefix(urls.PREFIX)
        if self._native and name in urls.FRAME_KINDS:
            return self._frame(name, encoded)
        if self._native and name in (urls.NAT, urls.NA) and not encoded.value:
            return _missing(encoded, name)
        if self._native and url.startswith(urls.PYTHON) and not self._strict:
            return _text(encoded)
        cls = None if name in urls.FRAME_KINDS else _message_class(name)
        if cls is not None and url.startswith(urls.PREFIX):
            return cls.FromString(encoded.value)
        if self._strict:
            raise Fault(f"unknown type {url!r:.200}, which strict mode refuses")
        return Opaque(url, encoded.value)

    def _frame(self, name: str, encoded: AnyMessage) -> object:
        from grpc_tool_bridge.framebounds import Budget
        from grpc_tool_bridge.frames import decode_frame

        data = encoded.value  # each look at it makes a copy
        if self._budget is None:
            kind = self._whole.type_url.removeprefix(urls.PREFIX)
            size = len(data) if encoded is self._whole else len(self._whole.value)
            self._budget = Budget(kind, size)
        return decode_frame(name, data, self._budget)

    def _value(self, message: pb.Value, level: int) -> Any:
        reader = _READERS.get(message.kind)
        if reader is not None:
            return reader(self, message, level)
        if self._strict:
            raise Fault(f"unknown kind {message.kind} of value, which strict mode refuses")
        return Opaque(urls.VALUE, message.SerializeToString())

    def list_(self, message: pb.Value, level: int) -> list[Any]:
        """Reads the items of a list or tuple."""
        _check_level(level)
        runs = [run for run in (message.ints, message.texts, message.floats) if run]
        if len(runs) + bool(message.items) > 1:
            raise Fault("items stand in more than one field of the message")
        if runs:
            return list(cast("Sequence[Any]", runs[0]))
        values: list[Any] = []
        index = 0
        try:
            for index, item in enumerate(message.items):  # noqa: B007 - names the item that failed
                values.append(self._value(item, level + 1))
        except Fault as fault:
            fault.at(index)
            raise
        return values

    def set_(self, message: pb.Value, level: int) -> set[Any]:
        """Reads the items of a set."""
        items = self.list_(message, level)
        try:
            distinct = set(items)
        except TypeError as error:
            fault = Fault(f"an item of a set cannot be one in Python: {error}")
            fault.at(SET_ITEM)
            raise fault from error
        if len(distinct) != len(items):
            raise Fault("a set holds items twice that are equal in Python")
        return distinct

    def dict_(self, message: pb.Value, level: int) -> dict[Any, Any]:
        """Reads a dict."""
        _check_level(level)
        keys: Sequence[Any] = message.texts
        if message.keys:
            if message.texts:
                raise Fault("keys stand in more than one field of the message")
            keys = [self._key(key, level) for key in message.keys]
        return self._fields(keys, message, level)

    def _key(self, message: pb.Value, level: int) -> object:
        key = self._value(message, level + 1)
        try:
            hash(key)
        except TypeError as error:
            raise Fault(f"a dict's key cannot be one in Python: {error}") from error
        return key

    def _fields(self, keys: Sequence[Any], message: pb.Value, level: int) -> dict[Any, Any]:
        if len(keys) != len(message.items):
            raise Fault(f"{len(keys)} keys for {len(message.items)} values")
        values: dict[Any, Any] = {}
        key = None
        try:
            for key, item in zip(keys, message.items, strict=True):
                values[key] = self._value(item, level + 1)
        except Fault as fault:
            fault.at(key)
            raise
        if len(values) != len(keys):
            raise Fault("a dict holds keys twice that are equal in Python")
        return values

    def record_(self, message: pb.Value, level: int) -> object:
        """Reads a record, and makes an object of it if its class is registered."""
        _check_level(level)
        record = Record(message.text, self._fields(message.texts, message, level))
        return self._object(record)

    def enum_(self, message: pb.Value, level: int) -> object:
        """Reads a member, and makes one of the enumeration if that is registered."""
        _check_level(level)
        if len(message.texts) != 1 or len(message.items) != 1:
            raise Fault("a member of an enumeration has one name and one value")
        value = self._value(message.items[0], level + 1)
        return self._object(EnumValue(message.text, message.texts[0], value))

    def _object(self, wrapper: Record | EnumValue) -> object:
        cls = registered(wrapper.class_name) if self._native else None
        return wrapper if cls is None else fit(wrapper, cls)

    def _json_list(self, message: ListValue, level: int) -> list[Any]:
        _check_level(level)
        values: list[Any] = []
        index = 0
        try:
            for index, item in enumerate(message.values):  # noqa: B007 - names the item that failed
                values.append(self._json_value(item, level + 1))
        except Fault as fault:
            fault.at(index)
            raise
        return values

    def _json_struct(self, message: Struct, level: int) -> dict[str, Any]:
        _check_level(level)
        fields = message.fields
        values: dict[str, Any] = {}
        key = ""
        try:
            for key in sorted(fields):
                values[key] = self._json_value(fields[key], level + 1)
        except Fault as fault:
            fault.at(key)
            raise
        return values

    def _json_value(self, message: JsonValue, level: int) -> Any:
        kind = message.WhichOneof("kind")
        if kind == "number_value":
            return _number(message.number_value)
        if kind == "string_value":
            return message.string_value
        if kind == "bool_value":
            return message.bool_value
        if kind == "list_value":
            return self._json_list(message.list_value, level)
        if kind == "struct_value":
            return self._json_struct(message.struct_value, level)
        return None


def _check_level(level: int) -> None:
    if level > urls.MAX_DEPTH:
        raise Fault(f"nested deeper than {urls.MAX_DEPTH} levels")


def _big_int(data: bytes) -> int:
    if len(data) > urls.MAX_DIGITS:
        raise Fault(f"int has more than {urls.MAX_DIGITS} digits")
    return texts.check_digits(int.from_bytes(data, "big", signed=True))


def _complex(parts: Sequence[float]) -> complex:
    if len(parts) != 2:
        raise Fault(f"a complex number has 2 parts, not {len(parts)}")
    return complex(*parts)


def _uuid(data: bytes) -> uuid.UUID:
    if len(data) != 16:
        raise Fault(f"a UUID has 16 bytes, not {len(data)}")
    return uuid.UUID(bytes=data)


def _text(encoded: AnyMessage) -> str:
    try:
        return encoded.value.decode()
    except UnicodeDecodeError as error:
        raise Fault(f"the text of {encoded.type_url!r:.100} is not UTF-8: {error}") from error


def _missing(encoded: AnyMessage, name: str) -> object:
    """Returns what pandas has for missing cells, where it is installed."""
    try:
        import pandas as pd
    except ImportError:
        return Opaque(encoded.type_url, encoded.value)
    return pd.NaT if name == urls.NAT else pd.NA


def _message_class(name: str) -> type[Message] | None:
    """Returns a message's class if this program has imported it already; nothing is imported for it."""
    try:
        return message_factory.GetMessageClass(
            descriptor_pool.Default().FindMessageTypeByName(name)  # type: ignore[no-untyped-call]
        )
    except KeyError:
        return None


def _text_reader(parse: Callable[[str], Any]) -> Callable[[_Decoder, pb.Value, int], Any]:
    return lambda decoder, message, level: parse(message.text)


_READERS: Mapping[int, Callable[[_Decoder, pb.Value, int], Any]] = {
    pb.NONE: lambda decoder, message, level: None,
    pb.BOOL: lambda decoder, message, level: message.bool_value,
    pb.INT: lambda decoder, message, level: message.int_value,
    pb.FLOAT: lambda decoder, message, level: message.float_value,
    pb.STR: lambda decoder, message, level: message.text,
    pb.BYTES: lambda decoder, message, level: message.data,
    pb.BIGINT: lambda decoder, message, level: _big_int(message.data),
    pb.LIST: _Decoder.list_,
    pb.TUPLE: lambda decoder, message, level: tuple(decoder.list_(message, level)),
    pb.SET: _Decoder.set_,
    pb.FROZENSET: lambda decoder, message, level: frozenset(decoder.set_(message, level)),
    pb.DICT: _Decoder.dict_,
    pb.DATETIME: _text_reader(texts.parse_datetime),
    pb.DATE: _text_reader(texts.parse_date),
    pb.TIME: _text_reader(texts.parse_time),
    pb.TIMEDELTA: _text_reader(texts.parse_timedelta),
    pb.DECIMAL: _text_reader(texts.parse_decimal),
    pb.FRACTION: _text_reader(texts.parse_fraction),
    pb.COMPLEX: lambda decoder, message, level: _complex(message.floats),
    pb.UUID: lambda decoder, message, level: _uuid(message.data),
    pb.ENUM: _Decoder.enum_,
    pb.RECORD: _Decoder.record_,
    pb.ANY: lambda decoder, message, level: decoder.packed(message.any, level),
}
