"""Type hints as JSON Schema."""

from __future__ import annotations

import collections
import collections.abc as abc
import dataclasses
import enum
import importlib
import json
import typing
from typing import Any, Final, Literal, cast

import typing_extensions as tx

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values.classes import is_named_tuple
from grpc_tool_bridge.values.encode import encode
from grpc_tool_bridge.values.hintforms import ANYTHING, bare, layers
from grpc_tool_bridge.values.jsonform import to_json
from grpc_tool_bridge.values.libraryhints import python_type_of
from grpc_tool_bridge.values.misfit import name_of
from grpc_tool_bridge.values.modelfields import decides
from grpc_tool_bridge.values.models import is_root_model, reads_all
from grpc_tool_bridge.values.wrappers import Record

from .definitions import Definitions
from .hints import class_name, noted_hint, type_name, union_members
from .notes import allowed, check_constraints, constraints_of, notes_of, shown_constraints
from .parts import (
    Part,
    class_remarks,
    document_of,
    hint_of_surplus,
    late_of,
    parts_of,
    refuses_surplus,
    tag_of,
)
from .patterns import readable
from .unfit import is_unfit

if typing.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ARRAYS: Final = (
    list,
    collections.deque,
    collections.UserList,
    abc.Sequence,
    abc.MutableSequence,
    abc.Collection,
    abc.Iterable,
    abc.Reversible,
)
_PLAIN: Final[Mapping[Any, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
}
_OF_TEXT: Final[Mapping[str, dict[str, Any]]] = {
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "timedelta": {"type": "string", "format": "duration"},
    "UUID": {"type": "string", "format": "uuid"},
    "Decimal": {"anyOf": [{"type": "number"}, {"type": "string"}]},
    "bytes": {"type": "string"},
}
"""How JSON writes for a model what elsewhere has a form with a type in it."""


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where a hint stands, and what its schema is for."""

    purpose: Literal["argument", "result", "check"] = "argument"
    around: tuple[Any, ...] = ()
    """The classes and aliases around it."""
    definitions: Definitions = dataclasses.field(default_factory=Definitions, compare=False)
    """Those of the document in which it stands."""

    def inside(self, *around: Any) -> _Place:
        return dataclasses.replace(self, around=(*self.around, *around))

    @property
    def is_in_class(self) -> bool:
        """A class checks what the schema cannot say."""
        return self.purpose == "check" or any(isinstance(each, type) for each in self.around)

    @property
    def is_of_model(self) -> bool:
        """Pydantic reads it, in the forms that it has in JSON."""
        return self.purpose == "argument" and any(map(_is_model, self.around))


def json_schema(hint: Any, definitions: Definitions | None = None) -> dict[str, Any]:
    """Returns the JSON Schema (2020-12) of what fits a hint, constraints included.

    What JSON has no type for is not restricted, and named by the keyword ``x-type``. Of a model the form is shown
    in which its users write JSON. What is inside of itself stands in the ``$defs`` of the schema, or of the document
    whose definitions are given.
    """
    if definitions is None:
        return _document(hint, "argument")
    return _schema(hint, _Place(definitions=definitions))


def result_schema(hint: Any) -> dict[str, Any]:
    """Returns the JSON Schema (2020-12) of what a tool returns, whose parts have their types and names."""
    return _document(hint, "result")


def checks_of(hint: Any) -> dict[str, Any]:
    """Returns the JSON Schema by which constraints are checked: models, which check themselves, are left open."""
    return _document(hint, "check")


def _document(hint: Any, purpose: Literal["argument", "result", "check"]) -> dict[str, Any]:
    place = _Place(purpose)
    return place.definitions.stand_in(_schema(hint, place))


def has_constraints(hint: Any, outer: tuple[Any, ...] = ()) -> bool:
    """Reports whether a hint, or one inside of it, is annotated with constraints that are left to a JSON Schema.

    Pydantic, where it is there, applies its own, and models check themselves. The hints around the hint are outer.
    """
    around = layers(hint)
    if any((_is_alias(layer) or layer == hint) and layer in outer for layer in around):
        return False
    return bool(constraints_of(hint, frozenset(), left=True)) or any(
        has_constraints(inner, (*outer, *around)) for inner in _inner_hints(around[-1])
    )


def _inner_hints(hint: Any) -> list[Any]:
    """What stands inside of a hint, and the hints of the fields of a class that does not check itself."""
    origin: Any = typing.get_origin(hint)
    cls: Any = hint if origin is None else origin
    args = typing.get_args(hint)
    fields = parts_of(cls, args) if _has_parts(cls) else []
    inner = [] if cls is Literal else [arg for arg in args if not isinstance(arg, list)]
    return [*inner, *(part.hint for part in fields)]


def _has_parts(cls: Any) -> bool:
    """Reports whether a class has fields that it does not check itself."""
    if not isinstance(cls, type) or _is_model(cls):
        return False
    of_any = cast("type[Any]", cls)
    return dataclasses.is_dataclass(of_any) or is_named_tuple(of_any) or tx.is_typeddict(of_any)


def _schema(hint: Any, place: _Place) -> dict[str, Any]:
    if place.purpose == "check" and _is_made_by_pydantic(hint):
        return {}
    if place.purpose == "argument" and (
        _is_of_pydantic(hint) if place.is_of_model else _is_made_by_pydantic(hint)
    ):
        known = _schema_of_pydantic(hint)
        if known is not None:
            name = type_name(hint)[0]
            return {**known, "x-type": name} if name in _OF_TEXT else known
    schema = _unnoted_schema(hint, place)
    kinds = _kinds(schema, place.definitions)
    constraints = constraints_of(hint, kinds, left=place.purpose == "check")
    if place.is_in_class:
        constraints = {
            name: item
            for name, item in constraints.items()
            if name in allowed(kinds) | {"enum", "const"}
            or (name.startswith("format") and "string" in kinds)
        }
    elif not allowed(kinds) and not constraints_of(hint, kinds, left=True):
        constraints = {}  # which have no keywords, and are pydantic's matter
    elif constraints:
        check_constraints(constraints, kinds, bare(hint))
    return {
        **schema,
        **(constraints if place.purpose == "check" else shown_constraints(constraints)),
    }


def _unnoted_schema(hint: Any, place: _Place) -> dict[str, Any]:
    """The schema of what a hint stands for, without the notes on it."""
    around = layers(hint)
    alias = next((each for each in around if _is_alias(each)), None)
    if alias is None:
        return _bare_schema(around[-1], place) | _tag_schema(hint, around[-1])
    inner = around[around.index(alias) + 1]
    return place.definitions.make(
        (_key(alias), place.is_of_model, place.is_in_class),
        str(alias),
        lambda: _schema(inner, place.inside(alias)),
    )


def _tag_schema(hint: Any, union: Any) -> dict[str, Any]:
    """What says by which field the members of a union are told from each other."""
    names = [getattr(note, "discriminator", None) for note in notes_of(hint)]
    names = [getattr(name, "discriminator", name) for name in names]
    return tag_of(union, next((name for name in names if isinstance(name, str)), None))


def _is_alias(hint: Any) -> bool:
    """Reports whether a hint is an alias, which may stand inside of itself."""
    return isinstance(typing.get_origin(hint) or hint, tx.TypeAliasType)


def _is_model(cls: Any) -> bool:
    """Reports whether pydantic reads the fields of a class."""
    return hasattr(cls, "__pydantic_fields__")


def _kinds(schema: Mapping[str, Any], definitions: Definitions) -> frozenset[str]:
    """The types of JSON that a schema takes; each keyword says something of one of them only."""
    schema = definitions.meant(schema)
    members: Sequence[Mapping[str, Any]] = schema.get("anyOf", ())
    own = schema.get("type", [])
    return frozenset([own] if isinstance(own, str) else own).union(
        *(_kinds(each, definitions) for each in members)
    )


def _is_of_pydantic(hint: Any) -> bool:
    """Reports whether pydantic alone knows what a hint, which is no container, takes."""
    cls = bare(hint)
    notes = [note for note in notes_of(hint) if decides(note)]
    if _is_model(cls):  # which says more of itself, but where it is read of a text
        return any(type(note).__name__ == "Json" for note in notes)
    return bool(notes) or (
        isinstance(cls, type)
        and hasattr(cls, "__get_pydantic_core_schema__")
        and class_name(cls) == "any"
    )


def _is_made_by_pydantic(hint: Any) -> bool:
    """Reports whether pydantic reads what came for a hint outside of a model, which is no model itself."""
    noted = noted_hint(hint)
    return noted is not None and noted.model is not None and not _is_model(bare(hint))


def _schema_of_pydantic(hint: Any) -> dict[str, Any] | None:
    """What pydantic says of a hint; None where it says nothing, or refers to what is not here."""
    try:
        made = importlib.import_module("pydantic").TypeAdapter(hint).json_schema()
    except Exception:  # noqa: BLE001 - it has many reasons to say nothing
        return None
    made.pop("contentSchema", None)
    made.pop("$defs", None)
    return readable(made) if made and '"$ref"' not in json.dumps(made) else None


def _bare_schema(hint: Any, place: _Place) -> dict[str, Any]:
    if hint in ANYTHING:
        return {}
    members = union_members(hint)
    if members is not None:
        return _union_schema(members, place)
    args = typing.get_args(hint)
    origin = typing.get_origin(hint) or hint
    if origin is Literal:
        return _choices(args, place)
    if origin in _PLAIN:
        return {"type": _PLAIN[origin]}
    if origin in _ARRAYS:
        return _array_schema(args[:1], place)
    return _class_schema(origin, args, place) if isinstance(origin, type) else {}


def _union_schema(members: tuple[Any, ...], place: _Place) -> dict[str, Any]:
    """Shows those members of a union that something fits which travels; models take texts for some of the others."""
    if not place.is_of_model:
        members = tuple(member for member in members if not is_unfit(member)) or members
    shown = [_schema(member, place) for member in members]
    return shown[0] if len(shown) == 1 else {"anyOf": shown}


def _class_schema(cls: type[Any], args: tuple[Any, ...], place: _Place) -> dict[str, Any]:
    scalar = python_type_of(cls)
    if scalar is not None:
        return _bare_schema(scalar, place)
    if is_root_model(cls):
        return _root_schema(cls, place)
    if reads_all(cls):
        return {"anyOf": [_fields_schema(cls, args, place), {}]}
    name = class_name(cls)
    if name == "Enum" and issubclass(cls, enum.Enum):
        is_flag = issubclass(cls, enum.Flag)
        return ({"type": "integer"} if is_flag else _choices(tuple(cls), place)) | {
            "x-type": "Enum"
        }
    if name == "dict" and not tx.is_typeddict(cls):
        return _dict_schema(cls, args, place)
    if name in ("dict", "record"):
        return _fields_schema(cls, args, place)
    if name in ("any", "str", "list"):
        number = "integer" if cls is range else "number"
        return {
            "any": {},
            "str": {"type": "string"},
            "list": {"type": "array", "items": {"type": number}},
        }[name]
    return {**(_model_form(name, args, place) if place.is_of_model else {}), "x-type": name}


def _model_form(name: str, args: tuple[Any, ...], place: _Place) -> dict[str, Any]:
    """How JSON writes for a model what it has no type for."""
    if name == "set":
        return {**_array_schema(args, place), "uniqueItems": True}
    if name == "tuple":
        return _tuple_schema(args, place)
    return _OF_TEXT.get(name, {})


def _array_schema(args: tuple[Any, ...], place: _Place) -> dict[str, Any]:
    return {"type": "array", **({"items": _schema(args[0], place)} if args else {})}


def _tuple_schema(args: tuple[Any, ...], place: _Place) -> dict[str, Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        return _array_schema(args[:1], place)
    if not args or any(typing.get_origin(arg) is tx.Unpack for arg in args):
        return {"type": "array"}
    items = [_schema(arg, place) for arg in args]
    return {"type": "array", "prefixItems": items, "minItems": len(args), "maxItems": len(args)}


def _dict_schema(cls: type[Any], args: tuple[Any, ...], place: _Place) -> dict[str, Any]:
    if cls is collections.Counter:
        args = (*args, int)
    keys = _schema(args[0], place) if args else {}
    has_texts = _is_of_texts(keys, place.definitions)
    if args and not has_texts and not place.is_of_model:
        return {"x-type": "dict"}
    schema: dict[str, Any] = {"type": "object"}
    values = _schema(args[1], place) if len(args) == 2 else {}
    if has_texts and keys != {"type": "string"}:
        schema["propertyNames"] = keys
    if values:
        schema["additionalProperties"] = values
    return schema if has_texts or not args else {**schema, "x-type": "dict"}


def _is_of_texts(schema: Mapping[str, Any], definitions: Definitions) -> bool:
    """Reports whether a schema takes texts alone, as keys of an object of JSON are."""
    schema = definitions.meant(schema)
    members: Sequence[Mapping[str, Any]] = schema.get("anyOf", ())
    choices: Sequence[Any] = schema.get("enum", ())
    is_text = schema.get("type") == "string" or (
        bool(choices) and all(isinstance(each, str) for each in choices)
    )
    return is_text or (bool(members) and all(_is_of_texts(each, definitions) for each in members))


def _root_schema(cls: type[Any], place: _Place) -> dict[str, Any]:
    """The schema of a model of one value without a name is that of the value."""
    if place.purpose == "check":
        return {}
    return place.definitions.make((cls, True), cls.__name__, lambda: _made_root(cls, place))


def _made_root(cls: type[Any], place: _Place) -> dict[str, Any]:
    (root,) = parts_of(cls)
    remarks = {} if place.purpose == "result" else class_remarks(cls) | root.remarks(of_model=True)
    return _schema(root.hint, place.inside(cls)) | remarks


def _fields_schema(cls: type[Any], args: tuple[Any, ...], place: _Place) -> dict[str, Any]:
    is_open = place.purpose == "check" and _is_model(cls)
    if is_open or cls is Record or issubclass(cls, BaseException):
        return {"type": "object"}
    inner = place.inside(cls)
    return place.definitions.make(
        (cls, tuple(map(_key, args)), inner.is_of_model),
        "_".join([cls.__name__, *map(name_of, args)]),
        lambda: _made_fields(cls, args, inner),
        always=is_named_tuple(cls) and any(map(_is_named_tuple, place.around)),
    )


def _key(hint: Any) -> Any:
    """A hint as a key; one with a note that is a dict has no hash."""
    try:
        hash(hint)
    except TypeError:
        return repr(hint)
    return hint


def _made_fields(cls: type[Any], args: tuple[Any, ...], inner: _Place) -> dict[str, Any]:
    parts = parts_of(cls, args)
    if inner.purpose != "argument":
        made = _object({part.name: _schema(part.hint, inner) for part in parts}, parts)
        is_either = inner.purpose == "check" and is_named_tuple(cls)
        return _or_list(made, parts) if is_either else made
    texts = document_of(cls).arguments
    schema = class_remarks(cls) | _object(
        {part.json_name: _part_schema(part, texts, inner) for part in parts}, parts
    )
    if refuses_surplus(cls):
        own = schema["properties"]
        late = {
            name: _schema(hint, inner) | said for name, (hint, said) in late_of(cls, args).items()
        }
        schema["properties"] = {**own, **late, **own}
        schema["additionalProperties"] = False
    elif surplus := _schema(hint_of_surplus(cls), inner):
        schema["additionalProperties"] = surplus
    return _or_list(schema, parts) if is_named_tuple(cls) else schema


def _is_named_tuple(cls: Any) -> bool:
    return isinstance(cls, type) and is_named_tuple(cls)


def _or_list(schema: dict[str, Any], parts: Sequence[Part]) -> dict[str, Any]:
    """The schema of an object that may also be the list of its fields."""
    return {
        **schema,
        "type": ["object", "array"],
        "prefixItems": list(schema["properties"].values()),
        "minItems": len(schema.get("required", ())),
        "maxItems": len(parts),
    }


def _object(properties: dict[str, Any], parts: Sequence[Part]) -> dict[str, Any]:
    required = [name for name, part in zip(properties, parts, strict=True) if part.required]
    return {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
    }


def _part_schema(part: Part, texts: Mapping[str, str], place: _Place) -> dict[str, Any]:
    """The schema of one field, with all that its class says of it."""
    schema = _schema(part.hint, place) | tag_of(bare(part.hint), part.tag)
    if part.default is None and schema and not type_name(part.hint)[1]:
        schema = {"anyOf": [schema, {"type": "null"}]}
    said = {"description": texts[part.name]} if part.name in texts else {}
    if part.json_name != part.name:
        said["x-name"] = part.name
    return schema | said | part.remarks(of_model=place.is_of_model)


def _choices(choices: Sequence[Any], place: _Place) -> dict[str, Any]:
    """The schema of some values, each as JSON writes it."""
    values = [each.value if isinstance(each, enum.Enum) else each for each in choices]
    try:
        written = [json.loads(to_json(encode(value, strict=True))) for value in values]
    except SerializationError:
        return {}
    is_plain = not any(isinstance(item, dict) for item in written)
    return {"enum": written} if is_plain or place.purpose != "check" else {}
