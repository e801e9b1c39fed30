"""Models of pydantic: their fields made what their hints ask for, as everywhere, then validated by pydantic."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, cast

from .besides import computed_called, late_called, noticing
from .classes import is_model
from .fault import Fault
from .lossless import validator_of
from .misfit import misfit, name_of
from .modelfields import named, refuse_bare, refuse_missing, shape_of
from .modeltexts import is_finer, with_texts
from .plainjson import is_tried_in_time, plain_height, written
from .refusals import fault_of
from .unionwork import limited
from .wrappers import EnumValue, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .containers import Fit
    from .modelfields import Field, Shape

__all__ = ["fit_model", "is_of_pydantic", "is_root_model", "reads_all"]


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
        refuse_bare(cls)
        _complete(cls)
    shape = shape_of(cls)
    if type(value) is Record:
        return _fit_parts(value, cls, shape, fit)
    height = plain_height(value)
    text = None if height is None else written(value)
    if text is None or not is_tried_in_time(height or 0, cls):
        return _fit_parts(value, cls, shape, fit, mixed=height is None)
    validator = validator_of(cls, finer=is_finer(text), is_json=True)
    try:
        with limited(text):
            return noticing(validator.validate_json, text, by_alias=True, by_name=True)
    except (RecursionError, Fault):  # to try another way would take longer
        raise
    except Exception as error:  # whatever a validator raises
        raise fault_of(error, cls, value, {}) from error


def _fit_parts(value: Any, cls: Any, shape: Shape, fit: Fit, *, mixed: bool = False) -> Any:
    """Makes the fields first; of a dict in which only some values have types, pydantic reads the others."""
    if shape.is_root:
        return _fit_root(value, cls, fit)
    if shape.sees_all:
        return _fit_seen(value, cls, shape.fields, fit)
    if not isinstance(value, (Record, dict)):
        raise misfit(value, name_of(cls))
    sent = isinstance(value, Record)
    validator_of(cls, sent=sent)  # is made here: further inside the stack may have no room
    found, steps, rest = named(value, cls, shape)
    fitted, left = _fit_fields(found, steps, cls, shape, fit, mixed=mixed)
    refuse_missing(found, value, cls, shape)
    for name, item in rest.items():
        fitted[name] = _extra(name, item, shape, fit)
    own = [fitted[name] for name in shape.own if name in fitted]
    by_alias = bool(left or shape.own)
    if by_alias and shape.names is None:  # of models in what is left to pydantic
        _check_names(fitted, shape.fields, cls)
    if shape.computed or shape.late:
        _set_beside(fitted, steps, _held(value), shape)
    finer = bool(left or own) and is_finer(repr((own, left)))
    return _validated(cls, fitted, steps, by_alias=by_alias, sent=sent, finer=finer)


def _fit_fields(
    found: dict[str, Any], steps: dict[str, Any], cls: Any, shape: Shape, fit: Fit, *, mixed: bool
) -> tuple[dict[Any, Any], list[Any]]:
    """Makes of what came for fields what their hints ask for, but for what is left to pydantic."""
    fitted: dict[Any, Any] = {}
    left: list[Any] = []
    made = with_texts(fit)
    for field in shape.fields:
        name = field.name
        if name not in found:
            continue
        item = found[name]
        if type(item) in field.ready:
            fitted[name] = item
        elif item is not None or not field.is_nothing_none:
            try:
                fitted[name] = (
                    _own(item, field, made, cls) if field.is_own else made(item, field.hint)
                )
            except Fault as fault:
                if not mixed or plain_height(item) is None:
                    for step in reversed(steps.get(name, (name,))):
                        fault.at(step)
                    raise
                fitted[name] = item  # as nothing says its type
                left.append(item)
    return fitted, left


def _set_beside(
    fitted: dict[Any, Any], steps: dict[str, Any], held: dict[Any, Any], shape: Shape
) -> None:
    """Calls what came for computed and for late fields what it is called while the object is validated."""
    beside = {
        **{called: computed_called(name) for called, name in shape.computed.items()},
        **{name: late_called(name) for name in shape.late},
    }
    came = {name: item for name, item in held.items() if name in shape.computed}
    came.update({name: fitted.pop(name) for name in beside if name in fitted})
    fitted.update({beside[name]: item for name, item in came.items()})
    steps.update({beside[name]: (name,) for name in came})


def is_of_pydantic(cls: type[Any]) -> bool:
    """Reports whether pydantic makes the objects of a class, which is a model or a dataclass of it."""
    return "__pydantic_fields__" in vars(cls) and not issubclass(cls, BaseException)


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


def _fit_root(value: Any, cls: Any, fit: Fit) -> Any:
    (field,) = shape_of(cls).fields
    validator_of(cls)
    made = with_texts(fit)
    if not isinstance(value, Record) or value.fields.keys() != {"root"}:
        return _validated(cls, _made(value, field, made, cls), {})
    try:
        item = _made(value.fields["root"], field, made, cls)
    except Fault as fault:
        fault.at("root")
        raise
    return _validated(cls, item, {}, root="root")


def _fit_seen(value: Any, cls: Any, fields: Sequence[Field], fit: Fit) -> Any:
    """Has a model with a validator of its whole input read all that came, objects where it is clear which."""
    if not isinstance(value, (Record, dict)):
        return _validated(cls, value, {}, by_alias=True)
    validator_of(cls)
    held, made = _held(value), with_texts(fit)
    known = {name: field for field in fields for name in (field.name, *_texts(field.aliases))}
    given: dict[Any, Any] = {}
    for key, item in held.items():
        field = known.get(key)
        if field is None:
            given[key] = _plain(item)
        elif not isinstance(value, Record) or item is not None or not field.is_nothing_none:
            given[key] = _own(item, field, made, cls)
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


def _extra(name: Any, item: Any, shape: Shape, fit: Fit) -> Any:
    try:
        return fit(item, shape.extras)
    except Fault as fault:
        fault.at(name)
        raise


def _held(value: Any) -> dict[Any, Any]:
    return cast("dict[Any, Any]", value.fields if isinstance(value, Record) else value)


def _made(item: Any, field: Field, made: Fit, cls: Any) -> Any:
    """What a field's hint asks for."""
    return _own(item, field, made, cls) if field.is_own else made(item, field.hint)


def _own(item: Any, field: Field, made: Fit, cls: Any) -> Any:
    """The same where the hint alone does not say it: what is not clear is left to pydantic."""
    height = plain_height(item)
    if height is not None and is_tried_in_time(height + 1, cls):
        return item
    try:
        return made(item, field.hint)
    except Fault:
        if height is None:
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
        with limited(given):
            if is_model(cls) and hasattr(cls, "model_validate"):
                return noticing(validator.validate_python, given, by_alias=by_alias, by_name=True)
            core: Any = importlib.import_module("pydantic_core")
            fields, made = core.ArgsKwargs((), given), cls.__new__(cls)
            return noticing(
                validator.validate_python,
                fields,
                self_instance=made,
                by_alias=by_alias,
                by_name=True,
            )
    except (RecursionError, Fault):
        raise
    except Exception as error:  # whatever a validator raises
        fault = fault_of(error, cls, given, steps)
        if root:
            fault.at(root)
        raise fault from error
