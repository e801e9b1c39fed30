"""A large value as it lies in the bytes that were received: protobuf would copy it on each look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.any_pb2 import Any as AnyMessage

from . import urls
from .convert import convert
from .decode import decode
from .fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LargeValue"]


class LargeValue:
    """A value that was received, in place.

    Args:
        type_url: As in ``google.protobuf.Any``.
        value: As there; it keeps the bytes alive in which it lies.
    """

    __slots__ = ("type_url", "value")

    def __init__(self, type_url: str, value: memoryview) -> None:
        self.type_url = type_url
        self.value = value

    def message(self) -> AnyMessage:
        """The same as a message."""
        return AnyMessage(type_url=self.type_url, value=bytes(self.value))

    def decode(self, hint: Any = None) -> Any:
        """Decodes it, as ``deserialize_value`` does.

        Raises:
            SerializationError: The bytes are malformed, or the value does not fit the hint.
        """
        value = self._decoded()
        return value if hint is None else convert(value, hint)

    def _decoded(self) -> Any:
        read = _RUNS.get(self.type_url)
        inner = None if read is None else _only_field(self.value)
        if read is not None and inner is not None:
            try:
                return read(inner)
            except UnicodeDecodeError:  # protobuf says what is wrong with it
                return decode(self.message())
        kind = self.type_url.rpartition("/")[2]
        if kind in urls.FRAME_KINDS and not self.type_url.startswith(urls.STREAMED):
            return _frame(kind, self.value)
        return decode(self.message())


_RUNS: Mapping[str, Callable[[memoryview], Any]] = {
    urls.BYTES: bytes,
    urls.STRING: lambda data: str(data, "utf-8"),
}
"""The values that are one run of bytes."""


def _only_field(data: memoryview) -> memoryview | None:
    """What field 1 of a message holds, a text or bytes, if the message has nothing else."""
    if len(data) < 2 or data[0] != 0x0A:
        return None
    size = shift = 0
    for at in range(1, min(6, len(data))):
        byte = data[at]
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            return data[at + 1 :] if at + 1 + size == len(data) else None
        shift += 7
    return None


def _frame(kind: str, data: memoryview) -> Any:
    from grpc_tool_bridge.frames import decode_frame

    try:
        return decode_frame(kind, data)
    except Fault as fault:
        raise fault.error() from fault.__cause__
