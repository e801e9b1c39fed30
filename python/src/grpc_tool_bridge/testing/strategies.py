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
import datetime as dt
import enum
import math
import struct
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st

from grpc_tool_bridge.values import (
    MAX_DEPTH,
    MAX_DIGITS,
    DateTimeNs,
    EnumValue,
    Opaque,
    Record,
    TimeDeltaNs,
    TimeNs,
    register,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


@register
@dataclass(frozen=True)
class SamplePoint:
    """A dataclass that comes back as one."""

    x: Any
    y: Any


@register
class SamplePair(NamedTuple):
    """A named tuple that comes back as one."""

    first: Any
    second: Any


@register
class SampleColor(enum.Enum):
    """Members that come back as themselves."""

    RED = 1
    GREEN = "green"
    BLUE = (0, 0, 1.0)


@register
class SampleError(Exception):
    """An exception that comes back as one."""


@dataclass
class StrangerPoint:
    """A dataclass that nobody registers: it arrives as a Record."""

    x: Any


class StrangerColor(enum.IntEnum):
    """An enumeration that nobody registers: its members arrive as EnumValue."""

    CYAN = 7


def texts() -> Values:
    """Strings that UTF-8 can carry: of all planes, with NUL and with what JSON escapes."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def names() -> Values:
    """Names of keys, classes and fields; some look like the keys of the JSON form."""
    looks = ["$bytes", "$object", "$", "$any", "$map", "", "class_name", "fields", "@type", "Größe"]
    return st.one_of(texts(), st.sampled_from(looks))


class Kind(NamedTuple):
    """One kind of value that is drawn.

    Attributes:
        name: What to call it.
        weight: How often it is drawn, against the other kinds of its list.
        values: Draws values of the kind.
        holds: Reports whether a value is of the kind.
    """

    name: str
    weight: int
    values: Values
    holds: Callable[[Any], bool]


def of(kinds: Sequence[Kind]) -> Values:
    """Values of several kinds, each as often as its weight says."""
    weighted = [kind.values for kind in kinds for _ in range(kind.weight)]
    return st.sampled_from(weighted).flatmap(lambda values: values)


def _is(*types: type[Any]) -> Callable[[Any], bool]:
    return lambda value: type(value) in types


def _suits(kind: type[Any], has: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: type(value) is kind and has(value)


def _number_kinds() -> list[Kind]:
    around = st.builds(
        lambda bits, plus, sign: sign * (2**bits + plus),
        st.sampled_from([0, 7, 8, 31, 32, 53, 62, 63, 64, 71]),
        st.integers(-2, 2),
        st.sampled_from([1, -1]),
    )
    huge = st.builds(
        lambda digits, plus, sign: sign * (10**digits - 1 - plus),
        st.integers(MAX_DIGITS - 3, MAX_DIGITS),
        st.integers(0, 10**9),
        st.sampled_from([1, -1]),
    )
    nan = float("nan")
    subnormal = st.integers(1, 2**52 - 1).map(
        lambda bits: struct.unpack("<d", struct.pack("<q", bits))[0]
    )
    return [
        Kind("int64", 1, st.integers(-(2**63), 2**63 - 1), _is(int)),
        Kind("int", 1, st.integers(), _is(int)),
        Kind("number at a border", 2, around | around.map(float), _is(int, float)),
        Kind("longest int", 1, huge, _suits(int, lambda value: abs(value) > 2**14_000)),
        Kind("float", 2, floats(), _is(float)),
        Kind("-0.0", 1, st.just(-0.0), _suits(float, lambda value: str(value) == "-0.0")),
        Kind("NaN", 1, st.just(nan), _suits(float, lambda value: _nan_sign(value) == 1)),
        Kind("-NaN", 1, st.just(-nan), _suits(float, lambda value: _nan_sign(value) == -1)),
        Kind("infinity", 1, st.sampled_from([math.inf, -math.inf]), _suits(float, math.isinf)),
        Kind(
            "subnormal float", 1, subnormal, _suits(float, lambda value: 0 < abs(value) < 2**-1022)
        ),
        Kind("complex", 1, st.builds(complex, floats(), floats()), _is(complex)),
        Kind("Fraction", 1, st.fractions(), _is(Fraction)),
    ]


def _nan_sign(value: float) -> float:
    return math.copysign(1, value) if math.isnan(value) else 0


def _decimal_kinds() -> list[Kind]:
    def digits(least: int, most: int) -> Values:
        return st.integers(10 ** (least - 1), 10**most - 1).map(
            lambda number: tuple(map(int, str(number)))
        )

    def made(digits: Values, exponents: Values) -> Values:
        return st.builds(
            lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
            st.integers(0, 1),
            digits,
            exponents,
        )

    zero = st.integers(-30, 30).map(lambda exponent: Decimal((1, (0,), exponent)))
    special = ["NaN", "-NaN", "NaN123", "Infinity", "-Infinity"]
    return [
        Kind("Decimal", 2, made(digits(1, 20), st.integers(-20, 20)), _is(Decimal)),
        Kind(
            "long Decimal",
            2,
            made(digits(29, 60), st.integers(-70, 70)),
            _suits(Decimal, lambda value: len(value.as_tuple().digits) > 28),
        ),
        Kind(
            "Decimal of a large exponent",
            1,
            made(digits(1, 5), st.integers(1000, 10**17) | st.integers(-(10**17), -1000)),
            _suits(Decimal, lambda value: value.is_finite() and abs(value.adjusted()) > 900),
        ),
        Kind(
            "-0 of Decimal",
            1,
            zero,
            _suits(Decimal, lambda value: value.is_zero() and value.is_signed()),
        ),
        Kind(
            "Decimal that is no number",
            1,
            st.sampled_from(special).map(Decimal),
            _suits(Decimal, lambda value: not value.is_finite()),
        ),
    ]


def numbers() -> Values:
    """Ints of up to 4,300 digits, floats of all kinds, and both around the borders of the wire's forms."""
    return of(_number_kinds() + _decimal_kinds())


def floats() -> Values:
    """Floats; a NaN keeps its sign only, so none has another payload here."""
    quiet = float("nan")
    return st.one_of(
        st.floats(allow_nan=False),
        st.sampled_from([quiet, -quiet, 0.0, -0.0, 5e-324, 1e16, 2.0**53]),
    )


def _offsets() -> Values:
    return st.integers(-86_399, 86_399).map(
        lambda seconds: dt.timezone(dt.timedelta(seconds=seconds))
    )


def _zones() -> Values:
    names = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Japan"]
    return st.sampled_from(names).map(ZoneInfo)


def _naive() -> Values:
    drawn = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))  # noqa: DTZ001
    return drawn.map(lambda moment: moment.replace(fold=0))


