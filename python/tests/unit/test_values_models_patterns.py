"""Patterns in fields of models, which pydantic writes as their texts."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value


class Search(BaseModel):
    """A model that holds one."""

    text: re.Pattern[str]


@pytest.mark.parametrize("pattern", ["a+", "(?i)a", "(?x) a  # b"])
def test_a_pattern_comes_back(pattern: str) -> None:
    sent = Search(text=re.compile(pattern))

    assert deserialize_value(serialize_value(sent), Search) == sent


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (Search(text=re.compile("a", re.IGNORECASE)), r"\$\.text"),
        (Search(text=re.compile("(?i)a", re.DOTALL)), r"\$\.text"),
    ],
)
def test_a_pattern_with_flags_beside_it_is_refused(sent: Search, path: str) -> None:
    with pytest.raises(
        SerializationError, match=rf"{path}: .*without its flags.*write them into it"
    ):
        serialize_value(sent)
