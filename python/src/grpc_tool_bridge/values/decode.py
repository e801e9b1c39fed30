"""Python values from google.protobuf.Any."""

from __future__ import annotations

import operator
import struct
import uuid
from typing import TYPE_CHECKING, Any, cast

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.protobuf.wrappers_pb2 import (
    DoubleValue,
    Int32Value,
    Int64Value,
    UInt32Value,
    UInt64Value,
)

import dspex_bridge_pb2 as pb

from . import texts, urls
from .classes import registered
from .convert import fit
from .distinct import refuse_crowded, refuse_first
from .fault import Fault
from .plainread import read_list, read_struct, read_value
from .rawvalue import LATER, RawValue
from .scalarmessages import SCALAR_MESSAGES
from .scalars import NULL
from .unknowns import check_wrapper, honest, known_message
from .wirefields import BYTES, FIXED32, FIXED64, VARINT
from .wrappers import EnumValue, Opaque, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from grpc_tool_bridge.framebounds import Budget

    _Value: TypeAlias = pb.Value | RawValue

__all__ = ["Ordered", "decode", "decode_ordered", "decode_part"]


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
        if encoded.type_url == urls.JSON_VALUE and encoded.value == NULL:
            return None
        return _Decoder(encoded, strict=strict, native=native, budget=budget).packed(encoded, 1)
    except Fault as fault:
        raise fault.error() from fault.__cause__
    except DecodeError as error:
        raise Fault(_malformed(encoded.type_url, error)).error() from error
    except RecursionError as error:
        raise Fault("the value is nested too deep for this thread's stack").error() from error


class Ordered:
    """A set as it was encoded, its items in their order there."""

    __slots__ = ("frozen", "items")

    def __init__(self, items: list[Any], *, frozen: bool) -> None:
        self.items = items
        self.frozen = frozen


def decode_ordered(encoded: AnyMessage) -> object:
    """Decodes what ``encode`` gave: each set in it as ``Ordered``, tables and records as what they are."""
    return _Decoder(encoded, strict=False, native=False, budget=None, ordered=True).packed(
        encoded, 1
    )


def decode_part(encoded: AnyMessage, level: int) -> object:
    """Decodes a part of a larger value, at a level of containers; tables and records stay what they are.

    Raises:
        Fault: It is malformed.
    """
    return _Decoder(encoded, strict=False, native=False, budget=None).packed(encoded, level)


def _malformed(url: str, error: Exception) -> str:
    return f"the bytes are no {url.rpartition('/')[2]}, or nested deeper than 100 messages: {error}"


def _parsed(cls: type[Any]) -> Callable[[bytes], Any]:
    """Parses a wrapper; what is not the usual form is looked through for a field of another wire type."""
    wire = SCALAR_MESSAGES[cls].wire
    from_string, name, tag, is_usual = (
        cls.FromString,
        cls.DESCRIPTOR.full_name,
        8 | wire,
        _USUAL[wire],
    )

    def read(data: bytes) -> Any:
        value = from_string(data).value
        if data and not (data[0] == tag and is_usual(data)):
            check_wrapper(data, wire, name)
        return value

    return read


def _is_varint(data: bytes) -> bool:
    size = len(data)
    last = 2 if size == 11 else 128  # 64 bits end with one bit of the tenth byte
    return size == 2 or (2 < size < 12 and data[-1] < last and min(data[1:-1]) > 127)


def _is_short(data: bytes) -> bool:
    size = len(data)
    if size < 130:
        return data[1] == size - 2
    return data[1] & 127 | data[2] << 7 == size - 3 and data[2] < 128


_USUAL: Mapping[int, Callable[[bytes], bool]] = {
    VARINT: _is_varint,
    FIXED64: lambda data: len(data) == 9,
    BYTES: _is_short,
    FIXED32: lambda data: len(data) == 5,
}
"""What tells whether the bytes of a wrapper are its field alone, by the wire type of that."""


