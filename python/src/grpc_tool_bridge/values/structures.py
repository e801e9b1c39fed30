"""Classes with fields: dataclasses, named tuples, typed dicts, exceptions, models and enumerations."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Any, cast

import typing_extensions as tx

from .classes import is_model, is_named_tuple
from .containers import MAPPINGS, built, fit_mapping, fit_tuple
from .exceptionparts import UnreadableError
from .exceptions import exception_from, is_of_fields, own_class, with_fields
from .fault import Fault
from .groups import with_members
from .hintfields import hints_of
from .members import fit_enum
from .misfit import misfit, name_of
from .models import fit_model, is_root_model, reads_all
from .namedfields import fields_of, fit_fields, fit_typed_dict
from .plainjson import plain_height
from .wrappers import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .containers import Fit

__all__ = ["fit_structure", "is_instance", "is_structure"]


def is_instance(value: object, cls: type[Any]) -> bool:
    """Reports whether a value is an object of a class, a bool being no int and a datetime no date."""
    if isinstance(value, bool) and cls is int:
        return False
    if cls.__module__ == "datetime" and cls.__name__ == "date":
        return type(value) is cls
    try:
        return isinstance(value, cls)
    except Exception:  # noqa: BLE001 - whatever a metaclass raises
        return False


def is_structure(cls: type[Any]) -> bool:
    """Reports whether a class has fields, or members, that are made one by one."""
    return (
        issubclass(cls, enum.Enum)
        or dataclasses.is_dataclass(cls)
        or is_named_tuple(cls)
        or is_model(cls)
        or issubclass(cls, BaseException)
        or tx.is_typeddict(cls)
    )


def fit_structure(value: Any, cls: type[Any], args: tuple[Any, ...], fit: Fit) -> Any:
    """Makes an object of a class with fields; args are those of a generic class.

    Raises:
        Fault: The value does not fit.
    """
    if tx.is_typeddict(cls):
        return fit_typed_dict(value, cls, args, fit)
    if is_instance(value, cls):
        return value
    if is_root_model(cls) and not isinstance(value, Record):
        return fit_model(value, cls, fit)
    if reads_all(cls) and plain_height(value) is not None:
        return fit_model(value, cls, fit)
    if issubclass(cls, enum.Enum):
        return fit_enum(value, cls)
    if cls in MAPPINGS:
        return fit_mapping(value, cls, Any, Any, fit)
    if not is_structure(cls):
        raise misfit(value, name_of(cls))
    if type(value) in (list, tuple) and is_named_tuple(cls):
        return _fit_by_position(cast("Sequence[Any]", value), cls, args, fit)
    fields = fields_of(value, cls)
    if issubclass(cls, BaseException) and not is_of_fields(fields, cls):
        return _fit_exception(value, fields, cls, args, fit)
    if dataclasses.is_dataclass(cls) and "__pydantic_validator__" not in vars(cls):
        return _fit_dataclass(fields, cls, args, fit)
    if is_named_tuple(cls):
        names = cast("tuple[str, ...]", cls._fields)  # type: ignore[attr-defined]
        defaults = cast("Mapping[str, Any]", getattr(cls, "_field_defaults", {}))
        hints = _hints(cls, names, args)
        fitted = fit_fields(fields, cls, hints, set(names) - set(defaults), fit, defaults)
        return built(lambda items: cls(**items), fitted, cls)
    return fit_model(value if isinstance(value, Record) else fields, cls, fit)


def _fit_exception(
    value: Any, fields: dict[str, Any], cls: type[Any], args: tuple[Any, ...], fit: Fit
) -> Any:
    """Makes one of Python's own exceptions that class, where the hint names a class that it is one of."""
    own = own_class(value, cls)
    if own is not cls:
        if cls in (Exception, BaseException):
            args = (Exception if issubclass(own, Exception) else BaseException,)
        try:
            return _made_exception(value, fields, own, args, fit)
        except UnreadableError:
            raise
        except Fault:
            if cls.__name__ == "BaseExceptionGroup":
                raise
    return _made_exception(value, fields, cls, args, fit)


def _made_exception(
    value: Any, fields: dict[str, Any], cls: type[Any], args: tuple[Any, ...], fit: Fit
) -> Any:
    fields = with_fields(fields, cls, args, fit)
    members = with_members(fields, cls, args, fit)
    record = value if isinstance(value, Record) else None
    return built(lambda items: exception_from(cls, items, record), members, cls)


def _fit_by_position(value: Sequence[Any], cls: Any, args: tuple[Any, ...], fit: Fit) -> Any:
    """Makes a named tuple of its items, as JSON writes it."""
    names: tuple[str, ...] = cls._fields
    least = len(names) - len(cls._field_defaults)
    if not least <= len(value) <= len(names):
        wanted = f"{least}" if least == len(names) else f"{least} to {len(names)}"
        raise Fault(f"want {wanted} items for {cls.__name__}, got {len(value)}")
    hints = hints_of(cls, args)
    items = fit_tuple(value, tuple(hints.get(name, Any) for name in names[: len(value)]), fit)
    return built(lambda items: cls(*items), items, cls)


def _fit_dataclass(fields: dict[str, Any], cls: type[Any], args: tuple[Any, ...], fit: Fit) -> Any:
    known = dataclasses.fields(cast("Any", cls))
    required = {
        field.name
        for field in known
        if field.init
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    }
    defaults = {field.name: field.default for field in known}
    fitted = fit_fields(fields, cls, _hints(cls, defaults, args), required, fit, defaults)
    late = {
        field.name: fitted.pop(field.name)
        for field in known
        if not field.init and field.name in fitted
    }
    made = built(lambda items: cls(**items), fitted, cls)
    return built(lambda items: _with(made, items), late, cls)


def _hints(cls: type[Any], names: Iterable[str], args: tuple[Any, ...]) -> dict[str, Any]:
    hints = hints_of(cls, args)
    return {name: hints.get(name, Any) for name in names}


def _with(made: Any, late: Mapping[str, Any]) -> Any:
    for name, item in late.items():
        object.__setattr__(made, name, item)
    return made
