package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/grpc-tool-bridge/toolbridge/value"
	"github.com/grpc-tool-bridge/toolbridge/value/frame"
)

// run is the whole program: it parses args, does what they ask and returns the exit code. env reads the environment.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	s := &shell{
		stdin: stdin, stdout: stdout, stderr: stderr, env: env,
		codec: value.New(value.With(frame.Extension())),
		json:  slices.Contains(beforeDashes(args), "--json"), // until the command line is parsed, for its errors
	}
	err := s.dispatch(ctx, args)
	if errors.Is(err, errHelped) {
		return exitOK
	}
	return s.fail(ctx, err)
}

// beforeDashes are the arguments in which flags are looked for.
func beforeDashes(args []string) []string {
	if i := slices.Index(args, "--"); i >= 0 {
		return args[:i]
	}
	return args
}

// dispatch parses the command line and runs its verb.
func (s *shell) dispatch(ctx context.Context, args []string) error {
	grammar := &commands{}
	parser, err := newParser(grammar, s)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	for _, word := range args {
		if !utf8.ValidString(word) {
			return usage("%q is not valid UTF-8: bytes are written as {\"$bytes\": \"<base64>\"}", word)
		}
	}
	valued, err := valuedFlags(parser)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(protectNumbers(args, valued))
	if errors.Is(err, errHelped) {
		return errHelped
	}
	if err != nil {
		return usage("%w", err)
	}
	s.json = grammar.JSON
	if s.records = grammar.Frames == "records"; s.records {
		s.codec = s.codec.Configured(value.TablesAsRows())
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(s, &grammar.common)
}

func newParser(grammar *commands, s *shell) (*kong.Kong, error) {
	return kong.New(
		grammar,
		kong.Name("toolbridge"),
		kong.Description(description),
		kong.Writers(s.stdout, s.stderr),
		kong.NoDefaultHelp(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
	)
}

const description = `A bridge through which programs in different languages offer tools to each other and call them.

Arguments are JSON; a word that is not JSON is a text. name=value passes an argument by name, @FILE reads one from a
file (@- from standard input). Bytes, dates and the like are objects with one $ key: {"$bytes": "aGk="}.

Exit codes: 0 it worked, 1 the tool or the request failed, 2 the command line or the config file is wrong, 3 the bridge
cannot be reached, 4 the time limit passed, 130 interrupted.`

// errHelped says that help was asked for and printed.
var errHelped = errors.New("help was printed")

// helpFlag prints help and ends the parsing.
type helpFlag bool

// BeforeReset is called by the parser as soon as the flag is seen, before anything is missed.
func (helpFlag) BeforeReset(parsed *kong.Context) error {
	if err := parsed.PrintUsage(false); err != nil {
		return err
	}
	return errHelped
}
