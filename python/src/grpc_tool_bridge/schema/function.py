"""A Python function made a tool once: its spec from hints and docstring, and its arguments checked and converted."""

from __future__ import annotations

import collections.abc as abc
import contextlib
import functools
import importlib.util
import inspect
import json
import typing
from dataclasses import dataclass
from typing import Any, cast

import typing_extensions as tx

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values.convert import fit
from grpc_tool_bridge.values.encode import encode
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.hintforms import ANYTHING, bare
from grpc_tool_bridge.values.wrappers import EnumValue, Record

from .advice import json_advice
from .aliases import Aliases
from .arguments import ArgumentList
from .defaults import with_fields
from .docstring import parse_docstring
from .documents import checks_of, has_constraints, result_schema
from .hints import type_name, union_members
from .inputs import input_schema
from .notes import description_of
from .patterns import unreadable_pattern
from .spectexts import check_texts
from .unfit import refuse_unfit

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_KINDS = {
    inspect.Parameter.POSITIONAL_OR_KEYWORD: pb.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.POSITIONAL_ONLY: pb.POSITIONAL_ONLY,
    inspect.Parameter.KEYWORD_ONLY: pb.KEYWORD_ONLY,
    inspect.Parameter.VAR_POSITIONAL: pb.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD: pb.VAR_KEYWORD,
}
_STREAMS = (
    abc.AsyncIterator,
    abc.AsyncIterable,
    abc.AsyncGenerator,
    abc.Iterator,
    abc.Iterable,
    abc.Generator,
)
_PLAIN = (str, int, float, bool, bytes, list, dict)


@dataclass(frozen=True)
class _Parameter:
    """What binding needs of one parameter."""

    hint: Any
    validator: Any = None


