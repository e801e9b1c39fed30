"""The fields of an exception: each has a name, those of a dataclass are all there, and a refusal names the part."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from grpc_tool_bridge import deserialize_value, serialize_value
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import Record, to_json


@dataclasses.dataclass
class TwoFieldsError(Exception):
    a: int
    b: str = "x"
    c: list[int] = dataclasses.field(default_factory=list[int])
    late: int = dataclasses.field(init=False)


@dataclasses.dataclass
class MessageError(Exception):
    code: int
    message: str = "none"


class TextlessError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text today")


@pytest.mark.parametrize("hint", [Exception, ValueError], ids=str)
@pytest.mark.parametrize(
    ("value", "path", "got"),
    [
        ({1: 2}, "$[1]", "int"),
        ({"message": "m", None: 2}, "$[null]", "None"),
        ({"message": "m", "attributes": {b"k": 2}}, '$.attributes[{"$bytes":"aw=="}]', "bytes"),
    ],
    ids=str,
)
def test_a_name_that_is_no_text_is_refused(hint: Any, value: object, path: str, got: str) -> None:
    with pytest.raises(SerializationError) as refused:
        deserialize_value(serialize_value(value), hint)
    told = f"{path}: want a str as the name of a field, got {got}"
    assert (refused.value.path, refused.value.message) == (path, told)


@pytest.mark.parametrize(
    "value",
    [
        {"message": "m"},
        Record("TwoFieldsError", {"message": "m"}),
        Record("TwoFieldsError", {"message": "m", "args": ("m", 2), "b": "y"}),
        {},
    ],
    ids=str,
)
def test_a_field_of_a_dataclass_without_a_default_has_to_be_there(value: object) -> None:
    with pytest.raises(SerializationError, match="TwoFieldsError has no field 'a'") as refused:
        deserialize_value(serialize_value(value), TwoFieldsError)
    assert refused.value.path == "$.a"


def test_one_with_a_default_has_that() -> None:
    value = {"message": "m", "a": 1}
    got, other = (deserialize_value(serialize_value(value), TwoFieldsError) for _ in range(2))
    assert (str(got), vars(got)) == ("m", {"a": 1, "b": "x", "c": []})
    assert got.c is not other.c
    got = deserialize_value(
        serialize_value({"message": "m", "args": ["m"], "code": 1}), MessageError
    )
    assert (str(got), got.message, got.code) == ("m", "none", 1)


def test_an_argument_without_an_encoding_is_named_before_the_text_that_it_has_not() -> None:
    many = 10**4300
    told = r"\$\.args\[1\]: int has more than 4300 digits"
    for encode in (serialize_value, to_json):
        with pytest.raises(SerializationError, match=told) as refused:
            encode(ValueError(1, many))
        assert refused.value.path == "$.args[1]"
        with pytest.raises(SerializationError) as refused:
            encode([{"k": KeyError(many)}])
        assert refused.value.path == "$[0].k.args[0]"


def test_of_an_exception_whose_text_raises_that_is_told() -> None:
    with pytest.raises(SerializationError, match="no text today"):
        serialize_value(TextlessError("m"))
