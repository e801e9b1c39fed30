"""Decoded values as the types that a program's hints ask for."""

from __future__ import annotations

import collections
import typing
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal, cast

import typing_extensions as tx
from google.protobuf.message import Message

from .containers import ITEMS, MAPPINGS, fit_items, fit_mapping, fit_tuple
from .exceptions import own_class
from .fault import PASSING, Fault, told
from .hintforms import ANYTHING, UNIONS, bare, class_name, is_around
from .leafunions import is_of_leaves
from .libraryhints import fit_scalar, is_scalar_of_library
from .members import PLAIN, choice_classes, fit_literal, takes_members
from .misfit import misfit, name_of
from .modelfields import leaves_over
from .models import fit_model, is_of_pydantic
from .namedfields import fit_typed_dict
from .namesakes import is_meant
from .noted import fit_noted, noted_of
from .stdlib import REMAKERS
from .structures import fit_structure, is_instance, is_structure
from .trials import NESTED, Trials
from .wellknown import fit_message
from .wrappers import EnumValue, Record

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from .containers import Fit

__all__ = ["convert", "fit", "fit_unnoted"]


def convert(value: object, hint: Any) -> Any:
    """Makes a decoded value what a type hint asks for.

    Raises:
        SerializationError: It does not fit; ``path`` says which part.
    """
    try:
        return fit(value, hint)
    except Fault as fault:
        raise fault.error() from fault.__cause__
    except RecursionError as error:
        raise Fault("the value is nested too deep for this thread's stack").error() from error


def fit(value: Any, hint: Any) -> Any:
    """Does the same inside of a larger value.

    Raises:
        Fault: It does not fit.
    """
    return value if type(value) is hint else _fit_with(value, hint, fit)


def fit_unnoted(value: Any, hint: Any, fit: Fit) -> Any:
    """Makes a part of a model what a hint asks for, without the notes, which pydantic applies: it reads the part again.

    Objects of classes with fields, which it takes as they are, are made by the given function, with all notes.

    Raises:
        Fault: It does not fit.
    """
    if fit is _fit_alone:
        fit = Trials(_fit_with).fit

    def unnoted(value: Any, hint: Any, inner: Fit) -> Any:
        hint = bare(hint)
        cls: Any = typing.get_origin(hint) or hint
        if tx.is_typeddict(cls):
            return fit_typed_dict(value, cls, typing.get_args(hint), inner, noted=False)
        is_whole = isinstance(cls, type) and (is_of_pydantic(cls) or is_structure(cls))
        return fit(value, hint) if is_whole else _fit_with(value, hint, inner)

    return Trials(unnoted).fit(value, hint)


_NUMBERS = (float, complex, Decimal, Fraction)
"""What is made of an int; a complex number of a float, too."""

_FIELDS: Final = frozenset({Record, dict})
"""The classes of what models are made of."""

_fit_alone = fit
"""Fits a value that is in no union, whose parts are tried once anyway."""


def _fit_with(value: Any, hint: Any, fit: Fit) -> Any:
    try:
        if type(value) is hint or hint in ANYTHING:
            return value
        if issubclass(type(hint), type):
            if type(value) in _FIELDS and is_of_pydantic(hint):
                return fit_model(value, hint, fit)
            return _fit_class(value, hint, fit)
        return _fit_special(value, hint, fit)
    except PASSING:
        raise
    except Exception as error:  # whatever code of a class raises
        raise Fault(f"no {name_of(hint)} can be made of it: {told(error)}") from error


def _fit_special(value: Any, hint: Any, fit: Fit) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return _fit_union(value, args, fit)
    if origin is Literal:
        return fit_literal(value, args)
    if hint is typing.Tuple:  # noqa: UP006 - of whatever length, unlike tuple[()]
        return _fit_class(value, tuple, fit)
    if isinstance(origin, type) and not is_around(origin):
        if hasattr(origin, "__get_pydantic_core_schema__"):
            return _fit_noted(value, hint, origin, fit)
        return _fit_generic(value, origin, args, fit)
    if isinstance(hint, (str, typing.ForwardRef)):
        name = hint if isinstance(hint, str) else hint.__forward_arg__
        raise Fault(
            f"the hint {name!r:.100} is a text, and nothing says here which class it names:"
            " give the class itself, such as Point or list[Point], without quotes"
        )
    noted = noted_of(hint)
    if noted is not None:
        return fit_noted(value, noted, fit)
    plain = bare(hint)
    if plain is hint:
        raise Fault(f"values cannot be made to fit the hint {hint!r:.100}: use Any")
    return fit(value, plain)


def _fit_union(value: Any, members: tuple[Any, ...], fit: Fit) -> Any:
    for member in members:
        if type(value) is member or (member in ANYTHING):
            return value
    if len(members) == 2 and type(None) in members:
        return fit(value, members[members[0] is type(None)])
    if is_of_leaves(value, members):
        return value.copy()
    if fit is _fit_alone and type(value) in NESTED:
        fit = Trials(_fit_with).fit
    inside: list[Fault] = []
    for member in _candidates(value, members):
        try:
            return fit(value, member)
        except Fault as fault:  # noqa: PERF203 - most have one member that fits
            if fault.steps or fault.is_near:
                inside.append(fault)
    telling = [fault for fault in inside if not fault.choices] or inside
    if telling and all(fault.steps == telling[0].steps for fault in telling):
        raise _of_all(telling)  # only one of them is of the value's kind, or all want another part
    raise misfit(value, " or ".join(map(name_of, members)))


