"""Decoded values as the types that a program's hints ask for."""

from __future__ import annotations

import collections
import collections.abc as abc
import dataclasses
import enum
import inspect
import types
import typing
from typing import Any, Literal, Union, cast

import typing_extensions as tx

from .classes import exception_from, is_model, is_named_tuple, record_of
from .distinct import refuse_first
from .fault import Fault
from .misfit import misfit, name_of
from .stdlib import REMAKERS
from .wrappers import EnumValue, Record

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["convert", "fit"]


def convert(value: object, hint: Any) -> Any:
    """Makes a decoded value what a type hint asks for.

    Raises:
        SerializationError: It does not fit; ``path`` says which part.
    """
    try:
        return fit(value, hint)
    except Fault as fault:
        raise fault.error() from fault.__cause__


def fit(value: Any, hint: Any) -> Any:
    """Does the same inside of a larger value.

    Raises:
        Fault: It does not fit.
    """
    if type(value) is hint or hint in _ANYTHING:
        return value
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return _fit_class(value, hint)
    return _fit_special(value, hint)


_ANYTHING: tuple[Any, ...] = (Any, object, inspect.Parameter.empty)
_UNIONS: tuple[Any, ...] = (Union, types.UnionType)


def _fit_special(value: Any, hint: Any) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is None:
        return _fit_class(value, type(None))
    if hint is tx.LiteralString:
        return _fit_class(value, str)
    if hint is typing.Tuple:  # noqa: UP006 - of whatever length, unlike tuple[()]
        return _fit_class(value, tuple)
    if origin is typing.Annotated or origin in (
        tx.Required,
        tx.NotRequired,
        tx.ReadOnly,
        typing.ClassVar,
        typing.Final,
    ):
        return fit(value, args[0])
    if origin in _UNIONS:
        return _fit_union(value, args)
    if origin is Literal:
        return _fit_literal(value, args)
    if origin is not None:
        return _fit_generic(value, origin, args)
    if isinstance(hint, typing.TypeVar):
        return fit(value, hint.__bound__ or _union_of(hint.__constraints__))
    inner = getattr(hint, "__supertype__", None) or getattr(hint, "__value__", None)
    if inner is not None:
        return fit(value, inner)
    raise Fault(f"values cannot be made to fit the hint {hint!r:.100}: use Any")


def _union_of(members: tuple[Any, ...]) -> Any:
    return Union[members] if members else Any  # noqa: UP007 - made at run time


def _fit_union(value: Any, members: tuple[Any, ...]) -> Any:
    for member in members:
        if type(value) is member or (member in _ANYTHING):
            return value
    if len(members) == 2 and type(None) in members:
        return fit(value, members[members[0] is type(None)])
    inside: list[Fault] = []
    if isinstance(value, EnumValue):  # a member of an enumeration rather than the value of one
        members = tuple(sorted(members, key=lambda member: not _is_enum(member)))
    for member in members:
        try:
            return fit(value, member)
        except Fault as fault:  # noqa: PERF203 - most have one member that fits
            if fault.steps:
                inside.append(fault)
    if len(inside) == 1:  # only one of them is of the value's kind
        raise inside[0]
    raise misfit(value, " or ".join(map(name_of, members)))


