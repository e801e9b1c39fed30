from __future__ import annotations

import asyncio
import socket
import time

import grpc
import pytest

from dspex_bridge_pb2 import (
    CleanupSessionRequest,
    ErrorInfo,
    InitializeSessionResponse,
    ToolCallRequest,
    ToolCallResponse,
    ToolSpec,
    VariableEvent,
)
from grpc_tool_bridge import (
    ProtocolError,
    SessionError,
    ToolBridgeClient,
    ToolCommunicationError,
    ToolExecutionError,
    ToolTimeoutError,
    serialize_value,
)
from grpc_tool_bridge.testing import InMemoryBridge, MockBridgeServer, rpc_error


@pytest.fixture(params=["link", "plain"])
async def client(request, server):
    async with ToolBridgeClient(server.address, use_link=request.param == "link") as client:
        await client.initialize_session("client")
        yield client


def _closed_port() -> str:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{s.getsockname()[1]}"


async def test_a_session_is_created_attached_to_listed_and_ended(client):
    assert client.session_id == "client"
    assert set(client.capabilities) == {"streaming", "variables", "batch", "agents", "link"}
    assert [spec.name for spec in await client.list_tools()][:2] == ["add", "echo"]
    assert (await client.get_session()).epoch == 1
    assert await client.initialize_session("client") is True
    with pytest.raises(SessionError) as caught:
        await client.initialize_session("client", create_only=True)
    assert caught.value.error_type == "SessionAlreadyExists"
    assert [s.session_id for s in await client.list_sessions("cl")] == ["client"]
    await client.cleanup_session()
    with pytest.raises(SessionError) as caught:
        await client.list_tools()
    assert caught.value.error_type == "SessionExpired"
    await client.initialize_session("client", ttl=60)
    assert (await client.get_session()).epoch == 2


async def test_who_knows_an_older_epoch_does_not_end_the_session_that_follows(client, server):
    async with ToolBridgeClient(server.address) as other:
        await other.initialize_session("client")
        await other.cleanup_session()
        await other.initialize_session("client")
        await other.session_context.set_variable("kept", 1)
        with pytest.raises(SessionError) as caught:
            await client.cleanup_session()
        assert caught.value.error_type == "SessionExpired"
        assert await other.session_context.get_variable("kept") == 1
        for look in (client.get_session, client.list_tools):
            with pytest.raises(SessionError) as caught:
                await look()
            assert caught.value.error_type == "SessionExpired"


async def test_without_an_id_the_client_makes_one(client):
    await client.initialize_session()
    assert len(client.session_id) > 16


async def test_calls_go_over_the_link_only_where_there_is_one(client):
    assert await client.execute_tool("add", 1, 2) == 3
    attached = client.stub.connection is not None
    assert attached == (client.stub._use_link is True)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((40, 2), {}),
        ((40,), {"b": 2}),
        ((), {"args": [40], "kwargs": {"b": 2}}),
        ((), {"args": (40, 2)}),
    ],
)
async def test_a_tool_is_called_in_three_ways(client, args, kwargs):
    assert await client.execute_tool("add", *args, **kwargs) == 42


async def test_the_tools_exception_arrives_with_class_and_text(client):
    with pytest.raises(ToolExecutionError) as caught:
        await client.execute_tool("fail", "lost")
    assert (caught.value.error_type, caught.value.class_name) == ("ExecutionError", "LookupError")
    assert "lost" in caught.value.message


async def test_a_stream_yields_and_a_break_cancels_it(client):
    assert [i async for i in client.stream_tool("count", 3)] == [0, 1, 2]
    async for i in client.stream_tool("count", 100_000):
        if i == 5:
            break


async def test_a_timeout_is_kept_and_named(client):
    from grpc_tool_bridge.callrequests import CallOptions

    with pytest.raises(ToolTimeoutError) as caught:
        await client.call("wait_forever", (), {}, CallOptions(timeout=0.05))
    assert caught.value.tool_name == "wait_forever"


async def test_health_says_serving(client):
    assert await client.health() == "SERVING"


async def test_variables_are_written_read_listed_and_deleted(client):
    context = client.session_context
    assert context.session_id == "client"
    assert context.stub is client.stub
    value = {"rows": [(1, 2.5), (3, None)], "big": 2**70}
    revision = await context.set_variable("v", value, {"kind": "table", "n": 1})
    assert await context.get_variable("v") == value
    assert await context.get_variable_with_metadata("v") == (value, {"kind": "table", "n": "1"})
    assert (await context.read_variable("v")).revision == revision
    await context.update_variables({"w1": 1, "w2": 2}, {"k": "v"})
    assert await context.list_variables() == ["v", "w1", "w2"]
    assert await context.get_variables("w") == {"w1": 1, "w2": 2}
    await context.delete_variable("v")
    with pytest.raises(SessionError) as caught:
        await context.get_variable("v")
    assert caught.value.error_type == "VariableNotFound"
    assert "v" in str(caught.value)


