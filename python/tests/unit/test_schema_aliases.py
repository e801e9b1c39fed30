"""Parameters with an alias of pydantic's are called by it, as pydantic's own validate_call does."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pydantic
import pytest

from grpc_tool_bridge import GRPCToolBridge, ToolContext, Worker, tool
from grpc_tool_bridge.errors import ToolExecutionError
from grpc_tool_bridge.schema import ToolFunction
from grpc_tool_bridge.testing import InMemoryBridge

Field = pydantic.Field


@tool
def ride(
    from_: Annotated[str, Field(alias="from", min_length=1)],
    to: str = Field("here", validation_alias="to-place"),
    *,
    stops: Annotated[list[str], Field(alias="via", default_factory=list)],
    context: ToolContext,
) -> list[Any]:
    """Rides.

    Args:
        from_: Where it begins.
    """
    return [from_, to, stops]


def gather(size: Annotated[int, Field(alias="n")], **rest: int) -> dict[str, int]:
    return {"size": size, **rest}


def called(fn: Any, *args: Any, **kwargs: Any) -> Any:
    positional, named = ToolFunction(fn).bind(args, kwargs)
    return fn(*positional, **named)


def test_the_alias_is_what_the_spec_and_the_schema_call_an_argument() -> None:
    spec = ToolFunction(ride).spec
    schema = json.loads(spec.input_schema)

    assert [each.name for each in spec.arguments] == ["from", "to-place", "via"]
    assert spec.arguments[0].description == "Where it begins."
    assert list(schema["properties"]) == ["from", "to-place", "via"]
    assert schema["properties"]["from"]["description"] == "Where it begins."
    assert schema["required"] == ["from"]


async def test_a_tool_is_called_by_place_or_by_its_aliases() -> None:
    async with (
        InMemoryBridge([ride], grace=10.0) as server,
        GRPCToolBridge(server.address, connect_timeout=30) as bridge,
    ):
        tools = await bridge.initialize("test")
        assert await tools["ride"]("a", "b") == ["a", "b", []]
        by_name = {"from": "a", "via": ["c"]}
        assert await tools["ride"](**by_name) == ["a", "here", ["c"]]
        for wrong in ({"from_": "a"}, {"from": "a", "to": "b"}):
            with pytest.raises(ToolExecutionError, match="has none of this name"):
                await tools["ride"](**wrong)
        with pytest.raises(ToolExecutionError, match='argument "from" of tool "ride"'):
            await tools["ride"](**{"from": ""})


def test_further_keywords_are_not_taken_for_a_parameter_that_has_an_alias() -> None:
    assert called(gather, n=1, m=2) == {"size": 1, "m": 2}
    with pytest.raises(ToolExecutionError, match='of this name, which is called "n"') as caught:
        called(gather, n=1, size=2)
    assert caught.value.details["argument"] == "size"


def test_names_may_change_places() -> None:
    def swap(a: Annotated[int, Field(alias="b")], b: Annotated[int, Field(alias="a")]) -> Any:
        return a, b

    assert called(swap, a=1, b=2) == (2, 1)


def test_what_names_no_one_argument_is_refused() -> None:
    def choice(
        a: Annotated[int, Field(validation_alias=pydantic.AliasChoices("x", "y"))],
    ) -> None: ...
    def path(a: Annotated[int, Field(validation_alias=pydantic.AliasPath("x", 0))]) -> None: ...
    def many(*a: Annotated[int, Field(alias="x")]) -> None: ...
    def twice(a: Annotated[int, Field(alias="b")], b: int) -> None: ...

    for fn in (choice, path, many):
        with pytest.raises(
            TypeError, match=r"of 'a' in .* is no name of one argument: give one text"
        ):
            Worker("localhost:1", tools=[fn])
    with pytest.raises(TypeError, match="are both called 'b': give one another"):
        ToolFunction(twice)


def test_an_alias_for_what_is_written_alone_says_nothing_of_an_argument() -> None:
    def f(a: Annotated[int, Field(serialization_alias="x")]) -> None: ...

    assert ToolFunction(f).spec.arguments[0].name == "a"