def _fit_literal(value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if isinstance(choice, enum.Enum) and getattr(value, "name", None) == choice.name:
            return _fit_enum(value, type(choice))
        if type(value) is type(choice) and value == choice:
            return choice
    raise misfit(value, " or ".join(map(repr, choices)))


def _fit_generic(value: Any, origin: Any, args: tuple[Any, ...]) -> Any:
    if origin is tuple:
        return _fit_tuple(value, args)
    if isinstance(origin, type) and _is_structure(origin):
        return _fit_structure(value, origin, args)
    if origin in _ITEMS:
        return _fit_items(value, origin, args[0] if args else Any)
    if origin in _MAPPINGS:
        key, item = (
            (*args, Any, Any)[:2] if origin is not collections.Counter else ((*args, Any)[0], int)
        )
        return _fit_mapping(value, origin, key, item)
    if origin is type or not isinstance(origin, type):
        raise Fault(f"values cannot be made to fit the hint {origin!r:.100}: use Any")
    return _fit_class(value, origin)


_MANY = (list, tuple, set, frozenset)

# Hints of items: what they accept, and what is made of it; None leaves it what it is.
_ITEMS: Mapping[Any, tuple[tuple[type, ...], Callable[[list[Any]], Any] | None]] = {
    list: ((list,), list),
    collections.deque: ((list,), collections.deque),
    collections.UserList: ((list,), collections.UserList),
    abc.MutableSequence: ((list, tuple), list),
    abc.Sequence: ((list, tuple), None),
    abc.Reversible: ((list, tuple), None),
    abc.Collection: (_MANY, None),
    abc.Iterable: (_MANY, None),
    abc.Container: (_MANY, None),
    abc.Iterator: (_MANY, iter),
    set: ((list, set, frozenset), set),
    frozenset: ((list, set, frozenset), frozenset),
    abc.Set: ((list, set, frozenset), frozenset),
    abc.MutableSet: ((list, set, frozenset), set),
}
_MAPPINGS: Mapping[Any, Callable[[dict[Any, Any]], Any]] = {
    dict: dict,
    collections.OrderedDict: collections.OrderedDict,
    collections.Counter: collections.Counter,
    collections.defaultdict: lambda items: collections.defaultdict(None, items),
    collections.ChainMap: collections.ChainMap,
    collections.UserDict: collections.UserDict,
    types.MappingProxyType: types.MappingProxyType,
    abc.Mapping: dict,
    abc.MutableMapping: dict,
}


def _fit_items(value: Any, origin: Any, hint: Any) -> Any:
    accepted, make = _ITEMS[origin]
    if not isinstance(value, accepted):
        raise misfit(value, name_of(origin))
    items: list[Any] = []
    index = 0
    try:
        for index, item in enumerate(cast("Sequence[Any]", value)):  # noqa: B007 - names the item that failed
            items.append(fit(item, hint))
    except Fault as fault:
        fault.at(index)
        raise
    made: Any = _made(make or next(cls for cls in accepted if isinstance(value, cls)), items)
    if make in (set, frozenset):
        refuse_first(items, Fault.at, "item")
    return made


def _made(make: Callable[[Any], Any], items: Any, cls: Any = None) -> Any:
    try:
        return make(items)
    except (TypeError, ValueError) as error:
        raise Fault(f"no {name_of(cls or make)} can be made of it: {error}") from error


def _fit_tuple(value: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if not isinstance(value, (tuple, list)):
        raise misfit(value, "tuple")
    items = cast("Sequence[Any]", value)
    if len(args) == 2 and args[1] is Ellipsis:
        args = (args[0],) * len(items)
    elif args == ((),):
        args = ()
    if len(args) != len(items):
        raise Fault(f"want a tuple of {len(args)} items, got {len(items)}")
    fitted: list[Any] = []
    index = 0
    try:
        for index, (item, hint) in enumerate(zip(items, args, strict=True)):  # noqa: B007 - names the item that failed
            fitted.append(fit(item, hint))
    except Fault as fault:
        fault.at(index)
        raise
    return tuple(fitted)


def _fit_mapping(value: Any, origin: Any, key_hint: Any, item_hint: Any) -> Any:
    if not isinstance(value, dict):
        raise misfit(value, name_of(origin))
    items = cast("dict[Any, Any]", value)
    keys = _fit_keys(items, key_hint)
    fitted: dict[Any, Any] = {}
    key = None
    try:
        for key, item in items.items():  # noqa: B007 - names the value that failed
            fitted[keys[len(fitted)]] = fit(item, item_hint)
    except Fault as fault:
        fault.at(key)
        raise
    if origin is collections.defaultdict:
        return collections.defaultdict(_factory(item_hint), fitted)
    return _MAPPINGS[origin](fitted)


_EMPTY: tuple[Any, ...] = (
    *(bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict),
    *(collections.deque, collections.Counter, collections.OrderedDict),
)


def _factory(hint: Any) -> Any:
    """What makes the values that a defaultdict does not have: the class of its hint, where that can be empty."""
    cls = typing.get_origin(hint) or hint
    return cls if cls in _EMPTY else None


def _fit_keys(items: dict[Any, Any], hint: Any) -> list[Any]:
    keys: list[Any] = []
    try:
        for key in items:
            keys.append(fit(key, hint))  # noqa: PERF401 - its length names the key that failed
    except Fault as fault:
        fault.at_key(len(keys))
        raise
    refuse_first(keys, Fault.at_key, "key")
    return keys


def _fit_class(value: Any, cls: type[Any]) -> Any:
    kind = cast("type[Any]", type(value))
    if kind is cls:
        return value
    if kind is EnumValue and cls in _PLAIN:
        return _fit_class(value.value, cls)
    if cls is float:
        return _fit_float(value)
    if cls is complex and kind in (int, float):
        return complex(value if kind is float else _fit_float(value))
    remake = REMAKERS.get(cls)
    if remake is not None:
        return value if _is_instance(value, cls) else remake(value)
    if isinstance(value, (Record, EnumValue, dict)) or _is_structure(cls):
        return _fit_structure(value, cls)
    if kind is bytes and cls in (bytearray, memoryview):
        return cls(value)
    if cls is tuple:
        return _fit_tuple(value, (Any, Ellipsis))
    if cls in _ITEMS:
        return _fit_items(value, cls, Any)
    if cls.__name__ == "RecordBatchReader" and cls.__module__.startswith("pyarrow"):
        return _fit_reader(value, cls)
    if not _is_instance(value, cls):
        raise misfit(value, name_of(cls))
    return value


_PLAIN = frozenset({bool, int, float, str, bytes})
"""What is made of a member of an enumeration by its value."""


def _fit_reader(value: Any, cls: Any) -> Any:
    """A reader of the batches of a table that is there, which are not copied."""
    if isinstance(value, cls):
        return value
    if hasattr(value, "to_reader"):
        return value.to_reader()
    if not hasattr(value, "__arrow_c_stream__"):
        raise misfit(value, "a table")
    return _made(cls.from_stream, value)


def _fit_float(value: Any) -> float:
    if type(value) is not int:
        raise misfit(value, "float")
    try:
        number = float(value)
    except OverflowError:
        number = None
    if number != value:
        raise Fault(
            "want float, got an int that no float can hold exactly: send a float, or declare int"
        )
    return cast("float", number)


def _is_instance(value: object, cls: type[Any]) -> bool:
    if isinstance(value, bool) and cls is int:
        return False
    if cls.__module__ == "datetime" and cls.__name__ == "date":
        return type(value) is cls
    try:
        return isinstance(value, cls)
    except TypeError:
        return False


def _is_structure(cls: type[Any]) -> bool:
    return (
        issubclass(cls, enum.Enum)
        or dataclasses.is_dataclass(cls)
        or is_named_tuple(cls)
        or is_model(cls)
        or issubclass(cls, BaseException)
        or tx.is_typeddict(cls)
    )


def _fit_structure(value: Any, cls: type[Any], args: tuple[Any, ...] = ()) -> Any:
    """Makes an object of a class with fields; args are those of a generic class."""
    if tx.is_typeddict(cls):
        return _fit_typed_dict(value, cls, args)
    if _is_instance(value, cls):
        return value
    if _is_root_model(cls) and not isinstance(value, Record):
        return _validated(_unwrapped(value), cls)
    if issubclass(cls, enum.Enum):
        return _fit_enum(value, cls)
    if cls in _MAPPINGS:
        return _fit_mapping(value, cls, Any, Any)
    if not _is_structure(cls):
        raise misfit(value, name_of(cls))
    fields = _fields_of(value, cls)
    if issubclass(cls, BaseException):
        return _made(lambda items: exception_from(cls, items), fields, cls)
    if dataclasses.is_dataclass(cls):
        return _fit_dataclass(fields, cls, args)
    if is_named_tuple(cls):
        names = cast("tuple[str, ...]", cls._fields)  # type: ignore[attr-defined]
        defaults = cast("Mapping[str, Any]", getattr(cls, "_field_defaults", {}))
        fitted = _fit_fields(fields, cls, names, set(names) - set(defaults), args, defaults)
        return cls(**fitted)
    if isinstance(value, Record):
        _refuse_surplus(value, cls)
    return _fit_model(fields, cls)


def _fields_of(value: Any, cls: type[Any]) -> dict[str, Any]:
    wrapper = value if isinstance(value, Record) else record_of(value)
    if isinstance(wrapper, Record):
        return wrapper.fields
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise misfit(value, name_of(cls))


def _fit_enum(value: Any, cls: type[enum.Enum]) -> enum.Enum:
    wrapper = value if isinstance(value, EnumValue) else record_of(value)
    if isinstance(wrapper, EnumValue):
        member = cls.__members__.get(wrapper.name)
        if member is not None and _differs(member.value, wrapper.value):
            raise Fault(
                f"want {cls.__name__}.{member.name} of value {member.value!r:.60}, got {wrapper.value!r:.60}"
            )
        if member is not None:
            return member
        value = wrapper.value
    try:
        return cls(value)
    except (ValueError, TypeError) as error:
        raise misfit(value, f"a member of {cls.__name__}") from error


def _differs(ours: object, theirs: object) -> bool:
    """Reports whether a member has another value here than where it came from."""
    plain = type(ours) in _PLAIN and type(theirs) in _PLAIN
    return plain and (type(ours) is not type(theirs) or ours != theirs) and ours == ours


def _fit_dataclass(fields: dict[str, Any], cls: type[Any], args: tuple[Any, ...]) -> Any:
    known = dataclasses.fields(cast("Any", cls))
    required = {
        field.name
        for field in known
        if field.init
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    }
    defaults = {field.name: field.default for field in known}
    fitted = _fit_fields(fields, cls, list(defaults), required, args, defaults)
    late = {
        field.name: fitted.pop(field.name)
        for field in known
        if not field.init and field.name in fitted
    }
    made = _made(lambda items: cls(**items), fitted, cls)
    for name, item in late.items():
        object.__setattr__(made, name, item)
    return made


def _fit_model(fields: dict[str, Any], cls: Any) -> Any:
    """Validates a pydantic model, after nested records were made dicts where a field wants a class."""
    return _validated(_unwrapped_model(fields, cls), cls)


def _validated(plain: Any, cls: Any) -> Any:
    try:
        return cls.model_validate(plain, by_name=True, by_alias=True)
    except ValueError as error:
        raise _model_fault(error, cls) from error


def _is_root_model(cls: type[Any]) -> bool:
    return is_model(cls) and getattr(cls, "__pydantic_root_model__", False) is True


def _unwrapped_model(fields: dict[str, Any], cls: Any) -> Any:
    plain = _unwrapped_fields(fields, cls)
    return plain["root"] if _is_root_model(cls) and plain.keys() == {"root"} else plain


def _model_fault(error: Any, cls: type[Any]) -> Fault:
    """Names the part that the first of pydantic's errors is about."""
    errors: list[dict[str, Any]] = error.errors() if hasattr(error, "errors") else []
    if not errors:
        return Fault(f"no {cls.__name__}: {error}")
    fault = Fault(f"no {cls.__name__}: {errors[0]['msg']}")
    for step in reversed(errors[0]["loc"]):
        fault.at(step)
    return fault


def _unwrapped_fields(fields: dict[str, Any], cls: Any) -> dict[str, Any]:
    known = cls.__pydantic_fields__
    plain: dict[str, Any] = {}
    name = ""
    try:
        for name, item in fields.items():
            if not (item is None and name in known and _only_default_is_none(known[name])):
                plain[name] = _unwrapped(item, known[name].annotation if name in known else Any)
    except Fault as fault:
        fault.inside(name)
        raise
    return plain


def _only_default_is_none(field: Any) -> bool:
    """Reports whether None is the default of a field of pydantic's, and is no value of its type."""
    return field.default is None and not _takes_none(field.annotation)


def _takes_none(hint: Any) -> bool:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        return any(map(_takes_none, args))
    return None in args if origin is Literal else hint in (None, type(None), *_ANYTHING)


def _unwrapped(value: Any, hint: Any = None) -> Any:
    """Makes of records and members what pydantic makes objects of; where anything may stand, they stay."""
    if hint in _ANYTHING:
        return value
    if typing.get_origin(hint) in _UNIONS:
        return _unwrapped(value, _only_choice(hint))
    if isinstance(value, Record):
        if isinstance(hint, type) and is_model(hint):
            _refuse_surplus(value, hint)
            return _unwrapped_model(value.fields, hint)
        return {name: _unwrapped(item) for name, item in value.fields.items()}
    if isinstance(value, EnumValue):
        return _fit_enum(value, hint) if _is_enum(hint) else value.value
    inner = typing.get_args(hint)
    if type(value) in (list, tuple, set, frozenset):
        wanted = inner[0] if len({*inner} - {...}) == 1 else None
        return type(value)(
            _unwrapped_items(enumerate(cast("abc.Iterable[Any]", value)), wanted).values()
        )
    if type(value) is dict:
        wanted = inner[1] if len(inner) == 2 else None
        return _unwrapped_items(cast("dict[Any, Any]", value).items(), wanted)
    return value


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, enum.Enum)


def _unwrapped_items(items: abc.Iterable[tuple[Any, Any]], hint: Any) -> dict[Any, Any]:
    plain: dict[Any, Any] = {}
    key = None
    try:
        for key, item in items:
            plain[key] = _unwrapped(item, hint)
    except Fault as fault:
        fault.at(key)
        raise
    return plain


def _refuse_surplus(record: Record, cls: Any) -> None:
    """Refuses an object of another class whose fields pydantic would drop without a word, unless the class says so."""
    if "extra" in cls.model_config or _is_root_model(cls):
        return
    known = cls.__pydantic_fields__
    aliases = [alias for field in known.values() for alias in (field.alias, field.validation_alias)]
    if not all(alias is None or isinstance(alias, str) for alias in aliases):
        return  # pydantic alone knows where a field may be found
    names = {*known, *aliases, *_computed(cls)}
    surplus = [name for name in record.fields if name not in names]
    if surplus:
        raise Fault(f"the value for {cls.__name__} has a field {surplus[0]!r} too many")


def _computed(cls: Any) -> Any:
    return getattr(cls, "__pydantic_computed_fields__", None) or cls.model_computed_fields


def _only_choice(hint: Any) -> Any:
    """Returns what a union of one type and None names, Any if that is a choice, None if there are several."""
    choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
    if Any in choices:
        return Any
    return choices[0] if len(choices) == 1 else None


def _fit_typed_dict(value: Any, cls: type[Any], args: tuple[Any, ...]) -> dict[str, Any]:
    fields = _fields_of(value, cls)
    hints = _hints_of(cls, args)
    return _fit_fields(fields, cls, hints, required_keys(cls), args)


_NO_DEFAULTS: Mapping[str, Any] = types.MappingProxyType({})


def _fit_fields(
    fields: dict[str, Any],
    cls: type[Any],
    names: Any,
    required: set[str],
    args: tuple[Any, ...],
    defaults: Mapping[str, Any] = _NO_DEFAULTS,
) -> dict[str, Any]:
    """Fits each field; None fits where it is the field's default, whatever its hint."""
    missing = sorted(required - fields.keys())
    surplus = [name for name in fields if name not in names]
    if missing or surplus:
        what = f"has no field {missing[0]!r}" if missing else f"has a field {surplus[0]!r} too many"
        raise Fault(f"the value for {cls.__name__} {what}")
    hints = _hints_of(cls, args)
    fitted: dict[str, Any] = {}
    name = ""
    try:
        for name, item in fields.items():
            absent = item is None and defaults.get(name, ...) is None
            fitted[name] = None if absent else fit(item, hints.get(name, Any))
    except Fault as fault:
        fault.inside(name)
        raise
    return fitted


def _hints_of(cls: type[Any], args: tuple[Any, ...] = ()) -> dict[str, Any]:
    try:
        hints = tx.get_type_hints(cls, include_extras=False)
    except Exception as error:
        raise Fault(f"the type hints of {cls.__name__} cannot be read: {error}") from error
    chosen = _chosen_types(cls, args)
    for base in cls.__mro__[::-1]:
        for name in inspect.get_annotations(base):
            if chosen.get(base) and name in hints:
                hints[name] = _with_types(hints[name], chosen[base])
    return hints


def _chosen_types(cls: type[Any], args: tuple[Any, ...]) -> dict[type[Any], dict[Any, Any]]:
    """Returns what stands for the type variables of a generic class, and in each of those that it inherits."""
    chosen = dict(zip(getattr(cls, "__parameters__", ()), args, strict=False))
    found = {cls: chosen}
    for base in cls.__dict__.get("__orig_bases__", cls.__bases__):
        origin = typing.get_origin(base) or base
        if isinstance(origin, type) and origin not in (object, typing.Generic, typing.Protocol):
            inner = tuple(_with_types(arg, chosen) for arg in typing.get_args(base))
            found = {**_chosen_types(origin, inner), **found}
    return found


def _with_types(hint: Any, chosen: Mapping[Any, Any]) -> Any:
    if isinstance(hint, typing.TypeVar):
        return chosen.get(hint, hint)
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return hint
    variables: tuple[Any, ...] = getattr(hint, "__parameters__", ())
    return cast("Any", hint)[tuple(chosen.get(v, v) for v in variables)] if variables else hint


def required_keys(cls: type[Any]) -> set[str]:
    """Returns the keys that a typed dict must have; a hint that is a string hides this from its class."""
    found: set[str] = set(getattr(cls, "__required_keys__", ()))
    for name, hint in tx.get_type_hints(cls, include_extras=True).items():
        if typing.get_origin(hint) is tx.NotRequired:
            found.discard(name)
        elif typing.get_origin(hint) is tx.Required:
            found.add(name)
    return found
