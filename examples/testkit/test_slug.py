"""How a team tests its own tools, with the test kit of the Python SDK."""

from collections.abc import AsyncIterator
from pathlib import Path

import dspy
import grpc
import pytest
from dspex_bridge_pb2 import (
    CompleteSignal,
    ErrorInfo,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
)
from grpc_tool_bridge import (
    GRPCToolBridge,
    ToolBridgeClient,
    ToolExecutionError,
    serialize_value,
    tool,
)
from grpc_tool_bridge.scripted import ScriptedLM
from grpc_tool_bridge.testing import InMemoryBridge, MockBridgeServer, rpc_error


@tool(idempotent=True)
def slug(text: str) -> str:
    """Make a slug of a text."""
    return "-".join(text.lower().split())


@tool
async def words(text: str) -> AsyncIterator[str]:
    """Yield the words of a text."""
    for word in text.split():
        yield word


@pytest.mark.asyncio
async def test_tools_in_a_bridge_in_memory():
    async with (
        InMemoryBridge(tools=[slug, words]) as server,
        GRPCToolBridge(server.address) as bridge,
    ):
        tools = await bridge.initialize("test")

        assert await tools["slug"]("Hello big World") == "hello-big-world"
        assert [word async for word in tools["words"].stream("one two")] == ["one", "two"]
        with pytest.raises(ToolExecutionError, match="want str, got int"):
            await tools["slug"](42)


@pytest.mark.asyncio
async def test_a_caller_that_tries_again():
    async with InMemoryBridge(tools=[slug]) as server, GRPCToolBridge(server.address) as bridge:
        server.faults.fail("slug", "Overloaded", "come again", retry_after="0.01")
        await bridge.initialize("test")

        assert await bridge.execute_with_retry("slug", "Once more", max_retries=2) == "once-more"


@pytest.mark.asyncio
async def test_a_client_against_answers_that_are_set():
    async with MockBridgeServer() as server:
        client = ToolBridgeClient(server.channel(), session_id="test")
        server.set_response(
            "ExecuteTool", ToolCallResponse(success=True, result=serialize_value(4))
        )
        assert await client.execute_tool("calculate", "2 + 2") == 4
        assert [request.tool_id for request in server.requests_for("ExecuteTool")] == ["calculate"]

        server.set_response(
            "ExecuteTool", ToolCallResponse(error=ErrorInfo(type="WorkerLost", message="gone"))
        )
        with pytest.raises(ToolExecutionError, match="WorkerLost"):
            await client.execute_tool("calculate", "2 + 2")

        part = ToolStreamContent(data=serialize_value("one"))
        end = ToolStreamContent(complete=CompleteSignal(total_chunks=1))
        server.set_streaming_response(
            "StreamTool", [ToolStreamChunk(content=part), ToolStreamChunk(sequence=1, content=end)]
        )
        assert [word async for word in client.stream_tool("words", "one")] == ["one"]


def test_an_error_of_the_transport():
    error = rpc_error(grpc.StatusCode.UNAVAILABLE, "no bridge here")

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert error.details() == "no bridge here"


def test_an_agent_without_a_key_or_a_network():
    agent = dspy.ReAct("question -> answer", tools=[calculate], max_iters=3)
    with dspy.context(lm=ScriptedLM()):
        assert agent(question="What is 2 + 2?").answer == "4"


def calculate(expression: str) -> str:
    """Evaluate an arithmetic expression."""
    left, plus, right = expression.split()
    assert plus == "+"
    return str(int(left) + int(right))


@pytest.mark.asyncio
async def test_the_fixtures_of_the_plugin(temp_workspace, mock_llm):
    report = Path(temp_workspace, "report.txt")
    report.write_text(await mock_llm().generate("Please calculate 2 + 2"))

    assert "calculator" in report.read_text()
