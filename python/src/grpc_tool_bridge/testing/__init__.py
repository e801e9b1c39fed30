"""What tests of tools need: a bridge in memory, a bridge with set answers, and pytest fixtures.

:class:`InMemoryBridge` is a whole bridge in the test's process; :class:`MockBridgeServer` answers what it is told;
:func:`rpc_error` makes grpc's own exception. The fixtures ``temp_workspace`` and ``mock_llm`` are there in every
pytest run, since the package is a plugin of pytest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .faults import Faults
    from .fixtures import MockLLM, mock_llm, temp_workspace
    from .memory import InMemoryBridge
    from .mock import MockBridgeServer, rpc_error

# pytest loads this module in every run of every project where the package is installed: what
# it does not need is left to first use.
_HOMES = {
    "Faults": "faults",
    "InMemoryBridge": "memory",
    "MockBridgeServer": "mock",
    "MockLLM": "fixtures",
    "mock_llm": "fixtures",
    "rpc_error": "mock",
    "temp_workspace": "fixtures",
}

__all__ = [
    "Faults",
    "InMemoryBridge",
    "MockBridgeServer",
    "MockLLM",
    "mock_llm",
    "rpc_error",
    "temp_workspace",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
