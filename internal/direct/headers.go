package direct

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// fields are the headers of a message by their names; of a name that stands twice the last one counts.
type fields map[string]string

// appendHeaders appends a frame of headers, given by name and value in turn.
func appendHeaders(b []byte, flags uint8, pairs ...string) []byte {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	enc.SetMaxDynamicTableSize(0) // the other side may have refused a table by a setting that has not arrived
	for ; len(pairs) > 1; pairs = pairs[2:] {
		_ = enc.WriteField(hpack.HeaderField{Name: pairs[0], Value: pairs[1]}) // to memory
	}
	return append(appendHead(b, block.Len(), kindHeaders, flags|flagEndHeaders, streamID), block.Bytes()...)
}

// requestHeaders begin a stream of a method.
func requestHeaders(b []byte, path, scheme, authority string) []byte {
	return appendHeaders(b, 0, ":method", "POST", ":scheme", scheme, ":path", path, ":authority", authority,
		"content-type", "application/grpc", "te", "trailers", "user-agent", "toolbridge-go")
}

func responseHeaders(b []byte) []byte {
	return appendHeaders(b, 0, ":status", "200", "content-type", "application/grpc")
}

// maxStatusText bounds what of a status fits into headers that everybody reads.
const maxStatusText = 4 << 10

// trailers end a stream with the status of an error, nil for none.
func trailers(b []byte, err error) []byte {
	s, known := status.FromError(err)
	if !known {
		s = status.FromContextError(err)
	}
	text := s.Message()
	text = strings.ToValidUTF8(text[:min(len(text), maxStatusText)], "") // the cut may divide a character
	pairs := []string{"grpc-status", strconv.Itoa(int(s.Code())), "grpc-message", escape(text)}
	if p := s.Proto(); len(p.GetDetails()) > 0 {
		if details, err := proto.Marshal(p); err == nil && len(details) <= 2*maxStatusText {
			pairs = append(pairs, "grpc-status-details-bin", base64.RawStdEncoding.EncodeToString(details))
		}
	}
	return appendHeaders(b, flagEndStream, pairs...)
}

// escape writes a text as gRPC's headers do: what is not printable, and '%', in percent.
func escape(text string) string {
	var out strings.Builder
	for i := range len(text) {
		if c := text[i]; c >= ' ' && c <= '~' && c != '%' {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// headerReader reads blocks of headers. Decoders of the two sides stay in step over a connection.
type headerReader struct {
	decoder *hpack.Decoder
	read    fields
}

func newHeaderReader() *headerReader {
	r := &headerReader{}
	r.decoder = hpack.NewDecoder(4<<10, func(f hpack.HeaderField) { r.read[f.Name] = f.Value })
	r.decoder.SetMaxStringLength(maxHeaders)
	return r
}

func (r *headerReader) decode(block []byte) (fields, error) {
	r.read = fields{}
	if _, err := r.decoder.Write(block); err != nil {
		return nil, malformed("headers: %v", err)
	}
	if err := r.decoder.Close(); err != nil {
		return nil, malformed("headers: %v", err)
	}
	return r.read, nil
}

// statusOf is the end of a stream that trailers tell of: io.EOF if all is well.
func statusOf(f fields) error {
	text, given := f["grpc-status"]
	code, err := strconv.ParseUint(text, 10, 32)
	switch {
	case !given || err != nil:
		return broken("the stream ended with status %q, want a number", text)
	case codes.Code(code) == codes.OK:
		return io.EOF
	}
	if details, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(f["grpc-status-details-bin"], "=")); err == nil && len(details) > 0 {
		s := status.New(codes.OK, "").Proto()
		if proto.Unmarshal(details, s) == nil && uint64(uint32(s.GetCode())) == code {
			return status.ErrorProto(s)
		}
	}
	message, err := url.PathUnescape(f["grpc-message"])
	if err != nil {
		message = f["grpc-message"]
	}
	return status.Error(codes.Code(code), message)
}

// responseError is what is wrong with the headers of an answer.
func responseError(f fields) error {
	if code := f[":status"]; code != "200" {
		return broken("the answer's HTTP status is %q, want 200", code)
	}
	if kind := f["content-type"]; !strings.HasPrefix(kind, "application/grpc") {
		return broken("the answer's content type is %q, want application/grpc", kind)
	}
	return nil
}
