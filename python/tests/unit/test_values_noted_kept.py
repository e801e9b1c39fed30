"""What is found out about a hint with notes: kept with the hint, and not beyond it."""

from __future__ import annotations

import gc
import typing
import weakref
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, Field, HttpUrl

from grpc_tool_bridge.values import convert
from grpc_tool_bridge.values.noted import noted_of


def _forget_hints() -> None:
    """Python keeps the hints that were made last."""
    for clean in typing._cleanups:  # type: ignore[attr-defined]
        clean()
    gc.collect()


def test_a_class_in_a_hint_with_notes_goes_with_the_hint() -> None:
    class Local(BaseModel):
        n: int

    hint: Any = Annotated[Local, AfterValidator(lambda made: made)]
    assert convert({"n": 1}, hint) == Local(n=1)
    kept = weakref.ref(Local)

    del Local, hint
    _forget_hints()

    assert kept() is None


@pytest.mark.parametrize(
    "hint", [Annotated[int, Field(gt=0)], HttpUrl, typing.NewType("Address", HttpUrl)]
)
def test_pydantic_reads_a_hint_once(hint: Any) -> None:
    first = noted_of(hint)

    assert first is not None
    assert noted_of(hint) is first