def _narrow(cls: type[Any], wide: type[Any], least: int, beyond: int) -> Callable[[bytes], int]:
    """Parses a wrapper of 32 bits as one of 64, which has its form: protobuf would cut it to 32 in silence."""
    parse, name = _parsed(wide), cls.DESCRIPTOR.name

    def read(data: bytes) -> int:
        value = cast("int", parse(data))
        if not least <= value < beyond:
            raise Fault(
                f"want {'a' if least == 0 else 'an'} {name} ({least} to {beyond - 1}), got {value}"
            )
        return value

    return read


_parse_int = _parsed(Int64Value)
_parse_float = _parsed(DoubleValue)
_double = struct.Struct("<d").unpack_from


def _read_int(data: bytes) -> int:
    if len(data) == 2 and data[0] == 8 and data[1] < 128:
        return data[1]
    if len(data) == 4 and data[0] == 8 and data[3] < 128 <= min(data[1], data[2]):
        return data[1] & 127 | (data[2] & 127) << 7 | data[3] << 14
    return cast("int", _parse_int(data))


def _read_float(data: bytes) -> float:
    if len(data) == 9 and data[0] == 9:
        return cast("float", _double(data, 1)[0])
    return cast("float", _parse_float(data))


_OWN: Mapping[type[Any], Callable[[bytes], Any]] = {
    Int64Value: _read_int,
    DoubleValue: _read_float,
    Int32Value: _narrow(Int32Value, Int64Value, -(2**31), 2**31),
    UInt32Value: _narrow(UInt32Value, UInt64Value, 0, 2**32),
}
"""What reads those wrappers that have more to it, or are most."""

_SCALARS: Mapping[str, Callable[[bytes], Any]] = {
    urls.PREFIX + cls.DESCRIPTOR.full_name: _OWN.get(cls) or _parsed(cls) for cls in SCALAR_MESSAGES
}
"""What reads the wrappers of scalars, by their type URLs."""


_PACKED = frozenset(
    url.removeprefix(urls.PREFIX)
    for url in (*_SCALARS, urls.VALUE, urls.JSON_LIST, urls.JSON_STRUCT, urls.JSON_VALUE)
)
"""The messages that are values of Python's own, by their names."""
_EMPTY = 2
"""The bytes of a message that says its kind and nothing else."""
_PYTHON = urls.PYTHON.removeprefix(urls.PREFIX)


class _UnknownKind(Exception):  # noqa: N818 - never leaves this module
    """A Value of a kind that this program does not know has to be read from its bytes, to keep them."""


