"""What a process tells its bridge of its tools, in parts that a bridge takes, and tells again when that forgot it."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import TYPE_CHECKING, Protocol

from dspex_bridge_pb2 import ErrorInfo, Register, Registered, ToolSpec, Unregister

from .bounds import MAX_BODY
from .errors import ToolBridgeError, ToolExecutionError, error_from_info
from .packing import body_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .link import Link

logger = logging.getLogger(__name__)

MOST_TOOLS = 1000
"""Tools that a bridge takes at once."""
MOST_BYTES = 512 * 1024
"""Bytes of a registration, in so few of which a bridge need not count the items; one larger tool goes alone."""
_FIRST_DELAY, _LONGEST_DELAY = 0.05, 5.0
_PASSING = frozenset(
    {
        "DeadlineExceeded",
        "OutcomeUnknown",
        "Overloaded",
        "RateLimitExceeded",
        "StoreUnavailable",
        "WorkerLost",
        "WorkerUnavailable",
    }
)
_REGISTER = body_tag("register")
_UNREGISTER = body_tag("unregister")


class Owner(Protocol):
    """The connection that carries the registrations."""

    address: str

    @property
    def link(self) -> Link:
        """What carries frames."""
        ...

    @property
    def patience(self) -> float:
        """Seconds that an answer is waited for."""
        ...

    async def attach(self) -> Link:
        """Waits until the link is up."""
        ...

    def unreachable(self, why: str) -> ToolBridgeError:
        """The error of what was not answered."""
        ...


@dataclasses.dataclass(eq=False)
class _Question:
    """A registration or withdrawal that is not answered yet."""

    number: int
    tag: bytes
    body: bytes
    answer: asyncio.Future[Registered]
    again: bool
    """It is asked again of a bridge that has forgotten everything."""


@dataclasses.dataclass
class _Part:
    """Tools that are registered together, in which the bridge takes all or none."""

    tools: list[ToolSpec]
    first: int
    """The place of the first of them, from 1, of `total`."""
    total: int

    def error(self, info: ErrorInfo) -> ToolBridgeError:
        """Why the bridge refused it."""
        if len(self.tools) < self.total:
            told, info = info, ErrorInfo()
            info.CopyFrom(told)
            info.message = (
                f"tools {self.first} to {self.first + len(self.tools) - 1} of {self.total} "
                f"({self.tools[0].name!r} to {self.tools[-1].name!r}), which are registered together: {told.message}"
            )
        return error_from_info(info, tool_name="")


class Registrations:
    """The tools that a process offers, now and after every new start of the bridge. Belongs to one loop."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._next = 1
        self._questions: dict[int, _Question] = {}
        self._offered: dict[tuple[str, str], ToolSpec] = {}
        self._restoring: asyncio.Task[None] | None = None
        self.refused = asyncio.Event()
        """Set when a bridge that had forgotten the tools refused them."""
        self.refusal: ToolBridgeError | None = None
        """Why it did."""

    async def register(self, tools: Sequence[ToolSpec]) -> list[str]:
        """Offers tools, all or none, a part after the other; returns their ids.

        Raises:
            ToolBridgeError: The bridge refused a part, or did not answer. Then the parts before are withdrawn.
        """
        ids: list[str] = []
        sent: list[_Part] = []
        try:
            for part in _parts(tools):
                await self._owner.attach()
                sent.append(part)
                question = self._put_register(part, again=True)
                answer = await self._answered(question)
                if answer.HasField("error"):
                    sent.pop()
                    raise part.error(answer.error)
                if self.refusal is not None:
                    raise self.refusal
                for spec in part.tools:
                    self._offered[_key(spec)] = spec
                ids += answer.tool_ids
        except asyncio.CancelledError:
            self._take_back(sent)
            raise
        except Exception:
            answers = self._take_back(sent)
            if answers and self._owner.link.attached:
                await asyncio.wait(answers, timeout=self._owner.patience)
            raise
        return ids

    async def unregister(self, tool_ids: Sequence[str], session_id: str = "") -> None:
        """Withdraws tools, of a session or (empty) shared ones."""
        for tool_id in tool_ids:
            self._offered.pop((session_id, tool_id), None)
        await self._owner.attach()
        answer = await self._answered(self._put_unregister(tool_ids, session_id, again=True))
        if answer.HasField("error"):
            raise error_from_info(answer.error, tool_name="")

    def answered(self, registered: Registered) -> None:
        """The bridge has answered."""
        question = self._questions.pop(registered.id, None)
        if question is not None and not question.answer.done():
            question.answer.set_result(registered)

    def tell_anew(self) -> None:
        """Tells a bridge that has forgotten everything, before anything else."""
        self._stop_restoring()
        for question in list(self._questions.values()):
            if not question.again:
                del self._questions[question.number]
                question.answer.cancel()
        unanswered = list(self._questions.values())
        by_session: dict[str, list[ToolSpec]] = {}
        for (session_id, _), spec in self._offered.items():
            by_session.setdefault(session_id, []).append(spec)
        parts = [part for specs in by_session.values() for part in _parts(specs)]
        if parts:
            first = self._put_register(parts[0], again=False)
            self._restoring = asyncio.ensure_future(self._restore(parts, first))
        for question in unanswered:
            if not question.answer.done():
                logger.debug("asking again for registration %d", question.number)
                self._owner.link.send(question.tag, question.body)

    def close(self) -> None:
        """Nothing is answered any more."""
        self._stop_restoring()
        for question in self._questions.values():
            question.answer.cancel()

    async def _restore(self, parts: list[_Part], first: _Question) -> None:
        """Tells a part after the other, one that cannot be taken now again; the first was sent."""
        question: _Question | None = first
        for part in parts:
            delay = _FIRST_DELAY
            while (question := question or self._put_still_offered(part)) is not None:
                answer = await question.answer
                question = None
                if not answer.HasField("error"):
                    break
                if answer.error.type not in _PASSING:
                    self._give_up(part, answer.error)
                    return
                logger.warning("%s, trying again", part.error(answer.error))
                await asyncio.sleep(delay)
                delay = min(2 * delay, _LONGEST_DELAY)

    def _put_still_offered(self, part: _Part) -> _Question | None:
        """Registers a part without what was withdrawn meanwhile."""
        tools = [spec for spec in part.tools if _key(spec) in self._offered]
        if not tools:
            return None
        return self._put_register(dataclasses.replace(part, tools=tools), again=False)

    def _give_up(self, part: _Part, info: ErrorInfo) -> None:
        """A bridge that had forgotten the tools refused some: it gets none, and whoever hosts them hears why."""
        session_id = part.tools[0].session_id
        where = f"session {session_id!r}" if session_id else "every session"
        self.refusal = part.error(info)
        logger.error(
            "the bridge at %s refused our tools for %s: %s",
            self._owner.address,
            where,
            self.refusal,
        )
        self._take_back(list(_parts(list(self._offered.values()))))
        self.refused.set()

    def _take_back(self, parts: Sequence[_Part]) -> list[asyncio.Future[Registered]]:
        """Withdraws parts; of what the bridge does not have it says so, to nobody."""
        answers: list[asyncio.Future[Registered]] = []
        for part in parts:
            by_session: dict[str, list[str]] = {}
            for spec in part.tools:
                self._offered.pop(_key(spec), None)
                by_session.setdefault(spec.session_id, []).append(spec.tool_id or spec.name)
            answers += [
                self._put_unregister(ids, session_id, again=False).answer
                for session_id, ids in by_session.items()
            ]
        return answers

    async def _answered(self, question: _Question) -> Registered:
        try:
            return await asyncio.wait_for(question.answer, self._owner.patience)
        except asyncio.TimeoutError as error:
            raise self._owner.unreachable("a registration was not answered") from error
        finally:
            self._questions.pop(question.number, None)

    def _put_register(self, part: _Part, *, again: bool) -> _Question:
        return self._put(_REGISTER, lambda number: Register(id=number, tools=part.tools), again)

    def _put_unregister(
        self, tool_ids: Sequence[str], session_id: str, *, again: bool
    ) -> _Question:
        return self._put(
            _UNREGISTER,
            lambda number: Unregister(id=number, tool_ids=tool_ids, session_id=session_id),
            again,
        )

    def _put(
        self, tag: bytes, make: Callable[[int], Register | Unregister], again: bool
    ) -> _Question:
        number, self._next = self._next, self._next + 1
        answer: asyncio.Future[Registered] = asyncio.get_running_loop().create_future()
        body = make(number).SerializeToString()
        if len(body) > MAX_BODY:
            raise ToolExecutionError(
                "",
                "MessageTooLarge",
                f"message too large: the descriptions of tools have {len(body)} bytes, the limit is {MAX_BODY}: "
                "offer fewer at once",
                {"size": str(len(body)), "limit": str(MAX_BODY)},
            )
        question = _Question(number, tag, body, answer, again)
        self._questions[number] = question
        self._owner.link.send(tag, question.body)
        return question

    def _stop_restoring(self) -> None:
        if self._restoring is not None:
            self._restoring.cancel()
            self._restoring = None


def _key(spec: ToolSpec) -> tuple[str, str]:
    return spec.session_id, spec.tool_id or spec.name


def _parts(tools: Sequence[ToolSpec]) -> Iterator[_Part]:
    """Tools in their order, as many at once as a bridge takes."""
    first = size = 0
    for index, spec in enumerate(tools):
        bytes_of = spec.ByteSize()
        if index > first and (index - first == MOST_TOOLS or size + bytes_of > MOST_BYTES):
            yield _Part(list(tools[first:index]), first + 1, len(tools))
            first, size = index, 0
        size += bytes_of
    if first < len(tools):
        yield _Part(list(tools[first:]), first + 1, len(tools))
