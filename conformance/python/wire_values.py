"""Values for clients that have nothing but the generated messages: their JSON form to and from ``Any``.

Written from the comment at message Value in the protocol, without the SDK, to show that the comment is enough. Lists
and dicts are always sent as ``dspex.bridge.Value``, which every decoder takes; what comes back may have either form.
"""

from __future__ import annotations

import base64
import math
import uuid
from typing import Any

from google.protobuf import struct_pb2, wrappers_pb2
from google.protobuf.any_pb2 import Any as AnyMessage

import dspex_bridge_pb2 as pb

_PREFIX = "type.googleapis.com/"
_VALUE = _PREFIX + "dspex.bridge.Value"
_MAX_INT, _MIN_INT = 2**63 - 1, -(2**63)
_EXACT = 2**53
_FRAMES = (
    "pandas.DataFrame",
    "pandas.Series",
    "polars.DataFrame",
    "polars.Series",
    "pyarrow.Table",
    "numpy.ndarray",
)
_TEXTS = {
    "$datetime": pb.DATETIME,
    "$date": pb.DATE,
    "$time": pb.TIME,
    "$timedelta": pb.TIMEDELTA,
    "$decimal": pb.DECIMAL,
}
_SEQUENCES = {"$tuple": pb.TUPLE, "$set": pb.SET, "$frozenset": pb.FROZENSET}
_TEXT_KEYS = {kind: key for key, kind in _TEXTS.items()}
_SEQUENCE_KEYS = {kind: key for key, kind in _SEQUENCES.items()}


def to_any(tree: Any) -> AnyMessage:
    """Encodes the value that a JSON form stands for."""
    wrapper = _wrapper(tree)
    if wrapper is not None:
        packed = AnyMessage()
        packed.Pack(wrapper, deterministic=True)
        return packed
    value = to_value(tree)
    if value.kind == pb.ANY:
        return value.any
    return AnyMessage(type_url=_VALUE, value=value.SerializeToString(deterministic=True))


def _wrapper(tree: Any) -> Any:
    if tree is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(tree, bool):
        return wrappers_pb2.BoolValue(value=tree)
    if isinstance(tree, int):
        return wrappers_pb2.Int64Value(value=tree) if _MIN_INT <= tree <= _MAX_INT else None
    if isinstance(tree, float):
        return wrappers_pb2.DoubleValue(value=tree)
    if isinstance(tree, str):
        return wrappers_pb2.StringValue(value=tree)
    if isinstance(tree, dict) and list(tree) == ["$bytes"]:
        return wrappers_pb2.BytesValue(value=base64.b64decode(tree["$bytes"]))
    if isinstance(tree, dict) and list(tree) == ["$float"]:
        return wrappers_pb2.DoubleValue(value=_special(tree["$float"]))
    return None


def _special(text: str) -> float:
    number = float(text)
    return math.copysign(number, -1.0 if text.startswith("-") else 1.0)


def to_value(tree: Any) -> pb.Value:
    """Encodes a value as a tagged value."""
    if tree is None:
        return pb.Value(kind=pb.NONE)
    if isinstance(tree, bool):
        return pb.Value(kind=pb.BOOL, bool_value=tree)
    if isinstance(tree, int):
        return _int(tree)
    if isinstance(tree, float):
        return pb.Value(kind=pb.FLOAT, float_value=tree)
    if isinstance(tree, str):
        return pb.Value(kind=pb.STR, text=tree)
    if isinstance(tree, list):
        return _sequence(pb.LIST, tree)
    key = next(iter(tree), "")
    if len(tree) == 1 and key.startswith("$"):
        return _tagged(key, tree[key])
    return _dict(tree)


def _int(number: int) -> pb.Value:
    if _MIN_INT <= number <= _MAX_INT:
        return pb.Value(kind=pb.INT, int_value=number)
    length = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return pb.Value(kind=pb.BIGINT, data=number.to_bytes(length, "big", signed=True))


