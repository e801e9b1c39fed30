"""Nothing of what JSON wrote is lost in a model of pydantic's, whatever validators and configuration it has."""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import decimal
import enum
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import pydantic
import pytest
import typing_extensions as tx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import convert, deserialize_value, serialize_value


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Spot(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)
    x: int = 0


class Keys(tx.TypedDict):
    name: str


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    weight: float


class Area(pydantic.BaseModel):
    w: int

    @pydantic.computed_field
    @property
    def twice(self) -> int:
        return self.w * 2


def _itself(given: Any) -> Any:
    return given


def holder(hint: Any, validators: dict[str, Any], **config: Any) -> Any:
    return pydantic.create_model(
        "Holder",
        __config__=pydantic.ConfigDict(**config),
        __validators__=validators,
        field=(hint, ...),
    )


def _model_of(hint: Any, late: str, **config: Any) -> Any:
    """A model with this field and code that sees it when it is made."""
    validators: dict[str, Any] = {
        "none": {},
        "model": {"seen": pydantic.model_validator(mode="after")(_itself)},
        "field": {"seen": pydantic.field_validator("field")(_itself)},
        "annotated": {},
    }[late]
    noted = Annotated[hint, pydantic.AfterValidator(_itself)] if late == "annotated" else hint
    return holder(noted, validators, **config)


@pytest.mark.parametrize("late", ["none", "model", "field", "annotated"])
@pytest.mark.parametrize(
    ("hint", "value", "path", "message"),
    [
        (Keys, {"name": "a", "typo": 1}, "$.field.typo", "too many"),
        (dict[int, str], {"1": "a", "01": "b"}, "$.field[key 1]", "there twice"),
        (Mapping[int, str], {"1": "a", "01": "b"}, "$.field[key 1]", "there twice"),
        (collections.OrderedDict[int, str], {"1": "a", "01": "b"}, "$.field[key 1]", "twice"),
        (collections.defaultdict[int, int], {"1": 1, "01": 2}, "$.field[key 1]", "twice"),
        (dict[float, int], {"1": 1, "1.0": 2}, "$.field[key 1]", "twice"),
        (set[int], ["1", 1], "$.field[1]", "there twice"),
        (frozenset[int], ["1", 1], "$.field[1]", "there twice"),
        (set[tuple[int, Spot]], [[1, {"x": 1, "typo": 1}]], "$.field[0][1].typo", "too many"),
        (set[Spot | int], [1, {"x": 1, "typo": 1}], "$.field[1].typo", "too many"),
        (set[tuple[float, int]], [[2**53 + 1, 1]], "$.field[0][0]", "no float can hold"),
        (Iterable[Spot], [{"x": 1}, {"typo": 1}], "$.field[1].typo", "too many"),
        (Sequence[Spot], [{"x": 1}, {"typo": 1}], "$.field[1].typo", "too many"),
        (collections.deque[Spot], [{"typo": 1}], "$.field[0].typo", "too many"),
        (Mapping[str, Spot], {"a": {"typo": 1}}, "$.field.a.typo", "too many"),
        (float, "1e400", "$.field", "larger than every float"),
        (float, str(2**53 + 1), "$.field", "no float can hold"),
        (float, "9" * 5000, "$.field", "no float can hold"),
        (dt.datetime, "2024-05-06T07:08:09.1234567Z", "$.field", "at most 6 digits"),
        (dt.time, "07:08:09.0000001", "$.field", "at most 6 digits"),
        (dt.timedelta, "PT1.0000001S", "$.field", "at most 6 digits"),
        (set[int], [i * (2**61 - 1) for i in range(9, 999)], "$.field[0]", "have the hash"),
        (Area, {"w": 1, "twice": 3}, "$.field.twice", "want 2 as it is computed, got 3"),
        (Area, {"w": 1, "typo": 3}, "$.field.typo", "too many"),
    ],
    ids=str,
)
def test_what_would_be_lost_is_refused_whatever_sees_it_afterwards(
    hint, value, path, message, late
):
    with pytest.raises(SerializationError, match=message) as caught:
        convert({"field": value}, _model_of(hint, late))

    assert caught.value.path == path


