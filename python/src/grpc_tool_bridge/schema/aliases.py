"""What callers call the parameters of a function: the alias, where pydantic's Field gives one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .notes import field_notes

if TYPE_CHECKING:
    import inspect
    from collections.abc import Mapping

__all__ = ["Aliases"]


class Aliases:
    """The names of parameters, for callers and for the function.

    Attributes:
        called: What callers call each parameter, by its name in the function.
    """

    def __init__(
        self, parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any], function: str
    ) -> None:
        """Reads the notes on the hints of the parameters that callers see.

        Raises:
            TypeError: An alias is no name of one argument, or two arguments have one name.
        """
        self.called = {
            name: _called(parameter, hints.get(name, Any), function)
            for name, parameter in parameters.items()
        }
        self._own: dict[str, str] = {}
        for name, called in self.called.items():
            other = self._own.setdefault(called, name)
            if other != name:
                raise TypeError(
                    f"{other!r} and {name!r} in {function} are both called {called!r}: give one another alias"
                )

    def own(self, given: str) -> str:
        """Returns what the function calls an argument that is given by a name, which is that itself if it has none."""
        return self._own.get(given, given)

    def hides(self, given: str) -> bool:
        """Reports whether a name is that of a parameter which callers call otherwise."""
        return given in self.called and given not in self._own


def _called(parameter: inspect.Parameter, hint: Any, function: str) -> str:
    aliases = [note.validation_alias for note in field_notes(hint)]
    alias = next((each for each in reversed(aliases) if each is not None), None)
    if alias is None:
        return parameter.name
    is_one = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    if isinstance(alias, str) and alias and is_one:
        return alias
    raise TypeError(
        f"the alias {alias!r} of {parameter.name!r} in {function} is no name of one argument:"
        " give one text, to a parameter of one argument"
    )
