"""A process's link to its bridge: dialling, greeting, registering, and attaching again after a loss.

:class:`Connection` owns one :class:`~grpc_tool_bridge.link.Link` and the task that keeps it up. It belongs
to the event loop it was made on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import uuid
from typing import TYPE_CHECKING, Any, Protocol

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from dspex_bridge_pb2 import (
    Drain,
    ErrorInfo,
    Frame,
    Hello,
    Limits,
    LinkMessage,
    ToolCallResponse,
    ToolStreamChunk,
    ToolStreamContent,
    Welcome,
)

from .directstream import CONNECT_TIMEOUT, is_direct, open_direct
from .errors import ProtocolError, ToolCommunicationError, error_from_info, error_from_rpc
from .link import INITIAL_CREDIT, MAX_CALLS, Link
from .packing import ProtocolViolationError, body_tag
from .registrations import Registrations
from .tables import MAX_TABLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .calls import HostedCall
    from .transports import Transport

logger = logging.getLogger(__name__)

REVISION = 1
"""The protocol that this SDK speaks."""
LINK_METHOD = "/dspex.bridge.SnakepitBridge/Link"
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.max_send_message_length", 16 * 1024 * 1024),
    # What a link may have under way; measuring the path would cost a ping for nearly every message.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 8 * 1024 * 1024),
    # A lost connection is found by the transport, and tried again soon.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # A process of its own needs a connection of its own.
    ("grpc.use_local_subchannel_pool", 1),
)
_FIRST_DELAY, _LONGEST_DELAY = 0.02, 1.0
_FAREWELL = 1.0
_CANCEL_AGAIN = 0.1
_FATAL = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
_EOF: Any = getattr(grpc.aio, "EOF")  # noqa: B009 - its stubs do not know it
_DRAIN = body_tag("drain")


class OpenStream(Protocol):
    """What the connection itself uses of a stream: of ``grpc.aio.StreamStreamCall`` or ``DirectStream``."""

    def done_writing(self) -> Any: ...  # noqa: D102 - grpc's own
    def cancel(self) -> bool: ...  # noqa: D102 - grpc's own


class RpcTransport:
    """A link's transport over a bidirectional RPC, of a client or a server."""

    def __init__(self, rpc: Any) -> None:
        self._rpc = rpc

    async def read(self) -> bytes | None:
        """The next message; None at the end."""
        data = await self._rpc.read()
        return None if data is _EOF else data

    async def write(self, message: bytes) -> None:
        """Sends a message."""
        await self._rpc.write(message)


def open_channel(address: str) -> grpc.aio.Channel:
    """A channel to a bridge, with the options that a link wants."""
    return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)


