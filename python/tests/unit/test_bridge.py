from __future__ import annotations

import asyncio
import time
from unittest.mock import AsyncMock, MagicMock

import grpc
import pytest

from dspex_bridge_pb2 import (
    AgentEvent as AgentEventMessage,
)
from dspex_bridge_pb2 import (
    BatchExecuteToolsResponse,
    BatchItemResponse,
    ErrorInfo,
    ReActRun,
    ToolCallResponse,
)
from grpc_tool_bridge import (
    GRPCToolBridge,
    ProtocolError,
    SessionError,
    ToolBridgeClient,
    ToolBridgeError,
    ToolCommunicationError,
    ToolContext,
    ToolExecutionError,
    ToolTimeoutError,
    Worker,
    serialize_value,
    tool,
)
from grpc_tool_bridge.testing import MockBridgeServer, rpc_error


async def test_initialize_gives_the_tools_in_listed_order(bridge):
    assert list(bridge.tools) == [
        "add",
        "echo",
        "square",
        "count",
        "fail",
        "wait_forever",
        "nested",
    ]
    assert await bridge.tools["add"](20, b=22) == 42
    assert list(await bridge.refresh()) == list(bridge.tools)
    assert "7 tools" in repr(bridge)


async def test_the_document_s_malformed_answer_is_a_protocol_error():
    bridge = GRPCToolBridge("localhost:50051")

    async def bad_response(*args, **kwargs):
        return MagicMock(spec=ToolCallResponse)

    bridge.client.stub.ExecuteTool = bad_response
    with pytest.raises(ProtocolError):
        await bridge.execute_tool("any_tool", "input")


async def test_execute_tool_works_before_initialize(server):
    async with GRPCToolBridge(server.address) as bridge:
        assert await bridge.execute_tool("add", 1, 2) == 3
        assert await bridge.execute_tool(tool_id="add", args=[5], kwargs={}) == 6


async def test_a_method_that_is_replaced_after_initialize_is_used(bridge):
    answer = ToolCallResponse(success=True, result=serialize_value("mine"))
    bridge.client.stub.ExecuteTool = AsyncMock(return_value=answer)
    assert await bridge.tools["add"](1) == "mine"
    assert await bridge.execute_tool("unknown", 1) == "mine"


async def test_a_connection_that_drops_while_streaming_leaves_what_came(bridge):
    original = bridge.client.stub.StreamTool
    sent = 0

    async def failing(*args, **kwargs):
        nonlocal sent
        async for chunk in original(*args, **kwargs):
            sent += 1
            if sent > 2:
                raise rpc_error(grpc.StatusCode.UNAVAILABLE, "Connection lost")
            yield chunk

    bridge.client.stub.StreamTool = failing
    results = []
    with pytest.raises(ToolCommunicationError) as caught:  # noqa: PT012 - as the strategy has it
        async for chunk in bridge.tools["count"].stream(1000):
            results.append(chunk)  # noqa: PERF401
    assert results == [0, 1]
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


async def test_an_ended_session_is_a_tool_execution_error(bridge):
    from dspex_bridge_pb2 import CleanupSessionRequest

    await bridge.client.stub.CleanupSession(CleanupSessionRequest(session_id="test", force=True))
    with pytest.raises(ToolExecutionError) as caught:
        await bridge.tools["echo"]("input")
    assert caught.value.error_type == "SessionExpired"


# --- retry ---


