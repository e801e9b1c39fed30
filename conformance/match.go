package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// valueMembers hold values: what is expected of them must be equal, member for member and in order. Anywhere else an
// object in an expectation may leave members out.
var valueMembers = map[string]bool{"value": true, "values": true, "exception": true, "default": true}

// Match says where a document differs from what is expected, "" where it does not.
func Match(want, got any) string { return match("$", want, got, false) }

func match(at string, want, got any, exact bool) string {
	if object, is := want.(Object); is {
		if len(object) == 1 && strings.HasPrefix(object[0].Name, "?") {
			return matchRule(at, object[0], got, exact)
		}
		return matchObject(at, object, got, exact)
	}
	if list, is := want.([]any); is {
		return matchList(at, list, got, exact)
	}
	if want != got {
		return fmt.Sprintf("%s is %s, want %s", at, shown(got), shown(want))
	}
	return ""
}

func matchObject(at string, want Object, got any, exact bool) string {
	object, is := got.(Object)
	if !is {
		return fmt.Sprintf("%s is %s, want an object with %s", at, shown(got), shown(want))
	}
	if exact && len(object) != len(want) {
		return fmt.Sprintf("%s is %s, want %s", at, shown(got), shown(want))
	}
	for i, m := range want {
		inner := at + "." + m.Name
		if exact && object[i].Name != m.Name {
			return fmt.Sprintf("%s has member %q at place %d, want %q", at, object[i].Name, i, m.Name)
		}
		if rule, is := m.Value.(Object); is && len(rule) == 1 && rule[0].Name == "?absent" {
			if object.Has(m.Name) {
				return fmt.Sprintf("%s is there: %s", inner, shown(object.Get(m.Name)))
			}
			continue
		}
		if !object.Has(m.Name) {
			return fmt.Sprintf("%s is missing in %s", inner, shown(got))
		}
		if wrong := match(inner, m.Value, object.Get(m.Name), exact || valueMembers[m.Name]); wrong != "" {
			return wrong
		}
	}
	return ""
}

func matchList(at string, want []any, got any, exact bool) string {
	list, is := got.([]any)
	if !is || len(list) != len(want) {
		return fmt.Sprintf("%s is %s, want %s", at, shown(got), shown(want))
	}
	for i := range want {
		if wrong := match(fmt.Sprintf("%s[%d]", at, i), want[i], list[i], exact); wrong != "" {
			return wrong
		}
	}
	return ""
}

func matchRule(at string, rule Member, got any, exact bool) string {
	ok, err := false, error(nil)
	switch rule.Name {
	case "?any":
		ok = true
	case "?re":
		ok, err = matchesText(rule.Value, got)
	case "?above":
		ok, err = isAbove(rule.Value, got)
	case "?len":
		n, wrong := number(rule.Value)
		ok, err = length(got) == n, wrong
	case "?not":
		ok = match(at, rule.Value, got, exact) != ""
	case "?has":
		return matchSome(at, rule.Value, got, exact)
	case "?lacks":
		ok = matchSome(at, rule.Value, got, exact) != ""
	case "?one_of":
		for _, choice := range items(rule.Value) {
			ok = ok || match(at, choice, got, exact) == ""
		}
	default:
		err = fmt.Errorf("there is no rule %q", rule.Name)
	}
	if err != nil {
		return fmt.Sprintf("%s: %s", at, err)
	}
	if !ok {
		return fmt.Sprintf("%s is %s, want %s", at, shown(got), shown(Object{rule}))
	}
	return ""
}

// matchSome wants each item somewhere in a list, in their order.
func matchSome(at string, want, got any, exact bool) string {
	list := items(got)
	for _, item := range items(want) {
		for len(list) > 0 && match(at, item, list[0], exact) != "" {
			list = list[1:]
		}
		if len(list) == 0 {
			return fmt.Sprintf("%s is %s: %s is not in it, or not in this order", at, shown(got), shown(item))
		}
		list = list[1:]
	}
	return ""
}

func items(of any) []any {
	list, is := of.([]any)
	if !is {
		return []any{of}
	}
	return list
}

func matchesText(pattern, got any) (bool, error) {
	compiled, err := regexp.Compile(fmt.Sprint(pattern))
	if err != nil {
		return false, fmt.Errorf("the rule ?re: %w", err)
	}
	text, is := got.(string)
	return is && compiled.MatchString(text), nil
}

func isAbove(limit, got any) (bool, error) {
	low, is := limit.(json.Number)
	if !is {
		return false, fmt.Errorf("the rule ?above wants a number, not %v", limit)
	}
	least, err := low.Float64()
	if err != nil {
		return false, fmt.Errorf("the rule ?above: %w", err)
	}
	n, is := got.(json.Number)
	have, wrong := n.Float64()
	return is && wrong == nil && have > least, nil
}

func length(of any) int {
	switch o := of.(type) {
	case string:
		return utf8.RuneCountInString(o)
	case []any:
		return len(o)
	case Object:
		return len(o)
	default:
		return -1
	}
}

// maxShown is how much of a document a message shows, in bytes.
const maxShown = 600

func shown(document any) string {
	text, err := Marshal(document)
	if err != nil {
		return fmt.Sprint(document)
	}
	if len(text) > maxShown {
		return fmt.Sprintf("%s… (%d bytes)", text[:maxShown], len(text))
	}
	return string(text)
}