def _second_readings() -> Values:
    """Datetimes that are twice, in Berlin or New York: the second time."""
    twice = [
        ("Europe/Berlin", dt.datetime(2024, 10, 27, 2)),  # noqa: DTZ001
        ("America/New_York", dt.datetime(2024, 11, 3, 1)),  # noqa: DTZ001
    ]
    return st.builds(
        lambda place, micros: (place[1] + dt.timedelta(microseconds=micros)).replace(
            tzinfo=ZoneInfo(place[0]), fold=1
        ),
        st.sampled_from(twice),
        st.integers(0, 3_600_000_000 - 1),
    )


def _datetime_kinds() -> list[Kind]:
    def zoned(zones: Values) -> Values:
        return st.builds(lambda moment, zone: moment.replace(tzinfo=zone), _naive(), zones)

    def has(zone: Callable[[Any], bool], fold: int = 0) -> Callable[[Any], bool]:
        return _suits(dt.datetime, lambda value: value.fold == fold and zone(value.tzinfo))

    martian = dt.timezone(dt.timedelta(hours=1), "Mars/Olympus")
    stamps = zoned(st.none() | _offsets() | _zones()) | _second_readings()
    precise = st.builds(DateTimeNs.of, stamps, st.integers(1, 999))
    return [
        Kind("datetime", 1, _naive(), has(lambda zone: zone is None)),
        Kind(
            "datetime with fold",
            1,
            _naive().map(lambda moment: moment.replace(fold=1)),
            has(lambda zone: zone is None, fold=1),
        ),
        Kind(
            "datetime in UTC",
            1,
            zoned(st.just(dt.timezone.utc)),
            has(lambda zone: zone == dt.timezone.utc),
        ),
        Kind("datetime with an offset", 1, zoned(_offsets()), has(_is(dt.timezone))),
        Kind("datetime in a zone", 2, zoned(_zones()), has(_is(ZoneInfo))),
        Kind("second reading in a zone", 2, _second_readings(), has(_is(ZoneInfo), fold=1)),
        Kind(
            "datetime with a named offset",
            1,
            zoned(st.just(martian)),
            has(lambda zone: zone == martian),
        ),
        Kind("DateTimeNs", 1, precise, _is(DateTimeNs)),
    ]


