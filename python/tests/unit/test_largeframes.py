"""Frames with large values, read in place: what is read so is what protobuf reads, and nothing that it refuses."""

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex_bridge_pb2 import (
    Credit,
    ErrorInfo,
    ExecutionMetrics,
    Fragment,
    Frame,
    LinkMessage,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
)
from grpc_tool_bridge import deserialize_value, serialize_value
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.largeframes import (
    LARGE_FRAME,
    LargeFragment,
    LargeFrame,
    read_frame,
    read_message,
    value_offset,
)
from grpc_tool_bridge.packing import Assembler, Outbox, body_tag
from grpc_tool_bridge.values.large import LargeValue

BYTES = serialize_value(b"x" * 20_000)


def _chunk(value, sequence=3, **fields):
    return ToolStreamChunk(sequence=sequence, content=ToolStreamContent(data=value), **fields)


def _messages():
    """Frames as senders write them, of every kind that is read in place and some that are not."""
    values = [BYTES, serialize_value("ä" * 9000), AnyMessage(type_url="t/ü", value=b"y" * 9000)]
    for value in values:
        yield Frame(call_id=1, chunk=_chunk(value))
        yield Frame(call_id=1 << 40, chunk=_chunk(value, sequence=0))
        yield Frame(call_id=300, result=ToolCallResponse(success=True, result=value))
    metrics = ExecutionMetrics(execute_ms=1.5)
    yield Frame(
        call_id=5,
        result=ToolCallResponse(
            success=True, result=BYTES, metrics=metrics, request_id="r", replayed=True
        ),
    )
    yield Frame(call_id=7, fragment=Fragment(id=1, data=b"z" * 9000, total=70_000))
    yield Frame(call_id=7, fragment=Fragment(id=200, data=b"z" * 65_536))
    yield Frame(call_id=9, chunk=_chunk(BYTES, stream_id="s"))
    yield Frame(
        call_id=9, result=ToolCallResponse(success=False, error=ErrorInfo(message="m" * 9000))
    )
    yield Frame(chunk=_chunk(BYTES))
    yield Frame(call_id=11, credit=Credit(bytes=5))


FRAMES = list(_messages())


def _as_message(read):
    """What was read in place, as protobuf's message."""
    body = read.body
    if isinstance(body, LargeFragment):
        fragment = Fragment(id=body.id, total=body.total, data=bytes(body.data))
        return Frame(call_id=read.call_id, fragment=fragment)
    if hasattr(body, "sequence"):
        return Frame(call_id=read.call_id, chunk=body.message())
    return Frame(call_id=read.call_id, result=body.message())


def _parsed(cls, data):
    try:
        return cls.FromString(data)
    except DecodeError:
        return None


@pytest.mark.parametrize("frame", FRAMES[:12], ids=lambda frame: frame.WhichOneof("body"))
def test_a_frame_is_read_as_protobuf_reads_it(frame):
    data = frame.SerializeToString()
    read = read_frame(memoryview(data))
    assert read is not None
    assert read.size == len(data)
    assert _as_message(read) == frame


@pytest.mark.parametrize("frame", FRAMES[12:], ids=lambda frame: frame.WhichOneof("body"))
def test_a_frame_that_is_not_as_senders_write_it_is_left_to_protobuf(frame):
    assert read_frame(memoryview(frame.SerializeToString())) is None


