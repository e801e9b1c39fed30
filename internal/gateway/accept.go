package gateway

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	ndjsonType = "application/x-ndjson"
	eventsType = "text/event-stream"
)

// negotiate returns the type that a client likes best among those offered; the first of them where it does not mind.
func negotiate(r *http.Request, offers ...string) (string, error) {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return offers[0], nil
	}
	best, liked := "", 0.0
	for _, offer := range offers {
		if q := quality(accept, offer); q > liked {
			best, liked = offer, q
		}
	}
	if best == "" && slices.Contains(offers, ndjsonType) && quality(accept, jsonType) > 0 {
		return ndjsonType, nil // whoever takes JSON alone can read lines of it
	}
	if best == "" {
		return "", refusal(http.StatusNotAcceptable, tool.Errorf(tool.ValidationError, "the header Accept is %s: this is served as %s", shownText(accept), strings.Join(offers, ", ")).
			With("field", "Accept"))
	}
	return best, nil
}

// quality is how much a client likes a type: what the most specific of its ranges says, 0 if it does not want it.
func quality(accept, offer string) float64 {
	family, _, _ := strings.Cut(offer, "/")
	liked, specific := 0.0, 0
	for part := range strings.SplitSeq(accept, ",") {
		kind, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		how := map[string]int{"*/*": 1, family + "/*": 2, offer: 3}[kind]
		if how <= specific {
			continue
		}
		specific, liked = how, 1
		if q, err := strconv.ParseFloat(parameters["q"], 64); err == nil {
			liked = q
		}
	}
	return liked
}