class _Decoder:
    """Decodes one value."""

    def __init__(
        self,
        whole: AnyMessage,
        *,
        strict: bool,
        native: bool,
        budget: Budget | None,
        ordered: bool = False,
    ) -> None:
        self._whole = whole
        self._strict = strict
        self._native = native
        self._ordered = ordered
        self._budget = budget

    def packed(self, encoded: AnyMessage, level: int) -> object:
        """Decodes an Any at a level of containers."""
        url = encoded.type_url
        scalar = _SCALARS.get(url)
        try:
            if scalar is not None:
                return scalar(encoded.value)
            if url == urls.VALUE:
                return self._whole_value(encoded.value, level)
            if url == urls.JSON_LIST:
                return read_list(encoded.value, level)
            if url == urls.JSON_STRUCT:
                return read_struct(encoded.value, level)
            if url == urls.JSON_VALUE:
                return read_value(encoded.value, level)
            return self._other(encoded, level)
        except DecodeError as error:
            raise Fault(_malformed(url, error)) from error

    def _whole_value(self, data: bytes, level: int) -> object:
        try:
            return self._value(honest(data), level)
        except _UnknownKind:
            pass
        return self._value(RawValue(data, 0, len(data)), level)

    def _other(self, encoded: AnyMessage, level: int) -> object:
        url = encoded.type_url
        if not url:
            if encoded.value:
                raise Fault("want an encoded value, got one without a type URL")
            return None
        if url.startswith(urls.STREAMED):
            raise Fault(f"{url!r:.100} stands for a table in pieces, which did not come")
        name = url.rpartition("/")[2]  # what stands before says nothing
        if not name:
            raise Fault(f"the type URL {url!r:.100} names no type")
        if url != urls.PREFIX + name and (name in _PACKED or _message_class(name) is not None):
            ours = AnyMessage(type_url=urls.PREFIX + name, value=encoded.value)
            return self.packed(ours, level)
        if self._native and name in urls.FRAME_KINDS:
            return self._frame(name, encoded)
        if self._native and name in (urls.NAT, urls.NA) and not encoded.value:
            return _missing(encoded, name)
        if name.startswith(_PYTHON):
            text = _text(encoded)
            if self._native and not self._strict:
                return text
        cls = None if name in urls.FRAME_KINDS else _message_class(name)
        if cls is not None:
            return known_message(cls, encoded.value)
        if self._strict:
            raise Fault(f"unknown type {url!r:.200}, which strict mode refuses")
        return Opaque(url, encoded.value)

    def _frame(self, name: str, encoded: AnyMessage) -> object:
        from grpc_tool_bridge.framebounds import Budget
        from grpc_tool_bridge.frames import decode_frame

        data = encoded.value  # each look at it makes a copy
        if self._budget is None:
            kind = self._whole.type_url.rpartition("/")[2]
            size = len(data) if encoded is self._whole else len(self._whole.value)
            self._budget = Budget(kind, size)
        return decode_frame(name, data, self._budget)

    def _value(self, message: _Value, level: int) -> Any:
        kind = message.kind
        plain = _PLAIN.get(kind)
        if plain is not None:
            return plain(message)
        reader = _READERS.get(kind)
        if reader is not None:
            return reader(self, message, level)
        if self._strict:
            if kind == LATER:
                raise Fault("a value with fields of a later version, which strict mode refuses")
            raise Fault(f"unknown kind {message.kind} of value, which strict mode refuses")
        if isinstance(message, RawValue):
            return Opaque(urls.VALUE, message.whole)
        raise _UnknownKind

    def list_(self, message: _Value, level: int) -> list[Any]:
        """Reads the items of a list or tuple."""
        _check_level(level)
        if message.ByteSize() <= _EMPTY:
            return []
        runs = [run for run in (message.ints, message.texts, message.floats) if len(run)]
        items = message.items
        if len(runs) + (len(items) > 0) > 1:
            raise Fault("items stand in more than one field of the message")
        if runs:
            return list(cast("Sequence[Any]", runs[0]))
        return self._values(items, level + 1, Fault.at)

    def _values(
        self, messages: Iterable[_Value], level: int, step: Callable[[Fault, int], None]
    ) -> list[Any]:
        """Reads values one after the other; errors have the step to theirs."""
        values: list[Any] = []
        try:
            for message in messages:
                plain = _PLAIN.get(message.kind)
                values.append(self._value(message, level) if plain is None else plain(message))
        except Fault as fault:
            step(fault, len(values))
            raise
        return values

    def set_(self, message: _Value, level: int) -> object:
        """Reads a set or frozenset."""
        frozen = message.kind == pb.FROZENSET
        items = self.list_(message, level)
        if self._ordered:
            return Ordered(items, frozen=frozen)
        distinct = _distinct(items, of_run=not len(message.items))
        return frozenset(distinct) if frozen else distinct

    def dict_(self, message: _Value, level: int) -> dict[Any, Any]:
        """Reads a dict."""
        _check_level(level)
        if not len(message.keys):
            return self._fields(list(message.texts), message, level)
        if len(message.texts):
            raise Fault("keys stand in more than one field of the message")
        keys = self._values(message.keys, level + 1, Fault.at_key)
        refuse_crowded(keys, Fault.at_key, "key")
        return self._fields(keys, message, level)

    def _fields(self, keys: Sequence[Any], message: _Value, level: int) -> dict[Any, Any]:
        if len(keys) != len(message.items):
            raise Fault(f"{len(keys)} keys for {len(message.items)} values")
        values = self._values(message.items, level + 1, lambda fault, index: fault.at(keys[index]))
        try:
            found = dict(zip(keys, values, strict=True))
        except Exception:  # noqa: BLE001 - the key is named below
            found = {}
        if len(found) != len(keys):
            refuse_first(keys, Fault.at_key, "key")
        return found

    def any_(self, message: _Value, level: int) -> object:
        """Reads an Any. It counts as a level, so that those in others end."""
        if level > urls.MAX_DEPTH + 1:
            raise Fault(f"nested deeper than {urls.MAX_DEPTH} levels")
        encoded = message.any
        if not encoded.type_url:
            raise Fault("want an encoded value, got one without a type URL")
        return self.packed(encoded, level + 1)

    def record_(self, message: _Value, level: int) -> object:
        """Reads a record, and makes an object of it if its class is registered."""
        class_name = message.text
        _check_level(level)
        return self._object(Record(class_name, self._fields(list(message.texts), message, level)))

    def enum_(self, message: _Value, level: int) -> object:
        """Reads a member, and makes one of the enumeration if that is registered."""
        class_name = message.text
        _check_level(level)
        names = list(message.texts)
        if len(names) != len(message.items):
            raise Fault(
                "want one name and one value of a member of an enumeration,"
                f" got {len(names)} and {len(message.items)}"
            )
        values = self._values(message.items, level + 1, lambda fault, _: fault.inside("value"))
        if len(names) != 1:
            raise Fault(
                f"want one name and one value of a member of an enumeration, got {len(names)}"
            )
        return self._object(EnumValue(class_name, names[0], values[0]))

    def _object(self, wrapper: Record | EnumValue) -> object:
        cls = registered(wrapper.class_name) if self._native else None
        return wrapper if cls is None else fit(wrapper, cls)


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


