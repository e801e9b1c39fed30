# Values of every type go through here, so that most are of an unknown one.
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
"""hypothesis strategies for every kind of value that travels.

Needs hypothesis. What a library has to be installed for (pandas, polars, pyarrow, numpy, pydantic) is in
``tables`` and ``objects``; ``values`` holds all of it.

    @given(values())
    def test_my_tool_takes_everything(value): ...

What comes back is what was sent, but for the few types that :func:`received` names.
"""

from __future__ import annotations

import array
import collections
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st

from grpc_tool_bridge.values import MAX_DEPTH, EnumValue, Opaque, Record

from .momentstrategies import clock_kinds, datetime_kinds, moments
from .numberstrategies import decimal_kinds, floats, number_kinds, numbers
from .samples import (
    SampleColor,
    SampleError,
    SamplePair,
    SamplePoint,
    StrangerColor,
    StrangerPoint,
    received,
    sample_model,
)
from .valuekinds import Kind, is_a, of, suits

if TYPE_CHECKING:
    from collections.abc import Callable

    Values = st.SearchStrategy[Any]

__all__ = [
    "Kind",
    "borders",
    "containers",
    "hashables",
    "key_kinds",
    "kinds",
    "messages",
    "moments",
    "numbers",
    "objects",
    "of",
    "plain_kinds",
    "plain_values",
    "received",
    "scalars",
    "table_kinds",
    "texts",
    "values",
]


