"""Values that Python has no type of its own for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DateTimeNs", "EnumValue", "Opaque", "Record", "TimeDeltaNs", "TimeNs"]


class Record:
    """A dataclass, named tuple, model, struct or exception whose class this program was not told.

    It goes back unchanged; a type hint or ``register`` makes an object of the class of it. Fields can
    be read as attributes where no method has their name, and as items: ``record["price"]``.

    Attributes:
        class_name: The name of the class, without its module.
        fields: The fields in order.
    """

    __slots__ = ("class_name", "fields")

    class_name: str
    fields: dict[str, Any]

    def __init__(self, class_name: str, fields: Mapping[str, object] | None = None) -> None:
        self.class_name = class_name
        self.fields = dict(fields or {})

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and name not in Record.__slots__ and name in self.fields:
            return self.fields[name]
        raise AttributeError(f"record has no field {name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return self.class_name == other.class_name and list(self.fields.items()) == list(
            other.fields.items()
        )

    def __hash__(self) -> int:
        return hash((self.class_name, tuple(self.fields.items())))

    def __reduce__(self) -> tuple[object, ...]:
        return Record, (self.class_name, self.fields)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.fields.items())
        return f"Record {self.class_name}({fields})"


@dataclass(frozen=True)
class EnumValue:
    """A member of an enumeration whose class this program was not told. It goes back unchanged.

    Attributes:
        class_name: The name of the enumeration, without its module.
        name: The member's name.
        value: The member's value.
    """

    class_name: str
    name: str
    value: Any


@dataclass(frozen=True)
class Opaque:
    """A value of a type, or of a version, that this program does not know. It goes back unchanged, byte for byte.

    Attributes:
        type_url: What it is.
        value: Its bytes.
    """

    type_url: str
    value: bytes


class DateTimeNs(dt.datetime):
    """A datetime with nanoseconds, as other languages send them.

    It is a datetime everywhere; ``replace``, ``astimezone`` and arithmetic keep the nanoseconds.

    Attributes:
        nanosecond: The nanoseconds beyond ``microsecond``, 0 to 999.
    """

    __slots__ = ("nanosecond",)

    nanosecond: int

    def __new__(cls, *args: Any, nanosecond: int = 0, **kwargs: Any) -> DateTimeNs:
        """Takes what ``datetime`` takes, and ``nanosecond``."""
        self = super().__new__(cls, *args, **kwargs)
        if not 0 <= nanosecond <= 999:
            raise ValueError(f"nanosecond must be in 0..999, not {nanosecond}")
        self.nanosecond = nanosecond
        return self

    @classmethod
    def of(cls, moment: dt.datetime, nanosecond: int) -> DateTimeNs:
        """Makes one of a datetime and the nanoseconds beyond its microseconds."""
        date, time = moment.date(), moment.timetz()
        return cls(
            date.year,
            date.month,
            date.day,
            time.hour,
            time.minute,
            time.second,
            time.microsecond,
            time.tzinfo,
            fold=time.fold,
            nanosecond=nanosecond,
        )

    def plain(self) -> dt.datetime:
        """Returns the datetime without the nanoseconds."""
        return dt.datetime.combine(self.date(), self.timetz())

    def replace(self, *args: Any, **kwargs: Any) -> DateTimeNs:  # type: ignore[override]
        """As datetime's; also takes ``nanosecond``, which a new ``microsecond`` sets to zero."""
        default = 0 if len(args) >= 7 or "microsecond" in kwargs else self.nanosecond
        nanosecond = kwargs.pop("nanosecond", default)
        return DateTimeNs.of(self.plain().replace(*args, **kwargs), nanosecond)

    def astimezone(self, tz: dt.tzinfo | None = None) -> DateTimeNs:
        """As datetime's."""
        return DateTimeNs.of(self.plain().astimezone(tz), self.nanosecond)

    def __add__(self, other: dt.timedelta) -> DateTimeNs:  # type: ignore[override]
        micros, nanosecond = divmod(self.nanosecond + _nanoseconds(other), 1000)
        moment = self.plain() + plain_timedelta(other) + dt.timedelta(microseconds=micros)
        return DateTimeNs.of(moment, nanosecond)

    def __radd__(self, other: dt.timedelta) -> DateTimeNs:  # type: ignore[override]
        return self + other

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, dt.timedelta):
            return self + -other
        if not isinstance(other, dt.datetime):
            return NotImplemented
        return _difference(self, other)

    def __rsub__(self, other: dt.datetime) -> dt.timedelta:
        return _difference(other, self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, dt.datetime):
            return NotImplemented
        return self.plain() == _plain(other) and self.nanosecond == _nanosecond(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.plain(), self.nanosecond)) if self.nanosecond else hash(self.plain())

    def __lt__(self, other: dt.datetime) -> bool:
        return (self.plain(), self.nanosecond) < (_plain(other), _nanosecond(other))

    def __le__(self, other: dt.datetime) -> bool:
        return (self.plain(), self.nanosecond) <= (_plain(other), _nanosecond(other))

    def __gt__(self, other: dt.datetime) -> bool:
        return (self.plain(), self.nanosecond) > (_plain(other), _nanosecond(other))

    def __ge__(self, other: dt.datetime) -> bool:
        return (self.plain(), self.nanosecond) >= (_plain(other), _nanosecond(other))

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return DateTimeNs.of, (self.plain(), self.nanosecond)

    def __repr__(self) -> str:
        return f"DateTimeNs.of({self.plain()!r}, {self.nanosecond})"


