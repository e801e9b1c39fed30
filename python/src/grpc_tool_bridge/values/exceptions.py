"""Exceptions as records: the text, the arguments and the attributes of each, every one in its own place."""

from __future__ import annotations

import builtins
import dataclasses
import types
from typing import TYPE_CHECKING, Any, Final, cast

from .exceptionparts import UnreadableError, refuse_unreadable, wrong_argument
from .fault import PASSING, Fault, told
from .hintfields import hints_of
from .misfit import describe
from .wrappers import EnumValue, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .containers import Fit

__all__ = [
    "OWN",
    "exception_fields",
    "exception_from",
    "is_of_fields",
    "laid_out",
    "own_class",
    "with_fields",
]

OWN: Final[Mapping[str, type[BaseException]]] = {
    name: cls
    for name, cls in vars(builtins).items()
    if isinstance(cls, type) and issubclass(cls, BaseException) and cls.__name__ == name
}
"""Python's own exceptions, which every program has, by their names."""

_PLACES: Final = ("message", "args", "attributes")
"""The fields of a record that are no attributes; attributes of these names stand in the dict ``attributes``."""
_LEFT: Final = frozenset({"obj", "message", "exceptions", "name_from"})
"""What Python keeps beside arguments and does not travel: whose attribute is missing; a group says its own in them; and
what could not be imported from a module, which Python imports again to say what else it has."""
_KEPT: Final = "_toolbridge_kept"
"""The attribute with those that came under names of Python's own, which would stand before what Python calls."""
_PLAIN: Final = frozenset({int, str, bytes, type(None)})
_MISSING: Final = object()


def exception_fields(error: BaseException) -> dict[str, object]:
    """Returns what an exception's record holds.

    That is its text as ``message``, its arguments as ``args`` where they are more than the text, and its
    attributes: the public ones, ``__notes__`` and the fields of a dataclass.

    Raises:
        UnreadableError: Its text would be read from beside a value.
    """
    if isinstance(error, UnicodeError):
        refuse_unreadable(error)  # its text would be read beside a value
    args = _arguments_of(error)
    try:
        text = str(error)
    except (RecursionError, ValueError) as refused:
        # Arguments that hold it, or an int with too many digits, are refused first, by their places.
        return {"args": args, "message": _Textless(refused)}
    fields: dict[str, object] = {"message": text}
    if len(args) != 1 or type(args[0]) is not str or args[0] != text:
        fields["args"] = args
    return laid_out(fields, {**_attributes_of(error), **_beside(error, args)})


def laid_out(fields: dict[str, object], attributes: Mapping[str, object]) -> dict[str, object]:
    """Returns the fields of a record with the attributes beside them, none in the place of another."""
    own = {name: item for name, item in attributes.items() if name in _PLACES}
    rest = {name: item for name, item in attributes.items() if name not in _PLACES}
    return {**fields, **rest, **({"attributes": own} if own else {})}


class _Textless:
    """Stands for the text of an exception that has none: no encoder takes it."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __str__(self) -> str:
        if isinstance(self._error, RecursionError):
            raise RecursionError(
                "the exception's text has no end, or its arguments are nested too deep"
            )
        raise self._error


def _arguments_of(error: BaseException) -> tuple[object, ...]:
    """Returns an exception's arguments, with the names of files that an OSError keeps beside them."""
    if not isinstance(error, OSError) or error.filename is None or len(error.args) != 2:
        return error.args
    if error.filename2 is None:
        return (*error.args, error.filename)
    return (*error.args, error.filename, None, error.filename2)


def _attributes_of(error: BaseException) -> dict[str, object]:
    declared = _declared(type(error))
    found = {
        name: item
        for name, item in vars(error).items()
        if not name.startswith("_") or name == "__notes__" or name in declared
    }
    found.update(vars(error).get(_KEPT, ()))
    for name in _slots(type(error)):
        item = getattr(error, name, _MISSING)
        if item is not _MISSING and (not name.startswith("_") or name in declared):
            found[name] = item
    return found


def _declared(cls: Any) -> frozenset[str]:
    """The fields of an exception that is a dataclass."""
    if not dataclasses.is_dataclass(cls):
        return frozenset()
    return frozenset(field.name for field in dataclasses.fields(cls))


def _slots(cls: type[Any]) -> Iterator[str]:
    """The names of the attributes that have a slot of the class's own."""
    for base in cls.__mro__:
        if base.__module__ != "builtins":
            for name, descriptor in vars(base).items():
                if isinstance(descriptor, types.MemberDescriptorType):
                    yield name


def _kept_by_python(cls: type[Any]) -> Iterator[str]:
    """The names of what Python's own class keeps beside the arguments, such as the ``errno`` of an OSError."""
    bases: tuple[type[Any], ...] = _python_class(cls).__mro__
    for base in bases:
        if base not in (BaseException, object):
            for name, descriptor in vars(base).items():
                kinds = (types.MemberDescriptorType, types.GetSetDescriptorType)
                if isinstance(descriptor, kinds) and not name.startswith("_"):
                    yield name


