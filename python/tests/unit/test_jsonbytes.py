"""JSON texts given as bytes: they are UTF-8, and the byte that is none is told by its place."""

from __future__ import annotations

from typing import Any

import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import any_from_json, from_json

TEXT = '{"é":["😀",{"$bytes":"AA=="}]}'


@pytest.mark.parametrize(
    "given", [TEXT.encode(), bytearray(TEXT.encode())], ids=["bytes", "bytearray"]
)
def test_bytes_are_read_as_their_text(given: bytes | bytearray) -> None:
    assert from_json(given) == {"é": ["😀", b"\x00"]}
    assert any_from_json(given) == any_from_json(TEXT)


@pytest.mark.parametrize(
    ("given", "path", "byte", "offset"),
    [
        (b"\xff", "$", "0xff", 0),
        (b'"a\xff"', "$", "0xff", 2),
        (b'{"\xc3\xa9":[1,"\xc3\xa9\x80"]}', "$.é[1]", "0x80", 12),
        (b'{"a\xff":1}', "$", "0xff", 3),
        (b'{"a":["\xed\xa0\x80"]}', "$.a[0]", "0xed", 7),
        (b"[1,\xff]", "$", "0xff", 3),
        (b"[1]\xff", "$", "0xff", 3),
        ("[1]".encode("utf-16"), "$", "0xff", 0),
    ],
)
def test_a_byte_that_is_no_utf_8_is_told_by_its_place(
    given: bytes, path: str, byte: str, offset: int
) -> None:
    with pytest.raises(SerializationError) as caught:
        from_json(given)

    assert caught.value.path == path
    assert f"not UTF-8: byte {byte} at offset {offset}" in caught.value.message


def test_the_first_fault_of_a_text_is_told() -> None:
    with pytest.raises(SerializationError, match="lone surrogate") as half:
        from_json(b'["\\ud800","\xff"]')
    with pytest.raises(SerializationError, match="not JSON: Expecting value"):
        from_json(b'[,"\xff"]')

    assert half.value.path == "$[0]"


@pytest.mark.parametrize("given", [None, 3, memoryview(b"1")])
def test_what_is_neither_a_text_nor_bytes_is_a_type_error(given: Any) -> None:
    with pytest.raises(
        TypeError, match=f"want JSON as str, bytes or bytearray, got {type(given).__name__}"
    ):
        from_json(given)
