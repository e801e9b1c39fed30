"""What the notes on a hint say: texts and examples for those who read a schema, and constraints."""

from __future__ import annotations

import datetime as dt
import enum
import importlib
import json
import typing
from decimal import Decimal
from typing import Any, cast

from grpc_tool_bridge.values.hintforms import layers
from grpc_tool_bridge.values.noted import is_applied

from .patterns import pattern_text, readable

if typing.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def notes_of(hint: Any) -> list[Any]:
    """Returns the notes on a hint, the outer ones first."""
    return [
        note
        for layer in layers(hint)
        if typing.get_origin(layer) is typing.Annotated
        for note in typing.get_args(layer)[1:]
    ]


def description_of(hint: Any) -> str:
    """Returns the description with which a hint is annotated: pydantic's Field, the outer one, a str or a Doc."""
    for note in (*reversed(field_notes(hint)), *notes_of(hint)):
        text = note if isinstance(note, str) else getattr(note, "documentation", None)
        text = text or getattr(note, "description", None)
        if isinstance(text, str):
            return text
    return ""


def remarks_of(note: Any) -> dict[str, Any]:
    """Reads what pydantic's Field, or a configuration, says to those who read a schema."""
    found: dict[str, Any] = {}
    for name in ("title", "description"):
        text = getattr(note, name, None)
        if text and isinstance(text, str):
            found[name] = text
    extra = getattr(note, "json_schema_extra", None)
    more: Any = cast("dict[str, Any]", extra).get("examples") if isinstance(extra, dict) else None
    examples = getattr(note, "examples", None) or more
    shown = (
        [shown_value(each) for each in cast("list[Any]", examples)]
        if isinstance(examples, list)
        else []
    )
    if any(shown):
        found["examples"] = [each[0] for each in shown if each]
    if getattr(note, "deprecated", None):
        found["deprecated"] = True
    return found


def field_notes(hint: Any) -> list[Any]:
    """Returns the notes of pydantic's Field on a hint, the inner ones first."""
    return [
        note
        for layer in reversed(layers(hint))
        if typing.get_origin(layer) is typing.Annotated
        for note in typing.get_args(layer)[1:]
        if type(note).__name__ == "FieldInfo"
    ]


def shown_value(value: Any) -> tuple[Any, ...]:
    """Returns a value as JSON, or else pydantic, writes it, in a tuple, which is empty where neither does."""
    try:
        return (carried(json.loads(json.dumps(value, allow_nan=False))),)
    except Exception:  # noqa: BLE001 - whatever the value raises: it is for display only
        return _as_pydantic_writes(value)


def carried(tree: Any) -> Any:
    """Returns JSON as it is.

    Raises:
        UnicodeEncodeError: A text in it has a lone surrogate, which UTF-8 cannot carry.
    """
    json.dumps(tree, ensure_ascii=False).encode()
    return tree


def _as_pydantic_writes(value: Any) -> tuple[Any, ...]:
    try:
        if is_in_any_order(value):
            return ()
        written = importlib.import_module("pydantic_core").to_jsonable_python(value)
        return (carried(json.loads(json.dumps(written, allow_nan=False))),)
    except Exception:  # noqa: BLE001 - as above
        return ()


def is_in_any_order(value: Any) -> bool:
    """Reports whether a value holds a set, which each process writes otherwise: schemas of one tool have to agree."""
    if isinstance(value, (set, frozenset)):
        return len(cast("set[Any]", value)) > 1
    if isinstance(value, (list, tuple)):
        return any(map(is_in_any_order, cast("list[Any]", value)))
    if isinstance(value, (type, enum.Enum)):
        return False
    if not isinstance(value, dict):
        value = getattr(value, "__dict__", {})
    return any(map(is_in_any_order, cast("dict[Any, Any]", value).values()))


