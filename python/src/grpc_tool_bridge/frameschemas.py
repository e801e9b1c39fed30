"""Types of columns that Arrow writes into a stream, but cannot read again, or reads as others."""

from __future__ import annotations

from typing import Any

from grpc_tool_bridge.framecells import unreadable_categories
from grpc_tool_bridge.framenesting import MAX_LEVELS
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.urls import MAX_DEPTH

__all__ = ["check_schema", "check_zones"]


def check_schema(arrow: Any, schema: Any) -> None:
    """Refuses categories that are of an extension type, such as UUIDs, or categories again, and what is too deep.

    Raises:
        Fault: A column, which is named, is of such a type.
    """
    for field in schema:
        try:
            _check(arrow, field.type, f"column {field.name!r:.60}")
        except Fault as fault:  # noqa: PERF203 - most have no such column
            fault.at(field.name)
            raise


def check_zones(arrow: Any, schema: Any) -> None:
    """Refuses moments in a zone that nobody here knows, for pandas and polars, which look each zone up.

    Raises:
        Fault: A column, which is named, is in such a zone.
    """
    for field in schema:
        dtype = field.type.value_type if arrow.types.is_dictionary(field.type) else field.type
        zone = dtype.tz if arrow.types.is_timestamp(dtype) else None
        if zone is None or _is_known(arrow, zone):
            continue
        fault = Fault(
            f"column {field.name!r:.60} is in the zone {zone!r:.60}, which is not in the zone database here: install"
            " tzdata if there is such a zone, or ask for a pyarrow.Table"
        )
        fault.at(field.name)
        raise fault


def _is_known(arrow: Any, zone: str) -> bool:
    try:
        arrow.lib.string_to_tzinfo(zone)
    except Exception:  # noqa: BLE001 - whatever it is, no moment can be in this zone
        return False
    return True


def _check(arrow: Any, dtype: Any, what: str) -> None:
    level = [dtype]
    for _ in range(MAX_LEVELS + 1):
        for each in level:
            _check_categories(arrow, each, what)
        level = [inner for each in level for inner in _inner(arrow, each)]
        if not level:
            return
    raise Fault(f"{what} is of a type nested deeper than {MAX_DEPTH} levels: flatten it")


def _check_categories(arrow: Any, dtype: Any, what: str) -> None:
    if not arrow.types.is_dictionary(dtype):
        return
    inner = dtype.value_type
    if isinstance(inner, arrow.BaseExtensionType):
        raise unreadable_categories(what, inner)
    if arrow.types.is_dictionary(inner):
        raise Fault(
            f"{what} holds a dictionary whose values are a dictionary again, and comes out of an Arrow stream as its"
            f" codes: make it {inner.value_type!s:.60}, such as with cast"
        )


def _inner(arrow: Any, dtype: Any) -> list[Any]:
    if arrow.types.is_dictionary(dtype) or arrow.types.is_run_end_encoded(dtype):
        return [dtype.value_type]
    return [dtype.field(at).type for at in range(dtype.num_fields)]
