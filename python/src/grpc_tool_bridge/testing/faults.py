"""What goes wrong on purpose in a bridge in memory."""

from __future__ import annotations

import asyncio

import dspex_bridge_pb2 as pb

from .processes import Refusal


class Faults:
    """What goes wrong on purpose, by tool id. Each entry is used up by one call."""

    def __init__(self) -> None:
        self._errors: dict[str, list[pb.ErrorInfo]] = {}
        self._delays: dict[str, list[float]] = {}

    def fail(self, tool_id: str, error_type: str, message: str = "", **details: str) -> None:
        """The next call of the tool is answered with this error, without being run."""
        info = pb.ErrorInfo(type=error_type, message=message or error_type, details=details)
        self._errors.setdefault(tool_id, []).append(info)

    def delay(self, tool_id: str, seconds: float) -> None:
        """The next call of the tool is dispatched so much later."""
        self._delays.setdefault(tool_id, []).append(seconds)

    async def strike(self, tool_id: str) -> None:
        """Waits or raises what was planned for this call."""
        if self._delays.get(tool_id):
            await asyncio.sleep(self._delays[tool_id].pop(0))
        if self._errors.get(tool_id):
            refusal = Refusal("Internal", "")
            refusal.info = self._errors[tool_id].pop(0)
            raise refusal
