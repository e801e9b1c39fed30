"""Schemas of fields that are added to those of a class for what may come beside them, until its object is there."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, cast

from .besides import UNSAID, Besides, computed_called, late_called

__all__ = ["HOLDERS", "besides_in", "with_besides"]

_Schema = dict[str, Any]
HOLDERS: Final = frozenset({"model-fields", "dataclass-args"})
"""The schemas that hold the fields of a class."""


def with_besides(cls: Any, schema: _Schema) -> _Schema:
    """Returns the schema of the fields of a class with those that are added."""
    added = _added(cls, schema)
    if schema["type"] == "model-fields":
        fields = {name: _field("model-field", name, each) for name, each in added.items()}
        return {**schema, "fields": {**schema["fields"], **fields}}
    arguments = [_field("dataclass-field", name, each) for name, each in added.items()]
    return {**schema, "fields": [*schema["fields"], *arguments]}


def _field(kind: str, name: str, added: _Schema) -> _Schema:
    field = {"type": kind, **{key: added[key] for key in ("schema", "validation_alias")}}
    return {**field, "name": name, "kw_only": True} if kind == "dataclass-field" else field


def besides_in(cls: Any, schema: _Schema) -> Besides | None:
    """Returns what may come beside the fields of a class, of whose fields this is the schema."""
    found = Besides(cls, {}, {})
    for name, field in _added(cls, schema).items():
        (found.late if field["is_late"] else found.computed)[name] = field["of"]
    return found if found.late or found.computed else None


def _added(cls: Any, schema: _Schema) -> dict[str, _Schema]:
    """Fields that are added to those of a class for what may come beside them."""
    held: Any = schema["fields"]
    fields: list[_Schema] = (
        cast("Any", held)
        if type(held) is list
        else [{**field, "name": name} for name, field in cast("_Schema", held).items()]
    )
    taken = {name for field in fields if field.get("init", True) for name in _names(field)}
    added: dict[str, _Schema] = {}
    for each in schema.get("computed_fields", ()):
        names = [each.get("alias", ""), each["property_name"]]
        free = [name for name in dict.fromkeys(names) if name and name not in taken]
        if free:
            added[computed_called(names[1])] = _beside(names[1], free, {"type": "any"})
    late = {field["name"]: field for field in fields if not field.get("init", True)}
    known = {field["name"] for field in fields}
    for each in dataclasses.fields(cls) if schema["type"] == "dataclass-args" else ():
        if not each.init and each.name not in known:
            late[each.name] = {"name": each.name, "schema": {"type": "any"}}
    for name, field in late.items():
        inner = field["schema"]
        inner = inner["schema"] if inner["type"] == "default" else inner
        added[late_called(name)] = {**_beside(name, list(_names(field)), inner), "is_late": True}
    return added


def _names(field: _Schema) -> list[str]:
    alias = field.get("validation_alias")
    return [field["name"], alias] if isinstance(alias, str) else [field["name"]]


def _beside(name: str, aliases: list[str], schema: _Schema) -> _Schema:
    default = {"type": "default", "schema": schema, "default": UNSAID, "validate_default": False}
    return {
        "of": name,
        "is_late": False,
        "schema": default,
        "validation_alias": [[alias] for alias in aliases],
    }