@pytest.mark.parametrize(
    ("hint", "value", "want"),
    [
        (dt.datetime, "2024-05-06T07:08:09.1234560Z", "datetime"),
        (Area, {"w": 1, "twice": 2}, "Area"),
        (float, "inf", "float"),
        (set[int], ["1", 2], "set"),
    ],
    ids=str,
)
def test_what_loses_nothing_is_taken(hint, value, want):
    assert type(convert({"field": value}, _model_of(hint, "model")).field).__name__ == want


def test_an_object_with_computed_fields_holds_nothing_of_what_was_said_of_them():
    got = convert({"field": {"w": 1, "twice": 2}}, _model_of(Area, "none")).field

    assert (got, got.model_extra) == (Area(w=1), None)


class Read(pydantic.BaseModel):
    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)

    n: int = 0


def test_a_model_with_its_own_constructor_is_made_by_it():
    assert convert({"n": "1"}, Read) == Read(n=1)
    with pytest.raises(SerializationError, match="too many"):
        convert({"typo": 1}, Read)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (dt.datetime, "2024-05-06T07:08:09Z"),
        (dt.date, "2024-05-06"),
        (decimal.Decimal, "1.10"),
        (set[int], [1]),
        (tuple[int, ...], [1]),
        (Color, "red"),
        (Level, 1),
        (bytes, "a"),
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", ["before", "wrap"])
def test_a_strict_model_takes_what_json_wrote_behind_its_validators(hint, value, mode):
    if mode == "before":
        validator = pydantic.model_validator(mode="before")(classmethod(lambda cls, v: v))
    else:
        validator = pydantic.model_validator(mode="wrap")(classmethod(lambda cls, v, made: made(v)))
    model = holder(hint, {"seen": validator}, strict=True)

    want = holder(hint, {}, strict=True).model_validate_json(json.dumps({"field": value}))
    assert convert({"field": value}, model).field == want.field


@pytest.mark.parametrize(
    ("hint", "value"), [(dt.datetime, 1), (Level, "1"), (int, "1"), (set[int], ["1"])], ids=str
)
def test_a_strict_model_stays_strict_behind_its_validators(hint, value):
    validator = pydantic.model_validator(mode="before")(classmethod(lambda cls, v: v))
    with pytest.raises(SerializationError):
        convert({"field": value}, holder(hint, {"seen": validator}, strict=True))


@pytest.mark.parametrize(
    ("hint", "value", "path", "message"),
    [
        (Cat | Dog, {"kind": "dog", "weight": "x"}, "$.field.weight", "want float, got str"),
        (Cat | Dog, {"kind": "cow"}, "$.field.kind", "want 'cat' or 'dog', got 'cow'"),
        (Cat | Dog, 5, "$.field", "want dict, got int"),
        (Cat | Dog, {"kind": "cat", "lives": 1, "z": 1}, "$.field.z", "too many"),
        (int | str, [1], "$.field", "want int or str, got list"),
        (list[int] | dict[str, int], {"a": "x"}, "$.field.a", "want int, got str"),
        (set[dt.time] | str, ["07:08:09.0000001"], "$.field[0]", "at most 6 digits"),
        (dt.datetime, "2024-13-01T00:00:00", "$.field", "month value is outside"),
        (tuple[int, int], [1, 2, 3], "$.field", "want a tuple of 2 items, got 3"),
        (
            Annotated[Cat | Dog, pydantic.Field(discriminator="kind")],
            {"kind": "dog", "dog": {"weight": 1}},
            "$.field.weight",
            "has no field 'weight'",
        ),
    ],
    ids=str,
)
def test_an_error_names_the_part_that_is_wrong(hint, value, path, message):
    with pytest.raises(SerializationError, match=message) as caught:
        convert({"field": value}, _model_of(hint, "none"))

    assert caught.value.path == path


class Encoded(pydantic.BaseModel):
    parsed: pydantic.Json[list[int]]
    text: pydantic.Json[str]
    anything: pydantic.Json[Any]
    data: pydantic.Base64Bytes
    name: pydantic.Base64Str


def test_fields_that_are_read_of_encoded_texts_are_sent_back_as_they_are():
    given = {"parsed": "[1]", "text": '"5"', "anything": "[{}]", "data": "aGk=", "name": "aGk="}

    made = convert(given, Encoded)

    assert made == Encoded.model_validate(given)
    assert deserialize_value(serialize_value(made), Encoded) == made


