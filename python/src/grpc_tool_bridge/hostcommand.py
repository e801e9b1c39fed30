"""The command ``python -m grpc_tool_bridge.worker``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from .connection import CONNECT_TIMEOUT
from .errors import ToolBridgeError
from .hosting import is_tool
from .loops import run_program
from .worker import Worker, some_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

__all__ = ["main"]

DEFAULT_PORT = 50051


class UsageError(Exception):
    """What the command line asks for cannot be done."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0 stopped, 1 failed, 2 wrong arguments."""
    options = _parser().parse_args(arguments)
    try:
        worker = _worker(options, _tools(options))
    except UsageError as error:
        return _complain(str(error), 2)

    def started() -> None:
        _say(
            f"worker: attached to the bridge at {options.bridge}, offering {some_of(worker.tools)}"
        )

    try:
        run_program(worker.run_async(started))
    except ToolBridgeError as error:
        return _complain(str(error), 1)
    _say("worker: stopped")
    return 0


def _worker(options: argparse.Namespace, tools: list[Any]) -> Worker:
    try:
        return Worker(
            options.bridge,
            tools,
            options.session,
            max_concurrency=options.max_concurrency,
            name=options.name,
            connect_timeout=options.connect_timeout,
            tracer_provider=_tracer_provider() if options.trace else None,
        )
    except (ImportError, TypeError, ValueError) as error:  # what they cannot be offered for
        raise UsageError(str(error)) from error


def _tracer_provider() -> Any:
    try:
        return importlib.import_module("opentelemetry.trace").get_tracer_provider()
    except ImportError as error:
        raise UsageError(
            f'--trace needs the extra "otel": pip install "grpc_tool_bridge[otel]" ({error})'
        ) from error


def _default_address() -> str:
    """Where the command line of the bridge looks for one, too; GRPC_ADDR stands before it."""
    for name in ("GRPC_ADDR", "TOOLBRIDGE_ADDR", "ELIXIR_GRPC_ADDR"):
        if address := os.environ.get(name):
            return address
    return f"localhost:{os.environ.get('GRPC_PORT') or DEFAULT_PORT}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m grpc_tool_bridge.worker",
        description="Hosts the tools of Python modules, agents, or both, at a bridge.",
    )
    parser.add_argument(
        "modules",
        nargs="*",
        metavar="MODULE[:OBJECT]",
        help="offer the functions marked by @tool in this module or file, such as tools.py, or this one "
        "function or list",
    )
    parser.add_argument(
        "--bridge",
        default=_default_address(),
        metavar="ADDR",
        help="the bridge (default: GRPC_ADDR, TOOLBRIDGE_ADDR or ELIXIR_GRPC_ADDR in the environment, "
        f"or the port GRPC_PORT or {DEFAULT_PORT} of this host)",
    )
    parser.add_argument(
        "--agents", action="store_true", help="host agents (needs the extra: agents)"
    )
    parser.add_argument("--model", metavar="NAME", help="the agents' model, such as openai/gpt-5")
    parser.add_argument("--session", metavar="ID", help="offer the tools to this session only")
    parser.add_argument("--name", default="", help="what the bridge calls this worker")
    parser.add_argument(
        "--max-concurrency", type=int, default=0, metavar="N", help="calls that run at once"
    )
    parser.add_argument(
        "--connect-timeout",
        type=float,
        default=CONNECT_TIMEOUT,
        metavar="S",
        help=f"seconds to wait for the bridge (default: {CONNECT_TIMEOUT:g})",
    )
    parser.add_argument(
        "--trace",
        action="store_true",
        help="record calls as spans with the process's own tracer provider, which "
        "`opentelemetry-instrument` sets up from the environment (needs the extra: otel)",
    )
    return parser


def _tools(options: argparse.Namespace) -> list[Any]:
    if not options.modules and not options.agents:
        raise UsageError("nothing to host: name a module with @tool functions, or give --agents")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as `python -m` does for the module it runs
    tools: list[Any] = []
    for target in options.modules:
        tools.extend(_load(target))
    if options.agents:
        tools.append(_agent_tool(options.model))
    return tools


def _agent_tool(model: str | None) -> Any:
    try:
        agents = importlib.import_module("grpc_tool_bridge.agents")
        return agents.agent_tool(model=model)
    except ImportError as error:
        raise UsageError(
            f'agents need the extra "agents": pip install "grpc_tool_bridge[agents]" ({error})'
        ) from error


def _parts(target: str) -> tuple[str, str]:
    """What stands before the colon, which is none of a path on Windows, and behind it."""
    name, colon, attribute = target.rpartition(":")
    is_object = colon and not any(slash in attribute for slash in "/\\") and len(name) > 1
    return (name, attribute) if is_object else (target, "")


def _module(name: str) -> ModuleType:
    if name.endswith(".py"):
        return _of_file(pathlib.Path(name))
    return importlib.import_module(name)


def _of_file(file: pathlib.Path) -> ModuleType:
    """The module in a file, with its folder the first where others are looked for, as where Python runs it."""
    if not file.is_file():
        raise UsageError(f"there is no file {str(file)!r} (looked in {pathlib.Path.cwd()})")
    path = file.resolve()
    known = sys.modules.get(path.stem)
    if known is not None and known.__file__ == str(path):
        return known
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if known is not None or spec is None or spec.loader is None:
        raise UsageError(f"{str(file)!r} is called as the module {path.stem!r}: rename it")
    sys.path.insert(0, str(path.parent))
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _load(target: str) -> list[Any]:
    name, attribute = _parts(target)
    try:
        module = _module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(f"module {name!r} needs {error.name!r}, which is not there") from error
        raise UsageError(f"there is no module {name!r} (looked in {os.getcwd()})") from error  # noqa: PTH109
    name = module.__name__
    if not attribute:
        found = [
            value
            for value in vars(module).values()
            if is_tool(value)
            and getattr(value, "__module__", name) in {name, value.__class__.__module__}
        ]
        if not found:
            raise UsageError(f"module {name!r} has no function marked by @tool")
        return found
    value: Any = module
    for part in attribute.split("."):
        value = getattr(value, part, None)
        if value is None:
            raise UsageError(f"module {name!r} has no {attribute!r}")
    if isinstance(value, (list, tuple)):
        return list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if not callable(value):
        raise UsageError(f"{target} is a {type(value).__name__}: want a function or a list of them")
    return [value]


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _complain(text: str, code: int) -> int:
    _say(f"worker: {text}")
    return code
