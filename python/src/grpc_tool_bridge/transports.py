"""What carries the messages of a link: :class:`Transport`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Delivering", "Transport"]


class Transport(Protocol):
    """What carries the messages of a link."""

    async def read(self) -> bytes | None:
        """The next message; None at the end."""
        ...

    async def write(self, message: bytes) -> None:
        """Sends a message; returns when the next may be given."""
        ...


@runtime_checkable
class Delivering(Protocol):
    """A transport that gives its messages by itself."""

    async def deliver(self, receive: Callable[[bytes], None]) -> None:
        """Gives each message to ``receive`` until the end."""
        ...
