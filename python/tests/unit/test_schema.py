# ruff: noqa: UP007, UP045 - both forms of unions are tested
from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import inspect
import json
import re
import typing
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict, Union

import annotated_types
import jsonschema
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest
import typing_extensions as tx
from google.protobuf import timestamp_pb2

import dspex_bridge_pb2 as pb
from grpc_tool_bridge import schema
from grpc_tool_bridge.errors import ToolExecutionError
from grpc_tool_bridge.schema import (
    ArgumentKind,
    ArgumentList,
    ArgumentSpec,
    ToolFunction,
    ToolSpec,
    ToolType,
    bind_arguments,
    check_arguments,
    input_properties,
    json_schema,
    parse_docstring,
    signature_from_spec,
    spec_from_function,
    type_name,
)
from grpc_tool_bridge.values import EnumValue, Record, deserialize_value


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


@dataclasses.dataclass
class Tree:
    children: list[Tree]


class Pair(NamedTuple):
    left: int
    right: str = ""


class Options(TypedDict):
    name: str
    size: tx.NotRequired[int]


class Model(pydantic.BaseModel):
    name: str
    size: int = 1


class Root(pydantic.RootModel[list[int]]):
    pass


class Forest(pydantic.RootModel[dict[str, "Forest"]]):
    pass


class Wrapped(pydantic.BaseModel):
    a: int

    @pydantic.model_validator(mode="before")
    @classmethod
    def wrap(cls, value: Any) -> Any:
        return {"a": value} if isinstance(value, int) else value


class Priced(pydantic.BaseModel):
    price: Decimal = pydantic.Field(gt=0)
    tags: Annotated[set[str], annotated_types.MaxLen(3)] = set()
    size: int = pydantic.Field(1, ge=1)


class Nested(pydantic.BaseModel):
    children: list[Nested] = pydantic.Field(max_length=3)


Positive = tx.TypeAliasType("Positive", Annotated[int, annotated_types.Gt(0)])
Deep = tx.TypeAliasType("Deep", "list[Deep] | Annotated[int, annotated_types.Ge(0)]")
Item = typing.TypeVar("Item")


class Page(pydantic.BaseModel, typing.Generic[Item]):
    items: list[Item]


class Sized(enum.Enum):
    SMALL = 1.5
    NONE = Decimal("1.10")


class ToolContext:
    __module__ = "grpc_tool_bridge.context"


