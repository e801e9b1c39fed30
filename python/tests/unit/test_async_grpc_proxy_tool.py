"""The proxy tool, as the testing strategy asks for it, and what it says besides."""

from __future__ import annotations

import asyncio
import inspect
from unittest.mock import AsyncMock, MagicMock

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from dspex_bridge_pb2 import (
    CompleteSignal,
    ErrorInfo,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
)

# The strategy uses these names without importing them.
from grpc_tool_bridge import (
    ArgumentSpec,
    AsyncGRPCProxyTool,
    ProtocolError,
    ToolCommunicationError,
    ToolExecutionError,
    ToolSpec,
    ToolTimeoutError,
    ToolType,
    serialize_value,
)
from grpc_tool_bridge.callrequests import Limit
from grpc_tool_bridge.testing import rpc_error


class TestAsyncGRPCProxyTool:
    """Test the core proxy tool functionality."""

    @pytest.fixture
    def mock_session_context(self):
        """Create mock session context with gRPC stub."""
        context = MagicMock()
        context.session_id = "test_session_123"
        context.stub = AsyncMock()
        return context

    @pytest.fixture
    def tool_spec(self):
        """Sample tool specification."""
        return ToolSpec(
            tool_id="test_tool_456",
            name="calculate_sum",
            description="Adds two numbers",
            type=ToolType.STANDARD,
            arguments=[
                ArgumentSpec(name="a", python_type="int", required=True),
                ArgumentSpec(name="b", python_type="int", required=True),
            ],
        )

    @pytest.mark.asyncio
    async def test_successful_execution(self, mock_session_context, tool_spec):
        """Test successful tool execution."""
        # Arrange
        tool = AsyncGRPCProxyTool(tool_spec, mock_session_context)
        mock_response = MagicMock()
        mock_response.success = True
        mock_response.result = serialize_value(42)
        mock_session_context.stub.ExecuteTool.return_value = mock_response

        # Act
        result = await tool(5, 37)

        # Assert
        assert result == 42
        mock_session_context.stub.ExecuteTool.assert_called_once()
        call_args = mock_session_context.stub.ExecuteTool.call_args[0][0]
        assert call_args.tool_id == "test_tool_456"
        assert len(call_args.args) == 2

    @pytest.mark.asyncio
    async def test_execution_error(self, mock_session_context, tool_spec):
        """Test tool execution error handling."""
        # Arrange
        tool = AsyncGRPCProxyTool(tool_spec, mock_session_context)
        mock_response = MagicMock()
        mock_response.success = False
        mock_response.error.type = "ValidationError"
        mock_response.error.message = "Invalid input"
        mock_response.error.details = {"field": "a", "reason": "negative"}
        mock_session_context.stub.ExecuteTool.return_value = mock_response

        # Act & Assert
        with pytest.raises(ToolExecutionError) as exc_info:
            await tool(-5, 10)

        assert exc_info.value.tool_name == "calculate_sum"
        assert exc_info.value.error_type == "ValidationError"
        assert "Invalid input" in str(exc_info.value)
        assert exc_info.value.details["field"] == "a"

    @pytest.mark.asyncio
    async def test_grpc_error(self, mock_session_context, tool_spec):
        """Test gRPC communication error handling."""
        # Arrange
        tool = AsyncGRPCProxyTool(tool_spec, mock_session_context)
        # AioRpcError itself also insists on initial and trailing metadata.
        mock_session_context.stub.ExecuteTool.side_effect = rpc_error(
            code=grpc.StatusCode.UNAVAILABLE, details="Service unavailable"
        )

        # Act & Assert
        with pytest.raises(ToolCommunicationError) as exc_info:
            await tool(5, 10)

        assert exc_info.value.tool_name == "calculate_sum"
        assert exc_info.value.code == grpc.StatusCode.UNAVAILABLE

    @pytest.mark.asyncio
    async def test_timeout(self, mock_session_context, tool_spec):
        """Test execution timeout handling."""
        # Arrange
        tool = AsyncGRPCProxyTool(tool_spec, mock_session_context)

        async def slow_execution(*args):
            await asyncio.sleep(60)  # Longer than timeout

        mock_session_context.stub.ExecuteTool = slow_execution

        # Act & Assert
        with pytest.raises(asyncio.TimeoutError):
            # Override default timeout for test
            await asyncio.wait_for(tool(5, 10), timeout=0.1)


