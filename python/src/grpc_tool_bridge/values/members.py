"""Members of enumerations, of what arrives for them."""

from __future__ import annotations

import decimal
import enum
import fractions
import typing
from typing import Any, Literal

from .classes import record_of
from .fault import Fault
from .misfit import misfit
from .wrappers import EnumValue

__all__ = ["PLAIN", "fit_enum", "fit_literal", "is_enum", "takes_members"]


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


def fit_enum(value: Any, cls: type[enum.Enum]) -> enum.Enum:
    """Makes a member of what arrived for one: by its name, if it has the same value here, else by its value.

    Raises:
        Fault: The enumeration has no such member.
    """
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
    if issubclass(cls, enum.Flag) and type(value) in (bool, float):  # of which flags would be made
        raise misfit(value, f"a member of {cls.__name__}")
    try:
        member = cls(value)
    except (ValueError, TypeError) as error:
        raise misfit(value, f"a member of {cls.__name__}") from error
    inverted = issubclass(cls, enum.Flag) and member.value != value  # -1 is all flags
    if inverted or _is_another(member.value, value):
        raise misfit(value, f"a member of {cls.__name__}")
    return member


def _is_another(ours: object, theirs: object) -> bool:
    """Reports whether a value only equals a member's, as 1.0 and True do 1; an int is taken for a float."""
    kinds = type(ours), type(theirs)
    return (
        _EQUAL.issuperset(kinds)
        and kinds[0] is not kinds[1]
        and kinds != (float, int)
        and ours == theirs
    )


def _differs(ours: object, theirs: object) -> bool:
    """Reports whether a member has another value here than where it came from."""
    plain = type(ours) in PLAIN and type(theirs) in PLAIN
    return plain and (type(ours) is not type(theirs) or ours != theirs) and ours == ours


def fit_literal(value: Any, choices: tuple[Any, ...]) -> Any:
    """Returns that of some choices which a value is.

    Raises:
        Fault: It is none of them.
    """
    for choice in choices:
        if isinstance(choice, enum.Enum) and getattr(value, "name", None) == choice.name:
            return fit_enum(value, type(choice))
        if type(value) is type(choice) and value == choice:
            return choice
    fault = misfit(value, " or ".join(map(repr, choices)))
    fault.choices = choices
    raise fault
