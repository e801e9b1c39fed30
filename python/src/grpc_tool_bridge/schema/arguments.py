"""Which arguments a call of a tool may have: names, number and types, checked without a round trip."""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from google.protobuf.message import Message

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import ToolExecutionError
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.kinds import KNOWN
from grpc_tool_bridge.values.misfit import describe
from grpc_tool_bridge.values.natural import natural
from grpc_tool_bridge.values.scalarmessages import SCALAR_MESSAGES
from grpc_tool_bridge.values.wrappers import (
    DateTimeNs,
    EnumValue,
    Opaque,
    Record,
    TimeDeltaNs,
    TimeNs,
)

from .advice import json_advice
from .hints import TYPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ITEMS = ("list", "tuple", "set")
_FIELDS = ("dict", "record")

# The declared types that a value fits by its class, besides any and Enum, which take every value. The bridge judges by
# the same table, and hosts, which decode, by the hints: see tool/testdata/fitting.json.
_TYPES: Mapping[type, frozenset[str]] = {
    cls: frozenset(names)
    for cls, names in {
        type(None): ("none", "message"),
        bool: ("bool", "message"),
        int: ("int", "float", "Decimal", "message"),
        float: ("float", "message"),
        str: ("str", "message"),
        bytes: ("bytes", "message"),
        list: (*_ITEMS, "record", "message"),  # named tuples are records
        tuple: (*_ITEMS, "record"),
        set: _ITEMS,
        frozenset: _ITEMS,
        dict: (*_FIELDS, "message"),
        Record: _FIELDS,
        dt.datetime: ("datetime",),
        DateTimeNs: ("datetime",),
        dt.date: ("date",),
        dt.time: ("time",),
        TimeNs: ("time",),
        dt.timedelta: ("timedelta",),
        TimeDeltaNs: ("timedelta",),
        Decimal: ("Decimal",),
        uuid.UUID: ("UUID", "str"),
    }.items()
}
_TABLES: Mapping[str, frozenset[str]] = {
    "DataFrame": frozenset({"DataFrame", "list"}),
    "Series": frozenset({"Series"}),
    "Table": frozenset({"Table", "list"}),
    "RecordBatchReader": frozenset({"Table", "list"}),
    "ndarray": frozenset({"ndarray"}),
}
_WRAPPED: Mapping[str, type] = {
    **{cls.DESCRIPTOR.full_name: held.cls for cls, held in SCALAR_MESSAGES.items()},
    "google.protobuf.ListValue": list,
    "google.protobuf.Struct": dict,
}
_EVERYTHING = frozenset({"", "any", "Enum"})
_MESSAGE = frozenset({"message"})
_UNKNOWN = frozenset({"google.protobuf.Value", "google.protobuf.Any", "dspex.bridge.Value"})
"""Messages that hold a value which is not looked at."""


