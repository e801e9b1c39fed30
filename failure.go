package toolbridge

import (
	"errors"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// reworded puts words before an error's message; its code and details stay.
func reworded(err error, words string) *tool.Error {
	var known *tool.Error
	if !errors.As(err, &known) {
		return tool.Errorf(tool.Internal, "%s: %w", words, err)
	}
	changed := *known
	changed.Message = words + ": " + known.Message
	return &changed
}