class TimeNs(dt.time):
    """A time of day with nanoseconds, as other languages send them. It is a time everywhere.

    Attributes:
        nanosecond: The nanoseconds beyond ``microsecond``, 0 to 999.
    """

    __slots__ = ("nanosecond",)

    nanosecond: int

    def __new__(cls, *args: Any, nanosecond: int = 0, **kwargs: Any) -> TimeNs:
        """Takes what ``time`` takes, and ``nanosecond``."""
        self = super().__new__(cls, *args, **kwargs)
        if not 0 <= nanosecond <= 999:
            raise ValueError(f"nanosecond must be in 0..999, not {nanosecond}")
        self.nanosecond = nanosecond
        return self

    @classmethod
    def of(cls, time: dt.time, nanosecond: int) -> TimeNs:
        """Makes one of a time and the nanoseconds beyond its microseconds."""
        parts = (time.hour, time.minute, time.second, time.microsecond, time.tzinfo)
        return cls(*parts, fold=time.fold, nanosecond=nanosecond)

    def plain(self) -> dt.time:
        """Returns the time without the nanoseconds."""
        parts = (self.hour, self.minute, self.second, self.microsecond, self.tzinfo)
        return dt.time(*parts, fold=self.fold)

    def replace(self, *args: Any, **kwargs: Any) -> TimeNs:  # type: ignore[override]
        """As time's; also takes ``nanosecond``, which a new ``microsecond`` sets to zero."""
        default = 0 if len(args) >= 4 or "microsecond" in kwargs else self.nanosecond
        nanosecond = kwargs.pop("nanosecond", default)
        return TimeNs.of(self.plain().replace(*args, **kwargs), nanosecond)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, dt.time):
            return NotImplemented
        return self.plain() == _plain_time(other) and self.nanosecond == _nanosecond(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.plain(), self.nanosecond)) if self.nanosecond else hash(self.plain())

    def __lt__(self, other: dt.time) -> bool:
        return (self.plain(), self.nanosecond) < (_plain_time(other), _nanosecond(other))

    def __le__(self, other: dt.time) -> bool:
        return (self.plain(), self.nanosecond) <= (_plain_time(other), _nanosecond(other))

    def __gt__(self, other: dt.time) -> bool:
        return (self.plain(), self.nanosecond) > (_plain_time(other), _nanosecond(other))

    def __ge__(self, other: dt.time) -> bool:
        return (self.plain(), self.nanosecond) >= (_plain_time(other), _nanosecond(other))

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return TimeNs.of, (self.plain(), self.nanosecond)

    def __repr__(self) -> str:
        return f"TimeNs.of({self.plain()!r}, {self.nanosecond})"


