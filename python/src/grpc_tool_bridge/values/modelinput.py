"""What a model of pydantic is given to validate: objects of classes where only these say what was sent."""

from __future__ import annotations

import array
import collections
import contextlib
import dataclasses
import enum
import typing
from typing import TYPE_CHECKING, Any, Literal, cast

import typing_extensions as tx

from .aliases import by_alias, keys_of
from .classes import is_model, is_named_tuple
from .containers import ITEMS, MAPPINGS, fit_mapping
from .distinct import refuse_first
from .fault import Fault
from .hintfields import hints_of
from .hintforms import ANYTHING, UNIONS, bare, class_name
from .members import fit_enum, fit_literal, is_enum, takes_members
from .namesakes import holds_records
from .stdlib import REMAKERS
from .surplus import refuse_surplus
from .wrappers import EnumValue, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .containers import Fit

__all__ = ["ModelInput"]


class _Unknown:
    """The hint of a part of which only pydantic knows what it is to be."""


class ModelInput:
    """Makes of a value what pydantic is given for it.

    pydantic validates dicts for classes, and coerces scalars, as a model's configuration says. What it
    would take for something else is made here: members of enumerations, records among the members of a
    union, and all that a strict model takes only as the very object. Where anything may stand, records stay.

    Attributes:
        names: Of each dict that was made for a model, by its id: the names of its fields by their aliases.
        sent: What keys of such a dict were called in what was sent, if that was something else.
    """

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._made: list[Any] = []  # keeps the ids of the dicts theirs
        self.names: dict[int, dict[str, str]] = {}
        self.sent: dict[int, dict[Any, Any]] = {}

    def model(self, value: Any, cls: Any) -> Any:
        """Makes of a record, a dict, or the value of a root model what a model is validated from.

        Raises:
            Fault: It has fields that pydantic would drop, or a part does not fit.
        """
        if not cls.__pydantic_complete__:  # classes that its hints name may be there by now
            cls.model_rebuild(raise_errors=False)
        known: Mapping[str, Any] = cls.__pydantic_fields__
        strict = cls.model_config.get("strict") is True
        if getattr(cls, "__pydantic_root_model__", False) is True:
            if isinstance(value, Record) and value.fields.keys() == {"root"}:
                value = value.fields["root"]
                try:
                    return self._field(value, known["root"], strict)
                except Fault as fault:
                    fault.inside("root")
                    raise
            return self._field(value, known["root"], strict)
        fields = cast("dict[Any, Any]", value.fields if isinstance(value, Record) else value)
        if type(fields) is not dict:
            return fields
        refuse_surplus(fields, cls)
        if isinstance(value, Record):
            return self._fields(fields, keys_of(fields, known, cls.__name__), known, strict)
        return self._fields(fields, {}, known, strict)

    def _fields(
        self,
        fields: dict[Any, Any],
        keys: Mapping[Any, Any],
        known: Mapping[str, Any],
        strict: bool,
    ) -> dict[Any, Any]:
        """What a model is validated from: of a record under these keys by its names, of a dict as it came."""
        aliases = by_alias(known)
        plain: dict[Any, Any] = {}
        name: Any = ""
        try:
            for name, item in fields.items():
                key = keys.get(name, name)
                own: Any = name if keys else aliases.get(name, name)
                field = known.get(own)
                if field is None:
                    plain[key] = item
                elif item is not None or not _only_default_is_none(field):
                    plain[key] = self._part(
                        item, field.annotation, _strictness(field.metadata, strict)
                    )
        except Fault as fault:
            fault.at(name)
            raise
        self._made.append(plain)
        self.names[id(plain)] = aliases
        self.sent[id(plain)] = {key: name for name, key in keys.items() if key != name}
        return plain

    def _field(self, value: Any, field: Any, strict: bool) -> Any:
        return self._part(value, field.annotation, _strictness(field.metadata, strict))

    def _part(self, value: Any, hint: Any, strict: bool) -> Any:
        if typing.get_origin(hint) is typing.Annotated:
            strict = _strictness(typing.get_args(hint)[1:], strict)
        hint = bare(hint)
        if hint in ANYTHING:
            return value
        origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
        if origin in UNIONS:
            return self._choice(value, list(_members(args)), strict)
        if isinstance(value, EnumValue):
            return _member(value, origin, args)
        if isinstance(origin, type):
            made = self._of_class(value, origin, hint, strict)
            if made is not _Unknown:
                return made
        if type(value) in (list, tuple, set, frozenset):
            return self._items(value, origin, args, strict)
        if isinstance(value, Record):
            value = value.fields
        if type(value) is not dict:
            return value
        return self._mapping(cast("dict[Any, Any]", value), origin, args, strict)

    def _of_class(self, value: Any, cls: type[Any], hint: Any, strict: bool) -> Any:
        """What is made of a value for a class; _Unknown if it is none with fields, and no single object."""
        if dataclasses.is_dataclass(cls) and strict and isinstance(value, (Record, dict)):
            return self._fit(value, hint)  # pydantic takes nothing else
        if is_model(cls) and not dataclasses.is_dataclass(cls):
            taken = isinstance(value, (Record, dict)) or hasattr(cls, "__pydantic_root_model__")
            if not taken or isinstance(value, cls):
                return cast("Any", value)
            return self.model(value, cls)
        if isinstance(value, (Record, dict)) and _has_fields(cls):
            return self._of_fields(value, cls, typing.get_args(hint))
        if issubclass(cls, BaseException) and isinstance(value, Record):
            return self._fit(value, hint)
        if cls in _FOREIGN or (strict and (is_enum(cls) or cls in REMAKERS)):
            try:
                return self._fit(value, hint)
            except Fault:
                return cast("Any", value)  # a validator may make something of it
        return _Unknown

    def _of_fields(self, value: Any, cls: type[Any], args: tuple[Any, ...]) -> dict[Any, Any]:
        fields = cast("dict[Any, Any]", value.fields if isinstance(value, Record) else value)
        refuse_surplus(fields, cls)
        config: Mapping[str, Any] = getattr(cls, "__pydantic_config__", None) or {}
        hints = hints_of(cls, args)
        return self._each(
            fields.items(),
            lambda name, item: self._part(
                item, hints.get(name, _Unknown), config.get("strict") is True
            ),
        )

    def _choice(self, value: Any, members: list[Any], strict: bool) -> Any:
        if value is None or any(member in ANYTHING for member in members):
            return value
        members = [member for member in members if bare(member) is not type(None)]
        if len(members) == 1:
            return self._part(value, members[0], strict)
        if isinstance(value, EnumValue):
            choices = [member for member in members if takes_members(bare(member))]
        else:
            choices = [member for member in members if _is_of_fields(bare(member))]
        if isinstance(value, (EnumValue, Record)) and choices:
            named = [choice for choice in choices if class_name(choice) == value.class_name]
            try:
                return self._fit(value, named[0] if len(named) == 1 else _union(choices))
            except Fault:
                if isinstance(value, Record):
                    raise
                return value.value
        if type(value) is dict and len(choices) == len(members):
            _refuse_by_all(cast("dict[Any, Any]", value), choices)
        if strict or holds_records(value):
            with contextlib.suppress(Fault):  # then pydantic says what is wrong
                return self._fit(value, _union(members))
        return self._part(value, _Unknown, strict)

    def _items(self, value: Any, origin: Any, args: tuple[Any, ...], strict: bool) -> Any:
        given = cast("list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any]", value)
        if origin is tuple and args and args[-1] is not Ellipsis:
            if len(args) != len(given):
                raise Fault(f"want a tuple of {len(args)} items, got {len(given)}")
            items = self._each(
                enumerate(given), lambda index, item: self._part(item, args[index], strict)
            )
            made = tuple(items.values())
            return made if strict or isinstance(given, tuple) else list(made)
        wanted = args[0] if args else (Any if origin in ITEMS or origin is tuple else _Unknown)
        is_set = origin in ITEMS and ITEMS[origin][1] in (set, frozenset)
        hashed = is_set or isinstance(value, (set, frozenset))
        items = list(
            self._each(
                enumerate(given), lambda _, item: self._item(item, wanted, strict, hashed)
            ).values()
        )
        if is_set:
            refuse_first(items, Fault.at, "item")
        kind = cast("Any", value).__class__
        make = _kind_of(origin) if strict and kind in _accepted(origin) else kind
        try:
            return make(items)
        except (
            TypeError
        ):  # dicts are no items of a set: pydantic says whether it can make them such
            return items

    def _item(self, value: Any, hint: Any, strict: bool, hashed: bool) -> Any:
        """What is made of an item; one that has to be hashed is made an object, where that can be."""
        if hashed and isinstance(value, (Record, dict)) and bare(hint) not in (*ANYTHING, _Unknown):
            return self._fit(value, hint)
        return self._part(value, hint, strict)

    def _mapping(
        self, value: dict[Any, Any], origin: Any, args: tuple[Any, ...], strict: bool
    ) -> Any:
        if origin not in MAPPINGS:
            return self._each(value.items(), lambda _, item: self._part(item, _Unknown, strict))
        if origin is collections.Counter:
            args = (*args, int) if args else ()
        key, item = args if len(args) == 2 else (Any, Any)

        def part(value: Any, hint: Any) -> Any:
            return self._item(value, hint, strict, hashed=hint is key)

        kind = origin if strict and origin in _STRICT_MAPPINGS else dict
        return fit_mapping(value, kind, key, item, part)

    def _each(
        self, items: Iterable[tuple[Any, Any]], part: typing.Callable[[Any, Any], Any]
    ) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        key = None
        try:
            for key, item in items:
                made[key] = part(key, item)
        except Fault as fault:
            fault.at(key)
            raise
        return made


