"""The verbs of variables of a bridge in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dspex_bridge_pb2 as pb
from dspex_bridge_pb2_grpc import SnakepitBridgeServicer

from .processes import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .state import Sessions


class VariableVerbs(SnakepitBridgeServicer):
    """Serves the variables of sessions."""

    _sessions: Sessions
    limits: pb.Limits

    async def SetVariable(self, request: pb.SetVariableRequest, context: Any) -> Any:  # noqa: N802, D102
        variable = pb.Variable(name=request.name, value=request.value, metadata=request.metadata)
        try:
            session = self._sessions.get(request.session_id, request.epoch)
            session.check_variable(
                variable, self.limits, request.if_revision, if_absent=request.if_absent
            )
        except Refusal as error:
            return pb.SetVariableResponse(success=False, error=error.info)
        return pb.SetVariableResponse(success=True, revision=session.write(variable))

    async def GetVariable(self, request: pb.GetVariableRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            session = self._sessions.get(request.session_id, request.epoch)
            variable = session.variable(request.name)
        except Refusal as error:
            return pb.GetVariableResponse(success=False, error=error.info)
        return pb.GetVariableResponse(success=True, variable=variable)

    async def DeleteVariable(self, request: pb.DeleteVariableRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            session = self._sessions.get(request.session_id, request.epoch)
            session.delete(request.name, request.if_revision)
        except Refusal as error:
            return pb.DeleteVariableResponse(success=False, error=error.info)
        return pb.DeleteVariableResponse(success=True)

    async def ListVariables(self, request: pb.ListVariablesRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            session = self._sessions.get(request.session_id, request.epoch)
        except Refusal as error:
            return pb.ListVariablesResponse(success=False, error=error.info)
        size = request.page_size or 1000
        names = [
            name
            for name in sorted(session.variables)
            if name.startswith(request.prefix) and name > request.page_token
        ]
        listed: list[pb.Variable] = []
        for name in names[:size]:
            variable = pb.Variable()
            variable.CopyFrom(session.variables[name])
            if not request.with_values:
                variable.ClearField("value")
            listed.append(variable)
        token = names[size - 1] if len(names) > size else ""
        return pb.ListVariablesResponse(success=True, variables=listed, next_page_token=token)

    async def UpdateVariables(self, request: pb.UpdateVariablesRequest, context: Any) -> Any:  # noqa: N802, D102
        try:
            session = self._sessions.get(request.session_id, request.epoch)
            for variable in request.variables:
                session.check_variable(variable, self.limits, variable.revision, if_absent=False)
        except Refusal as error:
            return pb.UpdateVariablesResponse(success=False, error=error.info)
        revisions: list[str] = []
        for variable in request.variables:
            copy = pb.Variable()
            copy.CopyFrom(variable)
            revisions.append(session.write(copy))
        return pb.UpdateVariablesResponse(success=True, revisions=revisions)

    async def WatchVariables(  # noqa: N802, D102
        self, request: pb.WatchVariablesRequest, context: Any
    ) -> AsyncIterator[pb.VariableEvent]:
        try:
            session = self._sessions.get(request.session_id, request.epoch)
        except Refusal as error:
            yield pb.VariableEvent(error=error.info)
            return
        queue = session.watch()
        try:
            while (event := await queue.get()) is not None:
                named = not request.names or event.variable.name in request.names
                if named or event.type == pb.VARIABLE_CURRENT:
                    yield event
            ended = pb.ErrorInfo(type="SessionExpired", message="the session has ended")
            yield pb.VariableEvent(error=ended)
        finally:
            session.watchers.remove(queue)