@pytest.fixture
def context():
    context = MagicMock()
    context.session_id = "session"
    context.stub = MagicMock()
    context.stub.ExecuteTool = AsyncMock()
    return context


SPEC = ToolSpec(
    tool_id="id",
    name="add",
    description="Adds.",
    return_type="int",
    arguments=[
        ArgumentSpec(name="a", python_type="int", required=True, description="The first."),
        ArgumentSpec(name="b", python_type="int", default_value=serialize_value(1)),
    ],
)


@pytest.mark.parametrize(
    ("args", "kwargs", "argument"),
    [
        ((), {}, "a"),
        ((1, 2, 3), {}, "3"),
        ((1,), {"c": 1}, "c"),
        (("x",), {}, "a"),
        ((1,), {"a": 2}, "a"),
    ],
)
async def test_a_bad_call_is_refused_before_it_is_sent_and_names_the_argument(
    context, args, kwargs, argument
):
    tool = AsyncGRPCProxyTool(SPEC, context)
    for call in (lambda: tool(*args, **kwargs), lambda: _collect(tool.stream(*args, **kwargs))):
        with pytest.raises(ToolExecutionError) as caught:
            await call()
        assert caught.value.error_type == "ValidationError"
        assert argument in str(caught.value)
    context.stub.ExecuteTool.assert_not_called()


async def _collect(stream):
    return [item async for item in stream]


@pytest.mark.parametrize(
    "response",
    [
        MagicMock(spec=ToolCallResponse),
        MagicMock(success="yes"),
        MagicMock(success=True, result="no Any"),
        None,
        42,
    ],
)
async def test_an_answer_that_is_none_is_a_protocol_error(context, response):
    context.stub.ExecuteTool.return_value = response
    with pytest.raises(ProtocolError):
        await AsyncGRPCProxyTool(SPEC, context)(1)


async def test_every_error_of_a_call_is_a_tool_execution_error(context):
    for code in ("SessionExpired", "VariableNotFound", "ToolNotFound", "SomethingNew"):
        error = ErrorInfo(type=code, message="why", details={"k": "v"})
        context.stub.ExecuteTool.return_value = ToolCallResponse(success=False, error=error)
        with pytest.raises(ToolExecutionError) as caught:
            await AsyncGRPCProxyTool(SPEC, context)(1)
        assert (caught.value.error_type, caught.value.tool_name) == (code, "add")
        assert caught.value.details == {"k": "v"}


async def test_the_timeout_of_a_replaced_method_is_ours(context):
    async def slow(request):
        await asyncio.Event().wait()

    context.stub.ExecuteTool = slow
    tool = AsyncGRPCProxyTool(SPEC, context).with_options(timeout=0.02)
    with pytest.raises(ToolTimeoutError) as caught:
        await tool(1)
    assert caught.value.error_type == "DeadlineExceeded"
    assert isinstance(caught.value, asyncio.TimeoutError)
    assert "0.02 s" in str(caught.value)


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_call_whose_time_passed_may_be_made_again_if_the_tool_is_idempotent(
    context, idempotent
):
    async def slow(request):
        await asyncio.Event().wait()

    context.stub.ExecuteTool = slow
    spec = ToolSpec(tool_id="slow", name="slow", idempotent=idempotent)
    with pytest.raises(ToolTimeoutError) as caught:
        await AsyncGRPCProxyTool(spec, context).with_options(timeout=0.02)()
    assert caught.value.retryable is idempotent