_FOREIGN: frozenset[type[Any]] = frozenset(
    {
        *(range, array.array, bytearray, memoryview),
        *(collections.UserString, collections.UserList, collections.UserDict, collections.ChainMap),
    }
)
"""Classes that pydantic takes only objects of, in a model that allows them."""

_STRICT_MAPPINGS = frozenset(
    {collections.OrderedDict, collections.Counter, collections.defaultdict}
)


def _kind_of(origin: Any) -> Any:
    return tuple if origin is tuple else ITEMS[origin][1] or list


def _accepted(origin: Any) -> tuple[type[Any], ...]:
    """The classes of which a strict hint of items takes none, but of which one of its own is made."""
    if origin is tuple:
        return (list,)
    accepted, make = ITEMS.get(origin, ((), None))
    return accepted if make is not None and make is not iter else ()


def _strictness(notes: Iterable[Any], otherwise: bool) -> bool:
    """Whether a field is strict, by what it is annotated with."""
    for note in notes:
        strict = getattr(note, "strict", None)
        if isinstance(strict, bool):
            otherwise = strict
        inner = getattr(note, "metadata", None)
        if isinstance(inner, list):
            otherwise = _strictness(cast("list[Any]", inner), otherwise)
    return otherwise


def _members(members: Iterable[Any]) -> Iterable[Any]:
    for member in members:
        inner = bare(member)
        if typing.get_origin(inner) in UNIONS:
            yield from _members(typing.get_args(inner))
        else:
            yield member