def shown_constraints(constraints: Mapping[str, Any]) -> dict[str, Any]:
    """Returns constraints as JSON writes them; Decimals are numbers, and bounds that no number is are left out."""
    found: dict[str, Any] = {}
    for name, value in constraints.items():
        number = value
        if isinstance(value, Decimal) and value.is_finite():
            is_whole = value == value.to_integral_value()
            if name == "multipleOf" and not is_whole:  # of which binary fractions are no multiples
                continue
            number = int(value) if is_whole else float(value)
        found.update((name, shown) for shown in shown_value(number))
    return readable(found)


_MOMENTS = (dt.date, dt.time, dt.timedelta)

# Attributes of annotated_types' and pydantic's constraints, and the keywords that say the same.
_KEYWORDS: Mapping[str, str] = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
}
_LENGTHS: Mapping[str, Mapping[str, str]] = {
    "min_length": {"string": "minLength", "array": "minItems", "object": "minProperties"},
    "max_length": {"string": "maxLength", "array": "maxItems", "object": "maxProperties"},
}
_BY_TYPE: Mapping[str, frozenset[str]] = {
    "integer": frozenset({*_KEYWORDS.values()} - {"pattern"}),
    "number": frozenset({*_KEYWORDS.values()} - {"pattern"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format", "enum", "const"}),
    "array": frozenset({"minItems", "maxItems", "uniqueItems", "items", "contains"}),
    "object": frozenset({"minProperties", "maxProperties", "required", "propertyNames"}),
}


def constraints_of(hint: Any, kinds: frozenset[str], *, left: bool = False) -> dict[str, Any]:
    """Reads the constraints with which a hint is annotated, as keywords for these types of JSON.

    Left are those that pydantic does not apply.
    """
    found: dict[str, Any] = {}
    for layer in reversed(layers(hint)):
        if typing.get_origin(layer) is typing.Annotated:
            for note in typing.get_args(layer)[1:]:
                if not (left and is_applied(note)):
                    found.update(_constraints_of(note, kinds))
    return found


def _constraints_of(note: Any, kinds: frozenset[str]) -> dict[str, Any]:
    """Reads one annotation: a dict of keywords, or an object with constraints as attributes."""
    if isinstance(note, dict):
        return dict(cast("dict[str, Any]", note))
    if isinstance(note, (str, type)):
        return {}
    found: dict[str, Any] = {}
    for inner in cast("Sequence[Any]", getattr(note, "metadata", None) or ()):
        found.update(_constraints_of(inner, kinds))
    for attribute, keyword in _KEYWORDS.items():
        value = getattr(note, attribute, None)
        if isinstance(value, _MOMENTS):
            found[f"format{keyword[:1].upper()}{keyword[1:]}"] = value
        elif value is not None and not callable(value):
            found[keyword] = pattern_text(value)
    for attribute, keywords in _LENGTHS.items():
        value = getattr(note, attribute, None)
        if isinstance(value, int) and not (attribute == "min_length" and value == 0):
            found.update(
                (keywords[kind], value) for kind in (keywords.keys() & kinds or ["string"])
            )
    return found


def allowed(kinds: frozenset[str]) -> frozenset[str]:
    """Returns the keywords that say something of these types of JSON."""
    none: frozenset[str] = frozenset()
    return none.union(*(_BY_TYPE.get(kind, none) for kind in kinds))


def check_constraints(constraints: dict[str, Any], kinds: frozenset[str], hint: Any) -> None:
    """Refuses constraints of which nobody would see to it that they are kept.

    Raises:
        TypeError: It names the constraint and the hint.
    """
    applying = allowed(kinds)
    if not applying:
        raise TypeError(
            f"constraints {sorted(constraints)} on {hint!r}: they apply to str, int, float, list and dict"
        )
    wrong = sorted(
        constraints.keys() - applying - {"enum", "const", "title", "description", "examples"}
    )
    if wrong:
        raise TypeError(f"constraint {wrong[0]!r} does not apply to {hint!r}")
