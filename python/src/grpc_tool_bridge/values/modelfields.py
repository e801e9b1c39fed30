"""The fields of a model of pydantic: what each is called, and what a value has for it."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import typing_extensions as tx

from .classes import refuse_old
from .fault import Fault
from .hintforms import ANYTHING, UNIONS, bare, without_notes
from .keeping import kept
from .wrappers import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Field",
    "Shape",
    "decides",
    "leaves_over",
    "named",
    "names_of",
    "refuse_bare",
    "refuse_missing",
    "shape_of",
]

_AFTERWARDS: Final = frozenset({"AfterValidator", "Strict", "PathType"})
"""Notes of pydantic's that leave it to the hint what a value is made."""


class Field(NamedTuple):
    """One field of a model."""

    name: str
    hint: Any
    aliases: tuple[Any, ...]
    """Texts, and pydantic's paths, under which it may be found."""
    required: bool
    default: Any
    is_own: bool
    """Whether pydantic, or a validator of the model's, makes of a value what the hint alone does not say."""
    ready: frozenset[type[Any]]
    """The classes of values that are what the hint asks for."""
    is_nothing_none: bool
    """Whether None is no value of its type, but its default, and stands for nothing."""

    @property
    def called(self) -> str:
        """What a dict calls it."""
        return next((alias for alias in self.aliases if isinstance(alias, str)), self.name)


class Shape(NamedTuple):
    """What a model, or a dataclass of pydantic's, is made of."""

    fields: tuple[Field, ...]
    computed: Mapping[str, str]
    """All that fields that are computed may be called, with their names."""
    extra: str | None
    """What its configuration says of further fields."""
    extras: Any
    """The hint of further fields."""
    sees_all: bool
    """Whether a validator of the whole model sees what it is given before pydantic does."""
    is_root: bool
    """Whether it is a model of one value without a name."""
    names: frozenset[str] | None
    """The names of the fields, if that is all that they may be called."""
    own: tuple[str, ...]
    """The names of fields of which pydantic, or a validator, makes what the hint alone does not say."""
    late: tuple[str, ...]
    """The names of fields that no constructor takes."""


def shape_of(cls: Any) -> Shape:
    """Returns what a model is made of, which is complete."""
    return kept(cls, "shape", lambda: _shape_of(cls))


def _shape_of(cls: Any) -> Shape:
    refuse_bare(cls)
    decorators = getattr(cls, "__pydantic_decorators__", None)
    validators: Mapping[str, Any] = getattr(decorators, "model_validators", {})
    early = _early_fields(decorators)
    fields = tuple(_field_of(name, field, early) for name, field in cls.__pydantic_fields__.items())
    is_aliased = any(field.aliases for field in fields)
    config: Mapping[str, Any] = (
        getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}
    )
    return Shape(
        fields,
        _computed(getattr(decorators, "computed_fields", {})),
        config.get("extra"),
        _hint_of_extras(cls) if config.get("extra") == "allow" else Any,
        any(validator.info.mode != "after" for validator in validators.values()),
        getattr(cls, "__pydantic_root_model__", False) is True,
        None if is_aliased else frozenset(field.name for field in fields),
        tuple(field.name for field in fields if field.is_own),
        tuple(name for name, field in cls.__pydantic_fields__.items() if field.init is False),
    )


def refuse_bare(cls: Any) -> None:
    """Refuses models of pydantic 1, and the class of all models.

    Raises:
        Fault: It is one.
    """
    refuse_old(cls)
    if cls.__name__ == "BaseModel" and cls.__module__.startswith("pydantic."):
        raise Fault("BaseModel itself has no fields: declare a subclass of it, or Any")


def _field_of(name: str, field: Any, early: set[str]) -> Field:
    hint = bare(without_notes(field.annotation))
    is_own, required = _is_given_away(name, field, early), field.is_required()
    return Field(
        name,
        hint,
        _aliases(field),
        required,
        field.default,
        is_own,
        frozenset() if is_own else _classes_of(hint),
        not required and field.default is None and not _takes_none(hint),
    )


def _classes_of(hint: Any) -> frozenset[type[Any]]:
    """The classes whose objects fit a hint as they are."""
    members = typing.get_args(hint) if typing.get_origin(hint) in UNIONS else (hint,)
    return frozenset(member for member in members if issubclass(type(member), type))


