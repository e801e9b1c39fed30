"""Hints outside of models of which pydantic says more: notes on them, and classes that it alone knows to make.

A note that only checks a value, or changes one of its type, is given what the bare hint makes of what came, so that
pydantic has nothing to coerce. What pydantic alone knows to make is read as it is for a field of a model.
"""

from __future__ import annotations

import datetime as dt
import decimal
import functools
import importlib
import importlib.util
import pathlib
import typing
import uuid
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, cast

from .fault import Fault, told
from .hintforms import UNIONS, layers
from .keeping import kept, kept_on
from .misfit import misfit, name_of
from .modelfields import decides
from .models import fit_model
from .refusals import fault_of
from .stdlib import ADDRESSES
from .structures import is_structure
from .wrappers import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .containers import Fit

__all__ = ["Noted", "fit_noted", "is_applied", "noted_of"]

_FROM: Final = frozenset({"pydantic", "annotated_types"})
_SILENT: Final = frozenset(
    {
        *("PlainSerializer", "WrapSerializer", "SerializeAsAny", "WithJsonSchema", "Examples"),
        *("DocInfo", "Unit", "Strict", "Tag", "SkipValidation"),
    }
)
"""Notes that say nothing of what a value is made, or nothing that is not so without them."""
_CHECKING: Final = frozenset({"UuidVersion"})
"""Notes that leave it to the hint what a value is made, beside those that do so in models."""
_NATIVE: Final = frozenset(
    {
        *(bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict),
        *(dt.datetime, dt.date, dt.time, dt.timedelta, decimal.Decimal, uuid.UUID),
        *(pathlib.Path, pathlib.PurePath, type(pathlib.Path()), type(None), *ADDRESSES),
    }
)
"""Classes of whose objects pydantic makes no others."""
_MOMENTS: Final[dict[str, Any]] = {"date": dt.date, "datetime": dt.datetime}
"""Pydantic's types of schemas of which a class of its own, such as PastDate, is only a check."""


class Noted:
    """A hint of which pydantic says more.

    Attributes:
        base: What the bare hint is.
        reader: What applies the notes to what was made of the bare hint.
        model: A model of one value without a name that is of the hint, where pydantic alone knows what to make.
    """

    def __init__(self, base: Any, reader: Any, model: Any) -> None:
        """Takes what is worked out once."""
        self.base = base
        self.reader = reader
        self.model = model
        self.__name__ = _called(base)


def noted_of(hint: Any) -> Noted | None:
    """Returns what pydantic says of a hint; None if that is nothing.

    Raises:
        Fault: Pydantic cannot read the hint.
    """
    if isinstance(hint, type) and not _has_schema(hint):  # of which nothing is kept
        return None
    around = layers(hint)  # of which names and new types say nothing themselves
    for layer in around:
        if typing.get_origin(layer) is Annotated:
            return kept_on(layer, lambda: _look(hint))
    base = around[-1]
    if not _has_schema(base):
        return None
    try:
        hash(base)
    except TypeError:  # of a note inside that is a dict
        return _look(base)
    return kept(typing.get_origin(base) or base, ("noted", base), lambda: _look(base))


def is_applied(note: Any) -> bool:
    """Reports whether a note of a hint is one that pydantic applies, which is installed."""
    return bool(_applied((note,)))


def fit_noted(value: Any, noted: Noted, fit: Fit) -> Any:
    """Makes of a value what the bare hint asks for, and has pydantic apply the notes.

    Raises:
        Fault: It does not fit, or pydantic refuses it.
    """
    if noted.model is not None:
        return _fit_own(value, noted, fit)
    fitted = fit(value, noted.base)
    try:
        return noted.reader.validate_python(fitted)
    except RecursionError:
        raise
    except Exception as error:  # whatever a validator raises
        fault = fault_of(error, cast("Any", noted), fitted, {})
        fault.is_near = True
        raise fault from error


def _fit_own(value: Any, noted: Noted, fit: Fit) -> Any:
    """Has pydantic make of a value what it alone knows to make."""
    inside = functools.partial(_fit_inside, noted.base, fit)
    if not isinstance(value, Record) or value.fields.keys() != {"root"}:
        return fit_model(value, noted.model, inside).root
    try:  # it would be taken for a record of our own model
        return fit_model(Record(value.class_name, {"root": value}), noted.model, inside).root
    except Fault as fault:
        fault.leave()
        raise


