"""Parameters with notes and defaults of pydantic's: what is registered, and what a call is given."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Annotated, Any, TypedDict

import annotated_types as at
import numpy as np
import pandas as pd
import pydantic
import pytest

from grpc_tool_bridge.errors import ToolExecutionError
from grpc_tool_bridge.schema import ToolFunction, json_schema, type_name


class Address(pydantic.BaseModel):
    street: str


def send(
    number: int = pydantic.Field(5, gt=0, description="how many"),
    address: Address = pydantic.Field(default_factory=lambda: Address(street="d")),  # noqa: B008
    *,
    rest: int = pydantic.Field(...),
    items: list[int] = pydantic.Field([]),  # noqa: B008
    text: Annotated[str, pydantic.Field("q", max_length=2)],
    other: int | None = pydantic.Field(None, gt=1),
) -> tuple[Any, ...]:
    return number, address, rest, items, text, other


def by_place(
    a: int = pydantic.Field(1), b: int = 2, c: int = pydantic.Field(3), /, d: int = 4, *more: int
) -> tuple[Any, ...]:
    return a, b, c, d, more


def late(a: int = 1, b: int = pydantic.Field(...)) -> tuple[int, int]:
    return a, b


def called(function: ToolFunction, *args: Any, **kwargs: Any) -> Any:
    given, named = function.bind(args, kwargs)
    return function.fn(*given, **named)


def test_defaults_of_fields_are_registered_with_their_notes():
    spec = ToolFunction(send).spec
    schema = json.loads(spec.input_schema)
    assert schema["required"] == ["rest"]
    assert schema["properties"]["number"] == {
        "type": "integer",
        "exclusiveMinimum": 0,
        "description": "how many",
        "default": 5,
    }
    arguments = {argument.name: argument for argument in spec.arguments}
    assert [name for name in arguments if arguments[name].required] == ["rest"]
    assert arguments["number"].description == "how many"
    assert arguments["other"].nullable
    assert not arguments["address"].HasField("default_value")


@pytest.mark.parametrize(
    ("args", "kwargs", "got"),
    [
        ((), {"rest": 1}, (5, Address(street="d"), 1, [], "q", None)),
        (
            (3, {"street": "e"}),
            {"rest": 1, "items": [2], "text": "z", "other": 2},
            (3, Address(street="e"), 1, [2], "z", 2),
        ),
        ((), {"rest": 1, "other": None}, (5, Address(street="d"), 1, [], "q", None)),
    ],
)
def test_arguments_that_are_left_out_have_the_defaults_of_their_fields(args, kwargs, got):
    assert called(ToolFunction(send), *args, **kwargs) == got


def test_a_default_is_made_anew_for_each_call():
    function = ToolFunction(send)
    first, second = called(function, rest=1), called(function, rest=1)
    assert first[1] is not second[1]
    assert first[3] is not second[3]


@pytest.mark.parametrize(
    ("args", "got"), [((), (1, 2, 3, 4, ())), ((9,), (9, 2, 3, 4, ())), ((9, 8, 7, 6, 5), None)]
)
def test_defaults_of_arguments_that_are_taken_by_position_only(args, got):
    assert called(ToolFunction(by_place), *args) == (got or (9, 8, 7, 6, (5,)))


def test_a_field_without_a_default_is_required_also_behind_one_that_has_one():
    assert called(ToolFunction(late), b=2) == (1, 2)
    with pytest.raises(ToolExecutionError, match='"b" of tool "late": missing'):
        called(ToolFunction(late))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"rest": 1, "number": 0}, '"number" of tool "send": Input .*greater than 0, got 0'),
        ({"rest": 1, "text": "zzz"}, r'"text" of tool "send": String .*at most 2 .*, got .zzz.'),
        ({"rest": 1, "other": 1}, '"other" .*greater than 1'),
        ({}, '"rest" .*missing'),
    ],
)
def test_notes_of_fields_are_applied_to_arguments(kwargs, message):
    with pytest.raises(ToolExecutionError, match=message):
        called(ToolFunction(send), **kwargs)


@pytest.mark.parametrize(
    ("hint", "name", "schema"),
    [
        (pydantic.condecimal(max_digits=3), "Decimal", {"x-type": "Decimal"}),
        (pydantic.conset(int, min_length=1), "set", {"x-type": "set"}),
        (pydantic.condate(gt=dt.date(2020, 1, 1)), "date", {"x-type": "date"}),
        (Annotated[Decimal, at.Gt(0)], "Decimal", {"x-type": "Decimal"}),
        (Annotated[bytes, at.MinLen(1)], "bytes", {"x-type": "bytes"}),
        (pydantic.AwareDatetime, "datetime", {"x-type": "datetime"}),
        (pydantic.PastDate, "date", {"x-type": "date"}),
        (pydantic.UUID4, "UUID", {"x-type": "UUID"}),
        (pydantic.Base64Bytes, "any", {"type": "string", "format": "base64"}),
        (pydantic.SecretBytes, "any", {"type": "string", "format": "password", "writeOnly": True}),
        (np.int64, "int", {"type": "integer"}),
        (np.float32, "float", {"type": "number"}),
        (pd.Timestamp, "datetime", {"x-type": "datetime"}),
    ],
)
def test_what_is_said_of_hints_that_pydantic_or_a_library_makes(hint, name, schema):
    assert type_name(hint) == (name, False)
    assert json_schema(hint) == schema


def test_a_url_is_a_text_in_the_schema():
    assert json_schema(list[pydantic.HttpUrl])["items"]["format"] == "uri"


def test_a_note_inside_of_a_typed_dict_is_applied_and_in_the_schema():
    class Item(TypedDict):
        n: Annotated[int, pydantic.Field(gt=0)]

    def take(item: Any) -> Any:
        return item

    take.__annotations__["item"] = Annotated[Item, {"maxProperties": 1}]
    function = ToolFunction(take)
    schema = json.loads(function.spec.input_schema)["properties"]["item"]
    assert schema["properties"]["n"] == {"type": "integer", "exclusiveMinimum": 0}
    assert called(function, {"n": 1}) == {"n": 1}
    with pytest.raises(ToolExecutionError, match=r"at \$.n: Input .*greater than 0, got 0"):
        called(function, {"n": 0})


def test_keywords_of_a_dict_are_checked_beside_notes_of_pydantics():
    def take(items: Any) -> Any:
        return items

    take.__annotations__["items"] = Annotated[
        list[Annotated[str, pydantic.StringConstraints(strip_whitespace=True, max_length=1)]],
        {"maxItems": 2},
    ]
    function = ToolFunction(take)
    assert called(function, [" a "]) == ["a"]
    with pytest.raises(ToolExecutionError, match="too long"):
        called(function, ["a", "b", "c"])


def test_a_hint_that_pydantic_cannot_read_is_refused_when_the_tool_is_made():
    class Odd:
        @classmethod
        def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
            raise LookupError("no schema")

    def take(odd: Any) -> Any:
        return odd

    take.__annotations__["odd"] = Odd
    with pytest.raises(TypeError, match="cannot read the notes on the hint Odd"):
        ToolFunction(take)
