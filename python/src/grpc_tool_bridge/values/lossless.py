"""Validators of pydantic's that refuse what pydantic would drop or round without a word.

They are made of the schema that pydantic made of a class: in the place where something may be lost stands what looks
at it. What a validator of the program's own is given before pydantic is its own matter.
"""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from .besidefields import HOLDERS, besides_in, with_besides
from .besides import settled, sorted_out
from .fault import Fault, told
from .keeping import kept
from .leniency import lenient
from .losschecks import (
    Key,
    exact,
    extra_of,
    is_dict,
    refuse_finer,
    refuse_plain,
    refuse_unknown,
    set_of,
    whole_set,
    with_keys,
)
from .unionwork import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from .besides import Besides

__all__ = ["validator_of"]


_Schema = dict[str, Any]
_SETS: Final = {"set": set, "frozenset": frozenset}
_MAPPINGS: Final = frozenset({"dict", "frozendict", "ordered-dict", "counter"})
_ITEMS: Final = frozenset({"list", "deque", "tuple", *_MAPPINGS})
_MOMENTS: Final = frozenset({"datetime", "time", "timedelta"})
_READING: Final = _MOMENTS | {"date", "uuid", "decimal", "fraction", "bytes", "complex", "json"}
_SIMPLE: Final = _MOMENTS | {
    *("none", "bool", "int", "float", "str", "date", "uuid", "decimal", "bytes", "literal", "enum"),
}
"""Schemas of values without parts."""
_OWN: Final = frozenset({"function-before", "function-wrap", "function-plain"})
_FUNCTIONS: Final = _OWN | {"function-after"}
_AROUND_CLASS: Final = _FUNCTIONS | {"model", "dataclass"}
_THROUGH: Final = _FUNCTIONS | {
    *("nullable", "default", "union", "tagged-union", "chain", "json-or-python", "lax-or-strict"),
}
"""Schemas that give on what they are given."""
_PARTS: Final = (
    *("schema", "items_schema", "keys_schema", "values_schema", "extras_schema", "choices"),
    *("lax_schema", "strict_schema", "json_schema", "python_schema", "fields", "definitions"),
)
"""Where a schema has others inside."""


def validator_of(
    cls: Any, *, finer: bool = False, sent: bool = False, is_json: bool = False
) -> Any:
    """Returns what validates objects of a class as pydantic does, and refuses what would be lost.

    Args:
        cls: A model, or a dataclass of pydantic's, that is complete.
        finer: Whether moments that are finer than microseconds are refused, and not cut.
        is_json: Whether it is given texts of JSON, and no values.
        sent: Whether fields hold what the fields of an object hold, and not what pydantic reads them from.
    """
    way = finer, sent, is_json
    return kept(cls, way, lambda: _validator_of(cls, _Way(*way, None, strict=False)))


class _Way(NamedTuple):
    """How a schema is looked at."""

    finer: bool
    sent: bool
    is_json: bool
    cls: Any
    """The class whose fields come next."""
    strict: bool
    """Whether what it stands in is strict."""
    is_key: bool = False
    """Whether it is that of a key, which JSON has as a text."""
    is_settled: bool = False
    """Whether what is around it looks at what came for computed and late fields of its class."""
    is_seen: bool = False
    """Whether a validator of the whole class is given its fields first, and decides which there may be."""
    is_returned: bool = False
    """Whether a validator of the program's own returns it."""


def _validator_of(cls: Any, way: _Way) -> Any:
    core = importlib.import_module("pydantic_core")
    schema = cls.__pydantic_core_schema__
    config = _config(schema, {})
    way = way._replace(strict=config.get("strict", False))
    held = schema if way.is_json else lenient(schema, strict=way.strict)
    try:
        return core.SchemaValidator(_checked(held, way), config, _use_prebuilt=False)
    except (core.SchemaError, LookupError, TypeError) as error:
        raise Fault(
            f"what pydantic {_version()} says of {cls.__qualname__} is not understood: {told(error)};"
            " take another version of pydantic, or have the argument be a dict"
        ) from error


def _version() -> str:
    return str(importlib.import_module("pydantic").VERSION)


