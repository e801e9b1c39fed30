from __future__ import annotations

import pytest

from dspex_bridge_pb2 import Fragment, Frame, LinkMessage, ToolCallRequest
from grpc_tool_bridge.packing import (
    FULL_MESSAGE,
    FULL_WINDOW,
    MAX_FRAMES,
    MAX_PIECE,
    Assembler,
    Outbox,
    ProtocolViolationError,
    Window,
    body_tag,
    varint,
)

CALL = body_tag("call")


def _call(text=""):
    return ToolCallRequest(tool_id=text).SerializeToString()


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 16383, 16384, 2**32, 2**64 - 1])
def test_a_varint_is_what_protobuf_reads(number):
    assert LinkMessage.FromString(b"\x08" + varint(number)).ack == number


def test_a_queued_frame_is_what_protobuf_would_write():
    outbox = Outbox()
    outbox.put(300, CALL, _call("a"))
    outbox.put(0, CALL, _call("b"))
    frames = LinkMessage.FromString(outbox.take()).frames
    assert [(f.call_id, f.call.tool_id) for f in frames] == [(300, "a"), (0, "b")]
    assert not outbox
    assert outbox.size == 0


def test_a_message_has_at_most_512_frames():
    outbox = Outbox()
    for i in range(MAX_FRAMES + 10):
        outbox.put(i + 1, CALL, _call())
    assert len(LinkMessage.FromString(outbox.take()).frames) == MAX_FRAMES
    assert len(LinkMessage.FromString(outbox.take()).frames) == 10
    assert outbox.take() == b""


def test_a_message_ends_once_it_is_full():
    outbox = Outbox()
    for i in range(20):
        outbox.put(i + 1, CALL, _call("x" * 60_000))
    size = len(outbox.take())
    assert FULL_MESSAGE <= size < FULL_MESSAGE + MAX_PIECE + 100


def test_long_frames_take_turns_and_short_ones_pass():
    outbox = Outbox()
    outbox.put(1, CALL, _call("a" * 500_000))
    outbox.put(3, CALL, _call("b" * 500_000))
    outbox.put(5, CALL, _call("short"))
    outbox.put(1, CALL, _call("after"))
    order = []
    while outbox:
        order += [
            (f.call_id, f.WhichOneof("body")) for f in LinkMessage.FromString(outbox.take()).frames
        ]
    assert order[0] == (5, "call")
    assert [i for i, _ in order[1:7]] == [1, 3, 1, 3, 1, 3]
    of_first = [body for call_id, body in order if call_id == 1]
    assert of_first == ["fragment"] * 8 + ["call"]


def test_a_frame_over_the_transports_limit_is_refused():
    with pytest.raises(ValueError, match="message too large"):
        Outbox().put(1, CALL, b"x" * (17 << 20))


def test_what_is_cut_is_put_together():
    outbox = Outbox()
    frame = Frame(call_id=1, call=ToolCallRequest(tool_id="x" * 200_000)).SerializeToString()
    assembler = Assembler()
    parts = [assembler.add(piece.fragment) for piece in outbox.cut(1, frame)]
    assert parts[:-1] == [None, None, None]
    assert parts[-1] == frame


@pytest.mark.parametrize(
    "fragment",
    [
        Fragment(id=1, data=b"x"),
        Fragment(id=1, data=b"", total=2),
        Fragment(id=1, data=b"x" * (MAX_PIECE + 1), total=1 << 20),
        Fragment(id=1, data=b"xyz", total=2),
        Fragment(id=1, data=b"x", total=17 << 20),
    ],
)
def test_a_wrong_fragment_is_a_violation(fragment):
    with pytest.raises(ProtocolViolationError):
        Assembler().add(fragment)


def test_unfinished_fragments_are_bounded_and_forgotten():
    assembler = Assembler(max_unfinished=1)
    assembler.add(Fragment(id=1, data=b"x", total=2))
    with pytest.raises(ProtocolViolationError):
        assembler.add(Fragment(id=2, data=b"x", total=2))
    assembler.clear()
    assert assembler.add(Fragment(id=2, data=b"x", total=1)) == b"x"


def _fill(outbox, size, count=1):
    for _ in range(count):
        outbox.put(1, CALL, _call("x" * size))


def test_four_small_messages_may_be_under_way():
    window, outbox = Window(), Outbox()
    for _ in range(4):
        _fill(outbox, 10)
        assert window.next_frames(outbox)
    _fill(outbox, 10)
    assert not window.next_frames(outbox)
    assert window.acknowledge(1)
    assert not window.acknowledge(1)
    assert window.next_frames(outbox)
    assert len(window.unacknowledged) == 4


def test_full_messages_count_by_their_bytes():
    window, outbox = Window(), Outbox()
    _fill(outbox, 60_000, 400)
    sent = 0
    while body := window.next_frames(outbox):
        sent += len(body)
    assert FULL_WINDOW - 400_000 < sent <= FULL_WINDOW
    assert window.sent > 20
    window.acknowledge(window.sent)
    assert window.next_frames(outbox)


def test_a_message_full_of_small_frames_is_held_until_there_is_room():
    window, outbox = Window(), Outbox()
    for _ in range(4):
        _fill(outbox, 10)
        window.next_frames(outbox)
    _fill(outbox, 500, 2000)
    assert not window.next_frames(outbox)
    window.acknowledge(1)
    assert len(LinkMessage.FromString(window.next_frames(outbox)).frames) == MAX_FRAMES


def test_an_ack_that_cannot_be_is_a_violation():
    window, outbox = Window(), Outbox()
    _fill(outbox, 1)
    window.next_frames(outbox)
    with pytest.raises(ProtocolViolationError):
        window.acknowledge(2)
    window.acknowledge(1)
    with pytest.raises(ProtocolViolationError):
        window.acknowledge(0)


def test_a_stamp_tells_what_was_read():
    window = Window()
    window.received = 3
    assert window.owed == 3
    assert LinkMessage.FromString(window.stamp(b"")).ack == 3
    assert window.owed == 0
