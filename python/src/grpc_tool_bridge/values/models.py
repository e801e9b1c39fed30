"""Models of pydantic: their fields made what their hints ask for, as everywhere, then validated by pydantic."""

from __future__ import annotations

import collections.abc
import importlib
import typing
from typing import TYPE_CHECKING, Any, cast

from .classes import is_model
from .fault import Fault, told
from .hintforms import ANYTHING, UNIONS, bare
from .losses import at_steps, check_computed, refuse_losses
from .misfit import misfit, name_of
from .modelfields import named, refuse_missing, shape_of
from .modeltexts import reader_of, with_texts
from .plainjson import copied, is_tried_in_time, plain_height
from .wrappers import EnumValue, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .containers import Fit
    from .modelfields import Field

__all__ = ["checked_dataclass", "fit_model", "is_root_model", "reads_all"]


def fit_model(value: Any, cls: Any, fit: Fit) -> Any:
    """Makes an object of a model, or of a dataclass of pydantic's.

    What JSON alone writes has no types, and is read by pydantic as it came. Of all else each field is made what its
    hint asks for before pydantic sees it, so that it has nothing left to coerce.

    Raises:
        Fault: A part does not fit, pydantic refuses it, or would drop a part without a word.
    """
    if not getattr(
        cls, "__pydantic_complete__", True
    ):  # classes that its hints name may be there by now
        _complete(cls)
    height = plain_height(value)
    if height is None:
        return _fit_parts(value, cls, fit, mixed=not isinstance(value, Record))
    lost: Fault | None = None
    if is_tried_in_time(height, cls) and not _late(cls):
        try:
            made = _as_it_came(copied(value), cls)
        except Fault as fault:
            if _is_tag_missing(fault):
                fault.message += _tags(cls, fault)
                raise
        else:
            lost = _loss(value, made)
            if lost is None:
                return made
    try:
        made = _fit_parts(value, cls, fit)
        refuse_losses(value, made)
    except Fault as fault:
        raise lost or fault from None
    return made


def _as_it_came(value: Any, cls: Any) -> Any:
    """Has pydantic read what JSON wrote, by its own rules."""
    given, shape = value, shape_of(cls)
    if type(value) is dict and shape.computed and not shape.sees_all:
        held = cast("dict[str, Any]", value)
        given = {name: item for name, item in held.items() if name not in shape.computed}
    return _validated(cls, given, {}, by_alias=True, is_json=True)


def _loss(value: Any, made: Any) -> Fault | None:
    try:
        refuse_losses(value, made)
    except Fault as fault:
        return fault
    return None


def _is_tag_missing(fault: Fault) -> bool:
    """Reports whether pydantic does not know which member of a union is meant, which nothing else tells either."""
    errors: Any = getattr(fault.__cause__, "errors", None)
    own = type(fault.__cause__).__module__.startswith("pydantic_core")
    return own and errors()[0]["type"] == "union_tag_not_found"


def _check_left(made: Any, found: Any, steps: Any, fields: Sequence[Field], *, whole: bool) -> None:
    """Refuses what is lost of fields that were left to pydantic.

    Args:
        made: What pydantic made.
        found: What came, by the names of the fields.
        steps: Those that lead to each.
        fields: Which of them were left.
        whole: Whether no validator of the model's may have dropped a part itself.
    """
    for field in fields:
        if (
            field.name in found
            and not field.is_remade
            and plain_height(found[field.name]) is not None
        ):
            part = getattr(made, field.name)
            kept = whole and not field.is_checked
            at_steps(steps[field.name], refuse_losses, found[field.name], part, whole=kept)


def _tags(cls: Any, fault: Fault) -> str:
    """Says which tags there are, where there is one union of this discriminator."""
    cause: Any = fault.__cause__
    said: str = cause.errors()[0]["ctx"]["discriminator"]
    left: list[Any] = [cls.__pydantic_core_schema__]
    found: list[list[Any]] = []
    while left:
        part = left.pop()
        if isinstance(part, dict):
            held = cast("dict[str, Any]", part)
            if held.get("type") == "tagged-union" and repr(held["discriminator"]) == said:
                found.append(list(held["choices"]))
            left.extend(held.values())
        elif isinstance(part, list):
            left.extend(cast("list[Any]", part))
    return f", want {' or '.join(map(repr, found[0]))}" if len(found) == 1 else ""


