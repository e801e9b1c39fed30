"""Names of classes and members that UTF-8 cannot carry are refused where they stand, as in every SDK."""

from __future__ import annotations

import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import EnumValue, Record, serialize_value

HALF = "a\ud800"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (EnumValue(HALF, "A", 1), "$"),
        (EnumValue("C", HALF, 1), "$[key 0]"),
        (EnumValue(HALF, "A", [1, HALF]), "$.value[1]"),
        ({"a": [EnumValue(HALF, "A", 1)]}, "$.a[0]"),
        ([Record(HALF, {"a": 1})], "$[0]"),
        ([Record(HALF, {"a": HALF})], "$[0].a"),
        ([Record("C", {"b": 1, HALF: 1})], "$[0][key 1]"),
    ],
)
def test_names_that_are_no_texts_are_refused_with_their_path(value, path):
    with pytest.raises(SerializationError, match=r"lone surrogate|UTF-8 can carry") as caught:
        serialize_value(value)
    assert caught.value.path == path
