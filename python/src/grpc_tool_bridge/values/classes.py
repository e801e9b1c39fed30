"""Which classes travel as named wrappers, and which of them this program wants back."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from .exceptions import exception_fields
from .fault import PASSING, Fault, told
from .wrappers import EnumValue, Opaque, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

C = TypeVar("C", bound=type)

_registered: dict[str, type[Any]] = {}


@overload
def register(cls: C) -> C: ...
@overload
def register(*, name: str) -> Callable[[C], C]: ...
def register(cls: C | None = None, *, name: str = "") -> C | Callable[[C], C]:
    """Makes objects of a class again of the records or enum members that arrive under its name.

    For dataclasses, named tuples, pydantic models, enumerations and exceptions; also a decorator.
    A class is only ever made of a value by registering it, or by a type hint.

    Args:
        cls: The class.
        name: The name under which it arrives; the class's own by default.

    Raises:
        TypeError: It is none of these.
        ValueError: Another class has the name already.
    """
    if cls is None:
        return lambda c: _register(c, name)
    return _register(cls, name or cls.__name__)


def registered(name: str) -> type[Any] | None:
    """Returns the class that is registered under a name."""
    return _registered.get(name)


def _register(cls: C, name: str) -> C:
    if not is_record_class(cls) and not issubclass(cls, enum.Enum):
        raise TypeError(
            f"{cls.__qualname__} is no dataclass, named tuple, pydantic model, enumeration or exception"
        )
    known = _registered.setdefault(name, cls)
    if known.__qualname__ != cls.__qualname__ or known.__module__ != cls.__module__:
        raise ValueError(
            f"{name!r} is registered for {known.__module__}.{known.__qualname__} already"
        )
    _registered[name] = cls
    return cls


def is_named_tuple(cls: type[Any]) -> bool:
    """Reports whether a class was made by NamedTuple or namedtuple."""
    return isinstance(getattr(cls, "_fields", None), tuple) and issubclass(cls, tuple)


class ModelFields(dict[str, object]):
    """The fields of an object of pydantic's, which may say itself what one travels as that nobody else knows."""

    __slots__ = ("of",)

    def __init__(self, fields: dict[str, object], of: object) -> None:
        super().__init__(fields)
        self.of = of


def refuse_old(cls: Any) -> None:
    """Refuses models of pydantic 1, which say nothing of what they hold as those of pydantic 2 do.

    Raises:
        Fault: It is one.
    """
    if any(base.__module__.startswith("pydantic.v1.") for base in cls.__mro__):
        raise Fault(
            f"{cls.__qualname__} is a model of pydantic 1, and only those of pydantic 2 are understood:"
            " make it a subclass of pydantic.BaseModel, or send its dict()"
        )


def is_model(cls: type[Any]) -> bool:
    """Reports whether a class is a pydantic model, without importing pydantic."""
    return isinstance(getattr(cls, "__pydantic_fields__", None), dict) or any(
        base.__name__ == "BaseModel" and base.__module__.startswith("pydantic.")
        for base in cls.__mro__
    )


def is_record_class(cls: type[Any]) -> bool:
    """Reports whether objects of a class travel as records."""
    return (
        dataclasses.is_dataclass(cls)
        or is_named_tuple(cls)
        or issubclass(cls, BaseException)
        or is_model(cls)
    )


def record_of(value: object) -> Record | EnumValue | None:
    """Returns an object as the wrapper that it travels as, or None if it is of no such class."""
    cls = type(value)
    if cls is Opaque:
        return None
    if isinstance(value, type):
        return _refuse_class(value)
    if isinstance(value, enum.Enum):
        return EnumValue(cls.__name__, value.name or "", value.value)
    if isinstance(value, BaseException):
        return Record(cls.__name__, exception_fields(value))
    if dataclasses.is_dataclass(value):
        fields = _read(value, [field.name for field in dataclasses.fields(value)])
        if "__pydantic_fields__" not in vars(cls):
            return Record(cls.__name__, fields)
        return _record_of_pydantic(value, fields, _more(value, fields))
    if is_named_tuple(cls):
        return Record(cls.__name__, _named(cast("tuple[object, ...]", value)))
    if is_model(cls):
        refuse_old(cls)
        model = cast("Any", value)
        fields = _read(model, getattr(cls, "__pydantic_fields__", ()))
        return _record_of_pydantic(value, fields, model.model_extra or {})
    return None


def _refuse_class(cls: Any) -> None:
    """Refuses a class of whose objects each travels as a record or member; others travel as their text."""
    if is_record_class(cls) or issubclass(cls, enum.Enum):
        raise Fault(
            f"{cls.__qualname__} is a class, and only its objects travel: send one of these, or its name"
        )


def _named(value: tuple[object, ...]) -> dict[str, object]:
    """The items of a named tuple by their names."""
    names: tuple[Any, ...] = getattr(type(value), "_fields", ())
    if len(value) != len(names) or len(set(names)) != len(names):
        raise Fault(
            f"{type(value).__name__} has {len(value)} items and the names {names!r:.80}, not each its own:"
            " send tuple(value)"
        )
    return dict(zip(names, value, strict=True))


def _record_of_pydantic(
    value: object, fields: dict[str, object], extras: dict[str, object]
) -> Record:
    twice = [name for name in extras if name in fields]
    if twice:
        fault = Fault(
            f"{type(value).__name__} has an extra that is called as a field is: rename it"
        )
        fault.inside(twice[0])
        raise fault
    record = Record(type(value).__name__)
    record.fields = ModelFields({**fields, **extras}, value)
    return record


def _more(value: Any, fields: dict[str, object]) -> dict[str, object]:
    """The extras of a dataclass of pydantic's, which stand beside its fields."""
    config: dict[str, Any] = getattr(value, "__pydantic_config__", None) or {}
    held: dict[str, Any] = getattr(value, "__dict__", {}) if config.get("extra") == "allow" else {}
    return {name: item for name, item in held.items() if name not in fields}


def _read(value: object, names: Iterable[str]) -> dict[str, object]:
    """Reads the fields of an object, not all of which need to be set.

    Raises:
        Fault: It names the one that cannot be read.
    """
    fields: dict[str, object] = {}
    name = ""
    try:
        for name in names:
            fields[name] = getattr(value, name)
    except PASSING:
        raise
    except Exception as error:
        fault = Fault(f"field {name!r:.80} is not set, or cannot be read: {told(error)}")
        fault.inside(name)
        raise fault from error
    return fields
