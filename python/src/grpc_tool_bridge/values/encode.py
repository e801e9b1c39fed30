"""Python values as google.protobuf.Any, canonically: equal values give equal bytes in every SDK."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import EncodeError

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError

from . import urls
from .classes import ModelFields
from .distinct import refuse_first
from .fault import PASSING, Fault, unreadable
from .kinds import CONTAINERS, KNOWN, LEAVES, canonical_floats, float_bytes, surrogate
from .natural import natural
from .ownforms import own_forms
from .packed import NoEncoding, packed
from .parts import naturals, refuse_equal, stays
from .plain import encode_plain, field
from .scalars import ENCODERS
from .sharing import refuse_too_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .wrappers import EnumValue, Record

__all__ = ["encode"]

_LIST, _TUPLE, _SET, _FROZENSET, _DICT = pb.LIST, pb.TUPLE, pb.SET, pb.FROZENSET, pb.DICT
_ANY, _ENUM, _RECORD = pb.ANY, pb.ENUM, pb.RECORD
_ITEMS, _KEYS = b"\x2a", b"\x4a"

# Methods of imported names as names of this module: Python calls them faster.
_encoder_of, _writer_of, _container_of = ENCODERS.get, LEAVES.get, CONTAINERS.get
_are_known = KNOWN.issuperset


def encode(value: object, *, strict: bool = False, plain: bool = False) -> AnyMessage:
    """Encodes a value; see ``serialize_value``."""
    try:
        scalar = _encoder_of(type(value))
        if scalar is not None:
            return _wrapped(scalar(value))
        return _Encoder(strict=strict, plain=plain).top(value)
    except Fault as fault:
        raise fault.error() from fault.__cause__
    except UnicodeEncodeError as error:
        raise Fault(surrogate(error)).error() from error
    except RecursionError as error:
        raise SerializationError("the value is nested too deep for this thread's stack") from error
    except PASSING:
        raise
    except Exception as error:
        raise unreadable(value, error).error() from error


def _wrapped(scalar: tuple[str, bytes]) -> AnyMessage:
    message = AnyMessage()
    message.type_url, message.value = scalar
    return message


class _Encoder:
    """Encodes one value. Not to be shared: it counts what it has encoded."""

    def __init__(self, *, strict: bool, plain: bool) -> None:
        self._strict = strict
        self._plain = plain
        self._value: object = None
        self._elements = urls.MAX_ELEMENTS
        self._uncounted = urls.MAX_ELEMENTS - urls.FEW_ELEMENTS
        self._characters = urls.MAX_CHARACTERS
        self._in_model = False
        self._has_unknown = False

    def top(self, value: object) -> AnyMessage:
        """Encodes the outermost value."""
        given, value = value, natural(value)
        self._value = value
        if self._plain:
            refuse_too_many(value)
        kind = cast("type[Any]", type(value))
        scalar = _encoder_of(kind)
        if scalar is not None:
            return _wrapped(scalar(value))
        if kind is list or kind is dict:
            container = cast("list[object] | dict[object, object]", value)
            data = encode_plain(container, natural, limits=not self._plain)
            if data is not None:
                return AnyMessage(
                    type_url=urls.JSON_LIST if kind is list else urls.JSON_STRUCT, value=data
                )
        elif kind not in KNOWN:
            return packed(value, strict=self._strict)
        message = pb.Value()
        self._fill_made(message, value, given, 1)
        try:
            return AnyMessage(type_url=urls.VALUE, value=self._serialized(message))
        except EncodeError as error:
            raise Fault(f"the value cannot be encoded: {error}") from error

    def _fill(self, message: pb.Value, value: Any, level: int) -> None:
        kind = cast("type[Any]", type(value))
        leaf = _writer_of(kind)
        if leaf is not None:
            if kind is str or kind is bytes:
                self._count_characters(len(value))
            try:
                leaf(message, value)
            except UnicodeEncodeError as error:
                raise Fault(surrogate(error)) from error
            except PASSING:
                raise
            except Exception as error:  # such as of a zone of a user's own class
                raise unreadable(value, error) from error
            return
        container = _container_of(kind)
        try:
            if container is None:
                self._fill_other(message, value, level)
            else:
                self._fill_container(message, container, value, level)
        except PASSING:
            raise
        except Exception as error:
            raise unreadable(value, error) from error

    def _fill_container(
        self, message: pb.Value, container: pb.ValueKind, value: Any, level: int
    ) -> None:
        if level > urls.MAX_DEPTH:
            raise Fault(
                f"nested deeper than {urls.MAX_DEPTH} levels: flatten it, or send a reference"
            )
        message.kind = container
        if container == _DICT:
            self._fill_dict(message, value, level)
        elif container == _RECORD:
            self._fill_record(message, value, level)
        elif container == _ENUM:
            self._fill_enum(message, value, level)
        elif container in (_SET, _FROZENSET):
            self._fill_set(message, value, level)
        else:
            self._fill_sequence(message, value, value, level)

    def _fill_other(self, message: pb.Value, value: object, level: int) -> None:
        known = natural(value)
        if type(known) in KNOWN:
            self._fill_made(message, known, value, level)
            return
        whole = packed(value, strict=self._strict, in_model=self._in_model)
        if whole.type_url == urls.VALUE:
            self._fill_read(message, whole.value)
            return
        self._count_characters(len(whole.value))
        message.kind = _ANY
        message.any.type_url = whole.type_url
        message.any.value = whole.value

    def _fill_read(self, message: pb.Value, data: bytes) -> None:
        """Fills in a Value that is passed on, its bytes as they are."""
        message.MergeFromString(data)  # refuses what is none
        message.Clear()
        message.kind, message.data = _AS_IT_IS, data
        self._has_unknown = True

    def _serialized(self, message: pb.Value) -> bytes:
        return _serialized(message) if self._has_unknown else message.SerializeToString()

    def _fill_made(self, message: pb.Value, made: object, value: object, level: int) -> None:
        try:
            self._fill(message, made, level)
        except Fault as fault:
            fault.made_of(value)
            raise

    def _fill_sequence(
        self, message: pb.Value, items: Sequence[Any], container: object, level: int
    ) -> None:
        self._count_elements(len(items))
        if self._fill_run(message, items):
            return
        given = items = list(items)  # code of its items' classes may change it meanwhile
        if not _are_known(map(type, items)):
            items = naturals(given, Fault.at, container)
            if self._fill_run(message, items):
                return
        self._count_elements(len(items))
        add, index = message.items.add, 0
        try:
            for index, item in enumerate(items):  # noqa: B007 - names the item that failed
                self._fill(add(), item, level + 1)
        except Fault as fault:
            fault.made_of(given[index])
            fault.at(index, container)
            raise

    def _fill_run(self, message: pb.Value, items: Sequence[Any]) -> bool:
        """Packs items that are all int, all float or all str, or reports that they are not."""
        kinds = set(map(type, items))
        if len(kinds) != 1:
            return not kinds
        kind = kinds.pop()
        if kind is int:
            return _extended(message.ints, items)
        if kind is float:
            return _extended(message.floats, canonical_floats(items))
        if kind is not str:
            return False
        self._count_characters(sum(map(len, items)))
        # What UTF-8 cannot carry is met again, and named, item by item.
        return _extended(message.texts, items)

    def _fill_set(self, message: pb.Value, value: set[Any] | frozenset[Any], level: int) -> None:
        self._count_elements(len(value))
        given = list(value)
        items = given
        if not _are_known(map(type, given)):
            items = naturals(given, Fault.at, value)
            refuse_first(items, lambda fault, index: fault.at(index, value), "item")
        kinds = set(map(type, items))
        if kinds == {int} or kinds == {str}:
            items.sort()
        elif kinds == {float}:
            items.sort(key=float_bytes)
        if self._fill_run(message, items):
            return
        encoded: list[bytes] = []
        children: dict[bytes, pb.Value] = {}
        try:
            for item in items:
                child = pb.Value()
                self._fill(child, item, level + 1)
                encoded.append(self._serialized(child))
                if self._has_unknown:
                    children[encoded[-1]] = child
        except Fault as fault:
            fault.at(len(encoded), value)
            raise
        if not all(map(stays, items)):
            refuse_equal(
                [pb.Value.FromString(data) for data in encoded], level, Fault.at, value, "item"
            )
        encoded.sort()
        for data in encoded:
            child = children.get(data)
            if child is None:
                message.items.add().MergeFromString(data)
            else:
                message.items.add().CopyFrom(child)

    def _fill_dict(self, message: pb.Value, value: dict[Any, Any], level: int) -> None:
        self._count_elements(len(value))
        keys: Sequence[Any] = list(value)
        items = list(value.values())
        if len(keys) != len(items):
            raise Fault("the dict was changed while it was read")
        given = keys
        if not _are_known(map(type, keys)):
            keys = naturals(given, Fault.at_key, value)
            refuse_first(keys, lambda fault, index: fault.at_key(index, value), "key")
        if set(map(type, keys)) <= {str}:
            self._extend_texts(message, keys, "key")
        else:
            self._fill_keys(message, keys, value, level)
        add, key = message.items.add, None
        try:
            for key, item in zip(given, items, strict=True):  # noqa: B007 - names the item that failed
                self._fill(add(), item, level + 1)
        except Fault as fault:
            fault.at(key, value)
            raise

    def _fill_keys(
        self, message: pb.Value, keys: Sequence[Any], container: object, level: int
    ) -> None:
        index = 0
        try:
            for index, key in enumerate(keys):  # noqa: B007 - names the key that failed
                self._fill(message.keys.add(), key, level + 1)
        except Fault as fault:
            fault.at_key(index, container)
            raise
        if not all(map(stays, keys)):
            refuse_equal(message.keys, level, Fault.at_key, container, "key")

    def _fill_record(self, message: pb.Value, record: Record, level: int) -> None:
        self._count_elements(len(record.fields))
        self._extend_texts(message, list(record.fields), "field")
        fields, add, name = record.fields, message.items.add, ""
        of_model = fields if type(fields) is ModelFields else None
        is_inner, self._in_model = self._in_model, self._in_model or of_model is not None
        try:
            for name, item in fields.items():
                if of_model is None or type(item) in LEAVES:
                    self._fill(add(), item, level + 1)
                else:
                    self._fill_field(add(), of_model, name, level + 1)
        except Fault as fault:
            fault.inside(name, record)
            raise
        self._in_model = is_inner
        _name_class(message, record.class_name)

    def _fill_field(self, message: pb.Value, fields: ModelFields, name: str, level: int) -> None:
        """Fills in a field of a model, or what its serializers make of one that has no encoding."""
        left = self._elements, self._characters
        try:
            self._fill(message, fields[name], level)
        except NoEncoding as fault:
            for form in own_forms(fields.of, name):
                message.Clear()
                self._elements, self._characters = left
                self._in_model = True
                with contextlib.suppress(NoEncoding):
                    self._fill(message, form, level)
                    return
            raise fault from None

    def _fill_enum(self, message: pb.Value, member: EnumValue, level: int) -> None:
        self._extend_texts(message, [member.name], "name of a member")
        try:
            self._fill(message.items.add(), member.value, level + 1)
        except Fault as fault:
            fault.inside("value", member)
            raise
        _name_class(message, member.class_name)

    def _extend_texts(self, message: pb.Value, names: Sequence[Any], what: str) -> None:
        try:
            self._count_characters(len("".join(names)))
            message.texts.extend(names)
        except (UnicodeEncodeError, TypeError) as error:
            fault = Fault(f"a {what} is no str that UTF-8 can carry: {error}")
            fault.at_key(_first_bad(names))
            raise fault from error

    def _count_elements(self, count: int) -> None:
        self._elements -= count
        if self._elements < self._uncounted:
            self._uncounted = 0
            refuse_too_many(self._value)
        if self._elements < 0:
            raise Fault(f"message too large: more than {urls.MAX_ELEMENTS} elements")

    def _count_characters(self, count: int) -> None:
        self._characters -= count
        if self._characters < 0:
            raise Fault(
                f"message too large: more than {urls.MAX_CHARACTERS} bytes of texts, keys and tables"
            )


_AS_IT_IS: pb.ValueKind = -(2**31)  # type: ignore[assignment]
"""The kind of what stands for a Value that is passed on, whose bytes are its data."""


def _serialized(message: pb.Value) -> bytes:
    """Serializes a Value in which some may be that are passed on."""
    if message.kind == _AS_IT_IS:
        return message.data
    if not message.items and not message.keys:
        return message.SerializeToString()
    return b"".join(
        (
            pb.Value(kind=message.kind, text=message.text).SerializeToString(),
            *(field(_ITEMS, _serialized(item)) for item in message.items),
            pb.Value(texts=message.texts).SerializeToString(),
            *(field(_KEYS, _serialized(key)) for key in message.keys),
        )
    )


def _name_class(message: pb.Value, name: str) -> None:
    try:
        message.text = name
    except UnicodeEncodeError as error:
        raise Fault(f"the name of a class: {surrogate(error)}") from error


def _extended(run: Any, items: Iterable[Any]) -> bool:
    try:
        run.extend(items)
    except (ValueError, OverflowError):
        del run[:]
        return False
    return True


def _first_bad(names: Sequence[Any]) -> int:
    for index, name in enumerate(names):
        if not isinstance(name, str) or any(0xD800 <= ord(c) <= 0xDFFF for c in name):
            return index
    return 0
