"""What pydantic says of a value that it refuses, as our errors say it: the part, what was wanted and what came."""

from __future__ import annotations

import datetime as dt
import decimal
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from .fault import Fault, told
from .misfit import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fault_of"]

_SAME: Final = (
    "int",
    "float",
    "bool",
    "bytes",
    "dict",
    "list",
    "date",
    "time",
    "datetime",
    "complex",
)
_WANTED: Final = dict(zip(_SAME, _SAME, strict=True)) | {
    "string": "str",
    "time_delta": "timedelta",
    "uuid": "UUID",
    "decimal": "Decimal",
    "tuple": "list",
    "set": "list",
    "frozen_set": "list",
    "mapping": "dict",
    "model": "dict",
    "model_attributes": "dict",
    "dataclass": "dict",
}
"""What pydantic's types of errors are about, by our names: in JSON tuples and sets are lists."""
_KIND: Final = re.compile("(.+?)_(?:type|parsing|parsing_size|from_float|from_date_parsing)")
_MISSING: Final = ("missing", "missing_argument", "missing_keyword_only_argument")
_CHOICES: Final = ("literal_error", "enum")
_SURPLUS: Final = (
    "extra_forbidden",
    "unexpected_keyword_argument",
    "unexpected_positional_argument",
)


_SHOWN: Final = (str, int, float, bool, bytes, type(None), decimal.Decimal, dt.datetime, dt.date)
"""The classes of values that are shown."""


class _Refusal(NamedTuple):
    """One of pydantic's errors."""

    error: dict[str, Any]
    steps: list[tuple[Any, bool]]
    """The steps that lead to the part, and which of them lead to a key."""


class _Way(NamedTuple):
    """The way to a part, as pydantic tells it."""

    steps: list[tuple[Any, bool]]
    members: tuple[Any, ...]
    """The members of unions that were tried, and what else pydantic names as if they were parts."""
    fits: bool
    """Whether it leads to what pydantic was given."""


def fault_of(error: Any, cls: type[Any], given: Any, sent: dict[str, Any]) -> Fault:
    """Names the part that one of pydantic's errors is about.

    Of the members of a union that one is told of which the fewest parts are wrong, and these are the deepest.

    Args:
        error: What a validator raised.
        cls: What was to be made.
        given: What of.
        sent: The steps under which fields came, by their names.
    """
    own = type(error).__module__.startswith("pydantic_core")  # a validator may raise anything
    errors: list[dict[str, Any]] = error.errors() if own and hasattr(error, "errors") else []
    if not errors:
        return Fault(f"no {cls.__name__}: {told(error)}")
    wrong: dict[tuple[Any, ...], list[_Refusal]] = {}
    for each in errors:
        way = _steps(each, given, sent)
        wrong.setdefault(way.members, []).append(_Refusal(each, way.steps))
    group = min(wrong.values(), key=_distance)
    first = min(group, key=lambda refusal: refusal.error["type"] not in _SURPLUS)
    alike = [each[0] for each in wrong.values() if len(each) == len(group)]
    wanted = [_wanted(each.error) for each in alike if each.steps == first.steps]
    fault = _told_of(first.error, errors, cls)
    if len(alike) == len(wanted) > 1 and all(wanted) and _wanted(first.error):
        fault = Fault(f"want {' or '.join(dict.fromkeys(wanted))}, got {_shown(first.error)}")
    for step, is_key in reversed(_best_steps(first.error, given, sent)):
        if is_key:
            fault.at_key(step)
        else:
            fault.at(step)
    return fault


def _distance(refusals: list[_Refusal]) -> tuple[bool, int, int]:
    """How far a value is from what a member of a union asks for."""
    is_lossy = all(refusal.error["type"] == "lossy" for refusal in refusals)
    return not is_lossy, len(refusals), -max(len(refusal.steps) for refusal in refusals)


def _told_of(error: dict[str, Any], errors: list[dict[str, Any]], cls: type[Any]) -> Fault:
    """The fault of one of pydantic's errors, in the part that it is about."""
    kind, context = error["type"], cast("dict[str, Any]", error.get("ctx", {}))
    wanted = _wanted(error)
    what = f"the value for {cls.__name__}" if len(error["loc"]) == 1 else "the value"
    if kind == "lossy":
        fault = Fault(context["told"])
        if "key" in context:
            fault.at_key(context["key"])
        if "step" in context:
            fault.at(context["step"])
    elif kind == "union_tag_not_found":
        fault = Fault(f"{error['msg']}{_tags(cls, context['discriminator'])}")
    elif kind in _MISSING and type(error["loc"][-1]) is int:
        last = max(each["loc"] for each in errors if each["loc"][:-1] == error["loc"][:-1])[-1]
        fault = Fault(f"want a tuple of {last + 1} items, got {len(error['input'])}")
    elif kind == "too_long" and context["field_type"] == "Tuple":
        fault = Fault(
            f"want a tuple of {context['max_length']} items, got {context['actual_length']}"
        )
    elif kind in _MISSING:
        fault = Fault(f"{what} has no field {error['loc'][-1]!r:.80}")
    elif kind in _SURPLUS:
        fault = Fault(f"{what} has a field {error['loc'][-1]!r:.80} too many")
    elif kind == "union_tag_invalid":
        tags, name = context["expected_tags"].replace(", ", " or "), context["discriminator"]
        fault = Fault(f"want {tags}, got {context['tag']!r:.80}")
        if name[:1] == name[-1:] == "'" and name[1:-1] in error["input"]:
            fault.at(name[1:-1])
    elif wanted:
        reason = f", of which none can be made: {context['error']}" if "error" in context else ""
        fault = Fault(f"want {wanted}, got {_shown(error)}{reason}")
    else:
        fault = Fault(_said(error, cls))
    return fault


