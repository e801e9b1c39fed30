"""Parts with names: what a value holds, what hints ask of each, and typed dicts, which are nothing else."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, cast

from .classes import record_of
from .fault import Fault
from .hintfields import hints_of, required_keys
from .hintforms import without_notes
from .misfit import misfit, name_of
from .wrappers import EnumValue, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .containers import Fit

__all__ = ["fields_of", "fit_fields", "fit_typed_dict"]

_NO_DEFAULTS: Mapping[str, Any] = types.MappingProxyType({})


def fields_of(value: Any, cls: type[Any]) -> dict[str, Any]:
    """Returns what a record, a dict or an object has for the fields of a class.

    Raises:
        Fault: It is none of these.
    """
    wrapper = value if isinstance(value, (Record, EnumValue)) else record_of(value)
    if isinstance(wrapper, Record):
        return wrapper.fields
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise misfit(value, name_of(cls))


def fit_typed_dict(
    value: Any, cls: type[Any], args: tuple[Any, ...], fit: Fit, *, noted: bool = True
) -> dict[str, Any]:
    """Makes a dict what a typed dict says of its keys; args are those of a generic one.

    The notes on its hints are applied, or left to pydantic, where that reads the dict again.

    Raises:
        Fault: The value does not fit.
    """
    fields = fields_of(value, cls)
    hints = hints_of(cls, args)
    config: Mapping[str, Any] = getattr(cls, "__pydantic_config__", None) or {}
    known = fields
    if config.get("extra") in ("allow", "ignore"):
        known = {name: item for name, item in fields.items() if name in hints}
    asked = hints if noted else {name: without_notes(hint) for name, hint in hints.items()}
    fitted = fit_fields(known, cls, asked, required_keys(cls), fit)
    return {**fields, **fitted} if config.get("extra") == "allow" else fitted


def fit_fields(
    fields: dict[str, Any],
    cls: type[Any],
    hints: Mapping[str, Any],
    required: set[str],
    fit: Fit,
    defaults: Mapping[str, Any] = _NO_DEFAULTS,
) -> dict[str, Any]:
    """Fits each field, of which all have hints; None fits where it is the field's default, whatever its hint.

    Raises:
        Fault: One does not fit, is missing, or is too many.
    """
    missing = sorted(required - fields.keys())
    surplus = [name for name in fields if name not in hints]
    if missing or surplus:
        what = f"has no field {missing[0]!r}" if missing else f"has a field {surplus[0]!r} too many"
        fault = Fault(f"the value for {cls.__name__} {what}")
        fault.at((missing or surplus)[0])
        raise fault
    fitted: dict[str, Any] = {}
    name = ""
    try:
        for name, item in fields.items():
            absent = item is None and defaults.get(name, ...) is None
            fitted[name] = None if absent else fit(item, hints[name])
    except Fault as fault:
        fault.inside(name)
        raise
    return fitted
