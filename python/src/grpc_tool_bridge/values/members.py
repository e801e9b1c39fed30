"""Members of enumerations, of what arrives for them."""

from __future__ import annotations

import decimal
import enum
import fractions
import typing
from typing import Any, Literal

from grpc_tool_bridge.errors import SerializationError

from .classes import record_of
from .encode import encode
from .fault import Fault
from .misfit import misfit
from .wrappers import EnumValue, Opaque

__all__ = ["PLAIN", "choice_classes", "fit_enum", "fit_literal", "is_enum", "takes_members"]


PLAIN = frozenset({bool, int, float, str, bytes})
"""What is made of a member of an enumeration by its value."""


_EQUAL = PLAIN | {complex, decimal.Decimal, fractions.Fraction}
"""Classes whose objects may equal those of another."""


def is_enum(hint: Any) -> bool:
    """Reports whether a hint is an enumeration."""
    return isinstance(hint, type) and issubclass(hint, enum.Enum)


def takes_members(hint: Any) -> bool:
    """Reports whether a hint is an enumeration, or a choice of members of one."""
    if typing.get_origin(hint) is Literal:
        return any(isinstance(choice, enum.Enum) for choice in typing.get_args(hint))
    return is_enum(hint)


def choice_classes(hint: Any) -> frozenset[str]:
    """Returns the names of the enumerations of which a hint has members as choices."""
    if typing.get_origin(hint) is not Literal:
        return frozenset()
    choices = typing.get_args(hint)
    return frozenset(type(each).__name__ for each in choices if isinstance(each, enum.Enum))


def fit_enum(value: Any, cls: type[enum.Enum]) -> enum.Enum:
    """Makes a member of what arrived for one: by its name, if it has the same value here, else by its value.

    Raises:
        Fault: The enumeration has no such member.
    """
    wrapper = value if isinstance(value, EnumValue) else record_of(value)
    if isinstance(wrapper, EnumValue):
        member = cls.__members__.get(wrapper.name)
        if member is not None and not _is_same(member.value, wrapper.value):
            raise Fault(
                f"want {cls.__name__}.{member.name} of value {member.value!r:.60}, got {wrapper.value!r:.60}"
            )
        if member is not None:
            return member
        value = wrapper.value
    if issubclass(cls, enum.Flag) and type(value) in (bool, float):  # of which flags would be made
        raise misfit(value, f"a member of {cls.__name__}")
    try:
        member = cls(value)
        equal = bool(member.value == value)
    except RecursionError:
        raise
    except Exception as error:
        raise misfit(value, f"a member of {cls.__name__}") from error
    inverted = issubclass(cls, enum.Flag) and not equal  # -1 is all flags
    if inverted or (equal and _is_another(member.value, value)):
        raise misfit(value, f"a member of {cls.__name__}")
    return member


def _is_another(ours: object, theirs: object) -> bool:
    """Reports whether a value only equals a member's, as 1.0 and True do 1; an int is taken for a float."""
    kinds = type(ours), type(theirs)
    if _EQUAL.issuperset(kinds):
        return kinds[0] is not kinds[1] and kinds != (float, int)
    return kinds[0] is kinds[1] and not _is_same(ours, theirs)  # (1, 2) and (True, 2.0)


def _is_same(ours: object, theirs: object) -> bool:
    """Reports whether a member has the same value here as where it came from: one that travels as the same bytes.

    What travels as a text that says nothing of it, such as ``object()``, is known by the member's name alone.
    """
    if type(ours) in PLAIN and type(theirs) in PLAIN:
        return type(ours) is type(theirs) and (
            ours == theirs or (ours != ours and theirs != theirs)
        )
    try:
        own = encode(ours, strict=True)
    except SerializationError:
        return isinstance(theirs, (str, Opaque)) or theirs is ours
    try:
        return own == encode(theirs)
    except SerializationError:
        return False


def fit_literal(value: Any, choices: tuple[Any, ...]) -> Any:
    """Returns that of some choices which a value is; of members of enumerations rather one of the value's class.

    Raises:
        Fault: It is none of them.
    """
    wrapper = record_of(value) if isinstance(value, enum.Enum) else value
    if isinstance(wrapper, EnumValue):
        return _fit_member(wrapper, value, choices)
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    for choice in choices:
        if isinstance(choice, enum.Enum) and _is_value_of(choice, value):
            return choice
    raise _no_choice(value, choices)


def _is_value_of(member: enum.Enum, value: Any) -> bool:
    try:
        return fit_enum(value, type(member)) is member
    except Fault:
        return False


def _fit_member(wrapper: EnumValue, value: Any, choices: tuple[Any, ...]) -> Any:
    named = [each for each in choices if isinstance(each, enum.Enum) and each.name == wrapper.name]
    faults: list[Fault] = []
    for choice in sorted(named, key=lambda each: type(each).__name__ != wrapper.class_name):
        try:
            return fit_enum(value, type(choice))
        except Fault as fault:  # noqa: PERF203 - most have one choice of a name
            faults.append(fault)
    for choice in choices if not faults else ():
        if (
            type(choice) in PLAIN
            and type(wrapper.value) is type(choice)
            and wrapper.value == choice
        ):
            return choice
    raise faults[0] if faults else _no_choice(value, choices)


def _no_choice(value: Any, choices: tuple[Any, ...]) -> Fault:
    fault = misfit(value, " or ".join(map(repr, choices)))
    fault.choices = choices
    return fault
