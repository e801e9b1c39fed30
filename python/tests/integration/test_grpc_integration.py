"""The client against a server with set answers, as the testing strategy asks for it."""

from __future__ import annotations

import pytest

from dspex_bridge_pb2 import (
    CompleteSignal,
    ExecutionMetrics,
    InitializeSessionResponse,
    ToolCallResponse,
    ToolStreamChunk,
)
from grpc_tool_bridge import ToolBridgeClient, serialize_value
from grpc_tool_bridge.testing import MockBridgeServer


class TestGRPCIntegration:
    """Test gRPC communication with mock server."""

    @pytest.fixture
    def mock_grpc_server(self):
        """Create mock gRPC server for testing."""
        # grpc_testing has no channel(), set_response() and requests_for(), and is not asynchronous.
        return MockBridgeServer()

    @pytest.mark.asyncio
    async def test_session_initialization(self, mock_grpc_server):
        """Test session initialization flow."""
        # Arrange
        with mock_grpc_server as server:
            channel = server.channel()
            client = ToolBridgeClient(channel)

            # Setup expected response
            server.set_response(
                "InitializeSession",
                InitializeSessionResponse(
                    success=True, tool_count=3, capabilities=["streaming", "variables"]
                ),
            )

            # Act
            result = await client.initialize_session("test_session")

            # Assert
            assert result is True
            assert client.session_id == "test_session"

            # Verify request
            requests = server.requests_for("InitializeSession")
            assert len(requests) == 1
            assert requests[0].session_id == "test_session"

    @pytest.mark.asyncio
    async def test_tool_execution_success(self, mock_grpc_server):
        """Test successful tool execution."""
        with mock_grpc_server as server:
            channel = server.channel()
            client = ToolBridgeClient(channel)
            client.session_id = "test_session"

            # Setup response
            server.set_response(
                "ExecuteTool",
                ToolCallResponse(
                    success=True,
                    result=serialize_value({"answer": 42}),
                    metrics=ExecutionMetrics(duration_ms=15),
                ),
            )

            # Execute
            result = await client.execute_tool("calculate", 40, 2)

            # Verify
            assert result == {"answer": 42}

    @pytest.mark.asyncio
    async def test_streaming_tool(self, mock_grpc_server):
        """Test streaming tool execution."""
        with mock_grpc_server as server:
            channel = server.channel()
            client = ToolBridgeClient(channel)
            client.session_id = "test_session"

            # Setup streaming response
            chunks = [
                ToolStreamChunk(
                    stream_id="stream_1", sequence=0, content={"data": serialize_value("chunk_1")}
                ),
                ToolStreamChunk(
                    stream_id="stream_1", sequence=1, content={"data": serialize_value("chunk_2")}
                ),
                ToolStreamChunk(
                    stream_id="stream_1",
                    sequence=2,
                    content={"complete": CompleteSignal(total_chunks=2)},
                ),
            ]
            server.set_streaming_response("StreamTool", chunks)

            # Execute and collect results
            results = []
            async for chunk in client.stream_tool("process_data", [1, 2, 3]):
                results.append(chunk)  # noqa: PERF401 - as the strategy has it

            # Verify
            assert results == ["chunk_1", "chunk_2"]
