"""Unions of lists and dicts of leaves: what is taken at a look is what trying each member gives."""

from __future__ import annotations

import itertools
import sys
import typing
from typing import Annotated, Any, Union

import pydantic
import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import convert
from grpc_tool_bridge.values.convert import _fit_union, fit  # pyright: ignore[reportPrivateUsage]
from grpc_tool_bridge.values.leafunions import is_of_leaves

LEAVES = [None, True, 1, 1.0, "a", b"a"]
VALUES: list[Any] = [
    *LEAVES,
    [],
    {},
    (1,),
    [[1]],
    *([leaf] for leaf in LEAVES),
    *([one, other] for one, other in itertools.combinations([True, 1, 1.0, "a"], 2)),
    *({leaf: leaf} for leaf in LEAVES),
    *({"k": leaf} for leaf in LEAVES),
    {"a": 1, "b": "c"},
]
HINTS: list[Any] = [bool, int, float, str, type(None)]
MEMBERS = [
    *HINTS,
    *(list[each] for each in HINTS),
    *(dict[str, each] for each in HINTS),
    dict[int, int],
    dict[bool, float],
]


def outcome(value: Any, members: tuple[Any, ...]) -> tuple[str, str]:
    try:
        made = _fit_union(value, members, fit)
    except Exception as error:  # noqa: BLE001 - what is wrong with it is compared too
        return "", str(error)
    return type(made).__name__, repr(made)


def test_every_union_of_two_takes_what_it_takes_when_each_member_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unions = list(itertools.permutations(MEMBERS, 2))
    looked_at = [[outcome(value, union) for value in VALUES] for union in unions]
    assert sum(is_of_leaves(value, union) for union in unions for value in VALUES) > 500

    monkeypatch.setattr(sys.modules[fit.__module__], "is_of_leaves", lambda *_: False)

    for union, seen in zip(unions, looked_at, strict=True):
        assert [outcome(value, union) for value in VALUES] == seen, union


@pytest.mark.parametrize(
    "hint",
    [
        list[str] | list[int],
        Union[typing.List[int], typing.List[str]],  # noqa: UP006, UP007 - as some write it
        list[int] | dict[str, int] | None,
    ],
    ids=str,
)
def test_what_is_taken_at_a_look_is_made_anew(hint: Any) -> None:
    given = [[1, 2], [1, 2]]

    made = convert(given, list[hint])

    assert made == given
    assert all(is_of_leaves(item, typing.get_args(hint)) for item in given)
    assert all(new is not old for new, old in zip(made, given, strict=True))


@pytest.mark.parametrize(
    "members",
    [
        (list[int], list[Annotated[int, pydantic.Field(gt=5)]]),
        (Annotated[list[int], pydantic.Field(max_length=1)], list[int]),
        (list[int], list[list[int]]),
        (list[int], list[Any]),
        (list[int], set[int]),
        (list[int], list),
        (list[int], typing.List),  # noqa: UP006 - as some write it
        (list[int], "list[int]"),
    ],
    ids=str,
)
def test_members_that_say_more_are_tried(members: tuple[Any, ...]) -> None:
    assert not is_of_leaves([1], members)


def test_what_no_member_holds_is_refused_by_its_path() -> None:
    with pytest.raises(SerializationError) as caught:
        convert([[1], [1, "a"]], list[list[int] | list[str]])

    assert caught.value.path.startswith("$[1]")
