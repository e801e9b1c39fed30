package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/grpc-tool-bridge/toolbridge"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// maxFileBytes is how much of a file is read for an argument: no value of that size in JSON could be sent.
const maxFileBytes = 64 << 20

// named matches an argument that is passed by name.
func named(word string) (name, text string, is bool) {
	name, text, found := strings.Cut(word, "=")
	return name, text, found && regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_.-]*$`).MatchString(name)
}

// arguments reads the words of a call.
func (s *shell) arguments(words []string) ([]any, error) {
	var positional []any
	keywords := toolbridge.Kw{}
	for _, word := range words {
		name, text, is := named(word)
		if !is {
			v, err := s.value(word, "argument "+quoted(word))
			if err != nil {
				return nil, err
			}
			positional = append(positional, v)
			continue
		}
		if _, twice := keywords[name]; twice {
			return nil, usage("argument %q is given twice", name)
		}
		v, err := s.value(text, "argument "+quoted(name))
		if err != nil {
			return nil, err
		}
		keywords[name] = v
	}
	if len(keywords) == 0 {
		return positional, nil
	}
	return append(positional, keywords), nil
}

// value reads one value: JSON, a bare word, or @ and the name of a file that holds JSON.
func (s *shell) value(word, what string) (tool.Value, error) {
	word = strings.TrimPrefix(word, protection)
	path, fromFile := strings.CutPrefix(word, "@")
	if !fromFile {
		return s.parse([]byte(word), what)
	}
	text, err := s.read(path)
	if err != nil {
		return tool.Value{}, usage("%s: %w", what, err)
	}
	if !json.Valid(text) {
		return tool.Value{}, noJSON("%s: %s does not hold JSON", what, path)
	}
	return s.parse(text, what+", from "+path)
}

// parse reads JSON, and takes a word that was not meant to be JSON for a text.
func (s *shell) parse(text []byte, what string) (tool.Value, error) {
	if json.Valid(text) {
		v, err := s.codec.FromJSON(text)
		return v, unencodable(what, err)
	}
	if len(text) > 0 && strings.ContainsRune(`{["`, rune(text[0])) {
		return tool.Value{}, noJSON("%s begins like JSON but is none; a text that begins so stands in quotes: '\"…\"'", what)
	}
	v, err := s.codec.Encode(string(text))
	return v, unencodable(what, err)
}

func noJSON(format string, args ...any) error {
	err := tool.Errorf(tool.SerializationError, format, args...).With("path", "$").With("expected", "JSON")
	return &ownError{err.Code, exitUsage, err}
}

// unencodable says which argument cannot be encoded. One that is too large is well written, so that the command line is
// not wrong.
func unencodable(what string, err error) error {
	code := tool.CodeOf(err)
	if code == "" {
		return nil
	}
	named := tool.Errorf(code, "%s: %s", what, messageOf(err))
	var known *tool.Error
	if errors.As(err, &known) {
		named.Details = known.Details
	}
	if code == tool.MessageTooLarge {
		return named
	}
	return &ownError{code, exitUsage, named}
}

func (s *shell) read(path string) ([]byte, error) {
	if path == "-" {
		return readAtMost(s.stdin, "standard input")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return readAtMost(f, path)
}

func readAtMost(r io.Reader, what string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err == nil && len(text) > maxFileBytes {
		return nil, usage("%s has more than %d MiB", what, maxFileBytes>>20)
	}
	return text, err
}

// protection stands before a negative number, so that the parser does not take it for a flag. It is white space in JSON.
const protection = " "

// protectNumbers marks the words that are negative numbers; behind a flag that has a value, they are that value. valued has the long
// form of each such flag.
func protectNumbers(args []string, valued map[string]string) []string {
	out := make([]string, 0, len(args))
	flags := true
	for i, word := range args {
		flags = flags && word != "--"
		if flags && strings.HasPrefix(word, "-") && json.Valid([]byte(word)) {
			if flag, has := valued[args[max(i-1, 0)]]; has {
				out[len(out)-1] = flag + "=" + word
				continue
			}
			word = protection + word
		}
		out = append(out, word)
	}
	return out
}

// valuedFlags finds the flags that have a value: their long form by each of their forms.
func valuedFlags(parser *kong.Kong) (map[string]string, error) {
	valued := map[string]string{}
	err := kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, is := node.(*kong.Flag); is && !flag.IsBool() {
			valued["--"+flag.Name] = "--" + flag.Name
			if flag.Short != 0 {
				valued["-"+string(flag.Short)] = "--" + flag.Name
			}
		}
		return next(nil)
	})
	return valued, err
}
