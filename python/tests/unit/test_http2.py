"""What a link sends and understands of HTTP/2, byte by byte; test_directstream.py lets grpc's own server judge it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grpc_tool_bridge.http2 import MAX_MESSAGE, WINDOW, Exchange, Http2Error

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, UNKNOWN = (
    0,
    1,
    3,
    4,
    6,
    7,
    8,
    0x42,
)
END_STREAM, ACK, PADDED, PRIORITY = 1, 1, 8, 32
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 4, 5
FIRST_WINDOW, FRAME = 65_535, 16_384
OK = b"\x88"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">LBL", len(payload) << 8 | kind, flags, stream) + payload


def prefixed(message):
    return b"\0" + struct.pack(">L", len(message)) + message


def data(message, stream=1):
    return frame(DATA, 0, stream, prefixed(message))


def word(number):
    return struct.pack(">L", number)


def sent(exchange):
    """The frames that were sent since the last look: kind, flags, stream, payload."""
    out, frames = bytes(exchange.out), []
    exchange.out.clear()
    while out:
        head, flags, stream = struct.unpack(">LBL", out[:9])
        frames.append((head & 0xFF, flags, stream, out[9 : 9 + (head >> 8)]))
        out = out[9 + (head >> 8) :]
    return frames


def taken(exchange):
    return [exchange.take() for _ in range(len(exchange.messages))]


@pytest.fixture
def exchange():
    """One that has begun."""
    exchange = Exchange("/a.B/C", "host:1")
    exchange.out.clear()
    return exchange


def opened(exchange, size):
    """The other side lets so many bytes come at once, of any length of frame."""
    settings = struct.pack(">HLHL", INITIAL_WINDOW_SIZE, size, MAX_FRAME_SIZE, 1 << 20)
    exchange.feed(frame(SETTINGS, 0, 0, settings))
    exchange.feed(frame(WINDOW_UPDATE, 0, 0, word(size - FIRST_WINDOW)))
    exchange.out.clear()


def test_a_stream_begins_with_preface_settings_window_and_headers():
    exchange = Exchange("/a.B/C", "x" * 300 + ":1")
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert exchange.out.startswith(preface)
    del exchange.out[: len(preface)]
    settings, window, headers = sent(exchange)
    assert settings == (SETTINGS, 0, 0, struct.pack(">HLHLHL", 0xF71B, 1, 2, 0, 4, WINDOW))
    assert window == (WINDOW_UPDATE, 0, 0, word(WINDOW - FIRST_WINDOW))
    assert headers[:3] == (HEADERS, 4, 1)
    for text in (b":path\x06/a.B/C", b"application/grpc", b"x" * 300 + b":1"):
        assert text in headers[3]


@pytest.mark.parametrize("sizes", [b"", b"\x20", b"\x20\x3e"])
def test_headers_may_begin_with_the_size_of_a_table(exchange, sizes):
    exchange.feed(frame(HEADERS, 4, 1, sizes + OK))
    exchange.feed(frame(DATA, 0, 1, prefixed(b"abc")))
    assert exchange.take() == b"abc"


@pytest.mark.parametrize("block", [b"", b"\x20", b"\x20\x8d"])
def test_headers_that_say_no_more_than_a_size_are_refused(exchange, block):
    with pytest.raises(Http2Error, match="status is not 200"):
        exchange.feed(frame(HEADERS, 4, 1, block))


def test_a_message_is_sent_with_its_length(exchange):
    exchange.send(b"abc")
    exchange.send(b"")
    assert sent(exchange) == [(DATA, 0, 1, prefixed(b"abc")), (DATA, 0, 1, prefixed(b""))]
    assert not exchange.holds_back


def test_a_long_message_travels_in_frames_of_16_kib(exchange):
    message = bytes(range(256)) * 160
    exchange.send(message)
    frames = sent(exchange)
    assert [len(payload) for *_, payload in frames] == [FRAME, FRAME, 40_960 + 5 - 2 * FRAME]
    assert b"".join(payload for *_, payload in frames) == prefixed(message)


def test_what_the_window_has_no_room_for_waits_and_keeps_its_order(exchange):
    exchange.send(b"a" * 70_000)
    exchange.send(b"b")
    exchange.end()
    first = sent(exchange)
    assert sum(len(payload) for *_, payload in first) == FIRST_WINDOW
    assert exchange.holds_back
    exchange.feed(frame(WINDOW_UPDATE, 0, 0, word(10_000)))
    assert exchange.out == b"", "the stream has no room yet"
    exchange.feed(frame(WINDOW_UPDATE, 0, 1, word(10_000)))
    second = sent(exchange)
    assert second[-1] == (DATA, END_STREAM, 1, b"")
    stream = b"".join(payload for *_, payload in first + second)
    assert stream == prefixed(b"a" * 70_000) + prefixed(b"b")
    assert not exchange.holds_back


def test_settings_change_the_window_of_the_stream_and_are_acknowledged(exchange):
    exchange.feed(frame(SETTINGS, 0, 0, struct.pack(">HLHL", INITIAL_WINDOW_SIZE, 10, 3, 100)))
    assert sent(exchange) == [(SETTINGS, ACK, 0, b"")]
    exchange.send(b"x" * 10)
    assert sent(exchange) == [(DATA, 0, 1, prefixed(b"x" * 10)[:10])]
    exchange.feed(frame(SETTINGS, 0, 0, struct.pack(">HL", INITIAL_WINDOW_SIZE, 15)))
    assert sent(exchange) == [(SETTINGS, ACK, 0, b""), (DATA, 0, 1, b"x" * 5)]
    exchange.feed(frame(SETTINGS, ACK))
    assert exchange.out == b""


def test_a_larger_frame_is_used_where_it_is_allowed(exchange):
    opened(exchange, 1 << 20)
    exchange.send(b"x" * 500_000)
    assert [len(payload) for *_, payload in sent(exchange)] == [500_005]


def test_a_ping_is_answered_and_an_answer_is_not(exchange):
    exchange.feed(frame(PING, 0, 0, b"12345678") + frame(PING, ACK, 0, bytes(8)))
    assert sent(exchange) == [(PING, ACK, 0, b"12345678")]
    exchange.ping()
    assert sent(exchange) == [(PING, 0, 0, bytes(8))]


@given(
    messages=st.lists(st.binary(max_size=40), max_size=6),
    frame_bytes=st.integers(1, 50),
    read_bytes=st.integers(1, 70),
)
def test_messages_come_whole_however_they_were_cut(messages, frame_bytes, read_bytes):
    stream = b"".join(map(prefixed, messages))
    pieces = [stream[i : i + frame_bytes] for i in range(0, len(stream), frame_bytes)]
    wire = frame(HEADERS, 4, 1, OK) + b"".join(frame(DATA, 0, 1, piece) for piece in pieces)
    exchange = Exchange("/a.B/C", "host:1")
    for at in range(0, len(wire), read_bytes):
        exchange.feed(wire[at : at + read_bytes])
    assert taken(exchange) == messages
    assert not exchange.ended


def test_padding_is_dropped_and_counts_for_the_window(exchange):
    padded = b"\x03" + prefixed(b"abc" * 3_000) + bytes(3)
    exchange.feed(frame(DATA, PADDED, 1, padded))
    assert taken(exchange) == [b"abc" * 3_000]
    for _ in range(WINDOW // 4 // len(padded)):
        exchange.feed(frame(DATA, PADDED, 1, padded))
        exchange.take()
    updates = sent(exchange)
    assert [kind for kind, *_ in updates] == [WINDOW_UPDATE, WINDOW_UPDATE]
    assert int.from_bytes(updates[0][3], "big") % len(padded) == 0


def test_room_is_given_anew_once_messages_were_taken(exchange):
    count = WINDOW // 16_000
    for _ in range(count):
        exchange.feed(data(b"x" * 15_995))
    assert exchange.out == b"", "nothing was taken"
    taken(exchange)
    updates = sent(exchange)
    assert {(kind, stream) for kind, _, stream, _ in updates} == {
        (WINDOW_UPDATE, 0),
        (WINDOW_UPDATE, 1),
    }
    given_back = sum(int.from_bytes(payload, "big") for _, _, stream, payload in updates if stream)
    assert WINDOW // 2 < given_back <= count * 16_000
    for _ in range(2 * count):
        exchange.feed(data(b"x" * 15_995))
        exchange.take()


@pytest.mark.parametrize(
    "last",
    [
        frame(HEADERS, END_STREAM | 4, 1, b"anything"),
        frame(DATA, END_STREAM, 1),
        frame(RST_STREAM, 0, 1, word(0)),
    ],
)
def test_the_other_side_ends_the_stream(exchange, last):
    exchange.feed(frame(HEADERS, 4, 1, OK) + data(b"a") + last)
    assert exchange.ended
    assert taken(exchange) == [b"a"]


@pytest.mark.parametrize(
    "harmless",
    [
        frame(UNKNOWN, 0xFF, 0, b"anything"),
        frame(GOAWAY, 0, 0, word(1) + word(0)),
        frame(GOAWAY, 0, 0, word((1 << 31) - 1) + word(0) + b"soon"),
        frame(HEADERS, PRIORITY | 4, 1, bytes(5) + OK),
        frame(HEADERS, PADDED | 4, 1, b"\0" + OK),
        frame(SETTINGS, 0, 0, struct.pack(">HL", MAX_FRAME_SIZE, 0)),
    ],
)
def test_what_does_not_concern_the_stream_changes_nothing(exchange, harmless):
    exchange.feed(harmless + data(b"a"))
    assert taken(exchange) == [b"a"]
    exchange.send(b"b")
    assert sent(exchange)[-1] == (DATA, 0, 1, prefixed(b"b"))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (frame(HEADERS, 4, 1, b"\x8d"), "status is not 200"),
        (frame(RST_STREAM, 0, 1, word(7)), "reset with code 7"),
        (frame(GOAWAY, 0, 0, word(0) + word(0)), "takes no stream"),
        (data(b"a", stream=3), "stream 3"),
        (frame(DATA, 0, 1, b"\1" + word(1) + b"a"), "compressed"),
        (frame(DATA, 0, 1, b"\0" + word(MAX_MESSAGE + 1)), f"the limit is {MAX_MESSAGE}"),
        (struct.pack(">LBL", (FRAME + 1) << 8, 0, 1), f"the limit is {FRAME}"),
        (frame(SETTINGS, 0, 0, bytes(7)), "SETTINGS frame of 7 bytes"),
        (frame(SETTINGS, 0, 0, struct.pack(">HL", INITIAL_WINDOW_SIZE, 1 << 31)), "a window of"),
        (frame(WINDOW_UPDATE, 0, 0, bytes(3)), "WINDOW_UPDATE frame of 3 bytes"),
        (frame(WINDOW_UPDATE, 0, 0, word((1 << 31) - 1)), "a window of"),
        (frame(WINDOW_UPDATE, 0, 1, word((1 << 31) - 1)), "a window of"),
        (frame(GOAWAY, 0, 0, bytes(2)), "GOAWAY frame of 2 bytes"),
        (frame(PING, 0, 0, bytes(7)), "PING frame of 7 bytes"),
        (frame(RST_STREAM, 0, 1, b""), "RST_STREAM frame of 0 bytes"),
        (frame(DATA, PADDED, 1, b""), "0 bytes came with 0 of padding"),
        (frame(DATA, PADDED, 1, b"\x05" + bytes(4)), "5 bytes came with 5 of padding"),
    ],
)
def test_what_cannot_follow_ends_the_connection_and_says_why(exchange, wrong, why):
    with pytest.raises(Http2Error, match=why):
        exchange.feed(wrong)


def test_more_than_the_window_is_refused(exchange):
    full = data(b"x" * (FRAME - 5))
    with pytest.raises(Http2Error, match="not taken"):
        exchange.feed(full * (WINDOW // FRAME + 1))


kinds = st.sampled_from([DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, UNKNOWN])
frames = st.builds(
    frame,
    kinds,
    st.integers(0, 255),
    st.sampled_from([0, 1, 1, 1, 2, 1 << 31]),
    st.binary(max_size=64),
)


@given(
    came=st.lists(
        frames | st.binary(max_size=40) | st.builds(data, st.binary(max_size=64)), max_size=20
    ),
    sent_before=st.lists(st.binary(max_size=100_000), max_size=2),
    read_bytes=st.integers(1, 300),
)
def test_whatever_comes_is_taken_or_ends_the_connection(came, sent_before, read_bytes):
    exchange = Exchange("/a.B/C", "host:1")
    for message in sent_before:
        exchange.send(message)
    whole = b"".join(came)
    try:
        for start in range(0, len(whole), read_bytes):
            exchange.feed(whole[start : start + read_bytes])
            taken(exchange)
    except Http2Error:
        return  # and nothing else