class ArgumentList:
    """The arguments that a tool takes, prepared once for many calls. It is not changed afterwards."""

    def __init__(self, tool_name: str, arguments: Iterable[pb.ArgumentSpec]) -> None:
        self.tool_name = tool_name
        self._all = list(arguments)
        self._positional = [
            argument
            for argument in self._all
            if argument.kind in (pb.POSITIONAL_OR_KEYWORD, pb.POSITIONAL_ONLY)
        ]
        self._named = {
            argument.name: argument
            for argument in self._all
            if argument.kind in (pb.POSITIONAL_OR_KEYWORD, pb.KEYWORD_ONLY)
        }
        self._var_positional = _first(self._all, pb.VAR_POSITIONAL)
        self._var_keyword = _first(self._all, pb.VAR_KEYWORD)
        self._required = [argument for argument in self._all if argument.required]
        # Where all are given by position and are of these classes, nothing else needs to be looked at.
        self._plain = [_classes(argument.python_type) for argument in self._positional]
        self._all_positional = len(self._all) == len(self._positional)

    def check(self, args: Sequence[object], kwargs: Mapping[str, object]) -> None:
        """Checks number, names and declared types.

        Raises:
            ToolExecutionError: "ValidationError", which names the argument.
        """
        if self._is_plain(args) and not kwargs:
            return
        for place, (argument, value) in enumerate(self.assign(args, kwargs)):
            if not fits(value, argument.python_type, nullable=argument.nullable):
                surplus = place - len(args)
                name = argument.name if surplus < 0 else list(kwargs)[surplus]
                self._refuse_type(name, _wanted(argument), describe(value))

    def _is_plain(self, args: Sequence[object]) -> bool:
        plain = self._plain
        if len(args) != len(plain) or not self._all_positional:
            return False
        for value, classes in zip(args, plain, strict=True):  # noqa: SIM110 - a generator takes twice the time
            if type(value) not in classes:
                return False
        return True

    def assign(
        self, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> list[tuple[pb.ArgumentSpec, object]]:
        """Says which value is for which argument, in the order of args and then of kwargs.

        Raises:
            ToolExecutionError: "ValidationError": one is missing, surplus or misnamed.
        """
        assigned = list(zip(self._positional, args, strict=False))
        if len(args) > len(self._positional):
            if self._var_positional is None:
                self._refuse_surplus(args)
            rest = args[len(self._positional) :]
            assigned.extend((self._var_positional, value) for value in rest)
        if kwargs:
            by_position = {argument.name for argument in self._positional[: len(args)]}
            for name, value in kwargs.items():
                assigned.append((self._keyword(name, by_position), value))
        if len(assigned) < len(self._required) or kwargs or self._var_positional:
            self._check_required(len(args), kwargs)
        return assigned

    def refuse(
        self, argument: str, reason: str, details: Mapping[str, str] | None = None
    ) -> NoReturn:
        """Refuses a call because of one argument.

        Raises:
            ToolExecutionError: Always, "ValidationError".
        """
        raise ToolExecutionError(
            self.tool_name,
            "ValidationError",
            f'argument "{argument}" of tool "{self.tool_name}": {reason}',
            {"argument": argument, **(details or {})},
        )

    def _refuse_type(self, name: str, want: str, got: str) -> NoReturn:
        advice = json_advice("$", want, got)
        self.refuse(name, f"want {want}, got {got}{advice}", {"want": want, "got": got})

    def _keyword(self, name: str, by_position: set[str]) -> pb.ArgumentSpec:
        argument = self._named.get(name)
        if argument is None:
            if self._var_keyword is not None:
                return self._var_keyword
            self._refuse_name(name)
        if name in by_position:
            self.refuse(name, "given twice, by position and by name")
        return argument

    def _check_required(self, count: int, kwargs: Mapping[str, object]) -> None:
        given = {argument.name for argument in self._positional[:count]} | kwargs.keys()
        for argument in self._required:
            if argument.name not in given:
                self.refuse(argument.name, f"missing, want {_wanted(argument)}")
            if argument.kind == pb.POSITIONAL_ONLY and argument not in self._positional[:count]:
                self.refuse(argument.name, "missing, it is taken by position only")

    def _refuse_surplus(self, args: Sequence[object]) -> NoReturn:
        limit = len(self._positional)
        place = f"{limit + 1}"
        self.refuse(
            place,
            f"surplus {describe(args[limit])}, the tool takes at most {limit} by position"
            f" and got {len(args)}",
        )

    def _refuse_name(self, name: str) -> NoReturn:
        names = list(self._named)
        close = difflib.get_close_matches(name, names, 1)
        hint = f'did you mean "{close[0]}"?' if close else f"it takes {_listed(names)}"
        if any(argument.name == name for argument in self._positional):
            hint = "it is taken by position only"
        self.refuse(name, f"the tool has none of this name: {hint}")


def check_arguments(
    spec: pb.ToolSpec, args: Sequence[object], kwargs: Mapping[str, object]
) -> None:
    """Checks a call against a tool's spec, as the bridge would; see ArgumentList.

    A spec that declares no arguments and has no schema says nothing, so nothing is checked.

    Raises:
        ToolExecutionError: "ValidationError", which names the argument.
    """
    if spec.arguments or spec.input_schema:
        ArgumentList(spec.name or spec.tool_id, spec.arguments).check(args, kwargs)


def fits(value: object, python_type: str, *, nullable: bool = False) -> bool:
    """Reports whether a host might take a value for a declared type; docs/values.md has the table.

    What does not fit is refused by every host. What fits is looked at by the host, which knows the hint.
    """
    if python_type in _EVERYTHING or (value is None and nullable):
        return True
    try:
        return python_type in _types(value)
    except Fault:  # whoever encodes it says what is wrong with it
        return True


@functools.lru_cache(maxsize=256)
def _classes(python_type: str) -> frozenset[type]:
    """The classes of which every object fits a declared type."""
    if python_type in _EVERYTHING:
        return KNOWN
    return frozenset(cls for cls, names in _TYPES.items() if python_type in names)


def _types(value: object) -> frozenset[str]:
    """The declared types that a value fits; a member of an enumeration is what its value is."""
    value = natural(value)
    cls = type(value)
    if cls in KNOWN:
        return _types(value.value) if isinstance(value, EnumValue) else _TYPES.get(cls, frozenset())
    if isinstance(value, Message):
        return _types_of_message(value.DESCRIPTOR.full_name)
    if isinstance(value, Opaque):
        return TYPE_NAMES
    tables = (_TABLES.get(base.__name__) for base in cls.__mro__)
    return next(
        filter(None, tables), _TYPES[str]
    )  # anything else travels as the text that str gives


def _types_of_message(name: str) -> frozenset[str]:
    if name in _UNKNOWN:
        return TYPE_NAMES
    wrapped = _WRAPPED.get(name)
    return _MESSAGE if wrapped is None else _TYPES[wrapped]


def _first(arguments: Sequence[pb.ArgumentSpec], kind: int) -> pb.ArgumentSpec | None:
    return next((argument for argument in arguments if argument.kind == kind), None)


def _wanted(argument: pb.ArgumentSpec) -> str:
    name = argument.python_type or "any"
    return f"{name} or none" if argument.nullable else name


def _listed(names: Sequence[Any]) -> str:
    return ", ".join(names) if names else "none by name"
