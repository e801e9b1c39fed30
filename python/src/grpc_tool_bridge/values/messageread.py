"""Messages from protobuf's JSON, of which every SDK reads the same, and refuses the same."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import math
import re
import struct
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

# All programs know these messages, so that each can read what another writes as $message.
from google.protobuf import (
    api_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    descriptor_pool,
    duration_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    empty_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    field_mask_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    message_factory,
    source_context_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    struct_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    timestamp_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    type_pb2,  # noqa: F401  # pyright: ignore[reportUnusedImport]
)
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import FieldDescriptor

from .fault import Fault
from .messagebytes import message_bytes
from .scalarmessages import SCALAR_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.descriptor import Descriptor

__all__ = ["MOST_TYPED", "Number", "Pairs", "is_map", "kind_of", "nearest_float", "read_message"]

MOST_TYPED: Final = 8
"""How many messages with an "@type" may be in one another: readers look through all that is in an Any for its type,
and so again in the Any in it. Deeper ones are written as $any."""

_TYPE: Final = "@type"
_GOOGLE: Final = "google.protobuf."
_NUMBER = re.compile(r"(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", re.ASCII)
_MOST_DIGITS = 20
_SPAN = re.compile(r"([+-]?)(?:(0|[1-9]\d*)(?:\.(\d{0,9}))?|\.(\d{0,9}))s", re.ASCII)
_LONGEST_SPAN = 315_576_000_000
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH = dt.date(1970, 1, 1).toordinal()
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_LEAP_YEARS = 400
_LEAP_DAYS = 146_097
"""How many days 400 years have, after which the calendar is the same."""
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_NAN: float = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000001))[0]
"""The NaN that other readers of this JSON make, of which the bytes of messages tell."""
_BITS: Mapping[int, tuple[int, bool]] = {
    FieldDescriptor.CPPTYPE_INT32: (32, True),
    FieldDescriptor.CPPTYPE_INT64: (64, True),
    FieldDescriptor.CPPTYPE_UINT32: (32, False),
    FieldDescriptor.CPPTYPE_UINT64: (64, False),
}


class Pairs(list[tuple[str, Any]]):
    """An object of JSON, its keys in order."""


class Number(NamedTuple):
    """A number of JSON as it is written."""

    text: str


def read_message(tree: Any) -> AnyMessage:
    """Reads an encoded message from its JSON.

    Args:
        tree: JSON whose objects are ``Pairs`` and whose numbers are ``Number``.

    Raises:
        Fault: It is no JSON of a message that this program knows, or has a number that would become 0.
    """
    if _typed(tree) > MOST_TYPED:
        raise Fault(
            f'want at most {MOST_TYPED} messages with an "@type" in one another, got more;'
            " deeper ones are written as $any"
        )
    _check_floats(tree)
    encoded = AnyMessage()
    _read_any(encoded, tree)
    return encoded


def kind_of(type_url: str) -> Descriptor:
    """Returns what this program knows of a message.

    Raises:
        Fault: That is nothing.
    """
    pool = descriptor_pool.Default()
    try:
        return cast("Descriptor", pool.FindMessageTypeByName(type_url.rpartition("/")[2]))  # type: ignore[no-untyped-call]
    except KeyError as error:
        raise Fault(
            f"want a message that this program knows, got {type_url!r:.100}; others are written as $any"
        ) from error


def is_map(field: FieldDescriptor) -> bool:
    """Reports whether a field is a map."""
    kind = field.message_type
    return kind is not None and kind.GetOptions().map_entry


def _typed(tree: Any) -> int:
    """Returns how many objects with an "@type" are in one another."""
    if isinstance(tree, Pairs):
        own = any(name == _TYPE for name, _ in tree)
        return max((_typed(member) for _, member in tree), default=0) + own
    if isinstance(tree, list):
        return max(map(_typed, cast("list[Any]", tree)), default=0)
    return 0


def _check_floats(tree: Any) -> None:
    """Refuses numbers that are not 0 and would become 0."""
    if isinstance(tree, Number):
        _check_float(tree.text, 64)
    elif isinstance(tree, Pairs):
        members = dict(tree)
        url, value = members.get(_TYPE), members.get("value")
        bits = _WRAPPED_FLOATS.get(url.rpartition("/")[2]) if isinstance(url, str) else None
        if bits and isinstance(value, (Number, str)):
            _check_float(value.text if isinstance(value, Number) else value, bits)
        for member in members.values():
            _check_floats(member)
    elif isinstance(tree, list):
        for item in cast("list[Any]", tree):
            _check_floats(item)


_WRAPPED_FLOATS = {_GOOGLE + "DoubleValue": 64, _GOOGLE + "FloatValue": 32}


def _check_float(text: str, bits: int) -> None:
    if (
        _NUMBER.fullmatch(text)
        and nearest_float(text, bits) == 0
        and re.search("[1-9]", re.split("[eE]", text)[0])
    ):
        raise Fault(f"want a number that a float of {bits} bits can hold, or 0, got {text:.60}")


def _read(message: Any, tree: Any) -> None:
    reader = _READERS.get(message.DESCRIPTOR.full_name)
    if reader is None:
        _read_fields(message, tree)
    else:
        reader(message, tree)


def _read_fields(message: Any, tree: Any, *, is_packed: bool = False) -> None:
    """Reads a message from an object; of one in an Any, beside its type."""
    if not isinstance(tree, Pairs):
        raise _unfit(f"an object of message {message.DESCRIPTOR.full_name}", tree)
    known = _fields_of(message.DESCRIPTOR)
    seen: set[str] = set()
    for name, held in tree:
        if is_packed and name == _TYPE:
            continue
        field = known.get(name)
        if field is None:
            raise Fault(f"message {message.DESCRIPTOR.full_name} has no field {name!r:.80}")
        if field.name in seen:
            raise Fault(f"the field {name!r:.80} of {message.DESCRIPTOR.full_name} is there twice")
        seen.add(field.name)
        if held is not None or _takes_null(field):
            _read_field(message, field, held)
            choice = field.containing_oneof
            if choice is not None:
                if choice.full_name in seen:
                    raise Fault(f"more than one of {choice.full_name} is there")
                seen.add(choice.full_name)


@functools.cache
def _fields_of(kind: Descriptor) -> Mapping[str, FieldDescriptor]:
    """The fields of a message by both their names."""
    return {field.name: field for field in kind.fields} | {
        field.json_name: field for field in kind.fields
    }


def _takes_null(field: FieldDescriptor) -> bool:
    kind, names = field.message_type, field.enum_type
    return (kind is not None and kind.full_name == _GOOGLE + "Value") or (
        names is not None and names.full_name == _GOOGLE + "NullValue"
    )


def _read_field(message: Any, field: FieldDescriptor, tree: Any) -> None:
    if is_map(field):
        _read_map(getattr(message, field.name), field, tree)
    elif field.is_repeated:
        _read_list(getattr(message, field.name), field, tree)
    elif field.message_type is not None:
        held = getattr(message, field.name)
        held.SetInParent()
        _read(held, tree)
    else:
        setattr(message, field.name, _scalar(field, tree))


def _read_list(items: Any, field: FieldDescriptor, tree: Any) -> None:
    if not isinstance(tree, list) or isinstance(tree, Pairs):
        raise _unfit(f"a list for field {field.full_name}", tree)
    for item in cast("list[Any]", tree):
        if field.message_type is not None:
            _read(items.add(), item)
        else:
            items.append(_scalar(field, item))


def _read_map(entries: Any, field: FieldDescriptor, tree: Any) -> None:
    if not isinstance(tree, Pairs):
        raise _unfit(f"an object for field {field.full_name}", tree)
    parts = cast("Descriptor", field.message_type).fields_by_name
    for name, held in tree:
        key = _key(parts["key"], name)
        if key in entries:
            raise Fault(f"the key {name!r:.80} of {field.full_name} is there twice")
        if parts["value"].message_type is not None:
            _read(entries[key], held)
            entries[key].SetInParent()
        else:
            entries[key] = _scalar(parts["value"], held)


def _key(field: FieldDescriptor, name: str) -> Any:
    if field.cpp_type == field.CPPTYPE_STRING:
        return name
    if field.cpp_type == field.CPPTYPE_BOOL and name in ("true", "false"):
        return name == "true"
    bits, signed = _BITS.get(field.cpp_type, (0, False))
    if bits and re.fullmatch(r"[+-]?\d+" if signed else r"\d+", name, re.ASCII):
        return _in_range(int(name), bits, signed=signed)
    raise _unfit(f"a key of {field.full_name}", name)


def _scalar(field: FieldDescriptor, tree: Any) -> Any:
    kind = field.cpp_type
    number = tree.text if isinstance(tree, Number) else tree if isinstance(tree, str) else None
    if kind == field.CPPTYPE_BOOL and isinstance(tree, bool):
        return tree
    if kind == field.CPPTYPE_ENUM:
        return _enum(field, tree)
    if isinstance(tree, str) and field.type == field.TYPE_STRING:
        return tree
    if isinstance(tree, str) and field.type == field.TYPE_BYTES:
        return _bytes(tree)
    if number is not None and kind in _BITS:
        bits, signed = _BITS[kind]
        return _integer(number, bits, signed=signed)
    if number is not None and kind in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        special = _SPECIAL.get(number)
        if special is not None:
            return special
        return _finite(number, 64 if kind == field.CPPTYPE_DOUBLE else 32)
    raise _unfit(f"a value of field {field.full_name}", tree)


_SPECIAL = {"NaN": _NAN, "Infinity": math.inf, "-Infinity": -math.inf}


def _enum(field: FieldDescriptor, tree: Any) -> int:
    if isinstance(tree, str):
        named = cast("Any", field.enum_type).values_by_name.get(tree)
        if named is not None:
            return cast("int", named.number)
    elif isinstance(tree, Number):
        return _integer(tree.text, 32, signed=True)
    elif tree is None and _takes_null(field):
        return 0
    raise _unfit(f"a member of enumeration {cast('Any', field.enum_type).full_name}", tree)


def _bytes(text: str) -> bytes:
    """Reads base64 of either alphabet, padded or not; line breaks in it say nothing."""
    data = text.replace("\r", "").replace("\n", "")
    letters = r"[\w-]*" if "-" in text or "_" in text else r"[A-Za-z0-9+/]*"
    if len(text) % 4:
        is_right = re.fullmatch(letters, data, re.ASCII) and len(data) % 4 != 1
    else:
        is_right = re.fullmatch(letters + "={0,2}", data, re.ASCII) and len(data) % 4 == 0
    if not is_right:
        raise _unfit("base64", text)
    return base64.b64decode(data.replace("-", "+").replace("_", "/") + "=" * (-len(data) % 4))


def _integer(text: str, bits: int, *, signed: bool) -> int:
    """Reads a number that is an int however it is written."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise _unfit("a number", text)
    sign, whole, fraction, power = found.groups()
    whole, fraction = whole.lstrip("0"), (fraction or "").rstrip("0")
    if not whole and not fraction:
        return 0
    if len(power or "") > _MOST_DIGITS:
        raise _unfit("an int", text)
    shift = int(power or "0")
    if len(fraction) > max(shift, 0) or len(whole) + shift > _MOST_DIGITS or len(whole) + shift < 0:
        raise _unfit("an int", text)
    digits = whole + fraction + "0" * (shift - len(fraction))
    cut = len(digits) + min(shift, 0)
    if digits[cut:].strip("0"):
        raise _unfit("an int", text)
    return _in_range(int(sign + digits[:cut]), bits, signed=signed)


