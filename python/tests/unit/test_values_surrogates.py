"""Lone surrogates in values and in the names of tables: what is said of them, and where they are."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import serialize_value, to_json
from grpc_tool_bridge.values.scalars import encode_scalar

HALF = "a\ud800"
SAID = "str has a lone surrogate at character 1, which UTF-8 cannot carry: send bytes"
LEVELS = pd.MultiIndex.from_tuples([(1, 2)], names=["x", HALF])


@pytest.mark.parametrize("encoder", [serialize_value, to_json, encode_scalar])
def test_a_text_alone_is_refused_as_one_inside(encoder: Any) -> None:
    with pytest.raises(SerializationError) as caught:
        encoder(HALF)

    assert (str(caught.value), caught.value.path) == (f"SerializationError: $: {SAID}", "$")


@pytest.mark.parametrize(
    ("table", "path", "what"),
    [
        (pd.DataFrame({"a": [1]}, pd.RangeIndex(1, name=HALF)), "$.index", "the index"),
        (pd.DataFrame({"a": [1]}, pd.Index([5], name=HALF)), "$.index", "the index"),
        (pd.DataFrame({"a": [1]}, pd.Index(["x"], name=HALF)), "$.index", "the index"),
        (pd.DataFrame({"a": [1]}, pd.Index([5], name=(1, HALF))), "$.index", "the index"),
        (pd.DataFrame([[1, 2]], pd.Index([5], name=HALF), [1, 1]), "$.index", "the index"),
        (pd.DataFrame({"a": [1]}, LEVELS), "$.index[1]", "level 1 of the index"),
        (pd.Series([1], pd.Index([5], name=HALF)), "$.index", "the index"),
        (pd.DataFrame([[1]], columns=pd.Index(["a"], name=HALF)), "$", "the columns"),
        (pd.DataFrame([[1]], columns=LEVELS), "$", "the columns"),
        (pd.Series([1], name=HALF), "$", "the series"),
        (pd.Series([1], name=("x", HALF)), "$", "the series"),
    ],
)
def test_a_name_in_a_table_is_refused_where_it_is(table: Any, path: str, what: str) -> None:
    for value, at in ((table, path), ([table], path.replace("$", "$[0]"))):
        with pytest.raises(SerializationError) as caught:
            serialize_value(value)

        assert caught.value.path == at
        assert caught.value.message == f"{at}: the name of {what}, {HALF!r}, cannot be sent: {SAID}"
