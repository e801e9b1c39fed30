"""Which arguments a call of a tool may have: names, number and types, checked without a round trip."""

from __future__ import annotations

import datetime as dt
import difflib
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
from grpc_tool_bridge.values.wrappers import (
    DateTimeNs,
    EnumValue,
    Opaque,
    Record,
    TimeDeltaNs,
    TimeNs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# What fits a name as it is. Subclasses, numpy's scalars and the like are looked at more closely.
_FITTING: Mapping[str, frozenset[type]] = {
    "none": frozenset({type(None)}),
    "bool": frozenset({bool}),
    "int": frozenset({int}),
    "float": frozenset({float, int}),
    "str": frozenset({str}),
    "bytes": frozenset({bytes}),
    "list": frozenset({list}),
    "tuple": frozenset({tuple}),
    "set": frozenset({set, frozenset}),
    "dict": frozenset({dict}),
    "datetime": frozenset({dt.datetime, DateTimeNs}),
    "date": frozenset({dt.date}),
    "time": frozenset({dt.time, TimeNs}),
    "timedelta": frozenset({dt.timedelta, TimeDeltaNs}),
    "Decimal": frozenset({Decimal}),
    "UUID": frozenset({uuid.UUID}),
    "Enum": frozenset({EnumValue}),
    "record": frozenset({Record, dict}),
}

# Of tables, series and arrays, the classes that fit a name. A table may be a list too: a host may make its rows of it.
_TABLES: Mapping[str, frozenset[str]] = {
    "DataFrame": frozenset({"DataFrame"}),
    "Series": frozenset({"Series"}),
    "Table": frozenset({"Table", "RecordBatchReader"}),
    "ndarray": frozenset({"ndarray"}),
    "list": frozenset({"DataFrame", "Table", "RecordBatchReader"}),
}


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
        self._plain = [
            _FITTING.get(argument.python_type, frozenset()) for argument in self._positional
        ]
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
                self.refuse(name, f"want {_wanted(argument)}, got {describe(value)}")

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
    """Reports whether a value is of a declared type. An int fits a float, never the reverse; a table a list of rows."""
    if python_type in ("", "any") or (value is None and nullable):
        return True
    cls = type(value)
    fitting = _FITTING.get(python_type)
    if fitting is not None and cls in fitting:
        return True
    if cls in KNOWN:
        return False
    if isinstance(value, Opaque):
        return True
    if python_type == "message":
        return isinstance(value, Message)
    tables = _TABLES.get(python_type)
    if tables is not None:
        if any(base.__name__ in tables for base in cls.__mro__):
            return True
        if fitting is None:
            return False
    try:
        known = natural(value)
    except Fault:  # whoever encodes it says what is wrong with it
        return True
    if type(known) in KNOWN:
        return fitting is None or type(known) in fitting
    # Anything else travels as the text that str gives.
    return python_type == "str" or fitting is None


def _first(arguments: Sequence[pb.ArgumentSpec], kind: int) -> pb.ArgumentSpec | None:
    return next((argument for argument in arguments if argument.kind == kind), None)


def _wanted(argument: pb.ArgumentSpec) -> str:
    name = argument.python_type or "any"
    return f"{name} or none" if argument.nullable else name


def _listed(names: Sequence[Any]) -> str:
    return ", ".join(names) if names else "none by name"
