"""What is looked at where pydantic would drop or round a part of a value: each refuses what would be lost."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, cast

from .besides import refused
from .distinct import refuse_crowded, refuse_first
from .misfit import describe
from .modelfields import names_of, shape_of
from .modeltexts import is_finer, too_fine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .fault import Fault

__all__ = [
    "Key",
    "exact",
    "extra_of",
    "is_dict",
    "refuse_finer",
    "refuse_plain",
    "refuse_unknown",
    "set_of",
    "whole_set",
    "with_keys",
]

_LONG: Final = 400
"""So many digits no float has before its point."""
_TABLES: Final = frozenset({"pandas", "polars", "pyarrow", "numpy"})
_DIGITS: Final = re.compile(r"\s*[+-]?\d[\d_]*\s*")


def extra_of(cls: Any) -> str | None:
    """What the configuration of a class says itself of further fields."""
    config: Any = getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None)
    return cast("str | None", config.get("extra")) if config else None


def _surplus(name: str) -> Exception:
    return refused(f"the value has a field {name!r:.80} too many", step=name)


def refuse_unknown(cls: Any, given: Any) -> Any:
    """Refuses fields that neither a model nor its own constructor knows."""
    known = {*names_of(shape_of(cls)), *inspect.signature(cls.__init__).parameters}
    if type(given) is dict and extra_of(cls) is None:
        surplus = [name for name in cast("dict[str, Any]", given) if name not in known]
        if surplus:
            raise _surplus(surplus[0])
    return cast("Any", given)


def refuse_finer(given: Any) -> Any:
    """Refuses the text of a moment that is finer than microseconds, which pydantic would cut off."""
    if type(given) is str and is_finer(given):
        raise refused(too_fine(given))
    return given


def refuse_plain(cls: Any, given: Any) -> Any:
    """Refuses what JSON alone wrote for an object of a class that pydantic cannot make of it."""
    module = str(getattr(cls, "__module__", "")).partition(".")[0]
    form = ": in JSON that is an object with $frame" if module in _TABLES else ""
    raise refused(f"want {getattr(cls, '__name__', cls)}, got {describe(given)}{form}")


def exact(given: Any) -> Any:
    """Refuses what a float would round, or not hold at all."""
    whole: Any = given
    if type(given) is str:
        if not _DIGITS.fullmatch(given):
            if "inf" not in given.lower() and _is_infinite(given):
                raise refused("want float, got a number that is larger than every float")
            return given
        whole = int(given) if len(given) < _LONG else 10**_LONG
    if type(whole) is int and not _is_float(whole):
        raise refused(
            "want float, got an int that no float can hold exactly: send a float, or declare int",
        )
    return given


def is_dict(given: Any) -> bool:
    """Reports whether something is a dict, which fits members of a union by what it holds, and not by its type."""
    return type(given) is dict


def _is_float(number: int) -> bool:
    try:
        return float(number) == number
    except OverflowError:
        return False


def _is_infinite(text: str) -> bool:
    try:
        return abs(float(text)) == float("inf")
    except ValueError:
        return False


def set_of(make: Any, items: tuple[Any, ...]) -> Any:
    """Makes a set of items, none of which is there twice."""
    _refuse_alike(items, "item", "step")
    return make(items)


def _refuse_alike(items: Sequence[Any], what: str, place: str) -> None:
    """Refuses items or keys of which one is there twice, or too many have one hash."""

    def step(fault: Fault, index: int) -> None:
        raise refused(fault.message, **{place: index}) from fault

    refuse_crowded(items, step, what)
    refuse_first(items, step, what)


def whole_set(given: Any, made_of: Callable[[Any], Any]) -> Any:
    """Has a set made of what may be a list, of which no item is dropped."""
    made = made_of(given)
    if isinstance(given, (list, tuple)):
        came = len(cast("list[Any]", given))
        if len(made) < came:
            raise refused(f"of {came} items {came - len(made)} would be dropped as equal")
    return made


class Key:
    """A key, of which none equals another."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key


def with_keys(made: Any) -> Any:
    """Takes the keys of what pydantic made out of what keeps them apart."""
    keys = [each.key for each in made]
    _refuse_alike(keys, "key", "key")
    return type(made)(dict(zip(keys, made.values(), strict=True)))
