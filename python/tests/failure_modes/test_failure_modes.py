"""The testing strategy's failures, against a real bridge.

In every test the bridge is the fixture's, on a free port or at GRPC_ADDR, where the strategy writes localhost:50051.
"""

from __future__ import annotations

import asyncio
import time
from unittest.mock import AsyncMock, MagicMock

import grpc
import pytest

# The strategy uses these names without importing them.
from dspex_bridge_pb2 import CleanupSessionRequest, ErrorInfo, ToolCallResponse
from grpc_tool_bridge import (
    GRPCToolBridge,
    ProtocolError,
    ToolCommunicationError,
    ToolExecutionError,
    serialize_value,
)
from grpc_tool_bridge.testing import rpc_error

pytestmark = pytest.mark.e2e


class TestFailureModes:
    """Test various failure scenarios."""

    @pytest.mark.asyncio
    async def test_connection_drop_during_stream(self, bridge_address):
        """Test handling of connection drop during streaming."""
        bridge = GRPCToolBridge(bridge_address)
        await bridge.initialize("failure_test")

        # Mock connection drop after 2 chunks
        original_stream = bridge.client.stub.StreamTool
        chunks_sent = 0

        async def failing_stream(*args, **kwargs):
            async for chunk in original_stream(*args, **kwargs):
                nonlocal chunks_sent
                chunks_sent += 1
                if chunks_sent > 2:
                    # AioRpcError itself also insists on initial and trailing metadata.
                    raise rpc_error(code=grpc.StatusCode.UNAVAILABLE, details="Connection lost")
                yield chunk

        bridge.client.stub.StreamTool = failing_stream

        # Execute streaming tool
        tool = bridge.tools["large_data_processor"]
        results = []

        with pytest.raises(ToolCommunicationError) as exc_info:  # noqa: PT012 - as the strategy has it
            async for chunk in tool.stream(range(1000)):
                results.append(chunk)  # noqa: PERF401 - what came before the error is kept

        # Verify partial results were received
        assert len(results) == 2
        assert exc_info.value.code == grpc.StatusCode.UNAVAILABLE

    @pytest.mark.slow
    @pytest.mark.asyncio
    async def test_timeout_recovery(self, bridge_address):
        """Test timeout and retry mechanism."""
        bridge = GRPCToolBridge(bridge_address)
        await bridge.initialize("timeout_test")

        # Mock slow tool
        call_count = 0

        async def slow_then_fast(*args, **kwargs):  # noqa: RET503 - as the strategy has it
            nonlocal call_count
            call_count += 1

            if call_count == 1:
                # First call times out
                await asyncio.sleep(40)  # Longer than timeout
            else:
                # Retry succeeds quickly
                return ToolCallResponse(success=True, result=serialize_value("success"))

        bridge.client.stub.ExecuteTool = slow_then_fast

        # Execute with retry
        tool = bridge.tools["flaky_tool"]  # noqa: F841 - as the strategy has it
        result = await bridge.execute_with_retry("flaky_tool", max_retries=2)

        # Verify retry worked
        assert result == "success"
        assert call_count == 2

    @pytest.mark.asyncio
    async def test_elixir_crash_recovery(self, bridge_address):
        """Test handling when Elixir process crashes."""
        bridge = GRPCToolBridge(bridge_address)
        session_id = "crash_test"
        await bridge.initialize(session_id)

        # Simulate Elixir crash by killing session
        # (test_crash.py really kills the process)
        await bridge.client.stub.CleanupSession(
            CleanupSessionRequest(session_id=session_id, force=True)
        )

        # Try to use tool after crash
        tool = bridge.tools["any_tool"]

        with pytest.raises(ToolExecutionError) as exc_info:
            await tool("input")

        assert exc_info.value.error_type == "SessionExpired"

    @pytest.mark.asyncio
    async def test_malformed_protobuf(self, bridge_address):
        """Test handling of malformed protobuf messages."""
        bridge = GRPCToolBridge(bridge_address)

        # Mock malformed response
        async def bad_response(*args, **kwargs):
            # Return object missing required fields
            return MagicMock(spec=ToolCallResponse)

        bridge.client.stub.ExecuteTool = bad_response

        with pytest.raises(ProtocolError):
            await bridge.execute_tool("any_tool", "input")

    @pytest.mark.slow
    @pytest.mark.asyncio
    async def test_rate_limit_handling(self, bridge_address):
        """Test rate limit error handling."""
        bridge = GRPCToolBridge(bridge_address)
        await bridge.initialize("rate_limit_test")

        # Mock rate limit response
        bridge.client.stub.ExecuteTool = AsyncMock(
            return_value=ToolCallResponse(
                success=False,
                error=ErrorInfo(
                    type="RateLimitExceeded",
                    message="Too many requests",
                    details={"retry_after": "10"},
                ),
            )
        )

        # Execute with retry
        start_time = time.time()

        with pytest.raises(ToolExecutionError) as exc_info:
            await bridge.execute_with_retry("rate_limited_tool", max_retries=1)

        # Verify backoff was applied
        elapsed = time.time() - start_time
        assert elapsed >= 10  # Should have waited at least 10 seconds
        assert exc_info.value.error_type == "RateLimitExceeded"