def _union(members: list[Any]) -> Any:
    return typing.Union[tuple(members)]  # noqa: UP007 - made at run time


def _member(value: EnumValue, origin: Any, args: tuple[Any, ...]) -> Any:
    """A member where a hint asks for one, else its value."""
    if is_enum(origin):
        return fit_enum(value, origin)
    if origin is Literal and any(isinstance(choice, enum.Enum) for choice in args):
        return fit_literal(value, args)
    return value.value


def _has_fields(cls: type[Any]) -> bool:
    return (
        dataclasses.is_dataclass(cls)
        or is_named_tuple(cls)
        or tx.is_typeddict(cls)
        or is_model(cls)
    )


def _is_of_fields(hint: Any) -> bool:
    cls = typing.get_origin(hint) or hint
    return isinstance(cls, type) and _has_fields(cls)


def _refuse_by_all(fields: dict[Any, Any], choices: list[Any]) -> None:
    """Refuses a dict that has too many fields for each of some classes."""
    refused: list[Fault] = []
    for choice in choices:
        hint = bare(choice)
        try:
            return refuse_surplus(fields, typing.get_origin(hint) or hint)
        except Fault as fault:
            refused.append(fault)
    raise refused[0]


def _only_default_is_none(field: Any) -> bool:
    """Reports whether None is the default of a field of pydantic's, and is no value of its type."""
    return field.default is None and not _takes_none(field.annotation)


def _takes_none(hint: Any) -> bool:
    hint = bare(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return any(map(_takes_none, args))
    return None in args if origin is Literal else hint in (None, type(None), *ANYTHING)