class N0(pydantic.BaseModel):
    next: N0 | N1 | N2 | N3 | None = None


class N1(N0):
    a: int = 0


class N2(N0):
    b: int = 0


class N3(N0):
    next: Annotated[N0 | N1 | N2 | N3 | None, pydantic.BeforeValidator(_itself)] = None


for _cls in (N0, N1, N2, N3):
    _cls.model_rebuild()


@pytest.mark.parametrize("model", [N0, N3])
@pytest.mark.parametrize("height", [6, 30])
def test_a_chain_of_many_models_that_nothing_tells_apart_comes_to_an_end(model, height):
    value: dict[str, Any] = {"b": "x"}
    for _ in range(height):
        value = {"next": value}
    with contextlib.suppress(SerializationError):  # a validator first decides what is too many
        assert isinstance(convert(value, model), model)


# What is made is what pydantic makes, or it is refused; what was made comes back as it was.

HINTS = {
    int: st.sampled_from([1, "1", 1.0, "x", True, 2**60]),
    float: st.sampled_from([1, 1.5, "1.5", "x"]),
    str: st.sampled_from(["a", " a", 1, None]),
    dt.datetime: st.sampled_from(["2024-05-06T07:08:09Z", "2024-05-06", 1, "x"]),
    decimal.Decimal: st.sampled_from(["1.10", 1, 1.1, "x"]),
    Color: st.sampled_from(["red", "x"]),
    Level: st.sampled_from([1, "1", 2]),
    Spot: st.sampled_from([{}, {"x": 1}, {"x": "1"}, {"x": 1, "z": 1}, 1]),
    Keys: st.sampled_from([{"name": "a"}, {"name": "a", "z": 1}, {}]),
    Area: st.sampled_from([{"w": 1}, {"w": "2"}, {"z": 1, "w": 1}]),
}
"""What fields are of, and what may be given for each."""


@st.composite
def fields(draw: st.DrawFn, depth: int = 2) -> tuple[Any, st.SearchStrategy[Any]]:
    """A hint with what JSON may have for it."""
    plain = draw(st.sampled_from(list(HINTS)))
    form = draw(st.sampled_from(["plain", "list", "tuple", "dict", "keys", "optional", "set"]))
    if form == "plain" or not depth:
        return plain, HINTS[plain]
    if form == "set":
        cls = draw(st.sampled_from([int, str, Spot, Color, dt.datetime]))
        return set[cls], st.lists(HINTS[cls], max_size=3)
    if form == "keys":
        cls = draw(st.sampled_from([int, Level, Color, float]))
        keys = st.sampled_from(["1", "01", "1.0", "red", "2"])
        return dict[cls, int], st.dictionaries(keys, HINTS[int], max_size=3)
    hint, items = draw(fields(depth - 1))
    if form == "optional":
        return hint | None, items | st.none()
    if form == "dict":
        return dict[str, hint], st.dictionaries(st.sampled_from("ab"), items, max_size=2)
    if form == "tuple":
        return tuple[hint, int], st.tuples(items, HINTS[int]).map(list)
    return list[hint], st.lists(items, max_size=3)


CONFIGS = st.fixed_dictionaries(
    {}, optional={"strict": st.just(value=True), "str_strip_whitespace": st.just(value=True)}
)
LOSSES = ("too many", "is there twice", "no float can hold")


def _made_or_refused(value: Any, model: Any) -> Any:
    try:
        return convert(value, model)
    except SerializationError as error:
        return str(error)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_what_is_made_is_what_pydantic_makes_or_is_refused_and_comes_back(data: st.DataObject):
    hint, items = data.draw(fields())
    late = data.draw(st.sampled_from(["none", "model", "field", "annotated"]))
    model = _model_of(hint, late, **data.draw(CONFIGS))
    value = {"field": data.draw(items)}
    try:
        want = model.model_validate_json(json.dumps(value))
    except pydantic.ValidationError:
        with pytest.raises(SerializationError):
            convert(value, model)
        return

    got = _made_or_refused(value, model)
    if isinstance(got, str):
        assert any(loss in got for loss in LOSSES), got
        return
    assert repr(got) == repr(want)
    assert '"z"' not in json.dumps(value)
    assert deserialize_value(serialize_value(got), model) == got
