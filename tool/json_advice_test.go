package tool_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

func TestWhoSendsPlainJSONForAValueWithAFormOfItsOwnIsToldTheForm(t *testing.T) {
	t.Parallel()
	for _, advice := range readFitting(t).Advice {
		require.Equal(t, advice.Says, tool.JSONAdvice(advice.Path, advice.Want, advice.Got), "%s, got %s", advice.Want, advice.Got)
	}
}
