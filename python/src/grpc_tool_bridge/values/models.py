"""Models of pydantic: their fields made what their hints ask for, as everywhere, then validated by pydantic."""

from __future__ import annotations

import importlib
import typing
from typing import TYPE_CHECKING, Any, cast

from .besides import computed_called, late_called, noticing
from .classes import is_model, refuse_old
from .fault import Fault
from .hintforms import ANYTHING, UNIONS, bare
from .lossless import validator_of
from .misfit import misfit, name_of
from .modelfields import named, refuse_missing, shape_of
from .modeltexts import is_finer, with_texts
from .plainjson import is_tried_in_time, plain_height, written
from .refusals import fault_of
from .wrappers import EnumValue, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .containers import Fit
    from .modelfields import Field

__all__ = ["fit_model", "is_root_model", "reads_all"]


def fit_model(value: Any, cls: Any, fit: Fit) -> Any:
    """Makes an object of a model, or of a dataclass of pydantic's.

    What JSON alone writes has no types, and is read by pydantic as it came. Of all else each field is made what its
    hint asks for before pydantic sees it, so that it has nothing left to coerce.

    Raises:
        Fault: A part does not fit, pydantic refuses it, or would drop a part without a word.
    """
    refuse_old(cls)
    if cls.__name__ == "BaseModel" and cls.__module__.startswith("pydantic."):
        raise Fault("BaseModel itself has no fields: declare a subclass of it, or Any")
    if not getattr(
        cls, "__pydantic_complete__", True
    ):  # classes that its hints name may be there by now
        _complete(cls)
    height = plain_height(value)
    text = None if height is None else written(value)
    if text is None or not is_tried_in_time(height or 0, cls):
        return _fit_parts(value, cls, fit, mixed=height is None and not isinstance(value, Record))
    validator = validator_of(cls, finer=is_finer(text), is_json=True)
    try:
        return noticing(lambda: validator.validate_json(text, by_alias=True, by_name=True))
    except RecursionError:  # the stack has no room: to try another way would take longer
        raise
    except Exception as error:  # whatever a validator raises
        raise fault_of(error, cls, value, {}) from error


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
                fitted[field.name] = _at_steps(steps[field.name], _made, item, field, fit, cls)
            except Fault:
                if not mixed or plain_height(item) is None:
                    raise
                fitted[field.name] = item  # as nothing says its type
                left.add(field.name)
    refuse_missing(found, value, cls, shape)
    for name, item in rest.items():
        fitted[name] = _at_steps((name,), fit, item, shape.extras)
    by_alias = bool(left) or any(field.is_own for field in shape.fields)
    if by_alias:  # of models in what is left to pydantic
        _check_names(fitted, shape.fields, cls)
    beside = {
        **{called: computed_called(name) for called, name in shape.computed.items()},
        **{name: late_called(name) for name in _late(cls)},
    }
    held = {name: item for name, item in _held(value).items() if name in shape.computed}
    held.update({name: fitted.pop(name) for name in beside if name in fitted})
    fitted.update({beside[name]: item for name, item in held.items()})
    steps.update({beside[name]: (name,) for name in held})
    own = [fitted[field.name] for field in shape.fields if field.is_own and field.name in fitted]
    finer = is_finer(repr((own, [fitted[name] for name in left])))
    sent = isinstance(value, Record)
    return _validated(cls, fitted, steps, by_alias=by_alias, sent=sent, finer=finer)


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


def _late(cls: Any) -> list[str]:
    """Fields that no constructor takes."""
    return [name for name, field in cls.__pydantic_fields__.items() if field.init is False]


def _fit_root(value: Any, cls: Any, fit: Fit) -> Any:
    (field,) = shape_of(cls).fields
    if not isinstance(value, Record) or value.fields.keys() != {"root"}:
        return _validated(cls, _made(value, field, fit, cls), {})
    return _validated(
        cls, _at_steps(("root",), _made, value.fields["root"], field, fit, cls), {}, root="root"
    )


def _fit_seen(value: Any, cls: Any, fields: Sequence[Field], fit: Fit) -> Any:
    """Has a model with a validator of its whole input read all that came, objects where it is clear which."""
    if not isinstance(value, (Record, dict)):
        return _validated(cls, value, {}, by_alias=True)
    held = _held(value)
    known = {name: field for field in fields for name in (field.name, *_texts(field.aliases))}
    given: dict[Any, Any] = {}
    for key, item in held.items():
        field = known.get(key)
        if field is None:
            given[key] = _plain(item)
        elif not isinstance(value, Record) or not _stands_for_nothing(item, field):
            given[key] = _made(item, field._replace(is_own=True), fit, cls)
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


def _at_steps(steps: Sequence[Any], make: Callable[..., Any], *given: Any) -> Any:
    """Makes a part, to which these steps lead."""
    try:
        return make(*given)
    except Fault as fault:
        for step in reversed(steps):
            fault.at(step)
        raise


def _held(value: Any) -> dict[Any, Any]:
    return cast("dict[Any, Any]", value.fields if isinstance(value, Record) else value)


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


def _made(item: Any, field: Field, fit: Fit, cls: Any) -> Any:
    """What a field's hint asks for; what is not clear from the hint alone is left to pydantic."""
    height = plain_height(item) if field.is_own else None
    if height is not None and is_tried_in_time(height + 1, cls):
        return item
    try:
        return with_texts(fit)(item, field.hint)
    except Fault:
        if field.is_own and height is None:
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
    steps: dict[str, Any],
    *,
    by_alias: bool = False,
    root: str = "",
    sent: bool = False,
    finer: bool = False,
) -> Any:
    """Has pydantic make the object."""
    validator = validator_of(cls, sent=sent, finer=finer)
    try:
        if is_model(cls) and hasattr(cls, "model_validate"):
            return noticing(
                lambda: validator.validate_python(given, by_alias=by_alias, by_name=True)
            )
        core: Any = importlib.import_module("pydantic_core")
        fields, made = core.ArgsKwargs((), given), cls.__new__(cls)
        return noticing(
            lambda: validator.validate_python(
                fields, self_instance=made, by_alias=by_alias, by_name=True
            )
        )
    except RecursionError:
        raise
    except Exception as error:  # whatever a validator raises
        fault = fault_of(error, cls, given, steps)
        if root:
            fault.at(root)
        raise fault from error
