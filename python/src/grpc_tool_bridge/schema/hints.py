"""Type hints as the protocol's type names and as JSON Schema."""

from __future__ import annotations

import array
import collections
import collections.abc as abc
import dataclasses
import datetime as dt
import enum
import types
import typing
import uuid
from decimal import Decimal
from typing import Any, Literal, cast

import typing_extensions as tx
from google.protobuf.message import Message

from grpc_tool_bridge.values.classes import is_model, is_named_tuple
from grpc_tool_bridge.values.hintfields import required_keys
from grpc_tool_bridge.values.hintforms import ANYTHING, UNIONS, bare
from grpc_tool_bridge.values.stdlib import TEXTS
from grpc_tool_bridge.values.wrappers import EnumValue, Record

if typing.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TYPE_NAMES = frozenset(
    {
        *("any", "none", "bool", "int", "float", "str", "bytes", "list", "tuple", "set", "dict"),
        *("datetime", "date", "time", "timedelta", "Decimal", "UUID", "Enum", "record"),
        *("DataFrame", "Series", "Table", "ndarray", "message"),
    }
)
"""What ArgumentSpec.python_type and ToolSpec.return_type may be, in every language."""

_NAMES: Mapping[Any, str] = {
    type(None): "none",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    bytes: "bytes",
    bytearray: "bytes",
    memoryview: "bytes",
    list: "list",
    collections.deque: "list",
    collections.UserList: "list",
    range: "list",
    array.array: "list",
    abc.MutableSequence: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "set",
    abc.Set: "set",
    abc.MutableSet: "set",
    dict: "dict",
    collections.OrderedDict: "dict",
    collections.defaultdict: "dict",
    collections.Counter: "dict",
    collections.ChainMap: "dict",
    collections.UserDict: "dict",
    types.MappingProxyType: "dict",
    abc.Mapping: "dict",
    abc.MutableMapping: "dict",
    dt.datetime: "datetime",
    dt.date: "date",
    dt.time: "time",
    dt.timedelta: "timedelta",
    Decimal: "Decimal",
    uuid.UUID: "UUID",
    EnumValue: "Enum",
    Record: "record",
    **dict.fromkeys(TEXTS, "str"),
}

# Classes of libraries that are not imported for this, by module and name.
_FOREIGN: Mapping[tuple[str, str], str] = {
    ("pandas", "DataFrame"): "DataFrame",
    ("polars", "DataFrame"): "DataFrame",
    ("pandas", "Series"): "Series",
    ("polars", "Series"): "Series",
    ("pyarrow", "Table"): "Table",
    ("numpy", "ndarray"): "ndarray",
}

_ARRAYS = (
    list,
    collections.deque,
    collections.UserList,
    abc.Sequence,
    abc.MutableSequence,
    abc.Collection,
    abc.Iterable,
    abc.Reversible,
)


def type_name(hint: Any) -> tuple[str, bool]:
    """Returns a hint's name in the protocol, and whether None fits it too."""
    hint = bare(hint)
    if hint in ANYTHING:
        return "any", False
    members = union_members(hint)
    if members is not None:
        rest = [member for member in members if member is not type(None)]
        nullable = len(rest) < len(members)
        return (type_name(rest[0])[0] if len(rest) == 1 else "any"), nullable
    if typing.get_origin(hint) is Literal:
        return _literal_name(typing.get_args(hint))
    origin = typing.get_origin(hint) or hint
    return (_class_name(origin) if isinstance(origin, type) else "any"), False


def _literal_name(choices: tuple[Any, ...]) -> tuple[str, bool]:
    names = {type_name(type(choice))[0] for choice in choices if choice is not None}
    return (names.pop() if len(names) == 1 else "any"), None in choices


def _class_name(cls: type[Any]) -> str:
    name = _NAMES.get(cls)
    if name is not None:
        return name
    foreign = _FOREIGN.get((cls.__module__.partition(".")[0], cls.__name__))
    if foreign is not None:
        return foreign
    if issubclass(cls, enum.Enum):
        return "Enum"
    if issubclass(cls, Message):
        return "message"
    if tx.is_typeddict(cls):
        return "dict"
    if dataclasses.is_dataclass(cls) or is_named_tuple(cls) or is_model(cls):
        return "record"
    return "record" if issubclass(cls, BaseException) else "any"


def union_members(hint: Any) -> tuple[Any, ...] | None:
    """Returns the members of a union, or None if the hint is none."""
    if typing.get_origin(hint) in UNIONS:
        return typing.get_args(hint)
    return None


def json_schema(hint: Any) -> dict[str, Any]:
    """Returns the JSON Schema (2020-12) of what fits a hint, constraints included.

    What JSON has no type for is not restricted, and named by the keyword ``x-type``.
    """
    return _schema(hint, ())


def has_constraints(hint: Any) -> bool:
    """Reports whether a hint, or one inside of it, is annotated with constraints."""
    if typing.get_origin(hint) is typing.Annotated and _constraints(hint):
        return True
    return any(
        has_constraints(inner) for inner in typing.get_args(hint) if not isinstance(inner, list)
    )


def description_of(hint: Any) -> str:
    """Returns the description with which a hint is annotated: a str, a Doc or pydantic's Field."""
    if typing.get_origin(hint) is not typing.Annotated:
        return ""
    for note in typing.get_args(hint)[1:]:
        text = note if isinstance(note, str) else getattr(note, "documentation", None)
        text = text or getattr(note, "description", None)
        if isinstance(text, str):
            return text
    return ""


def _schema(hint: Any, outer: tuple[Any, ...]) -> dict[str, Any]:
    constraints = _constraints(hint)
    hint = bare(hint)
    schema = _bare_schema(hint, outer)
    if constraints:
        _check_constraints(constraints, schema, hint)
        schema = {**schema, **constraints}
    return schema