def _fit_parts(value: Any, cls: Any, fit: Fit, *, mixed: bool = False) -> Any:
    """Makes the fields first; of a dict in which only some values have types, pydantic reads the others."""
    if is_root_model(cls):
        return _fit_root(value, cls, fit)
    shape = shape_of(cls)
    if shape.sees_all:
        return _fit_seen(value, cls, shape.fields, fit)
    if not isinstance(value, (Record, dict)):
        raise misfit(value, name_of(cls))
    found, steps, rest = named(value, cls, shape)
    fitted: dict[Any, Any] = {}
    left: set[str] = set()
    for field in shape.fields:
        if field.name in found and not _stands_for_nothing(found[field.name], field):
            item = found[field.name]
            try:
                fitted[field.name] = at_steps(steps[field.name], _made, item, field, fit)
            except Fault:
                if not mixed or plain_height(item) is None:
                    raise
                fitted[field.name] = copied(item)  # as nothing says its type
                left.add(field.name)
    refuse_missing(found, value, cls, shape)
    for name, item in rest.items():
        fitted[name] = at_steps((name,), fit, item, shape.extras)
    by_alias = bool(left) or any(
        field.is_own for field in shape.fields
    )  # of models in what is left to pydantic
    if by_alias:
        _check_names(fitted, shape.fields, cls)
    late = {name: fitted.pop(name) for name in _late(cls) if name in fitted}
    made = _validated(cls, fitted, steps, by_alias=by_alias)
    for name, item in late.items():
        object.__setattr__(made, name, item)
    to_check = [field for field in shape.fields if field.is_own or field.name in left]
    _check_left(made, found, steps, to_check, whole=not shape.sees_made)
    check_computed(made, value, shape.computed)
    return made


def checked_dataclass(cls: Any, fields: dict[str, Any]) -> Any:
    """Makes an object of a dataclass whose hints have notes of pydantic's, by its validation.

    Raises:
        Fault: It refuses the fields.
    """
    try:
        return reader_of(cls).validate_python(fields, by_alias=False, by_name=True)
    except RecursionError:
        raise
    except Exception as error:
        raise _fault_of(error, cls, fields, {}) from error


def is_root_model(cls: type[Any]) -> bool:
    """Reports whether a class is a model of one value without a name."""
    return is_model(cls) and getattr(cls, "__pydantic_root_model__", False) is True


def reads_all(cls: type[Any]) -> bool:
    """Reports whether a class has a validator that may make a model of whatever it is given."""
    return hasattr(cls, "__pydantic_fields__") and shape_of(cls).sees_all


def _complete(cls: Any) -> None:
    if hasattr(cls, "model_rebuild"):
        cls.model_rebuild(raise_errors=False)
    else:
        importlib.import_module("pydantic.dataclasses").rebuild_dataclass(cls, raise_errors=False)
    shape_of.cache_clear()


def _late(cls: Any) -> list[str]:
    """Fields that no constructor takes."""
    return [name for name, field in cls.__pydantic_fields__.items() if field.init is False]


def _fit_root(value: Any, cls: Any, fit: Fit) -> Any:
    (field,) = shape_of(cls).fields
    if not isinstance(value, Record) or value.fields.keys() != {"root"}:
        return _validated(cls, _made(value, field, fit), {})
    return _validated(
        cls, at_steps(("root",), _made, value.fields["root"], field, fit), {}, root="root"
    )


def _fit_seen(value: Any, cls: Any, fields: Sequence[Field], fit: Fit) -> Any:
    """Has a model with a validator of its whole input read all that came, objects where it is clear which."""
    if not isinstance(value, (Record, dict)):
        return _validated(cls, value, {}, by_alias=True)
    held = cast("dict[Any, Any]", value.fields if isinstance(value, Record) else value)
    known = {name: field for field in fields for name in (field.name, *_texts(field.aliases))}
    given: dict[Any, Any] = {}
    for key, item in held.items():
        field = known.get(key)
        given[key] = (
            _plain(item) if field is None else _made(item, field._replace(is_own=True), fit)
        )
    if isinstance(value, Record):
        _check_names(given, fields, cls)
    return _validated(cls, given, {}, by_alias=True)


def _texts(aliases: Iterable[Any]) -> list[str]:
    return [alias for alias in aliases if isinstance(alias, str)]


def _check_names(given: Iterable[Any], fields: Sequence[Field], cls: Any) -> None:
    """Refuses fields by their names where pydantic, which looks for aliases first, would mistake one for another."""
    for field in fields:
        if any(alias in given and alias != field.name for alias in _texts(field.aliases)):
            raise Fault(
                f"the fields of {cls.__name__} cannot be told apart in what its validators are given:"
                " an alias of one is the name of another"
            )


