"""The fields of a model of pydantic: what each is called, and what a value has for it."""

from __future__ import annotations

import functools
import inspect
import re
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import typing_extensions as tx

from .fault import Fault
from .hintforms import bare
from .wrappers import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Field", "Shape", "is_noted", "leaves_over", "named", "refuse_missing", "shape_of"]

_AFTERWARDS: Final = frozenset({"AfterValidator", "Strict", "PathType"})
"""Notes of pydantic's that leave it to the hint what a value is made."""
_CHOOSING: Final = _AFTERWARDS | {"Discriminator", "Tag"}
"""Those, and what looks at a value only to choose a member of a union."""


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
    is_remade: bool
    """Whether one of these may make another value of it, and does not only choose a member of a union."""
    is_checked: bool
    """Whether a validator sees what was made of it."""

    @property
    def called(self) -> str:
        """What a dict calls it."""
        return next((alias for alias in self.aliases if isinstance(alias, str)), self.name)


class Shape(NamedTuple):
    """What a model, or a dataclass of pydantic's, is made of."""

    fields: tuple[Field, ...]
    computed: frozenset[str]
    extra: str | None
    """What its configuration says of further fields."""
    extras: Any
    """The hint of further fields."""
    sees_all: bool
    """Whether a validator of the whole model sees what it is given before pydantic does."""
    sees_made: bool
    """Whether the model's own code sees its fields when they are made, and may change them."""


@functools.lru_cache(maxsize=1024)
def shape_of(cls: Any) -> Shape:
    """Returns what a model is made of, which is complete."""
    decorators = getattr(cls, "__pydantic_decorators__", None)
    validators: Mapping[str, Any] = getattr(decorators, "model_validators", {})
    early, late = _validated_fields(decorators)
    fields = tuple(
        Field(
            name,
            field.annotation,
            _aliases(field),
            field.is_required(),
            field.default,
            _is_given_away(name, field, early, _AFTERWARDS),
            _is_given_away(name, field, early, _CHOOSING),
            not late.isdisjoint({name, "*"})
            or any(type(note).__name__ == "AfterValidator" for note in field.metadata),
        )
        for name, field in cls.__pydantic_fields__.items()
    )
    config: Mapping[str, Any] = (
        getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}
    )
    return Shape(
        fields,
        frozenset(getattr(decorators, "computed_fields", {})),
        config.get("extra"),
        _hint_of_extras(cls) if config.get("extra") == "allow" else Any,
        any(validator.info.mode != "after" for validator in validators.values()),
        any(validator.info.mode == "after" for validator in validators.values())
        or getattr(cls, "__pydantic_post_init__", None) is not None
        or hasattr(cls, "__post_init__"),
    )


def _is_given_away(name: str, field: Any, early: set[str], known: frozenset[str]) -> bool:
    """Reports whether something else than the hint, but what is known, says what a field is made of."""
    return (
        not early.isdisjoint({name, "*"})
        or any(_decides(note, known) for note in field.metadata)
        or _is_own(field.annotation, frozenset(), known)
    )


def _validated_fields(decorators: Any) -> tuple[set[str], set[str]]:
    """The names of fields that validators of the model's see before pydantic, and after it."""
    names: tuple[set[str], set[str]] = (set(), set())
    for kind in ("field_validators", "validators"):
        for validator in getattr(decorators, kind, {}).values():
            is_late = getattr(validator.info, "mode", "before") == "after"
            names[is_late].update(validator.info.fields)
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


def _decides(note: Any, known: frozenset[str]) -> bool:
    """Reports whether a note on a hint says that pydantic makes something of a value itself."""
    own = hasattr(note, "__get_pydantic_core_schema__") or hasattr(
        note, "__prepare_pydantic_annotations__"
    )
    return own and cast("type[Any]", type(note)).__name__ not in known


def _is_own(hint: Any, outer: frozenset[Any], known: frozenset[str]) -> bool:
    """Reports whether a hint has a part that pydantic knows what to make of, and nobody else."""
    while hasattr(typing.get_origin(hint) or hint, "__value__"):  # an alias
        hint = (typing.get_origin(hint) or hint).__value__
    if typing.get_origin(hint) is typing.Annotated:
        inner, *notes = typing.get_args(hint)
        return any(_decides(note, known) for note in notes) or _is_own(inner, outer, known)
    hint = bare(hint)
    cls = typing.get_origin(hint) or hint
    if cls in (type, Callable, re.Pattern) or type(cls).__name__ == "PydanticRecursiveRef":
        return True
    if isinstance(cls, type) and not hasattr(cls, "__pydantic_fields__"):
        if hasattr(cls, "__get_pydantic_core_schema__") or hasattr(cls, "__get_validators__"):
            return True
        if tx.is_typeddict(cls) and cls not in outer:  # which pydantic validates again
            inner = tx.get_type_hints(cls, include_extras=True).values()
            return any(_is_own(each, outer | {cls}, known) for each in inner)
    args: tuple[Any, ...] = () if cls is typing.Literal else typing.get_args(hint)
    return any(_is_own(arg, outer, known) for arg in args if not isinstance(arg, list))


@functools.lru_cache(maxsize=1024)
def is_noted(cls: type[Any]) -> bool:
    """Reports whether the hints of a class's own fields have notes of pydantic's, such as constraints."""
    try:
        hints = tx.get_type_hints(cls, include_extras=True)
    except Exception:  # noqa: BLE001 - who reads them next says why they cannot be read
        return False
    return any(map(_has_note, hints.values()))


def _has_note(hint: Any) -> bool:
    if typing.get_origin(hint) is typing.Annotated and any(
        type(note).__module__.partition(".")[0] == "pydantic" for note in typing.get_args(hint)[1:]
    ):
        return True
    return any(_has_note(arg) for arg in typing.get_args(hint) if not isinstance(arg, list))


def named(
    value: Any, cls: Any, shape: Shape
) -> tuple[dict[str, Any], dict[str, Any], dict[Any, Any]]:
    """Sorts what a record or a dict holds.

    Returns:
        What there is for each field, by its name; the steps under which it came; and all the rest.

    Raises:
        Fault: There is a field too many.
    """
    held = cast("dict[Any, Any]", value.fields if isinstance(value, Record) else value)
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
    shape = shape_of(cls)
    known = set(shape.computed)
    for field in shape.fields:
        known.add(field.name)
        known.update(alias if isinstance(alias, str) else alias.path[0] for alias in field.aliases)
    return shape.extra != "allow" and any(
        name not in known for name in cast("dict[Any, Any]", value)
    )


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
