"""Runs of agents: :class:`AgentEvent`, and where they come from."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import grpc

from dspex_bridge_pb2 import AgentEvent as AgentEventMessage
from dspex_bridge_pb2 import ExecuteAgentRequest

from .errors import ToolBridgeError, error_from_info
from .execution import MARGIN, NO_LIMIT, late, timed
from .responses import call_error, named
from .timeouts import check_timeout, to_microseconds
from .values import deserialize_value, serialize_value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from typing_extensions import Self

    from .client import ToolBridgeClient

__all__ = ["AgentEvent", "run_agent"]


class AgentEvent(dict[str, Any]):
    """One event of an agent's run, as a dict.

    Always there: "type" ("thought", "action", "observation", "progress", "result" or "error"), "run_id", "sequence",
    "step". Besides, where they apply: "text" (thought, progress), "tool_name", "tool_args" (action),
    "observation", "error" (an exception), "final_answer" and "outputs" (result), "duration_ms".
    """

    @classmethod
    def from_message(cls, message: AgentEventMessage) -> Self:
        """Decodes an event."""
        event = cls(
            type=message.type,
            run_id=message.run_id,
            sequence=message.sequence,
            step=message.step,
        )
        if message.text:
            event["text"] = message.text
        if message.tool_name:
            event["tool_name"] = message.tool_name
        if message.type == "action":
            event["tool_args"] = {k: deserialize_value(v) for k, v in message.tool_args.items()}
        if message.HasField("observation"):
            event["observation"] = deserialize_value(message.observation)
        if message.HasField("error"):
            event["error"] = call_error(message.error, message.tool_name)
        if message.HasField("final_answer"):
            event["final_answer"] = deserialize_value(message.final_answer)
        if message.type == "result":
            event["outputs"] = {k: deserialize_value(v) for k, v in message.outputs.items()}
        if message.HasField("metrics"):
            event["duration_ms"] = message.metrics.duration_ms
        return event


async def run_agent(
    client: ToolBridgeClient, request: Mapping[str, Any]
) -> AsyncIterator[AgentEvent]:
    """Runs an agent and yields its events; see ``GRPCToolBridge.execute_agent_streaming``."""
    timeout = request.get("timeout")
    check_timeout(timeout)
    message = ExecuteAgentRequest(
        session_id=client.session_context.require(),
        agent_id=request["agent_id"],
        stream=bool(request.get("stream", True)),
        run_id=request.get("run_id") or str(uuid.uuid4()),
        timeout_us=to_microseconds(timeout),
        history=[serialize_value(turn) for turn in request.get("history") or ()],
        model=request.get("model") or "",
        epoch=client.limit.epoch,
    )
    inputs: dict[str, Any] = request.get("input") or {}
    for name, value in inputs.items():
        message.input[name].CopyFrom(serialize_value(value))
    await client.stub.ready()
    tracing = client.stub.tracing
    span = tracing.begin(message, f"agent {message.agent_id}") if tracing is not None else None
    events = client.stub.ExecuteAgent(message)
    limit = to_microseconds(timeout) / 1e6 + MARGIN if to_microseconds(timeout) else NO_LIMIT
    try:
        async for event in timed(events, limit):
            if tracing is not None and span is not None and event.type == "error":
                tracing.fail(span, event.error.type)
            if message.stream or event.type in {"result", "error"}:
                yield AgentEvent.from_message(event)
            if event.type == "error":
                raise error_from_info(event.error, tool_name=event.tool_name)
    except grpc.RpcError as error:
        raise named(error, "", client.address) from error
    except asyncio.TimeoutError as error:
        if isinstance(error, ToolBridgeError):
            raise
        raise late("agent", client.address, limit) from error
    finally:
        events.cancel()
        if span is not None:
            span.end()