def _fit_inside(base: Any, fit: Fit, value: Any, hint: Any) -> Any:
    """Fits a part of what pydantic makes; of a class that only pydantic knows nobody else makes an object."""
    if hint is base and _has_schema(base):
        raise misfit(value, name_of(base))
    return fit(value, hint)


def _look(hint: Any) -> Noted | None:
    around = layers(hint)
    base = around[-1]
    noted = [(layer, notes) for layer in around if (notes := _notes(layer))]
    try:
        if noted:
            return _of_notes(base, noted[0][0], [note for _, ns in reversed(noted) for note in ns])
        return _of_class(base) if _has_schema(base) else None
    except Exception as error:
        raise Fault(
            f"pydantic cannot read the notes on the hint {name_of(base)}: {told(error)}"
        ) from error


def _of_notes(base: Any, whole: Any, notes: Sequence[Any]) -> Noted:
    if any(_is_own(note) for note in notes):
        return Noted(base, None, _model(whole, base))
    hint: Any = Annotated[(_outline(base), *notes)]  # type: ignore[misc]
    try:
        return Noted(base, _reader(hint), None)
    except importlib.import_module("pydantic_core").SchemaError:  # a pattern that looks around
        return Noted(base, _reader(hint, {"regex_engine": "python-re"}), None)


def _of_class(cls: Any) -> Noted:
    reader = _reader(cls)
    base = _MOMENTS.get(reader.core_schema["type"])
    return Noted(cls, None, _model(cls, cls)) if base is None else Noted(base, reader, None)


def _is_own(note: Any) -> bool:
    return getattr(note, "discriminator", None) is not None or (
        decides(note) and type(note).__name__ not in _CHECKING
    )


def _notes(layer: Any) -> tuple[Any, ...]:
    """The notes of a hint that pydantic applies."""
    if typing.get_origin(layer) is not Annotated:
        return ()
    return _applied(typing.get_args(layer)[1:])


def _applied(notes: Sequence[Any]) -> tuple[Any, ...]:
    found: list[Any] = []
    for note in notes:
        name = cast("type[Any]", type(note)).__name__
        if name == "FieldInfo" and getattr(note, "discriminator", None) is None:
            found += _applied(note.metadata)
        elif "union_mode" in getattr(note, "__dict__", ()):  # a value stays what it is
            found += _without_mode(note)
        elif name not in _SILENT and (_is_theirs(note) or decides(note)):
            found.append(note)
    return tuple(found) if found and importlib.util.find_spec("pydantic") is not None else ()


def _without_mode(note: Any) -> list[Any]:
    """What a note says beside which member of a union is taken."""
    said = cast("dict[str, Any]", vars(note))
    rest = {key: item for key, item in said.items() if key != "union_mode"}
    return [type(note)(rest)] if rest else []


def _is_theirs(note: Any) -> bool:
    return type(note).__module__.partition(".")[0] in _FROM or hasattr(
        note, "__is_annotated_types_grouped_metadata__"
    )


def _has_schema(hint: Any) -> bool:
    """Reports whether a hint is a class that says itself what pydantic makes, and has no fields that are made here."""
    cls = typing.get_origin(hint) or hint
    return (
        isinstance(cls, type)
        and hasattr(cls, "__get_pydantic_core_schema__")
        and not is_structure(cls)
    )


def _outline(hint: Any) -> Any:
    """A hint without what is inside of it, to which notes have been applied already."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return Union[tuple(map(_outline, args))]  # noqa: UP007 - made at run time
    return (origin or hint) if (origin or hint) in _NATIVE else Any


def _called(hint: Any) -> str:
    origin = typing.get_origin(hint) or hint
    return name_of(origin if isinstance(origin, type) and origin not in UNIONS else hint)


def _reader(hint: Any, config: Any = None) -> Any:
    return importlib.import_module("pydantic").TypeAdapter(hint, config=config)


def _model(hint: Any, base: Any) -> Any:
    """A model of one value without a name."""
    pydantic = importlib.import_module("pydantic")
    held = {"__module__": __name__, "model_config": {"arbitrary_types_allowed": True}}
    return type(_called(base), (pydantic.RootModel,), {**held, "__annotations__": {"root": hint}})
