"""Parameters that could be given nothing are refused when the tool is made, not with each call."""

from __future__ import annotations

import collections.abc as abc
import re
import typing
from typing import Annotated, Any

import pydantic
import pytest
import typing_extensions as tx

from grpc_tool_bridge import Worker
from grpc_tool_bridge.schema import ToolFunction, input_properties


class Options(tx.TypedDict):
    size: int


def made_of(hint: Any) -> ToolFunction:
    def paint(x: Any) -> None: ...

    paint.__annotations__["x"] = hint
    return ToolFunction(paint)


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        (abc.Callable, "Callable"),
        (typing.Callable[[int], int], "Callable"),
        (Annotated[abc.Callable[..., Any], "a text"], "Callable"),
        (abc.Callable | re.Pattern, "Callable"),
        (re.Pattern[str], "Pattern"),
        (type[int], "type"),
        (slice, "slice"),
        (abc.Generator[int, None, None], "Generator"),
        (abc.AsyncIterator[int], "AsyncIterator"),
        (abc.Awaitable[int], "Awaitable"),
        (abc.KeysView[str], "KeysView"),
        (typing.NoReturn, "NoReturn"),
        (tx.Never, "Never"),
    ],
    ids=repr,
)
def test_a_parameter_that_nothing_fits_is_refused(hint: Any, shown: str) -> None:
    with pytest.raises(TypeError) as caught:
        made_of(hint)

    text = str(caught.value)
    assert shown in text
    assert " of 'x' in " in text
    assert "paint takes no value that travels: declare what does" in text


def test_a_worker_refuses_it_too_and_a_default_does_not_help() -> None:
    def paint(shape: abc.Callable[[], int] = int) -> None: ...

    with pytest.raises(TypeError, match="of 'shape' in"):
        Worker("localhost:1", tools=[paint])


def test_keywords_that_nothing_fits_are_refused() -> None:
    def paint(**options: tx.Unpack[Options]) -> None: ...

    with pytest.raises(TypeError, match="of 'options' in"):
        ToolFunction(paint)


@pytest.mark.parametrize(
    "hint",
    [
        abc.Callable[[], int] | None,
        abc.Callable | int,
        Annotated[re.Pattern[str], pydantic.BeforeValidator(re.compile)],
        abc.Hashable,
        typing.SupportsInt,
        abc.Iterator[int],
        Any,
    ],
    ids=repr,
)
def test_a_parameter_that_something_fits_is_taken(hint: Any) -> None:
    assert made_of(hint).spec.arguments[0].name == "x"


def test_a_parameter_whose_default_is_none_takes_none() -> None:
    def paint(shape: abc.Callable[[], int] = None) -> None: ...  # noqa: RUF013 - it is the point

    assert ToolFunction(paint).bind([None], {}) == ([None], {})


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (typing.Optional[abc.Callable[..., Any]], {"type": "null"}),  # noqa: UP045 - as many write it
        (Annotated[abc.Callable[[], int] | None, "a note"], {"type": "null"}),
        (abc.Callable | re.Pattern | None, {"type": "null"}),
        (abc.Callable | int, {"type": "integer"}),
        (abc.Callable | int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (list[abc.Callable | None], {"type": "array", "items": {"type": "null"}}),
    ],
    ids=repr,
)
def test_the_schema_shows_what_fits_alone(hint: Any, schema: dict[str, Any]) -> None:
    shown = input_properties(made_of(hint).spec)["x"]

    assert {name: shown[name] for name in schema} == schema
    assert "anyOf" in schema or "anyOf" not in shown


def test_the_schema_of_a_function_that_is_none_by_default_shows_null() -> None:
    def paint(shape: abc.Callable[[], int] = None) -> None: ...  # noqa: RUF013 - it is the point

    assert input_properties(ToolFunction(paint).spec)["shape"] == {"type": "null", "default": None}


def test_a_field_of_a_model_shows_what_pydantic_takes_for_it() -> None:
    class Search(pydantic.BaseModel):
        pattern: re.Pattern[str] | None = None

    assert made_of(Search).bind([{"pattern": "a+"}], {})[0][0].pattern == re.compile("a+")
    shown = input_properties(made_of(Search).spec)["x"]["properties"]["pattern"]
    assert shown["anyOf"][0] != {"type": "null"}
