"""The texts in which moments and spans of time, decimals and fractions travel."""

from __future__ import annotations

import datetime as dt
import functools
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from .fault import Fault
from .urls import MAX_DIGITS, MAX_EXPONENT
from .wrappers import DateTimeNs, TimeDeltaNs, TimeNs, total_nanoseconds

_ZERO = dt.timedelta(0)
_OFFSET = r"[+-]\d\d:\d\d(?::\d\d)?"
_CLOCK = r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?"
_FOLD_MARK = "[_fold=1]"  # behind the second of two equal readings of a clock, as RFC 9557 has it
_FOLD = rf"({re.escape(_FOLD_MARK)})"
_DATETIME = re.compile(
    rf"(\d{{4}}-\d\d-\d\d)T{_CLOCK}(?:(Z|{_OFFSET})(?:\[([A-Za-z0-9._+/-]+)\])?|{_FOLD})?", re.ASCII
)
_TIME = re.compile(rf"{_CLOCK}(?:(Z|{_OFFSET})|{_FOLD})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIMEDELTA = re.compile(r"(-?)(\d{1,20})(?:\.(\d{1,3}))?", re.ASCII)
_FRACTION = re.compile(rf"(-?\d{{1,{MAX_DIGITS}}})/(\d{{1,{MAX_DIGITS}}})", re.ASCII)
_DECIMAL = re.compile(r"[0-9A-Za-z+.-]+", re.ASCII)
_ZONE = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9._+-]*(?:/[A-Za-z0-9_+][A-Za-z0-9._+-]*)*", re.ASCII)
_LONGEST_ZONE = 64
_LOOKED_FOR = 512
"""So many names are looked for on disk, each once, before those that the zone database does not list are not."""
# fmt: off
_SHORT_ZONES = frozenset((
    "CET", "CST6CDT", "Cuba", "EET", "EST", "EST5EDT", "Egypt", "Eire", "Factory", "GB", "GB-Eire",
    "GMT", "GMT+0", "GMT-0", "GMT0", "Greenwich", "HST", "Hongkong", "Iceland", "Iran", "Israel",
    "Jamaica", "Japan", "Kwajalein", "Libya", "MET", "MST", "MST7MDT", "NZ", "NZ-CHAT", "Navajo",
    "PRC", "PST8PDT", "Poland", "Portugal", "ROC", "ROK", "Singapore", "Turkey", "UCT", "UTC",
    "Universal", "W-SU", "WET", "Zulu",
))
# fmt: on
"""The names without a slash that the zone database has; others are mere abbreviations, such as "CEST"."""


def datetime_text(moment: dt.datetime) -> str:
    """Returns a datetime's text; nanoseconds are read where it has them."""
    clock = _clock_text(moment, getattr(moment, "nanosecond", 0))
    text = f"{moment.year:04}-{moment.month:02}-{moment.day:02}T{clock}"
    offset = moment.utcoffset()
    if offset is None:
        if moment.tzinfo is not None:
            raise Fault(f"datetime with a zone that gives no offset: {moment.tzinfo!r}")
        return text + (_FOLD_MARK if moment.fold else "")
    name = _zone_name(moment.tzinfo)
    return text + _offset_text(offset) + (f"[{name}]" if name else "")