def _stands_for_nothing(item: Any, field: Field) -> bool:
    """Reports whether it is None because that is the field's default, and no value of its type."""
    return (
        item is None
        and not field.required
        and field.default is None
        and not _takes_none(field.hint)
    )


def _takes_none(hint: Any) -> bool:
    hint = bare(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return any(map(_takes_none, args))
    return None in args if origin is typing.Literal else hint in (type(None), *ANYTHING)


def _made(item: Any, field: Field, fit: Fit) -> Any:
    """What a field's hint asks for; what is not clear from the hint alone is left to pydantic."""
    if field.is_own and plain_height(item) is not None:
        return item
    try:
        return with_texts(fit)(item, field.hint)
    except Fault:
        if field.is_own:
            return _plain(item)
        raise


def _plain(value: Any) -> Any:
    """A value without our wrappers, for pydantic and for validators."""
    if isinstance(value, EnumValue):
        return value.value
    if isinstance(value, Record):
        value = value.fields
    if type(value) is dict:
        return {key: _plain(item) for key, item in cast("dict[Any, Any]", value).items()}
    if type(value) in (list, tuple, set, frozenset):
        items = [_plain(item) for item in cast("list[Any]", value)]
        try:
            return cast("type[Any]", type(value))(items)
        except TypeError:  # dicts are no items of a set
            return items
    return value


def _validated(
    cls: Any,
    given: Any,
    sent: dict[str, Any],
    *,
    by_alias: bool = False,
    root: str = "",
    is_json: bool = False,
) -> Any:
    """Has pydantic make the object."""
    try:
        if is_model(cls) and hasattr(cls, "model_validate"):
            return cls.model_validate(given, by_alias=by_alias, by_name=True)
        if is_json:
            return cls.__pydantic_validator__.validate_python(given, by_alias=True, by_name=True)
        core: Any = importlib.import_module("pydantic_core")
        return cls.__pydantic_validator__.validate_python(
            core.ArgsKwargs((), given),
            self_instance=cls.__new__(cls),
            by_alias=by_alias,
            by_name=True,
        )
    except RecursionError:  # the stack has no room: to try another way would take longer
        raise
    except Exception as error:  # whatever a validator raises
        fault = _fault_of(error, cls, given, sent)
        if root:
            fault.at(root)
        raise fault from error


def _fault_of(error: Any, cls: type[Any], given: Any, sent: dict[str, Any]) -> Fault:
    """Names the part that the first of pydantic's errors is about."""
    own = type(error).__module__.startswith("pydantic_core")  # a validator may raise anything
    errors: list[dict[str, Any]] = error.errors() if own and hasattr(error, "errors") else []
    if not errors:
        return Fault(f"no {cls.__name__}: {told(error)}")
    fault = Fault(f"no {cls.__name__}: {errors[0]['msg']}")
    for step, is_key in reversed(_steps(errors[0]["loc"], given, sent)):
        if is_key:
            fault.at_key(step)
        else:
            fault.at(step)
    return fault


def _steps(loc: Sequence[Any], part: Any, sent: dict[str, Any]) -> list[tuple[Any, bool]]:
    """The steps of a location that lead into the value, and which of them lead to a key.

    pydantic also names the member of a union that it tried, and what checks a value, as if they were parts.
    """
    steps: list[tuple[Any, bool]] = []
    for number, step in enumerate(loc):
        if isinstance(part, collections.abc.Mapping):
            held = cast("dict[Any, Any]", part)
            name = next((key for key in held if key == step), None)
            if name is None and not number:  # it may be an alias
                name = next((key for key in held if sent.get(key, ())[-1:] == (step,)), None)
            if name is not None:
                if loc[number + 1 :] == ("[key]",):
                    return [*steps, (list(held).index(name), True)]
                part = held[name]
                ways = (name,) if number else sent.get(name, (name,))
                steps.extend((way, False) for way in ways)
            elif number == len(loc) - 1 and isinstance(step, str):
                steps.append((step, False))  # a field that is missing
        elif type(step) is int and isinstance(part, (list, tuple, set, frozenset)):
            items = list(cast("Sequence[Any]", part))
            part = items[step] if step < len(items) else None
            steps.append((step, False))
        elif step in getattr(part, "_fields", ()):
            part = getattr(part, str(step))
            steps.append((step, False))
    return steps
