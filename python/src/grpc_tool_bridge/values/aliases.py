"""The names under which pydantic looks for the fields of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .fault import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["by_alias", "keys_of"]


def by_alias(known: Mapping[str, Any]) -> dict[str, str]:
    """The names of a model's fields by their aliases."""
    return {
        field.validation_alias: name
        for name, field in known.items()
        if isinstance(field.validation_alias, str)
    }


def keys_of(names: Collection[Any], known: Mapping[str, Any], model: str) -> dict[Any, Any]:
    """The keys under which a record's fields are given to pydantic, by their names.

    pydantic looks for a field's aliases before its name. Where an alias is the name of another field, fields
    are given under their aliases instead of their names.

    Args:
        names: Those of the record's fields.
        known: The model's fields.
        model: Its name, for errors.

    Raises:
        Fault: pydantic would take one field for another either way.
    """
    own = {name: name for name in names}
    if _mistaken(own, known) is None:
        return own
    aliases = {name: alias for alias, name in by_alias(known).items()}
    keys = {name: aliases.get(name, name) for name in names}
    mistaken = _mistaken(keys, known)
    if mistaken is not None or len(set(keys.values())) < len(keys):
        raise Fault(
            f"pydantic cannot tell the fields of {model} apart: an alias of one is the name of another"
        )
    return keys


def _mistaken(keys: Mapping[Any, Any], known: Mapping[str, Any]) -> str | None:
    """A field that would be taken from where another one is given, if there is one."""
    given = set(keys.values())
    for name, field in known.items():
        found = next((place for place in _places(name, field) if place in given), None)
        if found != keys.get(name):
            return name
    return None


def _places(name: str, field: Any) -> list[Any]:
    """Where pydantic looks for a field, in this order; of a path its first step."""
    alias = field.validation_alias
    choices = getattr(alias, "choices", None) or ([] if alias is None else [alias])
    paths = (getattr(choice, "path", [choice]) for choice in choices)
    return [*(path[0] for path in paths), name]