def _config(schema: _Schema, known: dict[str, _Schema]) -> _Schema:
    """The configuration of a class, which holds for what its schema defines beside it too."""
    known = {**known, **{each["ref"]: each for each in schema.get("definitions", ())}}
    if "config" in schema or schema["type"] not in ("definitions", "definition-ref", *_FUNCTIONS):
        return cast("_Schema", schema.get("config", {}))
    return _config(
        known[schema["schema_ref"]] if "schema_ref" in schema else schema["schema"], known
    )


def _checked(schema: _Schema, way: _Way) -> _Schema:
    """A schema that refuses what this one loses."""
    kind = schema.get("type", "")
    if kind in _AROUND_CLASS and not way.is_settled:
        besides = _besides_of(schema)
        if besides is not None:
            made = _checked(schema, way._replace(is_settled=True))
            return _after(functools.partial(settled, besides), made)
    if kind in _OWN and not _is_of_pydantic(schema["function"]["function"]):
        return _of_own(schema, way)
    if kind == "definition-ref":
        return {**schema, "schema_ref": _other(schema["schema_ref"], way)}
    made = _CHANGES.get(kind, _with_parts)(schema, way)
    if kind in _ITEMS:
        made["fail_fast"] = True  # one error is told
    return {name: part for name, part in made.items() if name != "ref"}


def _of_own(schema: _Schema, way: _Way) -> _Schema:
    """A validator of the program's own: what it returns is looked at, as values of Python, where pydantic reads it."""
    if way.is_json:
        schema = lenient(schema, strict=way.strict)
    if "schema" not in schema:
        return schema
    is_seen = way.is_seen or schema["function"]["function"] in [
        *_validators(way.cls),
        *_validators(_class_in(schema)[0].get("cls")),
    ]
    way = way._replace(is_json=False, is_returned=True, is_seen=is_seen)
    made = {**schema, "schema": _checked(schema["schema"], way)}
    return {name: part for name, part in made.items() if name != "ref"}


def _validators(cls: Any) -> list[Any]:
    """The validators of a whole class."""
    decorators = getattr(cls, "__pydantic_decorators__", None)
    return [each.func for each in getattr(decorators, "model_validators", {}).values()]


def _class_in(schema: _Schema) -> tuple[_Schema, list[Any]]:
    """The schema of a class inside of validators, and these."""
    functions: list[Any] = []
    while schema["type"] in _FUNCTIONS and "schema" in schema:
        functions.append(schema["function"]["function"])
        schema = schema["schema"]
    return schema, functions


def _besides_of(schema: _Schema) -> Besides | None:
    """What may come beside the fields of a class, of whose schema with all of its validators this is."""
    schema, functions = _class_in(schema)
    if schema["type"] not in ("model", "dataclass"):
        return None
    cls, own = schema["cls"], _validators(schema["cls"])
    inner, _ = _class_in(schema["schema"])
    if inner["type"] not in HOLDERS or any(function not in own for function in functions):
        return None
    return besides_in(cls, inner)


def _with_parts(schema: _Schema, way: _Way) -> _Schema:
    through = schema["type"] in _THROUGH
    way = way._replace(
        is_key=False,
        is_settled=way.is_settled and schema["type"] in _FUNCTIONS,
        is_returned=way.is_returned and through,
    )
    if "config" in schema:
        way = way._replace(strict=schema["config"].get("strict", False))
    return {name: _parts(part, way) if name in _PARTS else part for name, part in schema.items()}


def _parts(part: Any, way: _Way) -> Any:
    """Schemas as they stand in another: one, several, with names or with labels."""
    if isinstance(part, dict):
        held = cast("dict[Any, Any]", part)
        if isinstance(held.get("type"), str):
            return _checked(held, way)
        return {name: _parts(each, way) for name, each in held.items()}
    if isinstance(part, tuple):  # one of a union, with its label
        return (_parts(part[0], way), *cast("tuple[Any, ...]", part)[1:])
    return (
        [_parts(each, way) for each in cast("list[Any]", part)] if isinstance(part, list) else part
    )


