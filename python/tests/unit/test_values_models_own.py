"""Fields of pydantic's models that nobody else has an encoding for travel as the model's serializers write them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gc
import pickle
import re
import warnings
import weakref
from typing import Annotated, Any

import pydantic
import pydantic.dataclasses
import pydantic_core
import pytest
from pydantic_core import core_schema

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import Record, convert, deserialize_value, serialize_value

pd: Any = pytest.importorskip("pandas")
np: Any = pytest.importorskip("numpy")


class Money:
    """An amount that pydantic knows how to write and read."""

    def __init__(self, cents: Any) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and other.cents == self.cents

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return core_schema.no_info_plain_validator_function(
            lambda given: given if isinstance(given, cls) else cls(given),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda money: money.cents
            ),
        )


class Odd:
    """An object that nobody knows how to write."""


class Bill(pydantic.BaseModel):
    money: Money
    when: dt.datetime = dt.datetime(2024, 5, 6)  # noqa: DTZ001 - of no zone
    more: list[Money] = []
    named: dict[str, Money | int] = {}


class Bills(pydantic.BaseModel):
    bills: list[Bill]


@pydantic.dataclasses.dataclass
class Note:
    money: Money


@dataclasses.dataclass
class Inner:
    money: Money


class Outer(pydantic.BaseModel):
    inner: Inner


class Said(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True, extra="allow")
    odd: Any
    other: Annotated[object, pydantic.PlainSerializer(lambda odd: "an odd one")] = None

    @pydantic.field_serializer("odd")
    def written(self, odd: Any) -> Any:
        return {"at": dt.date(2024, 5, 6)} if isinstance(odd, Odd) else odd


class Moneys(pydantic.RootModel[list[Money]]):
    pass


WHOLE = [
    Bill(money=Money(3)),
    Bill(money=Money(dt.date(2024, 5, 6)), more=[Money(1), Money(2)], named={"a": Money(1)}),
    Bills(bills=[Bill(money=Money(1)), Bill(money=Money("x"), more=[Money(2)])]),
    Note(Money(5)),
    Outer(inner=Inner(Money(7))),
    Moneys([Money(1)]),
]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("value", WHOLE, ids=repr)
def test_a_field_of_a_class_that_pydantic_knows_comes_back_as_it_was(value, strict):
    for sent in (value, [value], {"a": value}):
        got = deserialize_value(serialize_value(sent, strict=strict))
        made = convert(got, list[type(value)] if sent.__class__ is list else dict[str, type(value)])\
            if sent is not value else convert(got, type(value))  # fmt: skip

        assert made == sent


def test_only_fields_without_an_encoding_are_written_by_the_models_serializers():
    got = deserialize_value(serialize_value(Bill(money=Money(3))))

    assert (got["money"], got["when"]) == (3, Bill(money=Money(3)).when)


def test_serializers_of_fields_and_in_hints_are_used():
    got = deserialize_value(serialize_value(Said(odd=Odd(), other=Odd())))

    assert got.fields == {"odd": {"at": dt.date(2024, 5, 6)}, "other": "an odd one"}


def test_a_pattern_travels_as_pydantic_writes_it_to_json():
    class Matching(pydantic.BaseModel):
        pattern: re.Pattern[str]

    value = Matching(pattern=re.compile("a+"))

    assert deserialize_value(serialize_value(value), Matching) == value


class Held(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    odd: Any = pydantic.Field(exclude=True)


class Kept(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    odd: Odd


class Failing(Kept):
    @pydantic.field_serializer("odd")
    def written(self, _: Any) -> Any:
        raise ValueError("no")


class Whole(Kept):
    @pydantic.model_serializer
    def written(self) -> str:
        return "x"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Kept(odd=Odd()), "$.odd"),
        (Held(odd=Odd()), "$.odd"),
        (Held(odd=[1, Odd()]), "$.odd[1]"),
        (Held(odd=Inner(Odd())), "$.odd.money"),  # type: ignore[arg-type]
        (Failing(odd=Odd()), "$.odd"),
        (Whole(odd=Odd()), "$.odd"),
        ([Kept(odd=Odd())], "$[0].odd"),
        (Said(odd=1, more=Odd()), "$.more"),
    ],
    ids=repr,
)
def test_a_field_that_nobody_can_write_is_refused_with_its_path(value, path):
    with pytest.raises(
        SerializationError, match=r"Odd has no encoding, and a field of a model"
    ) as e:
        serialize_value(value)

    assert e.value.path == path


class Secretive(pydantic.BaseModel):
    secret: pydantic.SecretStr = pydantic.SecretStr("x")
    anything: Any = None


@pytest.mark.parametrize("strict", [False, True])
def test_secrets_are_never_sent_as_their_asterisks(strict):
    for value in (Secretive(), Secretive(anything=[Odd(), pydantic.SecretStr("x")])):
        with pytest.raises(SerializationError, match="hides its value"):
            serialize_value(value, strict=strict)


class Site(pydantic.BaseModel):
    url: pydantic.HttpUrl
    any: pydantic.AnyUrl
    hosts: pydantic.PostgresDsn
    listed: list[pydantic.AnyUrl] = []


class OwnUrl(pydantic.AnyUrl):
    pass


def test_urls_travel_as_texts_and_come_back_in_models():
    site = Site.model_validate(
        {"url": "http://a/", "any": "b://c", "hosts": "postgres://a:1,b:2/c", "listed": ["d://e"]}
    )

    got = deserialize_value(serialize_value(site, strict=True))

    assert got.fields == site.model_dump(mode="json")
    assert convert(got, Site) == site


@pytest.mark.parametrize(
    "url",
    [
        pydantic.HttpUrl("http://a/"),
        OwnUrl("http://a/"),
        pydantic_core.Url("http://a/"),
        pydantic_core.MultiHostUrl("http://a,b/"),
    ],
)
def test_urls_by_themselves_travel_as_texts(url):
    got = deserialize_value(serialize_value({"a": [url]}, strict=True))

    assert got == {"a": [str(url)]}


def test_models_of_pydantic_1_are_refused_by_name():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        v1 = pytest.importorskip("pydantic.v1")
    old = type("Old", (v1.BaseModel,), {"__annotations__": {"a": int}})

    with pytest.raises(SerializationError, match="Old is a model of pydantic 1"):
        serialize_value([old(a=1)])
    with pytest.raises(SerializationError, match="Old is a model of pydantic 1"):
        convert({"a": 1}, old)


def test_the_class_of_all_models_is_no_hint():
    for given in ({"a": 1}, Record("A", {"a": 1})):
        with pytest.raises(SerializationError, match="BaseModel itself has no fields"):
            convert(given, pydantic.BaseModel)


@pydantic.dataclasses.dataclass(config=pydantic.ConfigDict(extra="allow"))
class Open:
    a: int


def test_extras_of_a_dataclass_come_back():
    value = Open(1, q=5)  # type: ignore[call-arg]

    made = deserialize_value(serialize_value(value), Open)

    assert vars(made) == vars(value) == {"a": 1, "q": 5}


def test_a_class_that_nobody_uses_any_more_goes_with_all_that_was_found_out_about_it():
    def used() -> weakref.ref[Any]:
        inner = pydantic.create_model("Inner", days=(list[dt.date], []))
        model = pydantic.create_model("Model", inner=(inner, ...), more=(list[inner], []))
        value = convert({"inner": {"days": ["2024-05-06"]}}, model)
        assert deserialize_value(serialize_value(value), model) == value
        return weakref.ref(model)

    found = [used() for _ in range(3)]
    gc.collect()

    assert [each() for each in found] == [None, None, None]


def test_a_class_that_is_rebuilt_is_looked_at_again():
    class Later(pydantic.BaseModel):
        a: int

    assert convert({"a": 1}, Later) == Later(a=1)
    Later.model_fields["a"].annotation = str
    Later.model_rebuild(force=True)

    assert convert({"a": "x"}, Later).a == "x"
    with pytest.raises(SerializationError):
        convert({"a": 1}, Later)


def test_an_object_of_a_model_that_was_used_can_be_pickled():
    value = convert({"money": 1}, Bill)

    assert pickle.loads(pickle.dumps(value)) == value


class Tables(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    frame: pd.DataFrame | None = None
    array: np.ndarray | None = None
    odd: Odd | None = None


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"frame": {"a": [1]}}, "$.frame", "want DataFrame, got dict: .* with \\$frame$"),
        ({"array": [1]}, "$.array", "want ndarray, got list: .* with \\$frame$"),
        ({"odd": 1}, "$.odd", "want Odd, got int$"),
    ],
)
def test_plain_json_for_an_object_of_a_class_says_what_is_wanted(given, path, message):
    with pytest.raises(SerializationError, match=message) as caught:
        convert(given, Tables)

    assert caught.value.path == path


def test_a_schema_that_is_not_understood_names_its_class(monkeypatch):
    class Unknown(pydantic.BaseModel):
        a: int

    schema = {"type": "model", "cls": Unknown, "schema": {"type": "of a later version"}}
    monkeypatch.setattr(Unknown, "__pydantic_core_schema__", schema)

    with pytest.raises(SerializationError, match=r"what pydantic \d.* says of .*Unknown is not"):
        convert({"a": 1}, Unknown)