def _python_class(cls: Any) -> Any:
    """The class of Python's own that says how an exception's objects are made."""
    while cls.__module__ != "builtins":
        cls = cls.__base__
    return cls


def _beside(error: BaseException, args: tuple[object, ...]) -> dict[str, object]:
    """What Python keeps beside the arguments, where it does not follow from them."""
    names = [name for name in _kept_by_python(type(error)) if name not in _LEFT]
    if not names:
        return {}
    try:
        made = _made(_python_class(type(error)), args)[0]
    except PASSING:
        raise
    except Exception:  # noqa: BLE001 - arguments of the user's own class
        made = None
    found: dict[str, object] = {}
    for name in names:
        item, follows = getattr(error, name, _MISSING), getattr(made, name, _MISSING)
        if item is not _MISSING and not _is_one(item, follows):
            found[name] = item
    return found


def _is_one(item: object, other: object) -> bool:
    return item is other or (type(item) in _PLAIN and type(item) is type(other) and item == other)


def is_of_fields(fields: Mapping[str, Any], cls: Any) -> bool:
    """Reports whether what arrived for an exception are the fields of a dataclass alone, as Go or JSON give them."""
    is_own = dataclasses.is_dataclass(cls) and "__pydantic_validator__" not in vars(cls)
    given = {name for name in _PLACES if name in fields}
    return is_own and given <= (_declared(cls) & {"message"})


def with_fields(
    fields: dict[str, Any], cls: Any, args: tuple[Any, ...], fit: Fit
) -> dict[str, Any]:
    """Returns the fields of an exception; those of a dataclass as its hints ask, and the arguments that are these.

    Raises:
        Fault: A field does not fit, is missing, or has a name that is no text.
    """
    _refuse_unnamed(fields)
    if not dataclasses.is_dataclass(cls):
        return fields
    hints = hints_of(cast("Any", cls), args)
    rest = {name: item for name, item in fields.items() if name not in _PLACES}
    made = _each(rest, hints, cls, fit)
    fitted, own = {**fields, **made}, fields.get("attributes")
    if isinstance(own, dict):
        try:
            fitted["attributes"] = _each(cast("dict[str, Any]", own), hints, cls, fit)
        except Fault as fault:
            fault.inside("attributes")
            raise
        made.update(fitted["attributes"])
    _complete(fitted, made, cls)
    if isinstance(fields.get("args"), tuple):
        given = cast("tuple[Any, ...]", fields["args"])
        names = [field.name for field in dataclasses.fields(cls) if field.init]
        names += [""] * len(given)
        fitted["args"] = tuple(
            made.get(name, item) if type(item) in (Record, EnumValue) else item
            for name, item in zip(names, given, strict=False)
        )
    return fitted


def _refuse_unnamed(fields: Mapping[Any, Any]) -> None:
    own = fields.get("attributes")
    for names in (fields, cast("dict[Any, Any]", own) if isinstance(own, dict) else {}):
        for name in names:
            if not isinstance(name, str):
                fault = Fault(f"want a str as the name of a field, got {describe(name)}")
                fault.at(name)
                if names is not fields:
                    fault.inside("attributes")
                raise fault


def _complete(fitted: dict[str, Any], made: Mapping[str, Any], cls: Any) -> None:
    """Adds the defaults of the fields of a dataclass that are not there.

    Raises:
        Fault: One has none.
    """
    if "__pydantic_validator__" in vars(cls):
        return
    for field in dataclasses.fields(cls):
        if field.name in made or not field.init:
            continue
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        elif field.default is not dataclasses.MISSING:
            default = field.default
        else:
            fault = Fault(f"the value for {cls.__name__} has no field {field.name!r}")
            fault.at(field.name)
            raise fault
        place = fitted.setdefault("attributes", {}) if field.name in _PLACES else fitted
        place[field.name] = default


def _each(
    attributes: dict[str, Any], hints: Mapping[str, Any], cls: Any, fit: Fit
) -> dict[str, Any]:
    fitted, declared, name = dict(attributes), _declared(cls), ""
    try:
        for name, item in attributes.items():
            if name in declared:
                fitted[name] = fit(item, hints.get(name, Any))
    except Fault as fault:
        fault.inside(name)
        raise
    return fitted


def own_class(value: object, cls: type[BaseException]) -> type[BaseException]:
    """Returns that class of Python's own whose record is given for a hint, if it is one of the hint's class."""
    own = OWN.get(value.class_name) if isinstance(value, Record) else None
    return own if own is not None and cls in own.__mro__ else cls