def _of_union(schema: _Schema, way: _Way) -> _Schema:
    """Of members that fit equally well, for pydantic, one comes first that leaves texts and ints what they are.

    Where the first is asked for that takes a value at all, what has a type goes to that of its own all the same.
    """
    by_type = {**schema, "mode": "smart", "choices": sorted(schema["choices"], key=_reads)}
    is_smart = schema.get("mode", "smart") == "smart"
    made = _with_parts(by_type if is_smart else schema, way)
    if way.is_json:  # is_tried_in_time has looked at it
        return made
    if not is_smart:
        choices = {True: made, False: _with_parts(by_type, way)}
        made = {"type": "tagged-union", "discriminator": is_dict, "choices": choices}
    has_parts = sum(not _is_simple(choice) for choice in schema["choices"]) > 1
    return _before(counted, made) if has_parts else made


def _is_simple(schema: Any) -> bool:
    """Reports whether a member of a union is of values without parts."""
    while isinstance(schema, tuple):  # with its label
        schema = cast("Any", schema[0])
    return schema["type"] in _SIMPLE


def _reads(schema: Any, *, in_dict: bool = False) -> bool:
    """Reports whether a schema makes something else of texts, or of the ints in a dict."""
    while isinstance(schema, tuple):  # with its label
        schema = cast("Any", schema[0])
    kind: str = schema.get("type", "")
    if kind in _READING or (in_dict and kind == "float"):
        return True
    if kind in ("json-or-python", "lax-or-strict"):
        schema = schema.get("json_schema") or schema["lax_schema"]
        return ("items_schema" not in schema and "keys_schema" not in schema) or _reads(schema)
    inner = [schema.get(name) for name in ("schema", "keys_schema", "values_schema")]
    items: Any = schema.get("items_schema") or []
    inner += items if type(items) is list else [items]
    inner += schema["choices"] if kind == "union" else []
    if kind in ("model", "dataclass"):
        return False
    return any(_reads(each, in_dict=kind in _MAPPINGS) for each in inner if each)


def _of_chain(schema: _Schema, way: _Way) -> _Schema:
    first, *others = schema["steps"]
    return {**schema, "steps": [_checked(first, way), *others]}


def _other(ref: str, way: _Way) -> str:
    return f"{ref} whole" if way.is_json else f"{ref} whole, of values"


