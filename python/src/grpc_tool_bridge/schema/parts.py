"""The fields of a class, as a schema shows them."""

from __future__ import annotations

import dataclasses
import functools
import typing
from typing import Annotated, Any, NamedTuple

from grpc_tool_bridge.values import hintfields
from grpc_tool_bridge.values.classes import is_named_tuple
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.hintforms import bare
from grpc_tool_bridge.values.modelfields import shape_of

from .docstring import Docstring, parse_docstring
from .notes import description_of, field_notes, remarks_of, shown_value
from .written import shown_default

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

MISSING: Any = dataclasses.MISSING


class Part(NamedTuple):
    """One field.

    Attributes:
        name: What an object calls it.
        hint: With all notes on it.
        required: It has no default.
        default: MISSING where there is none, or none that is the same for each object.
        called: What JSON calls it: the alias, if there is one.
        info: What a class says of it beside its hint, such as pydantic's Field.
    """

    name: str
    hint: Any
    required: bool
    default: Any = MISSING
    called: str = ""
    info: Any = None

    @property
    def json_name(self) -> str:
        """What JSON calls it."""
        return self.called or self.name

    @property
    def tag(self) -> str | None:
        """By which field of theirs the members of its union are told from each other, if pydantic's Field says it."""
        tag = getattr(self.info, "discriminator", None)
        tag = getattr(tag, "discriminator", tag)
        return tag if isinstance(tag, str) else None

    def remarks(self, *, of_model: bool) -> dict[str, Any]:
        """What a schema says of it to those who read it; fields of models have the forms that pydantic writes."""
        found: dict[str, Any] = {}
        text = description_of(self.hint)
        if text:
            found["description"] = text
        for note in (*field_notes(self.hint), self.info):
            found.update(remarks_of(note))
        if self.default is not MISSING:
            shown = shown_value if of_model else shown_default
            found.update(("default", each) for each in shown(self.default))
        return found


def parts_of(cls: type[Any], args: tuple[Any, ...] = ()) -> list[Part]:
    """Returns the fields with which an object of a class is made; args are those of a generic class.

    Raises:
        TypeError: Their hints cannot be read.
    """
    hints = hints_of(cls, args)
    if hasattr(cls, "__pydantic_fields__"):
        return _parts_of_model(cls, hints)
    if dataclasses.is_dataclass(cls):
        return [
            Part(
                field.name,
                hints.get(field.name, Any),
                field.default is MISSING and field.default_factory is MISSING,
                field.default,
                info=_Documented(field),
            )
            for field in dataclasses.fields(cls)
            if field.init
        ]
    if is_named_tuple(cls):
        defaults: Mapping[str, Any] = getattr(cls, "_field_defaults", {})
        names: tuple[str, ...] = getattr(cls, "_fields", ())
        return [
            Part(name, hints.get(name, Any), name not in defaults, defaults.get(name, MISSING))
            for name in names
        ]
    needed = hintfields.required_keys(cls)
    return [Part(name, hint, name in needed) for name, hint in hints.items()]


def _parts_of_model(cls: Any, hints: Mapping[str, Any]) -> list[Part]:
    infos: Mapping[str, Any] = cls.__pydantic_fields__
    return [
        Part(
            name,
            hints.get(name, Any),
            info.is_required(),
            MISSING if info.is_required() or info.default_factory else info.default,
            _called(name, info),
            info,
        )
        for name, info in infos.items()
        if info.init is not False
    ]


def _called(name: str, info: Any) -> str:
    """What JSON calls a field of a model: its first alias that is a text."""
    alias = info.validation_alias
    choices: list[Any] = getattr(alias, "choices", [alias])
    return next((choice for choice in choices if isinstance(choice, str)), name)


class _Documented:
    """What a dataclass says of a field: Python 3.14 has a text for it, others the field's metadata."""

    def __init__(self, field: dataclasses.Field[Any]) -> None:
        said = field.metadata
        self.description = getattr(field, "doc", None) or said.get("description", said.get("doc"))
        self.title = said.get("title")
        self.examples = said.get("examples")


