"""Values as JSON that whoever reads a schema, or the result of a tool, may give to a tool."""

from __future__ import annotations

import enum
import json
from typing import TYPE_CHECKING, Any, cast

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values.encode import encode
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.jsonform import to_json
from grpc_tool_bridge.values.kinds import KNOWN
from grpc_tool_bridge.values.natural import natural
from grpc_tool_bridge.values.wrappers import EnumValue, Record

from .notes import carried, is_in_any_order, shown_value

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["shown_default", "written"]


def shown_default(value: Any) -> tuple[Any, ...]:
    """Returns a default, in a tuple, which is empty where JSON has no form of it that is always the same.

    Nor has it one of texts that UTF-8 cannot carry.
    """
    try:
        return () if is_in_any_order(value) else (carried(written(value)),)
    except (SerializationError, RecursionError, TypeError, UnicodeEncodeError):
        return ()


def written(value: Any, other: Callable[[Any], Any] | None = None) -> Any:
    """Returns a value as JSON: objects as dicts of their fields, members of enumerations as their values.

    Tuples and sets are lists, models of pydantic's are as pydantic writes them, and what has a form with a ``$`` key
    has that one.

    Args:
        value: It has no cycles.
        other: What makes JSON of tables, and of what else has no form.

    Raises:
        SerializationError: There is something inside that has no form, and nothing to make one of it.
    """
    if hasattr(cast("type[Any]", type(value)), "__pydantic_fields__"):
        return _as_pydantic(value)
    if isinstance(value, (enum.Enum, EnumValue)):
        return written(cast("Any", value).value, other)
    try:
        plain = natural(value)
    except Fault as fault:
        raise fault.error() from fault
    if plain is None or isinstance(plain, (bool, int, str)):
        return plain
    if isinstance(plain, (list, tuple, set, frozenset)):
        return [written(item, other) for item in cast("list[Any]", plain)]
    fields = _fields(plain)
    if fields is not None:
        return {name: written(item, other) for name, item in fields.items()}
    if type(plain) in KNOWN:
        return json.loads(to_json(encode(plain, strict=True)))
    if other is None:
        raise SerializationError(f"{type(value).__name__} has no form in JSON")
    return other(value)


def _as_pydantic(value: Any) -> Any:
    found = shown_value(value)
    if not found:
        raise SerializationError(f"pydantic does not write {type(value).__name__} as JSON")
    return found[0]


def _fields(value: Any) -> dict[str, Any] | None:
    """What is shown as an object of JSON without a ``$`` key; None where it is no such thing."""
    if isinstance(value, Record):
        return dict(value.fields)
    if not isinstance(value, dict):
        return None
    items = cast("dict[Any, Any]", value)
    is_form = len(items) == 1 and str(next(iter(items))).startswith("$")
    return items if not is_form and all(isinstance(name, str) for name in items) else None
