"""Regular expressions in a schema: those that its readers can read."""

from __future__ import annotations

import re
from typing import Any, cast

__all__ = ["pattern_text", "readable", "unreadable_pattern"]

_FLAGS = ((re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s"), (re.VERBOSE, "x"))


def pattern_text(pattern: Any) -> Any:
    """Returns a compiled pattern as a text, with its flags in it; any other value is what it is."""
    if not isinstance(pattern, re.Pattern):
        return pattern
    text = cast("re.Pattern[Any]", pattern).pattern
    flags = "".join(letter for flag, letter in _FLAGS if pattern.flags & flag)
    bare = re.sub(r"^\(\?[aiLmsux]+\)", "", text) if isinstance(text, str) else text
    return f"(?{flags}:{bare})" if flags else text


def readable(schema: Any) -> Any:
    """Returns a schema whose patterns Python's ``re`` can read; others are its ``x-pattern``.

    Rust's expressions, which pydantic's are, have some that no validator of schemas in Python takes: it would raise
    not that a value is invalid, but ``re.error``.
    """
    if isinstance(schema, list):
        return [readable(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    items = cast("dict[str, Any]", schema)
    return {
        "x-pattern" if name == "pattern" and not _is_readable(item) else name: readable(item)
        for name, item in items.items()
    }


def unreadable_pattern(schema: Any) -> str | None:
    """Returns a pattern in a schema that Python's ``re`` cannot read; None where there is none."""
    if isinstance(schema, dict):
        items = cast("dict[str, Any]", schema)
        if not _is_readable(items.get("pattern", "")):
            return str(items["pattern"])
        schema = list(items.values())
    inner = cast("list[Any]", schema) if isinstance(schema, list) else []
    return next((found for each in inner if (found := unreadable_pattern(each)) is not None), None)


def _is_readable(pattern: Any) -> bool:
    if not isinstance(pattern, str):  # a property of this name
        return True
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