def _is_of_pydantic(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__module__", "")).startswith("pydantic.")


def _after(check: Callable[[Any], Any], schema: _Schema) -> _Schema:
    function = {"type": "no-info", "function": check}
    return {"type": "function-after", "function": function, "schema": schema}


def _of_definitions(schema: _Schema, way: _Way) -> _Schema:
    own = [lenient(each, strict=way.strict) for each in schema["definitions"]]
    of_values = way._replace(is_json=False)
    whole = [{**_checked(each, of_values), "ref": _other(each["ref"], of_values)} for each in own]
    if way.is_json:
        whole += [
            {**_checked(each, way), "ref": _other(each["ref"], way)}
            for each in schema["definitions"]
        ]
    return {**schema, "schema": _checked(schema["schema"], way), "definitions": [*own, *whole]}


def _of_class(schema: _Schema, way: _Way) -> _Schema:
    """A model, whose fields stand in another schema inside, or a dataclass."""
    cls = schema["cls"]
    made = _with_parts(schema, way._replace(cls=cls))
    if schema.get("custom_init"):  # its constructor is given all, and has pydantic validate that
        return _before(functools.partial(refuse_unknown, cls), made)
    return made


def _before(check: Callable[[Any], Any], schema: _Schema) -> _Schema:
    function = {"type": "no-info", "function": check}
    return {"type": "function-before", "function": function, "schema": schema}


def _of_fields(schema: _Schema, way: _Way) -> _Schema:
    """The fields of a class, and what may come beside them."""
    besides = besides_in(way.cls, schema)
    made = _with_parts(with_besides(way.cls, schema), way._replace(is_seen=False))
    if not way.is_seen or extra_of(way.cls):
        made["extra_behavior"] = extra_of(way.cls) or "forbid"
    return made if besides is None else _after(functools.partial(sorted_out, besides), made)


def _of_typed_dict(schema: _Schema, way: _Way) -> _Schema:
    made = _with_parts(schema, way)
    if "extras_schema" in schema or extra_of(schema.get("cls")):
        return made
    return {**made, "extra_behavior": "forbid"}


def _of_default(schema: _Schema, way: _Way) -> _Schema:
    """A field of which None is the default takes None, whatever its hint."""
    made = _with_parts(schema, way)
    if schema.get("default", ...) is None:
        inner = [made["schema"], {"type": "none"}]
        made["schema"] = {"type": "union", "mode": "left_to_right", "choices": inner}
        if schema["schema"]["type"] not in _OWN:
            made["schema"] = {"type": "nullable", "schema": inner[0]}
    return made


def _of_float(schema: _Schema, way: _Way) -> _Schema:
    return _before(exact, {**schema, "strict": False} if way.is_key else schema)


def _of_moment(schema: _Schema, way: _Way) -> _Schema:
    return _before(refuse_finer, lenient(schema, strict=way.strict)) if way.finer else schema


def _of_instance(schema: _Schema, way: _Way) -> _Schema:
    """An object of a class that JSON has no form for: it has one for tables, of ours."""
    if not way.is_json:
        return schema
    function = {"type": "no-info", "function": functools.partial(refuse_plain, schema["cls"])}
    return {"type": "function-plain", "function": function}


def _of_iterator(schema: _Schema, way: _Way) -> _Schema:
    """What pydantic reads only while it is asked for items is read at once, of which JSON gives a list."""
    items = _checked(schema.get("items_schema", {"type": "any"}), way)
    lengths = {name: schema[name] for name in ("min_length", "max_length") if name in schema}
    listed = {"type": "list", "items_schema": items, "fail_fast": True, **lengths}
    return {"type": "json-or-python", "json_schema": _after(iter, listed), "python_schema": schema}


def _of_set(schema: _Schema, way: _Way) -> _Schema:
    """A set is made of a tuple, which pydantic takes a list of JSON for as it does for a set."""
    made = _with_parts(schema, way)
    if (
        way.is_returned
    ):  # a validator that makes a list of a text leaves it to pydantic that it is a set
        return made
    listed = {name: made[name] for name in ("min_length", "max_length", "strict") if name in made}
    items = [made.get("items_schema", {"type": "any"})]
    listed.update(type="tuple", items_schema=items, variadic_item_index=0, fail_fast=True)
    function = {"type": "no-info", "function": whole_set}
    return {
        "type": "json-or-python",
        "json_schema": _after(functools.partial(set_of, _SETS[schema["type"]]), listed),
        "python_schema": {"type": "function-wrap", "function": function, "schema": made},
    }


def _of_mapping(schema: _Schema, way: _Way) -> _Schema:
    made = _with_parts(schema, way)
    if schema.get("keys_schema", {"type": "any"}) == {"type": "any"}:
        return made
    keys = _checked(schema["keys_schema"], way._replace(is_key=True))
    return _after(with_keys, {**made, "keys_schema": _after(Key, keys)})


def _of_json(schema: _Schema, way: _Way) -> _Schema:
    """What is read of a text of JSON, or has been."""
    if not way.sent:
        return schema
    choices = [schema.get("schema", {"type": "any"}), schema]
    return {"type": "union", "mode": "left_to_right", "choices": choices}


def _of_late_function(schema: _Schema, way: _Way) -> _Schema:
    """What is made of a text of base64, or has been."""
    encoded = getattr(schema["function"]["function"], "__self__", None)
    is_encoded = type(encoded).__name__ in ("EncodedBytes", "EncodedStr")
    if not way.sent or not is_encoded:
        return _with_parts(schema, way)
    choices = [{**schema["schema"], "strict": True}, schema]
    return {"type": "union", "mode": "left_to_right", "choices": choices}


_CHANGES: Final[dict[str, Callable[[_Schema, _Way], _Schema]]] = {
    "definitions": _of_definitions,
    "chain": _of_chain,
    "union": _of_union,
    "model": _of_class,
    "dataclass": _of_class,
    "model-fields": _of_fields,
    "typed-dict": _of_typed_dict,
    "dataclass-args": _of_fields,
    "default": _of_default,
    "float": _of_float,
    "generator": _of_iterator,
    "json": _of_json,
    "function-after": _of_late_function,
    "is-instance": _of_instance,
    **dict.fromkeys(_MOMENTS, _of_moment),
    **dict.fromkeys(_SETS, _of_set),
    **dict.fromkeys(_MAPPINGS, _of_mapping),
}
