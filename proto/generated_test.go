// Package proto_test checks that what is generated from the protocol is
// committed together with it.
package proto_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sumFile lists, in the form of sha256sum, what went into the last generation
// and what came out of it, and the versions of the plugins.
const sumFile = "proto/generated.sum"

var update = flag.Bool("update", false, "write "+sumFile+" instead of checking it; `make generate` does")

func TestGeneratedCodeIsThatOfTheCommittedProtocol(t *testing.T) {
	t.Chdir("..")

	// given what the last `make generate` saw and wrote
	current := generatedSum(t)
	if *update {
		require.NoError(t, os.WriteFile(sumFile, []byte(current), 0o644))
	}
	recorded, err := os.ReadFile(sumFile)
	require.NoError(t, err)

	// then the protocol, the plugins and the generated files are still the same
	require.Equal(t, string(recorded), current,
		"generated code is stale or was edited by hand: run `make generate` and commit what it writes")
}

func generatedSum(t *testing.T) string {
	t.Helper()
	var sum strings.Builder
	for _, path := range generatedFiles(t) {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		fmt.Fprintf(&sum, "%x  %s\n", sha256.Sum256(content), filepath.ToSlash(path))
	}
	fmt.Fprintf(&sum, "protoc-gen-go %s\n", moduleVersion(t, "go.mod", "google.golang.org/protobuf"))
	fmt.Fprintf(&sum, "protoc-gen-go-grpc %s\n",
		moduleVersion(t, "tools/go.mod", "google.golang.org/grpc/cmd/protoc-gen-go-grpc"))
	return sum.String()
}

// generatedFiles lists the protocol, the settings of its generation and what
// comes out of it, sorted.
func generatedFiles(t *testing.T) []string {
	t.Helper()
	files := []string{"buf.gen.yaml", "python/constraints/generate.txt"}
	for _, pattern := range []string{"proto/*.proto", "gen/*.pb.go", "python/src/*_pb2*.py*"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, "nothing generated at %s: run `make generate`", pattern)
		files = append(files, found...)
	}
	slices.Sort(files)
	return files
}

// moduleVersion is the version at which a go.mod file requires a module.
func moduleVersion(t *testing.T, modFile, module string) string {
	t.Helper()
	content, err := os.ReadFile(modFile)
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(module) + ` (v\S+)`)
	found := line.FindSubmatch(content)
	require.NotNil(t, found, "%s does not require %s", modFile, module)
	return string(found[1])
}