def _sequence(kind: Any, trees: list[Any]) -> pb.Value:
    kinds = {type(tree) for tree in trees}
    if kinds == {str}:
        return pb.Value(kind=kind, texts=trees)
    if kinds == {int} and all(_MIN_INT <= tree <= _MAX_INT for tree in trees):
        return pb.Value(kind=kind, ints=trees)
    if kinds == {float}:
        return pb.Value(kind=kind, floats=trees)
    items = [to_value(tree) for tree in trees]
    if items and all(item.kind == pb.FLOAT for item in items):
        return pb.Value(kind=kind, floats=[item.float_value for item in items])
    return pb.Value(kind=kind, items=items)


def _dict(tree: dict[str, Any]) -> pb.Value:
    return pb.Value(kind=pb.DICT, texts=tree, items=[to_value(item) for item in tree.values()])


def _tagged(key: str, tree: Any) -> pb.Value:
    if key in _TEXTS:
        return pb.Value(kind=_TEXTS[key], text=tree)
    if key in _SEQUENCES:
        return _sequence(_SEQUENCES[key], tree)
    return _TAGGED[key](tree)


def _map(pairs: list[Any]) -> pb.Value:
    if pairs and all(isinstance(key, str) for key, _ in pairs):
        return _dict(dict(pairs))
    keys = [to_value(key) for key, _ in pairs]
    return pb.Value(kind=pb.DICT, keys=keys, items=[to_value(item) for _, item in pairs])


def _record(tree: dict[str, Any]) -> pb.Value:
    fields = tree["fields"]
    items = [to_value(item) for item in fields.values()]
    return pb.Value(kind=pb.RECORD, text=tree["class_name"], texts=fields, items=items)


def _enum(tree: dict[str, Any]) -> pb.Value:
    item = to_value(tree["value"])
    return pb.Value(kind=pb.ENUM, text=tree["class_name"], texts=[tree["name"]], items=[item])


def _opaque(type_url: str, text: str) -> pb.Value:
    inner = AnyMessage(type_url=type_url, value=base64.b64decode(text))
    return pb.Value(kind=pb.ANY, any=inner)


def _floats(parts: list[Any]) -> list[float]:
    return [part if isinstance(part, float) else _special(part["$float"]) for part in parts]


_TAGGED: dict[str, Any] = {
    "$bytes": lambda text: pb.Value(kind=pb.BYTES, data=base64.b64decode(text)),
    "$float": lambda text: pb.Value(kind=pb.FLOAT, float_value=_special(text)),
    "$fraction": lambda pair: pb.Value(kind=pb.FRACTION, text=f"{pair[0]}/{pair[1]}"),
    "$complex": lambda pair: pb.Value(kind=pb.COMPLEX, floats=_floats(pair)),
    "$uuid": lambda text: pb.Value(kind=pb.UUID, data=uuid.UUID(text).bytes),
    "$map": _map,
    "$record": _record,
    "$enum": _enum,
    "$object": _dict,
    "$any": lambda tree: _opaque(tree["type_url"], tree["base64"]),
    "$frame": lambda tree: _opaque(_PREFIX + tree["kind"], tree["arrow"]),
}


def from_any(packed: AnyMessage) -> Any:
    """The JSON form of an encoded value."""
    for message in (
        wrappers_pb2.BoolValue(),
        wrappers_pb2.Int64Value(),
        wrappers_pb2.StringValue(),
    ):
        if packed.Unpack(message):
            return message.value
    if packed.Is(wrappers_pb2.DoubleValue.DESCRIPTOR):
        return _float_tree(wrappers_pb2.DoubleValue.FromString(packed.value).value)
    if packed.Is(wrappers_pb2.BytesValue.DESCRIPTOR):
        return _bytes_tree(wrappers_pb2.BytesValue.FromString(packed.value).value)
    for plain in (struct_pb2.Value(), struct_pb2.ListValue(), struct_pb2.Struct()):
        if packed.Unpack(plain):
            return _plain(plain)
    if packed.type_url == _VALUE:
        value = pb.Value.FromString(packed.value)
        if value.kind in pb.ValueKind.values():
            return from_value(value)
    return _opaque_tree(packed)


