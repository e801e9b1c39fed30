"""Groups of exceptions, whose members are exceptions of classes that their hint does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .exceptions import OWN
from .fault import Fault
from .misfit import describe
from .wrappers import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .containers import Fit

__all__ = ["with_members"]


def with_members(
    fields: Mapping[str, Any], cls: type[BaseException], args: tuple[Any, ...], fit: Fit
) -> dict[str, Any]:
    """Returns the fields of an exception; in those of a group with exceptions in the place of records.

    Python's own exceptions are made such. Others have to be registered, or named by the hint, as in
    ``ExceptionGroup[ValueError | OwnError]``.

    Raises:
        Fault: A member is none of these.
    """
    given = dict(fields)
    found = given.get("args")
    group: Any = OWN.get("BaseExceptionGroup")  # Python 3.10 has none
    if group is None or not issubclass(cls, group) or not isinstance(found, tuple):
        return given
    arguments = cast("tuple[Any, ...]", found)
    if len(arguments) != 2 or not isinstance(arguments[1], (list, tuple)):
        return given
    members: list[Any] = []
    try:
        for member in cast("list[Any]", arguments[1]):
            members.append(fit(member, args[0] if args else _class_of(member)))  # noqa: PERF401 - its length names the one that failed
    except Fault as fault:
        fault.at(len(members))
        fault.at(1)
        fault.inside("args")
        raise
    given["args"] = (arguments[0], members)
    return given


def _class_of(member: Any) -> type[BaseException]:
    if isinstance(member, BaseException):
        return type(member)
    cls = OWN.get(member.class_name) if isinstance(member, Record) else None
    if cls is None:
        raise Fault(
            f"want an exception of Python's own, got {describe(member)}: register its class, or name it"
            " in the hint, as in ExceptionGroup[OwnError]"
        )
    return cls
