"""Many calls that travel as one request: :class:`Batch`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc

from dspex_bridge_pb2 import BatchExecuteToolsRequest

from .callrequests import DEFAULT_TIMEOUT, CallOptions, make_request, value_bytes
from .errors import ToolBridgeError, ToolExecutionError
from .execution import MARGIN, NO_LIMIT, late, timed
from .responses import Stopwatch, call_error, named, result_of
from .tables import too_large
from .timeouts import check_timeout, to_microseconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from dspex_bridge_pb2 import BatchItemResponse

    from .client import ToolBridgeClient
    from .tools import AsyncGRPCProxyTool

__all__ = ["Batch", "raise_first"]

_ITEM_FIELDS = dict.fromkeys(
    ("tool_id", "args", "kwargs", "timeout", "request_id", "on_metrics")
).keys()


class Batch:
    """Calls that travel as one request, and what becomes of each; to be made once.

    Args:
        client: Who makes them.
        known: Finds the tool of an id or a name; None: its arguments are not checked here.
        requests: The items; for these and the options see ``GRPCToolBridge.execute_batch``.
        max_concurrency: See there.
        fail_fast: See there; an item that is refused here is a failure too.
        timeout: See there.
        batch_id: See there.
    """

    def __init__(
        self,
        client: ToolBridgeClient,
        known: Callable[[str], AsyncGRPCProxyTool | None],
        requests: Iterable[Mapping[str, Any]],
        *,
        max_concurrency: int,
        fail_fast: bool,
        timeout: float | None,
        batch_id: str,
    ) -> None:
        self._client = client
        self._known = known
        self._items = list(requests)
        self._timeout = timeout
        check_timeout(timeout)
        self._message = BatchExecuteToolsRequest(
            max_concurrency=max_concurrency,
            fail_fast=fail_fast,
            batch_id=batch_id,
            timeout_us=to_microseconds(timeout),
        )
        self._outcomes: list[Any] = [None] * len(self._items)
        self._places: list[int] = []
        """Which item each call of the message is; the others have their outcome already."""

    async def run(self, *, progress: bool = False) -> list[Any]:
        """Makes the calls; returns the result or exception of each item, in their order.

        Args:
            progress: Show a progress bar, if tqdm is installed.
        """
        await self._prepare()
        if self._places and progress:
            with _bar(len(self._places)) as bar:
                async for place, outcome in self._answers():
                    self._outcomes[place] = outcome
                    bar.update()
        elif self._places:
            await self._answer()
        return self._outcomes

    async def finished(self) -> AsyncIterator[tuple[int, Any]]:
        """Makes the calls and yields (place, result or exception) as each ends; leaving the loop cancels the rest."""
        await self._prepare()
        for place in sorted(set(range(len(self._items))).difference(self._places)):
            yield place, self._outcomes[place]
        if self._places:
            async for place, outcome in self._answers():
                yield place, outcome

    async def _prepare(self) -> None:
        """Makes the message; items that do not fit have their outcome then."""
        await self._client.ensure_session()
        _check_length(len(self._items), self._client.limit.max_batch_items)
        message = self._message
        message.session_id = self._client.session_id or ""
        calls, tracing = message.requests, self._client.stub.tracing
        size = 0
        for place, item in enumerate(self._items):
            try:
                size += self._add(calls, item)
            except ToolBridgeError as error:
                self._outcomes[place] = error
                continue
            if tracing is not None:
                tracing.pass_on(calls[-1])
            if (
                message.batch_id and not calls[-1].request_id
            ):  # its place among the calls may be another
                calls[-1].request_id = f"{message.batch_id}/{place}"
            self._places.append(place)
        limit = self._client.limit.max_value_bytes
        if size > limit:
            raise too_large("batch", "items", size, limit)
        if message.fail_fast and len(self._places) < len(self._items):
            self._cancel()

    def _cancel(self) -> None:
        """Makes none of the calls, because an item was refused."""
        for place in self._places:
            self._outcomes[place] = ToolExecutionError(
                str(self._items[place]["tool_id"]),
                "Cancelled",
                "another item of the batch failed first",
            )
        self._places = []

    def _add(self, calls: Any, item: Mapping[str, Any]) -> int:
        """Adds the call of an item; returns its value bytes."""
        tool_id = item.get("tool_id")
        if not isinstance(tool_id, str) or not item.keys() <= _ITEM_FIELDS:
            unknown = sorted(item.keys() - _ITEM_FIELDS)
            what = f"unknown fields {unknown}" if unknown else "no 'tool_id'"
            raise ToolExecutionError(
                str(tool_id or ""),
                "ValidationError",
                f"a batch item has {what}; it takes {', '.join(_ITEM_FIELDS)}",
            )
        args: Sequence[Any] = item.get("args") or ()
        kwargs: dict[str, Any] = item.get("kwargs") or {}
        timeout, request_id = item.get("timeout"), item.get("request_id")
        known = self._known(tool_id)
        if known is not None and timeout is None and not request_id:
            return known.add_to(calls, args, kwargs)
        options = CallOptions(timeout=timeout, request_id=request_id or "")
        if known is not None:
            known = known.with_options(timeout=options.timeout, request_id=options.request_id)
            return known.add_to(calls, args, kwargs)
        call = make_request(
            tool_id,
            args,
            kwargs,
            session_id=self._client.session_id,
            timeout=DEFAULT_TIMEOUT if options.timeout is None else options.timeout,
            limit=self._client.limit,
            options=options,
        )
        calls.append(call)
        return value_bytes(call)

    async def _answer(self) -> None:
        """Makes the calls with one answer for all."""
        watches = _Watches(self._items, self._places)
        try:
            response = await self._answered()
            if len(response.responses) != len(self._places):
                raise ToolExecutionError(
                    "batch",
                    "ProtocolError",
                    f"the batch has {len(response.responses)} answers for {len(self._places)} items",
                )
            for place, answer in zip(self._places, response.responses, strict=True):
                watches.stop(place, answer)
                self._outcomes[place] = self._outcome(place, answer)
        finally:
            watches.stop_all()

    async def _answered(self) -> Any:
        try:
            return await self._client.verb("BatchExecuteTools", self._message, self._limit())
        except ToolBridgeError as error:
            raise _batch_error(error) from error

    async def _answers(self) -> AsyncIterator[tuple[int, Any]]:
        """Makes the calls and yields the outcome of each as it ends."""
        limit = self._limit()
        end = asyncio.get_running_loop().time() + limit
        await self._client.stub.ready(end)
        watches = _Watches(self._items, self._places)
        answers: Any = self._client.stub.StreamBatchExecuteTools(self._message)
        try:
            answer: BatchItemResponse
            async for answer in timed(answers, end - asyncio.get_running_loop().time()):
                if answer.HasField("refused"):
                    raise call_error(answer.refused, "batch")
                place = self._places[answer.index]
                watches.stop(place, answer.response)
                yield place, self._outcome(place, answer.response)
        except grpc.RpcError as error:
            raise named(error, "batch", self._client.address) from error
        except asyncio.TimeoutError as error:
            if isinstance(error, ToolBridgeError):
                raise
            raise late("batch", self._client.address, limit) from error
        finally:
            answers.cancel()
            watches.stop_all()

    def _outcome(self, place: int, response: Any) -> Any:
        try:
            return result_of(response, str(self._items[place]["tool_id"]))
        except ToolBridgeError as error:
            return error

    def _limit(self) -> float:
        """Seconds within which a bridge answers: those of the batch, or of its items one round after the other."""
        if self._timeout is not None:
            return self._timeout + MARGIN
        calls = self._message.requests
        rounds = -(-len(calls) // (self._message.max_concurrency or 64))
        longest = max(call.timeout_us or NO_LIMIT for call in calls) / 1e6
        return longest * rounds + MARGIN


def raise_first(outcomes: Sequence[Any]) -> None:
    """Raises the exception of the first item that failed, if one did."""
    failed = [outcome for outcome in outcomes if isinstance(outcome, ToolBridgeError)]
    # What was cancelled because another item failed is not the cause.
    for error in (*(e for e in failed if e.error_type != "Cancelled"), *failed):
        raise error


def _check_length(items: int, limit: int) -> None:
    if limit and items > limit:
        raise ToolExecutionError(
            "batch",
            "BatchTooLarge",
            f"the batch has {items} items, the bridge takes {limit}: send several",
            {"limit": str(limit)},
        )


def _batch_error(error: ToolBridgeError) -> ToolBridgeError:
    if hasattr(error, "code"):
        return named(error, "batch")
    return ToolExecutionError(
        "batch", error.error_type, error.message, error.details, error.retryable, error.retry_after
    )


class _Watches:
    """The stopwatches of those items of a batch that have one, from now on."""

    def __init__(self, items: Sequence[Mapping[str, Any]], indexes: Sequence[int]) -> None:
        self._by_place = {
            place: Stopwatch(items[place]["on_metrics"])
            for place in indexes
            if items[place].get("on_metrics") is not None
        }

    def stop(self, place: int, response: Any) -> None:
        watch = self._by_place.get(place)
        if watch is not None:
            watch.stop(response)

    def stop_all(self) -> None:
        for watch in self._by_place.values():
            watch.stop()


class _Bar:
    """Stands in for a progress bar."""

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None: ...

    def update(self) -> None:
        """One more."""


def _bar(total: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Bar()
    return tqdm(total=total, unit="call")