def _clock_kinds() -> list[Kind]:
    times = st.times().map(lambda time: time.replace(fold=0))
    folded = times.map(lambda time: time.replace(fold=1))
    aware = st.builds(lambda time, zone: time.replace(tzinfo=zone), times, _offsets())
    precise = st.builds(TimeNs.of, times | folded | aware, st.integers(1, 999))
    spans = st.integers(-(2**66), 2**66)
    return [
        Kind("date", 1, st.dates(), _is(dt.date)),
        Kind("time", 1, times, _suits(dt.time, lambda value: not value.fold and not value.tzinfo)),
        Kind("time with fold", 1, folded, _suits(dt.time, lambda value: value.fold == 1)),
        Kind(
            "time with an offset", 1, aware, _suits(dt.time, lambda value: value.tzinfo is not None)
        ),
        Kind("TimeNs", 1, precise, _is(TimeNs)),
        Kind("timedelta", 1, st.timedeltas(), _is(dt.timedelta)),
        Kind(
            "TimeDeltaNs",
            1,
            spans.map(lambda count: TimeDeltaNs(nanoseconds=count * 1000 + 1)),
            _is(TimeDeltaNs),
        ),
    ]


def moments() -> Values:
    """Datetimes with zones, offsets and nanoseconds, dates, times and spans of time."""
    return of(_datetime_kinds() + _clock_kinds())


def _plain_keys() -> list[Kind]:
    """The kinds of scalars that can be keys."""
    opaque = st.builds(
        Opaque,
        st.sampled_from(["type.googleapis.com/com.example.Unknown", "example.com/a.B"]),
        st.binary(max_size=9),
    )
    return [
        Kind("None", 2, st.none(), _is(type(None))),
        Kind("bool", 1, st.booleans(), _is(bool)),
        *_number_kinds(),
        *_decimal_kinds(),
        *_datetime_kinds(),
        *_clock_kinds(),
        Kind("str", 3, texts() | names(), _is(str)),
        Kind("bytes", 1, st.binary(max_size=60), _is(bytes)),
        Kind("UUID", 1, st.uuids(), _is(UUID)),
        Kind("member", 1, st.sampled_from([*SampleColor]), _is(SampleColor)),
        Kind("Opaque", 1, opaque, _is(Opaque)),
    ]


def _scalar_kinds() -> list[Kind]:
    small = st.binary(max_size=9)
    return [
        *_plain_keys(),
        Kind("bytearray", 1, st.builds(bytearray, small), _is(bytearray)),
        Kind("memoryview", 1, st.builds(memoryview, small), _is(memoryview)),
        Kind("member of a stranger", 1, st.sampled_from([*StrangerColor]), _is(StrangerColor)),
        Kind("message", 2, messages(), _is(Timestamp, Duration, FieldMask)),
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
        Kind("tuple", 3, few.map(tuple), _is(tuple)),
        Kind("frozenset", 2, few.map(frozenset), _is(frozenset)),
        Kind("dataclass", 2, st.builds(SamplePoint, plain, plain), _is(SamplePoint)),
        Kind("named tuple", 1, st.builds(SamplePair, plain, plain), _is(SamplePair)),
        Kind("EnumValue", 1, st.builds(EnumValue, names(), names(), plain), _is(EnumValue)),
        Kind("Record", 2, st.builds(Record, names(), _fields(plain)), _is(Record)),
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
    keys = st.lists(hashables(), max_size=6).map(_without_second_nan)
    mixed = st.lists(st.tuples(hashables(), items), max_size=6).map(_dict)
    codes = st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5)
    return [
        Kind("list", 4, few, _is(list)),
        Kind("tuple", 3, few.map(tuple), _is(tuple)),
        Kind("deque", 1, few.map(collections.deque), _is(collections.deque)),
        Kind("set", 3, keys.map(set), _is(set)),
        Kind("frozenset", 2, keys.map(frozenset), _is(frozenset)),
        Kind("set of one type", 1, st.sets(st.integers()) | st.sets(texts()), _is(set)),
        Kind("dict of names", 3, st.dictionaries(names(), items, max_size=6), _is(dict)),
        Kind("dict of other keys", 4, mixed, _is(dict)),
        Kind("ints", 1, st.lists(st.integers(-(2**63), 2**63 - 1), max_size=80), _is(list)),
        Kind("floats", 1, st.lists(floats(), max_size=80), _is(list)),
        Kind("texts", 1, st.lists(texts(), max_size=80), _is(list)),
        Kind("range", 1, st.builds(range, st.integers(-50, 50), st.integers(-50, 150)), _is(range)),
        Kind("array", 1, codes.map(lambda run: array.array("i", run)), _is(array.array)),
        Kind("Record", 2, st.builds(Record, names(), _fields(items)), _is(Record)),
        Kind("EnumValue", 1, st.builds(EnumValue, names(), names(), items), _is(EnumValue)),
        *_object_kinds(items),
    ]


