"""What the bridge in memory remembers: sessions with their tools, variables and agents."""

from __future__ import annotations

import asyncio
import time
import unicodedata
import uuid
from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp

from dspex_bridge_pb2 import (
    VARIABLE_CURRENT,
    VARIABLE_DELETED,
    VARIABLE_SET,
    Agent,
    Limits,
    Session,
    ToolSpec,
    Variable,
    VariableEvent,
)

from .processes import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from google.protobuf.any_pb2 import Any as AnyMessage

    from .processes import Process

_MAX_NAME = 256
DEFAULT_TTL = 3600


def check_name(kind: str, name: str) -> str:
    """Refuses a name of a session, tool, variable or agent that is none."""
    size = len(name.encode("utf-8", "surrogatepass"))
    if not 1 <= size <= _MAX_NAME:
        raise Refusal(
            "ValidationError", f"{kind} name {name[:40]!r}: {size} bytes, wanted 1 to 256"
        )
    if any(unicodedata.category(c) == "Cc" for c in name):
        raise Refusal("ValidationError", f"{kind} name {name!r} contains a control character")
    if not unicodedata.is_normalized("NFC", name):
        raise Refusal("ValidationError", f"{kind} name {name!r} is not in Unicode's form NFC")
    return name


def value_bytes(values: Iterable[AnyMessage]) -> int:
    """The bytes that count against a limit."""
    return sum(len(value.type_url) + len(value.value) for value in values)


def now() -> Timestamp:
    """This moment."""
    stamp = Timestamp()
    stamp.GetCurrentTime()
    return stamp


class Offer:
    """A tool, and who offers it now."""

    def __init__(self, spec: ToolSpec, order: int) -> None:
        self.spec = spec
        self.order = order
        self.processes: list[Process] = []

    def listed(self) -> ToolSpec:
        """The tool as callers see it."""
        spec = ToolSpec()
        spec.CopyFrom(self.spec)
        spec.available = bool(self.processes)
        spec.order = self.order
        return spec


class Tools:
    """The tools of one scope: a session's, or the shared ones."""

    def __init__(self) -> None:
        self._offers: dict[str, Offer] = {}
        self._ids: dict[str, str] = {}  # by name

    def __iter__(self) -> Iterator[Offer]:
        return iter(sorted(self._offers.values(), key=lambda offer: offer.order))

    def __len__(self) -> int:
        return len(self._offers)

    def find(self, name: str) -> Offer | None:
        """By id, then by name."""
        return self._offers.get(name) or self._offers.get(self._ids.get(name, ""))

    def check(self, spec: ToolSpec) -> None:
        """Refuses a tool that cannot be recorded here."""
        tool_id = spec.tool_id or spec.name
        check_name("tool", tool_id)
        check_name("tool", spec.name)
        taken = self._ids.get(spec.name, tool_id)
        if taken != tool_id:
            raise Refusal(
                "ToolConflict",
                f"tool name {spec.name!r} belongs to the id {taken!r}, {tool_id!r} cannot have it too",
            )

    def record(self, spec: ToolSpec, order: int) -> Offer:
        """Adds or replaces a tool."""
        self.check(spec)
        spec.tool_id = spec.tool_id or spec.name
        known = self._offers.get(spec.tool_id)
        if known is not None:
            self._ids.pop(known.spec.name, None)
        self._ids[spec.name] = spec.tool_id
        if known is not None:
            known.spec = spec
            return known
        offer = self._offers[spec.tool_id] = Offer(spec, order)
        return offer

    def forget(self, tool_id: str) -> None:
        """Removes a tool."""
        offer = self._offers.pop(tool_id, None)
        if offer is not None:
            self._ids.pop(offer.spec.name, None)