def texts() -> Values:
    """Strings that UTF-8 can carry: of all planes, with NUL and with what JSON escapes."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def names() -> Values:
    """Names of keys, classes and fields; some look like the keys of the JSON form."""
    looks = ["$bytes", "$object", "$", "$any", "$map", "", "class_name", "fields", "@type", "Größe"]
    return st.one_of(texts(), st.sampled_from(looks))


def _plain_keys() -> list[Kind]:
    """The kinds of scalars that can be keys."""
    opaque = st.builds(
        Opaque,
        st.sampled_from(["type.googleapis.com/com.example.Unknown", "example.com/a.B"]),
        st.binary(max_size=9),
    )
    return [
        Kind("None", 2, st.none(), is_a(type(None))),
        Kind("bool", 1, st.booleans(), is_a(bool)),
        *number_kinds(),
        *decimal_kinds(),
        *datetime_kinds(),
        *clock_kinds(),
        Kind("str", 3, texts() | names(), is_a(str)),
        Kind("bytes", 1, st.binary(max_size=60), is_a(bytes)),
        Kind("UUID", 1, st.uuids(), is_a(UUID)),
        Kind("member", 1, st.sampled_from([*SampleColor]), is_a(SampleColor)),
        Kind("Opaque", 1, opaque, is_a(Opaque)),
    ]


def _scalar_kinds() -> list[Kind]:
    small = st.binary(max_size=9)
    return [
        *_plain_keys(),
        Kind("bytearray", 1, st.builds(bytearray, small), is_a(bytearray)),
        Kind("memoryview", 1, st.builds(memoryview, small), is_a(memoryview)),
        Kind("member of a stranger", 1, st.sampled_from([*StrangerColor]), is_a(StrangerColor)),
        Kind("message", 2, messages(), is_a(Timestamp, Duration, FieldMask)),
    ]


def scalars() -> Values:
    """Values without items."""
    return of(_scalar_kinds())


def key_kinds() -> list[Kind]:
    """The kinds that :func:`hashables` draws."""
    plain = of(_plain_keys())
    few = st.lists(plain, max_size=3)
    return [
        *_plain_keys(),
        Kind("tuple", 3, few.map(tuple), is_a(tuple)),
        Kind("frozenset", 2, few.map(frozenset), is_a(frozenset)),
        Kind("dataclass", 2, st.builds(SamplePoint, plain, plain), is_a(SamplePoint)),
        Kind("named tuple", 1, st.builds(SamplePair, plain, plain), is_a(SamplePair)),
        Kind("EnumValue", 1, st.builds(EnumValue, names(), names(), plain), is_a(EnumValue)),
        Kind("Record", 2, st.builds(Record, names(), _fields(plain)), is_a(Record)),
    ]


def hashables() -> Values:
    """What can be a key or the item of a set."""
    return of(key_kinds())


def _fields(items: Values) -> Values:
    return st.dictionaries(names(), items, max_size=4)


def containers(items: Values) -> Values:
    """Lists, tuples, sets, dicts, records and their like, of such items."""
    return of(_container_kinds(items))


def _container_kinds(items: Values) -> list[Kind]:
    few = st.lists(items, max_size=6)
    keys = st.lists(hashables(), max_size=6)
    mixed = st.lists(st.tuples(hashables(), items), max_size=6).map(dict)
    codes = st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5)
    return [
        Kind("list", 4, few, is_a(list)),
        Kind("tuple", 3, few.map(tuple), is_a(tuple)),
        Kind("deque", 1, few.map(collections.deque), is_a(collections.deque)),
        Kind("set", 3, keys.map(set), is_a(set)),
        Kind("frozenset", 2, keys.map(frozenset), is_a(frozenset)),
        Kind("set of one type", 1, st.sets(st.integers()) | st.sets(texts()), is_a(set)),
        Kind("dict of names", 3, st.dictionaries(names(), items, max_size=6), is_a(dict)),
        Kind("dict of other keys", 4, mixed, is_a(dict)),
        Kind("several NaN", 1, _several_nan(), _holds_several_nan),
        Kind("ints", 1, st.lists(st.integers(-(2**63), 2**63 - 1), max_size=80), is_a(list)),
        Kind("floats", 1, st.lists(floats(), max_size=80), is_a(list)),
        Kind("texts", 1, st.lists(texts(), max_size=80), is_a(list)),
        Kind(
            "range", 1, st.builds(range, st.integers(-50, 50), st.integers(-50, 150)), is_a(range)
        ),
        Kind("array", 1, codes.map(lambda run: array.array("i", run)), is_a(array.array)),
        Kind("Record", 2, st.builds(Record, names(), _fields(items)), is_a(Record)),
        Kind("EnumValue", 1, st.builds(EnumValue, names(), names(), items), is_a(EnumValue)),
        *_object_kinds(items),
    ]


def _several_nan() -> Values:
    """Sets and dicts with more than one NaN, each of which is an item or key of its own."""
    nan = st.sampled_from(["nan", "-nan"])
    some = st.lists(nan.map(float) | nan.map(Decimal), min_size=2, max_size=3)
    return some.map(set) | some.map(frozenset) | some.map(dict.fromkeys)


def _holds_several_nan(value: Any) -> bool:
    return isinstance(value, (set, frozenset, dict)) and sum(key != key for key in value) > 1


def objects(items: Values) -> Values:
    """Objects of classes: dataclasses, named tuples, exceptions, pydantic models if it is installed."""
    return of(_object_kinds(items))


def _object_kinds(items: Values) -> list[Kind]:
    arguments = st.lists(texts() | st.integers(), max_size=3)
    kinds = [
        Kind("dataclass", 1, st.builds(SamplePoint, items, items), is_a(SamplePoint)),
        Kind("named tuple", 1, st.builds(SamplePair, items, items), is_a(SamplePair)),
        Kind("dataclass of a stranger", 1, st.builds(StrangerPoint, items), is_a(StrangerPoint)),
        Kind("exception", 1, arguments.map(lambda given: SampleError(*given)), is_a(SampleError)),
    ]
    model = sample_model()
    if model is not None:
        made = st.builds(lambda a, b: model(a=a, b=b), items, items)
        kinds.append(Kind("model", 1, made, is_a(model)))
    return kinds


def messages() -> Values:
    """Protobuf messages that every SDK knows."""
    return st.one_of(
        st.builds(Timestamp, seconds=st.integers(-(10**9), 10**9), nanos=st.integers(0, 10**9 - 1)),
        st.builds(Duration, seconds=st.integers(0, 10**9), nanos=st.integers(0, 10**9 - 1)),
        st.builds(FieldMask, paths=st.lists(st.sampled_from(["a", "b.c"]), max_size=3)),
    )


def borders() -> Values:
    """Lists and dicts just within and just beyond what is small and lossless, and as deep as may be."""
    return of(_border_kinds())


def _border_kinds() -> list[Kind]:
    lengths = st.integers(61, 67)
    levels = st.one_of(st.integers(14, 18), st.integers(31, 34), st.integers(62, MAX_DEPTH))
    long = st.builds(lambda length, last: [*range(length - 1), last], lengths, numbers())
    deep = st.builds(_deep, levels, st.sampled_from([*_WRAPPINGS]), st.integers() | floats())
    wrapped = (list, dict, tuple, Record, StrangerPoint)
    return [
        Kind("list at the border", 3, long, suits(list, lambda value: len(value) > 60)),
        Kind(
            "dict at the border",
            3,
            st.builds(_keyed, lengths, st.booleans()),
            suits(dict, lambda value: len(value) > 60),
        ),
        Kind("depth at the border", 4, deep, is_a(*wrapped)),
        Kind("few numbers", 2, st.lists(numbers(), max_size=4), is_a(list)),
    ]


def _keyed(length: int, backwards: bool) -> dict[str, int]:
    keys = range(length, 0, -1) if backwards else range(length)
    return {f"k{number:03}": number for number in keys}


_WRAPPINGS: dict[str, Callable[[Any], Any]] = {
    "list": lambda inner: [inner],
    "dict": lambda inner: {"a": inner},
    "map": lambda inner: {1: inner},
    "tuple": lambda inner: (inner,),
    "record": lambda inner: Record("C", {"f": inner}),
    "point": StrangerPoint,
}


def _deep(levels: int, wrapping: str, inmost: Any) -> Any:
    value = inmost
    for _ in range(levels):
        value = _WRAPPINGS[wrapping](value)
    return value


def values() -> Values:
    """Values of every kind, tables too if their libraries are installed."""
    return of(kinds())


def plain_values() -> Values:
    """Values of every kind but tables, series and arrays."""
    return of(plain_kinds())


def kinds() -> list[Kind]:
    """The kinds that :func:`values` draws.

    hypothesis itself draws some of many kinds often and others hardly ever: where each has to be
    there, draw each for itself.
    """
    tables = table_kinds()
    if not tables:
        return plain_kinds()
    table = of(tables)
    within = [
        Kind("table in a list", 1, st.lists(table, min_size=1, max_size=2), is_a(list)),
        Kind("table in a tuple", 1, st.tuples(table), is_a(tuple)),
        Kind(
            "table in a dict",
            1,
            st.builds(lambda key, item: {key: item}, names(), table),
            is_a(dict),
        ),
        Kind(
            "table in a Record", 1, table.map(lambda item: Record("C", {"f": item})), is_a(Record)
        ),
    ]
    return [*plain_kinds(), *tables, *within]


def table_kinds() -> list[Kind]:
    """The kinds of tables, series and arrays; none if their libraries are missing."""
    try:
        from .tablestrategies import table_kinds
    except ImportError:
        return []
    return [Kind(*kind) for kind in table_kinds()]


def plain_kinds() -> list[Kind]:
    """The kinds of values but tables, series and arrays; those that can be keys as keys too."""
    inner: Values = st.deferred(
        lambda: st.one_of(scalars(), scalars(), containers(scalars()), hashables())
    )
    keyed = [
        Kind(f"{kind.name} as a key", 1, _as_key(kind.values), is_a(dict, set, frozenset))
        for kind in key_kinds()
    ]
    return [*_scalar_kinds(), *_container_kinds(inner), *_border_kinds(), *keyed]


def _as_key(keys: Values) -> Values:
    return st.one_of(
        st.builds(lambda key, other, item: {other: None, key: item}, keys, names(), scalars()),
        keys.map(lambda key: {key}),
        keys.map(lambda key: frozenset([key])),
    )
