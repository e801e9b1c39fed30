"""Tools of other processes as local callables: :class:`AsyncGRPCProxyTool`."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

from dspex_bridge_pb2 import ToolCallRequest, ToolSpec, ToolType

from .callrequests import DEFAULT_TIMEOUT, CallOptions, Limit, prepare, value_bytes
from .errors import ToolTimeoutError
from .execution import execute, prepared
from .retry import Retry, call_with_retry
from .schema import ArgumentList, signature_from_spec
from .tables import not_in_batch, too_large, without_readers
from .timeouts import finite, to_microseconds
from .toolstream import ToolStream
from .values.scalars import SCALARS, encode_scalar

if TYPE_CHECKING:
    import inspect
    from collections.abc import Mapping, Sequence

    from typing_extensions import Self

    from .tables import LargeTable

__all__ = ["AsyncGRPCProxyTool"]


class AsyncGRPCProxyTool:
    """A tool of another process. Calling it makes the call; :meth:`stream` reads results as they are made.

    Args:
        spec: The tool.
        session_context: Where calls are made: its ``session_id`` and ``stub`` are used, nothing else.
        limit: What the bridge accepts.
        options: How calls are made.
    """

    def __init__(
        self,
        spec: ToolSpec,
        session_context: Any,
        *,
        limit: Limit | None = None,
        options: CallOptions | None = None,
    ) -> None:
        self.spec = spec
        self.tool_id: str = spec.tool_id or spec.name
        self.name: str = spec.name
        self._context = session_context
        self._limit = limit or Limit()
        self._is_plain = options is None
        self._options = options or CallOptions()
        self._timeout = DEFAULT_TIMEOUT
        if self._options.timeout is not None:
            self._timeout = self._options.timeout
        elif spec.timeout_us:
            self._timeout = spec.timeout_us / 1e6
        self._timeout_us = to_microseconds(self._timeout)
        self._arguments: ArgumentList | None = None
        if spec.arguments or spec.input_schema:
            self._arguments = ArgumentList(spec.name, spec.arguments)
        self._signature: inspect.Signature | None = None
        self.__name__ = spec.name
        self.__qualname__ = spec.name
        self.__doc__ = _documentation(spec)

    @property
    def __signature__(self) -> inspect.Signature:
        if self._signature is None:
            self._signature = signature_from_spec(self.spec)
        return self._signature

    def with_options(self, **options: Any) -> Self:
        """A copy whose calls are made otherwise; see :class:`CallOptions` for the names.

        ``retry`` may also be a number: how often to try again.

        Raises:
            ValueError: The timeout is nan, zero or negative.
        """
        if isinstance(options.get("retry"), int):
            options["retry"] = Retry(options["retry"])
        return type(self)(
            self.spec,
            self._context,
            limit=self._limit,
            options=dataclasses.replace(self._options, **options),
        )

    async def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Calls the tool and waits for its result.

        Raises:
            ToolExecutionError: The arguments do not fit, the tool raised, or the bridge refused.
            ToolTimeoutError: The time passed.
            ToolCommunicationError: The bridge cannot be reached, or was lost.
        """
        if self._options.retry is not None:
            return await call_with_retry(
                self._attempt,
                args,
                kwargs,
                retry=self._options.retry,
                idempotent=self.spec.idempotent,
                tool_name=self.name,
                request_id=self._options.request_id,
            )
        request, tables = await prepared(
            self._prepared, args, kwargs, tool_name=self.name, timeout=self._timeout
        )
        try:
            return await execute(
                self._context.stub,
                request,
                tool_name=self.name,
                timeout=self._timeout,
                address=self._limit.address,
                hint=self._options.result_type,
                tables=tables,
                on_metrics=self._options.on_metrics,
            )
        except ToolTimeoutError as error:
            error.retryable = error.retryable or self.spec.idempotent
            raise

    async def _attempt(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], request_id: str, attempt: int
    ) -> Any:
        one = self.with_options(retry=None, request_id=request_id, attempt=attempt)
        return await one(*args, **kwargs)

    def add_to(self, requests: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
        """Adds the request of a call to those of a batch, checked; returns its value bytes.

        Raises:
            ToolExecutionError: As ``request`` does; then nothing was added.
        """
        if kwargs or not self._is_plain or not SCALARS.issuperset(map(type, args)):
            made = self.request(args, kwargs)
            requests.append(made)
            return value_bytes(made)
        if self._arguments is not None:
            self._arguments.check(args, kwargs)
        values: list[tuple[str, bytes]] = []
        size = 0
        for value in args:
            scalar = encode_scalar(value)
            assert scalar is not None
            values.append(scalar)
            size += len(scalar[0]) + len(scalar[1])
        limit = self._limit
        if size > limit.max_value_bytes:
            raise too_large(self.name, "arguments", size, limit.max_value_bytes)
        request = requests.add()
        request.session_id = self._context.session_id or ""
        request.tool_id = self.tool_id
        request.timeout_us = self._timeout_us
        if limit.epoch:
            request.epoch = limit.epoch
        add = request.args.add
        for url, data in values:
            message = add()
            message.type_url = url
            message.value = data
        return size

    def request(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ToolCallRequest:
        """The request of a call in a batch, checked.

        Raises:
            ToolExecutionError: An argument is missing, surplus, misnamed, mistyped or too large.
        """
        if kwargs:
            kwargs = dict(zip(kwargs, without_readers(kwargs.values()), strict=True))
        request, tables = self._prepared(without_readers(args), kwargs)
        if tables:
            raise not_in_batch(self.name, tables, self._limit.max_value_bytes)
        return request

    def _prepared(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[ToolCallRequest, Sequence[LargeTable]]:
        if self._arguments is not None:
            self._arguments.check(args, kwargs)
        options = self._options
        return prepare(
            self.tool_id,
            args,
            kwargs,
            session_id=self._context.session_id,
            timeout=self._timeout,
            limit=self._limit,
            tool_name=self.name,
            options=options,
        )

    def stream(self, /, *args: Any, **kwargs: Any) -> ToolStream:
        """Calls the tool and yields its results as it makes them; leaving the loop cancels the call.

        Raises:
            ToolExecutionError: As for a call; while streaming, what was yielded before stays valid.
        """
        if self._arguments is not None:
            self._arguments.check(args, kwargs)
        total = finite(self._options.timeout)
        return ToolStream(
            self._context.stub,
            functools.partial(self._prepared, args, kwargs),
            (*args, *kwargs.values()),
            tool_name=self.name,
            limit=total,
            timeout=total,
            hint=self._options.result_type,
            on_metrics=self._options.on_metrics,
        )

    def __repr__(self) -> str:
        kind = ToolType.Name(self.spec.type).lower() if self.spec.type else "standard"
        text = f"<tool {self.name}{self.__signature__} ({kind})>"
        return f"{text}\n{self.__doc__}" if self.__doc__ else text


def _documentation(spec: ToolSpec) -> str:
    lines = [spec.description] if spec.description else []
    told = [a for a in spec.arguments if a.description]
    if told:
        lines += ["", "Args:"] if lines else ["Args:"]
        lines += [f"    {a.name}: {a.description}" for a in told]
    return "\n".join(lines)
