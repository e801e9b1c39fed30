"""Bytes that are not what their type URL says: protobuf takes a known field of another wire type for an unknown one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.unknown_fields import UnknownFieldSet

from .fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

__all__ = ["check_fields", "honest"]

M = TypeVar("M", bound="Message")


def honest(cls: type[M], data: bytes) -> M:
    """Parses a message.

    Fields that this program does not know are kept, for they are those of a later version.

    Raises:
        Fault: A field that it knows has another wire type than it may have; ``path`` says where.
        DecodeError: The bytes are malformed.
    """
    message = cls.FromString(data)
    size = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() == size:
        return message
    message = cls.FromString(data)
    _check(message)
    return message


def check_fields(message: Message) -> None:
    """Checks the fields of one message, not of those inside of it.

    Raises:
        Fault: As ``honest``.
    """
    known = message.DESCRIPTOR.fields_by_number
    for field in UnknownFieldSet(message):
        if field.field_number in known:
            raise Fault(
                f"want a {message.DESCRIPTOR.full_name}, got other bytes:"
                f" field {known[field.field_number].name} has wire type {field.wire_type}"
            )


def _check(message: Message) -> None:
    check_fields(message)
    step: int | str = 0
    try:
        for step, inner in _messages(message):  # noqa: B007 - names the part that failed
            _check(inner)
    except Fault as fault:
        fault.at(step)
        raise


def _messages(message: Message) -> Iterator[tuple[int | str, Message]]:
    """The messages inside of a message, with the step that leads to each."""
    for field, content in message.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            yield from content.items()
        elif hasattr(content, "add"):
            yield from enumerate(content)
        else:
            yield field.name, content