def _of_all(faults: Sequence[Fault]) -> Fault:
    """The first of some faults of one part; if that is none of the choices of each, of all of these."""
    first, *others = faults
    if first.choices and others:
        choices = dict.fromkeys(repr(choice) for fault in faults for choice in fault.choices)
        first.message = (
            f"want {' or '.join(choices)}{first.message[first.message.rindex(', got') :]}"
        )
    return first


def _candidates(value: Any, members: tuple[Any, ...]) -> Sequence[Any]:
    """The members of a union in the order in which they are tried.

    First come those that leave each part what it is: a list no set, an int no float. A record or a member of an
    enumeration is made that of its own class, where there is such, also inside of lists and dicts; a member of an
    enumeration rather one of another than the value of one; one of Python's own exceptions one of a class that it
    is one of. A model that would drop a field comes last.
    """
    if type(value) in NESTED and not isinstance(value, Record):
        return sorted(
            members, key=lambda member: (not is_meant(value, member), leaves_over(value, member))
        )
    if not isinstance(value, (Record, EnumValue)):
        is_number = type(value) in (int, float)
        return sorted(members, key=lambda member: is_number and not is_meant(value, member))
    name = value.class_name
    named = [m for m in members if class_name(m) == name or name in choice_classes(bare(m))]
    if isinstance(value, Record):
        return named or sorted(members, key=lambda member: not _is_own(value, member))
    others = [member for member in members if member not in named]
    return [*named, *sorted(others, key=lambda member: _distance(value.value, member))]


def _is_own(value: Record, member: Any) -> bool:
    """Reports whether a record is one of Python's own exceptions of a class of theirs."""
    if not issubclass(type(member), type) or not issubclass(member, BaseException):
        return False
    return own_class(value, member) is not member


def _distance(value: object, member: Any) -> tuple[bool, bool]:
    """How far a member of a union is from one of an enumeration with this value."""
    return not takes_members(bare(member)), not is_meant(value, member)


def _fit_generic(value: Any, origin: Any, args: tuple[Any, ...], fit: Fit) -> Any:
    if origin is tuple:
        return fit_tuple(value, args, fit)
    if isinstance(origin, type) and is_structure(origin):
        return fit_structure(value, origin, args, fit)
    if origin in ITEMS:
        return fit_items(value, origin, args[0] if args else Any, fit)
    if origin in MAPPINGS:
        key, item = (
            (*args, Any, Any)[:2] if origin is not collections.Counter else ((*args, Any)[0], int)
        )
        return fit_mapping(value, origin, key, item, fit)
    if origin is type:
        raise Fault(f"values cannot be made to fit the hint {origin!r:.100}: use Any")
    return _fit_class(value, origin, fit)


def _fit_class(value: Any, cls: type[Any], fit: Fit) -> Any:
    kind = cast("type[Any]", type(value))
    if kind is cls:
        return value
    if kind is EnumValue and cls in PLAIN:
        return _fit_class(value.value, cls, fit)
    if cls in _NUMBERS and kind in (int, float):
        return _fit_number(value, cls)
    remake = REMAKERS.get(cls)
    if remake is not None:
        return value if is_instance(value, cls) else remake(value)
    if hasattr(cls, "__get_pydantic_core_schema__"):
        return _fit_noted(value, cls, cls, fit)
    return _fit_other(value, cls, fit)


def _fit_noted(value: Any, hint: Any, cls: type[Any], fit: Fit) -> Any:
    """Makes an object of a class that says what pydantic makes, where it has no fields that are made here."""
    noted = None if is_instance(value, cls) else noted_of(hint)
    if noted is not None:
        return fit_noted(value, noted, fit)
    args = typing.get_args(hint)
    return _fit_generic(value, cls, args, fit) if args else _fit_other(value, cls, fit)


def _fit_other(value: Any, cls: type[Any], fit: Fit) -> Any:
    kind = cast("type[Any]", type(value))
    if issubclass(cls, Message):
        return fit_message(value, cls)
    if isinstance(value, (Record, EnumValue, dict)) or is_structure(cls):
        return fit_structure(value, cls, (), fit)
    if kind is bytes and cls in (bytearray, memoryview):
        return cls(value)
    if cls is tuple:
        return fit_tuple(value, (Any, Ellipsis), fit)
    if cls in ITEMS:
        return fit_items(value, cls, Any, fit)
    if cls.__name__ == "RecordBatchReader" and cls.__module__.startswith("pyarrow"):
        return _fit_reader(value, cls)
    if is_instance(value, cls):
        return value
    if is_scalar_of_library(cls):
        return fit_scalar(value, cls)
    raise misfit(value, name_of(cls))


def _fit_reader(value: Any, cls: Any) -> Any:
    """A reader of the batches of a table that is there: of the columns that it has where it travels."""
    if isinstance(value, cls):
        return value
    if hasattr(value, "to_reader"):
        return value.to_reader()  # nothing is copied
    from grpc_tool_bridge.frames import unwritten_frame

    found = unwritten_frame(value)
    if found is None:
        raise misfit(value, "a table")
    return found[1].table().to_reader()


def _fit_number(value: Any, cls: Any) -> Any:
    if type(value) is float and cls is not complex:
        raise misfit(value, name_of(cls))
    try:
        number = cls(value)
    except OverflowError:
        number = None
    if number != value and value == value:
        raise Fault(
            f"want {cls.__name__}, got an int that no float can hold exactly: send a float, or declare int"
        )
    return number
