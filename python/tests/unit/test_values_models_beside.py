"""What comes beside the fields of which an object is made: computed fields, and those that no constructor takes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import json
from typing import Any

import pydantic
import pydantic.dataclasses
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import Record, convert, deserialize_value, serialize_value


class Part(pydantic.BaseModel):
    part_no: int = pydantic.Field(1, alias="partNo")


COMPUTED: list[tuple[Any, list[Any], list[Any]]] = [
    (2.0, [2, 2.0, decimal.Decimal(2)], [7, 7.0, "x", "2.0", None, True, [2]]),
    (float("nan"), [float("nan")], [0]),
    (True, [True], [1, "true", None]),
    ("a", ["a"], ["b", None, ["a"]]),
    (None, [None], [0, ""]),
    ([1, 2.5], [[1, 2.5], (1.0, 2.5)], [[1], [2.5, 1], [], None]),
    ({1, 2}, [[1, 2], [2, 1], {2, 1}], [[1], [1, 1], [1, 3]]),
    ({"a": [1]}, [{"a": [1.0]}], [{}, {"a": [2]}, {"b": [1]}]),
    (dt.date(2024, 1, 2), ["2024-01-02", dt.date(2024, 1, 2)], ["2023-01-02", "x", 1]),
    (
        dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc),
        ["2024-01-02T00:00:00Z", "2024-01-02T00:00:00+00:00"],
        ["2024-01-03T00:00:00Z", "2024-01-02"],
    ),
    (decimal.Decimal("1.10"), ["1.10", "1.1", 1.1, decimal.Decimal("1.1")], ["1.2", 1]),
    (
        Part(partNo=2),
        [{"part_no": 2}, {"partNo": 2}, Part(partNo=2)],
        [{"part_no": 3}, {}, None, Part(partNo=3)],
    ),
]
"""What a field computes, what may come for it and what not."""


def computing(result: Any, **config: Any) -> Any:
    class Computing(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(**config)
        a: int

        @pydantic.computed_field
        @property
        def made(self) -> Any:
            return result

    return Computing


def _sent(item: Any, way: str) -> Any:
    fields = {"a": 1, "made": item}
    if way == "record":
        return Record("Computing", fields)
    return deserialize_value(serialize_value(fields))


@pytest.mark.parametrize("way", ["dict", "record"])
@pytest.mark.parametrize("extra", [None, "allow", "ignore", "forbid"])
@pytest.mark.parametrize(
    ("own", "item"), [(own, item) for own, items, _ in COMPUTED for item in items], ids=str
)
def test_what_came_for_a_computed_field_is_dropped_if_it_is_what_is_computed(own, item, extra, way):
    model = computing(own, **({"extra": extra} if extra else {}))

    made = convert(_sent(item, way), model)

    assert (made.a, made.model_extra) == (1, {} if extra == "allow" else None)
    assert made.model_fields_set == {"a"}


@pytest.mark.parametrize("way", ["dict", "record"])
@pytest.mark.parametrize("extra", [None, "allow", "ignore", "forbid"])
@pytest.mark.parametrize(
    ("own", "item"), [(own, item) for own, _, items in COMPUTED for item in items], ids=str
)
def test_what_is_not_as_it_is_computed_is_refused(own, item, extra, way):
    model = computing(own, **({"extra": extra} if extra else {}))

    with pytest.raises(SerializationError, match="as it is computed, got") as caught:
        convert(_sent(item, way), model)

    assert caught.value.path == "$.made"


class Seen(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    a: int
    labels: dict[str, Any] = {}

    @pydantic.computed_field(alias="doubleOf")
    @property
    def dbl(self) -> int:
        return self.a * 2

    def model_post_init(self, context: Any) -> None:
        self.labels = dict(self.model_extra or {})


@pytest.mark.parametrize("name", ["dbl", "doubleOf"])
def test_no_code_of_a_class_sees_what_came_for_its_computed_fields(name):
    made = convert({"a": 1, "q": "z", name: 2}, Seen)

    assert (made.labels, made.model_extra) == ({"q": "z"}, {"q": "z"})


class Typed(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]
    a: int

    @pydantic.computed_field
    @property
    def text(self) -> str:
        return "x"


def test_the_hint_of_extras_is_not_that_of_computed_fields():
    assert convert({"a": 1, "text": "x", "b": 2}, Typed).model_extra == {"b": 2}


class Sorted(pydantic.BaseModel):
    items: list[int]

    @pydantic.computed_field
    @property
    def first(self) -> int:
        return self.items[0]

    @pydantic.model_validator(mode="after")
    def sort(self) -> Sorted:
        return self.model_copy(update={"items": sorted(self.items)})


class Outer(pydantic.BaseModel):
    part: Sorted
    more: dict[str, Sorted | int] = {}


def test_a_computed_field_is_compared_once_all_validators_have_seen_the_object():
    made = convert({"part": {"items": [2, 1], "first": 1}}, Outer)

    assert made.part.items == [1, 2]
    with pytest.raises(SerializationError, match="want 1 as it is computed, got 2") as caught:
        convert({"part": {"items": [1]}, "more": {"a": {"items": [2, 1], "first": 2}}}, Outer)
    assert caught.value.path == "$.more.a.first"


class Node(pydantic.BaseModel):
    value: int
    parts: list[Node] = []

    @pydantic.computed_field
    @property
    def total(self) -> int:
        return self.value + sum(part.total for part in self.parts)


def test_a_tree_of_computed_fields_takes_its_own_dump_and_names_what_is_wrong():
    tree = Node(value=1, parts=[Node(value=2, parts=[Node(value=3)]), Node(value=4)])
    dump = json.loads(tree.model_dump_json())

    assert convert(dump, Node) == tree
    dump["parts"][0]["parts"][0]["total"] = 9
    with pytest.raises(SerializationError) as caught:
        convert(dump, Node)
    assert caught.value.path == "$.parts[0].parts[0].total"


@dataclasses.dataclass
class Late:
    a: int
    twice: int = dataclasses.field(default=0, init=False)
    unset: int = dataclasses.field(init=False)
    listed: list[int] = dataclasses.field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.twice = self.a * 2
        self.unset = 7


@pydantic.dataclasses.dataclass
class Checked:
    a: int
    late: int = pydantic.Field(default=1, init=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Small:
    a: int
    late: int = dataclasses.field(default=1, init=False)


class Holder(pydantic.BaseModel):
    late: Late
    checked: list[Checked] = []
    small: Small | None = None


def test_fields_that_no_constructor_takes_come_back_as_they_were_or_are_made_anew():
    made = convert({"late": {"a": 1}}, Holder)
    assert (made.late.twice, made.late.unset, made.late.listed) == (2, 7, [])
    made.late.twice, made.late.listed = 5, [9]
    made.checked, made.small = [Checked(1)], Small(3)
    made.checked[0].late = 8

    assert convert(json.loads(made.model_dump_json()), Holder) == made
    assert deserialize_value(serialize_value(made), Holder) == made
    with pytest.raises(SerializationError) as caught:
        convert({"late": {"a": 1}, "checked": [{"a": 1, "late": "x"}]}, Holder)
    assert caught.value.path == "$.checked[0].late"


@pytest.mark.parametrize("given", [{"a": 1, "late": 5}, Record("Checked", {"a": 1, "late": 5})])
def test_a_dataclass_of_pydantics_takes_them_too(given):
    assert convert(given, Checked).late == 5
    with pytest.raises(SerializationError, match="too many"):
        convert({"a": 1, "typo": 5}, Checked)


class Line(pydantic.BaseModel):
    amount: float
    ids: set[int] = set()
    when: dt.date | None = None
    parts: list[Line] = []


def returning(change: Any, mode: str = "before", **config: Any) -> Any:
    """A model with a field whose validator changes what it is given before pydantic reads it."""
    if mode == "before":
        validator: Any = pydantic.field_validator("inner", mode="before")(
            classmethod(lambda cls, given: change(given))
        )
    else:
        validator = pydantic.field_validator("inner", mode="wrap")(
            classmethod(lambda cls, given, made: made(change(given)))
        )
    return pydantic.create_model(
        "Returning",
        __config__=pydantic.ConfigDict(**config),
        __validators__={"change": validator},
        inner=(Line, ...),
    )


LOSSES: list[tuple[dict[str, Any], str]] = [
    ({"amount": 1, "zz": 1}, "$.inner.zz"),
    ({"amount": 2**53 + 1}, "$.inner.amount"),
    ({"amount": 1, "ids": [1, 1]}, "$.inner.ids"),
    ({"amount": 1, "parts": [{"amount": 1, "parts": [{"amount": 1, "zz": 1}]}]}, "$.inner.parts[0].parts[0].zz"),
]  # fmt: skip


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("mode", ["before", "wrap"])
@pytest.mark.parametrize(("inner", "path"), LOSSES, ids=str)
def test_what_a_validator_returns_is_not_lost_either(inner, path, mode, strict):
    for given in ({"inner": inner}, Record("Returning", {"inner": inner})):
        with pytest.raises(SerializationError) as caught:
            convert(given, returning(lambda given: given, mode, strict=strict))

        assert caught.value.path.startswith(path)


@pytest.mark.parametrize("mode", ["before", "wrap"])
def test_a_validator_may_take_away_what_pydantic_does_not_know(mode):
    def renamed(given: Any) -> Any:
        rest = {name: item for name, item in given.items() if name != "price"}
        return {**rest, "amount": given.get("price", given.get("amount"))}

    made = convert(
        {"inner": {"price": 1.5, "ids": [1], "when": "2024-05-06"}}, returning(renamed, mode)
    )

    assert made.inner == Line(amount=1.5, ids={1}, when=dt.date(2024, 5, 6))


class Tagged(pydantic.BaseModel):
    tags: set[str]
    more: set[str] | None = None

    @pydantic.field_validator("tags", "more", mode="before")
    @classmethod
    def split(cls, given: Any) -> Any:
        return given.split(",") if isinstance(given, str) else given


def test_a_set_is_made_of_a_list_that_a_validator_returns():
    assert convert({"tags": "a,b,a", "more": "a,a"}, Tagged) == Tagged(tags={"a", "b"}, more={"a"})


class Legacy(pydantic.BaseModel):
    line: Line

    @pydantic.model_validator(mode="before")
    @classmethod
    def rename(cls, given: Any) -> Any:
        return {**given, "line": given["row"]} if "row" in given else given


def test_a_validator_of_a_whole_model_decides_which_fields_there_may_be_of_it_alone():
    assert convert({"row": {"amount": 1}}, Legacy).line == Line(amount=1)
    with pytest.raises(SerializationError, match="'zz' too many"):
        convert({"line": {"amount": 1, "zz": 1}}, Legacy)


def test_large_computed_sets_are_compared_in_proportion():
    class Tagged(pydantic.BaseModel):
        tags: list[str]

        @pydantic.computed_field
        def distinct(self) -> set[str]:
            return set(self.tags)

    tags = [f"t{i}" for i in range(30_000)]
    sent = {"tags": tags, "distinct": tags[::-1]}
    assert convert(sent, Tagged) == Tagged(tags=tags)
    with pytest.raises(SerializationError, match="as it is computed"):
        convert({**sent, "distinct": [*tags[1:], "x"]}, Tagged)
