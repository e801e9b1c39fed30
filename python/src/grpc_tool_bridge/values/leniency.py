"""Strict schemas of pydantic's for values of Python that stand for JSON, as what validators of a program are given.

A strict model takes of JSON what JSON has no types for: texts of moments, UUIDs and Decimals, lists for sets and
tuples. Where a validator comes first, pydantic forgets that it was JSON, and refuses them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["lenient"]

_MOMENTS: Final = frozenset({"date", "datetime", "time", "timedelta"})
_LENIENT: Final = _MOMENTS | {
    *("set", "frozenset", "tuple", "deque", "ordered-dict", "counter", "frozendict"),
    *("uuid", "decimal", "fraction", "bytes", "complex"),
}
_BESIDE: Final = frozenset(
    {"metadata", "serialization", "default", "function", "expected", "config", "members"}
)
"""What a schema holds beside schemas."""


def lenient(schema: dict[str, Any], *, strict: bool = False) -> dict[str, Any]:
    """Returns a schema that takes values as they stand in JSON, also where it is strict.

    Args:
        schema: One of pydantic's.
        strict: Whether the configuration that it stands in is strict.
    """
    if "config" in schema:
        strict = schema["config"].get("strict", False)
    made = {
        name: part if name in _BESIDE else _parts(part, strict=strict)
        for name, part in schema.items()
    }
    ref = {"ref": made.pop("ref")} if "ref" in made else {}
    return (
        {**_taking_json(schema, made), **ref} if schema.get("strict", strict) else {**made, **ref}
    )


def _taking_json(schema: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """A strict schema that takes what JSON has instead of its objects."""
    kind = schema.get("type")
    loose = {**made, "strict": False}
    if kind == "enum":
        return _either(_is_value_of(schema["members"]), loose, made)
    if kind in _MOMENTS:
        return _either(_is_text, loose, made)
    return loose if kind in _LENIENT else made


def _either(test: Callable[[Any], bool], ours: dict[str, Any], theirs: dict[str, Any]) -> Any:
    choices = {True: ours, False: theirs}
    return {"type": "tagged-union", "discriminator": test, "choices": choices}


def _is_value_of(members: list[Any]) -> Callable[[Any], bool]:
    def is_value(given: Any) -> bool:
        return any(type(each.value) is type(given) and each.value == given for each in members)

    return is_value


def _is_text(given: Any) -> bool:
    return type(given) is str


def _parts(part: Any, *, strict: bool) -> Any:
    if isinstance(part, dict):
        held = cast("dict[Any, Any]", part)
        if isinstance(held.get("type"), str):
            return lenient(held, strict=strict)
        return {name: _parts(each, strict=strict) for name, each in held.items()}
    if isinstance(part, tuple):
        return tuple(_parts(each, strict=strict) for each in cast("tuple[Any, ...]", part))
    if isinstance(part, list):
        return [_parts(each, strict=strict) for each in cast("list[Any]", part)]
    return part