async def test_a_conditional_write_that_comes_too_late_is_refused(client):
    context = client.session_context
    revision = await context.set_variable("v", 1, if_absent=True)
    await context.set_variable("v", 2, if_revision=revision)
    for condition in ({"if_revision": revision}, {"if_absent": True}):
        with pytest.raises(SessionError) as caught:
            await context.set_variable("v", 3, **condition)
        assert caught.value.error_type == "RevisionConflict"
    with pytest.raises(SessionError):
        await context.delete_variable("v", if_revision=revision)


async def test_a_variable_over_the_limit_is_refused_before_it_is_sent(client):
    with pytest.raises(SessionError, match="message too large: variable 'v'") as caught:
        await client.session_context.set_variable("v", "x" * (1 << 20))
    assert "the limit is 1048576" in str(caught.value)
    assert "a table that is one alone, of a call over a link" in str(caught.value)


async def test_a_watch_sees_what_is_there_and_then_each_change(client):
    context = client.session_context
    await context.set_variable("v", 1)
    watch = context.watch_variable("v")
    seen = [await watch.__anext__()]
    await context.set_variable("other", 0)
    await context.set_variable("v", 2, {"a": "b"})
    seen.append(await watch.__anext__())
    await context.delete_variable("v")
    seen.append(await watch.__anext__())
    assert [(c.name, c.value, c.deleted) for c in seen] == [
        ("v", 1, False),
        ("v", 2, False),
        ("v", None, True),
    ]
    await client.cleanup_session()
    with pytest.raises(SessionError):
        await watch.__anext__()


async def test_variables_without_a_session_are_an_error():
    client = ToolBridgeClient("localhost:1")
    for verb in (client.session_context.get_variable("v"), client.list_tools()):
        with pytest.raises(SessionError, match="initialize_session"):
            await verb


async def test_a_bridge_that_is_not_there_is_named_within_the_timeout():
    address = _closed_port()
    async with ToolBridgeClient(address, connect_timeout=0.3) as client:
        for call in (
            lambda: client.initialize_session("s"),
            lambda: client.execute_tool("add", 1),
            client.health,
            lambda: client.stub.ExecuteTool(ToolCallRequest()),
        ):
            start = time.monotonic()
            with pytest.raises(ToolCommunicationError, match=address) as caught:
                await call()
            assert time.monotonic() - start < 20
            assert "within 0.3 s" in str(caught.value)
            assert caught.value.code is grpc.StatusCode.UNAVAILABLE


async def test_an_unanswering_address_is_an_error_too():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        async with ToolBridgeClient(address, session_id="s", connect_timeout=0.3) as client:
            with pytest.raises(ToolCommunicationError, match=address):
                await client.execute_tool("add", 1)


async def test_a_server_without_links_gets_plain_rpcs():
    async with MockBridgeServer() as server:
        server.set_response(
            "ExecuteTool", ToolCallResponse(success=True, result=serialize_value(1))
        )
        async with ToolBridgeClient(server.address, session_id="s") as client:
            assert await client.execute_tool("t") == 1
            assert await client.execute_tool("t") == 1
            assert client.stub.connection is None
        assert [r.session_id for r in server.requests_for("ExecuteTool")] == ["s", "s"]


async def test_a_plain_call_over_its_deadline_is_a_timeout():
    async def never(_):
        await asyncio.Event().wait()

    from grpc_tool_bridge.callrequests import CallOptions

    async with MockBridgeServer() as server:
        server.set_response("ExecuteTool", never)
        client = ToolBridgeClient(server.channel(), session_id="s")
        with pytest.raises(ToolTimeoutError):
            await client.call("t", (), {}, CallOptions(timeout=0.05))


async def test_a_status_instead_of_an_answer_is_a_communication_error():
    async with MockBridgeServer() as server:
        client = ToolBridgeClient(server.channel(), session_id="s")
        denied = rpc_error(grpc.StatusCode.PERMISSION_DENIED, "not you")
        for method in ("ExecuteTool", "GetSession", "StreamTool", "WatchVariables"):
            server.set_response(method, denied)
        for call in (
            client.execute_tool("t"),
            client.get_session(),
            client.stream_tool("t").collect(),
            client.session_context.watch_variable("v").__anext__(),
        ):
            with pytest.raises(ToolCommunicationError) as caught:
                await call
            assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED


