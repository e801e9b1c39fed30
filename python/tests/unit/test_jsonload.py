"""JSON texts: what is refused before they are read, and where half of a character stands in one that has no end."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import from_json
from grpc_tool_bridge.values.jsonload import parts_of

MOST = 10 * 1024 * 1024


def counted(tree: Any) -> int:
    if isinstance(tree, dict):
        tree = list(cast("dict[str, Any]", tree).values())
    return 1 + sum(map(counted, cast("list[Any]", tree))) if isinstance(tree, list) else 1


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "null",
        '"a,b[{}]"',
        "[]",
        "{ }",
        "[ \n]",
        "[1]",
        "[1,2.5,true]",
        '{"a,":[{},[],[[]]],"[":"]"}',
        r'["\"","\\",",\\\",",{"\\":"\\\\"}]',
        '{"$map":[[1,{"$bytes":"AA=="}],["",[]]]}',
    ],
)
def test_the_parts_of_a_text_are_counted_as_they_are_read(text: str) -> None:
    assert parts_of(text) == counted(json.loads(text))


def test_a_text_of_more_parts_than_a_message_has_bytes_is_refused_before_it_is_read() -> None:
    text = "[" + "0," * (MOST - 1) + "no JSON"  # which nobody comes to

    with pytest.raises(SerializationError, match="message too large: the value has more") as caught:
        from_json(text)

    assert caught.value.path == "$"


def test_a_long_text_with_few_parts_is_read() -> None:
    commas = "," * MOST

    assert from_json(json.dumps([commas])) == [commas]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r'["a\ud800', "$[0]"),
        (r'["a\ud800 ', "$[0]"),
        (r'["a\udc00 ', "$[0]"),
        (r'{"k":[0,"a\ud800x', "$.k[1]"),
        (r'{"k\ud800 ', "$"),
        (r'["ab', "$"),
        (r'["a" "\ud800"]', "$"),
        (r'[1 "\ud800 ', "$"),
        (r'{"a" "\ud800"', "$"),
        ('["a\ud800', "$"),
        ('["a\ud800"', "$[0]"),
    ],
)
def test_half_of_a_character_in_a_text_without_an_end_is_refused_by_its_path(
    text: str, path: str
) -> None:
    with pytest.raises(SerializationError) as caught:
        from_json(text)

    assert caught.value.path == path
    is_half = path != "$" or text.startswith('{"k')
    assert ("a lone surrogate" in caught.value.message) == is_half
