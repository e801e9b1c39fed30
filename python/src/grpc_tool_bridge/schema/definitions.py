"""Schemas of one document that others refer to: of classes and aliases that are inside of themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

__all__ = ["Definitions"]

_PLACE = "#/$defs/"


class Definitions:
    """The ``$defs`` of a document while it is made. Used by one thread."""

    def __init__(self) -> None:
        """Begins without any."""
        self._names: dict[Hashable, str] = {}
        self._open: dict[Hashable, bool] = {}
        """What is being made, and whether it is to be referred to."""
        self._made: dict[str, dict[str, Any]] = {}

    def make(
        self,
        key: Hashable,
        name: str,
        schema: Callable[[], dict[str, Any]],
        *,
        always: bool = False,
    ) -> dict[str, Any]:
        """Returns a schema, or where it stands, if it is inside of itself.

        Args:
            key: What it is of.
            name: What it is called, if nothing else is.
            schema: Makes it; not called where that has begun before.
            always: It is to stand among the others also where it is not inside of itself.
        """
        known = self._names.get(key)
        if key in self._open:
            self._open[key] = True
        if key in self._open or known in self._made:
            return {"$ref": f"{_PLACE}{self._name(key, name)}"}
        self._open[key] = always
        try:
            made = schema()
        finally:
            is_referred_to = self._open.pop(key)
        if not is_referred_to:
            return made
        self._made[self._name(key, name)] = made
        return {"$ref": f"{_PLACE}{self._name(key, name)}"}

    def meant(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns what a schema refers to, as far as it is made, or else the schema."""
        name = str(schema.get("$ref", "")).removeprefix(_PLACE)
        return self._made.get(name, schema)

    def stand_in(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Returns the schema of a whole document, with all that is referred to."""
        return {**schema, "$defs": self._made} if self._made else schema

    def _name(self, key: Hashable, wanted: str) -> str:
        if key not in self._names:
            plain = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_") or "it"
            taken = set(self._names.values())
            numbered = (f"{plain}_{number}" for number in range(2, len(taken) + 3))
            self._names[key] = next(each for each in (plain, *numbered) if each not in taken)
        return self._names[key]
