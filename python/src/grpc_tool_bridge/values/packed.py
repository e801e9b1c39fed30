"""Objects that are no values: messages, tables, what was passed on unread, and the rest as texts."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import TYPE_CHECKING

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import EncodeError, Message

from . import urls
from .fault import Fault, told
from .messagebytes import message_bytes
from .wrappers import Opaque

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NoEncoding", "packed"]


class NoEncoding(Fault):
    """An object has no encoding but its text, which says nothing of what it holds."""


def packed(value: object, *, strict: bool, in_model: bool = False) -> AnyMessage:
    """Packs a message, a table, a wrapper or any other object.

    Raises:
        NoEncoding: It would travel as a text, and that is asked to be strict, or in a field of a model.
        Fault: It would travel as a text that says nothing of what it holds.
    """
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
    if strict or in_model:
        why = "strict mode does not send it" if strict else "a field of a model is not sent"
        how = "convert it" if strict else "give the field a serializer of pydantic's"
        raise NoEncoding(
            f"an object of class {cls.__module__}.{cls.__qualname__} has no encoding, and {why} as text:"
            f" {how}, or make its class a dataclass"
        )
    return _text_of(value)


_MISSING: Mapping[str, str] = {"NaTType": urls.NAT, "NAType": urls.NA}
"""The classes of what pandas has for missing cells, and what travels for their only objects."""


_FRAME_LIBRARIES = frozenset({"pandas", "polars", "pyarrow", "numpy"})


def _pack_message(message: Message) -> AnyMessage:
    try:
        data = message_bytes(message)
    except EncodeError as error:
        raise Fault(f"message {message.DESCRIPTOR.full_name} cannot be encoded: {error}") from error
    return AnyMessage(type_url=urls.PREFIX + message.DESCRIPTOR.full_name, value=data)


def _text_of(value: object) -> AnyMessage:
    name = type(value).__name__
    try:
        data = str(value).encode()
        return AnyMessage(type_url=urls.PYTHON + name, value=data)
    except Exception as error:
        raise Fault(f"str() of an object of class {name} failed: {told(error)}") from error
