"""The verbs of sessions of a bridge in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dspex_bridge_pb2 as pb
from dspex_bridge_pb2_grpc import SnakepitBridgeServicer

from .processes import Refusal

if TYPE_CHECKING:
    from .state import Sessions, SessionState, Tools

_DEFAULT_PAGE = 100


class SessionVerbs(SnakepitBridgeServicer):
    """Serves sessions, and lists the tools that they see."""

    _sessions: Sessions
    _shared: Tools
    bridge_run: str
    limits: pb.Limits

    async def InitializeSession(self, request: pb.InitializeSessionRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            session, created = self._sessions.attach(
                request.session_id,
                request.metadata,
                request.ttl.ToTimedelta().total_seconds(),
                create_only=request.create_only,
            )
        except Refusal as error:
            return pb.InitializeSessionResponse(success=False, error=error.info)
        tools = self._visible(session)
        return pb.InitializeSessionResponse(
            success=True,
            tool_count=len(tools),
            capabilities=["streaming", "variables", "batch", "agents", "link"],
            session=session.describe(self._shared),
            created=created,
            bridge_run=self.bridge_run,
            limits=self.limits,
            tools=tools,
        )

    def _visible(self, session: SessionState) -> list[pb.ToolSpec]:
        own = {offer.spec.name for offer in session.tools}
        offers = [*session.tools, *(o for o in self._shared if o.spec.name not in own)]
        return [
            offer.listed()
            for offer in sorted(offers, key=lambda offer: offer.order)
            if not offer.spec.hidden
        ]

    async def CleanupSession(self, request: pb.CleanupSessionRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            session = self._sessions.get(request.session_id, request.epoch)
            if session.running and not request.force:
                raise Refusal(
                    "ValidationError",
                    f"{session.running} calls of session {request.session_id!r} run; use force",
                )
        except Refusal as error:
            return pb.CleanupSessionResponse(success=False, error=error.info)
        response = pb.CleanupSessionResponse(
            success=True,
            tools_removed=len(session.tools),
            variables_removed=len(session.variables),
            agents_removed=len(session.agents),
        )
        session.end()
        return response

    async def GetSession(self, request: pb.GetSessionRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            session = self._sessions.get(request.session_id, request.epoch, use=False)
        except Refusal as error:
            return pb.GetSessionResponse(success=False, error=error.info)
        return pb.GetSessionResponse(success=True, session=session.describe(self._shared))

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Any) -> Any:  # noqa: N802, D102
        found = [
            s.describe(self._shared)
            for s in self._sessions.living()
            if s.record.session_id.startswith(request.prefix)
            and s.record.session_id > request.page_token
        ]
        size = request.page_size or _DEFAULT_PAGE
        token = found[size - 1].session_id if len(found) > size else ""
        return pb.ListSessionsResponse(success=True, sessions=found[:size], next_page_token=token)

    async def GetSessionTools(self, request: pb.GetSessionToolsRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            tools = self._visible(self._sessions.get(request.session_id, request.epoch))
        except Refusal as error:
            return pb.GetSessionToolsResponse(success=False, error=error.info)
        return pb.GetSessionToolsResponse(success=True, tools=tools)
