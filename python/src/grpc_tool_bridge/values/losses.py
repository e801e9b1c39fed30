"""What pydantic would drop of a value without a word, or round."""

from __future__ import annotations

import collections.abc as abc
import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, Final, cast

from .classes import is_named_tuple
from .fault import PASSING, Fault, told
from .members import PLAIN
from .modelfields import named, shape_of
from .wrappers import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_ENDLESS: Final = 2**1023
"""From here on an int may be larger than every float."""

__all__ = ["at_steps", "check_computed", "refuse_losses"]


def refuse_losses(given: Any, made: Any, *, whole: bool = True) -> None:
    """Refuses what was made of JSON where a part of that is gone.

    Args:
        given: What came.
        made: What pydantic made of it.
        whole: Whether no validator of the program's may have dropped a part itself.

    Raises:
        Fault: A field that nobody knows, an item of a set or an int that no float holds is not there any more.
    """
    kind = cast("type[Any]", type(given))
    cls = cast("Any", type(made))
    if getattr(cls, "__pydantic_root_model__", False) is True:
        shape = shape_of(cls)
        if not shape.sees_all and not shape.fields[0].is_remade:
            refuse_losses(given, made.root, whole=whole and not shape.sees_made)
    elif kind is int and type(made) is float:
        if made != given and (abs(given) >= _ENDLESS or made == float(given)):
            raise _rounded()
    elif kind is list:
        _of_items(given, made, whole=whole)
    elif kind is dict:
        _of_dict(given, made, whole=whole)


def _of_items(given: list[Any], made: Any, *, whole: bool) -> None:
    if isinstance(made, abc.Set):
        items = cast("abc.Set[Any]", made)
        if len(items) < len(given):
            _refuse_twice(given)
        if whole and len(items) < len(given):
            raise Fault(
                f"of {len(given)} items {len(given) - len(items)} would be dropped as equal"
            )
        _of_set(given, items)
    elif isinstance(made, (list, tuple, abc.Sequence)) and not isinstance(made, (str, bytes)):
        parts = cast("Sequence[Any]", made)
        if len(parts) == len(given):
            for index, (item, part) in enumerate(zip(given, parts, strict=True)):
                at_steps((index,), refuse_losses, item, part, whole=whole)


def _rounded() -> Fault:
    return Fault(
        "want float, got an int that no float can hold exactly: send a float, or declare int"
    )


def _refuse_twice(items: list[Any]) -> None:
    seen: set[Any] = set()
    for index, item in enumerate(items):
        key = repr(item) if type(item) in (list, dict) else item
        if key in seen:
            fault = Fault(
                f"the item {item!r:.80} is there twice; in Python 1, 1.0 and True are one"
            )
            fault.at(index)
            raise fault
        seen.add(key)


def _of_set(given: list[Any], made: abc.Set[Any]) -> None:
    """Refuses what is lost of items of a set, of which nobody knows any more which was which."""
    for index, item in enumerate(given):
        if (
            type(item) is int
            and item not in made
            and (abs(item) >= _ENDLESS or float(item) in made)
        ):
            fault = _rounded()
            fault.at(index)
            raise fault
    classes = {cast("Any", type(item)) for item in made}
    cls: Any = classes.pop() if len(classes) == 1 else None
    if not hasattr(cls, "__pydantic_fields__"):
        return
    for index, item in enumerate(given):
        if type(item) is dict and not shape_of(cls).sees_all:
            at_steps((index,), named, item, cls, shape_of(cls))


def _of_dict(given: dict[str, Any], made: Any, *, whole: bool) -> None:
    cls = cast("Any", type(made))
    if hasattr(cls, "__pydantic_fields__"):
        _of_model(given, made, whole=whole)
    elif dataclasses.is_dataclass(made):
        _of_dataclass(given, made, whole=whole)
    elif is_named_tuple(cls):
        for name, item in given.items():
            at_steps((name,), refuse_losses, item, getattr(made, name, None), whole=whole)
    elif isinstance(made, abc.Mapping):
        _of_mapping(given, cast("abc.Mapping[Any, Any]", made), whole=whole)


def _of_model(given: dict[str, Any], made: Any, *, whole: bool) -> None:
    cls = cast("Any", type(made))
    shape = shape_of(cls)
    if shape.sees_all:  # which takes what it wants
        return
    found, steps, rest = named(given, cls, shape)
    for field in shape.fields:
        if field.name in found and not field.is_remade:
            at_steps(
                steps[field.name],
                refuse_losses,
                found[field.name],
                getattr(made, field.name, None),
                whole=whole and not shape.sees_made and not field.is_checked,
            )
    extras = cast("dict[str, Any]", getattr(made, "__pydantic_extra__", None) or {})
    for name, item in rest.items():
        if name in extras:
            at_steps((name,), refuse_losses, item, extras[name], whole=whole)
    check_computed(made, given, shape.computed)


def _of_dataclass(given: dict[str, Any], made: Any, *, whole: bool) -> None:
    cls = cast("Any", type(made))
    known = {field.name for field in dataclasses.fields(made)}
    known.update(inspect.signature(cls).parameters)
    _refuse_surplus([name for name in given if name not in known], cls.__name__)
    for name, item in given.items():
        at_steps((name,), refuse_losses, item, getattr(made, name, None), whole=whole)


def _of_mapping(given: dict[str, Any], made: abc.Mapping[Any, Any], *, whole: bool) -> None:
    lost = [name for name in given if name not in made]
    if whole and len(made) < len(given):
        if all(key in given for key in made):
            _refuse_surplus(lost, "a dict of fields")
        raise Fault(f"of {len(given)} keys {len(given) - len(made)} would be dropped as equal")
    if not lost:
        for name, item in given.items():
            at_steps((name,), refuse_losses, item, made[name], whole=whole)
    elif len(made) == len(given):
        for (name, item), part in zip(given.items(), made.values(), strict=True):
            at_steps((name,), refuse_losses, item, part, whole=whole)


def _refuse_surplus(names: list[str], of: str) -> None:
    if names:
        fault = Fault(f"the value for {of} has a field {names[0]!r:.80} too many")
        fault.at(names[0])
        raise fault


def at_steps(steps: Sequence[Any], make: Callable[..., Any], *given: Any, **how: Any) -> Any:
    """Makes a part, to which these steps lead."""
    try:
        return make(*given, **how)
    except Fault as fault:
        for step in reversed(steps):
            fault.at(step)
        raise


def check_computed(made: Any, value: Any, computed: Iterable[str]) -> None:
    """Refuses what is said of a field that is computed, and is not so."""
    held = cast("dict[Any, Any]", value.fields if isinstance(value, Record) else value)
    for name in computed:
        if name not in held:
            continue
        said, own = held[name], _computed(made, name)
        if type(said) is type(own) and type(said) in PLAIN and said != own and said == said:
            fault = Fault(f"want {own!r:.80} as it is computed, got {said!r:.80}")
            fault.at(name)
            raise fault


def _computed(made: Any, name: str) -> Any:
    try:
        return getattr(made, name)
    except PASSING:
        raise
    except Exception as error:
        fault = Fault(f"it cannot be computed: {told(error)}")
        fault.at(name)
        raise fault from error
