"""Messages of protobuf that travel as what they hold: its wrappers of scalars, and those of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value

from . import urls
from .fault import Fault
from .misfit import misfit, name_of
from .scalarmessages import SCALAR_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.message import Message

__all__ = ["fit_message"]

_SCALARS: Mapping[type[Any], tuple[type, ...]] = {
    cls: (held.cls, int) if held.cls is float else (held.cls,)
    for cls, held in SCALAR_MESSAGES.items()
}
"""What each may be made of."""


def fit_message(value: Any, cls: type[Message]) -> Message:
    """Returns a message of a class, made of what it holds where it travels as that alone.

    Raises:
        Fault: It is no such message, or cannot hold the value as it is.
    """
    if isinstance(value, cls):
        return value
    if type(value) in _SCALARS.get(cls, ()):
        return _wrapper(value, cls)
    if cls is Value or (cls, type(value)) in ((ListValue, list), (Struct, dict)):
        made = _json_value(value)
        return made if cls is Value else getattr(made, str(made.WhichOneof("kind")))
    raise misfit(value, name_of(cls))


def _wrapper(value: Any, cls: Any) -> Message:
    made = cls(value=value)  # which refuses an int that is out of range
    if made.value != value and value == value:
        raise misfit(value, f"{cls.__name__}, which can hold it exactly")
    return made


_NUMBER = "number_value"
_FIELDS: Mapping[type[Any], str] = {str: "string_value", bool: "bool_value", float: _NUMBER}


def _json_value(value: Any) -> Value:
    kind = cast("type[Any]", type(value))
    if kind in _FIELDS:
        return Value(**{_FIELDS[kind]: value})
    if value is None:
        return Value(null_value=NULL_VALUE)
    if kind is int and -urls.MAX_EXACT <= value <= urls.MAX_EXACT:
        return Value(number_value=value)
    if kind is list:
        return Value(list_value=ListValue(values=_each(enumerate(cast("list[Any]", value)))))
    if kind is dict and all(type(key) is str for key in value):
        return Value(
            struct_value=Struct(fields=dict(zip(value, _each(value.items()), strict=True)))
        )
    raise misfit(value, "what JSON has, with ints that a float holds")


def _each(parts: Iterable[tuple[Any, Any]]) -> list[Value]:
    made: list[Value] = []
    step = None
    try:
        for step, part in parts:  # noqa: B007 - names the part that failed
            made.append(_json_value(part))
    except Fault as fault:
        fault.at(step)
        raise
    return made