async def test_an_answer_to_a_verb_that_is_none_is_a_protocol_error():
    client = ToolBridgeClient("nowhere:1", session_id="s")

    async def nonsense(request):
        return object()

    client.stub.GetSession = nonsense
    with pytest.raises(ProtocolError):
        await client.get_session()


async def test_a_verb_without_an_answer_ends_at_its_timeout():
    client = ToolBridgeClient("nowhere:1", session_id="s")

    async def never(request):
        await asyncio.Event().wait()

    client.stub.CleanupSession = never
    with pytest.raises(SessionError) as caught:
        await client.verb("CleanupSession", CleanupSessionRequest(), 0.02)
    assert caught.value.error_type == "DeadlineExceeded"


async def test_a_refused_session_is_an_error():
    async with MockBridgeServer() as server:
        client = ToolBridgeClient(server.channel())
        error = ErrorInfo(type="ValidationError", message="no")
        server.set_response("InitializeSession", InitializeSessionResponse(error=error))
        with pytest.raises(SessionError) as caught:
            await client.initialize_session("s")
        assert caught.value.error_type == "ValidationError"


async def test_a_watch_that_is_refused_raises():
    async with MockBridgeServer() as server:
        client = ToolBridgeClient(server.channel(), session_id="s")
        error = ErrorInfo(type="SessionNotFound", message="no")
        server.set_streaming_response("WatchVariables", [VariableEvent(error=error)])
        with pytest.raises(SessionError):
            await client.session_context.watch_variable("v").__anext__()


async def test_a_session_is_chosen_where_none_is(server: InMemoryBridge):
    async with ToolBridgeClient(server.address) as client:
        assert await client.execute_tool("add", 1) == 2
        assert client.session_id
        assert "ToolBridgeClient" in repr(client)
        assert client.session_id in repr(client.session_context)


async def test_calls_survive_a_lost_connection(server, until):
    async with ToolBridgeClient(server.address) as client:
        await client.initialize_session("s")
        assert await client.execute_tool("add", 1) == 2
        running = asyncio.ensure_future(client.execute_tool("echo", "x"))
        slow = asyncio.ensure_future(client.execute_tool("wait_forever"))
        await until(lambda: len(server.calls) >= 2)
        attachments = client.stub.connection.attachments
        assert server.drop_connections() == 2
        assert await running == "x"
        assert await client.execute_tool("add", 2) == 3
        assert client.stub.connection.attachments > attachments
        assert not slow.done()
        slow.cancel()


async def test_a_bridge_that_is_gone_for_good_ends_the_calls():
    server = InMemoryBridge(grace=0.1)
    await server.start()
    async with ToolBridgeClient(server.address, connect_timeout=0.3) as client:
        await client.initialize_session("s")
        with pytest.raises(ToolExecutionError):
            await client.execute_tool("none")
        await server.aclose()
        with pytest.raises(ToolCommunicationError):
            await client.execute_tool("none")


async def test_a_tool_id_that_is_no_text_is_named(bridge):
    with pytest.raises(TypeError, match="tool_id is 7: want a tool's id or name"):
        await bridge.execute_tool(7, 1)


@pytest.mark.parametrize("use_link", [True, False])
@pytest.mark.parametrize("streams", [True, False])
async def test_waiting_for_the_bridge_counts_as_time_of_the_call(use_link, streams):
    client = ToolBridgeClient(_closed_port(), session_id="s", use_link=use_link, connect_timeout=60)
    async with client:
        tool = client.proxy(ToolSpec(name="add")).with_options(timeout=0.1)
        start = time.monotonic()
        with pytest.raises(ToolTimeoutError, match="passed before the bridge could be reached"):
            await (tool.stream(1).collect() if streams else tool(1))
        assert time.monotonic() - start < client.stub.connect_timeout


async def test_a_verb_waits_for_a_connection_that_was_lost():
    async with ToolBridgeClient(_closed_port()) as client:
        with pytest.raises(ToolCommunicationError):
            await client.stub.ready(asyncio.get_running_loop().time())
        client.stub._ready = True  # it answered before
        with pytest.raises(ToolCommunicationError, match="no bridge answers"):
            await client.stub.ready(asyncio.get_running_loop().time() + 0.05)


async def test_a_connection_that_broke_just_now_is_waited_for(server):
    async with ToolBridgeClient(server.address) as client:
        assert await client.execute_tool("add", 1) == 2
        connection = client.stub.connection
        connection.link.attached = False  # its end is known, and not yet told to its keeper
        waits = asyncio.ensure_future(connection.attach())
        await asyncio.sleep(0)
        assert not waits.done()
        connection.link.attached = True
        connection._attached.set()
        assert await waits is connection.link