def parse_datetime(text: str) -> dt.datetime:
    """Reads a datetime; one with nanoseconds becomes a DateTimeNs."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        raise Fault(f'not a datetime such as "2024-05-06T07:08:09+02:00": {text!r:.80}')
    date, *clock, offset, name, fold = match.groups()
    if name is not None and not _is_zone(name):
        raise Fault(f"want a zone of the zone database, got {name!r:.80}")
    try:
        time, nanosecond = _parse_clock(clock)
        moment = dt.datetime.combine(dt.date.fromisoformat(date), time)
        moment = _in_zone(moment, _parse_offset(offset), name)
        if fold:
            moment = moment.replace(fold=1)
    except (ValueError, OverflowError) as error:
        raise Fault(f"datetime {text!r:.80} is out of range: {error}") from error
    return DateTimeNs.of(moment, nanosecond) if nanosecond else moment


def time_text(time: dt.time) -> str:
    """Returns a time's text."""
    offset = time.utcoffset()
    if offset is None and time.tzinfo is not None:
        raise Fault(
            f"time with a zone whose offset depends on the date ({time.tzinfo!r}): send a datetime"
        )
    text = _clock_text(time, getattr(time, "nanosecond", 0))
    if offset is not None:
        return text + _offset_text(offset)
    return text + (_FOLD_MARK if time.fold else "")


def parse_time(text: str) -> dt.time:
    """Reads a time; one with nanoseconds becomes a TimeNs."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise Fault(f'not a time such as "07:08:09": {text!r:.80}')
    *clock, offset, fold = match.groups()
    try:
        time, nanosecond = _parse_clock(clock)
    except ValueError as error:
        raise Fault(f"time {text!r:.80} is out of range: {error}") from error
    zone = _parse_offset(offset)
    if zone is not None:
        time = time.replace(tzinfo=_fixed(zone))
    if fold:
        time = time.replace(fold=1)
    return TimeNs.of(time, nanosecond) if nanosecond else time


def parse_date(text: str) -> dt.date:
    """Reads a date."""
    if _DATE.fullmatch(text) is None:
        raise Fault(f'not a date such as "2024-05-06": {text!r:.80}')
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise Fault(f"date {text!r} is out of range: {error}") from error


def timedelta_text(span: dt.timedelta) -> str:
    """Returns a span's text: microseconds."""
    nanoseconds = total_nanoseconds(span)
    micros, rest = divmod(abs(nanoseconds), 1000)
    sign = "-" if nanoseconds < 0 else ""
    return f"{sign}{micros}" + (f".{rest:03}".rstrip("0") if rest else "")


