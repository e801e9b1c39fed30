"""Every SDK writes the JSON of a message alike, and reads the same message of it again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grpc_tool_bridge.values import any_from_json, to_json

TABLE = Path(__file__).parents[3] / "value" / "testdata" / "messages.json"
TEXTS = json.loads(TABLE.read_text(encoding="utf-8"))["texts"]


@pytest.mark.parametrize("text", TEXTS)
def test_messages_are_written_alike_in_every_sdk(text):
    assert to_json(any_from_json(text)) == text
