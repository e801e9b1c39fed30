"""A session as a place to keep variables: :class:`SessionContext`."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

import grpc

from dspex_bridge_pb2 import (
    VARIABLE_CURRENT,
    VARIABLE_DELETED,
    DeleteVariableRequest,
    GetVariableRequest,
    ListVariablesRequest,
    SetVariableRequest,
    UpdateVariablesRequest,
    Variable,
    WatchVariablesRequest,
)

from .errors import SessionError, error_from_info
from .responses import named
from .tables import LARGER_VALUES
from .values import deserialize_value, serialize_value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from .client import ToolBridgeClient
    from .stub import Stub

__all__ = ["SessionContext", "VariableChange"]


@dataclasses.dataclass(frozen=True)
class VariableChange:
    """What a watch saw.

    Attributes:
        name: Of the variable.
        value: What it is now; None if it was deleted.
        deleted: It is gone.
        metadata: Its labels.
        revision: Of this change.
    """

    name: str
    value: Any
    deleted: bool
    metadata: dict[str, str]
    revision: str


class SessionContext:
    """A session as a place: its id, the bridge's verbs, its variables."""

    def __init__(self, client: ToolBridgeClient) -> None:
        self._client = client

    @property
    def session_id(self) -> str | None:
        """The session."""
        return self._client.session_id

    @property
    def client(self) -> ToolBridgeClient:
        """The client that it belongs to."""
        return self._client

    @property
    def stub(self) -> Stub:
        """The bridge's verbs."""
        return self._client.stub

    async def set_variable(
        self,
        name: str,
        value: Any,
        metadata: Mapping[str, Any] | None = None,
        *,
        if_revision: str = "",
        if_absent: bool = False,
    ) -> str:
        """Writes a variable, durably.

        Args:
            name: 1 to 256 bytes.
            value: At most 1 MiB once encoded.
            metadata: Labels, which replace those that were there; values become text.
            if_revision: Write only if the variable still is at this revision.
            if_absent: Write only if there is none.

        Returns:
            The variable's new revision.

        Raises:
            SessionError: `RevisionConflict`, `MessageTooLarge`, `SessionExpired`, …
        """
        request = SetVariableRequest(
            session_id=self.require(),
            name=name,
            value=self._encoded(name, value),
            metadata=_labels(metadata),
            if_revision=if_revision,
            if_absent=if_absent,
            request_id=str(uuid.uuid4()),
            epoch=self._client.limit.epoch,
        )
        response = await self._client.verb("SetVariable", request)
        return response.revision

    async def get_variable(self, name: str) -> Any:
        """Reads a variable.

        Raises:
            SessionError: `VariableNotFound`: there is none of this name.
        """
        return (await self.get_variable_with_metadata(name))[0]

    async def get_variable_with_metadata(self, name: str) -> tuple[Any, dict[str, str]]:
        """Reads a variable and its labels."""
        variable = await self.read_variable(name)
        return deserialize_value(variable.value), dict(variable.metadata)

    async def read_variable(self, name: str) -> Variable:
        """Reads a variable as it is recorded, with its revision; the value is encoded."""
        request = GetVariableRequest(
            session_id=self.require(), name=name, epoch=self._client.limit.epoch
        )
        try:
            return (await self._client.verb("GetVariable", request)).variable
        except SessionError as error:
            if error.error_type == "VariableNotFound" and name not in error.message:
                raise SessionError(
                    error.error_type,
                    f"there is no variable {name!r}: {error.message}",
                    {**error.details, "variable": name},
                ) from error
            raise

    async def delete_variable(self, name: str, *, if_revision: str = "") -> None:
        """Deletes a variable; one that is not there is `VariableNotFound`."""
        request = DeleteVariableRequest(
            session_id=self.require(),
            name=name,
            if_revision=if_revision,
            epoch=self._client.limit.epoch,
        )
        await self._client.verb("DeleteVariable", request)

    async def list_variables(self, prefix: str = "") -> list[str]:
        """The names of the variables that begin so, in order."""
        return [v.name for v in await self._list(prefix, with_values=False)]

    async def get_variables(self, prefix: str = "") -> dict[str, Any]:
        """The variables whose names begin so, with their values."""
        variables = await self._list(prefix, with_values=True)
        return {v.name: deserialize_value(v.value) for v in variables}

    async def _list(self, prefix: str, *, with_values: bool) -> list[Variable]:
        variables: list[Variable] = []
        token = ""
        while True:
            request = ListVariablesRequest(
                session_id=self.require(),
                prefix=prefix,
                with_values=with_values,
                page_token=token,
                epoch=self._client.limit.epoch,
            )
            response = await self._client.verb("ListVariables", request)
            variables.extend(response.variables)
            token = response.next_page_token
            if not token:
                return variables

    async def update_variables(
        self, values: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Writes several variables, all or none, each with the same labels."""
        labels = _labels(metadata)
        request = UpdateVariablesRequest(
            session_id=self.require(),
            variables=[
                Variable(name=name, value=self._encoded(name, value), metadata=labels)
                for name, value in values.items()
            ],
            epoch=self._client.limit.epoch,
        )
        await self._client.verb("UpdateVariables", request)

    async def watch_variable(self, name: str) -> AsyncIterator[VariableChange]:
        """Yields the variable as it is, if it is, and then each change."""
        async for change in self.watch_variables([name]):
            yield change

    async def watch_variables(self, names: Iterable[str] = ()) -> AsyncIterator[VariableChange]:
        """Yields these variables (none named: all) as they are, and then each change.

        Raises:
            SessionError: The session ended.
        """
        await self.stub.ready()
        request = WatchVariablesRequest(
            session_id=self.require(), names=list(names), epoch=self._client.limit.epoch
        )
        events = self.stub.WatchVariables(request)
        try:
            async for event in events:
                if event.HasField("error"):
                    raise error_from_info(event.error)
                if event.type != VARIABLE_CURRENT:
                    yield _change(event)
        except grpc.RpcError as error:
            raise named(error, "", self._client.address) from error
        finally:
            cancel = getattr(events, "cancel", None)
            if cancel is not None:
                cancel()

    def require(self) -> str:
        """The session's id; a `SessionError` where none is chosen."""
        session_id = self._client.session_id
        if not session_id:
            raise SessionError(
                "SessionNotFound", "no session is chosen; call initialize_session first"
            )
        return session_id

    def _encoded(self, name: str, value: Any) -> Any:
        encoded = serialize_value(value)
        size, limit = len(encoded.type_url) + len(encoded.value), self._client.max_variable_bytes
        if size > limit:
            raise SessionError(
                "MessageTooLarge",
                f"message too large: variable {name!r} has {size} bytes, the limit is {limit}; {LARGER_VALUES}",
                {"limit": str(limit), "size": str(size)},
            )
        return encoded

    def __repr__(self) -> str:
        return f"<SessionContext {self.session_id!r} of {self._client.address}>"


def _labels(metadata: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(key): str(value) for key, value in (metadata or {}).items()}


def _change(event: Any) -> VariableChange:
    variable = event.variable
    deleted = event.type == VARIABLE_DELETED
    return VariableChange(
        variable.name,
        None if deleted else deserialize_value(variable.value),
        deleted,
        dict(variable.metadata),
        variable.revision,
    )
