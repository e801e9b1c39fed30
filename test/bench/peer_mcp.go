package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// mcpEcho is the echo tool of the MCP Go SDK.
type mcpEcho struct {
	Text string `json:"text" jsonschema:"the text to return"`
}

// serveMCP serves an echo tool with the MCP Go SDK over streamable HTTP, with its defaults.
func serveMCP(ctx context.Context, out io.Writer) error {
	server := mcp.NewServer(&mcp.Implementation{Name: "bench", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "echo", Description: "Returns the text."},
		func(_ context.Context, _ *mcp.CallToolRequest, in mcpEcho) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: in.Text}}}, nil, nil
		})
	return serveHTTP(ctx, out, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil))
}

// mcpGo is the MCP Go SDK's server in a process of its own and its client in this one.
type mcpGo struct {
	server *process
	caller caller
}

// startMCPGo connects one client session, which all callers share, as those of the bridge do; nil where that fails.
func startMCPGo(ctx context.Context, s *stage) *mcpGo {
	var started mcpGo
	if !s.try("the MCP Go SDK", func() {
		started.server = s.part(ctx, "mcp")
		if s.err == nil {
			started.caller, s.err = connectMCP(ctx, s, started.server)
		}
	}) {
		return nil
	}
	return &started
}

func connectMCP(ctx context.Context, s *stage, server *process) (caller, error) {
	client := mcp.NewClient(&mcp.Implementation{Name: "bench", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: "http://" + server.address}, nil)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() error { _ = session.Close(); return nil }) // its server has ended
	return callMCP(session), nil
}

// callMCP calls the echo tool.
func callMCP(session *mcp.ClientSession) caller {
	text := payload()
	return simple(func(ctx context.Context) error {
		answer, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": text}})
		if err != nil {
			return err
		}
		if len(answer.Content) != 1 {
			return fmt.Errorf("an echo answered %d contents: want 1", len(answer.Content))
		}
		content, ok := answer.Content[0].(*mcp.TextContent)
		if !ok {
			return fmt.Errorf("an echo answered a %T: want text", answer.Content[0])
		}
		return same(content.Text)
	})
}

// serveHTTP serves on a port that the kernel chooses, with the defaults of net/http.
func serveHTTP(ctx context.Context, out io.Writer, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: patient}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := ready(out, listener.Addr().String()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