def exception_from(
    cls: type[BaseException], fields: Mapping[str, object], record: Record | None = None
) -> BaseException:
    """Makes an exception of its record's fields, without running a constructor that is not Python's own.

    Where ``Exception`` or ``BaseException`` is asked for, and its arguments say another text than its own, that text
    is its only argument, and the record that arrived is its attribute ``record``.

    Raises:
        TypeError: No object of the class can be made so.
        ValueError: The same, or its text would be another one.
        UnreadableError: Python could not show it.
    """
    attributes = dict(fields)
    message = attributes.pop("message", _MISSING)
    given = attributes.pop("args", () if message is _MISSING else (message,))
    own = attributes.pop("attributes", {})
    if not isinstance(given, (tuple, list)):
        raise TypeError(f"args is of type {type(given).__name__}, not a tuple of its arguments")
    if not isinstance(own, dict):
        raise TypeError(
            f"attributes is of type {type(own).__name__}, not a dict of the attributes of the names"
            f" {', '.join(_PLACES)}"
        )
    args = tuple(cast("tuple[Any, ...]", given))
    error, is_refused = _made(cls, args)
    if type(error) is not cls:
        raise TypeError(f"its arguments make a {type(error).__name__}")
    if is_refused and (cls.__module__ == "builtins" or message is _MISSING):
        raise wrong_argument(cls, args) or _other_arguments(error, args)
    _set_attributes(error, attributes, cast("dict[str, object]", own))
    refuse_unreadable(error, attributes, cast("dict[str, object]", own))
    is_any = cls in (Exception, BaseException) and isinstance(message, str)
    if is_any and record is not None and _text_of(error) != message:
        error = cls(message)
        _set_attributes(error, attributes, cast("dict[str, object]", own))
        vars(error)["record"] = record
    elif message is not _MISSING:
        _check_text(error, message, args, is_refused=is_refused)
    return error


def _made(cls: type[BaseException], args: tuple[Any, ...]) -> tuple[BaseException, bool]:
    """Makes an exception as Python's own class does, and says whether that refuses the arguments."""
    base = _python_class(cls)
    try:
        error = cast("BaseException", base.__new__(cls, *args))
    except TypeError:
        if not any(
            isinstance(vars(each).get("__new__"), types.BuiltinFunctionType)
            for each in cls.__mro__[: cls.__mro__.index(base)]
        ):
            raise
        raise TypeError(
            f"objects of {cls.__module__}.{cls.__qualname__} are made by compiled code alone: take"
            " Exception, which has its text and its record, or a values.Record"
        ) from None
    try:
        base.__init__(error, *args)
    except (TypeError, OverflowError):  # what they would set is not there
        return error, True
    return error, False


def _set_attributes(
    error: BaseException, attributes: dict[str, object], own: dict[str, object]
) -> None:
    twice = [name for name in own if name in attributes]
    if twice:
        raise ValueError(f"its attribute {twice[0]!r:.80} is there twice")
    cls = type(error)
    places = {*_slots(cls), *_kept_by_python(cls)}
    kept: dict[str, object] = {}
    for name, item in {**attributes, **own}.items():
        if name in places and not name.startswith("__"):
            try:
                object.__setattr__(error, name, item)
            except (TypeError, ValueError, OverflowError, AttributeError) as refused:
                fault = UnreadableError(f"Python's {cls.__name__} refuses it: {told(refused)}")
                fault.inside(name)
                if name in own:
                    fault.inside("attributes")
                raise fault from refused
        elif _is_pythons(name, cls):
            kept[name] = item
        else:
            vars(error)[name] = item
    if kept:
        vars(error)[_KEPT] = kept


def _is_pythons(name: str, cls: type[BaseException]) -> bool:
    """Reports whether Python calls a name of its exceptions, as ``__reduce_ex__`` and ``with_traceback``."""
    if name in ("__notes__", "args") or name in _declared(cls):
        return False
    is_special = name.startswith("__") and name.endswith("__")
    return is_special or name in dir(_python_class(cls))


def _check_text(
    error: BaseException, message: object, args: tuple[Any, ...], *, is_refused: bool
) -> None:
    """Refuses an exception that says something else than where it was sent, unless its arguments are that text."""
    text = _text_of(error)
    is_said = len(args) == 1 and type(args[0]) is type(message) and args[0] == message
    if text == message or (is_said and not is_refused):
        return
    if is_refused:
        raise _other_arguments(error, args)
    said = "could not be read" if text is None else f"would be {text!r:.80}"
    raise ValueError(
        f"its text was {message!r:.80} and {said}: what it is made of is private, or of a class that is"
        " not registered here; register that, or take Exception or a values.Record"
    )


def _other_arguments(error: BaseException, args: tuple[Any, ...]) -> ValueError:
    return ValueError(
        f"{_python_class(type(error)).__name__} takes other arguments than {args!r:.80}"
    )


def _text_of(error: BaseException) -> str | None:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a class's own __str__ may need what does not travel
        return None
