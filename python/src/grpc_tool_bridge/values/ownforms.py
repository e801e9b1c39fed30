"""What models of pydantic's say themselves of fields that have no encoding: what their serializers make of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from .fault import PASSING, Fault
from .kinds import KNOWN
from .natural import natural

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["own_forms"]


def own_forms(value: Any, name: str) -> Iterator[Any]:
    """Returns what the serializers of a model, or of a dataclass of pydantic's, make of one of its fields.

    A field that is an object without an encoding is then tried as pydantic writes it to JSON; what only holds such an
    object is not, as JSON has no types for all else that it holds.

    Raises:
        Fault: It is written without a part of it.
    """
    item = getattr(value, name)
    _refuse_flags(item)
    modes = ["python"] if type(natural(item)) in KNOWN else ["python", "json"]
    is_root = getattr(value, "__pydantic_root_model__", False) is True
    include = None if is_root else {name}
    for mode in modes:
        try:
            dump: Any = value.__pydantic_serializer__.to_python(
                value, mode=mode, include=include, by_alias=False, warnings=False
            )
        except PASSING:
            raise
        except Exception:  # noqa: BLE001, S112 - it has no such form
            continue
        if is_root:
            yield dump
        elif type(dump) is dict and name in cast("dict[str, Any]", dump):
            yield dump[name]


def _refuse_flags(item: Any) -> None:
    if isinstance(item, re.Pattern):
        pattern = cast("re.Pattern[Any]", item)
        if re.compile(pattern.pattern).flags != pattern.flags:
            raise Fault(
                f"a pattern is written without its flags, here of {pattern!r:.80}:"
                " write them into it, such as (?i)"
            )