def _in_range(number: int, bits: int, *, signed: bool) -> int:
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not least <= number <= most:
        raise Fault(f"want an int from {least} to {most}, got {number}")
    return number


def _finite(text: str, bits: int) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise _unfit("a number", text)
    number = nearest_float(text, bits)
    if math.isinf(number):
        raise Fault(f"want a number that a float of {bits} bits can hold, got {text:.60}")
    return number


def nearest_float(text: str, bits: int) -> float:
    """The nearest float of 64 or 32 bits, infinite if the number is too large."""
    number = float(text)
    if bits == 64 or number == 0 or math.isinf(number):
        return number
    written, near = Decimal(text), Decimal(number)
    if written != near:  # rounded twice, it could become the float beside the nearest
        if abs(near) > abs(written):
            number = math.nextafter(number, 0)
        (pattern,) = struct.unpack("<Q", struct.pack("<d", number))
        (number,) = struct.unpack("<d", struct.pack("<Q", pattern | 1))
    try:
        (number,) = struct.unpack("<f", struct.pack("<f", number))
        return number
    except OverflowError:
        return math.copysign(math.inf, number)


def _read_any(message: AnyMessage, tree: Any) -> None:
    if not isinstance(tree, Pairs):
        raise _unfit('an object with "@type"', tree)
    if not tree:
        return
    found = [held for name, held in tree if name == _TYPE]
    if len(found) != 1 or not isinstance(found[0], str) or not found[0]:
        raise Fault('want an object with one "@type", the URL of a message\'s type')
    kind = kind_of(found[0])
    inner = message_factory.GetMessageClass(kind)()
    if kind.full_name in _READERS:
        _read_packed(inner, tree)
    else:
        _read_fields(inner, tree, is_packed=True)
    message.type_url = found[0]
    message.value = message_bytes(inner)


