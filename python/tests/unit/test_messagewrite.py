"""Every SDK writes the JSON of a message alike, and reads the same message of it again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grpc_tool_bridge.values import any_from_json, from_json, serialize_value, to_json

TABLE = Path(__file__).parents[3] / "value" / "testdata" / "messages.json"
TEXTS = json.loads(TABLE.read_text(encoding="utf-8"))["texts"]


@pytest.mark.parametrize("text", TEXTS)
def test_messages_are_written_alike_in_every_sdk(text: str) -> None:
    assert to_json(any_from_json(text)) == text


@pytest.mark.parametrize("text", TEXTS)
def test_messages_that_are_values_are_written_as_they_were_read(text: str) -> None:
    assert to_json(serialize_value(from_json(text))) == text
