from __future__ import annotations

import functools
import json
import re
from collections.abc import AsyncIterator, Iterator  # noqa: TC003 - tools' hints are read
from typing import Annotated, Any

import annotated_types
import jsonschema
import pytest
from hintsamples import ToolContext, sample

from grpc_tool_bridge.schema import (
    ArgumentKind,
    ArgumentSpec,
    ToolFunction,
    ToolType,
    spec_from_function,
)
from grpc_tool_bridge.values import deserialize_value


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
