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
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, cast
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
    "borders",
    "containers",
    "hashables",
    "messages",
    "moments",
    "numbers",
    "objects",
    "plain_values",
    "received",
    "scalars",
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


def numbers() -> Values:
    """Ints of up to 4,300 digits, floats of all kinds, and both around the borders of the wire's forms."""
    around = st.builds(
        lambda bits, plus, sign: sign * (2**bits + plus),
        st.sampled_from([0, 7, 8, 31, 32, 53, 62, 63, 64, 71]),
        st.integers(-2, 2),
        st.sampled_from([1, -1]),
    )
    huge = st.builds(
        lambda digits, plus, sign: sign * (10**digits - 1 - plus),
        st.integers(18, MAX_DIGITS),
        st.integers(0, 10**9),
        st.sampled_from([1, -1]),
    )
    return st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.integers(),
        around,
        around.map(float),
        huge,
        floats(),
        st.builds(complex, floats(), floats()),
        st.decimals(allow_nan=True, allow_infinity=True).filter(
            lambda number: not number.is_snan()
        ),
        st.builds(
            lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
            st.integers(0, 1),
            st.lists(st.integers(0, 9), min_size=1, max_size=30).map(tuple),
            st.integers(-10_000, 10_000),
        ),
        st.fractions(),
    )


def floats() -> Values:
    """Floats; a NaN keeps its sign only, so none has another payload here."""
    quiet = float("nan")
    return st.one_of(
        st.floats(allow_nan=False),
        st.sampled_from([quiet, -quiet, 0.0, -0.0, 5e-324, 1e16, 2.0**53]),
    )


def zones() -> Values:
    """No zone, offsets down to the second, zones of the database, and an offset with a name."""
    return st.one_of(
        st.none(),
        st.just(dt.timezone.utc),
        _offsets().map(dt.timezone),
        st.sampled_from(
            ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Japan"]
        ).map(ZoneInfo),
        st.just(dt.timezone(dt.timedelta(hours=1), "Mars/Olympus")),
    )


def _offsets() -> Values:
    return st.integers(-86_399, 86_399).map(lambda seconds: dt.timedelta(seconds=seconds))


def moments() -> Values:
    """Datetimes with zones, offsets and nanoseconds, dates, times and spans of time."""
    nanoseconds = st.integers(1, 999)
    stamps = st.builds(
        lambda moment, zone, fold: moment.replace(tzinfo=zone, fold=fold if zone else 0),
        st.one_of(
            st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30)),  # noqa: DTZ001
            # Each of these is twice, in Berlin or New York.
            st.datetimes(dt.datetime(2024, 10, 27, 2), dt.datetime(2024, 10, 27, 2, 59)),  # noqa: DTZ001
            st.datetimes(dt.datetime(2024, 11, 3, 1), dt.datetime(2024, 11, 3, 1, 59)),  # noqa: DTZ001
        ),
        zones(),
        st.integers(0, 1),
    ).filter(_is_distinct)
    clocks = st.builds(
        lambda time, zone: time.replace(tzinfo=zone, fold=0),
        st.times(),
        st.none() | _offsets().map(dt.timezone),
    )
    return st.one_of(
        stamps,
        st.builds(DateTimeNs.of, stamps, nanoseconds),
        st.dates(),
        clocks,
        st.builds(TimeNs.of, clocks, nanoseconds),
        st.timedeltas(),
        st.builds(lambda n: TimeDeltaNs(nanoseconds=n * 1000 + 1), st.integers(-(2**66), 2**66)),
    )


def _is_distinct(moment: dt.datetime) -> bool:
    """Reports whether fold says something: where it does not, 1 would come back as 0."""
    if not moment.fold:
        return True
    return moment.utcoffset() != moment.replace(fold=0).utcoffset()


def scalars() -> Values:
    """Values without items."""
    return st.one_of(
        st.none(),
        st.booleans(),
        numbers(),
        texts(),
        names(),
        moments(),
        st.binary(max_size=60),
        st.builds(bytearray, st.binary(max_size=9)),
        st.builds(memoryview, st.binary(max_size=9)),
        st.uuids(),
        st.sampled_from([*SampleColor, *StrangerColor]),
        st.builds(
            Opaque,
            st.sampled_from(["type.googleapis.com/com.example.Unknown", "example.com/a.B"]),
            st.binary(max_size=9),
        ),
    )


def hashables() -> Values:
    """What can be a key or the item of a set."""
    plain = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        floats(),
        texts(),
        st.binary(max_size=20),
        st.uuids(),
        st.dates(),
        st.timedeltas(),
        st.decimals(allow_nan=False, allow_infinity=True),
        st.fractions(),
        st.sampled_from([*SampleColor]),
    )
    return st.one_of(
        plain,
        st.lists(plain, max_size=3).map(tuple),
        st.frozensets(st.integers(), max_size=4),
        st.builds(SamplePoint, st.integers(), texts()),
        st.builds(EnumValue, names(), names(), st.integers()),
    )


def containers(items: Values) -> Values:
    """Lists, tuples, sets, dicts, records and their like, of such items."""
    few = st.lists(items, max_size=6)
    sets = st.lists(hashables(), max_size=6).map(_without_second_nan)
    return st.one_of(
        few,
        few.map(tuple),
        few.map(collections.deque),
        sets.map(set),
        sets.map(frozenset),
        st.sets(st.integers()),
        st.sets(texts()),
        st.dictionaries(names(), items, max_size=6),
        st.lists(st.tuples(hashables(), items), max_size=6).map(_dict),
        st.lists(st.integers(-(2**63), 2**63 - 1), max_size=80),
        st.lists(floats(), max_size=80),
        st.lists(texts(), max_size=80),
        st.builds(range, st.integers(-50, 50), st.integers(-50, 150)),
        st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5).map(
            lambda run: array.array("i", run)
        ),
        st.builds(Record, names(), st.dictionaries(names(), items, max_size=4)),
        st.builds(EnumValue, names(), names(), items),
        objects(items),
    )


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
    texts_and_ints = st.one_of(texts(), st.integers())
    kinds = [
        st.builds(SamplePoint, items, items),
        st.builds(SamplePair, items, items),
        st.builds(StrangerPoint, items),
        st.lists(texts_and_ints, max_size=3).map(lambda arguments: SampleError(*arguments)),
    ]
    model = _sample_model()
    if model is not None:
        kinds.append(st.builds(lambda a, b: model(a=a, b=b), items, items))
    return st.one_of(kinds)


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
    lengths = st.integers(61, 67)
    levels = st.one_of(st.integers(14, 18), st.integers(31, 34), st.integers(62, MAX_DEPTH))
    return st.one_of(
        st.builds(lambda length, last: [*range(length - 1), last], lengths, numbers()),
        st.builds(_keyed, lengths, st.booleans()),
        st.builds(_deep, levels, st.sampled_from([*_WRAPPINGS]), st.integers() | floats()),
        st.lists(numbers(), max_size=4),
    )


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
    try:
        from .tablestrategies import tables
    except ImportError:
        return plain_values()
    inner = tables()
    return st.one_of(plain_values(), plain_values(), inner, st.lists(inner, min_size=1, max_size=2))


def plain_values() -> Values:
    """Values of every kind but tables, series and arrays."""
    inner: Values = st.deferred(lambda: st.one_of(scalars(), scalars(), containers(scalars())))
    return st.one_of(scalars(), containers(inner), containers(inner), borders(), messages())


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