class Connection:
    """A process's link to its bridge, kept up from the first :meth:`attach` until :meth:`aclose`.

    Args:
        channel: To the bridge; stays the caller's.
        address: Named in errors.
        labels: Sent with ``hello``, for people.
        max_calls: Calls that the bridge may have under way here at once; 0 means 4,096.
        on_call: Takes the bridge's calls; without it they are refused.
        on_tools_changed: Told a session's id (empty: every session) when its tools have changed.
        still_running: Says how many calls of an earlier incarnation still run here.
        connect_timeout: Seconds that callers wait for a link.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        *,
        address: str,
        labels: Mapping[str, str] | None = None,
        max_calls: int = 0,
        on_call: Callable[[HostedCall], None] | None = None,
        on_tools_changed: Callable[[str], None] | None = None,
        still_running: Callable[[], int] = lambda: 0,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        self.address = address
        self.identity = str(uuid.uuid4())
        self.limits: Limits | None = None
        """What the bridge accepts; None before the first attachment."""
        self.bridge_run = ""
        """The bridge's own run."""
        self.takes_batches = False
        """The bridge takes batches over the link."""
        self.handler = on_call
        self.attachments = 0
        """How often a connection was made."""
        self.draining = False
        """No further call is taken from the bridge."""
        self._labels = {
            "sdk": "python",
            "language": "python",
            "pid": str(os.getpid()),
            **(labels or {}),
        }
        self._max_calls = max_calls
        self._on_tools_changed = on_tools_changed
        self._still_running = still_running
        self._connect_timeout = connect_timeout
        self._open: Callable[..., OpenStream] = channel.stream_stream(  # pyright: ignore[reportAssignmentType]
            LINK_METHOD, request_serializer=None, response_deserializer=None
        )
        self._link = Link(self, first_call_id=1, describe=f"the link to the bridge at {address}")
        self._incarnation: str = ""
        self._grace = CONNECT_TIMEOUT
        self._grace_timer: asyncio.TimerHandle | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._rpc: OpenStream | None = None
        self._attached = asyncio.Event()
        self._failure: Exception | None = None
        self._last_error: Exception | None = None
        self._waiting = 0
        self._closed = False
        self.registrations: Registrations = Registrations(self)
        """What is offered over the link."""

    @property
    def link(self) -> Link:
        """The link itself."""
        return self._link

    @property
    def patience(self) -> float:
        """Seconds that an answer of the bridge itself is waited for."""
        return 2 * self._connect_timeout + self._grace

    @property
    def attached(self) -> bool:
        """A connection carries the link now."""
        return self._link.attached

    async def attach(self, timeout: float | None = None) -> Link:
        """Waits until the link is up.

        Args:
            timeout: In seconds; by default the connect timeout.

        Raises:
            ToolCommunicationError: No bridge answered in time, or it does not serve links (code
                UNIMPLEMENTED) or not us.
        """
        if self._link.attached:
            return self._link
        if self._closed:
            raise self.unreachable("the connection was closed")
        if self._keeper is None or self._keeper.done():
            self._failure = None
            self._keeper = asyncio.ensure_future(self._keep_up())
        limit = self._connect_timeout if timeout is None else timeout
        if await self._attached_within(limit, self._keeper):
            return self._link
        await self._give_up()
        if self._failure is not None:
            raise self._failure
        raise self.unreachable(_describe(self._last_error)) from self._last_error

    async def _attached_within(self, limit: float, keeper: asyncio.Task[None]) -> bool:
        loop = asyncio.get_running_loop()
        end = loop.time() + limit
        self._waiting += 1
        try:
            while not self._link.attached and not keeper.done() and loop.time() < end:
                # One that broke just now is still set, until the keeper hears of it.
                self._attached.clear()
                waits = asyncio.ensure_future(self._attached.wait())
                await asyncio.wait(
                    {waits, keeper}, timeout=end - loop.time(), return_when=asyncio.FIRST_COMPLETED
                )
                waits.cancel()
        finally:
            self._waiting -= 1
        return self._link.attached

    async def _give_up(self) -> None:
        """Without a first attachment nobody but those who wait wants the connection."""
        if not self.attachments and not self._waiting and self._keeper is not None:
            await _cancelled(self._keeper)

    def unreachable(self, why: str) -> ToolCommunicationError:
        """The error of whatever needed the bridge."""
        return ToolCommunicationError(
            "",
            grpc.StatusCode.UNAVAILABLE,
            f"no bridge answers at {self.address} within {self._connect_timeout:g} s: {why}",
            {"started": "false"},
        )

    # --- keeping it up ---

    async def _keep_up(self) -> None:
        delay = _FIRST_DELAY
        while not self._closed:
            before = self.attachments
            try:
                await self._connect()
                self._last_error = None
            except grpc.aio.AioRpcError as error:
                self._last_error = error
                if error.code() in _FATAL:
                    self._failure = error_from_rpc(error, address=self.address)
                    self._end_incarnation(_describe(error))
                    return
            except (ProtocolViolationError, ProtocolError) as error:
                logger.warning("the link to the bridge at %s broke: %s", self.address, error)
                self._last_error = error
                self._end_incarnation(str(error))
            except (OSError, asyncio.TimeoutError, asyncio.InvalidStateError, DecodeError) as error:
                self._last_error = error
            finally:
                self._detached()
            delay = _FIRST_DELAY if self.attachments > before else min(delay * 2, _LONGEST_DELAY)
            if not self._closed:
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads load

    async def _connect(self) -> None:
        if is_direct(self.address):
            stream = await open_direct(self.address, LINK_METHOD)
            if await self._carry(stream, stream):
                return
        # Also where no welcome came directly: grpc says why.
        rpc = self._open()
        if not await self._carry(rpc, RpcTransport(rpc)):
            raise ProtocolError(f"the bridge at {self.address} closed the link without a welcome")

    async def _carry(self, rpc: OpenStream, transport: Transport) -> bool:
        """Carries the link over a stream until that ends; says whether the bridge welcomed it."""
        self._rpc = rpc
        try:
            try:
                welcome = await asyncio.wait_for(self._greet(transport), CONNECT_TIMEOUT)
            except ConnectionError:
                return False
            if welcome is None:
                return False
            self._welcomed(welcome)
            await self._link.run(transport)
        finally:
            self._rpc = None
            rpc.cancel()
        return True

    async def _greet(self, transport: Transport) -> Welcome | None:
        hello = Hello(
            revision=REVISION,
            min_revision=REVISION,
            identity=self.identity,
            incarnation=self._incarnation,
            received=self._link.window.received if self._incarnation else 0,
            max_calls=self._max_calls,
            capabilities=("tables",),
            labels=self._labels,
            still_running=0 if self._incarnation else self._still_running(),
        )
        await transport.write(LinkMessage(frames=[Frame(hello=hello)]).SerializeToString())
        data = await transport.read()
        if data is None:
            return None
        message = LinkMessage.FromString(data)
        body = message.frames[0].WhichOneof("body") if message.frames else None
        if body == "welcome":
            return message.frames[0].welcome
        if body == "protocol_error":
            raise self._refused(message.frames[0].protocol_error.error)
        raise ProtocolError(f"the bridge at {self.address} answered hello with {body}")

    def _refused(self, info: ErrorInfo) -> ProtocolError:
        error = error_from_info(info, tool_name="")
        return ProtocolError(f"the bridge at {self.address} refused the link: {error}")

    def _welcomed(self, welcome: Welcome) -> None:
        if self._grace_timer is not None:
            self._grace_timer.cancel()
            self._grace_timer = None
        resumed = welcome.resumed and welcome.incarnation == self._incarnation
        if resumed:
            self._link.resume(welcome.received)
        elif self._incarnation:
            self._end_incarnation("the bridge does not know it any more")
        self._incarnation = welcome.incarnation
        self._grace = welcome.reattach_grace_us / 1e6 or CONNECT_TIMEOUT
        self.bridge_run = welcome.bridge_run
        self.takes_batches = "batches" in welcome.capabilities
        self.limits = welcome.limits
        self._link.max_calls = welcome.max_calls or MAX_CALLS
        self._link.initial_credit = welcome.initial_credit or INITIAL_CREDIT
        self._link.max_table_bytes = welcome.limits.max_table_bytes or MAX_TABLE_BYTES
        if not resumed:
            self.registrations.tell_anew()
        self.attachments += 1
        self._attached.set()

    def _detached(self) -> None:
        self._attached.clear()
        if self._incarnation and self._grace_timer is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._grace_timer = loop.call_later(self._grace, self._grace_over)

    def _grace_over(self) -> None:
        self._grace_timer = None
        if not self._link.attached:
            self._end_incarnation(f"no connection for {self._grace:g} s")

    def _end_incarnation(self, reason: str) -> None:
        if self._grace_timer is not None:
            self._grace_timer.cancel()
            self._grace_timer = None
        self._incarnation = ""
        self._link.begin_anew(reason)

    # --- what the link tells its owner ---

    def on_control(self, name: str, frame: Frame) -> None:
        """A frame of the link itself."""
        if name == "registered":
            self.registrations.answered(frame.registered)
        elif name == "tools_changed":
            if self._on_tools_changed is not None:
                self._on_tools_changed(frame.tools_changed.session_id)
        elif name == "protocol_error":
            raise self._refused(frame.protocol_error.error)
        elif name == "drain":
            logger.info("the bridge at %s drains: %s", self.address, frame.drain.reason)

    def on_call(self, call: HostedCall) -> None:
        """Gives a call of the bridge to the one who hosts."""
        if self.handler is None or self.draining:
            refuse(call, "WorkerUnavailable", "this process takes no calls")
        else:
            self.handler(call)

    # --- leaving ---

    async def wait_closed(self) -> None:
        """Waits until the link is not kept up any more, or a bridge that started anew refused what is offered.

        Raises:
            ToolCommunicationError: The bridge does not serve us.
            ToolBridgeError: It refused the tools.
        """
        if self._keeper is not None:
            refused = asyncio.ensure_future(self.registrations.refused.wait())
            await asyncio.wait({self._keeper, refused}, return_when=asyncio.FIRST_COMPLETED)
            refused.cancel()
        failure = self._failure or self.registrations.refusal
        if failure is not None:
            raise failure

    async def drain(self, timeout: float = 30.0, *, reason: str = "the process leaves") -> None:
        """Asks for no new calls and waits for those that run here.

        Args:
            timeout: In seconds; calls that still run then are left to :meth:`aclose`.
            reason: For logs.
        """
        self.draining = True
        if not self._link.attached:
            return
        self._link.send(
            _DRAIN, Drain(reason=reason, deadline_us=int(timeout * 1e6)).SerializeToString()
        )
        end = asyncio.get_running_loop().time() + timeout
        await self._link.until_idle(end)

    async def aclose(self) -> None:
        """Closes the link; calls under way end as ``ToolCommunicationError``."""
        self._closed = True
        if self._grace_timer is not None:
            self._grace_timer.cancel()
        if self._keeper is not None:
            await self._hang_up(self._keeper)
        self.registrations.close()
        self._link.begin_anew("it was closed")
        self._link.close()

    async def _hang_up(self, keeper: asyncio.Task[None]) -> None:
        """Sends what waits, ends our side of the stream, and gives the bridge a moment to end its own."""
        loop = asyncio.get_running_loop()
        if self._rpc is not None and self._link.attached:
            self._link.cancel_all("the caller left")
            try:
                await self._link.until_sent(loop.time() + _FAREWELL)
                await self._rpc.done_writing()
                await asyncio.wait({keeper}, timeout=_FAREWELL)
            except (OSError, grpc.RpcError, asyncio.InvalidStateError) as error:
                logger.debug("the link to the bridge at %s ended first: %s", self.address, error)
        await _cancelled(keeper)

    def __repr__(self) -> str:
        state = "attached" if self._link.attached else "detached"
        return f"<Connection to {self.address}, {state}>"


async def _cancelled(task: asyncio.Task[None]) -> None:
    """Ends a task. More than one cancellation may be needed: ``wait_for`` loses one that comes as it ends itself."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_AGAIN)


def refuse(call: HostedCall, error_type: str, message: str) -> None:
    """Answers a hosted call with an error without running it."""
    error = ErrorInfo(type=error_type, message=message)
    if call.request.stream:
        call.send_now(ToolStreamChunk(content=ToolStreamContent(error=error)))
    else:
        call.respond(ToolCallResponse(success=False, error=error))


def _describe(error: BaseException | None) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    if error is None or isinstance(error, asyncio.TimeoutError):
        return "nothing answered"
    return str(error) or type(error).__name__
