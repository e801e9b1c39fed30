"""The stream of a link on its own socket, against grpc's server and against peers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import grpc.aio
import pytest

from grpc_tool_bridge import (
    GRPCToolBridge,
    ToolCommunicationError,
    Worker,
    connection,
    directstream,
    tool,
)
from grpc_tool_bridge.connection import Connection, open_channel
from grpc_tool_bridge.directstream import DirectStream, is_direct, open_direct
from grpc_tool_bridge.http2 import Http2Error

PATH = "/test.Echo/Stream"
STATUS_OK = b"\0\0\1\1\4\0\0\0\1\x88"


@tool
async def len_of(text: str) -> int:
    return len(text)


async def echo(messages, _):
    async for message in messages:
        yield message


@contextlib.asynccontextmanager
async def served(behavior=echo, address="127.0.0.1:0"):
    """A server of grpc's own; yields where it listens."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 32 << 20)])
    handler = grpc.stream_stream_rpc_method_handler(behavior)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("test.Echo", {"Stream": handler}),)
    )
    port = server.add_insecure_port(address)
    await server.start()
    yield address if address.startswith("unix:") else f"127.0.0.1:{port}"
    await server.stop(None)


@contextlib.asynccontextmanager
async def connected(address):
    stream = await open_direct(address, PATH)
    yield stream
    stream.cancel()