@given(st.data())
@settings(max_examples=1000, deadline=None)
def test_whatever_bytes_come_what_is_read_is_what_protobuf_reads(data):
    whole = bytearray(data.draw(st.sampled_from(FRAMES)).SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, min(40, len(whole))) | st.integers(0, len(whole)))
        cut = data.draw(st.integers(0, 3))
        whole[at : at + cut] = data.draw(
            st.binary(max_size=3)
            | st.sampled_from([b"\x80\x00", b"\x0b", b"\xff" * 10, b"\x1a\x00"])
        )
    read = read_frame(memoryview(whole))
    if read is not None:
        assert _as_message(read) == _parsed(Frame, bytes(whole))


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_whatever_message_comes_what_is_read_is_what_protobuf_reads(data):
    some = data.draw(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=4))
    whole = bytearray(
        LinkMessage(ack=data.draw(st.integers(0, 1 << 20)), frames=some).SerializeToString()
    )
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, 40) | st.integers(0, len(whole)))
        whole[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    read = read_message(bytes(whole))
    if read is not None:
        ack, frames = read
        again = [_as_message(f) if isinstance(f, LargeFrame) else f for f in frames]
        assert LinkMessage(ack=ack, frames=again) == _parsed(LinkMessage, bytes(whole))


def test_a_message_of_small_frames_is_left_to_protobuf():
    small = [Frame(call_id=1, credit=Credit(bytes=i + 1)) for i in range(2000)]
    assert read_message(LinkMessage(ack=1, frames=small).SerializeToString()) is None
    large = Frame(call_id=1, chunk=_chunk(BYTES))
    message = LinkMessage(ack=1, frames=[*small[:16], large])
    read = read_message(message.SerializeToString())
    assert read is not None
    assert read[0] == 1
    assert [isinstance(frame, LargeFrame) for frame in read[1]] == [False] * 16 + [True]


def test_a_value_does_not_keep_a_message_that_is_much_longer():
    value = serialize_value(b"x" * LARGE_FRAME)
    frames = [Frame(call_id=1, chunk=_chunk(value, sequence=i)) for i in range(40)]
    assert read_message(LinkMessage(frames=frames).SerializeToString()) is None
    assert read_message(LinkMessage(frames=frames[:8]).SerializeToString()) is not None


@pytest.mark.parametrize(
    "value",
    [b"", b"x" * 100_000, "ä" * 50_000, "", 5, None, [1, 2], {"a": b"x"}],
    ids=lambda value: type(value).__name__,
)
def test_a_value_in_place_is_decoded_as_any_other(value):
    encoded = serialize_value(value)
    large = LargeValue(encoded.type_url, memoryview(encoded.value))
    decoded = large.decode()
    assert decoded == value
    assert type(decoded) is type(value)
    assert large.message() == encoded


def test_a_value_in_place_fits_its_hint_or_says_so():
    encoded = serialize_value(b"x" * 10)
    large = LargeValue(encoded.type_url, memoryview(encoded.value))
    assert large.decode(bytes) == b"x" * 10
    with pytest.raises(SerializationError):
        large.decode(int)


@pytest.mark.parametrize(
    "data",
    [b"\x0a\x05abc", b"\x0a\x03\xff\xff\xff", b"\x0a\x02abc", b"\x08\x01", b"\x0a\x81"],
    ids=["truncated", "no UTF-8", "surplus", "another field", "half a length"],
)
def test_a_malformed_text_in_place_is_refused_with_the_same_words(data):
    url = serialize_value("x").type_url
    with pytest.raises(SerializationError) as ours:
        LargeValue(url, memoryview(data)).decode()
    with pytest.raises(SerializationError) as theirs:
        deserialize_value(AnyMessage(type_url=url, value=data))
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("size", [70_000, 300_001])
@pytest.mark.parametrize(
    "frame",
    [
        lambda value: Frame(call_id=300, chunk=_chunk(value)),
        lambda value: Frame(call_id=1, result=ToolCallResponse(success=True, result=value)),
    ],
    ids=["chunk", "result"],
)
def test_a_value_of_pieces_lies_where_numbers_may(size, frame):
    value = AnyMessage(type_url="t/t", value=bytes(size))
    data = frame(value).SerializeToString()
    assert data[value_offset(data) :].startswith(bytes(size))
    outbox, assembler = Outbox(), Assembler()
    pieces = [LinkMessage.FromString(b"".join(p.parts)).frames[0] for p in outbox.cut(1, b"", data)]
    whole = [assembler.add(piece.fragment) for piece in pieces][-1]
    assert whole == data
    read = read_frame(whole)
    assert _address(read.body) % 16 == 0


def _address(body):
    import numpy as np

    value = body.content.data if hasattr(body, "content") else body.result
    return np.frombuffer(value.value, np.uint8).ctypes.data


@given(st.binary(max_size=40))
def test_the_place_of_a_value_is_told_of_any_bytes(data):
    assert value_offset(data) >= 0


def test_the_place_of_a_value_is_not_told_of_other_frames():
    call = b"\x08\x01" + body_tag("call") + b"\x03abc"
    assert value_offset(call) == 0
    assert (
        value_offset(Frame(call_id=1, chunk=_chunk(BYTES, stream_id="s")).SerializeToString()) == 0
    )
