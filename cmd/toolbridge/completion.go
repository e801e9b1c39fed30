package main

import (
	"context"
	_ "embed" // for the scripts
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/grpc-tool-bridge/toolbridge"
)

//go:embed completion/toolbridge.bash
var bashScript string

//go:embed completion/toolbridge.zsh
var zshScript string

//go:embed completion/toolbridge.fish
var fishScript string

type completionVerb struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the script of a shell.
func (v *completionVerb) Run(s *shell) error {
	script := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[v.Shell]
	return s.line("%s", strings.TrimRight(script, "\n"))
}

type candidatesVerb struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"The words so far, the last of them unfinished."`
}

// candidatePatience is how long a bridge is waited for while somebody waits at a prompt.
const candidatePatience = 500 * time.Millisecond

// Run prints what may stand in place of the last word, one a line.
func (v *candidatesVerb) Run(ctx context.Context, s *shell, common *common) error {
	words, unfinished := v.Words, ""
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if n := len(words); n > 0 {
		unfinished, words = words[n-1], words[:n-1]
	}
	for _, candidate := range v.candidates(ctx, s, common, words, unfinished) {
		if strings.HasPrefix(candidate, unfinished) {
			if err := s.line("%s", candidate); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *candidatesVerb) candidates(ctx context.Context, s *shell, common *common, words []string, unfinished string) []string {
	parser, err := newParser(&commands{}, s)
	if err != nil {
		return nil
	}
	node := parser.Model.Node
	var verbs []string
	for _, word := range words {
		if child := childOf(node, word); child != nil {
			node, verbs = child, append(verbs, word)
		}
	}
	if strings.HasPrefix(unfinished, "-") {
		return flagsOf(node)
	}
	if len(verbs) == 1 && slices.Contains([]string{"bench", "call", "stream", "tools"}, verbs[0]) && words[len(words)-1] == verbs[0] {
		return toolCandidates(ctx, s, common)
	}
	if len(verbs) == 2 && verbs[0] == "calls" {
		switch verbs[1] {
		case "cancel":
			return callCandidates(ctx, s, common, toolbridge.CallRunning, toolbridge.CallQueued)
		case "show":
			return callCandidates(ctx, s, common, "")
		}
	}
	var names []string
	for _, child := range node.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			names = append(names, child.Name)
		}
	}
	return append(names, choicesOf(node)...)
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Type == kong.CommandNode && child.Name == name && !child.Hidden {
			return child
		}
	}
	return nil
}

// flagsOf lists the flags that may stand behind a verb.
func flagsOf(node *kong.Node) []string {
	var names []string
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			names = append(names, "--"+flag.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// choicesOf lists what the first argument of a verb may be, where that is a closed list.
func choicesOf(node *kong.Node) []string {
	if len(node.Positional) == 0 || node.Positional[0].Enum == "" {
		return nil
	}
	return strings.Split(node.Positional[0].Enum, ",")
}

// toolCandidates asks the bridge for its tools, if it is there.
func toolCandidates(ctx context.Context, s *shell, common *common) []string {
	patient := *common
	patient.Timeout = candidatePatience
	var names []string
	err := patient.withSession(ctx, s, func(ctx context.Context, session *toolbridge.Session) error {
		tools, err := session.Tools(ctx)
		for _, t := range tools {
			names = append(names, t.Name())
		}
		return err
	})
	if err != nil {
		return nil // whoever waits at a prompt must not read an error
	}
	return names
}
