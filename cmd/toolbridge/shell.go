package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// shell is what surrounds the program: where it reads and writes, and how. One goroutine uses it at a time.
type shell struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	// codec encodes and decodes values, tables too.
	codec *value.Codec
	// json says that everything is printed for programs.
	json bool
	// records says that tables are printed as JSON too, as their rows.
	records bool
}

// quiet is the log of the SDK: what it has to say comes back as errors.
func (s *shell) quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// document prints one JSON document in one line.
func (s *shell) document(v any) error {
	encoder := json.NewEncoder(s.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// line prints a line for people.
func (s *shell) line(format string, args ...any) error {
	_, err := fmt.Fprintf(s.stdout, format+"\n", args...)
	return err
}

// form is an encoded value in a JSON document, as its JSON form.
type form struct {
	value tool.Value
	shell *shell
}

// MarshalJSON implements json.Marshaler.
func (f form) MarshalJSON() ([]byte, error) {
	if f.value.IsZero() {
		return []byte("null"), nil
	}
	return f.shell.codec.ToJSON(f.value)
}

// terminal reports whether a person sees what is written.
func terminal(w any) bool {
	file, is := w.(*os.File)
	if !is {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// printable takes the control characters out of a text that others have made, so that it cannot drive a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r == unicode.ReplacementChar {
			return '\uFFFD'
		}
		return r
	}, text)
}

// inline makes one line of a text.
func inline(text string) string { return strings.Join(strings.Fields(printable(text)), " ") }

func quoted(text string) string { return strconv.Quote(strings.TrimPrefix(text, protection)) }

// moment writes a time for people.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

// timestamp writes a time for programs; none is null.
func timestamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC3339Nano)
	return &text
}

// orDash shows that there is nothing.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
