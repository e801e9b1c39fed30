"""A bridge whose answers are set beforehand, on a real gRPC server."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, cast

import grpc
import grpc.aio
from google.protobuf import message_factory

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.connection import open_channel
from grpc_tool_bridge.sync import BackgroundLoop, background_loop

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message
    from typing_extensions import Self

__all__ = ["MockBridgeServer", "rpc_error"]

_SERVICE: Any = pb.DESCRIPTOR.services_by_name["SnakepitBridge"]


def rpc_error(
    code: grpc.StatusCode, details: str = "", debug: str | None = None
) -> grpc.aio.AioRpcError:
    """The exception that grpc raises for a status, with the empty metadata that its constructor insists on."""
    return grpc.aio.AioRpcError(
        code, grpc.aio.Metadata(), grpc.aio.Metadata(), details=details, debug_error_string=debug
    )


class MockBridgeServer:
    """A bridge that answers what it was told and remembers what it was asked.

    It serves every method of ``SnakepitBridge`` but ``Link`` on a free port of the loopback address. Use it as
    ``with`` or ``async with``; in a coroutine it runs on that coroutine's loop, else on the background loop::

        async with MockBridgeServer() as server:
            server.set_response("ExecuteTool", ToolCallResponse(success=True, result=serialize_value(42)))
            client = ToolBridgeClient(server.channel())

    A method without an answer says UNIMPLEMENTED.
    """

    def __init__(self) -> None:
        self.address = ""
        """Where it listens, once entered."""
        self._answers: dict[str, Any] = {}
        self._requests: dict[str, list[Any]] = {}
        self._server: grpc.aio.Server | None = None
        self._background: BackgroundLoop | None = None
        self._channels: list[Any] = []
        self._starting: asyncio.Future[None] | None = None
        self._stopping: asyncio.Future[None] | None = None

    def set_response(self, method: str, response: Any) -> None:
        """Sets the answer to a method.

        Args:
            method: Such as "ExecuteTool".
            response: A message, a gRPC error (see :func:`rpc_error`), or a function of the request, which may be
                a coroutine function, that gives one of these.
        """
        self._answers[_descriptor(method).name] = response

    def set_streaming_response(self, method: str, chunks: Iterable[Any]) -> None:
        """Sets what a streaming method yields: messages, and at the end perhaps a gRPC error."""
        if not _descriptor(method).server_streaming:
            raise ValueError(f"{method} does not stream; use set_response")
        self._answers[method] = list(chunks)

    def requests_for(self, method: str) -> list[Any]:
        """The requests that a method has had, oldest first."""
        return self._requests.setdefault(_descriptor(method).name, [])

    def channel(self) -> Any:
        """A channel to it: of ``grpc.aio`` in a coroutine, else a blocking one."""
        if self._background is None:
            channel: Any = open_channel(self.address)
        else:
            channel = grpc.insecure_channel(self.address)
        self._channels.append(channel)
        return channel

    def _listen(self) -> grpc.aio.Server:
        server = self._server = grpc.aio.server()
        server.add_generic_rpc_handlers((_Handler(self._answers, self._requests),))
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        return server

    async def start(self) -> None:
        """Listens."""
        await self._listen().start()

    async def stop(self) -> None:
        """Stops, and closes the channels that it gave."""
        if self._starting is not None:
            await self._starting
        for channel in self._channels:
            closed = channel.close()
            if inspect.isawaitable(closed):
                await closed
        if self._server is not None:
            await self._server.stop(None)

    def __enter__(self) -> Self:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._background = background_loop()
            self._background.run(self.start())
        else:
            # It listens before the first request of this loop can leave.
            self._starting = asyncio.ensure_future(self._listen().start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._background is not None:
            self._background.run(self.stop())
        else:
            self._stopping = asyncio.ensure_future(self.stop())

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()


def _descriptor(method: str) -> MethodDescriptor:
    try:
        return _SERVICE.methods_by_name[method]
    except KeyError:
        raise ValueError(f"SnakepitBridge has no method {method!r}") from None


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, answers: dict[str, Any], requests: dict[str, list[Any]]) -> None:
        self._answers = answers
        self._requests = requests

    def service(self, handler_call_details: Any) -> Any:
        name = handler_call_details.method.rpartition("/")[2]
        if name == "Link" or name not in _SERVICE.methods_by_name:
            return None
        method = _descriptor(name)

        async def unary(request: Message, context: Any) -> Any:
            return await self._answer(name, request, context)

        async def stream(request: Message, context: Any) -> Any:
            for chunk in await self._chunks(name, request, context):
                yield await _sent(chunk, context)

        make: Any = grpc.unary_unary_rpc_method_handler
        if method.server_streaming:
            make = grpc.unary_stream_rpc_method_handler
        request_class: Any = message_factory.GetMessageClass(method.input_type)
        return make(
            stream if method.server_streaming else unary,
            request_deserializer=request_class.FromString,
            response_serializer=_serialized,
        )

    async def _answer(self, name: str, request: Message, context: Any) -> Any:
        self._requests.setdefault(name, []).append(request)
        answer = self._answers.get(name)
        if answer is None:
            await context.abort(
                grpc.StatusCode.UNIMPLEMENTED, f"no answer was set for {name}; call set_response"
            )
        if callable(answer):
            answer = answer(request)
            if inspect.isawaitable(answer):
                answer = await answer
        return await _sent(answer, context)

    async def _chunks(self, name: str, request: Message, context: Any) -> list[Any]:
        answer = await self._answer(name, request, context)
        return cast("list[Any]", answer) if isinstance(answer, list) else [answer]


async def _sent(answer: Any, context: Any) -> Any:
    if isinstance(answer, grpc.aio.AioRpcError):
        await context.abort(answer.code(), answer.details() or "")
    return answer