class SessionState:
    """One epoch of a session."""

    def __init__(
        self, session_id: str, epoch: int, metadata: Mapping[str, str], ttl: float
    ) -> None:
        self.record = Session(session_id=session_id, epoch=epoch, metadata=metadata, owner="local")
        self.record.created_at.CopyFrom(now())
        self.record.ttl.FromSeconds(int(ttl or DEFAULT_TTL))
        self.tools = Tools()
        self.variables: dict[str, Variable] = {}
        self.agents: dict[str, Agent] = {}
        self.running = 0
        self.ended = False
        self.used = time.monotonic()
        self.calls: set[asyncio.Task[object]] = set()
        self.watchers: list[asyncio.Queue[VariableEvent | None]] = []

    @property
    def expired(self) -> bool:
        """Its time to live passed without use."""
        return not self.running and time.monotonic() - self.used > self.record.ttl.seconds

    def describe(self, shared: Tools) -> Session:
        """The session as callers see it."""
        session = Session()
        session.CopyFrom(self.record)
        session.tool_count = len(self.tools) + len(shared)
        session.last_used_at.CopyFrom(now())
        return session

    def variable(self, name: str) -> Variable:
        """A variable that is there."""
        found = self.variables.get(name)
        if found is None:
            raise Refusal(
                "VariableNotFound",
                f"session {self.record.session_id!r} has no variable {name!r}",
                variable=name,
            )
        return found

    def check_variable(
        self, variable: Variable, limits: Limits, if_revision: str, *, if_absent: bool
    ) -> None:
        """Refuses a write whose condition does not hold, or that is too large."""
        check_name("variable", variable.name)
        size = value_bytes([variable.value])
        if size > limits.max_variable_bytes:
            raise Refusal(
                "MessageTooLarge",
                f"message too large: variable {variable.name!r} has {size} bytes, "
                f"the limit is {limits.max_variable_bytes}",
                limit=str(limits.max_variable_bytes),
            )
        present = self.variables.get(variable.name)
        revision = present.revision if present is not None else ""
        if (if_revision and revision != if_revision) or (if_absent and present is not None):
            raise Refusal(
                "RevisionConflict",
                f"variable {variable.name!r} is at revision {revision!r}, not as was asked",
            )

    def write(self, variable: Variable) -> str:
        """Sets a variable; returns its revision."""
        variable.revision = uuid.uuid4().hex
        variable.updated_at.CopyFrom(now())
        self.variables[variable.name] = variable
        self._tell(VariableEvent(type=VARIABLE_SET, variable=variable))
        return variable.revision

    def delete(self, name: str, if_revision: str) -> None:
        """Deletes a variable."""
        variable = self.variable(name)
        if if_revision and variable.revision != if_revision:
            raise Refusal(
                "RevisionConflict", f"variable {name!r} is at revision {variable.revision!r}"
            )
        del self.variables[name]
        gone = Variable(name=name, revision=uuid.uuid4().hex)
        self._tell(VariableEvent(type=VARIABLE_DELETED, variable=gone))

    def watch(self) -> asyncio.Queue[VariableEvent | None]:
        """A queue of what is there and of each change."""
        queue: asyncio.Queue[VariableEvent | None] = asyncio.Queue()
        for name in sorted(self.variables):
            queue.put_nowait(VariableEvent(type=VARIABLE_SET, variable=self.variables[name]))
        queue.put_nowait(VariableEvent(type=VARIABLE_CURRENT))
        self.watchers.append(queue)
        return queue

    def _tell(self, event: VariableEvent) -> None:
        for queue in self.watchers:
            queue.put_nowait(event)

    def end(self) -> None:
        """Everything of it is gone."""
        self.ended = True
        for queue in self.watchers:
            queue.put_nowait(None)
        for call in list(self.calls):
            call.cancel()
        self.tools = Tools()


class Sessions:
    """Every session, ended ones too."""

    def __init__(self) -> None:
        self._sessions: dict[str, SessionState] = {}

    def attach(
        self, session_id: str, metadata: Mapping[str, str], ttl: float, *, create_only: bool
    ) -> tuple[SessionState, bool]:
        """The session, and whether it was created."""
        session_id = check_name("session", session_id or uuid.uuid4().hex)
        known = self._sessions.get(session_id)
        self._expire(known)
        if known is not None and not known.ended:
            if create_only:
                raise Refusal("SessionAlreadyExists", f"session {session_id!r} exists")
            known.used = time.monotonic()
            return known, False
        epoch = known.record.epoch + 1 if known is not None else 1
        state = self._sessions[session_id] = SessionState(session_id, epoch, metadata, ttl)
        return state, True

    def get(self, session_id: str, epoch: int = 0, *, use: bool = True) -> SessionState:
        """A session that lives."""
        check_name("session", session_id)
        state = self._sessions.get(session_id)
        if state is None:
            raise Refusal(
                "SessionNotFound", f"there is no session {session_id!r}; initialize it first"
            )
        self._expire(state)
        if state.ended or (epoch and epoch != state.record.epoch):
            raise Refusal("SessionExpired", f"session {session_id!r} has ended; initialize it anew")
        if use:
            state.used = time.monotonic()
        return state

    def _expire(self, state: SessionState | None) -> None:
        if state is not None and not state.ended and state.expired:
            state.end()

    def living(self) -> list[SessionState]:
        """In the order of their ids."""
        for state in self._sessions.values():
            self._expire(state)
        return [s for _, s in sorted(self._sessions.items()) if not s.ended]