def parse_timedelta(text: str) -> dt.timedelta:
    """Reads a span; one with nanoseconds becomes a TimeDeltaNs."""
    match = _TIMEDELTA.fullmatch(text)
    if match is None:
        raise Fault(f"not a time span in microseconds: {text!r:.80}")
    sign, micros, rest = match.groups()
    nanoseconds = int(micros) * 1000 + int((rest or "").ljust(3, "0"))
    nanoseconds = -nanoseconds if sign else nanoseconds
    try:
        if nanoseconds % 1000:
            return TimeDeltaNs(nanoseconds=nanoseconds)
        return dt.timedelta(microseconds=nanoseconds // 1000)
    except OverflowError as error:
        raise Fault(f"time span of {text} microseconds is out of range") from error


def parse_decimal(text: str) -> Decimal:
    """Reads a decimal, exactly."""
    try:
        if _DECIMAL.fullmatch(text) is None:
            raise InvalidOperation
        number = Decimal(text)
    except InvalidOperation as error:
        raise Fault(
            f"not a decimal such as 1.10 or 1E+3 of an exponent from -{MAX_EXPONENT} to {MAX_EXPONENT}:"
            f" {text!r:.80}"
        ) from error
    decimal_text(number)
    return number


def decimal_text(number: Decimal) -> str:
    """Returns a decimal's text.

    Raises:
        Fault: Its exponent is smaller than other programs can read.
    """
    text = str(number)
    if int(text.partition("E-")[2] or 0) > MAX_EXPONENT:
        raise Fault(
            f"decimal {text!r:.60} has an exponent below -{MAX_EXPONENT}, the limit: round it, or send its text"
        )
    return text


def fraction_text(fraction: Fraction) -> str:
    """Returns a fraction's text."""
    return f"{digits(fraction.numerator)}/{digits(fraction.denominator)}"


def parse_fraction(text: str) -> Fraction:
    """Reads a fraction."""
    match = _FRACTION.fullmatch(text)
    if match is None or not int(match[2]):
        raise Fault(f'not a fraction such as "1/3" with at most {MAX_DIGITS} digits: {text!r:.80}')
    return Fraction(int(match[1]), int(match[2]))


_LARGEST = 10**MAX_DIGITS


def check_digits(number: int) -> int:
    """Returns the number, if it has no more digits than the limit."""
    if -_LARGEST < number < _LARGEST:
        return number
    raise Fault(
        f"int has more than {MAX_DIGITS} digits; send its bytes, or a Decimal with an exponent"
    )


def digits(number: int) -> str:
    """Returns the number's digits, if there are no more than the limit."""
    return str(check_digits(number))


def _clock_text(time: dt.time | dt.datetime, nanosecond: int) -> str:
    text = f"{time.hour:02}:{time.minute:02}:{time.second:02}"
    if nanosecond:
        return f"{text}.{time.microsecond:06}{nanosecond:03}"
    return f"{text}.{time.microsecond:06}" if time.microsecond else text


def _offset_text(offset: dt.timedelta) -> str:
    if offset.microseconds:
        raise Fault(f"UTC offset {offset} has a fraction of a second")
    sign, offset = ("-", -offset) if offset < _ZERO else ("+", offset)
    minutes, seconds = divmod(offset.seconds, 60)
    text = f"{sign}{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text


def _zone_name(zone: dt.tzinfo | None) -> str | None:
    name: object = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if isinstance(zone, dt.timezone):
        name = zone.tzname(None)
        name = None if name == dt.timezone(zone.utcoffset(None)).tzname(None) else name
    return name if isinstance(name, str) and _is_zone(name) else None


def _is_zone(name: str) -> bool:
    """Reports whether other programs can look the name up, and it is no path out of the zone database."""
    known = "/" in name or name in _SHORT_ZONES
    return known and len(name) <= _LONGEST_ZONE and _ZONE.fullmatch(name) is not None


def _parse_clock(groups: list[str | None]) -> tuple[dt.time, int]:
    hour, minute, second, fraction = (group or "0" for group in groups)
    fraction = fraction.ljust(9, "0")
    time = dt.time(int(hour), int(minute), int(second), int(fraction[:6]))
    return time, int(fraction[6:])


def _parse_offset(text: str | None) -> dt.timedelta | None:
    if text is None:
        return None
    if text == "Z":
        return _ZERO
    hours, minutes, *seconds = (int(part) for part in text[1:].split(":"))
    offset = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)
    if offset >= dt.timedelta(days=1) or minutes > 59 or (seconds and seconds[0] > 59):
        raise Fault(f"UTC offset {text!r} is out of range")
    return -offset if text[0] == "-" else offset


def _fixed(offset: dt.timedelta, name: str | None = None) -> dt.timezone:
    if name is not None:
        return dt.timezone(offset, name)
    return dt.timezone(offset) if offset else dt.timezone.utc


def _in_zone(moment: dt.datetime, offset: dt.timedelta | None, name: str | None) -> dt.datetime:
    if offset is None:
        return moment
    if name is None:
        return moment.replace(tzinfo=_fixed(offset))
    zone = _zone(name)
    if zone is None:
        return moment.replace(tzinfo=_fixed(offset, name))
    for fold in (0, 1):
        candidate = moment.replace(tzinfo=zone, fold=fold)
        if candidate.utcoffset() == offset:
            return candidate
    return moment.replace(tzinfo=_fixed(offset, name))


@functools.lru_cache(maxsize=4096)  # more than there are
def _zone(name: str) -> ZoneInfo | None:
    """The zone of that name; None where this program does not know it."""
    listed = name.removeprefix("posix/").removeprefix("right/")
    if _zone.cache_info().misses > _LOOKED_FOR and listed not in _listed():
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@functools.cache
def _listed() -> frozenset[str]:
    return frozenset(available_timezones())
