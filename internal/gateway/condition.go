package gateway

import (
	"net/http"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// condition reads If-Match or If-None-Match: one revision in quotes, or any.
func condition(r *http.Request, name string) (revision string, whichever bool, err error) {
	headers := r.Header.Values(name)
	if len(headers) == 0 {
		return "", false, nil
	}
	switch header := headers[0]; {
	case header == "*":
		return "", true, nil
	case name == "If-None-Match" || len(header) < 3 || header[0] != '"' || !strings.HasSuffix(header, `"`) || strings.Contains(header[1:len(header)-1], `"`):
		return "", false, badCondition(header, name)
	default:
		return header[1 : len(header)-1], false, nil
	}
}

func badCondition(header, name string) error {
	want := `* or one revision in quotes, as the header ETag says it`
	if name == "If-None-Match" {
		want = "*"
	}
	return tool.Errorf(tool.ValidationError, "header %s is %s: want %s", name, shownText(header), want).With("field", name)
}
