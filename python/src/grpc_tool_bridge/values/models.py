"""Models of pydantic: what they are given to validate, and where what they refuse stands."""

from __future__ import annotations

import typing
from typing import Any, Literal, cast

from .classes import is_model
from .fault import Fault
from .hintforms import ANYTHING, UNIONS
from .members import fit_enum, is_enum
from .wrappers import EnumValue, Record

if typing.TYPE_CHECKING:
    import collections.abc as abc

__all__ = ["fit_model", "is_root_model", "refuse_surplus", "unwrapped", "validated"]


def fit_model(fields: dict[str, Any], cls: Any) -> Any:
    """Validates a pydantic model, after nested records were made dicts where a field wants a class."""
    return validated(_unwrapped_model(fields, cls), cls)


def validated(plain: Any, cls: Any) -> Any:
    """Has pydantic make an object of a model.

    Raises:
        Fault: It refuses the value.
    """
    try:
        return cls.model_validate(plain, by_name=True, by_alias=True)
    except ValueError as error:
        raise _model_fault(error, cls) from error


def is_root_model(cls: type[Any]) -> bool:
    """Reports whether a class is a model of one value without a name."""
    return is_model(cls) and getattr(cls, "__pydantic_root_model__", False) is True


def _unwrapped_model(fields: dict[str, Any], cls: Any) -> Any:
    plain = _unwrapped_fields(fields, cls)
    return plain["root"] if is_root_model(cls) and plain.keys() == {"root"} else plain


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
                plain[name] = unwrapped(item, known[name].annotation if name in known else Any)
    except Fault as fault:
        fault.inside(name)
        raise
    return plain


def _only_default_is_none(field: Any) -> bool:
    """Reports whether None is the default of a field of pydantic's, and is no value of its type."""
    return field.default is None and not _takes_none(field.annotation)


def _takes_none(hint: Any) -> bool:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return any(map(_takes_none, args))
    return None in args if origin is Literal else hint in (None, type(None), *ANYTHING)


def unwrapped(value: Any, hint: Any = None) -> Any:
    """Makes of records and members what pydantic makes objects of; where anything may stand, they stay."""
    if hint in ANYTHING:
        return value
    if typing.get_origin(hint) in UNIONS:
        return unwrapped(value, _only_choice(hint))
    if isinstance(value, Record):
        if isinstance(hint, type) and is_model(hint):
            refuse_surplus(value, hint)
            return _unwrapped_model(value.fields, hint)
        return {name: unwrapped(item) for name, item in value.fields.items()}
    if isinstance(value, EnumValue):
        return fit_enum(value, hint) if is_enum(hint) else value.value
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


def _unwrapped_items(items: abc.Iterable[tuple[Any, Any]], hint: Any) -> dict[Any, Any]:
    plain: dict[Any, Any] = {}
    key = None
    try:
        for key, item in items:
            plain[key] = unwrapped(item, hint)
    except Fault as fault:
        fault.at(key)
        raise
    return plain


def refuse_surplus(record: Record, cls: Any) -> None:
    """Refuses an object of another class whose fields pydantic would drop without a word, unless the class says so."""
    if "extra" in cls.model_config or is_root_model(cls):
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