@pytest.mark.parametrize(
    ("hint", "name", "nullable"),
    [
        (inspect.Parameter.empty, "any", False),
        (Any, "any", False),
        (None, "none", False),
        (bool, "bool", False),
        (int, "int", False),
        (Optional[int], "int", True),
        (int | None, "int", True),
        (Union[int, str], "any", False),
        (int | str | None, "any", True),
        (Literal["a", "b"], "str", False),
        (Literal["a", None], "str", True),
        (Literal["a", 1], "any", False),
        (Annotated[float, "how far"], "float", False),
        (typing.NewType("Key", str), "str", False),
        (bytearray, "bytes", False),
        (list[int], "list", False),
        (Sequence[int], "any", False),
        (tuple[int, ...], "tuple", False),
        (frozenset[int], "set", False),
        (dict[str, int], "dict", False),
        (Options, "dict", False),
        (dt.datetime, "datetime", False),
        (dt.date, "date", False),
        (dt.time, "time", False),
        (dt.timedelta, "timedelta", False),
        (Decimal, "Decimal", False),
        (uuid.UUID, "UUID", False),
        (Color, "Enum", False),
        (EnumValue, "Enum", False),
        (Point, "record", False),
        (Pair, "record", False),
        (Model, "record", False),
        (Record, "record", False),
        (ValueError, "record", False),
        (pd.DataFrame, "DataFrame", False),
        (pl.DataFrame, "DataFrame", False),
        (pd.Series, "Series", False),
        (pa.Table, "Table", False),
        (np.ndarray, "ndarray", False),
        (timestamp_pb2.Timestamp, "message", False),
        (Root, "any", False),
        (Optional[Root], "any", True),
        (Wrapped, "any", False),
        (complex, "any", False),
        (Callable[[], int], "any", False),
        (typing.TypeVar("T", bound=int), "int", False),
        (typing.TypeVar("S"), "any", False),
    ],
    ids=str,
)
def test_a_hint_has_a_name_in_the_protocol(hint, name, nullable):
    assert type_name(hint) == (name, nullable)
    assert name in schema.TYPE_NAMES


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (Any, {}),
        (int, {"type": "integer"}),
        (Optional[str], {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (list[float], {"type": "array", "items": {"type": "number"}}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, bool], {"type": "object", "additionalProperties": {"type": "boolean"}}),
        (dict, {"type": "object"}),
        (dict[int, str], {"x-type": "dict"}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Color, {"enum": ["red"], "x-type": "Enum"}),
        (bytes, {"x-type": "bytes"}),
        (tuple[int, int], {"x-type": "tuple"}),
        (complex, {}),
        (Record, {"type": "object"}),
        (
            Point,
            {
                "type": "object",
                "properties": {"x": {"type": "number"}, "y": {"type": "number", "default": 0.0}},
                "required": ["x"],
                "additionalProperties": False,
            },
        ),
        (
            Pair,
            {
                "type": ["object", "array"],
                "properties": {
                    "left": {"type": "integer"},
                    "right": {"type": "string", "default": ""},
                },
                "required": ["left"],
                "additionalProperties": False,
                "minItems": 1,
                "maxItems": 2,
            },
        ),
        (
            Options,
            {
                "type": "object",
                "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
                "required": ["name"],
                "additionalProperties": False,
            },
        ),
        (
            Model,
            {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "size": {"type": "integer", "default": 1},
                },
                "required": ["name"],
                "additionalProperties": False,
            },
        ),
        (Root, {"type": "array", "items": {"type": "integer"}}),
        (pydantic.RootModel[int], {"type": "integer"}),
        (list[Root], {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
        (Forest, {"type": "object"}),
        (
            Wrapped,
            {
                "anyOf": [
                    {
                        "type": "object",
                        "properties": {"a": {"type": "integer"}},
                        "required": ["a"],
                        "additionalProperties": False,
                    },
                    {},
                ]
            },
        ),
        (
            Priced,
            {
                "type": "object",
                "properties": {
                    "price": {
                        "anyOf": [{"type": "number"}, {"type": "string"}],
                        "x-type": "Decimal",
                        "exclusiveMinimum": 0,
                    },
                    "tags": {
                        "type": "array",
                        "items": {"type": "string"},
                        "uniqueItems": True,
                        "x-type": "set",
                        "maxItems": 3,
                        "default": [],
                    },
                    "size": {"type": "integer", "minimum": 1, "default": 1},
                },
                "required": ["price"],
                "additionalProperties": False,
            },
        ),
        (
            Page[str],
            {
                "type": "object",
                "properties": {"items": {"type": "array", "items": {"type": "string"}}},
                "required": ["items"],
                "additionalProperties": False,
            },
        ),
        (Sized, {"enum": [1.5, {"$decimal": "1.10"}], "x-type": "Enum"}),
        (Literal[b"a", Color.RED], {"enum": [{"$bytes": "YQ=="}, "red"]}),
        (
            Tree,
            {
                "type": "object",
                "properties": {"children": {"type": "array", "items": {"type": "object"}}},
                "required": ["children"],
                "additionalProperties": False,
            },
        ),
        (
            Annotated[int, annotated_types.Ge(1), annotated_types.Lt(9)],
            {"type": "integer", "minimum": 1, "exclusiveMaximum": 9},
        ),
        (
            Annotated[Optional[int], pydantic.Field(ge=0)],
            {"anyOf": [{"type": "integer"}, {"type": "null"}], "minimum": 0},
        ),
        (
            Annotated[Union[str, list[int]], annotated_types.MaxLen(3)],
            {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}],
                "maxLength": 3,
                "maxItems": 3,
            },
        ),
        (
            Nested,
            {
                "type": "object",
                "properties": {
                    "children": {"type": "array", "items": {"type": "object"}, "maxItems": 3}
                },
                "required": ["children"],
                "additionalProperties": False,
            },
        ),
        (Positive, {"type": "integer", "exclusiveMinimum": 0}),
        (typing.NewType("Key", Positive), {"type": "integer", "exclusiveMinimum": 0}),
        (Deep, {"anyOf": [{"type": "array", "items": {}}, {"type": "integer", "minimum": 0}]}),
        (
            Annotated[str, annotated_types.Len(1, 5)],
            {"type": "string", "minLength": 1, "maxLength": 5},
        ),
        (
            Annotated[list[int], annotated_types.MinLen(1)],
            {**json_schema(list[int]), "minItems": 1},
        ),
        (
            Annotated[str, pydantic.Field(pattern="^a", max_length=3)],
            {"type": "string", "pattern": "^a", "maxLength": 3},
        ),
        (Annotated[float, {"multipleOf": 0.5}, "text"], {"type": "number", "multipleOf": 0.5}),
        (
            Annotated[int, annotated_types.Interval(gt=0, le=5)],
            {"type": "integer", "exclusiveMinimum": 0, "maximum": 5},
        ),
    ],
    ids=str,
)
def test_a_hint_has_a_json_schema(hint, expected):
    made = json_schema(hint)
    assert made == expected
    jsonschema.Draft202012Validator.check_schema(made)


