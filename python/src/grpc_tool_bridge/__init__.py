"""Offer tools to programs in other languages, and call theirs: typed, streamed, inside sessions.

>>> from grpc_tool_bridge import GRPCToolBridge, Worker, tool  # doctest: +SKIP

Call tools with :class:`GRPCToolBridge`, offer them with :func:`tool` and :class:`Worker`. Programs without an event
loop use :mod:`grpc_tool_bridge.sync`; tests use :mod:`grpc_tool_bridge.testing`.
"""

from typing import TYPE_CHECKING, Any

from dspex_bridge_pb2 import ArgumentSpec, ExecutionMetrics, ToolSpec, ToolType

from .agentruns import AgentEvent
from .bridge import GRPCToolBridge
from .client import ToolBridgeClient
from .context import ToolContext
from .errors import (
    ProtocolError,
    SerializationError,
    SessionError,
    ToolBridgeError,
    ToolCommunicationError,
    ToolExecutionError,
    ToolTimeoutError,
)
from .hosting import tool
from .retry import Retry
from .session import SessionContext, VariableChange
from .tools import AsyncGRPCProxyTool
from .toolstream import ToolStream
from .values import EnumValue, Record, deserialize_value, serialize_value

if TYPE_CHECKING:
    from .worker import Worker

__version__ = "0.1.0"
__all__ = [
    "AgentEvent",
    "ArgumentSpec",
    "AsyncGRPCProxyTool",
    "EnumValue",
    "ExecutionMetrics",
    "GRPCToolBridge",
    "ProtocolError",
    "Record",
    "Retry",
    "SerializationError",
    "SessionContext",
    "SessionError",
    "ToolBridgeClient",
    "ToolBridgeError",
    "ToolCommunicationError",
    "ToolContext",
    "ToolExecutionError",
    "ToolSpec",
    "ToolStream",
    "ToolTimeoutError",
    "ToolType",
    "VariableChange",
    "Worker",
    "__version__",
    "deserialize_value",
    "serialize_value",
    "tool",
]


def __getattr__(name: str) -> Any:
    # Left to first use, so that `python -m grpc_tool_bridge.worker` does not find itself imported already.
    if name == "Worker":
        from .worker import Worker

        return Worker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