async def test_arguments_over_the_limit_are_refused_before_they_are_sent(context):
    spec = ToolSpec(tool_id="echo", name="echo")
    tool = AsyncGRPCProxyTool(spec, context, limit=Limit(max_value_bytes=100))
    with pytest.raises(ToolExecutionError, match="message too large") as caught:
        await tool("x" * 101)
    assert caught.value.error_type == "MessageTooLarge"
    context.stub.ExecuteTool.assert_not_called()


async def test_the_request_has_session_time_keywords_and_options(context):
    context.stub.ExecuteTool.return_value = ToolCallResponse(success=True)
    tool = AsyncGRPCProxyTool(SPEC, context, limit=Limit(epoch=3))
    assert await tool.with_options(timeout=2, request_id="r", want_stack=True)(1, b=2) is None
    (request,) = context.stub.ExecuteTool.call_args[0]
    assert context.stub.ExecuteTool.call_args[1] == {}
    assert (request.session_id, request.tool_id, request.epoch) == ("session", "id", 3)
    assert (request.timeout_us, request.request_id, request.want_stack) == (2_000_000, "r", True)
    assert dict(request.kwargs) == {"b": serialize_value(2)}
    assert tool.with_options(timeout=2) is not tool


async def test_a_proxy_looks_like_a_function(context):
    tool = AsyncGRPCProxyTool(SPEC, context)
    assert tool.__name__ == "add"
    assert "Adds." in tool.__doc__
    assert "a: The first." in tool.__doc__
    assert str(inspect.signature(tool)) == "(a: int, b: int = 1) -> int"
    assert "add(a: int, b: int = 1) -> int" in repr(tool)


def _chunk(sequence, **content):
    return ToolStreamChunk(sequence=sequence, content=ToolStreamContent(**content))


def _streams(chunks, error=None):
    async def stream(request):
        for chunk in chunks:
            yield chunk
        if error is not None:
            raise error

    return stream


async def test_a_stream_yields_until_its_last_chunk(context):
    context.stub.StreamTool = _streams(
        [
            _chunk(0, data=serialize_value("a")),
            _chunk(1),
            _chunk(2, complete=CompleteSignal(total_chunks=1)),
        ]
    )
    stream = AsyncGRPCProxyTool(SPEC, context).stream(1)
    assert await stream.collect() == ["a"]
    assert stream.count == 1


@pytest.mark.parametrize(
    ("chunks", "broken", "error_class"),
    [
        (
            [_chunk(0, error=ErrorInfo(type="ExecutionError", message="no"))],
            None,
            ToolExecutionError,
        ),
        ([_chunk(1, data=serialize_value(1))], None, ProtocolError),
        ([MagicMock(spec=[])], None, ProtocolError),
        ([_chunk(0, data=serialize_value(1))], None, ToolCommunicationError),
        ([], rpc_error(grpc.StatusCode.UNAVAILABLE, "gone"), ToolCommunicationError),
    ],
)
async def test_a_broken_stream_says_how(context, chunks, broken, error_class):
    context.stub.StreamTool = _streams(chunks, broken)
    with pytest.raises(error_class):
        await AsyncGRPCProxyTool(SPEC, context).stream(1).collect()


async def test_a_range_is_a_list_of_ints(context):
    context.stub.ExecuteTool.return_value = ToolCallResponse(success=True, result=AnyMessage())
    spec = ToolSpec(name="t", arguments=[ArgumentSpec(name="data", python_type="list")])
    await AsyncGRPCProxyTool(spec, context)(range(1000))
    (request,) = context.stub.ExecuteTool.call_args[0]
    assert request.args[0] == serialize_value(list(range(1000)))


async def test_a_streams_total_time_holds_for_a_replaced_method(context):
    async def stuck(request):
        yield _chunk(0, data=serialize_value(1))
        await asyncio.Event().wait()

    context.stub.StreamTool = stuck
    stream = AsyncGRPCProxyTool(SPEC, context).with_options(timeout=0.02).stream(1)
    assert await stream.__anext__() == 1
    with pytest.raises(ToolTimeoutError):
        await stream.__anext__()
