"""Type hints as the protocol's type names."""

from __future__ import annotations

import array
import collections
import collections.abc as abc
import dataclasses
import datetime as dt
import enum
import types
import typing
import uuid
from decimal import Decimal
from typing import Any, Literal

import typing_extensions as tx
from google.protobuf.message import Message

from grpc_tool_bridge.values.classes import is_model, is_named_tuple
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.hintforms import ANYTHING, UNIONS, bare
from grpc_tool_bridge.values.libraryhints import python_type_of
from grpc_tool_bridge.values.models import is_root_model, reads_all
from grpc_tool_bridge.values.noted import Noted, noted_of
from grpc_tool_bridge.values.stdlib import TEXTS
from grpc_tool_bridge.values.wrappers import EnumValue, Record

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

TYPE_NAMES = frozenset(
    {
        *("any", "none", "bool", "int", "float", "str", "bytes", "list", "tuple", "set", "dict"),
        *("datetime", "date", "time", "timedelta", "Decimal", "UUID", "Enum", "record"),
        *("DataFrame", "Series", "Table", "ndarray", "message"),
    }
)
"""What ArgumentSpec.python_type and ToolSpec.return_type may be, in every language."""

_NAMES: Mapping[Any, str] = {
    type(None): "none",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    bytes: "bytes",
    bytearray: "bytes",
    memoryview: "bytes",
    list: "list",
    collections.deque: "list",
    collections.UserList: "list",
    range: "list",
    array.array: "list",
    abc.MutableSequence: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "set",
    abc.Set: "set",
    abc.MutableSet: "set",
    dict: "dict",
    collections.OrderedDict: "dict",
    collections.defaultdict: "dict",
    collections.Counter: "dict",
    collections.ChainMap: "dict",
    collections.UserDict: "dict",
    types.MappingProxyType: "dict",
    abc.Mapping: "dict",
    abc.MutableMapping: "dict",
    dt.datetime: "datetime",
    dt.date: "date",
    dt.time: "time",
    dt.timedelta: "timedelta",
    Decimal: "Decimal",
    uuid.UUID: "UUID",
    EnumValue: "Enum",
    Record: "record",
    **dict.fromkeys(TEXTS, "str"),
}

# Classes of libraries that are not imported for this, by module and name.
_FOREIGN: Mapping[tuple[str, str], str] = {
    ("pandas", "DataFrame"): "DataFrame",
    ("polars", "DataFrame"): "DataFrame",
    ("pandas", "Series"): "Series",
    ("polars", "Series"): "Series",
    ("pyarrow", "Table"): "Table",
    ("numpy", "ndarray"): "ndarray",
}


def type_name(hint: Any) -> tuple[str, bool]:
    """Returns a hint's name in the protocol, and whether None fits it too."""
    noted = noted_hint(hint)
    hint = bare(hint)
    if noted is not None and noted.model is not None:
        return "any", type(None) in (union_members(hint) or ())
    if hint in ANYTHING:
        return "any", False
    members = union_members(hint)
    if members is not None:
        rest = [member for member in members if member is not type(None)]
        nullable = len(rest) < len(members)
        return (type_name(rest[0])[0] if len(rest) == 1 else "any"), nullable
    if typing.get_origin(hint) is Literal:
        return _literal_name(typing.get_args(hint))
    origin = typing.get_origin(hint) or hint
    return (class_name(origin) if isinstance(origin, type) else "any"), False


def _literal_name(choices: tuple[Any, ...]) -> tuple[str, bool]:
    names = {type_name(type(choice))[0] for choice in choices if choice is not None}
    return (names.pop() if len(names) == 1 else "any"), None in choices


def class_name(cls: type[Any]) -> str:
    """Returns the name of a class in the protocol."""
    name = _NAMES.get(cls)
    if name is not None:
        return name
    scalar = python_type_of(cls)
    if scalar is not None:
        return _NAMES.get(scalar, "any")
    foreign = _FOREIGN.get((cls.__module__.partition(".")[0], cls.__name__))
    if foreign is not None:
        return foreign
    if issubclass(cls, enum.Enum):
        return "Enum"
    if issubclass(cls, Message):
        return "message"
    if tx.is_typeddict(cls):
        return "dict"
    if is_root_model(cls) or reads_all(cls):
        return "any"
    if dataclasses.is_dataclass(cls) or is_named_tuple(cls) or is_model(cls):
        return "record"
    noted = noted_hint(cls)
    if noted is not None and noted.model is None:
        return class_name(noted.base)
    return "record" if issubclass(cls, BaseException) else "any"


def noted_hint(hint: Any) -> Noted | None:
    """Returns what pydantic says of a hint, where that is more than the bare hint says.

    Raises:
        TypeError: Pydantic cannot read it.
    """
    try:
        return noted_of(hint)
    except Fault as fault:
        raise TypeError(fault.message) from fault


def union_members(hint: Any) -> tuple[Any, ...] | None:
    """Returns the members of a union, or None if the hint is none."""
    if typing.get_origin(hint) in UNIONS:
        return typing.get_args(hint)
    return None
