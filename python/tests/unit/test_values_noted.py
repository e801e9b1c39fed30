"""Notes of pydantic's on hints outside of models, and classes that pydantic alone knows to make."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict, Union

import annotated_types as at
import numpy as np
import pandas as pd
import pydantic
import pytest
import typing_extensions as tx

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import (
    any_from_json,
    convert,
    deserialize_value,
    from_json,
    serialize_value,
)
from grpc_tool_bridge.values.noted import noted_of

UTC = dt.timezone.utc
Positive = pydantic.PositiveInt
Doubled = Annotated[int, pydantic.AfterValidator(lambda item: item * 2)]


def refuse(_: Any) -> Any:
    raise ValueError("never")


class Typed(TypedDict):
    n: Positive
    s: tx.NotRequired[Annotated[str, pydantic.Field(max_length=2)]]


class Named(NamedTuple):
    n: Annotated[int, pydantic.Field(gt=0)]


@dataclasses.dataclass
class Plain:
    n: Doubled
    site: pydantic.HttpUrl | None = None

    def __post_init__(self) -> None:
        self.seen = self.n


class First(pydantic.BaseModel):
    kind: Literal["a"] = "a"
    x: int = 0


class Second(pydantic.BaseModel):
    kind: Literal["b"] = "b"
    x: int = 0


class Rooted(pydantic.BaseModel):
    root: int


class Holder(pydantic.BaseModel):
    items: list[Doubled]


def kind_of(item: Any) -> Any:
    return item.get("kind") if isinstance(item, dict) else item.kind


ByFunction = Annotated[
    Annotated[First, pydantic.Tag("a")] | Annotated[Second, pydantic.Tag("b")],
    pydantic.Discriminator(kind_of),
]
ByName = Annotated[First | Second, pydantic.Field(discriminator="kind")]


@pytest.mark.parametrize(
    ("hint", "given", "path", "message"),
    [
        (Annotated[str, pydantic.AfterValidator(refuse)], "x", "$", "never"),
        (Annotated[int, at.Predicate(lambda item: item > 0)], -1, "$", "Predicate"),
        (pydantic.FiniteFloat, float("nan"), "$", "finite"),
        (pydantic.UUID4, uuid.UUID(int=0), "$", "version 4"),
        (pydantic.FilePath, "/no/such/file", "$", "does not point to a file"),
        (pydantic.condecimal(max_digits=3), Decimal("1234"), "$", "3 digits"),
        (Annotated[Decimal, pydantic.Field(max_digits=3)], Decimal("1234"), "$", "3 digits"),
        (pydantic.conset(int, min_length=1), set(), "$", "at least 1 item"),
        (pydantic.condate(gt=dt.date(2020, 1, 1)), dt.date(2019, 1, 1), "$", "greater than"),
        (tuple[Positive, str], (-1, "a"), "$[0]", "greater than 0"),
        (set[Positive], {-1}, "$[0]", "greater than 0"),
        (dict[Positive, str], {-1: "a"}, "$[key 0]", "greater than 0"),
        (dict[str, Positive], {"a": -1}, "$.a", "greater than 0"),
        (Optional[Positive], -1, "$", "greater than 0"),  # noqa: UP045
        (Union[Positive, str], -1, "$", "Input .*greater than 0, got -1"),  # noqa: UP007
        (Typed, {"n": -1}, "$.n", "greater than 0"),
        (Typed, {"n": 1, "s": "abc"}, "$.s", "at most 2"),
        (list[Named], [[1], [0]], "$[1][0]", "greater than 0"),
        (Annotated[list[int], at.MaxLen(1)], [1, 2], "$", "no list: List should have at most 1"),
        (pydantic.AwareDatetime, dt.datetime(2024, 1, 1), "$", "timezone"),  # noqa: DTZ001
        (pydantic.PastDate, dt.date(9000, 1, 1), "$", "past"),
        (list[pydantic.HttpUrl], ["http://a", "x"], "$[1]", "valid URL.*, got 'x'"),
        (pydantic.HttpUrl, dt.date(2020, 1, 1), "$", "URL input .*, got datetime.date"),
        (pydantic.IPvAnyAddress, "1.2.3", "$", "IPv4"),
        (np.int8, 300, "$", "cannot hold 300"),
        (np.int64, 1.0, "$", "want numpy.int64, got float"),
        (np.int64, True, "$", "want numpy.int64, got bool"),
        (np.float32, 0.1, "$", "cannot hold 0.1"),
        (np.float64, 2**53 + 1, "$", "cannot hold"),
        (np.datetime64, dt.datetime(2024, 1, 1, tzinfo=UTC), "$", "cannot hold"),
        (pd.Timestamp, dt.date(2024, 1, 1), "$", "want pandas.Timestamp, got date"),
    ],
)
def test_what_a_note_or_a_class_refuses_is_named_with_its_path(hint, given, path, message):
    with pytest.raises(SerializationError, match=message) as caught:
        deserialize_value(serialize_value(given), hint)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("hint", "given", "made"),
    [
        (pydantic.constr(strip_whitespace=True, to_upper=True), " a ", "A"),
        (pydantic.constr(strip_whitespace=True, max_length=1), " a ", "a"),
        (Doubled, 4, 8),
        (Annotated[list[Doubled], pydantic.Field(max_length=2)], [2, 3], [4, 6]),
        (Annotated[int, pydantic.BeforeValidator(lambda item: int(item, 16))], "ff", 255),
        (Annotated[int, pydantic.Field(description="only said")], 1, 1),
        (Plain, {"n": 2, "site": "http://a"}, Plain(4, pydantic.HttpUrl("http://a"))),
        (pydantic.HttpUrl, "http://a", pydantic.HttpUrl("http://a")),
        (pydantic.AnyUrl, pydantic.AnyUrl("x://a"), pydantic.AnyUrl("x://a")),
        (pydantic.SecretStr, "x", pydantic.SecretStr("x")),
        (pydantic.Secret[int], 5, pydantic.Secret[int](5)),
        (pydantic.ByteSize, "1kB", pydantic.ByteSize(1000)),
        (pydantic.Json[list[int]], "[1]", [1]),
        (pydantic.Base64Bytes, "aGk=", b"hi"),
        (pydantic.PastDate, dt.date(2020, 1, 1), dt.date(2020, 1, 1)),
        (ByFunction, {"kind": "b"}, Second()),
        (ByFunction, Second(), Second()),
        (list[ByFunction], [{"kind": "b", "x": "1"}, Second(x=2)], [Second(x=1), Second(x=2)]),
        (ByName, Second(), Second()),
        (Optional[ByName], {"kind": "b"}, Second()),  # noqa: UP045
        (np.float64, 3, np.float64(3)),
        (np.bool_, True, np.True_),
        (np.timedelta64, np.timedelta64(7, "ns"), np.timedelta64(7, "ns")),
        (pd.Timedelta, pd.Timedelta(-5, "ns"), pd.Timedelta(-5, "ns")),
    ],
)
def test_what_notes_and_classes_make_of_a_value(hint, given, made):
    got = deserialize_value(serialize_value(given), hint)
    assert got == made
    assert type(got) is type(made)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("text", ["1960-01-01T00:00:00.123456789", "2024-10-27T04:30:00.5"])
def test_a_timestamp_and_a_datetime64_keep_their_nanoseconds(text, zone):
    stamp = pd.Timestamp(text, tz=zone)
    assert deserialize_value(serialize_value(stamp), pd.Timestamp) == stamp
    if zone is None:
        moment = stamp.to_datetime64()
        assert deserialize_value(serialize_value(moment), np.datetime64) == moment


def test_the_second_reading_of_a_clock_stays_the_second_as_a_timestamp():
    stamp = pd.Timestamp("2024-10-27T01:30:00.123456789", tz="UTC").tz_convert("Europe/Berlin")
    got = deserialize_value(serialize_value(stamp), pd.Timestamp)
    assert (got, got.utcoffset(), got.nanosecond) == (stamp, dt.timedelta(hours=1), 789)


@pytest.mark.parametrize("hint", [ByFunction, ByName])
def test_a_tag_that_no_member_of_a_union_has_is_told_with_all_that_there_are(hint):
    with pytest.raises(SerializationError, match="want 'a' or 'b', got 'x'"):
        convert({"kind": "x"}, hint)


def test_the_error_of_a_discriminator_is_that_of_a_field_in_a_model():
    class Outer(pydantic.BaseModel):
        v: ByName

    with pytest.raises(SerializationError) as inside:
        convert({"v": {"kind": "x"}}, Outer)
    with pytest.raises(SerializationError) as outside:
        convert({"kind": "x"}, ByName)
    assert outside.value.path == "$.kind"
    assert str(outside.value).partition(": $")[2] == str(inside.value).partition(": $.v")[2]


def test_a_text_stays_no_moment_where_a_class_only_checks_one():
    with pytest.raises(SerializationError, match="want datetime, got str"):
        convert("2024-01-01T00:00:00Z", pydantic.AwareDatetime)
    moment = deserialize_value(
        any_from_json('{"$datetime":"2024-01-01T00:00:00Z"}'), pydantic.AwareDatetime
    )
    assert moment == dt.datetime(2024, 1, 1, tzinfo=UTC)


def test_a_validator_inside_of_a_model_is_still_asked_once():
    assert convert(from_json('{"items":[1]}'), Holder).items == [2]
    assert deserialize_value(serialize_value(Holder.model_construct(items=[1])), Holder).items == [
        2
    ]


def test_a_record_of_one_field_that_is_called_root_is_one():
    hint = Annotated[Rooted, pydantic.BeforeValidator(lambda item: item)]
    assert deserialize_value(serialize_value(Rooted(root=1)), hint) == Rooted(root=1)
    with pytest.raises(SerializationError) as caught:
        deserialize_value(serialize_value(Rooted.model_construct(root="x")), hint)
    assert caught.value.path == "$.root"


def test_what_pydantic_says_of_a_hint_is_worked_out_once():
    assert noted_of(Positive) is noted_of(Positive)
    assert noted_of(int) is None
    assert noted_of(Annotated[int, "a text", {"minimum": 0}]) is None


def test_a_hint_that_pydantic_cannot_read_is_refused():
    class Odd:
        @classmethod
        def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
            raise LookupError("no schema")

    with pytest.raises(
        SerializationError, match=r"cannot read the notes on the hint Odd: .*no sch"
    ):
        convert(1, Odd)


def test_patterns_may_look_around():
    name = Annotated[str, pydantic.Field(pattern=r"^(?!admin)\w+$")]

    assert convert("anna", name) == "anna"
    assert convert(["anna"], list[name]) == ["anna"]
    with pytest.raises(SerializationError, match=r"\$\[1\].*pattern"):
        convert(["anna", "admin1"], list[name])