@contextlib.asynccontextmanager
async def to_a_socket():
    """A stream to a plain socket, which says only what the test lets it say."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with connected(f"127.0.0.1:{listener.getsockname()[1]}") as stream:
            peer, _ = listener.accept()
            with peer:
                yield stream, peer


@pytest.mark.parametrize("size", [0, 1, 16_379, 16_380, 70_000, 5 << 20])
async def test_grpc_gives_back_what_it_is_sent(size):
    async with served() as address, connected(address) as stream:
        for filling in (b"a", b"b"):
            message = filling * size
            await stream.write(message)
            assert await stream.read() == message


async def test_messages_are_delivered_in_order_until_the_end():
    async with served() as address, connected(address) as stream:
        got = []
        delivering = asyncio.ensure_future(stream.deliver(got.append))
        sent = [bytes([n]) * (n * 400) for n in range(200)]
        for message in sent:
            await stream.write(message)
        await stream.done_writing()
        await delivering
        assert got == sent
        with pytest.raises(Http2Error, match="ended"):
            await stream.write(b"late")


async def test_it_goes_over_a_unix_socket(tmp_path):
    address = f"unix:{tmp_path}/s"
    async with served(address=address) as place, connected(place) as stream:
        await stream.write(b"a")
        assert await stream.read() == b"a"


async def test_a_server_that_refuses_ends_the_stream():
    async def refuse(_, context):
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "no links here")

    async with served(refuse) as address, connected(address) as stream:
        assert await stream.read() is None


async def test_an_error_of_the_receiver_is_raised_where_it_delivers_and_the_stream_lives():
    def refuse(_):
        raise LookupError("not this")

    async with served() as address, connected(address) as stream:
        delivering = asyncio.ensure_future(stream.deliver(refuse))
        await stream.write(b"a")
        with pytest.raises(LookupError):
            await delivering
        await stream.write(b"b")
        assert await stream.read() == b"b"


async def test_a_slow_reader_holds_up_the_writer_and_nothing_is_lost():
    go = asyncio.Event()

    async def late(messages, context):
        await go.wait()
        async for message in messages:
            yield message[:1]

    async with served(late) as address, connected(address) as stream:
        sending = asyncio.ensure_future(
            _write_all(stream, [bytes([n]) * 1_000_000 for n in range(20)])
        )
        done, _ = await asyncio.wait({sending}, timeout=0.1)
        assert not done, "the other side reads nothing yet"
        go.set()
        assert [await stream.read() for _ in range(20)] == [bytes([n]) for n in range(20)]
        await sending


async def _write_all(stream, messages):
    for message in messages:
        await stream.write(message)


async def test_a_connection_that_breaks_is_an_error_for_reader_and_writer():
    async with to_a_socket() as (stream, peer):
        reading = asyncio.ensure_future(stream.read())
        await asyncio.sleep(0)
        peer.close()
        with pytest.raises(OSError, match=r"closed|reset"):
            await reading
        with pytest.raises(OSError, match=r"closed|reset|pipe"):
            await stream.write(b"a")


async def test_bytes_that_are_no_http2_are_an_error():
    async with to_a_socket() as (stream, peer):
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(Http2Error):
            await stream.read()


async def test_closing_wakes_whoever_waits():
    async with to_a_socket() as (stream, _):
        reading = asyncio.ensure_future(stream.read())
        writing = asyncio.ensure_future(stream.write(b"x" * 100_000))
        await asyncio.sleep(0)
        assert stream.cancel()
        assert not stream.cancel()
        for task in (reading, writing):
            with pytest.raises(Http2Error, match="closed"):
                await task


async def test_a_held_up_loop_still_answers_pings(monkeypatch):
    monkeypatch.setattr(directstream, "_LOOK_INTERVAL", 0.01)
    async with to_a_socket() as (stream, peer):
        answered = threading.Event()
        threading.Thread(target=_ping, args=(peer, answered), daemon=True).start()
        assert answered.wait(10), "the loop, which stands still here, is not needed for it"
        assert await stream.read() == b"hello"


def _ping(peer, answered):
    peer.settimeout(10)
    peer.sendall(
        STATUS_OK + b"\0\0\x0a\0\0\0\0\0\1\0\0\0\0\5hello" + b"\0\0\x08\6\0\0\0\0\0" + b"12345678"
    )
    came = b""
    while not came.endswith(b"\0\0\x08\6\1\0\0\0\0" + b"12345678"):
        came += peer.recv(4096)
    answered.set()


async def test_a_silent_peer_is_asked_and_then_given_up(monkeypatch):
    monkeypatch.setattr(directstream, "_SILENCE", 0.02)
    monkeypatch.setattr(directstream, "_PATIENCE", 0.02)
    async with to_a_socket() as (stream, peer):
        with pytest.raises(Http2Error, match="no sign of life"):
            await stream.read()
        assert peer.recv(4096).endswith(b"\0\0\x08\6\0\0\0\0\0" + bytes(8))


async def test_a_peer_that_answers_is_kept(monkeypatch):
    monkeypatch.setattr(directstream, "_SILENCE", 0.02)
    monkeypatch.setattr(directstream, "_PATIENCE", 0.3)
    async with served() as address, connected(address) as stream:
        reading = asyncio.ensure_future(stream.read())
        await asyncio.wait({reading}, timeout=1)
        await stream.write(b"a")
        assert await reading == b"a"


async def test_no_thread_is_left_behind(until):
    def stand_ins():
        return [thread for thread in threading.enumerate() if thread.name == "link stand-in"]

    before = len(stand_ins())
    async with served() as address:
        async with connected(address):
            assert len(stand_ins()) == before + 1
        await until(lambda: len(stand_ins()) == before)


async def test_nobody_listens():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match=r"refused|failed"):
            await open_direct(f"127.0.0.1:{unused.getsockname()[1]}", PATH)


async def test_each_address_of_a_name_is_tried(monkeypatch):
    async with served() as address:
        port = int(address.rpartition(":")[2])

        async def look_up(*_, **__):
            kind = socket.SOCK_STREAM
            return [
                (socket.AF_INET, kind, 6, "", ("127.0.0.2", port)),
                (socket.AF_INET, kind, 6, "", ("127.0.0.1", port)),
            ]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
        async with connected(f"two-addresses:{port}") as stream:
            assert isinstance(stream, DirectStream)
            await stream.write(b"a")
            assert await stream.read() == b"a"


@pytest.mark.parametrize(
    ("address", "direct"),
    [
        ("localhost:1", True),
        ("[::1]:1", True),
        ("unix:/a/b", True),
        ("unix-abstract:a", False),
        ("dns:localhost:1", False),
        ("ipv4:127.0.0.1:1", False),
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_grpc(address, direct, monkeypatch):
    for name in ("grpc_proxy", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert is_direct(address) is direct
    monkeypatch.setenv("http_proxy", "http://proxy:1")
    assert is_direct(address) is address.startswith("unix:")


async def test_where_no_link_is_welcomed_grpc_says_why():
    async with served() as address:  # it has no bridge's method
        with pytest.raises(ToolCommunicationError) as caught:
            await Worker(address, tools=[len_of]).start()
        assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_link_is_carried_directly_and_by_grpc_alike(server, monkeypatch):
    for proxied, kind in (("", DirectStream), ("http://127.0.0.1:1", grpc.aio.StreamStreamCall)):
        monkeypatch.setenv("http_proxy", proxied)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with GRPCToolBridge(server.address) as bridge:
            await bridge.initialize("s")
            assert await bridge.tools["add"](1) == 2
            assert isinstance(bridge.client.stub.connection._rpc, kind)


async def test_a_cancellation_that_is_lost_while_dialling_does_not_keep_a_connection_from_closing(
    server, monkeypatch
):
    # given: what wait_for does when it is cancelled as it ends
    dialling = asyncio.Event()

    async def lose_a_cancellation(address, path):
        dialling.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return await open_direct(address, path)

    monkeypatch.setattr(connection, "open_direct", lose_a_cancellation)
    made = Connection(open_channel(server.address), address=server.address)
    attaching = asyncio.ensure_future(made.attach())
    await dialling.wait()

    # when
    await asyncio.wait_for(made.aclose(), 5)

    # then
    await asyncio.wait({attaching})
    assert not made.attached
