"""The bridge's end of links, for the bridge in memory."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from dspex_bridge_pb2 import (
    ErrorInfo,
    Frame,
    Hello,
    Limits,
    LinkMessage,
    ProtocolError,
    Registered,
    ToolCallRequest,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
    Welcome,
)
from grpc_tool_bridge.connection import REVISION, RpcTransport, refuse
from grpc_tool_bridge.errors import info_from_exception
from grpc_tool_bridge.link import INITIAL_CREDIT, MAX_CALLS, Link
from grpc_tool_bridge.packing import ProtocolViolationError, body_tag

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from dspex_bridge_pb2 import ToolSpec
    from grpc_tool_bridge.calls import HostedCall

_REGISTERED = body_tag("registered")
_GREETING = 5.0


class Refusal(Exception):  # noqa: N818 - it becomes an answer
    """Why the bridge does not do what it was asked."""

    def __init__(self, error_type: str, message: str, **details: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.info = ErrorInfo(type=error_type, message=message, details=details)


class Broker(Protocol):
    """What an attached process needs of the bridge."""

    bridge_run: str
    limits: Limits
    grace: float

    async def execute(self, request: ToolCallRequest) -> ToolCallResponse:
        """Runs a call."""
        ...

    def stream(self, request: ToolCallRequest) -> AsyncGenerator[ToolStreamChunk, None]:
        """Runs a streaming call."""
        ...

    def offer(self, process: Process, tools: Sequence[ToolSpec]) -> list[str]:
        """A process offers tools."""
        ...

    def withdraw(self, process: Process, tool_ids: Sequence[str], session_id: str) -> None:
        """A process withdraws tools."""
        ...

    def leave(self, process: Process) -> None:
        """A process is gone for good."""
        ...


class Process:
    """A process that has, or had until now, a link."""

    def __init__(self, broker: Broker, hello: Hello) -> None:
        self.identity = hello.identity
        self.incarnation = str(uuid.uuid4())
        self.labels = dict(hello.labels)
        self.draining = False
        self.link = Link(
            self, first_call_id=2, describe=f"the link to the process {hello.identity}"
        )
        self.link.max_calls = hello.max_calls or MAX_CALLS
        self.grace_timer: asyncio.TimerHandle | None = None
        self._broker = broker
        self._tasks: set[asyncio.Task[None]] = set()

    def on_call(self, call: HostedCall) -> None:
        """The process makes a call: a task waits for its answer."""
        task = asyncio.ensure_future(self._serve(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

        def cancel(_: ErrorInfo) -> None:
            task.cancel()

        call.on_cancel = cancel

    async def _serve(self, call: HostedCall) -> None:
        request = call.request
        parent = request.parent_call
        if parent:
            # The place of a call that waits for this one is free meanwhile.
            self.link.max_calls += 1
        try:
            if request.stream:
                async with aclosing(self._broker.stream(request)) as chunks:
                    async for chunk in chunks:
                        await call.send(chunk)
            else:
                call.respond(await self._broker.execute(request))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            info = error.info if isinstance(error, Refusal) else info_from_exception(error)
            if request.stream:
                call.send_now(ToolStreamChunk(content=ToolStreamContent(error=info)))
            else:
                call.respond(ToolCallResponse(success=False, error=info))
        finally:
            if parent:
                self.link.max_calls -= 1

    def on_control(self, name: str, frame: Frame) -> None:
        """The process registers, withdraws or drains."""
        if name == "register":
            answer = Registered(id=frame.register.id)
            try:
                answer.tool_ids.extend(self._broker.offer(self, frame.register.tools))
            except Refusal as error:
                answer.error.CopyFrom(error.info)
            self.link.send(_REGISTERED, answer.SerializeToString())
        elif name == "unregister":
            answer = Registered(id=frame.unregister.id)
            try:
                self._broker.withdraw(self, frame.unregister.tool_ids, frame.unregister.session_id)
            except Refusal as error:
                answer.error.CopyFrom(error.info)
            self.link.send(_REGISTERED, answer.SerializeToString())
        elif name == "drain":
            self.draining = True

    def close(self, reason: str) -> None:
        """It does not come back."""
        if self.grace_timer is not None:
            self.grace_timer.cancel()
        self.link.begin_anew(reason)
        self.link.close()
        for task in self._tasks:
            task.cancel()


class Processes:
    """All processes with links."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._attached: dict[str, Process] = {}
        self._serving: dict[str, asyncio.Task[Any]] = {}

    def __iter__(self) -> Any:
        return iter(list(self._attached.values()))

    async def serve(self, context: Any) -> None:
        """Serves one connection until it ends."""
        transport = RpcTransport(context)
        hello = await self._greeted(transport)
        if hello is None:
            return
        previous = self._serving.pop(hello.identity, None)
        if previous is not None:
            previous.cancel()
            await asyncio.wait({previous})
        process, resumed = self._find(hello)
        if process.grace_timer is not None:
            process.grace_timer.cancel()
            process.grace_timer = None
        welcome = self._welcome(process, resumed=resumed)
        await transport.write(LinkMessage(frames=[Frame(welcome=welcome)]).SerializeToString())
        if resumed:
            process.link.resume(hello.received)
        task = asyncio.ensure_future(process.link.run(transport))
        self._serving[hello.identity] = task
        try:
            await asyncio.wait({task})
            if not task.cancelled() and isinstance(task.exception(), ProtocolViolationError):
                self._forget(process, str(task.exception()))
        finally:
            task.cancel()
            if self._serving.get(hello.identity) is task:
                del self._serving[hello.identity]
                self._await_return(process)

    async def _greeted(self, transport: RpcTransport) -> Hello | None:
        data = await asyncio.wait_for(transport.read(), _GREETING)
        message = LinkMessage.FromString(data or b"")
        if not message.frames or message.frames[0].WhichOneof("body") != "hello":
            return await _turn_away(transport, "ProtocolError", "a link begins with hello")
        hello = message.frames[0].hello
        if hello.min_revision > REVISION or not hello.identity:
            return await _turn_away(
                transport,
                "ProtocolError",
                f"revision {hello.min_revision} is wanted, this bridge speaks {REVISION}",
            )
        return hello

    def _find(self, hello: Hello) -> tuple[Process, bool]:
        process = self._attached.get(hello.identity)
        if process is not None:
            if hello.incarnation == process.incarnation:
                return process, True
            self._forget(process, "it came back without its incarnation")
        process = self._attached[hello.identity] = Process(self._broker, hello)
        return process, False

    def _welcome(self, process: Process, *, resumed: bool) -> Welcome:
        return Welcome(
            revision=REVISION,
            incarnation=process.incarnation,
            resumed=resumed,
            received=process.link.window.received if resumed else 0,
            max_calls=MAX_CALLS,
            bridge_run=self._broker.bridge_run,
            limits=self._broker.limits,
            reattach_grace_us=int(self._broker.grace * 1e6),
            initial_credit=INITIAL_CREDIT,
        )

    def _await_return(self, process: Process) -> None:
        if self._attached.get(process.identity) is not process:
            return
        if process.draining:
            self._forget(process, "it left")
            return
        process.grace_timer = asyncio.get_running_loop().call_later(
            self._broker.grace, self._forget, process, "it did not come back in time"
        )

    def _forget(self, process: Process, reason: str) -> None:
        if self._attached.get(process.identity) is process:
            del self._attached[process.identity]
        process.close(reason)
        self._broker.leave(process)

    def drop_connections(self) -> int:
        """Ends every connection as a broken network does; says how many there were."""
        for task in self._serving.values():
            task.cancel()
        return len(self._serving)

    def close(self) -> None:
        """Ends all of them."""
        self.drop_connections()
        for process in list(self._attached.values()):
            self._forget(process, "the bridge stopped")


async def _turn_away(transport: RpcTransport, error_type: str, message: str) -> None:
    body = ProtocolError(error=ErrorInfo(type=error_type, message=message))
    await transport.write(LinkMessage(frames=[Frame(protocol_error=body)]).SerializeToString())


__all__ = ["Broker", "Process", "Processes", "Refusal", "refuse"]
