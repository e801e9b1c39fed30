package tool

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxNameBytes is the length limit of a name of a session, tool, variable or agent.
const MaxNameBytes = 256

// shownNameBytes is how much of a bad name an error shows.
const shownNameBytes = 64

// CheckName checks the name of a session, tool, variable or agent: 1 to 256 bytes of UTF-8 in NFC, no control
// characters. The argument what says what is named, such as "session id". It returns nil or a ValidationError that
// names the thing, the value and the rule, with details "field" and "limit".
func CheckName(what, name string) *Error {
	switch {
	case name != "" && len(name) <= MaxNameBytes && isPrintableASCII(name): // nearly every name: it needs no tables
		return nil
	case name == "":
		return badName(what, name, "is empty", "a name has 1 to 256 bytes")
	case len(name) > MaxNameBytes:
		return badName(what, name, "is too long ("+strconv.Itoa(len(name))+" bytes)", "a name has 1 to 256 bytes")
	case !utf8.ValidString(name):
		return badName(what, name, "is not valid UTF-8", "a name is UTF-8 text")
	case hasControl(name):
		return badName(what, name, "contains a control character", "a name has no control characters")
	case !norm.NFC.IsNormalString(name):
		return badName(what, name, "is not in Unicode's NFC form", "normalize the name to NFC before sending it")
	default:
		return nil
	}
}

func badName(what, name, wrong, rule string) *Error {
	return Errorf(ValidationError, "%s %s %s: %s", what, shown(name), wrong, rule).
		With("field", what).With("limit", strconv.Itoa(MaxNameBytes))
}

func isPrintableASCII(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return false
		}
	}
	return true
}

func hasControl(name string) bool {
	for _, r := range name {
		if unicode.IsControl(r) {
			return true
		}
	}
	return false
}

// shown quotes a name in ASCII, shortened at the boundary of a character.
func shown(name string) string {
	if len(name) <= shownNameBytes {
		return strconv.QuoteToASCII(name)
	}
	cut := shownNameBytes
	for cut > shownNameBytes-utf8.UTFMax && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strconv.QuoteToASCII(name[:cut]) + "…"
}
