"""The JSON Schema of a tool's arguments, as one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .definitions import Definitions
from .documents import json_schema
from .hints import type_name
from .notes import description_of, field_notes, remarks_of
from .unfit import is_unfit
from .written import shown_default

if TYPE_CHECKING:
    import inspect
    from collections.abc import Mapping, Sequence

__all__ = ["DIALECT", "input_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def input_schema(
    parameters: Sequence[inspect.Parameter],
    hints: Mapping[str, Any],
    texts: Mapping[str, str],
    called: Mapping[str, str],
) -> dict[str, Any]:
    """Returns the schema of what a function's parameters take, by name.

    Args:
        parameters: Those that callers see.
        hints: Those of the parameters.
        texts: What the function's docstring says of them.
        called: What callers call them.
    """
    definitions = Definitions()
    properties: dict[str, Any] = {}
    required: list[str] = []
    surplus: Any = False
    for parameter in parameters:
        hint = hints.get(parameter.name, Any)
        item = json_schema(hint, definitions)
        if parameter.kind is parameter.VAR_KEYWORD:
            surplus = item or True
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            item = {"type": "array", "items": item}
        elif parameter.default is None and is_unfit(hint):
            item = {"type": "null"}
        elif parameter.default is parameter.empty:
            required.append(called[parameter.name])
        elif parameter.default is None and item and not type_name(hint)[1]:
            item = {"anyOf": [item, {"type": "null"}]}
        properties[called[parameter.name]] = item | _remarks(
            parameter, hint, texts.get(parameter.name)
        )
    schema: dict[str, Any] = {"$schema": DIALECT, "type": "object", "properties": properties}
    if required:
        schema["required"] = required
    schema["additionalProperties"] = surplus
    return definitions.stand_in(schema)


def _remarks(parameter: inspect.Parameter, hint: Any, text: str | None) -> dict[str, Any]:
    """What is said of an argument to those who read the schema."""
    found: dict[str, Any] = {}
    for note in field_notes(hint):
        found.update(remarks_of(note))
    text = text or description_of(hint)
    if text:
        found["description"] = text
    if parameter.default is not parameter.empty:
        found.update(("default", each) for each in shown_default(parameter.default))
    return found
