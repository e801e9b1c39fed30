from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dspex_bridge_pb2 import Fragment, Frame, LinkMessage, ToolCallRequest
from grpc_tool_bridge.packing import (
    FULL_MESSAGE,
    FULL_WINDOW,
    MAX_FRAMES,
    MAX_PIECE,
    SMALL_WINDOW,
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


def _taken(outbox):
    while outbox:
        yield outbox.take()
    assert outbox.size == 0


def _arrived(messages):
    """The calls' names of each call, in the order in which their frames are whole."""
    assembler, order = Assembler(), {}
    for message in map(LinkMessage.FromString, messages):
        assert len(message.frames) <= MAX_FRAMES
        for piece in message.frames:
            frame = piece
            if piece.HasField("fragment"):
                whole = assembler.add(piece.fragment)
                if whole is None:
                    continue
                frame = Frame.FromString(whole)
            order.setdefault(frame.call_id, []).append(frame.call.tool_id.strip())
    return order


def test_a_cut_frame_does_not_overtake_a_short_one_of_its_call():
    outbox = Outbox()
    for _ in range(10):
        outbox.put(1, CALL, _call("x" * 60_000))
    outbox.put(3, CALL, _call("a"))
    outbox.put(3, CALL, _call("b" + " " * 66_000))
    outbox.put(3, CALL, _call("c"))
    assert _arrived(_taken(outbox))[3] == ["a", "b", "c"]


def test_a_cut_frame_leaves_with_the_message_of_what_was_queued_before():
    outbox = Outbox()
    outbox.put(1, CALL, _call("a"))
    outbox.put(3, CALL, _call("b" * 66_000))
    outbox.put(5, CALL, _call("c"))
    frames = LinkMessage.FromString(outbox.take()).frames
    assert [f.call_id for f in frames] == [1, 5, 3, 3]


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.integers(0, 1),
                st.sampled_from([0, 60_000, 66_000, 300_000]),
                st.sampled_from([1, 3, 300]),
            ),
            st.none(),  # a message leaves
        ),
        max_size=30,
    )
)
@example([(0, 60_000, 300), (1, 0, 1), (1, 66_000, 1), (1, 0, 300), None])
@settings(max_examples=60, deadline=None)
def test_the_frames_of_each_call_keep_their_order(steps):
    outbox, put, messages = Outbox(), {}, []
    for step in steps:
        if step is None:
            messages.append(outbox.take())
            continue
        call_id, size, count = step
        for _ in range(count if not size else 1 if size > MAX_PIECE else min(count, 5)):
            names = put.setdefault(call_id + 1, [])
            names.append(str(len(names)))
            outbox.put(call_id + 1, CALL, _call(names[-1] + " " * size))
    messages.extend(_taken(outbox))
    assert _arrived(messages) == put


def test_a_frame_over_the_transports_limit_is_refused():
    with pytest.raises(ValueError, match="message too large"):
        Outbox().put(1, CALL, b"x" * (17 << 20))


def test_what_is_cut_is_put_together():
    outbox = Outbox()
    frame = Frame(call_id=1, call=ToolCallRequest(tool_id="x" * 200_000)).SerializeToString()
    assembler = Assembler()
    parts = [
        assembler.add(LinkMessage.FromString(b"".join(piece.parts)).frames[0].fragment)
        for piece in outbox.cut(1, frame[:5], frame[5:])
    ]
    assert parts[:-1] == [None, None, None]
    assert parts[-1] == frame


@pytest.mark.parametrize("size", [1, MAX_PIECE - 6, MAX_PIECE - 5, MAX_PIECE, 3 * MAX_PIECE - 5])
@pytest.mark.parametrize("call_id", [0, 1, 300])
def test_a_piece_is_written_as_protobuf_would_write_it(size, call_id):
    head, body = b"h" * 5, bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    frame, pieces = head + body, list(Outbox().cut(call_id, head, body))
    for index, piece in enumerate(pieces):
        data = frame[index * MAX_PIECE : (index + 1) * MAX_PIECE]
        fragment = Fragment(id=1, data=data, total=0 if index else len(frame))
        message = LinkMessage(frames=[Frame(call_id=call_id, fragment=fragment)])
        entry = b"".join(piece.parts)
        assert entry == message.SerializeToString()
        assert (piece.length, piece.frame) == (len(entry), message.frames[0].ByteSize())
        assert piece.size == len(data)
    assert len(pieces) == -(-len(frame) // MAX_PIECE)


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


def _frames(sizes):
    """An outbox with frames of exactly so many bytes."""
    outbox = Outbox()
    for size in sizes:
        beside = Frame(call_id=1, call=ToolCallRequest(tool_id="x" * size)).ByteSize() - size
        outbox.put(1, CALL, _call("x" * (size - beside)))
    return outbox


@pytest.mark.parametrize("piece", [MAX_PIECE, 512])
def test_a_message_is_full_by_the_bytes_of_its_frames_without_their_tags(piece):
    count = FULL_MESSAGE // piece
    full, less = [piece] * count, [piece] * (count - 1) + [piece - 1]
    window = Window()
    for _ in range(SMALL_WINDOW):
        body = window.next_frames(_frames(less))
        assert len(body) > FULL_MESSAGE
        assert sum(f.ByteSize() for f in LinkMessage.FromString(body).frames) == FULL_MESSAGE - 1
    for _ in range(FULL_WINDOW // FULL_MESSAGE):
        body = window.next_frames(_frames(full))
        assert sum(f.ByteSize() for f in LinkMessage.FromString(body).frames) == FULL_MESSAGE
    assert not window.next_frames(_frames(full)), "8 MiB are under way"
    window.acknowledge(SMALL_WINDOW + 1)
    assert window.next_frames(Outbox()), "it was held"


def test_a_message_of_four_whole_pieces_is_full():
    window, outbox = Window(), Outbox()
    outbox.put(1, CALL, _call("x" * (4 << 20)))
    while window.next_frames(outbox):
        pass
    assert window.sent == 17, "they are not among the four"


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


@pytest.mark.parametrize("bits", [0, 7, 10, 14, 16, 21, 28, 35, 63])
def test_whole_numbers_around_each_length_are_written_as_protobuf_writes_them(bits):
    for number in {max(0, (1 << bits) - 1), 1 << bits, (1 << bits) + 1}:
        written = b"\x08" + varint(number)

        assert Frame(call_id=number).SerializeToString() == (written if number else b"")


@pytest.mark.parametrize(
    "sizes", [(0, 0), (3, 10), (10, 70_000, 5), (65_530, 1, 200_000), (200_000,)]
)
def test_a_body_in_parts_is_queued_as_one_whole(sizes):
    parts = [bytes([i]) * size for i, size in enumerate(sizes)]
    whole, cut = Outbox(), Outbox()
    whole.put(7, body_tag("result"), b"".join(parts))
    cut.put_parts(7, body_tag("result"), [memoryview(part) for part in parts])
    assert cut.size == whole.size
    while whole:
        assert cut.take() == whole.take()
    assert not cut
