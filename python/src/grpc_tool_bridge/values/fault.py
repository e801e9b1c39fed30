"""A problem with a part of a value, on its way up to the exception that names the part."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from grpc_tool_bridge.errors import SerializationError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WANTED: Final = re.compile("want (?P<expected>.+?), got (?P<got>.+)", re.DOTALL)
"""A message that says what was expected."""
_SHOWN: Final = 48
"""So many bytes of a name or key are shown in a path."""
_LONG_INT: Final = 10 ** (_SHOWN - 1)
"""Ints from here on may have more digits than are shown."""


def told(error: BaseException) -> str:
    """Returns what an exception says, or the name of its class where that says nothing."""
    try:
        return f"{error!s:.400}" or _own_name(type(error))
    except Exception:  # noqa: BLE001 - whatever a class of a user's raises
        return f"{_own_name(type(error))}, whose text cannot be read"


def unreadable(value: object, error: BaseException) -> Fault:
    """Makes the fault of an object whose own code raises when it is read."""
    what = f"{_own_name(type(error))}: {told(error)}"
    return Fault(f"an object of class {_own_name(type(value))} cannot be read: {what}")


def _own_name(cls: type) -> str:
    """The name of a class, whatever its metaclass does."""
    return type.__dict__["__name__"].__get__(cls)  # type: ignore[no-any-return]


class Fault(Exception):  # noqa: N818 - never leaves this package
    """What is wrong with a part of a value.

    Each container that it passes on its way up adds the step that led into the part, so that paths
    cost nothing while nothing is wrong. Every SDK writes them alike, as docs/values.md says.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, str] = {}
        """What was expected and what came instead, where the message says no such thing itself."""
        self.choices: tuple[object, ...] = ()
        """Those of which the value is none, such as what tells the members of a union apart."""
        self.is_near = False
        """Whether it is a value of the type that is wanted, and only a note on the hint refuses it."""
        self.steps: list[str] = []
        self._containers: list[int] = []

    def at(self, step: object, container: object = None) -> None:
        """Adds the step from a container into its part: the index of an item, or the key of a value."""
        self._add(_step(step), container)

    def at_key(self, index: int, container: object = None) -> None:
        """Adds the step from a dict or record into one of its keys."""
        self._add(f"[key {index}]", container)

    def inside(self, field: str, container: object = None) -> None:
        """Adds the step from a record into a field."""
        self._add(_field(field), container)

    def _add(self, step: str, container: object) -> None:
        self.steps.append(step)
        self._containers.append(0 if container is None else id(container))

    def leave(self) -> None:
        """Takes the last step away again, where what it led from is no part of the value."""
        self.steps.pop()
        self._containers.pop()

    def made_of(self, value: object) -> None:
        """Says what the container of the last step was made of: its like is made anew each time it is met."""
        if self._containers:
            self._containers[-1] = id(value)

    def copy(self) -> Fault:
        """Makes one of the same part for the same cause, to go another way up."""
        fault: Fault = type(self)(self.message)
        fault.steps, fault._containers = list(self.steps), list(self._containers)
        fault.choices, fault.details, fault.is_near = self.choices, self.details, self.is_near
        fault.__cause__ = self.__cause__
        return fault

    def error(self) -> SerializationError:
        """Makes the exception that users see."""
        steps, containers = self.steps[::-1], self._containers[::-1]
        cycle = _cycle(containers)
        if cycle is not None:
            path = "$" + "".join(steps[: cycle[1]])
            inner = "$" + "".join(steps[: cycle[0]])
            return SerializationError(
                f"the value at {path} is the container at {inner} again: a cycle cannot be encoded",
                path,
            )
        path = "$" + "".join(steps)
        wanted = _WANTED.fullmatch(self.message)
        details = wanted.groupdict() if wanted else self.details
        return SerializationError(f"{_shortened(path)}: {self.message}", path, details)


PASSING: Final = (Fault, SerializationError, RecursionError, MemoryError)
"""What goes up as it is: it says itself what is wrong, or nobody here can say more."""


def _cycle(containers: Sequence[int]) -> tuple[int, int] | None:
    seen: dict[int, int] = {}
    for index, container in enumerate(containers):
        if container and container in seen:
            return seen[container], index
        seen[container] = index
    return None


def _shortened(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:100]}…{path[-99:]}"


def _step(step: object) -> str:
    if type(step) is str:
        return _field(step)
    if type(step) is int and abs(step) < _LONG_INT:
        return f"[{step}]"
    return f"[{_key(step)}]"


def _key(key: object) -> str:
    """A key's JSON form, or the beginning of it."""
    from .jsonform import to_json

    try:
        text = to_json(key)
    except SerializationError:
        return f"a {type(key).__name__}"
    short = _beginning(text)
    return text if short == text else short + "…"


def _field(name: str) -> str:
    name = name.encode("utf-8", "backslashreplace").decode()
    short = _beginning(name)
    if short != name:
        return f"[{json.dumps(short, ensure_ascii=False)}…]"
    if name and all(c == "_" or c.isalpha() or (i and c.isdecimal()) for i, c in enumerate(name)):
        return f".{name}"
    return f"[{json.dumps(name, ensure_ascii=False)}]"


def _beginning(text: str) -> str:
    data = text.encode("utf-8", "replace")
    return text if len(data) <= _SHOWN else data[:_SHOWN].decode("utf-8", "ignore")