def sample(
    a: int,
    b: float = 2.0,
    *rest: str,
    where: list[Point] | None = None,
    limit: Annotated[int, annotated_types.Ge(1), "how many"] = 3,
    context: ToolContext | None = None,
    **more: Any,
) -> dict[str, int]:
    """Does a thing.

    In two paragraphs.

    Args:
        a: The first,
            in two lines.
        b (float): The second.
        *rest: The others.

    Returns:
        Nothing: really.
    """
    return {}


def by_name(spec):
    return {argument.name: argument for argument in spec.arguments}


class TestSpecFromFunction:
    def test_hints_and_docstring_become_the_spec(self):
        spec = spec_from_function(sample)

        assert (spec.tool_id, spec.name, spec.type) == ("sample", "sample", ToolType.STANDARD)
        assert spec.description == "Does a thing.\n\nIn two paragraphs."
        assert spec.return_type == "dict"
        arguments = by_name(spec)
        assert list(arguments) == ["a", "b", "rest", "where", "limit", "more"]
        assert arguments["a"] == ArgumentSpec(
            name="a", python_type="int", required=True, description="The first, in two lines."
        )
        assert deserialize_value(arguments["b"].default_value) == 2.0
        assert arguments["rest"].kind == ArgumentKind.VAR_POSITIONAL
        assert not arguments["rest"].required
        assert arguments["where"].nullable
        assert arguments["where"].kind == ArgumentKind.KEYWORD_ONLY
        assert arguments["limit"].description == "how many"
        assert arguments["more"].kind == ArgumentKind.VAR_KEYWORD

    def test_the_schema_is_valid_and_names_every_argument(self):
        document = json.loads(spec_from_function(sample).input_schema)

        jsonschema.Draft202012Validator.check_schema(document)
        assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert list(document["properties"]) == ["a", "b", "rest", "where", "limit"]
        assert document["required"] == ["a"]
        assert document["additionalProperties"] is True
        assert document["properties"]["limit"] == {
            "type": "integer",
            "minimum": 1,
            "description": "how many",
            "default": 3,
        }
        jsonschema.validate({"a": 1, "where": [{"x": 1}], "other": 2}, document)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"a": 1, "limit": 0}, document)

    def test_options_go_before_the_function(self):
        spec = spec_from_function(
            sample,
            name="n",
            tool_id="i",
            description="d",
            timeout=1.5,
            idempotent=True,
            max_concurrency=2,
            session_id="s",
            metadata={"k": "v"},
            sticky=None,
        )
        assert (spec.name, spec.tool_id, spec.description) == ("n", "i", "d")
        assert (spec.timeout_us, spec.idempotent, spec.max_concurrency) == (1_500_000, True, 2)
        assert (spec.session_id, dict(spec.metadata)) == ("s", {"k": "v"})
        with pytest.raises(TypeError, match="unknown option 'colour'"):
            spec_from_function(sample, colour="red")

    def test_generators_stream_what_they_yield(self):
        async def numbers(n: int) -> AsyncIterator[int]:
            yield n

        def words() -> Iterator[str]:
            yield "a"

        def untyped():
            yield 1

        for fn, name in [(numbers, "int"), (words, "str"), (untyped, "any")]:
            spec = spec_from_function(fn)
            assert (spec.type, spec.return_type) == (ToolType.STREAMING, name)
        assert ToolFunction(numbers).is_async
        assert not ToolFunction(words).is_async

    def test_coroutines_partials_methods_and_objects_are_functions_too(self):
        async def fetch(url: str, times: int = 1) -> bytes:
            return b""

        class Adder:
            def add(self, a: int) -> int:
                return a

            async def __call__(self, a: int) -> int:
                return a

        assert ToolFunction(fetch).is_async
        partial = ToolFunction(functools.partial(fetch, times=2), name="fetch_twice")
        assert partial.spec.name == "fetch_twice"
        assert partial.is_async
        method = ToolFunction(Adder().add)
        assert list(by_name(method.spec)) == ["a"]
        callable_object = ToolFunction(Adder())
        assert (callable_object.spec.name, callable_object.is_async) == ("Adder", True)
        assert list(by_name(callable_object.spec)) == ["a"]

    def test_the_context_is_no_argument(self):
        def early(context: ToolContext, a: int) -> int:
            return a

        function = ToolFunction(sample)
        assert function.context_parameter == "context"
        assert ToolFunction(lambda a: a).context_parameter is None

        early.__annotations__["context"] = "somewhere.ToolContext"
        assert ToolFunction(early).context_parameter == "context"
        assert list(by_name(ToolFunction(early).spec)) == ["a"]

    def test_a_hint_that_cannot_be_read_is_refused(self):
        def broken(a: Nowhere) -> int:  # noqa: F821
            return 1

        with pytest.raises(TypeError, match=r"'Nowhere' of 'a'.*cannot be read"):
            spec_from_function(broken)

    def test_a_default_of_none_makes_an_argument_nullable(self):
        def f(a: int = None, b=None):  # noqa: RUF013
            return a, b

        arguments = by_name(spec_from_function(f))
        assert arguments["a"].nullable
        assert arguments["b"].python_type == "any"
        assert {"type": "null"} in json.loads(spec_from_function(f).input_schema)["properties"][
            "a"
        ]["anyOf"]

    def test_a_default_that_has_no_encoding_is_not_shown(self):
        def f(a: Any = object()):  # noqa: B008
            return a

        assert not by_name(spec_from_function(f))["a"].HasField("default_value")

    @pytest.mark.parametrize(
        ("hint", "match"),
        [
            (Annotated[bytes, {"minLength": 1}], "they apply to"),
            (Annotated[int, annotated_types.MinLen(1)], "does not apply"),
            (Annotated[str, annotated_types.Ge(1)], "does not apply"),
            (Annotated[Any, {"minimum": 1}], "they apply to"),
        ],
    )
    def test_constraints_that_do_not_apply_are_refused(self, hint, match):
        def f(a):
            return a

        f.__annotations__["a"] = hint
        with pytest.raises(TypeError, match=match):
            spec_from_function(f)

    def test_constraints_without_the_extra_are_refused(self, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

        with pytest.raises(ImportError, match=re.escape("grpc_tool_bridge[schema]")):
            spec_from_function(sample)
        # and without constraints nothing is needed
        assert spec_from_function(lambda a: a)


class TestDocstrings:
    def test_numpy(self):
        parsed = parse_docstring(
            """Adds.

            Parameters
            ----------
            a : int
                The first.
            b, c : float, optional
                The others,
                both.

            Returns
            -------
            int
                The sum.
            """
        )
        assert parsed.description == "Adds."
        assert parsed.arguments == {
            "a": "The first.",
            "b": "The others, both.",
            "c": "The others, both.",
        }

    def test_rest(self):
        parsed = parse_docstring(
            """Adds.

            :param a: The first,
                in two lines.
            :param int b: The second.
            :type a: int
            :returns: The sum.
            """
        )
        assert parsed.description == "Adds."
        assert parsed.arguments == {"a": "The first, in two lines.", "b": "The second."}

    def test_google_with_text_behind_it(self):
        parsed = parse_docstring(
            """Adds.

            Args:
                a: The first: of two.
                **more: The rest.

            Raises:
                ValueError: never.
            """
        )
        assert parsed.arguments == {"a": "The first: of two.", "more": "The rest."}
        assert parsed.description == "Adds."

    def test_none_and_plain_text(self):
        assert parse_docstring(None).description == ""
        assert parse_docstring("Returns\nthe sum.").description == "Returns\nthe sum."


def add(a: int, b: float = 1.0) -> float:
    return a + b


def only(a: int, /, b: int, *, c: int) -> int:
    return a + b + c


@pytest.mark.parametrize("as_spec", [True, False], ids=["spec", "function"])
@pytest.mark.parametrize(
    ("fn", "args", "kwargs", "argument", "match"),
    [
        (add, (), {}, "a", "missing, want int"),
        (add, (1, 2, 3), {}, "3", "surplus int, the tool takes at most 2"),
        (add, (1,), {"bb": 2}, "bb", 'none of this name: did you mean "b"'),
        (add, (1,), {"zzz": 2}, "zzz", "it takes a, b"),
        (add, (1,), {"a": 2}, "a", "given twice"),
        (add, ("1",), {}, "a", "want int, got str"),
        (add, (1.0,), {}, "a", "want int, got float"),
        (add, (True,), {}, "a", "want int, got bool"),
        (add, (None,), {}, "a", "want int.*, got None"),
        (add, (1,), {"b": "x"}, "b", "want float, got str"),
        (only, (1, 2), {}, "c", "missing"),
        (only, (), {"a": 1, "b": 2, "c": 3}, "a", "by position only"),
        (only, (1, 2, 3), {}, "3", "surplus"),
    ],
)
def test_a_bad_call_names_the_argument(fn, args, kwargs, argument, match, as_spec):
    target = spec_from_function(fn) if as_spec else fn
    with pytest.raises(ToolExecutionError, match=match) as caught:
        bind_arguments(target, args, kwargs)
    error = caught.value
    assert (error.error_type, error.tool_name) == ("ValidationError", fn.__name__)
    assert error.details["argument"] == argument
    assert f'argument "{argument}" of tool "{fn.__name__}"' in str(error)


def test_arguments_become_what_the_hints_ask_for():
    function = ToolFunction(sample)
    args, kwargs = function.bind([1, 2, "x", "y"], {"where": [{"x": 1}], "extra": b"z", "limit": 5})
    assert args == [1, 2.0, "x", "y"]
    assert type(args[1]) is float
    assert kwargs == {"where": [Point(1.0)], "extra": b"z", "limit": 5}
    assert bind_arguments(function, [1], {"where": None}) == ([1], {"where": None})


@pytest.mark.parametrize(
    ("kwargs", "argument", "path", "match"),
    [
        ({"where": [{"x": 1}, {"x": "a"}]}, "where", "$[1].x", "want float, got str"),
        ({"limit": 0}, "limit", "$", "greater than or equal to 1"),
        ({"rest": 1}, None, None, None),
    ],
)
def test_parts_of_arguments_are_named(kwargs, argument, path, match):
    if argument is None:
        assert ToolFunction(sample).bind([1], kwargs) == ([1], kwargs)
        return
    with pytest.raises(ToolExecutionError, match=match) as caught:
        ToolFunction(sample).bind([1], kwargs)
    assert caught.value.details == {"argument": argument, "path": path}


def test_constraints_inside_of_containers_are_checked():
    def f(items: list[Annotated[int, annotated_types.Ge(0)]]) -> int:
        return 0

    f.__annotations__["items"] = list[Annotated[int, annotated_types.Ge(0)]]
    function = ToolFunction(f)
    assert function.bind([[1, 2]], {}) == ([[1, 2]], {})
    with pytest.raises(ToolExecutionError, match="greater than or equal to 0") as caught:
        function.bind([[1, -2]], {})
    assert caught.value.details["path"] == "$[1]"


@pytest.mark.parametrize("hint", [Positive, typing.NewType("Key", Positive), list[Positive], Deep])
def test_constraints_behind_an_alias_are_checked(hint: Any):
    def f(v: Any) -> Any:
        return v

    f.__annotations__["v"] = hint
    given: Any = -1 if hint is not list[Positive] else [-1]
    with pytest.raises(ToolExecutionError, match='argument "v"'):
        ToolFunction(f).bind([given], {})


def test_constraints_around_a_model_leave_what_is_inside_of_it_to_the_model():
    def f(items: list) -> int:
        return 0

    f.__annotations__["items"] = Annotated[
        list[Model | Sized | Root | Wrapped], annotated_types.MaxLen(4)
    ]
    function = ToolFunction(f)

    given: list[Any] = [{"name": "a", "size": "2"}, Decimal("1.10"), [1], 3]
    made = [Model(name="a", size=2), Sized.NONE, Root([1]), Wrapped(a=3)]
    assert function.bind([given], {}) == ([made], {})
    with pytest.raises(ToolExecutionError, match="at most 4 items"):
        function.bind([given * 2], {})


@pytest.mark.parametrize("hint", [Root, Wrapped, int | str, Model, Color])
def test_an_argument_takes_the_none_that_is_its_default(hint: Any):
    def f(v: Any = None) -> Any:
        return v

    f.__annotations__["v"] = hint
    function = ToolFunction(f)

    assert function.spec.arguments[0].nullable
    check_arguments(function.spec, [None], {})
    assert function.bind([None], {}) == ([None], {})


def test_a_plain_text_for_a_value_with_a_form_of_its_own_in_json_is_refused_with_the_form():
    def f(at: dt.datetime, ids: dict[int, str], days: list[dt.date]) -> None: ...

    f.__annotations__ = {"at": dt.datetime, "ids": dict[int, str], "days": list[dt.date]}
    function = ToolFunction(f)
    form = re.escape('want datetime, got str; in JSON that is {"$datetime":"2024')

    with pytest.raises(ToolExecutionError, match=form):
        check_arguments(function.spec, ["2024-05-06", {}, []], {})
    with pytest.raises(ToolExecutionError, match=form):
        function.bind(["2024-05-06", {}, []], {})
    moment = dt.datetime(2024, 5, 6)  # noqa: DTZ001
    with pytest.raises(ToolExecutionError, match=re.escape('no texts is {"$map"')) as caught:
        function.bind([moment, {"1": "a"}, []], {})
    assert caught.value.details["path"] == "$[key 0]"
    with pytest.raises(ToolExecutionError, match=re.escape('is {"$date":"2024-05-06"}')) as caught:
        function.bind([moment, {1: "a"}, ["2024-05-06"]], {})
    assert caught.value.details["path"] == "$[0]"


def test_a_spec_that_declares_nothing_is_not_checked():
    check_arguments(ToolSpec(name="x"), (1, 2), {"a": 3})

    with pytest.raises(ToolExecutionError, match="surplus"):
        check_arguments(spec_from_function(lambda: None, name="x"), (1,), {})


class TestSignatureFromSpec:
    def test_it_is_the_functions_own(self):
        made = signature_from_spec(spec_from_function(sample))
        assert str(made) == (
            "(a: int, b: float = 2.0, *rest: str, where: Optional[list] = None, limit: int = 3,"
            " **more: Any) -> dict"
        )

    def test_odd_specs_of_other_languages_have_one_too(self):
        spec = ToolSpec(
            name="odd",
            arguments=[
                ArgumentSpec(name="a", python_type="DataFrame"),
                ArgumentSpec(name="b", python_type="int", required=True),
                ArgumentSpec(name="max-size", python_type="int"),
                ArgumentSpec(name="a", python_type="int", required=True),
            ],
        )
        assert str(signature_from_spec(spec)) == "(*, a: int, b: int, **arguments) -> Any"

    def test_a_default_that_cannot_be_read_is_none(self):
        argument = ArgumentSpec(name="a", python_type="int")
        argument.default_value.type_url = "type.googleapis.com/dspex.bridge.Value"
        argument.default_value.value = b"\xff"
        spec = ToolSpec(name="x", arguments=[argument])
        assert signature_from_spec(spec).parameters["a"].default is None

    def test_the_documents_spec(self):
        spec = ToolSpec(
            tool_id="test_tool_456",
            name="calculate_sum",
            description="Adds two numbers",
            type=ToolType.STANDARD,
            arguments=[
                ArgumentSpec(name="a", python_type="int", required=True),
                ArgumentSpec(name="b", python_type="int", required=True),
            ],
        )
        assert str(signature_from_spec(spec)) == "(a: int, b: int) -> Any"
        ArgumentList("calculate_sum", spec.arguments).check((5, 37), {})


def test_models_are_told_each_arguments_schema():
    spec = spec_from_function(sample)
    assert input_properties(spec) == json.loads(spec.input_schema)["properties"]
    bare = pb.ToolSpec(
        input_schema="{",
        arguments=[
            ArgumentSpec(name="a", python_type="int", nullable=True, description="d"),
            ArgumentSpec(name="t", python_type="DataFrame"),
            ArgumentSpec(name="x"),
        ],
    )
    assert input_properties(bare) == {
        "a": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "d"},
        "t": {"x-type": "DataFrame"},
        "x": {},
    }
