"""A session's tools as a DSPy agent has them: told by their schemas, called with JSON, judged by who hosts them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from dspex_bridge_pb2 import ArgumentKind, ToolSpec

from .errors import SerializationError, ToolExecutionError
from .schema import input_properties, written
from .scripted import dspy
from .values import deserialize_value, from_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

__all__ = ["AgentTool", "placed", "read", "shown"]

_BY_PLACE = (ArgumentKind.POSITIONAL_ONLY, ArgumentKind.POSITIONAL_OR_KEYWORD)


class AgentTool(dspy.Tool):
    """A tool of which DSPy checks no arguments: who hosts it knows what it takes, and says so with the path."""

    def __init__(
        self, spec: ToolSpec, call: Callable[[dict[str, object]], Awaitable[object]]
    ) -> None:
        async def called(**kwargs: object) -> object:
            return await call(kwargs)

        properties = told(spec)
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            called,
            name=spec.name,
            desc=spec.description,
            args=properties,
            arg_types=dict.fromkeys(properties, Any),
        )

    async def acall(self, /, **kwargs: object) -> Any:
        """Call the tool."""
        return await self._called(kwargs)

    @dspy.utils.callback.with_callbacks
    async def _called(self, kwargs: dict[str, object]) -> Any:
        return await self.func(**kwargs)


def told(spec: ToolSpec) -> dict[str, Any]:
    """Return what a model is told of each argument: its JSON Schema, and by ``x-optional`` that it need not be given.

    An argument that takes all further names has two stars.
    """
    schemas = input_properties(spec)
    properties: dict[str, Any] = {}
    for argument in spec.arguments:
        schema = dict(schemas.get(argument.name, {}))
        name = argument.name
        if argument.kind == ArgumentKind.VAR_KEYWORD:
            name = f"**{name}"
        if argument.description:
            schema.setdefault("description", argument.description)
        if not argument.required and "default" not in schema:
            schema["x-optional"] = True
        properties[name] = schema
    return properties


def placed(spec: ToolSpec, given: Mapping[str, object]) -> tuple[list[object], dict[str, object]]:
    """Sort what a model gives by name, as a call takes it.

    Returns:
        What is taken by position: what is so only, and all before several values, if there are any; and the rest.

    Raises:
        ToolExecutionError: "ValidationError": there are several values, and nothing for an argument before them; what
            stands for all further names is neither a dict nor None, or holds a name that is given beside it.
    """
    named = dict(given)
    several = _of_kind(spec, ArgumentKind.VAR_POSITIONAL)
    held = named.pop(several, None) if several in named else list[object]()
    rest = cast("list[object]", held) if isinstance(held, list) else [held]
    named = {**_further(spec, named), **named}
    args: list[object] = []
    before = [argument for argument in spec.arguments if argument.kind in _BY_PLACE]
    for argument in before:
        if not rest and argument.kind != ArgumentKind.POSITIONAL_ONLY:
            break
        if argument.name in named:
            args.append(named.pop(argument.name))
        elif not rest:
            break
        elif argument.HasField("default_value"):
            args.append(deserialize_value(argument.default_value))
        else:
            message = f"missing, {several!r} is given, which stands behind it"
            raise _invalid(spec, argument.name, message)
    return [*args, *rest], named


def _further(spec: ToolSpec, named: dict[str, object]) -> dict[str, object]:
    """Take what is given for all further names out of what is given by name."""
    name = _of_kind(spec, ArgumentKind.VAR_KEYWORD)
    given = f"**{name}"
    if name is None or given not in named:
        return {}
    held = named.pop(given)
    if held is None:
        return {}
    if not _are_named(held):
        raise _invalid(spec, given, f"want a dict of arguments by their names, got {held!r:.80}")
    more = cast("dict[str, object]", held)
    for key in more:
        if key in named:
            raise _invalid(spec, key, f'given twice, by its name and in "{given}"')
    return more


def _are_named(held: object) -> bool:
    if not isinstance(held, dict):
        return False
    return all(isinstance(name, str) for name in cast("dict[object, object]", held))


def _invalid(spec: ToolSpec, argument: str, message: str) -> ToolExecutionError:
    return ToolExecutionError(
        spec.name,
        "ValidationError",
        f'argument "{argument}" of tool "{spec.name}": {message}',
        {"argument": argument},
    )


def _of_kind(spec: ToolSpec, kind: int) -> str | None:
    return next((argument.name for argument in spec.arguments if argument.kind == kind), None)


def read(value: object) -> object:
    """Read what a model wrote as JSON, where a form with a ``$`` key is the value that it stands for."""
    try:
        return from_json(json.dumps(value))
    except (SerializationError, TypeError, ValueError):
        return value  # who hosts the tool says what is wrong with it


def shown(value: object) -> object:
    """Return a value as a model is shown it: as JSON that it may give to the next tool, and a table as its text."""
    return written(value, str)