def _said(error: dict[str, Any], cls: Any) -> str:
    """What pydantic, or a validator, says of a part, with its value; of all, with the class."""
    context, given = cast("dict[str, Any]", error.get("ctx", {})), error["input"]
    raised = context.get("error")
    text = str(error["msg"])
    if isinstance(raised, Exception):  # beside what pydantic says before it
        text = f"{raised}" or text.rstrip(", ")
    if type(given) in _SHOWN:
        return text if _is_hidden(cls) else f"{text}, got {given!r:.80}"
    if not error["loc"]:
        return f"no {cls.__name__}: {text}"
    return text if isinstance(raised, Exception) else f"{text}, got {describe(given)}"


def _is_hidden(cls: Any) -> bool:
    """Reports whether what a class is made of is not for everyone's eyes."""
    config: Any = getattr(cls, "model_config", {})
    return bool(config.get("hide_input_in_errors")) or "pydantic.types.Secret" in repr(
        getattr(cls, "__pydantic_core_schema__", "")
    )


def _tags(cls: Any, discriminator: str) -> str:
    """Says which tags there are, where there is one union of this discriminator."""
    left: list[Any] = [cls.__pydantic_core_schema__]
    found: list[list[Any]] = []
    while left:
        part = left.pop()
        if isinstance(part, dict):
            held = cast("dict[str, Any]", part)
            if held.get("type") == "tagged-union" and repr(held["discriminator"]) == discriminator:
                found.append(list(held["choices"]))
            left.extend(held.values())
        elif isinstance(part, list):
            left.extend(cast("list[Any]", part))
    return f", want {' or '.join(map(repr, found[0]))}" if len(found) == 1 else ""


def _wanted(error: dict[str, Any]) -> str:
    """What pydantic wanted, where its kind of error says no more."""
    if error["type"] in _CHOICES:
        return str(error["ctx"]["expected"])
    kind = _KIND.fullmatch(error["type"])
    return _WANTED.get(kind[1], "") if kind else ""


def _shown(error: dict[str, Any]) -> str:
    given = error["input"]
    return f"{given!r:.80}" if error["type"] in _CHOICES else describe(given)


def _best_steps(error: dict[str, Any], given: Any, sent: dict[str, Any]) -> list[tuple[Any, bool]]:
    """The steps that lead to what pydantic says it was given: a member of a union may be named as a field is."""
    first = _steps(error, given, sent)
    if not first.fits:
        for number in range(len(error["loc"])):
            way = _steps(error, given, sent, number)
            if way.fits:
                return way.steps
    return first.steps


def _steps(error: dict[str, Any], given: Any, sent: dict[str, Any], skipped: int = -1) -> _Way:
    """The steps of a location that lead into the value, and what else stands in it."""
    loc: Sequence[Any] = error["loc"]
    steps: list[tuple[Any, bool]] = []
    members: list[Any] = []
    part: Any = given
    for number, step in enumerate(loc):
        kind = cast("Any", type(part))
        if number == skipped:
            members.append(step)
        elif kind is dict:
            held = cast("dict[Any, Any]", part)
            name = step if step in held else None
            if name is None and not number:  # it may be an alias
                name = next((key for key in held if sent.get(key, ())[-1:] == (step,)), None)
            if name is not None:
                if loc[number + 1 :] == ("[key]",):
                    return _Way([*steps, (list(held).index(name), True)], tuple(members), fits=True)
                part = held[name]
                ways = (name,) if number else sent.get(name, (name,))
                steps.extend((way, False) for way in ways)
            elif number == len(loc) - 1 and error["type"] in _MISSING:
                steps.append((step, False))
            else:
                members.append(step)
        elif type(step) is int and kind in (list, tuple, set, frozenset):
            items: list[Any] = list(part)
            if step < len(items):  # else one is missing
                part = items[step]
                steps.append((step, False))
        elif step in getattr(part, "_fields", ()):
            part = getattr(part, str(step))
            steps.append((step, False))
        else:
            members.append(step)
    return _Way(steps, tuple(members), fits=_is_same(part, error["input"]))


def _is_same(ours: Any, theirs: Any) -> bool:
    try:
        return bool(ours == theirs)
    except Exception:  # noqa: BLE001 - whatever a class of a program's raises
        return False
