"""Fixtures for pytest; the package is a plugin of it."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MockLLM", "mock_llm", "temp_workspace"]


class MockLLM:
    """A language model with three answers, chosen by words of the prompt."""

    async def generate(self, prompt: str, **kwargs: Any) -> str:
        """Answers a prompt, always the same to the same."""
        lowered = prompt.lower()
        if "calculate" in lowered:
            return "I need to calculate 2 + 2. Let me use the calculator tool."
        if "search" in lowered:
            return "I'll search for that information."
        return "Based on the information provided, the answer is 42."


@pytest.fixture
def temp_workspace() -> Iterator[str]:
    """The path of an empty folder that is gone after the test."""
    with tempfile.TemporaryDirectory() as workspace:
        yield workspace


@pytest.fixture
def mock_llm() -> type[MockLLM]:
    """The class of a language model with fixed answers, for tests of agents."""
    return MockLLM