class TimeDeltaNs(dt.timedelta):
    """A timedelta with nanoseconds, as other languages send them.

    It is a timedelta everywhere; negation, sums and differences keep the nanoseconds.

    Attributes:
        nanoseconds: The nanoseconds beyond ``microseconds``, 0 to 999; they add to the span also where
            it is negative, as ``microseconds`` do.
    """

    __slots__ = ("nanoseconds",)

    nanoseconds: int

    def __new__(cls, *args: Any, nanoseconds: int = 0, **kwargs: Any) -> TimeDeltaNs:
        """Takes what ``timedelta`` takes, and any number of ``nanoseconds``."""
        micros, rest = divmod(nanoseconds, 1000)
        span = dt.timedelta(*args, **kwargs) + dt.timedelta(microseconds=micros)
        self = super().__new__(cls, span.days, span.seconds, span.microseconds)
        self.nanoseconds = rest
        return self

    def plain(self) -> dt.timedelta:
        """Returns the timedelta without the nanoseconds."""
        return dt.timedelta(self.days, self.seconds, self.microseconds)

    def total_nanoseconds(self) -> int:
        """Returns the whole span in nanoseconds."""
        return total_nanoseconds(self)

    def __neg__(self) -> TimeDeltaNs:
        return TimeDeltaNs(nanoseconds=-total_nanoseconds(self))

    def __abs__(self) -> TimeDeltaNs:
        return TimeDeltaNs(nanoseconds=abs(total_nanoseconds(self)))

    def __add__(self, other: dt.timedelta) -> TimeDeltaNs:
        if not isinstance(other, dt.timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        return TimeDeltaNs(nanoseconds=total_nanoseconds(self) + total_nanoseconds(other))

    __radd__ = __add__

    def __sub__(self, other: dt.timedelta) -> TimeDeltaNs:
        return TimeDeltaNs(nanoseconds=total_nanoseconds(self) - total_nanoseconds(other))

    def __rsub__(self, other: dt.timedelta) -> TimeDeltaNs:
        return TimeDeltaNs(nanoseconds=total_nanoseconds(other) - total_nanoseconds(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, dt.timedelta):
            return NotImplemented
        return total_nanoseconds(self) == total_nanoseconds(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.plain(), self.nanoseconds)) if self.nanoseconds else hash(self.plain())

    def __lt__(self, other: dt.timedelta) -> bool:
        return total_nanoseconds(self) < total_nanoseconds(other)

    def __le__(self, other: dt.timedelta) -> bool:
        return total_nanoseconds(self) <= total_nanoseconds(other)

    def __gt__(self, other: dt.timedelta) -> bool:
        return total_nanoseconds(self) > total_nanoseconds(other)

    def __ge__(self, other: dt.timedelta) -> bool:
        return total_nanoseconds(self) >= total_nanoseconds(other)

    def __bool__(self) -> bool:
        return bool(self.plain()) or bool(self.nanoseconds)

    def __reduce__(self) -> tuple[Any, ...]:
        return _timedelta_ns, (total_nanoseconds(self),)

    def __repr__(self) -> str:
        return f"TimeDeltaNs({self.plain()!r}, nanoseconds={self.nanoseconds})"


def total_nanoseconds(span: dt.timedelta) -> int:
    """Returns a span in nanoseconds, those of TimeDeltaNs and of pandas' Timedelta included."""
    return (
        (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
    ) * 1000 + _nanoseconds(span)


def plain_timedelta(span: dt.timedelta) -> dt.timedelta:
    """Returns a span as a timedelta proper, without nanoseconds."""
    return dt.timedelta(span.days, span.seconds, span.microseconds)


def _timedelta_ns(nanoseconds: int) -> TimeDeltaNs:
    return TimeDeltaNs(nanoseconds=nanoseconds)


def _plain_time(time: dt.time) -> dt.time:
    return time.plain() if isinstance(time, TimeNs) else time


def _nanosecond(moment: dt.datetime | dt.time) -> int:
    return getattr(moment, "nanosecond", 0)


def _nanoseconds(span: dt.timedelta) -> int:
    return getattr(span, "nanoseconds", 0)


def _plain(moment: dt.datetime) -> dt.datetime:
    return moment.plain() if isinstance(moment, DateTimeNs) else moment


def _difference(later: dt.datetime, earlier: dt.datetime) -> dt.timedelta:
    nanoseconds = _nanosecond(later) - _nanosecond(earlier)
    span = _plain(later) - _plain(earlier)
    return TimeDeltaNs(span.days, span.seconds, span.microseconds, nanoseconds=nanoseconds)
