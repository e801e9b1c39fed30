"""Models of pydantic: made by its own validation, and where what it refuses stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .classes import is_model
from .fault import Fault
from .modelinput import ModelInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .containers import Fit

__all__ = ["fit_model", "is_root_model"]


def fit_model(value: Any, cls: Any, fit: Fit) -> Any:
    """Has pydantic make an object of a model.

    Raises:
        Fault: It refuses the value, or would drop a part of it without a word.
    """
    given = ModelInput(fit)
    plain = given.model(value, cls)
    try:
        return cls.model_validate(plain, by_name=True, by_alias=True)
    except RecursionError:  # the stack has no room: to try another way would take longer
        raise
    except Exception as error:  # whatever a validator raises
        raise _fault_of(error, cls, plain, given) from error


def is_root_model(cls: type[Any]) -> bool:
    """Reports whether a class is a model of one value without a name."""
    return is_model(cls) and getattr(cls, "__pydantic_root_model__", False) is True


def _fault_of(error: Any, cls: type[Any], plain: Any, given: ModelInput) -> Fault:
    """Names the part that the first of pydantic's errors is about."""
    errors: list[dict[str, Any]] = error.errors() if hasattr(error, "errors") else []
    if not errors:
        return Fault(f"no {cls.__name__}: {error}")
    fault = Fault(f"no {cls.__name__}: {errors[0]['msg']}")
    for step, is_key in reversed(_steps(errors[0]["loc"], plain, given)):
        if is_key:
            fault.at_key(step)
        else:
            fault.at(step)
    return fault


def _steps(loc: Sequence[Any], plain: Any, given: ModelInput) -> list[tuple[Any, bool]]:
    """The steps of a location that lead into the value, and which of them lead to a key.

    pydantic also names the member of a union that it tried, and what checks a value, as if they were parts.
    """
    steps: list[tuple[Any, bool]] = []
    part = plain
    for number, step in enumerate(loc):
        if isinstance(part, dict):
            fields = cast("dict[Any, Any]", part)
            sent = given.sent.get(id(fields), {})
            name = step if step in fields else given.names.get(id(fields), {}).get(step, step)
            if name in fields:
                key, part = next((key, item) for key, item in fields.items() if key == name)
                if loc[number + 1 :] == ("[key]",):
                    return [*steps, (list(fields).index(key), True)]
                steps.append((sent.get(key, key), False))
            elif number == len(loc) - 1 and isinstance(step, str) and id(fields) in given.names:
                steps.append((sent.get(step, step), False))  # a field that is missing
        elif type(step) is int and isinstance(part, (list, tuple, set, frozenset)):
            items = list(cast("Sequence[Any]", part))
            part = items[step] if step < len(items) else None
            steps.append((step, False))
    return steps