class ToolFunction:
    """A function and what it takes, worked out once.

    Attributes:
        fn: The function.
        spec: What is registered.
        context_parameter: The parameter of type ToolContext, which callers do not see; None without one.
        context_position: How many positional parameters stand before it; None if it is taken by name only.
        is_stream: It is a generator or an async generator.
        is_async: It is a coroutine function or an async generator.
    """

    def __init__(self, fn: Callable[..., Any], **options: Any) -> None:
        """Reads the function; the options are those of ``spec_from_function``.

        Raises:
            TypeError: A hint cannot be read or takes nothing that travels, constraints stand where they do not apply,
                or UTF-8 cannot carry a text.
            ImportError: It has constraints, and the ``schema`` extra is not installed.
        """
        self.fn = fn
        plain = _plain_function(fn)
        self.is_stream = inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain)
        self.is_async = inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain)
        hints = _hints(fn, plain)
        declared = inspect.signature(fn).parameters
        self.context_parameter = next(
            (name for name in declared if is_context(hints.get(name))), None
        )
        self.context_position = _position(declared.values(), self.context_parameter)
        seen = {name: declared[name] for name in declared if name != self.context_parameter}
        self._declared, self._defaults = with_fields(seen, hints)
        name = getattr(fn, "__qualname__", repr(fn))
        self._aliases = Aliases(self._declared, hints, name)
        self._parameters = self._prepare(hints, name)
        self.spec = self._spec(hints, **options)
        self.arguments = ArgumentList(self.spec.name, self.spec.arguments)
        self._exact = self._exact_classes()

    def bind(
        self, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Checks decoded arguments and makes them what the hints ask for.

        Returns:
            The positional and the keyword arguments to call the function with; without the context.

        Raises:
            ToolExecutionError: "ValidationError", which names the argument.
        """
        if not kwargs and [type(value) for value in args] == self._exact:
            return list(args), {}
        assigned = self.arguments.assign(args, kwargs)
        positional, keyword = assigned[: len(args)], assigned[len(args) :]
        return self._defaults.fill(
            [self._converted(argument.name, argument, value) for argument, value in positional],
            {
                self._aliases.own(name): self._converted(name, argument, value)
                for name, (argument, value) in zip(kwargs, keyword, strict=True)
            },
        )

    def hints(self, args: Sequence[object], kwargs: Mapping[str, object]) -> list[Any]:
        """What the arguments of a call are wanted as, in the order of args and then of kwargs.

        Raises:
            ToolExecutionError: "ValidationError": one is missing, surplus or misnamed.
        """
        assigned = self.arguments.assign(args, kwargs)
        return [self._parameters[argument.name].hint for argument, _ in assigned]

    def _exact_classes(self) -> list[type] | None:
        """The classes of arguments that are taken as they are, all by position; None where more must be looked at."""
        classes: list[type] = []
        for argument in self.spec.arguments:
            parameter = self._parameters[argument.name]
            positional = argument.kind in (pb.POSITIONAL_OR_KEYWORD, pb.POSITIONAL_ONLY)
            if not positional or parameter.validator is not None or parameter.hint not in _PLAIN:
                return None
            classes.append(parameter.hint)
        return classes

    def _converted(self, given: str, argument: pb.ArgumentSpec, value: object) -> Any:
        """Makes a value what its hint asks for; the argument is named as the call gives it."""
        if value is None and argument.nullable:
            return None
        parameter = self._parameters[argument.name]
        if argument.kind == pb.VAR_KEYWORD and self._aliases.hides(given):
            called = self._aliases.called[given]
            self.arguments.refuse(
                given, f'the function has one of this name, which is called "{called}"'
            )
        try:
            converted = fit(value, parameter.hint)
        except Fault as fault:
            error = fault.error()
            place = "" if error.path == "$" else f"at {error.path}: "
            advice = json_advice(
                error.path, error.details.get("expected", ""), error.details.get("got", "")
            )
            self.arguments.refuse(given, f"{place}{fault.message}{advice}", {"path": error.path})
        if parameter.validator is not None:
            self._validate(given, parameter.validator, value)
        return converted

    def _validate(self, name: str, validator: Any, value: object) -> None:
        for error in validator.iter_errors(_json_part(value)):
            place = "" if error.json_path == "$" else f"at {error.json_path}: "
            self.arguments.refuse(name, f"{place}{error.message:.300}", {"path": error.json_path})

    def _prepare(self, hints: Mapping[str, Any], function: str) -> dict[str, _Parameter]:
        prepared: dict[str, _Parameter] = {}
        for name, parameter in self._declared.items():
            hint = hints.get(name, Any)
            if parameter.default is not None:
                refuse_unfit(name, hint, function)
            prepared[self._aliases.called[name]] = _Parameter(hint, _validator(name, hint))
        return prepared

    def _spec(
        self,
        hints: Mapping[str, Any],
        *,
        name: str = "",
        tool_id: str = "",
        description: str = "",
        **options: Any,
    ) -> pb.ToolSpec:
        doc = parse_docstring(inspect.getdoc(self.fn))
        name = name or getattr(self.fn, "__name__", "") or type(self.fn).__name__
        parameters = list(self._declared.values())
        returned = hints.get("return", Any)
        if self.is_stream:
            returned = _streamed(returned)
        timeout = options.pop("timeout", None)
        inputs = input_schema(parameters, hints, doc.arguments, self._aliases.called)
        outputs = result_schema(returned) if bare(returned) is not Any else None
        help_of = {
            each.name: doc.arguments.get(each.name) or description_of(hints.get(each.name, Any))
            for each in parameters
        }
        definition = {
            "name": name,
            "tool_id": tool_id,
            "description": description or doc.description,
            **{f"description of argument {each!r}": text for each, text in help_of.items()},
            "input schema": inputs,
            "output schema": outputs,
        }
        check_texts(name, {**definition, **options})
        spec = pb.ToolSpec(
            tool_id=tool_id or name,
            name=name,
            description=description or doc.description,
            type=pb.STREAMING if self.is_stream else pb.STANDARD,
            return_type=type_name(returned)[0],
            input_schema=_dump(inputs),
            output_schema="" if outputs is None else _dump(outputs),
            timeout_us=round(timeout * 1_000_000) if timeout else 0,
        )
        for option, value in options.items():
            _set_option(spec, option, value)
        for parameter in parameters:
            hint = hints.get(parameter.name, Any)
            called = self._aliases.called[parameter.name]
            spec.arguments.append(_argument(called, parameter, hint, help_of[parameter.name]))
        return spec


def spec_from_function(fn: Callable[..., Any], **options: Any) -> pb.ToolSpec:
    """Describes a function as a tool: arguments and types from its hints, help from its docstring.

    Args:
        fn: A function, coroutine function, generator or async generator; generators are streaming tools.
        **options: ``name``, ``tool_id`` and ``description`` in place of the function's own, ``timeout`` in
            seconds, and the fields of ToolSpec that describe policy, such as ``idempotent``,
            ``max_concurrency``, ``session_id``, ``metadata``, ``hidden`` and ``sticky``.

    Raises:
        TypeError: A hint cannot be read or takes nothing that travels, constraints stand where they do not apply, an
            option is unknown, or UTF-8 cannot carry a text.
        ImportError: It has constraints, and the ``schema`` extra is not installed.
    """
    return ToolFunction(fn, **options).spec


def is_context(hint: Any) -> bool:
    """Reports whether a hint is ToolContext, which is no argument of the tool."""
    if isinstance(hint, str):
        return hint.rpartition(".")[2].split("|")[0].strip() == "ToolContext"
    members = union_members(hint)
    if members is not None:
        return any(is_context(member) for member in members)
    return isinstance(hint, type) and any(
        base.__name__ == "ToolContext" and base.__module__.startswith("grpc_tool_bridge")
        for base in hint.__mro__
    )


def _position(parameters: Iterable[inspect.Parameter], name: str | None) -> int | None:
    """Returns how many parameters before one are passed by position; None if it is not."""
    by_position = [
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    return by_position.index(name) if name in by_position else None


def _plain_function(fn: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(fn, functools.partial):
        fn = fn.func
    fn = inspect.unwrap(fn)
    if not inspect.isroutine(fn):
        call = getattr(type(fn), "__call__", fn)  # noqa: B004 - the method is wanted, not whether it is there
        fn = call if not isinstance(fn, type) else fn
    return cast("Callable[..., Any]", getattr(fn, "__func__", fn))


def _hints(fn: Callable[..., Any], plain: Callable[..., Any]) -> dict[str, Any]:
    try:
        return tx.get_type_hints(plain, include_extras=True)
    except Exception:  # noqa: BLE001 - whatever a hint raises, the next lines say which one it was
        return {name: _hint(plain, name, raw) for name, raw in plain.__annotations__.items()}


def _hint(fn: Callable[..., Any], name: str, raw: Any) -> Any:
    if isinstance(raw, str) and is_context(raw):
        return raw
    holder = type("_", (), {"__annotations__": {name: raw}})
    try:
        return tx.get_type_hints(holder, fn.__globals__, {}, include_extras=True)[name]
    except Exception as error:
        raise TypeError(
            f"the type hint {raw!r} of {name!r} in {fn.__qualname__} cannot be read: {error}; it has to be"
            " importable where the function is defined"
        ) from error


def _streamed(hint: Any) -> Any:
    args = typing.get_args(hint)
    return args[0] if typing.get_origin(hint) in _STREAMS and args else Any


def _argument(
    called: str, parameter: inspect.Parameter, hint: Any, description: str
) -> pb.ArgumentSpec:
    name, nullable = type_name(hint)
    variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    argument = pb.ArgumentSpec(
        name=called,
        python_type=name,
        required=parameter.default is parameter.empty and not variadic,
        description=description,
        nullable=nullable or (parameter.default is None and bare(hint) not in ANYTHING),
        kind=_KINDS[parameter.kind],
    )
    if parameter.default is not parameter.empty:
        # It is for display only.
        with contextlib.suppress(SerializationError):
            argument.default_value.CopyFrom(encode(parameter.default, strict=True))
    return argument


def _validator(name: str, hint: Any) -> Any:
    if not has_constraints(hint):
        return None
    if importlib.util.find_spec("jsonschema") is None:
        raise ImportError(
            f"argument {name!r} has constraints, and checking them needs the schema extra:"
            " pip install 'grpc_tool_bridge[schema]'"
        )
    import jsonschema

    checks = checks_of(hint)
    pattern = unreadable_pattern(checks)
    if pattern is not None:
        raise TypeError(f"pattern {pattern!r} of argument {name!r}: Python's re cannot read it")
    return jsonschema.Draft202012Validator(checks)


def _json_part(value: object) -> Any:
    """Returns a value as JSON Schema sees it; what JSON has no type for stays as it is."""
    if isinstance(value, Record):
        return {name: _json_part(item) for name, item in value.fields.items()}
    if isinstance(value, EnumValue):
        return value.value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_json_part(item) for item in cast("Sequence[object]", value)]
    if isinstance(value, dict):
        return {key: _json_part(item) for key, item in cast("dict[Any, object]", value).items()}
    return value


def _set_option(spec: pb.ToolSpec, option: str, value: Any) -> None:
    if option not in spec.DESCRIPTOR.fields_by_name:
        raise TypeError(f"unknown option {option!r} of tool {spec.name!r}")
    if value is None:
        return
    if option == "metadata":
        spec.metadata.update(value)
    else:
        setattr(spec, option, value)


def _dump(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