def _without_second_nan(items: Sequence[Any]) -> list[Any]:
    """Two NaN are two items for Python and one for Go, which refuses them: so there is one."""
    kept: list[Any] = []
    for item in items:
        if item == item or all(other == other for other in kept):
            kept.append(item)
    return kept


def _dict(pairs: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    keys = _without_second_nan([key for key, _ in pairs])
    return {key: item for key, (_, item) in zip(keys, pairs, strict=False)}


def objects(items: Values) -> Values:
    """Objects of classes: dataclasses, named tuples, exceptions, pydantic models if it is installed."""
    return of(_object_kinds(items))


def _object_kinds(items: Values) -> list[Kind]:
    arguments = st.lists(texts() | st.integers(), max_size=3)
    kinds = [
        Kind("dataclass", 1, st.builds(SamplePoint, items, items), _is(SamplePoint)),
        Kind("named tuple", 1, st.builds(SamplePair, items, items), _is(SamplePair)),
        Kind("dataclass of a stranger", 1, st.builds(StrangerPoint, items), _is(StrangerPoint)),
        Kind("exception", 1, arguments.map(lambda given: SampleError(*given)), _is(SampleError)),
    ]
    model = _sample_model()
    if model is not None:
        made = st.builds(lambda a, b: model(a=a, b=b), items, items)
        kinds.append(Kind("model", 1, made, _is(model)))
    return kinds


_models: list[Any] = []


def _sample_model() -> Any:
    """A pydantic model that comes back as one, or None without pydantic."""
    if not _models:
        try:
            from pydantic import ConfigDict, create_model
        except ImportError:
            return None
        config = ConfigDict(arbitrary_types_allowed=True)
        _models.append(
            register(create_model("SampleModel", __config__=config, a=(Any, None), b=(Any, None)))
        )
    return _models[0]


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
        Kind("list at the border", 3, long, _suits(list, lambda value: len(value) > 60)),
        Kind(
            "dict at the border",
            3,
            st.builds(_keyed, lengths, st.booleans()),
            _suits(dict, lambda value: len(value) > 60),
        ),
        Kind("depth at the border", 4, deep, _is(*wrapped)),
        Kind("few numbers", 2, st.lists(numbers(), max_size=4), _is(list)),
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
        Kind("table in a list", 1, st.lists(table, min_size=1, max_size=2), _is(list)),
        Kind("table in a tuple", 1, st.tuples(table), _is(tuple)),
        Kind(
            "table in a dict",
            1,
            st.builds(lambda key, item: {key: item}, names(), table),
            _is(dict),
        ),
        Kind("table in a Record", 1, table.map(lambda item: Record("C", {"f": item})), _is(Record)),
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
        Kind(f"{kind.name} as a key", 1, _as_key(kind.values), _is(dict, set, frozenset))
        for kind in key_kinds()
    ]
    return [*_scalar_kinds(), *_container_kinds(inner), *_border_kinds(), *keyed]


def _as_key(keys: Values) -> Values:
    return st.one_of(
        st.builds(lambda key, other, item: {other: None, key: item}, keys, names(), scalars()),
        keys.map(lambda key: {key}),
        keys.map(lambda key: frozenset([key])),
    )


def received(value: Any) -> Any:
    """Returns what arrives where a value was sent: itself, but for types that only Python has.

    bytearray and memoryview arrive as bytes, range, deque and array as list, an object or member of a class
    that is not registered as Record or EnumValue.
    """
    kind = type(value)
    if kind in (bytearray, memoryview):
        return bytes(value)
    if kind in (list, range, collections.deque, array.array):
        return [received(item) for item in value]
    if kind is tuple:
        return tuple(received(item) for item in value)
    if kind is dict:
        return {key: received(item) for key, item in cast("dict[Any, Any]", value).items()}
    if kind is Record:
        return Record(
            value.class_name, {name: received(item) for name, item in value.fields.items()}
        )
    if kind is EnumValue:
        return EnumValue(value.class_name, value.name, received(value.value))
    if kind is StrangerPoint:
        return Record("StrangerPoint", {"x": received(value.x)})
    if kind is StrangerColor:
        return EnumValue("StrangerColor", value.name, value.value)
    if kind is SamplePoint:
        return SamplePoint(received(value.x), received(value.y))
    if kind is SamplePair:
        return SamplePair(received(value.first), received(value.second))
    if _models and kind is _models[0]:
        return kind(a=received(value.a), b=received(value.b))
    return value
