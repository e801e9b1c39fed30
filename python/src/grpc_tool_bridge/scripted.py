"""A language model that follows rules instead of weights, for agents without a key or a network.

It understands the prompts of DSPy's chat adapter and decides by the question alone:

* a question that asks to search (or "look up", "find") leads to ``search_web``;
* an arithmetic expression in the question leads to ``calculate``;
* anything else leads to ``search_web``, or to the first tool where there is none of that name;
* when every tool that the question asks for has answered, or one has failed, it finishes; the answer is
  the last observation.

Nothing is canned: what it answers comes from the tools that it called.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

try:
    import dspy as _dspy
    from dspy.lm15 import Message, Response, TextPart, Usage
except ImportError as missing:
    raise ImportError(
        "agents need DSPy, which is not installed: pip install 'grpc_tool_bridge[agents]'"
    ) from missing

__all__ = ["ScriptedLM", "dspy"]

dspy: Any = _dspy
"""The library, whose classes have no complete types."""

_FIELD = re.compile(r"^\[\[ ## (\w+) ## \]\]$", re.MULTILINE)
_WANTED = re.compile(r"`\[\[ ## (\w+) ## \]\]`")
_TOOL = re.compile(
    r"^\s*\(\d+\) (\S+?)(?:, whose description is .*)?\.? It takes arguments (\{.*\})\.\s*$",
    re.MULTILINE,
)
_EXPRESSION = re.compile(r"(?<![\w.])[(\-]*\d[\d.\s()+\-*/%^]*[+\-*/%^][\d.\s()+\-*/%^]*[\d)]")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_SEARCH = re.compile(r"\b(search|look up|find)\b", re.IGNORECASE)
_OBSERVATION = re.compile(r"^observation_(\d+)$")


class ScriptedLM(_dspy.LM):
    """A DSPy language model that follows the rules of this module. It needs no key and no network."""

    def __init__(self) -> None:
        engine = _Engine()
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            "scripted/rules",
            engine=engine,
            async_engine=_AsyncEngine(engine),
            cache=False,
            num_retries=0,
        )


class _Engine:
    """DSPy's engine interface: a request in, a response out."""

    def complete(self, request: Any) -> Any:
        text = answer(_system_text(request.system), request.messages[-1].text or "")
        return Response(
            id=None,
            model="scripted/rules",
            message=Message.assistant([TextPart(text)]),
            finish_reason="stop",
            usage=Usage(input_tokens=0, output_tokens=0, total_tokens=0),
        )

    def close(self) -> None:
        """Holds nothing."""


class _AsyncEngine:
    def __init__(self, engine: _Engine) -> None:
        self._engine = engine

    async def complete(self, request: Any) -> Any:
        return self._engine.complete(request)

    async def aclose(self) -> None:
        """Holds nothing."""


def _system_text(system: Any) -> str:
    if system is None or isinstance(system, str):
        return system or ""
    return "".join(part.text for part in system)


def answer(system: str, prompt: str) -> str:
    """Return the text that answers a prompt of DSPy's chat adapter.

    ``system`` is the system message, which lists the tools; ``prompt`` the last user message, which holds the fields.
    """
    fields = _fields(prompt)
    wanted = [name for name in _WANTED.findall(prompt) if name != "completed"]
    observations = [value for name, value in fields.items() if _OBSERVATION.match(name)]
    if "next_tool_name" in wanted:
        values = _next_step(_question(fields), _tools(system), observations)
    else:
        values = {name: _final(observations, fields) for name in wanted}
        if "reasoning" in values:
            values["reasoning"] = (
                "The last observation answers the question."
                if observations
                else "Nothing was observed."
            )
    return "\n\n".join(
        f"[[ ## {name} ## ]]\n{values.get(name, '')}" for name in [*wanted, "completed"]
    )


def _fields(prompt: str) -> dict[str, str]:
    parts = _FIELD.split(
        prompt.split("\n\nRespond with the corresponding output fields", maxsplit=1)[0]
    )
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def _question(fields: dict[str, str]) -> str:
    inputs: list[str] = []
    for name, text in fields.items():
        if name == "trajectory":
            break
        inputs.append(text)
    return "\n".join(inputs)


def _tools(system: str) -> dict[str, list[str]]:
    """Return the tools that the system message lists, each with the names of its arguments, required ones first."""
    tools: dict[str, list[str]] = {}
    for name, arguments in _TOOL.findall(system):
        try:
            schema: dict[str, Any] = ast.literal_eval(arguments)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            schema = {}
        tools[name] = sorted(
            schema, key=lambda key: not {"default", "x-optional"}.isdisjoint(schema[key])
        )
    return tools


def _next_step(
    question: str, tools: dict[str, list[str]], observations: list[str]
) -> dict[str, str]:
    plan = _plan(question, tools)
    failed = bool(observations) and observations[-1].startswith(
        ("Execution error", "The tool failed")
    )
    if failed or len(observations) >= len(plan):
        thought = (
            "The tool failed, so I cannot find out more."
            if failed
            else "I have what I need to answer."
        )
        return {"next_thought": thought, "next_tool_name": "finish", "next_tool_args": "{}"}
    name, text, thought = plan[len(observations)]
    arguments = {tools[name][0]: text} if tools[name] else {}
    return {
        "next_thought": thought,
        "next_tool_name": name,
        "next_tool_args": json.dumps(arguments),
    }


def _plan(question: str, tools: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    """Return the steps that a question asks for: the tool, the text that it gets, and why."""
    expression = _EXPRESSION.search(_DATE.sub(" ", question))
    steps: list[tuple[str, str, str]] = []
    if "search_web" in tools and (
        _SEARCH.search(question) or not (expression and "calculate" in tools)
    ):
        text = (
            question.replace(expression.group(), "")
            if expression and "calculate" in tools
            else question
        )
        steps.append(("search_web", text.strip(), "I need to search for this."))
    if expression and "calculate" in tools:
        steps.append(
            (
                "calculate",
                expression.group().strip(),
                f"I need to calculate {expression.group().strip()}.",
            )
        )
    others = [name for name in tools if name != "finish"]
    if not steps and others:
        steps.append((others[0], question, f"The tool {others[0]} may know this."))
    return steps


def _final(observations: list[str], fields: dict[str, str]) -> str:
    seen = [text for text in observations if text != "Completed."]
    return seen[-1].removeprefix("«").removesuffix("»") if seen else _question(fields)
