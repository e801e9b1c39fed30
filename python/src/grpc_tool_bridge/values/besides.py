"""What comes for fields of which no object is made: computed ones, and those that no constructor takes.

While pydantic validates, it is kept apart from the fields and from the extras, where validators would see it. Once the
object has gone through all validators of its class, fields that no constructor takes are set, and what came for
computed fields is compared with what the object computes.
"""

from __future__ import annotations

import contextvars
import decimal
import fractions
import importlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from grpc_tool_bridge.errors import SerializationError

from .encode import encode
from .fault import PASSING, told
from .modeltexts import OF_TEXT, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "UNSAID",
    "Besides",
    "computed_called",
    "late_called",
    "noticing",
    "refused",
    "settled",
    "sorted_out",
]

UNSAID: Final = object()
"""Stands for what did not come."""
_NUMBERS: Final = (int, float, decimal.Decimal, fractions.Fraction)
_LISTS: Final = (list, tuple)
_SETS: Final = (set, frozenset)
_PAIRED: Final = 256
"""Sets of more items are compared by their texts, in proportion: each with each would take long."""

_said: contextvars.ContextVar[dict[Any, dict[str, Any]]] = contextvars.ContextVar("said")
"""What came for such fields of the object that is being validated, by its class."""


class Besides(NamedTuple):
    """Fields of a class of which no object is made, by what they are called while they are validated."""

    cls: Any
    computed: dict[str, str]
    late: dict[str, str]


def computed_called(name: str) -> str:
    """What a computed field is called while its object is validated."""
    return f"$computed {name}"


def late_called(name: str) -> str:
    """What a field that no constructor takes is called."""
    return f"$late {name}"


def noticing(validate: Callable[..., Any], given: Any, **options: Any) -> Any:
    """Has something validated by a validator that keeps what comes for such fields."""
    token = _said.set({})
    try:
        return validate(given, **options)
    finally:
        _said.reset(token)


def sorted_out(besides: Besides, made: Any) -> Any:
    """Takes what came for such fields out of what an object is made of, fields and what else there is."""
    values, *others = cast("tuple[Any, ...]", made)
    calls = {**besides.computed, **besides.late}
    came = {name: values.pop(called) for called, name in calls.items()}
    _said.get()[besides.cls] = {name: item for name, item in came.items() if item is not UNSAID}
    for each in others:
        if type(each) is set:  # the names of fields that came
            cast("set[str]", each).difference_update(calls)
    return (values, *others)


def settled(besides: Besides, made: Any) -> Any:
    """Gives an object what came for such fields, or refuses one that computes something else."""
    said = _said.get().pop(besides.cls, {})
    for name in besides.late.values():
        if name in said:
            object.__setattr__(made, name, said[name])
    for name in besides.computed.values():
        if name in said:
            _check(made, name, said[name])
    return made


def _check(made: Any, name: str, item: Any) -> None:
    try:
        own = getattr(made, name)
        same = _holds_same if isinstance(own, _SETS) else _is_same
        is_equal = _is_same(item, own) or any(same(item, form) for form in _forms(made, name))
    except PASSING:
        raise
    except Exception as error:
        raise refused(f"it cannot be computed: {told(error)}", step=name) from error
    if not is_equal and not _is_text_of(item, own):
        message = f"want {own!r:.80} as it is computed, got {item!r:.80}: leave it out"
        raise refused(message, step=name)


def _forms(made: Any, name: str) -> list[Any]:
    """What pydantic writes of a computed field to JSON."""
    serializer = getattr(made, "__pydantic_serializer__", None)
    if serializer is None:
        return []
    write: Callable[..., Any] = serializer.to_python
    dumps: list[Any] = [
        write(made, mode="json", include={name}, by_alias=each, warnings=False)
        for each in (False, True)
    ]
    held = [cast("dict[str, Any]", dump) for dump in dumps if type(dump) is dict]
    return [form for dump in held if len(dump) == 1 for form in dump.values()]


def _is_same(item: Any, own: Any) -> bool:
    """Reports whether two values are one: numbers by what they are, lists and dicts by what they hold."""
    kinds = cast("tuple[Any, Any]", (type(item), type(own)))
    if bool not in kinds and all(kind in _NUMBERS for kind in kinds):
        if set(kinds) == {float, decimal.Decimal}:
            item, own = float(item), float(own)
        return bool(item == own) or bool(item != item and own != own)
    if all(kind in _LISTS for kind in kinds):
        pairs = zip(item, own, strict=False)
        return len(item) == len(own) and all(_is_same(*pair) for pair in pairs)
    if kinds == (dict, dict):
        return item.keys() == own.keys() and all(_is_same(item[key], own[key]) for key in item)
    if isinstance(own, _SETS):
        return _holds_same(item, own)
    if str in kinds or bool in kinds or None in (item, own):
        return kinds[0] is kinds[1] and item == own
    try:
        return encode(item, strict=True) == encode(own, strict=True)
    except SerializationError:
        return False


def _holds_same(item: Any, own: Any) -> bool:
    """Reports whether a list or a set holds the same as another, in whatever order."""
    kinds = (*_LISTS, *_SETS)
    if not isinstance(item, kinds) or not isinstance(own, kinds):
        return False
    items, others = list(cast("Sequence[Any]", item)), list(cast("Sequence[Any]", own))
    if len(items) > _PAIRED:
        return sorted(map(repr, items)) == sorted(map(repr, others))
    return len(items) == len(others) and all(
        any(_is_same(one, other) for other in many)
        for some, many in ((items, others), (others, items))
        for one in some
    )


def _is_text_of(item: Any, own: Any) -> bool:
    """Reports whether a text says the same as one that is written otherwise, such as a moment with Z."""
    if type(item) is not str or type(own) not in OF_TEXT:
        return False
    try:
        return bool(reader_of(cast("Any", type(own))).validate_python(item) == own)
    except ValueError:
        return False


def refused(message: str, **where: Any) -> Exception:
    """Makes the error with which a validator refuses what would be lost."""
    core = importlib.import_module("pydantic_core")
    error: Exception = core.PydanticCustomError("lossy", "{told}", {**where, "told": message})
    return error