def _answers(*answers):
    calls = []

    async def execute(request):
        calls.append(request)
        answer = answers[min(len(calls), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return await answer() if callable(answer) else answer

    return execute, calls


OK = ToolCallResponse(success=True, result=serialize_value("success"))


def _error(error_type, **fields):
    return ToolCallResponse(error=ErrorInfo(type=error_type, message="m", **fields))


async def _hang():
    await asyncio.Event().wait()


async def test_a_timed_out_call_is_retried_if_the_tool_is_idempotent(bridge):
    bridge.client.stub.ExecuteTool, calls = _answers(_hang, OK)
    assert await bridge.execute_with_retry("add", 1, timeout=0.2, base_delay=0.001) == "success"
    assert len(calls) >= 2, "on a busy machine one that is answered may be out of time too"


async def test_a_timed_out_call_is_never_started_twice_otherwise(bridge):
    bridge.client.stub.ExecuteTool, calls = _answers(_hang, OK)
    with pytest.raises(ToolTimeoutError):
        await bridge.execute_with_retry("echo", 1, timeout=0.02, base_delay=0.001)
    assert len(calls) == 1


async def test_retry_after_is_obeyed(bridge):
    limited = _error("RateLimitExceeded", details={"retry_after": "0.2"})
    bridge.client.stub.ExecuteTool, calls = _answers(limited)
    start = time.monotonic()
    with pytest.raises(ToolExecutionError) as caught:
        await bridge.execute_with_retry("unknown", max_retries=1, base_delay=0.001)
    assert time.monotonic() - start >= 0.2
    assert caught.value.error_type == "RateLimitExceeded"
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("answer", "tool_id", "attempts"),
    [
        (_error("Overloaded"), "echo", 3),
        (_error("WorkerUnavailable"), "echo", 3),
        (_error("WorkerLost", retryable=True), "echo", 1),
        (_error("WorkerLost"), "add", 3),
        (_error("ExecutionError"), "add", 1),
        (_error("ToolNotFound"), "add", 1),
        (rpc_error(grpc.StatusCode.UNAVAILABLE), "add", 3),
        (rpc_error(grpc.StatusCode.UNAVAILABLE), "echo", 3),
        (rpc_error(grpc.StatusCode.PERMISSION_DENIED), "echo", 1),
    ],
)
async def test_only_what_may_be_repeated_is_repeated(bridge, answer, tool_id, attempts):
    bridge.client.stub.ExecuteTool, calls = _answers(answer)
    with pytest.raises(ToolBridgeError):
        await bridge.execute_with_retry(tool_id, 1, max_retries=2, base_delay=0.001)
    assert len(calls) == attempts


async def test_attempts_share_a_request_id_and_count_those_that_may_have_run(bridge):
    lost = rpc_error(grpc.StatusCode.UNAVAILABLE)
    for tool_id in ("echo", "unknown"):
        bridge.client.stub.ExecuteTool, calls = _answers(_error("Overloaded"), lost, OK)
        await bridge.execute_with_retry(tool_id, 1, base_delay=0.001)
        assert [call.attempt for call in calls] == [0, 0, 1]
        assert len({call.request_id for call in calls}) == 1
        assert calls[0].request_id
        assert calls[2].bridge_run == bridge.client.bridge_run
    bridge.client.stub.ExecuteTool, calls = _answers(lost, OK)
    named = bridge.tools["echo"].with_options(retry=1, request_id="mine")
    assert await named(1) == "success"
    assert [call.request_id for call in calls] == ["mine", "mine"]


async def test_a_deadline_holds_for_all_attempts_together(bridge):
    bridge.client.stub.ExecuteTool, calls = _answers(_error("Overloaded", retry_after=60))
    with pytest.raises(ToolExecutionError):
        await bridge.execute_with_retry("echo", 1, deadline=1)
    assert len(calls) == 1
    bridge.client.stub.ExecuteTool, calls = _answers(_hang)
    with pytest.raises(ToolTimeoutError):
        await bridge.execute_with_retry("add", 1, deadline=0.05)


async def test_a_proxy_retries_when_asked_and_a_plain_call_never(bridge):
    bridge.client.stub.ExecuteTool, calls = _answers(_error("Overloaded"), OK)
    with pytest.raises(ToolExecutionError):
        await bridge.tools["echo"](1)
    calls.clear()
    assert await bridge.tools["echo"].with_options(retry=2)(1) == "success"


async def test_faults_on_purpose_reach_the_caller_once(server, bridge):
    server.faults.fail("add", "Overloaded", "busy", retry_after="0.01")
    server.faults.delay("add", 0.01)
    assert await bridge.execute_with_retry("add", 1, base_delay=0.001) == 2


# --- batches ---


async def test_a_batch_answers_in_order(bridge):
    requests = [{"tool_id": "square", "args": [i], "kwargs": {}} for i in range(30)]
    assert await bridge.execute_batch(requests) == [i * i for i in range(30)]
    assert await bridge.execute_batch([]) == []
    assert await bridge.execute_batch(requests, progress=True, max_concurrency=2) == [
        i * i for i in range(30)
    ]


async def test_a_failed_item_stands_in_its_place_or_is_raised(bridge):
    requests = [
        {"tool_id": "add", "args": [1]},
        {"tool_id": "add", "args": ["x"]},
        {"tool_id": "nobody", "args": []},
        {"tool_id": "fail", "args": ["no"], "timeout": 5, "request_id": "r"},
        {"args": [1]},
        {"tool_id": "add", "arguments": [1]},
    ]
    results = await bridge.execute_batch(requests, return_exceptions=True)
    assert results[0] == 2
    assert [r.error_type for r in results[1:]] == [
        "ValidationError",
        "ToolNotFound",
        "ExecutionError",
        "ValidationError",
        "ValidationError",
    ]
    with pytest.raises(ToolExecutionError) as caught:
        await bridge.execute_batch(requests)
    assert caught.value is not results[1]
    assert caught.value.tool_name == "add"


async def test_the_first_failure_cancels_the_rest_when_asked(bridge):
    requests = [{"tool_id": "fail", "args": ["x"]}, *[{"tool_id": "wait_forever"}] * 3]
    results = await bridge.execute_batch(requests, fail_fast=True, return_exceptions=True)
    assert [r.error_type for r in results] == ["ExecutionError"] + ["Cancelled"] * 3
    with pytest.raises(ToolExecutionError) as caught:
        await bridge.execute_batch(requests, fail_fast=True)
    assert caught.value.error_type == "ExecutionError"
    requests[0] = {"tool_id": "add", "args": []}
    results = await bridge.execute_batch(requests, fail_fast=True, return_exceptions=True)
    assert [r.error_type for r in results] == ["ValidationError"] + ["Cancelled"] * 3


async def test_items_can_be_taken_as_they_finish(server, bridge):
    server.faults.delay("echo", 0.1)
    requests = [
        {"tool_id": "echo", "args": [0]},
        {"tool_id": "add", "args": [1]},
        {"tool_id": "add"},
    ]
    seen = [pair async for pair in bridge.as_completed(requests)]
    assert seen[0][0] == 2
    assert isinstance(seen[0][1], ToolExecutionError)
    assert seen[1:] == [(1, 2), (0, 0)]
    seen = [pair async for pair in bridge.as_completed(requests, fail_fast=True)]
    assert {place for place, _ in seen} == {0, 1, 2}


async def test_a_batch_over_the_limits_is_refused(bridge):
    requests = [{"tool_id": "echo", "args": ["x" * 4_000_000]}] * 3
    with pytest.raises(ToolExecutionError, match="message too large"):
        await bridge.execute_batch(requests)
    with pytest.raises(ToolExecutionError) as caught:
        await bridge.execute_batch([{"tool_id": "add", "args": [1]}] * 10_001)
    assert caught.value.error_type == "BatchTooLarge"
    with pytest.raises(ToolExecutionError):
        async for _ in bridge.as_completed([{"tool_id": "add", "args": [1]}] * 10_001):
            pass


async def test_a_broken_transport_under_a_batch_is_named():
    async with MockBridgeServer() as server:
        bridge = GRPCToolBridge(server.channel())
        bridge.client.session_id = "s"
        lost = rpc_error(grpc.StatusCode.UNAVAILABLE)
        server.set_response("BatchExecuteTools", lost)
        server.set_response("StreamBatchExecuteTools", lost)
        requests = [{"tool_id": "t"}]
        with pytest.raises(ToolCommunicationError):
            await bridge.execute_batch(requests)
        with pytest.raises(ToolCommunicationError):
            async for _ in bridge.as_completed(requests):
                pass
        server.set_response("BatchExecuteTools", BatchExecuteToolsResponse(success=True))
        with pytest.raises(ToolBridgeError, match="0 answers for 1"):
            await bridge.execute_batch(requests)
        refused = BatchItemResponse(refused=ErrorInfo(type="BatchTooLarge", message="no"))
        server.set_streaming_response("StreamBatchExecuteTools", [refused])
        with pytest.raises(ToolExecutionError):
            async for _ in bridge.as_completed(requests):
                pass


# --- agents ---


@tool(name="$react_agent", hidden=True)
async def scripted_agent(run, context: ToolContext):
    assert isinstance(run, ReActRun)
    run_id = run.request.run_id
    yield AgentEventMessage(run_id=run_id, type="thought", text="hm")
    action = AgentEventMessage(run_id=run_id, sequence=1, type="action", tool_name="add")
    action.tool_args["a"].CopyFrom(serialize_value(2))
    yield action
    seen = AgentEventMessage(run_id=run_id, sequence=2, type="observation", tool_name="add")
    seen.observation.CopyFrom(serialize_value(await context.call("add", 2, 2)))
    yield seen
    if "fail" in run.agent.instructions:
        error = ErrorInfo(type="ExecutionError", message="no model")
        yield AgentEventMessage(run_id=run_id, sequence=3, type="error", error=error)
        return
    result = AgentEventMessage(run_id=run_id, sequence=3, type="result")
    result.final_answer.CopyFrom(serialize_value("4"))
    result.outputs["answer"].CopyFrom(serialize_value("4"))
    result.metrics.duration_ms = 1
    yield result


@pytest.fixture
async def agents(server):
    async with Worker(server.address, tools=[scripted_agent]) as worker:
        yield worker


async def test_an_agent_is_stored_run_listed_and_deleted(agents, bridge):
    agent_id = await bridge.create_react_agent("question -> answer", ["add"], 3)
    assert [a.agent_id for a in await bridge.list_agents()] == [agent_id]
    request = {"agent_id": agent_id, "input": {"question": "2 + 2?"}, "stream": True}
    events = [event async for event in bridge.execute_agent_streaming(request)]
    assert [event["type"] for event in events] == ["thought", "action", "observation", "result"]
    assert events[0].get("text") == "hm"
    assert events[1]["tool_args"] == {"a": 2}
    assert events[2]["observation"] == 4
    assert "4" in str(events[3]["final_answer"])
    only = [e async for e in bridge.execute_agent_streaming({**request, "stream": False})]
    assert [event["type"] for event in only] == ["result"]
    assert await bridge.execute_agent(agent_id, question="?") == {"answer": "4"}
    await bridge.delete_agent(agent_id)
    with pytest.raises(SessionError):
        await bridge.delete_agent(agent_id)
    with pytest.raises(SessionError) as caught:
        async for _ in bridge.execute_agent_streaming(request):
            pass
    assert caught.value.error_type == "AgentNotFound"


async def test_agents_of_a_session_that_began_anew_are_not_reached_with_the_older_epoch(
    bridge, server
):
    async with ToolBridgeClient(server.address) as other:
        await other.initialize_session(bridge.client.session_id)
        await other.cleanup_session()
        await other.initialize_session(bridge.client.session_id)
    for ask in (bridge.list_agents(), bridge.delete_agent("a")):
        with pytest.raises(SessionError) as caught:
            await ask
        assert caught.value.error_type == "SessionExpired"


async def test_a_run_that_fails_yields_its_error_and_raises_it(agents, bridge):
    agent_id = await bridge.create_react_agent("q -> a", instructions="fail", agent_id="mine")
    assert agent_id == "mine"
    events = bridge.execute_agent_streaming({"agent_id": agent_id, "timeout": 5})
    while (event := await events.__anext__())["type"] != "error":
        assert "error" not in event
    assert event["error"].error_type == "ExecutionError"
    with pytest.raises(ToolExecutionError, match="no model"):
        await events.__anext__()


async def test_without_a_worker_for_agents_the_run_says_so(bridge):
    agent_id = await bridge.create_react_agent("q -> a")
    with pytest.raises(ToolBridgeError, match="--agents"):
        await bridge.execute_agent(agent_id)


async def test_a_run_over_a_broken_transport_says_so():
    async with MockBridgeServer() as server:
        bridge = GRPCToolBridge(server.channel())
        bridge.client.session_id = "s"
        server.set_response("ExecuteAgent", rpc_error(grpc.StatusCode.UNAVAILABLE))
        with pytest.raises(ToolCommunicationError):
            await bridge.execute_agent("a")


async def test_cleanup_ends_the_session(bridge):
    await bridge.cleanup()
    assert bridge.tools == {}
    with pytest.raises(ToolExecutionError):
        await bridge.execute_tool("add", 1)


class _Silence:
    """A stream that says nothing."""

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.Event().wait()

    def cancel(self):
        self.cancelled = True


async def test_batches_and_runs_over_a_silent_connection_end_soon_after_their_time(bridge):
    silence = _Silence()
    bridge.client.stub.BatchExecuteTools = lambda _: asyncio.Event().wait()
    bridge.client.stub.StreamBatchExecuteTools = lambda _: silence
    bridge.client.stub.ExecuteAgent = lambda _: silence
    requests = [{"tool_id": "add", "args": [1]}]

    async def finished():
        return [pair async for pair in bridge.as_completed(requests, timeout=0.05)]

    async def run():
        request = {"agent_id": "a", "timeout": 0.05}
        return [event async for event in bridge.execute_agent_streaming(request)]

    asked = [bridge.execute_batch(requests, timeout=0.05), finished(), run()]
    ended = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 10)

    assert [error.error_type for error in ended] == ["DeadlineExceeded"] * 3
    assert silence.cancelled
