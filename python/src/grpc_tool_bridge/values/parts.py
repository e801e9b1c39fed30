"""Parts of containers on their way to the wire: what they travel as, and whether keys stay apart as that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from google.protobuf.any_pb2 import Any as AnyMessage

from . import urls
from .distinct import refuse_first
from .fault import Fault
from .kinds import LEAVES
from .natural import natural
from .wrappers import Opaque

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import dspex_bridge_pb2 as pb

__all__ = ["naturals", "refuse_equal", "stays"]


def naturals(
    items: Iterable[Any], step: Callable[[Fault, int, object], None], container: object
) -> list[Any]:
    """Returns objects of known classes that stand for items, or the items where there are none.

    Args:
        items: What no code of a user's changes meanwhile.
        step: Adds the step that leads to one of them.
        container: What holds them.

    Raises:
        Fault: One cannot be read.
    """
    made: list[Any] = []
    try:
        for item in items:
            made.append(natural(item))  # noqa: PERF401 - its length names the one that failed
    except Fault as fault:
        step(fault, len(made), container)
        raise
    return made


def stays(item: Any) -> bool:
    """Reports whether a key or an item of a set arrives as it is, as different from others as here."""
    kind = cast("type[Any]", type(item))
    if kind is tuple or kind is frozenset:
        return all(map(stays, cast("Iterable[Any]", item)))
    return kind in LEAVES


def refuse_equal(
    messages: Sequence[pb.Value],
    level: int,
    step: Callable[[Fault, int, object], None],
    container: object,
    what: str,
) -> None:
    """Refuses keys, or items of a set, that are one as they travel, or not hashable: no decoder takes them.

    Args:
        messages: The keys as they are encoded.
        level: That of the container.
        step: Adds the step that leads to one of them.
        container: What holds them.
        what: What each is, for the message.

    Raises:
        Fault: There is one.
    """
    from .decode import decode_part

    def arriving(message: pb.Value) -> object:
        encoded = AnyMessage(type_url=urls.VALUE, value=message.SerializeToString())
        key = decode_part(encoded, level + 1)
        if isinstance(key, Opaque) and key.type_url.startswith(urls.PYTHON):
            return key.value.decode()
        return key

    refuse_first(map(arriving, messages), lambda fault, index: step(fault, index, container), what)