def _opaque_tree(packed: AnyMessage) -> Any:
    text = base64.b64encode(packed.value).decode()
    kind = packed.type_url.removeprefix(_PREFIX)
    if kind in _FRAMES:
        return {"$frame": {"kind": kind, "arrow": text}}
    return {"$any": {"type_url": packed.type_url, "base64": text}}


def _plain(value: Any) -> Any:
    if isinstance(value, struct_pb2.ListValue):
        return [_plain(item) for item in value.values]
    if isinstance(value, struct_pb2.Struct):
        keys = sorted(value.fields, key=lambda key: key.encode())
        return _object({key: _plain(value.fields[key]) for key in keys})
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        whole = number.is_integer() and -_EXACT <= number <= _EXACT
        return int(number) if whole else number
    if kind == "list_value":
        return _plain(value.list_value)
    if kind == "struct_value":
        return _plain(value.struct_value)
    return None if kind == "null_value" else getattr(value, kind)


def from_value(value: pb.Value) -> Any:
    """The JSON form of a tagged value."""
    kind = value.kind
    if kind in _TEXT_KEYS:
        return {_TEXT_KEYS[kind]: value.text}
    if kind in _SEQUENCE_KEYS:
        return {_SEQUENCE_KEYS[kind]: _items(value)}
    return _READERS[kind](value)


def _items(value: pb.Value) -> list[Any]:
    floats = [_float_tree(number) for number in value.floats]
    return [*value.ints, *floats, *value.texts, *(from_value(item) for item in value.items)]


def _float_tree(number: float) -> Any:
    if math.isfinite(number):
        return number
    sign = "-" if math.copysign(1, number) < 0 else ""
    return {"$float": sign + ("NaN" if math.isnan(number) else "Infinity")}


def _bytes_tree(data: bytes) -> Any:
    return {"$bytes": base64.b64encode(data).decode()}


def _object(tree: dict[str, Any]) -> Any:
    if len(tree) == 1 and next(iter(tree)).startswith("$"):
        return {"$object": tree}
    return tree


def _dict_tree(value: pb.Value) -> Any:
    items = [from_value(item) for item in value.items]
    if value.keys:
        return {"$map": [[from_value(k), i] for k, i in zip(value.keys, items, strict=True)]}
    return _object(dict(zip(value.texts, items, strict=True)))


def _record_tree(value: pb.Value) -> Any:
    fields = dict(zip(value.texts, (from_value(item) for item in value.items), strict=True))
    return {"$record": {"class_name": value.text, "fields": fields}}


def _enum_tree(value: pb.Value) -> Any:
    member = from_value(value.items[0])
    return {"$enum": {"class_name": value.text, "name": value.texts[0], "value": member}}


_READERS: dict[Any, Any] = {
    pb.NONE: lambda _: None,
    pb.BOOL: lambda value: value.bool_value,
    pb.INT: lambda value: value.int_value,
    pb.FLOAT: lambda value: _float_tree(value.float_value),
    pb.STR: lambda value: value.text,
    pb.BYTES: lambda value: _bytes_tree(value.data),
    pb.BIGINT: lambda value: int.from_bytes(value.data, "big", signed=True),
    pb.LIST: _items,
    pb.DICT: _dict_tree,
    pb.FRACTION: lambda value: {"$fraction": [int(part) for part in value.text.split("/")]},
    pb.COMPLEX: lambda value: {"$complex": [_float_tree(part) for part in value.floats]},
    pb.UUID: lambda value: {"$uuid": str(uuid.UUID(bytes=value.data))},
    pb.ENUM: _enum_tree,
    pb.RECORD: _record_tree,
    pb.ANY: lambda value: from_any(value.any),
}
