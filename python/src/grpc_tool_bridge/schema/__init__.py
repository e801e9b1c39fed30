"""Tools as they are described: specs from functions, signatures from specs, arguments checked against both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dspex_bridge_pb2 import ArgumentKind, ArgumentSpec, ToolSpec, ToolType

from .arguments import ArgumentList, check_arguments, fits
from .docstring import Docstring, parse_docstring
from .documents import json_schema
from .function import ToolFunction, is_context, spec_from_function
from .hints import TYPE_NAMES, type_name
from .signature import input_properties, signature_from_spec
from .written import written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "TYPE_NAMES",
    "ArgumentKind",
    "ArgumentList",
    "ArgumentSpec",
    "Docstring",
    "ToolFunction",
    "ToolSpec",
    "ToolType",
    "bind_arguments",
    "check_arguments",
    "fits",
    "input_properties",
    "is_context",
    "json_schema",
    "parse_docstring",
    "signature_from_spec",
    "spec_from_function",
    "type_name",
    "written",
]


def bind_arguments(
    target: ToolSpec | ToolFunction | Callable[..., Any],
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> tuple[list[Any], dict[str, Any]]:
    """Checks the arguments of a call and returns them, made what the hints ask for if there are any.

    Args:
        target: A spec, which is only checked against, or a function; whoever binds often makes a
            ToolFunction of it once.
        args: The positional arguments.
        kwargs: The keyword arguments.

    Raises:
        ToolExecutionError: "ValidationError", which names the argument.
    """
    if isinstance(target, ToolSpec):
        check_arguments(target, args, kwargs)
        return list(args), dict(kwargs)
    function = target if isinstance(target, ToolFunction) else ToolFunction(target)
    return function.bind(args, kwargs)
