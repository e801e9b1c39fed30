"""Which classes travel as named wrappers, and which of them this program wants back."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

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
    if isinstance(value, enum.Enum):
        return EnumValue(cls.__name__, value.name or "", value.value)
    if dataclasses.is_dataclass(value):
        fields = _read(value, [field.name for field in dataclasses.fields(value)])
        if "__pydantic_fields__" not in vars(cls):
            return Record(cls.__name__, fields)
        return _record_of_pydantic(value, fields, _more(value, fields))
    if is_named_tuple(cls):
        names = cast("tuple[str, ...]", getattr(cls, "_fields", ()))
        return Record(
            cls.__name__, dict(zip(names, cast("tuple[object, ...]", value), strict=True))
        )
    if isinstance(value, BaseException):
        return Record(cls.__name__, exception_fields(value))
    if is_model(cls):
        refuse_old(cls)
        model = cast("Any", value)
        fields = _read(model, getattr(cls, "__pydantic_fields__", ()))
        return _record_of_pydantic(value, fields, model.model_extra or {})
    return None


def _record_of_pydantic(
    value: object, fields: dict[str, object], extras: dict[str, object]
) -> Record:
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


def exception_fields(error: BaseException) -> dict[str, object]:
    """Returns what an exception's record holds: its text, its arguments if they say more, and its public attributes."""
    args = arguments_of(error)
    try:
        text = str(error)
    except RecursionError:
        return {"args": args, "message": _Endless()}  # arguments that hold it are refused first
    fields: dict[str, object] = {"message": text}
    if args != (text,):
        fields["args"] = args
    public = {name: item for name, item in vars(error).items() if not name.startswith("_")}
    return {**fields, **public}


class _Endless:
    """Stands for the text of an exception that has none: no encoder takes it."""

    def __str__(self) -> str:
        raise RecursionError(
            "the exception's text has no end, or its arguments are nested too deep"
        )


def arguments_of(error: BaseException) -> tuple[object, ...]:
    """Returns an exception's arguments, with the names of files that an OSError keeps beside them."""
    if not isinstance(error, OSError) or error.filename is None or len(error.args) != 2:
        return error.args
    if error.filename2 is None:
        return (*error.args, error.filename)
    return (*error.args, error.filename, None, error.filename2)


def exception_from(cls: type[BaseException], fields: dict[str, object]) -> BaseException:
    """Makes an exception of its record's fields, without running a constructor that is not Python's own.

    Raises:
        TypeError: No object of the class can be made so.
        ValueError: The same.
    """
    attributes = dict(fields)
    message, given = attributes.pop("message", ""), attributes.pop("args", None)
    args = cast("tuple[Any, ...]", given) if isinstance(given, tuple) else (message,)
    base: Any = next(c for c in cls.__mro__ if c.__module__ == "builtins")
    error = cast("BaseException", base.__new__(cls, *args))
    with contextlib.suppress(
        TypeError
    ):  # it wants other arguments: what they would set is not there
        base.__init__(error, *args)
    vars(error).update(attributes)
    if error.args != (message,) and message != _text_of(error):
        vars(error)["message"] = message  # it was an attribute's, not the text
    return error


def _text_of(error: BaseException) -> str | None:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a class's own __str__ may need what its constructor does
        return None
