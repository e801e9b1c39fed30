"""An MCP server over standard input and output, whose one tool gives back what it is given."""

from typing import Any

from mcp.server import MCPServer

server = MCPServer("echo")


@server.tool()
def echo(value: Any) -> dict[str, Any]:
    """Give back the value."""
    return {"value": value}


if __name__ == "__main__":
    server.run()