def hints_of(cls: type[Any], args: tuple[Any, ...] = ()) -> Mapping[str, Any]:
    """Returns the hints of the fields of a class, with all notes on them.

    Raises:
        TypeError: They cannot be read.
    """
    if getattr(cls, "__pydantic_complete__", False):  # which knows the types of a generic model
        fields: Mapping[str, Any] = getattr(cls, "__pydantic_fields__", {})
        return {name: _noted(field) for name, field in fields.items()}
    try:
        return hintfields.hints_of(cls, args)
    except Fault as fault:
        raise TypeError(fault.message) from fault


def _noted(field: Any) -> Any:
    return functools.reduce(
        lambda hint, note: Annotated[hint, note], field.metadata, field.annotation
    )


def document_of(cls: type[Any]) -> Docstring:
    """Returns what the docstring of a class says, if it has one of its own that somebody wrote."""
    text = vars(cls).get("__doc__")
    if not isinstance(text, str) or text.startswith((f"{cls.__name__}(", f"{cls.__qualname__}(")):
        return Docstring()
    return parse_docstring(text)


def class_remarks(cls: type[Any]) -> dict[str, Any]:
    """What a schema says of a class to those who read it."""
    text = document_of(cls).description
    found = {"description": text} if text else {}
    return {**found, **remarks_of(_Configured(_config_of(cls)))}


class _Configured:
    """What the configuration of a model says of it."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.title = config.get("title")
        self.json_schema_extra = config.get("json_schema_extra")


def _config_of(cls: type[Any]) -> Mapping[str, Any]:
    return getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}


def tag_of(union: Any, tag: str | None) -> dict[str, Any]:
    """Returns what a schema says of a union whose members are told from each other by a field, which none may lack."""
    members = () if tag is None else (bare(each) for each in typing.get_args(union))
    called = {
        part.json_name
        for member in members
        if isinstance(member, type) and member is not type(None)
        for part in parts_of(member)
        if part.name == tag
    }
    if len(called) != 1:  # each member calls it otherwise
        return {}
    return {"discriminator": {"propertyName": min(called)}, "required": [*called]}


def late_of(cls: type[Any], args: tuple[Any, ...] = ()) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Returns the hints of what an object has besides, which JSON may hold, and need not, with what is said of it."""
    hints = hints_of(cls, args)
    infos: Mapping[str, Any] = getattr(cls, "__pydantic_fields__", {})
    late = [name for name, info in infos.items() if info.init is False]
    if not infos and dataclasses.is_dataclass(cls):
        late = [field.name for field in dataclasses.fields(cls) if not field.init]
    computed: Mapping[str, Any] = getattr(
        getattr(cls, "__pydantic_decorators__", None), "computed_fields", {}
    )
    return {
        **{name: (hints.get(name, Any), {"readOnly": True}) for name in late},
        **{
            each.info.alias or name: (
                _returned(each.info),
                {**remarks_of(each.info), "readOnly": True},
            )
            for name, each in computed.items()
        },
    }


def _returned(info: Any) -> Any:
    hint = info.return_type
    return Any if type(hint).__name__ == "PydanticUndefinedType" else hint


def refuses_surplus(cls: type[Any]) -> bool:
    """Reports whether a field that a class does not show is refused."""
    if _config_of(cls).get("extra") in ("allow", "ignore"):
        return False
    if not hasattr(cls, "__pydantic_fields__"):
        return True
    if getattr(cls, "__pydantic_custom_init__", False):  # which may take what it likes
        return False
    infos: Mapping[str, Any] = getattr(cls, "__pydantic_fields__", {})
    return all(isinstance(info.validation_alias, (str, type(None))) for info in infos.values())


def hint_of_surplus(cls: type[Any]) -> Any:
    """Returns the hint of fields that a class does not name."""
    return shape_of(cls).extras if getattr(cls, "__pydantic_complete__", False) else Any
