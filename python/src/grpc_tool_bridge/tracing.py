"""Calls as spans of OpenTelemetry, for who brings a tracer provider; needs the extra ``otel``.

A call is a child of the span that is current where it is made; the run of a tool is a child of the call, in whatever
process and language that was made, and is current while the tool runs. Spans name the tool and the error's type,
never what was passed. Without a provider there are no spans, and a trace's context is only passed on.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from .largeframes import LargeChunk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, TracerProvider

    from dspex_bridge_pb2 import (
        ExecuteAgentRequest,
        ToolCallRequest,
        ToolStreamChunk,
        ToolStreamRequest,
    )

    from .calls import HostedCall

    Traced = ToolCallRequest | ToolStreamRequest | ExecuteAgentRequest
    """A request that carries a trace's context."""

__all__ = ["Tracing", "tracing_of"]

_SCOPE = "grpc_tool_bridge"
_SPAN_STATE = 512
"""How long a trace state may be that becomes part of a span: what everybody must be able to pass on (W3C Trace Context,
3.3.1.5). A longer one travels on with its call, and a span has none, so that no caller makes the spans of a worker
longer than a collector takes."""
_Rest = TypeVar("_Rest")


def tracing_of(provider: TracerProvider | None) -> Tracing | None:
    """What makes spans by a provider; None without one.

    Raises:
        ImportError: The extra ``otel`` is missing.
    """
    return None if provider is None else Tracing(provider)


class Tracing:
    """Makes the spans of a client or a worker."""

    def __init__(self, provider: TracerProvider) -> None:
        try:
            from opentelemetry import trace
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise ImportError(
                'a tracer provider needs the extra "otel": pip install "grpc_tool_bridge[otel]"'
            ) from error
        self._trace = trace
        self._tracer = provider.get_tracer(_SCOPE)
        self._propagator = TraceContextTextMapPropagator()

    async def call(
        self,
        method: Callable[[ToolCallRequest, _Rest], Coroutine[Any, Any, Any]],
        request: ToolCallRequest,
        rest: _Rest,
    ) -> Any:
        """Makes a call as a span; ``rest`` is for the method."""
        span = self.begin(request, request.tool_id)
        try:
            answer = await method(request, rest)
            if not answer.success:
                self.fail(span, answer.error.type)
            return answer
        except BaseException as error:
            self.fail(span, type(error).__name__)
            raise
        finally:
            span.end()

    async def stream(
        self,
        method: Callable[
            [ToolStreamRequest, _Rest], AsyncGenerator[ToolStreamChunk | LargeChunk, None]
        ],
        request: ToolStreamRequest,
        rest: _Rest,
    ) -> AsyncGenerator[ToolStreamChunk | LargeChunk, None]:
        """Makes a streaming call as a span, which ends when the stream does or its reader leaves."""
        span = self.begin(request, request.tool_id)
        try:
            async with aclosing(method(request, rest)) as chunks:
                async for chunk in chunks:
                    if not isinstance(chunk, LargeChunk) and chunk.content.HasField("error"):
                        self.fail(span, chunk.content.error.type)
                    yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            self.fail(span, type(error).__name__)
            raise
        finally:
            span.end()

    async def serve(
        self, call: HostedCall, name: str, run: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Runs the tool of a call as a span, which is current meanwhile."""
        kind, within = self._trace.SpanKind.SERVER, self._extract(call.request)
        span = self._start(call.request, f"run {name}", name, kind, within)
        try:
            with self._trace.use_span(span, record_exception=False, set_status_on_exception=False):
                await run()
        finally:
            failure = call.failure or (call.stopped.type if call.stopped is not None else "")
            if failure:
                self.fail(span, failure)
            span.end()

    def begin(self, request: Traced, name: str) -> Span:
        """Begins the span of a call and makes it what the request is a part of."""
        within = None
        if not self._trace.get_current_span().get_span_context().is_valid:
            within = self._extract(request)
        return self._start(request, f"call {name}", name, self._trace.SpanKind.CLIENT, within)

    def fail(self, span: Span, error_type: str) -> None:
        """Marks a span as failed."""
        span.set_attribute("toolbridge.outcome", error_type)
        span.set_status(self._trace.StatusCode.ERROR, error_type)

    def pass_on(self, request: Traced) -> None:
        """Makes a request a part of the current span, if there is one."""
        self._inject(request, None)

    def _start(
        self, request: Traced, title: str, name: str, kind: SpanKind, within: Context | None
    ) -> Span:
        span = self._tracer.start_span(
            title, context=within, kind=kind, attributes={"toolbridge.tool": name}
        )
        self._inject(request, self._trace.set_span_in_context(span))
        return span

    def _extract(self, request: Traced) -> Context | None:
        if not request.traceparent:
            return None
        carrier = {"traceparent": request.traceparent}
        if 0 < len(state := getattr(request, "tracestate", "")) <= _SPAN_STATE:
            carrier["tracestate"] = state
        return self._propagator.extract(carrier)

    def _inject(self, request: Traced, within: Context | None) -> None:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, within)
        if "traceparent" in carrier:
            request.traceparent = carrier["traceparent"]
            if "tracestate" in carrier or len(getattr(request, "tracestate", "")) <= _SPAN_STATE:
                _set_state(request, carrier.get("tracestate", ""))


def _set_state(request: Traced, state: str) -> None:
    if hasattr(request, "tracestate"):
        request.tracestate = state  # pyright: ignore[reportAttributeAccessIssue]
