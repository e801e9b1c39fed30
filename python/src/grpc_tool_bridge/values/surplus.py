"""Fields that a class does not have, which pydantic would drop without a word."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import typing_extensions as tx

from .fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["refuse_surplus"]


def refuse_surplus(fields: Iterable[Any], cls: Any) -> None:
    """Refuses a field that a class does not have, unless the class says itself what happens to such.

    Raises:
        Fault: There is one.
    """
    names = _names_of(cls)
    if names is None:
        return
    surplus = [name for name in fields if name not in names]
    if surplus:
        raise Fault(f"the value for {cls.__name__} has a field {surplus[0]!r:.80} too many")


def _names_of(cls: Any) -> set[str] | None:
    """The names of what a class takes; None if it has a say of its own, by its configuration or a validator."""
    config: Mapping[str, Any] = (
        getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}
    )
    if "extra" in config or getattr(cls, "__pydantic_root_model__", False) is True:
        return None
    known: Mapping[str, Any] | None = getattr(cls, "__pydantic_fields__", None)
    if known is None:
        return _plain_names_of(cls)
    if _sees_all_fields(cls):
        return None
    aliases = [alias for field in known.values() for alias in (field.alias, field.validation_alias)]
    if not all(alias is None or isinstance(alias, str) for alias in aliases):
        return None  # pydantic alone knows where a field may be found
    return {*known, *aliases, *_computed(cls)}


def _plain_names_of(cls: Any) -> set[str]:
    if dataclasses.is_dataclass(cls):
        return {field.name for field in dataclasses.fields(cls)}
    if tx.is_typeddict(cls):
        return set(cls.__annotations__)
    return set(getattr(cls, "_fields", ()))


def _sees_all_fields(cls: Any) -> bool:
    """Reports whether a validator of the whole model sees what it is given before pydantic does."""
    decorators = getattr(cls, "__pydantic_decorators__", None)
    validators: Mapping[str, Any] = getattr(decorators, "model_validators", {})
    return any(validator.info.mode != "after" for validator in validators.values())


def _computed(cls: Any) -> Iterable[str]:
    decorators = getattr(cls, "__pydantic_decorators__", None)
    return getattr(decorators, "computed_fields", {})
