package value

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The path of an error is the same in every SDK, see docs/values.md: "$" is the whole value; ".name" leads to what a dict, a
// record or an object of the JSON form has under a text, `["a b"]` under one that is no name, and [{"$date":"2024-05-06"}] under
// any other key, in its JSON form; [3] to an item, of a set too; [key 3] to the fourth key itself; ".value" into a member of an
// enumeration.

func (f *failure) path() string {
	var b strings.Builder
	b.WriteByte('$')
	for i := len(f.steps) - 1; i >= 0; i-- {
		b.WriteString(f.steps[i])
	}
	return b.String()
}

// in adds a step of the path; it may be called on nil.
func (f *failure) in(step string) *failure {
	if f != nil {
		f.steps = append(f.steps, step)
	}
	return f
}

// index adds the step to an item.
func (f *failure) index(i int) *failure {
	if f != nil {
		f.steps = append(f.steps, "["+strconv.Itoa(i)+"]")
	}
	return f
}

// key adds the step to a key itself.
func (f *failure) key(i int) *failure {
	if f != nil {
		f.steps = append(f.steps, "[key "+strconv.Itoa(i)+"]")
	}
	return f
}

// field adds the step to a dict's value or a field.
func (f *failure) field(name string) *failure {
	if f != nil {
		f.steps = append(f.steps, fieldStep(name))
	}
	return f
}

// fieldStep is the step to what stands under a text.
func fieldStep(name string) string {
	if isName(name) {
		return "." + name
	}
	return "[" + shownStep(appendText(nil, name), name) + "]"
}

func isName(text string) bool {
	if text == "" || len(text) > shownBytes {
		return false
	}
	for i, r := range text {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return true
}

// shownStep is a quoted text, the beginning of it if the text is long.
func shownStep(quoted []byte, text string) string {
	if len(text) <= shownBytes {
		return string(quoted)
	}
	return string(appendText(nil, beginning(text))) + "…"
}

// beginning is what of a text is shown, in whole characters.
func beginning(text string) string {
	end := min(len(text), shownBytes)
	for end > 0 && end < len(text) && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// Step is the step of a path to what a dict has under a key; see docs/values.md.
func Step(key any) string { return keyStep(key) }

// keyStep is the step to a dict's value.
func keyStep(key any) string {
	if s, ok := key.(string); ok {
		return fieldStep(s)
	}
	text, err := EncodeJSON(key)
	if err != nil {
		return "[a " + typeName(key) + "]"
	}
	if len(text) > shownBytes {
		return "[" + beginning(string(text)) + "…]"
	}
	return "[" + string(text) + "]"
}
