"""The texts of a tool's definition, which travel as UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_texts"]


def check_texts(tool: str, definition: Mapping[str, Any]) -> None:
    """Checks that UTF-8 carries all texts of a definition.

    Args:
        tool: Its name.
        definition: Texts, lists and dicts, by what they are called in the error.

    Raises:
        TypeError: One has a lone surrogate; says where it is and what to do.
    """
    for what, tree in definition.items():
        fault = _fault(tree)
        if fault is not None:
            path = fault.error().path
            place = "" if path == "$" else f" at {path}"
            raise TypeError(f"the {what} of tool {tool!r}{place} {fault.message}")


def _fault(tree: Any) -> Fault | None:
    """What is wrong with the first text in lists and dicts that UTF-8 does not carry."""
    if isinstance(tree, str):
        return _fault_of_text(tree)
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(tree, Mapping):
        parts = cast("Mapping[Any, Any]", tree).items()
    elif isinstance(tree, list):
        parts = enumerate(cast("list[Any]", tree))
    for step, part in parts:
        fault = _fault(step) or _fault(part)
        if fault is not None:
            fault.at(step)
            return fault
    return None


def _fault_of_text(text: str) -> Fault | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return Fault(
            f"has the lone surrogate {text[error.start]!r}, which UTF-8 cannot carry: take it out, or write the whole"
            ' character: "\\U0001f600", not "\\ud83d\\ude00"'
        )
    return None