def _bare_schema(hint: Any, outer: tuple[Any, ...]) -> dict[str, Any]:
    if hint in ANYTHING:
        return {}
    members = union_members(hint)
    if members is not None:
        return {"anyOf": [_schema(member, outer) for member in members]}
    args = typing.get_args(hint)
    origin = typing.get_origin(hint) or hint
    if origin is Literal:
        return {"enum": [_json_value(choice) for choice in args]}
    if origin in _PLAIN:
        return {"type": _PLAIN[origin]}
    if origin in _ARRAYS:
        return {"type": "array", **({"items": _schema(args[0], outer)} if args else {})}
    if not isinstance(origin, type):
        return {}
    name = _class_name(origin)
    if name == "Enum" and issubclass(origin, enum.Enum):
        return {"enum": [_json_value(member) for member in origin], "x-type": "Enum"}
    if name == "dict" and not tx.is_typeddict(origin):
        return _dict_schema(args, outer)
    if name in ("dict", "record"):
        return _fields_schema(origin, outer)
    return {"any": {}, "str": {"type": "string"}, "list": _numbers_schema(origin)}.get(
        name, {"x-type": name}
    )


def _numbers_schema(cls: type[Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "integer" if cls is range else "number"}}


_PLAIN: Mapping[Any, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
}


def _dict_schema(args: tuple[Any, ...], outer: tuple[Any, ...]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    if len(args) == 2 and bare(args[0]) is str:
        values = _schema(args[1], outer)
        if values:
            schema["additionalProperties"] = values
    elif args:
        return {"x-type": "dict"}
    return schema


def _fields_schema(cls: type[Any], outer: tuple[Any, ...]) -> dict[str, Any]:
    if cls in outer or cls is Record or issubclass(cls, BaseException):
        return {"type": "object"}
    try:
        hints = tx.get_type_hints(cls, include_extras=True)
    except Exception as error:
        raise TypeError(f"the type hints of {cls.__qualname__} cannot be read: {error}") from error
    names, required = _fields(cls, hints)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _schema(hints.get(name, Any), (*outer, cls)) for name in names},
    }
    if required:
        schema["required"] = required
    return schema


def _fields(cls: type[Any], hints: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    if dataclasses.is_dataclass(cls):
        fields = [field for field in dataclasses.fields(cls) if field.init]
        missing = dataclasses.MISSING
        required = [f.name for f in fields if f.default is missing and f.default_factory is missing]
        return [field.name for field in fields], required
    if is_named_tuple(cls):
        defaults: Mapping[str, Any] = getattr(cls, "_field_defaults", {})
        names: list[str] = list(getattr(cls, "_fields", ()))
        return names, [name for name in names if name not in defaults]
    if tx.is_typeddict(cls):
        needed = required_keys(cls)
        return list(hints), [name for name in hints if name in needed]
    model: Mapping[str, Any] = getattr(cls, "__pydantic_fields__", {})
    return list(model), [name for name, item in model.items() if item.is_required()]


def _json_value(value: Any) -> Any:
    value = value.value if isinstance(value, enum.Enum) else value
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


# Attributes of annotated_types' and pydantic's constraints, and the keywords that say the same.
_KEYWORDS: Mapping[str, str] = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
}
_LENGTHS: Mapping[str, tuple[str, str, str]] = {
    "min_length": ("minLength", "minItems", "minProperties"),
    "max_length": ("maxLength", "maxItems", "maxProperties"),
}
_BY_TYPE: Mapping[str, frozenset[str]] = {
    "integer": frozenset({*_KEYWORDS.values()} - {"pattern"}),
    "number": frozenset({*_KEYWORDS.values()} - {"pattern"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format", "enum", "const"}),
    "array": frozenset({"minItems", "maxItems", "uniqueItems", "items", "contains"}),
    "object": frozenset({"minProperties", "maxProperties", "required", "propertyNames"}),
}


def _constraints(hint: Any) -> dict[str, Any]:
    if typing.get_origin(hint) is not typing.Annotated:
        return {}
    inner, *notes = typing.get_args(hint)
    kind = _bare_schema(bare(inner), ()).get("type", "")
    found: dict[str, Any] = {}
    for note in notes:
        found.update(_constraints_of(note, kind))
    return found


def _constraints_of(note: Any, kind: str) -> dict[str, Any]:
    """Reads one annotation: a dict of keywords, or an object with constraints as attributes."""
    if isinstance(note, dict):
        return dict(cast("dict[str, Any]", note))
    if isinstance(note, (str, type)):
        return {}
    found: dict[str, Any] = {}
    for inner in cast("Sequence[Any]", getattr(note, "metadata", None) or ()):
        found.update(_constraints_of(inner, kind))
    for attribute, keyword in _KEYWORDS.items():
        value = getattr(note, attribute, None)
        if value is not None and not callable(value):
            found[keyword] = getattr(value, "pattern", value)
    place = {"array": 1, "object": 2}.get(kind, 0)
    for attribute, keywords in _LENGTHS.items():
        value = getattr(note, attribute, None)
        if isinstance(value, int) and not (attribute == "min_length" and value == 0):
            found[keywords[place]] = value
    return found


def _check_constraints(constraints: dict[str, Any], schema: dict[str, Any], hint: Any) -> None:
    kind: str = schema.get("type", "")
    allowed = _BY_TYPE.get(kind)
    if allowed is None:
        raise TypeError(
            f"constraints {sorted(constraints)} on {hint!r}: they apply to str, int, float, list and dict"
        )
    wrong = sorted(
        constraints.keys() - allowed - {"enum", "const", "title", "description", "examples"}
    )
    if wrong:
        raise TypeError(f"constraint {wrong[0]!r} does not apply to {hint!r}")
