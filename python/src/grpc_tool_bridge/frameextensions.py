"""Extension types of pandas, periods and intervals, which it registers with Arrow only where it writes one itself.

A process that has met none of them would read their storage instead, and of an index without a word.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_known", "register_named"]

_OF_PANDAS = (b"pandas.period", b"pandas.interval")
_NAME = b"ARROW:extension:name"


def register_named(schema: bytes | memoryview) -> None:
    """Registers the types of pandas that the message of a schema names; to be called before Arrow reads it.

    Where pandas is not installed nobody misses them.
    """
    text = bytes(schema)
    if not any(name in text for name in _OF_PANDAS):
        return
    try:
        importlib.import_module("pandas.core.arrays.arrow.extension_types")
    except ImportError:
        return


def check_known(arrow: Any, table: Any, levels: Sequence[Any]) -> None:
    """Checks that the columns of an index are of types that are known here, where pandas would take their storage.

    Raises:
        Fault: One is of a type of somebody's own that is registered elsewhere.
    """
    for field in table.schema:
        if field.name not in levels:
            continue
        noted: dict[bytes, bytes] = field.metadata or {}
        if _NAME in noted and not isinstance(field.type, arrow.BaseExtensionType):
            name = noted[_NAME].decode(errors="replace")
            raise Fault(
                f"the index {field.name!r:.60} is of the extension type {name!r:.60}, which is not registered in this"
                " program: import what registers it, or send it as another type"
            )
