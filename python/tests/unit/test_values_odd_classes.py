"""Objects whose own code raises, ends never or says what is not so are refused with their path, at both ends."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import itertools
import re
import weakref
from collections.abc import Mapping, Sequence, Set
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pydantic
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import (
    EnumValue,
    Record,
    convert,
    deserialize_value,
    serialize_value,
    to_json,
)


class OddError(Exception):
    """Whose text cannot be had."""

    errors = ()

    def __str__(self):
        raise ZeroDivisionError

    __repr__ = __str__


def raises(*_: object, **__: object) -> Any:
    raise OddError


@dataclasses.dataclass
class Unset:
    a: int
    b: int = dataclasses.field(init=False)


@dataclasses.dataclass
class Raising:
    b: int = 0

    def __getattribute__(self, name):
        return raises() if name == "b" else object.__getattribute__(self, name)


class Model(pydantic.BaseModel):
    b: int
    y: int = 0


class OddMap(Mapping[str, int]):
    def __init__(self, keys=("a",), length=1):
        self._keys, self._length = keys, length

    def __len__(self):
        return self._length

    def __iter__(self):
        return iter(self._keys)

    def __getitem__(self, key):
        return 1


class OddItems(Sequence[int]):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return raises()


class OddSet(Set[int]):
    def __len__(self):
        return raises()

    def __iter__(self):
        return iter((1,))

    def __contains__(self, item):
        return False


class EndlessList(list[int]):
    def __iter__(self):
        return itertools.count()


class EndlessDict(dict[Any, int]):
    def __iter__(self):
        return itertools.repeat("a")


class LyingList(list[int]):
    def __iter__(self):
        return iter(())


class NoClass:
    @property
    def __class__(self):
        return raises()


class OddMeta(type):
    __name__ = property(raises)  # type: ignore[assignment]


class UnhashableMeta(type):
    __hash__ = None  # type: ignore[assignment]


class OfOddMeta(metaclass=OddMeta):
    __str__ = raises


class OfUnhashableMeta(metaclass=UnhashableMeta):
    pass


class NoText:
    __str__ = __repr__ = raises


class OddZone(dt.tzinfo):
    def utcoffset(self, _):
        return raises()


class OddExceptionError(Exception):
    def __str__(self):
        return raises()


class Changing(Mapping[str, int]):
    """Which is changed while it is read."""

    def __init__(self):
        self._held = {"a": 1, "b": 2}

    def __len__(self):
        return 2

    def __iter__(self):
        for key in self._held:
            self._held[key + "x"] = 1
            yield key

    def __getitem__(self, key):
        return self._held[key]


def released() -> memoryview:
    view = memoryview(b"a")
    view.release()
    return view


def dead() -> Any:
    return weakref.proxy(collections.UserDict(a=1))


ODD = {
    "unset field": (Unset(1), ".b"),
    "raising field": (Raising(), ".b"),
    "model_construct": (Model.model_construct(y=1), ".b"),
    "released memoryview": (released(), ""),
    "mapping that gives too much": (OddMap(("a", "b")), ""),
    "mapping that gives a key twice": (OddMap(("a", "a"), 2), ""),
    "mapping that is changed": (Changing(), ""),
    "sequence that raises": (OddItems(), ""),
    "set that raises": (OddSet(), ""),
    "list that gives less": (LyingList([1]), ""),
    "__class__ that raises": (NoClass(), ""),
    "metaclass that raises": (OfOddMeta(), ""),
    "class that is not hashable": (OfUnhashableMeta(), ""),
    "text that raises": (NoText(), ""),
    "zone that raises": (dt.datetime(2024, 5, 6, tzinfo=OddZone()), ""),
    "time of a zone that raises": (dt.time(1, tzinfo=OddZone()), ""),
    "exception that raises": (OddExceptionError(1), ""),
    "dead proxy": (dead(), ""),
    "generator": ((i for i in range(3)), ""),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("write", [serialize_value, to_json])
def test_an_object_that_cannot_be_read_is_refused_with_its_path(name, write):
    value, step = ODD[name]
    for holder, path in (
        ({"rows": [1, value]}, "$.rows[1]"),
        ({"rows": (1, {"a b": value})}, '$.rows[1]["a b"]'),
        ({"rows": [1, *["x"] * 70, value]}, "$.rows[71]"),
        (Record("R", {"f": value}), "$.f"),
        (value, "$"),
    ):
        with pytest.raises(SerializationError) as caught:
            write(holder)
        if name != "class that is not hashable":  # whose containers cannot say which it is
            assert caught.value.path == path + step


@pytest.mark.parametrize("cls", [EndlessList, EndlessDict])
def test_what_gives_items_without_an_end_is_refused(cls, monkeypatch):
    monkeypatch.setattr("grpc_tool_bridge.values.urls.MAX_ELEMENTS", 1000)
    with pytest.raises(SerializationError, match="more than 1000 elements") as caught:
        serialize_value({"rows": [cls()]})

    assert caught.value.path == "$.rows[0]"


class Appending:
    """Which makes the list that holds it longer each time that it is read."""

    def __init__(self, holder):
        self.holder = holder

    @property
    def __class__(self):
        self.holder.append(Appending(self.holder))
        return object

    def __str__(self):
        return "x"


@pytest.mark.parametrize("more", [[], ["x"] * 70])
def test_reading_a_list_that_grows_meanwhile_ends(more):
    holder: list[Any] = [*more]
    holder.append(Appending(holder))

    assert set(deserialize_value(serialize_value(holder))) == {"x"}


KEYS = [
    ({PurePosixPath("a"): 1, "a": 2}, "$[key 1]"),
    ({1: 0, range(2): 1}, "$[key 1]"),
    ({(PurePosixPath("a"),): 1, ("a",): 2}, "$[key 1]"),
    ({(1, (range(2),)): 1}, "$[key 0]"),
    ({re.compile("a"): 1, "re.compile('a')": 2}, "$[key 1]"),
    ({"in": [{(1, PurePosixPath("a")): 1, (1, "a"): 2}]}, "$.in[0][key 1]"),
    ({range(2)}, "$[0]"),
    ({(range(2),)}, "$[0]"),
    ({frozenset({range(2)})}, "$[0][0]"),
]


@pytest.mark.parametrize(("value", "path"), KEYS)
@pytest.mark.parametrize("plain", [False, True])
def test_keys_that_would_be_one_or_not_hashable_are_refused_by_their_sender(value, path, plain):
    with pytest.raises(SerializationError, match=r"is there twice|want a hashable") as caught:
        serialize_value(value, plain=plain)

    assert caught.value.path == path


@pytest.mark.parametrize("item", [PurePosixPath("a"), (PurePosixPath("a"),)])
def test_items_of_a_set_that_would_be_one_are_refused_by_their_sender(item):
    other = "a" if item == PurePosixPath("a") else ("a",)
    with pytest.raises(SerializationError, match="is there twice"):
        serialize_value({item, other})


def test_keys_that_stay_apart_are_sent():
    nan = float("nan")
    value = {PurePosixPath("a"): 1, ("a", PurePosixPath("b")): 2, frozenset({1, "x"}): 3, nan: 4}

    back = deserialize_value(serialize_value(value))

    assert list(back)[:3] == ["a", ("a", "b"), frozenset({1, "x"})]


class Missing(enum.Enum):
    A = 1

    _missing_ = classmethod(raises)  # type: ignore[assignment]


class Negative(NamedTuple):
    a: int


class Refusing(Negative):
    def __new__(cls, a):
        return raises() if a < 0 else super().__new__(cls, a)


@dataclasses.dataclass
class Post:
    a: int

    def __post_init__(self):
        raises()


@dataclasses.dataclass
class Late:
    a: int = dataclasses.field(init=False)

    def __setattr__(self, name, value):
        raises()


@dataclasses.dataclass(frozen=True)
class NoHash:
    a: int

    __hash__ = raises  # type: ignore[assignment]


class Validating(pydantic.BaseModel):
    a: int

    @pydantic.field_validator("a")
    @classmethod
    def check(cls, _):
        raises()


class Computing(pydantic.BaseModel):
    a: int

    @pydantic.computed_field
    @property
    def b(self) -> int:
        return raises()


class InstanceMeta(type):
    __instancecheck__ = raises


class Unclear(metaclass=InstanceMeta):
    pass


class OddCallError(OddExceptionError):
    def __new__(cls, *_):
        return raises()


@pytest.mark.parametrize(
    ("value", "hint", "path"),
    [
        (2, Missing, "$.rows[0]"),
        (EnumValue("Missing", "B", 2), Missing, "$.rows[0]"),
        ({"a": -1}, Refusing, "$.rows[0]"),
        ({"a": 1}, Post, "$.rows[0]"),
        ({"a": 1}, Validating, "$.rows[0]"),
        ({"a": 1, "b": 2}, Computing, "$.rows[0].b"),
        (1, Unclear, "$.rows[0]"),
        ({"message": "x"}, OddCallError, None),
    ],
)
def test_a_class_whose_code_raises_is_named_by_the_path_of_what_arrived(value, hint, path):
    sent = serialize_value({"rows": [value]})

    if path is None:  # whose constructor is not called
        assert type(deserialize_value(sent, dict[str, list[hint]])["rows"][0]) is hint
        return
    with pytest.raises(SerializationError) as caught:
        deserialize_value(sent, dict[str, list[hint]])

    assert caught.value.path == path


def test_items_and_keys_whose_hashes_cannot_be_had_are_refused():
    record = Record("NoHash", {"a": 1})
    with pytest.raises(SerializationError):
        deserialize_value(serialize_value([[record]]), list[set[NoHash]])
    with pytest.raises(SerializationError, match="want a hashable key") as caught:
        deserialize_value(serialize_value([{record: 1}]), list[dict[NoHash, int]])

    assert caught.value.path == "$[0][key 0]"


def test_a_field_that_cannot_be_set_late_is_refused_where_its_class_says_so():
    # Its own __setattr__ is not asked, as nobody asked it when the object was copied.
    assert convert({"a": 1}, Late).a == 1