def _text_reader(parse: Callable[[str], Any]) -> Callable[[_Value], Any]:
    return lambda message: parse(message.text)


def _distinct(items: list[Any], *, of_run: bool) -> set[Any]:
    if not of_run:  # those have ints of 64 bits, floats or texts
        refuse_crowded(items, Fault.at, "item")
    try:
        distinct: set[Any] = set(items)
    except Exception:  # noqa: BLE001 - the item is named below
        distinct = set()
    if len(distinct) != len(items):
        refuse_first(items, Fault.at, "item")
    return distinct


_PLAIN: Mapping[int, Callable[[_Value], Any]] = {
    pb.NONE: lambda message: None,
    pb.BOOL: operator.attrgetter("bool_value"),
    pb.INT: operator.attrgetter("int_value"),
    pb.FLOAT: operator.attrgetter("float_value"),
    pb.STR: operator.attrgetter("text"),
    pb.BYTES: operator.attrgetter("data"),
    pb.BIGINT: lambda message: _big_int(message.data),
    pb.DATETIME: _text_reader(texts.parse_datetime),
    pb.DATE: _text_reader(texts.parse_date),
    pb.TIME: _text_reader(texts.parse_time),
    pb.TIMEDELTA: _text_reader(texts.parse_timedelta),
    pb.DECIMAL: _text_reader(texts.parse_decimal),
    pb.FRACTION: _text_reader(texts.parse_fraction),
    pb.COMPLEX: lambda message: _complex(message.floats),
    pb.UUID: lambda message: _uuid(message.data),
}
"""Readers of kinds without anything inside, which are most."""

_READERS: Mapping[int, Callable[[_Decoder, _Value, int], Any]] = {
    pb.LIST: _Decoder.list_,
    pb.TUPLE: lambda decoder, message, level: tuple(decoder.list_(message, level)),
    pb.SET: _Decoder.set_,
    pb.FROZENSET: _Decoder.set_,
    pb.DICT: _Decoder.dict_,
    pb.ENUM: _Decoder.enum_,
    pb.RECORD: _Decoder.record_,
    pb.ANY: _Decoder.any_,
}
