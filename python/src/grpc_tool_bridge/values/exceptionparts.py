"""Parts of Python's own exceptions that Python reads without a look at what they are, such as where a text is bad."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from .fault import Fault
from .misfit import describe

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["UnreadableError", "refuse_unreadable", "wrong_argument"]

_MAX_PLACE: Final = 2**24 - 1
"""The last line and column of a SyntaxError; Python writes as many marks as there are columns between two."""


class UnreadableError(Fault):
    """An exception of which Python can make no text, or would read beside a value in the attempt."""


class _Part(NamedTuple):
    """What Python keeps of an exception: its attribute, where it stands in the arguments, and what it has to be.

    One that is no argument stands nowhere in them.
    """

    name: str
    place: tuple[int, ...]
    classes: tuple[type, ...]
    wanted: str


_PLACE: Final = (int, type(None))
_OF_BYTES: Final = (
    _Part("encoding", (0,), (str,), "str"),
    _Part("object", (1,), (bytes,), "bytes"),
    _Part("start", (2,), (int,), "int"),
    _Part("end", (3,), (int,), "int"),
    _Part("reason", (4,), (str,), "str"),
)
_OF_TEXT: Final = tuple(
    part._replace(classes=(str,), wanted="str") if part.name == "object" else part
    for part in _OF_BYTES
)
_OF_TRANSLATION: Final = tuple(
    part._replace(place=(part.place[0] - 1,)) for part in _OF_TEXT if part.name != "encoding"
)
_OF_SYNTAX: Final = (
    _Part("filename", (1, 0), (str, bytes, os.PathLike, type(None)), "str, bytes, a path or None"),
    _Part("lineno", (1, 1), _PLACE, "int or None"),
    _Part("offset", (1, 2), _PLACE, "int or None"),
    _Part("text", (1, 3), (str, type(None)), "str or None"),
    _Part("end_lineno", (1, 4), _PLACE, "int or None"),
    _Part("end_offset", (1, 5), _PLACE, "int or None"),
)
_OF_NAMES: Final = (_Part("name", (), (str, type(None)), "str or None"),)
_OF_IMPORTS: Final = (
    _Part(
        "name_from", (), (type(None),), "None (Python would import what a name from elsewhere says)"
    ),
)
_PARTS: Final[tuple[tuple[type[BaseException], tuple[_Part, ...]], ...]] = (
    (UnicodeDecodeError, _OF_BYTES),
    (UnicodeEncodeError, _OF_TEXT),
    (UnicodeTranslateError, _OF_TRANSLATION),
    (SyntaxError, _OF_SYNTAX),
    (NameError, _OF_NAMES),
    (ImportError, _OF_IMPORTS),
)


def refuse_unreadable(
    error: BaseException, attributes: Container[str] = (), own: Container[str] = ()
) -> None:
    """Refuses an exception that Python cannot show: its text would be read from beside a value, or raise.

    The attributes and those in the record's dict ``attributes`` are what was set after the arguments.

    Raises:
        UnreadableError: Some part is not what Python takes it for; with the path of it.
    """
    for part in _parts_of(type(error)):
        item: object = getattr(error, part.name, None)
        wanted = _wanted(error, part, item)
        if wanted is None:
            continue
        place = () if part.name in attributes or part.name in own else part.place
        if not _is_at(error.args, place, item):
            place = ()
        fault = _fault(part, item, wanted, place)
        if not place and part.name in own:
            fault.inside("attributes")
        raise fault


def wrong_argument(cls: type[BaseException], args: tuple[Any, ...]) -> Fault | None:
    """Returns which argument an exception of Python's own refuses, where that is told."""
    for part in _parts_of(cls):
        if not part.place:
            continue
        item: Any = args
        for step in part.place:
            if not isinstance(item, tuple) or step >= len(cast("tuple[Any, ...]", item)):
                return None
            item = cast("tuple[Any, ...]", item)[step]
        if not _is_of(item, part):
            return _fault(part, item, part.wanted, part.place)
        if part.classes == (int,) and not -(2**63) <= item < 2**63:
            return _fault(part, item, "an int of 64 bits", part.place)
    return None


def _parts_of(cls: type[BaseException]) -> tuple[_Part, ...]:
    for base, parts in _PARTS:
        if issubclass(cls, base):
            return parts
    return ()


def _is_of(item: object, part: _Part) -> bool:
    return isinstance(item, part.classes) and not (isinstance(item, bool) and int in part.classes)


def _wanted(error: BaseException, part: _Part, item: Any) -> str | None:
    """Says what a part has to be, if it is something else."""
    if isinstance(error, UnicodeError):
        start: int = getattr(error, "start")  # noqa: B009 - of those with parts alone
        if part.name == "start" and start < 0:
            return "an int from 0 on"
        if part.name == "end" and item < start:
            return f"an int from start={start} on"
        if item is None and _is_empty(error):
            return None
    elif isinstance(item, int) and _is_of(item, part) and abs(item) > _MAX_PLACE:
        return f"an int of at most {_MAX_PLACE}"
    return None if _is_of(item, part) else part.wanted


def _is_empty(error: Any) -> bool:
    """Reports whether a class of a user's has not called Python's constructor, which leaves all parts out."""
    return error.object is None and error.start == error.end == 0


def _is_at(args: object, place: tuple[int, ...], item: object) -> bool:
    """Reports whether a part is the argument in its place, and not an attribute set afterwards."""
    for step in place:
        if not isinstance(args, (tuple, list)) or step >= len(cast("list[object]", args)):
            return False
        args = cast("list[object]", args)[step]
    return args is item or (type(args) is type(item) and args == item)


def _told_int(item: int) -> str:
    return f"{item}" if abs(item) < 2**64 else f"an int of {item.bit_length()} bits"


def _fault(part: _Part, item: object, wanted: str, place: tuple[int, ...]) -> UnreadableError:
    got = _told_int(item) if isinstance(item, int) and wanted != part.wanted else describe(item)
    fault = UnreadableError(f"want {wanted}, got {got}")
    if not place:
        fault.inside(part.name)
        return fault
    for step in reversed(place):
        fault.at(step)
    fault.inside("args")
    return fault
