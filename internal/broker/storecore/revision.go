package storecore

import (
	"strconv"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// Generation names one life of a store's data. Revisions of one generation are ordered; those of different ones have
// nothing to do with each other, so that a token survives backup and restore without being misread.
type Generation string

// generationBytes is the length of every Generation; generations are printable and hold no dot.
const generationBytes = 8

// Token returns the opaque token of a revision.
func (g Generation) Token(revision int64) string {
	return string(g) + "." + strconv.FormatInt(revision, 36)
}

// Parse returns the revision of a token, or same = false if it is of another generation. A string that is no token is
// ValidationError.
func (g Generation) Parse(token string) (revision int64, same bool, err error) {
	generation, number, found := strings.Cut(token, ".")
	revision, bad := strconv.ParseInt(number, 36, 64)
	if !found || len(generation) != generationBytes || bad != nil || revision < 0 {
		return 0, false, tool.Errorf(tool.ValidationError, "revision %.64q is not a token of this bridge: send back a revision as it was received, or none", token).With("revision", token)
	}
	return revision, generation == string(g), nil
}

// NewGeneration makes a generation of random bits.
func NewGeneration(random uint64) Generation {
	const digits = "0123456789abcdefghijklmnopqrstuv"
	var name [generationBytes]byte
	for i := range name {
		name[i] = digits[random&31]
		random >>= 5
	}
	return Generation(name[:])
}
