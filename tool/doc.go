// Package tool is the vocabulary of Toolbridge: tools, calls, results, sessions, variables, agents and errors as
// plain values, with the rules that hold for them everywhere. It knows no wire format and no transport.
package tool
