// Package testkit shows how a team tests its own tools: slug.go holds the tools, slug_test.go tests them.
package testkit

import (
	"context"
	"errors"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge"
)

// Offer adds this package's tools to a worker.
func Offer(w *toolbridge.Worker) {
	toolbridge.AddTool(w, "slug", slug, toolbridge.Argument("text"), toolbridge.IsIdempotent())
	toolbridge.AddStreamingTool(w, "words", words, toolbridge.Argument("text"))
}

func slug(_ context.Context, text string) (string, error) {
	if text == "" {
		return "", errors.New("nothing to make a slug of")
	}
	return strings.Join(strings.Fields(strings.ToLower(text)), "-"), nil
}

func words(_ context.Context, text string, yield func(string) error) error {
	for _, word := range strings.Fields(text) {
		if err := yield(word); err != nil {
			return err
		}
	}
	return nil
}