def _takes_none(hint: Any) -> bool:
    hint = bare(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return any(map(_takes_none, args))
    return None in args if origin is typing.Literal else hint in (type(None), *ANYTHING)


def _computed(fields: Mapping[str, Any]) -> Mapping[str, str]:
    aliases = {field.info.alias: name for name, field in fields.items() if field.info.alias}
    return {**{name: name for name in fields}, **aliases}


def _is_given_away(name: str, field: Any, early: set[str]) -> bool:
    """Reports whether something else than the hint says what a field is made of."""
    return (
        not early.isdisjoint({name, "*"})
        or any(map(decides, field.metadata))
        or _is_own(field.annotation, frozenset())
    )


def _early_fields(decorators: Any) -> set[str]:
    """The names of fields that validators of the model's see before pydantic."""
    names: set[str] = set()
    for kind in ("field_validators", "validators"):
        for validator in getattr(decorators, kind, {}).values():
            if getattr(validator.info, "mode", "before") != "after":
                names.update(validator.info.fields)
    return names


def _aliases(field: Any) -> tuple[Any, ...]:
    alias = field.validation_alias
    return tuple(getattr(alias, "choices", [] if alias is None else [alias]))


def _hint_of_extras(cls: Any) -> Any:
    for base in cls.__mro__:
        if base.__module__.startswith("pydantic."):
            break
        if "__pydantic_extra__" in inspect.get_annotations(base):
            hint = bare(tx.get_type_hints(base)["__pydantic_extra__"])
            return (*typing.get_args(hint), Any, Any)[1]
    return Any


def decides(note: Any) -> bool:
    """Reports whether a note on a hint says that pydantic makes something of a value itself."""
    own = hasattr(note, "__get_pydantic_core_schema__") or hasattr(
        note, "__prepare_pydantic_annotations__"
    )
    return own and cast("type[Any]", type(note)).__name__ not in _AFTERWARDS


def _is_own(hint: Any, outer: frozenset[Any]) -> bool:
    """Reports whether a hint has a part that pydantic knows what to make of, and nobody else."""
    while hasattr(typing.get_origin(hint) or hint, "__value__"):  # an alias
        hint = (typing.get_origin(hint) or hint).__value__
    if typing.get_origin(hint) is typing.Annotated:
        inner, *notes = typing.get_args(hint)
        return any(map(decides, notes)) or _is_own(inner, outer)
    hint = bare(hint)
    cls = typing.get_origin(hint) or hint
    if cls in (type, Callable, re.Pattern) or type(cls).__name__ == "PydanticRecursiveRef":
        return True
    if isinstance(cls, type) and not hasattr(cls, "__pydantic_fields__"):
        if hasattr(cls, "__get_pydantic_core_schema__") or hasattr(cls, "__get_validators__"):
            return True
        is_again = tx.is_typeddict(cls) or dataclasses.is_dataclass(cls)  # pydantic validates it
        if is_again and cls not in outer:
            return any(_is_own(each, outer | {cls}) for each in _hints_of(cls))
    args: tuple[Any, ...] = () if cls is typing.Literal else typing.get_args(hint)
    return any(_is_own(arg, outer) for arg in args if not isinstance(arg, list))


def _hints_of(cls: Any) -> list[Any]:
    try:
        return list(tx.get_type_hints(cls, include_extras=True).values())
    except Exception:  # noqa: BLE001 - who reads them next says why they cannot be read
        return []


def named(
    value: Any, cls: Any, shape: Shape
) -> tuple[dict[str, Any], dict[str, Any], dict[Any, Any]]:
    """Sorts what a record or a dict holds.

    Returns:
        What there is for each field, by its name; the steps under which it came, where these are not the name;
        and all the rest.

    Raises:
        Fault: There is a field too many.
    """
    held = cast("dict[Any, Any]", value.fields if isinstance(value, Record) else value)
    if shape.names is not None and held.keys() <= shape.names:
        return held, {}, {}
    found: dict[str, Any] = {}
    steps: dict[str, Any] = {}
    for field in shape.fields:
        # A record has names. Where an alias is the name of another field, a dict is read as pydantic does.
        of_record = isinstance(value, Record)
        for place in (field.name, *field.aliases) if of_record else (*field.aliases, field.name):
            path = [place] if isinstance(place, str) else place.path
            item = _at(path, held)
            if item is not _NOTHING:
                found[field.name], steps[field.name] = item, tuple(path)
                break
    used = {*(path[0] for path in steps.values()), *shape.computed}
    rest = {key: item for key, item in held.items() if key not in used}
    if rest and shape.extra not in ("allow", "ignore"):
        name = next(iter(rest))
        fault = Fault(f"the value for {cls.__name__} has a field {name!r:.80} too many")
        fault.at(name)
        raise fault
    return found, steps, rest if shape.extra == "allow" else {}


def leaves_over(value: Any, hint: Any) -> bool:
    """Reports whether a dict has a field that a model does not know, whatever it does with such."""
    cls = bare(hint)
    if (
        type(value) is not dict
        or not isinstance(cls, type)
        or not hasattr(cls, "__pydantic_fields__")
        or getattr(cls, "__pydantic_root_model__", False) is True
    ):
        return False
    known = names_of(shape_of(cls))
    return shape_of(cls).extra != "allow" and any(
        name not in known for name in cast("dict[Any, Any]", value)
    )


def names_of(shape: Shape) -> set[str]:
    """Returns all that the fields of a model may be called."""
    known = set(shape.computed)
    for field in shape.fields:
        known.add(field.name)
        known.update(alias if isinstance(alias, str) else alias.path[0] for alias in field.aliases)
    return known


def refuse_missing(found: Mapping[str, Any], value: Any, cls: Any, shape: Shape) -> None:
    """Refuses that there is nothing for a field.

    Raises:
        Fault: It names the field.
    """
    for field in shape.fields:
        if field.required and field.name not in found:
            name = field.name if isinstance(value, Record) else field.called
            fault = Fault(f"the value for {cls.__name__} has no field {name!r:.80}")
            fault.at(name)
            raise fault


_NOTHING: Final = object()


def _at(path: Sequence[Any], held: Any) -> Any:
    """What stands at the end of an alias's path."""
    for step in path:
        try:
            held = held[step]
        except (LookupError, TypeError):
            return _NOTHING
        held = held.fields if isinstance(held, Record) and step is not path[-1] else held
    return held
