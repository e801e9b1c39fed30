"""Parameters whose defaults are said by pydantic's Field: the value, what makes it, and notes on the hint."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from .notes import notes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Defaults", "with_fields"]

_MADE: Final = object()
"""Stands for a default that is made anew for each call."""


class Defaults:
    """What a function is given for arguments that are left out, where fields of pydantic's say it."""

    def __init__(
        self, parameters: Iterable[inspect.Parameter], makers: Mapping[str, Callable[[], Any]]
    ) -> None:
        """Takes all parameters that callers see, and what makes the values of some."""
        self._parameters = list(parameters)
        self._makers = makers
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self._by_position = [each.name for each in self._parameters if each.kind in positional]

    def fill(self, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Adds what a call leaves out to its arguments, which are complete but for defaults."""
        given = {*self._by_position[: len(args)], *kwargs} if self._makers else ()
        for parameter in self._parameters if self._makers else ():
            name, maker = parameter.name, self._makers.get(parameter.name)
            if name in given:
                continue
            if parameter.kind is parameter.POSITIONAL_ONLY:
                args.append(maker() if maker else parameter.default)
            elif maker:
                kwargs[name] = maker()
        return args, kwargs


def with_fields(
    parameters: Mapping[str, inspect.Parameter], hints: dict[str, Any]
) -> tuple[dict[str, inspect.Parameter], Defaults]:
    """Reads fields of pydantic's that stand as defaults of parameters, or in the notes on their hints.

    Returns:
        The parameters with plain defaults, and what fills these in. Notes of the fields are added to the hints.
    """
    read: dict[str, inspect.Parameter] = {}
    makers: dict[str, Callable[[], Any]] = {}
    for name, parameter in parameters.items():
        hint = hints.get(name, Any)
        field = _field_of(parameter, hint)
        if field is None:
            read[name] = parameter
            continue
        if field is parameter.default:
            hints[name] = Annotated[hint, field]
        if field.is_required():
            read[name] = parameter.replace(default=parameter.empty)
            continue
        makers[name] = _maker(field)
        is_made = field.default_factory is not None
        read[name] = parameter.replace(default=_MADE if is_made else field.default)
    return read, Defaults(read.values(), makers)


def _maker(field: Any) -> Callable[[], Any]:
    return lambda: field.get_default(call_default_factory=True)


def _field_of(parameter: inspect.Parameter, hint: Any) -> Any:
    if _is_field(parameter.default):
        return parameter.default
    if parameter.default is not parameter.empty:
        return None
    return next(
        (note for note in notes_of(hint) if _is_field(note) and not note.is_required()), None
    )


def _is_field(default: Any) -> bool:
    cls = cast("type[Any]", type(default))
    return cls.__name__ == "FieldInfo" and cls.__module__.partition(".")[0] == "pydantic"
