"""A problem with a part of a value, on its way up to the exception that names the part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grpc_tool_bridge.errors import SerializationError

if TYPE_CHECKING:
    from collections.abc import Sequence

SET_ITEM: Final = object()
"""The step into a set, whose items have no names."""


class Fault(Exception):  # noqa: N818 - never leaves this package
    """What is wrong with a part of a value.

    Each container that it passes on its way up adds the step that led into the part, so that paths
    cost nothing while nothing is wrong.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.steps: list[str] = []
        self._containers: list[int] = []

    def at(self, step: object, container: object = None) -> None:
        """Adds the step from a container into its part: an index, a key or SET_ITEM."""
        self.steps.append(_step(step))
        self._containers.append(0 if container is None else id(container))

    def inside(self, field: str, container: object = None) -> None:
        """Adds the step from a record into a field."""
        self.steps.append(_field(field))
        self._containers.append(0 if container is None else id(container))

    def made_of(self, value: object) -> None:
        """Says what the container of the last step was made of: its like is made anew each time it is met."""
        if self._containers:
            self._containers[-1] = id(value)

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
        return SerializationError(f"{_shortened(path)}: {self.message}", path)


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
    if step is SET_ITEM:
        return "{item}"
    if isinstance(step, bool) or not isinstance(step, (int, str)):
        return f"[key {step!r:.60}]"
    return f"[{step}]" if isinstance(step, int) else _field(step)


def _field(name: str) -> str:
    return f".{name}" if name.isidentifier() else f"[{name!r:.60}]"
