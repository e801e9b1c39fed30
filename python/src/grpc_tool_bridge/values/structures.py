"""Classes with fields: dataclasses, named tuples, typed dicts, exceptions, models and enumerations."""

from __future__ import annotations

import dataclasses
import enum
import types
from typing import TYPE_CHECKING, Any, cast

import typing_extensions as tx

from .classes import exception_from, is_model, is_named_tuple, record_of
from .containers import MAPPINGS, built, fit_mapping, fit_tuple
from .fault import Fault
from .groups import with_members
from .hintfields import hints_of, required_keys
from .members import fit_enum
from .misfit import misfit, name_of
from .models import fit_model, is_root_model, reads_all
from .plainjson import plain_height
from .wrappers import EnumValue, Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        return _fit_typed_dict(value, cls, args, fit)
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
    fields = _fields_of(value, cls)
    if issubclass(cls, BaseException):
        members = with_members(fields, cls, args, fit)
        return built(lambda items: exception_from(cls, items), members, cls)
    if dataclasses.is_dataclass(cls) and "__pydantic_validator__" not in vars(cls):
        return _fit_dataclass(fields, cls, args, fit)
    if is_named_tuple(cls):
        names = cast("tuple[str, ...]", cls._fields)  # type: ignore[attr-defined]
        defaults = cast("Mapping[str, Any]", getattr(cls, "_field_defaults", {}))
        fitted = _fit_fields(fields, cls, names, set(names) - set(defaults), args, fit, defaults)
        return built(lambda items: cls(**items), fitted, cls)
    return fit_model(value if isinstance(value, Record) else fields, cls, fit)


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


def _fields_of(value: Any, cls: type[Any]) -> dict[str, Any]:
    wrapper = value if isinstance(value, (Record, EnumValue)) else record_of(value)
    if isinstance(wrapper, Record):
        return wrapper.fields
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise misfit(value, name_of(cls))


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
    fitted = _fit_fields(fields, cls, list(defaults), required, args, fit, defaults)
    late = {
        field.name: fitted.pop(field.name)
        for field in known
        if not field.init and field.name in fitted
    }
    made = built(lambda items: cls(**items), fitted, cls)
    return built(lambda items: _with(made, items), late, cls)


def _with(made: Any, late: Mapping[str, Any]) -> Any:
    for name, item in late.items():
        object.__setattr__(made, name, item)
    return made


def _fit_typed_dict(value: Any, cls: type[Any], args: tuple[Any, ...], fit: Fit) -> dict[str, Any]:
    fields = _fields_of(value, cls)
    hints = hints_of(cls, args)
    config: Mapping[str, Any] = getattr(cls, "__pydantic_config__", None) or {}
    known = fields
    if config.get("extra") in ("allow", "ignore"):
        known = {name: item for name, item in fields.items() if name in hints}
    fitted = _fit_fields(known, cls, hints, required_keys(cls), args, fit)
    return {**fields, **fitted} if config.get("extra") == "allow" else fitted


_NO_DEFAULTS: Mapping[str, Any] = types.MappingProxyType({})


def _fit_fields(
    fields: dict[str, Any],
    cls: type[Any],
    names: Any,
    required: set[str],
    args: tuple[Any, ...],
    fit: Fit,
    defaults: Mapping[str, Any] = _NO_DEFAULTS,
) -> dict[str, Any]:
    """Fits each field; None fits where it is the field's default, whatever its hint."""
    missing = sorted(required - fields.keys())
    surplus = [name for name in fields if name not in names]
    if missing or surplus:
        what = f"has no field {missing[0]!r}" if missing else f"has a field {surplus[0]!r} too many"
        fault = Fault(f"the value for {cls.__name__} {what}")
        fault.at((missing or surplus)[0])
        raise fault
    hints = hints_of(cls, args)
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