def _read_packed(message: Any, tree: Pairs) -> None:
    """Reads a message whose JSON is no object of its fields: in an Any it stands under "value"."""
    name = message.DESCRIPTOR.full_name
    held = [held for name, held in tree if name == "value"]
    if len(held) > 1 or len(held) + 1 != len(tree):
        raise Fault(f'want only "@type" and one "value" of {name}, got other keys')
    if held:
        _read(message, held[0])
    elif name != _GOOGLE + "Empty":
        raise Fault(f'want the {name} under "value", got none')


def _read_empty(message: Any, tree: Any) -> None:
    if not isinstance(tree, Pairs) or tree:
        raise _unfit("an object without keys", tree)


def _read_wrapper(message: Any, tree: Any) -> None:
    message.value = _scalar(message.DESCRIPTOR.fields_by_name["value"], tree)


def _read_struct(message: Any, tree: Any) -> None:
    _read_map(message.fields, message.DESCRIPTOR.fields_by_name["fields"], tree)


def _read_items(message: Any, tree: Any) -> None:
    _read_list(message.values, message.DESCRIPTOR.fields_by_name["values"], tree)


def _read_value(message: Any, tree: Any) -> None:
    if tree is None:
        message.null_value = 0
    elif isinstance(tree, bool):
        message.bool_value = tree
    elif isinstance(tree, Number):
        message.number_value = _finite(tree.text, 64)
    elif isinstance(tree, str):
        message.string_value = tree
    elif isinstance(tree, Pairs):
        message.struct_value.SetInParent()
        _read_struct(message.struct_value, tree)
    else:
        message.list_value.SetInParent()
        _read_items(message.list_value, tree)


