"""Small, lossless lists and dicts as google.protobuf's ListValue and Struct."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from google.protobuf.message import EncodeError
from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct
from google.protobuf.struct_pb2 import Value as JsonValue

from .urls import MAX_ELEMENTS, MAX_EXACT, PLAIN_LEVELS, SMALL_ELEMENTS, SMALL_LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable


class _NotPlainError(Exception):
    """The value has to travel as dspex.bridge.Value."""


def encode_plain(
    value: list[object] | dict[object, object],
    natural: Callable[[object], object],
    *,
    limits: bool,
) -> bytes | None:
    """Returns a list as ListValue or a dict as Struct, or None if it is not small and lossless.

    Args:
        value: A list or dict.
        natural: Makes an object of a known class of one of a subclass.
        limits: Keep the limits on elements and levels.
    """
    if limits and len(value) >= SMALL_ELEMENTS:
        return None
    builder = (
        _Builder(natural, SMALL_ELEMENTS - 1, SMALL_LEVELS)
        if limits
        else _Builder(natural, MAX_ELEMENTS, PLAIN_LEVELS)
    )
    try:
        if type(value) is list:
            message = ListValue()
            builder.fill_list(message, value, 1)
        else:
            message = Struct()
            builder.fill_struct(message, cast("dict[object, object]", value), 1)
        return message.SerializeToString(deterministic=True)
    except (_NotPlainError, UnicodeEncodeError, EncodeError):
        # Whatever is wrong with it, the other form says where.
        return None


class _Builder:
    """Fills messages while the elements and levels that are left suffice."""

    def __init__(self, natural: Callable[[object], object], elements: int, levels: int) -> None:
        self._natural = natural
        self._left = elements
        self._levels = levels

    def fill_list(self, message: ListValue, items: list[object], level: int) -> None:
        self._take(len(items), level)
        add = message.values.add
        for item in items:
            self._fill(add(), item, level)

    def fill_struct(self, message: Struct, items: dict[object, object], level: int) -> None:
        self._take(len(items), level)
        fields, last = message.fields, None
        for given, item in items.items():
            key = self._natural(given)
            if type(key) is not str or (last is not None and key <= last):
                raise _NotPlainError
            last = key
            self._fill(fields[key], item, level)

    def _take(self, count: int, level: int) -> None:
        self._left -= count
        if self._left < 0 or level > self._levels:
            raise _NotPlainError

    def _fill(self, message: JsonValue, item: object, level: int) -> None:
        kind = type(item)
        if kind is str:
            message.string_value = cast("str", item)
        elif kind is int and -MAX_EXACT <= cast("int", item) <= MAX_EXACT:
            message.number_value = cast("int", item)
        elif kind is float and _is_exact(cast("float", item)):
            message.number_value = cast("float", item)
        elif kind is bool:
            message.bool_value = cast("bool", item)
        elif item is None:
            message.null_value = NULL_VALUE
        elif kind is list:
            message.list_value.SetInParent()
            self.fill_list(message.list_value, cast("list[object]", item), level + 1)
        elif kind is dict:
            message.struct_value.SetInParent()
            self.fill_struct(message.struct_value, cast("dict[object, object]", item), level + 1)
        else:
            self._fill_natural(message, item, level)

    def _fill_natural(self, message: JsonValue, item: object, level: int) -> None:
        known = self._natural(item)
        if known is item:
            raise _NotPlainError
        self._fill(message, known, level)


def _is_exact(number: float) -> bool:
    """Reports whether the number comes back as a float: neither NaN nor infinite nor taken for an int."""
    return number - number == 0 and (not number.is_integer() or abs(number) > MAX_EXACT)
