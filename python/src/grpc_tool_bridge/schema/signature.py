"""A tool's spec as the signature of a Python function."""

from __future__ import annotations

import datetime as dt
import enum
import inspect
import json
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Optional, cast

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values.decode import decode

from .documents import json_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TYPES: Mapping[str, Any] = {
    "none": None,
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "bytes": bytes,
    "list": list,
    "tuple": tuple,
    "set": set,
    "dict": dict,
    "datetime": dt.datetime,
    "date": dt.date,
    "time": dt.time,
    "timedelta": dt.timedelta,
    "Decimal": Decimal,
    "UUID": uuid.UUID,
    "Enum": enum.Enum,
}
_KINDS = {
    int(pb.POSITIONAL_OR_KEYWORD): inspect.Parameter.POSITIONAL_OR_KEYWORD,
    int(pb.POSITIONAL_ONLY): inspect.Parameter.POSITIONAL_ONLY,
    int(pb.KEYWORD_ONLY): inspect.Parameter.KEYWORD_ONLY,
    int(pb.VAR_POSITIONAL): inspect.Parameter.VAR_POSITIONAL,
    int(pb.VAR_KEYWORD): inspect.Parameter.VAR_KEYWORD,
}


def signature_from_spec(spec: pb.ToolSpec) -> inspect.Signature:
    """Returns the signature with which a tool's proxy appears in Python.

    Names that Python cannot spell are taken by ``**arguments``; an argument that must be given and stands
    behind one that need not is taken by name only.
    """
    parameters: list[inspect.Parameter] = []
    unspeakable = False
    optional_seen = False
    for argument in spec.arguments:
        parameter = _parameter(argument)
        if parameter is None:
            unspeakable = True
            continue
        by_place = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        if by_place and optional_seen and parameter.default is parameter.empty:
            parameter = parameter.replace(kind=parameter.KEYWORD_ONLY)
        optional_seen = optional_seen or (by_place and parameter.default is not parameter.empty)
        parameters.append(parameter)
    if unspeakable and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        parameters.append(inspect.Parameter("arguments", inspect.Parameter.VAR_KEYWORD))
    return inspect.Signature(
        _ordered(parameters), return_annotation=_annotation(spec.return_type, False)
    )


def input_properties(spec: pb.ToolSpec) -> dict[str, dict[str, Any]]:
    """Returns the JSON Schema of each argument of a tool by its name, as models are told of them.

    They stand in the spec's schema, whose ``$defs`` each has that refers to some; of a spec without one they are
    made of the arguments' types.
    """
    try:
        schema: object = json.loads(spec.input_schema or "{}")
    except ValueError:
        schema = {}
    shown = cast("dict[str, Any]", schema) if isinstance(schema, dict) else {}
    properties = shown.get("properties")
    if isinstance(properties, dict) and properties:
        return {
            name: _by_itself(item, shown.get("$defs"))
            for name, item in cast("dict[str, Any]", properties).items()
        }
    return {argument.name: _property(argument) for argument in spec.arguments}


def _by_itself(schema: Any, definitions: Any) -> dict[str, Any]:
    """A property's schema with all that it may refer to."""
    if not isinstance(schema, dict):  # true, which takes all, or false
        return {} if schema is True else {"not": {}}
    own = cast("dict[str, Any]", schema)
    return {**own, "$defs": definitions} if definitions and '"$ref"' in json.dumps(own) else own


def _property(argument: pb.ArgumentSpec) -> dict[str, Any]:
    described: dict[str, Any] = (
        {"description": argument.description} if argument.description else {}
    )
    schema = json_schema(_TYPES.get(argument.python_type, Any))
    if not schema and argument.python_type not in ("", "any"):
        schema = {"x-type": argument.python_type}
    if argument.nullable and schema:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, **described}


def _ordered(parameters: Sequence[inspect.Parameter]) -> list[inspect.Parameter]:
    distinct = {parameter.name: parameter for parameter in parameters}
    return sorted(distinct.values(), key=lambda parameter: parameter.kind)


def _parameter(argument: pb.ArgumentSpec) -> inspect.Parameter | None:
    kind = _KINDS.get(argument.kind, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    variadic = kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    default = inspect.Parameter.empty if argument.required or variadic else _default(argument)
    annotation = _annotation(argument.python_type, argument.nullable)
    try:
        return inspect.Parameter(argument.name, kind, default=default, annotation=annotation)
    except ValueError:
        return None


def _default(argument: pb.ArgumentSpec) -> Any:
    try:
        return decode(argument.default_value)
    except (SerializationError, ImportError):
        return None


def _annotation(python_type: str, nullable: bool) -> Any:
    annotation = _TYPES.get(python_type, Any)
    return Optional[annotation] if nullable and annotation is not Any else annotation  # noqa: UP045