def _read_duration(message: Any, tree: Any) -> None:
    found = _SPAN.fullmatch(tree) if isinstance(tree, str) else None
    if found is None or len(found[2] or "") > _MOST_DIGITS:
        raise _unfit('a duration such as "1.5s"', tree)
    sign = -1 if found[1] == "-" else 1
    seconds = int(found[2] or "0")
    if seconds > _LONGEST_SPAN:
        raise _unfit(f"a duration of at most {_LONGEST_SPAN} s", tree)
    message.seconds = sign * seconds
    message.nanos = sign * int((found[3] or found[4] or "").ljust(9, "0"))


def _read_timestamp(message: Any, tree: Any) -> None:
    found = _MOMENT.fullmatch(tree) if isinstance(tree, str) else None
    if found is None:
        raise _unfit('a timestamp such as "2024-05-06T07:08:09Z"', tree)
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, sign, hours, minutes = found.groups()[6:]
    if hour > 23 or minute > 59 or second > 59 or int(hours or 0) > 24 or int(minutes or 0) > 60:
        raise _unfit("a timestamp with a time of day", tree)
    if len(fraction or "") > 9 and "." in tree:
        raise _unfit("a timestamp with at most 9 digits of a second", tree)
    try:
        days = dt.date(year or _LEAP_YEARS, month, day).toordinal() - _EPOCH
    except ValueError as error:
        raise _unfit("a timestamp with a day of the calendar", tree) from error
    offset = int(f"{sign or ''}1") * (int(hours or 0) * 3600 + int(minutes or 0) * 60)
    days -= 0 if year else _LEAP_DAYS
    seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise _unfit("a timestamp of the years 1 to 9999", tree)
    message.seconds, message.nanos = seconds, int((fraction or "").ljust(9, "0")[:9])


def _read_mask(message: Any, tree: Any) -> None:
    if not isinstance(tree, str):
        raise _unfit("a mask of paths", tree)
    paths = tree.strip(_SPACE)
    for path in paths.split(",") if paths else ():
        snake = re.sub("[A-Z]", lambda found: "_" + found[0].lower(), path)
        if "_" in path or _PATH.fullmatch(snake) is None:
            raise _unfit("a mask of paths of names such as aB.c", tree)
        message.paths.append(snake)


def _unfit(want: str, tree: Any) -> Fault:
    got = tree.text if isinstance(tree, Number) else repr(tree) if isinstance(tree, str) else None
    return Fault(f"want {want}, got {got or _JSON_NAMES[type(tree)]:.80}")


_JSON_NAMES: Mapping[type, str] = {
    Pairs: "an object",
    list: "a list",
    bool: "a bool",
    type(None): "null",
}

_READERS: Mapping[str, Callable[[Any, Any], None]] = {
    _GOOGLE + "Any": _read_any,
    _GOOGLE + "Duration": _read_duration,
    _GOOGLE + "Empty": _read_empty,
    _GOOGLE + "FieldMask": _read_mask,
    _GOOGLE + "ListValue": _read_items,
    _GOOGLE + "Struct": _read_struct,
    _GOOGLE + "Timestamp": _read_timestamp,
    _GOOGLE + "Value": _read_value,
    **dict.fromkeys((cls.DESCRIPTOR.full_name for cls in SCALAR_MESSAGES), _read_wrapper),
}
"""What reads the messages whose JSON is no object of their fields."""
